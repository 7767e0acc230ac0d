"""What the reminders page says."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from desk.presenters.badges import Badge
from desk.presenters.home import lasting
from reminders import selectors as reminders_selectors
from reminders.states import State

KINDS = {
    State.SENT: ("good", "check"),
    State.FAILED: ("danger", "stop"),
    State.UNCERTAIN: ("care", "question"),
    State.EXPIRED: ("care", "clock"),
    reminders_selectors.SKIPPED: ("care", "clock"),
}
"""Colour and icon beside the word of a state; the others are plain."""

FILTERS = (State.SENT, State.FAILED, State.EXPIRED, reminders_selectors.SKIPPED, State.PENDING, State.CANCELLED)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One reminder. Times are the patient's wall clock; `done` is empty while nothing came of it."""

    reminder_id: uuid.UUID | None
    patient_id: uuid.UUID
    name: str
    kind: str
    about_on: date
    due: str
    zone: str
    done: str
    state: Badge
    reason: str


@dataclass(frozen=True, kw_only=True)
class Filter:
    """A state to narrow the list to, and how many of the last seven days are in it."""

    state: str
    words: str
    many: int
    chosen: bool


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Whether reminders are running, in words."""

    alive: bool
    trouble: tuple[str, ...]
    last_round: str


def line(row: reminders_selectors.Line) -> Line:
    return Line(
        reminder_id=row.reminder_id,
        patient_id=row.patient_id,
        name=row.patient_name,
        kind=row.kind,
        about_on=row.about_on,
        due=_wall(row.due_at, row.zone),
        zone=row.zone.key,
        done=_wall(row.done_at, row.zone) if row.done_at else "",
        state=Badge(row.state_words, *KINDS.get(row.state, ())),
        reason=row.reason,
    )


def filters(counts: dict[str, int], *, chosen: str) -> list[Filter]:
    return [
        Filter(state=state, words=reminders_selectors.STATE_WORDS[state], many=counts[state], chosen=state == chosen)
        for state in FILTERS
        if counts[state] or state == chosen
    ]


def clock(state: reminders_selectors.ClockState, *, at: datetime) -> Clock:
    last = state.last_round_at
    return Clock(
        alive=state.alive,
        trouble=state.trouble,
        last_round=f"The last round was {lasting(at - last)} ago." if last else "",
    )


def _wall(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%-d %b %Y, %H:%M}"
