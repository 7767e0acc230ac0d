"""A course: a protocol applied from a start date, with every change since, in the order they were recorded."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Self

from titration.engine.protocol import Protocol
from titration.engine.refusals import EngineRefusal

FIRST_DAY = date(1900, 1, 1)
LAST_DAY = date(2299, 12, 31)
"""The calendar the engine works in, wide enough for anyone and far enough from the end of dates to compute freely."""

LONGEST_HOLD_DAYS = 3650


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep the dose of the rung in force and stop its clock, from a date for some days."""

    from_on: date
    days: int

    def __post_init__(self) -> None:
        if not 1 <= self.days <= LONGEST_HOLD_DAYS:
            raise EngineRefusal(f"A hold lasts 1 to {LONGEST_HOLD_DAYS} days.")
        _check_calendar(self.from_on)

    @property
    def until_on(self) -> date:
        """The first day that is no longer held by this hold."""
        return self.from_on + timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class Advance:
    """Let a rung take force on a date. Only this ever raises a dose."""

    to_rung: int
    on: date

    def __post_init__(self) -> None:
        _check_calendar(self.on)


@dataclass(frozen=True, slots=True)
class Stop:
    """End the course: no dose from this date on."""

    on: date

    def __post_init__(self) -> None:
        _check_calendar(self.on)


Change = Hold | Advance | Stop


@dataclass(frozen=True, slots=True)
class Course:
    protocol: Protocol
    start_on: date
    changes: tuple[Change, ...] = ()

    def __post_init__(self) -> None:
        _check_calendar(self.start_on)

    def changed(self, *changes: Change) -> Self:
        """The same course with these changes recorded last. Whether they may be is found by unfolding it."""
        return replace(self, changes=(*self.changes, *changes))


def _check_calendar(day: date) -> None:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise EngineRefusal(f"{day.isoformat()} is outside the years {FIRST_DAY.year} to {LAST_DAY.year}.")
