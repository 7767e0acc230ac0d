"""What a test itself may see, and what its requests may not.

A test makes rows of several clinics and looks at them afterwards; the application may see only the clinic it acts in.
So the test's own connection is told a clinic of its own, which nobody has, and a policy that exists in test databases
alone lets it see everything. A request, a server thread and a process of its own begin blind, as in earnest.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql
from psycopg.pq import TransactionStatus

from common.walls import Context, context_of
from tests import owner

WHOLE = {TransactionStatus.IDLE, TransactionStatus.INTRANS}
EVERYTHING = Context(clinic="00000000-0000-0000-0000-000000000000")


def let_tests_see(database: str) -> None:
    """Add the policy that only test databases have to every walled table."""
    with owner.connect(database) as connection:
        walled = connection.execute("SELECT relname FROM pg_class WHERE relrowsecurity AND relkind = 'r'").fetchall()
        for (table,) in walled:
            statement = sql.SQL("CREATE POLICY tests_see ON {} USING ({}) WITH CHECK ({})")
            condition = sql.SQL("(SELECT current_setting('app.clinic', true)) = {}").format(
                sql.Literal(EVERYTHING.clinic)
            )
            connection.execute(statement.format(sql.Identifier(str(table)), condition, condition))


def looks_on() -> bool:
    """Whether it is the test itself that asks, and not a deed or a page."""
    connection = connections["default"]
    connection.ensure_connection()
    return context_of(connection) == EVERYTHING


def see_everything(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Called for each new connection of a test process; a live server's threads stay blind."""
    if "process_request_thread" not in threading.current_thread().name:
        _tell(connection, EVERYTHING)


@contextmanager
def blind(using: str = "default") -> Iterator[None]:
    """See what a process of the application sees that has told the database nothing."""
    connection = connections[using]
    _tell(connection, Context())
    try:
        yield
    finally:
        connection.ldn_context = EVERYTHING  # type: ignore[attr-defined]
        # A broken transaction is rolled back, and what it was told with it.
        if connection.connection and connection.connection.info.transaction_status in WHOLE:
            _tell(connection, EVERYTHING)


def _tell(connection: BaseDatabaseWrapper, context: Context) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.clinic', %s, false)", [context.clinic])
    connection.ldn_context = context  # type: ignore[attr-defined]
