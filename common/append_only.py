"""Rows that are written once: a trigger refuses what the grants would not.

The owner of the tables could still change them, so the trigger raises for everybody; the roles that serve pages and
work additionally have no right to UPDATE, DELETE or TRUNCATE (`revoke_rewriting`).
"""

import pgtrigger
from django.db import migrations

from common.walls import WORKER_ROLE, for_role

APPLICATION_ROLE = "ldn_app"


def append_only_triggers(name: str) -> list[pgtrigger.Trigger]:
    """Triggers for `Meta.triggers` of a model whose rows may only be inserted."""
    return [
        pgtrigger.Protect(name=f"{name}_append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        pgtrigger.Trigger(
            name=f"{name}_no_truncate",
            operation=pgtrigger.Truncate,
            when=pgtrigger.Before,
            level=pgtrigger.Statement,
            func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;",
        ),
    ]


def revoke_rewriting(*tables: str) -> migrations.RunSQL:
    """A migration step that leaves the application and the worker SELECT and INSERT on `tables`."""
    named = ", ".join(f'"{table}"' for table in tables)
    roles = (APPLICATION_ROLE, WORKER_ROLE)
    return migrations.RunSQL(
        sql=[for_role(role, f"REVOKE UPDATE, DELETE, TRUNCATE ON {named} FROM {role}") for role in roles],
        reverse_sql=[for_role(role, f"GRANT UPDATE, DELETE ON {named} TO {role}") for role in roles],
    )
