"""The ready-to-step card: its numbers, its words, and what another reported dose does to the step."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from common.dose import Dose
from common.night import Slot
from common.refusals import Refused
from patients.models import Patient
from symptoms.selectors import DoseRow
from tests import factories, pages
from titration.engine import gate
from titration.engine.record import Reason
from titration.engine.timeline import Segment, State
from titration.models import DoseClarified, Finding, Prescription
from titration.selectors import courses as courses_selectors
from titration.selectors.reported import differing
from titration.services import courses, findings, reported

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
        answer = client.post(f"/courses/{row.id}/reported-dose/", {"words": "Took one capsule, typed the wrong one."})
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
        reported.clarify(prescription_id=course(patient).id, words="asked", by=prescriber, at=NOW)
        later = NOW + timedelta(days=2)
        factories.told_night(patient, TODAY, dose_mg="3")
        verdict = courses_selectors.gate_of(course(patient), at=later)
        assert isinstance(verdict, gate.Blocked)
        assert "on 1 night: " in verdict.reasons[0].sentence
        with pytest.raises(Refused, match="told otherwise than prescribed"):
            reported.clarify(prescription_id=course(patient).id, words="again", by=prescriber, at=NOW)

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
            reported.clarify(prescription_id=course(patient).id, words="asked", by=staff, at=NOW)
        row = reported.clarify(prescription_id=course(patient).id, words="asked", by=prescriber, at=NOW)
        row.words = "other"
        with pytest.raises(Exception, match="permission denied"):
            row.save()

    def test_only_the_own_clinics(self, patient: Patient) -> None:
        stranger = factories.member(factories.clinic("Other Clinic"))
        assert pages.client_of(stranger).get(f"/courses/{course(patient).id}/step/").status_code == 404
        with pytest.raises(Refused):
            reported.clarify(prescription_id=course(patient).id, words="asked", by=stranger, at=NOW)
        assert not DoseClarified.objects.filter(patient=patient).exists()


def test_half_a_split_day_is_no_other_dose() -> None:
    segment = Segment(date(2026, 3, 1), None, Dose.of("3"), 0, State.TAKING, Reason.STARTED, Slot.SPLIT)
    rows = [
        DoseRow(TODAY, slot, "taken", None, "", Dose.of(mg))
        for slot, mg in (("morning", "1.5"), ("bedtime", "1.5"), ("bedtime", "4.5"))
    ]
    found = differing([segment], rows, end=TODAY + timedelta(days=1))
    assert [(one.told, one.prescribed) for one in found] == [(Dose.of("4.5"), Dose.of("3"))]
