"""A patient's list of medicines as the rules read it: what goes on, when the last dose was, what stands in the way of
a first dose. Pure.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from common.medicine_classes import OPIOIDS, MedicineClass
from patients import medicines
from patients.medicines import Recognised


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A line of the list. `recorded_by` is the name of who wrote it last, "" where nobody is known."""

    id: uuid.UUID
    version: int
    words: str
    started_on: date | None = None
    last_taken_on: date | None = None
    stopped_on: date | None = None
    recorded_at: datetime | None = None
    recorded_by: str = ""

    @property
    def recognised(self) -> Recognised:
        return medicines.recognise(self.words)

    @property
    def medicine_class(self) -> MedicineClass:
        return self.recognised.medicine_class

    def goes_on(self, today: date) -> bool:
        """Whether it is still taken. A last dose alone does not end it: taken now and then, it may be taken again."""
        return self.stopped_on is None or self.stopped_on > today

    def last_dose_on(self, today: date) -> date | None:
        """The day of the last dose of what is over; None while it goes on. The day it was stopped may have had one."""
        return None if self.goes_on(today) else self.last_taken_on or self.stopped_on

    def earliest_start_on(self, today: date, washout_days: Mapping[MedicineClass, int] | None = None) -> date | None:
        """The first day low-dose naltrexone may start after it; None for no opioid, and while it goes on."""
        last = self.last_dose_on(today)
        return None if last is None else medicines.earliest_start_on(self.medicine_class, last, washout_days)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What on the list stands in the way of a first dose; the days are None while the medicine goes on."""

    medicine: Listed
    last_dose_on: date | None
    earliest_start_on: date | None

    @property
    def sentence(self) -> str:
        """What it is and what to wait for, for the prescriber."""
        what = f"“{self.medicine.words}” is on the list of medicines: {self.medicine.recognised.sentence}"
        if self.last_dose_on is None or self.earliest_start_on is None:
            return f"{what} It goes on, so no first dose: end it there with the day of its last dose."
        days = (self.earliest_start_on - self.last_dose_on).days
        return (
            f"{what} The last dose was on {_day(self.last_dose_on)}: "
            f"first dose on {_day(self.earliest_start_on)} at the earliest, after {days} days without opioids."
        )


def _day(on: date) -> str:
    return f"{on.day} {on:%B %Y}"


def obstacles(
    listed: Iterable[Listed],
    *,
    start_on: date,
    today: date,
    washout_days: Mapping[MedicineClass, int] | None = None,
) -> tuple[Obstacle, ...]:
    """The opioids that go on, and those whose opioid-free days are not over on `start_on` (clinical facts 2.3, R01)."""
    found = []
    for medicine in listed:
        if medicine.medicine_class not in OPIOIDS:
            continue
        earliest = medicine.earliest_start_on(today, washout_days)
        if earliest is None or earliest > start_on:
            found.append(Obstacle(medicine, medicine.last_dose_on(today), earliest))
    return tuple(found)
