"""Questions about courses. Patients are reached through `patients.selectors.visible_to` first."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Prefetch, QuerySet
from django.db.models.functions import JSONObject

from accounts.actors import Actor
from common import sealed
from common.dose import Dose
from common.night import Slot, next_dose_on
from patients import selectors as patients_selectors
from patients.models import Patient
from symptoms import scoring
from symptoms.models import REPORT_WORDS, DoseTaken, OpioidReport, SymptomLog
from titration.engine import gate, supply, timeline
from titration.engine.course import Advance, Change, Course, Hold, Stop
from titration.engine.protocol import Protocol
from titration.models import PlanChange, Prescription, ProtocolVersion, Step

MODERATE_OR_WORSE = frozenset({"moderate", "severe"})


def protocols_for(actor: Actor) -> QuerySet[ProtocolVersion]:
    """The templates this actor's clinic may prescribe by: the shared ones, newest version of each."""
    return ProtocolVersion.objects.filter(clinic=None).order_by("code", "-version").distinct("code")


def open_prescription(patient: Patient) -> Prescription | None:
    """The patient's one open course, with its changes."""
    return _with_changes(Prescription.objects.filter(patient=patient, state__in=Prescription.OPEN_STATES)).first()


def prescriptions_of(patient: Patient) -> list[Prescription]:
    """Every course of the patient, newest first, with its changes, in two statements; its steps follow by `unfold`."""
    found = _with_changes(Prescription.objects.filter(patient=patient)).select_related("signed_by")
    prescriptions = list(found.order_by("-signed_at"))
    for prescription in prescriptions:
        prescription.patient = patient
    return prescriptions


def visible_prescriptions(actor: Actor) -> QuerySet[Prescription]:
    """The courses of the patients this actor may know of."""
    return Prescription.objects.filter(patient__in=patients_selectors.visible_to(actor))


def course_of(prescription: Prescription) -> Course:
    """The engine's value of this row: the protocol as it was signed, with every change since, in order."""
    protocol = Protocol.from_json(prescription.protocol_snapshot)
    changes = sorted(prescription.changes.all(), key=lambda change: change.number)
    return Course(protocol, prescription.start_on, tuple(_change(row) for row in changes))


def _change(row: PlanChange) -> Change:
    match row.kind:
        case PlanChange.Kind.HOLD:
            return Hold(row.on, row.days or 0)
        case PlanChange.Kind.ADVANCE:
            return Advance(row.to_rung or 0, row.on)
        case _:
            return Stop(row.on)


def _with_changes(prescriptions: QuerySet[Prescription]) -> QuerySet[Prescription]:
    return prescriptions.prefetch_related(Prefetch("changes", PlanChange.objects.order_by("number")))


class TonightState(StrEnum):
    """What the patient is told about the next dose."""

    NO_PLAN = "no_plan"
    NOT_STARTED = "not_started"
    TAKE = "take"
    STOPPED_BY_REPORT = "stopped_by_report"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True)
class Tonight:
    """The next dose in force. `units` capsules of `strength` make `dose`; both None where no dose is to be taken.

    `waiting_for` is the dose of a step that is due and that nobody has let happen yet.
    """

    state: TonightState
    on: date
    slot: Slot
    dose: Dose | None = None
    units: int | None = None
    strength: Dose | None = None
    start_on: date | None = None
    held_until: date | None = None
    waiting_for: Dose | None = None
    recorded: DoseTaken | None = None


def tonight(patient: Patient, *, at: datetime) -> Tonight:
    """What the patient is to take next, by what is in force now, or why nothing."""
    prescription = open_prescription(patient)
    slot = Slot(prescription.slot) if prescription else Slot.BEDTIME
    on = next_dose_on(at, patient.zone, slot)
    if opioid_report_open([patient.id]):
        return Tonight(state=TonightState.STOPPED_BY_REPORT, on=on, slot=slot)
    if prescription is None:
        return Tonight(state=TonightState.NO_PLAN, on=on, slot=slot)
    return _tonight_of(prescription, on, slot)


def _tonight_of(prescription: Prescription, on: date, slot: Slot) -> Tonight:
    course = course_of(prescription)
    in_force = timeline.unfold(course)
    due = timeline.next_step(course)
    dose = timeline.dose_on(in_force, on if on >= course.start_on else course.start_on)
    if dose is None:
        return Tonight(state=TonightState.ENDED, on=on, slot=slot)
    return Tonight(
        state=TonightState.TAKE if on >= course.start_on else TonightState.NOT_STARTED,
        on=on,
        slot=slot,
        dose=dose,
        units=supply.units(dose, prescription.capsule_strength),
        strength=prescription.capsule_strength,
        start_on=course.start_on,
        held_until=timeline.held_until(in_force, on),
        waiting_for=due.dose if due and due.on <= on and due.dose != dose else None,
        recorded=DoseTaken.objects.filter(patient_id=prescription.patient_id, plan_date=on, slot=slot).first(),
    )


def opioid_report_open(patient_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these patients have an opioid report that the clinic has not answered."""
    reports = OpioidReport.objects.filter(patient_id__in=list(patient_ids), review=None)
    return set(reports.values_list("patient_id", flat=True))


def visible_reports(actor: Actor) -> QuerySet[OpioidReport]:
    """The opioid reports of the patients this actor may know of, answered or not."""
    return OpioidReport.objects.filter(patient__in=patients_selectors.visible_to(actor))


RECORDS_WITH_REPORTS = patients_selectors.RECORDS.annotate(
    open_reports=ArraySubquery(
        OpioidReport.objects.filter(patient=OuterRef("pk"), review=None)
        .order_by("at")
        .values(row=JSONObject(id="id", night="night", answer="answer", words="words", at="at"))
    )
)
"""Patients' records, each with the unanswered opioid reports that `reports_beside` reads."""


def reports_beside(patient: Patient) -> list[OpioidReport]:
    """The unanswered reports that were read with the patient, oldest first."""
    return [
        OpioidReport(
            id=uuid.UUID(row["id"]),
            clinic_id=patient.clinic_id,
            patient=patient,
            night=date.fromisoformat(row["night"]),
            answer=row["answer"],
            words=sealed.open_sealed(row["words"], REPORT_WORDS),
            at=datetime.fromisoformat(row["at"]),
        )
        for row in patient.open_reports
    ]


def open_reports(actor: Actor) -> list[OpioidReport]:
    """Unanswered opioid reports of the actor's patients, oldest first: the longest wait on top."""
    return list(visible_reports(actor).filter(review=None).select_related("patient").order_by("at"))


def gate_of(prescription: Prescription, *, at: datetime) -> gate.Verdict:
    """Whether this course's next step may happen now."""
    return gates_of([prescription], at=at)[prescription.id]


def gates_of(prescriptions: Sequence[Prescription], *, at: datetime) -> dict[uuid.UUID, gate.Verdict]:
    """The gate of each course, in four queries however many there are. `patient` must have been selected with them."""
    facts = facts_of(prescriptions, at=at)
    return {prescription.id: gate.gate(facts[prescription.id]) for prescription in prescriptions}


def facts_of(prescriptions: Sequence[Prescription], *, at: datetime) -> dict[uuid.UUID, gate.Facts]:
    """What the gate needs to know of each course: the one place where its facts are gathered."""
    patients = [prescription.patient_id for prescription in prescriptions]
    earliest = min((_window(p, at).first for p in prescriptions), default=at.date())
    reported = opioid_report_open(patients)
    steps: dict[uuid.UUID, list[Step]] = defaultdict(list)
    for step in Step.objects.filter(prescription__in=list(prescriptions)).order_by("from_on"):
        steps[step.prescription_id].append(step)
    logs = {(log.patient_id, log.night): log for log in _logs(patients, earliest)}
    doses = {(dose.patient_id, dose.plan_date): dose for dose in _doses(patients, earliest)}
    return {p.id: _facts(p, steps[p.id], logs, doses, p.patient_id in reported, at) for p in prescriptions}


def evidence_since(prescription: Prescription, *, at: datetime) -> date:
    """The first night the gate looks at."""
    return _window(prescription, at).first


def verdict_from(
    prescription: Prescription,
    *,
    in_force: timeline.Timeline,
    logs: Iterable[Any],
    doses: Iterable[Any],
    opioid_reported: bool,
    at: datetime,
) -> gate.Verdict:
    """The gate of a course whose rows the caller has read already, at least from `evidence_since` on.

    `logs` and `doses` are rows, or named tuples, with the columns of theirs.
    """
    patient_id, since = prescription.patient_id, evidence_since(prescription, at=at)
    logs_by_night = {(patient_id, log.night): log for log in logs if log.night >= since}
    doses_by_date = {(patient_id, dose.plan_date): dose for dose in doses if dose.plan_date >= since}
    return gate.gate(_facts(prescription, in_force, logs_by_night, doses_by_date, opioid_reported, at))


def _logs(patients: list[uuid.UUID], since: date) -> QuerySet[SymptomLog]:
    return SymptomLog.objects.filter(patient_id__in=patients, night__gte=since)


def _doses(patients: list[uuid.UUID], since: date) -> QuerySet[DoseTaken]:
    return DoseTaken.objects.filter(patient_id__in=patients, plan_date__gte=since)


@dataclass(frozen=True)
class _Window:
    """The last seven nights before today, whatever dose they were at: a late step is judged by how it is now."""

    first: date
    end: date


def _window(prescription: Prescription, at: datetime) -> _Window:
    end = patient_today(prescription, at=at)
    return _Window(end - timedelta(days=gate.WINDOW_NIGHTS), end)


def patient_today(prescription: Prescription, *, at: datetime) -> date:
    """The civil date where the patient is."""
    return at.astimezone(prescription.patient.zone).date()


def _facts(
    prescription: Prescription,
    steps: Sequence[Step | timeline.Segment],
    logs: dict[tuple[uuid.UUID, date], SymptomLog],
    doses: dict[tuple[uuid.UUID, date], DoseTaken],
    opioid_reported: bool,
    at: datetime,
) -> gate.Facts:
    today, window = patient_today(prescription, at=at), _window(prescription, at)
    current = next((s for s in steps if s.from_on <= today and (s.to_on is None or today < s.to_on)), None)
    same_dose = [s.from_on for s in steps if current and s.rung == current.rung]
    first = max(window.first, min(same_dose, default=window.end))
    nights = [date.fromordinal(day) for day in range(first.toordinal(), window.end.toordinal())]
    told = [night for night in nights if _is_evidence(prescription.patient_id, night, logs, doses)]
    not_taken = [n for n in told if doses[(prescription.patient_id, n)].taken != DoseTaken.Taken.TAKEN]
    hurting = [n for n in nights[-gate.SIDE_EFFECT_NIGHTS :] if _hurts(logs.get((prescription.patient_id, n)))]
    return gate.Facts(
        due_on=prescription.next_due_on,
        today=today,
        held_until=current.to_on if current and current.state == timeline.State.HELD else None,
        ended=prescription.state not in Prescription.OPEN_STATES or bool(current and current.dose is None),
        opioid_reported=opioid_reported,
        nights_logged=len(told),
        nights_possible=len(nights),
        nights_not_taken=len(not_taken),
        moderate_side_effects_last_3=len(hurting),
    )


def _is_evidence(
    patient_id: uuid.UUID,
    night: date,
    logs: dict[tuple[uuid.UUID, date], SymptomLog],
    doses: dict[tuple[uuid.UUID, date], DoseTaken],
) -> bool:
    log, dose = logs.get((patient_id, night)), doses.get((patient_id, night))
    return (
        log is not None
        and dose is not None
        and scoring.counts_as_log(taken=dose.taken, sleep_hours=log.sleep_hours, lead_symptom=log.lead_symptom)
    )


def _hurts(log: SymptomLog | None) -> bool:
    return log is not None and not MODERATE_OR_WORSE.isdisjoint(log.side_effects.values())
