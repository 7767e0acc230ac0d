"""How gunicorn serves here: what it is told beside its command line."""

import socket
import struct
from typing import Any

SILENCE = 10
"""Seconds a client may say nothing in the middle of a request before its line is cut."""


def when_ready(server: Any) -> None:
    """A thread that reads a request waits for the client. Connections inherit this limit from the socket they came by.

    It ends who falls silent, not who sends a byte now and then: for that a proxy stands in front (docs/operations.md).
    """
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", SILENCE, 0))
