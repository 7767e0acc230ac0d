"""When a questionnaire is due. Pure: dates in, dates out (clinical facts 3.4)."""

import calendar
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from symptoms.scoring import Instrument

POSITIVE = Decimal(3)
"""A PHQ-2 from this score on is followed by the PHQ-9 (clinical facts 6, R20)."""

ADULT_FROM_YEARS = 18


@dataclass(frozen=True, kw_only=True)
class Given:
    """The newest answers to an instrument: the day they speak of and their score, None where items were left out."""

    on: date
    score: Decimal | None


@dataclass(frozen=True, kw_only=True)
class Due:
    """An instrument that is due, and since when."""

    instrument: str
    since: date


def months_after(day: date, months: int) -> date:
    """The same day so many months later; the month's last day where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def age_on(birth: date, day: date) -> int:
    """Whole years."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def due(
    instruments: Iterable[Instrument],
    given: Mapping[str, Given],
    *,
    cared_since: date,
    first_dose_on: date | None,
    conditions: Iterable[str],
    adult: bool,
    today: date,
) -> list[Due]:
    """What is due today, in the order of the instruments.

    The mood questions begin with the care (`cared_since`), the change questions a month after the first dose. A PHQ-9
    is also a PHQ-2; one that was positive calls for a PHQ-9 of the same day or later.
    """
    conditions = set(conditions)
    found = []
    for one in instruments:
        if (one.adults_only and not adult) or (one.conditions and not conditions & set(one.conditions)):
            continue
        since = _since(one, given, cared_since=cared_since, first_dose_on=first_dose_on)
        if since is not None and since <= today:
            found.append(Due(instrument=one.id, since=since))
    return found


def _since(
    instrument: Instrument, given: Mapping[str, Given], *, cared_since: date, first_dose_on: date | None
) -> date | None:
    """The first day on which it is due again, or at all; None for what no date makes due."""
    if instrument.begins_with:
        return _longer_form(given.get(instrument.begins_with), given.get(instrument.id))
    if not instrument.every_months:
        return None
    known = [given[one].on for one in _counting_as(instrument.id) if one in given]
    if known:
        return months_after(max(known), instrument.every_months)
    if instrument.own or instrument.at_baseline:
        return cared_since
    return months_after(first_dose_on, instrument.every_months) if first_dose_on else None


def _longer_form(short: Given | None, long: Given | None) -> date | None:
    if short is None or short.score is None or short.score < POSITIVE or (long is not None and long.on >= short.on):
        return None
    return short.on


def _counting_as(instrument: str) -> tuple[str, ...]:
    return ("phq-2", "phq-9") if instrument == "phq-2" else (instrument,)
