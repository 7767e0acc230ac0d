"""A course: a protocol applied from a start date, with every change since, in the order they were recorded.

Each change bears on the course from a date, `on`. Which changes may follow which is not known here: `record` folds
them, one after the other, and refuses.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Self

from common.dose import Dose
from common.night import Slot
from titration.engine.protocol import Protocol
from titration.engine.refusals import EngineRefusal

FIRST_DAY = date(1900, 1, 1)
LAST_DAY = date(2299, 12, 31)
"""The calendar the engine works in, wide enough for anyone and far enough from the end of dates to compute freely."""

LONGEST_HOLD_DAYS = 3650
LONGEST_LENGTH_DAYS = 366
LONGEST_CYCLE_DAYS = 28

RETITRATE_FROM_DAYS = 14
"""A gap of so many days or more is built up again, a shorter one goes on at the same dose (clinical facts 1.5)."""


class PauseCause(StrEnum):
    """Why no dose is taken for a while."""

    PROCEDURE = "procedure"
    OPIOID_COURSE = "opioid course"
    PREGNANCY = "pregnancy"
    OTHER = "other"


class StopCause(StrEnum):
    """Why a course ended; the last three close everything about the patient."""

    DECIDED = "decided"
    DIED = "died"
    MOVED = "moved"
    DISCHARGED = "discharged"


@dataclass(frozen=True, slots=True)
class _Dated:
    """What every change has: the first date it bears on."""

    on: date

    def __post_init__(self) -> None:
        _check_calendar(self.on)


@dataclass(frozen=True, slots=True)
class Begin(_Dated):
    """The first dose of a course that waited for its medicine: its real start."""


@dataclass(frozen=True, slots=True)
class Hold(_Dated):
    """Keep the dose in force and stop its clock, for some days or (None) until somebody resumes it."""

    days: int | None

    def __post_init__(self) -> None:
        _check_calendar(self.on)
        _check_days(self.days, "A hold", LONGEST_HOLD_DAYS)

    @property
    def until_on(self) -> date | None:
        """The first day that is no longer held by this hold; None where it has no end."""
        return None if self.days is None else self.on + timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class Resume(_Dated):
    """End the hold or the pause in force: the same dose goes on and its clock runs again."""


@dataclass(frozen=True, slots=True)
class Advance:
    """Let the next rung take force: once it is due, or `early`, before its time."""

    to_rung: int
    on: date
    early: bool = False

    def __post_init__(self) -> None:
        _check_calendar(self.on)


@dataclass(frozen=True, slots=True)
class StepBack(_Dated):
    """Down to the rung below the dose in force, for that rung's days."""


@dataclass(frozen=True, slots=True)
class GoTo(_Dated):
    """To a chosen dose. `days` are those after which the next higher rung falls due; None: the rung's own where the
    dose is one of the protocol's, else nothing falls due. `confirmed` says a second time that a large rise is meant.
    """

    dose: Dose
    days: int | None = None
    confirmed: bool = False

    def __post_init__(self) -> None:
        _check_calendar(self.on)
        _check_days(self.days, "A dose", LONGEST_LENGTH_DAYS)


@dataclass(frozen=True, slots=True)
class StayHere(_Dated):
    """This is the best dose: no further step falls due."""


@dataclass(frozen=True, slots=True)
class RepeatRung(_Dated):
    """Take the dose in force for its days again, counted from this date."""


@dataclass(frozen=True, slots=True)
class ChangeLengths(_Dated):
    """Every rung entered from this date on lasts so many days, save one that has no end."""

    days: int

    def __post_init__(self) -> None:
        _check_calendar(self.on)
        _check_days(self.days, "A step", LONGEST_LENGTH_DAYS)


@dataclass(frozen=True, slots=True)
class ChangeTime(_Dated):
    """Take the dose at another time of the day."""

    time_of_day: Slot


@dataclass(frozen=True, slots=True)
class Pause(_Dated):
    """Take nothing: for some days, or (None) until somebody resumes or restarts."""

    days: int | None
    cause: PauseCause = PauseCause.OTHER

    def __post_init__(self) -> None:
        _check_calendar(self.on)
        _check_days(self.days, "A pause", LONGEST_HOLD_DAYS)


@dataclass(frozen=True, slots=True)
class Restart(_Dated):
    """Begin again after a gap: at the same dose after a short one, built up again after a long one.

    `dose` None is what the gap asks for. `off_since` is the first day without a dose where no pause says so.
    """

    dose: Dose | None = None
    off_since: date | None = None


@dataclass(frozen=True, slots=True)
class OnOff(_Dated):
    """Take the dose for some days, leave it out for some, over and over; both None: every day again."""

    days_on: int | None
    days_off: int | None

    def __post_init__(self) -> None:
        _check_calendar(self.on)
        if (self.days_on is None) != (self.days_off is None):
            raise EngineRefusal("A pattern has days on and days off, or is ended.")
        _check_days(self.days_on, "A run of days on", LONGEST_CYCLE_DAYS)
        _check_days(self.days_off, "A run of days off", LONGEST_CYCLE_DAYS)


@dataclass(frozen=True, slots=True)
class TrialReduction(_Dated):
    """Try a lower dose for some days; then a review is due, and the lower dose goes on until somebody decides."""

    dose: Dose
    days: int

    def __post_init__(self) -> None:
        _check_calendar(self.on)
        _check_days(self.days, "A trial of a lower dose", LONGEST_LENGTH_DAYS)


@dataclass(frozen=True, slots=True)
class Stop(_Dated):
    """End the course: no dose from this date on."""

    cause: StopCause = StopCause.DECIDED


@dataclass(frozen=True, slots=True)
class ChangeProtocol(_Dated):
    """Go on by another protocol from one of its rungs; None: the highest that is not above the dose in force."""

    protocol: Protocol
    to_rung: int | None = None
    confirmed: bool = False

    def __post_init__(self) -> None:
        _check_calendar(self.on)
        self.protocol.check_ready()


@dataclass(frozen=True, slots=True)
class Supersede:
    """The change with this place, from 0, is no longer meant: the course is as if it had not been made. It stays on
    record.
    """

    takes_back: int


Change = (
    Begin
    | Hold
    | Resume
    | Advance
    | StepBack
    | GoTo
    | StayHere
    | RepeatRung
    | ChangeLengths
    | ChangeTime
    | Pause
    | Restart
    | OnOff
    | TrialReduction
    | Stop
    | ChangeProtocol
    | Supersede
)


@dataclass(frozen=True, slots=True)
class Course:
    """`first_dose` is that of a patient who takes it already, `start_on` then the day since which it is so.

    `awaiting` courses have no dose before a `Begin`. No step goes above `target`; None is the protocol's own top.
    A gap of `retitrate_from_days` or more is built up again.
    """

    protocol: Protocol
    start_on: date
    changes: tuple[Change, ...] = ()
    first_dose: Dose | None = None
    awaiting: bool = False
    target: Dose | None = None
    time_of_day: Slot = Slot.BEDTIME
    retitrate_from_days: int = RETITRATE_FROM_DAYS

    def __post_init__(self) -> None:
        _check_calendar(self.start_on)
        self.protocol.check_ready()

    def changed(self, *changes: Change) -> Self:
        """The same course with these changes recorded last. Whether they may be is found by unfolding it."""
        return replace(self, changes=(*self.changes, *changes))


def _check_calendar(day: date) -> None:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise EngineRefusal(f"{day.isoformat()} is outside the years {FIRST_DAY.year} to {LAST_DAY.year}.")


def _check_days(days: int | None, what: str, most: int) -> None:
    if days is not None and not 1 <= days <= most:
        raise EngineRefusal(f"{what} lasts 1 to {most} days.")
