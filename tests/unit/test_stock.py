"""How a supply runs down: against capsules moved one by one, and stories with the dates worked out by hand."""

from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from common.dose import Dose
from tests.oracles import supply as oracle
from titration import protocol_files
from titration.engine import planner, stock, timeline
from titration.engine.course import Course, Hold
from titration.engine.formulation import Form, Unit
from titration.engine.planner import Night
from titration.engine.stock import Fill

MONDAY = date(2025, 1, 6)
DAY_BEFORE = date(2025, 1, 5)
CAPSULE = Unit(Form.CAPSULES, Dose.of("1.5"))


def on(days: int) -> date:
    return MONDAY + timedelta(days=days)


def std_2w(*changes: Hold, days: int = 200) -> list[Night]:
    intended = timeline.plan(Course(protocol_files.find("STD-2W"), MONDAY, changes))
    return [planner.night(on(number), timeline.dose_on(intended, on(number))) for number in range(days)]


def filled(units: int, *, fill_on: date = DAY_BEFORE, beyond_use_on: date | None = None, lot: str = "") -> Fill:
    return Fill(fill_on, CAPSULE, Fraction(units), lot, beyond_use_on)


class TestStories:
    def test_42_capsules_last_the_first_two_steps(self) -> None:
        standing = stock.standing([filled(42)], std_2w(), MONDAY)
        assert (standing.units_left, standing.run_out_on, standing.short_by_next_step) == (42, date(2025, 2, 3), False)

    def test_the_run_out_date_counts_the_next_step(self) -> None:
        """21 capsules: 14 nights of one, then 3 of two; one capsule is left, and half a dose is none."""
        standing = stock.standing([filled(21)], std_2w(), MONDAY)
        assert standing.run_out_on == on(17)
        assert not standing.short_by_next_step

    def test_short_by_the_next_step(self) -> None:
        assert stock.standing([filled(15)], std_2w(), on(5)).short_by_next_step
        assert not stock.standing([filled(16)], std_2w(), on(5)).short_by_next_step

    def test_the_top_of_the_plan_has_no_next_step(self) -> None:
        standing = stock.standing([filled(45, fill_on=on(60))], std_2w(), on(60))
        assert (standing.run_out_on, standing.short_by_next_step) == (on(75), False)

    def test_a_hold_makes_it_last_longer(self) -> None:
        """Seven more nights of one capsule instead of two or three."""
        held = stock.standing([filled(42)], std_2w(Hold(date(2025, 1, 10), 7)), MONDAY)
        assert held.run_out_on == on(31)
        assert held.units_left == 42

    def test_what_was_taken_before_is_gone(self) -> None:
        standing = stock.standing([filled(42)], std_2w(), on(16))
        assert (standing.units_left, standing.run_out_on) == (24, on(28))

    def test_a_skipped_night_leaves_its_capsules(self) -> None:
        """26 are left, and twelve more nights of two leave two: less than the first dose of three."""
        standing = stock.standing([filled(42)], std_2w(), on(16), told={on(15): ()})
        assert (standing.units_left, standing.run_out_on) == (26, on(28))

    def test_tonight_counts_once_it_was_told(self) -> None:
        told = {on(16): (Dose.of(3),)}
        standing = stock.standing([filled(42)], std_2w(), on(16), told=told)
        assert (standing.units_left, standing.run_out_on) == (22, on(28))

    def test_days_before_the_first_fill_took_of_something_else(self) -> None:
        standing = stock.standing([filled(10, fill_on=on(5))], std_2w(), on(10))
        assert (standing.units_left, standing.unexplained) == (5, 0)

    def test_nights_that_nothing_recorded_could_have_made_are_counted(self) -> None:
        standing = stock.standing([filled(3)], std_2w(), on(10))
        assert (standing.units_left, standing.unexplained, standing.run_out_on) == (0, 7, on(10))

    def test_a_fill_of_tomorrow_is_not_known_today(self) -> None:
        fills = [filled(10), filled(100, fill_on=on(6))]
        assert stock.standing(fills, std_2w(), on(5)).units_left == 5
        assert stock.standing(fills, std_2w(), on(6)).units_left == 104

    def test_what_expires_first_goes_first_whichever_came_first(self) -> None:
        fills = [
            filled(10, lot="late", beyond_use_on=on(200)),
            filled(10, fill_on=on(1), lot="early", beyond_use_on=on(30)),
        ]
        standing = stock.standing(fills, std_2w(), on(3))
        assert (standing.units_left, standing.lot, standing.next_beyond_use_on) == (17, "early", on(30))

    def test_beyond_its_date_nothing_is_left_to_take(self) -> None:
        fills = [filled(42, beyond_use_on=on(9))]
        assert stock.standing(fills, std_2w(), on(9)).units_left == 33
        over = stock.standing(fills, std_2w(), on(10))
        assert (over.units_left, over.run_out_on, over.beyond_use) == (0, on(10), {CAPSULE: 32})

    def test_it_lasts_to_the_end_of_a_plan_that_ends(self) -> None:
        nights = [*std_2w(days=28), *(Night(on(number), ()) for number in range(28, 200))]
        standing = stock.standing([filled(42)], nights, MONDAY)
        assert (standing.run_out_on, standing.refill_due_on) == (None, None)

    def test_two_strengths_make_the_dose_together(self) -> None:
        three = Unit(Form.CAPSULES, Dose.of(3))
        fills = [filled(28), Fill(on(-1), three, Fraction(28))]
        standing = stock.standing(fills, std_2w(), MONDAY)
        assert standing.run_out_on == on(42)
        assert standing.left == {CAPSULE: 28, three: 28}


class TestRefill:
    """R28: units left for less than 7 days of the current and of the next step, or beyond use within 7 days."""

    def test_due_when_less_than_a_week_of_the_next_step_is_left(self) -> None:
        """The next step takes 3 a night: 21 are needed, and on 25 January only 20 are left."""
        assert stock.standing([filled(42)], std_2w(), MONDAY).refill_due_on == on(18)
        assert stock.standing([filled(42)], std_2w(), on(18)).units_left == 20

    def test_due_at_the_top_when_less_than_a_week_is_left(self) -> None:
        standing = stock.standing([filled(45, fill_on=on(60))], std_2w(), on(60))
        assert standing.refill_due_on == on(69)

    def test_due_a_week_before_the_beyond_use_date(self) -> None:
        standing = stock.standing([filled(300, beyond_use_on=on(50))], std_2w(), MONDAY)
        assert standing.refill_due_on == on(43)

    def test_a_newer_fill_settles_it(self) -> None:
        fills = [filled(300, beyond_use_on=on(20)), filled(300, fill_on=MONDAY, beyond_use_on=on(190))]
        due = stock.standing(fills, std_2w(), on(15)).refill_due_on
        assert due is not None
        assert due > on(90)

    def test_overdue_is_due_today(self) -> None:
        assert stock.standing([filled(20)], std_2w(), on(10)).refill_due_on == on(10)

    def test_none_is_due_where_the_plan_ends_before(self) -> None:
        nights = [*std_2w(days=10), Night(on(10), ())]
        assert stock.standing([filled(10)], nights, on(5)).refill_due_on is None


FILLS = st.lists(st.tuples(st.integers(-3, 30), st.integers(0, 40), st.integers(0, 60)), max_size=4)
NIGHTS = st.lists(st.integers(0, 3), min_size=5, max_size=60)


class TestAgainstCapsulesOnATable:
    @given(FILLS, NIGHTS, st.integers(0, 40), st.dictionaries(st.integers(0, 40), st.integers(0, 3), max_size=6))
    def test_what_is_left_and_when_it_ends(
        self, drawn: list[tuple[int, int, int]], a_night: list[int], as_of: int, told: dict[int, int]
    ) -> None:
        fills = [filled(units, fill_on=on(day), beyond_use_on=on(day + keeps)) for day, units, keeps in drawn]
        nights = [Night(on(day), doses(count)) for day, count in enumerate(a_night)]
        told = {day: count for day, count in told.items() if day <= as_of}
        found = stock.standing(fills, nights, on(as_of), told={on(day): doses(count) for day, count in told.items()})

        pieces = [oracle.Capsule(on(d), on(d + keeps)) for d, units, keeps in drawn for _ in range(units)]
        first = min((d for d, _, _ in drawn if d <= as_of), default=10**6)
        past = {on(day): count for day, count in enumerate(a_night) if first <= day < as_of}
        past |= {on(day): count for day, count in told.items() if first <= day}
        coming = {on(day): count for day, count in enumerate(a_night) if day >= as_of and day not in told and count}
        left = oracle.capsules_left(pieces, past, on(as_of))
        assert found.units_left == sum(1 for piece in left if piece.last_on >= on(as_of))
        assert found.run_out_on == oracle.first_day_without(left, coming)

    @given(st.integers(1, 300), st.integers(0, 60))
    def test_a_refill_is_asked_for_before_it_runs_out(self, units: int, as_of: int) -> None:
        standing = stock.standing([filled(units)], std_2w(), on(as_of))
        if standing.run_out_on:
            assert standing.refill_due_on is not None
            assert on(as_of) <= standing.refill_due_on <= standing.run_out_on


def doses(count: int) -> tuple[Dose, ...]:
    return (Dose.of(CAPSULE.strength.mg * count),) if count else ()
