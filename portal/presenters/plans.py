"""The schedule ahead: what is in force, and what is intended and said as an intention."""

from dataclasses import dataclass
from datetime import date

from common import dose as doses
from common.dose import Dose
from common.night import Slot
from portal.presenters.days import ONE_DAY, day
from portal.presenters.doses import SLOT_WORDS, capsules
from titration.engine import supply, timeline
from titration.engine.course import Course


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


def plan(course: Course, strength: Dose, slot: Slot, today: date) -> Plan:
    """Past steps are left out: this is what is in force and what is meant to follow."""
    intended, in_force = timeline.plan(course, as_of=today), timeline.unfold(course)
    standing = _standing(in_force, max(today, in_force[0].from_on))
    return Plan(
        rows=tuple(
            _plan_row(row, today, standing)
            for row in supply.schedule(intended, strength)
            if row.step.from_on >= (standing.from_on if standing else today)
        ),
        holds=tuple(
            _kept(part)
            for part in intended
            if part.state in (timeline.State.HELD, timeline.State.PAUSED) and (part.to_on is None or part.to_on > today)
        ),
        slot=SLOT_WORDS[slot],
        ending=_ending(intended),
    )


def _kept(part: timeline.Segment) -> str:
    until = f"to {day(part.to_on - ONE_DAY)}" if part.to_on else "until your clinic tells you"
    if part.state is timeline.State.PAUSED:
        return f"Take no dose from {day(part.from_on)} {until}."
    return f"Your dose is kept from {day(part.from_on)} {until}; later steps move with it."


def _standing(in_force: timeline.Timeline, day: date) -> supply.Step | None:
    """The step in force on a day; None on a day without a dose."""
    begun = [
        step for step in supply.steps(in_force) if step.from_on <= day and (step.to_on is None or day < step.to_on)
    ]
    return begun[-1] if begun else None


def _plan_row(row: supply.Row, today: date, standing: supply.Step | None) -> PlanRow:
    step = row.step
    current = standing is not None and step.from_on == standing.from_on
    # A step that is overdue is intended for today; until somebody lets it happen the dose in force has no last day.
    overdue = current and step.to_on is not None and step.to_on <= today
    return PlanRow(
        from_on=day(step.from_on),
        to_on=day(step.to_on - ONE_DAY) if step.to_on and not overdue else "",
        dose=str(step.dose),
        in_words=doses.in_words(step.dose),
        units=capsules(row.units_per_night),
        current=current,
        standing="in force" if step.from_on <= today else "your first step",
    )


def _ending(intended: timeline.Timeline) -> str:
    last = intended[-1]
    if last.state is timeline.State.ENDED:
        return f"No dose from {day(last.from_on)} on."
    if last.state is timeline.State.REVIEW:
        return f"From {day(last.from_on)} on your clinic looks at how it went; the dose stays until then."
    return ""
