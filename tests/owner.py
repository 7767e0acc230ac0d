"""What only the owner of the tables may do in a test run."""

import psycopg
from django.conf import settings
from django.db import connections
from psycopg import sql

KEPT = {"django_migrations", "django_content_type"}


def connect(name: str | None = None) -> psycopg.Connection[tuple[object, ...]]:
    """A connection of the owner's, to its own database or to the one named."""
    owner = settings.DATABASES["owner"]
    return psycopg.connect(
        host=owner["HOST"],
        port=owner["PORT"],
        user=owner["USER"],
        password=owner["PASSWORD"],
        dbname=name or owner["NAME"],
        autocommit=True,
    )


def make_database(name: str) -> None:
    """An empty database in which the application's role may use what the owner makes. It goes with the run's server."""
    app_role = sql.Identifier(settings.DATABASES["default"]["USER"])
    named = sql.Identifier(name)
    with connect() as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(named))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(named))
    with connect(name) as connection:
        for grant in (
            "ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {}",
            "ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO {}",
        ):
            connection.execute(sql.SQL(grant).format(app_role))


def empty_tables() -> None:
    """Empty every table but the migrations' own; append-only triggers step aside for the owner alone.

    A test fills few tables with few rows: to delete those takes a tenth of what it takes to truncate them all.
    """
    connections["default"].close()
    with connect(connections["default"].settings_dict["NAME"]) as connection, connection.transaction():
        tables = _with_rows(connection)
        for table in tables:
            connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(table))
        for table in tables:
            connection.execute(sql.SQL("DELETE FROM {}").format(table))
        # What is checked at the end has to be before a trigger comes back: every key must lead to nothing by now.
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            connection.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(table))


def _with_rows(connection: psycopg.Connection[tuple[object, ...]]) -> list[sql.Identifier]:
    """The tables that hold anything."""
    found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    names = sorted(str(name) for (name,) in found if name not in KEPT)
    asked = sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(sql.Literal(name), sql.Identifier(name))
        for name in names
    )
    return [sql.Identifier(str(name)) for (name,) in connection.execute(asked).fetchall()]
