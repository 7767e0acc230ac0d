"""People and roles in words."""

import uuid
from collections.abc import Container
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from accounts import policy
from accounts.actors import Actor
from accounts.models import MemberInvitation, Membership
from desk.presenters.badges import Badge
from desk.presenters.days import day, day_short, moment

ROLES = Membership.Role


@dataclass(frozen=True)
class RoleColumn:
    """One role: what it is for, and whether the reader has it."""

    name: str
    for_whom: str
    yours: bool


@dataclass(frozen=True)
class RoleRow:
    """One permission, and for each role in turn whether it carries it."""

    words: str
    carried: tuple[bool, ...]


@dataclass(frozen=True)
class RoleTable:
    columns: tuple[RoleColumn, ...]
    rows: tuple[RoleRow, ...]


def role_table(actor: Actor) -> RoleTable:
    return RoleTable(
        columns=tuple(
            RoleColumn(ROLES(role).label, policy.FOR_WHOM[role], role == actor.role) for role in policy.PERMISSIONS
        ),
        rows=tuple(
            RoleRow(_sentence(permission), tuple(permission in carried for carried in policy.PERMISSIONS.values()))
            for permission in policy.Permission
        ),
    )


def _sentence(permission: policy.Permission) -> str:
    return permission.value[0].upper() + permission.value[1:]


@dataclass(frozen=True)
class Member:
    """One person of the clinic; moments by the clinic's clock."""

    id: uuid.UUID
    name: str
    address: str
    role: str
    since: str
    last_sign_in: str
    second_factor: Badge
    you: bool


@dataclass(frozen=True)
class EarlierRole:
    role: str
    since: str
    until: str


@dataclass(frozen=True)
class Invited:
    """An invitation nobody has accepted yet."""

    id: uuid.UUID
    address: str
    role: str
    sent: str
    state: Badge


@dataclass(frozen=True)
class WorkingPlace:
    """A clinic the reader works in, and whether they act in it now."""

    clinic_id: uuid.UUID
    clinic: str
    role: str
    here: bool


def working_place(membership: Membership, *, actor: Actor) -> WorkingPlace:
    clinic = membership.clinic
    return WorkingPlace(clinic.id, clinic.name, ROLES(membership.role).label, clinic.id == actor.clinic_id)


def member(membership: Membership, *, actor: Actor, with_second_factor: Container[uuid.UUID]) -> Member:
    user, zone = membership.user, _zone(actor)
    return Member(
        id=membership.id,
        name=user.name,
        address=user.username,
        role=ROLES(membership.role).label,
        since=_since(membership.began_at, zone),
        last_sign_in=moment(user.last_login, zone) if user.last_login else "never yet",
        second_factor=Badge("set up", "good", "check")
        if user.id in with_second_factor
        else Badge("none", "care", "care"),
        you=user.id == actor.user_id,
    )


def earlier_role(membership: Membership, *, actor: Actor) -> EarlierRole:
    zone = _zone(actor)
    until = day(membership.ended_at.astimezone(zone).date()) if membership.ended_at else ""
    return EarlierRole(ROLES(membership.role).label, _since(membership.began_at, zone), until)


def invited(invitation: MemberInvitation, *, actor: Actor, at: datetime) -> Invited:
    zone = _zone(actor)
    if invitation.expires_at <= at:
        state = Badge("its week is over", "care", "clock")
    elif invitation.mailed_at is None:
        state = Badge("not sent: the mail server did not take it", "danger", "stop")
    else:
        state = Badge(f"opens until {day_short(last_day(invitation, zone))}", "info", "mail")
    return Invited(
        id=invitation.id,
        address=invitation.address,
        role=ROLES(invitation.role).label,
        sent=moment(invitation.invited_at, zone),
        state=state,
    )


def last_day(invitation: MemberInvitation, zone: ZoneInfo) -> date:
    """The last whole day on which the invitation opens, by the clinic's clock."""
    return (invitation.expires_at.astimezone(zone) - timedelta(days=1)).date()


def _since(began_at: datetime | None, zone: ZoneInfo) -> str:
    return day(began_at.astimezone(zone).date()) if began_at else "the beginning"


def _zone(actor: Actor) -> ZoneInfo:
    if actor.clinic_zone is None:
        raise ValueError("A member's actor knows the clinic's zone.")
    return actor.clinic_zone
