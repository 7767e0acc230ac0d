"""What is laid out as rows, when it follows a change, and what the door says when the change came too late for that."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common.dose import Dose
from patients.models import ContactPreference, Patient
from reminders import door, pace
from reminders.door import Answer
from reminders.models import Occurrence, Reminder
from reminders.occurrences import Kind
from reminders.services import plan, pulse
from reminders.services.planning import lay_out, move_changed
from symptoms.models import OpioidReport, SymptomLog
from tests.reliability import rows
from titration.models import OpioidReview, Prescription, Step

pytestmark = pytest.mark.django_db

# A Monday noon in winter: London shows UTC.
AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NEXT = date(2026, 3, 4)


def patient(**more: Any) -> Patient:
    return rows.patients(rows.clinic(), 1, **more)[0]


def planned(kind: Kind) -> list[date]:
    return list(Occurrence.objects.filter(kind=kind).order_by("about_on").values_list("about_on", flat=True))


def the_reminder(kind: Kind, about_on: date) -> Reminder:
    return Reminder.objects.select_related("occurrence").get(occurrence__kind=kind, occurrence__about_on=about_on)


def said(reminder: Reminder, at: datetime | None = None) -> Answer:
    return door.answer(door.gather([reminder.id])[reminder.id], at=at or reminder.next_at)


def step(prescription: Prescription, from_on: date, to_on: date | None, rung: int | None, state: str) -> Step:
    return Step.objects.create(
        clinic_id=prescription.clinic_id,
        patient_id=prescription.patient_id,
        prescription=prescription,
        prescription_version=prescription.version,
        from_on=from_on,
        to_on=to_on,
        rung=rung,
        dose=Dose.of("1.5") if rung is not None else None,
        state=state,
    )


def test_the_next_two_days_are_laid_out_and_no_more() -> None:
    rows.prescription(patient(), next_due_on=NEXT)
    assert plan(at=AT) == 4
    assert planned(Kind.NIGHT_LOG) == [date(2026, 3, day) for day in (1, 2, 3)]
    assert planned(Kind.STEP_EVE) == [NEXT]
    reminder = the_reminder(Kind.STEP_EVE, NEXT)
    assert (reminder.next_at, reminder.not_after) == (
        datetime(2026, 3, 3, 18, tzinfo=UTC),
        datetime(2026, 3, 4, 0, tzinfo=UTC),
    )


def test_planning_again_adds_only_what_has_come_into_sight() -> None:
    rows.prescription(patient(), next_due_on=NEXT)
    assert [plan(at=AT + timedelta(seconds=after)) for after in (0, 30, 61, 122)] == [4, 0, 0, 0]
    assert plan(at=AT + timedelta(days=1)) == 1
    assert planned(Kind.NIGHT_LOG)[-1] == date(2026, 3, 4)


@pytest.mark.parametrize("zone_name", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu"])
def test_in_every_zone_each_bell_has_its_row_ten_hours_before_it_rings(zone_name: str) -> None:
    rows.prescription(patient(zone_name=zone_name, log_at=time(0, 0)), start_on=date(2026, 2, 1), next_due_on=NEXT)
    seen: dict[Any, datetime] = {}
    for hour in range(72):
        at = AT + timedelta(hours=hour)
        plan(at=at)
        for key in Occurrence.objects.values_list("kind", "about_on", "due_at"):
            seen.setdefault(key, at)
    late = [key for key, at in seen.items() if at > AT and key[2] - at < timedelta(hours=10)]
    assert late == []
    nights = planned(Kind.NIGHT_LOG)
    assert nights == [nights[0] + timedelta(days=offset) for offset in range(len(nights))]
    assert planned(Kind.STEP_EVE) == [NEXT]


def test_a_planner_costs_the_same_whether_few_or_many_patients_are_up_to_date() -> None:
    costs = []
    for many in (3, 40):
        clinic = rows.clinic()
        rows.prescriptions(rows.patients(clinic, many))
        lay_out(clinic_id=clinic.id, since=AT, at=AT)
        with CaptureQueriesContext(connection) as queries:
            assert lay_out(clinic_id=clinic.id, since=AT, at=AT).made == 0
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_a_start_in_the_future_rings_on_its_eve_and_asks_about_no_night_before() -> None:
    rows.prescription(patient(), start_on=NEXT, signed_at=AT)
    plan(at=AT)
    assert (planned(Kind.STEP_EVE), planned(Kind.NIGHT_LOG)) == ([NEXT], [])


def test_a_confirmed_step_rings_on_its_own_date_and_the_end_of_a_hold_does_not() -> None:
    prescription = rows.prescription(patient(), next_due_on=date(2026, 3, 30))
    step(prescription, date(2026, 1, 5), date(2026, 3, 1), 0, "taking")
    step(prescription, date(2026, 3, 1), date(2026, 3, 3), 0, "held")
    step(prescription, date(2026, 3, 3), NEXT, 0, "taking")
    step(prescription, NEXT, None, 1, "taking")
    plan(at=AT)
    assert planned(Kind.STEP_EVE) == [NEXT]


def test_a_zone_nobody_knows_silences_its_patient_only() -> None:
    people = rows.patients(rows.clinic(), 3)
    rows.prescriptions(people)
    Patient.objects.filter(id=people[0].id).update(zone_name="Nowhere/Land")
    plan(at=AT)
    assert set(Occurrence.objects.values_list("patient_id", flat=True)) == {people[1].id, people[2].id}


@pytest.mark.parametrize("state", ["active", "held", "paused", "stopped"])
def test_only_open_courses_ring(state: str) -> None:
    stopped_at = AT if state == "stopped" else None
    rows.prescription(patient(), state=state, stopped_at=stopped_at)
    assert bool(plan(at=AT)) == (state != "stopped")


def test_a_course_that_is_over_asks_no_more() -> None:
    prescription = rows.prescription(patient())
    step(prescription, date(2026, 3, 2), None, None, "ended")
    plan(at=AT)
    assert planned(Kind.NIGHT_LOG) == [date(2026, 3, 1)]


def test_a_patient_who_moves_is_rung_by_the_new_clock_and_once() -> None:
    moving = patient()
    rows.prescription(moving, next_due_on=NEXT)
    plan(at=AT)
    before = Occurrence.objects.count()
    Patient.objects.filter(id=moving.id).update(zone_name="America/New_York")
    assert said(the_reminder(Kind.STEP_EVE, NEXT)) is Answer.LATER
    plan(at=AT + timedelta(minutes=2))
    reminder = the_reminder(Kind.STEP_EVE, NEXT)
    assert reminder.next_at == reminder.occurrence.due_at == datetime(2026, 3, 3, 23, tzinfo=UTC)
    assert said(reminder) is Answer.GO
    assert Occurrence.objects.count() == before


def test_a_changed_time_moves_the_bell_of_the_night() -> None:
    choosing = patient()
    rows.prescription(choosing)
    plan(at=AT)
    ContactPreference.objects.filter(patient=choosing).update(log_reminder_at=time(7, 30))
    assert said(the_reminder(Kind.NIGHT_LOG, date(2026, 3, 2))) is Answer.LATER
    assert move_changed(clinic_id=choosing.clinic_id) == 3
    reminder = the_reminder(Kind.NIGHT_LOG, date(2026, 3, 2))
    assert reminder.next_at == datetime(2026, 3, 3, 7, 30, tzinfo=UTC)
    assert reminder.not_after == datetime(2026, 3, 3, 13, 30, tzinfo=UTC)
    assert move_changed(clinic_id=choosing.clinic_id) == 0


def test_r13_three_days_of_silence_are_written_down_and_not_rung_afterwards() -> None:
    rows.prescriptions(rows.patients(rows.clinic(), 5), next_due_on=NEXT)
    plan(at=AT)
    back = AT + timedelta(days=3)
    plan(at=back)
    skipped = Occurrence.objects.filter(state=Occurrence.State.SKIPPED_OUTAGE)
    # 1 to 3 March had their rows before the silence; 4 March was missed; 5 and 6 March are still to come.
    assert set(skipped.values_list("about_on", flat=True)) == set()
    assert planned(Kind.NIGHT_LOG)[-1] == date(2026, 3, 6)
    later = back + timedelta(days=5)
    plan(at=later)
    assert set(skipped.values_list("kind", "about_on")) == {(Kind.NIGHT_LOG, date(2026, 3, day)) for day in (7, 8)}
    assert not Reminder.objects.filter(occurrence__state=Occurrence.State.SKIPPED_OUTAGE).exists()


def test_a_first_planning_invents_no_outage() -> None:
    rows.prescription(patient())
    plan(at=AT)
    assert not Occurrence.objects.exclude(state=Occurrence.State.PLANNED).exists()


# At the door.


def tell_only_the_dose(reminder: Reminder) -> None:
    """In the evening, before there was a night to speak of."""
    SymptomLog.objects.create(
        clinic_id=reminder.clinic_id,
        patient_id=reminder.occurrence.patient_id,
        night=reminder.occurrence.about_on,
        recorded_at=AT,
    )


def tell(reminder: Reminder) -> None:
    tell_only_the_dose(reminder)
    SymptomLog.objects.update(sleep_hours=7)


def report_opioid(reminder: Reminder) -> None:
    OpioidReport.objects.create(
        clinic_id=reminder.clinic_id, patient_id=reminder.occurrence.patient_id, night=AT.date(), answer="yes", at=AT
    )


def answer_the_report(reminder: Reminder) -> None:
    report_opioid(reminder)
    report = OpioidReport.objects.get()
    OpioidReview.objects.create(
        clinic_id=reminder.clinic_id,
        report=report,
        outcome="carry_on",
        reason="Not an opioid.",
        at=AT,
        by_id=reminder.occurrence.prescription.signed_by_id,
    )


def hold(reminder: Reminder) -> None:
    """As the deed does: the step is due later and the days until then are held."""
    prescription = reminder.occurrence.prescription
    Prescription.objects.filter(id=prescription.id).update(next_due_on=NEXT + timedelta(days=7))
    step(prescription, NEXT, NEXT + timedelta(days=7), 0, "held")


def stop(reminder: Reminder) -> None:
    Prescription.objects.filter(id=reminder.occurrence.prescription_id).update(state="stopped", stopped_at=AT)


def stop_and_prescribe_anew(reminder: Reminder) -> None:
    stop(reminder)
    rows.prescription(reminder.occurrence.patient, start_on=NEXT, signed_at=AT)


def withdraw_consent(reminder: Reminder) -> None:
    ContactPreference.objects.update(reminders_by_email=False)


def forget_preferences(reminder: Reminder) -> None:
    ContactPreference.objects.all().delete()


def lose_address(reminder: Reminder) -> None:
    Patient.objects.update(email="")


def confirm(reminder: Reminder) -> None:
    """The step was let happen: the next due date is the one after it."""
    prescription = reminder.occurrence.prescription
    Prescription.objects.filter(id=prescription.id).update(next_due_on=NEXT + timedelta(days=14))
    step(prescription, prescription.start_on, NEXT, 0, "taking")
    step(prescription, NEXT, None, 1, "taking")


@pytest.mark.parametrize(
    ("change", "said_of_step", "said_of_night"),
    [
        (None, Answer.GO, Answer.GO),
        (confirm, Answer.GO, Answer.GO),
        (hold, Answer.NO_STEP_THEN, Answer.GO),
        (stop, Answer.NO_OPEN_COURSE, Answer.NO_OPEN_COURSE),
        (stop_and_prescribe_anew, Answer.GO, Answer.NOT_ASKED_THEN),
        (report_opioid, Answer.OPIOID_REPORT_OPEN, Answer.GO),
        (answer_the_report, Answer.GO, Answer.GO),
        (withdraw_consent, Answer.NO_CONSENT, Answer.NO_CONSENT),
        (forget_preferences, Answer.NO_CONSENT, Answer.NO_CONSENT),
        (lose_address, Answer.NO_ADDRESS, Answer.NO_ADDRESS),
        (tell_only_the_dose, Answer.GO, Answer.GO),
        (tell, Answer.GO, Answer.ALREADY_TOLD),
    ],
)
def test_what_changes_after_planning_is_noticed_at_the_door(
    change: Callable[[Reminder], None] | None, said_of_step: Answer, said_of_night: Answer
) -> None:
    rows.prescription(patient(), next_due_on=NEXT)
    plan(at=AT)
    step_eve = the_reminder(Kind.STEP_EVE, NEXT)
    night = the_reminder(Kind.NIGHT_LOG, date(2026, 3, 2))
    if change is not None:
        change(night)
    assert (said(step_eve), said(night)) == (said_of_step, said_of_night)


def test_the_door_asks_as_many_questions_for_one_as_for_forty() -> None:
    costs = []
    for many in (1, 40):
        made = rows.due_reminders(many, at=AT)
        with CaptureQueriesContext(connection) as queries:
            door.gather(reminder.id for reminder in made)
        costs.append(len(queries))
    # Whose they are, then five of that clinic and the two by which the database is told of it.
    assert costs == [9, 9]


def test_who_is_left_over_by_one_round_is_planned_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "PLAN_AT_MOST", 3)
    rows.prescriptions(rows.patients(rows.clinic(), 7))
    assert [plan(at=AT + timedelta(seconds=3 * number)) for number in range(4)] == [9, 9, 3, 0]


def test_the_planner_only_runs_once_a_minute() -> None:
    rows.prescription(patient())
    pulse.planned_until_now(at=AT)
    assert plan(at=AT + timedelta(seconds=59)) == 0
    assert plan(at=AT + timedelta(seconds=60)) > 0
