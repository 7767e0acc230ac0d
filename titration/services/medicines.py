"""The list of medicines beside an open plan: an opioid written there stops the dose as a patient's own yes does."""

import uuid
from datetime import date, datetime

from django.db import transaction

from accounts.actors import Actor
from patients import selectors as patients_selectors
from patients.medicine_list import Listed
from patients.models import Medicine, Patient
from patients.services import medicines
from patients.services.medicines import MedicineEntry
from symptoms import services as symptoms_services
from titration.models import Prescription
from titration.selectors import courses as courses_selectors


@transaction.atomic
def add(*, patient: Patient, entry: MedicineEntry, by: Actor, at: datetime) -> bool:
    """Write a medicine on the list; whether it is an opioid beside an open plan, so that the dose stops."""
    row = medicines.add(patient=patient, entry=entry, by=by, at=at)
    return _report_if_new(patient, None, row, by=by, at=at)


@transaction.atomic
def change(
    *, patient: Patient, medicine_id: uuid.UUID, entry: MedicineEntry, seen_version: int, by: Actor, at: datetime
) -> bool:
    """Correct, end or reopen a medicine; whether it is now an opioid beside an open plan that it was not before."""
    # Held before the line is read: what stood there is what the change is measured against.
    Patient.objects.select_for_update(no_key=True).get(id=patient.id, clinic_id=by.clinic_id)
    before = next((one for one in patients_selectors.medicines_of(patient) if one.id == medicine_id), None)
    row = medicines.change(
        patient=patient, medicine_id=medicine_id, entry=entry, seen_version=seen_version, by=by, at=at
    )
    return _report_if_new(patient, before, row, by=by, at=at)


def _report_if_new(patient: Patient, before: Listed | None, row: Medicine, *, by: Actor, at: datetime) -> bool:
    prescription = courses_selectors.open_prescription(patient)
    if prescription is None:
        return False
    today, after = at.astimezone(patient.zone).date(), patients_selectors.listed(row)
    if not _bears_on(after, prescription, today):
        return False
    if before is not None and _bears_on(before, prescription, today) and not _is_news(before, after, today):
        return False
    symptoms_services.report_listed(patient=patient, medicine_id=row.id, words=row.words, by=by, at=at)
    return True


def _bears_on(medicine: Listed, prescription: Prescription, today: date) -> bool:
    """Whether it is an opioid that was taken, or may have been, on or after the first day of the plan."""
    last = medicine.last_dose_on(today)
    return medicine.recognised.is_opioid and (last is None or last >= prescription.start_on)


def _is_news(before: Listed, after: Listed, today: date) -> bool:
    """Whether another opioid is named, or it was taken again, or is: what was over goes on."""
    named = {part.name for part in after.recognised.parts} - {part.name for part in before.recognised.parts}
    last_before, last = _last_known(before, today), _last_known(after, today)
    again = last is not None and last_before is not None and last_before < last
    goes_on = after.goes_on(today) and not before.goes_on(today)
    return bool(named) or again or goes_on


def _last_known(medicine: Listed, today: date) -> date | None:
    """The day of the last dose, as far as the line says; the day it was stopped may have had one."""
    return medicine.last_taken_on or medicine.last_dose_on(today)
