"""Telling a night, and filling in a questionnaire. Twice is once; every version is kept by the database."""

import dataclasses
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from accounts import policy
from accounts.actors import Actor, Kind
from audit import services as audit
from common.dose import Dose
from common.night import Slot, night_of, plan_date
from common.refusals import Refused, Stale
from patients import selectors as patients_selectors
from patients.models import CareGrant, Patient
from patients.services.changed import raise_sequence
from symptoms import condition_items, crisis, instrument_files, other_medicines, scoring
from symptoms.models import Assessment, CrisisChoice, DoseTaken, OpioidReport, SymptomLog
from symptoms.scoring import Instrument

# A patient may write the night that is running and the six before it; older ones the clinic keeps as they are.
WRITABLE_NIGHTS = 7


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
    condition_answers: dict[str, int] = field(default_factory=dict)
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
    """Save a night as told: the dose of its plan date and the log, with the opioid report a yes may give rise to.

    `seen_version` is the log's version the form was filled from (0 for a night not yet told). Sending the same answers
    again changes nothing; sending others over a newer version raises `Stale`. Condition answers are those to what the
    patient's conditions are asked: others raise `Refused`, and what is asked no longer stays as it was told.
    """
    if not _may_tell(by, patient):
        raise Refused("Only the patient, or somebody they let tell for them, can tell their night.")
    if night not in writable_nights(patient=patient, at=at, slot=dose.slot if dose else Slot.BEDTIME):
        raise Refused("You can fill in tonight and the six nights before it. For an older night, tell your clinic.")
    # One row to lock, there before the first night is: two phones saving at once must come one after the other.
    Patient.objects.select_for_update(no_key=True).get(id=patient.id, clinic_id=patient.clinic_id)
    log = SymptomLog.objects.filter(patient=patient, night=night).first()
    answers = dataclasses.replace(answers, condition_answers=_of_conditions(patient, log, answers.condition_answers))
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
    log.told_by = SymptomLog.ToldBy.PHONE if by.kind == Kind.MEMBER else SymptomLog.ToldBy.PATIENT
    log.version += 1
    log.recorded_at, log.recorded_by_id = at, by.user_id
    log.save()
    if dose is not None and not _dose_is(patient, night, dose):
        _save_dose(patient, night, dose, by=by, at=at)
    if other_medicines.trips(answers.other_medicines_answer, answers.other_medicines) and not reported_before:
        _report(patient, night, answers.other_medicines_answer, answers.other_medicines, at=at)
        audit.record(by=by, at=at, action="opioid.report", patients=[patient.id], subject=log.id)
    raise_sequence(patient_id=patient.id, clinic_id=patient.clinic_id)
    audit.record(by=by, at=at, action="night.save", patients=[patient.id], subject=log.id)
    return log


def report_listed(*, patient: Patient, medicine_id: uuid.UUID, words: str, by: Actor, at: datetime) -> OpioidReport:
    """Trip as a patient's own yes does: an opioid stands on the medicine list. The caller holds the patient's row."""
    report = _report(patient, night_of(at, patient.zone), OpioidReport.LISTED, words, medicine_id, at=at)
    raise_sequence(patient_id=patient.id, clinic_id=patient.clinic_id)
    audit.record(by=by, at=at, action="opioid.listed", patients=[patient.id], subject=report.id)
    return report


def _report(
    patient: Patient, night: date, answer: str, words: str, medicine_id: uuid.UUID | None = None, *, at: datetime
) -> OpioidReport:
    return OpioidReport.objects.create(
        clinic_id=patient.clinic_id,
        patient=patient,
        night=night,
        answer=answer,
        words=words,
        medicine_id=medicine_id,
        at=at,
    )


def _may_tell(by: Actor, patient: Patient) -> bool:
    """The patient, a carer whose grant says log (the door has seen that it is in force), or a member who writes down
    what the patient tells by telephone.
    """
    if by.kind == Kind.MEMBER:
        return by.clinic_id == patient.clinic_id and policy.may(by, policy.Permission.LOG_BY_PHONE)
    if by.patient_id != patient.id:
        return False
    return by.kind == Kind.PATIENT or (by.kind == Kind.CARER and by.rights == CareGrant.Rights.LOG)


def _of_conditions(patient: Patient, log: SymptomLog | None, given: Mapping[str, int]) -> dict[str, int]:
    """The condition answers as they are kept: the given ones, with those told before to what is asked no longer."""
    told = log.condition_answers if log else {}
    if not given and not told:
        return {}
    asked = condition_items.of_conditions(patients_selectors.conditions_of_many([patient.id])[patient.id])
    codes = {item.code for item in asked}
    return condition_items.checked(given, asked) | {code: told[code] for code in told if code not in codes}


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


OLDEST_PAPER = timedelta(days=366)
"""How long ago a questionnaire may have been filled in on paper that the clinic puts on record."""


@transaction.atomic
def save_assessment(
    *, patient: Patient, instrument: str, answers: Mapping[str, int], on: date, by: Actor, at: datetime
) -> Assessment:
    """Put a filled-in questionnaire on record, as the patient, a helper who may log, or a member for the patient.

    `answers` are numbers by item code; items left out have none. The same answers for the same day again change
    nothing. Raises `Refused` for an instrument without cleared rights, an answer it does not have, none at all, a day
    that is not the patient's own or not within reach, and whoever may not.
    """
    form = instrument_files.find(instrument)
    if form is None:
        raise Refused("There is no such questionnaire. Nothing was saved.")
    given_by = _given_by(by, patient, form)
    # One row to lock, there before the first questionnaire is: two taps must come one after the other.
    known = Patient.objects.select_for_update(no_key=True).get(id=patient.id, clinic_id=patient.clinic_id)
    if known.care_ended_at is not None:
        raise Refused("The care of this patient has ended here. Nothing was saved.")
    _check_day(on, known, given_by, at=at)
    given = scoring.checked(form, answers)
    if not given:
        raise Refused("Nothing is answered yet. Answer what you can, then save.")
    newest = Assessment.objects.filter(patient=patient, instrument=form.id, on=on).order_by("-at").first()
    if newest is not None and newest.answers == given and newest.form_version == form.version:
        return newest
    scored = scoring.score(form, given)
    row = Assessment.objects.create(
        clinic_id=patient.clinic_id,
        patient=patient,
        instrument=form.id,
        form_version=form.version,
        on=on,
        answers=given,
        score=scored.total,
        item9=scored.crisis,
        given_by=given_by,
        at=at,
        by_id=by.user_id,
        by_label=by.label,
    )
    raise_sequence(patient_id=patient.id, clinic_id=patient.clinic_id)
    audit.record(by=by, at=at, action="assessment.save", patients=[patient.id], subject=row.id)
    return row


def _given_by(by: Actor, patient: Patient, form: Instrument) -> str:
    """Who answers; raises `Refused` for whoever may not."""
    if by.kind == Kind.MEMBER:
        policy.check(by, policy.Permission.RECORD_RESULTS)
        if not patients_selectors.visible_to(by).filter(id=patient.id).exists():
            raise Refused("No patient of yours. Nothing was saved.")
        return Assessment.GivenBy.CLINICIAN
    if not _may_tell(by, patient) or (form.own and by.kind != Kind.PATIENT):
        raise Refused("Only the patient, or somebody they let tell for them, can answer these questions.")
    return Assessment.GivenBy.PATIENT if by.kind == Kind.PATIENT else Assessment.GivenBy.CARER


def _check_day(on: date, patient: Patient, given_by: str, *, at: datetime) -> None:
    today = at.astimezone(patient.zone).date()
    if given_by == Assessment.GivenBy.CLINICIAN:
        if not today - OLDEST_PAPER <= on <= today:
            raise Refused("Choose the day on which it was answered: today or a day of the last twelve months.")
    elif on != today:
        raise Refused("These questions are answered for today.")


@transaction.atomic
def choose_crisis_words(*, locale: str, by: Actor, at: datetime) -> None:
    """Choose whose public numbers are shown to somebody in a crisis; choosing the same again changes nothing."""
    policy.check(by, policy.Permission.PRESCRIBE)
    if locale not in crisis.locales():
        raise Refused("Choose one of these.")
    newest = CrisisChoice.objects.filter(clinic_id=by.clinic_id).order_by("-at").first()
    if newest is not None and newest.locale == locale:
        return
    row = CrisisChoice.objects.create(clinic_id=by.clinic_id, locale=locale, at=at, by_id=by.user_id, by_label=by.label)
    audit.record(by=by, at=at, action="crisis.choose", subject=row.id)
