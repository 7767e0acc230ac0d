"""What is urgent: raised from what waits for an answer, one contact after another told, stopped by who opens it.

Nothing below calls this. Each round reads what waits (unanswered opioid reports, open alerts of the first tier), as it
reads courses for their bells, and works out whom to tell next.
"""

import uuid
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from accounts import hours, policy
from accounts import selectors as accounts_selectors
from accounts.actors import Actor, system
from accounts.hours import Contact
from accounts.models import Membership
from audit import services as audit
from common import walls
from common.refusals import Refused
from patients import selectors as patients_selectors
from patients.models import Patient
from reminders.channels import sms
from reminders.escalation import Told, all_had_their_time, next_told
from reminders.models import UrgentItem, UrgentNotice
from reminders.services import pulse
from reminders.states import State
from symptoms.models import OpioidReport
from titration.engine.advice.finding import Tier
from titration.models import Finding

_LOCK = zlib.crc32(b"reminders.urgent")
MINUTES = 20
"""How long each has where the clinic has not said who is told: grade E3."""
P = policy.Permission
Code, Channel = UrgentItem.Code, UrgentNotice.Channel


@dataclass(frozen=True)
class Waiting:
    """Something that waits for an answer now, and since when."""

    subject_id: uuid.UUID
    patient_id: uuid.UUID
    since: datetime


def _reports(clinic_id: uuid.UUID) -> Iterable[Waiting]:
    rows = OpioidReport.objects.filter(clinic_id=clinic_id, review=None, patient__care_ended_at=None)
    return [Waiting(*row) for row in rows.values_list("id", "patient_id", "at")]


def _findings(clinic_id: uuid.UUID) -> Iterable[Waiting]:
    rows = Finding.objects.waiting().filter(clinic_id=clinic_id, tier=Tier.EMERGENCY, patient__care_ended_at=None)
    return [Waiting(*row) for row in rows.values_list("id", "patient_id", "raised_at")]


SOURCES: dict[str, Callable[[uuid.UUID], Iterable[Waiting]]] = {
    Code.OPIOID_REPORT: _reports,
    Code.FINDING: _findings,
}
"""What each kind of urgent item is read from: whatever waits there is urgent, and no longer when it is answered."""


@transaction.atomic
def plan_urgent(*, at: datetime) -> int:
    """Raise, close and escalate, for every clinic; the number of new notices. One planner at a time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        (alone,) = cursor.fetchone()
    if not alone:
        return 0
    made, ignored = 0, []
    for clinic_id in accounts_selectors.all_clinic_ids():
        with walls.acting(clinic=clinic_id):
            _raise_and_close(clinic_id, at)
            planned, lying = _escalate(clinic_id, at)
        made += planned
        ignored += lying
    # A page cannot look behind the clinics' walls; the round can, and writes down a moment and nothing else.
    pulse.urgent_planned(ignored_since=min(ignored, default=None))
    return made


def raise_item(*, clinic_id: uuid.UUID, patient_id: uuid.UUID, code: str, subject_id: uuid.UUID, at: datetime) -> None:
    """Put something urgent on record; the next round tells the first contact. Twice changes nothing.

    What was closed because nobody waited any more, and waits again, is taken up where it was left.
    """
    item = UrgentItem(clinic_id=clinic_id, patient_id=patient_id, code=code, subject_id=subject_id, raised_at=at)
    UrgentItem.objects.bulk_create([item], ignore_conflicts=True)
    known = UrgentItem.objects.filter(clinic_id=clinic_id, code=code, subject_id=subject_id)
    made = known.filter(id=item.id).exists()
    if made or known.exclude(closed_at=None).update(closed_at=None):
        by, subject = system(clinic_id), known.values_list("id", flat=True).get()
        audit.record(
            by=by, at=at, action="urgent.raise", patients=[patient_id], subject=subject, details={"code": code}
        )


def _raise_and_close(clinic_id: uuid.UUID, at: datetime) -> None:
    known = list(UrgentItem.objects.filter(clinic_id=clinic_id, closed_at=None))
    for code, source in SOURCES.items():
        waiting = {one.subject_id: one for one in source(clinic_id)}
        standing = {item.subject_id: item for item in known if item.code == code}
        for subject_id in waiting.keys() - standing.keys():
            one = waiting[subject_id]
            raise_item(clinic_id=clinic_id, patient_id=one.patient_id, code=code, subject_id=subject_id, at=one.since)
        for subject_id in standing.keys() - waiting.keys():
            _close(standing[subject_id], at)


def _close(item: UrgentItem, at: datetime) -> None:
    if UrgentItem.objects.filter(id=item.id, clinic_id=item.clinic_id, closed_at=None).update(closed_at=at):
        _cancel_waiting(item, at)
        by = system(item.clinic_id)
        audit.record(by=by, at=at, action="urgent.close", patients=[item.patient_id], subject=item.id)


def _cancel_waiting(item: UrgentItem, at: datetime) -> None:
    waiting = UrgentNotice.objects.filter(item=item, clinic_id=item.clinic_id, state=State.PENDING)
    waiting.update(state=State.CANCELLED, done_at=at)


def _escalate(clinic_id: uuid.UUID, at: datetime) -> tuple[int, list[datetime]]:
    """How many notices were planned, and since when items lie unopened that everybody on the list was told of."""
    items = UrgentItem.objects.filter(clinic_id=clinic_id, closed_at=None, opened_at=None)
    made, ignored = 0, []
    for item in items.select_related("patient").order_by("raised_at", "id"):
        route, told = route_for(item.patient, at=at), _told(item)
        if all_had_their_time(route, told, raised_at=item.raised_at, at=at):
            ignored.append(item.raised_at)
        following = next_told(route, told, at=at)
        if following is not None:
            made += _plan_notices(item, following.contact, following.round, at)
    return made, ignored


def _told(item: UrgentItem) -> list[Told]:
    """Whom the notices of an item told, in order; somebody told over two channels failed where both did."""
    steps: dict[tuple[int, uuid.UUID], list[UrgentNotice]] = {}
    for notice in item.notices.order_by("planned_at", "round"):
        steps.setdefault((notice.round, notice.user_id), []).append(notice)
    return [
        Told(user_id, number, sent[0].escalates_at, all(one.state == State.FAILED for one in sent))
        for (number, user_id), sent in steps.items()
    ]


def _plan_notices(item: UrgentItem, contact: Contact, number: int, at: datetime) -> int:
    channels = [Channel.EMAIL, *([Channel.SMS] if contact.text_to and sms.configured() else [])]
    rows = [
        UrgentNotice(
            clinic_id=item.clinic_id,
            item=item,
            user_id=contact.user_id,
            channel=channel,
            round=number,
            planned_at=at,
            escalates_at=at + timedelta(minutes=contact.minutes),
            next_at=at,
        )
        for channel in channels
    ]
    return len(UrgentNotice.objects.bulk_create(rows, ignore_conflicts=True))


def route_for(patient: Patient, *, at: datetime) -> list[Contact]:
    """Who is told about this patient now, in order: who works here and may know of them.

    By the clinic's list, with who covers in the place of who is away; where nobody of it may know of the patient,
    whoever answers opioid reports; failing them whoever reads records.
    """
    clinic = patient.clinic
    members = {member.user_id: member for member in accounts_selectors.members_of(system(clinic.id))}
    rows = accounts_selectors.urgent_contacts(clinic.id)
    today = at.astimezone(clinic.zone).date()
    covers = [
        hours.Covering(row.away_id, row.covers_id, row.from_on, row.until_on)
        for row in accounts_selectors.covers_of(clinic.id, on=today)
    ]
    listed = [Contact(row.user_id, row.minutes, row.text_to) for row in rows]
    phones = {row.user_id: row.text_to for row in rows}
    answering, reading = (set(policy.roles_with(right)) for right in (P.ANSWER_OPIOID_REPORT, P.READ_PATIENTS))
    groups = [
        hours.who_now(listed, covers, today, phones=phones),
        *([Contact(m.user_id, MINUTES) for m in members.values() if m.role in roles] for roles in (answering, reading)),
    ]
    for group in groups:
        if may := [one for one in group if one.user_id in members and _knows(members[one.user_id], patient)]:
            return may
    return []


def _knows(member: Membership, patient: Patient) -> bool:
    actor = accounts_selectors.actor_of(member, member.user)
    return patients_selectors.visible_to(actor).filter(id=patient.id).exists()


@transaction.atomic
def open_item(*, item_id: uuid.UUID, by: Actor, at: datetime) -> UrgentItem:
    """Somebody looks at it now: nobody else is told. Doing it twice changes nothing, and the first stays on record."""
    policy.check(by, P.READ_PATIENTS)
    item = UrgentItem.objects.select_for_update(no_key=True).get(id=item_id, clinic_id=by.clinic_id)
    if not patients_selectors.visible_to(by).filter(id=item.patient_id).exists():
        raise Refused("No urgent item of yours to open. Nothing was done.")
    if item.opened_at is None and item.closed_at is None:
        item.opened_at, item.opened_by_id = at, by.user_id
        item.save(update_fields=["opened_at", "opened_by"])
        _cancel_waiting(item, at)
        audit.record(by=by, at=at, action="urgent.open", patients=[item.patient_id], subject=item.id)
    return item
