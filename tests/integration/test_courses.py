"""Deeds on a course: what they write, what they refuse, and that the projection is what the engine says."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.actors import Actor, system
from accounts.models import Membership
from common.dose import Dose
from common.night import Slot
from common.night import bounds as night_bounds
from common.refusals import Refused, Stale
from patients.models import Patient
from tests import factories, memory
from titration.engine import gate, planner, timeline
from titration.engine.course import ChangeProtocol
from titration.engine.protocol import Protocol
from titration.models import OpioidReview, PlanChange, Prescription, Step
from titration.selectors import courses as selectors
from titration.selectors import silence, worklist
from titration.services import courses

pytestmark = pytest.mark.django_db

AT = factories.AT
START = AT.date()
DUE = START + timedelta(days=14)


@pytest.fixture
def patient() -> Patient:
    return factories.patient(factories.clinic())


def tell_week_before(patient: Patient, day: date, **answers: object) -> None:
    for back in range(7, 0, -1):
        factories.told_night(patient, day - timedelta(days=back), **answers)


def evening_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 19, tzinfo=UTC)


def assert_rows_are_what_the_engine_says(prescription: Prescription) -> None:
    prescription = selectors.open_prescription(prescription.patient) or Prescription.objects.get(id=prescription.id)
    course = selectors.course_of(prescription)
    rows = Step.objects.filter(prescription=prescription).order_by("from_on")
    assert [(s.from_on, s.to_on, s.dose, s.rung, s.state) for s in rows] == [
        (s.from_on, s.to_on, s.dose, s.rung, s.state) for s in timeline.unfold(course)
    ]
    due = timeline.next_step(course)
    assert (prescription.next_due_on, prescription.next_dose) == ((due.on, due.dose) if due else (None, None))


class TestPrescribe:
    def test_by_weight_it_is_signed_in_milligrams_for_that_weight(self, patient: Patient) -> None:
        with pytest.raises(Refused, match="goes by weight"):
            factories.prescription(patient, code="PEDS-SMITH", capsule_strength=Dose.of("0.1"))
        prescription = factories.prescription(
            patient, code="PEDS-SMITH", capsule_strength=Dose.of("0.1"), weight_kg=Decimal("32.7")
        )
        step = Step.objects.filter(prescription=prescription).order_by("from_on").first()
        assert step is not None
        assert step.dose == Dose.of("3.2")
        assert prescription.protocol_snapshot["by_weight"]["weight_kg"] == "32.7"

    def test_a_template_in_two_halves_is_taken_in_two(self, patient: Patient) -> None:
        values = {"code": "BID-NO", "capsule_strength": Dose.of("3")}
        with pytest.raises(Refused, match="halves each day's dose"):
            factories.prescription(patient, **values)
        assert factories.prescription(patient, slot=Slot.SPLIT, **values).slot == "split"

    @pytest.mark.parametrize(
        ("code", "sentence"),
        [("PDN-RESP", "Stop this plan and prescribe by it anew"), ("BID-NO", "Change the time of day to halves first")],
    )
    def test_a_template_that_asks_first_or_halves_begins_a_plan_of_its_own(
        self, patient: Patient, code: str, sentence: str
    ) -> None:
        prescription, by = factories.prescription(patient), factories.member(patient.clinic)
        version = factories.protocol_version(code)
        change = ChangeProtocol(START + timedelta(days=1), Protocol.from_json(version.body))
        with pytest.raises(Refused, match=sentence):
            courses.change(
                prescription_id=prescription.id,
                change=change,
                reason="to try it",
                seen_version=1,
                protocol_version=version,
                by=by,
                at=AT,
            )

    def test_it_signs_a_course_and_leaves_a_trace(self, patient: Patient) -> None:
        prescription = factories.prescription(patient)
        assert (prescription.next_due_on, prescription.next_dose) == (DUE, Dose.of("3"))
        assert_rows_are_what_the_engine_says(prescription)
        trace = memory.event(action="course.prescribe")
        assert trace.patient_ids == [patient.id]
        assert trace.actor_id == prescription.signed_by_id

    @pytest.mark.parametrize("answer", ["yes", "unknown", ""])
    def test_it_is_refused_unless_the_opioid_question_is_answered_no(self, patient: Patient, answer: str) -> None:
        with pytest.raises(Refused, match="cannot be signed"):
            factories.prescription(patient, opioid_answer=answer)
        assert not Prescription.objects.exists()

    def test_it_is_refused_when_capsules_cannot_make_the_dose(self, patient: Patient) -> None:
        with pytest.raises(Refused, match=r"cannot be made from 1\.5 mg capsules"):
            factories.prescription(patient, code="ONE-1W")

    def test_it_is_refused_for_a_start_more_than_a_week_ago(self, patient: Patient) -> None:
        with pytest.raises(Refused, match="more than a week ago"):
            factories.prescription(patient, start_on=START - timedelta(days=8))
        assert factories.prescription(patient, start_on=START - timedelta(days=7))

    def test_a_second_open_course_is_refused_by_the_deed_and_by_the_database(self, patient: Patient) -> None:
        first = factories.prescription(patient)
        with pytest.raises(Refused, match="already has an open plan"):
            factories.prescription(patient)
        copy = Prescription.objects.get(id=first.id)
        copy.pk = None
        copy._state.adding = True
        with pytest.raises(IntegrityError, match="one_open_prescription_per_patient"), transaction.atomic():
            copy.save(force_insert=True)

    def test_only_a_prescriber_signs(self, patient: Patient) -> None:
        nurse = factories.member(patient.clinic, Membership.Role.NURSE)
        with pytest.raises(Refused, match="may not prescribe"):
            factories.prescription(patient, by=nurse)


class TestHold:
    def test_it_moves_the_next_step_by_as_many_days_and_says_who_and_why(self, patient: Patient) -> None:
        nurse = factories.member(patient.clinic, Membership.Role.NURSE, name="Test Nurse")
        prescription = factories.prescription(patient)
        courses.hold(
            prescription_id=prescription.id, days=7, reason="Headache", seen_version=1, by=nurse, at=evening_of(START)
        )
        change = PlanChange.objects.get()
        assert (change.reason, change.by_label, change.days) == ("Headache", "Test Nurse", 7)
        assert Prescription.objects.get().next_due_on == DUE + timedelta(days=7)
        assert_rows_are_what_the_engine_says(prescription)

    def test_the_second_of_two_people_is_told_who_changed_it(self, patient: Patient) -> None:
        prescription = factories.prescription(patient)
        first, second = factories.member(patient.clinic, name="Test First"), factories.member(patient.clinic)
        held = {"prescription_id": prescription.id, "days": 7, "reason": "r", "seen_version": 1}
        courses.hold(**held, by=first, at=AT)
        with pytest.raises(Stale, match=r"Changed by Test First at 10:00"):
            courses.hold(**held, by=second, at=AT + timedelta(minutes=1))
        assert PlanChange.objects.count() == 1

    def test_a_hold_inside_a_hold_changes_nothing_and_is_refused(self, patient: Patient) -> None:
        prescription, by = factories.prescription(patient), factories.member(patient.clinic)
        courses.hold(prescription_id=prescription.id, days=7, reason="r", seen_version=1, by=by, at=AT)
        with pytest.raises(Refused, match="already held until"):
            courses.hold(prescription_id=prescription.id, days=3, reason="r", seen_version=2, by=by, at=AT)

    def test_another_clinic_finds_no_such_course(self, patient: Patient) -> None:
        prescription = factories.prescription(patient)
        stranger = factories.member(factories.clinic("Other Clinic"))
        with pytest.raises(Prescription.DoesNotExist):
            courses.hold(prescription_id=prescription.id, days=7, reason="r", seen_version=1, by=stranger, at=AT)


class TestAdvance:
    def test_no_dose_rises_without_it(self, patient: Patient) -> None:
        prescription = factories.prescription(patient)
        a_year_on = evening_of(START + timedelta(days=365))
        told = selectors.tonight(patient, at=a_year_on)
        assert (told.dose, planner.in_words(told.takings), told.waiting_for) == (
            Dose.of("1.5"),
            "1 capsule of 1.5 mg",
            Dose.of("3"),
        )
        assert_rows_are_what_the_engine_says(prescription)

    def test_it_steps_when_the_gate_is_open(self, patient: Patient) -> None:
        prescription = factories.prescription(patient)
        tell_week_before(patient, DUE)
        by = factories.member(patient.clinic)
        courses.advance(prescription_id=prescription.id, reason="", seen_version=1, by=by, at=evening_of(DUE))
        told = selectors.tonight(patient, at=evening_of(DUE))
        assert (told.dose, planner.in_words(told.takings)) == (Dose.of("3"), "2 capsules of 1.5 mg")
        assert PlanChange.objects.get().gate == {"verdict": "open"}
        assert_rows_are_what_the_engine_says(prescription)

    def test_too_few_nights_need_a_reason(self, patient: Patient) -> None:
        prescription, by = factories.prescription(patient), factories.member(patient.clinic)
        step = {"prescription_id": prescription.id, "seen_version": 1, "by": by, "at": evening_of(DUE)}
        with pytest.raises(Refused, match="Not enough nights: 0 of the last 7"):
            courses.advance(**step, reason="")
        courses.advance(**step, reason="Seen in person, doing well")
        assert PlanChange.objects.get().gate["codes"] == [gate.Code.NOT_ENOUGH_NIGHTS]

    def test_what_a_template_asks_first_is_answered_by_a_person(self, patient: Patient) -> None:
        prescription = factories.prescription(
            patient, code="PDN-RESP", capsule_strength=Dose.of("1"), mode=Prescription.Mode.PLANNED
        )
        tell_week_before(patient, DUE, dose_mg="2")
        step = {"prescription_id": prescription.id, "seen_version": 1, "at": evening_of(DUE)}
        with pytest.raises(Refused, match="only if pain has fallen by less than 20 %"):
            courses.advance(**step, reason="", by=system(patient.clinic_id))
        by = factories.member(patient.clinic)
        with pytest.raises(Refused, match="To step all the same, say why"):
            courses.advance(**step, reason="", by=by)
        courses.advance(**step, reason="Pain 6 before, 6 now", by=by)
        assert PlanChange.objects.get().gate["codes"] == [gate.Code.ASKED_FIRST]

    def test_an_opioid_report_closes_the_gate_for_everybody(self, patient: Patient) -> None:
        prescription, by = factories.prescription(patient), factories.member(patient.clinic)
        tell_week_before(patient, DUE, other_medicines_answer="yes", other_medicines="test syrup")
        step = {"prescription_id": prescription.id, "by": by, "at": evening_of(DUE)}
        with pytest.raises(Refused, match="opioid was reported"):
            courses.advance(**step, seen_version=1, reason="all the same")
        assert selectors.tonight(patient, at=evening_of(DUE)).state == selectors.TonightState.STOPPED_BY_REPORT
        for report in selectors.open_reports(by):
            courses.answer_opioid_report(
                report=report, outcome=OpioidReview.Outcome.CARRY_ON, reason="A herbal syrup", by=by, at=AT
            )
        assert courses.advance(**step, seen_version=1, reason="").next_dose == Dose.of("4.5")

    @pytest.mark.django_db(transaction=True)
    def test_an_opioid_report_being_saved_closes_the_gate_too(self, patient: Patient) -> None:
        prescription, by = factories.prescription(patient), factories.member(patient.clinic)
        tell_week_before(patient, DUE)

        def refusal() -> str:
            try:
                courses.advance(prescription_id=prescription.id, reason="", seen_version=1, by=by, at=evening_of(DUE))
            except Refused as refused:
                return refused.sentence
            finally:
                connection.close()
            return ""

        with ThreadPoolExecutor(1) as desk:
            with transaction.atomic():
                factories.told_night(patient, DUE, other_medicines_answer="yes", other_medicines="test syrup")
                said = desk.submit(refusal)
                with pytest.raises(TimeoutError):
                    said.result(0.5)
            assert "opioid was reported" in said.result()
        assert not PlanChange.objects.exists()

    def test_answering_with_stop_ends_the_course(self, patient: Patient) -> None:
        factories.prescription(patient)
        by = factories.member(patient.clinic)
        factories.told_night(patient, START, other_medicines_answer="unsure", other_medicines="a red pill")
        (report,) = selectors.open_reports(by)
        answer = {"report": report, "outcome": OpioidReview.Outcome.STOPPED, "reason": "It was codeine", "by": by}
        courses.answer_opioid_report(**answer, at=AT + timedelta(days=1))
        assert Prescription.objects.get().state == Prescription.State.STOPPED
        with pytest.raises(Stale, match="answered this report already"):
            courses.answer_opioid_report(**answer, at=AT + timedelta(days=1))

    @pytest.mark.parametrize("outcome", OpioidReview.Outcome.values)
    @pytest.mark.django_db(transaction=True)
    def test_an_answer_waits_for_the_plan_before_it_holds_the_patient(self, patient: Patient, outcome: str) -> None:
        """Whoever changes a plan holds it and then the patient: an answer that came the other way round would never
        meet them but in a deadlock.
        """
        prescription, by = factories.prescription(patient), factories.member(patient.clinic)
        factories.told_night(patient, START, other_medicines_answer="unsure", other_medicines="a red pill")
        (report,) = selectors.open_reports(by)

        def answer() -> None:
            try:
                courses.answer_opioid_report(report=report, outcome=outcome, reason="Asked", by=by, at=evening_of(DUE))
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as desk:
            with transaction.atomic():
                Prescription.objects.select_for_update(no_key=True).get(id=prescription.id)
                answered = desk.submit(answer)
                with pytest.raises(TimeoutError):
                    answered.result(0.5)
                Patient.objects.select_for_update(no_key=True, nowait=True).get(id=patient.id)
            answered.result(20)
        prescription.refresh_from_db()
        assert (prescription.state == Prescription.State.STOPPED) == (outcome == OpioidReview.Outcome.STOPPED)

    def test_a_step_recorded_after_tonights_dose_starts_tomorrow(self, patient: Patient) -> None:
        prescription, by = factories.prescription(patient), factories.member(patient.clinic)
        tell_week_before(patient, DUE)
        factories.told_night(patient, DUE)
        courses.advance(prescription_id=prescription.id, reason="", seen_version=1, by=by, at=evening_of(DUE))
        assert PlanChange.objects.get().on == DUE + timedelta(days=1)

    def test_the_system_steps_planned_courses_only_through_an_open_gate(self, patient: Patient) -> None:
        from titration import tasks

        prescription = factories.prescription(patient, mode=Prescription.Mode.PLANNED)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("common.clock.now", lambda: evening_of(DUE))
            tasks.tick()
            assert not PlanChange.objects.exists()
            tell_week_before(patient, DUE)
            tasks.tick()
            tasks.tick()
        change = PlanChange.objects.get()
        assert (change.on, change.by, change.by_label) == (DUE, None, "the system")
        assert_rows_are_what_the_engine_says(prescription)

    @pytest.mark.parametrize(("slot", "noon_on"), [(Slot.BEDTIME, DUE), (Slot.MORNING, DUE - timedelta(days=1))])
    def test_the_system_waits_until_the_last_night_before_the_step_is_over(
        self, patient: Patient, slot: Slot, noon_on: date
    ) -> None:
        """At midnight that night has just begun, and nobody has told how it was."""
        from titration import tasks

        factories.prescription(patient, mode=Prescription.Mode.PLANNED, slot=slot)
        tell_week_before(patient, noon_on)
        noon = night_bounds(noon_on, patient.zone)[0]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("common.clock.now", lambda: noon - timedelta(minutes=1))
            tasks.tick()
            assert not PlanChange.objects.exists()
            patch.setattr("common.clock.now", lambda: noon)
            tasks.tick()
        assert PlanChange.objects.get().on == DUE


class TestProjection:
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        code=st.sampled_from(["STD-1W", "STD-2W", "LC-BC", "LIQ-SHILPA", "HALF-1W"]),
        deeds=st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["hold", "advance", "stop"]), st.integers(1, 10))),
        slot=st.sampled_from(list(Slot)),
    )
    def test_steps_stay_what_the_engine_says_whatever_is_done(
        self, patient: Patient, code: str, deeds: list[tuple[int, str, int]], slot: Slot
    ) -> None:
        """Deeds on later and later days, refused or not: rows equal `unfold`, and no past row ever moves."""
        with transaction.atomic():
            by = factories.member(patient.clinic)
            prescription = factories.prescription(
                patient, code=code, slot=slot, capsule_strength=Dose.of("0.05"), by=by
            )
            at = AT
            for days, deed, length in deeds:
                at += timedelta(days=days)
                before = self.past(prescription, at)
                version = Prescription.objects.get(id=prescription.id).version
                change = {"prescription_id": prescription.id, "reason": "because", "seen_version": version, "by": by}
                try:
                    if deed == "hold":
                        courses.hold(**change, days=length, at=at)
                    else:
                        getattr(courses, deed)(**change, at=at)
                except Refused:
                    pass
                assert self.past(prescription, at) == before
                assert_rows_are_what_the_engine_says(prescription)
            transaction.set_rollback(True)

    @staticmethod
    def past(prescription: Prescription, at: datetime) -> list[tuple[object, ...]]:
        """The dose of each day before today."""
        steps = list(Step.objects.filter(prescription=prescription).order_by("from_on"))
        days = [prescription.start_on + timedelta(days=n) for n in range((at.date() - prescription.start_on).days)]
        return [(d, [s.dose for s in steps if s.from_on <= d and (s.to_on is None or d < s.to_on)]) for d in days]


class TestALateStep:
    """A step that nobody let happen is judged by how the patient is now, not by the nights before it fell due."""

    LATE = DUE + timedelta(days=9)

    def test_it_is_blocked_by_what_the_last_nights_say(self, patient: Patient) -> None:
        prescription = factories.prescription(patient)
        tell_week_before(patient, DUE)
        tell_week_before(patient, self.LATE, side_effects={"nausea": "severe"})
        assert isinstance(selectors.gate_of(prescription, at=evening_of(self.LATE)), gate.Blocked)

    def test_it_opens_by_what_the_last_nights_say(self, patient: Patient) -> None:
        prescription = factories.prescription(patient)
        tell_week_before(patient, self.LATE)
        assert isinstance(selectors.gate_of(prescription, at=evening_of(self.LATE)), gate.Open)


class TestTheEndOfACourse:
    """A course that has run its steps waits for a person, and is not taken for silence."""

    @staticmethod
    def climbed(patient: Patient, code: str) -> tuple[Prescription, Actor, datetime]:
        by = factories.member(patient.clinic)
        prescription = factories.prescription(patient, code=code, capsule_strength=Dose.of("0.5"), by=by)
        while prescription.next_due_on is not None:
            step = {"prescription_id": prescription.id, "seen_version": prescription.version, "reason": "Fine"}
            prescription = courses.advance(**step, by=by, at=evening_of(prescription.next_due_on))
        ends_on = Step.objects.filter(prescription=prescription).order_by("-from_on")[0].from_on
        return prescription, by, evening_of(ends_on)

    @pytest.mark.parametrize(("code", "dose"), [("LIQ-SHILPA", Dose.of("3")), ("LC-BC", None)])
    def test_it_stands_on_the_worklist_from_its_day_on(self, patient: Patient, code: str, dose: Dose | None) -> None:
        _, by, ends_at = self.climbed(patient, code)
        assert worklist.due_steps(by, until=ends_at.date(), at=ends_at - timedelta(days=1)) == []
        (row,) = worklist.due_steps(by, until=ends_at.date(), at=ends_at)
        assert row.end is not None
        assert (row.end.from_on, row.dose_now) == (ends_at.date(), dose)

    def test_from_its_day_where_the_patient_is(self, patient: Patient) -> None:
        Patient.objects.filter(id=patient.id).update(zone_name="Pacific/Kiritimati")
        patient.refresh_from_db()
        _, by, ends_at = self.climbed(patient, "LC-BC")
        day_before = datetime.combine(ends_at.date() - timedelta(days=1), time(9), tzinfo=UTC)
        assert worklist.due_steps(by, until=ends_at.date(), at=day_before) == []
        (row,) = worklist.due_steps(by, until=ends_at.date(), at=day_before + timedelta(hours=1))
        assert row.end is not None

    @pytest.mark.parametrize("code", ["LC-BC", "LIQ-SHILPA"])
    def test_nobody_is_called_silent_then_the_missed_decision_is_what_is_shown(
        self, patient: Patient, code: str
    ) -> None:
        _, by, ends_at = self.climbed(patient, code)
        late = ends_at + timedelta(days=30)
        assert silence.silent(by, at=late) == []
        (row,) = worklist.due_steps(by, until=late.date(), at=late)
        assert row.prescription.patient_id == patient.id

    def test_a_step_to_the_same_dose_is_not_announced_as_one(self, patient: Patient) -> None:
        by = factories.member(patient.clinic)
        prescription = factories.prescription(patient, code="LC-BC", capsule_strength=Dose.of("0.5"), by=by)
        while prescription.next_dose != Dose.of("4.5") or prescription.steps.latest("from_on").dose != Dose.of("4.5"):
            step = {"prescription_id": prescription.id, "seen_version": prescription.version, "reason": "Fine"}
            prescription = courses.advance(**step, by=by, at=evening_of(prescription.next_due_on))
        told = selectors.tonight(patient, at=evening_of(prescription.next_due_on))
        assert (told.dose, told.waiting_for) == (Dose.of("4.5"), None)


def test_a_course_that_cannot_be_read_does_not_stop_the_others(patient: Patient) -> None:
    from titration import tasks

    other = factories.patient(patient.clinic)
    broken = factories.prescription(patient, mode=Prescription.Mode.PLANNED)
    sound = factories.prescription(other, mode=Prescription.Mode.PLANNED)
    for one in (patient, other):
        tell_week_before(one, DUE)
    Prescription.objects.filter(id=broken.id).update(protocol_snapshot={})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("common.clock.now", lambda: evening_of(DUE))
        tasks.tick()
    assert [change.prescription_id for change in PlanChange.objects.all()] == [sound.id]
