"""The local mail catcher: `python -m launch.mail MAILDIR PORT` accepts mail on the loopback address and keeps it.

Imports aiosmtpd: it runs inside `.venv`, as a process of its own.
"""

import asyncio
import signal
import sys
from pathlib import Path

from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import SMTP

LARGEST = 10_000_000  # bytes of one message


async def serve(maildir: Path, port: int) -> None:
    """Serve until asked to stop."""
    loop = asyncio.get_running_loop()
    asked_to_stop = asyncio.Event()
    for asking in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(asking, asked_to_stop.set)
    # The folder itself is made before us, with its owner; a maildir made by Python lacks its three when it is there.
    for folder in ("tmp", "new", "cur"):
        (maildir / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = Mailbox(maildir)

    def connection() -> SMTP:
        return SMTP(handler, data_size_limit=LARGEST, hostname="localhost", ident="LDN Clinic mail catcher", loop=loop)

    server = await loop.create_server(connection, "127.0.0.1", port)
    await asked_to_stop.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
