"""Runs of nights without a dose are those that somebody finds who walks from night to night."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.dose import Dose
from tests.unit.cases import case, day, good
from titration.engine.advice import gaps, window
from titration.engine.advice.case import Case
from titration.engine.course import Change, GoTo, OnOff, Pause
from titration.engine.timeline import State

LAST = 60
Run = tuple[object, ...]


def walked(one: Case) -> list[Run]:
    """Since when, until when, left out, in a row, not told of, paused and ongoing: night by night."""
    told = {night.night: night.taken for night in one.nights}
    decided, found = set(gaps.decided_on(one)), []
    run: list[tuple[object, str]] = []
    off: list[tuple[object, str]] = []

    def end(ongoing: bool) -> None:
        kinds = [kind for _, kind in run if kind != "off"]
        left_out, untold = kinds.count("left out"), kinds.count("untold")
        rows = "".join("x" if kind == "left out" else " " for kind in kinds).split()
        if "paused" in kinds or left_out > 1 or (run and not untold):
            since = run[0][0]
            found.append((since, to_on, left_out, max(map(len, rows), default=0), untold, "paused" in kinds, ongoing))
        run.clear()

    today = one.first_dose_on
    to_on = today
    while today < window.nights_over(one):
        segment = next(one_of for one_of in one.in_force if one_of.covers(today))
        taken = told.get(today)
        if taken:
            kind = "taken"
        elif segment.dose_on(today) is None:
            kind = "paused" if segment.state is State.PAUSED else "off"
        else:
            kind = "untold" if taken is None else "left out"
        told_of = [kind for _, kind in run if kind != "off"]
        silent = len(told_of) - len("".join(kind[0] for kind in told_of).rstrip("u"))
        alone = told_of.count("left out") < 2 and "paused" not in told_of
        forgotten = alone and silent >= window.WINDOW
        built_up_again = today in decided and run and (to_on - run[0][0]).days >= one.retitrate_from_days
        if run and (kind == "taken" or forgotten or built_up_again):
            end(ongoing=False)
        if not run and kind in ("left out", "paused"):
            run += off
        if run or kind in ("left out", "paused"):
            run.append((today, kind))
        off = [*off, (today, kind)] if kind == "off" else []
        today += timedelta(days=1)
        to_on = today
    if run:
        end(ongoing=True)
    return found


@st.composite
def lives(draw: st.DrawFn) -> Case:
    changes: list[Change] = []
    on = draw(st.integers(2, 12))
    for _ in range(draw(st.integers(0, 3))):
        pause, pattern = Pause(day(on), draw(st.integers(1, 13))), OnOff(day(on), draw(st.integers(1, 9)), 2)
        changes.append(draw(st.sampled_from([pause, pattern, GoTo(day(on), Dose.of(f"0.{on:02}"))])))
        on += draw(st.integers(17, 25))
    told = draw(st.dictionaries(st.integers(1, LAST), st.sampled_from([True, False, False, None])))
    return case(LAST, [good(number, taken=taken) for number, taken in told.items()], changes=tuple(changes))


@settings(max_examples=300)
@given(lives())
def test_they_are_those_that_a_walk_from_night_to_night_finds(one: Case) -> None:
    assert [
        (gap.since, gap.to_on, gap.left_out, gap.in_a_row, gap.untold, gap.paused, gap.ongoing)
        for gap in gaps.gaps(one)
    ] == walked(one)


@pytest.mark.parametrize("changes", [(), (OnOff(day(3), 5, 2),)])
def test_what_they_cost_follows_what_was_told_and_not_the_calendar(changes: tuple[Change, ...]) -> None:
    looked = case(100_000, [good(1), good(2, taken=False), good(3, taken=False)], changes=changes)
    (gap,) = gaps.gaps(looked)
    assert (gap.since, gap.to_on) == (day(2), day(100_000))
    assert len(list(gaps._stretches(looked))) < 10
