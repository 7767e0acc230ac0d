"""Where patients stand, in few words, for a list of many."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.db.models import Exists, FilteredRelation, OuterRef, Q, Subquery

from common.dose import Dose
from patients.models import Patient
from symptoms.models import OpioidReport, SymptomLog
from titration.engine.advice.finding import Block
from titration.engine.timeline import State
from titration.models import Finding, Prescription


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One patient's open course on their own date, and the last night they told.

    `dose` and `state` are those in force; both None without an open course and before it starts. `told_none` is whether
    they read that no dose is to be taken.
    """

    last_told: date | None = None
    start_on: date | None = None
    dose: Dose | None = None
    state: State | None = None
    next_dose: Dose | None = None
    next_due_on: date | None = None
    told_none: bool = False


def standings_of(patients: Sequence[Patient], *, at: datetime) -> dict[uuid.UUID, Standing]:
    """Where each of these patients stands, in one query however many there are."""
    today = {patient.id: at.astimezone(patient.zone).date() for patient in patients}
    standings: dict[uuid.UUID, Standing] = {}
    for patient_id, told, none, start, due, next_dose, step_from, step_to, dose, state in _rows(patients, at.date()):
        known = standings.get(patient_id) or Standing(
            last_told=told, told_none=none, start_on=start, next_due_on=due, next_dose=next_dose
        )
        if step_from and step_from <= today[patient_id] and (step_to is None or today[patient_id] < step_to):
            known = replace(known, dose=dose, state=State(state))
        standings[patient_id] = known
    return standings


def _rows(patients: Sequence[Patient], utc_date: date) -> list[tuple]:  # type: ignore[type-arg]
    """Patient by patient, the open course with the steps that any zone's date could be in: one to three rows each."""
    told = SymptomLog.objects.filter(patient=OuterRef("pk")).order_by("-night").values("night")[:1]
    reported = OpioidReport.objects.filter(patient=OuterRef("pk"), review=None)
    closed = Finding.objects.filter(patient=OuterRef("pk")).closing(Block.DOSE)
    one_day = timedelta(days=1)
    return list(
        Patient.objects.filter(
            id__in=[patient.id for patient in patients], clinic_id__in={patient.clinic_id for patient in patients}
        )
        .annotate(
            told=Subquery(told),
            told_none=Exists(reported) | Exists(closed),
            course=FilteredRelation("prescriptions", condition=Q(prescriptions__state__in=Prescription.OPEN_STATES)),
            step=FilteredRelation(
                "course__steps",
                condition=Q(course__steps__from_on__lte=utc_date + one_day)
                & (Q(course__steps__to_on=None) | Q(course__steps__to_on__gte=utc_date)),
            ),
        )
        .values_list(
            "id",
            "told",
            "told_none",
            "course__start_on",
            "course__next_due_on",
            "course__next_dose",
            "step__from_on",
            "step__to_on",
            "step__dose",
            "step__state",
        )
    )
