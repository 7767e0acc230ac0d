"""What outlives a run: data, secrets, and the record of what runs now. One launcher at a time may hold it."""

import base64
import contextlib
import fcntl
import json
import os
import pwd
import secrets
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from launch.failure import Failure
from launch.identity import Identity
from launch.settings import Given

LEAST_SPACE = 400_000_000  # bytes: an empty cluster, its log of changes and the static files
SECRETS = ("postgres", "owner", "application", "worker", "export", "backup", "valkey", "key")


@dataclass(frozen=True)
class Record:
    """What `./clinic manage` needs to join a running stack."""

    application_url: str
    worker_url: str
    export_url: str
    backup_url: str
    owner_url: str
    broker_url: str
    mail_host: str
    mail_port: int
    credentials: dict[str, str]
    """The files of the application's secrets, by the variables that name them."""
    base_url: str
    demo: bool
    own_mail: bool
    own_database: bool


class State:
    """The folder of one clone's data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock: IO[str] | None = None

    def prepare(self, servers: Identity, application: Identity) -> None:
        """Make the folders, each readable by the account that needs it and by nobody else."""
        owners = dict.fromkeys(("postgres", "valkey"), servers)
        owners |= dict.fromkeys(("exports", "mailbox", "static", "beat", "credentials"), application)
        try:
            self._make()
            for name, account in owners.items():
                self._own(self.folder / name, account)
        except PermissionError as error:
            raise Failure(self._not_ours(error)) from error
        if not servers.may("-w", self.folder / "postgres"):
            raise Failure(
                f"{self.folder} cannot be reached by {servers.name}, the account of the servers: open the folders "
                "above it (chmod o+x), or name another folder in CLINIC_STATE_DIR (in tests: TMPDIR)."
            )

    def _make(self) -> None:
        """Others may walk through the folder, not look around in it. A folder that was there keeps its permissions."""
        if not self.folder.exists():
            self.folder.mkdir(parents=True)
            self.folder.chmod(0o711)

    def _own(self, folder: Path, account: Identity) -> None:
        folder.mkdir(exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        account.owns(folder)

    def check_space(self) -> None:
        """Refuse to start on a full disk: a database that cannot write is worse than none."""
        free = shutil.disk_usage(self.folder).free
        if free < LEAST_SPACE:
            raise Failure(
                f"The disk is full: {self.folder} has {free / 1e6:.0f} MB left, and {LEAST_SPACE / 1e6:.0f} MB are "
                "needed. Free some space or name another folder in CLINIC_STATE_DIR."
            )

    def claim(self) -> bool:
        """Become the one launcher that uses this folder; False when another one does."""
        try:
            lock = (self.folder / "lock").open("w")
        except PermissionError as error:
            raise Failure(self._not_ours(error)) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        self._lock = lock
        return True

    def release(self) -> None:
        """Give the folder up again."""
        if self._lock:
            self._lock.close()
            self._lock = None

    def secrets(self) -> dict[str, str]:
        """The passwords and the key of this clone, made at the first start, readable by the starter only."""
        path = self.folder / "secrets.json"
        found: dict[str, str] = {}
        with contextlib.suppress(FileNotFoundError):
            try:
                found = json.loads(path.read_text())
            except (PermissionError, ValueError) as error:
                raise Failure(f"The secrets in {path} cannot be read ({error}), and the data stay closed.") from error
        missing = {name: secrets.token_urlsafe(48 if name == "key" else 24) for name in SECRETS if name not in found}
        if missing:
            found |= missing
            write_private(path, json.dumps(found))
        return found

    def credentials(self, given: Given, account: Identity) -> dict[str, str]:
        """The files that hold the application's secrets, by the variables that name them.

        A secret given in a file stays there; any other lies in `credentials/`, for the application's account alone.
        The field keys are made at the first start and never again: without them what they sealed stays sealed.
        """
        folder = self.folder / "credentials"
        made = {"SECRET_KEY": lambda: self.secrets()["key"], "FIELD_KEYS": new_field_keys}
        files = {}
        for name, make in made.items():
            path = given.credential_files.get(name)
            if path and not account.may("-r", path):
                raise Failure(f"{account.name}, the account of the application, may not read {path} ({name}_FILE).")
            if not path and name in given.credentials:
                # Beside our own, never over it: what our own keys sealed must still open when none is given again.
                path = folder / f"given_{name.lower()}"
                write_private(path, given.credentials[name] + "\n")
            if not path:
                path = folder / name.lower()
                if not path.exists():
                    write_private(path, make() + "\n")
            files[f"{name}_FILE"] = str(path)
        account.owns(folder)
        return files

    def write_record(self, record: Record) -> None:
        """Tell `./clinic manage` where everything is."""
        write_private(self.folder / "running.json", json.dumps(asdict(record)))

    def read_record(self) -> Record | None:
        """What is running now, if the launcher that wrote it still lives."""
        try:
            return Record(**json.loads((self.folder / "running.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def remove_record(self) -> None:
        """Nothing is running any more."""
        (self.folder / "running.json").unlink(missing_ok=True)

    def write_processes(self, pids: list[int]) -> None:
        """Remember which processes are ours, so that the next start can wait for what a killed launcher left."""
        write_private(self.folder / "processes.json", json.dumps({str(pid): started_at(pid) for pid in pids}))

    def wait_for_leftovers(self, seconds: float = 20) -> None:
        """After `kill -9` of a launcher its processes end by themselves; wait for that, and end what does not."""
        try:
            left = {int(pid): since for pid, since in json.loads((self.folder / "processes.json").read_text()).items()}
        except (OSError, ValueError):
            return
        end = time.monotonic() + seconds
        while alive := [pid for pid, since in left.items() if since and started_at(pid) == since]:
            if time.monotonic() > end:
                for pid in alive:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.kill(pid, 9)
                end = time.monotonic() + 5
            time.sleep(0.1)

    def has(self, mark: str) -> bool:
        """True when something that is done once was done (`remember`)."""
        return (self.folder / f"{mark}.done").exists()

    def remember(self, mark: str) -> None:
        """Keep in mind that something was done."""
        (self.folder / f"{mark}.done").touch()

    def _not_ours(self, error: PermissionError) -> str:
        path = Path(error.filename or self.folder)
        owner = "another account"
        with contextlib.suppress(OSError, KeyError):
            owner = pwd.getpwuid(path.stat().st_uid).pw_name
        return (
            f"{path} belongs to {owner} and cannot be used by this account: start as {owner}, "
            "or name another folder in CLINIC_STATE_DIR."
        )


def new_field_keys() -> str:
    """A ring of one fresh key for sealed columns: its id is the day it was made and four letters against chance."""
    key_id = f"{time.strftime('%Y%m%d', time.gmtime())}-{secrets.token_hex(2)}"
    return f"{key_id}:{base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}"


def started_at(pid: int) -> str:
    """When a process started, in the kernel's ticks; empty when it is gone (or the system does not tell)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    half = path.with_name(path.name + ".new")
    half.unlink(missing_ok=True)
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    half.replace(path)
