"""Questions about courses. Patients are reached through `patients.selectors.visible_to` first."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import JSONObject

from accounts.actors import Actor
from common import sealed
from common.dose import Dose
from common.night import Slot, next_dose_on
from patients import selectors as patients_selectors
from patients.models import Patient
from symptoms import scoring
from symptoms.models import REPORT_WORDS, DoseTaken, OpioidReport, SymptomLog
from titration import changes
from titration.engine import gate, planner, timeline
from titration.engine.advice.finding import Block
from titration.engine.course import Begin, Course
from titration.engine.formulation import Formulation
from titration.engine.planner import Parts
from titration.engine.protocol import Protocol
from titration.engine.refusals import EngineRefusal
from titration.models import Finding, PatientTag, PlanChange, Prescription, ProtocolVersion, Step
from titration.selectors import findings, library
from titration.selectors import reported as reported_selectors

MODERATE_OR_WORSE = frozenset({"moderate", "severe"})


def protocols_for(actor: Actor) -> QuerySet[ProtocolVersion]:
    """The templates this actor's clinic may prescribe by: shared and its own, the newest version of each."""
    return library.offered(actor)


def open_prescription(patient: Patient) -> Prescription | None:
    """The patient's one open course, with its changes."""
    return with_changes(Prescription.objects.filter(patient=patient, state__in=Prescription.OPEN_STATES)).first()


def prescriptions_of(patient: Patient) -> list[Prescription]:
    """Every course of the patient, newest first, with its changes, in two statements; its steps follow by `unfold`."""
    found = with_changes(Prescription.objects.filter(patient=patient)).select_related("signed_by")
    prescriptions = list(found.order_by("-signed_at"))
    for prescription in prescriptions:
        prescription.patient = patient
    return prescriptions


def visible_prescriptions(actor: Actor) -> QuerySet[Prescription]:
    """The courses of the patients this actor may know of."""
    return Prescription.objects.filter(patient__in=patients_selectors.visible_to(actor))


def course_of(prescription: Prescription) -> Course:
    """The engine's value of this row: the protocol as it was signed, with every change since, in order."""
    rows = sorted(prescription.changes.all(), key=lambda row: row.number)
    return Course(
        Protocol.from_json(prescription.protocol_snapshot),
        prescription.start_on,
        tuple(changes.of_row(row) for row in rows),
        first_dose=prescription.first_dose,
        awaiting=prescription.awaiting,
        target=prescription.target_dose,
        time_of_day=Slot(prescription.slot),
        retitrate_from_days=prescription.retitrate_from_days,
    )


def formulation_of(prescription: Prescription) -> Formulation:
    """What the doses of this course are made of; an old course says a capsule strength alone."""
    if prescription.formulation is None:
        return Formulation.capsules(prescription.capsule_strength)
    return Formulation.from_json(prescription.formulation)


def takings_of(prescription: Prescription, dose: Dose, slot: Slot) -> tuple[Parts, ...]:
    """How a dose of this course is made; empty where what the course is made of does not make it."""
    try:
        return planner.takings(dose, slot, formulation_of(prescription))
    except EngineRefusal:
        return ()


def slot_on(in_force: timeline.Timeline, on: date) -> Slot:
    """The time of the day that holds on a date; before the course begins, that of its first day."""
    segment = timeline.segment_on(in_force, on) or in_force[0]
    return segment.time_of_day


def with_changes(prescriptions: QuerySet[Prescription]) -> QuerySet[Prescription]:
    """These courses with what `course_of` reads, in one statement more."""
    rows = PlanChange.objects.select_related("protocol_version").order_by("number")
    return prescriptions.prefetch_related(Prefetch("changes", rows))


class TonightState(StrEnum):
    """What the patient is told about the next dose."""

    NO_PLAN = "no_plan"
    AWAITING = "awaiting"
    NOT_STARTED = "not_started"
    TAKE = "take"
    OFF = "off"
    PAUSED = "paused"
    STOPPED_BY_REPORT = "stopped_by_report"
    STOPPED_BY_ALERT = "stopped_by_alert"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True)
class Tonight:
    """The next dose in force. `takings` make `dose`; empty where none is to be taken, or nothing makes it.

    A hold without an end is `held` and has no `held_until`. `waiting_for` is the dose of a step that is due and
    that nobody has let happen yet.
    """

    state: TonightState
    on: date
    slot: Slot
    dose: Dose | None = None
    takings: tuple[Parts, ...] = ()
    start_on: date | None = None
    held: bool = False
    held_until: date | None = None
    paused_until: date | None = None
    waiting_for: Dose | None = None
    recorded: DoseTaken | None = None


def tonight(patient: Patient, *, at: datetime) -> Tonight:
    """What the patient is to take next, by what is in force now, or why nothing."""
    prescription = open_prescription(patient)
    course = course_of(prescription) if prescription else None
    in_force = timeline.unfold(course) if course else ()
    slot = slot_on(in_force, patient_date(patient, at=at)) if in_force else Slot.BEDTIME
    on = next_dose_on(at, patient.zone, slot)
    if opioid_report_open([patient.id]):
        return Tonight(state=TonightState.STOPPED_BY_REPORT, on=on, slot=slot)
    if prescription is None or course is None:
        return Tonight(state=TonightState.NO_PLAN, on=on, slot=slot)
    standing, awaits = Finding.objects.filter(patient=patient), prescription.awaiting and prescription.begun_on is None
    if standing.closing(Block.DOSE).exists() or (awaits and standing.closing(Block.START).exists()):
        return Tonight(state=TonightState.STOPPED_BY_ALERT, on=on, slot=slot)
    return _tonight_of(prescription, course, in_force, on, slot)


_NOTHING_TONIGHT = {
    timeline.State.PAUSED: TonightState.PAUSED,
    timeline.State.OFF: TonightState.OFF,
    timeline.State.ENDED: TonightState.ENDED,
}


def _tonight_of(
    prescription: Prescription, course: Course, in_force: timeline.Timeline, on: date, slot: Slot
) -> Tonight:
    begins = in_force[0].from_on
    segment = timeline.segment_on(in_force, max(on, begins)) or in_force[-1]
    due = timeline.next_step(course)
    dose = segment.dose_on(max(on, begins))
    if segment.state is timeline.State.AWAITING:
        first = first_dose_of(course)
        return Tonight(
            state=TonightState.AWAITING,
            on=on,
            slot=slot,
            dose=first,
            takings=takings_of(prescription, first, slot),
            recorded=_recorded(prescription, on, slot),
        )
    if dose is None:
        state = _NOTHING_TONIGHT.get(segment.state, TonightState.OFF)
        until = segment.to_on if state is TonightState.PAUSED else None
        return Tonight(state=state, on=on, slot=slot, start_on=course.start_on, paused_until=until)
    held = timeline.held_until(in_force, on)
    return Tonight(
        state=TonightState.TAKE if on >= begins else TonightState.NOT_STARTED,
        on=on,
        slot=slot,
        dose=dose,
        takings=takings_of(prescription, dose, segment.time_of_day),
        start_on=begins,
        held=held is not None,
        held_until=None if held == timeline.FOREVER else held,
        waiting_for=due.dose if due and due.on <= on and due.dose != dose else None,
        recorded=_recorded(prescription, on, slot),
    )


def first_dose_on(prescription: Prescription) -> date | None:
    """The day of the first dose; None while the medicine is awaited."""
    if prescription.awaiting:
        return prescription.begun_on
    return prescription.taking_since or prescription.start_on


def first_dose_of(course: Course) -> Dose:
    """What a plan that awaits its medicine begins with."""
    begun = timeline.unfold(course.changed(Begin(course.start_on)))
    return next(segment.dose for segment in begun if segment.dose is not None)


def planned_for(prescriptions: Sequence[Prescription], on: date) -> tuple[Dose | None, Slot]:
    """The dose in force on a plan date and its slot, for whoever writes down the night: under another slot one dose
    would be told twice. A day without a dose has a slot all the same. `prescriptions` are newest first, with their
    changes.
    """
    for prescription in prescriptions:
        course = course_of(prescription)
        segment = timeline.segment_on(timeline.unfold(course), on)
        dose = segment.dose_on(on) if segment else None
        if segment is not None and segment.state is timeline.State.AWAITING and prescription.begun_on is None:
            dose = first_dose_of(course)
        if segment is not None and dose is not None:
            return dose, segment.time_of_day
    return None, slot_on(timeline.unfold(course_of(prescriptions[0])), on) if prescriptions else Slot.BEDTIME


def _recorded(prescription: Prescription, on: date, slot: Slot) -> DoseTaken | None:
    return DoseTaken.objects.filter(patient_id=prescription.patient_id, plan_date=on, slot=slot).first()


def opioid_report_open(patient_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these patients have an opioid report that the clinic has not answered."""
    reports = OpioidReport.objects.filter(patient_id__in=list(patient_ids), review=None)
    return set(reports.values_list("patient_id", flat=True))


def told_to_take_none(patient_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these patients read that they take no further dose: a report is unanswered, or an alert closes it."""
    ids = list(patient_ids)
    closed = Finding.objects.filter(patient_id__in=ids).closing(Block.DOSE)
    return opioid_report_open(ids) | set(closed.values_list("patient_id", flat=True))


def visible_reports(actor: Actor) -> QuerySet[OpioidReport]:
    """The opioid reports of the patients this actor may know of, answered or not."""
    return OpioidReport.objects.filter(patient__in=patients_selectors.visible_to(actor))


RECORDS_WITH_REPORTS = patients_selectors.RECORDS.annotate(
    open_reports=ArraySubquery(
        OpioidReport.objects.filter(patient=OuterRef("pk"), review=None)
        .order_by("at")
        .values(row=JSONObject(id="id", night="night", answer="answer", words="words", at="at"))
    ),
    clarified=Subquery(reported_selectors.last_clarified("pk")),
    tag_names=ArraySubquery(
        PatientTag.objects.filter(patient=OuterRef("pk")).order_by("tag__name").values("tag__name")
    ),
)
"""Patients' records, each with the unanswered opioid reports that `reports_beside` reads, `tag_names`, and
`clarified`: how far reported doses have been looked into, as `reported.clarified_beside` reads it."""


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


def gate_of(prescription: Prescription, *, at: datetime, early: bool = False) -> gate.Verdict:
    """Whether this course's next step may happen now; `early`, before its time."""
    return gate.gate(facts_of([prescription], at=at)[prescription.id], early=early)


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
    closing, clarified = findings.closing_the_step(patients), reported_selectors.clarified(patients)
    otherwise = reported_selectors.told_otherwise(patients, clarified=clarified)
    return {
        p.id: _facts(
            p,
            steps[p.id],
            logs,
            doses,
            p.patient_id in reported,
            closing[p.patient_id],
            otherwise.get(p.patient_id, ()),
            at,
        )
        for p in prescriptions
    }


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
    closing: Sequence[Finding],
    otherwise: Sequence[Any],
    at: datetime,
) -> gate.Verdict:
    """The gate of a course whose rows the caller has read already, at least from `evidence_since` on.

    `logs` and `doses` are rows, or named tuples, with the columns of theirs; `closing` what `findings.closing_the_step`
    says of the patient, `otherwise` what `reported.told_otherwise` does.
    """
    patient_id, since = prescription.patient_id, evidence_since(prescription, at=at)
    logs_by_night = {(patient_id, log.night): log for log in logs if log.night >= since}
    doses_by_date = {(patient_id, dose.plan_date): dose for dose in doses if dose.plan_date >= since}
    return gate.gate(
        _facts(prescription, in_force, logs_by_night, doses_by_date, opioid_reported, closing, otherwise, at)
    )


def _logs(patients: list[uuid.UUID], since: date) -> QuerySet[SymptomLog]:
    return SymptomLog.objects.filter(patient_id__in=patients, night__gte=since)


def _doses(patients: list[uuid.UUID], since: date) -> QuerySet[DoseTaken]:
    return DoseTaken.objects.filter(patient_id__in=patients, plan_date__gte=since)


@dataclass(frozen=True)
class _Window:
    """The last seven nights before today, whatever dose they were at: a late step is judged by how it is now."""

    first: date
    end: date

    @property
    def nights(self) -> list[date]:
        return [date.fromordinal(day) for day in range(self.first.toordinal(), self.end.toordinal())]


def _window(prescription: Prescription, at: datetime) -> _Window:
    end = patient_today(prescription, at=at)
    return _Window(end - timedelta(days=gate.WINDOW_NIGHTS), end)


def patient_today(prescription: Prescription, *, at: datetime) -> date:
    """The civil date where the patient of this course is."""
    return patient_date(prescription.patient, at=at)


def patient_date(patient: Patient, *, at: datetime) -> date:
    """The civil date where the patient is."""
    return at.astimezone(patient.zone).date()


def _facts(
    prescription: Prescription,
    steps: Sequence[Step | timeline.Segment],
    logs: dict[tuple[uuid.UUID, date], SymptomLog],
    doses: dict[tuple[uuid.UUID, date], DoseTaken],
    opioid_reported: bool,
    closing: Sequence[Finding],
    otherwise: Sequence[Any],
    at: datetime,
) -> gate.Facts:
    today, window = patient_today(prescription, at=at), _window(prescription, at)
    current = next((s for s in steps if s.from_on <= today and (s.to_on is None or today < s.to_on)), None)
    first = max(window.first, _same_dose_since(steps, current) or window.end)
    nights = [date.fromordinal(day) for day in range(first.toordinal(), window.end.toordinal())]
    told = [night for night in nights if _is_evidence(prescription.patient_id, night, logs, doses)]
    rows = [row for night in nights if (row := doses.get((prescription.patient_id, night)))]
    not_taken = [row for row in rows if row.taken == DoseTaken.Taken.SKIPPED]
    hurting = [n for n in nights[-gate.SIDE_EFFECT_NIGHTS :] if _hurts(logs.get((prescription.patient_id, n)))]
    return gate.Facts(
        due_on=prescription.next_due_on,
        today=today,
        held_until=_held_until(current),
        ended=prescription.state not in Prescription.OPEN_STATES
        or bool(current and current.state == timeline.State.ENDED),
        opioid_reported=opioid_reported,
        nights_logged=len(told),
        nights_possible=len(nights),
        nights_not_taken=len(not_taken),
        moderate_side_effects_last_3=len(hurting),
        asked_first=_asked_first(prescription),
        findings=tuple(findings.against(finding) for finding in closing),
        differing=reported_selectors.differing(steps, otherwise, end=window.end),
    )


def _same_dose_since(steps: Sequence[Step | timeline.Segment], current: Step | timeline.Segment | None) -> date | None:
    """The first day of the dose in force, held days and all; days without a dose begin it anew."""
    since = None
    for step in steps:
        if current is None or step.from_on > current.from_on:
            break
        if (step.dose, step.rung) != (current.dose, current.rung):
            since = None
        elif since is None:
            since = step.from_on
    return since


def _held_until(current: Step | timeline.Segment | None) -> date | None:
    if current is None or current.state != timeline.State.HELD:
        return None
    return current.to_on or timeline.FOREVER


def _asked_first(prescription: Prescription) -> str:
    """What the template wants to hold before the next step, in its words."""
    conditions = (
        rung["only_if"]["words"]
        for rung in prescription.protocol_snapshot["rungs"]
        if "only_if" in rung and prescription.next_dose == Dose.of(rung["dose_mg"])
    )
    return next(conditions, "")


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
