"""What a change does to a supply: against every day counted one by one, and stories worked out by hand."""

from datetime import date, timedelta
from fractions import Fraction
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.dose import Dose
from common.night import Slot
from tests.oracles import supply as oracle
from tests.strategies.bending import bends, bent_courses, recorded
from titration import protocol_files
from titration.engine import stock, timeline
from titration.engine.course import ChangeTime, Course, Hold, Pause, StayHere, Stop
from titration.engine.effect import Effect, Shift, settled_on, supply_effect
from titration.engine.formulation import Formulation
from titration.engine.planner import CannotBeMade, Night, night
from titration.engine.timeline import Timeline

MONDAY = date(2025, 1, 6)
CAPSULES = Formulation.capsules(Dose.of("1.5"))
CAPSULE = CAPSULES.units[0]
SMALL = Formulation.from_json({"capsules_mg": ["0.125", "1.5"]})


def on(days: int) -> date:
    return MONDAY + timedelta(days=days)


STD_2W = Course(protocol_files.find("STD-2W"), MONDAY)


def effect(*changes: object, as_of: date = MONDAY, units: int = 0, until_on: date | None = None) -> Effect:
    changed = STD_2W.changed(*changes)  # type: ignore[arg-type]
    fills = [stock.Fill(on(-1), CAPSULE, Fraction(units))] if units else []
    return supply_effect(
        timeline.plan(STD_2W), timeline.plan(changed), CAPSULES, as_of=as_of, until_on=until_on, fills=fills
    )


class TestStories:
    def test_a_hold_leaves_capsules_over(self) -> None:
        found = effect(Hold(on(4), 7), units=42)
        assert found.need == {CAPSULE: Fraction(-14)}
        assert (found.days_changed, found.doses_fewer, found.until_on) == (14, 0, on(35))
        assert found.shifts == (Shift(Dose.of(3), on(14), on(21)), Shift(Dose.of("4.5"), on(28), on(35)))

    def test_what_is_in_hand_lasts_longer_by_as_much(self) -> None:
        """42 make 14 nights of one and 14 of two; with 21 of one, 7 are left over on the day they would have ended."""
        found = effect(Hold(on(4), 7), units=42)
        assert (found.run_out_was, found.run_out_will) == (on(28), on(31))
        assert found.left_over == {CAPSULE: Fraction(7)}
        assert found.short_doses == 0

    def test_a_higher_dose_runs_it_out_earlier(self) -> None:
        found = supply_effect(
            timeline.plan(STD_2W.changed(Hold(on(4), 7))),
            timeline.plan(STD_2W),
            CAPSULES,
            as_of=MONDAY,
            fills=[stock.Fill(on(-1), CAPSULE, Fraction(42))],
        )
        assert found.need == {CAPSULE: Fraction(14)}
        assert (found.run_out_was, found.run_out_will, found.short_doses) == (on(31), on(28), 3)
        assert found.left_over == {}

    def test_a_pause_loses_doses(self) -> None:
        found = effect(Pause(on(2), 5))
        assert found.doses_fewer == 5

    def test_a_stop_leaves_everything_over_that_would_have_been_taken(self) -> None:
        found = effect(Stop(on(10)), units=42)
        assert found.until_on == on(28)
        assert found.need == {CAPSULE: Fraction(-32)}
        assert found.left_over == {CAPSULE: Fraction(32)}
        assert found.run_out_will is None
        assert found.shifts == (Shift(Dose.of(3), on(14), None), Shift(Dose.of("4.5"), on(28), None))

    def test_where_nothing_agrees_again_and_nothing_is_in_hand_28_days_are_compared(self) -> None:
        assert effect(StayHere(on(3))).until_on == on(28)

    def test_the_same_plan_moves_nothing(self) -> None:
        found = effect()
        assert found.moves_nothing
        assert (found.need, found.shifts, found.until_on) == ({}, (), on(1))

    def test_what_the_formulation_does_not_make_is_refused(self) -> None:
        with pytest.raises(CannotBeMade):
            effect(ChangeTime(on(1), Slot.SPLIT))


STRENGTHS = [Fraction(unit.strength.mg) for unit in SMALL.units]


def by_hand(schedule: Timeline, days: list[date]) -> dict[date, tuple[Dose, ...]]:
    """What is taken on each day, asked day by day."""
    found = {}
    for day in days:
        segment = timeline.segment_on(schedule, day)
        dose = timeline.dose_on(schedule, day)
        found[day] = night(day, dose, segment.time_of_day if segment else "").doses
    return found


@cache
def units_by_hand(doses: tuple[Dose, ...]) -> int:
    costs = [oracle.fewest(Fraction(dose.mg), STRENGTHS, halves=False) for dose in doses]
    return sum(cost[0] for cost in costs if cost)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Course, Course]:
    """A course, and the same with one or two changes more."""
    was = will = draw(bent_courses(most_changes=4))
    for _ in range(draw(st.integers(0, 2))):
        will = recorded(will, draw(bends(will)))
    return was, will


DAYS = st.integers(0, 40)


class TestAnyChange:
    @given(pairs(), DAYS, st.integers(1, 60))
    def test_the_difference_is_that_of_every_day_counted_by_itself(
        self, pair: tuple[Course, Course], since: int, length: int
    ) -> None:
        schedules = [timeline.plan(course) for course in pair]
        as_of = schedules[0][0].from_on + timedelta(days=since)
        days = [as_of + timedelta(days=number) for number in range(length)]
        was, will = (by_hand(schedule, days) for schedule in schedules)
        found = supply_effect(*schedules, SMALL, as_of=as_of, until_on=days[-1] + timedelta(days=1))
        sums = [sum(units_by_hand(doses) for doses in taken.values()) for taken in (was, will)]
        assert sum(found.need.values()) == sums[1] - sums[0]
        grams = [sum((dose.mg for doses in taken.values() for dose in doses), start=0) for taken in (was, will)]
        in_units = sum(Fraction(unit.strength.mg) * amount for unit, amount in found.need.items())
        assert in_units == Fraction(grams[1]) - Fraction(grams[0])
        assert found.days_changed == sum(1 for day in days if was[day] != will[day])
        assert found.doses_fewer == sum(1 for d in days if was[d]) - sum(1 for d in days if will[d])

    @given(pairs(), DAYS)
    def test_taking_it_back_undoes_it(self, pair: tuple[Course, Course], since: int) -> None:
        was, will = (timeline.plan(course) for course in pair)
        as_of, until_on = was[0].from_on + timedelta(days=since), was[0].from_on + timedelta(days=since + 50)
        there = supply_effect(was, will, SMALL, as_of=as_of, until_on=until_on)
        back = supply_effect(will, was, SMALL, as_of=as_of, until_on=until_on)
        assert back.need == {unit: -amount for unit, amount in there.need.items()}
        assert (back.days_changed, back.doses_fewer) == (there.days_changed, -there.doses_fewer)

    @settings(max_examples=60)
    @given(pairs(), DAYS, st.integers(1, 300))
    def test_the_dates_and_what_is_left_are_those_of_capsules_moved_one_by_one(
        self, pair: tuple[Course, Course], since: int, units: int
    ) -> None:
        """One strength so small that it makes everything: a dose is so many grains."""
        grain = Formulation.capsules(Dose.of("0.125"))
        schedules = [timeline.plan(course) for course in pair]
        as_of = schedules[0][0].from_on + timedelta(days=since)
        days = [as_of + timedelta(days=number) for number in range(400)]
        fill = stock.Fill(as_of, grain.units[0], Fraction(units))
        found = supply_effect(*schedules, grain, as_of=as_of, fills=[fill])
        counts = [
            {day: int(sum(dose.mg for dose in doses) * 8) for day, doses in by_hand(one, days).items() if doses}
            for one in schedules
        ]
        heap = [oracle.Capsule(as_of, date.max) for _ in range(units)]
        ends = [oracle.first_day_without(heap, count) for count in counts]
        assert [found.run_out_was, found.run_out_will] == ends
        if ends[0] is not None and (ends[1] is None or ends[1] > ends[0]):
            taken = sum(count for day, count in counts[1].items() if day < ends[0])
            assert sum(found.left_over.values()) == units - taken
            assert found.short_doses == 0
        else:
            assert found.left_over == {}

    @given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=20))
    def test_they_settle_on_the_day_after_they_last_differed(self, days: list[tuple[bool, bool]]) -> None:
        dose = (Dose.of(1),)
        was, will = (
            [Night(on(number), dose if day[which] else ()) for number, day in enumerate(days)] for which in (0, 1)
        )
        found = settled_on(was, will)
        if days[-1][0] != days[-1][1]:
            assert found is None
        else:
            assert found is not None
            assert all(day[0] == day[1] for number, day in enumerate(days) if on(number) >= found)
            assert found == MONDAY or days[(found - MONDAY).days - 1][0] != days[(found - MONDAY).days - 1][1]
