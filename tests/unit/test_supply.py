"""How many capsules a night, and how many to dispense: the quantities of the clinical facts, 5.3."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.dose import Dose
from tests.oracles import titration as oracle
from tests.strategies.courses import courses
from titration import protocol_files
from titration.engine import supply, timeline
from titration.engine.course import Course, Hold
from titration.engine.refusals import EngineRefusal

MONDAY = date(2025, 1, 6)
CAPSULE = Dose.of("1.5")
PLAN = timeline.plan(Course(protocol_files.find("STD-2W"), MONDAY))


class TestUnits:
    @pytest.mark.parametrize(("dose", "units"), [("1.5", 1), ("3", 2), ("4.5", 3)])
    def test_whole_capsules(self, dose: str, units: int) -> None:
        assert supply.units(Dose.of(dose), CAPSULE) == units

    @pytest.mark.parametrize(("dose", "strength"), [("4", "1.5"), ("0.5", "1.5"), ("1.5", "1"), ("0", "1.5")])
    def test_what_capsules_cannot_make(self, dose: str, strength: str) -> None:
        with pytest.raises(EngineRefusal) as refused:
            supply.units(Dose.of(dose), Dose.of(strength))
        assert refused.value.sentence == f"{dose} mg cannot be made from {strength} mg capsules."


class TestToDispense:
    @pytest.mark.parametrize(
        ("nights", "capsules"), [(1, 1), (28, 42), (30, 48), (42, 84), (56, 126), (60, 138), (84, 210), (90, 228)]
    )
    def test_the_published_quantities(self, nights: int, capsules: int) -> None:
        assert supply.to_dispense(PLAN, CAPSULE, until_on=MONDAY + timedelta(days=nights)) == capsules

    def test_a_later_dose_may_be_another_prescription(self) -> None:
        plan = timeline.plan(Course(protocol_files.find("ONE-1W"), MONDAY))
        assert supply.to_dispense(plan, Dose.of("1"), until_on=MONDAY + timedelta(days=28)) == 7 * (1 + 2 + 3 + 4)
        with pytest.raises(EngineRefusal, match=r"^4\.5 mg cannot be made from 1 mg capsules\.$"):
            supply.to_dispense(plan, Dose.of("1"), until_on=MONDAY + timedelta(days=29))

    def test_nothing_after_a_trial_has_ended(self) -> None:
        plan = timeline.plan(Course(protocol_files.find("LC-BC"), MONDAY))
        needed = 7 * (2 + 4 + 6) + 91 * 9
        assert supply.to_dispense(plan, Dose.of("0.5"), until_on=MONDAY + timedelta(days=112)) == needed
        assert supply.to_dispense(plan, Dose.of("0.5"), until_on=MONDAY + timedelta(days=200)) == needed

    @given(courses(), st.integers(1, 120))
    def test_one_night_at_a_time(self, course: Course, nights: int) -> None:
        quarter = Dose.of("0.25")
        counted = sum(
            Dose.of(day.dose_mg).units_of(quarter)
            for day in oracle.intended(course, nights)
            if day.dose_mg is not None and day.state != "review"
        )
        plan = timeline.plan(course)
        until_on = plan[0].from_on + timedelta(days=nights)
        assert supply.to_dispense(plan, quarter, until_on=until_on) == counted


class TestSchedule:
    def test_the_dated_table(self) -> None:
        plan = timeline.plan(Course(protocol_files.find("STD-2W"), MONDAY, (Hold(date(2025, 1, 10), 7),)))
        rows = [
            (row.step.from_on.isoformat(), row.step.dose.text, row.step.nights, row.units_per_night, row.units)
            for row in supply.schedule(plan, CAPSULE)
        ]
        assert rows == [
            ("2025-01-06", "1.5", 21, 1, 21),
            ("2025-01-27", "3", 14, 2, 28),
            ("2025-02-10", "4.5", None, 3, None),
        ]

    def test_equal_doses_of_two_rungs_stay_two_steps(self) -> None:
        found = supply.steps(timeline.plan(Course(protocol_files.find("LC-BC"), MONDAY)))
        assert [(step.dose.text, step.nights) for step in found] == [
            ("1", 7),
            ("2", 7),
            ("3", 7),
            ("4.5", 21),
            ("4.5", 70),
        ]
