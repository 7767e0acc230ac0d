"""Between the engine's changes and their rows.

A row's columns and a change's fields have the same names; only what the database keeps as text or as a reference is
turned.
"""

from dataclasses import fields
from typing import Any

from common.night import Slot
from titration.engine import course
from titration.engine.course import Change
from titration.engine.kinds import KINDS
from titration.engine.protocol import Protocol
from titration.models import PlanChange


def of_row(row: PlanChange) -> Change:
    """The engine's value of a row."""
    made = KINDS[row.kind]
    told = {field.name: _read(row, field.name, made) for field in fields(made)}
    change: Change = made(**told)
    return change


def columns(change: Change) -> dict[str, Any]:
    """What a row keeps of a change; a protocol is kept by the version that the caller names."""
    told = {field.name: getattr(change, field.name) for field in fields(change)}
    told.pop("protocol", None)
    return {name: value.value if isinstance(value, _TURNED) else value for name, value in told.items()}


_TURNED = (Slot, course.PauseCause, course.StopCause)


def _read(row: PlanChange, name: str, made: type) -> Any:
    match name:
        case "protocol":
            return Protocol.from_json(row.protocol_version.body if row.protocol_version else {})
        case "time_of_day":
            return Slot(row.time_of_day)
        case "cause" if made is course.Pause:
            return course.PauseCause(row.cause)
        case "cause":
            return course.StopCause(row.cause or course.StopCause.DECIDED)
        case _:
            return getattr(row, name)
