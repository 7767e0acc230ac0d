"""Cases for the tests of the rules: a course on a day, with the nights told of it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from common.dose import Dose
from titration import protocol_files, rule_book
from titration.engine import timeline
from titration.engine.advice import judge
from titration.engine.advice.case import Case, Night
from titration.engine.advice.finding import Finding
from titration.engine.course import Advance, Change, ChangeTime, Course
from titration.engine.record import fold

FIRST = date(2025, 1, 6)
BOOK = rule_book.shipped()


def day(number: int) -> date:
    """The date of the course's day, counted from 1; the night before the first dose is 0."""
    return FIRST + timedelta(days=number - 1)


def good(number: int, **more: Any) -> Night:
    """A night that speaks against nothing."""
    told = {"taken": True if number > 0 else None, "sleep_hours": Decimal("7.5"), "quality": 4, "lead_symptom": 5}
    return Night(night=day(number), **(told | more))


def bad(number: int, **more: Any) -> Night:
    """A bad night by the time it took to fall asleep, and by nothing else."""
    return good(number, latency_min=31, **more)


def nights(numbers: Iterable[int], bad_ones: Iterable[int] = (), **more: Any) -> tuple[Night, ...]:
    unhappy = set(bad_ones)
    return tuple(bad(one, **more) if one in unhappy else good(one, **more) for one in numbers)


BASELINE = nights(range(-6, 1))


def case(
    today: int, told: Iterable[Night] = (), *, protocol: str = "STD-2W", changes: tuple[Change, ...] = (), **more: Any
) -> Case:
    """A confirmed course of a protocol on a day, as far as its changes have been recorded by then."""
    course = Course(protocol_files.find(protocol), FIRST)
    for change in changes:
        course = course.changed(change)
    in_force = timeline.unfold(course)
    known = {
        "today": day(today),
        "starts_on": FIRST,
        "first_dose_on": next(one.from_on for one in in_force if one.dose is not None),
        "in_force": in_force,
        "due": timeline.next_step(course),
        "target": fold(course).entries[-1].ladder.rungs[-1].dose,
        "nights": tuple(sorted(told, key=lambda night: night.night)),
    }
    return Case(**(known | more))


def stepped(on: int, rung: int = 1) -> Advance:
    return Advance(rung, day(on))


def in_the_morning(on: int) -> ChangeTime:
    return ChangeTime(day(on), timeline.Slot.MORNING)


def found(one: Case) -> dict[str, Finding]:
    """What is found, by rule and part."""
    return {f"{finding.rule} {finding.part}": finding for finding in judge.judge(one, BOOK).findings}


def rules(one: Case) -> set[str]:
    return {finding.rule for finding in judge.judge(one, BOOK).findings}


def telling(one: Night, **more: Any) -> Night:
    return replace(one, **more)


MG = Dose.of
