"""A change of a course as a sentence: what was decided, in the words of the clinic."""

from collections.abc import Callable, Sequence
from typing import Any

from common.night import Slot
from desk.presenters.days import day
from desk.presenters.schedule import SLOT_WORDS
from titration.engine.protocol import Protocol
from titration.models import PlanChange

CAUSE_WORDS = {
    "procedure": "for a procedure",
    "opioid course": "for a course of opioids",
    "pregnancy": "for a pregnancy",
    "other": "",
    "died": ": the patient died",
    "moved": ": the patient moved away",
    "discharged": ": the patient was discharged",
    "decided": "",
    "": "",
}


def days(count: int) -> str:
    return f"{count} day{'' if count == 1 else 's'}"


def said(change: PlanChange, protocol: Protocol, earlier: Sequence[PlanChange]) -> str:
    """One change; `earlier` are those before it, among them the one it may take back."""
    if change.kind == PlanChange.Kind.SUPERSEDE:
        taken_back = earlier[change.takes_back or 0]
        return f"Taken back: {_uncapped(_SENTENCES[taken_back.kind](taken_back, protocol))}"
    sentence = _SENTENCES[change.kind](change, protocol)
    return f"Correction: {_uncapped(sentence)}" if change.correction else sentence


def _uncapped(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _hold(change: PlanChange, _protocol: Protocol) -> str:
    if change.days is None:
        return f"Held from {day(change.on)} until somebody resumes it"
    return f"Held for {days(change.days)} from {day(change.on)}"


def _pause(change: PlanChange, _protocol: Protocol) -> str:
    cause = CAUSE_WORDS[change.cause]
    until = f"for {days(change.days)}" if change.days else "until it is restarted"
    return f"Paused from {day(change.on)} {until}{' ' + cause if cause else ''}"


def _advance(change: PlanChange, protocol: Protocol) -> str:
    early = ", before its time" if change.early else ""
    return f"Step to {protocol.rungs[change.to_rung or 0].dose} from {day(change.on)}{early}"


def _restart(change: PlanChange, _protocol: Protocol) -> str:
    at = f" at {change.dose}" if change.dose else ""
    since = f" after a gap since {day(change.off_since)}" if change.off_since else ""
    return f"Restarted{at} from {day(change.on)}{since}"


def _pattern(change: PlanChange, _protocol: Protocol) -> str:
    if change.days_on is None or change.days_off is None:
        return f"Every day again from {day(change.on)}"
    return f"{days(change.days_on)} on, {days(change.days_off)} off from {day(change.on)}"


def _new_protocol(change: PlanChange, _protocol: Protocol) -> str:
    name = change.protocol_version.name if change.protocol_version else "another template"
    return f"Template changed to {name} from {day(change.on)}"


_SENTENCES: dict[str, Callable[[PlanChange, Protocol], Any]] = {
    "begin": lambda c, _: f"First dose taken on {day(c.on)}",
    "hold": _hold,
    "resume": lambda c, _: f"Resumed from {day(c.on)}",
    "advance": _advance,
    "step_back": lambda c, _: f"Back one step from {day(c.on)}",
    "go_to": lambda c, _: f"To {c.dose} from {day(c.on)}{f' for {days(c.days)}' if c.days else ''}",
    "stay_here": lambda c, _: f"Stays at this dose from {day(c.on)}: it is the best one",
    "repeat_rung": lambda c, _: f"This step again from {day(c.on)}",
    "change_lengths": lambda c, _: f"Steps from {day(c.on)} on last {days(c.days or 0)}",
    "change_time": lambda c, _: f"Taken {SLOT_WORDS[Slot(c.time_of_day)]} from {day(c.on)}",
    "pause": _pause,
    "restart": _restart,
    "on_off": _pattern,
    "trial_reduction": lambda c, _: f"A lower dose tried: {c.dose} for {days(c.days or 0)} from {day(c.on)}",
    "stop": lambda c, _: f"Stopped: no dose from {day(c.on)}{CAUSE_WORDS[c.cause]}",
    "change_protocol": _new_protocol,
}
