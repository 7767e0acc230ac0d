"""The bell hears of real deeds: what is prescribed or let happen rings, what is held or stopped does not."""

from datetime import UTC, date, datetime, timedelta

import pytest

from common.dose import Dose
from common.night import Slot
from reminders import door
from reminders.door import Answer
from reminders.models import Occurrence, Reminder
from reminders.occurrences import Kind
from reminders.services import plan
from tests import factories
from titration.models import Prescription
from titration.services import courses

pytestmark = pytest.mark.django_db

# STD-2W from Monday 2 March: the second rung is due on the 16th, its bell rings on the 15th at 18:00 in London.
BEFORE = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
EVE = datetime(2026, 3, 15, 18, 0, tzinfo=UTC)
STEP_ON = date(2026, 3, 16)


@pytest.fixture
def prescription() -> Prescription:
    made = factories.prescription(factories.patient(factories.clinic()))
    assert made.next_due_on == STEP_ON
    return made


def bells() -> dict[date, Answer]:
    """What the door says, at the time it rings, of each bell for a step that has its row."""
    reminders = Reminder.objects.filter(occurrence__kind=Kind.STEP_EVE).select_related("occurrence")
    known = door.gather(reminder.id for reminder in reminders)
    return {r.occurrence.about_on: door.answer(known[r.id], at=r.next_at) for r in reminders}


def change(prescription: Prescription, deed: object, *, at: datetime, **more: object) -> None:
    prescription.refresh_from_db()
    by = factories.member(prescription.clinic)
    deed(
        prescription_id=prescription.id,
        reason="A reason of the test.",
        seen_version=prescription.version,
        by=by,
        at=at,
        **more,
    )


@pytest.mark.parametrize("mode", list(Prescription.Mode))
@pytest.mark.parametrize("slot", list(Slot))
def test_the_eve_of_a_step_has_its_bell_in_both_modes_and_slots(mode: str, slot: Slot) -> None:
    halved = Dose.of("0.75")
    factories.prescription(factories.patient(factories.clinic()), mode=mode, slot=slot, capsule_strength=halved)
    plan(at=BEFORE)
    assert bells() == {STEP_ON: Answer.GO}
    assert Reminder.objects.get(occurrence__kind=Kind.STEP_EVE).next_at == EVE


def test_the_start_of_a_course_has_its_bell_too() -> None:
    factories.prescription(factories.patient(factories.clinic()), start_on=date(2026, 3, 4))
    plan(at=factories.AT)
    assert bells() == {date(2026, 3, 4): Answer.GO}


def test_a_hold_placed_after_planning_silences_the_bell_and_moves_it(prescription: Prescription) -> None:
    plan(at=BEFORE)
    change(prescription, courses.hold, at=EVE - timedelta(hours=8), days=7)
    assert bells() == {STEP_ON: Answer.NO_STEP_THEN}
    plan(at=EVE + timedelta(days=6))
    assert bells() == {STEP_ON: Answer.NO_STEP_THEN, STEP_ON + timedelta(days=7): Answer.GO}


def test_a_step_let_happen_in_time_still_has_its_bell(prescription: Prescription) -> None:
    plan(at=BEFORE)
    change(prescription, courses.advance, at=EVE - timedelta(hours=4))
    prescription.refresh_from_db()
    assert prescription.next_due_on != STEP_ON, "the step after it is the next one now"
    assert bells() == {STEP_ON: Answer.GO}


def test_a_stopped_course_rings_no_more(prescription: Prescription) -> None:
    plan(at=BEFORE)
    change(prescription, courses.stop, at=BEFORE)
    assert bells() == {STEP_ON: Answer.NO_OPEN_COURSE}
    assert plan(at=BEFORE + timedelta(days=1)) == 0


def test_a_night_that_was_told_is_not_asked_about(prescription: Prescription) -> None:
    plan(at=BEFORE)
    factories.told_night(prescription.patient, date(2026, 3, 14))
    nights = Reminder.objects.filter(occurrence__kind=Kind.NIGHT_LOG).select_related("occurrence")
    known = door.gather(reminder.id for reminder in nights)
    said = {r.occurrence.about_on.day: door.answer(known[r.id], at=r.next_at) for r in nights}
    assert said == {13: Answer.GO, 14: Answer.ALREADY_TOLD, 15: Answer.GO}
    assert Occurrence.objects.count() == 4
