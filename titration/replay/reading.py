"""From the text of a file to what it says. Every name, kind and range is checked; nothing is guessed or rounded."""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from common.dose import HARD_CEILING, SOFT_CEILING, Dose
from common.drug_names import NALTREXONE
from common.night import Slot
from titration.engine import by_weight
from titration.engine.course import RETITRATE_FROM_DAYS, Course, Supersede
from titration.engine.formulation import MEASURED, Form, Formulation, Unit
from titration.engine.protocol import Protocol, Then
from titration.engine.refusals import EngineRefusal
from titration.engine.stock import Fill
from titration.replay import fields, kinds, known
from titration.replay.fields import Fields, Malformed
from titration.replay.file import File, Log, Mode, Patient, Severity, SideEffect, Taken, Told

FORMAT = 1
"""The version of the format that is read and written."""

MOST_CHANGES = 300
MOST_RUNGS = 100
MOST_FILLS = 1_000
MOST_LOGS = 20_000
MOST_CHARACTERS = 10_000_000

LONGEST_GAP_DAYS = 366

_YEAR = re.compile(r"[0-9]{4}")
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T)?([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_SHORT_HOUR = re.compile(r"(?<![0-9:])([0-9]):([0-5][0-9])")
_SCALES = {
    "latency_min": (0, 1440),
    "awake_min": (0, 1440),
    "awakenings": (0, 100),
    "quality": (1, 5),
    "dream_vividness": (0, 10),
    "dream_distress": (0, 10),
    "pain": (0, 10),
    "fatigue": (0, 10),
    "lead_symptom": (0, 10),
}
"""The numbers of a night, least and most. The diary asks for whole ones, and for vividness of 0 to 3."""

_TAKEN_WORDS = {"missed": Taken.SKIPPED, "not taken": Taken.SKIPPED, "skip": Taken.SKIPPED, "left out": Taken.SKIPPED}


class TooMuch(Malformed):
    """A plan's own dose that cannot be meant."""

    def __init__(self, sentence: str, dose: Dose) -> None:
        super().__init__(sentence)
        self.dose = dose


class NotMeant(TooMuch):
    """The file's plan itself has a dose that cannot be meant: there is no course, but that much can be said of it."""

    def __init__(self, refused: TooMuch, zone: ZoneInfo) -> None:
        super().__init__(refused.sentence, refused.dose)
        self.zone = zone


Find = Callable[[str], Protocol]
"""The protocol of an id; raises `EngineRefusal` where there is none."""


def parsed(written: str) -> Any:
    """The JSON of a file, with every decimal exactly as written; raises `Malformed` for what is none."""
    if len(written) > MOST_CHARACTERS:
        raise Malformed(f"The file has more than {MOST_CHARACTERS:,} characters.")
    try:
        return json.loads(written, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_without_doubles)
    except json.JSONDecodeError as error:
        raise Malformed(f"The file is no JSON: {error.msg}, line {error.lineno}, column {error.colno}.") from None
    except (ArithmeticError, ValueError):
        raise Malformed("The file holds a number that is too long.") from None
    except RecursionError:
        raise Malformed("The file has more brackets in brackets than can be read.") from None


def read(written: str, find: Find) -> File:
    """The file as the engine's values.

    Raises `Malformed` with one sentence that names what is wrong; `NotMeant` where that is the plan's own dose.
    """
    said = Fields(parsed(written), "")
    said.take("format", fields.whole(FORMAT, FORMAT), FORMAT)
    said.take("note", fields.text, "")
    patient = said.take("patient", _patient, Patient())
    protocols = _Protocols(find, patient.weight_kg)
    formulation = said.take("formulation", _formulation, None)
    zone = said.take("zone", _zone)
    try:
        course = _course(said, protocols)
    except TooMuch as refused:
        raise NotMeant(refused, zone) from None
    changes = said.take("changes", fields.many(_as_is, MOST_CHANGES), ())
    told = [kinds.told(one, f"changes[{index}]", index, protocols.read) for index, one in enumerate(changes)]
    file = File(
        zone=zone,
        course=course,
        formulation=formulation,
        patient=patient,
        mode=said.take("mode", fields.choice(Mode), Mode.PLANNED),
        gate=said.take("gate", fields.flag, default=False),
        history_until=said.take("history_until", fields.day, None),
        changes=_in_order(told, course.start_on),
        fills=said.take("fills", fields.many(_fills_of(formulation), MOST_FILLS), ()),
        logs=_each_night_once(said.take("logs", fields.many(_log, MOST_LOGS), ())),
        known=known.read(said),
    )
    said.done()
    return file


def _course(said: Fields, protocols: "_Protocols") -> Course:
    protocol = said.take("protocol", protocols.read)
    start_on = said.take("starts_on", fields.day)
    usual = protocol.time_of_day or Slot.BEDTIME
    first = said.take("first_dose_mg", _prescribed, None)
    awaiting = said.take("awaiting", fields.flag, default=False)
    if first is not None and awaiting:
        raise Malformed("awaiting is for somebody who takes none yet; first_dose_mg for somebody who does.")
    return Course(
        protocol,
        start_on,
        first_dose=first,
        awaiting=awaiting,
        target=said.take("target_mg", _prescribed, None),
        time_of_day=said.take("time_of_day", fields.choice(Slot), usual),
        retitrate_from_days=said.take("retitrate_from_days", fields.whole(1, LONGEST_GAP_DAYS), RETITRATE_FROM_DAYS),
    )


def _in_order(told: list[Told], start_on: date) -> tuple[Told, ...]:
    """In the order recorded: by the day, and within a day as they stand. What takes back a change and says no day is
    recorded with it."""
    recorded: list[Told] = []
    for one in told:
        on = one.recorded_on or _with_what_it_takes_back(one, recorded) or start_on
        recorded.append(replace(one, recorded_on=on))
    return tuple(sorted(recorded, key=lambda one: one.recorded_on or start_on))


def _with_what_it_takes_back(one: Told, earlier: list[Told]) -> date | None:
    match one.change:
        case Supersede(place) if place < len(earlier):
            return earlier[place].recorded_on
        case _:
            return None


@dataclass(frozen=True)
class _Protocols:
    """Reads a protocol: the id of a shipped one, a clinic's own as an object, or as the text of a TOML file."""

    find: Find
    weight_kg: Decimal | None

    def read(self, value: Any, where: str) -> Protocol:
        try:
            protocol = self.find(value) if isinstance(value, str) else Protocol.from_json(_meant(value, where))
            if protocol.needs_weight and self.weight_kg is not None:
                protocol = by_weight.resolved(protocol, self.weight_kg)
            protocol.check_ready()
        except EngineRefusal as refused:
            raise Malformed(f"{where}: {refused.sentence}") from None
        return protocol


def _meant(value: Any, where: str) -> Mapping[str, Any]:
    """A clinic's own protocol; raises `TooMuch` where a dose is none of low dose, or goes above the usual most and says
    no reason. What else may be wrong with it the engine says.
    """
    own = _own(value, where)
    for rung in own["rungs"]:
        dose = _dose_of(rung)
        if dose is not None and dose > HARD_CEILING:
            raise TooMuch(f"{where}: {_not_low(dose)}", dose)
        if dose is not None and dose > SOFT_CEILING and not rung.get("reason"):
            raise TooMuch(f"{where}: {dose} is above {SOFT_CEILING}, and gives no reason.", dose)
    return own


def _dose_of(rung: Mapping[str, Any]) -> Dose | None:
    try:
        return fields.dose(rung.get("dose_mg"), "dose_mg")
    except Malformed:
        return None


def _own(value: Any, where: str) -> Mapping[str, Any]:
    """A clinic's own protocol as `Protocol.from_json` reads it; who made it and what it rests on may be left out."""
    if not isinstance(value, Mapping):
        raise Malformed(f'{where} is the id of a protocol, like "STD-2W", or an object with its rungs.')
    if "toml" in value:
        said = Fields(value, where)
        written = said.take("toml", fields.text)
        said.done()
        try:
            value = tomllib.loads(written, parse_float=Decimal)
        except tomllib.TOMLDecodeError as error:
            raise Malformed(f"{where}.toml cannot be read: {error}.") from None
    rungs = value.get("rungs")
    if isinstance(rungs, list) and len(rungs) > MOST_RUNGS:
        raise Malformed(f"{where}.rungs has more than {MOST_RUNGS} entries.")
    if not isinstance(rungs, list) or not rungs or not all(isinstance(rung, Mapping) for rung in rungs):
        raise Malformed(f'{where}.rungs is a list of rungs, each like {{"dose_mg": "1.5", "days": 14}}.')
    then = Then.OPEN if rungs[-1].get("days") is None else Then.REVIEW
    return {
        "id": "OWN",
        "version": 1,
        "name": "the clinic's own",
        "then": then.value,
        "sources": [{"key": "OWN", "reference": "the clinic's own"}],
        "grade": "E3",
        "author": "the clinic",
        **_with_texts(value),
    }


def _with_texts(value: Any) -> Any:
    """The same with amounts as texts, whichever way they were written; lengths and versions stay numbers."""
    if isinstance(value, Mapping):
        return {
            name: _as_text(one) if name.endswith(("_mg", "_kg", "_ml")) else _with_texts(one)
            for name, one in value.items()
        }
    return [_with_texts(one) for one in value] if isinstance(value, list) else value


def _as_text(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_text(one) for one in value]
    if type(value) is int or (isinstance(value, Decimal) and abs(value.adjusted()) < 9):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    return value


def _formulation(value: Any, where: str) -> Formulation:
    if not isinstance(value, Mapping):
        raise Malformed(f'{where} is an object, like {{"capsules_mg": ["1.5"]}}.')
    try:
        return Formulation.from_json(_with_texts(value))
    except EngineRefusal as refused:
        raise Malformed(f"{where}: {refused.sentence}") from None


def _zone(value: Any, where: str) -> ZoneInfo:
    try:
        return ZoneInfo(fields.text(value, where))
    except (OSError, ValueError, LookupError):
        raise Malformed(f'{where} is a time zone, like "America/New_York".') from None


def _prescribed(value: Any, where: str) -> Dose:
    dose = fields.dose(value, where)
    if not dose.mg:
        raise Malformed(f"{where} is above 0 mg and at most {HARD_CEILING}.")
    if dose > HARD_CEILING:
        raise TooMuch(f"{where}: {_not_low(dose)}", dose)
    return dose


def _not_low(dose: Dose) -> str:
    return f"{dose} is above {HARD_CEILING}: that is not low-dose {NALTREXONE}."


def _patient(value: Any, where: str) -> Patient:
    said = Fields(value, where)
    patient = Patient(
        born=said.take("born_on", _born, ""),
        weight_kg=said.take("weight_kg", _weight, None),
        conditions=said.take("conditions", fields.many(fields.text, 100), ()),
        medicines=said.take("medicines", fields.many(fields.text, 500), ()),
        sex=said.take("sex", fields.text, ""),
        weighed_on=said.take("weighed_on", fields.day_of, None),
    )
    said.done()
    return patient


def _born(value: Any, where: str) -> str:
    if isinstance(value, (str, int)) and _YEAR.fullmatch(str(value)):
        return str(value)
    return fields.day(value, where).isoformat()


def _weight(value: Any, where: str) -> Decimal:
    weight = fields.amount(value, where)
    try:
        by_weight.check_weight(weight)
    except EngineRefusal as refused:
        raise Malformed(f"{where}: {refused.sentence}") from None
    return weight


def _fills_of(formulation: Formulation | None) -> fields.Read[Fill]:
    """Reads a fill; what it does not say of its form and strength is the formulation's."""

    def read_fill(value: Any, where: str) -> Fill:
        said = Fields(value, where)
        form = said.take("form", fields.choice(Form), formulation.form if formulation else Form.CAPSULES)
        only = formulation.strengths[0] if formulation and len(formulation.strengths) == 1 else None
        strength = said.take("strength_mg", fields.dose, only, also=("strength_mg_per_ml",))
        if strength is None:
            raise Malformed(f"{where}.strength_mg is missing.")
        fill = Fill(
            on=said.take("on", fields.day),
            unit=_unit(formulation, form, strength, where),
            units=Fraction(said.take("units", fields.amount_up_to(100_000))),
            lot=said.take("lot", fields.text, ""),
            beyond_use_on=said.take("beyond_use_on", fields.day, None),
        )
        said.done()
        if form not in MEASURED and fill.units.denominator != 1:
            raise Malformed(f"{where}.units is a whole number: {fill.unit.named} are counted.")
        return fill

    return read_fill


def _unit(formulation: Formulation | None, form: Form, strength: Dose, where: str) -> Unit:
    """The unit as the formulation counts it, scored or measured; another form is as it is usually dispensed."""
    try:
        if formulation is not None and formulation.form is form:
            return replace(formulation.units[0], strength=strength)
        return Formulation.from_json({_USUAL[form]: strength.text}).units[0]
    except EngineRefusal as refused:
        raise Malformed(f"{where}: {refused.sentence}") from None


_USUAL = {form: f"{form}_mg_per_ml" if form in MEASURED else f"{form}_mg" for form in Form}


def _log(value: Any, where: str) -> Log:
    said = Fields(value, where)
    taken_mg = said.take("taken_mg", _milligrams, None)
    implied = None if taken_mg is None else Taken.TAKEN if taken_mg.mg else Taken.SKIPPED
    log = Log(
        night=said.take("night", fields.day_of),
        taken=said.take("taken", _taken, implied),
        taken_mg=taken_mg,
        taken_at=said.take("taken_at", _time, ""),
        sleep_hours=said.take("sleep_hours", fields.amount_up_to(24), None),
        scales=tuple(
            (name, number)
            for name, ends in _SCALES.items()
            if (number := said.take(name, fields.number_of(*ends), None)) is not None
        ),
        side_effects=said.take("side_effects", _side_effects, ()),
        other_medicines=said.take("other_medicines", _others, "").strip(),
        reviewed_on=said.take("reviewed_on", fields.day_of, None),
        answered_on=said.take("answered_on", fields.day_of, None),
        clarified_on=said.take("clarified_on", fields.day_of, None),
        skipped_because=said.take("skipped_because", fields.text, "", also=("reason",)),
        menstruating=said.take(known.MENSTRUATING, fields.yes_or_no, None),
        measures=tuple(
            (name, measure)
            for name, most in known.MEASURES.items()
            if (measure := said.take(name, fields.amount_up_to(most), None)) is not None
        ),
    )
    said.take("note", fields.text, "")
    said.done()
    if log.taken is not implied and implied is not None:
        raise Malformed(f"{where}.taken_mg and taken do not go together: more than 0 mg was taken, or none was.")
    return log


def _milligrams(value: Any, where: str) -> Dose:
    """Milligrams, also with their unit behind them, as a diary shows them; no other unit."""
    if isinstance(value, str):
        value = re.sub(r"\s*mg$", "", value.strip())
    return fields.dose(value, where)


def _taken(value: Any, where: str) -> Taken:
    said = str(value).strip().lower() if isinstance(value, (bool, int, str)) else ""
    if said in fields.YES | fields.NO:
        return Taken.TAKEN if said in fields.YES else Taken.SKIPPED
    return fields.choice(Taken, _TAKEN_WORDS)(value, where)


def _others(value: Any, where: str) -> str:
    """Words, or the answer alone."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return fields.words_of(value, where)


def _time(value: Any, where: str) -> str:
    said = _SHORT_HOUR.sub(r"0\1:\2", fields.text(value, where).strip().replace(" ", "T", 1))
    wrong = Malformed(f'{where} is a time of the day, like "22:15", or a moment, like "2025-01-06T22:15-05:00".')
    if not _TIME.fullmatch(said):
        raise wrong
    try:
        datetime.fromisoformat(said if "T" in said else f"2000-01-01T{said}")
    except ValueError:
        raise wrong from None
    return said


def _side_effects(value: Any, where: str) -> tuple[SideEffect, ...]:
    """A list of names with their severity, or the severities by name. What was not felt is left out."""
    if isinstance(value, Mapping):
        value = [{"name": name, "severity": severity} for name, severity in value.items()]
    told = fields.many(_side_effect, 100)(value, where)
    return tuple(effect for effect in told if effect is not None)


def _side_effect(value: Any, where: str) -> SideEffect | None:
    said = Fields(value, where)
    name = said.take("name", fields.text)
    severity = said.take("severity", _severity)
    said.done()
    return SideEffect(name, severity) if severity is not None else None


def _severity(value: Any, where: str) -> Severity | None:
    """In words, or from 0 (not felt) to 3 (severe)."""
    if type(value) is int and 0 <= value <= len(Severity):
        return list(Severity)[value - 1] if value else None
    if isinstance(value, str) and value.strip().lower() == "none":
        return None
    return fields.choice(Severity)(value, where)


def _each_night_once(logs: tuple[Log, ...]) -> tuple[Log, ...]:
    seen: dict[date, int] = {}
    for number, log in enumerate(logs):
        if log.night in seen:
            raise Malformed(f"logs[{number}].night is told in logs[{seen[log.night]}] already.")
        seen[log.night] = number
    return tuple(sorted(logs, key=lambda log: log.night))


def _as_is(value: Any, _where: str) -> Any:
    return value


def _no_constant(name: str) -> None:
    raise Malformed(f"The file holds {name}, which is no number.")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    said = dict(pairs)
    if len(said) < len(pairs):
        twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise Malformed(f"The file says {twice[:40]!r} twice in the same braces.")
    return said
