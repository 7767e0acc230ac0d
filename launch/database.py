"""Roles, database and extensions: those who serve and work own nothing, the owner only migrates.

Imports psycopg: it runs inside `.venv`, and a database that was given may need TLS, which the embedded client lacks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from launch.failure import Failure

SUPERUSER, OWNER, APPLICATION, DATABASE = "postgres", "ldn_owner", "ldn_app", "ldn_clinic"
WORKER, EXPORT, BACKUP = "ldn_worker", "ldn_export", "ldn_backup"
AUDITOR, SEALER = "ldn_auditor", "ldn_sealer"
# Who signs in to serve pages and to work; each has its own password and only what it needs.
SIGNING_IN = (APPLICATION, WORKER, EXPORT, BACKUP)
SERVING = (APPLICATION, WORKER, EXPORT)
TOLD_IN = {APPLICATION: "DATABASE_APP_URL", WORKER: "DATABASE_WORKER_URL", EXPORT: "DATABASE_EXPORT_URL"}
# Taken inside a transaction: by the application for the pages that read the memory, by the worker to seal it.
TAKEN = {AUDITOR: APPLICATION, SEALER: WORKER}
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


@dataclass(frozen=True)
class Addresses:
    """Where each role signs in."""

    owner: str
    application: str
    worker: str
    export: str
    backup: str


def prepare_own_server(url_of: Callable[[str], str], passwords: Mapping[str, str], *, for_tests: bool) -> None:
    """On our own server: the roles, the database, its extensions and rights; safe to repeat.

    `url_of(database)` is the superuser's address. For tests the owner may create databases, and the template they are
    copied from gets the same extensions and rights.
    """
    with psycopg.connect(url_of("postgres"), autocommit=True) as server:
        _ensure_role(server, OWNER, passwords[OWNER], "CREATEDB" if for_tests else "NOCREATEDB")
        for role in SIGNING_IN:
            _ensure_role(server, role, passwords[role], "NOCREATEDB")
            _limit(server, role)
        _ensure_taken(server, TAKEN)
        if for_tests:  # a test does in one process what the worker does in its own
            _ensure_taken(server, dict.fromkeys(TAKEN, APPLICATION))
        known = server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if not known:
            server.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
            )
    for database in (DATABASE, "template1") if for_tests else (DATABASE,):
        with psycopg.connect(url_of(database), autocommit=True) as connection:
            _create_extensions(connection)
            _grant(connection, OWNER)


def prepare_given_server(owner_url: str, given: Mapping[str, str | None], passwords: Mapping[str, str]) -> Addresses:
    """On a server that was given: roles, extensions and rights. `given` are the addresses of roles that were told."""
    try:
        with psycopg.connect(owner_url, autocommit=True, connect_timeout=10) as connection:
            owner = connection.info.user
            found = {role: _given_role(connection, owner_url, role, given.get(role), passwords) for role in SIGNING_IN}
            _ensure_taken(connection, TAKEN)
            _create_extensions(connection)
            _grant(connection, owner)
    except psycopg.OperationalError as error:
        raise Failure(f"The database given in DATABASE_URL does not answer: {_first_line(error)}") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise Failure(
            f"The role in DATABASE_URL may not prepare the database ({_first_line(error)}). Give it CREATE on the "
            f"database and CREATEROLE, or create the roles {', '.join((*SIGNING_IN, *TAKEN))} as docs/operations.md "
            "says and give their addresses in DATABASE_APP_URL, DATABASE_WORKER_URL and DATABASE_EXPORT_URL."
        ) from error
    for role in SERVING:
        _check_role(found[role], role, owner)
    return Addresses(owner_url, *(found[role] for role in SIGNING_IN))


def _given_role(
    connection: psycopg.Connection, owner_url: str, role: str, told: str | None, passwords: Mapping[str, str]
) -> str:
    """Where this role signs in; it is made if it is not there yet and its address was not told."""
    if told:
        return told
    address = as_role(owner_url, role, passwords[role])
    _create_role(connection, role, address, passwords[role])
    return address


def _ensure_role(server: psycopg.Connection, role: str, password: str, createdb: str) -> None:
    verb = "ALTER" if _exists(server, role) else "CREATE"
    statement = "{} ROLE {} LOGIN NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT {} PASSWORD {}"
    server.execute(
        sql.SQL(statement).format(sql.SQL(verb), sql.Identifier(role), sql.SQL(createdb), sql.Literal(password))
    )


def _ensure_taken(server: psycopg.Connection, takers: Mapping[str, str]) -> None:
    """Roles nobody signs in as; who may take one does so in a transaction and by name, and inherits nothing."""
    for role, taker in takers.items():
        if not _exists(server, role):
            server.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
        may = server.execute("SELECT pg_has_role(%s, %s, 'MEMBER')", [taker, role]).fetchone()
        if may is None or not may[0]:
            server.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(taker)))


def _exists(server: psycopg.Connection, role: str) -> bool:
    return server.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is not None


def _create_role(connection: psycopg.Connection, role: str, url: str, password: str) -> None:
    """Make the role, or see that the one there is ours: another clinic's password is never changed."""
    if _exists(connection, role):
        try:
            psycopg.connect(url, connect_timeout=10).close()
        except psycopg.OperationalError as error:
            raise Failure(
                f"The database server has a role {role} already, and its password is not known here: "
                f"give the role's address in {TOLD_IN.get(role, 'the environment')}."
            ) from error
        return
    statement = "CREATE ROLE {} LOGIN NOINHERIT PASSWORD {}"
    connection.execute(sql.SQL(statement).format(sql.Identifier(role), sql.Literal(password)))
    _limit(connection, role)


def _limit(connection: psycopg.Connection, role: str) -> None:
    """Time limits for who serves and works; a backup and an export may take their time."""
    limits = APPLICATION_SETTINGS if role in (APPLICATION, WORKER) else {"default_transaction_read_only": "on"}
    for name, value in limits.items():
        statement = sql.SQL("ALTER ROLE {} SET {} = {}")
        connection.execute(statement.format(sql.Identifier(role), sql.Identifier(name), sql.Literal(value)))


def _create_extensions(connection: psycopg.Connection) -> None:
    for extension in EXTENSIONS:
        connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))


def _grant(connection: psycopg.Connection, owner: str) -> None:
    """What the application may do with the tables that the owner will create, and that backups read them, here."""
    for rights, kind in (("SELECT, INSERT, UPDATE, DELETE", "TABLES"), ("USAGE, SELECT", "SEQUENCES")):
        statement = sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA public GRANT {} ON {} TO {}")
        connection.execute(
            statement.format(sql.Identifier(owner), sql.SQL(rights), sql.SQL(kind), sql.Identifier(APPLICATION))
        )
    for role in (*SIGNING_IN, *TAKEN):
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(sql.Identifier(role)))
    # A dump that leaves a table out is no backup: this role reads every table, those that are there already as well.
    for kind in ("TABLES", "SEQUENCES"):
        for statement in (
            sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {0} IN SCHEMA public GRANT SELECT ON {1} TO {2}"),
            sql.SQL("GRANT SELECT ON ALL {1} IN SCHEMA public TO {2}"),
        ):
            connection.execute(statement.format(sql.Identifier(owner), sql.SQL(kind), sql.Identifier(BACKUP)))


def _check_role(url: str, role: str, owner: str) -> None:
    """The application and the worker must be the narrow roles the migrations name; an owner mends all rows."""
    if role_of(url) != role or owner == role:
        raise Failure(f"{TOLD_IN[role]} must sign in as the role {role}, and DATABASE_URL as the owner, another one.")
    question = (
        "SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb, rolinherit, "
        "pg_has_role(current_user, %s::name, 'MEMBER') FROM pg_roles WHERE rolname = current_user"
    )
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            row = connection.execute(question, [owner]).fetchone()
    except psycopg.OperationalError as error:
        raise Failure(f"The role {role} cannot sign in: {_first_line(error)}") from error
    if row is None or row[0]:
        raise Failure(f"The role {role} has rights it must not have (superuser, bypassrls, createrole or createdb).")
    _, inherits, owns = row
    if owns:
        raise Failure(f"The role {role} is a member of {owner}, which owns the tables: REVOKE {owner} FROM {role}.")
    if inherits:
        raise Failure(
            f"The role {role} inherits what other roles may do; it must take a role by name: "
            f"ALTER ROLE {role} NOINHERIT."
        )


def holds_a_clinic_beside(demo: str, owner_url: str) -> bool:
    """Whether there is a clinic that is not the demonstration's, asked as the owner, who sees all."""
    with psycopg.connect(owner_url, connect_timeout=10) as connection:
        found = connection.execute("SELECT 1 FROM accounts_clinic WHERE name <> %s LIMIT 1", [demo]).fetchone()
    return found is not None


def server_version(url: str) -> str:
    """The server's version in words, for example "18.6"."""
    with psycopg.connect(url, connect_timeout=10) as connection:
        number = connection.info.server_version
    return f"{number // 10000}.{number % 10000}"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no reason given"])[0]
