"""Procedures: entered, moved, cancelled and over. Each keeps the plan's pause where the procedure wants it."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db import transaction

from accounts import policy
from accounts.actors import Actor, Kind
from accounts.models import Clinic
from audit import services as audit
from common.refusals import Refused, Stale
from patients import selectors as patients_selectors
from patients.models import CareGrant, Patient
from patients.services.changed import raise_sequence
from patients.services.knowing import check_in_care
from symptoms.models import DoseTaken
from titration import papers, typesetting
from titration.engine import procedure as engine
from titration.engine import timeline
from titration.engine.words import day_in_words
from titration.models import Prescription, Procedure, ProcedureDay
from titration.selectors import courses as courses_selectors
from titration.selectors import procedures as procedures_selectors
from titration.selectors import rules as rules_selectors
from titration.services import courses
from titration.services.papers import Printed

LONGEST_PAST = timedelta(days=30)
LONGEST_AHEAD = timedelta(days=732)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the clinic knows of a procedure; `time` by the patient's clock, None where only its day is known."""

    on: date
    time: time | None
    words: str
    opioids_expected: str
    hours: int = engine.USUAL_HOURS


@transaction.atomic
def enter(*, patient: Patient, asked: Asked, by: Actor, at: datetime) -> Procedure:
    """Put a procedure on record and pause the open plan from the first dose that would be too late, until somebody
    restarts it. Where that dose is past, from the next one on. Raises `Refused` for a day out of reach.
    """
    policy.check(by, policy.Permission.HOLD)
    current, known = _locked(patient.id, by)
    check_in_care(known)
    _check(asked, known, at=at)
    procedure = Procedure.objects.create(
        clinic_id=known.clinic_id,
        patient=known,
        recorded_at=at,
        recorded_by_id=by.user_id,
        days_needed=rules_selectors.rules_of(known.clinic_id).book.count("after_procedure_days"),
        **vars(asked),
    )
    _arrange(current, known, reason=courses.FOR_A_PROCEDURE.format(on=day_in_words(asked.on)), by=by, at=at)
    _leave_trace(procedure, "procedure.enter", by=by, at=at)
    return Procedure.objects.get(id=procedure.id, patient=known)


@transaction.atomic
def move(*, procedure_id: uuid.UUID, asked: Asked, seen_version: int, by: Actor, at: datetime) -> Procedure:
    """Correct what is known of it. A pause that has not begun moves with the day; one that has goes on."""
    policy.check(by, policy.Permission.PRESCRIBE)
    current, procedure = _open(procedure_id, seen_version, by)
    _check(asked, procedure.patient, at=at)
    for name, value in vars(asked).items():
        setattr(procedure, name, value)
    _save(procedure)
    _arrange(current, procedure.patient, reason=f"Procedure now on {day_in_words(asked.on)}", by=by, at=at)
    _leave_trace(procedure, "procedure.move", by=by, at=at)
    return Procedure.objects.get(id=procedure.id, patient=procedure.patient)


@transaction.atomic
def cancel(*, procedure_id: uuid.UUID, reason: str, seen_version: int, by: Actor, at: datetime) -> Procedure:
    """It will not happen. A pause that has not begun is taken back; one that has goes on until somebody restarts."""
    policy.check(by, policy.Permission.PRESCRIBE)
    current, procedure = _open(procedure_id, seen_version, by)
    if not reason:
        raise Refused("Say why, so that the next person understands.")
    procedure.cancelled_at, procedure.reason = at, reason
    _save(procedure)
    _arrange(current, procedure.patient, reason=f"Procedure cancelled: {reason}", by=by, at=at)
    _leave_trace(procedure, "procedure.cancel", by=by, at=at)
    return procedure


@transaction.atomic
def tell_day(*, patient: Patient, opioid: bool, by: Actor, at: datetime) -> ProcedureDay:
    """Whether an opioid was taken today, after a procedure; told by the patient or a helper who may log."""
    if by.patient_id != patient.id or not (
        by.kind == Kind.PATIENT or (by.kind == Kind.CARER and by.rights == CareGrant.Rights.LOG)
    ):
        raise Refused("Only the patient, or somebody they let tell for them, can answer this.")
    known = Patient.objects.select_for_update(no_key=True).get(id=patient.id, clinic_id=patient.clinic_id)
    today = at.astimezone(known.zone).date()
    stands = procedures_selectors.standing(known, today=today)
    if stands is None or not stands.has_come:
        raise Refused("There is no procedure of the last days to answer for.")
    procedure = stands.procedure
    row = ProcedureDay.objects.create(
        clinic_id=known.clinic_id, procedure=procedure, on=today, opioid=opioid, at=at, by_id=by.user_id
    )
    _save(procedure)
    _leave_trace(procedure, "procedure.day", by=by, at=at)
    return row


@dataclass(frozen=True, kw_only=True)
class Over:
    """What was taken round a procedure, as the clinic found out. `since_on` None where no opioid was taken at all."""

    opioids_taken: bool
    since_on: date | None
    short_course: bool = True
    days_needed: int | None = None
    reason: str = ""


@transaction.atomic
def finish(*, procedure_id: uuid.UUID, over: Over, seen_version: int, by: Actor, at: datetime) -> Procedure:
    """Say that a procedure is over, so that the plan may be restarted: once the opioid-free days are.

    Fewer of them than the clinic usually asks for say why. Restarting is a deed of its own, at the dose the gap allows.
    """
    policy.check(by, policy.Permission.PRESCRIBE)
    _, procedure = _open(procedure_id, seen_version, by)
    today = at.astimezone(procedure.patient.zone).date()
    check_over(procedure, over, today=today)
    procedure.opioids_taken, procedure.short_course = over.opioids_taken, over.short_course
    procedure.opioid_free_since_on = over.since_on
    procedure.days_needed = over.days_needed or procedure.days_needed
    procedure.done_at, procedure.reason = at, over.reason
    _save(procedure)
    _leave_trace(procedure, "procedure.finish", by=by, at=at)
    return procedure


def check_over(procedure: Procedure, over: Over, *, today: date) -> None:
    """Raise `Refused` with the sentence that says why it is not over yet."""
    if today < procedure.on:
        raise Refused("The procedure is still to come. Cancel it if it will not happen.")
    told = procedures_selectors.told_days([procedure])[procedure.id]
    yes = [on for on, opioid in told.items() if opioid]
    if not over.opioids_taken:
        if yes:
            raise Refused(f"The patient told of an opioid on {day_in_words(max(yes))}. Say since when none is taken.")
        return
    if over.since_on is None:
        raise Refused("Say since when no opioid is taken.")
    if over.since_on > today:
        raise Refused("The first day without an opioid is today or earlier.")
    if over.since_on < procedure.on:
        raise Refused(
            "The first day without an opioid is that of the procedure, or later: days before it do not count."
        )
    later = [on for on in yes if on >= over.since_on]
    if later:
        raise Refused(f"The patient told of an opioid on {day_in_words(max(later))}, after that day. Ask once more.")
    usual = procedure.days_needed or engine.SHORT_COURSE_DAYS
    chosen = over.days_needed or usual
    days = engine.days_needed(opioids_taken=True, short_course=over.short_course, chosen=chosen)
    if days < usual and not over.reason:
        raise Refused(f"Fewer than {usual} opioid-free days: say why.")
    restart_on = engine.After(since_on=over.since_on, days=days).restart_on
    if restart_on is not None and today < restart_on:
        raise Refused(f"Not yet: {days} opioid-free days are over on {day_in_words(restart_on)}.")


@transaction.atomic
def print_letter(*, procedure_id: uuid.UUID, by: Actor, at: datetime) -> Printed:
    """The letter for the anaesthetist as a file; printing it is remembered with the file's hash."""
    policy.check(by, policy.Permission.READ_PATIENTS)
    procedure = procedures_selectors.visible_procedure(by, procedure_id)
    if procedure is None:
        raise Refused("No procedure of yours. Nothing was printed.")
    if procedure.cancelled_at is not None:
        raise Refused("This procedure was cancelled. There is no letter to print.")
    patient = procedure.patient
    current = courses_selectors.open_prescription(patient)
    told = DoseTaken.objects.filter(patient=patient, taken=DoseTaken.Taken.TAKEN).order_by("-plan_date", "slot").first()
    clinic = Clinic.objects.get(id=patient.clinic_id)
    data = papers.procedure_letter(
        clinic=papers.Letterhead(name=clinic.name, address=clinic.address, phone=clinic.phone),
        patient=papers.Subject(name=patient.name, born_on=patient.birth_date, record_number=patient.record_number),
        procedure=papers.Operation(
            on=procedure.on,
            time=procedure.time,
            words=procedure.words,
            hours=procedure.hours,
            in_time=procedure.in_time,
        ),
        dose=_dose_before(current, procedure),
        last_planned_on=procedure.last_dose_on,
        last_told=papers.Told(
            on=told.plan_date, dose=told.taken_mg, at=told.taken_at.astimezone(patient.zone) if told.taken_at else None
        )
        if told
        else None,
        on=at.astimezone(clinic.zone).date(),
    )
    body = typesetting.pdf("procedure_letter", data)
    printed = Printed(body, hashlib.sha256(body).hexdigest())
    audit.record(
        by=by,
        at=at,
        action="procedure.letter",
        patients=[patient.id],
        subject=procedure.id,
        details={"sha256": printed.sha256},
    )
    return printed


def _dose_before(current: Prescription | None, procedure: Procedure) -> papers.DoseTold | None:
    """The dose of the last planned day before the procedure, with its time of day."""
    if current is None or procedure.last_dose_on is None:
        return None
    in_force = timeline.unfold(courses_selectors.course_of(current))
    dose = timeline.dose_on(in_force, procedure.last_dose_on)
    slot = courses_selectors.slot_on(in_force, procedure.last_dose_on)
    return papers.DoseTold(dose=dose, slot=slot) if dose is not None else None


def _check(asked: Asked, patient: Patient, *, at: datetime) -> None:
    today = at.astimezone(patient.zone).date()
    if not asked.words.strip():
        raise Refused("Say what kind of procedure it is.")
    engine.check_hours(asked.hours)
    if asked.opioids_expected not in Procedure.Opioids.values:
        raise Refused("Say whether opioids are expected: yes, no or not known.")
    if not today - LONGEST_PAST <= asked.on <= today + LONGEST_AHEAD:
        raise Refused("The day of a procedure is at most a month ago, and at most two years ahead.")


def _arrange(current: Prescription | None, patient: Patient, *, reason: str, by: Actor, at: datetime) -> None:
    """Put the pause where the open procedures want it; without a plan that has begun there is none to put."""
    if current is None or (current.awaiting and current.begun_on is None):
        for one in procedures_selectors.open_procedures(patient):
            courses.keep_wanted(one, no_dose_from_on=None, last_dose_on=None, in_time=True)
        return
    courses.arrange_pause(current, reason=reason, by=by, at=at)


def _locked(patient_id: uuid.UUID, by: Actor) -> tuple[Prescription | None, Patient]:
    """First the plan, then the patient: in this order steps are let happen."""
    open_ones = Prescription.objects.select_for_update(of=("self",), no_key=True).select_related("patient")
    current = open_ones.filter(
        patient_id=patient_id, clinic_id=by.clinic_id, state__in=Prescription.OPEN_STATES
    ).first()
    known = patients_selectors.visible_to(by).select_for_update(of=("self",), no_key=True)
    patient = known.filter(id=patient_id).first()
    if patient is None:
        raise Refused("No patient of yours. Nothing was done.")
    return current, patient


def _open(procedure_id: uuid.UUID, seen_version: int, by: Actor) -> tuple[Prescription | None, Procedure]:
    known = procedures_selectors.visible_procedure(by, procedure_id)
    if known is None:
        raise Refused("No procedure of yours. Nothing was done.")
    current, patient = _locked(known.patient_id, by)
    procedure = Procedure.objects.select_related("patient").get(id=procedure_id, patient=patient)
    if procedure.version != seen_version:
        raise Stale("This procedure was changed while you looked at it. Look again before you decide.")
    if not procedure.is_open:
        raise Refused("This procedure is closed already.")
    return current, procedure


def _save(procedure: Procedure) -> None:
    procedure.version += 1
    procedure.save()


def _leave_trace(procedure: Procedure, action: str, *, by: Actor, at: datetime) -> None:
    raise_sequence(patient_id=procedure.patient_id, clinic_id=procedure.clinic_id)
    audit.record(by=by, at=at, action=action, patients=[procedure.patient_id], subject=procedure.id)
