"""What a change of a course does to its supply: the same days before and after it, in units and in dates.

every 2 weeks, held for 7 days in its first step; capsules of 1.5 mg

before   1 a day for 14 days | 2 for 14 days | 3
after    1 a day for 21 days       | 2 for 14 days | 3      14 days take one less: 14 capsules are left over
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

from common.dose import Dose
from titration.engine import planner, stock
from titration.engine.formulation import Formulation, Unit
from titration.engine.planner import Night
from titration.engine.timeline import Timeline, days

LONGEST_DAYS = 400
"""How far ahead two schedules are held against each other."""
USUAL_DAYS = 28
"""How far they are where they never agree again and no supply says how long it matters."""

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Shift:
    """A dose that begins on another day; None: not at all."""

    dose: Dose
    was_on: date | None
    will_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a change does in the days from `as_of` up to and without `until_on`.

    `need` is how much more of each unit is taken after it, below zero what it leaves over; units that stay are left
    out. `days_changed` counts the days with another dose than before, `doses_fewer` the days that lose theirs (below
    zero: that gain one). `shifts` are the doses whose first day moves, within 400 days: what reminds of them moves too.

    Of the supply in hand: the first days whose dose it does not make, before and after the change (None: not within
    400 days, or nothing is recorded); what is `left_over` on the day on which it would have run out; and how many doses
    of those it would have made it does not any more, `short_doses`.
    """

    as_of: date
    until_on: date
    need: Mapping[Unit, Fraction]
    days_changed: int
    doses_fewer: int
    shifts: tuple[Shift, ...]
    run_out_was: date | None
    run_out_will: date | None
    left_over: Mapping[Unit, Fraction]
    short_doses: int

    @property
    def moves_nothing(self) -> bool:
        """Whether every day has the dose it had."""
        return not self.days_changed


def supply_effect(
    was: Timeline,
    will: Timeline,
    formulation: Formulation,
    *,
    as_of: date,
    until_on: date | None = None,
    fills: Sequence[stock.Fill] = (),
    told: Mapping[date, tuple[Dose, ...]] | None = None,
    before: Sequence[Night] = (),
) -> Effect:
    """Hold the intended schedule before a change, `was`, against the one after it, `will`.

    `as_of` is today. Without `until_on` the days reach to where both agree for good, else as far as the supply would
    have lasted, else 28 days. `fills` and `told` are as `stock.standing` takes them, `before` the days of earlier
    courses. Raises `CannotBeMade` where a dose of these days cannot be made of the formulation.
    """
    old, new = _nights(was, as_of), _nights(will, as_of)
    past = list({night.on: night for night in (*before, *_nights(was, was[0].from_on, as_of))}.values())
    run_out_was = stock.runs_out_on(fills, [*past, *old], as_of, told=told) if fills else None
    run_out_will = stock.runs_out_on(fills, [*past, *new], as_of, told=told) if fills else None
    end = until_on or _until(old, new, run_out_was, as_of)
    lasts_longer = run_out_was is not None and (run_out_will is None or run_out_will > run_out_was)
    left = stock.left_on(fills, [*past, *new], run_out_was, as_of=as_of, told=told) if run_out_was else {}
    mine, theirs = _between(old, as_of, end), _between(new, as_of, end)
    return Effect(
        as_of=as_of,
        until_on=end,
        need=planner.change_of_need(mine, theirs, formulation),
        days_changed=len(_changed(mine, theirs)),
        doses_fewer=_doses(mine) - _doses(theirs),
        shifts=_shifts(old, new),
        run_out_was=run_out_was,
        run_out_will=run_out_will,
        left_over=left if lasts_longer else {},
        short_doses=_doses(_between(new, run_out_will, run_out_was or end)) if run_out_will else 0,
    )


def settled_on(was: Sequence[Night], will: Sequence[Night]) -> date | None:
    """The first day from which both take the same for good; None where they still differ on the last day of theirs."""
    everyone = [night.on for night in (*was, *will)]
    differing = _changed(was, will)
    if not differing:
        return min(everyone, default=None)
    return None if differing[-1] == max(everyone) else differing[-1] + _ONE_DAY


def _nights(schedule: Timeline, from_on: date, until_on: date | None = None) -> list[Night]:
    until_on = until_on or from_on + LONGEST_DAYS * _ONE_DAY
    return [planner.night(one.on, one.dose, one.time_of_day) for one in days(schedule, from_on, until_on)]


def _between(nights: Sequence[Night], from_on: date, until_on: date) -> list[Night]:
    return [night for night in nights if from_on <= night.on < until_on]


def _doses(nights: Sequence[Night]) -> int:
    return sum(1 for night in nights if night.doses)


def _changed(was: Sequence[Night], will: Sequence[Night]) -> list[date]:
    """The days that take something else, in order; a day before a schedule begins takes nothing."""
    old, new = ({night.on: night.doses for night in nights} for nights in (was, will))
    return [on for on in sorted({*old, *new}) if old.get(on, ()) != new.get(on, ())]


def _until(old: Sequence[Night], new: Sequence[Night], run_out_was: date | None, as_of: date) -> date:
    found = settled_on(old, new) or run_out_was or as_of + USUAL_DAYS * _ONE_DAY
    return max(found, as_of + _ONE_DAY)


def _shifts(was: Sequence[Night], will: Sequence[Night]) -> tuple[Shift, ...]:
    """The doses that are stepped to, and the days on which each first is, where the two do not agree."""
    old, new = _begins(was), _begins(will)
    doses = sorted({*old, *new}, key=lambda dose: dose.mg)
    return tuple(Shift(dose, old.get(dose), new.get(dose)) for dose in doses if old.get(dose) != new.get(dose))


def _begins(nights: Sequence[Night]) -> dict[Dose, date]:
    """The first day of each dose that is stepped to after the first day."""
    taken = [(night.on, sum(night.doses[1:], start=night.doses[0])) for night in nights if night.doses]
    found: dict[Dose, date] = {}
    for (_, before), (on, dose) in pairwise(taken):
        if dose != before:
            found.setdefault(dose, on)
    return found
