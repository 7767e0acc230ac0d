"""Unfolding a course that has bent often: three years, forty changes, held against the same course without one."""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from bench.line import Line
from common.night import Slot
from titration import protocol_files
from titration.engine import timeline
from titration.engine.course import (
    Change,
    ChangeTime,
    Course,
    Hold,
    OnOff,
    Pause,
    Restart,
    Resume,
    StayHere,
    StepBack,
    Supersede,
)
from titration.replay import reading, running, telling, writing

FIRST = date(2024, 1, 1)
YEARS = timedelta(days=3 * 365)
CHANGES = 40


def lines() -> Iterator[Line]:
    """Milliseconds of the processor, the median of many runs."""
    still = Course(protocol_files.find("HALF-2W"), FIRST)
    file = _file(still)
    done = running.run(reading.read(file, protocol_files.find))
    if done.refused:
        raise ValueError(f"The bench means all its changes: {done.refused}")
    course = done.course
    steps = len(course.changes) - CHANGES
    alone, bent = _took(lambda: timeline.unfold(still)), _took(lambda: timeline.unfold(course))
    days = _took(lambda: list(timeline.days(timeline.unfold(course), FIRST, FIRST + YEARS)))
    yield Line(f"three years with {CHANGES} changes and {steps} steps unfolded", f"{bent:.2f} ms", "target 5 ms")
    yield Line("the same course without a change", f"{alone:.3f} ms", f"{bent / alone:.0f} times less")
    yield Line("and each of its days told", f"{days:.2f} ms", f"{days / bent:.1f} times the unfolding")
    replay = _took(lambda: _replay(file), times=10)
    yield Line("the same as a file, read, run and told", f"{replay:.0f} ms", f"{replay / bent:.0f} times the unfolding")


def _file(still: Course) -> str:
    """A file of the course with forty changes, none of which is refused."""
    course = still.changed(*_changes())
    return json.dumps(writing.written(course, writing.Beside(zone="Europe/Oslo", mode=writing.Mode.PLANNED)))


def _changes() -> list[Change]:
    """Ten in each quarter of three years: held, paused, stepped back, at another time, by a pattern, taken back."""
    found: list[Change] = []
    for number in range(CHANGES // 10):
        on = FIRST + timedelta(days=20 + 270 * number)
        found += [
            Hold(on, 7),
            StepBack(on + timedelta(days=10)),
            ChangeTime(on + timedelta(days=20), Slot.MORNING if number % 2 == 0 else Slot.BEDTIME),
            Pause(on + timedelta(days=50), None),
            Restart(on + timedelta(days=60)),
            Hold(on + timedelta(days=70), None),
            Resume(on + timedelta(days=80)),
            OnOff(on + timedelta(days=100), 5, 2) if number % 2 == 0 else OnOff(on + timedelta(days=100), None, None),
            StayHere(on + timedelta(days=120)),
            Supersede(10 * number + 8),
        ]
    return found


def _replay(file: str) -> None:
    read = reading.read(file, protocol_files.find)
    telling.told(read, running.run(read), FIRST + YEARS)


def _took(deed: Callable[[], object], *, times: int = 50) -> float:
    took = []
    for _ in range(times):
        began = time.process_time()
        deed()
        took.append((time.process_time() - began) * 1000)
    return statistics.median(took)
