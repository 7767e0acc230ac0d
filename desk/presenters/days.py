"""Days and moments as the desk's pages name them."""

from datetime import date, datetime
from zoneinfo import ZoneInfo


def day(on: date) -> str:
    """Weekday, day, month and year: nobody can take the day for the month."""
    return f"{on:%a} {on.day} {on:%B %Y}"


def day_short(on: date) -> str:
    """Weekday, day and month, where the year is not in question."""
    return f"{on:%a} {on.day} {on:%b}"


def moment(at: datetime, zone: ZoneInfo) -> str:
    """A moment by the clinic's clock."""
    local = at.astimezone(zone)
    return f"{day(local.date())}, {local:%H:%M}"
