"""The clinic's list of steps that are due."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, Subquery

from accounts.actors import Actor
from common.dose import Dose
from symptoms.models import DoseTaken, OpioidReport, SymptomLog
from titration.engine import gate, timeline
from titration.models import Prescription, Step
from titration.selectors import courses

ENDS = (timeline.State.REVIEW.value, timeline.State.ENDED.value)


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


def due_steps(actor: Actor, *, until: date, at: datetime) -> list[DueStep]:
    """Steps due on or before a date, soonest first, each with its gate, then the courses that have run their steps:
    three statements however many there are.
    """
    ends = Step.objects.filter(prescription=OuterRef("pk"), state__in=ENDS, from_on__lte=at.date())
    unanswered = OpioidReport.objects.filter(patient=OuterRef("patient"), review=None)
    prescriptions = list(
        courses.visible_prescriptions(actor)
        .filter(Q(next_due_on__lte=until) | Exists(ends), state__in=Prescription.OPEN_STATES)
        .select_related("patient", "protocol_version")
        .defer("protocol_version__body")
        .annotate(opioid_reported=Exists(unanswered))
        .order_by("next_due_on", "patient__sort_key", "id")
    )
    steps, nights = _steps(prescriptions), _nights(prescriptions, at=at)
    return [_due_step(p, steps[p.id], nights[p.patient_id], at=at) for p in prescriptions]


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
        ).annotate(taken=Subquery(taken.values("taken")[:1]))
        columns = ("patient_id", "night", "sleep_hours", "lead_symptom", "side_effects", "taken")
        for patient_id, *values in rows.values_list(*columns):
            nights[patient_id].append(_Night(*values))
    return nights


def _due_step(prescription: Prescription, steps: list[Step], nights: list[_Night], *, at: datetime) -> DueStep:
    today = courses.patient_today(prescription, at=at)
    now = [step for step in steps if step.from_on <= today]
    verdict = courses.verdict_from(
        prescription,
        in_force=steps,
        logs=nights,
        doses=[night for night in nights if night.taken is not None],
        opioid_reported=prescription.opioid_reported,
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
