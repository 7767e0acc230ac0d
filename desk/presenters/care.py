"""Who helps a patient, as the clinic reads it."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from desk.presenters.days import day, moment
from patients.models import CareGrant


@dataclass(frozen=True)
class CareLine:
    """A grant that holds or waits to be opened."""

    id: uuid.UUID
    name: str
    relation: str
    email: str
    may: str
    until: str
    standing: str


def care_lines(grants: Iterable[CareGrant], *, zone: ZoneInfo, at: datetime) -> list[CareLine]:
    return [
        CareLine(
            id=grant.id,
            name=grant.name,
            relation=grant.relation,
            email=grant.email,
            may=f"May {grant.get_rights_display()}.",
            until=day(grant.expires_on - timedelta(days=1)),
            standing=_standing(grant, zone=zone, at=at),
        )
        for grant in grants
    ]


def _standing(grant: CareGrant, *, zone: ZoneInfo, at: datetime) -> str:
    by = f"Asked by {grant.get_granted_by_display()}"
    if grant.opened_at is not None:
        return f"{by}; helps since {moment(grant.opened_at, zone)}."
    if grant.invitation_expires_at <= at:
        return f"{by} on {moment(grant.granted_at, zone)}; the invitation was not opened and has expired."
    if grant.mailed_at is None:
        return f"{by} on {moment(grant.granted_at, zone)}; the invitation's mail was not sent."
    return f"{by}; invited on {moment(grant.mailed_at, zone)}, not opened yet."
