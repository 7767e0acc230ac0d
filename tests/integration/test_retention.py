"""Technical rows are forgotten once they let nobody in any more, and the memory says how many."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from axes.models import AccessAttempt

from accounts.models import Clinic, Session
from accounts.services.retention import TRIES_KEPT
from launch.places import ROOT
from ldn_clinic import retention, tasks
from ldn_clinic.beat import SCHEDULE
from patients import secrets, services
from patients.models import EmergencyTry, FreshCode, Invitation, Patient
from patients.services.retention import KEPT
from tests import factories, workers
from tests.memory import events

NOW = datetime(2026, 3, 16, 3, tzinfo=UTC)
BARELY = timedelta(microseconds=1)


@pytest.fixture
def clinic(db: None) -> Clinic:
    return factories.clinic()


def code(patient: Patient, *, expires_at: datetime, spent: bool = True) -> FreshCode:
    phone, _ = factories.phone(patient)
    return FreshCode.objects.create(
        clinic_id=patient.clinic_id,
        phone=phone,
        code_digest="x",
        created_at=expires_at - secrets.CODE_LASTS,
        expires_at=expires_at,
        spent_at=expires_at if spent else None,
    )


def test_what_is_older_than_thirty_days_goes_and_what_is_not_stays(clinic: Clinic) -> None:
    by = factories.member(clinic)
    patient = factories.patient(clinic, registered_by_id=by.user_id)
    old, young = code(patient, expires_at=NOW - KEPT - BARELY), code(patient, expires_at=NOW - KEPT)
    services.invite(patient=patient, by=by, at=NOW - timedelta(days=200))
    services.invite(patient=patient, by=by, at=NOW)
    for at in (NOW - KEPT - BARELY, NOW - KEPT):
        EmergencyTry.objects.create(clinic=clinic, user_id=by.user_id, at=at)
    Session.objects.create(session_key="over", session_data="", expire_date=NOW - BARELY)
    Session.objects.create(session_key="runs", session_data="", expire_date=NOW)
    for at in (NOW - TRIES_KEPT - BARELY, NOW - TRIES_KEPT):
        with time_machine.travel(at, tick=False):
            AccessAttempt.objects.create(username=str(at), ip_address="192.0.2.1", failures_since_start=1)
    open_one = Invitation.objects.get(replaced_at=None)
    Invitation.objects.exclude(id=open_one.id).update(replaced_at=NOW - KEPT - BARELY)
    retention.sweep(at=NOW)
    assert list(FreshCode.objects.values_list("id", flat=True)) == [young.id]
    assert old.id != young.id
    assert list(Invitation.objects.values_list("id", flat=True)) == [open_one.id]
    assert list(EmergencyTry.objects.values_list("at", flat=True)) == [NOW - KEPT]
    assert list(Session.objects.values_list("session_key", flat=True)) == ["runs"]
    counted = [event for event in events(action=retention.ACTION) if event.clinic_id == clinic.id]
    assert [event.details for event in counted] == [
        {"codes": 1, "invitations": 1, "carers_not_come": 0, "emergency_tries": 1, "tables_not_decided_on": 0}
    ]
    (of_all,) = (event for event in events(action=retention.ACTION) if event.clinic_id is None)
    assert of_all.details == {"sessions": 1, "failed_tries": 1, "failures_listed": 0}
    assert AccessAttempt.objects.get().username == str(NOW - TRIES_KEPT)


def test_every_clinics_rows_are_counted_for_itself(clinic: Clinic) -> None:
    other = factories.clinic("Other Clinic")
    code(factories.patient(other), expires_at=NOW - KEPT - BARELY)
    retention.sweep(at=NOW)
    counted = {event.clinic_id: event.details for event in events(action=retention.ACTION) if event.clinic_id}
    assert (counted[clinic.id]["codes"], counted[other.id]["codes"]) == (0, 1)


def test_twice_forgets_once(clinic: Clinic) -> None:
    code(factories.patient(clinic), expires_at=NOW - KEPT - BARELY)
    for _ in range(2):
        retention.sweep(at=NOW)
    assert [e.details["codes"] for e in events(action=retention.ACTION, clinic_id=clinic.id)] == [1, 0]


def test_the_timetable_rings_it_daily(clinic: Clinic, monkeypatch: Any) -> None:
    assert SCHEDULE["retention"]["task"] == tasks.tick.name
    assert SCHEDULE["retention"]["schedule"] == 86_400
    with time_machine.travel(NOW, tick=False):
        tasks.tick()
    assert {event.at for event in events(action=retention.ACTION)} == {NOW}


@pytest.mark.django_db(transaction=True)
def test_the_workers_own_role_may_do_it() -> None:
    """The task runs as the worker: a right it lacks would stop it each night, and no page would tell."""
    clinic = factories.clinic()
    code(factories.patient(clinic), expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    program = "import django; django.setup(); from ldn_clinic import tasks; tasks.tick()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=workers.environment(DJANGO_SETTINGS_MODULE="ldn_clinic.settings"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert not FreshCode.objects.exists()
    assert len(events(action=retention.ACTION)) == 2
