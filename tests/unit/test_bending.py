"""Courses that bend: against the calendar that is painted day by day, and by what no sequence of changes may do."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from common.dose import HARD_CEILING, Dose
from tests.oracles import bending as oracle
from tests.strategies.bending import bends, bent_courses, recorded
from titration.engine import record, timeline
from titration.engine.course import Advance, ChangeProtocol, Course, GoTo, Restart, Supersede
from titration.engine.refusals import EngineRefusal
from titration.engine.timeline import State

HORIZON = 160
PARTS = 20


def agrees(course: Course) -> None:
    until = course.start_on + timedelta(days=HORIZON + 1)
    slots = timeline.days(timeline.unfold(course), course.start_on, until)
    said = [(day.on, day.dose.mg if day.dose else None, day.state.value, day.time_of_day.value) for day in slots]
    walked = [(box.on, box.dose_mg, box.state, box.slot) for box in oracle.boxes(course, HORIZON)]
    ended = next((place for place, box in enumerate(walked) if box[2] == "ended"), len(walked))
    # What time of the day an ended course would have is no question.
    assert [row[:3] for row in said] == [row[:3] for row in walked]
    assert said[:ended] == walked[:ended]


class TestAgainstTheOracle:
    @given(bent_courses())
    def test_every_day_is_as_painted(self, course: Course) -> None:
        agrees(course)

    @pytest.mark.long
    @pytest.mark.parametrize("part", range(PARTS))
    def test_every_day_of_ten_thousand_longer_courses_is_as_painted(self, part: int) -> None:
        """In parts, each with a seed of its own, so that no test runs for minutes."""

        @seed(part)
        @settings(max_examples=10_000 // PARTS, suppress_health_check=[HealthCheck.too_slow])
        @given(bent_courses(most_changes=14))
        def every_day_is_as_painted(course: Course) -> None:
            agrees(course)

        every_day_is_as_painted()


class TestPromises:
    @given(bent_courses())
    def test_every_day_has_just_one_answer(self, course: Course) -> None:
        later = course.start_on + timedelta(days=HORIZON // 2)
        for answer in (timeline.unfold(course), timeline.plan(course), timeline.plan(course, later)):
            assert answer[0].from_on == course.start_on
            assert answer[-1].to_on is None
            for earlier, later in pairwise(answer):
                assert earlier.to_on == later.from_on
                assert earlier.from_on < later.from_on
            days = list(timeline.days(answer, course.start_on, course.start_on + timedelta(days=HORIZON)))
            assert [day.on for day in days] == [course.start_on + timedelta(days=n) for n in range(HORIZON)]

    @given(bent_courses())
    def test_never_above_the_ceiling(self, course: Course) -> None:
        for answer in (timeline.unfold(course), timeline.plan(course)):
            assert all(segment.dose is None or Dose.of(0) < segment.dose <= HARD_CEILING for segment in answer)

    @given(bent_courses())
    def test_no_increase_is_unsigned(self, course: Course) -> None:
        signed = {
            change.on
            for change in record.effective(course)
            if isinstance(change, (Advance, GoTo, Restart, ChangeProtocol))
        }
        last = None
        for day in timeline.days(timeline.unfold(course), course.start_on, course.start_on + timedelta(days=HORIZON)):
            # A raise that is signed for a planned day off is first taken on the day after.
            if day.dose is not None:
                if last is not None and day.dose > last.dose:
                    assert any(last.on < on <= day.on for on in signed)
                last = day

    @given(bent_courses(), st.data())
    def test_what_is_taken_back_is_as_if_it_had_not_been(self, course: Course, data: st.DataObject) -> None:
        if not course.changes:
            return
        index = data.draw(st.integers(0, len(course.changes) - 1))
        try:
            back = timeline.unfold(course.changed(Supersede(index)))
        except EngineRefusal:
            return
        others = tuple(change for change in record.effective(course) if change is not course.changes[index])
        start = Course(course.protocol, course.start_on, first_dose=course.first_dose, time_of_day=course.time_of_day)
        assert back == timeline.unfold(start.changed(*others))

    @given(bent_courses(), st.data())
    def test_a_change_leaves_the_past_alone_unless_it_corrects(self, course: Course, data: st.DataObject) -> None:
        today = course.start_on + timedelta(days=data.draw(st.integers(0, 90)))
        change = data.draw(bends(course))
        try:
            changed = timeline.check(course, change, today=today)
        except EngineRefusal:
            return
        assert changed.changes[:-1] == course.changes
        past = (course.start_on, today)
        assert list(timeline.days(timeline.unfold(changed), *past)) == list(
            timeline.days(timeline.unfold(course), *past)
        )

    @given(bent_courses())
    def test_the_plan_keeps_what_is_in_force_until_the_next_step(self, course: Course) -> None:
        due = timeline.next_step(course)
        end = course.start_on + timedelta(days=HORIZON) if due is None else due.on
        in_force = list(timeline.days(timeline.unfold(course), course.start_on, end))
        assert list(timeline.days(timeline.plan(course), course.start_on, end)) == in_force

    @given(bent_courses())
    def test_a_planned_dose_stays_within_the_target_or_what_was_signed(self, course: Course) -> None:
        target = Dose.of("3")
        aimed = Course(course.protocol, course.start_on, target=target)
        for change in course.changes:
            aimed = recorded(aimed, change)
        signed = [change.dose for change in aimed.changes if isinstance(change, (GoTo, Restart)) and change.dose]
        rungs = [
            change.protocol.rungs[change.to_rung or 0].dose
            for change in aimed.changes
            if isinstance(change, ChangeProtocol)
        ]
        most = max([target, aimed.protocol.rungs[0].dose, *signed, *rungs])
        unplanned = [s for s in timeline.unfold(aimed) if s.dose is not None and s.dose > most]
        planned = [s for s in timeline.plan(aimed) if s.dose is not None and s.dose > most]
        assert [s.dose for s in planned] == [s.dose for s in unplanned]

    @given(bent_courses())
    def test_a_paused_or_ended_day_has_no_dose(self, course: Course) -> None:
        for segment in timeline.unfold(course):
            none = segment.state in (State.PAUSED, State.ENDED, State.OFF, State.AWAITING)
            assert (segment.dose is None) == none
