"""The one writer of the memory."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol

from audit.models import AuditEvent


class Doer(Protocol):
    """What the memory needs to know of an actor; `accounts.actors.Actor` is one."""

    kind: Any
    user_id: uuid.UUID | None
    clinic_id: uuid.UUID | None
    role: str
    request_id: uuid.UUID | None


def record(
    *,
    by: Doer,
    at: datetime,
    action: str,
    patients: Iterable[uuid.UUID] = (),
    subject: uuid.UUID | None = None,
    reason: str = "",
    result: str = AuditEvent.Result.DONE,
    details: dict[str, Any] | None = None,
) -> None:
    """Append one event in the caller's transaction: the deed and its trace stand or fall together.

    `details` takes counts, codes and hashes; nothing that could identify a person or describe their health.
    """
    AuditEvent.objects.create(
        at=at,
        clinic_id=by.clinic_id,
        actor_kind=str(by.kind),
        actor_id=by.user_id,
        role=by.role,
        action=action,
        patient_ids=sorted(set(patients)),
        subject_id=subject,
        reason=reason,
        result=result,
        request_id=by.request_id,
        details=details or {},
    )
