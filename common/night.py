"""The night clock: which night a moment belongs to, and when a night begins and ends.

A night runs from local noon to the next local noon and is named by the date of its first noon, so that an evening dose,
the sleep after it and the answers given next morning share one name. Where clocks change there are nights of 23 and of
25 hours; a date that a zone skipped has an empty night.
"""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

_NOON = time(12)
_LATEST_BEDTIME_DOSE = time(3)
"""A missed evening dose may be taken until 03:00; after that it is missed (clinical facts 1.5, grade E3)."""
_ONE_DAY = timedelta(days=1)


class Slot(StrEnum):
    """When in the day the day's dose is taken; split is half in the morning and half at bedtime."""

    BEDTIME = "bedtime"
    MORNING = "morning"
    SPLIT = "split"


def local_instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The UTC instant at which clocks in `zone` show `at` on `day`.

    A time that clocks skip is moved on by the length of the gap (02:30 becomes 03:30); of a time shown twice it is the
    first.
    """
    return datetime.combine(day, at.replace(fold=0), tzinfo=zone).astimezone(UTC)


def bounds(night: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The night's first instant and the instant after its last, both UTC."""
    return local_instant(night, _NOON, zone), local_instant(night + _ONE_DAY, _NOON, zone)


def night_of(moment: datetime, zone: ZoneInfo) -> date:
    """The night to which an aware moment belongs: exactly one, the one whose `bounds` hold it."""
    return _begun(moment, _NOON, zone)


def plan_date(moment: datetime, zone: ZoneInfo, slot: Slot = Slot.BEDTIME) -> date:
    """The date of the plan that a dose taken, or asked about, at this moment belongs to.

    Bedtime runs past midnight: a dose at 00:30 belongs to the evening before, and the date rolls on at noon. A morning
    dose belongs to its own civil date. A split day begins with its morning half and ends when its bedtime half may no
    longer be taken.
    """
    match slot:
        case Slot.BEDTIME:
            return night_of(moment, zone)
        case Slot.MORNING:
            return _aware(moment).astimezone(zone).date()
        case Slot.SPLIT:
            return _begun(moment, _LATEST_BEDTIME_DOSE, zone)


def next_dose_on(moment: datetime, zone: ZoneInfo, slot: Slot) -> date:
    """The plan date of the next dose at this moment, whether or not it has been taken yet.

    A bedtime dose can be taken until 03:00; from then on the next one is that evening's. A morning dose is that
    morning's until noon.
    """
    match slot:
        case Slot.BEDTIME | Slot.SPLIT:
            return _begun(moment, _LATEST_BEDTIME_DOSE, zone)
        case Slot.MORNING:
            return night_of(moment, zone) + _ONE_DAY


def night_of_dose(plan_on: date, slot: Slot) -> date:
    """The night that a dose of this plan date acts on; the one place that pairs doses with sleep.

    A bedtime dose pairs with the night it begins, a morning dose with the night that follows it: both are the night
    that starts at noon of the plan date, never the one that ended that morning.
    """
    match slot:
        case Slot.BEDTIME | Slot.MORNING | Slot.SPLIT:
            return plan_on


def _begun(moment: datetime, at: time, zone: ZoneInfo) -> date:
    """The last date on which clocks in `zone` had shown `at` by this moment."""
    day = _aware(moment).astimezone(zone).date()
    while moment < local_instant(day, at, zone):
        day -= _ONE_DAY
    return day


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("A moment without a zone belongs to no night.")
    return moment


def last_whole_day(ends_at: datetime, zone: ZoneInfo) -> date:
    """The last date on which what ends at this moment still holds the whole day, in this zone."""
    return (ends_at.astimezone(zone) - timedelta(days=1)).date()
