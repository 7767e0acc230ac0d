"""Keeping a patient's list of medicines: a line is added, changed, ended, and never deleted."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import Max

from accounts import policy
from accounts.actors import Actor
from audit import services as audit
from common.refusals import Refused, Stale
from patients.limits import LONGEST_MEDICINE, MOST_MEDICINES
from patients.models import Medicine, Patient
from patients.services.changed import raise_sequence
from patients.services.knowing import check_knows_lastingly

CHANGED_MEANWHILE = (
    "Somebody has changed this medicine since you opened the page. Nothing of yours was saved. "
    "Look at what stands now before you save again."
)


@dataclass(frozen=True, kw_only=True)
class MedicineEntry:
    """A line as the form gives it. Days are the patient's; None is not known, or for `stopped_on` that it goes on."""

    words: str
    started_on: date | None = None
    last_taken_on: date | None = None
    stopped_on: date | None = None


@transaction.atomic
def add(*, patient: Patient, entry: MedicineEntry, by: Actor, at: datetime) -> Medicine:
    """Write one more medicine on the list. Whoever composes deeds asks whether it closes the way to a dose."""
    known = _held(patient, by)
    _check(entry, today=at.astimezone(known.zone).date())
    on_list = Medicine.objects.filter(patient=known)
    if on_list.filter(stopped_on=None).count() >= MOST_MEDICINES:
        raise Refused(f"There are {MOST_MEDICINES} medicines on the list already. End one that is no longer taken.")
    last = on_list.aggregate(last=Max("position"))["last"]
    row = Medicine.objects.create(
        clinic_id=known.clinic_id,
        patient=known,
        position=0 if last is None else last + 1,
        recorded_at=at,
        recorded_by_id=by.user_id,
        **_columns(entry),
    )
    _remember("medicine.add", row, by=by, at=at)
    return row


@transaction.atomic
def change(
    *, patient: Patient, medicine_id: uuid.UUID, entry: MedicineEntry, seen_version: int, by: Actor, at: datetime
) -> Medicine:
    """Correct a line, end it by a day it was stopped, or reopen it by none. Saving what stands changes nothing."""
    known = _held(patient, by)
    row = Medicine.objects.filter(patient=known, id=medicine_id).first()
    if row is None:
        raise Refused("There is no such medicine on this patient's list.")
    if all(getattr(row, name) == value for name, value in _columns(entry).items()):
        return row
    if row.version != seen_version:
        raise Stale(CHANGED_MEANWHILE)
    _check(entry, today=at.astimezone(known.zone).date())
    ends = row.stopped_on is None and entry.stopped_on is not None
    for name, value in _columns(entry).items():
        setattr(row, name, value)
    row.version += 1
    row.recorded_at, row.recorded_by_id = at, by.user_id
    row.save()
    _remember("medicine.end" if ends else "medicine.change", row, by=by, at=at)
    return row


def _columns(entry: MedicineEntry) -> dict[str, str | date | None]:
    return {
        "words": entry.words,
        "started_on": entry.started_on,
        "last_taken_on": entry.last_taken_on,
        "stopped_on": entry.stopped_on,
    }


def _held(patient: Patient, by: Actor) -> Patient:
    """The patient's row, held: what is written on the list and what follows from it happen one after the other."""
    policy.check(by, policy.Permission.KEEP_MEDICINES)
    known = Patient.objects.select_for_update(no_key=True).get(id=patient.id, clinic_id=by.clinic_id)
    check_knows_lastingly(by, known.id)
    if known.care_ended_at is not None:
        raise Refused("The care of this patient has ended. Take it up again before you change the list.")
    return known


def _check(entry: MedicineEntry, *, today: date) -> None:
    if not entry.words.strip():
        raise Refused("Write the medicine's name, as it stands on the pack.")
    if len(entry.words) > LONGEST_MEDICINE:
        raise Refused(f"A medicine has up to {LONGEST_MEDICINE} characters. Shorten it.")
    for day, what in ((entry.last_taken_on, "The last dose"), (entry.stopped_on, "The day it was stopped")):
        if day is not None and day > today:
            raise Refused(f"{what} cannot lie ahead.")
        if day is not None and entry.started_on is not None and day < entry.started_on:
            raise Refused(f"{what} cannot be before the day it was started.")
    if entry.stopped_on and entry.last_taken_on and entry.last_taken_on > entry.stopped_on:
        raise Refused("The last dose cannot be after the day it was stopped.")


def _remember(action: str, row: Medicine, *, by: Actor, at: datetime) -> None:
    raise_sequence(patient_id=row.patient_id, clinic_id=row.clinic_id)
    audit.record(by=by, at=at, action=action, patients=[row.patient_id], subject=row.id)
