"""Our own Postgres, Valkey and mail catcher: on the loopback address only, each on a free port."""

import abc
import errno
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from launch import binaries, database
from launch.failure import Failure
from launch.identity import Identity
from launch.places import PYTHON, ROOT
from launch.supervise import Household, Program, Running

LOOPBACK = "127.0.0.1"  # never a name: a bare machine has no /etc/hosts
ATTEMPTS = 3  # a free port can be taken between being found and being used

# Statements and details would carry patients' data into the log; refusals are the application's to report.
QUIET = {
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_line_prefix": "",
}
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Server(abc.ABC):
    """A server of ours: `start` returns when it answers."""

    log: Path | None = None

    def __init__(self) -> None:
        self.port = 0
        self.running: Running | None = None

    @abc.abstractmethod
    def program(self) -> Program:
        """What to start, on `self.port`."""

    @abc.abstractmethod
    def answers(self) -> bool:
        """One question to the server: does it serve?"""

    def start(self, household: Household, port: int = 0) -> None:
        """Start on `port`, else on a free one; another free one is tried when it was taken in between."""
        for _ in range(1 if port else ATTEMPTS):
            self.port = port or free_port()
            running = self.running = household.start(self.program())
            if self._comes_up(running):
                return
            running.stop()
            household.forget(running)
        raise Failure(f"{running.program.name} did not start: {_reason(running.said())}.")

    def _comes_up(self, running: Running, seconds: float = 60) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end and running.is_alive():
            if self.answers():
                return running.is_alive()
            time.sleep(0.03)
        return False


class Postgres(Server):
    """A Postgres server in a folder of its own. `durable=False` trades safety for speed: for throw-away data only."""

    def __init__(
        self, folder: Path, password: str, account: Identity, *, durable: bool = True, log: Path | None = None
    ) -> None:
        super().__init__()
        self.account, self.password, self.durable, self.log = account, password, durable, log
        self.programs = binaries.postgres(account)
        self.version = binaries.version(self.programs / "postgres")
        self.data = folder / f"postgres-{self.version.split('.')[0]}"  # data belong to one major version

    def url(self, base: str = "postgres") -> str:
        """The superuser's address of a database on this server."""
        return database.address(database.SUPERUSER, self.password, self.port, base)

    def answers(self) -> bool:
        """True when the superuser can sign in; only tried once the server says so itself, or it would log a refusal."""
        try:
            said = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(said) > 7 and said[7].strip() == "ready" and database.answers(self.url())

    def start(self, household: Household, port: int = 0) -> None:
        """Make the data folder when there is none, then start."""
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        super().start(household, port)

    def program(self) -> Program:
        """Postgres on the loopback address only."""
        settings = {
            "listen_addresses": LOOPBACK,
            "unix_socket_directories": "",
            "max_connections": "100",
            "password_encryption": "scram-sha-256",
            "timezone": "UTC",
            **QUIET,
            **({} if self.durable else FORGETFUL),
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(self.programs / "postgres"), "-D", str(self.data), "-p", str(self.port), *options]
        # SIGINT is Postgres's "fast": sessions are ended, data is written.
        return Program(
            "postgres", command, binaries.MINIMAL_ENV, self.account, stop_signal=signal.SIGINT, grace=30, log=self.log
        )

    def _initialise(self) -> None:
        """`initdb` beside the data folder, then one rename: a start that was cut off leaves nothing half made."""
        half = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(half, ignore_errors=True)
        reading, writing = os.pipe()
        os.write(writing, self.password.encode() + b"\n")
        os.close(writing)
        if os.geteuid() == 0:
            os.fchown(reading, self.account.uid, self.account.gid)
        command = [
            str(self.programs / "initdb"),
            "-D",
            str(half),
            "-U",
            database.SUPERUSER,
            "-E",
            "UTF8",
            *self._locale(),
        ]
        command += ["--data-checksums", "--auth=scram-sha-256", f"--pwfile=/dev/fd/{reading}"]
        command += [] if self.durable else ["--no-sync"]
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            cwd="/",
            env=binaries.MINIMAL_ENV,
            pass_fds=[reading],
            **self.account.popen_arguments(),
        )
        os.close(reading)
        if done.returncode:
            shutil.rmtree(half, ignore_errors=True)
            raise Failure(f"Postgres could not make its data folder {self.data}: {_reason(done.stderr)}.")
        half.rename(self.data)

    def _locale(self) -> list[str]:
        """Names sort by a stored key, so the locale only has to know letters; it must not depend on the machine."""
        if int(self.version.split(".")[0]) >= 17:
            return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        return ["--locale=C.UTF-8"]


class Valkey(Server):
    """A Valkey (or Redis) server; what is queued survives a crash but for the last second (AOF, everysec)."""

    def __init__(
        self, folder: Path, password: str, account: Identity, *, durable: bool = True, log: Path | None = None
    ) -> None:
        super().__init__()
        self.folder, self.password, self.account, self.durable, self.log = folder, password, account, durable, log
        self.binary = binaries.valkey(account)
        self.version = binaries.version(self.binary)

    def url(self) -> str:
        """The broker's address."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    def answers(self) -> bool:
        """True when it answers a ping, that is when it has read its file."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=2) as link:
                link.sendall(f"AUTH {self.password}\r\nPING\r\nQUIT\r\n".encode())
                return b"+PONG" in b"".join(iter(lambda: link.recv(4096), b""))
        except OSError:
            return False

    def program(self) -> Program:
        """Valkey on the loopback address only. Its settings go in by standard input: arguments are public."""
        settings = [
            f"bind {LOOPBACK}",
            f"port {self.port}",
            f"requirepass {self.password}",
            f'dir "{self.folder}"',
            f"appendonly {'yes' if self.durable else 'no'}",
            "appendfsync everysec",
            'save ""',
            "maxmemory-policy noeviction",
            "loglevel warning",
        ]
        text = "\n".join(settings) + "\n"
        return Program("valkey", [self.binary, "-"], binaries.MINIMAL_ENV, self.account, given_input=text, log=self.log)


class MailCatcher(Server):
    """Accepts every mail and keeps it in a Maildir; nothing leaves the machine."""

    def __init__(self, mailbox: Path, account: Identity, *, log: Path | None = None) -> None:
        super().__init__()
        self.mailbox, self.account, self.log = mailbox, account, log

    def answers(self) -> bool:
        """True when it greets."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=2) as link:
                return link.recv(64).startswith(b"220")
        except OSError:
            return False

    def program(self) -> Program:
        """`launch.mail` in a process of its own."""
        command = [str(PYTHON), "-m", "launch.mail", str(self.mailbox), str(self.port)]
        env = {**binaries.MINIMAL_ENV, "PYTHONPATH": str(ROOT)}
        return Program("mail", command, env, self.account, cwd=ROOT, grace=5, log=self.log)


def free_port() -> int:
    """A port of the loopback address that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """True when a server could listen on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _reason(said: str) -> str:
    """The line of a server's complaint that names the cause."""
    if os.strerror(errno.ENOSPC) in said:
        return "the disk is full"
    for mark in ("PANIC: ", "FATAL: ", "error: ", "could not "):
        for line in said.splitlines():
            if mark in line:
                return (mark if mark == "could not " else "") + line.partition(mark)[2].strip().rstrip(".")
    return (said.strip().splitlines() or ["it gave no reason"])[-1]
