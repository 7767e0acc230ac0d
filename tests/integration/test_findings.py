"""What the rules find, on record: raised, followed, answered, over; and judged by whoever comes, once."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from common.refusals import Refused, Stale
from launch.places import ROOT
from patients.models import Patient
from symptoms.models import OpioidReport
from tests import factories
from titration import rule_book, tasks
from titration.engine import gate
from titration.engine.advice import judge as engine
from titration.engine.advice.finding import Tier
from titration.models import Finding, Judged, PlanChange, Prescription
from titration.selectors import cases
from titration.selectors import courses as courses_selectors
from titration.selectors import findings as selectors
from titration.services import courses, findings

AT = factories.AT
START = AT.date()
pytestmark = pytest.mark.django_db


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
def course(patient: Patient, prescriber: Actor) -> Prescription:
    return factories.prescription(patient, by=prescriber)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def on_day(day: int) -> datetime:
    """Noon of a day of the course, counted from 1."""
    return noon(START + timedelta(days=day - 1))


def tell(patient: Patient, days: range, **answers: Any) -> None:
    for day in days:
        factories.told_night(patient, START + timedelta(days=day - 1), **answers)


def judge(patient: Patient, at: datetime) -> None:
    findings.judge(patient_id=patient.id, clinic_id=patient.clinic_id, at=at)


def rules(patient: Patient, **where: Any) -> list[str]:
    rows = Finding.objects.filter(patient=patient, **where).order_by("rule", "raised_at")
    return [f"{row.rule} {row.state}" for row in rows]


BAD = {"sleep_hours": Decimal("4")}


@pytest.mark.usefixtures("course")
class TestRaising:
    def test_a_rule_that_fires_is_on_record_with_what_it_saw(self, patient: Patient) -> None:
        tell(patient, range(1, 5), **BAD)
        judge(patient, on_day(5))
        found = Finding.objects.get(patient=patient, rule="R05")
        assert (found.state, found.tier, found.rule_version) == (
            "open",
            "hold",
            rule_book.shipped().rules["R05"].version,
        )
        assert "4" in found.sentence
        assert found.used["early_bad_nights"] == "3"
        assert found.data
        assert "step" in found.blocks
        assert found.prescription == Prescription.objects.get()

    def test_judging_twice_changes_nothing(self, patient: Patient) -> None:
        tell(patient, range(1, 5), **BAD)
        judge(patient, on_day(5))
        before = list(Finding.objects.values()), list(Judged.objects.values())
        versions = Finding.pgh_event_model.objects.count()  # type: ignore[attr-defined]
        judge(patient, on_day(5) + timedelta(hours=1))
        assert (list(Finding.objects.values()), list(Judged.objects.values())) == before
        assert Finding.pgh_event_model.objects.count() == versions  # type: ignore[attr-defined]

    def test_an_open_one_follows_its_facts_and_keeps_every_version(self, patient: Patient) -> None:
        tell(patient, range(1, 5), **BAD)
        judge(patient, on_day(5))
        before = Finding.objects.get(patient=patient, rule="R05")
        factories.told_night(patient, START + timedelta(days=4), sleep_hours=Decimal("8"))
        judge(patient, on_day(6))
        after = Finding.objects.get(patient=patient, rule="R05")
        assert after.id == before.id
        assert after.sentence != before.sentence
        assert after.version == before.version + 1
        assert after.raised_at == before.raised_at
        assert Finding.pgh_event_model.objects.filter(pgh_obj_id=after.id).count() == 2  # type: ignore[attr-defined]

    def test_one_that_fires_no_more_expires_and_stays_readable(self, patient: Patient) -> None:
        tell(patient, range(1, 5), **BAD)
        judge(patient, on_day(5))
        tell(patient, range(5, 12), sleep_hours=Decimal("8"))
        judge(patient, on_day(12))
        assert rules(patient, rule="R05") == ["R05 expired"]
        found = Finding.objects.get(patient=patient, rule="R05")
        assert found.closed_at == found.over_at == on_day(12)

    def test_an_emergency_waits_for_a_person_whatever_the_date(self, patient: Patient, prescriber: Actor) -> None:
        tell(patient, range(1, 2), side_effects={"dark_urine": "mild"})
        judge(patient, on_day(2))
        assert rules(patient, rule="R04") == ["R04 open"]
        tell(patient, range(2, 20))
        judge(patient, on_day(25))
        emergency = Finding.objects.get(patient=patient, rule="R04")
        assert emergency.state == "open"
        findings.dismiss(
            finding_id=emergency.id, reason="Beetroot.", seen_version=emergency.version, by=prescriber, at=on_day(25)
        )
        emergency.refresh_from_db()
        assert emergency.state == "dismissed"
        # The night still tells of it: the answer stands with it, and nothing is raised anew.
        judge(patient, on_day(26))
        assert rules(patient, rule="R04") == ["R04 dismissed"]

    def test_a_newer_version_of_a_rule_takes_the_place_of_the_older(
        self, patient: Patient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tell(patient, range(1, 5), **BAD)
        judge(patient, on_day(5))
        Finding.objects.filter(patient=patient, rule="R05").update(rule_version=0)
        judge(patient, on_day(5))
        assert rules(patient, rule="R05") == ["R05 superseded", "R05 open"]

    def test_nothing_is_found_once_the_care_has_ended(self, patient: Patient) -> None:
        tell(patient, range(1, 5), **BAD)
        judge(patient, on_day(5))
        Patient.objects.filter(id=patient.id).update(care_ended_at=on_day(5), care_ended_because="moved")
        judge(patient, on_day(5))
        assert rules(patient, rule="R05") == ["R05 expired"]
        assert Judged.objects.get(patient=patient).again_at is None

    def test_words_numbers_and_keys_are_sealed_in_the_table(self, patient: Patient) -> None:
        tell(patient, range(1, 5), **BAD)
        judge(patient, on_day(5))
        with connection.cursor() as cursor:
            cursor.execute("SELECT sentence, patient_sentence, data_sealed, key FROM titration_finding")
            rows = cursor.fetchall()
        found = Finding.objects.get(patient=patient, rule="R05")
        for stored in [text for row in rows for text in row if text]:
            assert found.sentence not in stored
            assert "R05" not in stored

    def test_a_record_that_cannot_be_read_is_passed_over_once(
        self, patient: Patient, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = factories.patient(clinic, name="Another Patient")
        real = engine.judge

        def fails(case: Any, book: Any, **more: Any) -> Any:
            if case.first_dose_on is not None:
                raise ValueError("words of a patient")
            return real(case, book, **more)

        monkeypatch.setattr(engine, "judge", fails)
        findings.judge_some(clinic_id=clinic.id, at=on_day(2))
        assert set(Judged.objects.values_list("patient_id", "step")) >= {(patient.id, "insufficient data")}
        assert Judged.objects.filter(patient=other).exists()
        assert findings.judge_some(clinic_id=clinic.id, at=on_day(2)) == 0


@pytest.fixture
def early(patient: Patient, course: Prescription) -> Finding:
    tell(patient, range(1, 5), **BAD)
    judge(patient, on_day(5))
    found: Finding = Finding.objects.get(patient=patient, rule="R05")
    return found


class TestAnswering:
    def test_a_dismissal_says_why_and_by_whom(self, early: Finding, prescriber: Actor) -> None:
        findings.dismiss(
            finding_id=early.id, reason="Moving house.", seen_version=early.version, by=prescriber, at=on_day(5)
        )
        early.refresh_from_db()
        assert (early.state, early.closed_because) == ("dismissed", "Moving house.")
        assert (early.closed_by_id, early.closed_by_label) == (prescriber.user_id, prescriber.label)

    @pytest.mark.parametrize("reason", ["", "  "])
    def test_without_a_reason_it_is_refused(self, early: Finding, prescriber: Actor, reason: str) -> None:
        with pytest.raises(Refused, match="Say why"):
            findings.dismiss(
                finding_id=early.id, reason=reason, seen_version=early.version, by=prescriber, at=on_day(5)
            )

    def test_what_was_answered_is_not_raised_again_while_it_is_so(
        self, patient: Patient, early: Finding, prescriber: Actor
    ) -> None:
        findings.dismiss(
            finding_id=early.id, reason="Moving house.", seen_version=early.version, by=prescriber, at=on_day(5)
        )
        factories.told_night(patient, START + timedelta(days=4))
        judge(patient, on_day(6))
        assert rules(patient, rule="R05") == ["R05 dismissed"]

    def test_it_is_raised_again_when_it_has_been_otherwise(
        self, patient: Patient, early: Finding, prescriber: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        findings.dismiss(
            finding_id=early.id, reason="Moving house.", seen_version=early.version, by=prescriber, at=on_day(5)
        )
        with monkeypatch.context() as patch:
            patch.setattr(engine, "judge", lambda *_, **__: engine.Judgement((), engine.Step.UNKNOWN, ()))
            judge(patient, on_day(5))
        judge(patient, on_day(5))
        assert rules(patient, rule="R05") == ["R05 dismissed", "R05 open"]

    def test_who_comes_second_is_told(self, early: Finding, prescriber: Actor) -> None:
        findings.accept(finding_id=early.id, seen_version=early.version, by=prescriber, at=on_day(5))
        with pytest.raises(Stale, match="Test Prescriber has answered"):
            findings.accept(finding_id=early.id, seen_version=early.version, by=prescriber, at=on_day(5))

    def test_who_has_not_read_the_latest_is_told(self, patient: Patient, early: Finding, prescriber: Actor) -> None:
        factories.told_night(patient, START + timedelta(days=4))
        judge(patient, on_day(6))
        with pytest.raises(Stale, match="More has been told"):
            findings.accept(finding_id=early.id, seen_version=early.version, by=prescriber, at=on_day(6))

    def test_staff_and_strangers_answer_nothing(self, clinic: Clinic, early: Finding) -> None:
        staff = factories.member(clinic, Membership.Role.STAFF)
        stranger = factories.member(factories.clinic("Other Clinic"))
        for by in (staff, stranger):
            with pytest.raises(Refused):
                findings.accept(finding_id=early.id, seen_version=early.version, by=by, at=on_day(5))

    def test_an_emergency_is_a_prescribers_to_dismiss(self, clinic: Clinic, patient: Patient, early: Finding) -> None:
        nurse = factories.member(clinic, Membership.Role.NURSE)
        deed: dict[str, Any] = {"reason": "Known.", "by": nurse, "at": on_day(6)}
        findings.dismiss(finding_id=early.id, seen_version=early.version, **deed)
        factories.told_night(patient, START + timedelta(days=4), side_effects={"jaundice": "mild"})
        judge(patient, on_day(6))
        emergency = Finding.objects.get(patient=patient, rule="R04")
        with pytest.raises(Refused, match="may not prescribe"):
            findings.dismiss(finding_id=emergency.id, seen_version=emergency.version, **deed)

    def test_the_deed_it_led_to_stands_with_it(self, course: Prescription, early: Finding, prescriber: Actor) -> None:
        with time_machine.travel(on_day(5), tick=False):
            courses.hold(
                prescription_id=course.id, days=7, reason="Sleep.", seen_version=1, by=prescriber, at=on_day(5)
            )
        change = PlanChange.objects.get()
        findings.accept(finding_id=early.id, seen_version=early.version, by=prescriber, at=on_day(5), change=change)
        early.refresh_from_db()
        assert (early.state, early.accepted_by_change) == ("accepted", change)

    def test_rows_are_never_deleted_by_the_application(self, early: Finding) -> None:
        with pytest.raises(DatabaseError), transaction.atomic():
            Finding.objects.filter(id=early.id).delete()

    def test_what_was_accepted_can_still_be_set_aside_and_then_closes_nothing(
        self, patient: Patient, early: Finding, prescriber: Actor
    ) -> None:
        findings.accept(finding_id=early.id, seen_version=early.version, by=prescriber, at=on_day(5))
        assert selectors.closing_the_step([patient.id])
        early.refresh_from_db()
        findings.dismiss(
            finding_id=early.id, reason="All is well.", seen_version=early.version, by=prescriber, at=on_day(5)
        )
        assert not selectors.closing_the_step([patient.id])


class TestTheStep:
    DUE = on_day(15)

    def seven_nights(self, patient: Patient, **answers: Any) -> None:
        tell(patient, range(8, 15), **answers)

    def test_what_a_rule_found_closes_it_until_it_is_dismissed(
        self, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        self.seven_nights(patient, **BAD)
        judge(patient, self.DUE)
        course = Prescription.objects.select_related("patient").get()
        verdict = courses_selectors.gate_of(course, at=self.DUE)
        assert isinstance(verdict, gate.Blocked)
        assert verdict.overridable
        assert {why.rule for why in verdict.reasons if why.code is gate.Code.FINDING}
        for found in selectors.open_of(patient):
            findings.dismiss(
                finding_id=found.id,
                reason="A newborn.",
                seen_version=Finding.objects.get(id=found.id).version,
                by=prescriber,
                at=self.DUE,
            ) if found.tier != Tier.STEP else None
        assert isinstance(courses_selectors.gate_of(course, at=self.DUE), gate.Open)

    def test_an_accepted_one_goes_on_closing_it(
        self, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        self.seven_nights(patient, **BAD)
        judge(patient, self.DUE)
        for found in selectors.open_of(patient):
            current = Finding.objects.get(id=found.id)
            findings.accept(finding_id=found.id, seen_version=current.version, by=prescriber, at=self.DUE)
        course = Prescription.objects.select_related("patient").get()
        assert isinstance(courses_selectors.gate_of(course, at=self.DUE), gate.Blocked)

    def test_an_emergency_is_overridden_by_no_reason(
        self, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        self.seven_nights(patient)
        factories.told_night(patient, START + timedelta(days=14), side_effects={"jaundice": "mild"})
        at = on_day(16)
        with pytest.raises(Refused, match="jaundice"):
            courses.advance(prescription_id=course.id, reason="All the same.", seen_version=1, by=prescriber, at=at)

    def test_what_was_told_a_moment_ago_is_judged_before_the_step(
        self, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        self.seven_nights(patient, **BAD)
        with pytest.raises(Refused, match="say why"):
            courses.advance(prescription_id=course.id, reason="", seen_version=1, by=prescriber, at=self.DUE)
        courses.advance(
            prescription_id=course.id, reason="It is the newborn.", seen_version=1, by=prescriber, at=self.DUE
        )
        change = PlanChange.objects.get(kind="advance")
        assert change.gate["verdict"] == "blocked"
        assert change.gate["rules"]

    def test_the_systems_own_step_waits_for_a_person(self, patient: Patient, prescriber: Actor) -> None:
        factories.prescription(patient, by=prescriber, mode=Prescription.Mode.PLANNED)
        self.seven_nights(patient, **BAD)
        with time_machine.travel(self.DUE + timedelta(days=1), tick=False):
            tasks.tick()
        assert not PlanChange.objects.exists()


class TestTheRound:
    @pytest.fixture(autouse=True)
    def now(self) -> Iterator[Any]:
        with time_machine.travel(on_day(5), tick=False) as travelled:
            yield travelled

    def test_it_judges_who_was_told_about_and_nobody_else(
        self, patient: Patient, course: Prescription, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tell(patient, range(1, 5), **BAD)
        tasks.judge_round()
        assert rules(patient, rule="R05") == ["R05 open"]
        monkeypatch.setattr(
            findings, "judge_held", lambda patients, **_: pytest.fail("nobody is behind") if patients else None
        )
        tasks.judge_round()

    def test_it_judges_again_at_the_patients_own_midnight(self, clinic: Clinic, prescriber: Actor, now: Any) -> None:
        far = factories.patient(clinic, zone_name="Pacific/Auckland")
        near = factories.patient(clinic, zone_name="Europe/London")
        for one in (far, near):
            factories.prescription(one, by=prescriber)
        now.move_to(datetime(2026, 3, 6, 9, 0, tzinfo=UTC))
        tasks.judge_round()
        before = {row.patient_id: row.judged_on for row in Judged.objects.all()}
        now.move_to(datetime(2026, 3, 6, 11, 30, tzinfo=UTC))
        tasks.judge_round()
        after = {row.patient_id: row.judged_on for row in Judged.objects.all()}
        assert after[far.id] == before[far.id] + timedelta(days=1) == date(2026, 3, 7)
        assert after[near.id] == before[near.id] == date(2026, 3, 6)

    def test_as_many_statements_for_many_as_for_few(self, clinic: Clinic, prescriber: Actor) -> None:
        def statements(count: int) -> int:
            made = [factories.patient(clinic, name=f"Patient {number}") for number in range(count)]
            for one in made:
                factories.prescription(one, by=prescriber)
                tell(one, range(1, 4), **BAD)
            with CaptureQueriesContext(
                connection,
            ) as caught:
                findings.judge_some(clinic_id=clinic.id, at=on_day(5))
            assert Finding.objects.filter(patient__in=made).count() >= count
            return len(caught)

        statements(1)
        assert statements(1) == statements(6)


def test_a_case_tells_what_the_rows_tell(patient: Patient, course: Prescription, prescriber: Actor) -> None:
    factories.fill(patient, by=prescriber, lot="A 1")
    tell(patient, range(1, 3), side_effects={"nausea": "mild"}, latency_min=20)
    factories.told_night(patient, START + timedelta(days=2), dose_mg=None)
    known = cases.case_of(patient, at=on_day(4))
    case = known.case
    assert known.prescription == course
    assert (case.today, case.first_dose_on) == (on_day(4).date(), START)
    assert [night.taken for night in case.nights] == [True, True, False]
    assert case.nights[0].severities == {"nausea": "mild"}
    assert case.nights[2].skipped_because == "forgot"
    assert case.due is not None
    assert case.makeable is not None
    assert [product.lot for product in case.products] == ["A1"]


def test_what_is_left_is_counted_where_a_refill_is_due(
    patient: Patient, course: Prescription, prescriber: Actor
) -> None:
    factories.fill(patient, 9, by=prescriber, at=AT)
    known = cases.case_of(patient, at=on_day(5)).case.supply
    assert known is not None
    assert known.units_left == "5 capsules of 1.5 mg"
    judge(patient, on_day(5))
    assert "5 capsules of 1.5 mg left" in Finding.objects.get(rule="R28").sentence


def test_a_case_of_who_has_no_course_is_empty(patient: Patient) -> None:
    case = cases.case_of(patient, at=AT).case
    assert (case.in_force, case.due, case.first_dose_on, case.makeable) == ((), None, None, None)


class TestNights:
    def test_who_answered_an_opioid_report_has_not_answered_for_the_liver(
        self, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        answers = {"other_medicines_answer": "yes", "other_medicines": "codeine", "side_effects": {"jaundice": "mild"}}
        factories.told_night(patient, START, **answers)
        courses.answer_opioid_report(
            report=OpioidReport.objects.get(), outcome="carry_on", reason="A mistake.", by=prescriber, at=on_day(2)
        )
        judge(patient, on_day(2))
        assert rules(patient, rule="R04") == ["R04 open"]
        assert rules(patient, rule="R02") == ["R02 accepted"]


WRITTEN = {
    *("DoseTaken", "SymptomLog", "OpioidReport", "OpioidReview", "Assessment", "Fill", "Prescription", "PlanChange"),
    *("Medicine", "PatientCondition", "Screening", "ScreeningDecision", "Procedure", "ProcedureDay", "LabResult"),
}
"""Rows that the rules look at."""
OF_NEWCOMERS = {"patients/services/registering.py"}
"""Nobody has judged who is only being registered: they are behind whatever their sequence says."""


def test_every_room_that_writes_what_the_rules_look_at_says_so() -> None:
    silent = []
    for path in (*ROOT.glob("*/services/*.py"), *ROOT.glob("*/services.py")):
        text = path.read_text(encoding="utf-8")
        writes = set(
            re.findall(r"\b([A-Z]\w+)\.objects\.(?:create|bulk_create|get_or_create|update_or_create)\(", text)
        )
        name = path.relative_to(ROOT).as_posix()
        if writes & WRITTEN and "raise_sequence(" not in text and name not in OF_NEWCOMERS:
            silent.append(f"{name} writes {', '.join(sorted(writes & WRITTEN))}")
    assert not silent
