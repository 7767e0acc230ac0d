"""Nights and doses laid on one time axis: one slot for every date, and nothing invented for a night nobody logged."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple

from common import dose as doses

RUN_IN_NIGHTS = 7
FEWEST_OF_A_WEEK = 4
WEEK = 7

Taken = Literal["taken", "skipped", "not_yet"]


class Night(NamedTuple):
    """What a patient wrote about one night. None is "not answered" and never zero.

    A tuple, since a course has hundreds of them and a tuple is the cheapest object that has names.
    """

    night: date
    taken: Taken | None = None
    taken_mg: Decimal | None = None
    sleep_hours: Decimal | None = None
    latency_min: int | None = None
    awake_min: int | None = None
    awakenings: int | None = None
    quality: int | None = None
    dream_vividness: int | None = None  # 0 to 3
    dream_distress: int | None = None  # 0 to 10
    pain: int | None = None  # 0 to 10
    fatigue: int | None = None  # 0 to 10
    lead_symptom: int | None = None  # 0 to 10
    side_effects: tuple[tuple[str, str], ...] = ()  # (label, severity: mild, moderate or severe)
    by_phone: bool = False  # written down by the clinic; says nothing of the night itself

    @property
    def logged(self) -> bool:
        """Whether anything at all was answered."""
        return self[1:-1] != _NO_ANSWERS


_NO_ANSWERS = Night(date.min)[1:-1]


@dataclass(frozen=True, slots=True)
class DoseBand:
    """A stretch of nights at one dose, `to_on` exclusive (None: open). No dose is a pause or the end of a course.

    `intended` is what the plan means to do and nobody has yet let happen: drawn dashed, never summed up.
    """

    from_on: date
    to_on: date | None
    dose_mg: Decimal | None
    state: str = "active"
    intended: bool = False

    def covers(self, day: date) -> bool:
        return self.from_on <= day and (self.to_on is None or day < self.to_on)


@dataclass(frozen=True, slots=True)
class Change:
    """The first night at another dose. The slot may lie before the first night shown."""

    slot: int
    dose_mg: Decimal | None
    intended: bool


class Lot(NamedTuple):
    """The day on which another lot of the medicine was dispensed than before, and the lot."""

    on: date
    lot: str


@dataclass(frozen=True, slots=True)
class Aligned:
    """One slot for each date from `first` to `last`, both shown; None where nobody wrote anything."""

    first: date
    last: date
    today: date
    nights: tuple[Night | None, ...]
    bands: tuple[DoseBand, ...]
    changes: tuple[Change, ...]
    lots: tuple[Lot, ...] = ()

    def slot_of(self, day: date) -> int:
        """Slots from the first night; negative before it."""
        return (day - self.first).days

    def night_at(self, slot: int) -> date:
        return self.first + timedelta(days=slot)


def align(
    nights: Iterable[Night],
    bands: Iterable[DoseBand],
    first: date,
    last: date,
    *,
    today: date | None = None,
    lots: Iterable[Lot] = (),
) -> Aligned:
    """Lay `nights`, `bands` and `lots` on the dates `first` to `last`, both included.

    `today` (the last date shown, if not given) parts what could have been logged from what is still to come. Nights and
    bands outside the dates are left out. Two rows for one night are a defect: ValueError.
    """
    if last < first:
        raise ValueError("A chart ends on or after the day it begins.")
    slots: list[Night | None] = [None] * ((last - first).days + 1)
    begin = first.toordinal()
    for night in nights:
        slot = night.night.toordinal() - begin
        if not 0 <= slot < len(slots):
            continue
        if slots[slot] is not None:
            raise ValueError("A night has at most one log.")
        slots[slot] = night
    ordered = sorted(bands, key=lambda band: (band.from_on, band.intended))
    shown = tuple(band for band in ordered if band.from_on <= last and (band.to_on is None or band.to_on > first))
    return Aligned(
        first=first,
        last=last,
        today=last if today is None else min(today, last),
        nights=tuple(slots),
        bands=shown,
        changes=_changes(ordered, first, last),
        lots=tuple(lot for lot in lots if first <= lot.on <= last),
    )


def _changes(bands: list[DoseBand], first: date, last: date) -> tuple[Change, ...]:
    """Where the dose becomes another one. A hold is the same dose and no change; the first dose after none is one."""
    found = []
    before: DoseBand | None = None
    for band in bands:
        joined = before is not None and before.to_on == band.from_on
        same = joined and before is not None and before.dose_mg == band.dose_mg
        if not same and band.from_on <= last:
            found.append(Change((band.from_on - first).days, band.dose_mg, band.intended))
        before = band
    return tuple(found)


def summary(aligned: Aligned) -> str:
    """One sentence for people who cannot or need not see the chart.

    Nights logged of nights possible, how many of them the clinic wrote down on the telephone, the dose in force, and
    mean hours slept in the last 7 nights against the first 7. A week with fewer than 4 answers is not averaged, and two
    weeks that overlap are not compared.
    """
    possible = possible_nights(aligned)
    logged = logged_nights(possible)
    nights = "night" if len(possible) == 1 else "nights"
    phoned = sum(1 for night in possible if night is not None and night.by_phone)
    how = f", {phoned} of them told by phone" if phoned else ""
    return f"{logged} of {len(possible)} {nights} logged{how}; {_current_dose(aligned)}; {_sleep(possible)}."


def possible_nights(aligned: Aligned) -> tuple[Night | None, ...]:
    """The nights there were until today, one that was not told being None."""
    return aligned.nights[: max(0, aligned.slot_of(aligned.today) + 1)]


def logged_nights(possible: tuple[Night | None, ...]) -> int:
    """How many of these were told."""
    return sum(1 for night in possible if night is not None and night.logged)


def _current_dose(aligned: Aligned) -> str:
    standing = [band for band in aligned.bands if not band.intended and band.covers(aligned.today)]
    if not standing:
        return "no dose in force"
    band = standing[-1]
    if band.dose_mg is None:
        return "no dose at present (paused)" if band.state == "paused" else "no dose at present"
    return f"current dose {doses.Dose.of(band.dose_mg)}"


def _sleep(possible: tuple[Night | None, ...]) -> str:
    compared = sleep_compared(possible)
    if compared is None:
        return "not enough nights to compare sleep"
    first, last = compared
    return f"mean sleep {last} hours over the last 7 nights against {first} over the first 7"


def sleep_compared(possible: tuple[Night | None, ...]) -> tuple[Decimal, Decimal] | None:
    """Mean hours slept in the first 7 and in the last 7 nights; None for too few nights or answers."""
    first, last = _mean_sleep(possible[:WEEK]), _mean_sleep(possible[-WEEK:])
    return None if len(possible) < 2 * WEEK or last is None or first is None else (first, last)


def _mean_sleep(week: tuple[Night | None, ...]) -> Decimal | None:
    """Hours to one decimal, or None where fewer than 4 nights say."""
    hours = [night.sleep_hours for night in week if night is not None and night.sleep_hours is not None]
    if len(hours) < FEWEST_OF_A_WEEK:
        return None
    return (sum(hours, Decimal(0)) / len(hours)).quantize(Decimal("0.1"))
