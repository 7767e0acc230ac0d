"""Who may open a record, in words."""

import uuid
from dataclasses import dataclass

from accounts.actors import Actor
from accounts.models import Membership
from desk.presenters.days import moment
from patients.care_team import Access, Member


@dataclass(frozen=True)
class TeamLine:
    """One colleague on a care team."""

    user_id: uuid.UUID
    name: str
    role: str
    since: str
    you: bool


@dataclass(frozen=True)
class Team:
    """The team of a restricted record."""

    since: str
    reason: str
    lines: tuple[TeamLine, ...]


def team(access: Access, actor: Actor) -> Team | None:
    """The team, or None where the record is open to the clinic."""
    if access.restricted_at is None:
        return None
    zone = access.patient.clinic.zone
    return Team(
        since=moment(access.restricted_at, zone),
        reason=access.patient.restricted_because,
        lines=tuple(
            TeamLine(
                user_id=member.user_id,
                name=member.name,
                role=_role(member),
                since=f"since {moment(member.added_at, zone)}, let in by {member.added_by}",
                you=member.user_id == actor.user_id,
            )
            for member in access.team
        ),
    )


def _role(member: Member) -> str:
    return "no longer reads records here" if member.left else Membership.Role(member.role).label.lower()
