"""How an export is shown: words, a bar, and what can be done next."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from exports.models import Export

# A message through a living queue takes less; beyond this the person waiting should know that nothing is lost.
PATIENCE = timedelta(seconds=10)

State = Export.State
# Kind and icon of the state's badge.
BADGES = {
    State.QUEUED: ("", "clock"),
    State.RUNNING: ("info", "clock"),
    State.DONE: ("good", "check"),
    State.FAILED: ("danger", "stop"),
    State.EXPIRED: ("", ""),
}


@dataclass(frozen=True, kw_only=True)
class Card:
    """One export. `moving` while it can still change by itself, `ready` while it can be downloaded."""

    id: uuid.UUID
    of: str
    asked: str
    asked_for: str
    state: str
    kind: str
    icon: str
    sentence: str
    moving: bool
    ready: bool
    rows: int
    total: int
    sha256: str


def card(export: Export, *, at: datetime) -> Card:
    """The export as it stands at a moment, in the clinic's time."""
    zone = export.clinic.zone
    over = export.state == State.DONE and export.expires_at is not None and export.expires_at <= at
    state = State.EXPIRED if over else State(export.state)
    kind, icon = BADGES[state]
    asked = export.requested_at.astimezone(zone)
    return Card(
        id=export.id,
        of=f"record {export.patient.record_number}" if export.patient else "all patients",
        asked=f"{asked.day} {asked:%B, %H:%M}",
        asked_for=f"Asked for on {_moment(export.requested_at, zone)}.",
        state=state.label,
        kind=kind,
        icon=icon,
        sentence=_sentence(export, state, at, zone),
        moving=state in (State.QUEUED, State.RUNNING),
        ready=state == State.DONE,
        rows=export.rows_done,
        total=max(export.rows_total, export.rows_done, 1),
        sha256=export.sha256,
    )


def _sentence(export: Export, state: Export.State, at: datetime, zone: ZoneInfo) -> str:
    match state:
        case State.QUEUED if at - export.requested_at < PATIENCE:
            return "Your request is saved and waits for a worker."
        case State.QUEUED:
            return (
                "Still waiting: the queue or its worker may be down. Your request is saved and starts by itself as "
                "soon as they are back, so there is no need to ask again."
            )
        case State.RUNNING:
            return f"{export.rows_done:,} of about {export.rows_total:,} rows are written."
        case State.DONE:
            until = _moment(export.expires_at, zone) if export.expires_at else ""
            rows = "1 row" if export.rows_done == 1 else f"{export.rows_done:,} rows"
            return f"{rows}, one for each patient and night. You can download the file until {until}."
        case State.FAILED:
            return (
                f"It could not be made and no file was kept. Ask again; if it fails again, tell who runs this "
                f"system: {export.error_class}."
            )
        case _:
            return "Its file was destroyed after a day. Ask for a new one if you still need it."


def _moment(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{local.day} {local:%B %Y, %H:%M} ({zone.key})"
