"""A procedure beside a course: from which day on no dose is taken, which dose is the last, and when one may be again.

A dose belongs to its plan date and may be taken until a time of the night clock: what counts is the latest moment at
which it may still be taken, so that the last dose is early enough however late it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from common.night import Slot, local_instant
from titration.engine import timeline
from titration.engine.refusals import EngineRefusal
from titration.engine.timeline import Timeline

USUAL_HOURS, LEAST_HOURS, MOST_HOURS = 72, 48, 96
"""How long before a procedure the last dose is (clinical facts 2.4: 72 hours, E3; published: 2 to 4 days)."""

SHORT_COURSE_DAYS, LEAST_SHORT_COURSE_DAYS, LONG_COURSE_DAYS = 10, 7, 14
"""Opioid-free days before a restart: after a short course 10, the clinic may set 7 (6.1, line 10); else 14 (2.4)."""

EARLIEST_OF_A_DAY = time(6)
"""Where only the day of a procedure is known it is taken to begin no earlier than this, local time (E3)."""

_UNTIL = {Slot.BEDTIME: time(3), Slot.SPLIT: time(3), Slot.MORNING: time(12)}
"""Until when a dose may be taken (clinical facts 1.5): a morning's on its plan date, else on the day after."""
_ONE_DAY = timedelta(days=1)
_LOOK_BACK = timedelta(days=120)


def begins_at(on: date, at: time | None, zone: ZoneInfo) -> datetime:
    """The instant, UTC, from which a procedure on this day counts."""
    return local_instant(on, at or EARLIEST_OF_A_DAY, zone)


def latest_taking(plan_on: date, slot: Slot, zone: ZoneInfo) -> datetime:
    """The last instant, UTC, at which the dose of a plan date may still be taken."""
    day = plan_on if slot is Slot.MORNING else plan_on + _ONE_DAY
    return local_instant(day, _UNTIL[slot], zone)


def no_dose_from(schedule: Timeline, begins: datetime, hours: int, zone: ZoneInfo) -> date:
    """The first plan date whose dose could be taken less than so many hours before the procedure begins.

    Raises `EngineRefusal` for hours outside those that were ever published.
    """
    check_hours(hours)
    limit = begins - timedelta(hours=hours)
    day = limit.astimezone(zone).date() - 3 * _ONE_DAY
    while latest_taking(day, _slot_on(schedule, day), zone) <= limit:
        day += _ONE_DAY
    return day


def check_hours(hours: int) -> None:
    """Raise `EngineRefusal` for hours before a procedure that nobody ever published."""
    if not LEAST_HOURS <= hours <= MOST_HOURS:
        raise EngineRefusal(f"The last dose is {LEAST_HOURS} to {MOST_HOURS} hours before a procedure.")


def last_dose_on(schedule: Timeline, before: date) -> date | None:
    """The plan date of the last planned dose before a day; None where none is planned in the four months before it."""
    found = timeline.days(schedule, before - _LOOK_BACK, before)
    return max((day.on for day in found if day.dose is not None), default=None)


def _slot_on(schedule: Timeline, day: date) -> Slot:
    segment = timeline.segment_on(schedule, day)
    if segment is not None:
        return segment.time_of_day
    return schedule[0].time_of_day if schedule else Slot.BEDTIME


def opioid_free_since(told: Mapping[date, bool], *, on: date, today: date) -> date | None:
    """The first of the days in a row, from the day of a procedure, `on`, up to the newest that was told of, on which no
    opioid was taken.

    None where an opioid was taken on the newest day, or that one is not known up to `today`. A day nobody told of ends
    the row: what is not known is not free.
    """
    day, since = max(told, default=None), None
    if day is None or not known_up_to(day, today):
        return None
    while day >= on and told.get(day) is False:
        since = day
        day -= _ONE_DAY
    return since


def known_up_to(told_to: date, today: date) -> bool:
    """Whether days told of one by one, the newest of them `told_to`, are known now: today may still be told."""
    return told_to >= today - _ONE_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """What was taken round a procedure: `since_on` is the first day without an opioid, None while it is not known.

    `days` opioid-free days are asked for; 0 where no opioid was taken at all.
    """

    since_on: date | None
    days: int

    @property
    def restart_on(self) -> date | None:
        """The first day on which a clinician may restart; None while nobody knows."""
        return None if self.since_on is None else self.since_on + timedelta(days=self.days)


def days_needed(*, opioids_taken: bool, short_course: bool, chosen: int | None = None) -> int:
    """How many opioid-free days are asked for; `chosen` is the clinic's own number after a short course.

    Raises `EngineRefusal` for a number that the facts do not carry.
    """
    if not opioids_taken:
        return 0
    if not short_course:
        return LONG_COURSE_DAYS
    days = SHORT_COURSE_DAYS if chosen is None else chosen
    if not LEAST_SHORT_COURSE_DAYS <= days <= LONG_COURSE_DAYS:
        raise EngineRefusal(
            f"After a short course {LEAST_SHORT_COURSE_DAYS} to {LONG_COURSE_DAYS} opioid-free days are asked for."
        )
    return days
