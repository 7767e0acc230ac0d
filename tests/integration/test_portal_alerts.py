"""What the rules say to the patient, at once where it may be an emergency, in words that need no script."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from patients.models import Patient
from tests import factories, pages, personas
from tests.phones import MORNING, NIGHT, address, answers, phone_of
from titration.models import Finding
from titration.selectors import courses
from titration.services import findings

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def morning() -> Iterator[None]:
    with time_machine.travel(MORNING, tick=False):
        yield


@pytest.fixture
def patient() -> Patient:
    made = factories.patient(factories.clinic())
    factories.prescription(made, at=MORNING - timedelta(days=5))
    return made


@pytest.fixture
def phone(patient: Patient) -> Client:
    return phone_of(patient)


def told(phone: Client, **typed: object) -> str:
    response = phone.post(address(NIGHT), answers(**typed), follow=True)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


class TestAtOnce:
    def test_withdrawal_is_an_emergency_on_the_very_next_page(self, phone: Client, patient: Patient) -> None:
        page = told(
            phone,
            other_medicines_answer="yes",
            other_medicines="co-codamol",
            side_vomiting="severe",
            side_yawning="mild",
            side_tremor="mild",
        )
        assert "Act on this now" in page
        assert "may be opioid withdrawal" in page
        assert "emergency number now" in page
        assert page.index("Act on this now") < page.index("Your next dose")
        assert Finding.objects.get(patient=patient, rule="R03").state == Finding.State.OPEN

    def test_dark_urine_stops_the_dose(self, phone: Client, patient: Patient) -> None:
        page = told(phone, side_dark_urine="mild")
        assert "may come from the liver" in page
        assert "No dose for now" in page
        assert courses.tonight(patient, at=MORNING).state == courses.TonightState.STOPPED_BY_ALERT

    def test_two_signs_and_an_opioid_are_no_emergency(self, phone: Client, patient: Patient) -> None:
        page = told(phone, other_medicines_answer="yes", other_medicines="codeine", side_yawning="mild")
        assert "Act on this now" not in page
        assert "Take no further dose until your clinic has answered" in page

    def test_more_than_planned_is_answered_on_the_very_next_page(self, phone: Client) -> None:
        page = told(phone, other_mg="4.5")
        assert "You took more than planned. Take the next dose at its usual time and not before" in page
        assert page.index("You took more than planned") < page.index("Your last nights")
        assert "not before; your clinic will ask you about it." in page

    def test_two_doses_close_together_are_answered_on_the_very_next_page(self, phone: Client) -> None:
        phone.post(address(NIGHT - timedelta(days=1)), answers(taken_at="11:30"))
        assert "Two doses were close together." in told(phone, taken_at="20:00")

    def test_what_the_words_of_a_procedure_say_is_not_said_twice(self, phone: Client, patient: Patient) -> None:
        factories.finding(patient, at=MORNING, rule="R16", patient_sentence="Take your last dose before it.")
        assert "Take your last dose before it." in pages.words_of(phone.get("/p/"))
        personas.planned_procedure(patient, factories.member(patient.clinic), "an operation")
        words = pages.words_of(phone.get("/p/"))
        assert "Your procedure on" in words
        assert "Take your last dose before it." not in words

    def test_an_ordinary_night_says_nothing(self, phone: Client, patient: Patient) -> None:
        page = told(phone)
        assert "Act on this now" not in page
        assert "About your treatment" not in page
        findings.judge(patient_id=patient.id, clinic_id=patient.clinic_id, at=MORNING)
        assert not Finding.objects.filter(patient=patient, rule__in=["R03", "R04"]).exists()


class TestNightForm:
    def test_the_warning_signs_are_asked_apart_and_kept(self, phone: Client, patient: Patient) -> None:
        page = phone.get(address(NIGHT)).content.decode()
        assert page.index("More side effects") < page.index("Warning signs") < page.index("Yellow skin or eyes")
        told(phone, side_jaundice="mild")
        again = phone.get(address(NIGHT)).content.decode()
        assert '<details class="more" id="warning-signs" open>' in again
