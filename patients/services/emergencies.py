"""Breaking the glass: one restricted record, one clinician, one hour, a reason, and a review that stays open.

What was typed is looked up among the clinic's records whoever they are closed to, and the answer for a record that is
not there is the answer for one that is another clinic's. Each try is counted first.
"""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from accounts import policy
from accounts.actors import Actor
from accounts.models import Membership
from audit import services as audit
from common import walls
from common.refusals import Refused
from patients import emergency, selectors
from patients.models import EmergencyAccess, EmergencyTry, Patient

LASTS = timedelta(minutes=60)
TRIES = 5
TRIES_WITHIN = timedelta(hours=1)
SHORTEST_REASON = 20
"""Characters: enough that a bare "emergency" does not do (reliability and security rules 3.3)."""

NOT_FOUND = (
    "No record of your clinic has this number, or this name and date of birth. Check what you typed. "
    "If there is no time, ask a colleague to look with you."
)
TOO_MANY = (
    "You have tried five times within an hour. Wait, or ask a prescriber of the care team or another colleague. "
    "Your clinic's auditor sees these tries."
)
ALREADY_OPEN = "You may open this record without an emergency: search for it under Patients."


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a record is looked for by: its number, or its patient's name and date of birth."""

    record_number: str = ""
    name: str = ""
    birth_date: date | None = None


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A record that is open now, and who is to be told by mail once that stands."""

    access: EmergencyAccess
    watchers: emergency.Watchers


def count_try(*, by: Actor, at: datetime) -> None:
    """One more try of this person, remembered whatever comes of it; the sixth within an hour is refused.

    A person's tries stand in line, so that several at one moment cannot all be the fifth.
    """
    policy.check(by, policy.Permission.BREAK_GLASS)
    with transaction.atomic():
        _membership(by)
        recent = EmergencyTry.objects.filter(clinic_id=by.clinic_id, user_id=by.user_id, at__gt=at - TRIES_WITHIN)
        allowed = recent.count() < TRIES
        if allowed:
            EmergencyTry.objects.create(clinic_id=by.clinic_id, user_id=by.user_id, at=at)
    audit.record(by=by, at=at, action="emergency.try", result="done" if allowed else "denied")
    if not allowed:
        raise Refused(TOO_MANY)


@transaction.atomic
def open_record(*, asked: Asked, reason: str, by: Actor, at: datetime) -> Opened:
    """Open the one restricted record that was asked for, to `by` alone, for an hour. The caller counts the try first.

    Opening what is open already prolongs nothing.
    """
    policy.check(by, policy.Permission.BREAK_GLASS)
    if len(" ".join(reason.split())) < SHORTEST_REASON:
        raise Refused(f"Say in at least {SHORTEST_REASON} characters why this cannot wait.")
    membership = _membership(by)
    patient = _found(asked, by)
    if patient is None:
        raise Refused(NOT_FOUND)
    if selectors.visible_to(selectors.lasting(by)).filter(id=patient.id).exists():
        raise Refused(ALREADY_OPEN)
    mine = EmergencyAccess.objects.filter(patient=patient, user_id=by.user_id, closed_at=None)
    watchers = emergency.watchers_of(membership.clinic_id, but=by.user_id)
    running = mine.filter(ends_at__gt=at, membership=membership).first()
    if running is not None:
        return Opened(access=running, watchers=watchers)
    for over in mine:
        EmergencyAccess.objects.filter(id=over.id, patient=patient).update(closed_at=min(over.ends_at, at))
    access = EmergencyAccess.objects.create(
        clinic_id=membership.clinic_id,
        patient=patient,
        user_id=membership.user_id,
        membership=membership,
        reason=reason,
        opened_at=at,
        ends_at=at + LASTS,
    )
    audit.record(by=by, at=at, action="emergency.open", patients=[patient.id], subject=access.id)
    return Opened(access=access, watchers=watchers)


def noticed(*, access: EmergencyAccess, at: datetime) -> None:
    """Remember that a mail server took the notice; the transaction that opened the record is over."""
    with walls.acting(clinic=access.clinic_id):
        EmergencyAccess.objects.filter(id=access.id, clinic_id=access.clinic_id, noticed_at=None).update(noticed_at=at)


@transaction.atomic
def end(*, access_id: uuid.UUID, by: Actor, at: datetime) -> bool:
    """Close the record again, by who opened it or by who may review it; False where nothing of that kind is open."""
    running = EmergencyAccess.objects.filter(id=access_id, clinic_id=by.clinic_id, closed_at=None, ends_at__gt=at)
    if not policy.may(by, policy.Permission.REVIEW_EMERGENCIES):
        running = running.filter(user_id=by.user_id)
    access = running.first()
    if access is None or not running.update(closed_at=at):
        return False
    audit.record(by=by, at=at, action="emergency.end", patients=[access.patient_id], subject=access.id)
    return True


@transaction.atomic
def review(*, access_id: uuid.UUID, outcome: str, words: str, by: Actor, at: datetime) -> None:
    """Close the review with an outcome and words. It is signed once, after the access is over, by somebody else."""
    policy.check(by, policy.Permission.REVIEW_EMERGENCIES)
    access = EmergencyAccess.objects.select_for_update(no_key=True).get(id=access_id, clinic_id=by.clinic_id)
    if access.user_id == by.user_id:
        raise Refused("This was you. Somebody else who may review emergency access has to look at it.")
    if access.closed_at is None and access.ends_at > at:
        raise Refused("The record is still open. Wait until the hour is over, or end it now.")
    if access.reviewed_at is not None:
        raise Refused("This has been reviewed already. Look again what was written.")
    EmergencyAccess.objects.filter(id=access.id, clinic_id=access.clinic_id).update(
        reviewed_at=at, reviewed_by_id=by.user_id, review_outcome=outcome, review_words=words
    )
    audit.record(
        by=by,
        at=at,
        action="emergency.review",
        patients=[access.patient_id],
        subject=access.id,
        details={"outcome": outcome},
    )


def _membership(by: Actor) -> Membership:
    """The person's place in the clinic, held still: what they do here happens one after another."""
    mine = Membership.objects.select_for_update(no_key=True)
    membership = mine.filter(user_id=by.user_id, clinic_id=by.clinic_id, ended_at=None).first()
    if membership is None:
        raise Refused("You no longer work in this clinic.")
    return membership


def _found(asked: Asked, by: Actor) -> Patient | None:
    """The only record of the clinic that is meant; two that could be are none."""
    here = Patient.objects.filter(clinic_id=by.clinic_id)
    if asked.record_number:
        found = list(here.filter(record_number__iexact=" ".join(asked.record_number.split()))[:2])
    else:
        words = sorted(selectors.plain(asked.name).split())
        born = here.filter(birth_date=asked.birth_date)
        found = [patient for patient in born if words and sorted(selectors.plain(patient.name).split()) == words]
    return found[0] if len(found) == 1 else None
