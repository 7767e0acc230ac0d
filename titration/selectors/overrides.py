"""Where a person went against a rule, and what happened afterwards."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from django.db.models import Exists, OuterRef

from accounts.actors import Actor
from patients import selectors as patients_selectors
from patients.models import Patient, Screening, ScreeningDecision
from titration.engine.advice.finding import Tier
from titration.engine.timeline import State
from titration.models import Finding, PlanChange, Prescription, Step
from titration.selectors import courses
from titration.selectors import findings as findings_selectors

AFTERWARDS = timedelta(days=14)
"""How long is looked at what came of it."""

MOST = 50


@dataclass(frozen=True, kw_only=True)
class Afterwards:
    """What is on record of the days after: when a same rule fired again, and the first day of less, or of nothing.

    `urgent`: the rule that fired first of those that cannot wait, after a first dose that something spoke against.
    `begun_on` is the day of that first dose; `waits_for_a_plan` where none was signed yet. `over`: the days have
    passed, nothing more will be added.
    """

    raised_again_at: datetime | None = None
    urgent: str = ""
    urgent_at: datetime | None = None
    begun_on: date | None = None
    waits_for_a_plan: bool = False
    lower_on: date | None = None
    nothing_from_on: date | None = None
    stopped: bool = False
    over: bool = False


@dataclass(frozen=True, kw_only=True)
class Override:
    """Where a person went on although something spoke against it, with the reason given.

    Exactly one of these is there: the `finding` that was set aside; the `change` that let a step happen although the
    gate was not open; the course that was `signed` although an opioid was not waited for; the `decision` on a hard stop
    of the screening; the `unscreened` version that says why there is none. For the last two `prescription_id` is the
    course signed next.
    """

    at: datetime
    by_label: str
    patient: Patient
    prescription_id: uuid.UUID | None
    rules: tuple[str, ...]
    reason: str
    afterwards: Afterwards
    finding: Finding | None = None
    change: PlanChange | None = None
    signed: Prescription | None = None
    decision: ScreeningDecision | None = None
    unscreened: Screening | None = None

    @property
    def of_a_first_dose(self) -> bool:
        return self.finding is None and self.change is None

    @property
    def of_a_screening(self) -> bool:
        return self.decision is not None or self.unscreened is not None


def overrides(actor: Actor, *, at: datetime, before: datetime | None = None) -> list[Override]:
    """The newest of them before a moment, in eight statements however many there are."""
    kinds = (_dismissed, _stepped, _not_washed_out, _screened_all_the_same, _unscreened)
    found = sorted((one for kind in kinds for one in kind(actor, before)), key=lambda one: one.at, reverse=True)[:MOST]
    found = _with_the_course_signed_next(found)
    raised, steps = _raised_since(found), _steps_of(found)
    return [_with_afterwards(one, raised[one.patient.id], steps.get(one.prescription_id, ()), at) for one in found]


def _dismissed(actor: Actor, before: datetime | None) -> list[Override]:
    rows = findings_selectors.visible_findings(actor).filter(state=Finding.State.DISMISSED)
    rows = rows.filter(closed_at__lt=before) if before else rows
    return [
        Override(
            at=row.closed_at,
            by_label=row.closed_by_label,
            patient=row.patient,
            prescription_id=row.prescription_id,
            rules=(row.rule,),
            reason=row.closed_because,
            afterwards=Afterwards(),
            finding=row,
        )
        for row in rows.select_related("patient").order_by("-closed_at", "id")[:MOST]
    ]


def _stepped(actor: Actor, before: datetime | None) -> list[Override]:
    rows = PlanChange.objects.filter(
        prescription__in=courses.visible_prescriptions(actor),
        kind=PlanChange.Kind.ADVANCE,
        gate__verdict__in=["blocked", "unknown"],
    )
    rows = rows.filter(at__lt=before) if before else rows
    return [
        Override(
            at=row.at,
            by_label=row.by_label,
            patient=row.prescription.patient,
            prescription_id=row.prescription_id,
            rules=tuple(row.gate.get("rules", ())),
            reason=row.reason,
            afterwards=Afterwards(),
            change=row,
        )
        for row in rows.select_related("prescription__patient").order_by("-at", "id")[:MOST]
    ]


def _not_washed_out(actor: Actor, before: datetime | None) -> list[Override]:
    rows = courses.visible_prescriptions(actor).exclude(washout_reason="")
    rows = rows.filter(signed_at__lt=before) if before else rows
    return [
        Override(
            at=row.signed_at,
            by_label=row.signed_by.name,
            patient=row.patient,
            prescription_id=row.id,
            rules=("R01",),
            reason=row.washout_reason,
            afterwards=Afterwards(),
            signed=row,
        )
        for row in rows.select_related("patient", "signed_by")
        .defer("protocol_snapshot")
        .order_by("-signed_at", "id")[:MOST]
    ]


def _screened_all_the_same(actor: Actor, before: datetime | None) -> list[Override]:
    rows = ScreeningDecision.objects.filter(
        clinic_id=actor.clinic_id,
        patient__in=patients_selectors.visible_to(actor),
        kind=ScreeningDecision.Kind.OVERRIDE,
    )
    rows = rows.filter(at__lt=before) if before else rows
    return [
        Override(
            at=row.at,
            by_label=row.by_label,
            patient=row.patient,
            prescription_id=None,
            rules=("R00",),
            reason=row.words,
            afterwards=Afterwards(),
            decision=row,
        )
        for row in rows.select_related("patient", "screening").order_by("-at", "id")[:MOST]
    ]


def _unscreened(actor: Actor, before: datetime | None) -> list[Override]:
    """Plans begun without a screening. One that is taken already came with its plan: nobody went against anything."""
    entered = Prescription.objects.filter(
        patient=OuterRef("patient"), signed_at=OuterRef("at"), first_dose__isnull=False
    )
    rows = Screening.objects.filter(
        ~Exists(entered),
        clinic_id=actor.clinic_id,
        patient__in=patients_selectors.visible_to(actor),
        state=Screening.State.WAIVED,
    )
    rows = rows.filter(at__lt=before) if before else rows
    return [
        Override(
            at=row.at,
            by_label=row.by_label,
            patient=row.patient,
            prescription_id=None,
            rules=(),
            reason=row.note,
            afterwards=Afterwards(),
            unscreened=row,
        )
        for row in rows.select_related("patient").order_by("-at", "id")[:MOST]
    ]


def _with_the_course_signed_next(found: Sequence[Override]) -> list[Override]:
    """What was decided on a screening bears on the course that was signed after it, if one was."""
    about: dict[uuid.UUID, list[Prescription]] = {one.patient.id: [] for one in found if one.of_a_screening}
    if about:
        for row in (
            Prescription.objects.filter(patient__in=list(about)).defer("protocol_snapshot").order_by("signed_at")
        ):
            about[row.patient_id].append(row)
    return [
        replace(one, prescription_id=next((row.id for row in about[one.patient.id] if row.signed_at >= one.at), None))
        if one.of_a_screening
        else one
        for one in found
    ]


_Raised = Sequence[tuple[str, str, datetime]]


def _raised_since(found: Sequence[Override]) -> dict[uuid.UUID, list[tuple[str, str, datetime]]]:
    """Which rules of which tier fired for these patients, and when, since the first of these overrides."""
    raised: dict[uuid.UUID, list[tuple[str, str, datetime]]] = defaultdict(list)
    if found:
        rows = Finding.objects.filter(
            patient_id__in={one.patient.id for one in found}, raised_at__gt=min(one.at for one in found)
        )
        columns = ("patient_id", "rule", "tier", "raised_at")
        for patient_id, *fired in rows.order_by("raised_at").values_list(*columns):
            raised[patient_id].append(tuple(fired))
    return raised


def _steps_of(found: Iterable[Override]) -> dict[uuid.UUID | None, list[Step]]:
    steps: dict[uuid.UUID | None, list[Step]] = defaultdict(list)
    courses_named = {one.prescription_id for one in found if one.prescription_id}
    if courses_named:
        for step in Step.objects.filter(prescription_id__in=courses_named).order_by("from_on"):
            steps[step.prescription_id].append(step)
    return steps


def _with_afterwards(one: Override, raised: _Raised, steps: Sequence[Step], at: datetime) -> Override:
    if one.of_a_first_dose:
        return replace(one, afterwards=_after_a_first_dose(one, raised, steps, at))
    until = one.at + AFTERWARDS
    again = next((when for rule, _, when in raised if rule in one.rules and one.at < when <= until), None)
    day = one.at.astimezone(one.patient.zone).date()
    # A step let happen takes force on a later day: what counts as less is less than that.
    base = one.change.on if one.change is not None else day
    less = _less(steps, base, until.astimezone(one.patient.zone).date())
    return replace(one, afterwards=replace(less, raised_again_at=again, over=until <= at))


def _after_a_first_dose(one: Override, raised: _Raised, steps: Sequence[Step], at: datetime) -> Afterwards:
    """Counted from the first dose, which may be days after the decision. What spoke against it goes on speaking: only
    another rule that cannot wait tells of what came of it.
    """
    begun = next((step.from_on for step in steps if step.dose is not None), None)
    if begun is None:
        return Afterwards(waits_for_a_plan=True)
    until = max(one.at, _first_moment(begun, one.patient)) + AFTERWARDS
    fired = [
        (rule, when) for rule, tier, when in raised if tier in _CANNOT_WAIT and rule not in _SPOKE and one.at < when
    ]
    rule, when = next(((rule, when) for rule, when in fired if when <= until), ("", None))
    less = _less(steps, begun, until.astimezone(one.patient.zone).date())
    return replace(less, urgent=rule, urgent_at=when, begun_on=begun, over=until <= at)


_CANNOT_WAIT = (Tier.EMERGENCY.value, Tier.STOP.value)
_SPOKE = ("R00", "R01")


def _first_moment(day: date, patient: Patient) -> datetime:
    return datetime.combine(day, time(0), tzinfo=patient.zone)


def _less(steps: Sequence[Step], base: date, until_on: date) -> Afterwards:
    """The first day of less than what was taken on `base`, and of nothing, up to a day."""
    before = next((step.dose for step in reversed(steps) if step.from_on <= base), None)
    later = [step for step in steps if base < step.from_on <= until_on]
    lower = next((s.from_on for s in later if before is not None and s.dose is not None and s.dose < before), None)
    nothing = next((step for step in later if step.dose is None), None)
    return Afterwards(
        lower_on=lower,
        nothing_from_on=nothing.from_on if nothing else None,
        stopped=bool(nothing and nothing.state == State.ENDED),
    )
