"""Who looked at a patient's record, in words for the patient. Of the clinic's people no more than name and role."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from accounts.actors import Kind
from accounts.models import Membership
from audit import words
from audit.models import AuditEvent
from portal.presenters.days import day

WITH_THE_CARD = "Whoever had your emergency card"
_ROLES = {role: str(name).lower() for role, name in Membership.Role.choices}


@dataclass(frozen=True)
class Looked:
    """One line: who, and what they did; `times` when it was done more than once in a row on one day."""

    when: str
    who: str
    what: str
    times: int


def lines(events: Iterable[AuditEvent], *, people: Mapping[uuid.UUID, str], zone: ZoneInfo) -> list[Looked]:
    """Newest first; the same thing done again and again on one day is one line."""
    found: list[tuple[tuple[str, str, str], datetime, int]] = []
    for event in events:
        said = words.of(event.action).you
        if not said:
            continue
        local = event.at.astimezone(zone)
        same = (f"{day(local.date())} {local.year}", _who(event, people), said)
        if found and found[-1][0] == same:
            found[-1] = (same, found[-1][1], found[-1][2] + 1)
        else:
            found.append((same, local, 1))
    return [Looked(f"{on}, {local:%H:%M}", who, what, times) for (on, who, what), local, times in found]


def _who(event: AuditEvent, people: Mapping[uuid.UUID, str]) -> str:
    match event.actor_kind:
        case Kind.CARER:
            return "Somebody who helps you"
        case Kind.SYSTEM:
            return WITH_THE_CARD if event.action == "card.open" else "The clinic’s system"
    name = people.get(event.actor_id, "") if event.actor_id else ""
    role = _ROLES.get(event.role, "")
    return f"{name} ({role})" if name and role else name or "Somebody of your clinic"
