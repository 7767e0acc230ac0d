"""Rows in bulk and plans with buffers: what the application's role has no business doing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

import psycopg
from django.conf import settings
from django.db import connection


def connect() -> psycopg.Connection[tuple[object, ...]]:
    """A connection of the owner's to the throw-away database of this run."""
    owner = settings.DATABASES["owner"]
    return psycopg.connect(
        host=owner["HOST"],
        port=owner["PORT"],
        user=owner["USER"],
        password=owner["PASSWORD"],
        dbname=settings.DATABASES["default"]["NAME"],
        autocommit=True,
    )


@contextmanager
def as_worker() -> Iterator[None]:
    """The worker's own role for the length of the block: it alone tends the outbox of every clinic."""
    worker = urlsplit(os.environ["DATABASE_WORKER_URL"])
    before = {name: connection.settings_dict[name] for name in ("USER", "PASSWORD")}
    connection.close()
    connection.settings_dict.update(USER=worker.username, PASSWORD=unquote(worker.password or ""))
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)
