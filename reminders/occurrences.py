"""What is owed: which bells a course rings, and when, in the patient's own wall time. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from common.night import Slot, bounds, local_instant

STEP_EVE_AT = time(18)
DOSE_TIMES = {Slot.BEDTIME: time(22), Slot.MORNING: time(8), Slot.SPLIT: time(8)}
_ONE_DAY = timedelta(days=1)
# Long enough to be read that evening, too short to ring at night or on a day when the step has already begun.
STEP_EVE_LASTS = timedelta(hours=6)
NIGHT_LOG_LASTS = timedelta(hours=6)
MESSAGE_LASTS = timedelta(hours=24)


class Kind(StrEnum):
    STEP_EVE = "step_eve"
    NIGHT_LOG = "night_log"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Course:
    """What the bell knows of an open course: dates and a signature, no drug and no dose.

    `step_dates` are the first dates of steps, intended or in force, the start among them. `held` and `ended` are
    half-open spans of dates; a span without an end goes on.
    """

    start_on: date
    step_dates: frozenset[date]
    slot: Slot
    signed_at: datetime
    held: tuple[tuple[date, date | None], ...] = ()
    ended: tuple[tuple[date, date | None], ...] = ()

    def steps_on(self, day: date) -> bool:
        """Whether a step is still due on this date: a held date has none."""
        return day in self.step_dates and not _covered(day, self.held) and not _covered(day, self.ended)

    def asks_about(self, night: date) -> bool:
        """Whether the course had begun by this night and was not over."""
        return self.start_on <= night and not _covered(night, self.ended)


@dataclass(frozen=True, slots=True)
class Owed:
    """One thing to say about one date: due from an instant, worth nothing from another on."""

    kind: Kind
    about_on: date
    local_time: time
    due_at: datetime
    expires_at: datetime


def step_eve(day: date, *, zone: ZoneInfo, slot: Slot) -> Owed:
    """The bell at 18:00 on the evening before a step; it expires at the dose, or six hours on if that is sooner.

    The dose of the new step is always further off than six hours (08:00 or 22:00 of the next day). The six hours are
    the shorter leash on purpose: a mail delayed until the morning would say "tomorrow" of a step that is today's.
    """
    due_at = local_instant(day - _ONE_DAY, STEP_EVE_AT, zone)
    dose_at = local_instant(day, DOSE_TIMES[slot], zone)
    return Owed(Kind.STEP_EVE, day, STEP_EVE_AT, due_at, min(dose_at, due_at + STEP_EVE_LASTS))


def night_log(night: date, *, zone: ZoneInfo, at: time) -> Owed:
    """The bell on the day after a night, at the time the patient chose, silent again six hours later."""
    due_at = local_instant(night + _ONE_DAY, at, zone)
    return Owed(Kind.NIGHT_LOG, night, at, due_at, due_at + NIGHT_LOG_LASTS)


def owed(
    course: Course, *, zone: ZoneInfo, log_reminder_at: time, since: datetime, first: date, last: date
) -> list[Owed]:
    """Every bell about the dates `first` to `last` (both included) that was still worth ringing after `since`.

    What was over before the course was signed is owed to nobody, and no night is asked about that the patient was to
    be asked about before the signature.
    """
    found = [*_step_eves(course, zone, first, last), *_night_logs(course, zone, log_reminder_at, first, last)]
    return [one for one in found if one.expires_at > max(since, course.signed_at)]


def step_eves(course: Course, *, zone: ZoneInfo, since: datetime, last: date) -> list[datetime]:
    """When the bells before steps ring, from an instant on and for steps up to a date."""
    first = since.astimezone(zone).date()
    return [one.due_at for one in _step_eves(course, zone, first, last) if one.due_at >= since]


def _step_eves(course: Course, zone: ZoneInfo, first: date, last: date) -> Iterator[Owed]:
    for day in sorted(course.step_dates):
        if first <= day <= last and course.steps_on(day):
            yield step_eve(day, zone=zone, slot=course.slot)


def _night_logs(course: Course, zone: ZoneInfo, at: time, first: date, last: date) -> Iterator[Owed]:
    for offset in range((last - first).days + 1):
        night = first + offset * _ONE_DAY
        begins, ends = bounds(night, zone)
        if begins == ends or not course.asks_about(night):
            continue  # a date that the zone skipped had no night
        one = night_log(night, zone=zone, at=at)
        if one.due_at >= course.signed_at:
            yield one


def _covered(day: date, spans: tuple[tuple[date, date | None], ...]) -> bool:
    return any(from_on <= day and (to_on is None or day < to_on) for from_on, to_on in spans)
