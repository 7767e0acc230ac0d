"""Asked once more just before a message leaves: is it still true, still wanted, still in time?"""

import enum
import uuid
from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet

from common import walls
from reminders import facts
from reminders.models import Reminder
from reminders.occurrences import Course, Kind
from titration.selectors import courses as courses_selectors
from titration.selectors import findings as findings_selectors


class Answer(enum.StrEnum):
    """What the door says; all but `GO`, `LATER` and `TOO_LATE` are why a reminder is cancelled."""

    GO = "go"
    LATER = "later"
    TOO_LATE = "too_late"
    NO_CONSENT = "no_consent"
    NO_ADDRESS = "no_address"
    ADDRESS_FAILED = "address_failed"
    NO_OPEN_COURSE = "no_open_course"
    OPIOID_REPORT_OPEN = "opioid_report_open"
    DOSE_CLOSED = "dose_closed"
    NO_STEP_THEN = "no_step_then"
    ALREADY_TOLD = "already_told"
    NOT_ASKED_THEN = "not_asked_then"
    ALREADY_READ = "already_read"


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the door needs to know of one reminder."""

    reminder_id: uuid.UUID
    patient_id: uuid.UUID
    clinic_id: uuid.UUID
    kind: Kind
    about_on: date
    not_after: datetime
    attempts: int
    address: str
    consents: bool
    address_failed: bool
    moved: bool
    course: Course | None
    opioid_reported: bool
    dose_closed: bool
    night_told: bool
    message_waits: bool = False


def answer(known: Facts, *, at: datetime) -> Answer:
    """The first reason against, in the order a person would give them; `GO` if there is none."""
    if at >= known.not_after:
        return Answer.TOO_LATE
    refusal = _of_the_person(known)
    if refusal is not None:
        return refusal
    if known.kind is Kind.MESSAGE:
        # What the clinic wrote is worth reading wherever the patient is and whatever became of the plan.
        return Answer.GO if known.message_waits else Answer.ALREADY_READ
    if known.course is None:
        return Answer.NO_OPEN_COURSE
    if known.moved:
        return Answer.LATER
    return _of_the_step(known, known.course) if known.kind is Kind.STEP_EVE else _of_the_night(known, known.course)


def _of_the_person(known: Facts) -> Answer | None:
    if not known.consents:
        return Answer.NO_CONSENT
    if not known.address:
        return Answer.NO_ADDRESS
    return Answer.ADDRESS_FAILED if known.address_failed else None


def _of_the_step(known: Facts, course: Course) -> Answer:
    if known.opioid_reported:
        # The patient was told to take nothing: a bell for a step would say the opposite.
        return Answer.OPIOID_REPORT_OPEN
    if known.dose_closed:
        return Answer.DOSE_CLOSED
    return Answer.GO if course.steps_on(known.about_on) else Answer.NO_STEP_THEN


def _of_the_night(known: Facts, course: Course) -> Answer:
    # An open opioid report does not silence this one: how the patient is matters more then, not less.
    if known.night_told:
        return Answer.ALREADY_TOLD
    return Answer.GO if course.asks_about(known.about_on) else Answer.NOT_ASKED_THEN


def gather(reminder_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Facts]:
    """The facts of many reminders in six queries a clinic, however many they are.

    The queue knows ids; what is behind them is asked as the clinic they belong to.
    """
    found: dict[uuid.UUID, Facts] = {}
    asked = Reminder.objects.across_clinics().filter(id__in=list(reminder_ids))
    for clinic_id in set(asked.values_list("clinic_id", flat=True)):
        with walls.acting(clinic=clinic_id):
            found |= _gather(asked.filter(clinic_id=clinic_id))
    return found


def _gather(reminders: "QuerySet[Reminder]") -> dict[uuid.UUID, Facts]:
    rows = list(
        reminders.values(
            "id",
            "clinic_id",
            "not_after",
            "attempts",
            "occurrence__patient_id",
            "occurrence__kind",
            "occurrence__about_on",
            "occurrence__zone_name",
            "occurrence__local_time",
            "occurrence__patient__email",
            "occurrence__patient__zone_name",
            "occurrence__patient__contact__reminders_by_email",
            "occurrence__patient__contact__address_failed_at",
        )
    )
    patients = {row["occurrence__patient_id"] for row in rows}
    courses = facts.open_courses(patients)
    reported = courses_selectors.opioid_report_open(patients)
    closed = findings_selectors.closing_the_dose(patients)
    told = facts.told_nights(patients, {row["occurrence__about_on"] for row in rows})
    messages = [row["occurrence__patient_id"] for row in rows if row["occurrence__kind"] == Kind.MESSAGE]
    waiting = facts.unread_messages(messages)
    return {
        row["id"]: _facts(row, courses.get(row["occurrence__patient_id"]), reported, closed.keys(), told, waiting)
        for row in rows
    }


def _facts(
    row: dict[str, Any],
    current: facts.OpenCourse | None,
    reported: set[uuid.UUID],
    closed: Set[uuid.UUID],
    told: set[tuple[uuid.UUID, date]],
    waiting: set[uuid.UUID],
) -> Facts:
    patient_id, about_on, kind = row["occurrence__patient_id"], row["occurrence__about_on"], row["occurrence__kind"]
    return Facts(
        reminder_id=row["id"],
        patient_id=patient_id,
        clinic_id=row["clinic_id"],
        kind=Kind(kind),
        about_on=about_on,
        not_after=row["not_after"],
        attempts=row["attempts"],
        address=row["occurrence__patient__email"],
        consents=bool(row["occurrence__patient__contact__reminders_by_email"]),
        address_failed=row["occurrence__patient__contact__address_failed_at"] is not None,
        moved=row["occurrence__zone_name"] != row["occurrence__patient__zone_name"]
        or (
            kind == Kind.NIGHT_LOG and current is not None and row["occurrence__local_time"] != current.log_reminder_at
        ),
        course=current.course if current else None,
        opioid_reported=patient_id in reported,
        dose_closed=patient_id in closed,
        night_told=(patient_id, about_on) in told,
        message_waits=patient_id in waiting,
    )
