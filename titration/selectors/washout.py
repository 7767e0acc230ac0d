"""How many days without an opioid a clinic asks for, and what on a patient's list stands in the way of a first dose."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime

from common.medicine_classes import OPIOIDS, MedicineClass
from patients import medicine_list
from patients import selectors as patients_selectors
from patients.medicine_list import Listed, Obstacle
from patients.models import Patient
from titration.engine.advice import opioids
from titration.selectors import rules


def days_of(clinic_id: uuid.UUID) -> dict[MedicineClass, int]:
    """Days by class of opioid, by the clinic's own thresholds."""
    book = rules.rules_of(clinic_id).book
    return {medicine_class: opioids.washout_days(medicine_class, book) for medicine_class in OPIOIDS}


def opioids_listed(patient: Patient) -> list[Listed]:
    """The opioids on the patient's list, those that have ended too."""
    return [one for one in patients_selectors.medicines_of(patient) if one.recognised.is_opioid]


def obstacles(
    patient: Patient, *, start_on: date, at: datetime, among: Sequence[Listed] | None = None
) -> tuple[Obstacle, ...]:
    """What on the list stands in the way of a first dose on a day (R01); `among`: the opioids where they are known."""
    listed = opioids_listed(patient) if among is None else among
    if not listed:
        return ()
    return medicine_list.obstacles(
        listed,
        start_on=start_on,
        today=at.astimezone(patient.zone).date(),
        washout_days=days_of(patient.clinic_id),
    )
