"""Questions about restricted records: who may open one, and who could be let in."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, QuerySet

from accounts import policy
from accounts.actors import Actor
from accounts.models import Membership
from patients import selectors
from patients.models import CareTeamMember, Patient


@dataclass(frozen=True, kw_only=True)
class Colleague:
    """A member of the clinic as others know them."""

    user_id: uuid.UUID
    name: str
    role: str


@dataclass(frozen=True, kw_only=True)
class Member:
    """A colleague on the care team; `left` means that they no longer work in the clinic and so open nothing."""

    user_id: uuid.UUID
    name: str
    role: str
    added_at: datetime
    added_by: str
    left: bool


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who may open a record: everyone of the clinic who reads records (`restricted_at` None), or the team."""

    patient: Patient
    restricted_at: datetime | None
    team: tuple[Member, ...]


def access_of(actor: Actor, patient_id: uuid.UUID) -> Access | None:
    """Who may open this record, if the actor may know of it: at most three statements."""
    in_team = (
        CareTeamMember.objects.filter(ended_at=None)
        .select_related("user", "added_by")
        .order_by("added_at", "user__name")
    )
    found = (
        selectors.visible_to(actor)
        .select_related("clinic")
        .prefetch_related(Prefetch("care_team", in_team, to_attr="team_rows"))
        .filter(id=patient_id)
        .first()
    )
    if found is None:
        return None
    working = {row.user_id: row for row in _working(actor)} if found.team_rows else {}
    roles = {user_id: row.role for user_id, row in working.items()}
    # Who came back or got another role since has no place here any more, and can be let in anew.
    rows = [row for row in found.team_rows if not _is_older(row, working.get(row.user_id))]
    team = tuple(
        Member(
            user_id=row.user_id,
            name=row.user.name,
            role=roles.get(row.user_id, ""),
            added_at=row.added_at,
            added_by=row.added_by.name,
            left=row.user_id not in roles,
        )
        for row in rows
    )
    return Access(patient=found, restricted_at=found.restricted_at, team=team)


def _is_older(place: CareTeamMember, role: Membership | None) -> bool:
    return role is not None and role.began_at is not None and place.added_at < role.began_at


def colleagues(actor: Actor) -> list[Colleague]:
    """Everyone who could be on a care team: the members of the clinic whose role reads records, by name."""
    rows = _working(actor).select_related("user").order_by("user__name", "user_id")
    return [Colleague(user_id=row.user_id, name=row.user.name, role=row.get_role_display()) for row in rows]


def prescribers_among(clinic_id: uuid.UUID, user_ids: set[uuid.UUID]) -> set[uuid.UUID]:
    """Those of these people who prescribe in the clinic now."""
    roles = policy.roles_with(policy.Permission.PRESCRIBE)
    return set(
        Membership.objects.filter(
            clinic_id=clinic_id, ended_at=None, role__in=roles, user_id__in=user_ids, user__is_active=True
        ).values_list("user_id", flat=True)
    )


def _working(actor: Actor) -> QuerySet[Membership]:
    roles = policy.roles_with(policy.Permission.READ_PATIENTS)
    return Membership.objects.filter(clinic_id=actor.clinic_id, ended_at=None, role__in=roles, user__is_active=True)
