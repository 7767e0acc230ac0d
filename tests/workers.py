"""What a process of the worker gets: its own roles, on this test's database."""

import os

from django.db import connection


def environment(**more: str) -> dict[str, str]:
    """The environment of a worker that meets this test's database."""
    name = connection.settings_dict["NAME"]
    return {
        **os.environ,
        "DATABASE_URL": on(os.environ["DATABASE_WORKER_URL"], name),
        "DATABASE_EXPORT_URL": on(os.environ["DATABASE_EXPORT_URL"], name),
        "DATABASE_OWNER_URL": "",
        "CLINIC_WORKER": "1",
        **more,
    }


def on(url: str, database: str) -> str:
    """The same role and server, another database."""
    return f"{url.rpartition('/')[0]}/{database}"
