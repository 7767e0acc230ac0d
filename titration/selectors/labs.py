"""Which laboratory tests are due: the rules of `patients.labs`, counted from the course."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from accounts.actors import Actor
from common.medicine_classes import MedicineClass
from patients import lab_selectors, labs
from patients import selectors as patients_selectors
from patients.labs import DueLab
from patients.medicine_list import Listed
from patients.models import Patient
from titration.models import Prescription
from titration.selectors import courses


@dataclass(frozen=True, kw_only=True)
class LabsDue:
    """A patient on an open course, and the tests due on the patient's own date."""

    patient_id: uuid.UUID
    name: str
    due: tuple[DueLab, ...]


def labs_due(actor: Actor, *, at: datetime) -> list[LabsDue]:
    """Everybody this actor may know of to whom a test is due, by name: four statements however many."""
    prescriptions = courses.open_by_name(actor)
    found = due_of(prescriptions, at=at)
    return [
        LabsDue(patient_id=p.patient_id, name=p.patient.name, due=found[p.patient_id])
        for p in prescriptions
        if found[p.patient_id]
    ]


def due_for(patient: Patient, *, at: datetime) -> tuple[DueLab, ...]:
    """The tests due to one patient; none without an open course."""
    prescription = courses.open_prescription(patient)
    return due_of([prescription], at=at)[patient.id] if prescription is not None else ()


def due_of(prescriptions: Sequence[Prescription], *, at: datetime) -> dict[uuid.UUID, tuple[DueLab, ...]]:
    """The tests due by each of these courses, by patient, in three statements. Their patients were read with them."""
    ids = [prescription.patient_id for prescription in prescriptions]
    if not ids:
        return {}
    conditions, listed = patients_selectors.conditions_of_many(ids), patients_selectors.medicines_of_many(ids)
    return due_beside(prescriptions, conditions, listed, at=at)


def due_beside(
    prescriptions: Sequence[Prescription],
    conditions: Mapping[uuid.UUID, frozenset[str]],
    listed: Mapping[uuid.UUID, Sequence[Listed]],
    *,
    at: datetime,
) -> dict[uuid.UUID, tuple[DueLab, ...]]:
    """The same in one statement, where the patients' conditions and medicines have been read already."""
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
