"""How doses are made: the quantities of the clinical facts 5.3, and the fewest units against trying every one."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.dose import HARD_CEILING, Dose
from tests.oracles import supply as oracle
from tests.strategies.courses import QUARTERS
from titration import protocol_files
from titration.engine import planner, timeline
from titration.engine.course import Course
from titration.engine.formulation import Formulation, Unit
from titration.engine.planner import CannotBeMade, Night
from titration.engine.refusals import EngineRefusal

MONDAY = date(2025, 1, 6)
CAPSULES = Formulation.capsules(Dose.of("1.5"))
SPLIT = "split"


def read(data: dict[str, Any]) -> Formulation:
    return Formulation.from_json(data)


def nights_of(code: str, nights: int, *, time_of_day: str = "bedtime") -> list[Night]:
    intended = timeline.plan(Course(protocol_files.find(code), MONDAY))
    days = [MONDAY + timedelta(days=number) for number in range(nights)]
    return [planner.night(day, timeline.dose_on(intended, day), time_of_day) for day in days]


def same_dose(dose: str, nights: int) -> list[Night]:
    return [Night(MONDAY + timedelta(days=number), (Dose.of(dose),)) for number in range(nights)]


def made(dose: str, formulation: Formulation) -> list[tuple[str, Fraction]]:
    return [(part.unit.strength.text, part.amount) for part in planner.make(Dose.of(dose), formulation.units)]


class TestOneDose:
    @pytest.mark.parametrize(
        ("data", "dose", "parts"),
        [
            ({"capsules_mg": ["1.5"]}, "4.5", [("1.5", 3)]),
            ({"capsules_mg": ["1.5", "3"]}, "4.5", [("3", 1), ("1.5", 1)]),
            ({"capsules_mg": ["1.5", "3", "4.5"]}, "4.5", [("4.5", 1)]),
            ({"capsules_mg": ["1", "2.5", "4"]}, "5", [("4", 1), ("1", 1)]),
            ({"tablets_mg": ["3"], "scored": True}, "4.5", [("3", Fraction(3, 2))]),
            ({"tablets_mg": ["3", "1.5"], "scored": True}, "4.5", [("3", 1), ("1.5", 1)]),
            ({"liquid_mg_per_ml": "5", "smallest_ml": "0.1"}, "4.5", [("5", Fraction(9, 10))]),
            ({"liquid_mg_per_ml": "1", "smallest_ml": "0.1"}, "0.7", [("1", Fraction(7, 10))]),
            ({"drops_mg": "0.5"}, "4.5", [("0.5", 9)]),
            ({"cream_mg_per_ml": "0.5", "smallest_ml": "0.5"}, "1", [("0.5", 2)]),
        ],
    )
    def test_the_fewest_units(self, data: dict[str, Any], dose: str, parts: list[tuple[str, Fraction]]) -> None:
        assert made(dose, read(data)) == parts

    @pytest.mark.parametrize(
        ("data", "dose", "sentence", "nearest"),
        [
            ({"capsules_mg": ["1.5"]}, "4", "4 mg cannot be made from 1.5 mg capsules.", ("3", "4.5")),
            ({"capsules_mg": ["1.5"]}, "0.5", "0.5 mg cannot be made from 1.5 mg capsules.", ("1.5",)),
            ({"capsules_mg": ["3", "4.5"]}, "4", "4 mg cannot be made from 4.5 mg and 3 mg capsules.", ("3", "4.5")),
            ({"capsules_mg": ["4"]}, "9", "9 mg cannot be made from 4 mg capsules.", ("8",)),
            (
                {"tablets_mg": ["3"], "scored": True},
                "4",
                "4 mg cannot be made from scored 3 mg tablets.",
                ("3", "4.5"),
            ),
            (
                {"liquid_mg_per_ml": "1"},
                "0.25",
                "0.25 mg cannot be measured from 1 mg/mL liquid in steps of 0.1 mL.",
                ("0.2", "0.3"),
            ),
        ],
    )
    def test_what_cannot_be_made(
        self, data: dict[str, Any], dose: str, sentence: str, nearest: tuple[str, ...]
    ) -> None:
        with pytest.raises(CannotBeMade) as refused:
            planner.make(Dose.of(dose), read(data).units)
        assert refused.value.sentence == sentence
        assert tuple(dose.text for dose in refused.value.nearest) == nearest

    def test_the_nearest_is_offered_in_a_sentence(self) -> None:
        with pytest.raises(CannotBeMade) as refused:
            planner.make(Dose.of(4), CAPSULES.units)
        assert refused.value.offer == "The nearest that can be made: 3 mg or 4.5 mg."

    @given(QUARTERS, st.lists(QUARTERS, min_size=1, max_size=3, unique=True), st.booleans())
    def test_as_few_as_trying_every_combination_finds(self, dose: Dose, strengths: list[Dose], halves: bool) -> None:
        formulation = read({"tablets_mg": [strength.text for strength in strengths], "scored": halves})
        best = oracle.fewest(Fraction(dose.mg), [Fraction(strength.mg) for strength in strengths], halves=halves)
        if best is None:
            with pytest.raises(CannotBeMade) as refused:
                planner.make(dose, formulation.units)
            assert all(planner.can_make(near, formulation) for near in refused.value.nearest)
            return
        parts = planner.make(dose, formulation.units)
        broken = sum(1 for part in parts if part.amount % 1)
        assert (sum(int(part.amount) for part in parts) + broken, broken) == best
        assert sum(Fraction(part.unit.strength.mg) * part.amount for part in parts) == Fraction(dose.mg)

    @given(QUARTERS, st.lists(QUARTERS, min_size=1, max_size=3, unique=True))
    def test_nothing_lies_nearer_than_what_is_offered(self, dose: Dose, strengths: list[Dose]) -> None:
        formulation = Formulation.capsules(*strengths)
        near = planner.nearest(dose, formulation.units)
        every = [Dose.of(Decimal(number) / 4) for number in range(1, int(HARD_CEILING.mg) * 4 + 1)]
        can = [other for other in every if planner.can_make(other, formulation)]
        assert near == (*[d for d in can if d < dose][-1:], *[d for d in can if d > dose][:1])

    @given(QUARTERS, st.lists(st.tuples(QUARTERS, st.integers(0, 4)), min_size=1, max_size=3, unique_by=lambda s: s[0]))
    def test_never_more_than_there_is(self, dose: Dose, stock: list[tuple[Dose, int]]) -> None:
        units = {unit: Fraction(count) for strength, count in stock for unit in Formulation.capsules(strength).units}
        possible = {Fraction(0)}
        for strength, count in stock:
            possible = {sofar + n * Fraction(strength.mg) for sofar in possible for n in range(count + 1)}
        if Fraction(dose.mg) not in possible:
            with pytest.raises(CannotBeMade):
                planner.make(dose, tuple(units), units)
            return
        parts = planner.make(dose, tuple(units), units)
        assert all(part.amount <= units[part.unit] for part in parts)
        assert sum(Fraction(part.unit.strength.mg) * part.amount for part in parts) == Fraction(dose.mg)


class TestHalves:
    """A dose taken half in the morning and half at bedtime."""

    def test_each_half_is_made(self) -> None:
        plan = planner.plan([planner.night(MONDAY, Dose.of(3), SPLIT)], CAPSULES)
        (stretch,) = plan.stretches
        assert [[part.amount for part in parts] for parts in stretch.takings] == [[1], [1]]
        assert stretch.dose == Dose.of(3)
        assert plan.units == 2

    def test_a_half_that_cannot_be_made_is_refused_though_the_whole_could_be(self) -> None:
        with pytest.raises(CannotBeMade) as refused:
            planner.plan([planner.night(MONDAY, Dose.of("4.5"), SPLIT)], CAPSULES)
        assert refused.value.sentence == (
            "4.5 mg in two halves needs 2.25 mg twice. 2.25 mg cannot be made from 1.5 mg capsules."
        )
        assert refused.value.offer == "The nearest that can be made: 3 mg or 6 mg."

    def test_two_halves_of_one_scored_tablet_are_one_tablet(self) -> None:
        plan = planner.plan([planner.night(MONDAY, Dose.of(3), SPLIT)], read({"tablets_mg": ["3"], "scored": True}))
        assert (plan.units, plan.unused) == (1, {})

    def test_a_dose_without_a_half_is_refused(self) -> None:
        with pytest.raises(EngineRefusal, match=r"^0\.125 mg cannot be taken in two equal halves\.$"):
            planner.night(MONDAY, Dose.of("0.125"), SPLIT)


class TestPlan:
    @pytest.mark.parametrize(
        ("nights", "capsules"), [(28, 42), (30, 48), (42, 84), (56, 126), (60, 138), (84, 210), (90, 228)]
    )
    def test_the_published_quantities(self, nights: int, capsules: int) -> None:
        plan = planner.plan(nights_of("STD-2W", nights), CAPSULES)
        assert plan.units == capsules
        assert plan.to_dispense == {CAPSULES.units[0]: capsules}

    def test_each_step_and_night(self) -> None:
        plan = planner.plan(nights_of("STD-2W", 42), CAPSULES)
        assert [
            (s.from_on.isoformat(), s.dose.text, s.nights, s.takings[0][0].amount, s.needed[CAPSULES.units[0]])
            for s in plan.stretches
        ] == [
            ("2025-01-06", "1.5", 14, 1, 14),
            ("2025-01-20", "3", 14, 2, 28),
            ("2025-02-03", "4.5", 14, 3, 42),
        ]

    def test_days_off_take_nothing_and_break_no_step(self) -> None:
        nights = same_dose("4.5", 12)
        with_rest = [night if number % 6 < 3 else Night(night.on, ()) for number, night in enumerate(nights)]
        (stretch,) = planner.plan(with_rest, CAPSULES).stretches
        assert (stretch.nights, stretch.needed[CAPSULES.units[0]]) == (6, 18)

    def test_a_strength_the_later_steps_have_not_is_named(self) -> None:
        with pytest.raises(CannotBeMade, match=r"^4\.5 mg cannot be made from 1 mg capsules\.$"):
            planner.plan(nights_of("ONE-1W", 30), Formulation.capsules(Dose.of(1)))

    def test_a_half_left_over_is_told(self) -> None:
        tablets = read({"tablets_mg": ["3"], "scored": True})
        plan = planner.plan(same_dose("4.5", 3), tablets)
        (unit,) = tablets.units
        assert plan.needed == {unit: Fraction(9, 2)}
        assert plan.to_dispense == {unit: 5}
        assert plan.unused == {unit: Fraction(1, 2)}

    def test_what_is_in_hand_need_not_be_dispensed(self) -> None:
        (unit,) = CAPSULES.units
        plan = planner.plan(nights_of("STD-2W", 28), CAPSULES, in_hand={unit: Fraction(50)})
        assert (plan.to_dispense, plan.unused) == ({}, {unit: 8})
        assert planner.plan(nights_of("STD-2W", 28), CAPSULES, in_hand={unit: Fraction(40)}).to_dispense == {unit: 2}

    def test_the_cost_is_known_when_every_price_is(self) -> None:
        both = Formulation.capsules(Dose.of("1.5"), Dose.of(3))
        three, one_and_a_half = both.units
        nights = nights_of("STD-2W", 42)
        known = planner.plan(nights, both, prices={three: Decimal("1.20"), one_and_a_half: Decimal("0.85")})
        assert known.cost == Decimal("1.20") * 28 + Decimal("0.85") * 28
        assert planner.plan(nights, both, prices={three: Decimal(1)}).cost is None

    def test_what_a_hold_leaves_over(self) -> None:
        held = [*same_dose("1.5", 21), *(Night(n.on + timedelta(days=21), n.doses) for n in same_dose("3", 7))]
        (unit,) = CAPSULES.units
        assert planner.change_of_need(nights_of("STD-2W", 28), held, CAPSULES) == {unit: -7}

    @given(st.integers(1, 200), st.sampled_from(["STD-1W", "STD-2W", "STD-4W", "LIQ-SHILPA"]))
    def test_what_is_planned_is_what_the_nights_add_up_to(self, count: int, code: str) -> None:
        formulation = Formulation.capsules(Dose.of("0.5"), Dose.of(3))
        nights = nights_of(code, count)
        plan = planner.plan(nights, formulation)
        mg = sum(Fraction(unit.strength.mg) * amount for unit, amount in plan.needed.items())
        assert mg == sum(Fraction(dose.mg) for night in nights for dose in night.doses)
        assert sum(stretch.nights for stretch in plan.stretches) == sum(1 for night in nights if night.doses)
        by_stretch: dict[Unit, Fraction] = {}
        for stretch in plan.stretches:
            for unit, amount in stretch.needed.items():
                by_stretch[unit] = by_stretch.get(unit, Fraction(0)) + amount
        assert by_stretch == plan.needed


class TestBottle:
    def test_a_liquid_is_dispensed_for_as_long_as_it_keeps(self) -> None:
        """1 mg/mL keeps 60 days cold: HALF-2W takes 80 mL by then, and 5 % more for the syringe."""
        liquid = read({"liquid_mg_per_ml": "1"})
        bottle = planner.bottle(nights_of("HALF-2W", 180), liquid, keeps_days=60)
        assert (bottle.needed_ml, bottle.dispense_ml, bottle.until_on) == (80, 84, MONDAY + timedelta(days=60))

    def test_capsules_are_not_poured(self) -> None:
        with pytest.raises(EngineRefusal, match="by volume"):
            planner.bottle(nights_of("STD-2W", 28), CAPSULES, keeps_days=60)
