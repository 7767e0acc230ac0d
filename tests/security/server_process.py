"""The web server as it runs in earnest, on this test's database: started as `./clinic run` starts it."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from launch.places import ROOT
from launch.running import web_command
from launch.servers import free_port
from tests import workers

START = 300


@contextmanager
def running(folder: Path, **environment: str) -> Iterator[int]:
    """The port of a server with its collected files in `folder`; it is gone when the block ends."""
    port = free_port()
    env = {
        **os.environ,
        "DATABASE_URL": workers.on(os.environ["DATABASE_URL"], connection.settings_dict["NAME"]),
        "DATABASE_OWNER_URL": "",
        "STATIC_ROOT": str(folder / "static"),
        "CLINIC_STATE_DIR": str(folder),
        **environment,
    }
    if not (folder / "static").exists():
        collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v", "0"]
        subprocess.run(collect, cwd=ROOT, env=env, check=True, capture_output=True)
    process = subprocess.Popen(
        [sys.executable, "-m", *web_command(port)], cwd=ROOT, env=env, start_new_session=True, stderr=subprocess.DEVNULL
    )
    try:
        _wait(port, process)
        yield port
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + START
    while time.monotonic() < end:
        assert process.poll() is None, "the server ended"
        try:
            ask(port, "GET", "/healthz/live")
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server did not answer")


def ask(
    port: int, method: str, path: str, body: bytes | None = None, timeout: float = 30, **headers: str
) -> http.client.HTTPResponse:
    """One request and its answer, read whole."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": "localhost", "Connection": "close", **headers}.items():
            connection.putheader(name.replace("_", "-"), value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        answer.text = answer.read().decode("utf-8", "replace")  # type: ignore[attr-defined]
        return answer
    finally:
        connection.close()


def raw(port: int, words: bytes, wait: float = 5) -> bytes:
    """What the server says to exactly these bytes; empty where it only hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as line:
        line.sendall(words)
        said = b""
        try:
            while chunk := line.recv(65536):
                said += chunk
        except (TimeoutError, ConnectionResetError):
            pass
        return said
