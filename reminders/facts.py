"""What the storeys below say that the bell needs: read in bulk, at planning and again at the door."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import pairwise
from zoneinfo import ZoneInfo

from common.night import Slot
from reminders.occurrences import Course
from symptoms.models import SymptomLog
from titration.engine.timeline import Segment, State
from titration.models import Instruction, Prescription, Step

LOG_REMINDER_AT = time(9)
"""When a patient who never said otherwise is asked about the night."""


@dataclass(frozen=True, slots=True)
class OpenCourse:
    """A patient's one open course, with where and when they want the bell."""

    prescription_id: uuid.UUID
    clinic_id: uuid.UUID
    patient_id: uuid.UUID
    zone_name: str
    log_reminder_at: time
    course: Course

    @property
    def zone(self) -> ZoneInfo | None:
        """None if nobody knows a zone of this name."""
        try:
            return ZoneInfo(self.zone_name)
        except (ValueError, KeyError, OSError):
            return None


def open_courses(patient_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, OpenCourse]:
    """The open course of each of these patients who has one, in two queries."""
    rows = Prescription.objects.filter(
        patient_id__in=list(patient_ids), state__in=Prescription.OPEN_STATES
    ).values_list(
        "id",
        "clinic_id",
        "patient_id",
        "patient__zone_name",
        "patient__contact__log_reminder_at",
        "start_on",
        "next_due_on",
        "signed_at",
    )
    found = list(rows)
    steps = _steps([row[0] for row in found])
    return {
        patient_id: OpenCourse(
            prescription_id=prescription_id,
            clinic_id=clinic_id,
            patient_id=patient_id,
            zone_name=zone_name,
            log_reminder_at=log_reminder_at or LOG_REMINDER_AT,
            course=rung_for(steps[prescription_id], start_on=start_on, next_due_on=next_due_on, signed_at=signed_at),
        )
        for (
            prescription_id,
            clinic_id,
            patient_id,
            zone_name,
            log_reminder_at,
            start_on,
            next_due_on,
            signed_at,
        ) in found
    }


def rung_for(
    steps: Sequence[Step | Segment], *, start_on: date, next_due_on: date | None, signed_at: datetime
) -> Course:
    """What the bell knows of a course: from its rows, or from segments that are only meant so far."""
    return Course(
        start_on=start_on,
        step_dates=_step_dates(start_on, next_due_on, steps),
        slot=_slot(steps),
        signed_at=signed_at,
        held=_spans(steps, State.HELD),
        ended=_spans(steps, State.ENDED),
    )


def told_nights(patient_ids: Iterable[uuid.UUID], nights: Iterable[date]) -> set[tuple[uuid.UUID, date]]:
    """Which of these patients have said how which of these nights were."""
    logs = SymptomLog.objects.describing().filter(patient_id__in=list(patient_ids), night__in=list(nights))
    return set(logs.values_list("patient_id", "night"))


def unread_messages(patient_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these patients the clinic has sent something that they have not read; nobody is asked of nobody."""
    wanted = list(patient_ids)
    if not wanted:
        return set()
    return set(Instruction.objects.filter(patient_id__in=wanted, read_at=None).values_list("patient_id", flat=True))


def _steps(prescription_ids: list[uuid.UUID]) -> dict[uuid.UUID, list[Step]]:
    by_prescription: dict[uuid.UUID, list[Step]] = defaultdict(list)
    for step in Step.objects.filter(prescription_id__in=prescription_ids).order_by("from_on"):
        by_prescription[step.prescription_id].append(step)
    return by_prescription


def _step_dates(start_on: date, next_due_on: date | None, steps: Sequence[Step | Segment]) -> frozenset[date]:
    """The start, the next step as it is due, and the days on which another dose takes force.

    Rows at the dose of the one before only say that a hold is over.
    """
    taken = [step for step in steps if step.dose is not None]
    turns = [now.from_on for was, now in pairwise(taken) if (was.dose, was.rung) != (now.dose, now.rung)]
    begins = taken[0].from_on if taken else start_on
    dates = {begins, *turns}
    return frozenset(dates | {next_due_on} if next_due_on else dates)


def _slot(steps: Sequence[Step | Segment]) -> Slot:
    """The time of the day that the course comes to have."""
    return Slot(steps[-1].time_of_day) if steps else Slot.BEDTIME


def _spans(steps: Sequence[Step | Segment], state: State) -> tuple[tuple[date, date | None], ...]:
    return tuple((step.from_on, step.to_on) for step in steps if step.state == state)
