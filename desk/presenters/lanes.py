"""The lanes of the clinic's day: each patient stands once, in the most urgent lane, with every reason folded in."""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from desk.presenters.badges import Badge

Key = tuple[uuid.UUID, datetime]


class Lane(StrEnum):
    """How soon somebody looks, the most urgent first."""

    NOW = "now"
    DECIDE = "decide"
    CHASE = "chase"
    ADMIN = "admin"

    @property
    def place(self) -> int:
        return list(Lane).index(self)


@dataclass(frozen=True)
class Words:
    """What a lane is called, what stands in it, and what an empty one means."""

    title: str
    says: str
    empty: str
    why_empty: str


WORDS = {
    Lane.NOW: Words(
        "Now",
        "Answer these before anything else",
        "Nothing is urgent",
        "An opioid report or a warning that cannot wait appears here.",
    ),
    Lane.DECIDE: Words(
        "Decide",
        "Steps due in the next 7 days, reviews, and what a clinician weighs",
        "No step is due in the next 7 days",
        "Every open plan is at its last dose, held, or between steps.",
    ),
    Lane.CHASE: Words(
        "Chase",
        "Not heard from, or not reached",
        "Everybody on a climbing plan has told a recent night",
        "Anyone not heard from for three nights, or whom a message did not reach, appears here.",
    ),
    Lane.ADMIN: Words(
        "Admin",
        "Supply, tests, consents and questionnaires",
        "Nothing needs arranging",
        "A refill, a test, a consent or a questionnaire that is due appears here.",
    ),
}
AT_FIRST = {Lane.NOW: 20, Lane.DECIDE: 40, Lane.CHASE: 20, Lane.ADMIN: 20}
"""So many rows of a lane are shown before "show more"."""

ON_A_PAGE = 50


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a patient is on the list: a sentence with small lines below it, and what one click does.

    `view` is the name of the page it leads to, about `of`; "" where this member may not go there. `ticket` is what a
    ticked box sends for a step that may be confirmed with others. `name` stands in for the patient where a link or a
    box is read alone.
    """

    lane: Lane
    since: datetime
    words: str
    small: tuple[str, ...] = ()
    badge: Badge | None = None
    view: str = ""
    of: uuid.UUID | None = None
    action: str = ""
    does: str = ""
    main: bool = False
    # A step against which nothing speaks, whether or not this member may sign it.
    ready: bool = False
    ticket: str = ""
    ticket_words: str = ""
    # Worth reading beside another reason, and none by itself.
    beside: bool = False


@dataclass(frozen=True, kw_only=True)
class Row:
    """One patient, the first reason on top."""

    patient_id: uuid.UUID
    name: str
    tags: tuple[str, ...]
    # The last try to reach the patient, in words, or "".
    tried: str
    reasons: tuple[Reason, ...]

    @property
    def first(self) -> Reason:
        return self.reasons[0]

    @property
    def others(self) -> tuple[Reason, ...]:
        return self.reasons[1:]

    @property
    def ticket(self) -> Reason | None:
        """The step that can be confirmed with others: not while anything more urgent is open."""
        ready = (reason for reason in self.reasons if reason.ticket)
        return next(ready, None) if self.ready else None

    @property
    def ready(self) -> bool:
        """Whether a step waits here for nothing but a word."""
        return self.first.lane is Lane.DECIDE and any(reason.ready for reason in self.reasons)


@dataclass(frozen=True, kw_only=True)
class LaneOfRows:
    """A lane as it is shown. `count` is exact unless `more_than`; `after` is where the next rows begin, or ""."""

    lane: Lane
    words: Words
    rows: tuple[Row, ...]
    count: int
    more_than: bool
    after: str

    @property
    def badge(self) -> str:
        return f"more than {self.count}" if self.more_than else str(self.count)

    @property
    def ready(self) -> int:
        return sum(row.ready for row in self.rows)


@dataclass
class Found:
    """Who was found for a lane, earliest first, and whether there may be more than that."""

    since: dict[uuid.UUID, datetime] = field(default_factory=dict)
    cut: bool = False
    until: datetime | None = None

    def add(self, keys: Sequence[Key], *, most: int, only: Collection[uuid.UUID] | None = None) -> None:
        """The keys of one kind; one more than `most` of them says that there are more. `only`: those of them who
        turned out to be meant.
        """
        if len(keys) > most:
            keys = keys[:most]
            self.cut = True
            # Beyond the last one found of this kind nothing is known of it.
            last = keys[-1][1]
            self.until = last if self.until is None else min(self.until, last)
        for patient_id, since in keys:
            if only is not None and patient_id not in only:
                continue
            known = self.since.get(patient_id)
            self.since[patient_id] = since if known is None else min(known, since)

    def leave_out(self, ids: Collection[uuid.UUID]) -> None:
        for patient_id in ids:
            self.since.pop(patient_id, None)

    def in_order(self) -> list[Key]:
        """Those whose place is known for sure, earliest first."""
        until = self.until
        sure = ((i, at) for i, at in self.since.items() if until is None or at <= until)
        return sorted(sure, key=lambda key: (key[1], key[0]))


def fold(found: Mapping[Lane, Found]) -> None:
    """Take everybody out of the lanes below their most urgent one."""
    above: set[uuid.UUID] = set()
    for lane in Lane:
        if lane in found:
            found[lane].leave_out(above)
            above |= set(found[lane].since)


def row(
    patient_id: uuid.UUID, name: str, tags: Iterable[str], reasons: Iterable[Reason], *, tried: str = ""
) -> Row | None:
    """The patient's row; None where nothing speaks for one after all."""
    ordered = sorted(reasons, key=lambda reason: (reason.beside, reason.lane.place, reason.since))
    if not ordered or ordered[0].beside:
        return None
    return Row(patient_id=patient_id, name=name, tags=tuple(tags), tried=tried, reasons=tuple(ordered))


def lane_of_rows(
    lane: Lane, found: Found, rows: Mapping[uuid.UUID, Row | None], *, size: int, after: Key | None
) -> LaneOfRows:
    """The first `size` of those found, as they turned out: who stands in another lane, or stood on an earlier page, or
    in none after all, is neither shown nor counted.
    """
    keys = found.in_order()
    shown, gone = [], 0
    for patient_id, _ in keys[:size]:
        made = rows.get(patient_id)
        if made is None or made.first.lane is not lane or (after and (made.first.since, patient_id) <= after[::-1]):
            gone += 1
        else:
            shown.append(made)
    more = len(keys) > size or (found.cut and len(keys) == size)
    last = keys[min(size, len(keys)) - 1] if keys else None
    return LaneOfRows(
        lane=lane,
        words=WORDS[lane],
        rows=tuple(shown),
        count=(len(keys) if found.cut else len(found.since)) - gone,
        more_than=found.cut,
        after=key_text(last) if more and last else "",
    )


def key_text(key: Key) -> str:
    """The place of a row, for the address of the next page: ids and dates, no names."""
    return f"{key[1].isoformat()}|{key[0]}"


def key_of(text: str) -> Key | None:
    """The place that `key_text` wrote; None for what no page of ours wrote."""
    since, _, patient_id = text.partition("|")
    try:
        at, known = datetime.fromisoformat(since), uuid.UUID(patient_id)
    except ValueError:
        return None
    return (known, at) if at.tzinfo is not None else None
