"""Prescribing a course and changing it: append, ask the engine, rewrite the projection, remember who and why."""

import uuid
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from accounts import policy
from accounts import selectors as accounts_selectors
from accounts.actors import Actor, Kind
from audit import services as audit
from common.dose import Dose
from common.night import Slot, next_dose_on, night_of
from common.refusals import Refused, Stale
from patients.models import Patient
from symptoms.models import DoseTaken, OpioidReport
from titration.engine import gate, supply, timeline
from titration.engine.course import Advance, Course, Hold, Stop
from titration.engine.protocol import Protocol
from titration.models import OpioidReview, PlanChange, Prescription, ProtocolVersion, Step
from titration.selectors import courses as courses_selectors

EARLIEST_START = timedelta(days=7)
LATEST_START = timedelta(days=180)
LONGEST_HOLD_DAYS = 90
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
) -> Course:
    """The course as it would be signed, or `Refused` with the sentence that says what stands in its way.

    The preview and the signing ask the same question.
    """
    if opioid_answer != "no":
        raise Refused(OPIOID_REFUSALS.get(opioid_answer, OPIOID_REFUSALS["unknown"]))
    today = at.astimezone(patient.zone).date()
    if start_on < today - EARLIEST_START:
        raise Refused("The start is more than a week ago. Choose a date from a week ago on.")
    if start_on > today + LATEST_START:
        raise Refused("The start is more than half a year ahead. Choose an earlier date.")
    if courses_selectors.opioid_report_open([patient.id]):
        raise Refused("The patient reported an opioid and nobody has answered it. Answer the report first.")
    if courses_selectors.open_prescription(patient) is not None:
        raise Refused("This patient already has an open plan. Stop it before prescribing a new one.")
    if not protocol.is_plain:
        raise Refused(
            "This template needs more than its steps: a weight, halves, an answer or days off. Choose another."
        )
    course = Course(protocol, start_on)
    supply.schedule(timeline.plan(course), capsule_strength)
    return course


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
) -> Prescription:
    """Sign a course. The protocol is kept with it as it stands today."""
    policy.check(by, policy.Permission.PRESCRIBE)
    Patient.objects.select_for_update(no_key=True).get(id=patient.id, clinic_id=patient.clinic_id)
    protocol = Protocol.from_json(protocol_version.body)
    course = check_new_course(
        patient=patient,
        protocol=protocol,
        start_on=start_on,
        capsule_strength=capsule_strength,
        opioid_answer=opioid_answer,
        at=at,
    )
    prescription = Prescription.objects.create(
        clinic_id=patient.clinic_id,
        patient=patient,
        protocol_version=protocol_version,
        protocol_snapshot=protocol.to_json(),
        protocol_fingerprint=protocol.fingerprint(),
        start_on=start_on,
        slot=slot,
        capsule_strength=capsule_strength,
        mode=mode,
        opioid_answer=opioid_answer,
        signed_at=at,
        signed_by_id=by.user_id,
    )
    _project(prescription, course)
    _raise_sequence(prescription)
    audit.record(by=by, at=at, action="course.prescribe", patients=[patient.id], subject=prescription.id)
    return prescription


@transaction.atomic
def hold(
    *, prescription_id: uuid.UUID, days: int, reason: str, seen_version: int, by: Actor, at: datetime
) -> Prescription:
    """Keep the dose for so many days from tonight's on; later steps move by as many."""
    policy.check(by, policy.Permission.HOLD)
    prescription = _locked(prescription_id, seen_version, by)
    change = check_hold(prescription=prescription, days=days, at=at)
    _append(prescription, courses_selectors.course_of(prescription), change, reason=reason, by=by, at=at)
    return prescription


def check_hold(*, prescription: Prescription, days: int, at: datetime) -> Hold:
    """The hold as it would be signed now, or `Refused`. The preview and the signing ask the same question."""
    if not 1 <= days <= LONGEST_HOLD_DAYS:
        raise Refused(f"A hold lasts between 1 and {LONGEST_HOLD_DAYS} days.")
    course = courses_selectors.course_of(prescription)
    change = Hold(max(_next_dose_date(prescription, at), course.start_on), days)
    timeline.check_hold(course, change)
    before = timeline.unfold(course)
    if timeline.unfold(course.changed(change)) == before:
        held_until = timeline.held_until(before, change.on)
        until = f" until {held_until:%-d %B}" if held_until else ""
        raise Refused(f"The dose is already held{until}. A longer hold needs more days.")
    return change


@transaction.atomic
def advance(*, prescription_id: uuid.UUID, reason: str, seen_version: int, by: Actor, at: datetime) -> Prescription:
    """Let the next step happen. What the gate holds against it must be overridable, and then needs a reason."""
    if by.kind != Kind.SYSTEM:
        policy.check(by, policy.Permission.PRESCRIBE)
    prescription = _locked(prescription_id, seen_version, by)
    # A night is saved under this lock: what it tells is either known to the gate or told after the step.
    Patient.objects.select_for_update(no_key=True).get(id=prescription.patient_id, clinic_id=prescription.clinic_id)
    verdict = courses_selectors.gate_of(prescription, at=at)
    if not isinstance(verdict, gate.Open):
        against = verdict.reasons if isinstance(verdict, gate.Blocked) else (verdict.reason,)
        if by.kind == Kind.SYSTEM or not verdict.overridable:
            raise Refused(next((why.sentence for why in against if not why.overridable), against[0].sentence))
        if not reason:
            raise Refused(f"{' '.join(why.sentence for why in against)} To step all the same, say why.")
    change = check_advance(prescription=prescription, at=at)
    course = courses_selectors.course_of(prescription)
    _append(prescription, course, change, reason=reason, by=by, at=at, verdict=verdict)
    return prescription


def check_advance(*, prescription: Prescription, at: datetime) -> Advance:
    """The step as it would be signed now, or `Refused` where there is none. The gate is asked apart from this."""
    due = timeline.next_step(courses_selectors.course_of(prescription))
    if due is None:
        raise Refused("There is no higher step to go to.")
    return Advance(due.rung, _effective_on(prescription, due, at))


@transaction.atomic
def stop(*, prescription_id: uuid.UUID, reason: str, seen_version: int, by: Actor, at: datetime) -> Prescription:
    """End the course from the next dose on."""
    policy.check(by, policy.Permission.PRESCRIBE)
    prescription = _locked(prescription_id, seen_version, by)
    _stop(prescription, reason=reason, by=by, at=at)
    return prescription


@transaction.atomic
def answer_opioid_report(*, report: OpioidReport, outcome: str, reason: str, by: Actor, at: datetime) -> OpioidReview:
    """Put the clinic's answer to an opioid report on record: carry on, or stop the course with it."""
    policy.check(by, policy.Permission.ANSWER_OPIOID_REPORT)
    if not reason:
        raise Refused("Say what you found out, so that the next person understands the answer.")
    try:
        with transaction.atomic():
            review = OpioidReview.objects.create(
                clinic_id=report.clinic_id, report=report, outcome=outcome, reason=reason, at=at, by_id=by.user_id
            )
    except IntegrityError as error:
        raise Stale("Somebody has answered this report already. Look at the patient's page again.") from error
    current = courses_selectors.open_prescription(report.patient)
    if outcome == OpioidReview.Outcome.STOPPED and current is not None:
        _stop(_locked(current.id, current.version, by), reason=reason, by=by, at=at)
    Patient.objects.filter(id=report.patient_id, clinic_id=report.clinic_id).update(
        change_sequence=F("change_sequence") + 1
    )
    audit.record(by=by, at=at, action=f"opioid.{outcome}", patients=[report.patient_id], subject=report.id)
    return review


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
    ahead = {Slot.BEDTIME: 0, Slot.MORNING: 1, Slot.SPLIT: 1}
    return [
        p
        for p in found
        if p.next_due_on and p.next_due_on <= night_of(at, p.patient.zone) + timedelta(days=ahead[Slot(p.slot)])
    ]


def _stop(prescription: Prescription, *, reason: str, by: Actor, at: datetime) -> None:
    if not reason:
        raise Refused("Say why the plan is stopped.")
    course = courses_selectors.course_of(prescription)
    prescription.state, prescription.stopped_at = Prescription.State.STOPPED, at
    _append(prescription, course, stop_from(prescription=prescription, at=at), reason=reason, by=by, at=at)


def stop_from(*, prescription: Prescription, at: datetime) -> Stop:
    """The stop as it would be signed now: from the next dose nobody has told of."""
    return Stop(_next_dose_date(prescription, at))


def _locked(prescription_id: uuid.UUID, seen_version: int, by: Actor) -> Prescription:
    """The course, locked, if it is still as the person saw it and still open."""
    prescription = (
        Prescription.objects.select_for_update(of=("self",), no_key=True)
        .select_related("patient")
        .get(id=prescription_id, clinic_id=by.clinic_id)
    )
    if prescription.version != seen_version:
        raise Stale(_who_changed_it(prescription, by))
    if prescription.state not in Prescription.OPEN_STATES:
        raise Refused("This plan has been stopped. A new one has to be prescribed.")
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


def _dose_recorded(prescription: Prescription, on: date) -> bool:
    return (
        DoseTaken.objects.filter(patient_id=prescription.patient_id, plan_date=on, slot=prescription.slot)
        .exclude(taken=DoseTaken.Taken.NOT_YET)
        .exists()
    )


def _next_dose_date(prescription: Prescription, at: datetime) -> date:
    """The plan date of the next dose nobody has told of: tonight's, or the one after it."""
    on = next_dose_on(at, prescription.patient.zone, Slot(prescription.slot))
    return on + timedelta(days=1) if _dose_recorded(prescription, on) else on


def _effective_on(prescription: Prescription, due: timeline.Due, at: datetime) -> date:
    today = courses_selectors.patient_today(prescription, at=at)
    return gate.effective_on(
        due_on=due.on,
        today=today,
        slot=Slot(prescription.slot),
        recorded_today=_dose_recorded(prescription, today),
    )


def _append(
    prescription: Prescription,
    course: Course,
    change: Hold | Advance | Stop,
    *,
    reason: str,
    by: Actor,
    at: datetime,
    verdict: gate.Verdict | None = None,
) -> None:
    """Record one change, rewrite what follows from it, and leave the trace."""
    changed = course.changed(change)
    kind, columns = _columns(change)
    PlanChange.objects.create(
        clinic_id=prescription.clinic_id,
        prescription=prescription,
        number=len(course.changes) + 1,
        kind=kind,
        reason=reason,
        gate=_verdict_record(verdict),
        at=at,
        by_id=by.user_id,
        by_label=by.label,
        **columns,
    )
    prescription.version += 1
    _project(prescription, changed)
    _raise_sequence(prescription)
    audit.record(
        by=by, at=at, action=f"course.{kind}", patients=[prescription.patient_id], subject=prescription.id, reason=""
    )


def _columns(change: Hold | Advance | Stop) -> tuple[str, dict[str, Any]]:
    match change:
        case Hold():
            return PlanChange.Kind.HOLD, {"on": change.on, "days": change.days}
        case Advance():
            return PlanChange.Kind.ADVANCE, {"on": change.on, "to_rung": change.to_rung}
        case Stop():
            return PlanChange.Kind.STOP, {"on": change.on}


def _verdict_record(verdict: gate.Verdict | None) -> dict[str, Any]:
    match verdict:
        case None:
            return {}
        case gate.Open():
            return {"verdict": "open"}
        case gate.Blocked():
            return {"verdict": "blocked", "codes": [why.code for why in verdict.reasons]}
        case gate.Unknown():
            return {"verdict": "unknown", "codes": [verdict.reason.code]}


def _raise_sequence(prescription: Prescription) -> None:
    Patient.objects.filter(id=prescription.patient_id, clinic_id=prescription.clinic_id).update(
        change_sequence=F("change_sequence") + 1
    )


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
    prescription.save(update_fields=["state", "stopped_at", "version", "next_due_on", "next_dose"])


def _agrees(step: Step, segment: timeline.Segment, *, but_end: bool = False) -> bool:
    return (step.from_on, step.dose, step.rung, step.state) == (
        segment.from_on,
        segment.dose,
        segment.rung,
        segment.state,
    ) and (but_end or step.to_on == segment.to_on)


def _step(prescription: Prescription, segment: timeline.Segment) -> Step:
    return Step(
        clinic_id=prescription.clinic_id,
        patient_id=prescription.patient_id,
        prescription=prescription,
        prescription_version=prescription.version,
        from_on=segment.from_on,
        to_on=segment.to_on,
        dose=segment.dose,
        rung=segment.rung,
        state=segment.state,
    )
