"""Questions about what the rules found. Patients are reached through `patients.selectors.visible_to` first."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db.models import F, Q, QuerySet

from accounts.actors import Actor
from patients import selectors as patients_selectors
from patients.models import Patient
from titration.engine import gate
from titration.engine.advice.finding import Block, Tier
from titration.models import Finding

GRAVE = (Tier.EMERGENCY.value, Tier.STOP.value)
"""Findings that only a prescriber may dismiss, and that close a step whatever the reason given."""


OF_A_STATE = frozenset({"R00", "R01", "R17", "R19", "R23"})
"""Rules that tell of what the record says now, not of what happened: a decision on the screening, a medicine that has
ended, a weight or a test settles them where it is written, and they are over with it.
"""


def waits_for_a_person(finding: Finding) -> bool:
    """Whether no date answers it: an emergency or a stop about what happened."""
    return finding.tier in GRAVE and finding.rule not in OF_A_STATE


def visible_findings(actor: Actor) -> QuerySet[Finding]:
    """The findings about the patients this actor may know of, in whatever state."""
    return Finding.objects.filter(patient__in=patients_selectors.visible_to(actor))


def visible_finding(actor: Actor, finding_id: uuid.UUID) -> Finding | None:
    """This finding with its patient, if the actor may know of them."""
    found = visible_findings(actor).select_related("patient", "prescription", "accepted_by_change")
    return found.filter(id=finding_id).first()


def open_of(patient: Patient) -> list[Finding]:
    """What waits for an answer about one patient, the most urgent first."""
    return [finding for finding in standing_of(patient) if finding.state == Finding.State.OPEN]


def standing_of(patient: Patient) -> list[Finding]:
    """What is so about one patient now, answered or not, the most urgent first, in one statement."""
    return list(Finding.objects.filter(patient=patient).standing().order_by("place", "raised_at", "id"))


def closing_among(standing: Iterable[Finding], what: Block = Block.STEP) -> list[Finding]:
    """Those of one patient's standing findings that `closing_the_step` would find."""
    return [
        finding
        for finding in standing
        if finding.state in (Finding.State.OPEN, Finding.State.ACCEPTED)
        and not finding.closes_nothing
        and what.value in finding.blocks
        and not (what is Block.STEP and finding.tier == Tier.STEP)
    ]


def closing_the_step(patient_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Finding]]:
    """What closes each patient's next step, the most urgent first, in one statement.

    One that was accepted still does while its rule fires: whoever took the advice has not let the step happen. What R09
    says of the step itself is no reason against it, but a summary of the others.
    """
    found: dict[uuid.UUID, list[Finding]] = defaultdict(list)
    rows = Finding.objects.filter(patient_id__in=list(patient_ids)).closing(Block.STEP).exclude(tier=Tier.STEP.value)
    for finding in rows.order_by("place", "raised_at", "id"):
        found[finding.patient_id].append(finding)
    return found


def closing_the_dose(patient_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Finding]]:
    """What keeps each patient from the next dose, the most urgent first, in one statement."""
    found: dict[uuid.UUID, list[Finding]] = defaultdict(list)
    rows = Finding.objects.filter(patient_id__in=list(patient_ids)).closing(Block.DOSE)
    for finding in rows.order_by("place", "raised_at", "id"):
        found[finding.patient_id].append(finding)
    return found


def against(finding: Finding) -> gate.Against:
    """A finding as the gate weighs it: an emergency and a stop are answered before a step can be thought of."""
    unanswered = finding.state == Finding.State.OPEN and finding.tier in GRAVE
    return gate.Against(rule=finding.rule, sentence=finding.sentence, overridable=not unanswered)


def to_judge(*, clinic_id: uuid.UUID, rules_version: int, settings_number: int, at: datetime) -> QuerySet[Patient]:
    """A clinic's patients who have not been judged on what is known now.

    Behind is who was never judged, who has changed since, whose next midnight has come, and who was judged by another
    book or other thresholds than those that hold.
    """
    behind = (
        Q(judged=None)
        | Q(judged__change_sequence__lt=F("change_sequence"))
        | Q(judged__again_at__lte=at)
        | ~Q(judged__rules_version=rules_version)
        | ~Q(judged__settings_number=settings_number)
    )
    return Patient.objects.filter(behind, clinic_id=clinic_id)
