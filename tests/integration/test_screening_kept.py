"""Screening kept as it is filled in, before any button is pressed: at the desk and on the patient's phone."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from patients import selectors_screening
from patients.models import Patient, Screening
from patients.services import screening as screenings
from symptoms import crisis
from tests import factories, memory, pages
from tests.pages import words_of
from tests.phones import phone_of
from titration.selectors import cases

AT = factories.AT
HTMX = {"HX-Request": "true"}
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def now(settings: Any) -> Iterator[Any]:
    pages.stay_signed_in(settings)
    with time_machine.travel(AT, tick=False) as travelling:
        yield travelling


@pytest.fixture
def clinic() -> Clinic:
    return factories.clinic()


@pytest.fixture
def nurse(clinic: Clinic) -> Actor:
    return factories.member(clinic, Membership.Role.NURSE, name="Test Nurse")


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return factories.patient(clinic, screened=False)


def stands(patient: Patient) -> selectors_screening.Standing:
    return selectors_screening.screening_of(patient)


class TestDesk:
    @pytest.fixture
    def desk(self, nurse: Actor) -> Client:
        return pages.client_of(nurse)

    def keep(self, desk: Client, patient: Patient, number: int = 0, **said: Any) -> HttpResponse:
        url = reverse("desk:screening", kwargs={"patient_id": patient.id})
        return desk.post(url, {"action": "keep", "seen_number": str(number), **said}, headers=HTMX)

    def test_each_answer_is_kept_and_the_clinics_clock_says_when(self, desk: Client, patient: Patient) -> None:
        answer = self.keep(desk, patient, alcohol="yes", note="Called twice")
        assert answer.status_code == 200
        assert f"Saved {AT.astimezone(patient.clinic.zone):%H:%M}" in words_of(answer)
        assert 'id="seen-number" name="seen_number" value="1" hx-swap-oob="true"' in answer.content.decode()
        assert self.keep(desk, patient, 1, alcohol="yes", ptsd="no", note="Called twice").status_code == 200
        page = desk.get(reverse("desk:screening", kwargs={"patient_id": patient.id})).content.decode()
        assert page.count("checked") == 2
        assert "Called twice" in page

    def test_what_stands_already_is_not_written_again(self, desk: Client, patient: Patient) -> None:
        self.keep(desk, patient, alcohol="yes")
        assert "Saved" in words_of(self.keep(desk, patient, 1, alcohol="yes"))
        assert stands(patient).number == 1
        assert len(memory.events(action="screening.save")) == 1

    def test_a_draft_is_no_answer_and_wakes_no_rule(self, desk: Client, patient: Patient) -> None:
        before = patient.change_sequence
        self.keep(desk, patient, opioids_now="yes", acute_hepatitis="yes")
        assert cases.case_of(patient, at=AT).case.screening == {}
        assert stands(patient).confirmed is None
        patient.refresh_from_db()
        assert patient.change_sequence == before

    def test_what_follows_from_an_answer_is_brought_once_to_its_place(self, desk: Client, patient: Patient) -> None:
        answer = self.keep(desk, patient, kidney_disease="yes", shown=["cirrhosis", "kidney_disease"])
        page = answer.content.decode()
        assert 'hx-swap-oob="afterend:#asked-kidney_disease"' in page
        assert 'name="renal_moderate"' in page
        assert "follow from what you answered" in words_of(answer)
        codes = ["kidney_disease", "renal_moderate", "renal_severe", "egfr"]
        again = self.keep(desk, patient, 1, kidney_disease="yes", renal_moderate="no", shown=codes)
        assert 'name="renal_moderate"' not in again.content.decode()

    def test_a_number_that_is_none_is_said_and_all_else_is_kept_with_what_stood_there(
        self, desk: Client, patient: Patient
    ) -> None:
        self.keep(desk, patient, kidney_disease="yes", egfr="45")
        answer = self.keep(desk, patient, 1, kidney_disease="yes", egfr="much", alcohol="no")
        assert answer.status_code == 422
        assert "Write a number between 1 and 200" in words_of(answer)
        assert stands(patient).filled == {"kidney_disease": "yes", "egfr": "45", "alcohol": "no"}

    def test_a_tab_left_behind_is_told_so_and_writes_nothing(
        self, desk: Client, patient: Patient, clinic: Clinic
    ) -> None:
        colleague = factories.member(clinic, name="Test Colleague")
        screenings.save(patient=patient, answers={}, note="", seen_number=0, by=colleague, at=AT)
        answer = self.keep(desk, patient, 0, alcohol="yes")
        assert answer.status_code == 409
        assert answer["X-Kept"] == "yes"
        assert "Not saved. Changed by Test Colleague since" in words_of(answer)
        assert stands(patient).filled == {}

    def test_who_was_signed_out_finds_all_that_was_kept_and_the_page_is_not_mistaken_for_an_answer(
        self, desk: Client, patient: Patient, nurse: Actor
    ) -> None:
        self.keep(desk, patient, alcohol="yes")
        desk.logout()
        away = self.keep(desk, patient, 1, alcohol="no")
        assert away.status_code == 302
        assert "X-Kept" not in away
        page = pages.client_of(nurse).get(reverse("desk:screening", kwargs={"patient_id": patient.id}))
        assert page.content.decode().count("checked") == 1
        assert stands(patient).filled == {"alcohol": "yes"}

    def test_what_was_kept_is_confirmed_by_the_button(self, patient: Patient, clinic: Clinic) -> None:
        prescriber = factories.member(clinic, name="Test Prescriber")
        desk = pages.client_of(prescriber)
        answers = factories.screening_answers(patient)
        self.keep(desk, patient, 0, **answers)
        url = reverse("desk:screening", kwargs={"patient_id": patient.id})
        assert desk.post(url, {"seen_number": "1", "action": "confirm", **answers}).status_code == 302
        assert stands(patient).confirmed is not None

    def test_the_page_says_how_it_is_kept_and_does_without_a_script(self, desk: Client, patient: Patient) -> None:
        page = desk.get(reverse("desk:screening", kwargs={"patient_id": patient.id})).content.decode()
        assert 'hx-sync="this:queue last"' in page
        assert '<p id="kept" role="status"></p>' in page
        assert "Save so far" in page


class TestPhone:
    @pytest.fixture(autouse=True)
    def sent(self, patient: Patient, nurse: Actor) -> None:
        screenings.send(patient=patient, by=nurse, at=AT)

    @pytest.fixture
    def phone(self, patient: Patient) -> Client:
        return phone_of(patient, AT)

    def keep(self, phone: Client, patient: Patient, part: str, number: int | None = None, **said: Any) -> HttpResponse:
        seen = stands(patient).number if number is None else number
        sent = {"action": "keep", "part": part, "seen_number": str(seen), **said}
        return phone.post("/p/before/", sent, headers=HTMX)

    def test_what_is_ticked_is_kept_by_the_patients_clock_and_found_again(
        self, phone: Client, patient: Patient
    ) -> None:
        answer = self.keep(phone, patient, "others", alcohol="yes")
        assert answer.status_code == 200
        assert f"Saved {AT.astimezone(patient.zone):%H:%M}" in words_of(answer)
        page = phone_of(patient, AT).get("/p/before/?part=others").content.decode()
        assert page.count("checked") == 1

    def test_no_rule_looks_at_it_until_the_part_is_sent(self, phone: Client, patient: Patient) -> None:
        before = Patient.objects.get(id=patient.id).change_sequence
        self.keep(phone, patient, "pregnancy", pregnancy_possible="yes")
        self.keep(phone, patient, "pregnancy", pregnancy_possible="yes", pregnant="yes")
        assert cases.case_of(patient, at=AT).case.screening == {}
        assert Patient.objects.get(id=patient.id).change_sequence == before
        newest = stands(patient).newest
        assert newest is not None
        assert newest.is_unsent
        sent = {"part": "pregnancy", "seen_number": newest.number, "pregnancy_possible": "yes", "pregnant": "yes"}
        assert phone.post("/p/before/", sent).status_code == 302
        assert cases.case_of(patient, at=AT).case.screening["pregnant"] == "yes"
        assert Patient.objects.get(id=patient.id).change_sequence == before + 1

    def test_a_tick_taken_back_before_sending_is_never_looked_at(self, phone: Client, patient: Patient) -> None:
        self.keep(phone, patient, "mood", suicidal_thoughts="yes")
        self.keep(phone, patient, "mood", suicidal_thoughts="no")
        sent = {"part": "mood", "seen_number": stands(patient).number, "suicidal_thoughts": "no"}
        phone.post("/p/before/", sent)
        assert "suicidal_thoughts" not in cases.case_of(patient, at=AT).case.screening

    def test_words_for_a_crisis_are_there_at_once_and_go_with_the_tick(self, phone: Client, patient: Patient) -> None:
        heading = crisis.words_for(crisis.GENERAL).heading
        answer = self.keep(phone, patient, "mood", suicidal_thoughts="yes")
        assert heading in words_of(answer)
        assert 'hx-swap-oob="innerHTML:#at-once"' in answer.content.decode()
        # Said once: a screen reader is not told again with every further answer.
        assert heading not in words_of(self.keep(phone, patient, "mood", suicidal_thoughts="yes", ptsd="no"))
        gone = self.keep(phone, patient, "mood", suicidal_thoughts="no").content.decode()
        assert 'hx-swap-oob="innerHTML:#at-once"' in gone
        assert heading not in gone

    def test_what_follows_is_brought(self, phone: Client, patient: Patient) -> None:
        answer = self.keep(phone, patient, "opioids", opioids_now="yes", shown=["opioids_now", "opioid_dependent"])
        assert 'hx-swap-oob="afterend:#asked-opioid_dependent"' in answer.content.decode()
        assert 'name="opioid_withdrawal"' in answer.content.decode()

    def test_a_tab_left_behind_is_told_so(self, phone: Client, patient: Patient) -> None:
        self.keep(phone, patient, "others", alcohol="yes")
        answer = self.keep(phone, patient, "others", number=1, alcohol="no")
        assert answer.status_code == 409
        assert "Not saved. Changed by" in words_of(answer)
        assert stands(patient).filled["alcohol"] == "yes"

    def test_a_phone_that_was_forgotten_meanwhile_loses_nothing_that_was_saved(
        self, phone: Client, patient: Patient
    ) -> None:
        self.keep(phone, patient, "others", alcohol="yes")
        phone.cookies.clear()
        answer = self.keep(phone, patient, "others", alcohol="no")
        assert answer.status_code == 404
        assert "X-Kept" not in answer
        assert stands(patient).filled["alcohol"] == "yes"

    def test_nothing_is_kept_once_the_clinic_asks_no_more(
        self, phone: Client, patient: Patient, clinic: Clinic
    ) -> None:
        prescriber = factories.member(clinic)
        screenings.confirm(
            patient=patient, answers=factories.screening_answers(patient), note="", by=prescriber, at=AT,
            seen_number=stands(patient).number,
        )  # fmt: skip
        answer = self.keep(phone, patient, "others", alcohol="yes")
        assert answer.status_code >= 400
        assert "X-Kept" not in answer
        newest = stands(patient).newest
        assert newest is not None
        assert newest.state == Screening.State.CONFIRMED

    def test_its_statements_do_not_grow_with_what_was_kept(self, phone: Client, patient: Patient, now: Any) -> None:
        self.keep(phone, patient, "others", alcohol="yes")
        with pages.statements() as few:
            self.keep(phone, patient, "others", alcohol="no")
        for answer in ("yes", "no", "unsure", "yes"):
            now.shift(timedelta(seconds=2))
            self.keep(phone, patient, "others", alcohol=answer)
        with pages.statements() as many:
            self.keep(phone, patient, "others", alcohol="no")
        assert len(few) == len(many), many
