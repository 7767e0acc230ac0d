"""Row-level security: the second wall. A bug above may ask for anything; the database answers with one clinic's rows.

The code's own door decides who acts; here the database is told, inside the running transaction and never for longer
(a setting of the connection would be read by the next client of a pooled one). Four things are told:

    app.clinic   the clinic whose rows may be seen and written
    app.user     the person, whose own memberships and grants may be read before the clinic is known
    app.request  the request, for the history that triggers write
    app.key      the digest of a secret somebody presented: the one row it belongs to may be read

With none of them a walled table is empty. The second half of this module is the vocabulary of migrations that build
the walls; `tests/security/test_s05_catalogue.py` finds a table without one.
"""

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.operations import RunSQL
from django.db.models import QuerySet
from psycopg.pq import TransactionStatus

WORKER_ROLE, EXPORT_ROLE, BACKUP_ROLE = "ldn_worker", "ldn_export", "ldn_backup"
AUDITOR_ROLE, SEALER_ROLE = "ldn_auditor", "ldn_sealer"
"""Beside the application's own role and the owner. None may bypass row security."""


@dataclass(frozen=True)
class Context:
    """What the database has been told; an empty text is nothing."""

    clinic: str = ""
    user: str = ""
    request: str = ""
    key: str = ""


Told = uuid.UUID | str | None


@contextmanager
def acting(
    *,
    clinic: Told = "unchanged",
    user: Told = "unchanged",
    request: Told = "unchanged",
    key: Told = "unchanged",
    using: str = "default",
) -> Iterator[None]:
    """Tell the database who acts, for the length of the block; afterwards it knows what it knew before.

    In the running transaction, or in one of its own if there is none. What is not named stays as it is; None takes it
    back.
    """
    connection = connections[using]
    told = {"clinic": clinic, "user": user, "request": request, "key": key}
    with ExitStack() as stack:
        ours = not connection.in_atomic_block
        if ours:
            stack.enter_context(transaction.atomic(using=using))
        before = context_of(connection)
        now = replace(before, **{name: str(value or "") for name, value in told.items() if value != "unchanged"})
        _tell(connection, before, now)
        try:
            yield
        finally:
            _remember(connection, before)
            # Our own transaction takes what it was told with it, and a broken one can only be rolled back.
            if not ours and _usable(connection):
                _tell(connection, now, before)


def clinic_behind(rows: QuerySet[Any], digest: str) -> uuid.UUID | None:
    """Whose the row is that keeps this digest; whoever holds the secret may know that before anything else."""
    with acting(key=digest):
        found: uuid.UUID | None = rows.values_list("clinic_id", flat=True).first()
    return found


@contextmanager
def taking(role: str, *, using: str = "default") -> Iterator[None]:
    """Act as another role of the database, for the length of the block and in one transaction."""
    connection = connections[using]
    with transaction.atomic(using=using):
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {connection.ops.quote_name(role)}")
        yield
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")


def context_of(connection: BaseDatabaseWrapper) -> Context:
    """What this connection has been told."""
    found: Context = getattr(connection, "ldn_context", Context())
    return found


def _remember(connection: BaseDatabaseWrapper, context: Context) -> None:
    connection.ldn_context = context  # type: ignore[attr-defined]


def _tell(connection: BaseDatabaseWrapper, before: Context, now: Context) -> None:
    known = asdict(before)
    changed = {name: value for name, value in asdict(now).items() if value != known[name]}
    if changed:
        parts = ", ".join(f"set_config('app.{name}', %s, true)" for name in changed)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {parts}", list(changed.values()))
    _remember(connection, now)


def _usable(connection: BaseDatabaseWrapper) -> bool:
    raw = connection.connection
    # Django itself lets nothing through that must be rolled back: asking would hide what went wrong behind its refusal.
    if connection.needs_rollback:
        return False
    return raw is not None and not raw.closed and raw.info.transaction_status == TransactionStatus.INTRANS


CLINIC = "(SELECT NULLIF(current_setting('app.clinic', true), '')::uuid)"
USER = "(SELECT NULLIF(current_setting('app.user', true), '')::uuid)"
KEY = "(SELECT NULLIF(current_setting('app.key', true), ''))"
"""Each is asked once a statement, not once a row, and an index on the column is used."""


def wall(table: str, *, clinic: str = "clinic_id", shared: bool = False) -> RunSQL:
    """Close a table around its clinic's rows, for its owner too. `shared`: rows without a clinic are for all to read.

    The owner gets a policy of its own, else its backfills would touch nothing and say nothing; backups read all; the
    worker may do what the application may, clinic by clinic.
    """
    readable = f"{clinic} = {CLINIC}" + (f" OR {clinic} IS NULL" if shared else "")
    return RunSQL(
        sql=[
            f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
            f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
            f'CREATE POLICY clinic_only ON "{table}" USING ({readable}) WITH CHECK ({clinic} = {CLINIC})',
            f'CREATE POLICY owner_mends ON "{table}" TO CURRENT_USER USING (true) WITH CHECK (true)',
            for_role(BACKUP_ROLE, f'CREATE POLICY backup_reads ON "{table}" FOR SELECT TO {BACKUP_ROLE} USING (true)'),
            for_role(BACKUP_ROLE, f'GRANT SELECT ON "{table}" TO {BACKUP_ROLE}'),
            for_role(WORKER_ROLE, f'GRANT SELECT, INSERT, UPDATE, DELETE ON "{table}" TO {WORKER_ROLE}'),
        ],
        reverse_sql=[
            for_role(WORKER_ROLE, f'REVOKE ALL ON "{table}" FROM {WORKER_ROLE}'),
            f'DROP POLICY IF EXISTS backup_reads ON "{table}"',
            f'DROP POLICY owner_mends ON "{table}"',
            f'DROP POLICY clinic_only ON "{table}"',
            f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY',
            f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY',
        ],
    )


def own_rows(table: str, user: str = "user_id") -> RunSQL:
    """A person may read the rows about themself before any clinic is known."""
    return _also_readable(table, "own_rows", f"{user} = {USER}")


def owned(table: str, user: str) -> RunSQL:
    """Rows that belong to a person and to no clinic are that person's to read and to write."""
    return RunSQL(
        sql=f'CREATE POLICY owned ON "{table}" USING ({user} = {USER}) WITH CHECK ({user} = {USER})',
        reverse_sql=f'DROP POLICY owned ON "{table}"',
    )


def held_by_key(table: str, digest: str, *, name: str = "held_by_key") -> RunSQL:
    """Whoever presents the secret may read the row that keeps its digest, before any clinic is known."""
    return _also_readable(table, name, f"{digest} = {KEY}")


def queue(table: str) -> RunSQL:
    """The worker may tend all rows of a table that holds ids and times only; it sets the clinic before it looks behind
    an id."""
    return RunSQL(
        sql=for_role(
            WORKER_ROLE, f'CREATE POLICY worker_tends ON "{table}" TO {WORKER_ROLE} USING (true) WITH CHECK (true)'
        ),
        reverse_sql=f'DROP POLICY IF EXISTS worker_tends ON "{table}"',
    )


def grant(role: str, rights: str, *tables: str) -> RunSQL:
    """Let a narrow role have `rights` (for example "SELECT") on tables, and nothing else."""
    named = ", ".join(f'"{table}"' for table in tables)
    return RunSQL(
        sql=for_role(role, f"GRANT {rights} ON {named} TO {role}"),
        reverse_sql=for_role(role, f"REVOKE {rights} ON {named} FROM {role}"),
    )


def for_role(role: str, statement: str) -> str:
    """The statement, done only where the role exists: a database without our roles can still be migrated."""
    quoted = statement.replace("'", "''")
    return (
        f"DO $$ BEGIN IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role}') "
        f"THEN EXECUTE '{quoted}'; END IF; END $$"
    )


def _also_readable(table: str, name: str, condition: str) -> RunSQL:
    return RunSQL(
        sql=f'CREATE POLICY {name} ON "{table}" FOR SELECT USING ({condition})',
        reverse_sql=f'DROP POLICY {name} ON "{table}"',
    )
