"""Procedures, in words."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from desk.presenters.days import day, day_short
from titration.models import Procedure
from titration.selectors import procedures as procedures_selectors


@dataclass(frozen=True)
class ProcedureLine:
    """One procedure. `state` is "planned", "not yet", "over" or "cancelled"; the sentences are empty where they say
    nothing."""

    id: uuid.UUID
    words: str
    when: str
    state: str
    is_open: bool
    version: int
    last_dose: str
    too_late: str
    no_dose: str
    opioids: str
    free: str
    told: str
    reason: str


def line(procedure: Procedure, *, told: Mapping[date, bool], today: date) -> ProcedureLine:
    """`told` is whether an opioid was taken, by day; `today` the patient's date."""
    return ProcedureLine(
        id=procedure.id,
        words=procedure.words,
        when=day(procedure.on) + (f", {procedure.time:%H:%M}" if procedure.time else ""),
        state=_state(procedure, today),
        is_open=procedure.is_open,
        version=procedure.version,
        last_dose=day(procedure.last_dose_on) if procedure.last_dose_on else "",
        too_late=""
        if procedure.in_time
        else f"That is less than {procedure.hours} hours before it: speak with the anaesthetist.",
        no_dose=_no_dose(procedure),
        opioids=f"Opioids expected: {Procedure.Opioids(procedure.opioids_expected).label.lower()}.",
        free=_free(procedure, told, today),
        told=_told(told),
        reason=procedure.reason,
    )


def lines(
    rows: Sequence[Procedure], *, told: Mapping[uuid.UUID, Mapping[date, bool]], today: date
) -> list[ProcedureLine]:
    return [line(row, told=told[row.id], today=today) for row in rows]


def _state(procedure: Procedure, today: date) -> str:
    if procedure.cancelled_at is not None:
        return "cancelled"
    if procedure.done_at is not None:
        return "over"
    return "planned" if today < procedure.on else "not yet"


def _no_dose(procedure: Procedure) -> str:
    if not procedure.is_open:
        return ""
    if procedure.no_dose_from_on is None:
        return "No plan is paused for it: none was open, or it still waits for its medicine."
    return f"No dose from {day(procedure.no_dose_from_on)} on, until a prescriber restarts the plan."


def _free(procedure: Procedure, told: Mapping[date, bool], today: date) -> str:
    if not procedure.is_open or today < procedure.on:
        return ""
    after = procedures_selectors.after(procedure, told, today=today)
    if after.restart_on is None or after.since_on is None:
        return "Since when no opioid is taken is not known up to now."
    if today < after.restart_on:
        return (
            f"No opioid since {day(after.since_on)}. {after.days} opioid-free days are over on {day(after.restart_on)}."
        )
    return f"No opioid since {day(after.since_on)}: {after.days} opioid-free days are over. A prescriber may restart."


def _told(told: Mapping[date, bool]) -> str:
    if not told:
        return ""
    days = (f"{day_short(on)} {'yes' if opioid else 'no'}" for on, opioid in sorted(told.items())[-14:])
    return f"Opioid taken, as the patient told: {', '.join(days)}."
