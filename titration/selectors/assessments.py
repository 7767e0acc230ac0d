"""Which questionnaires are due: the rhythm of `symptoms.rhythm`, counted from the course."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from accounts.actors import Actor
from patients import selectors as patients_selectors
from patients.models import Patient
from symptoms import instrument_files, rhythm
from symptoms import selectors as symptoms_selectors
from symptoms.rhythm import Due, Given
from titration.models import Prescription
from titration.selectors import courses


@dataclass(frozen=True, kw_only=True)
class DueAssessments:
    """A patient on an open course, and the questionnaires due on the patient's own date."""

    patient_id: uuid.UUID
    name: str
    due: tuple[Due, ...]


def assessments_due(actor: Actor, *, at: datetime) -> list[DueAssessments]:
    """Everybody this actor may know of to whom a questionnaire is due, by name: three statements however many."""
    prescriptions = courses.open_by_name(actor)
    ids = [prescription.patient_id for prescription in prescriptions]
    given = symptoms_selectors.newest_assessments(ids) if ids else {}
    conditions = patients_selectors.conditions_of_many(ids)
    found = {
        p.patient_id: due_of(p, given.get(p.patient_id, {}), conditions[p.patient_id], at=at) for p in prescriptions
    }
    return [
        DueAssessments(patient_id=p.patient_id, name=p.patient.name, due=found[p.patient_id])
        for p in prescriptions
        if found[p.patient_id]
    ]


def due_for(patient: Patient, *, at: datetime) -> tuple[Due, ...]:
    """The questionnaires due to one patient; none without an open course."""
    prescription = courses.open_prescription(patient)
    if prescription is None:
        return ()
    given = symptoms_selectors.newest_assessments([patient.id]).get(patient.id, {})
    return due_of(prescription, given, patients_selectors.conditions_of_many([patient.id])[patient.id], at=at)


def due_of(
    prescription: Prescription, given: Mapping[str, Given], conditions: Iterable[str], *, at: datetime
) -> tuple[Due, ...]:
    """The questionnaires due by a course, whose patient was read with it, after what was `given` last."""
    patient = prescription.patient
    today = courses.patient_today(prescription, at=at)
    return tuple(
        rhythm.due(
            instrument_files.cleared(),
            given,
            cared_since=prescription.signed_at.astimezone(patient.zone).date(),
            first_dose_on=courses.first_dose_on(prescription),
            conditions=conditions,
            adult=rhythm.age_on(patient.birth_date, today) >= rhythm.ADULT_FROM_YEARS,
            today=today,
        )
    )
