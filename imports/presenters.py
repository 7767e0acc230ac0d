"""How an import is shown: what it would do, what it did, and what can be done next."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from imports.models import Import, ImportedRow
from imports.rows import COLUMNS, Condition, Fault, Row
from imports.selectors import Known, Look
from patients import conditions

SHOWN_FAULTS = 500
"""So many faults stand on one page; whoever has more of them has one mistake in a whole column."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """One import in the list, and at the top of its page."""

    id: uuid.UUID
    brought: str
    by: str
    rows: str
    state: str
    kind: str
    icon: str
    sentence: str
    waiting: bool
    accepted: bool


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row of the table as it would be written."""

    number: int
    name: str
    born: str
    record_number: str
    email: str
    zone: str
    conditions: str
    medicines: str


@dataclass(frozen=True, kw_only=True)
class KnownLine:
    """A row that is left out, and whose record is there already."""

    number: int
    name: str
    born: str
    patient_id: uuid.UUID
    record_number: str


@dataclass(frozen=True, kw_only=True)
class FaultLine:
    where: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What accepting would do, whole."""

    lines: tuple[Line, ...]
    known: tuple[KnownLine, ...]
    faults: tuple[FaultLine, ...]
    more_faults: int
    fingerprint: str
    will: str
    can_accept: bool


@dataclass(frozen=True, kw_only=True)
class MadeLine:
    number: int
    patient_id: uuid.UUID
    name: str
    record_number: str


@dataclass(frozen=True, kw_only=True)
class Guide:
    """A column of the template, explained."""

    name: str
    words: str
    needed: str
    example: str


def guide() -> list[Guide]:
    return [Guide(name=c.name, words=c.words, needed="yes" if c.needed else "no", example=c.example) for c in COLUMNS]


def card(imported: Import, zone: ZoneInfo, *, at: datetime) -> Card:
    state, kind, icon, sentence = _state(imported, zone, at)
    return Card(
        id=imported.id,
        brought=_moment(imported.brought_at, zone),
        by=imported.brought_by.name,
        rows=_many(imported.rows_total, "row"),
        state=state,
        kind=kind,
        icon=icon,
        sentence=sentence,
        waiting=state == "Waiting",
        accepted=state == "Accepted",
    )


def _state(imported: Import, zone: ZoneInfo, at: datetime) -> tuple[str, str, str, str]:
    made = _many(imported.patients_made, "patient")
    if imported.undone_at is not None and imported.undone_by is not None:
        sentence = (
            f"{made} came into care by it and were taken out again by {imported.undone_by.name} on "
            f"{_moment(imported.undone_at, zone)}. Their records are closed and are erased after a week."
        )
        return "Undone", "care", "stop", sentence
    if imported.accepted_at is not None and imported.accepted_by is not None:
        when = _moment(imported.accepted_at, zone)
        sentence = f"{made} came into care by it. {imported.accepted_by.name} accepted it on {when}."
        return "Accepted", "good", "check", sentence
    if imported.discarded_at is not None or imported.expires_at <= at:
        return "Discarded", "", "", "Nothing of it was written, and the table is no longer kept."
    until = _moment(imported.expires_at, zone)
    return "Waiting", "info", "clock", f"Nothing is written yet. The table is kept until {until}, then it is forgotten."


def preview(look: Look) -> Preview:
    new = len(look.rows)
    return Preview(
        lines=tuple(_line(row) for row in look.rows),
        known=tuple(_known(one) for one in look.known),
        faults=tuple(_fault(fault) for fault in look.faults[:SHOWN_FAULTS]),
        more_faults=max(0, len(look.faults) - SHOWN_FAULTS),
        fingerprint=look.fingerprint,
        will=f"Take {_many(new, 'patient')} into care",
        can_accept=bool(new) and not look.faults,
    )


def made(rows: Sequence[ImportedRow]) -> list[MadeLine]:
    return [
        MadeLine(
            number=row.number,
            patient_id=row.patient_id,
            name=row.patient.name,
            record_number=row.patient.record_number,
        )
        for row in rows
    ]


def _line(row: Row) -> Line:
    person = row.person
    return Line(
        number=row.number,
        name=person.name,
        born=_day(person.birth_date),
        record_number=person.record_number,
        email=person.email,
        zone=person.zone.key,
        conditions=", ".join(_condition(entry) for entry in person.conditions),
        medicines="; ".join(person.medicines),
    )


def _condition(entry: Condition) -> str:
    listed = conditions.all_conditions().get(entry.code)
    return listed.name if listed else entry.words


def _known(one: Known) -> KnownLine:
    return KnownLine(
        number=one.row.number,
        name=one.row.person.name,
        born=_day(one.row.person.birth_date),
        patient_id=one.patient.id,
        record_number=one.patient.record_number,
    )


def _fault(fault: Fault) -> FaultLine:
    column = f"column {fault.letter}" if fault.letter else ""
    named = f"{column} ({fault.column})" if column and fault.column else column or fault.column
    return FaultLine(where=f"Row {fault.row}, {named}" if named else f"Row {fault.row}", sentence=fault.sentence)


def _many(count: int, one: str) -> str:
    return f"1 {one}" if count == 1 else f"{count:,} {one}s"


def _day(on: date) -> str:
    """Month in words: nobody can take the day for the month."""
    return f"{on.day} {on:%B} {on.year}"


def _moment(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{_day(local.date())}, {local:%H:%M}"
