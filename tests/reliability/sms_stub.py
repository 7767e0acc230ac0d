"""A text-message gateway on the loopback address that can be told to misbehave, and remembers what it was asked."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TAKE, BUSY, FULL, REFUSE, FAULT, SILENT = 202, 503, 429, 400, 500, 0


class Gateway:
    """What arrived, and how to answer (`mode`, asked with the telephone)."""

    def __init__(self) -> None:
        self.mode: Callable[[str], int] = lambda to: TAKE
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []


@contextmanager
def running() -> Iterator[tuple[Gateway, str]]:
    """The gateway and its address, for as long as the block lasts."""
    gateway = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            gateway.asked.append(body)
            gateway.headers.append(dict(self.headers))
            status = gateway.mode(body["to"])
            if status == SILENT:
                self.connection.close()
                return
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield gateway, f"http://127.0.0.1:{server.server_address[1]}/messages"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
