"""The memory in plain words."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from accounts.actors import Kind
from accounts.models import Membership
from audit import words
from audit.models import AuditEvent
from desk.presenters.days import day
from patients.selectors import Named

NAMED_AT_ONCE = 3
"""Patients of one event that are named; of a list of fifty the rest are counted."""
_WITHOUT_NAME = {Kind.PATIENT: "The patient", Kind.CARER: "A patient's helper", Kind.SYSTEM: "The system"}
_NOBODY = "Somebody not signed in"
_ROLES = dict(Membership.Role.choices)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One event: `what` goes on after `who`, `whom` are the patients it names and `more` how many others."""

    at: str
    clock: str
    who: str
    role: str
    what: str
    whom: tuple[Named, ...]
    more: int
    denied: bool
    why: str
    came_from: str


def line(
    event: AuditEvent, *, people: Mapping[uuid.UUID, str], patients: Mapping[uuid.UUID, Named], zone: ZoneInfo
) -> Line:
    local = event.at.astimezone(zone)
    named = [patients[one] for one in event.patient_ids if one in patients]
    return Line(
        at=day(local.date()),
        clock=f"{local:%H:%M:%S}",
        who=who(event, people),
        role=str(_ROLES.get(event.role, "")).lower(),
        what=words.of(event.action).did,
        whom=tuple(named[:NAMED_AT_ONCE]),
        more=len(event.patient_ids) - len(named[:NAMED_AT_ONCE]),
        denied=event.result == AuditEvent.Result.DENIED,
        why=event.reason,
        came_from=event.address or "",
    )


def who(event: AuditEvent, people: Mapping[uuid.UUID, str]) -> str:
    """The name of who did it, else what they are."""
    if event.actor_id is not None:
        return people.get(event.actor_id) or _WITHOUT_NAME.get(Kind(event.actor_kind), "Somebody of another clinic")
    if event.actor_kind == Kind.SYSTEM and event.clinic_id is None:
        return _NOBODY
    return _WITHOUT_NAME.get(Kind(event.actor_kind), _NOBODY)
