"""Debian's pgbouncer between the tests and their database: found on the machine, or unpacked into var/ as any user."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from launch import bootstrap, identity, servers
from launch.failure import Failure
from launch.places import ROOT

UNPACKED = ROOT / "var" / "pgbouncer"
CONFIGURATION = """
[databases]
{database} = host={host} port={port} dbname={database}

[pgbouncer]
listen_addr = {loopback}
listen_port = {listens}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 200
log_connections = 0
log_disconnections = 0
"""


@contextmanager
def pooled(size: int) -> Iterator[None]:
    """New connections of this process go through a pgbouncer that has `size` connections to share.

    In transaction mode, with nothing reset in between: whatever a client leaves behind the next one finds. The
    connection of the thread that calls this stays as it is.
    """
    program = _program()
    connection.ensure_connection()
    told = connection.settings_dict
    with tempfile.TemporaryDirectory(prefix="ldn-pgbouncer-") as name:
        folder = Path(name)
        port = servers.free_port()
        _write(folder, told, size, port)
        process = _start(program, folder)
        before = {place: told[place] for place in ("HOST", "PORT")}
        try:
            _wait(process, port, told, folder)
            told.update(HOST=servers.LOOPBACK, PORT=port)
            yield
        finally:
            told.update(before)
            process.terminate()
            process.wait(timeout=60)


def _write(folder: Path, told: dict[str, Any], size: int, port: int) -> None:
    text = CONFIGURATION.format(
        database=told["NAME"],
        host=told["HOST"],
        port=told["PORT"],
        loopback=servers.LOOPBACK,
        listens=port,
        folder=folder,
        size=size,
    )
    (folder / "pgbouncer.ini").write_text(text)
    (folder / "users.txt").write_text(f'"{told["USER"]}" "{told["PASSWORD"]}"\n')


def _start(program: Path, folder: Path) -> "subprocess.Popen[bytes]":
    """Copied first, with its libraries: the account it runs as may not be able to reach the project."""
    shutil.copy(program, folder / "pgbouncer")
    for library in UNPACKED.rglob("*.so*") if program.is_relative_to(UNPACKED) else ():
        shutil.copy(library, folder / library.name)
    account = identity.service()
    account.owns(folder)
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [str(folder / "pgbouncer"), str(folder / "pgbouncer.ini")],
            cwd=folder,
            env={"PATH": os.defpath, "LD_LIBRARY_PATH": str(folder)},
            stdout=log,
            stderr=subprocess.STDOUT,
            **account.popen_arguments(),
        )


def _wait(process: "subprocess.Popen[bytes]", port: int, told: dict[str, Any], folder: Path) -> None:
    end = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection((servers.LOOPBACK, port), timeout=1).close()
            psycopg.connect(
                host=servers.LOOPBACK, port=port, user=told["USER"], password=told["PASSWORD"], dbname=told["NAME"]
            ).close()
        except (OSError, psycopg.OperationalError):
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"pgbouncer does not answer: {(folder / 'log').read_text()[-500:]}")


def _program() -> Path:
    """The program; without one the test is left out with a sentence, and in CI it fails."""
    if found := shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"):
        return Path(found)
    unpacked = UNPACKED / "usr" / "sbin" / "pgbouncer"
    if unpacked.exists():
        return unpacked
    try:
        _fetch()
    except Failure as failure:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"There is no pgbouncer on this machine and it could not be fetched: {failure}")
    return unpacked


def _fetch() -> None:
    if not shutil.which("apt-get"):
        raise Failure("install one; only Debian's own can be fetched.")
    UNPACKED.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=UNPACKED.parent) as name:
        bootstrap.fetch_debian(lambda apt: bootstrap.lacking(apt, "pgbouncer"), Path(name))
        shutil.rmtree(UNPACKED, ignore_errors=True)
        (Path(name) / "root").rename(UNPACKED)
