"""A plan that awaits its medicine does not begin while a rule keeps its first dose from being taken."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from common.refusals import Refused
from patients import selectors_screening
from patients.models import Patient
from patients.services import screening as screenings
from patients.services.medicines import MedicineEntry
from symptoms.models import DoseTaken, SymptomLog
from tests import factories, pages
from tests.pages import words_of
from tests.phones import MORNING, NIGHT, address, answers, phone_of
from titration.models import Finding, Prescription
from titration.selectors import courses as courses_selectors
from titration.selectors.courses import TonightState
from titration.services import courses, findings, medicines, procedures

pytestmark = pytest.mark.django_db
TODAY = MORNING.date()


@pytest.fixture(autouse=True)
def morning(settings: Any) -> Iterator[None]:
    pages.stay_signed_in(settings)
    with time_machine.travel(MORNING, tick=False):
        yield


@pytest.fixture
def clinic() -> Clinic:
    return factories.clinic()


@pytest.fixture
def prescriber(clinic: Clinic) -> Actor:
    return factories.member(clinic)


@pytest.fixture
def nurse(clinic: Clinic) -> Actor:
    return factories.member(clinic, Membership.Role.NURSE)


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return factories.patient(clinic)


@pytest.fixture
def waiting(patient: Patient, prescriber: Actor) -> Prescription:
    signed = MORNING - timedelta(days=7)
    return factories.prescription(patient, by=prescriber, at=signed, start_on=signed.date(), awaiting=True)


def listed(patient: Patient, by: Actor, words: str = "codeine", *, last: int = 9) -> None:
    """An opioid that ended so many days ago, before the plan was to start: no report is made of it."""
    ended = TODAY - timedelta(days=last)
    medicines.add(patient=patient, entry=MedicineEntry(words=words, stopped_on=ended), by=by, at=MORNING)


def begin(waiting: Prescription, by: Actor, on: date = TODAY) -> None:
    courses.begin(prescription_id=waiting.id, on=on, seen_version=None, by=by, at=MORNING)


def confirm(patient: Patient, by: Actor, **said: str) -> None:
    screenings.confirm(
        patient=patient, answers=factories.screening_answers(patient, **said), note="", by=by, at=MORNING,
        seen_number=selectors_screening.screening_of(patient).number,
    )  # fmt: skip


def operated(patient: Patient, by: Actor, *, on: date) -> None:
    asked = procedures.Asked(on=on, time=None, words="Knee operation", opioids_expected="yes")
    procedures.enter(patient=patient, asked=asked, by=by, at=MORNING)


def kept_and_nothing_begun(waiting: Prescription, patient: Patient) -> None:
    waiting.refresh_from_db()
    assert waiting.begun_on is None
    assert DoseTaken.objects.get(patient=patient, plan_date=NIGHT).taken == "taken"


class TestTheClinic:
    def test_with_nothing_against_it_it_begins(self, waiting: Prescription, nurse: Actor) -> None:
        begin(waiting, nurse)

    def test_days_without_opioids_that_are_not_over_are_waited_for_to_the_day(
        self, waiting: Prescription, patient: Patient, nurse: Actor
    ) -> None:
        listed(patient, nurse, last=9)
        with pytest.raises(Refused, match=r"No first dose yet\. “codeine” is on the list.*after 10 days"):
            begin(waiting, nurse)
        begin(waiting, nurse, TODAY + timedelta(days=1))

    def test_the_last_of_those_days_is_enough(self, waiting: Prescription, patient: Patient, nurse: Actor) -> None:
        listed(patient, nurse, last=10)
        begin(waiting, nurse)

    def test_a_long_acting_one_is_waited_for_longer(
        self, waiting: Prescription, patient: Patient, nurse: Actor
    ) -> None:
        listed(patient, nurse, "fentanyl patch", last=13)
        with pytest.raises(Refused, match="after 14 days"):
            begin(waiting, nurse)

    def test_a_stop_confirmed_since_refuses_it_until_it_is_lifted_on_its_own_page(
        self, waiting: Prescription, patient: Patient, prescriber: Actor
    ) -> None:
        confirm(patient, prescriber, acute_hepatitis="yes")
        with pytest.raises(Refused, match=r"Acute hepatitis\?\" Yes"):
            begin(waiting, prescriber)
        row = selectors_screening.screening_of(patient).confirmed
        assert row is not None
        screenings.decide(
            patient=patient, code="acute_hepatitis", kind=screenings.DECISIONS.OVERRIDE, words="Healed",
            confirmed=True, seen_number=row.number, by=prescriber, at=MORNING,
        )  # fmt: skip
        begin(waiting, prescriber)

    def test_what_the_patient_has_said_since_counts_before_anybody_confirms_it(
        self, waiting: Prescription, patient: Patient, nurse: Actor
    ) -> None:
        screenings.send(patient=patient, by=nurse, at=MORNING)
        screenings.tell(
            patient=patient, answers={"pregnancy_possible": "yes", "pregnant": "yes"}, note=None, finished=False,
            seen_number=selectors_screening.screening_of(patient).number, by=factories.patient_actor(patient),
            at=MORNING,
        )  # fmt: skip
        with pytest.raises(Refused, match=r"Pregnant\?\" Yes"):
            begin(waiting, nurse)

    def test_a_prescriber_sets_it_aside_with_a_reason_and_a_second_confirmation(
        self, waiting: Prescription, patient: Patient, prescriber: Actor, nurse: Actor
    ) -> None:
        listed(patient, nurse, last=9)
        findings.judge(patient_id=patient.id, clinic_id=patient.clinic_id, at=MORNING)
        found = Finding.objects.get(patient=patient, rule="R01")
        deed: dict[str, Any] = {"finding_id": found.id, "reason": "One tablet.", "seen_version": found.version}
        with pytest.raises(Refused, match="may not prescribe"):
            findings.dismiss(**deed, by=nurse, at=MORNING, confirmed=True)
        with pytest.raises(Refused, match="Confirm once more"):
            findings.dismiss(**deed, by=prescriber, at=MORNING)
        findings.dismiss(**deed, by=prescriber, at=MORNING, confirmed=True)
        begin(waiting, nurse)

    def test_an_accepted_alert_still_refuses(
        self, waiting: Prescription, patient: Patient, prescriber: Actor, nurse: Actor
    ) -> None:
        listed(patient, nurse, last=9)
        findings.judge(patient_id=patient.id, clinic_id=patient.clinic_id, at=MORNING)
        found = Finding.objects.get(patient=patient, rule="R01")
        findings.accept(finding_id=found.id, seen_version=found.version, by=prescriber, at=MORNING)
        with pytest.raises(Refused, match="No first dose yet"):
            begin(waiting, nurse)

    def test_what_it_was_signed_in_spite_of_does_not_refuse_it_and_what_came_since_does(
        self, patient: Patient, prescriber: Actor, nurse: Actor
    ) -> None:
        listed(patient, nurse, "codeine", last=3)
        waiting = factories.prescription(
            patient, by=prescriber, at=MORNING, awaiting=True,
            washout_reason="A single tablet.", washout_confirmed=True,
        )  # fmt: skip
        begin(waiting, nurse)

        other = factories.patient(patient.clinic, name="Another Patient")
        listed(other, nurse, "codeine", last=3)
        waiting = factories.prescription(
            other, by=prescriber, at=MORNING, awaiting=True,
            washout_reason="A single tablet.", washout_confirmed=True,
        )  # fmt: skip
        later = MORNING + timedelta(hours=1)
        ended = TODAY - timedelta(days=2)
        medicines.add(patient=other, entry=MedicineEntry(words="tramadol", stopped_on=ended), by=nurse, at=later)
        with pytest.raises(Refused, match="“tramadol”") as refused:
            courses.begin(prescription_id=waiting.id, on=TODAY, seen_version=None, by=nurse, at=later)
        assert "codeine" not in refused.value.sentence

    def test_the_page_says_why_and_signs_nothing(self, waiting: Prescription, patient: Patient, nurse: Actor) -> None:
        listed(patient, nurse, last=9)
        desk = pages.client_of(nurse)
        url = reverse("desk:course_begin", args=[waiting.id])
        sent = {"on": TODAY.isoformat(), "seen_version": str(waiting.version), "action": "sign"}
        response = desk.post(url, sent)
        assert response.status_code == 422
        assert "No first dose yet. “codeine” is on the list" in words_of(response)
        waiting.refresh_from_db()
        assert waiting.begun_on is None

    def test_the_alerts_page_asks_for_the_second_confirmation(
        self, waiting: Prescription, patient: Patient, prescriber: Actor
    ) -> None:
        listed(patient, prescriber, last=9)
        findings.judge(patient_id=patient.id, clinic_id=patient.clinic_id, at=MORNING)
        found = Finding.objects.get(patient=patient, rule="R01")
        desk = pages.client_of(prescriber)
        url = reverse("desk:dismiss_finding", kwargs={"finding_id": found.id})
        sent = {"reason": "One tablet.", "seen_version": str(found.version)}
        answer = desk.post(url, sent)
        assert answer.status_code == 422
        assert "Confirm once more" in words_of(answer)
        assert "One tablet." in words_of(answer)
        assert desk.post(url, {**sent, "confirmed": "on"}).status_code == 302


class TestThePatient:
    def test_a_first_dose_told_is_kept_begins_nothing_and_is_judged_at_once(
        self, waiting: Prescription, patient: Patient, nurse: Actor
    ) -> None:
        listed(patient, nurse, last=9)
        phone = phone_of(patient)
        assert phone.post(address(), answers()).status_code == 302
        waiting.refresh_from_db()
        assert waiting.begun_on is None
        assert DoseTaken.objects.get(plan_date=NIGHT).taken == "taken"
        assert Finding.objects.get(patient=patient, rule="R01").state == "open"
        assert "Take no dose until your clinic tells you to go on" in words_of(phone.get("/p/"))

    @pytest.mark.parametrize("day", [TODAY - timedelta(days=1), TODAY + timedelta(days=20)])
    def test_a_first_dose_told_beside_a_procedure_is_kept_with_its_night_and_begins_nothing(
        self, waiting: Prescription, patient: Patient, prescriber: Actor, day: date
    ) -> None:
        operated(patient, prescriber, on=day)
        told = answers(side_hives="mild")
        assert phone_of(patient).post(address(), told).status_code == 302
        kept_and_nothing_begun(waiting, patient)
        assert SymptomLog.objects.get(patient=patient).side_effects == {"hives": "mild"}
        assert Finding.objects.get(patient=patient, rule="R16").state == "open", "judged at once"

    def test_a_first_dose_told_by_phone_beside_a_procedure_is_kept_too(
        self, waiting: Prescription, patient: Patient, prescriber: Actor, nurse: Actor
    ) -> None:
        operated(patient, prescriber, on=TODAY - timedelta(days=1))
        typed = {**answers(), "night": NIGHT.isoformat()}
        assert pages.client_of(nurse).post(f"/patients/{patient.id}/phone/", typed).status_code == 302
        kept_and_nothing_begun(waiting, patient)

    def test_no_dose_is_shown_as_next_while_the_start_is_closed(
        self, waiting: Prescription, patient: Patient, prescriber: Actor
    ) -> None:
        assert courses_selectors.tonight(patient, at=MORNING).state is TonightState.AWAITING
        confirm(patient, prescriber, pregnancy_possible="yes", breastfeeding="yes")
        findings.judge(patient_id=patient.id, clinic_id=patient.clinic_id, at=MORNING)
        assert Finding.objects.get(patient=patient, rule="R17").blocks == ["dose", "start", "step"]
        assert courses_selectors.tonight(patient, at=MORNING).state is TonightState.STOPPED_BY_ALERT
