"""Records whose time is over, and what became of those that were to be erased."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from desk.presenters.badges import Badge
from desk.presenters.days import day, moment
from patients.models import Erasure
from titration.selectors.retention import Over


@dataclass(frozen=True)
class OverLine:
    """A record that need not be kept any longer."""

    patient_id: uuid.UUID
    record_number: str
    last_entry: str


def over_line(one: Over, *, zone: ZoneInfo) -> OverLine:
    return OverLine(one.patient_id, one.record_number, day(one.last_entry_at.astimezone(zone).date()))


@dataclass(frozen=True)
class ErasureLine:
    """One erasure from the asking to the end. `removed` is how many rows went."""

    id: uuid.UUID
    patient_id: uuid.UUID
    record_number: str
    state: Badge
    asked: str
    confirmed: str
    then: str
    reason: str
    may_confirm: bool
    may_withdraw: bool


def erasure_line(erasure: Erasure, *, reader_id: uuid.UUID | None, zone: ZoneInfo, at: datetime) -> ErasureLine:
    confirmed = erasure.confirmed_by
    open_still = erasure.done_at is None
    return ErasureLine(
        id=erasure.id,
        patient_id=erasure.patient_id,
        record_number=erasure.patient.record_number,
        state=_state(erasure),
        asked=f"{erasure.asked_by.name}, {moment(erasure.asked_at, zone)}",
        confirmed=f"{confirmed.name}, {moment(erasure.confirmed_at, zone)}"
        if confirmed and erasure.confirmed_at
        else "",
        then=_then(erasure, zone=zone, at=at),
        reason=erasure.reason,
        may_confirm=open_still and confirmed is None and erasure.asked_by_id != reader_id,
        may_withdraw=open_still,
    )


def _state(erasure: Erasure) -> Badge:
    if erasure.done_at:
        return Badge("erased", "good", "check")
    return Badge("will be erased", "care", "clock") if erasure.due_at else Badge("to be confirmed", "info", "question")


def _then(erasure: Erasure, *, zone: ZoneInfo, at: datetime) -> str:
    if erasure.done_at:
        return f"Erased on {moment(erasure.done_at, zone)}: {sum(erasure.removed.values())} rows"
    if erasure.due_at is None:
        return "Waits for a second administrator"
    if erasure.due_at > at:
        return f"Will be erased in the first nightly run after {moment(erasure.due_at, zone)}"
    return "Will be erased in the next nightly run"
