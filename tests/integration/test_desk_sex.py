"""The sex on a record, for the lines of rules and reference ranges: said, changed, taken back, or left unsaid."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from common.refusals import Refused, Stale
from patients.models import Patient
from patients.services import particulars
from symptoms import services as symptoms_services
from tests import factories, memory, pages
from tests.pages import words_of
from titration import rule_book
from titration.engine.advice import judge
from titration.selectors import cases

AT = factories.AT
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def now(settings: Any) -> Iterator[None]:
    pages.stay_signed_in(settings)
    with time_machine.travel(AT, tick=False):
        yield


@pytest.fixture
def clinic() -> Clinic:
    return factories.clinic()


@pytest.fixture
def nurse(clinic: Clinic) -> Actor:
    return factories.member(clinic, Membership.Role.NURSE)


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return factories.patient(clinic)


@pytest.fixture
def desk(nurse: Actor) -> Client:
    return pages.client_of(nurse)


def say(patient: Patient, by: Actor, sex: str, seen: int = 1) -> Patient:
    return particulars.say_sex(patient=patient, sex=sex, seen_version=seen, by=by, at=AT)


def test_it_is_unsaid_until_somebody_says_it(desk: Client, patient: Patient) -> None:
    page = desk.get(reverse("desk:patient", args=[patient.id]))
    assert "Sex, for reference ranges: not said" in words_of(page)
    url = reverse("desk:sex", args=[patient.id])
    assert url in page.content.decode()
    assert desk.post(url, {"sex": "male", "seen_version": "1"}).status_code == 302
    assert "Sex, for reference ranges: Male" in words_of(desk.get(reverse("desk:patient", args=[patient.id])))
    assert [event.action for event in memory.events(action="patient.sex")] == ["patient.sex"]


def test_what_stands_changes_nothing_and_a_change_over_a_newer_record_is_stale(
    desk: Client, patient: Patient, nurse: Actor
) -> None:
    say(patient, nurse, "female")
    say(patient, nurse, "female")
    patient.refresh_from_db()
    assert (patient.version, patient.change_sequence) == (2, 1)
    with pytest.raises(Stale):
        say(patient, nurse, "male")
    answer = desk.post(reverse("desk:sex", args=[patient.id]), {"sex": "other", "seen_version": "1"})
    assert answer.status_code == 409
    page = answer.content.decode()
    assert '<option value="other" selected' in page
    assert 'name="seen_version" value="2"' in page
    say(patient, nurse, "", seen=2)
    assert Patient.objects.get(id=patient.id).sex == ""


def test_only_words_of_the_list_are_taken(desk: Client, patient: Patient, nurse: Actor) -> None:
    with pytest.raises(Refused, match="Choose one"):
        say(patient, nurse, "m")
    assert desk.post(reverse("desk:sex", args=[patient.id]), {"sex": "m", "seen_version": "1"}).status_code == 422
    with pytest.raises(IntegrityError, match="a_sex_is_one_of_the_list"), transaction.atomic():
        Patient.objects.filter(id=patient.id).update(sex="m")


def test_a_stranger_says_nothing(patient: Patient) -> None:
    stranger = factories.member(factories.clinic("Another Clinic"))
    with pytest.raises((Refused, Patient.DoesNotExist)):
        say(patient, stranger, "male")


@pytest.mark.parametrize(("sex", "fires"), [("", True), ("female", True), ("other", True), ("male", False)])
def test_the_line_of_the_audit_c_follows_it(patient: Patient, nurse: Actor, sex: str, fires: bool) -> None:
    if sex:
        say(patient, nurse, sex)
    symptoms_services.save_assessment(
        patient=patient,
        instrument="audit-c",
        answers={"how_often": 1, "how_many": 1, "six_or_more": 1},
        on=AT.date(),
        by=nurse,
        at=AT,
    )
    known = cases.case_of(Patient.objects.get(id=patient.id), at=AT).case
    found = judge.judge(known, rule_book.shipped()).findings
    assert ("R26" in {one.rule for one in found}) is fires


def test_it_may_be_said_when_the_patient_is_registered(desk: Client) -> None:
    typed = {
        "name": "New Patient", "birth_date": "1980-01-01", "sex": "female", "record_number": "N-1",
        "email": "new@test.invalid", "zone": "Europe/London", "conditions": ["psoriasis"],
    }  # fmt: skip
    assert desk.post(reverse("desk:register"), typed).status_code == 302
    assert Patient.objects.get(record_number="N-1").sex == "female"
