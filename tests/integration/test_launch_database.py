"""The application's role owns nothing, on our own server and on one that was given."""

import shutil
import tempfile
from pathlib import Path

import psycopg
import pytest

from launch import database, identity, running, stack
from launch.failure import Failure
from launch.servers import Postgres
from launch.supervise import Household


@pytest.fixture(scope="module")
def server():
    with stack.throw_away(with_broker=False) as running:
        yield running.record


MADE_UP = dict.fromkeys(database.SIGNING_IN, "made-up-here")


def told(server):
    """The addresses of the roles, as an operator would give them; a backup's is nobody's to give."""
    found = {"app": server.application_url, "worker": server.worker_url, "export": server.export_url}
    return {f"ldn_{name}": url for name, url in found.items()} | {database.BACKUP: server.application_url}


def refused(url, statement, error=psycopg.errors.InsufficientPrivilege):
    with psycopg.connect(url, autocommit=True) as connection, pytest.raises(error):
        connection.execute(statement)


class TestOurOwnServer:
    def test_the_application_reads_and_writes_what_the_owner_made(self, server):
        with psycopg.connect(server.owner_url, autocommit=True) as owner:
            owner.execute("CREATE TABLE nights (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text)")
        with psycopg.connect(server.application_url) as application:
            application.execute("INSERT INTO nights (note) VALUES ('slept')")
            application.execute("UPDATE nights SET note = 'slept well'")
            assert application.execute("SELECT note FROM nights").fetchall() == [("slept well",)]
            application.execute("DELETE FROM nights")

    @pytest.mark.parametrize(
        "statement",
        [
            "CREATE TABLE mine (id int)",
            "CREATE ROLE another",
            "CREATE DATABASE another",
            "ALTER TABLE nights ADD COLUMN more int",
            "TRUNCATE nights",
            "DROP TABLE nights",
            "CREATE TRIGGER t BEFORE INSERT ON nights EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "SELECT pg_read_file('PG_VERSION')",
        ],
    )
    def test_the_application_changes_no_shape(self, server, statement):
        refused(server.application_url, statement)

    def test_the_application_waits_for_nobody_for_ever(self, server):
        with psycopg.connect(server.application_url) as application:
            told = {name: application.execute(f"SHOW {name}").fetchone()[0] for name in database.APPLICATION_SETTINGS}
        assert told == database.APPLICATION_SETTINGS

    def test_no_role_is_a_superuser_or_walks_through_walls(self, server):
        with psycopg.connect(server.owner_url) as owner:
            question = "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname ~ '^ldn_'"
            rows = owner.execute(question).fetchall()
        assert sorted(rows) == [
            (f"ldn_{name}", False, False, False)
            for name in ("app", "auditor", "backup", "export", "owner", "sealer", "worker")
        ]

    def test_the_auditors_rights_are_taken_by_name_and_never_inherited(self, server):
        with psycopg.connect(server.owner_url, autocommit=True) as owner:
            owner.execute("CREATE TABLE remembered (id int)")
            owner.execute("REVOKE ALL ON remembered FROM ldn_app")
            owner.execute("GRANT SELECT ON remembered TO ldn_auditor")
        refused(server.application_url, "SELECT * FROM remembered")
        with psycopg.connect(server.application_url) as application:
            application.execute("SET LOCAL ROLE ldn_auditor")
            assert application.execute("SELECT * FROM remembered").fetchall() == []
        refused(server.worker_url, "SET ROLE ldn_auditor")

    def test_who_exports_cannot_write(self, server):
        with psycopg.connect(server.export_url) as export:
            assert export.execute("SHOW default_transaction_read_only").fetchone() == ("on",)

    def test_extensions_are_there_also_in_a_copy(self, server):
        with psycopg.connect(server.owner_url, autocommit=True) as owner:
            owner.execute("CREATE DATABASE copied")
        with psycopg.connect(server.owner_url, dbname="copied") as copy:
            names = {name for (name,) in copy.execute("SELECT extname FROM pg_extension")}
        assert names >= set(database.EXTENSIONS)

    def test_a_wrong_password_is_refused(self, server):
        assert not database.answers(database.as_role(server.application_url, database.APPLICATION, "wrong"))

    def test_a_dead_session_does_not_hold_a_row(self, server):
        with psycopg.connect(server.application_url) as application:
            application.execute("SET LOCAL statement_timeout = '50ms'")
            with pytest.raises(psycopg.errors.QueryCanceled):
                application.execute("SELECT pg_sleep(5)")


@pytest.fixture
def hospital():
    """What a hospital hands out: a database, and a role that may create roles but is no superuser."""
    folder = Path(tempfile.mkdtemp(prefix="clinic-given-"))
    account, household = identity.service(), Household()
    try:
        account.owns(folder)
        server = Postgres(folder, "superuser", account, durable=False, log=folder.with_suffix(".log"))
        server.start(household)
        with psycopg.connect(server.url(), autocommit=True) as superuser:
            superuser.execute("CREATE ROLE hospital LOGIN CREATEROLE PASSWORD 'handed-out'")
            superuser.execute("CREATE DATABASE clinic OWNER hospital")
        yield server
    finally:
        household.stop()
        shutil.rmtree(folder)
        folder.with_suffix(".log").unlink(missing_ok=True)


def test_a_hospitals_role_makes_what_is_missing(hospital):
    given = database.address("hospital", "handed-out", hospital.port, "clinic")
    found = database.prepare_given_server(given, {}, MADE_UP)
    assert found == database.prepare_given_server(given, {}, MADE_UP)
    url = found.application
    assert url == database.address("ldn_app", "made-up-here", hospital.port, "clinic")
    assert all(database.answers(address) for address in (found.worker, found.export))
    with psycopg.connect(given, autocommit=True) as owner:
        owner.execute("CREATE TABLE nights (id int)")
    with psycopg.connect(url) as application:
        application.execute("INSERT INTO nights VALUES (1)")
        assert application.execute("SHOW lock_timeout").fetchone() == ("3s",)
    refused(url, "TRUNCATE nights")


def test_a_role_that_comes_by_anothers_rights_is_refused(hospital):
    given = database.address("hospital", "handed-out", hospital.port, "clinic")
    database.prepare_given_server(given, {}, MADE_UP)
    with psycopg.connect(hospital.url(), autocommit=True) as superuser:
        for role in database.SERVING:
            for too_much, back, sentence in (
                ("ALTER ROLE {} INHERIT", "ALTER ROLE {} NOINHERIT", "inherits what other roles may do"),
                ("GRANT hospital TO {}", "REVOKE hospital FROM {}", "is a member of hospital"),
            ):
                # Who made a role is its member, and none can be each other's.
                superuser.execute(f"REVOKE {role} FROM hospital")
                superuser.execute(too_much.format(role))
                with pytest.raises(Failure, match=f"{role} {sentence}"):
                    database.prepare_given_server(given, {}, MADE_UP)
                superuser.execute(back.format(role))
    database.prepare_given_server(given, {}, MADE_UP)


def test_a_clinic_beside_the_demonstrations_is_seen(server):
    from ldn_clinic import demo

    assert running.DEMO_CLINIC == demo.CLINIC_NAME
    with psycopg.connect(server.owner_url, autocommit=True) as owner:
        owner.execute("CREATE TABLE IF NOT EXISTS accounts_clinic (name text)")
        owner.execute("INSERT INTO accounts_clinic VALUES (%s)", [demo.CLINIC_NAME])
        assert not database.holds_a_clinic_beside(demo.CLINIC_NAME, server.owner_url)
        owner.execute("INSERT INTO accounts_clinic VALUES ('Another')")
        assert database.holds_a_clinic_beside(demo.CLINIC_NAME, server.owner_url)


class TestAGivenServer:
    """The role that was given owns the database; here our own owner stands for it."""

    def test_it_is_prepared_and_says_how_the_application_signs_in(self, server):
        found = database.prepare_given_server(server.owner_url, told(server), MADE_UP)
        assert database.role_of(found.application) == database.APPLICATION
        assert database.answers(found.application)

    def test_another_clinics_password_is_never_changed(self, server):
        with pytest.raises(Failure, match="DATABASE_APP_URL"):
            database.prepare_given_server(server.owner_url, {**told(server), database.APPLICATION: None}, MADE_UP)
        assert database.answers(server.application_url)

    def test_the_owner_may_not_pose_as_the_application(self, server):
        with pytest.raises(Failure, match="must sign in as the role ldn_app"):
            database.prepare_given_server(
                server.owner_url, {**told(server), database.APPLICATION: server.owner_url}, MADE_UP
            )

    def test_a_role_that_may_not_prepare_is_told_what_it_lacks(self, server):
        with psycopg.connect(server.owner_url, autocommit=True) as owner:
            owner.execute("CREATE DATABASE bare TEMPLATE template0")
        url = server.application_url.rpartition("/")[0] + "/bare"
        with pytest.raises(Failure, match="CREATE on the database"):
            database.prepare_given_server(url, told(server), MADE_UP)

    def test_a_server_that_is_away_is_a_sentence(self):
        with pytest.raises(Failure, match="does not answer"):
            database.prepare_given_server("postgres://a:b@127.0.0.1:1/c", {}, MADE_UP)
