"""How much of a person fits into a record: the same for the form and for a file of many."""

from datetime import date

LONGEST_NAME = 200
LONGEST_RECORD_NUMBER = 40
LONGEST_ADDRESS = 254
"""RFC 5321 section 4.5.3.1.3: 256 octets with the angle brackets."""
LONGEST_CONDITION = 200
MOST_MEDICINES = 60
LONGEST_MEDICINE = 300
LONGEST_NOTE = 4_000
OLDEST_YEARS = 120


def birth_date_fault(born: date, *, today: date) -> str:
    """Why somebody cannot have been born on this day, in a sentence; empty where they can."""
    if born > today:
        return "This date of birth is in the future. Check the year."
    if (today.year - born.year, today.month, today.day) > (OLDEST_YEARS, born.month, born.day):
        return f"This date of birth is more than {OLDEST_YEARS} years ago. Check the year."
    return ""
