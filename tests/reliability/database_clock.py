"""The database's clock, made to jump while everything is connected to it.

Functions of the same names stand before PostgreSQL's own in the search path of this run's database, so whoever asks the
database for the time, from whatever process, is told the shifted one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import connections
from psycopg import sql

from tests import owner

CLOCKS = ("clock_timestamp", "statement_timestamp", "now")


@contextmanager
def that_can_jump() -> Iterator[Callable[[timedelta], None]]:
    """A function that shifts the database's clock by so much from its true time."""
    name = connections["default"].settings_dict["NAME"]
    app_role = sql.Identifier(settings.DATABASES["default"]["USER"])
    connections["default"].close()
    with owner.connect(name) as connection:
        connection.execute("CREATE SCHEMA faked")
        connection.execute("CREATE TABLE faked.shift (by interval NOT NULL)")
        connection.execute("INSERT INTO faked.shift VALUES ('0')")
        for clock in CLOCKS:
            connection.execute(
                sql.SQL(
                    "CREATE FUNCTION faked.{clock}() RETURNS timestamptz LANGUAGE sql VOLATILE AS "
                    "'SELECT pg_catalog.{clock}() + by FROM faked.shift'"
                ).format(clock=sql.SQL(clock))
            )
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA faked TO {}").format(app_role))
        connection.execute(sql.SQL("GRANT SELECT ON faked.shift TO {}").format(app_role))
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET search_path = faked, pg_catalog, public").format(sql.Identifier(name))
        )

        def jump(by: timedelta) -> None:
            connection.execute("UPDATE faked.shift SET by = %s", [by])

        try:
            yield jump
        finally:
            connection.execute(sql.SQL("ALTER DATABASE {} RESET search_path").format(sql.Identifier(name)))
            connection.execute("DROP SCHEMA faked CASCADE")
            connections["default"].close()
