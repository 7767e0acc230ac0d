"""Laboratory tests: their codes and units, what is turned into what, what is due when, and the drawing of values."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from charts import drawing, series
from charts import labs as lab_charts
from charts.labs import Value
from common.refusals import Refused
from patients import labs

SIGNED = date(2026, 3, 2)
FIRST = date(2026, 3, 9)
THYROID = {"tsh": [SIGNED], "ft4": [SIGNED]}
BASELINE = {"alt": [SIGNED], "ast": [SIGNED], "bilirubin": [SIGNED], "egfr": [SIGNED]}


class TestTheList:
    def test_it_holds_what_the_clinic_asked_for_with_the_codes_that_are_known(self) -> None:
        codes = {code: test.loinc for code, test in labs.tests().items()}
        assert codes == {
            "crp": "1988-5",
            "esr": "",
            "il6": "",
            "il12": "",
            "tnf": "",
            "tsh": "3016-3",
            "ft4": "3024-7",
            "tpo": "8099-4",
            "alt": "1742-6",
            "ast": "1920-8",
            "bilirubin": "1975-2",
            "creatinine": "2160-0",
            "egfr": "98979-8",
            "calprotectin": "38445-3",
            "platelets": "",
        }

    @pytest.mark.parametrize("code", labs.tests())
    def test_every_unit_is_there_once_and_the_first_of_a_group_is_its_measure(self, code: str) -> None:
        units = labs.tests()[code].units
        assert len({unit.ucum for unit in units}) == len(units)
        firsts = {unit.group: unit.times for unit in reversed(units)}
        assert set(firsts.values()) == {Decimal(1)}

    @pytest.mark.parametrize("code", labs.tests())
    def test_factors_are_powers_of_ten_and_nothing_invented(self, code: str) -> None:
        for unit in labs.tests()[code].units:
            assert unit.times == Decimal(10) ** unit.times.adjusted()

    def test_turning_there_and_back_changes_nothing(self) -> None:
        for test in labs.tests().values():
            for one in test.units:
                for other in test.units:
                    there = labs.converted(test, Decimal("7.5"), ucum=one.ucum, to=other.ucum)
                    if there is not None:
                        assert labs.converted(test, there, ucum=other.ucum, to=one.ucum) == Decimal("7.5")

    def test_what_would_need_a_molar_mass_is_not_turned(self) -> None:
        creatinine = labs.find("creatinine")
        assert labs.converted(creatinine, Decimal(1), ucum="mg/dL", to="umol/L") is None
        assert labs.converted(labs.find("crp"), Decimal(1), ucum="mg/dL", to="mg/L") == 10

    def test_an_unknown_unit_and_an_unknown_test_are_refused(self) -> None:
        with pytest.raises(Refused, match="CRP is put on record in mg/L or mg/dL"):
            labs.find("crp").unit("nmol/L")
        with pytest.raises(Refused, match="no such test"):
            labs.find("hcg")


def due_on(
    today: date,
    taken: dict[str, list[date]] | None = None,
    *,
    conditions: tuple[str, ...] = (),
    thyroxine: bool = False,
    titrating: bool = True,
    first_dose_on: date | None = FIRST,
) -> dict[str, tuple[str, ...]]:
    found = labs.due(
        taken or {},
        cared_since=SIGNED,
        first_dose_on=first_dose_on,
        conditions=conditions,
        on_thyroxine=thyroxine,
        titrating=titrating,
        today=today,
    )
    return {one.why: one.codes for one in found}


class TestWhatIsDue:
    def test_a_baseline_before_the_first_dose(self) -> None:
        assert due_on(SIGNED) == {"Baseline": ("alt", "ast", "bilirubin", "creatinine")}
        assert due_on(SIGNED, BASELINE) == {}
        assert due_on(SIGNED, {**BASELINE, "alt": []}) == {"Baseline": ("alt",)}

    @pytest.mark.parametrize(("days", "counts"), [(92, True), (93, False)])
    def test_a_value_of_the_last_three_months_is_a_baseline(self, days: int, counts: bool) -> None:
        taken = {code: [SIGNED - timedelta(days=days)] for code in BASELINE}
        assert (due_on(SIGNED, taken) == {}) is counts

    def test_the_safety_set_at_week_12_and_not_a_day_before(self) -> None:
        week_12 = FIRST + timedelta(weeks=12)
        assert due_on(week_12 - timedelta(days=1), BASELINE) == {}
        assert due_on(week_12, BASELINE) == {"Week 12": ("alt", "bilirubin", "creatinine", "platelets")}
        taken = {**BASELINE, "platelets": []}
        again = {code: [*dates, week_12 - timedelta(weeks=2)] for code, dates in taken.items()}
        assert due_on(week_12, again) == {}
        assert due_on(week_12, BASELINE, first_dose_on=None) == {}

    def test_the_liver_again_half_a_year_after_its_newest_value_and_not_a_day_before(self) -> None:
        week_12 = FIRST + timedelta(weeks=12)
        taken = {code: [SIGNED, week_12] for code in (*BASELINE, "platelets")}
        again, why = week_12 + timedelta(days=182), "Liver, every 3 to 6 months"
        assert due_on(again - timedelta(days=1), taken) == {}
        assert due_on(again, taken) == {why: ("alt", "ast", "bilirubin")}
        assert due_on(again, {**taken, "alt": [SIGNED, again]}) == {why: ("ast", "bilirubin")}

    def test_what_week_12_asks_for_is_not_asked_for_twice(self) -> None:
        late = SIGNED + timedelta(days=200)
        found = due_on(late, BASELINE)
        assert found["Week 12"] == ("alt", "bilirubin", "creatinine", "platelets")
        assert found["Liver, every 3 to 6 months"] == ("ast",)

    def test_hashimoto_and_thyroxine_ask_for_the_thyroid_before_and_others_do_not(self) -> None:
        assert due_on(SIGNED, BASELINE, conditions=("hashimoto",)) == {"Baseline, thyroid": ("tsh", "ft4")}
        assert due_on(SIGNED, BASELINE, conditions=("crohn",), thyroxine=True) == {"Baseline, thyroid": ("tsh", "ft4")}
        assert due_on(SIGNED, BASELINE, conditions=("crohn",)) == {}

    def test_who_takes_thyroxine_without_hashimoto_is_tested_in_the_same_rhythm(self) -> None:
        six = FIRST + timedelta(weeks=6)
        found = due_on(six, {**BASELINE, **THYROID}, conditions=("crohn",), thyroxine=True)
        assert found == {"Thyroid, 6 to 8 weeks": ("tsh", "ft4")}

    def test_on_thyroxine_again_from_six_weeks_then_every_two_months_while_it_climbs(self) -> None:
        known = {"conditions": ("hashimoto",), "thyroxine": True}
        taken = {**BASELINE, **THYROID}
        six = FIRST + timedelta(weeks=6)
        assert due_on(six - timedelta(days=1), taken, **known) == {}
        assert due_on(six, taken, **known) == {"Thyroid, 6 to 8 weeks": ("tsh", "ft4")}
        half = {**taken, "tsh": [SIGNED, six]}
        assert due_on(six, half, **known) == {"Thyroid, 6 to 8 weeks": ("ft4",)}
        both = {**half, "ft4": [SIGNED, six]}
        later = six + timedelta(days=61)
        again = "Thyroid, every 2 to 3 months while the dose climbs"
        assert again not in due_on(later - timedelta(days=1), both, **known)
        assert due_on(later, both, **known)[again] == ("tsh", "ft4")
        assert again not in due_on(later, both, titrating=False, **known)
        assert due_on(six, taken, conditions=("hashimoto",)) == {}

    def test_a_value_of_tomorrow_is_none(self) -> None:
        taken = {code: [SIGNED + timedelta(days=1)] for code in BASELINE}
        assert "Baseline" in due_on(SIGNED, taken)


class TestTheDrawing:
    def test_it_names_the_newest_value_and_rules_the_ends_of_the_range(self) -> None:
        alt = lab_charts.Course(
            "ALT", "U/L", (Value(SIGNED, 20.0), Value(SIGNED + timedelta(days=60), 55.0)), 15.0, 40.0
        )
        bands = [series.DoseBand(FIRST, None, Decimal("1.5"))]
        chart = lab_charts.describe([alt], bands, today=SIGNED + timedelta(days=70), title="Values")
        assert chart.said.startswith("Newest values: ALT 55 U/L on 1 May 2026.")
        assert [tick.label for tick in chart.panels[1].ticks] == ["0", "15", "40"]
        high, beyond = chart.panels[1].scale.y(40.0), chart.panels[1].marks[1].y  # type: ignore[union-attr]
        assert beyond < high, "above the upper end"
        assert chart.panels[0].stairs[0].label == "1.5 mg"
        assert drawing.svg(chart).startswith("<svg")

    def test_one_value_without_a_range_and_without_a_dose_is_drawn(self) -> None:
        crp = lab_charts.Course("CRP", "mg/L", (Value(SIGNED, 0.0),))
        assert "CRP" in drawing.svg(lab_charts.describe([crp], [], today=SIGNED, title="Values"))

    def test_an_end_is_a_mark_that_points_to_where_the_value_lies(self) -> None:
        values = (Value(SIGNED, 5.0, "<"), Value(SIGNED + timedelta(days=9), 2000.0, ">"))
        chart = lab_charts.describe([lab_charts.Course("ALT", "U/L", values)], [], today=SIGNED, title="Values")
        less, more = chart.panels[1].marks  # type: ignore[union-attr]
        assert (less.kind, more.kind) == ("or-less", "or-more")
        assert less.said.endswith(": <5")
        assert "ALT >2000 U/L" in chart.said
        assert "A triangle is no value but an end" in chart.said
        assert "&lt;5" in drawing.svg(chart)
