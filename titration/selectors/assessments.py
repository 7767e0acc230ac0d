"""Which questionnaires are due: the rhythm of `symptoms.rhythm`, counted from the course."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from patients import selectors as patients_selectors
from patients.models import Patient
from symptoms import instrument_files, rhythm
from symptoms import selectors as symptoms_selectors
from symptoms.rhythm import Due, Given
from titration.models import Prescription
from titration.selectors import courses


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
