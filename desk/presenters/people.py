"""People and roles in words."""

from dataclasses import dataclass

from accounts import policy
from accounts.actors import Actor
from accounts.models import Membership

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
