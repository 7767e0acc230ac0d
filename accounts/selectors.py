"""Questions about clinics and their people."""

import uuid
from typing import Any

from accounts.actors import Actor, Kind
from accounts.models import Clinic, Membership


def membership_of(user: Any, *, clinic_id: str | None) -> Membership | None:
    """The user's place in their active clinic, with it: the one the session names, else their first."""
    memberships = Membership.objects.filter(user_id=user.id, ended_at=None).order_by("clinic_id")
    if clinic_id is not None:
        memberships = memberships.filter(clinic_id=clinic_id)
    return memberships.select_related("clinic").first()


def member_actor(user: Any, *, clinic_id: str | None) -> Actor | None:
    """The user as the actor of deeds in that clinic; None where they have no place in it."""
    membership = membership_of(user, clinic_id=clinic_id)
    return actor_of(membership, user) if membership else None


def actor_of(membership: Membership, user: Any) -> Actor:
    """This member, acting."""
    return Actor(
        kind=Kind.MEMBER,
        clinic_id=membership.clinic_id,
        label=user.name,
        user_id=user.id,
        role=membership.role,
        clinic_name=membership.clinic.name,
        clinic_zone=membership.clinic.zone,
    )


def clinic_of(actor: Actor) -> Clinic:
    """The clinic this actor acts in."""
    return Clinic.objects.get(id=actor.clinic_id)


def all_clinic_ids() -> list[uuid.UUID]:
    """Every tenant, for the system's own rounds."""
    return list(Clinic.objects.order_by("id").values_list("id", flat=True))
