"""Prescribing a course and changing it: append, ask the engine, rewrite the projection, remember who and why."""

import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import OuterRef, Subquery

from accounts import policy
from accounts import selectors as accounts_selectors
from accounts.actors import Actor, Kind
from audit import services as audit
from common.dose import Dose
from common.dose_limits import check_high_dose
from common.night import Slot, next_dose_on, night_of
from common.refusals import Refused, Stale
from patients import policy as patients_policy
from patients import selectors_screening
from patients.models import Patient
from patients.services import screening as screenings
from patients.services.changed import raise_sequence
from symptoms.models import DoseTaken, OpioidReport
from titration import changes
from titration.engine import by_weight, gate, planner, supply, timeline
from titration.engine.course import (
    Advance,
    Begin,
    Change,
    ChangeProtocol,
    Course,
    Hold,
    Pause,
    Restart,
    Resume,
    Stop,
    StopCause,
    Supersede,
)
from titration.engine.formulation import Formulation
from titration.engine.kinds import kind_of
from titration.engine.planner import CannotBeMade
from titration.engine.protocol import Protocol
from titration.engine.refusals import EngineRefusal
from titration.engine.words import day_in_words
from titration.models import Finding, OpioidReview, PlanChange, Prescription, Procedure, ProtocolVersion, Step
from titration.selectors import courses as courses_selectors
from titration.selectors import procedures as procedures_selectors
from titration.selectors import starting, washout
from titration.selectors.procedures import Wanted
from titration.services import findings, watching
from titration.services import supply as supply_services

EARLIEST_START = timedelta(days=7)
LATEST_START = timedelta(days=180)
LONGEST_HOLD_DAYS = 90
FOR_A_PROCEDURE = "Procedure on {on}"
HOW_TO_LIFT = "To begin all the same, a prescriber sets the alert aside on the patient's page, with the reason."
OPIOID_REFUSALS = {
    "yes": (
        "This cannot be signed: an opioid in the last 14 days, or one that is planned, can bring on withdrawal. "
        "Prescribe when the patient has been free of opioids for long enough."
    ),
    "unknown": (
        "This cannot be signed until the opioid question is answered with no. "
        "Ask the patient about painkillers, cough and diarrhoea medicines, and planned operations."
    ),
}


def check_new_course(
    *,
    patient: Patient,
    protocol: Protocol,
    start_on: date,
    capsule_strength: Dose,
    opioid_answer: str,
    at: datetime,
    slot: Slot = Slot.BEDTIME,
    awaiting: bool = False,
    first_dose: Dose | None = None,
    target: Dose | None = None,
    formulation: Formulation | None = None,
    washout_reason: str = "",
) -> Course:
    """The course as it would be signed, or `Refused` with the sentence that says what stands in its way.

    `washout_reason` says why an opioid on the list of medicines is not waited for. `first_dose` is that of a patient
    who takes it already; `start_on` is then the day it was last changed, and may be long ago. The preview and the
    signing ask the same question.
    """
    if patient.care_ended_at is not None:
        raise Refused("The care of this patient has ended. Take it up again before prescribing.")
    if opioid_answer != "no":
        raise Refused(OPIOID_REFUSALS.get(opioid_answer, OPIOID_REFUSALS["unknown"]))
    today = at.astimezone(patient.zone).date()
    check_start(start_on, today=today, first_dose=first_dose)
    if courses_selectors.opioid_report_open([patient.id]):
        raise Refused("The patient reported an opioid and nobody has answered it. Answer the report first.")
    procedures_selectors.check_none_ahead(patient)
    if courses_selectors.open_prescription(patient) is not None:
        raise Refused("This patient already has an open plan. Stop it before prescribing a new one.")
    screened = selectors_screening.screening_of(patient)
    patients_policy.check_screened(screened, taking_already=first_dose is not None)
    course = Course(protocol, start_on, first_dose=first_dose, awaiting=awaiting, target=target, time_of_day=slot)
    check_washout(patient, _asked_from(course, at, patient), reason=washout_reason, at=at)
    check_course(course, formulation or Formulation.capsules(capsule_strength), today=today)
    return course


def _asked_from(course: Course, at: datetime, patient: Patient) -> date:
    """The day that opioids are asked about: the first dose's; of who takes it already, today."""
    return course.start_on if course.first_dose is None else at.astimezone(patient.zone).date()


class NotWashedOut(Refused):
    """Refused because of an opioid on the list of medicines. A reason and a second confirmation go past it.

    `waits` says what is waited for.
    """

    def __init__(self, sentence: str, waits: str = "") -> None:
        super().__init__(sentence)
        self.waits = waits


def check_washout(patient: Patient, start_on: date, *, reason: str, at: datetime) -> None:
    """Raise `NotWashedOut` where an opioid on the list is not waited for and nobody says why (R01)."""
    found = washout.obstacles(patient, start_on=start_on, at=at)
    if found and not reason.strip():
        told = " ".join(obstacle.sentence for obstacle in found)
        raise NotWashedOut(f"{told} To begin all the same, say why.", waits=told)


def check_start(start_on: date, *, today: date, first_dose: Dose | None) -> None:
    """Raise `Refused` where a plan may not count from this day; `first_dose` is that of who takes it already."""
    if first_dose is not None and start_on > today:
        raise Refused("Who takes it already has been at this dose since today or earlier.")
    if first_dose is None and start_on < today - EARLIEST_START:
        raise Refused("The start is more than a week ago. Choose a date from a week ago on.")
    if start_on > today + LATEST_START:
        raise Refused("The start is more than half a year ahead. Choose an earlier date.")


def check_course(course: Course, formulation: Formulation, *, today: date) -> None:
    """Raise `Refused` unless whoever's course this is could take it as it stands, made of this."""
    if course.protocol.is_split and course.time_of_day is not Slot.SPLIT:
        raise Refused("This template halves each day's dose. Choose half in the morning and half at bedtime.")
    check_makeable(course, formulation, since=today)


def check_makeable(course: Course, formulation: Formulation, *, since: date) -> None:
    """Raise `CannotBeMade`, its sentence with what can be, unless every dose ahead can be made of this."""
    ahead = [segment for segment in timeline.plan(course) if segment.to_on is None or segment.to_on > since]
    doses = [(segment.dose, segment.time_of_day) for segment in ahead if segment.dose is not None]
    try:
        planner.check_makeable(doses, formulation)
    except CannotBeMade as no:
        raise CannotBeMade(f"{no.sentence} {no.offer}", no.nearest, in_halves=no.in_halves) from no


def check_confirmed(course: Course, *, confirmed: bool) -> None:
    """Raise `Refused` where the course goes to a dose so high that its prescriber says a second time that it is meant.

    Why a dose is high the template says: none is made without.
    """
    highest = max(step.dose for step in supply.steps(timeline.plan(course)))
    check_high_dose(highest, reason=course.protocol.label, confirmed=confirmed)


@transaction.atomic
def prescribe(
    *,
    patient: Patient,
    protocol_version: ProtocolVersion,
    start_on: date,
    slot: Slot,
    capsule_strength: Dose,
    mode: str,
    opioid_answer: str,
    by: Actor,
    at: datetime,
    awaiting: bool = False,
    first_dose: Dose | None = None,
    taking_since: date | None = None,
    target: Dose | None = None,
    weight_kg: Decimal | None = None,
    confirmed: bool = False,
    formulation: Formulation | None = None,
    washout_reason: str = "",
    washout_confirmed: bool = False,
) -> Prescription:
    """Sign a course. The protocol is kept with it as it stands today; one that goes by weight, as it is for
    `weight_kg`. `confirmed` says a second time that a dose above 6 mg is meant; `formulation` is what the doses are
    made of where that is more than capsules of one strength. `washout_reason` says why an opioid on the list is not
    waited for, and `washout_confirmed` says so a second time; without an opioid neither is kept. Who takes it already
    may come without a screening, and the record then says so.
    """
    policy.check(by, policy.Permission.PRESCRIBE)
    # The row as it is now that it is held: the care of whom the caller loaded may have ended since.
    patient = Patient.objects.select_for_update(no_key=True).get(id=patient.id, clinic_id=patient.clinic_id)
    protocol = Protocol.from_json(protocol_version.body)
    if weight_kg is not None:
        protocol = by_weight.resolved(protocol, weight_kg)
    course = check_new_course(
        patient=patient,
        protocol=protocol,
        start_on=start_on,
        capsule_strength=capsule_strength,
        opioid_answer=opioid_answer,
        at=at,
        slot=slot,
        awaiting=awaiting,
        first_dose=first_dose,
        target=target,
        formulation=formulation,
        washout_reason=washout_reason,
    )
    check_confirmed(course, confirmed=confirmed)
    not_waited_for = washout.obstacles(patient, start_on=_asked_from(course, at, patient), at=at)
    if not_waited_for and not washout_confirmed:
        raise NotWashedOut("Confirm once more that the plan begins although an opioid is not waited for.")
    if taking_since is not None and taking_since > start_on:
        raise Refused("The first dose ever was not after the last change of the dose.")
    if first_dose is not None:
        screenings.waive_if_none(patient=patient, reason=screenings.TAKING_ALREADY, by=by, at=at)
    plain = Formulation.capsules(capsule_strength)
    prescription = Prescription.objects.create(
        clinic_id=patient.clinic_id,
        patient=patient,
        protocol_version=protocol_version,
        protocol_snapshot=protocol.to_json(),
        protocol_fingerprint=protocol.fingerprint(),
        start_on=start_on,
        slot=slot,
        capsule_strength=formulation.strengths[0] if formulation else capsule_strength,
        formulation=formulation.to_json() if formulation and formulation != plain else None,
        mode=mode,
        opioid_answer=opioid_answer,
        washout_reason=washout_reason.strip() if not_waited_for else "",
        awaiting=awaiting,
        first_dose=first_dose,
        taking_since=taking_since,
        target_dose=target,
        signed_at=at,
        signed_by_id=by.user_id,
    )
    _project(prescription, course)
    raise_sequence(patient_id=prescription.patient_id, clinic_id=prescription.clinic_id)
    supply_services.refresh(patient, at=at)
    audit.record(by=by, at=at, action="course.prescribe", patients=[patient.id], subject=prescription.id)
    if not_waited_for:
        details = {"opioids": len(not_waited_for)}
        audit.record(
            by=by,
            at=at,
            action="course.washout_override",
            patients=[patient.id],
            subject=prescription.id,
            details=details,
        )
    return prescription


@transaction.atomic
def change(
    *,
    prescription_id: uuid.UUID,
    change: Change,
    reason: str,
    seen_version: int,
    by: Actor,
    at: datetime,
    protocol_version: ProtocolVersion | None = None,
    correcting: bool = False,
) -> Prescription:
    """Sign one change of a course. Whoever may hold may keep a dose or take none; all else is a prescriber's.

    `protocol_version` is the row of the protocol that a `ChangeProtocol` carries. A correction says what was so in the
    past. What an open procedure asks for then is signed with it.
    """
    keeps = isinstance(change, (Hold, Pause)) and not correcting
    policy.check(by, policy.Permission.HOLD if keeps else policy.Permission.PRESCRIBE)
    prescription = _locked_with_patient(prescription_id, seen_version, by)
    if not reason:
        raise Refused("Say why, so that the next person understands.")
    course, next_on = courses_selectors.course_of(prescription), next_dose_date(prescription, at)
    signed = check_signed(prescription=prescription, change=change, at=at, correcting=correcting)
    asked = procedures_selectors.wanted(signed, prescription.patient, next_on=next_on)
    for count in range(len(course.changes) + 1, len(signed.changes) + 1):
        so_far = replace(signed, changes=signed.changes[:count])
        if so_far.changes[-1] is change:
            _append(
                prescription,
                so_far,
                reason=reason,
                by=by,
                at=at,
                protocol_version=protocol_version,
                correcting=correcting,
            )
        else:
            because = FOR_A_PROCEDURE.format(on=day_in_words(asked[0].procedure.on))
            _append(prescription, so_far, reason=because, by=by, at=at)
    _keep_all_wanted(asked)
    return prescription


def check_signed(*, prescription: Prescription, change: Change, at: datetime, correcting: bool = False) -> Course:
    """The course as signing the change leaves it, or `Refused` with the sentence that says why not: with the pause for
    an open procedure, where the change would let doses be taken into it.

    The preview and the signing ask the same question.
    """
    next_on = next_dose_date(prescription, at)
    changed = check_change(prescription=prescription, change=change, at=at, correcting=correcting, next_on=next_on)
    asked = procedures_selectors.wanted(changed, prescription.patient, next_on=next_on)
    if procedures_selectors.is_paused_for(changed, asked):
        return changed
    signed = procedures_selectors.arranged(changed, asked, next_on=next_on)
    timeline.unfold(signed)
    return signed


def check_change(
    *,
    prescription: Prescription,
    change: Change,
    at: datetime,
    correcting: bool = False,
    next_on: date | None = None,
    round_procedure: bool = False,
) -> Course:
    """The course with the change as it would be signed now, or `Refused` with the sentence that says why not.

    `next_on` is the `next_dose_date`, where the caller knows it. `round_procedure`: the change is what a procedure
    asks for.
    """
    course = courses_selectors.course_of(prescription)
    if isinstance(change, ChangeProtocol):
        _check_goes_over(course, change)
    if isinstance(change, Hold) and change.days is not None and change.days > LONGEST_HOLD_DAYS:
        raise Refused(f"A hold lasts between 1 and {LONGEST_HOLD_DAYS} days.")
    today = next_on or next_dose_date(prescription, at)
    if not round_procedure:
        there = courses_selectors.patient_today(prescription, at=at)
        procedures_selectors.check_not_in_the_way(prescription.patient, course, change, today=there)
        course = _with_room_for(change, course, prescription.patient, next_on=today)
    changed = timeline.check(course, change, today=today, correcting=correcting)
    before, after = timeline.unfold(course), timeline.unfold(changed)
    if isinstance(change, Hold) and before == after:
        held_until = timeline.held_until(before, change.on)
        until = "" if held_until in (None, timeline.FOREVER) else f" until {held_until:%-d %B}"
        raise Refused(f"The dose is already held{until}. A longer hold needs more days.")
    if _raises(before, after, change) and courses_selectors.opioid_report_open([prescription.patient_id]):
        raise Refused("An opioid was reported and the report has not been answered.")
    if not correcting:
        check_makeable(changed, courses_selectors.formulation_of(prescription), since=today)
    return changed


def _with_room_for(change: Change, course: Course, patient: Patient, *, next_on: date) -> Course:
    """The course to make the change to. A pause that only waits for an open procedure keeps nobody from pausing before
    it, or from taking back what they signed: where both cannot stand it is taken back first. `check_signed` puts it
    where it is wanted then.
    """
    place = procedures_selectors.waiting_pause(course, next_on)
    if place is None or not isinstance(change, (Pause, Supersede)) or not procedures_selectors.open_procedures(patient):
        return course
    try:
        timeline.unfold(course.changed(change))
    except EngineRefusal:
        return course.changed(Supersede(place))
    return course


def _check_goes_over(course: Course, change: ChangeProtocol) -> None:
    """Raise `Refused` where a plan may not go over to this template, but only begin by it."""
    if change.protocol.conditions:
        # The gate asks what the template signed under asks: one that asks first begins a plan of its own.
        raise Refused(f"{change.protocol.label} asks before a step. Stop this plan and prescribe by it anew.")
    slot = courses_selectors.slot_on(timeline.unfold(course), change.on)
    if change.protocol.is_split and slot is not Slot.SPLIT:
        raise Refused(f"{change.protocol.label} halves each day's dose. Change the time of day to halves first.")


def _raises(before: timeline.Timeline, after: timeline.Timeline, change: Change) -> bool:
    """Whether the change lets more be taken on its first day, or on any day after, than would be without it."""
    if isinstance(change, (Resume, Restart, Supersede)):
        return True
    was, now = timeline.dose_on(before, change.on), timeline.dose_on(after, change.on)
    return now is not None and (was is None or now > was)


@transaction.atomic
def begin(*, prescription_id: uuid.UUID, on: date, seen_version: int | None, by: Actor, at: datetime) -> Prescription:
    """The first dose of a course that waited for its medicine, told by the clinic or by the patient's first log."""
    if by.kind not in (Kind.PATIENT, Kind.CARER):
        policy.check(by, policy.Permission.HOLD)
    prescription = _locked_with_patient(prescription_id, seen_version, by)
    changed = check_begin(prescription=prescription, on=on, at=at)
    prescription.begun_on = on
    _append(prescription, changed, reason="", by=by, at=at)
    return prescription


def check_begin(*, prescription: Prescription, on: date, at: datetime) -> Course:
    """The course begun on a day, or `Refused`. The preview and the signing ask the same question."""
    today = courses_selectors.patient_today(prescription, at=at)
    if not today - EARLIEST_START <= on <= today + LATEST_START:
        raise Refused("The first dose is at most a week ago, and at most half a year ahead.")
    if courses_selectors.opioid_report_open([prescription.patient_id]):
        raise Refused("An opioid was reported and the report has not been answered.")
    check_may_begin(prescription, on=on, at=at)
    course = courses_selectors.course_of(prescription)
    try:
        procedures_selectors.check_not_in_the_way(prescription.patient, course, Begin(on), today=today)
    except Refused as no:
        raise MayNotBegin(no.sentence) from no
    return timeline.check(course, Begin(on), today=today)


class MayNotBegin(Refused):
    """Refused because of what a rule, or an open procedure, holds against a first dose. It is lifted where it stands,
    never here.
    """


def check_may_begin(prescription: Prescription, *, on: date, at: datetime) -> None:
    """Raise `MayNotBegin` while a START finding stands: an opioid listed since, its days, a stop of the screening.

    The override is a prescriber's, with a reason: by a decision on the screening, or by setting the alert aside
    (clinical facts 2.1 and 2.3, R00, R01, R17, R19, R23).
    """
    found = starting.against(prescription, on=on, at=at)
    if found:
        told = " ".join(dict.fromkeys(one.sentence for one in found))
        raise MayNotBegin(f"No first dose yet. {told} {HOW_TO_LIFT}")


@transaction.atomic
def hold(
    *, prescription_id: uuid.UUID, days: int, reason: str, seen_version: int, by: Actor, at: datetime
) -> Prescription:
    """Keep the dose for so many days from tonight's on; later steps move by as many."""
    prescription = _locked(prescription_id, seen_version, by)
    return change(
        prescription_id=prescription_id,
        change=hold_from(prescription=prescription, days=days, at=at),
        reason=reason,
        seen_version=seen_version,
        by=by,
        at=at,
    )


def hold_from(*, prescription: Prescription, days: int, at: datetime) -> Hold:
    """The hold as it would be signed now: from the next dose nobody has told of."""
    if not 1 <= days <= LONGEST_HOLD_DAYS:
        raise Refused(f"A hold lasts between 1 and {LONGEST_HOLD_DAYS} days.")
    course = courses_selectors.course_of(prescription)
    return Hold(max(next_dose_date(prescription, at), course.start_on), days)


def check_hold(*, prescription: Prescription, days: int, at: datetime) -> Hold:
    """The hold as it would be signed now, or `Refused`. The preview and the signing ask the same question."""
    hold = hold_from(prescription=prescription, days=days, at=at)
    check_change(prescription=prescription, change=hold, at=at, next_on=hold.on)
    return hold


@transaction.atomic
def advance(
    *,
    prescription_id: uuid.UUID,
    reason: str,
    seen_version: int,
    by: Actor,
    at: datetime,
    early: bool = False,
) -> Prescription:
    """Let the next step happen. What the gate holds against it must be overridable, and then needs a reason.

    `early` steps before the time; that is always a person's, and says why.
    """
    if by.kind != Kind.SYSTEM or early:
        policy.check(by, policy.Permission.PRESCRIBE)
    prescription = _locked_with_patient(prescription_id, seen_version, by)
    # What was told a moment ago, and what a new date brings, is judged before the gate is asked.
    findings.judge(patient_id=prescription.patient_id, clinic_id=prescription.clinic_id, at=at)
    verdict = courses_selectors.gate_of(prescription, at=at, early=early)
    if not isinstance(verdict, gate.Open):
        against = verdict.reasons if isinstance(verdict, gate.Blocked) else (verdict.reason,)
        if by.kind == Kind.SYSTEM or not verdict.overridable:
            raise Refused(next((why.sentence for why in against if not why.overridable), against[0].sentence))
        if not reason:
            raise Refused(f"{' '.join(why.sentence for why in against)} To step all the same, say why.")
    if early and not reason:
        raise Refused("A step before its time says why.")
    change = check_advance(prescription=prescription, at=at, early=early)
    course = courses_selectors.course_of(prescription)
    _append(prescription, course.changed(change), reason=reason, by=by, at=at, verdict=verdict)
    return prescription


def check_advance(*, prescription: Prescription, at: datetime, early: bool = False) -> Advance:
    """The step as it would be signed now, or `Refused` where there is none. The gate is asked apart from this."""
    course = courses_selectors.course_of(prescription)
    due = timeline.next_step(course)
    if due is not None and not early:
        return Advance(due.rung, _effective_on(prescription, due, at))
    rung = timeline.next_rung(course)
    if rung is None or not early:
        raise Refused("There is no higher step to go to.")
    change = Advance(rung, next_dose_date(prescription, at), early=True)
    changed = timeline.check(course, change, today=change.on)
    check_makeable(changed, courses_selectors.formulation_of(prescription), since=change.on)
    return change


@transaction.atomic
def stop(
    *,
    prescription_id: uuid.UUID,
    reason: str,
    seen_version: int | None,
    by: Actor,
    at: datetime,
    cause: StopCause = StopCause.DECIDED,
) -> Prescription:
    """End the course from the next dose on; without a seen version, whatever it has become meanwhile."""
    policy.check(by, policy.Permission.PRESCRIBE)
    prescription = _locked(prescription_id, seen_version, by)
    _stop(prescription, reason=reason, by=by, at=at, cause=cause)
    return prescription


@transaction.atomic
def answer_opioid_report(*, report: OpioidReport, outcome: str, reason: str, by: Actor, at: datetime) -> OpioidReview:
    """Put the clinic's answer to an opioid report on record: carry on, or stop the course with it."""
    policy.check(by, policy.Permission.ANSWER_OPIOID_REPORT)
    if not reason:
        raise Refused("Say what you found out, so that the next person understands the answer.")
    # The plan before the patient, whom judging holds: in this order it is changed everywhere.
    open_ones = Prescription.objects.select_for_update(of=("self",), no_key=True).select_related("patient")
    current = open_ones.filter(
        patient_id=report.patient_id, clinic_id=report.clinic_id, state__in=Prescription.OPEN_STATES
    ).first()
    # So that what it answers is on record, also where no worker has come yet.
    findings.judge(patient_id=report.patient_id, clinic_id=report.clinic_id, at=at)
    try:
        with transaction.atomic():
            review = OpioidReview.objects.create(
                clinic_id=report.clinic_id, report=report, outcome=outcome, reason=reason, at=at, by_id=by.user_id
            )
    except IntegrityError as error:
        raise Stale("Somebody has answered this report already. Look at the patient's page again.") from error
    if outcome == OpioidReview.Outcome.STOPPED and current is not None:
        _stop(current, reason=reason, by=by, at=at)
    raise_sequence(patient_id=report.patient_id, clinic_id=report.clinic_id)
    audit.record(by=by, at=at, action=f"opioid.{outcome}", patients=[report.patient_id], subject=report.id)
    stopped = current.changes.order_by("-number").first() if outcome == review.Outcome.STOPPED and current else None
    findings.answered_elsewhere(
        patient=report.patient, answers=lambda one: _is_about(one, report), by=by, at=at, change=stopped
    )
    return review


def _is_about(finding: Finding, report: OpioidReport) -> bool:
    """Whether an alert is the one that this report raised: of its night, or of the line it was written for."""
    if finding.rule != "R02":
        return False
    if report.answer == OpioidReport.LISTED:
        return finding.part == "listed" and finding.data.get("medicine") == report.words
    return finding.part != "listed" and finding.data.get("night") == report.night.isoformat()


def planned_due(*, clinic_id: uuid.UUID, at: datetime) -> list[Prescription]:
    """Courses left to the system whose next step may be appended now.

    A step waits for the noon at which the last night before its dose is over, so that what was told of that night
    still counts: the noon of its own day at bedtime, the noon of the day before in the morning.
    """
    found = Prescription.objects.filter(
        clinic_id=clinic_id,
        state__in=Prescription.OPEN_STATES,
        mode=Prescription.Mode.PLANNED,
        next_due_on__lte=at.date() + timedelta(days=2),
    ).select_related("patient")
    # Read from the steps, not from the course: one that cannot be read must not keep the others from theirs.
    in_force = Step.objects.filter(prescription=OuterRef("pk"), from_on__lte=OuterRef("next_due_on"))
    found = found.annotate(slot_then=Subquery(in_force.order_by("-from_on").values("time_of_day")[:1]))
    return [
        p
        for p in found
        if p.next_due_on and p.next_due_on <= night_of(at, p.patient.zone) + _NOONS_BEFORE[Slot(p.slot_then)]
    ]


_NOONS_BEFORE = {Slot.BEDTIME: timedelta(0), Slot.MORNING: timedelta(days=1), Slot.SPLIT: timedelta(days=1)}


def stop_for_good(prescription: Prescription, *, cause: StopCause, reason: str, by: Actor, at: datetime) -> None:
    """Stop whatever the course has become meanwhile, in the caller's transaction: the clinic's care has ended."""
    _stop(_locked(prescription.id, None, by), reason=reason, by=by, at=at, cause=cause)


def arrange_pause(prescription: Prescription, *, reason: str, by: Actor, at: datetime) -> None:
    """Work out anew from which day on no dose is taken before each open procedure, and put the pause there: in the
    caller's transaction, which holds the course and its patient.
    """
    course, next_on = courses_selectors.course_of(prescription), next_dose_date(prescription, at)
    asked = procedures_selectors.wanted(course, prescription.patient, next_on=next_on)
    _keep_all_wanted(asked)
    for change in procedures_selectors.arranged(course, asked, next_on=next_on).changes[len(course.changes) :]:
        changed = check_change(prescription=prescription, change=change, at=at, round_procedure=True)
        _append(prescription, changed, reason=reason, by=by, at=at)


def _keep_all_wanted(asked: Iterable[Wanted]) -> None:
    for one in asked:
        keep_wanted(one.procedure, no_dose_from_on=one.since_on, last_dose_on=one.last_dose_on, in_time=one.in_time)


def keep_wanted(
    procedure: Procedure, *, no_dose_from_on: date | None, last_dose_on: date | None, in_time: bool
) -> None:
    """Write beside a procedure what it asks of the plan."""
    Procedure.objects.filter(id=procedure.id, patient=procedure.patient_id).update(
        no_dose_from_on=no_dose_from_on, last_dose_on=last_dose_on, in_time=in_time
    )


def _stop(
    prescription: Prescription, *, reason: str, by: Actor, at: datetime, cause: StopCause = StopCause.DECIDED
) -> None:
    if not reason:
        raise Refused("Say why the plan is stopped.")
    course = courses_selectors.course_of(prescription)
    prescription.state, prescription.stopped_at = Prescription.State.STOPPED, at
    stopping = stop_from(prescription=prescription, at=at, cause=cause)
    _append(prescription, course.changed(stopping), reason=reason, by=by, at=at)


def stop_from(*, prescription: Prescription, at: datetime, cause: StopCause = StopCause.DECIDED) -> Stop:
    """The stop as it would be signed now: from the next dose nobody has told of."""
    return Stop(next_dose_date(prescription, at), cause)


def _locked(prescription_id: uuid.UUID, seen_version: int | None, by: Actor) -> Prescription:
    """The course, locked, if it is still as the person saw it and still open."""
    prescription = (
        Prescription.objects.select_for_update(of=("self",), no_key=True)
        .select_related("patient")
        .get(id=prescription_id, clinic_id=by.clinic_id)
    )
    if seen_version is not None and prescription.version != seen_version:
        raise Stale(_who_changed_it(prescription, by))
    if prescription.state not in Prescription.OPEN_STATES:
        raise Refused("This plan has been stopped. A new one has to be prescribed.")
    return prescription


def _locked_with_patient(prescription_id: uuid.UUID, seen_version: int | None, by: Actor) -> Prescription:
    """The same, and the patient with it. A night is saved under that lock: what it tells, an opioid say, is either
    known to the change or told after it.
    """
    prescription = _locked(prescription_id, seen_version, by)
    Patient.objects.select_for_update(no_key=True).get(id=prescription.patient_id, clinic_id=prescription.clinic_id)
    return prescription


def _who_changed_it(prescription: Prescription, by: Actor) -> str:
    last = prescription.changes.order_by("-number").first()
    if last is None:
        return "This plan has changed since you opened the page. Look again before you decide."
    zone = accounts_selectors.clinic_of(by).zone
    return (
        f"Changed by {last.by_label} at {last.at.astimezone(zone):%H:%M on %-d %B}: {last.get_kind_display().lower()}. "
        "Nothing of yours was saved. Look again before you decide."
    )


def _slot_now(prescription: Prescription, at: datetime) -> Slot:
    in_force = timeline.unfold(courses_selectors.course_of(prescription))
    return courses_selectors.slot_on(in_force, courses_selectors.patient_today(prescription, at=at))


def _dose_recorded(prescription: Prescription, on: date, slot: Slot) -> bool:
    return (
        DoseTaken.objects.filter(patient_id=prescription.patient_id, plan_date=on, slot=slot)
        .exclude(taken=DoseTaken.Taken.NOT_YET)
        .exists()
    )


def next_dose_date(prescription: Prescription, at: datetime) -> date:
    """The plan date of the next dose nobody has told of: tonight's, or the one after it."""
    slot = _slot_now(prescription, at)
    on = next_dose_on(at, prescription.patient.zone, slot)
    return on + timedelta(days=1) if _dose_recorded(prescription, on, slot) else on


def _effective_on(prescription: Prescription, due: timeline.Due, at: datetime) -> date:
    today, slot = courses_selectors.patient_today(prescription, at=at), _slot_now(prescription, at)
    return gate.effective_on(
        due_on=due.on,
        today=today,
        slot=slot,
        recorded_today=_dose_recorded(prescription, today, slot),
    )


def _append(
    prescription: Prescription,
    changed: Course,
    *,
    reason: str,
    by: Actor,
    at: datetime,
    verdict: gate.Verdict | None = None,
    protocol_version: ProtocolVersion | None = None,
    correcting: bool = False,
) -> None:
    """Record the last change of this course, rewrite what follows from it, and leave the trace."""
    change = changed.changes[-1]
    kind, columns = kind_of(change), changes.columns(change)
    PlanChange.objects.create(
        clinic_id=prescription.clinic_id,
        prescription=prescription,
        number=len(changed.changes),
        kind=kind,
        **{"on": at.astimezone(prescription.patient.zone).date(), **columns},
        protocol_version=protocol_version,
        correction=correcting,
        reason=reason,
        gate=_verdict_record(verdict),
        at=at,
        by_id=by.user_id,
        by_label=by.label,
    )
    prescription.version += 1
    _project(prescription, changed)
    raise_sequence(patient_id=prescription.patient_id, clinic_id=prescription.clinic_id)
    supply_services.refresh(prescription.patient, at=at)
    audit.record(
        by=by, at=at, action=f"course.{kind}", patients=[prescription.patient_id], subject=prescription.id, reason=""
    )


def _verdict_record(verdict: gate.Verdict | None) -> dict[str, Any]:
    match verdict:
        case None:
            return {}
        case gate.Open():
            return {"verdict": "open"}
        case gate.Blocked():
            rules = [why.rule for why in verdict.reasons if why.rule]
            codes = {"verdict": "blocked", "codes": [why.code for why in verdict.reasons]}
            return {**codes, "rules": rules} if rules else codes
        case gate.Unknown():
            return {"verdict": "unknown", "codes": [verdict.reason.code]}


def _project(prescription: Prescription, course: Course) -> None:
    """Write the steps and the next due date that follow from the course.

    Rows that are as they were stay untouched, so the past never moves; the first that differs is cut or lengthened in
    place, later ones are replaced.
    """
    wanted = timeline.unfold(course)
    have = list(Step.objects.filter(prescription=prescription).order_by("from_on"))
    same = 0
    while same < min(len(wanted), len(have)) and _agrees(have[same], wanted[same]):
        same += 1
    if same < min(len(wanted), len(have)) and _agrees(have[same], wanted[same], but_end=True):
        prescription.steps.filter(id__in=[step.id for step in have[same + 1 :]]).delete()
        prescription.steps.filter(id=have[same].id).update(to_on=wanted[same].to_on)
        same += 1
    else:
        prescription.steps.filter(id__in=[step.id for step in have[same:]]).delete()
    Step.objects.bulk_create(_step(prescription, segment) for segment in wanted[same:])
    due = timeline.next_step(course)
    prescription.next_due_on, prescription.next_dose = (due.on, due.dose) if due else (None, None)
    prescription.best_dose = timeline.best_dose(course) or prescription.best_dose
    prescription.save(
        update_fields=["state", "stopped_at", "version", "begun_on", "best_dose", "next_due_on", "next_dose"]
    )
    watching.project(prescription, course)


def _agrees(step: Step, segment: timeline.Segment, *, but_end: bool = False) -> bool:
    wanted = _columns(segment)
    to_on = wanted.pop("to_on")
    return all(getattr(step, name) == value for name, value in wanted.items()) and (but_end or step.to_on == to_on)


def _step(prescription: Prescription, segment: timeline.Segment) -> Step:
    return Step(
        clinic_id=prescription.clinic_id,
        patient_id=prescription.patient_id,
        prescription=prescription,
        prescription_version=prescription.version,
        **_columns(segment),
    )


def _columns(segment: timeline.Segment) -> dict[str, Any]:
    cycle = segment.cycle
    return {
        "from_on": segment.from_on,
        "to_on": segment.to_on,
        "dose": segment.dose,
        "rung": segment.rung,
        "state": segment.state.value,
        "time_of_day": segment.time_of_day.value,
        "cycle_from_on": cycle.from_on if cycle else None,
        "days_on": cycle.days_on if cycle else None,
        "days_off": cycle.days_off if cycle else None,
    }
