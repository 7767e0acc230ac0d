"""The kinds of change by the names a file gives them: their fields, what else is understood, and what is left out.

The canonical names of kinds and fields are those of the engine's changes, in lower case; amounts say their unit.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields as dataclass_fields
from datetime import date
from enum import StrEnum
from typing import Any

from common.dose import Dose
from common.night import Slot
from titration.engine.course import (
    Advance,
    Begin,
    Change,
    ChangeLengths,
    ChangeProtocol,
    ChangeTime,
    GoTo,
    Hold,
    OnOff,
    Pause,
    PauseCause,
    RepeatRung,
    Restart,
    Resume,
    StayHere,
    StepBack,
    Stop,
    StopCause,
    Supersede,
    TrialReduction,
)
from titration.engine.kinds import kind_of
from titration.engine.protocol import Protocol
from titration.engine.refusals import EngineRefusal
from titration.replay import fields
from titration.replay.fields import Fields, Malformed, Read
from titration.replay.file import NEXT_RUNG, Told

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "begin": ("first_dose", "begun"),
    "hold": (),
    "resume": (),
    "advance": ("step_up", "step_now"),
    "step_back": ("back", "step_down"),
    "go_to": ("set_dose", "go_to_dose"),
    "stay_here": ("stay", "best_dose"),
    "repeat_rung": ("repeat", "repeat_step"),
    "change_lengths": ("change_length", "lengths"),
    "change_time": ("change_time_of_day", "time_of_day"),
    "pause": (),
    "restart": (),
    "on_off": ("pattern",),
    "trial_reduction": ("trial", "reduce"),
    "stop": ("end",),
    "change_protocol": ("switch_protocol",),
    "supersede": ("take_back", "undo"),
}
"""Each kind, with the other words that are understood for it."""

STEP_NOW = "step_now"
"""An advance that does not wait until it is due."""

_NAMES = {word: kind for kind, words in SYNONYMS.items() for word in (kind, *words)}
_PAUSE_WORDS = {"opioid": PauseCause.OPIOID_COURSE, "opioids": PauseCause.OPIOID_COURSE}

_MOST_RUNGS = 999
_MOST_CHANGES = 99_999


def told(value: Any, where: str, index: int, protocol: Read[Protocol]) -> Told:
    """One entry of `changes`; `protocol` reads the protocol that a change names.

    What cannot be understood is `Malformed`; what is understood and cannot be, such as a hold of no days, keeps the
    engine's sentence.
    """
    said = Fields(value, where)
    word = said.take("kind", fields.text)
    kind = _NAMES.get(word)
    if kind is None:
        raise Malformed(f"{where}.kind is unknown; it is one of {', '.join(SYNONYMS)}.")
    undated = kind == "supersede"
    on = said.take("on", fields.day, None) if undated else said.take("on", fields.day)
    recorded_on = said.take("recorded_on", fields.day, on)
    reason = fields.one_line(said.take("reason", fields.text, ""))
    correction = said.take("correction", fields.flag, default=False)
    make = _READERS[kind](said, on or date.min, word, protocol)
    said.done()
    try:
        return Told(index, recorded_on, make(), reason=reason, correction=correction)
    except EngineRefusal as refused:
        return Told(index, recorded_on, None, refused.sentence, reason, correction)


_Make = Callable[[], Change]
_Reader = Callable[[Fields, date, str, Read[Protocol]], _Make]


def _dated(made: Callable[[date], Change]) -> _Reader:
    return lambda _said, on, _word, _protocol: lambda: made(on)


def _days(said: Fields, on: date) -> int | None:
    """How long it lasts, or until which first day after it; None: until somebody says so."""
    days = said.take("days", fields.days, None)
    until = said.take("until", fields.day, None)
    if days is not None and until is not None:
        raise Malformed(f"{said.place('until')} says the same as days; write one of them.")
    return days if until is None else (until - on).days


def _hold(said: Fields, on: date, _word: str, _protocol: Read[Protocol]) -> _Make:
    days = _days(said, on)
    return lambda: Hold(on, days)


def _pause(said: Fields, on: date, _word: str, _protocol: Read[Protocol]) -> _Make:
    days = _days(said, on)
    cause = said.take("cause", fields.choice(PauseCause, _PAUSE_WORDS), PauseCause.OTHER)
    return lambda: Pause(on, days, cause)


def _advance(said: Fields, on: date, word: str, _protocol: Read[Protocol]) -> _Make:
    rung = said.take("to_rung", fields.whole(0, _MOST_RUNGS), NEXT_RUNG)
    early = said.take("early", fields.flag, word == STEP_NOW)
    return lambda: Advance(rung, on, early)


def _go_to(said: Fields, on: date, _word: str, _protocol: Read[Protocol]) -> _Make:
    dose = said.take("dose_mg", fields.dose, also=("to_mg",))
    days = said.take("days", fields.days, None)
    confirmed = said.take("confirmed", fields.flag, default=False)
    return lambda: GoTo(on, dose, days, confirmed)


def _lengths(said: Fields, on: date, _word: str, _protocol: Read[Protocol]) -> _Make:
    days = said.take("days", fields.days)
    return lambda: ChangeLengths(on, days)


def _time(said: Fields, on: date, _word: str, _protocol: Read[Protocol]) -> _Make:
    slot = said.take("time_of_day", fields.choice(Slot), also=("to",))
    return lambda: ChangeTime(on, slot)


def _restart(said: Fields, on: date, _word: str, _protocol: Read[Protocol]) -> _Make:
    dose = said.take("dose_mg", fields.dose, None, also=("to_mg",))
    off_since = said.take("off_since", fields.day, None)
    return lambda: Restart(on, dose, off_since)


def _on_off(said: Fields, on: date, _word: str, _protocol: Read[Protocol]) -> _Make:
    days_on = said.take("days_on", fields.days, None, also=("on_days",))
    days_off = said.take("days_off", fields.days, None, also=("off_days",))
    return lambda: OnOff(on, days_on, days_off)


def _trial(said: Fields, on: date, _word: str, _protocol: Read[Protocol]) -> _Make:
    dose = said.take("dose_mg", fields.dose, also=("to_mg",))
    days = said.take("days", fields.days)
    return lambda: TrialReduction(on, dose, days)


def _stop(said: Fields, on: date, _word: str, _protocol: Read[Protocol]) -> _Make:
    cause = said.take("cause", fields.choice(StopCause), StopCause.DECIDED)
    return lambda: Stop(on, cause)


def _change_protocol(said: Fields, on: date, _word: str, protocol: Read[Protocol]) -> _Make:
    chosen = said.take("protocol", protocol)
    rung = said.take("to_rung", fields.whole(0, _MOST_RUNGS), None)
    dose = said.take("dose_mg", fields.dose, None, also=("to_mg",))
    confirmed = said.take("confirmed", fields.flag, default=False)
    if dose is not None:
        if rung is not None:
            raise Malformed(f"{said.place('to_rung')} says the same as dose_mg; write one of them.")
        rung = next((place for place, rung in enumerate(chosen.rungs) if rung.dose == dose), None)
        if rung is None:
            raise Malformed(f"{said.place('dose_mg')} is one of the protocol's own doses.")
    return lambda: ChangeProtocol(on, chosen, rung, confirmed)


def _supersede(said: Fields, _on: date, _word: str, _protocol: Read[Protocol]) -> _Make:
    place = said.take("change", fields.whole(0, _MOST_CHANGES), also=("takes_back", "index"))
    return lambda: Supersede(place)


_READERS: Mapping[str, _Reader] = {
    "begin": _dated(Begin),
    "hold": _hold,
    "resume": _dated(Resume),
    "advance": _advance,
    "step_back": _dated(StepBack),
    "go_to": _go_to,
    "stay_here": _dated(StayHere),
    "repeat_rung": _dated(RepeatRung),
    "change_lengths": _lengths,
    "change_time": _time,
    "pause": _pause,
    "restart": _restart,
    "on_off": _on_off,
    "trial_reduction": _trial,
    "stop": _stop,
    "change_protocol": _change_protocol,
    "supersede": _supersede,
}


def written(change: Change) -> dict[str, Any]:
    """The change as a file says it: its kind and fields, without what is the default. A protocol stays one."""
    told = {_SAID.get(one.name, one.name): _plain(getattr(change, one.name)) for one in dataclass_fields(change)}
    day = {"on": told.pop("on")} if "on" in told else {}
    kept = {name: value for name, value in told.items() if value is not None and value is not False}
    return {**day, "kind": kind_of(change), **kept}


_SAID = {"dose": "dose_mg", "takes_back": "change"}
"""The fields that a file names otherwise than the engine."""


def _plain(value: Any) -> Any:
    match value:
        case date():
            return value.isoformat()
        case Dose():
            return value.text
        case StrEnum():
            return value.value
        case _:
            return value
