"""Doses that were told otherwise than they were prescribed."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import JSONObject

from common.night import Slot
from symptoms.models import DoseTaken
from titration.engine import timeline
from titration.engine.evidence import Differing
from titration.models import DoseClarified, Step


@dataclass(frozen=True, slots=True)
class Clarified:
    """When somebody last found out what was really taken, and up to which day. What is told of the same days afterwards
    is another thing than what they asked about.
    """

    up_to: date
    at: datetime

    def covers(self, on: date, told_at: datetime) -> bool:
        """Whether a dose of a day, as it was told at a moment, has been looked into."""
        return on <= self.up_to and told_at <= self.at


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


def told_otherwise(
    patients: Iterable[uuid.UUID], *, clarified: Mapping[uuid.UUID, Clarified]
) -> dict[uuid.UUID, list[Any]]:
    """Of these patients the doses, oldest first, that may be other ones than were in force, whenever told, but for
    those already looked into. In one statement; `differing` says which of them are.
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
    columns = ("patient_id", "plan_date", "slot", "taken", "taken_mg", "recorded_at")
    for row in rows.only(*columns).order_by("plan_date", "slot"):
        known = clarified.get(row.patient_id)
        if known is None or not known.covers(row.plan_date, row.recorded_at):
            found[row.patient_id].append(row)
    return found


def clarified(patients: Iterable[uuid.UUID]) -> dict[uuid.UUID, Clarified]:
    """How far each of these patients' reported doses have been looked into: the newest answer says it for all."""
    rows = DoseClarified.objects.filter(patient__in=list(patients)).order_by("patient_id", "-at")
    return {
        patient_id: Clarified(up_to, at)
        for patient_id, up_to, at in rows.distinct("patient_id").values_list("patient_id", "up_to", "at")
    }


def last_clarified(patient: str) -> QuerySet[DoseClarified]:
    """The same beside another row, as a subquery that `clarified_beside` reads; `patient` names that row's patient."""
    rows = DoseClarified.objects.filter(patient=OuterRef(patient)).order_by("-at")
    return rows.values(row=JSONObject(up_to="up_to", at="at"))[:1]


def clarified_beside(row: Mapping[str, str] | None) -> Clarified | None:
    """What was read beside another row."""
    return Clarified(date.fromisoformat(row["up_to"]), datetime.fromisoformat(row["at"])) if row else None


def clarified_of(patient_id: uuid.UUID) -> list[DoseClarified]:
    """What was found out, newest first."""
    return list(DoseClarified.objects.filter(patient=patient_id).order_by("-at")[:10])
