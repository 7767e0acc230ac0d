"""The servers of a run, and the environment that each kind of process gets.

Two kinds: the lasting one of this clone (`run`, `manage`) and a throw-away one (`test`, `check`, `bench`), which has a
folder and ports of its own, so that any number can run side by side.
"""

import contextlib
import fcntl
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from launch import broker, database, identity, settings
from launch.database import Addresses
from launch.failure import Failure
from launch.places import ROOT, SHARED, state_folder
from launch.servers import MailCatcher, Postgres, Valkey
from launch.settings import Given
from launch.state import LEAST_SPACE, Record, State
from launch.supervise import Household, say

THROW_AWAY = "ldn-clinic-"
JUST_MADE = 60  # seconds in which another run may not hold its lock yet
NOWHERE = 9  # the discard port: a test that forgets to catch its mail gets an error, not a delivery


@dataclass(frozen=True)
class Stack:
    """Running servers and where they are."""

    record: Record
    folder: Path

    def environment(self) -> dict[str, str]:
        """What a process of the application gets: the narrow role, and no word of the owner."""
        hosts = {"localhost", "127.0.0.1", urlsplit(self.record.base_url).hostname or "localhost"}
        record = self.record
        return {
            **settings.passed_on(os.environ, own_mail=self.record.own_mail),
            "DATABASE_URL": record.application_url,
            "BROKER_URL": record.broker_url,
            **record.credentials,
            "CLINIC_STATE_DIR": str(self.folder),
            "STATIC_ROOT": str(self.folder / "static"),
            "CLINIC_DEMO": self.demo(),
            "CLINIC_BASE_URL": record.base_url,
            "ALLOWED_HOSTS": os.environ.get("ALLOWED_HOSTS") or ",".join(sorted(hosts)),
            "EMAIL_HOST": record.mail_host,
            "EMAIL_PORT": str(record.mail_port),
        }

    def worker_environment(self) -> dict[str, str]:
        """What a worker gets: its own role, and the one that reads what leaves in an export."""
        record = self.record
        return {
            **self.environment(),
            "DATABASE_URL": record.worker_url,
            "DATABASE_EXPORT_URL": record.export_url,
            "CLINIC_WORKER": "1",
        }

    def demo(self) -> str:
        """Demo mode as the application is told of it: on a given database in the words that were said."""
        if not self.record.demo:
            return "0"
        return "1" if self.record.own_database else settings.YES_ON_THIS_DATABASE

    def owner_environment(self) -> dict[str, str]:
        """What a migration gets: it signs in as the owner."""
        owner = self.record.owner_url
        return {**self.environment(), "DATABASE_URL": owner, "DATABASE_OWNER_URL": owner}

    def test_environment(self) -> dict[str, str]:
        """What the tests get: the application signs in as itself, and the others' addresses stand beside it."""
        record = self.record
        return {
            **self.environment(),
            "DATABASE_OWNER_URL": record.owner_url,
            "DATABASE_WORKER_URL": record.worker_url,
            "DATABASE_EXPORT_URL": record.export_url,
            "DATABASE_BACKUP_URL": record.backup_url,
        }


def check_shared_memory() -> None:
    """Without /dev/shm a Celery worker ends without a word."""
    place = "/dev/shm"  # noqa: S108 (a mount point, not a temporary file)
    if sys.platform == "linux" and not os.access(place, os.W_OK):
        raise Failure(
            f"{place} is missing or cannot be written, and the worker cannot share memory without it. As root: "
            f"mkdir -p -m 1777 {place} && mount -t tmpfs tmpfs {place}"
        )


def state_of(given: Given) -> State:
    """The lasting state of this clone."""
    is_root = os.geteuid() == 0
    reachable = not is_root or identity.service().may("-x", ROOT)
    return State(state_folder(given.state_folder, is_root=is_root, project_is_reachable=reachable))


def start(given: Given, state: State, household: Household, *, with_mail: bool = True) -> tuple[Stack, list[str]]:
    """Start the lasting servers; returns them and a line about each that says what it is."""
    secrets = state.secrets()
    lines: list[str] = []
    addresses = _start_database(given, state, household, secrets, lines)
    broker_url = _start_broker(given, state, household, secrets, lines)
    mail_host, mail_port = given.mail_host or "127.0.0.1", given.mail_port
    if given.mail_host:
        lines.append(f"mail       {given.mail_host}:{given.mail_port}, as given in EMAIL_HOST")
    elif with_mail:
        catcher = MailCatcher(state.folder / "mailbox", identity.application())
        catcher.start(household)
        mail_port = catcher.port
        where = (
            "read it in the browser" if given.demo else "EMAIL_HOST is not set: mail is kept here and reaches nobody"
        )
        lines.append(f"mail       caught on 127.0.0.1:{mail_port}; {where}")
    else:
        mail_port = NOWHERE
    record = Record(
        application_url=addresses.application,
        worker_url=addresses.worker,
        export_url=addresses.export,
        backup_url=addresses.backup,
        owner_url=addresses.owner,
        broker_url=broker_url,
        mail_host=mail_host,
        mail_port=mail_port,
        credentials=state.credentials(given, identity.application()),
        base_url=given.base_url,
        demo=given.demo,
        own_mail=given.mail_host is None,
        own_database=given.database_url is None,
    )
    return Stack(record, state.folder), lines


def _start_database(
    given: Given, state: State, household: Household, secrets: dict[str, str], lines: list[str]
) -> Addresses:
    if given.database_url:
        told = {
            database.APPLICATION: given.application_url,
            database.WORKER: given.worker_url,
            database.EXPORT: given.export_url,
        }
        addresses = database.prepare_given_server(given.database_url, told, _passwords(secrets))
        lines.append(f"Postgres   {database.server_version(addresses.application)}, as given in DATABASE_URL")
        return addresses
    settings.forget_postgres(os.environ)
    server = Postgres(state.folder / "postgres", secrets["postgres"], identity.service())
    server.start(household)
    addresses = _prepare(server, secrets, for_tests=False)
    lines.append(f"Postgres   {_whereabouts(server.version, server.port, server.programs)}")
    return addresses


def _start_broker(given: Given, state: State, household: Household, secrets: dict[str, str], lines: list[str]) -> str:
    if given.broker_url:
        told = broker.version(given.broker_url) or "broker     does not answer now; reminders wait until it does"
        lines.append(f"{told.replace(' ', '     ', 1) if told[0].isupper() else told}, as given in BROKER_URL")
        return given.broker_url
    log = state.folder / "valkey.log"  # it greets at length and has nothing else to say
    server = Valkey(state.folder / "valkey", secrets["valkey"], identity.service(), log=log)
    server.start(household)
    lines.append(f"Valkey     {_whereabouts(server.version, server.port, server.binary)}")
    return server.url()


def _prepare(server: Postgres, secrets: dict[str, str], *, for_tests: bool) -> Addresses:
    """Where each role signs in on our own server, made ready."""
    passwords = _passwords(secrets)
    database.prepare_own_server(server.url, passwords, for_tests=for_tests)

    def of(role: str) -> str:
        return database.address(role, passwords[role], server.port, database.DATABASE)

    return Addresses(of(database.OWNER), *(of(role) for role in database.SIGNING_IN))


def _passwords(secrets: dict[str, str]) -> dict[str, str]:
    """The password of each role that signs in."""
    return {
        database.OWNER: secrets["owner"],
        database.APPLICATION: secrets["application"],
        database.WORKER: secrets["worker"],
        database.EXPORT: secrets["export"],
        database.BACKUP: secrets["backup"],
    }


def _whereabouts(version: str, port: int, program: Path) -> str:
    packaged = "site-packages" in program.parts or program.is_relative_to(SHARED)
    place = "the locked package" if packaged else str(program)
    return f"{version} on 127.0.0.1:{port}, run by {identity.service().name}, from {place}"


@contextlib.contextmanager
def throw_away(*, durable: bool = False, with_broker: bool = True) -> Iterator[Stack]:
    """Servers for one test run, in a temporary folder that is removed afterwards."""
    _sweep()
    settings.forget_postgres(os.environ)
    account = identity.service()
    folder = Path(tempfile.mkdtemp(prefix=THROW_AWAY))
    household, state = Household(), State(folder)
    try:
        if shutil.disk_usage(folder).free < LEAST_SPACE:
            raise Failure(f"The disk is full: {folder.parent} has less than {LEAST_SPACE / 1e6:.0f} MB left.")
        folder.chmod(0o711)
        state.prepare(account, identity.myself())
        state.claim()
        secrets = state.secrets()
        server = Postgres(
            folder / "postgres", secrets["postgres"], account, durable=durable, log=folder / "postgres.log"
        )
        server.start(household)
        addresses = _prepare(server, secrets, for_tests=True)
        broker_url = ""
        if with_broker:
            valkey = Valkey(folder / "valkey", secrets["valkey"], account, durable=durable, log=folder / "valkey.log")
            valkey.start(household)
            broker_url = valkey.url()
        record = Record(
            application_url=addresses.application,
            worker_url=addresses.worker,
            export_url=addresses.export,
            backup_url=addresses.backup,
            owner_url=addresses.owner,
            broker_url=broker_url,
            mail_host="127.0.0.1",
            mail_port=NOWHERE,
            credentials=state.credentials(settings.read({}), identity.myself()),
            base_url="http://localhost:8000",
            demo=False,
            own_mail=True,
            own_database=True,
        )
        yield Stack(record, folder)
    finally:
        household.stop()
        state.release()
        shutil.rmtree(folder, ignore_errors=True)


def _sweep() -> None:
    """Remove what a killed test run left: its folder is there, and nobody holds its lock."""
    for lock in Path(tempfile.gettempdir()).glob(f"{THROW_AWAY}*/lock"):
        with contextlib.suppress(OSError), lock.open("r+") as file:
            if time.time() - lock.stat().st_mtime < JUST_MADE:
                continue
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)


def announce(lines: list[str]) -> None:
    """Print what runs."""
    for line in lines:
        say(line)
