"""Files of courses: what somebody might have decided, in any order, whether or not it could be."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from common.night import Slot
from tests.strategies.bending import ANY_DOSE, bends, recorded
from tests.strategies.courses import START_DATES, protocols
from titration.engine.course import Change, ChangeTime, Course, Stop, Supersede
from titration.replay import kinds


@dataclass(frozen=True)
class Drawn:
    """A file and what it was made of: the course it begins with, and its changes with the days they are recorded."""

    file: dict[str, Any]
    course: Course
    told: list[tuple[date, Change]]


@st.composite
def drawn_files(draw: st.DrawFn, *, most_changes: int = 8, splits: bool = True) -> Drawn:
    slots = st.sampled_from(Slot if splits else [Slot.BEDTIME, Slot.MORNING])
    course = Course(
        draw(protocols()),
        draw(START_DATES),
        first_dose=draw(st.none() | ANY_DOSE.filter(lambda dose: dose.mg <= 10)),
        target=draw(st.none() | ANY_DOSE.filter(lambda dose: dose.mg <= 10)),
        time_of_day=draw(slots),
    )
    bent, told = course, list[tuple[date, Change]]()
    for _ in range(draw(st.integers(0, most_changes))):
        change = draw(bends(bent))
        if not splits and isinstance(change, ChangeTime) and change.time_of_day is Slot.SPLIT:
            continue
        told.append((_recorded_on(draw, change, told, course.start_on), change))
        bent = recorded(bent, change)
    return Drawn(_file(course, told, draw(st.sampled_from(["planned", "confirmed"]))), course, told)


def _recorded_on(draw: st.DrawFn, change: Change, told: list[tuple[date, Change]], start_on: date) -> date:
    """Mostly the day it bears on, sometimes days before."""
    if isinstance(change, Supersede):
        return max([on for on, _ in told], default=start_on)
    ahead = draw(st.sampled_from([0, 0, 0, 1, 5, 20])) if not isinstance(change, Stop) else 0
    return change.on - timedelta(days=ahead)


def _file(course: Course, told: list[tuple[date, Change]], mode: str) -> dict[str, Any]:
    return {
        "zone": "Europe/Oslo",
        "protocol": course.protocol.to_json(),
        "starts_on": course.start_on.isoformat(),
        "time_of_day": course.time_of_day.value,
        "first_dose_mg": course.first_dose.text if course.first_dose else None,
        "target_mg": course.target.text if course.target else None,
        "mode": mode,
        "changes": [_change(on, change) for on, change in told],
    }


def _change(recorded_on: date, change: Change) -> dict[str, Any]:
    said = {**kinds.written(change), "recorded_on": recorded_on.isoformat()}
    if "protocol" in said:
        said["protocol"] = said["protocol"].to_json()
    return said
