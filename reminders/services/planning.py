"""Lay out the bells of the next two days as rows. Any number of planners may run: keys, not care, prevent doubles."""

import logging
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from accounts import selectors as accounts_selectors
from common import walls
from reminders import facts, pace
from reminders.models import Heartbeat, Occurrence, Reminder
from reminders.occurrences import MESSAGE_LASTS, Kind, Owed, night_log, owed, step_eve
from reminders.services import pulse
from reminders.states import State
from titration.engine import timeline
from titration.models import Instruction, Prescription, Step

log = logging.getLogger(__name__)
_LOCK = zlib.crc32(b"reminders.plan")
_ONE_DAY = timedelta(days=1)


@transaction.atomic
def plan(*, at: datetime) -> int:
    """Write down what has become owed since the last planning; the number of new occurrences.

    One planner at a time, and at most one a minute; the others return at once. What was owed and is already over was
    missed by an outage, and is written down as that, without a reminder.
    """
    if not _alone():
        return 0
    last = Heartbeat.objects.filter(name=Heartbeat.Name.PLAN).values_list("at", flat=True).first()
    if last is not None and timedelta(0) <= at - last < pace.PLAN_EVERY:
        return 0
    since = max(last, at - pace.OUTAGE_LOOKED_BACK) if last else at
    made, patients_left = 0, pace.PLAN_AT_MOST
    for clinic_id in accounts_selectors.all_clinic_ids():
        with walls.acting(clinic=clinic_id):
            move_changed(clinic_id=clinic_id)
            laid = lay_out(clinic_id=clinic_id, since=since, at=at, at_most=patients_left)
            made += lay_out_messages(clinic_id=clinic_id, at=at)
        made, patients_left = made + laid.made, patients_left - laid.patients
    if patients_left > 0:
        pulse.planned_until_now(at=at)
    return made


@dataclass(frozen=True)
class Laid:
    """How many occurrences were made, for how many patients."""

    made: int
    patients: int


def lay_out(*, clinic_id: uuid.UUID, since: datetime, at: datetime, at_most: int = pace.PLAN_AT_MOST) -> Laid:
    """Insert every occurrence of a clinic that was worth ringing after `since` and does not exist yet, for so many
    patients.

    Bounded, so that the hour at which everybody's next day comes into sight delays no bell that is due now.
    """
    first, last = since.date() - 2 * _ONE_DAY, at.date() + pace.PLAN_AHEAD_DAYS * _ONE_DAY
    owed_something = _patients_owed_something(first, last).filter(clinic_id=clinic_id)
    patients = list(owed_something[:at_most])
    made = 0
    for begin in range(0, len(patients), pace.PLAN_BATCH):
        found = facts.open_courses(patients[begin : begin + pace.PLAN_BATCH])
        made += _insert([row for open_course in found.values() for row in _rows(open_course, since, at, first, last)])
    return Laid(made, len(patients))


def lay_out_messages(*, clinic_id: uuid.UUID, at: datetime) -> int:
    """A neutral mail for what the clinic wrote and the patient has not read: one a day, on the day it was sent."""
    mailed = Occurrence.objects.filter(
        patient=OuterRef("patient"), kind=Kind.MESSAGE, due_at__gte=OuterRef("sent_at") - _ONE_DAY
    )
    unread = Instruction.objects.filter(~Exists(mailed), clinic_id=clinic_id, read_at=None, sent_at__gt=at - _ONE_DAY)
    plans = Prescription.objects.filter(patient=OuterRef("patient")).order_by("-signed_at").values("id")[:1]
    waiting = unread.select_related("patient").annotate(plan=Subquery(plans)).exclude(plan=None)
    return _insert([_message(row, at) for row in waiting.order_by("patient_id", "sent_at").distinct("patient_id")])


def _message(row: Instruction, at: datetime) -> Occurrence:
    return Occurrence(
        clinic_id=row.clinic_id,
        patient_id=row.patient_id,
        prescription_id=row.plan,
        kind=Kind.MESSAGE,
        about_on=row.sent_at.date(),
        local_time=row.sent_at.time(),
        zone_name=row.patient.zone_name,
        due_at=at,
        expires_at=at + MESSAGE_LASTS,
    )


def move_changed(*, clinic_id: uuid.UUID) -> int:
    """Move a clinic's bells still waiting to where the patient lives now and to the time they chose now."""
    moved = list(
        Reminder.objects.filter(
            ~Q(occurrence__zone_name=F("occurrence__patient__zone_name"))
            | Q(
                ~Q(occurrence__local_time=F("occurrence__patient__contact__log_reminder_at")),
                occurrence__kind=Kind.NIGHT_LOG,
                occurrence__patient__contact__isnull=False,
            ),
            clinic_id=clinic_id,
            state=State.PENDING,
        )
        .exclude(occurrence__kind=Kind.MESSAGE)
        .select_related("occurrence")
        .select_for_update(of=("self", "occurrence"), skip_locked=True)
    )
    courses = facts.open_courses({reminder.occurrence.patient_id for reminder in moved})
    for reminder in moved:
        now = courses.get(reminder.occurrence.patient_id)
        if now is not None and now.zone is not None:
            _move(reminder, now, now.zone)
    return len(moved)


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        (alone,) = cursor.fetchone()
    return bool(alone)


def _patients_owed_something(first: date, last: date) -> "QuerySet[Prescription, object]":
    """Patients whose last night in sight, or a step in sight, has no occurrence: an anti-join, no row a patient."""
    bells = Occurrence.objects.filter(patient_id=OuterRef("patient_id"))
    night = bells.filter(kind=Kind.NIGHT_LOG, about_on=last)
    over = Step.objects.filter(prescription_id=OuterRef("pk"), state=timeline.State.ENDED, from_on__lte=first)
    steps_to = last + _ONE_DAY
    confirmed = Step.objects.filter(
        ~Exists(bells.filter(kind=Kind.STEP_EVE, about_on=OuterRef("from_on"))),
        prescription_id=OuterRef("pk"),
        from_on__range=(first, steps_to),
        state=timeline.State.TAKING,
        rung__gt=0,
    )
    return (
        Prescription.objects.filter(state__in=Prescription.OPEN_STATES)
        .filter(
            Q(~Exists(night), ~Exists(over), start_on__lte=last)
            | Q(
                ~Exists(bells.filter(kind=Kind.STEP_EVE, about_on=OuterRef("start_on"))),
                start_on__range=(first, steps_to),
            )
            | Q(
                ~Exists(bells.filter(kind=Kind.STEP_EVE, about_on=OuterRef("next_due_on"))),
                next_due_on__range=(first, steps_to),
            )
            | Exists(confirmed)
        )
        .values_list("patient_id", flat=True)
    )


def _rows(
    open_course: facts.OpenCourse, since: datetime, at: datetime, first: date, last: date
) -> Iterator[Occurrence]:
    zone = open_course.zone
    if zone is None:
        # One patient with an impossible zone must not silence everybody else.
        log.error("no bells for prescription %s: nobody knows its zone", open_course.prescription_id)
        return
    bells = owed(
        open_course.course,
        zone=zone,
        log_reminder_at=open_course.log_reminder_at,
        since=since,
        first=first,
        last=last + _ONE_DAY,
    )
    for bell in bells:
        if bell.kind is Kind.STEP_EVE or bell.about_on <= last:
            yield _occurrence(open_course, bell, at)


def _occurrence(open_course: facts.OpenCourse, bell: Owed, at: datetime) -> Occurrence:
    return Occurrence(
        clinic_id=open_course.clinic_id,
        patient_id=open_course.patient_id,
        prescription_id=open_course.prescription_id,
        kind=bell.kind,
        about_on=bell.about_on,
        local_time=bell.local_time,
        zone_name=open_course.zone_name,
        due_at=bell.due_at,
        expires_at=bell.expires_at,
        state=Occurrence.State.PLANNED if bell.expires_at > at else Occurrence.State.SKIPPED_OUTAGE,
    )


def _insert(rows: list[Occurrence]) -> int:
    """Insert what is new, with a reminder for each that can still be kept, in the caller's transaction."""
    if not rows:
        return 0
    # In one order for everybody: planners that meet wait for each other and never in a circle.
    rows.sort(key=lambda row: (row.patient_id, row.kind, row.about_on))
    Occurrence.objects.bulk_create(rows, ignore_conflicts=True)
    ours = set(
        Occurrence.objects.filter(
            id__in=[row.id for row in rows], clinic_id__in={row.clinic_id for row in rows}
        ).values_list("id", flat=True)
    )
    Reminder.objects.bulk_create(
        Reminder(clinic_id=row.clinic_id, occurrence_id=row.id, next_at=row.due_at, not_after=row.expires_at)
        for row in rows
        if row.id in ours and row.state == Occurrence.State.PLANNED
    )
    return len(ours)


def _move(reminder: Reminder, now: facts.OpenCourse, zone: ZoneInfo) -> None:
    occurrence = reminder.occurrence
    bell = (
        night_log(occurrence.about_on, zone=zone, at=now.log_reminder_at)
        if occurrence.kind == Kind.NIGHT_LOG
        else step_eve(occurrence.about_on, zone=zone, slot=now.course.slot)
    )
    occurrence.zone_name, occurrence.local_time = now.zone_name, bell.local_time
    occurrence.due_at, occurrence.expires_at = bell.due_at, bell.expires_at
    occurrence.save(update_fields=["zone_name", "local_time", "due_at", "expires_at"])
    reminder.next_at, reminder.not_after = bell.due_at, bell.expires_at
    reminder.save(update_fields=["next_at", "not_after"])
