"""The one writer of the memory."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol

from django.db import DatabaseError

from audit.models import AuditEvent
from common import walls


class Doer(Protocol):
    """What the memory needs to know of an actor; `accounts.actors.Actor` is one."""

    kind: Any
    user_id: uuid.UUID | None
    clinic_id: uuid.UUID | None
    role: str
    request_id: uuid.UUID | None
    address: str | None
    agent: str | None


class NotRemembered(Exception):
    """The memory cannot be written: what was about to be shown or done is neither shown nor done."""


def record(
    *,
    by: Doer,
    at: datetime,
    action: str,
    patients: Iterable[uuid.UUID] = (),
    subject: uuid.UUID | None = None,
    reason: str = "",
    result: str = AuditEvent.Result.DONE,
    row_count: int | None = None,
    details: dict[str, Any] | None = None,
    using: str = "default",
) -> None:
    """Append one event in the caller's transaction on `using`: the deed and its trace stand or fall together.

    `row_count` is how many rows of care were shown or left. `details` takes counts, codes and hashes; nothing that
    could identify a person or describe their health. Raises NotRemembered where the event cannot be written.
    """
    event = AuditEvent(
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
        address=by.address,
        agent=by.agent,
        row_count=row_count,
        details=details or {},
    )
    try:
        with walls.acting(clinic=by.clinic_id, using=using):
            event.save(force_insert=True, using=using)
    except DatabaseError as error:
        # The class only: a database error's text quotes the row.
        raise NotRemembered(type(error).__name__) from None
