"""The first nights at a dose: counted anew from every change of it, through holds, and told until night 14."""

from datetime import date, timedelta

import pytest

from portal import words
from portal.presenters import first_week
from titration import protocol_files
from titration.engine import timeline
from titration.engine.course import Advance, Course, Hold, Pause, StepBack

START = date(2026, 3, 2)
WORDS = words.first_week_words()


def course(*changes: object) -> Course:
    return Course(protocol_files.find("STD-2W"), START, tuple(changes))  # type: ignore[arg-type]


def night(on: int, *changes: object) -> int | None:
    """Which night at its dose the day `on` is, the first being 1."""
    return first_week.night_at_dose(timeline.unfold(course(*changes)), START + timedelta(days=on - 1))


def day(number: int) -> date:
    return START + timedelta(days=number - 1)


def test_from_the_first_dose() -> None:
    assert [night(on) for on in (0, 1, 4, 7, 8, 14)] == [None, 1, 4, 7, 8, 14]


def test_a_step_up_begins_anew() -> None:
    stepped = Advance(1, day(15))
    assert [night(on, stepped) for on in (14, 15, 21, 22)] == [14, 1, 7, 8]


def test_so_does_a_step_back() -> None:
    changes = (Advance(1, day(15)), StepBack(day(18)))
    assert [night(on, *changes) for on in (17, 18, 24, 25)] == [3, 1, 7, 8]


def test_and_so_do_days_without_a_dose() -> None:
    paused = Pause(day(5), 3)
    assert [night(on, paused) for on in (4, 5, 7, 8)] == [4, None, None, 1]


def test_a_hold_changes_nothing() -> None:
    assert night(12, Hold(day(5), 7)) == 12


@pytest.mark.parametrize(
    ("number", "heading", "over"),
    [(1, "Night 1 of 7", False), (7, "Night 7 of 7", False), (8, "Night 8 at", True), (14, "Night 14 at", True)],
)
def test_what_is_read(number: int, heading: str, over: bool) -> None:
    said = first_week.watch(timeline.unfold(course()), day(number), WORDS)
    assert said is not None
    assert said.heading.startswith(heading)
    assert said.over is over
    assert "tell your clinic" in said.says
    assert ("If bad nights go on" in said.says) is over


def test_no_longer_new() -> None:
    assert first_week.watch(timeline.unfold(course()), day(15), WORDS) is None
    assert first_week.watch(timeline.unfold(course()), day(0), WORDS) is None
