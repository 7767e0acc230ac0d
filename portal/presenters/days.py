"""How a patient's page names days, moments and nights."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)
_STILL_UP = timedelta(hours=3)
"""A bedtime dose may be taken until 03:00 (clinical facts 1.5); until then nobody calls the evening yesterday."""


def day(on: date) -> str:
    """As in "Monday 2 March"."""
    return f"{on:%A} {on.day} {on:%B}"


def moment(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """As in "08:02 today" or "08:02 on Monday 2 March", by the patient's clock."""
    local = at.astimezone(zone)
    today = now.astimezone(zone).date()
    when = "today" if local.date() == today else f"on {day(local.date())}"
    return f"{local:%H:%M} {when}"


def night_name(night: date, zone: ZoneInfo, at: datetime) -> str:
    """What a person calls this night at this moment: "Tonight", "Last night", or its evening's day."""
    this_evening = evening(at, zone)
    if night == this_evening:
        return "Tonight"
    return "Last night" if night == this_evening - ONE_DAY else f"{night:%A} night"


def evening(at: datetime, zone: ZoneInfo) -> date:
    """The date people awake at this moment would call today: until 03:00 it is still the evening before."""
    return (at.astimezone(zone).replace(tzinfo=None) - _STILL_UP).date()


def night_span(night: date) -> str:
    """The two days a night lies between: "Mon 2 to Tue 3 March"."""
    morning = night + ONE_DAY
    month = "" if night.month == morning.month else f" {night:%B}"
    return f"{night:%a} {night.day}{month} to {morning:%a} {morning.day} {morning:%B}"
