"""Questions about emergency access: what waits for a review, and who is told."""

import uuid
from dataclasses import dataclass

from django.db.models import QuerySet

from accounts import policy
from accounts.actors import Actor
from accounts.models import Membership
from patients.models import EmergencyAccess

_SHOWN = 50


@dataclass(frozen=True, kw_only=True)
class Watchers:
    """Who is mailed when a restricted record was opened in an emergency. `may_review` is whether any of them can."""

    addresses: tuple[str, ...]
    may_review: bool


def watchers_of(clinic_id: uuid.UUID, *, but: uuid.UUID | None) -> Watchers:
    """The clinic's auditors; where there is none whoever else may review; failing them the administrators.

    Nobody is told of what they did themselves (`but`), unless there is nobody else.
    """
    working = Membership.objects.filter(clinic_id=clinic_id, ended_at=None, user__is_active=True)
    by_role: dict[str, list[tuple[uuid.UUID, str]]] = {}
    for role, user_id, address in working.exclude(user__email="").values_list("role", "user_id", "user__email"):
        by_role.setdefault(role, []).append((user_id, address))
    reviewing = policy.roles_with(policy.Permission.REVIEW_EMERGENCIES)
    managing = policy.roles_with(policy.Permission.MANAGE_MEMBERS)
    for roles in ([Membership.Role.AUDITOR], reviewing, managing):
        people = [person for role in roles for person in by_role.get(role, [])]
        if others := sorted(address for user_id, address in people if user_id != but):
            return Watchers(addresses=tuple(others), may_review=roles is not managing)
    alone = sorted(address for role in managing for _, address in by_role.get(role, []))
    return Watchers(addresses=tuple(alone), may_review=False)


def waiting(actor: Actor) -> list[EmergencyAccess]:
    """Every emergency access of the clinic that nobody has reviewed, oldest first."""
    return list(_of(actor).filter(reviewed_at=None).order_by("opened_at", "id"))


def reviewed(actor: Actor) -> list[EmergencyAccess]:
    """The last fifty that were reviewed, newest first."""
    return list(_of(actor).exclude(reviewed_at=None).order_by("-reviewed_at", "id")[:_SHOWN])


def access_of(actor: Actor, access_id: uuid.UUID) -> EmergencyAccess | None:
    """This emergency access, if it is one of the clinic whose reviewer asks."""
    return _of(actor).filter(id=access_id).first()


def _of(actor: Actor) -> QuerySet[EmergencyAccess]:
    if not policy.may(actor, policy.Permission.REVIEW_EMERGENCIES):
        return EmergencyAccess.objects.none()
    found = EmergencyAccess.objects.filter(clinic_id=actor.clinic_id)
    return found.select_related("user", "reviewed_by", "patient__clinic")
