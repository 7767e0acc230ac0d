"""Which nights are read for the rules: all that they may count over, and each once."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import bending
from tests.unit.cases import case, day, in_the_morning, nights, rules, stepped
from titration.engine import timeline
from titration.engine.advice import window
from titration.engine.course import Change, Course, Pause


def wanted(in_force: timeline.Timeline, today: date) -> set[date]:
    """By the three things that rules look at: the furthest back, the baseline, and the end of the dose before."""
    first = next((segment.from_on for segment in in_force if segment.dose is not None), None)
    spells = window.spells_of(in_force, today, bridging=13)
    asked = [(today - timedelta(days=window.FURTHEST), today + timedelta(days=1))]
    if first is not None:
        asked.append((first - timedelta(days=window.BASELINE_WITHIN), first))
    if spells:
        # The dose before ended on its last day, however many days without a dose lie between.
        end = spells[-2].to_on if len(spells) > 1 else spells[-1].from_on
        asked.append((end - timedelta(days=window.WINDOW), end))
    return {day for from_on, to_on in asked for day in days(from_on, to_on)}


def days(from_on: date, to_on: date) -> list[date]:
    return [from_on + timedelta(days=number) for number in range((to_on - from_on).days)]


@given(course=bending.bent_courses(), after=st.integers(-40, 900))
def test_they_are_all_read_and_none_twice(course: Course, after: int) -> None:
    in_force, today = timeline.unfold(course), course.start_on + timedelta(days=after)
    read = [day for from_on, to_on in window.stretches(in_force, today) for day in days(from_on, to_on)]
    assert len(read) == len(set(read))
    # The baseline of a course that begins later is past today; nothing is told of those nights.
    assert {day for day in wanted(in_force, today) if day <= today} == set(read)


MOVES: tuple[tuple[Change, ...], ...] = ((), (in_the_morning(22),), (Pause(day(22), 1),), (Pause(day(22), 13),))


@pytest.mark.parametrize("changes", MOVES)
def test_the_dose_stays_the_same_over_a_move_to_the_morning_and_a_pause(changes: tuple[Change, ...]) -> None:
    one = case(40, changes=(stepped(15), *changes))
    spell, before = window.at_dose(one), window.previous(one)
    assert spell is not None
    assert before is not None
    assert (spell.from_on, spell.before, before.dose) == (day(15), before.dose, spell.before)
    assert spell.raised


def test_what_is_built_up_again_is_compared_with_nothing() -> None:
    one = case(40, changes=(stepped(15), Pause(day(22), 14)))
    assert window.previous(one) is None or window.previous(one).from_on >= day(36)


@pytest.mark.parametrize("changes", MOVES[:3])
def test_what_was_worse_after_a_step_goes_on_to_close_the_next(changes: tuple[Change, ...]) -> None:
    told = (*nights(range(-6, 15)), *nights(range(15, 30), lead_symptom=8))
    assert "R10" in rules(case(30, told, changes=(stepped(15), *changes)))


@pytest.mark.parametrize("changes", MOVES)
def test_months_at_one_dose_are_counted_over_them(changes: tuple[Change, ...]) -> None:
    told = (*nights(range(-6, 1), lead_symptom=8), *nights(range(80, 90), lead_symptom=4))
    assert "R12" in rules(case(90, told, changes=(stepped(15), *changes)))
