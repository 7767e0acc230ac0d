"""Questions to the memory. Only the auditor's role may read it; it is taken for the length of one question."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from audit.models import AuditEvent
from common import walls


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is looked for in one clinic's memory. None asks for everything of its kind; no ids find nothing."""

    clinic_id: uuid.UUID
    actor_id: uuid.UUID | None = None
    actor_kind: str = ""
    not_by: str = ""
    patient_ids: tuple[uuid.UUID, ...] | None = None
    actions: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None
    denied_only: bool = False

    def as_json(self) -> dict[str, Any]:
        """The same in plain JSON, for a session to keep."""
        told: dict[str, Any] = json.loads(json.dumps(asdict(self), default=_as_text))
        return told

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> "Asked":
        ids, actions = told["patient_ids"], told["actions"]
        return cls(
            clinic_id=uuid.UUID(told["clinic_id"]),
            actor_id=uuid.UUID(told["actor_id"]) if told["actor_id"] else None,
            actor_kind=told["actor_kind"],
            not_by=told["not_by"],
            patient_ids=None if ids is None else tuple(uuid.UUID(one) for one in ids),
            actions=None if actions is None else tuple(actions),
            since=datetime.fromisoformat(told["since"]) if told["since"] else None,
            until=datetime.fromisoformat(told["until"]) if told["until"] else None,
            denied_only=told["denied_only"],
        )


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


@contextmanager
def reading(clinic_id: uuid.UUID) -> Iterator[None]:
    """The right to read one clinic's memory."""
    with walls.acting(clinic=clinic_id), walls.taking(walls.AUDITOR_ROLE):
        yield


def page_of(asked: Asked, *, after: str = "", size: int = 50) -> tuple[list[AuditEvent], str]:
    """One page, newest first, and the key of the next one ("" if this is the last). A key nobody was given finds
    nothing.

    The key is an event's id: the page goes on below it without counting what came before.
    """
    with reading(asked.clinic_id):
        events = _matching(asked)
        if after:
            last = _by_key(asked, after)
            if last is None:
                return [], ""
            events = events.filter(Q(at__lte=last.at), Q(at__lt=last.at) | Q(id__lt=last.id))
        found = list(events[: size + 1])
    return found[:size], str(found[size - 1].id) if len(found) > size else ""


def _by_key(asked: Asked, key: str) -> AuditEvent | None:
    try:
        event_id = uuid.UUID(key)
    except ValueError:
        return None
    return AuditEvent.objects.filter(clinic_id=asked.clinic_id, id=event_id).first()


def _matching(asked: Asked) -> QuerySet[AuditEvent]:
    events = AuditEvent.objects.filter(clinic_id=asked.clinic_id)
    if asked.actor_id is not None:
        events = events.filter(actor_id=asked.actor_id)
    if asked.actor_kind:
        events = events.filter(actor_kind=asked.actor_kind)
    if asked.not_by:
        events = events.exclude(actor_kind=asked.not_by)
    if asked.patient_ids is not None:
        events = events.filter(patient_ids__overlap=list(asked.patient_ids)) if asked.patient_ids else events.none()
    if asked.actions is not None:
        events = events.filter(action__in=asked.actions)
    if asked.since is not None:
        events = events.filter(at__gte=asked.since)
    if asked.until is not None:
        events = events.filter(at__lt=asked.until)
    if asked.denied_only:
        events = events.filter(result=AuditEvent.Result.DENIED)
    return events.order_by("-at", "-id")
