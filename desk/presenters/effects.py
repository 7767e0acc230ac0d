"""What a change would do before it is signed: the schedule as it is and as it would be, side by side."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from common.dose import Dose
from desk.presenters.days import day, moment
from desk.presenters.plan import Plan
from desk.presenters.schedule import SLOT_WORDS
from desk.presenters.supply import effect_words
from reminders import facts, occurrences
from titration.engine import supply, timeline
from titration.engine.course import Change, Course
from titration.engine.planner import CannotBeMade
from titration.engine.record import Reason
from titration.selectors import supply as supply_selectors

BELLS_AHEAD = timedelta(days=366)
_STATES = {
    timeline.State.AWAITING: "awaiting medicine",
    timeline.State.HELD: "held",
    timeline.State.PAUSED: "paused",
    timeline.State.OFF: "left out",
    timeline.State.REVIEW: "until reviewed",
    timeline.State.ENDED: "ended",
}


@dataclass(frozen=True)
class Line:
    """Days alike, in words. `dose` is empty where none is taken; `new` where the other schedule has no such line."""

    dose: str
    state: str
    from_on: str
    to_on: str
    slot: str
    new: bool


@dataclass(frozen=True)
class Moved:
    """A step and its day before and after; empty where it is not there."""

    dose: str
    before: str
    after: str


@dataclass(frozen=True)
class Effect:
    """Both schedules from today on, the steps and bells that move, and the mark by which this and nothing else is
    signed."""

    before: tuple[Line, ...]
    after: tuple[Line, ...]
    moved: tuple[Moved, ...]
    bells_gone: tuple[str, ...]
    bells_new: tuple[str, ...]
    supply: tuple[str, ...]
    shown: str


def effect(plan: Plan, changed: Course, *, at: datetime) -> Effect:
    """What the changes that `changed` has more than the plan would do to it."""
    today = at.astimezone(plan.prescription.patient.zone).date()
    intended = timeline.plan(changed, as_of=today)
    before, after = _rows(plan.intended, today), _rows(intended, today)
    rung, to_ring = _bells(plan, plan.intended, at), _bells(plan, intended, at)
    return Effect(
        before=tuple(_line(row, row not in after) for row in before),
        after=tuple(_line(row, row not in before) for row in after),
        moved=tuple(_moved(plan.intended, intended, today)),
        bells_gone=tuple(bell for bell in rung if bell not in to_ring),
        bells_new=tuple(bell for bell in to_ring if bell not in rung),
        supply=_supply(plan, changed, at),
        shown=mark(changed.changes[len(plan.course.changes) :], plan.prescription.version),
    )


def mark(changes: Sequence[Change], version: int) -> str:
    """The same for the same changes of the same version of a course, and for no other."""
    return hashlib.sha256(f"{version} {tuple(changes)!r}".encode()).hexdigest()


def lines(shown: timeline.Timeline, since: date) -> tuple[Line, ...]:
    """A schedule from a day on, in words."""
    return tuple(_line(row, new=False) for row in _rows(shown, since))


def _rows(shown: timeline.Timeline, since: date) -> list[timeline.Segment]:
    return [segment for segment in shown if segment.to_on is None or segment.to_on > since]


def _line(row: timeline.Segment, new: bool) -> Line:
    state = "intended" if row.reason is Reason.INTENDED else _STATES.get(row.state, "")
    if row.cycle is not None:
        state = ", ".join(filter(None, [state, f"{row.cycle.days_on} days on, {row.cycle.days_off} off"]))
    return Line(
        dose=str(row.dose) if row.dose else "",
        state=state,
        from_on=day(row.from_on),
        to_on=f"to {day(row.to_on - timedelta(days=1))}" if row.to_on else "with no end set",
        slot=SLOT_WORDS[row.time_of_day] if row.dose else "",
        new=new,
    )


def _moved(before: timeline.Timeline, after: timeline.Timeline, since: date) -> list[Moved]:
    """Doses that begin on another day than they did, begin no more, or begin newly."""
    was, now = _begins(before, since), _begins(after, since)
    return [
        Moved(str(dose), day(was[dose]) if dose in was else "", day(now[dose]) if dose in now else "")
        for dose in sorted({*was, *now})
        if was.get(dose) != now.get(dose)
    ]


def _bells(plan: Plan, intended: timeline.Timeline, at: datetime) -> list[str]:
    """When the patient would be told of each step on its eve, by their own clock."""
    zone = plan.prescription.patient.zone
    course = facts.rung_for(
        intended, start_on=plan.course.start_on, next_due_on=None, signed_at=plan.prescription.signed_at
    )
    last = at.astimezone(zone).date() + BELLS_AHEAD
    return [moment(rings_at, zone) for rings_at in occurrences.step_eves(course, zone=zone, since=at, last=last)]


def _supply(plan: Plan, changed: Course, at: datetime) -> tuple[str, ...]:
    """Units gained and left over; nothing where the past holds doses that cannot be made of what is given now."""
    try:
        found = supply_selectors.effect_of_change(plan.prescription, plan.course, changed, at=at)
    except CannotBeMade:
        return ()
    return effect_words(found)


def _begins(intended: timeline.Timeline, since: date) -> dict[Dose, date]:
    """The first day of each dose that begins on a day or later."""
    begins: dict[Dose, date] = {}
    for step in supply.steps(intended):
        if step.from_on >= since:
            begins.setdefault(step.dose, step.from_on)
    return begins
