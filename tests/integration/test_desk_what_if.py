"""A course downloaded and tried out: the file says no name, gives the course's own timeline, and nothing is saved."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import Clinic
from common.dose import Dose
from patients.models import Patient
from tests import factories, pages
from tests.pages import words_of
from titration import protocol_files
from titration.engine import timeline
from titration.engine.course import GoTo, Pause
from titration.models import PlanChange, Prescription
from titration.replay import reading, running
from titration.selectors import courses as courses_selectors
from titration.services import courses

AT = factories.AT
NOW = AT + timedelta(days=17)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def now(settings: Any) -> Iterator[None]:
    pages.stay_signed_in(settings)
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def clinic() -> Clinic:
    return factories.clinic()


@pytest.fixture
def prescriber(clinic: Clinic) -> Actor:
    return factories.member(clinic)


@pytest.fixture
def desk(prescriber: Actor) -> Client:
    return pages.client_of(prescriber)


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return factories.patient(clinic, name="Canary Name")


@pytest.fixture
def course(patient: Patient, prescriber: Actor) -> Prescription:
    made = factories.prescription(patient, by=prescriber, capsule_strength=Dose.of("0.5"))
    for day in range(10):
        factories.told_night(
            patient, AT.date() + timedelta(days=day), note="canary note", side_effects={"rash": "mild"}
        )
    on = NOW.date()
    for change in (GoTo(on, Dose.of("2.5")), Pause(on + timedelta(days=5), 3)):
        version = Prescription.objects.get(id=made.id).version
        courses.change(
            prescription_id=made.id, change=change, reason="canary why", seen_version=version, by=prescriber, at=NOW
        )
    return courses_selectors.with_changes(Prescription.objects.filter(id=made.id)).get()


def url(course: Prescription, page: str) -> str:
    return reverse(f"desk:course_{page}", args=[course.id])


def test_the_file_gives_the_same_timeline_and_says_nobodys_name(
    desk: Client, course: Prescription, patient: Patient
) -> None:
    answer = desk.get(url(course, "download"))
    written = answer.content.decode()
    for said in ("Canary", "canary", patient.record_number, str(patient.id), patient.email):
        assert said not in written, said
    done = running.run(reading.read(written, protocol_files.find))
    assert not done.refused
    assert timeline.unfold(done.course) == timeline.unfold(courses_selectors.course_of(course))
    assert len(json.loads(written)["logs"]) == 10


def test_what_is_edited_is_shown_beside_what_is_and_saved_nowhere(desk: Client, course: Prescription) -> None:
    file = json.loads(desk.get(url(course, "download")).content)
    file["changes"].append(
        {"on": (NOW.date() + timedelta(days=1)).isoformat(), "kind": "hold", "days": 2, "reason": "tired"}
    )
    page = desk.post(url(course, "what_if"), {"file": json.dumps(file)})
    assert page.status_code == 200
    words = words_of(page)
    assert "Held 2 days: tired" in words[words.index("As edited") :]
    assert "Held 2 days: tired" not in words[: words.index("As edited")]
    assert PlanChange.objects.count() == 2


@pytest.mark.parametrize(
    ("typed", "said"), [("{", "no JSON"), ('{"protocol": "STD-2W"}', "zone"), ("", "nothing to try")]
)
def test_what_cannot_be_read_is_said_beside_the_field_and_kept(
    desk: Client, course: Prescription, typed: str, said: str
) -> None:
    answer = desk.post(url(course, "what_if"), {"file": typed})
    assert answer.status_code == 422
    assert said in words_of(answer)


def test_a_change_that_cannot_be_is_named_with_its_sentence(desk: Client, course: Prescription) -> None:
    file = json.loads(desk.get(url(course, "download")).content)
    file["changes"].append({"on": (NOW.date() + timedelta(days=20)).isoformat(), "kind": "go_to", "dose_mg": "11"})
    words = words_of(desk.post(url(course, "what_if"), {"file": json.dumps(file)}))
    assert "Change 3:" in words
