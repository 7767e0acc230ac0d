"""Which laboratory tests are due: the rules of `patients.labs`, counted from the course."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from common.medicine_classes import MedicineClass
from patients import lab_selectors, labs
from patients import selectors as patients_selectors
from patients.labs import DueLab
from patients.medicine_list import Listed
from patients.models import Patient
from titration.models import Prescription
from titration.selectors import courses


def due_for(patient: Patient, *, at: datetime) -> tuple[DueLab, ...]:
    """The tests due to one patient; none without an open course."""
    prescription = courses.open_prescription(patient)
    if prescription is None:
        return ()
    ids = [patient.id]
    conditions, listed = patients_selectors.conditions_of_many(ids), patients_selectors.medicines_of_many(ids)
    return due_of([prescription], conditions, listed, at=at)[patient.id]


def due_of(
    prescriptions: Sequence[Prescription],
    conditions: Mapping[uuid.UUID, frozenset[str]],
    listed: Mapping[uuid.UUID, Sequence[Listed]],
    *,
    at: datetime,
) -> dict[uuid.UUID, tuple[DueLab, ...]]:
    """The tests due by each of these courses, by patient, in one statement; the rest was read with them."""
    dates = lab_selectors.lab_dates([prescription.patient_id for prescription in prescriptions])
    found = {}
    for prescription in prescriptions:
        patient, today = prescription.patient, courses.patient_today(prescription, at=at)
        found[patient.id] = tuple(
            labs.due(
                dates[patient.id],
                cared_since=prescription.signed_at.astimezone(patient.zone).date(),
                first_dose_on=courses.first_dose_on(prescription),
                conditions=conditions.get(patient.id, frozenset()),
                on_thyroxine=_on_thyroxine(listed.get(patient.id, []), today),
                titrating=prescription.next_due_on is not None,
                today=today,
            )
        )
    return found


def _on_thyroxine(listed: Sequence[Listed], today: date) -> bool:
    """Whether the list names a thyroid hormone that is still taken, as the matcher recognises it."""
    return any(one.medicine_class is MedicineClass.THYROID and one.goes_on(today) for one in listed)
