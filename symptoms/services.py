"""The patient's one deed: telling a night. Saving twice is saving once; every version is kept by the database."""

import dataclasses
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F

from accounts.actors import Actor, Kind
from audit import services as audit
from common.dose import Dose
from common.night import Slot, night_of, plan_date
from common.refusals import Refused, Stale
from patients.models import CareGrant, Patient
from symptoms.models import DoseTaken, OpioidReport, SymptomLog

# A patient may write the night that is running and the six before it; older ones the clinic keeps as they are.
WRITABLE_NIGHTS = 7
TRIPPING_ANSWERS = (SymptomLog.OtherMedicines.YES, SymptomLog.OtherMedicines.UNSURE)


@dataclass(frozen=True, kw_only=True)
class DoseAnswer:
    """What became of one planned dose. `taken_mg` and `taken_at` (UTC) only when taken."""

    taken: str
    slot: Slot
    taken_mg: Dose | None = None
    taken_at: datetime | None = None
    skipped_because: str = ""


@dataclass(frozen=True, kw_only=True)
class NightAnswer:
    """One night's answers in the columns' own names and units; None is "not answered", never zero."""

    sleep_hours: Decimal | None = None
    latency_min: int | None = None
    awake_min: int | None = None
    awakenings: int | None = None
    quality: int | None = None
    dream_vividness: int | None = None
    dream_distress: int | None = None
    pain: int | None = None
    fatigue: int | None = None
    lead_symptom: int | None = None
    side_effects: dict[str, str] = field(default_factory=dict)
    other_medicines_answer: str = ""
    other_medicines: str = ""
    note: str = ""


def writable_nights(*, patient: Patient, at: datetime, slot: Slot = Slot.BEDTIME) -> list[date]:
    """The nights a patient may write now, newest first: the one running in their zone and the six before.

    A morning dose can be told in its own morning, hours before the night it pairs with begins.
    """
    tonight, dose_on = night_of(at, patient.zone), plan_date(at, patient.zone, slot)
    nights = [date.fromordinal(tonight.toordinal() - back) for back in range(WRITABLE_NIGHTS)]
    return nights if dose_on == tonight else [dose_on, *nights]


@transaction.atomic
def save_night(
    *,
    patient: Patient,
    night: date,
    dose: DoseAnswer | None,
    answers: NightAnswer,
    seen_version: int,
    by: Actor,
    at: datetime,
) -> SymptomLog:
    """Save a night as told: the dose of its plan date and the log, with the opioid report a yes gives rise to.

    `seen_version` is the log's version the form was filled from (0 for a night not yet told). Sending the same answers
    again changes nothing; sending others over a newer version raises `Stale`.
    """
    if not _may_tell(by, patient):
        raise Refused("Only the patient, or somebody they let tell for them, can tell their night.")
    if night not in writable_nights(patient=patient, at=at, slot=dose.slot if dose else Slot.BEDTIME):
        raise Refused("You can fill in tonight and the six nights before it. For an older night, tell your clinic.")
    # One row to lock, there before the first night is: two phones saving at once must come one after the other.
    Patient.objects.select_for_update(no_key=True).get(id=patient.id, clinic_id=patient.clinic_id)
    log = SymptomLog.objects.filter(patient=patient, night=night).first()
    if log is not None and _same(log, answers) and _dose_is(patient, night, dose):
        return log
    if (log.version if log else 0) != seen_version:
        raise Stale(
            "This night was changed from another page while you were filling it in. "
            "Your answers are still here: look at what was saved before, then save again."
        )
    reported_before = log is not None and (log.other_medicines_answer, log.other_medicines) == (
        answers.other_medicines_answer,
        answers.other_medicines,
    )
    log = log or SymptomLog(clinic_id=patient.clinic_id, patient=patient, night=night, version=0)
    for name, value in _columns(answers).items():
        setattr(log, name, value)
    log.version += 1
    log.recorded_at, log.recorded_by_id = at, by.user_id
    log.save()
    if dose is not None:
        _save_dose(patient, night, dose, by=by, at=at)
    if answers.other_medicines_answer in TRIPPING_ANSWERS and not reported_before:
        OpioidReport.objects.create(
            clinic_id=patient.clinic_id,
            patient=patient,
            night=night,
            answer=answers.other_medicines_answer,
            words=answers.other_medicines,
            at=at,
        )
        audit.record(by=by, at=at, action="opioid.report", patients=[patient.id], subject=log.id)
    Patient.objects.filter(id=patient.id, clinic_id=patient.clinic_id).update(change_sequence=F("change_sequence") + 1)
    audit.record(by=by, at=at, action="night.save", patients=[patient.id], subject=log.id)
    return log


def _may_tell(by: Actor, patient: Patient) -> bool:
    """The patient, or a carer whose grant says log; the door has seen that the grant is in force."""
    if by.patient_id != patient.id:
        return False
    return by.kind == Kind.PATIENT or (by.kind == Kind.CARER and by.rights == CareGrant.Rights.LOG)


def _columns(answers: NightAnswer) -> dict[str, Any]:
    return {column.name: getattr(answers, column.name) for column in dataclasses.fields(answers)}


def _same(log: SymptomLog, answers: NightAnswer) -> bool:
    return all(getattr(log, name) == value for name, value in _columns(answers).items())


def _dose_rows(patient: Patient, night: date, slot: Slot) -> Any:
    # `common.night.night_of_dose` names a night by the plan date of its dose, so the one is the other.
    return DoseTaken.objects.filter(patient=patient, plan_date=night, slot=slot)


def _dose_is(patient: Patient, night: date, dose: DoseAnswer | None) -> bool:
    if dose is None:
        return True
    row = _dose_rows(patient, night, dose.slot).first()
    return row is not None and all(
        getattr(row, name) == getattr(dose, name) for name in ("taken", "taken_mg", "taken_at", "skipped_because")
    )


def _save_dose(patient: Patient, night: date, dose: DoseAnswer, *, by: Actor, at: datetime) -> None:
    row = _dose_rows(patient, night, dose.slot).first() or DoseTaken(
        clinic_id=patient.clinic_id, patient=patient, plan_date=night, slot=dose.slot
    )
    row.taken, row.taken_mg, row.taken_at = dose.taken, dose.taken_mg, dose.taken_at
    row.skipped_because = dose.skipped_because
    row.recorded_at, row.recorded_by_id = at, by.user_id
    row.save()
