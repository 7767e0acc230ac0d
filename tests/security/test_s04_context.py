"""S04: with no word of who acts the database shows nothing, and what it was told ends with the transaction."""

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import override_settings
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from audit.models import AuditEvent
from common import clock, walls
from exports import services as exports_services
from patients.models import Patient
from tests import factories, pages, personas, sight
from tests.security import catalogue, doors
from tests.security.site import Knock, knocker
from titration import tasks
from titration.services import courses

TOLD = ("clinic", "user", "request", "key")
NOBODY = dict.fromkeys(TOLD, "")


def told() -> dict[str, str]:
    """What the database has been told, by its own word."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"coalesce(current_setting('app.{name}', true), '')" for name in TOLD))
        return dict(zip(TOLD, cursor.fetchone(), strict=True))


class TestWithoutAWord:
    """Everything is there, and nobody sees it."""

    @pytest.fixture(autouse=True)
    def everything(self, house: personas.House) -> None:
        """Two clinics, built in the transaction of this connection."""

    def test_every_walled_table_is_empty(self) -> None:
        everywhere = self._counts()
        filled = {table for table, rows in everywhere.items() if rows}
        assert filled >= {"patients_patient", "symptoms_symptomlog", "titration_prescription", "reminders_reminder"}
        with sight.blind():
            seen = {table for table, rows in self._counts().items() if rows}
        # Shipped templates are for all to read.
        assert seen == {"titration_protocolversion"}

    def test_the_memory_is_empty_too_for_the_role_that_reads_it(self) -> None:
        with walls.taking(walls.AUDITOR_ROLE):
            assert AuditEvent.objects.exists()
        with sight.blind(), walls.taking(walls.AUDITOR_ROLE):
            assert not AuditEvent.objects.exists()

    def test_of_every_walled_table_a_clinic_sees_its_own(self, house: personas.House) -> None:
        clinic = house.cases["own"].patient.clinic_id
        with sight.blind(), walls.acting(clinic=clinic), connection.cursor() as cursor:
            for table in catalogue.readable_walled(connection):
                column = catalogue.CLINIC_COLUMN.get(table, "clinic_id")
                shared = f" AND {column} IS NOT NULL" if table in catalogue.SHARED else ""
                cursor.execute(f"SELECT count(*) FROM {table} WHERE {column} IS DISTINCT FROM %s{shared}", [clinic])
                assert cursor.fetchone() == (0,), table

    @pytest.mark.parametrize("nonsense", ["", "00000000-0000-0000-0000-000000000001"])
    def test_a_clinic_that_is_none_sees_nothing(self, nonsense: str) -> None:
        with sight.blind(), walls.acting(clinic=nonsense):
            assert not Patient.objects.across_clinics().exists()

    def test_a_row_cannot_be_given_to_another_clinic(self, house: personas.House) -> None:
        own, foreign = house.cases["own"].patient, house.cases["foreign"].patient
        with sight.blind(), walls.acting(clinic=own.clinic_id):
            with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
                Patient.objects.across_clinics().filter(id=own.id).update(clinic_id=foreign.clinic_id)
            with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
                factories.patient(foreign.clinic, "Somebody Else")

    def _counts(self) -> dict[str, int]:
        with connection.cursor() as cursor:
            counts = " UNION ALL ".join(
                f"SELECT '{table}', count(*) FROM {table}" for table in catalogue.readable_walled(connection)
            )
            cursor.execute(counts)
            return dict(cursor.fetchall())


class Boom(Exception):
    """Something went wrong in the middle."""


WORDS = st.sampled_from([None, "", uuid.UUID(int=1), uuid.UUID(int=2)])
CHANGES = st.fixed_dictionaries({}, optional=dict.fromkeys(TOLD, WORDS))
LEAF = st.one_of(st.just(("ask",)), st.just(("raise",)), st.just(("break",)))
STEPS = st.recursive(
    st.lists(LEAF, max_size=2),
    lambda within: st.lists(
        st.one_of(
            LEAF,
            st.tuples(st.just("acting"), CHANGES, within),
            st.tuples(st.just("atomic"), st.booleans(), within),
            st.tuples(st.just("try"), within),
        ),
        max_size=4,
    ),
    max_leaves=15,
)


def take(steps: Any, known: dict[str, str]) -> None:
    """Do these steps, and ask after each what the database has been told."""
    for step in steps:
        match step:
            case ("raise",):
                raise Boom
            case ("break",):
                _break()
            case ("acting", changes, within):
                with walls.acting(**changes):
                    take(within, known | {name: str(value or "") for name, value in changes.items()})
            case ("atomic", savepoint, within):
                with transaction.atomic(savepoint=savepoint):
                    take(within, known)
            case ("try", within):
                try:
                    with transaction.atomic():
                        take(within, known)
                except Boom:
                    pass
        assert told() == known


def _break() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")
    except DatabaseError as error:
        raise Boom from error


UNSAVED = ("atomic", False, [("raise",)])


@pytest.mark.django_db(transaction=True)
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
@example(steps=[("try", [("acting", {"clinic": uuid.UUID(int=1)}, [UNSAVED])]), ("ask",)])
@example(steps=[("acting", {"clinic": uuid.UUID(int=1)}, [("try", [("acting", {"user": None}, [("break",)])])])])
def test_what_was_told_holds_for_its_block_and_no_longer(steps: Any) -> None:
    """Nested, in savepoints and without, whatever goes wrong in the middle."""
    with sight.blind():
        for step in steps:
            with suppress(Boom):
                take([step], NOBODY)
            assert not connection.in_atomic_block
            assert told() == NOBODY
            assert walls.context_of(connection) == walls.Context()


@pytest.mark.django_db(transaction=True)
class TestOnOneConnection:
    """A worker of the web answers many, one after the other, on one connection that stays open."""

    @pytest.fixture
    def knock(self) -> Iterator[Knock]:
        with sight.blind(), override_settings(ROOT_URLCONF="tests.security.doors"):
            yield knocker()

    @pytest.fixture
    def sessions(self) -> dict[str, str]:
        """A session of each clinic, by the clinic's id; each clinic has one patient with a course."""
        return two_clinics()

    def test_each_request_sees_its_own_clinic_and_the_next_nothing_of_it(
        self, sessions: dict[str, str], knock: Knock
    ) -> None:
        before = self._backend()
        for clinic, session in [*sessions.items()] * 2:
            for path in ("/look", "/nest"):
                status, body = knock(path, session)
                assert (status, json.loads(body)) == (200, [clinic, clinic])
                self._nothing_is_left()
            assert knock("/anybody", session) == (200, b"[]")
        assert self._backend() == before, "the connection did not stay open"

    @pytest.mark.parametrize("path", ["/fail", "/broken"])
    def test_an_error_in_the_middle_leaves_nothing(self, sessions: dict[str, str], knock: Knock, path: str) -> None:
        before = self._backend()
        first, second = sessions.values()
        assert knock(path, first)[0] == 500
        self._nothing_is_left()
        assert knock("/anybody", "") == (200, b"[]")
        assert set(json.loads(knock("/look", second)[1])) == {list(sessions)[1]}
        assert self._backend() == before

    def test_what_leaves_after_the_door_has_closed_is_asked_by_nobody(
        self, sessions: dict[str, str], knock: Knock
    ) -> None:
        for session in sessions.values():
            assert knock("/stream", session) == (200, b"0 0 0 ")
            self._nothing_is_left()

    def _backend(self) -> int:
        connection.ensure_connection()
        return int(connection.connection.info.backend_pid)

    def _nothing_is_left(self) -> None:
        assert told() == NOBODY
        assert doors.rows() == []


@pytest.mark.django_db(transaction=True)
def test_an_export_that_leaves_in_pieces_leaves_nothing(tmp_path: Any, settings: Any) -> None:
    """The file of one clinic, and in the middle of it a request of the other's, on the same connection."""
    settings.EXPORT_DIR = tmp_path
    sessions, files = {}, {}
    for name in ("North", "South"):
        clinic = factories.clinic(name)
        member = factories.member(clinic)
        patient = factories.patient(clinic, record_number=f"{name}-17")
        factories.told_night(patient, clock.now().date())
        export = exports_services.ask(patient=patient, request_key=uuid.uuid4(), by=member, at=clock.now())
        exports_services.run(export.id, now=clock.now)
        sessions[name] = pages.client_of(member).cookies[settings.SESSION_COOKIE_NAME].value
        files[name] = f"/exports/{export.id}/file"
    knock = knocker()
    with sight.blind():
        for mine, others in (("North", "South"), ("South", "North")):
            status, body = knock(files[mine], sessions[mine])
            assert status == 200
            assert f"{mine}-17" in body.decode()
            assert told() == NOBODY
            assert knock(files[mine], sessions[others])[0] == 404
            assert told() == NOBODY


@pytest.mark.django_db(transaction=True)
class TestTheWorker:
    """A worker's child goes from task to task, and from clinic to clinic."""

    def test_a_task_leaves_nothing_for_the_next(self, monkeypatch: pytest.MonkeyPatch) -> None:
        two_clinics()
        seen: list[tuple[str, set[str]]] = []
        real = courses.planned_due

        def look(*, clinic_id: uuid.UUID, at: Any) -> Any:
            seen.append((str(clinic_id), set(doors.rows())))
            return real(clinic_id=clinic_id, at=at)

        monkeypatch.setattr(courses, "planned_due", look)
        with as_worker():
            for _ in range(2):
                tasks.tick()
                assert told() == NOBODY
                assert doors.rows() == []
        assert len(seen) == 4
        assert all(rows == {clinic} for clinic, rows in seen)

    def test_a_task_that_fails_in_the_middle_leaves_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        two_clinics()

        def fail(**_: Any) -> None:
            assert doors.rows()
            raise Boom

        monkeypatch.setattr(courses, "planned_due", fail)
        with as_worker():
            with pytest.raises(Boom):
                tasks.tick()
            assert told() == NOBODY
            assert doors.rows() == []

    def test_without_a_clinic_the_worker_sees_its_queues_alone(self) -> None:
        two_clinics()
        with as_worker(), connection.cursor() as cursor:
            walled = set(catalogue.readable_walled(connection))
            assert len(walled) > 30
            for table in sorted(walled - set(catalogue.QUEUES) - catalogue.SHARED):
                cursor.execute(f"SELECT count(*) FROM {table}")
                assert cursor.fetchone() == (0,), table
            cursor.execute("SELECT count(*) FROM accounts_clinic")
            assert cursor.fetchone() == (2,)


@contextmanager
def as_worker() -> Iterator[None]:
    """This thread's connection signs in as the worker, who has told the database nothing."""
    worker = urlsplit(os.environ["DATABASE_WORKER_URL"])
    before = {name: connection.settings_dict[name] for name in ("USER", "PASSWORD")}
    connection.close()
    connection.settings_dict.update(USER=worker.username, PASSWORD=worker.password)
    try:
        with sight.blind():
            yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


def two_clinics() -> dict[str, str]:
    """Two clinics, each with a member and a patient who has a course: a session's key by the clinic's id."""
    from django.conf import settings

    found = {}
    for name in ("North", "South"):
        clinic = factories.clinic(name)
        member = factories.member(clinic)
        factories.prescription(factories.patient(clinic), by=member)
        found[str(clinic.id)] = pages.client_of(member).cookies[settings.SESSION_COOKIE_NAME].value
    return found
