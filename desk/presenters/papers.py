"""Prescriptions on paper as pages show them."""

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from desk.presenters.days import moment
from titration.models import PaperEvent, PrescriptionPaper

State = PrescriptionPaper.State
NEXT_WORDS = {
    State.SENT: "It was sent",
    State.RECEIVED: "The pharmacy has it",
    State.READY: "It is ready",
    State.VOID: "Make it void",
}


@dataclass(frozen=True)
class PaperLine:
    """A prescription as it is listed."""

    id: uuid.UUID
    title: str
    state: str


@dataclass(frozen=True)
class PaperPage:
    """One prescription with all its words, what happened to it, and what may follow."""

    id: uuid.UUID
    title: str
    state: str
    is_draft: bool
    is_void: bool
    is_stale: bool
    fingerprint: str
    words: dict[str, Any]
    moves: tuple[tuple[str, str], ...]
    happened: tuple[str, ...]


def line(paper: PrescriptionPaper, *, zone: ZoneInfo) -> PaperLine:
    title = f"Prescription {paper.number}, {moment(paper.drafted_at, zone)}"
    return PaperLine(paper.id, title, State(paper.state).label.lower())


def page(paper: PrescriptionPaper, happened: Iterable[PaperEvent], *, course_version: int, zone: ZoneInfo) -> PaperPage:
    moves = [to for to in NEXT_WORDS if to in PrescriptionPaper.MOVES[paper.state]]
    return PaperPage(
        id=paper.id,
        title=f"Prescription {paper.number}",
        state=State(paper.state).label,
        is_draft=paper.state == State.DRAFT,
        is_void=paper.state == State.VOID,
        is_stale=paper.course_version != course_version,
        fingerprint=paper.fingerprint,
        words=json.loads(paper.content),
        moves=tuple((to.value, NEXT_WORDS[to]) for to in moves),
        happened=tuple(f"{one.get_kind_display()} by {one.by_label}, {moment(one.at, zone)}" for one in happened),
    )
