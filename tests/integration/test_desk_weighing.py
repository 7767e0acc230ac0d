"""The ready-to-step card: its numbers, its words, and what another reported dose does to the step."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from common.dose import Dose
from common.night import Slot
from common.refusals import Refused
from patients import selectors as patients_selectors
from patients.models import Patient
from symptoms.models import SymptomLog
from symptoms.selectors import DoseRow
from symptoms.services import DoseAnswer, NightAnswer
from tests import factories, pages
from titration.engine import gate
from titration.engine.record import Reason
from titration.engine.timeline import Segment, State
from titration.models import DoseClarified, Finding, Prescription
from titration.selectors import cases, files
from titration.selectors import courses as courses_selectors
from titration.selectors.reported import differing
from titration.services import courses, findings, firsts

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 16, 10, tzinfo=UTC)
TODAY = NOW.date()


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def clinic() -> Clinic:
    return factories.clinic()


@pytest.fixture
def prescriber(clinic: Clinic) -> Actor:
    return factories.member(clinic)


@pytest.fixture
def patient(clinic: Clinic, prescriber: Actor) -> Patient:
    """Fourteen nights at 1.5 mg, a step to 3 mg due today; nothing told yet."""
    made = factories.patient(clinic, "Weighed Person", registered_by_id=prescriber.user_id)
    factories.prescription(made, by=prescriber, at=NOW - timedelta(days=14))
    return made


def tell(patient: Patient, first: date, nights: int, **answers: object) -> None:
    for number in range(nights):
        factories.told_night(patient, first + timedelta(days=number), **answers)


def tell_again(patient: Patient, night: date, dose_mg: str, *, at: datetime, **answers: Any) -> None:
    """A night as the patient tells it, or tells it anew, at a moment."""
    log = SymptomLog.objects.filter(patient=patient, night=night).first()
    usual = {"sleep_hours": Decimal("7"), "lead_symptom": 4, "pain": 4, "other_medicines_answer": "no"}
    firsts.tell_night(
        patient=patient,
        night=night,
        dose=DoseAnswer(taken="taken", slot=Slot.BEDTIME, taken_mg=Dose.of(dose_mg)),
        answers=NightAnswer(**(usual | answers)),
        seen_version=log.version if log else 0,
        by=factories.patient_actor(patient),
        at=at,
    )


def waits_for(patient: Patient, night: date, *, at: datetime) -> bool:
    """Whether the rules, judged anew, ask what was really taken that night."""
    findings.judge(patient_id=patient.id, clinic_id=patient.clinic_id, at=at)
    asked = Finding.objects.filter(patient=patient, rule="R15", day=night).standing().waiting().exists()
    assert asked == (night in {one.on for one in cases.case_of(patient, at=at).case.differing})
    return asked


def seen(client: Client, patient: Patient) -> str:
    """The fingerprint in the page that asks what was really taken."""
    return fingerprint_in(client.get(f"/courses/{course(patient).id}/reported-dose/").content.decode())


def fingerprint_in(page: str) -> str:
    (found,) = re.findall(r'name="seen" value="(\w+)"', page)
    return str(found)


def saved_nights(patient: Patient, by: Actor, *, at: datetime) -> dict[date, dict[str, Any]]:
    """The nights of the course as a file."""
    record = patients_selectors.record_of(by, patient.id)
    assert record is not None
    prescription = Prescription.objects.select_related("patient").get(patient=patient)
    logs = files.course_file(prescription, record, at=at)["logs"]
    return {date.fromisoformat(log["night"]): log for log in logs}


def course(patient: Patient) -> Prescription:
    return Prescription.objects.get(patient=patient)


def card(actor: Actor, patient: Patient) -> str:
    answer = pages.client_of(actor).get(f"/courses/{course(patient).id}/step/")
    assert answer.status_code == 200
    return pages.words_of(answer)


class TestTheCard:
    def test_it_counts_and_compares_with_the_nights_before_the_first_dose(
        self, patient: Patient, prescriber: Actor
    ) -> None:
        tell(patient, date(2026, 2, 24), 6, dose_mg=None, sleep_hours=6, lead_symptom=7)
        tell(patient, TODAY - timedelta(days=7), 6, sleep_hours=7, lead_symptom=5)
        words = card(prescriber, patient)
        assert "1.5 mg to 3 mg" in words
        assert "6 of 7 taken, 6 of 7 told" in words
        assert "7.0 on average of 6 nights" in words
        assert "6.0 in the nights before the first dose: 1.0 longer now." in words
        assert "7.0 in the nights before the first dose: 2.0 better now." in words
        assert "Ready" in words

    def test_the_nights_before_may_lie_apart_as_the_rules_read_them(self, patient: Patient, prescriber: Actor) -> None:
        for day in (10, 13, 17, 22):
            tell(patient, date(2026, 2, day), 1, dose_mg=None, lead_symptom=8)
        tell(patient, date(2026, 1, 20), 7, dose_mg=None, lead_symptom=2)
        tell(patient, TODAY - timedelta(days=7), 7, lead_symptom=5)
        assert "8.0 in the nights before the first dose: 3.0 better now." in card(prescriber, patient)

    def test_fewer_than_four_nights_are_no_mean(self, patient: Patient, prescriber: Actor) -> None:
        tell(patient, date(2026, 2, 27), 3, dose_mg=None)
        tell(patient, TODAY - timedelta(days=3), 3)
        words = card(prescriber, patient)
        assert "not enough nights (3 of 7)" in words
        assert "No comparison with the nights before the first dose: 3 of 7 nights told." in words

    def test_the_step_before_is_beside_it_once_there_was_one(self, patient: Patient, prescriber: Actor) -> None:
        tell(patient, TODAY - timedelta(days=7), 7, lead_symptom=6)
        row = course(patient)
        courses.advance(prescription_id=row.id, reason="", seen_version=row.version, by=prescriber, at=NOW)
        later = NOW + timedelta(days=14)
        tell(patient, TODAY + timedelta(days=7), 7, dose_mg="3", lead_symptom=8)
        with time_machine.travel(later, tick=False):
            assert "6.0 in the step before: 2.0 worse now." in card(prescriber, patient)

    def test_side_effect_answer_and_supply_are_said(self, patient: Patient, prescriber: Actor) -> None:
        factories.fill(patient, 42, by=prescriber, at=NOW - timedelta(days=14))
        tell(patient, TODAY - timedelta(days=7), 3, side_effects={"headache": "mild"})
        tell(patient, TODAY - timedelta(days=4), 4, side_effects={"nausea": "moderate"})
        words = card(prescriber, patient)
        assert "Nausea, moderate, Sun 15 Mar" in words
        assert "No on 7 nights" in words
        assert "capsules of 1.5 mg left" in words
        assert "3 mg can be made of it." in words

    def test_a_nurse_is_offered_the_hold_and_not_the_step(self, clinic: Clinic, patient: Patient) -> None:
        nurse = pages.client_of(factories.member(clinic, Membership.Role.NURSE))
        page = nurse.get(f"/courses/{course(patient).id}/step/").content.decode()
        assert f"/courses/{course(patient).id}/hold/" in page
        assert f"/courses/{course(patient).id}/advance/" not in page

    def test_it_costs_the_same_whatever_was_told(self, patient: Patient, prescriber: Actor) -> None:
        client, address = pages.client_of(prescriber), f"/courses/{course(patient).id}/step/"
        counts = []
        for nights in (1, 6):
            tell(patient, TODAY - timedelta(days=nights + 1), nights)
            with pages.statements() as spent:
                assert client.get(address).status_code == 200
            counts.append(len(spent))
        assert counts[0] == counts[1], str(spent)


class TestAnotherDoseWasReported:
    def test_the_step_is_closed_until_somebody_says_what_was_taken(self, patient: Patient, prescriber: Actor) -> None:
        tell(patient, TODAY - timedelta(days=7), 6)
        factories.told_night(patient, TODAY - timedelta(days=1), dose_mg="3")
        verdict = courses_selectors.gate_of(course(patient), at=NOW)
        assert isinstance(verdict, gate.Blocked)
        assert [why.code for why in verdict.reasons] == [gate.Code.DOSE_DIFFERS]
        assert "3 mg instead of 1.5 mg on 15 March 2026" in verdict.reasons[0].sentence
        row = course(patient)
        deed = {"prescription_id": row.id, "seen_version": row.version, "by": prescriber, "at": NOW}
        with pytest.raises(Refused, match="Another dose was reported"):
            courses.advance(**deed, reason="all the same")
        findings.judge(patient_id=patient.id, clinic_id=patient.clinic_id, at=NOW)
        alert = Finding.objects.get(patient=patient, rule="R15")
        assert alert.state == Finding.State.OPEN
        client = pages.client_of(prescriber)
        assert client.post(f"/courses/{row.id}/reported-dose/", {"words": ""}).status_code == 422
        answer = client.post(
            f"/courses/{row.id}/reported-dose/",
            {"words": "Took one capsule, typed the wrong one.", "seen": seen(client, patient)},
        )
        assert (answer.status_code, answer.url) == (302, f"/courses/{row.id}/step/")
        assert isinstance(courses_selectors.gate_of(course(patient), at=NOW), gate.Open)
        assert "Took one capsule" in pages.words_of(client.get(f"/courses/{row.id}/reported-dose/"))
        # The rule that saw the same dose asks no reason of its own: what was found out answers for both.
        alert.refresh_from_db()
        assert alert.state == Finding.State.ACCEPTED
        assert alert.over_at is not None
        courses.advance(**deed, reason="")

    def test_a_later_night_is_asked_about_anew(self, patient: Patient, prescriber: Actor) -> None:
        tell(patient, TODAY - timedelta(days=7), 7, dose_mg="3")
        factories.clarify(course(patient), by=prescriber, at=NOW)
        with pytest.raises(Refused, match="told otherwise than prescribed"):
            factories.clarify(course(patient), by=prescriber, at=NOW)
        later = NOW + timedelta(days=2)
        factories.told_night(patient, TODAY, dose_mg="3")
        verdict = courses_selectors.gate_of(course(patient), at=later)
        assert isinstance(verdict, gate.Blocked)
        assert "on 1 night: " in verdict.reasons[0].sentence

    @pytest.mark.parametrize(
        "day", ["of which nothing had been told", "that was told as prescribed", "that was answered"]
    )
    def test_what_is_told_of_an_earlier_night_after_the_answer_is_asked_about_anew(
        self, patient: Patient, prescriber: Actor, day: str
    ) -> None:
        friday, saturday = TODAY - timedelta(days=3), TODAY - timedelta(days=2)
        tell(patient, TODAY - timedelta(days=9), 6)
        tell(patient, TODAY - timedelta(days=1), 1)
        factories.told_night(patient, friday, dose_mg="3")
        about = friday if "answered" in day else saturday
        if "as prescribed" in day:
            factories.told_night(patient, saturday)
        findings.judge(patient_id=patient.id, clinic_id=patient.clinic_id, at=NOW)
        factories.clarify(course(patient), by=prescriber, at=NOW)
        assert isinstance(courses_selectors.gate_of(course(patient), at=NOW), gate.Open)
        later = NOW + timedelta(days=1)
        tell_again(patient, about, "9", at=later)
        assert waits_for(patient, about, at=later)
        verdict = courses_selectors.gate_of(course(patient), at=later)
        assert isinstance(verdict, gate.Blocked)
        assert any(f"9 mg instead of 1.5 mg on {about.day} March" in why.sentence for why in verdict.reasons)
        with time_machine.travel(later, tick=False):
            client = pages.client_of(prescriber)
            for address in ("/", f"/patients/{patient.id}/", f"/courses/{course(patient).id}/step/"):
                assert "9 mg instead of 1.5 mg" in pages.words_of(client.get(address)), address
        saved = saved_nights(patient, prescriber, at=later)
        assert "clarified_on" not in saved[about]
        assert about == friday or saved[friday]["clarified_on"] == TODAY.isoformat()
        factories.clarify(course(patient), by=prescriber, at=later)
        assert not waits_for(patient, about, at=later)
        assert saved_nights(patient, prescriber, at=later)[about]["clarified_on"] == later.date().isoformat()

    def test_the_same_dose_told_again_with_more_of_the_night_stays_answered(
        self, patient: Patient, prescriber: Actor
    ) -> None:
        tell(patient, TODAY - timedelta(days=7), 7, dose_mg="3")
        factories.clarify(course(patient), by=prescriber, at=NOW)
        later = NOW + timedelta(days=1)
        tell_again(patient, TODAY - timedelta(days=2), "3", at=later, note="It rained.")
        assert isinstance(courses_selectors.gate_of(course(patient), at=later), gate.Open)
        assert not waits_for(patient, TODAY - timedelta(days=2), at=later)

    def test_a_dose_of_today_is_answered_too(self, patient: Patient, prescriber: Actor) -> None:
        tell(patient, TODAY - timedelta(days=7), 7)
        told, asked = NOW.replace(hour=20), NOW.replace(hour=21)
        tell_again(patient, TODAY, "3", at=told)
        assert waits_for(patient, TODAY, at=told)
        with time_machine.travel(asked, tick=False):
            client = pages.client_of(prescriber)
            page = client.get(f"/courses/{course(patient).id}/reported-dose/")
            assert "Mon 16 Mar: 3 mg told, 1.5 mg prescribed." in pages.words_of(page)
            sent = {"words": "Two by mistake.", "seen": seen(client, patient)}
            assert client.post(f"/courses/{course(patient).id}/reported-dose/", sent).status_code == 302
        for at in (asked, asked + timedelta(days=1)):
            assert not waits_for(patient, TODAY, at=at)
            assert isinstance(courses_selectors.gate_of(course(patient), at=at), gate.Open)

    @pytest.mark.parametrize("again", ["another night", "the same night"])
    def test_a_dose_told_while_the_page_is_open_is_not_answered_unseen(
        self, patient: Patient, prescriber: Actor, again: str
    ) -> None:
        tell(patient, TODAY - timedelta(days=7), 6)
        factories.told_night(patient, TODAY - timedelta(days=1), dose_mg="3")
        client, url = pages.client_of(prescriber), f"/courses/{course(patient).id}/reported-dose/"
        sent = {"words": "Two by mistake.", "seen": seen(client, patient)}
        tell_again(patient, TODAY - timedelta(days=1 if "same" in again else 2), "9", at=NOW)
        answer = client.post(url, sent)
        assert answer.status_code == 409
        assert "Something else has been told since you opened the page." in pages.words_of(answer)
        assert "9 mg told, 1.5 mg prescribed" in pages.words_of(answer)
        assert "Two by mistake." in answer.content.decode()
        assert not DoseClarified.objects.filter(patient=patient).exists()
        again_sent = {**sent, "seen": fingerprint_in(answer.content.decode())}
        assert client.post(url, again_sent).status_code == 302
        assert isinstance(courses_selectors.gate_of(course(patient), at=NOW), gate.Open)

    def test_the_day_says_so_and_offers_no_tick(self, patient: Patient, prescriber: Actor) -> None:
        tell(patient, TODAY - timedelta(days=7), 7, dose_mg="3")
        page = pages.client_of(prescriber).get("/")
        assert "Another dose was reported than was prescribed on 7 nights, last: " in pages.words_of(page)
        assert 'name="course"' not in page.content.decode()

    def test_the_prescribed_dose_and_an_amount_nobody_gave_are_no_difference(self, patient: Patient) -> None:
        tell(patient, TODAY - timedelta(days=7), 7)
        assert isinstance(courses_selectors.gate_of(course(patient), at=NOW), gate.Open)

    def test_staff_may_not_answer_and_the_row_is_never_altered(
        self, clinic: Clinic, patient: Patient, prescriber: Actor
    ) -> None:
        tell(patient, TODAY - timedelta(days=7), 7, dose_mg="3")
        staff = factories.member(clinic, Membership.Role.STAFF)
        with pytest.raises(Refused, match="may not hold a plan"):
            factories.clarify(course(patient), by=staff, at=NOW)
        row = factories.clarify(course(patient), by=prescriber, at=NOW)
        row.words = "other"
        with pytest.raises(Exception, match="permission denied"):
            row.save()

    def test_only_the_own_clinics(self, patient: Patient) -> None:
        stranger = factories.member(factories.clinic("Other Clinic"))
        assert pages.client_of(stranger).get(f"/courses/{course(patient).id}/step/").status_code == 404
        with pytest.raises(Refused):
            factories.clarify(course(patient), by=stranger, at=NOW)
        assert not DoseClarified.objects.filter(patient=patient).exists()


def test_half_a_split_day_is_no_other_dose() -> None:
    segment = Segment(date(2026, 3, 1), None, Dose.of("3"), 0, State.TAKING, Reason.STARTED, Slot.SPLIT)
    rows = [
        DoseRow(TODAY, slot, "taken", None, "", Dose.of(mg))
        for slot, mg in (("morning", "1.5"), ("bedtime", "1.5"), ("bedtime", "4.5"))
    ]
    found = differing([segment], rows, end=TODAY + timedelta(days=1))
    assert [(one.told, one.prescribed) for one in found] == [(Dose.of("4.5"), Dose.of("3"))]
