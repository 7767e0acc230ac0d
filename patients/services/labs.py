"""Putting laboratory values on record, and correcting them."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction

from accounts import policy
from accounts.actors import Actor
from audit import services as audit
from common.refusals import Refused, Stale
from patients import lab_selectors, labs, selectors
from patients.models import LabResult, Patient
from patients.services.changed import raise_sequence
from patients.services.knowing import check_in_care

OLDEST = timedelta(days=3660)
HIGHEST = Decimal(1_000_000)


@dataclass(frozen=True, kw_only=True)
class LabValue:
    """A value as the laboratory reported it: `unit` by its UCUM code, the reference range as printed beside it.

    `comparator` is "", or of an end (a result such as "<5") <, <=, >= or >, as FHIR's Quantity has them.
    """

    code: str
    value: Decimal
    unit: str
    taken_on: date
    low: Decimal | None = None
    high: Decimal | None = None
    comparator: str = ""


@transaction.atomic
def record_labs(*, patient: Patient, values: list[LabValue], by: Actor, at: datetime) -> list[LabResult]:
    """Put values on record, all or none. The same value of the same day again changes nothing."""
    known = _locked(patient.id, by)
    if not values:
        raise Refused("No value was written. Write at least one.")
    return [_record(known, value, None, by=by, at=at) for value in values]


@transaction.atomic
def correct_lab(*, result_id: uuid.UUID, value: LabValue | None, by: Actor, at: datetime) -> LabResult:
    """Replace a value that was entered wrongly; None takes it back, and so does a value that is on record already. What
    was corrected already is `Stale`.
    """
    found = lab_selectors.visible_lab(by, result_id)
    if found is None:
        raise Refused("No value of yours to correct.")
    known = _locked(found.patient_id, by)
    if LabResult.objects.filter(patient=known, replaces=found).exists():
        raise Stale("Somebody has corrected this value already. Look at the list again.")
    if value is not None:
        if value.code != found.code:
            raise Refused("A correction is of the same test. Take this value back and enter the other.")
        return _record(known, value, found, by=by, at=at)
    return _take_back(found, by=by, at=at)


def check(value: LabValue, *, today: date) -> None:
    """Raise `Refused` with the sentence that says what is wrong; `today` is the patient's date."""
    test = labs.find(value.code)
    test.unit(value.unit)
    if value.comparator not in ("", *LabResult.Comparator.values):
        raise Refused(f"{test.name}: a result is a number, or an end such as <5 or >2000.")
    if value.comparator == "<" and not value.value:
        raise Refused(f"{test.name}: no result is below 0.")
    if not 0 <= value.value < HIGHEST:
        raise Refused(f"{test.name}: the value is from 0 to below a million.")
    if value.low is not None and value.high is not None and value.low > value.high:
        raise Refused(f"{test.name}: the lower end of the range is above the upper one.")
    if not today - OLDEST <= value.taken_on <= today:
        raise Refused("The sample was taken today or earlier, at most ten years ago.")


def _record(patient: Patient, value: LabValue, replaces: LabResult | None, *, by: Actor, at: datetime) -> LabResult:
    check(value, today=at.astimezone(patient.zone).date())
    same = LabResult.objects.filter(patient=patient, replaced_by=None, **vars(value)).first()
    if same is not None and replaces is not None and same != replaces:
        # The right value has a row of its own already: written once more it would stand twice.
        return _take_back(replaces, by=by, at=at)
    if same is not None:
        return same
    row = _create(
        patient,
        value.code,
        value.unit,
        value.taken_on,
        value=value.value,
        comparator=value.comparator,
        low=value.low,
        high=value.high,
        replaces=replaces,
        by=by,
        at=at,
    )
    _leave_trace(row, "lab.correct" if replaces else "lab.record", by=by, at=at)
    return row


def _take_back(wrong: LabResult, *, by: Actor, at: datetime) -> LabResult:
    """Replace a value by none."""
    row = _create(wrong.patient, wrong.code, wrong.unit, wrong.taken_on, replaces=wrong, by=by, at=at)
    _leave_trace(row, "lab.correct", by=by, at=at)
    return row


def _create(
    patient: Patient, code: str, unit: str, taken_on: date, *, by: Actor, at: datetime, **more: object
) -> LabResult:
    row: LabResult = LabResult.objects.create(
        clinic_id=patient.clinic_id,
        patient=patient,
        code=code,
        unit=unit,
        taken_on=taken_on,
        at=at,
        by_id=by.user_id,
        by_label=by.label,
        **more,
    )
    return row


def _locked(patient_id: uuid.UUID, by: Actor) -> Patient:
    policy.check(by, policy.Permission.RECORD_RESULTS)
    known = selectors.visible_to(by).select_for_update(of=("self",), no_key=True).filter(id=patient_id).first()
    if known is None:
        raise Refused("No patient of yours. Nothing was saved.")
    check_in_care(known)
    return known


def _leave_trace(row: LabResult, action: str, *, by: Actor, at: datetime) -> None:
    raise_sequence(patient_id=row.patient_id, clinic_id=row.clinic_id)
    audit.record(by=by, at=at, action=action, patients=[row.patient_id], subject=row.id)
