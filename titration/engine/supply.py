"""From a timeline to a schedule: its steps, how many capsules a night, and how many to dispense."""

from dataclasses import dataclass
from datetime import date

from common.dose import Dose
from titration.engine.refusals import EngineRefusal
from titration.engine.timeline import Segment, State, Timeline


@dataclass(frozen=True, slots=True)
class Step:
    """A dose while it is taken or held, as one stretch of days; `to_on` excluded, None where it has no end.

    `rung` is None for a dose that is none of the protocol's.
    """

    from_on: date
    to_on: date | None
    dose: Dose
    rung: int | None

    @property
    def nights(self) -> int | None:
        """How many doses the step has; None where it has no end."""
        return None if self.to_on is None else (self.to_on - self.from_on).days


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the dated schedule: a step, its units a night, and over its nights; None where there is no end."""

    step: Step
    units_per_night: int
    units: int | None


def units(dose: Dose, strength: Dose) -> int:
    """How many whole capsules of `strength` make the dose; raises `EngineRefusal` where none do. None is ever split."""
    count = dose.units_of(strength)
    if count.denominator != 1 or not count:
        raise EngineRefusal(f"{dose} cannot be made from {strength} capsules.")
    return count.numerator


def steps(timeline: Timeline) -> tuple[Step, ...]:
    """The doses taken, in order: held days belong to the step they keep, days without a dose part two steps.

    Review and the end are no steps.
    """
    found: list[Step] = []
    for segment in timeline:
        if segment.dose is None or segment.state is State.REVIEW:
            continue
        if found and _goes_on(found[-1], segment):
            found[-1] = Step(found[-1].from_on, segment.to_on, segment.dose, segment.rung)
        else:
            found.append(Step(segment.from_on, segment.to_on, segment.dose, segment.rung))
    return tuple(found)


def _goes_on(step: Step, segment: Segment) -> bool:
    return (step.to_on, step.dose, step.rung) == (segment.from_on, segment.dose, segment.rung)


def schedule(timeline: Timeline, strength: Dose) -> tuple[Row, ...]:
    """The dated schedule in capsules of one strength; raises `EngineRefusal` where a step cannot be made from them."""
    return tuple(_row(step, units(step.dose, strength)) for step in steps(timeline))


def to_dispense(timeline: Timeline, strength: Dose, *, until_on: date) -> int:
    """How many capsules the steps take from the first day up to and without `until_on`.

    Doses after that date need not be makeable from this strength: they may be another prescription.
    """
    return sum(
        units(step.dose, strength) * (min(step.to_on or until_on, until_on) - step.from_on).days
        for step in steps(timeline)
        if step.from_on < until_on
    )


def _row(step: Step, a_night: int) -> Row:
    return Row(step, a_night, None if step.nights is None else step.nights * a_night)
