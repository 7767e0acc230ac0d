"""Who a page is about, in words."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from desk.presenters.days import day, day_short
from patients import conditions as conditions_list
from patients.models import CareEnded, Patient, Sex
from patients.selectors import Record


@dataclass(frozen=True)
class Person:
    """The line that says whose page this is. `care_ended` is a sentence, empty while the clinic treats them; `sex` is
    as recorded for reference ranges, empty where it was not said."""

    id: uuid.UUID
    name: str
    record_number: str
    born: str
    age: int
    there: str
    restricted: bool
    care_ended: str = ""
    sex: str = ""


def person(patient: Patient, *, at: datetime) -> Person:
    there = at.astimezone(patient.zone)
    born, today = patient.birth_date, there.date()
    return Person(
        id=patient.id,
        name=patient.name,
        record_number=patient.record_number,
        born=f"{born.day} {born:%B %Y}",
        age=today.year - born.year - ((today.month, today.day) < (born.month, born.day)),
        there=f"{there:%H:%M} on {day_short(there.date())} in {patient.zone_name}",
        restricted=patient.restricted_at is not None,
        care_ended=_care_ended(patient),
        sex=Sex(patient.sex).label if patient.sex else "",
    )


def _care_ended(patient: Patient) -> str:
    """Why and when the care here ended; empty while it goes on."""
    if patient.care_ended_at is None:
        return ""
    on = patient.care_ended_at.astimezone(patient.zone).date()
    return f"{CareEnded(patient.care_ended_because).label}. Care here ended on {day(on)}."


def condition_names(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Names of the list, or the words that were written."""
    known = conditions_list.all_conditions()
    return [known[code].name if code in known else words for code, words in pairs]


def lead_symptom(record: Record) -> str:
    """What the patient scores each night."""
    return conditions_list.lead_symptom([code for code, _ in record.conditions])
