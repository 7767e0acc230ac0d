"""How the engine's sentences name a day."""

from datetime import date

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def day_in_words(day: date) -> str:
    """As in "20 January 2025": nobody can mistake the day for the month."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
