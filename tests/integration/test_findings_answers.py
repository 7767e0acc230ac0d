"""What answers an alert and what does not: no date answers an emergency, and an answer answers what it was about."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.actors import Actor
from accounts.models import Clinic
from common.refusals import Refused
from patients.models import LabResult, Medicine, Patient
from patients.services.medicines import MedicineEntry
from symptoms.models import OpioidReport
from tests import factories
from titration.engine import gate
from titration.models import Finding, PlanChange, Prescription
from titration.selectors import courses as courses_selectors
from titration.selectors import findings as selectors
from titration.services import courses, findings, medicines

START = factories.AT.date()
pytestmark = pytest.mark.django_db


def on_day(day: int) -> Any:
    """Noon of a day of the course, counted from 1."""
    return factories.AT.replace(hour=12) + timedelta(days=day - 1)


def night(day: int) -> date:
    return START + timedelta(days=day - 1)


@pytest.fixture
def clinic() -> Clinic:
    return factories.clinic()


@pytest.fixture
def prescriber(clinic: Clinic) -> Actor:
    return factories.member(clinic, name="Test Prescriber")


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return factories.patient(clinic)


@pytest.fixture(autouse=True)
def course(patient: Patient, prescriber: Actor) -> Prescription:
    return factories.prescription(patient, by=prescriber)


def judge(patient: Patient, day: int) -> None:
    findings.judge(patient_id=patient.id, clinic_id=patient.clinic_id, at=on_day(day))


def tell(patient: Patient, days: range, **answers: Any) -> None:
    for day in days:
        factories.told_night(patient, night(day), **answers)


def rows(patient: Patient, rule: str) -> list[tuple[str, str]]:
    found = Finding.objects.filter(patient=patient, rule=rule).order_by("raised_at", "day")
    return [(row.part, row.state) for row in found]


def accept(patient: Patient, rule: str, day: int, by: Actor) -> None:
    row = Finding.objects.get(patient=patient, rule=rule, state="open")
    findings.accept(finding_id=row.id, seen_version=row.version, by=by, at=on_day(day))


def verdict(day: int) -> gate.Verdict:
    course = Prescription.objects.select_related("patient").get()
    return courses_selectors.gate_of(course, at=on_day(day))


def answer_report(by: Actor, day: int, outcome: str = "carry_on") -> None:
    report = OpioidReport.objects.filter(review=None).latest("at")
    courses.answer_opioid_report(report=report, outcome=outcome, reason="Asked.", by=by, at=on_day(day))


def on_record(patient: Patient, code: str, on: date, by: Actor) -> None:
    LabResult.objects.create(
        clinic_id=patient.clinic_id,
        patient=patient,
        code=code,
        taken_on=on,
        value=Decimal(20),
        unit="U/L",
        high=Decimal(40),
        at=on_day(4),
        by_id=by.user_id,
    )


class TestNoDateAnswers:
    @pytest.mark.parametrize(
        ("rule", "signs"), [("R31", {"breathless": "mild"}), ("R04", {"jaundice": "mild"}), ("R31", {"hives": "mild"})]
    )
    def test_an_emergency_or_a_stop_that_nobody_answered_stands(
        self, patient: Patient, rule: str, signs: dict[str, str]
    ) -> None:
        tell(patient, range(3, 4), side_effects=signs)
        judge(patient, 4)
        tell(patient, range(4, 15))
        judge(patient, 15)
        assert [state for _, state in rows(patient, rule)] == ["open"]
        assert selectors.closing_the_dose([patient.id])
        assert isinstance(verdict(15), gate.Blocked)
        assert not Finding.objects.filter(patient=patient, rule="R09", part="ready").exists()
        assert Finding.objects.filter(patient=patient, rule="R09", part="waits", state="open").exists()

    def test_an_accepted_liver_alert_closes_the_dose_until_a_prescriber_sets_it_aside(
        self, patient: Patient, prescriber: Actor
    ) -> None:
        tell(patient, range(3, 4), side_effects={"jaundice": "mild"})
        judge(patient, 4)
        accept(patient, "R04", 4, prescriber)
        tell(patient, range(4, 60))
        on_record(patient, "alt", night(5), prescriber)
        for day in (15, 60):
            judge(patient, day)
            assert [one.rule for one in selectors.closing_the_dose([patient.id])[patient.id]] == ["R04"]
        row = Finding.objects.get(patient=patient, rule="R04")
        findings.dismiss(
            finding_id=row.id, reason="The liver is well.", seen_version=row.version, by=prescriber, at=on_day(60)
        )
        judge(patient, 61)
        assert not selectors.closing_the_dose([patient.id])
        assert isinstance(verdict(61), gate.Open)

    def test_an_accepted_stop_waits_for_a_person_to_begin_again(self, patient: Patient, prescriber: Actor) -> None:
        tell(patient, range(3, 4), side_effects={"breathless": "mild"})
        judge(patient, 4)
        accept(patient, "R31", 4, prescriber)
        tell(patient, range(4, 15))
        judge(patient, 15)
        assert selectors.closing_the_dose([patient.id])
        row = Finding.objects.get(patient=patient, rule="R31")
        findings.dismiss(
            finding_id=row.id, reason="The lungs are clear.", seen_version=row.version, by=prescriber, at=on_day(15)
        )
        assert not selectors.closing_the_dose([patient.id])


class TestWhatAnAnswerAnswers:
    def test_an_opioid_answer_leaves_the_rest_of_the_night(
        self, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        opioid = {"other_medicines_answer": "yes", "other_medicines": "codeine"}
        signs = dict.fromkeys(("yawning", "gooseflesh", "tremor"), "mild")
        factories.told_night(patient, night(3), dose_mg="9", side_effects=signs, **opioid)
        judge(patient, 4)
        assert {rule for rule in ("R02", "R03", "R15") if rows(patient, rule)} == {"R02", "R03", "R15"}
        answer_report(prescriber, 4)
        assert rows(patient, "R02") == [("told", "accepted")]
        assert rows(patient, "R15") == [("more", "open")]
        assert rows(patient, "R03") == [("cluster", "open")]
        judge(patient, 30)
        assert rows(patient, "R15") == [("more", "open")]
        assert rows(patient, "R03") == [("cluster", "open")]

    def test_r02_is_accepted_with_the_deed_that_answered_it(
        self, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        factories.told_night(patient, night(3), other_medicines_answer="yes", other_medicines="codeine")
        answer_report(prescriber, 4, "stopped")
        row = Finding.objects.get(patient=patient, rule="R02")
        assert (row.state, row.closed_by_label) == ("accepted", prescriber.label)
        assert row.over_at == on_day(4)
        assert row.accepted_by_change == PlanChange.objects.get(kind="stop")

    def test_another_opioid_told_of_the_same_night_is_another_question(
        self, patient: Patient, prescriber: Actor
    ) -> None:
        factories.told_night(patient, night(3), other_medicines_answer="yes", other_medicines="codeine")
        answer_report(prescriber, 4)
        OpioidReport.objects.create(
            clinic_id=patient.clinic_id,
            patient=patient,
            night=night(3),
            answer="yes",
            words="oxycodone",
            at=on_day(4) + timedelta(hours=1),
        )
        judge(patient, 5)
        assert rows(patient, "R02") == [("told", "accepted"), ("told", "open")]

    def test_an_opioid_listed_again_needs_an_answer_again(self, patient: Patient, prescriber: Actor) -> None:
        entry = MedicineEntry(words="codeine")
        medicines.add(patient=patient, entry=entry, by=prescriber, at=on_day(3))
        answer_report(prescriber, 4)
        line = Medicine.objects.get(patient=patient)
        ended = MedicineEntry(words="codeine", stopped_on=night(5))
        deed = {"patient": patient, "by": prescriber}
        medicines.change(medicine_id=line.id, entry=ended, seen_version=1, at=on_day(5), **deed)  # type: ignore[arg-type]
        judge(patient, 6)
        assert rows(patient, "R02") == [("listed", "accepted")]
        medicines.add(patient=patient, entry=entry, by=prescriber, at=on_day(35))
        judge(patient, 35)
        assert rows(patient, "R02") == [("listed", "accepted"), ("listed", "open")]

    def test_an_opioid_that_goes_on_after_all_needs_an_answer_again(self, patient: Patient, prescriber: Actor) -> None:
        medicines.add(patient=patient, entry=MedicineEntry(words="codeine"), by=prescriber, at=on_day(3))
        answer_report(prescriber, 4)
        line = Medicine.objects.get(patient=patient)
        deed = {"patient": patient, "medicine_id": line.id, "by": prescriber}
        ended = MedicineEntry(words="codeine", stopped_on=night(5))
        medicines.change(entry=ended, seen_version=1, at=on_day(5), **deed)  # type: ignore[arg-type]
        medicines.change(entry=MedicineEntry(words="codeine"), seen_version=2, at=on_day(9), **deed)  # type: ignore[arg-type]
        judge(patient, 9)
        assert rows(patient, "R02") == [("listed", "accepted"), ("listed", "open")]


class TestTakenOtherwise:
    def test_a_differing_dose_closes_the_step_until_somebody_resolves_it(
        self, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        tell(patient, range(1, 3))
        tell(patient, range(4, 15))
        factories.told_night(patient, night(3), dose_mg="0.5")
        judge(patient, 15)
        closed = verdict(15)
        assert isinstance(closed, gate.Blocked)
        assert [why.code for why in closed.reasons] == [gate.Code.DOSE_DIFFERS]
        factories.clarify(course, "Half a capsule was lost.", by=prescriber, at=on_day(15))
        assert isinstance(verdict(15), gate.Open)

    def test_more_than_prescribed_is_asked_about_until_it_is_answered(
        self, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        tell(patient, range(1, 3))
        tell(patient, range(4, 15))
        factories.told_night(patient, night(3), dose_mg="3")
        judge(patient, 4)
        judge(patient, 15)
        assert rows(patient, "R15") == [("more", "open")]
        factories.clarify(course, "By mistake.", by=prescriber, at=on_day(15))
        row = Finding.objects.get(patient=patient, rule="R15")
        assert (row.state, row.closed_by_label) == ("accepted", prescriber.label)

    def test_a_childs_dose_is_answered_by_itself(self, clinic: Clinic, prescriber: Actor) -> None:
        child = factories.patient(clinic, name="Test Child", birth_date=START - timedelta(days=3_000))
        course = factories.prescription(child, by=prescriber)
        factories.told_night(child, night(3), dose_mg="3")
        judge(child, 4)
        factories.clarify(course, "By mistake.", by=prescriber, at=on_day(5))
        judge(child, 15)
        assert rows(child, "R15") == [("poison", "open")]
        assert "R15" in {one.rule for one in selectors.closing_the_dose([child.id])[child.id]}
        accept(child, "R15", 15, prescriber)
        assert "R15" not in {one.rule for one in selectors.closing_the_dose([child.id]).get(child.id, [])}

    def test_nothing_to_clarify_is_refused(self, course: Prescription, prescriber: Actor) -> None:
        with pytest.raises(Refused, match="told otherwise"):
            factories.clarify(course, "Nothing.", by=prescriber, at=on_day(15))
