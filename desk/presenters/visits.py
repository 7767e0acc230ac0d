"""A patient in plain text, for another record system or for the day they are seen."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from common.drug_names import NALTREXONE
from desk.presenters.days import day
from desk.presenters.person import condition_names, lead_symptom, person
from desk.presenters.plan import PlanCard
from desk.presenters.weighing import Card
from patients.selectors import Record
from titration.models import ContactAttempt


@dataclass(frozen=True)
class Note:
    """`text` has one statement a line; `rows` is how many there are, for the box that shows it."""

    patient_id: uuid.UUID
    name: str
    text: str

    @property
    def rows(self) -> int:
        return len(self.text.splitlines()) + 1


def note(record: Record, card: Card | None, plan: str, attempts: Sequence[ContactAttempt], *, at: datetime) -> Note:
    patient = record.patient
    return Note(patient.id, patient.name, "\n".join(_lines(record, card, plan, attempts, at)))


def in_a_sentence(card: PlanCard, *, told_none: bool) -> str:
    """The plan in force, as a line of a note."""
    held = f"Held until {card.held_until}" if card.held_until else ""
    stopped = "The patient’s pages say to take no dose" if told_none else ""
    words = (card.label, card.units, card.state.rstrip("."), held, stopped)
    return ". ".join(word for word in words if word) + "."


def _lines(
    record: Record, card: Card | None, plan: str, attempts: Sequence[ContactAttempt], at: datetime
) -> Iterator[str]:
    who = person(record.patient, at=at)
    yield f"{who.name}, born {who.born} ({who.age}), record {who.record_number}"
    yield f"As of {day(at.astimezone(record.patient.clinic.zone).date())}, low dose {NALTREXONE}"
    yield f"Conditions: {', '.join(condition_names(record.conditions)) or 'none recorded'}"
    yield f"Lead symptom: {lead_symptom(record)}"
    yield f"Medicines as written: {'; '.join(record.medicines) or 'none recorded'}"
    if card is None:
        yield "No plan is open."
    else:
        yield f"Plan: {plan}"
        yield f"Next step: {card.title}"
        yield from list(card.lines)[1:]
    for attempt in attempts:
        said = f": {attempt.words}" if attempt.words else ""
        on = attempt.at.astimezone(record.patient.clinic.zone).date()
        yield f"{attempt.get_kind_display()} {day(on)}, {attempt.get_outcome_display().lower()}{said}"
