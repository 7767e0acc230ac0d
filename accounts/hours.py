"""When somebody reads what patients write, who answers for whom, and what a patient is told meanwhile. No database."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LOOKED_AHEAD = 60
"""Days in which a next opening is looked for: a clinic closed for longer names none."""
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Opening:
    """One stretch of a weekday (0 is Monday) on the clinic's own clock; `closes` is excluded."""

    weekday: int
    opens: time
    closes: time


@dataclass(frozen=True)
class Hours:
    """A clinic's week and the dates on which it is closed all the same. Without a stretch nobody has said when."""

    openings: tuple[Opening, ...] = ()
    closed: frozenset[date] = frozenset()

    @property
    def known(self) -> bool:
        return bool(self.openings)


def open_until(at: datetime, hours: Hours, zone: ZoneInfo) -> datetime | None:
    """When the clinic closes, if it is open at this moment; None while it is closed."""
    for opens_at, closes_at in _stretches(at.astimezone(zone).date(), hours, zone):
        if opens_at <= at < closes_at:
            return closes_at
    return None


def next_open(at: datetime, hours: Hours, zone: ZoneInfo) -> datetime | None:
    """The first moment from `at` on at which the clinic is open; None where none is in sight."""
    today = at.astimezone(zone).date()
    for ahead in range(LOOKED_AHEAD + 1):
        for opens_at, closes_at in _stretches(today + ahead * _ONE_DAY, hours, zone):
            if at < closes_at:
                return max(at, opens_at)
    return None


def _stretches(on: date, hours: Hours, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """The openings of a date as moments, in order. A wall time that a change of clocks skips counts from before it."""
    if on in hours.closed:
        return []
    found = [
        tuple(datetime.combine(on, clock, zone).astimezone(UTC) for clock in (opening.opens, opening.closes))
        for opening in hours.openings
        if opening.weekday == on.weekday()
    ]
    return sorted((opens, closes) for opens, closes in found if opens < closes)


@dataclass(frozen=True)
class Contact:
    """One place in the urgent route. `text_to` is a telephone, "" for none; `minutes` until the next one is told."""

    user_id: uuid.UUID
    minutes: int
    text_to: str = ""


@dataclass(frozen=True)
class Covering:
    """`covers` answers for `away` from a date to a date, the second excluded."""

    away: uuid.UUID
    covers: uuid.UUID
    from_on: date
    until_on: date


def stands_in(user_id: uuid.UUID, covers: Sequence[Covering], on: date) -> uuid.UUID:
    """Who answers for this person on a date: themself, whoever covers, or whoever covers them; never in a circle."""
    asked, met = user_id, {user_id}
    while True:
        holding = [one for one in covers if one.away == asked and one.from_on <= on < one.until_on]
        following = next((one.covers for one in reversed(holding) if one.covers not in met), None)
        if following is None:
            # In a circle nobody is there: then the one the route names is told all the same.
            return user_id if holding else asked
        asked = following
        met.add(asked)


def who_now(
    route: Sequence[Contact], covers: Sequence[Covering], on: date, *, phones: Mapping[uuid.UUID, str]
) -> list[Contact]:
    """The route on a date, with who covers in the place of who is away; nobody stands in it twice.

    `phones` are the telephones of those in the route: who covers is told at their own.
    """
    found: dict[uuid.UUID, Contact] = {}
    for contact in route:
        who = stands_in(contact.user_id, covers, on)
        found.setdefault(who, Contact(who, contact.minutes, phones.get(who, "")))
    return list(found.values())


def sentence(
    at: datetime, hours: Hours, zone: ZoneInfo, *, phone: str, urgent_phone: str = "", otherwise: str = ""
) -> str:
    """What a patient who has just written is told: when somebody reads it, and whom to call before that.

    `otherwise` are the clinic's own words, said where it has not said its hours.
    """
    if not hours.known:
        return otherwise or f"Nobody reads this at once. If it cannot wait, call {phone}."
    now = at.astimezone(zone)
    if closes_at := open_until(at, hours, zone):
        until = _clock(closes_at.astimezone(zone))
        return f"Your clinic is open and reads this today, until {until} clinic time. If it cannot wait, call {phone}."
    call = f"all {urgent_phone or phone} if it cannot wait, and your emergency number if it is an emergency."
    opens_at = next_open(at, hours, zone)
    if opens_at is None:
        return f"Your clinic is closed, and it is not known here when it opens. C{call}"
    opens = opens_at.astimezone(zone)
    when = f"{_day(opens, now)} from {_clock(opens)} clinic time"
    return f"Your clinic is closed now. Somebody reads this {when}. Before that c{call}"


def _clock(at: datetime) -> str:
    return f"{at:%H:%M}"


def _day(opens: datetime, now: datetime) -> str:
    """As in "today", "tomorrow, Tuesday 3 March" or "on Monday 9 March"."""
    named = f"{opens:%A} {opens.day} {opens:%B}"
    match (opens.date() - now.date()).days:
        case 0:
            return "today"
        case 1:
            return f"tomorrow, {named},"
        case _:
            return f"on {named}"
