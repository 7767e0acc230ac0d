"""The clinic's memory as a file, for the auditor who found something in it."""

import hashlib
from datetime import datetime
from typing import Any

from accounts import policy
from accounts import selectors as accounts_selectors
from accounts.actors import Actor
from audit import selectors as audit_selectors
from audit import services as audit
from audit import words
from audit.models import AuditEvent
from audit.selectors import Asked
from exports.writers import csv
from patients import selectors as patients_selectors

COLUMNS = (
    *("at", "actor_kind", "actor", "role", "action", "what", "result", "reason", "record_numbers", "patient_count"),
    *("row_count", "address", "agent", "request_id", "subject_id", "event_id"),
)
PAGE, MOST = 1_000, 50_000
"""A file of more events than MOST is cut there; a narrower search finds the rest."""


def take_out(*, asked: Asked, by: Actor, at: datetime) -> bytes:
    """The events that were asked for, newest first, as CSV. It is remembered with its filter, count and hash, and with
    every patient it names."""
    policy.check(by, policy.Permission.READ_MEMORY)
    events = _found(asked)
    people = accounts_selectors.names_of(event.actor_id for event in events if event.actor_id)
    patients = patients_selectors.named_in_memory(by, {one for event in events for one in event.patient_ids})
    numbers = {patient.id: patient.record_number for patient in patients.values()}
    body = csv.header(COLUMNS) + csv.records(_row(event, people, numbers) for event in events)
    narrowed_by = {name: value for name, value in asked.as_json().items() if value not in (None, "", False)}
    audit.record(
        by=by,
        at=at,
        action="memory.export",
        patients=patients,
        row_count=len(events),
        details={"filter": narrowed_by, "rows": len(events), "sha256": hashlib.sha256(body).hexdigest()},
    )
    return body


def _found(asked: Asked) -> list[AuditEvent]:
    events: list[AuditEvent] = []
    after = ""
    while len(events) < MOST:
        page, after = audit_selectors.page_of(asked, after=after, size=PAGE)
        events += page
        if not after:
            break
    return events


def _row(event: AuditEvent, people: dict[Any, str], numbers: dict[Any, str]) -> list[csv.Cell]:
    actor = people.get(event.actor_id, "") if event.actor_id else ""
    whom = "; ".join(numbers[one] for one in event.patient_ids if one in numbers)
    ids = (event.request_id, event.subject_id, event.id)
    return [
        *(event.at, event.actor_kind, actor, event.role, event.action, words.of(event.action).did, event.result),
        *(event.reason, whom, len(event.patient_ids), event.row_count, event.address or "", event.agent or ""),
        *(str(one) if one else "" for one in ids),
    ]
