"""Pure: a date that can be read in one way only."""

import re
from datetime import date

from common.refusals import Refused

_NUMBERS = re.compile(r"(?P<first>\d{1,2})\s*(?P<sign>[./-])\s*(?P<second>\d{1,2})\s*(?P=sign)\s*(?P<year>\d{4})")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_DAY_AND_NAME = re.compile(r"(?P<day>\d{1,2})[. -]+(?P<month>[A-Za-z]+)[. -]+(?P<year>\d{4})")
_NAME_AND_DAY = re.compile(r"(?P<month>[A-Za-z]+)[. -]+(?P<day>\d{1,2}),?[ -]+(?P<year>\d{4})")
_SHORT_YEAR = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{2}")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
NO_DATE = "This is no date we can read for certain. Write year, month and day, like 1980-12-31."


def read_date(text: str) -> date:
    """A date that can be read in one way only. Raises `Refused` for any other.

    Year first is taken as it stands; a month may be named; of two numbers one must be too large for a month, or both
    alike.
    """
    if matched := _ISO.fullmatch(text):
        return _date(int(matched[1]), int(matched[2]), int(matched[3]))
    if matched := _DAY_AND_NAME.fullmatch(text) or _NAME_AND_DAY.fullmatch(text):
        return _date(int(matched["year"]), _month(matched["month"]), int(matched["day"]))
    if matched := _NUMBERS.fullmatch(text):
        first, second, year = int(matched["first"]), int(matched["second"]), int(matched["year"])
        if first <= 12 and second <= 12 and first != second:
            one, other = _date(year, second, first), _date(year, first, second)
            raise Refused(f"This could be {_said(one)} or {_said(other)}. Write the year first, like 1980-12-31.")
        return _date(year, second, first) if second <= 12 else _date(year, first, second)
    if _SHORT_YEAR.fullmatch(text):
        raise Refused("Write the year with four digits, like 1980-12-31.")
    raise Refused(NO_DATE)


def _date(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError as error:
        raise Refused("There is no such day in the calendar. Check it.") from error


def _month(name: str) -> int:
    """The number of a month named in English, in whole or by at least three letters."""
    wanted = name.casefold()
    found = [number for number, month in enumerate(_MONTHS, 1) if month.startswith(wanted)]
    if len(wanted) < 3 or len(found) != 1:
        raise Refused(NO_DATE)
    return found[0]


def _said(on: date) -> str:
    return f"{on.day} {on:%B %Y}"
