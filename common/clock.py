"""The only lines that read the clock. Views, tasks and commands call them; everything below is told the time."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def now() -> datetime:
    """This moment as an aware UTC instant."""
    return datetime.now(UTC)


def today(zone: ZoneInfo) -> date:
    """The civil date at this moment in `zone`."""
    return now().astimezone(zone).date()
