"""A course walked day by day, as a careful person with a paper calendar would."""

from dataclasses import dataclass
from datetime import date, timedelta

from titration.engine.course import Advance, Course, Hold, Stop

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Day:
    on: date
    dose_mg: str | None
    rung: int | None
    state: str


def in_force(course: Course, days: int) -> list[Day]:
    return walk(course, days, intended=False)


def intended(course: Course, days: int, as_of: date | None = None) -> list[Day]:
    return walk(course, days, intended=True, as_of=as_of)


def walk(course: Course, days: int, *, intended: bool, as_of: date | None = None) -> list[Day]:
    """What each of so many days is, from the course's first on."""
    rungs = course.protocol.rungs
    advances = {advance.on: advance.to_rung for advance in advances_that_stand(course)}
    held = held_days(course)
    stops = [change.on for change in course.changes if isinstance(change, Stop)]
    walked: list[Day] = []
    rung, days_had, over = 0, 0, False
    day = course.start_on
    for _ in range(days):
        needed = rungs[rung].days
        long_enough = needed is not None and days_had >= needed
        may_intend = intended and not any(on > day for on in advances) and (as_of is None or day >= as_of)
        if day in advances:
            rung, days_had = advances[day], 0
        elif long_enough and rung + 1 < len(rungs) and may_intend and day not in held:
            rung, days_had = rung + 1, 0
        elif long_enough and rung + 1 == len(rungs):
            over = True
        stopped = bool(stops) and day >= stops[0]
        if stopped or (over and course.protocol.then == "end"):
            walked.append(Day(day, None, None, "ended"))
        elif over:
            walked.append(Day(day, rungs[rung].dose.text, rung, "review"))
        else:
            walked.append(Day(day, rungs[rung].dose.text, rung, "held" if day in held else "taking"))
        if day not in held:
            days_had += 1
        day += ONE_DAY
    return walked


def may(course: Course, change: Hold | Advance | Stop) -> bool:
    """Whether the change may be recorded on top of those the course has."""
    if any(isinstance(earlier, Stop) for earlier in course.changes):
        return False
    if isinstance(change, Hold):
        return change.on >= course.start_on
    if isinstance(change, Stop):
        return True
    standing = advances_that_stand(course)
    rung = len(standing)
    entered_on = standing[-1].on if standing else course.start_on
    if change.to_rung != rung + 1 or change.to_rung >= len(course.protocol.rungs):
        return False
    held = held_days(course)
    days_had, day = 0, entered_on
    while day < change.on:
        days_had += day not in held
        day += ONE_DAY
    needed = course.protocol.rungs[rung].days
    return needed is not None and days_had >= needed and change.on not in held


def advances_that_stand(course: Course) -> list[Advance]:
    """Every advance that no hold or stop recorded later reaches back to."""
    standing = []
    for number, change in enumerate(course.changes):
        if isinstance(change, Advance):
            later = course.changes[number + 1 :]
            voided = any(
                (isinstance(other, Hold) and other.on <= change.on)
                or (isinstance(other, Stop) and other.on <= change.on)
                for other in later
            )
            if not voided:
                standing.append(change)
    return standing


def held_days(course: Course) -> set[date]:
    return {
        change.on + timedelta(days=number)
        for change in course.changes
        if isinstance(change, Hold)
        for number in range(change.days)
    }
