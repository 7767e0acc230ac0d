"""Spans of time as the clinic's day says them, and whether the reminders' clock has stopped."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from reminders import selectors as reminders_selectors


def stopped_clock(last_round: datetime | None, *, at: datetime) -> str:
    """The sentence of the banner when reminders are not being sent; "" while they are."""
    if last_round is None:
        return "Reminders have never run on this system. Patients are not being reminded."
    silence = at - last_round
    if silence <= reminders_selectors.ROUND_MAX_AGE:
        return ""
    return f"Reminders have not run for {lasting(silence)}. Patients are not being reminded."


def ignored(filters: Sequence[str]) -> str:
    """The sentence about filters that name what is not there, or no longer; "" where there is none."""
    if not filters:
        return ""
    return f"What was asked for is not there, or no longer, and the list is not narrowed by it: {', '.join(filters)}."


def lasting(span: timedelta) -> str:
    """A span in its largest unit, rounded down: "12 minutes", "3 hours", "2 days"."""
    minutes = max(0, int(span.total_seconds()) // 60)
    for size, unit in ((24 * 60, "day"), (60, "hour")):
        if minutes >= size:
            return many(minutes // size, unit)
    return many(minutes, "minute") if minutes else "less than a minute"


def when(day: date, *, today: date) -> str:
    """How far a date is from today: "today", "in 3 days", "2 days overdue"."""
    ahead = (day - today).days
    if ahead < 0:
        return f"{many(-ahead, 'day')} overdue"
    return {0: "today", 1: "tomorrow"}.get(ahead, f"in {ahead} days")


def many(number: int, unit: str) -> str:
    """A number of things: "1 night", "3 nights"."""
    return f"{number} {unit}{'' if number == 1 else 's'}"
