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
    """ "20 January 2025": no weekday to translate and no order of day and month to mistake."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
