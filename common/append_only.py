"""Rows that are written once: a trigger refuses what the grants would not.

The owner of the tables could still change them, so the trigger raises for everybody; the application's role
additionally has no right to UPDATE, DELETE or TRUNCATE (`revoke_rewriting`).
"""

import pgtrigger
from django.db import migrations

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
    """A migration step that leaves the application's role SELECT and INSERT on `tables`."""
    named = ", ".join(f'"{table}"' for table in tables)
    return migrations.RunSQL(
        sql=_if_role_exists(f"REVOKE UPDATE, DELETE, TRUNCATE ON {named} FROM {APPLICATION_ROLE}"),
        reverse_sql=_if_role_exists(f"GRANT UPDATE, DELETE ON {named} TO {APPLICATION_ROLE}"),
    )


def _if_role_exists(statement: str) -> str:
    return (
        f"DO $$ BEGIN IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{APPLICATION_ROLE}') "
        f"THEN EXECUTE '{statement}'; END IF; END $$"
    )
