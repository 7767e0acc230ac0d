"""What is left of what the pharmacy dispensed, and how long it lasts by the steps that are intended.

    42 capsules of 1.5 mg on 5 January, every 2 weeks from 6 January

    left     42 |‾‾--..__
                |        ‾--..__           14 nights of one, then 14 of two
              0 |_______________‾--..__ |
                6 Jan   20 Jan   27 Jan  3 Feb: the first night that cannot be made

A night counts as taken until it is told otherwise. What expires first is taken first; nothing is taken after its
beyond-use date.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

from common.dose import Dose
from titration.engine import planner
from titration.engine.formulation import Unit
from titration.engine.planner import CannotBeMade, Night

REFILL_DAYS = 7
"""A refill is due when less is left than 7 days take, or what is left keeps no longer (rule R28, grade E3)."""

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Fill:
    """What was dispensed on a date. `beyond_use_on` is the last day it may be taken; None: nobody wrote it down."""

    on: date
    unit: Unit
    units: Fraction
    lot: str = ""
    beyond_use_on: date | None = None

    def keeps_on(self, day: date) -> bool:
        return self.beyond_use_on is None or day <= self.beyond_use_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the supply stands on a day, before that day's dose unless it has been told.

    `units_left` counts what may still be taken, `left` the same by unit, `beyond_use` what may not any more.
    `run_out_on` is the first day whose dose cannot be made of it, by the steps intended; None where it lasts as far as
    the days reach. `short_by_next_step`: it does not reach into the next dose that is intended. `refill_due_on` is the
    day from which a refill should be asked for, as_of at the earliest; None where none is needed. `next_beyond_use_on`
    is the earliest beyond-use date among what is left. `lot` is the one taken from next. `unexplained` counts nights
    that were taken though nothing recorded could have made them.
    """

    units_left: Fraction
    left: Mapping[Unit, Fraction]
    beyond_use: Mapping[Unit, Fraction]
    run_out_on: date | None
    short_by_next_step: bool
    refill_due_on: date | None
    next_beyond_use_on: date | None
    lot: str
    unexplained: int


@dataclass(slots=True)
class _Heap:
    """Fills as they run down; amounts are what is left of each."""

    fills: Sequence[Fill]
    left: list[Fraction] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.left = self.left or [fill.units for fill in self.fills]

    def copy(self) -> "_Heap":
        return _Heap(self.fills, list(self.left))

    def usable(self, day: date, *, keeps_until: date | None = None) -> dict[Unit, Fraction]:
        """What may be taken on the day, and may still be on `keeps_until`."""
        found: dict[Unit, Fraction] = {}
        for fill, amount in zip(self.fills, self.left, strict=True):
            if amount and fill.on <= day and fill.keeps_on(keeps_until or day):
                found[fill.unit] = found.get(fill.unit, Fraction(0)) + amount
        return found

    def take(self, day: date, doses: tuple[Dose, ...]) -> bool:
        """Take the doses out of what may be taken on the day, what expires first first; all of them or nothing."""
        before = list(self.left)
        for dose in doses:
            usable = self.usable(day)
            try:
                parts = planner.make(dose, tuple(usable), usable) if usable else ()
            except CannotBeMade:
                parts = ()
            if not parts:
                self.left = before
                return False
            for part in parts:
                self._take(day, part.unit, part.amount)
        return True

    def _take(self, day: date, unit: Unit, amount: Fraction) -> None:
        for number in self._first_to_expire(day, unit):
            taken = min(amount, self.left[number])
            self.left[number] -= taken
            amount -= taken

    def _first_to_expire(self, day: date, unit: Unit) -> list[int]:
        numbers = [
            number
            for number, fill in enumerate(self.fills)
            if fill.unit == unit and fill.on <= day and fill.keeps_on(day) and self.left[number]
        ]
        return sorted(numbers, key=lambda number: (self.fills[number].beyond_use_on or date.max, self.fills[number].on))

    def next_fill(self, day: date) -> Fill | None:
        """The fill that the next dose is taken from, as far as the rule of expiry says."""
        numbers = [n for unit in self.usable(day) for n in self._first_to_expire(day, unit)[:1]]
        return min((self.fills[n] for n in numbers), key=lambda fill: (fill.on, fill.lot), default=None)


def standing(
    fills: Sequence[Fill],
    nights: Sequence[Night],
    as_of: date,
    *,
    told: Mapping[date, tuple[Dose, ...]] | None = None,
) -> Standing:
    """How the supply stands on a day. Fills after it are not known yet.

    `nights` are the days of the schedule from its first on, far enough ahead (what reaches beyond them has no run-out
    date): up to `as_of` as they were in force, later ones as intended. `told` are the doses that were really taken on
    the days that somebody told of, none on a day that was left out; other days count as the schedule says.
    """
    told = told or {}
    heap = _Heap(tuple(fill for fill in fills if fill.on <= as_of))
    unexplained = _run_down(heap, nights, as_of, told)
    coming = [night for night in nights if night.on >= as_of and night.on not in told and night.doses]
    run_out_on = _runs_out_on(heap.copy(), coming)
    left = heap.usable(as_of)
    fill = heap.next_fill(as_of)
    return Standing(
        units_left=sum(left.values(), start=Fraction(0)),
        left=left,
        beyond_use=_beyond_use(heap, as_of),
        run_out_on=run_out_on,
        short_by_next_step=_is_short(coming, run_out_on),
        refill_due_on=_refill_due_on(heap, coming, as_of),
        next_beyond_use_on=_next_beyond_use(heap, as_of),
        lot=fill.lot if fill else "",
        unexplained=unexplained,
    )


def runs_out_on(
    fills: Sequence[Fill], nights: Sequence[Night], as_of: date, *, told: Mapping[date, tuple[Dose, ...]] | None = None
) -> date | None:
    """The run-out date as `standing` says it, and no more."""
    heap, coming = _now(fills, nights, as_of, told or {})
    return _runs_out_on(heap, coming)


def left_on(
    fills: Sequence[Fill],
    nights: Sequence[Night],
    day: date,
    *,
    as_of: date,
    told: Mapping[date, tuple[Dose, ...]] | None = None,
) -> dict[Unit, Fraction]:
    """What of the supply at `as_of` may still be taken on a later day, before its dose, by the steps intended.

    A dose that cannot be made on its day is none.
    """
    heap, coming = _now(fills, nights, as_of, told or {})
    for night in coming:
        if night.on < day:
            heap.take(night.on, night.doses)
    return heap.usable(day)


def _now(
    fills: Sequence[Fill], nights: Sequence[Night], as_of: date, told: Mapping[date, tuple[Dose, ...]]
) -> tuple[_Heap, list[Night]]:
    """The supply run down to `as_of`, and the days from then on that have a dose and are not told of."""
    heap = _Heap(tuple(fill for fill in fills if fill.on <= as_of))
    _run_down(heap, nights, as_of, told)
    return heap, [night for night in nights if night.on >= as_of and night.on not in told and night.doses]


def next_step_on(coming: Sequence[Night]) -> date | None:
    """The first day with another dose than the first one; None where the dose stays."""
    doses = [night for night in coming if night.doses]
    return next((night.on for night in doses if night.doses != doses[0].doses), None)


def _run_down(heap: _Heap, nights: Sequence[Night], as_of: date, told: Mapping[date, tuple[Dose, ...]]) -> int:
    """Take what the days before `as_of` took, and what was told of. Days before the first fill took of another."""
    first = min((fill.on for fill in heap.fills), default=date.max)
    unexplained = 0
    for on, doses in sorted({**{night.on: night.doses for night in nights if night.on < as_of}, **told}.items()):
        if first <= on <= as_of and doses and not heap.take(on, doses):
            unexplained += 1
    return unexplained


def _runs_out_on(heap: _Heap, coming: Sequence[Night]) -> date | None:
    return next((night.on for night in coming if not heap.take(night.on, night.doses)), None)


def _is_short(coming: Sequence[Night], run_out_on: date | None) -> bool:
    step_on = next_step_on(coming)
    return step_on is not None and run_out_on is not None and run_out_on <= step_on


def _beyond_use(heap: _Heap, as_of: date) -> dict[Unit, Fraction]:
    found: dict[Unit, Fraction] = {}
    for fill, amount in zip(heap.fills, heap.left, strict=True):
        if amount and not fill.keeps_on(as_of):
            found[fill.unit] = found.get(fill.unit, Fraction(0)) + amount
    return found


def _next_beyond_use(heap: _Heap, as_of: date) -> date | None:
    dates = [
        fill.beyond_use_on
        for fill, amount in zip(heap.fills, heap.left, strict=True)
        if amount and fill.beyond_use_on and fill.keeps_on(as_of)
    ]
    return min(dates, default=None)


def _refill_due_on(heap: _Heap, coming: Sequence[Night], as_of: date) -> date | None:
    """The first day on which what keeps for more than a week makes no week of the dose then, or of the one after it."""
    heap = heap.copy()
    for day, ahead in _days_ahead(coming, as_of):
        if not _enough(heap, day, ahead):
            return day
        if ahead[0].on == day:
            heap.take(day, ahead[0].doses)
    return None


def _days_ahead(coming: Sequence[Night], as_of: date) -> Iterator[tuple[date, Sequence[Night]]]:
    """Each day from `as_of` on, with the days that have a dose from then on."""
    day, number = as_of, 0
    while number < len(coming):
        yield day, coming[number:]
        if coming[number].on == day:
            number += 1
        day += _ONE_DAY


def _enough(heap: _Heap, day: date, ahead: Sequence[Night]) -> bool:
    """Whether what keeps makes the doses of the coming week: those of now, and as many of the next step's."""
    week = sum(1 for night in ahead[:REFILL_DAYS] if night.on < day + REFILL_DAYS * _ONE_DAY)
    if not week:
        return True
    now = ahead[0].doses
    following = next((night.doses for night in ahead if night.doses != now), now)
    keeping = heap.usable(day, keeps_until=day + (REFILL_DAYS + 1) * _ONE_DAY)
    return _makes(keeping, now, week) and _makes(keeping, following, week)


def _makes(usable: Mapping[Unit, Fraction], doses: tuple[Dose, ...], times: int) -> bool:
    left = dict(usable)
    for dose in doses * times:
        try:
            parts = planner.make(dose, tuple(left), left) if left else ()
        except CannotBeMade:
            return False
        if not parts:
            return False
        for part in parts:
            left[part.unit] -= part.amount
    return True
