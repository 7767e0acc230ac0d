"""The schedule ahead: what is in force, and what is intended and said as an intention."""

from dataclasses import dataclass
from datetime import date

from common import dose as doses
from common.night import Slot
from portal.presenters.days import ONE_DAY, day
from portal.presenters.doses import SLOT_WORDS
from titration.engine import planner, supply, timeline
from titration.engine.course import Course
from titration.models import Prescription
from titration.selectors import courses
from titration.selectors.supply import PrintedSchedule


@dataclass(frozen=True)
class PlanRow:
    """A step of the schedule: the one in force (`current`), or one that is intended and nobody's promise yet."""

    from_on: str
    to_on: str
    dose: str
    in_words: str
    units: str
    current: bool
    standing: str


@dataclass(frozen=True)
class Plan:
    """The schedule ahead, with the holds there were and what follows the last step."""

    rows: tuple[PlanRow, ...]
    holds: tuple[str, ...]
    slot: str
    ending: str


def plan(prescription: Prescription, course: Course, slot: Slot, today: date) -> Plan:
    """Past steps are left out: this is what is in force and what is meant to follow."""
    intended, in_force = timeline.plan(course, as_of=today), timeline.unfold(course)
    standing = _standing(in_force, max(today, in_force[0].from_on))
    return Plan(
        rows=tuple(
            _plan_row(step, _made(prescription, step, intended), today, standing)
            for step in supply.steps(intended)
            if step.from_on >= (standing.from_on if standing else today)
        ),
        holds=tuple(
            _kept(part)
            for part in intended
            if part.state in (timeline.State.HELD, timeline.State.PAUSED) and (part.to_on is None or part.to_on > today)
        ),
        slot=SLOT_WORDS[slot],
        ending=_ending(intended),
    )


def on_paper(printed: PrintedSchedule | None) -> str:
    """What a schedule on paper is worth; "" where none was printed."""
    if printed is None:
        return ""
    which = f"the printed schedule of {day(printed.on)}, version {printed.version}"
    if printed.counts:
        return f"On paper, only {which}, counts. Older ones are void: throw them away."
    return f"Your plan has changed: {which}, and all older ones are void. Throw them away and ask for a new one."


def _kept(part: timeline.Segment) -> str:
    until = f"to {day(part.to_on - ONE_DAY)}" if part.to_on else "until your clinic tells you"
    if part.state is timeline.State.PAUSED:
        return f"Take no dose from {day(part.from_on)} {until}."
    return f"You stay on the same dose from {day(part.from_on)} {until}; later steps move with it."


def _standing(in_force: timeline.Timeline, day: date) -> supply.Step | None:
    """The step in force on a day; None on a day without a dose."""
    begun = [
        step for step in supply.steps(in_force) if step.from_on <= day and (step.to_on is None or day < step.to_on)
    ]
    return begun[-1] if begun else None


def _made(prescription: Prescription, step: supply.Step, intended: timeline.Timeline) -> str:
    """What makes a dose of the step, and on which days where it is not every day."""
    segment = timeline.segment_on(intended, step.from_on) or intended[0]
    made = planner.in_words(courses.takings_of(prescription, step.dose, segment.time_of_day) or ((),))
    if segment.cycle is None:
        return made
    return f"{made}, {segment.cycle.days_on} days on and {segment.cycle.days_off} off"


def _plan_row(step: supply.Step, made: str, today: date, standing: supply.Step | None) -> PlanRow:
    current = standing is not None and step.from_on == standing.from_on
    # A step that is overdue is intended for today; until somebody lets it happen the dose in force has no last day.
    overdue = current and step.to_on is not None and step.to_on <= today
    return PlanRow(
        from_on=day(step.from_on),
        to_on=day(step.to_on - ONE_DAY) if step.to_on and not overdue else "",
        dose=str(step.dose),
        in_words=doses.in_words(step.dose),
        units=made,
        current=current,
        standing="in force" if step.from_on <= today else "your first step",
    )


def _ending(intended: timeline.Timeline) -> str:
    last = intended[-1]
    if last.state is timeline.State.ENDED:
        return f"No dose from {day(last.from_on)} on."
    if last.state is timeline.State.REVIEW:
        reviewed = f"From {day(last.from_on)} your clinic reviews with you how it went."
        return f"{reviewed} Keep taking the same dose until they say otherwise."
    return ""
