"""Who changed a plan, when, how and why."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from common.night import Slot
from desk.presenters.changes import said
from desk.presenters.days import day, moment
from desk.presenters.plan import Plan
from desk.presenters.schedule import SLOT_WORDS
from titration.engine import gate, timeline
from titration.engine.protocol import Protocol
from titration.models import PlanChange, Prescription
from titration.selectors import courses as courses_selectors

_GATE_WORDS = {
    gate.Code.NOT_ENOUGH_NIGHTS: "too few nights were logged",
    gate.Code.NOT_TAKEN: "doses had been left out",
    gate.Code.SIDE_EFFECTS: "a side effect was moderate or worse",
    gate.Code.FINDING: "a rule spoke against it",
}


@dataclass(frozen=True)
class Changed:
    """One line of history: what, who, when, why."""

    what: str
    who: str
    when: str
    why: str
    despite: str
    place: int | None = None
    """Its place among the changes, from 0, where it can still be taken back."""


@dataclass(frozen=True)
class PlanHistory:
    """A plan and everything signed on it, newest first."""

    label: str
    version: int
    strength: str
    slot: str
    span: str
    is_open: bool
    changes: tuple[Changed, ...]


def _signed_what(prescription: Prescription) -> str:
    """What was signed at the very first: a beginning, or what was so already."""
    if prescription.first_dose is not None:
        since = f"taken since {day(prescription.taking_since)}, " if prescription.taking_since else ""
        return f"Already taking: {since}{prescription.first_dose} since {day(prescription.start_on)}"
    if prescription.awaiting:
        return "Prescribed, to begin when the medicine is there"
    return f"Prescribed from {day(prescription.start_on)}"


def plan_history(plan: Plan, *, zone: ZoneInfo) -> PlanHistory:
    prescription = plan.prescription
    signed = Changed(
        _signed_what(prescription),
        prescription.signed_by.name,
        moment(prescription.signed_at, zone),
        prescription.washout_reason,
        "an opioid on the list was not waited for" if prescription.washout_reason else "",
    )
    rows = sorted(prescription.changes.all(), key=attrgetter("number"))
    changes, protocol, gone = [], plan.protocol, _not_meant(rows)
    for place, row in enumerate(rows):
        changed = _changed(row, protocol, rows[:place], zone)
        changes.append(changed if place in gone or not plan.is_open else replace(changed, place=place))
        if row.protocol_version is not None:
            protocol = Protocol.from_json(row.protocol_version.body)
    last = plan.in_force[-1]
    ended = last.state is timeline.State.ENDED
    until = f" to {day(last.from_on - timedelta(days=1))}" if ended and last.from_on > prescription.start_on else ""
    return PlanHistory(
        label=plan.protocol.label,
        version=plan.protocol.version,
        strength=courses_selectors.formulation_of(prescription).named,
        slot=SLOT_WORDS[Slot(prescription.slot)],
        span=f"{day(prescription.start_on)}{until}",
        is_open=plan.is_open,
        changes=(*reversed(changes), signed),
    )


def _not_meant(rows: Sequence[PlanChange]) -> set[int]:
    """The places of what has been taken back, and of the taking back itself."""
    back = {place for place, row in enumerate(rows) if row.takes_back is not None}
    return back | {rows[place].takes_back for place in back}


def _changed(change: PlanChange, protocol: Protocol, earlier: Sequence[PlanChange], zone: ZoneInfo) -> Changed:
    return Changed(
        said(change, protocol, earlier), change.by_label, moment(change.at, zone), change.reason, _despite(change.gate)
    )


def _despite(said: dict[str, Any]) -> str:
    """What the gate held against a step that was let happen all the same."""
    codes = [gate.Code(code) for code in said.get("codes", [])]
    rules = f" ({', '.join(said['rules'])})" if said.get("rules") else ""
    return " and ".join(dict.fromkeys(_GATE_WORDS.get(code, str(code)) for code in codes)) + rules
