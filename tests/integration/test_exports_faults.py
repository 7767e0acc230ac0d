"""Races and faults that only committed rows on several connections can show."""

import threading
import uuid
from collections.abc import Callable, Generator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from accounts.actors import Actor
from accounts.models import Membership
from exports import datasets, files, services, tasks
from exports.models import Export
from ldn_clinic.beat import SCHEDULE
from symptoms.models import SymptomLog
from tests import factories
from tests.factories import AT

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def export_dir(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.EXPORT_DIR = tmp_path / "exports"
    monkeypatch.setattr(services, "_ring", lambda export_id: None)


@pytest.fixture
def staff() -> Actor:
    clinic = factories.clinic()
    patient = factories.patient(clinic)
    for day in range(9):
        SymptomLog.objects.create(
            clinic=clinic, patient=patient, night=date(2026, 2, 1) + timedelta(days=day), recorded_at=AT
        )
    return factories.member(clinic, Membership.Role.STAFF)


def at_once(deed: Callable[[], Any], times: int = 6) -> list[Any]:
    """The answers of as many threads that do it at the same moment, each on a connection of its own."""
    start, answers = threading.Barrier(times), []

    def one() -> None:
        start.wait()
        try:
            answers.append(deed())
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return answers


def test_a_form_sent_many_times_at_once_is_one_job(staff: Actor) -> None:
    key = uuid.uuid4()
    answers = at_once(lambda: services.ask(patient=None, request_key=key, by=staff, at=AT).id)
    assert len(answers) == 6
    assert set(answers) == set(Export.objects.values_list("id", flat=True))
    assert Export.objects.count() == 1


def test_a_message_doubled_many_times_is_made_once(staff: Actor) -> None:
    export = services.ask(patient=None, request_key=uuid.uuid4(), by=staff, at=AT)
    at_once(lambda: services.run(export.id, now=lambda: AT))
    export.refresh_from_db()
    assert (export.state, export.attempts, export.rows_done) == ("done", 1, 9)


def test_a_database_lost_in_the_middle_delays_the_export_and_leaves_nothing(
    staff: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = datasets.rows

    def cut_off(selection: datasets.Selection) -> Generator[Any]:
        for number, row in enumerate(real(selection)):
            if number == 3:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
            yield row

    export = services.ask(patient=None, request_key=uuid.uuid4(), by=staff, at=AT)
    with monkeypatch.context() as patch:
        patch.setattr(datasets, "rows", cut_off)
        services.run(export.id, now=lambda: AT)
    export.refresh_from_db()
    assert export.state == "running"
    assert files.drafts() == set()
    services.sweep(at=AT + services.LEASE)
    services.run(export.id, now=lambda: AT + services.LEASE)
    export.refresh_from_db()
    assert (export.state, export.rows_done, export.attempts) == ("done", 9, 2)


def test_the_timetable_calls_the_tasks_there_are() -> None:
    assert tasks.tick.name in {line["task"] for line in SCHEDULE.values()}
    assert tasks.make.name == "exports.make", "what the deed rings for"
