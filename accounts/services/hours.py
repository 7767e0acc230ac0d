"""A clinic's hours and numbers, who covers whom, and who is told of something urgent."""

import itertools
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from accounts import policy, selectors
from accounts.actors import Actor
from accounts.hours import Contact, Hours
from accounts.models import Clinic, ClinicHours, ClosedDate, Cover, UrgentContact
from audit import services as audit
from common.refusals import Refused

SHORTEST_MINUTES, LONGEST_MINUTES = 5, 240
LONGEST_COVER = timedelta(days=366)
_TELEPHONE = re.compile(r"\+[1-9][0-9]{6,14}")
"""As a gateway wants it (E.164)."""


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """Whom patients call: in hours, and when it cannot wait ("" where that is the same)."""

    phone: str
    urgent_phone: str


@transaction.atomic
def keep_hours(*, hours: Hours, numbers: Numbers, by: Actor, at: datetime) -> None:
    """Say when the clinic reads what patients write, and whom they call."""
    policy.check(by, policy.Permission.KEEP_HOURS)
    _check_apart(hours)
    if not numbers.phone.strip():
        raise Refused("A clinic has a telephone number: patients are told to call it.")
    clinic = _locked(by)
    ClinicHours.objects.filter(clinic=clinic).delete()
    ClosedDate.objects.filter(clinic=clinic).delete()
    ClinicHours.objects.bulk_create(
        ClinicHours(clinic=clinic, weekday=one.weekday, opens=one.opens, closes=one.closes) for one in hours.openings
    )
    ClosedDate.objects.bulk_create(ClosedDate(clinic=clinic, on=on) for on in sorted(hours.closed))
    clinic.phone, clinic.urgent_phone = numbers.phone.strip(), numbers.urgent_phone.strip()
    clinic.save(update_fields=["phone", "urgent_phone"])
    details = {"stretches": len(hours.openings), "closed": len(hours.closed)}
    audit.record(by=by, at=at, action="clinic.hours", details=details)


def _check_apart(hours: Hours) -> None:
    ordered = sorted(hours.openings)
    for one, following in itertools.pairwise(ordered):
        if one.weekday == following.weekday and following.opens < one.closes:
            raise Refused("Two stretches of one day overlap. Say each hour of a day once.")


@transaction.atomic
def keep_route(*, route: Sequence[Contact], by: Actor, at: datetime) -> None:
    """Say who is told of something urgent, in which order, and how long each has before the next one is told."""
    policy.check(by, policy.Permission.KEEP_HOURS)
    may_be_told = {member.user_id for member in selectors.may_be_told(by)}
    people = [contact.user_id for contact in route]
    if not may_be_told.issuperset(people):
        raise Refused("Only who works in the clinic and reads patients' records can be told of something urgent.")
    if len(set(people)) != len(people):
        raise Refused("Each person stands in the list once.")
    for contact in route:
        if not SHORTEST_MINUTES <= contact.minutes <= LONGEST_MINUTES:
            raise Refused(f"Choose from {SHORTEST_MINUTES} to {LONGEST_MINUTES} minutes.")
        if contact.text_to and not _TELEPHONE.fullmatch(contact.text_to):
            raise Refused("Write the telephone with its country, such as +44 20 7946 0000.")
    clinic = _locked(by)
    UrgentContact.objects.filter(clinic=clinic).delete()
    UrgentContact.objects.bulk_create(
        UrgentContact(
            clinic=clinic,
            position=position,
            user_id=contact.user_id,
            text_to=contact.text_to,
            minutes=contact.minutes,
        )
        for position, contact in enumerate(route)
    )
    audit.record(by=by, at=at, action="clinic.route", details={"contacts": len(route)})


@transaction.atomic
def cover(*, away: uuid.UUID, covers: uuid.UUID, from_on: date, until_on: date, by: Actor, at: datetime) -> Cover:
    """Let one colleague answer for another from a day to a day, the second excluded."""
    policy.check(by, policy.Permission.KEEP_HOURS)
    if not {away, covers} <= {member.user_id for member in selectors.may_be_told(by)}:
        raise Refused("Both have to work in the clinic and read patients' records.")
    if away == covers:
        raise Refused("Nobody covers themself. Choose a colleague.")
    if not from_on < until_on <= from_on + LONGEST_COVER:
        raise Refused("The last day is the first one or later, and at most a year after it.")
    clinic = _locked(by)
    overlapping = Cover.objects.filter(clinic=clinic, away_id=away, ended_at=None)
    if overlapping.filter(from_on__lt=until_on, until_on__gt=from_on).exists():
        raise Refused("Somebody covers this colleague on some of these days already. End that first.")
    row = Cover.objects.create(clinic=clinic, away_id=away, covers_id=covers, from_on=from_on, until_on=until_on)
    audit.record(by=by, at=at, action="clinic.cover", subject=row.id)
    return row


@transaction.atomic
def end_cover(*, cover_id: uuid.UUID, by: Actor, at: datetime) -> None:
    """From now on this cover counts no more. Doing it twice changes nothing."""
    policy.check(by, policy.Permission.KEEP_HOURS)
    if Cover.objects.filter(id=cover_id, clinic_id=by.clinic_id, ended_at=None).update(ended_at=at):
        audit.record(by=by, at=at, action="clinic.cover_ended", subject=cover_id)


def telephone(typed: str) -> str:
    """A telephone without the spaces and brackets people write."""
    return re.sub(r"[\s().-]", "", typed)


def _locked(by: Actor) -> Clinic:
    return Clinic.objects.select_for_update(no_key=True).get(id=by.clinic_id)
