"""Who a process runs as. Postgres refuses to run as root, and nothing else needs to."""

import contextlib
import functools
import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launch.places import PYTHON, ROOT

SERVICE_USER = "ldn-clinic"


@dataclass(frozen=True)
class Identity:
    """An account that processes are started under."""

    name: str
    uid: int
    gid: int

    def popen_arguments(self) -> dict[str, Any]:
        """What `subprocess` needs to start a program as this account."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def owns(self, path: Path) -> None:
        """Give `path` and what is in it to this account; only root can and needs to."""
        if os.geteuid() != 0:
            return
        items = (Path(folder, name) for folder, within, files in os.walk(path) for name in (*within, *files))
        for item in (path, *items):
            # A server that was killed a moment ago may still be clearing away its own files.
            with contextlib.suppress(FileNotFoundError):
                if item.lstat().st_uid != self.uid:
                    os.chown(item, self.uid, self.gid, follow_symlinks=False)

    def may(self, test: str, path: Path) -> bool:
        """Ask the system whether this account may read ("-r"), write ("-w") or enter ("-x") a path."""
        command = ["/usr/bin/test", test, str(path)]
        return subprocess.run(command, check=False, cwd="/", **self.popen_arguments()).returncode == 0


def myself() -> Identity:
    """The account that started the launcher."""
    return Identity(_name_of(os.geteuid()), os.geteuid(), os.getegid())


@functools.cache
def service() -> Identity:
    """The account of the servers: the starter's own, or for root a locked system account, made when missing."""
    if os.geteuid() != 0:
        return myself()
    for attempt in (_make_service_user, None):
        try:
            found = pwd.getpwnam(SERVICE_USER)
        except KeyError:
            if attempt:
                attempt()
        else:
            return Identity(found.pw_name, found.pw_uid, found.pw_gid)
    nobody = pwd.getpwnam("nobody")
    return Identity(nobody.pw_name, nobody.pw_uid, nobody.pw_gid)


@functools.cache
def application() -> Identity:
    """The account of web, worker and mail: the service account where it can run this Python and read this code."""
    account = service()
    if account.uid == os.geteuid():
        return account
    probe = "import sys, django, launch.places; open(sys.argv[1]).close()"
    command = [str(PYTHON), "-c", probe, str(ROOT / "manage.py")]
    try:
        done = subprocess.run(
            command, check=False, cwd=ROOT, capture_output=True, timeout=30, **account.popen_arguments()
        )
    except OSError:  # not even the folder can be entered
        return myself()
    return account if done.returncode == 0 else myself()


def _make_service_user() -> None:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    subprocess.run([*command, "--shell", "/usr/sbin/nologin", SERVICE_USER], check=False, capture_output=True)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
