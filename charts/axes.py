"""Where a night and a value stand on the drawing, and which of them get a label. Lengths are in pixels."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY_STEPS = (1, 2, 7, 14)
_MONTH_STEPS = (1, 2, 3, 6, 12)
_YEAR_STEPS = (2, 5, 10, 20, 50, 100)


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place: `at` is a slot on the time axis or a value on a scale."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Nights side by side from `left` to `right`, one slot of equal width each."""

    first: date
    count: int
    left: float
    right: float
    step: float = field(init=False)
    """The width of a night."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "step", (self.right - self.left) / self.count)

    def edge(self, slot: float) -> float:
        """Where the night begins, kept within the drawing."""
        return min(max(self.left + slot * self.step, self.left), self.right)

    def middle(self, slot: int) -> float:
        """Where the night's values stand."""
        return self.left + (slot + 0.5) * self.step


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from `low` at `bottom` to `high` at `top`; what lies beyond stands on the border."""

    low: float
    high: float
    top: float
    bottom: float

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.bottom - (self.bottom - self.top) * min(max(share, 0.0), 1.0)


def sleep_high(hours: Iterable[float]) -> int:
    """The top of the scale of hours: 12, or as many more fours as the longest night needs, at most 24."""
    longest = max(hours, default=0.0)
    return min(24, max(12, -int(-longest // 4) * 4))


def thin(values: Iterable[float], scale: Scale, room: float) -> tuple[float, ...]:
    """The values, least first, that stand at least `room` apart; the greatest is always among them."""
    kept: list[float] = []
    for value in sorted(set(values), reverse=True):
        if not kept or abs(scale.y(value) - scale.y(kept[-1])) >= room:
            kept.append(value)
    return tuple(reversed(kept))


def date_ticks(axis: TimeAxis, room: float) -> tuple[Tick, ...]:
    """Labelled dates at least `room` apart: days, Mondays, firsts of months or of years, the closest that fit."""
    last = axis.first + timedelta(days=axis.count - 1)
    for days in _DAY_STEPS:
        if days * axis.step >= room:
            return _day_ticks(axis.first, last, days)
    for months in (*_MONTH_STEPS, *(12 * years for years in _YEAR_STEPS)):
        if months * 28 * axis.step >= room:
            return _month_ticks(axis.first, last, months)
    return _month_ticks(axis.first, last, 12 * _YEAR_STEPS[-1])


def _day_ticks(first: date, last: date, days: int) -> tuple[Tick, ...]:
    offset = 0 if days < 7 else -first.weekday() % 7
    day, ticks = first + timedelta(days=offset), []
    while day <= last:
        label = f"{day.day} {_MONTHS[day.month - 1]}"
        ticks.append(Tick((day - first).days, label))
        day += timedelta(days=days)
    return tuple(ticks)


def _month_ticks(first: date, last: date, months: int) -> tuple[Tick, ...]:
    month = first.year * 12 + first.month - 1
    if first.day > 1:
        month += 1
    month += -month % months
    ticks = []
    while (day := date(month // 12, month % 12 + 1, 1)) <= last:
        name = str(day.year) if day.month == 1 else _MONTHS[day.month - 1]
        ticks.append(Tick((day - first).days, name))
        month += months
    return tuple(ticks)


def short_date(day: date) -> str:
    """6 Jan 2025, the same in every locale."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
