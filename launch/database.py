"""Roles, database and extensions: the application's role owns nothing, the owner only migrates.

Imports psycopg: it runs inside `.venv`, and a database that was given may need TLS, which the embedded client lacks.
"""

from collections.abc import Callable
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from launch.failure import Failure

SUPERUSER, OWNER, APPLICATION, DATABASE = "postgres", "ldn_owner", "ldn_app", "ldn_clinic"
EXTENSIONS = ("btree_gist", "pg_trgm")
# A page that waits longer than this is broken; a forgotten transaction must not hold a patient's row.
APPLICATION_SETTINGS = {
    "statement_timeout": "15s",
    "lock_timeout": "3s",
    "idle_in_transaction_session_timeout": "30s",
}


def address(role: str, password: str, port: int, database: str) -> str:
    """The URL of a role on the local server."""
    return f"postgres://{role}:{quote(password, safe='')}@127.0.0.1:{port}/{database}"


def as_role(url: str, role: str, password: str) -> str:
    """The same server and database, another role."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{quote(password, safe='')}@{place}"))


def role_of(url: str) -> str:
    """The role an address signs in as; empty when it names none."""
    return urlsplit(url).username or ""


def answers(url: str) -> bool:
    """True when the role of this address can sign in now."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def prepare_own_server(
    url_of: Callable[[str], str], owner_password: str, application_password: str, *, for_tests: bool
) -> None:
    """On our own server: both roles, the database, its extensions and rights; safe to repeat.

    `url_of(database)` is the superuser's address. For tests the owner may create databases, and the template they are
    copied from gets the same extensions and rights.
    """
    with psycopg.connect(url_of("postgres"), autocommit=True) as server:
        _ensure_role(server, OWNER, owner_password, "CREATEDB" if for_tests else "NOCREATEDB")
        _ensure_role(server, APPLICATION, application_password, "NOCREATEDB")
        _set_application_settings(server)
        known = server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if not known:
            server.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
            )
    for database in (DATABASE, "template1") if for_tests else (DATABASE,):
        with psycopg.connect(url_of(database), autocommit=True) as connection:
            _create_extensions(connection)
            _grant(connection, OWNER)


def prepare_given_server(owner_url: str, application_url: str | None, application_password: str) -> str:
    """On a server that was given: role, extensions and rights. Returns the application's address."""
    try:
        with psycopg.connect(owner_url, autocommit=True, connect_timeout=10) as connection:
            owner = connection.info.user
            if not application_url:
                application_url = as_role(owner_url, APPLICATION, application_password)
                _create_application_role(connection, application_url, application_password)
            _create_extensions(connection)
            _grant(connection, owner)
    except psycopg.OperationalError as error:
        raise Failure(f"The database given in DATABASE_URL does not answer: {_first_line(error)}") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise Failure(
            f"The role in DATABASE_URL may not prepare the database ({_first_line(error)}). Give it CREATE on the "
            f"database and CREATEROLE, or create the role {APPLICATION} and give its address in DATABASE_APP_URL."
        ) from error
    _check_application(application_url, owner)
    return application_url


def _ensure_role(server: psycopg.Connection, role: str, password: str, createdb: str) -> None:
    verb = "ALTER" if server.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() else "CREATE"
    statement = "{} ROLE {} LOGIN NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS {} PASSWORD {}"
    server.execute(
        sql.SQL(statement).format(sql.SQL(verb), sql.Identifier(role), sql.SQL(createdb), sql.Literal(password))
    )


def _create_application_role(connection: psycopg.Connection, application_url: str, password: str) -> None:
    """Make the role, or see that the one there is ours: another clinic's password is never changed."""
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APPLICATION]).fetchone():
        try:
            psycopg.connect(application_url, connect_timeout=10).close()
        except psycopg.OperationalError as error:
            raise Failure(
                f"The database server has a role {APPLICATION} already, and its password is not known here: "
                "give the role's address in DATABASE_APP_URL."
            ) from error
        return
    statement = "CREATE ROLE {} LOGIN PASSWORD {}"
    connection.execute(sql.SQL(statement).format(sql.Identifier(APPLICATION), sql.Literal(password)))
    _set_application_settings(connection)


def _set_application_settings(connection: psycopg.Connection) -> None:
    for name, value in APPLICATION_SETTINGS.items():
        statement = sql.SQL("ALTER ROLE {} SET {} = {}")
        connection.execute(statement.format(sql.Identifier(APPLICATION), sql.Identifier(name), sql.Literal(value)))


def _create_extensions(connection: psycopg.Connection) -> None:
    for extension in EXTENSIONS:
        connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))


def _grant(connection: psycopg.Connection, owner: str) -> None:
    """What the application may do with the tables that the owner will create, in the connection's database."""
    for rights, kind in (("SELECT, INSERT, UPDATE, DELETE", "TABLES"), ("USAGE, SELECT", "SEQUENCES")):
        statement = sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA public GRANT {} ON {} TO {}")
        connection.execute(
            statement.format(sql.Identifier(owner), sql.SQL(rights), sql.SQL(kind), sql.Identifier(APPLICATION))
        )
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(sql.Identifier(APPLICATION)))


def _check_application(url: str, owner: str) -> None:
    """The application must be the narrow role: the migrations name it, and an owner would bypass the rows' guards."""
    if role_of(url) != APPLICATION or owner == APPLICATION:
        raise Failure(
            f"DATABASE_APP_URL must sign in as the role {APPLICATION}, and DATABASE_URL as the owner, another one."
        )
    question = (
        "SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = current_user"
    )
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            row = connection.execute(question).fetchone()
    except psycopg.OperationalError as error:
        raise Failure(f"The application's role {APPLICATION} cannot sign in: {_first_line(error)}") from error
    if row is None or row[0]:
        raise Failure(
            f"The role {APPLICATION} has rights it must not have (superuser, bypassrls, createrole or createdb)."
        )


def server_version(url: str) -> str:
    """The server's version in words, for example "18.6"."""
    with psycopg.connect(url, connect_timeout=10) as connection:
        number = connection.info.server_version
    return f"{number // 10000}.{number % 10000}"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no reason given"])[0]
