"""A plan that awaits its medicine: the diary is open, nothing is stepped for, and the first dose told begins it."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.test import Client

from common.dose import Dose
from patients.models import Patient
from symptoms.models import DoseTaken, SymptomLog
from tests import factories
from tests.pages import words_of
from tests.phones import EVENING, MORNING, NIGHT, address, answers, phone_of
from titration.models import PlanChange, Prescription
from titration.selectors import courses as courses_selectors
from titration.selectors.courses import TonightState

pytestmark = pytest.mark.django_db


@pytest.fixture
def patient() -> Patient:
    return factories.patient(factories.clinic())


@pytest.fixture
def waiting(patient: Patient) -> Prescription:
    return factories.prescription(patient, awaiting=True)


@pytest.fixture
def phone(patient: Patient) -> Client:
    return phone_of(patient)


@pytest.fixture(autouse=True)
def morning() -> Iterator[Any]:
    with time_machine.travel(MORNING, tick=False):
        yield


def begun(waiting: Prescription) -> date | None:
    waiting.refresh_from_db()
    return waiting.begun_on


def test_the_patient_is_told_what_the_first_dose_is_and_may_tell_it(
    patient: Patient, waiting: Prescription, phone: Client
) -> None:
    tonight = courses_selectors.tonight(patient, at=EVENING)
    assert (tonight.state, tonight.dose) == (TonightState.AWAITING, Dose.of("1.5"))
    with time_machine.travel(EVENING, tick=False):
        words = words_of(phone.get("/p/"))
    assert "Your medicine is on its way" in words
    assert "1 capsule of 1.5 mg = 1.5 mg (one and a half milligrams)" in words
    assert "I took it" in words


def test_the_first_dose_told_begins_the_plan_and_every_step_is_counted_from_it(
    waiting: Prescription, phone: Client
) -> None:
    assert waiting.next_due_on is None
    assert phone.post(address(), answers()).status_code == 302
    assert begun(waiting) == NIGHT
    assert waiting.next_due_on == NIGHT + timedelta(days=14)
    assert (PlanChange.objects.get().kind, PlanChange.objects.get().on) == ("begin", NIGHT)


def test_a_night_without_a_dose_is_the_baseline_and_begins_nothing(waiting: Prescription, phone: Client) -> None:
    assert phone.post(address(), answers(taken="", other_mg="")).status_code == 302
    assert SymptomLog.objects.get().sleep_hours == Decimal("6.5")
    assert begun(waiting) is None


def test_told_twice_it_begins_once(waiting: Prescription, phone: Client) -> None:
    for _ in range(2):
        phone.post(address(), answers())
    later = NIGHT - timedelta(days=1)
    phone.post(address(later), answers())
    assert begun(waiting) == NIGHT
    assert PlanChange.objects.count() == 1


def test_with_an_opioid_told_beside_it_nothing_begins_and_the_night_is_kept(
    waiting: Prescription, phone: Client
) -> None:
    told = answers(other_medicines_answer="yes", other_medicines="codeine")
    assert phone.post(address(), told).status_code == 302
    assert begun(waiting) is None
    assert DoseTaken.objects.get().taken == "taken"


def test_a_plan_that_never_waited_is_not_begun_by_a_dose(patient: Patient, phone: Client) -> None:
    factories.prescription(patient)
    assert phone.post(address(), answers()).status_code == 302
    assert not PlanChange.objects.exists()
