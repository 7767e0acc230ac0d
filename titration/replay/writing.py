"""From a course to a file: what `reading` reads again to the same timeline, and nothing that says whose it is.

What is left out: names and addresses (a course has none), the day of birth but its year, everything written in words
(reasons, notes, what a protocol of a clinic's own is called and who made it), medicines as typed, and lots. Dates stay:
what happened when is what a course is.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from common.dose import SOFT_CEILING
from titration.engine import timeline
from titration.engine.course import Change, Course, Supersede
from titration.engine.formulation import Formulation
from titration.engine.protocol import REVIEW_PENDING, Protocol, Source
from titration.engine.refusals import EngineRefusal
from titration.engine.stock import Fill
from titration.engine.terms import plain
from titration.replay import kinds
from titration.replay.file import Log, Mode, Patient, Recorded, Taken
from titration.replay.judging import dose_of
from titration.replay.reading import FORMAT
from titration.replay.telling import counted

_CODE = re.compile(r"[a-z][a-z_]{0,40}")

NOTE = "De-identified: no names, no words as written, of the birth only the year. The dates are as they were."

_OWN = "a clinic's own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What stands in the file beside the course and its changes. `patient.medicines` are left out whatever they say.

    `history_until` is the day up to which every step that happened is among the changes; a course in `planned` mode
    whose file leaves it out would be stepped by itself before that.
    """

    zone: str
    mode: Mode = Mode.CONFIRMED
    gate: bool = False
    history_until: date | None = None
    formulation: Formulation | None = None
    patient: Patient | None = None
    fills: Sequence[Fill] = ()
    logs: Sequence[Log] = ()


def written(
    course: Course,
    beside: Beside,
    *,
    recorded: Sequence[Recorded] | None = None,
    shipped: Mapping[str, Protocol] | None = None,
) -> dict[str, Any]:
    """The file, ready for JSON. `recorded` has one for each change of the course; without it the changes are taken to
    be recorded as late as their order allows. A `shipped` protocol is written by its id, any other with its rungs.
    """
    told = recorded if recorded is not None else as_late_as_may_be(course)
    library = shipped or {}
    first = course.first_dose
    return {
        "format": FORMAT,
        "note": NOTE,
        "zone": beside.zone,
        "protocol": _protocol(course.protocol, library),
        "starts_on": course.start_on.isoformat(),
        "time_of_day": course.time_of_day.value,
        **({"first_dose_mg": first.text} if first else {}),
        **({"awaiting": True} if course.awaiting else {}),
        **({"target_mg": course.target.text} if course.target else {}),
        "retitrate_from_days": course.retitrate_from_days,
        "mode": beside.mode.value,
        **({"gate": True} if beside.gate else {}),
        **({"history_until": beside.history_until.isoformat()} if beside.history_until else {}),
        **({"formulation": beside.formulation.to_json()} if beside.formulation else {}),
        "patient": _patient(beside.patient or Patient()),
        "changes": [_change(change, at, library) for change, at in zip(course.changes, told, strict=True)],
        "fills": [_fill(fill) for fill in beside.fills],
        "logs": [_log(log) for log in beside.logs],
    }


def as_late_as_may_be(course: Course) -> tuple[Recorded, ...]:
    """A day for each change on which it may have been recorded, no earlier than needed for those after it."""
    latest = [date.max] * len(course.changes)
    bound = date.max
    for place in reversed(range(len(course.changes))):
        change = course.changes[place]
        bound = bound if isinstance(change, Supersede) else min(bound, change.on)
        latest[place] = bound
    recorded: list[Recorded] = []
    so_far, last = replace(course, changes=()), course.start_on
    for change, on in zip(course.changes, latest, strict=True):
        last = on if on != date.max else last
        recorded.append(Recorded(last, _corrects(so_far, change, last)))
        so_far = so_far.changed(change)
    return tuple(recorded)


def _corrects(course: Course, change: Change, on: date) -> bool:
    try:
        timeline.check(course, change, today=on)
    except EngineRefusal:
        return True
    return False


def _change(change: Change, at: Recorded, library: Mapping[str, Protocol]) -> dict[str, Any]:
    said = kinds.written(change)
    if isinstance(said.get("protocol"), Protocol):
        said["protocol"] = _protocol(said["protocol"], library)
    recorded_on = {"recorded_on": at.on.isoformat()} if said.get("on") != at.on.isoformat() else {}
    # What was written stays here; that there was a reason is part of the course.
    reason = {"reason": "given"} if (dose := dose_of(change)) is not None and dose > SOFT_CEILING else {}
    return {**said, **recorded_on, **reason, **({"correction": True} if at.correction else {})}


def _protocol(protocol: Protocol, library: Mapping[str, Protocol]) -> str | dict[str, Any]:
    if library.get(protocol.id) == protocol:
        return protocol.id
    return without_words(protocol).to_json()


def without_words(protocol: Protocol) -> Protocol:
    """The same schedule without what somebody wrote about it: its name, its makers, its reasons."""
    rungs = tuple(
        replace(
            rung,
            reason="given" if rung.reason else "",
            only_if=replace(rung.only_if, words="an answer holds", measure="an answer") if rung.only_if else None,
        )
        for rung in protocol.rungs
    )
    return replace(
        protocol,
        id="OWN",
        name=_OWN,
        author="a clinic",
        review=REVIEW_PENDING,
        note="",
        sources=(Source("OWN", _OWN),),
        rungs=rungs,
        by_weight=replace(protocol.by_weight, liquid="a liquid") if protocol.by_weight else None,
    )


def _patient(patient: Patient) -> dict[str, Any]:
    return {
        **({"born_on": patient.born[:4]} if patient.born else {}),
        **({"weight_kg": plain(patient.weight_kg)} if patient.weight_kg is not None else {}),
        **({"weighed_on": patient.weighed_on.isoformat()} if patient.weighed_on else {}),
        **({"sex": _code(patient.sex)} if patient.sex else {}),
        "conditions": [_code(condition) for condition in patient.conditions],
    }


def _fill(fill: Fill) -> dict[str, Any]:
    return {
        "on": fill.on.isoformat(),
        "form": fill.unit.form.value,
        "strength_mg": fill.unit.strength.text,
        "units": counted(fill.units),
        **({"beyond_use_on": fill.beyond_use_on.isoformat()} if fill.beyond_use_on else {}),
    }


def _log(log: Log) -> dict[str, Any]:
    taken = {Taken.TAKEN: True, Taken.SKIPPED: False, Taken.NOT_YET: "not yet", None: None}[log.taken]
    said = {
        "night": log.night.isoformat(),
        "taken": taken,
        "taken_mg": log.taken_mg.text if log.taken_mg else None,
        "taken_at": log.taken_at or None,
        "sleep_hours": plain(log.sleep_hours) if log.sleep_hours is not None else None,
        **{name: number if isinstance(number, int) else plain(number) for name, number in log.scales},
        "side_effects": [{"name": _code(one.name), "severity": one.severity.value} for one in log.side_effects] or None,
        "other_medicines": "yes" if log.reports_a_medicine else None,
        "reviewed_on": log.reviewed_on.isoformat() if log.reviewed_on else None,
        "answered_on": log.answered_on.isoformat() if log.answered_on else None,
        "clarified_on": log.clarified_on.isoformat() if log.clarified_on else None,
        "skipped_because": _code(log.skipped_because) if log.skipped_because else None,
        "menstruating": log.menstruating,
        **{name: plain(number) for name, number in log.measures},
    }
    return {name: value for name, value in said.items() if value is not None}


def _code(name: str) -> str:
    """A code of a list as it is; anything that may have been typed is "other"."""
    return name if _CODE.fullmatch(name) else "other"
