"""Questionnaires on record: who fills them in, what is shown at once, what is due, and what nobody may change."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.db import ProgrammingError, transaction
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor, Kind
from accounts.models import Clinic, Membership
from common.refusals import Refused
from patients.models import CareGrant, Patient, PatientCondition
from symptoms import selectors as symptoms_selectors
from symptoms import services as symptoms_services
from symptoms.models import Assessment
from tests import factories, memory, pages
from tests.pages import words_of
from tests.phones import phone_of
from titration.selectors import assessments

AT = factories.AT
TODAY = AT.date()
CALM = {"interest": 0, "low": 0}
HEAVY = {"interest": 2, "low": 1}
REST = ("sleep", "tired", "appetite", "failure", "concentration", "slow_or_restless")
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
def prescriber(clinic: Clinic) -> Actor:
    return factories.member(clinic, name="Test Prescriber")


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return factories.patient(clinic)


@pytest.fixture
def phone(patient: Patient) -> Client:
    return phone_of(patient)


def save(
    patient: Patient, instrument: str, answers: dict[str, int], *, by: Actor | None = None, **more: Any
) -> Assessment:
    values = {"on": TODAY, "at": AT, **more}
    return symptoms_services.save_assessment(
        patient=patient, instrument=instrument, answers=answers, by=by or factories.patient_actor(patient), **values
    )


def carer_actor(patient: Patient, rights: str = CareGrant.Rights.LOG) -> Actor:
    return Actor(kind=Kind.CARER, clinic_id=patient.clinic_id, label="a helper", patient_id=patient.id, rights=rights)


class TestTheDeed:
    def test_it_keeps_the_answers_the_score_and_who(self, patient: Patient) -> None:
        row = save(patient, "phq-9", {**HEAVY, **dict.fromkeys(REST, 1), "self_harm": 1})
        row.refresh_from_db()
        assert (row.score, row.item9, row.given_by, row.form_version) == (Decimal(10), 1, "patient", 1)
        assert row.answers["self_harm"] == 1

    def test_it_raises_what_the_rules_look_at(self, patient: Patient) -> None:
        before = Patient.objects.get(id=patient.id).change_sequence
        save(patient, "phq-2", CALM)
        assert Patient.objects.get(id=patient.id).change_sequence == before + 1

    def test_twice_is_once_and_other_answers_are_another_row(self, patient: Patient) -> None:
        first = save(patient, "phq-2", CALM)
        assert save(patient, "phq-2", CALM).id == first.id
        assert save(patient, "phq-2", HEAVY, at=AT + timedelta(minutes=1)).id != first.id
        newest = symptoms_selectors.newest_assessments([patient.id])[patient.id]["phq-2"]
        assert newest.score == 3

    def test_it_is_remembered_and_never_rewritten(self, patient: Patient) -> None:
        row = save(patient, "phq-2", CALM)
        assert [event.subject_id for event in memory.events(action="assessment.save")] == [row.id]
        with pytest.raises(ProgrammingError), transaction.atomic():
            Assessment.objects.filter(id=row.id).update(score=6)

    @pytest.mark.parametrize(
        ("instrument", "answers", "sentence"),
        [
            ("isi", {"a": 1}, "no such questionnaire"),
            ("phq-2", {}, "Nothing is answered"),
            ("phq-2", {"interest": 9}, "not an answer"),
        ],
    )
    def test_what_cannot_be_kept_is_refused(
        self, patient: Patient, instrument: str, answers: dict[str, int], sentence: str
    ) -> None:
        with pytest.raises(Refused, match=sentence):
            save(patient, instrument, answers)

    @pytest.mark.parametrize("days", [-367, 1])
    def test_the_clinic_records_no_day_to_come_and_none_long_past(
        self, patient: Patient, prescriber: Actor, days: int
    ) -> None:
        with pytest.raises(Refused, match="Choose the day"):
            save(patient, "phq-2", CALM, by=prescriber, on=TODAY + timedelta(days=days))

    def test_a_patient_answers_for_today_by_their_own_clock(self, clinic: Clinic) -> None:
        there = factories.patient(clinic, zone_name="Pacific/Auckland")
        at = datetime(2026, 3, 2, 20, tzinfo=UTC)
        assert save(there, "phq-2", CALM, at=at, on=TODAY + timedelta(days=1)).on == TODAY + timedelta(days=1)
        with pytest.raises(Refused, match="answered for today"):
            save(there, "phq-2", HEAVY, at=at, on=TODAY)

    def test_a_helper_tells_of_pain_and_never_of_mood(self, patient: Patient) -> None:
        assert save(patient, "pgic", {"change": 2}, by=carer_actor(patient)).given_by == "carer"
        with pytest.raises(Refused, match="Only the patient"):
            save(patient, "phq-2", CALM, by=carer_actor(patient))
        with pytest.raises(Refused, match="Only the patient"):
            save(patient, "pgic", {"change": 3}, by=carer_actor(patient, CareGrant.Rights.VIEW))

    def test_strangers_and_auditors_record_nothing(self, clinic: Clinic, patient: Patient) -> None:
        with pytest.raises(Refused, match="No patient of yours"):
            save(patient, "phq-2", CALM, by=factories.member(factories.clinic("Another Clinic")))
        with pytest.raises(Refused, match="may not record"):
            save(patient, "phq-2", CALM, by=factories.member(clinic, Membership.Role.AUDITOR))
        with pytest.raises(Refused, match="Only the patient"):
            save(patient, "phq-2", CALM, by=factories.patient_actor(factories.patient(clinic)))

    def test_nothing_is_recorded_after_the_care_ended(self, patient: Patient, prescriber: Actor) -> None:
        Patient.objects.filter(id=patient.id).update(care_ended_at=AT, care_ended_because="moved")
        with pytest.raises(Refused, match="has ended"):
            save(patient, "phq-2", CALM, by=prescriber)


class TestThePatientsPages:
    def test_a_positive_short_form_leads_to_the_rest_of_the_long_one(self, phone: Client, patient: Patient) -> None:
        answered = phone.post("/p/questions/phq-2/", {"interest": "2", "low": "1"})
        assert answered["Location"] == "/p/questions/phq-9/"
        page = phone.get(answered["Location"])
        assert "not asked again" in words_of(page)
        assert 'name="interest"' not in page.content.decode()
        done = phone.post("/p/questions/phq-9/", {**dict.fromkeys(REST, "1"), "self_harm": "0"})
        assert done["Location"] == "/p/questions/"
        row = Assessment.objects.get(patient=patient, instrument="phq-9")
        assert (row.score, row.item9) == (9, 0)
        assert "help is there now" not in words_of(phone.get("/p/questions/"))

    def test_a_calm_short_form_ends_there(self, phone: Client) -> None:
        assert phone.post("/p/questions/phq-2/", {"interest": "0", "low": "2"})["Location"] == "/p/questions/"

    def test_the_last_question_shows_help_at_once_whatever_the_total(
        self, phone: Client, patient: Patient, prescriber: Actor
    ) -> None:
        symptoms_services.choose_crisis_words(locale="uk", by=prescriber, at=AT)
        answers = dict.fromkeys(("interest", "low", *REST), "0")
        page = phone.post("/p/questions/phq-9/", {**answers, "self_harm": "1"}, follow=True)
        words = words_of(page)
        assert "help is there now" in words
        assert "Samaritans: call 116 123" in words
        assert "000 000 0000" in words
        assert 'href="tel:116123"' in page.content.decode()
        assert "help is there now" in words_of(phone.get("/p/"))

    def test_it_is_saved_and_shown_though_everything_else_is_left_out(self, phone: Client, patient: Patient) -> None:
        page = phone.post("/p/questions/phq-9/", {"self_harm": "1"}, follow=True)
        assert "help is there now" in words_of(page)
        assert Assessment.objects.get(patient=patient).score is None

    def test_help_is_not_shown_to_a_helper(self, patient: Patient) -> None:
        save(patient, "phq-9", {"self_harm": 3})
        client = Client()
        client.cookies[django_settings.CARER_COOKIE_NAME] = factories.carer(patient)[1]
        for address in ("/p/", "/p/questions/"):
            assert "help is there now" not in words_of(client.get(address))
        assert client.get("/p/questions/phq-9/").status_code == 404
        assert client.get("/p/questions/pgic/").status_code == 200

    def test_help_goes_when_a_later_answer_is_nought_or_two_weeks_are_over(
        self, phone: Client, patient: Patient
    ) -> None:
        save(patient, "phq-9", {"self_harm": 1})
        with time_machine.travel(AT + timedelta(days=14), tick=False):
            assert "help is there now" in words_of(phone.get("/p/questions/"))
        with time_machine.travel(AT + timedelta(days=14, minutes=1), tick=False):
            assert "help is there now" not in words_of(phone.get("/p/questions/"))
        save(patient, "phq-9", {"self_harm": 0}, at=AT + timedelta(minutes=1))
        assert "help is there now" not in words_of(phone.get("/p/questions/"))

    def test_what_was_left_out_is_asked_once_and_nothing_is_lost(self, phone: Client, patient: Patient) -> None:
        page = phone.post("/p/questions/peg/", {"pain": "6", "enjoyment": "7"})
        assert page.status_code == 422
        assert "Not answered yet" in words_of(page)
        assert page.content.decode().count("checked") >= 2
        phone.post("/p/questions/peg/", {"pain": "6", "enjoyment": "7", "left_out": "on"})
        assert Assessment.objects.get(patient=patient).score is None

    def test_an_empty_form_and_an_unknown_one(self, phone: Client, patient: Patient) -> None:
        assert phone.post("/p/questions/peg/", {}).status_code == 422
        assert phone.get("/p/questions/isi/").status_code == 404
        assert not Assessment.objects.filter(patient=patient).exists()

    def test_a_child_is_not_asked_about_mood(self, clinic: Clinic) -> None:
        child = factories.patient(clinic, birth_date=TODAY.replace(year=TODAY.year - 12))
        phone = phone_of(child)
        assert phone.get("/p/questions/phq-2/").status_code == 404
        assert "Your mood" not in words_of(phone.get("/p/questions/"))

    def test_the_first_page_says_when_one_waits_and_no_page_says_a_score(self, phone: Client, patient: Patient) -> None:
        assert "questionnaire waits" not in words_of(phone.get("/p/"))
        factories.prescription(patient)
        assert "questionnaire waits" in words_of(phone.get("/p/"))
        save(patient, "phq-2", {"interest": 3, "low": 3})
        assert (
            "6" not in words_of(phone.get("/p/questions/")).split("Questions from your clinic", 1)[1].split("Nobody")[0]
        )


class TestTheDesk:
    @pytest.fixture
    def desk(self, prescriber: Actor) -> Client:
        return pages.client_of(prescriber)

    def test_one_is_recorded_from_paper_and_listed_with_its_score(self, desk: Client, patient: Patient) -> None:
        url = reverse("desk:assess", args=[patient.id, "peg"])
        typed = {"on": "2026-02-20", "pain": "6", "enjoyment": "7", "activity": "4"}
        page = words_of(desk.post(url, typed, follow=True))
        assert "PEG: 5.7 of 10, 4 to 6.9" in page
        assert "Fri 20 February 2026" in page
        assert "Test Prescriber" in page

    def test_item_9_is_said_in_red_and_asks_for_a_call_today(self, desk: Client, patient: Patient) -> None:
        url = reverse("desk:assess", args=[patient.id, "phq-9"])
        page = words_of(desk.post(url, {"on": TODAY.isoformat(), "self_harm": "1"}, follow=True))
        assert "speak with the patient today" in page
        assert "Item 9, thoughts of death or self-harm: several days (1)." in page
        assert "no score: questions were left out" in page

    def test_a_wrong_day_keeps_what_was_typed(self, desk: Client, patient: Patient) -> None:
        url = reverse("desk:assess", args=[patient.id, "pgic"])
        page = desk.post(url, {"on": "2027-01-01", "change": "2"})
        assert page.status_code == 422
        assert "Choose the day" in words_of(page)
        assert "checked" in page.content.decode()

    def test_the_clinic_chooses_whose_numbers_are_shown(self, desk: Client, clinic: Clinic) -> None:
        assert symptoms_selectors.crisis_words(clinic.id).locale == "general"
        assert desk.post(reverse("desk:crisis"), {"locale": "us"}).status_code == 302
        assert symptoms_selectors.crisis_words(clinic.id).lines[0].dial == "988"
        assert symptoms_selectors.crisis_words(factories.clinic("Another Clinic").id).locale == "general"
        assert desk.post(reverse("desk:crisis"), {"locale": "mars"}).status_code == 422
        assert "United States (chosen)" in words_of(desk.get(reverse("desk:crisis")))

    def test_the_list_costs_the_same_for_one_and_for_many(self, desk: Client, patient: Patient) -> None:
        url = reverse("desk:assessments", args=[patient.id])
        save(patient, "pgic", {"change": 1})
        with pages.statements() as few:
            desk.get(url)
        for value in range(2, 8):
            save(patient, "pgic", {"change": value}, at=AT + timedelta(minutes=value))
        with pages.statements() as many:
            desk.get(url)
        assert len(many) == len(few), f"{few}\n\n{many}"


class TestWhatIsDue:
    def test_by_condition(self, clinic: Clinic, patient: Patient, prescriber: Actor) -> None:
        PatientCondition.objects.create(clinic=clinic, patient=patient, position=0, code="chronic_pain")
        factories.prescription(patient, by=prescriber)
        assert [one.instrument for one in assessments.due_for(patient, at=AT)] == ["phq-2", "peg"]

    def test_none_without_an_open_course(self, patient: Patient) -> None:
        assert assessments.due_for(patient, at=AT) == ()
