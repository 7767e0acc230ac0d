"""The schedule ahead: what is in force, and what is intended and said as an intention."""

from dataclasses import dataclass
from datetime import date

from common import dose as doses
from common.dose import Dose
from common.night import Slot
from portal.presenters.days import ONE_DAY, day
from portal.presenters.doses import capsules
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
    standing = timeline.segment_on(in_force, max(today, course.start_on))
    return Plan(
        rows=tuple(
            _plan_row(row, today, standing)
            for row in supply.schedule(intended, strength)
            if standing is not None and standing.rung is not None and row.step.rung >= standing.rung
        ),
        holds=tuple(
            f"Your dose is kept from {day(part.from_on)} to {day(part.to_on - ONE_DAY)}; later steps move with it."
            for part in intended
            if part.state is timeline.State.HELD and part.to_on is not None and part.to_on > today
        ),
        slot="at bedtime" if slot is Slot.BEDTIME else "in the morning",
        ending=_ending(intended),
    )


def _plan_row(row: supply.Row, today: date, standing: timeline.Segment | None) -> PlanRow:
    step = row.step
    current = standing is not None and step.rung == standing.rung
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
