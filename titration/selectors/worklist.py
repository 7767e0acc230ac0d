"""The clinic's day: whom it is about and in which order, and what of it is a plan's."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from accounts.actors import Actor
from common.dose import Dose
from patients import selectors as patients_selectors
from patients.models import Patient, PatientCondition
from symptoms.models import DoseTaken, OpioidReport, SymptomLog
from titration.engine import gate, timeline
from titration.engine.advice.finding import Tier
from titration.models import Finding, PatientTag, Prescription, Referral, SavedView, Step, Tag, TrialEntry, Watch
from titration.selectors import courses, findings, reported

ENDS = (timeline.State.REVIEW.value, timeline.State.ENDED.value)

FURTHEST_AHEAD = timedelta(hours=14)
"""So far the clocks of the easternmost patients are before UTC."""

MOST = 500
"""So many of one kind are looked at and counted; beyond it the list says "more than"."""

Key = tuple[uuid.UUID, datetime]
"""Whom a row is about, and since when: days as their first instant in UTC."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Whom the day is narrowed to; what is None narrows nothing. `clinician` signed the open
    plan, or has been asked about the patient.
    """

    clinician: uuid.UUID | None = None
    condition: str | None = None
    dose: Dose | None = None
    tag: uuid.UUID | None = None


def narrowed(actor: Actor, wanted: Wanted, *, at: datetime) -> QuerySet[Patient]:
    """The patients this actor may know of that are wanted. Meant to be asked of within a list, never read by itself."""
    found = patients_selectors.visible_to(actor)
    mine = Q(clinic_id=actor.clinic_id, patient=OuterRef("pk"))
    if wanted.clinician is not None:
        signed = Prescription.objects.filter(mine, state__in=Prescription.OPEN_STATES, signed_by_id=wanted.clinician)
        asked = Referral.objects.filter(mine, closed_at=None, to_id=wanted.clinician)
        found = found.filter(Q(Exists(signed)) | Q(Exists(asked)))
    if wanted.condition is not None:
        found = found.filter(Exists(PatientCondition.objects.filter(mine, code=wanted.condition)))
    if wanted.dose is not None:
        on = at.astimezone(actor.clinic_zone or UTC).date()
        in_force = Step.objects.filter(mine, Q(to_on=None) | Q(to_on__gt=on), from_on__lte=on, dose=wanted.dose)
        found = found.filter(Exists(in_force.filter(prescription__state__in=Prescription.OPEN_STATES)))
    if wanted.tag is not None:
        found = found.filter(Exists(PatientTag.objects.filter(mine, tag_id=wanted.tag)))
    return found


def first_of(
    rows: QuerySet[Any], when: str, *, who: str = "patient", after: Key | None = None, most: int | None = None
) -> list[Key]:
    """The first of these rows by date, one more than `most` (else `MOST`) if there are more: read from the index that
    orders them.
    """
    if after is not None:
        last_id, since = after
        # Days are compared as days: the key carries their first instant.
        value = since if rows.model._meta.get_field(when).get_internal_type() == "DateTimeField" else since.date()  # noqa: SLF001
        rows = rows.filter(Q(**{f"{when}__gt": value}) | Q(**{when: value, f"{who}__gt": last_id}))
    found = rows.order_by(when, f"{who}_id").values_list(f"{who}_id", when)[: (most or MOST) + 1]
    return [(patient_id, instant(value)) for patient_id, value in found]


def instant(value: date | datetime) -> datetime:
    """A day as its first instant."""
    return value if isinstance(value, datetime) else datetime.combine(value, time(0), tzinfo=UTC)


def reports(actor: Actor, among: QuerySet[Patient]) -> QuerySet[OpioidReport]:
    """The unanswered reports of these patients."""
    return OpioidReport.objects.filter(clinic_id=actor.clinic_id, patient__in=among, review=None)


def steps_due(actor: Actor, among: QuerySet[Patient], *, until: date) -> QuerySet[Prescription]:
    """The open courses of these patients whose next step is due by a date."""
    return Prescription.objects.filter(
        clinic_id=actor.clinic_id, patient__in=among, state__in=Prescription.OPEN_STATES, next_due_on__lte=until
    )


def decisions_due(actor: Actor, among: QuerySet[Patient], *, on: date) -> QuerySet[Watch]:
    """The courses of these patients about which somebody has to decide by a date: run to their end, or under review, or
    with a question that was to be answered.
    """
    return Watch.objects.filter(clinic_id=actor.clinic_id, patient__in=among, decide_on__lte=on)


URGENT = (Tier.EMERGENCY, Tier.STOP)
DECIDED = (Tier.SURGERY, Tier.DECIDE, Tier.HOLD, Tier.GOOD_NEWS, Tier.REVIEW)
FOR_THE_PATIENT = ("R05",)
"""Rules that fire often and are the patient's to read: they are folded into a row and make none (clinical facts 6)."""

SAID_OTHERWISE = ("R28",)
"""Rules whose finding the list says by itself: the refill stands there with what is left."""


def findings_of(actor: Actor, among: QuerySet[Patient], tiers: Collection[Tier]) -> QuerySet[Finding]:
    """The open findings of these tiers about these patients that make a row."""
    waiting = Finding.objects.filter(
        clinic_id=actor.clinic_id,
        patient__in=among,
        state=Finding.State.OPEN,
        place__in=sorted(tier.place for tier in tiers),
    )
    return waiting.exclude(rule__in=(*FOR_THE_PATIENT, *SAID_OTHERWISE))


def every_finding_of(actor: Actor, among: QuerySet[Patient]) -> QuerySet[Finding]:
    """All open findings about these patients that the list does not say otherwise, the most urgent first. What R09
    says of the step is said by the step itself.
    """
    waiting = Finding.objects.filter(clinic_id=actor.clinic_id, patient__in=among, state=Finding.State.OPEN)
    kept = waiting.exclude(rule__in=SAID_OTHERWISE).exclude(tier=Tier.STEP.value)
    return kept.order_by("place", "raised_at", "id")


def tags_of(actor: Actor) -> list[Tag]:
    """The clinic's tags by name."""
    return list(Tag.objects.filter(clinic_id=actor.clinic_id).order_by("name"))


def tags_on(patients: Collection[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
    """The names of the tags on each of these patients."""
    found: dict[uuid.UUID, list[str]] = defaultdict(list)
    rows = PatientTag.objects.filter(patient__in=list(patients)).order_by("tag__name")
    for patient_id, name in rows.values_list("patient_id", "tag__name"):
        found[patient_id].append(name)
    return found


def views_of(actor: Actor) -> list[SavedView]:
    """The views this member keeps, by name."""
    return list(SavedView.objects.filter(clinic_id=actor.clinic_id, user_id=actor.user_id).order_by("name"))


@dataclass(frozen=True, kw_only=True)
class DueStep:
    """A course whose next step is due soon or overdue, the dose in force now, and what the gate says.

    `end` is the segment under review, or without a dose, of a course that has run its steps: somebody has to decide.
    """

    prescription: Prescription
    today: date
    dose_now: Dose | None
    verdict: gate.Verdict
    end: Step | None


def due_steps(
    actor: Actor, *, until: date, at: datetime, patients: Collection[uuid.UUID] | None = None
) -> list[DueStep]:
    """Steps due on or before a date, soonest first, each with its gate, then the courses that have run their steps:
    six statements however many there are. `patients` narrows to some.
    """
    unanswered = OpioidReport.objects.filter(patient=OuterRef("patient"), review=None)
    # The earth's latest date: whether it is so on the patient's own is decided row by row.
    latest = (at + FURTHEST_AHEAD).date()
    ends = Step.objects.filter(prescription=OuterRef("pk"), state__in=ENDS, from_on__lte=latest)
    found = courses.visible_prescriptions(actor).filter(state__in=Prescription.OPEN_STATES)
    if patients is not None:
        found = found.filter(patient__in=list(patients))
    prescriptions = list(
        found.filter(Q(next_due_on__lte=until) | Q(Exists(ends), watch__decide_on__lte=latest))
        .select_related("patient", "protocol_version")
        .defer("protocol_version__body")
        .annotate(opioid_reported=Exists(unanswered))
        .order_by("next_due_on", "patient__sort_key", "id")
    )
    steps, nights = _steps(prescriptions), _nights(prescriptions, at=at)
    due = [p.patient_id for p in prescriptions]
    closing = findings.closing_the_step(due) if due else {}
    otherwise = reported.told_otherwise(due, clarified=reported.clarified(due)) if due else {}
    rows = (
        _due_step(
            p,
            steps[p.id],
            nights[p.patient_id],
            closing.get(p.patient_id, ()),
            otherwise.get(p.patient_id, ()),
            at=at,
        )
        for p in prescriptions
    )
    return [row for row in rows if row.end is not None or row.prescription.next_due_on is not None]


def questions_due(actor: Actor, *, on: date, patients: Collection[uuid.UUID]) -> list[TrialEntry]:
    """The open questions of these patients' courses that were to be decided by a date, with their courses."""
    newer = TrialEntry.objects.filter(prescription=OuterRef("prescription"), number__gt=OuterRef("number"))
    rows = TrialEntry.objects.filter(
        prescription__in=courses.visible_prescriptions(actor).filter(patient__in=list(patients)),
        kind=TrialEntry.Kind.ASKED,
        decide_on__lte=on,
        prescription__state__in=Prescription.OPEN_STATES,
    )
    return list(rows.exclude(Exists(newer)).select_related("prescription"))


def _steps(prescriptions: Sequence[Prescription]) -> dict[uuid.UUID, list[Step]]:
    steps: dict[uuid.UUID, list[Step]] = defaultdict(list)
    if prescriptions:
        for step in Step.objects.filter(prescription__in=prescriptions).order_by("from_on"):
            steps[step.prescription_id].append(step)
    return steps


@dataclass(frozen=True)
class _Night:
    """What the gate reads of a night, under the names of both rows it comes from."""

    night: date
    sleep_hours: Any
    lead_symptom: int | None
    side_effects: dict[str, str]
    taken: str | None
    taken_mg: Dose | None
    slot: str | None

    @property
    def plan_date(self) -> date:
        return self.night


def _nights(prescriptions: Sequence[Prescription], *, at: datetime) -> dict[uuid.UUID, list[_Night]]:
    """The told nights that the gates look at, each with its dose; a dose without a log is no evidence."""
    nights: dict[uuid.UUID, list[_Night]] = defaultdict(list)
    if prescriptions:
        taken = DoseTaken.objects.filter(patient=OuterRef("patient"), plan_date=OuterRef("night")).order_by("slot")
        rows = SymptomLog.objects.filter(
            patient__in=[p.patient_id for p in prescriptions],
            night__gte=min(courses.evidence_since(p, at=at) for p in prescriptions),
        ).annotate(**{name: Subquery(taken.values(name)[:1]) for name in ("taken", "taken_mg", "slot")})
        columns = ("patient_id", "night", "sleep_hours", "lead_symptom", "side_effects", "taken", "taken_mg", "slot")
        for patient_id, *values in rows.values_list(*columns):
            nights[patient_id].append(_Night(*values))
    return nights


def _due_step(
    prescription: Prescription,
    steps: list[Step],
    nights: list[_Night],
    closing: Sequence[Finding],
    otherwise: Sequence[Any],
    *,
    at: datetime,
) -> DueStep:
    today = courses.patient_today(prescription, at=at)
    now = [step for step in steps if step.from_on <= today]
    verdict = courses.verdict_from(
        prescription,
        in_force=steps,
        logs=nights,
        doses=[night for night in nights if night.taken is not None],
        opioid_reported=prescription.opioid_reported,
        closing=closing,
        otherwise=otherwise,
        at=at,
    )
    last = now[-1] if now else None
    return DueStep(
        prescription=prescription,
        today=today,
        dose_now=last.dose if last else None,
        verdict=verdict,
        end=last if last and last.state in ENDS else None,
    )
