"""A patient's list of medicines, in words: what is written, what it was recognised as and why, and what follows."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from common.medicine_classes import OPIOIDS, MedicineClass
from desk.presenters.days import day, moment
from patients.medicine_list import Listed
from patients.medicines import recognise

CLASS_WORDS = {
    MedicineClass.SHORT: "opioid, short-acting",
    MedicineClass.LONG: "opioid, long-acting",
    MedicineClass.PARTIAL: "opioid, partial",
    MedicineClass.HIDDEN: "opioid against diarrhoea",
    MedicineClass.KRATOM: "kratom or tianeptine",
    MedicineClass.ILLICIT: "illicit opioid",
    MedicineClass.NALTREXONE: "the same medicine twice",
    MedicineClass.WARN: "ask",
    MedicineClass.THYROID: "thyroid",
    MedicineClass.IMMUNOSUPPRESSANT: "immune system",
    MedicineClass.CHECKPOINT: "cancer immunotherapy",
    MedicineClass.THIORIDAZINE: "thioridazine",
    MedicineClass.DISULFIRAM: "disulfiram",
    MedicineClass.ANTICOAGULANT: "anticoagulant",
    MedicineClass.ALLOWED: "no opioid",
    MedicineClass.UNKNOWN: "unknown",
}
_NO_ALARM = {MedicineClass.ALLOWED: ("good", "check"), MedicineClass.UNKNOWN: ("care", "care")}
_ALARM = {MedicineClass.NALTREXONE, MedicineClass.CHECKPOINT}


@dataclass(frozen=True)
class Written:
    """A medicine as written, with a badge's words where it is more than known and harmless."""

    words: str
    called: str
    kind: str
    icon: str


def written(medicines: Iterable[str]) -> tuple[Written, ...]:
    """Medicines by their words alone, in the order given."""
    return tuple(_written(words) for words in medicines)


def _written(words: str) -> Written:
    recognised = recognise(words)
    if recognised.medicine_class == MedicineClass.ALLOWED:
        return Written(words, "", "", "")
    kind, icon = _badge(recognised.medicine_class, unknown=bool(recognised.unknown))
    return Written(words, CLASS_WORDS[recognised.medicine_class], kind, icon)


@dataclass(frozen=True)
class Line:
    """One medicine. `kind` and `icon` are the badge's; `start` says from when low-dose naltrexone may begin, or ""."""

    id: uuid.UUID
    words: str
    called: str
    kind: str
    icon: str
    why: str
    dates: str
    start: str
    who: str
    danger: bool
    ended: bool


def lines(
    listed: Iterable[Listed], *, today: date, zone: ZoneInfo, washout_days: Mapping[MedicineClass, int] | None = None
) -> list[Line]:
    """What goes on first, then what has ended, each in the order of the list; `zone` is the clinic's."""
    made = [line(medicine, today=today, zone=zone, washout_days=washout_days) for medicine in listed]
    return sorted(made, key=lambda one: one.ended)


def line(
    medicine: Listed, *, today: date, zone: ZoneInfo, washout_days: Mapping[MedicineClass, int] | None = None
) -> Line:
    recognised = medicine.recognised
    kind, icon = _badge(recognised.medicine_class, unknown=bool(recognised.unknown))
    return Line(
        id=medicine.id,
        words=medicine.words,
        called=CLASS_WORDS[recognised.medicine_class],
        kind=kind,
        icon=icon,
        why=recognised.sentence,
        dates=_dates(medicine, today),
        start=start_words(medicine, today=today, washout_days=washout_days),
        who=_who(medicine, zone),
        danger=recognised.is_opioid,
        ended=not medicine.goes_on(today),
    )


def _badge(medicine_class: MedicineClass, *, unknown: bool) -> tuple[str, str]:
    if medicine_class in OPIOIDS or medicine_class in _ALARM:
        return "danger", "stop"
    if medicine_class in _NO_ALARM and not unknown:
        return _NO_ALARM[medicine_class]
    return "care", "care"


def _dates(medicine: Listed, today: date) -> str:
    told = [
        f"since {day(medicine.started_on)}" if medicine.started_on else "",
        f"last dose {day(medicine.last_taken_on)}" if medicine.last_taken_on else "",
        (f"stopped {day(medicine.stopped_on)}" if medicine.stopped_on else ""),
    ]
    return ", ".join(part for part in told if part) or ("goes on" if medicine.goes_on(today) else "")


def start_words(medicine: Listed, *, today: date, washout_days: Mapping[MedicineClass, int] | None = None) -> str:
    """From when low-dose naltrexone may begin after this medicine; "" where nothing is waited for."""
    if not medicine.recognised.is_opioid:
        return ""
    earliest = medicine.earliest_start_on(today, washout_days)
    if earliest is None:
        return "No first dose while it goes on: end it with the day of its last dose."
    began = "could have begun" if earliest <= today else "at the earliest"
    return f"First dose {began} on {day(earliest)}."


def _who(medicine: Listed, zone: ZoneInfo) -> str:
    if medicine.recorded_at is None:
        return ""
    return ", ".join(part for part in (medicine.recorded_by, moment(medicine.recorded_at, zone)) if part)
