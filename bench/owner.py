"""Rows in bulk and plans with buffers: what the application's role has no business doing."""

import psycopg
from django.conf import settings


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
