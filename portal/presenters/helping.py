"""Who helps a patient, and whom a carer looks after, in words."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from patients.models import CareGrant
from portal.presenters.days import day, moment

MAY = {
    CareGrant.Rights.VIEW: "May look at your next dose, your plan and your nights.",
    CareGrant.Rights.LOG: "May look at your next dose, your plan and your nights, and tell your last seven nights.",
}


@dataclass(frozen=True)
class Helper:
    """Somebody who may help, or is invited to."""

    id: uuid.UUID
    name: str
    relation: str
    may: str
    until: str
    standing: str
    waiting: bool


def helpers(grants: Iterable[CareGrant], zone: ZoneInfo, at: datetime) -> list[Helper]:
    return [
        Helper(
            id=grant.id,
            name=grant.name,
            relation=grant.relation,
            may=MAY[CareGrant.Rights(grant.rights)],
            until=_last_day(grant.expires_on),
            standing=_standing(grant, zone, at),
            waiting=grant.opened_at is None,
        )
        for grant in grants
    ]


def _last_day(expires_on: date) -> str:
    last = expires_on - timedelta(days=1)
    return f"{day(last)} {last.year}"


def _standing(grant: CareGrant, zone: ZoneInfo, at: datetime) -> str:
    by = "you" if grant.granted_by == CareGrant.GrantedBy.PATIENT else "your clinic"
    if grant.opened_at is not None:
        return f"Helps since {moment(grant.opened_at, zone, at)}; asked by {by}."
    if grant.invitation_expires_at <= at:
        return f"Asked by {by}; the invitation was not opened and has expired."
    if grant.mailed_at is None:
        return f"Asked by {by}; the invitation’s mail was not sent."
    return f"Invited by {by} {moment(grant.mailed_at, zone, at)}; not opened yet."


def names(grants: Iterable[CareGrant]) -> list[str]:
    """Who can look now."""
    return [grant.name for grant in grants if grant.opened_at is not None]


@dataclass(frozen=True)
class LookedAfter:
    """Somebody the carer may choose."""

    grant_id: uuid.UUID
    name: str
    clinic: str
    may: str
    until: str


def looked_after(grants: Iterable[CareGrant]) -> list[LookedAfter]:
    return [
        LookedAfter(
            grant_id=grant.id,
            name=grant.patient.name,
            clinic=grant.patient.clinic.name,
            may="You may look, and tell their nights." if grant.rights == CareGrant.Rights.LOG else "You may look.",
            until=_last_day(grant.expires_on),
        )
        for grant in grants
    ]
