"""Unfold and plan: against the day-by-day oracle, by properties, and on the calendar of the clinical facts."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from common.dose import HARD_CEILING, Dose
from tests.oracles import titration as oracle
from tests.strategies.courses import changes, courses, protocols
from titration import protocol_files
from titration.engine import supply, timeline
from titration.engine.course import Advance, Change, Course, Hold, Stop
from titration.engine.protocol import Protocol, Then
from titration.engine.refusals import EngineRefusal
from titration.engine.timeline import Due, Reason, State

STD_2W = protocol_files.find("STD-2W")
MONDAY = date(2025, 1, 6)
HORIZON = 240


def day(text: str) -> date:
    return date.fromisoformat(text)


def spelled(days: list[oracle.Day], answer: timeline.Timeline) -> list[oracle.Day]:
    """What the timeline says of the days the oracle walked."""
    said = []
    for walked in days:
        segment = timeline.segment_on(answer, walked.on)
        assert segment is not None
        dose = segment.dose.text if segment.dose else None
        said.append(oracle.Day(walked.on, dose, segment.rung, segment.state.value))
    return said


class TestAgainstTheOracle:
    @given(courses())
    def test_what_is_in_force(self, course: Course) -> None:
        walked = oracle.in_force(course, HORIZON)
        assert spelled(walked, timeline.unfold(course)) == walked

    @given(courses(), st.none() | st.integers(-5, 90))
    def test_what_is_intended(self, course: Course, offset: int | None) -> None:
        as_of = None if offset is None else course.start_on + timedelta(days=offset)
        walked = oracle.intended(course, HORIZON, as_of)
        assert spelled(walked, timeline.plan(course, as_of)) == walked

    @given(st.data(), courses())
    def test_which_changes_may_be_recorded(self, data: st.DataObject, course: Course) -> None:
        change = data.draw(changes(course))
        try:
            timeline.unfold(course.changed(change))
        except EngineRefusal:
            accepted = False
        else:
            accepted = True
        assert accepted == oracle.may(course, change)

    @given(courses())
    def test_the_next_step(self, course: Course) -> None:
        due = timeline.next_step(course)
        standing = oracle.advances_that_stand(course)
        entered_on = standing[-1].on if standing else course.start_on
        to_rung = len(standing) + 1
        days = (entered_on + timedelta(days=number) for number in range(HORIZON))
        first = next((on for on in days if oracle.may(course, Advance(to_rung, on))), None)
        stops = [change.on for change in course.changes if isinstance(change, Stop)]
        if stops:
            assert due is None or due.on < stops[0]
        elif first is None:
            assert due is None
        else:
            assert due == Due(to_rung, course.protocol.rungs[to_rung].dose, first)


class TestProperties:
    @given(courses())
    def test_every_day_is_answered_exactly_once(self, course: Course) -> None:
        for answer in (timeline.unfold(course), timeline.plan(course)):
            assert answer[0].from_on == course.start_on
            assert answer[-1].to_on is None
            for earlier, later in pairwise(answer):
                assert earlier.to_on == later.from_on
                assert earlier.from_on < later.from_on
            assert timeline.segment_on(answer, course.start_on - timedelta(days=1)) is None

    @given(courses())
    def test_never_above_the_ceiling_nor_above_the_protocol(self, course: Course) -> None:
        doses = {segment.dose for segment in timeline.plan(course) if segment.dose is not None}
        assert all(Dose.of(0) < dose <= HARD_CEILING for dose in doses)
        assert doses <= {rung.dose for rung in course.protocol.rungs}

    @given(courses())
    def test_no_increase_without_an_advance(self, course: Course) -> None:
        advanced_on = {change.on for change in course.changes if isinstance(change, Advance)}
        for earlier, later in pairwise(timeline.unfold(course)):
            if earlier.dose and later.dose and later.dose > earlier.dose:
                assert later.from_on in advanced_on

    @given(courses())
    def test_no_increase_on_a_held_day(self, course: Course) -> None:
        held = oracle.held_days(course)
        for answer in (timeline.unfold(course), timeline.plan(course)):
            for earlier, later in pairwise(answer):
                if earlier.rung != later.rung and later.rung is not None:
                    assert later.from_on not in held

    @given(protocols(), st.dates(date(2024, 1, 1), date(2028, 12, 31)), st.data())
    def test_no_rung_is_shorter_than_its_own_days_and_holds_only_lengthen(
        self, protocol: Protocol, start_on: date, data: st.DataObject
    ) -> None:
        course = Course(protocol, start_on)
        holds = data.draw(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 15)), max_size=4))
        before = supply.steps(timeline.plan(course))
        for offset, days in holds:
            course = course.changed(Hold(start_on + timedelta(days=offset), days))
            after = supply.steps(timeline.plan(course))
            assert len(after) == len(before)
            for was, now, rung in zip(before, after, course.protocol.rungs, strict=True):
                assert now.from_on >= was.from_on
                if rung.days is None:
                    assert now.to_on is None
                else:
                    assert was.to_on is not None
                    assert now.to_on is not None
                    assert now.to_on >= was.to_on
                    assert (now.to_on - now.from_on).days >= rung.days
            before = after

    @given(courses(), st.integers(0, 120), st.integers(0, 60))
    def test_a_plan_seen_later_is_never_earlier(self, course: Course, offset: int, more: int) -> None:
        as_of = course.start_on + timedelta(days=offset)
        sooner = supply.steps(timeline.plan(course, as_of))
        later = supply.steps(timeline.plan(course, as_of + timedelta(days=more)))
        for early, late in zip(sooner, later, strict=False):
            assert late.from_on >= early.from_on

    @given(courses())
    def test_the_plan_keeps_what_is_in_force(self, course: Course) -> None:
        """Up to the next due step, the plan is what is in force."""
        due = timeline.next_step(course)
        for number in range(HORIZON):
            on = course.start_on + timedelta(days=number)
            if due is not None and on >= due.on:
                break
            assert timeline.dose_on(timeline.plan(course), on) == timeline.dose_on(timeline.unfold(course), on)

    @settings(max_examples=50)
    @given(courses(), st.integers(0, 60), st.integers(1, 15))
    @example(Course(STD_2W, MONDAY), 14, 7)
    def test_a_hold_never_raises_the_dose_of_any_day(self, course: Course, offset: int, days: int) -> None:
        """In force, whatever it voids. In the plan where it voids nothing: a step let happen later than it was due and
        then voided is intended from its due day again."""
        hold = Hold(course.start_on + timedelta(days=offset), days)
        if not oracle.may(course, hold) or course.protocol.then is not Then.OPEN:
            return
        held = course.changed(hold)
        reads = [timeline.unfold]
        if timeline.advances_in_force(held) == timeline.advances_in_force(course):
            reads.append(timeline.plan)
        for read in reads:
            without, with_hold = read(course), read(held)
            for number in range(HORIZON):
                on = course.start_on + timedelta(days=number)
                was, now = timeline.dose_on(without, on), timeline.dose_on(with_hold, on)
                assert was is not None
                assert now is not None
                assert now <= was


class TestClinicalFixtures:
    """The expanded day tables and the calendar fixtures of the clinical facts, 1.3."""

    @pytest.mark.parametrize(
        ("protocol_id", "doses"),
        [
            ("STD-1W", {1: "1.5", 8: "3", 15: "4.5", 22: "4.5", 29: "4.5", 36: "4.5", 43: "4.5", 57: "4.5"}),
            ("STD-2W", {1: "1.5", 8: "1.5", 15: "3", 22: "3", 29: "4.5", 36: "4.5", 43: "4.5", 57: "4.5"}),
            (
                "HALF-2W",
                {1: "0.5", 8: "0.5", 15: "1", 22: "1", 29: "1.5", 36: "1.5", 43: "2", 57: "2.5", 71: "3", 85: "3.5"}
                | {99: "4", 112: "4", 113: "4.5"},
            ),
            ("HALF-1W", {1: "0.5", 8: "1", 15: "1.5", 50: "4", 56: "4", 57: "4.5"}),
            ("ONE-1W", {1: "1", 8: "2", 15: "3", 22: "4", 28: "4", 29: "4.5"}),
            ("LIQ-SHILPA", {1: "1", 15: "1.5", 29: "2", 43: "2.5", 57: "3", 70: "3", 71: "3"}),
            ("LC-BC", {1: "1", 8: "2", 15: "3", 22: "4.5", 42: "4.5", 43: "4.5", 112: "4.5"}),
        ],
    )
    def test_day_tables(self, protocol_id: str, doses: dict[int, str]) -> None:
        answer = timeline.plan(Course(protocol_files.find(protocol_id), MONDAY))
        said = {number: timeline.dose_on(answer, MONDAY + timedelta(days=number - 1)) for number in doses}
        assert said == {number: Dose.of(dose) for number, dose in doses.items()}

    @pytest.mark.parametrize(
        ("protocol_id", "steps_on"),
        [
            ("STD-1W", ["2025-01-13", "2025-01-20"]),
            ("STD-2W", ["2025-01-20", "2025-02-03"]),
            ("STD-4W", ["2025-02-03", "2025-03-03"]),
        ],
    )
    def test_calendar(self, protocol_id: str, steps_on: list[str]) -> None:
        found = supply.steps(timeline.plan(Course(protocol_files.find(protocol_id), MONDAY)))
        assert [step.from_on.isoformat() for step in found[1:]] == steps_on
        assert found[-1].to_on is None

    def test_a_trial_ends_and_a_review_goes_on(self) -> None:
        ended = timeline.plan(Course(protocol_files.find("LC-BC"), MONDAY))[-1]
        assert (ended.from_on, ended.dose, ended.state) == (day("2025-04-28"), None, State.ENDED)
        review = timeline.plan(Course(protocol_files.find("LIQ-SHILPA"), MONDAY))[-1]
        assert (review.from_on, review.dose, review.state) == (day("2025-03-17"), Dose.of("3"), State.REVIEW)

    def test_a_leap_day_is_a_night_like_any_other(self) -> None:
        found = supply.steps(timeline.plan(Course(STD_2W, day("2024-02-19"))))
        assert found[1].from_on == day("2024-03-04")


class TestWalkedThrough:
    def test_nothing_confirmed_means_the_first_dose_for_ever(self) -> None:
        assert timeline.dose_on(timeline.unfold(Course(STD_2W, MONDAY)), day("2035-01-01")) == Dose.of("1.5")

    def test_a_hold_lengthens_the_step_in_force(self) -> None:
        course = Course(STD_2W, MONDAY, (Hold(day("2025-01-10"), 7),))
        assert [(s.from_on.isoformat(), s.state.value, s.reason.value) for s in timeline.plan(course)] == [
            ("2025-01-06", "taking", "started"),
            ("2025-01-10", "held", "held"),
            ("2025-01-17", "taking", "resumed"),
            ("2025-01-27", "taking", "intended"),
            ("2025-02-10", "taking", "intended"),
        ]

    def test_a_step_overdue_and_then_held_until_somebody_resumes_is_not_intended(self) -> None:
        held = Course(STD_2W, MONDAY, (Hold(day("2025-02-01"), None),))
        assert [(s.dose, s.state) for s in timeline.plan(held, day("2025-02-05"))] == [
            (Dose.of("1.5"), State.TAKING),
            (Dose.of("1.5"), State.HELD),
        ]

    def test_a_late_plan_can_be_held_after_the_day_it_was_once_meant_to_be_reviewed(self) -> None:
        late = Course(protocol_files.find("LIQ-SHILPA"), MONDAY)
        hold = Hold(day("2025-04-14"), 7)
        assert timeline.check(late, hold, today=day("2025-04-14")) == late.changed(hold)
        with pytest.raises(EngineRefusal, match="but the plan ends on 17 March 2025"):
            timeline.check(late, hold, today=MONDAY)

    def test_overlapping_holds_count_each_day_once(self) -> None:
        course = Course(STD_2W, MONDAY, (Hold(day("2025-01-10"), 7), Hold(day("2025-01-14"), 7)))
        due = timeline.next_step(course)
        assert due is not None
        assert due.on == day("2025-01-31")
        assert timeline.held_until(timeline.unfold(course), day("2025-01-12")) == day("2025-01-21")

    def test_a_hold_from_the_due_day_keeps_the_lower_dose(self) -> None:
        course = Course(STD_2W, MONDAY, (Hold(day("2025-01-20"), 7),))
        assert timeline.dose_on(timeline.plan(course), day("2025-01-26")) == Dose.of("1.5")
        assert timeline.dose_on(timeline.plan(course), day("2025-01-27")) == Dose.of("3")

    def test_a_hold_voids_an_advance_not_yet_in_force(self) -> None:
        course = Course(STD_2W, MONDAY, (Advance(1, day("2025-01-20")), Hold(day("2025-01-19"), 7)))
        assert timeline.advances_in_force(course) == ()
        assert timeline.next_step(course) == Due(1, Dose.of("3"), day("2025-01-27"))
        again = course.changed(Advance(1, day("2025-01-27")))
        assert timeline.dose_on(timeline.unfold(again), day("2025-01-27")) == Dose.of("3")

    def test_a_hold_from_the_very_day_of_an_advance_voids_it(self) -> None:
        course = Course(STD_2W, MONDAY, (Advance(1, day("2025-01-20")), Hold(day("2025-01-20"), 7)))
        assert timeline.dose_on(timeline.unfold(course), day("2025-01-20")) == Dose.of("1.5")

    def test_a_hold_after_an_advance_keeps_the_higher_dose(self) -> None:
        course = Course(STD_2W, MONDAY, (Advance(1, day("2025-01-20")), Hold(day("2025-01-21"), 7)))
        assert timeline.dose_on(timeline.unfold(course), day("2025-01-25")) == Dose.of("3")

    def test_an_unconfirmed_step_slides(self) -> None:
        found = supply.steps(timeline.plan(Course(STD_2W, MONDAY), as_of=day("2025-01-25")))
        assert [step.from_on.isoformat() for step in found] == ["2025-01-06", "2025-01-25", "2025-02-08"]

    def test_a_stop_ends_every_dose(self) -> None:
        course = Course(STD_2W, MONDAY, (Advance(1, day("2025-01-20")), Stop(day("2025-01-22"))))
        last = timeline.unfold(course)[-1]
        assert (last.from_on, last.dose, last.rung, last.state, last.reason) == (
            day("2025-01-22"),
            None,
            None,
            State.ENDED,
            Reason.STOPPED,
        )
        assert timeline.next_step(course) is None

    def test_a_stop_before_the_first_dose(self) -> None:
        answer = timeline.unfold(Course(STD_2W, MONDAY, (Stop(day("2025-01-01")),)))
        assert [(segment.from_on, segment.dose) for segment in answer] == [(MONDAY, None)]

    @pytest.mark.parametrize(
        ("changes_made", "sentence"),
        [
            (
                [Advance(1, day("2025-01-19"))],
                "The step to 3 mg is due on 20 January 2025 and cannot take force on 19 January 2025.",
            ),
            ([Advance(2, day("2025-02-03"))], "Steps are taken one at a time."),
            (
                [Advance(1, day("2025-01-20")), Advance(2, day("2025-02-03")), Advance(3, day("2025-03-03"))],
                "There is no higher step to go to.",
            ),
            (
                [Hold(day("2025-01-22"), 7), Advance(1, day("2025-01-24"))],
                "The dose is held until 29 January 2025.",
            ),
            ([Hold(day("2025-01-05"), 3)], "A hold cannot begin before the course does."),
            ([Stop(day("2025-01-08")), Hold(day("2025-01-07"), 3)], "The course was stopped on 8 January 2025."),
        ],
    )
    def test_what_cannot_be_is_refused_in_a_sentence(self, changes_made: list[Change], sentence: str) -> None:
        with pytest.raises(EngineRefusal) as refused:
            timeline.unfold(Course(STD_2W, MONDAY, tuple(changes_made)))
        assert refused.value.sentence == sentence

    @pytest.mark.parametrize("days", [0, -1, 3651])
    def test_a_hold_of_no_days_cannot_be(self, days: int) -> None:
        with pytest.raises(EngineRefusal):
            Hold(MONDAY, days)

    def test_a_course_of_another_age_cannot_be(self) -> None:
        with pytest.raises(EngineRefusal):
            Course(STD_2W, date(9999, 12, 1))

    @pytest.mark.parametrize(
        ("protocol_id", "from_on", "inside"),
        [
            ("STD-2W", "2025-01-05", False),
            ("STD-2W", "2025-01-06", True),
            ("STD-2W", "2035-01-06", True),
            ("LC-BC", "2025-04-27", True),
            ("LC-BC", "2025-04-28", False),
            ("LIQ-SHILPA", "2025-03-17", False),
        ],
    )
    def test_a_hold_begins_inside_the_plan(self, protocol_id: str, from_on: str, inside: bool) -> None:
        course = Course(protocol_files.find(protocol_id), MONDAY)
        if inside:
            timeline.check_hold(course, Hold(day(from_on), 7))
        else:
            with pytest.raises(EngineRefusal):
                timeline.check_hold(course, Hold(day(from_on), 7))
