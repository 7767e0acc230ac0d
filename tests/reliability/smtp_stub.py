"""A real SMTP server on the loopback address that can be told to misbehave, and remembers what it took.

A recipient's mode is decided when the recipient is named, so that one message keeps its fate however often it comes.
"""

# ruff: noqa: N802  aiosmtpd calls its hooks by the names of the commands

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

TAKE = "250"
BUSY_RCPT = "451"
CLOSING = "421"
UNKNOWN = "550"
BUSY_DATA = "451 after the message"
REFUSE_DATA = "554 after the message"
REPLY_LOST = "reply lost"
DROP_AT_DATA = "gone at DATA"
NO_SENDER = "550 of the sender"
SLOW = "slow"
HELD = "held back"


class Stub:
    """What arrived (`taken`, by Message-ID) and how to answer (`mode`, asked for each recipient)."""

    def __init__(self) -> None:
        self.mode: Callable[[str], str] = lambda recipient: TAKE
        self.slow_seconds = 0.0
        self.let_go = threading.Event()
        self.taken: list[str] = []
        self.messages: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.lost_replies = 0
        self.connections = 0
        self.commands: Counter[str] = Counter()
        self._lock = threading.Lock()

    async def handle_EHLO(self, server: SMTP, session: Any, envelope: Any, hostname: str, responses: list[str]) -> Any:
        with self._lock:
            self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        self.commands["MAIL"] += 1
        if self.mode("") == NO_SENDER:
            return "550 we do not know you"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        self.commands["RCPT"] += 1
        mode = self.mode(address)
        if mode in (BUSY_RCPT, CLOSING, UNKNOWN):
            return f"{mode} not now"
        envelope.rcpt_tos.append(address)
        self.recipients.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        mode = self.mode(envelope.rcpt_tos[0])
        if mode in (BUSY_DATA, REFUSE_DATA):
            return f"{mode[:3]} not this one"
        message = message_from_bytes(envelope.content, policy=policy.default)
        with self._lock:
            self.taken.append(str(message["Message-ID"]))
            self.messages.append(message)
        if mode == REPLY_LOST:
            self.lost_replies += 1
            server.transport.abort()
        if mode == SLOW:
            await asyncio.sleep(self.slow_seconds)
        while mode == HELD and not self.let_go.is_set():
            await asyncio.sleep(0.02)
        return "250 taken"


class _Server(SMTP):
    """Drops the line at DATA if told to."""

    async def smtp_DATA(self, arg: str) -> None:
        if self.envelope.rcpt_tos and self.event_handler.mode(self.envelope.rcpt_tos[0]) == DROP_AT_DATA:
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


class _Controller(Controller):
    def factory(self) -> SMTP:
        return _Server(self.handler, hostname="stub", loop=self.loop)


@contextmanager
def running(port: int = 0) -> Iterator[tuple[Stub, int]]:
    """The stub and its port, for as long as the block lasts."""
    stub = Stub()
    controller = _Controller(stub, hostname="127.0.0.1", port=port or free_port())
    controller.start()
    try:
        yield stub, controller.port
    finally:
        controller.stop()


def free_port() -> int:
    """A port nobody uses at this moment."""
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_until(true: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Whether it becomes true within so many seconds: many, since only a failure waits that long."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if true():
            return True
        time.sleep(0.02)
    return true()
