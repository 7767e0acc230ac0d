"""What each role may do. The table below is the whole truth; pages and docs are made from it.

`check_x` raises with the sentence a person reads, `may_x` turns it into a yes or no.
"""

import enum

from accounts.actors import Actor, Kind
from accounts.models import Membership
from common.refusals import Refused


class Permission(enum.StrEnum):
    """One thing a role may do; the value is the sentence shown to who may not."""

    READ_PATIENTS = "read patients' records"
    REGISTER_PATIENTS = "register patients and invite them"
    PRESCRIBE = "prescribe, step and stop plans"
    HOLD = "hold a plan"
    ANSWER_OPIOID_REPORT = "answer an opioid report"
    SETTLE_REMINDERS = "settle reminders that may not have arrived"
    EXPORT = "export data"


P = Permission
PERMISSIONS: dict[str, frozenset[Permission]] = {
    Membership.Role.PRESCRIBER: frozenset(Permission),
    Membership.Role.NURSE: frozenset({P.READ_PATIENTS, P.REGISTER_PATIENTS, P.HOLD, P.SETTLE_REMINDERS}),
    Membership.Role.STAFF: frozenset({P.READ_PATIENTS, P.REGISTER_PATIENTS, P.SETTLE_REMINDERS, P.EXPORT}),
    Membership.Role.AUDITOR: frozenset(),
    Membership.Role.ADMINISTRATOR: frozenset(),
}


def check(actor: Actor, permission: Permission) -> None:
    """Raise `Refused` with a sentence unless this member's role carries the permission."""
    if actor.kind != Kind.MEMBER or permission not in PERMISSIONS.get(actor.role, frozenset()):
        raise Refused(f"Your role in this clinic may not {permission.value}. Ask an administrator of your clinic.")


def may(actor: Actor, permission: Permission) -> bool:
    """The same question as `check`, answered yes or no."""
    try:
        check(actor, permission)
    except Refused:
        return False
    return True
