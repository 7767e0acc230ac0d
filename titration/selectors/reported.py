"""Doses that were told otherwise than they were prescribed."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from common.night import Slot
from symptoms.models import DoseTaken
from titration.engine import timeline
from titration.engine.evidence import Differing
from titration.models import DoseClarified, Step


def differing(steps: Sequence[Step | timeline.Segment], doses: Iterable[Any], *, end: date) -> tuple[Differing, ...]:
    """What was told otherwise since the course began, up to and without `end`, in order.

    `doses` are rows of `told_otherwise`. Of a day in two halves each row tells of one, so only more than the whole dose
    is another one; a day without a dose in force has nothing to differ from.
    """
    found = [one for row in doses if row.plan_date < end if (one := _otherwise(steps, row)) is not None]
    return tuple(sorted(found, key=lambda one: one.on))


def _otherwise(steps: Sequence[Step | timeline.Segment], row: Any) -> Differing | None:
    if row.taken != DoseTaken.Taken.TAKEN or row.taken_mg is None:
        return None
    on = row.plan_date
    step = next((s for s in steps if s.from_on <= on and (s.to_on is None or on < s.to_on)), None)
    if step is None or step.dose is None or row.taken_mg == step.dose:
        return None
    half = step.time_of_day == Slot.SPLIT and row.slot != Slot.SPLIT
    return None if half and row.taken_mg < step.dose else Differing(on, row.taken_mg, step.dose)


def told_otherwise(patients: Iterable[uuid.UUID], *, clarified: Mapping[uuid.UUID, date]) -> dict[uuid.UUID, list[Any]]:
    """Of these patients the doses, oldest first, that may be other ones than were in force, whenever told, but for
    the days already looked into. In one statement; `differing` says which of them are.
    """
    in_force = Step.objects.filter(
        Q(to_on=None) | Q(to_on__gt=OuterRef("plan_date")),
        prescription__patient=OuterRef("patient"),
        from_on__lte=OuterRef("plan_date"),
        dose=OuterRef("taken_mg"),
    )
    rows = DoseTaken.objects.filter(
        patient__in=list(patients), taken=DoseTaken.Taken.TAKEN, taken_mg__isnull=False
    ).exclude(Exists(in_force))
    found: dict[uuid.UUID, list[Any]] = defaultdict(list)
    for row in rows.only("patient_id", "plan_date", "slot", "taken", "taken_mg").order_by("plan_date", "slot"):
        if row.plan_date > clarified.get(row.patient_id, date.min):
            found[row.patient_id].append(row)
    return found


def clarified_to(patients: Iterable[uuid.UUID]) -> dict[uuid.UUID, date]:
    """Up to which day each of these patients' reported doses have been looked into."""
    rows = DoseClarified.objects.filter(patient__in=list(patients)).values("patient_id")
    return dict(rows.annotate(last=Max("up_to")).values_list("patient_id", "last"))


def last_clarified(patient: str) -> QuerySet[DoseClarified]:
    """The same beside another row, as a subquery; `patient` names that row's patient."""
    return DoseClarified.objects.filter(patient=OuterRef(patient)).order_by("-up_to").values("up_to")[:1]


def clarified_of(patient_id: uuid.UUID) -> list[DoseClarified]:
    """What was found out, newest first."""
    return list(DoseClarified.objects.filter(patient=patient_id).order_by("-up_to", "-at")[:10])
