"""Doses by weight: never above the cap, never above the weight's own, and never finer than can be measured."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.dose import SOFT_CEILING, Dose
from titration.engine.by_weight import CAP, dose_by_weight
from titration.engine.refusals import EngineRefusal

WEIGHTS = st.integers(20, 4000).map(lambda tenths: Decimal(tenths) / 10)
MEASURES = st.sampled_from(["0.05", "0.1", "0.25", "0.5"]).map(Dose.of)


@pytest.mark.parametrize(
    ("kg", "dose", "words"),
    [
        ("30", "3", "0.1 mg/kg for 30 kg is 3 mg."),
        ("32.7", "3.2", "is 3.27 mg, rounded down to 3.2 mg, as multiples of 0.1 mg can be measured."),
        ("45", "4.5", "0.1 mg/kg for 45 kg is 4.5 mg."),
        ("45.1", "4.5", "is 4.51 mg, more than the cap of 4.5 mg: 4.5 mg."),
        ("90", "4.5", "is 9 mg, more than the cap of 4.5 mg: 4.5 mg."),
        ("12.49", "1.2", "is 1.249 mg, rounded down to 1.2 mg"),
    ],
)
def test_the_dose_and_how_it_came_about(kg: str, dose: str, words: str) -> None:
    found = dose_by_weight(Decimal(kg))
    assert found.dose == Dose.of(dose)
    assert words in found.words


@given(WEIGHTS, MEASURES)
def test_down_never_up_and_by_less_than_one_measure(kg: Decimal, measure: Dose) -> None:
    """The slow way: the largest multiple not above both bounds, found by counting."""
    bound = min(Fraction(kg) / 10, Fraction(9, 2))
    multiple = 0
    while (multiple + 1) * Fraction(measure.mg) <= bound:
        multiple += 1
    if not multiple:
        with pytest.raises(EngineRefusal, match="the least that can be measured"):
            dose_by_weight(kg, measurable=measure)
        return
    found = dose_by_weight(kg, measurable=measure)
    assert Fraction(found.dose.mg) == multiple * Fraction(measure.mg)
    assert found.dose <= CAP == SOFT_CEILING
    assert found.capped == (Fraction(kg) > 45)
    assert ("rounded down" in found.words) == (Fraction(found.dose.mg) < bound)


@given(WEIGHTS, WEIGHTS)
def test_who_weighs_more_never_takes_less(one: Decimal, other: Decimal) -> None:
    lighter, heavier = sorted((one, other))
    assert dose_by_weight(lighter).dose <= dose_by_weight(heavier).dose


@pytest.mark.parametrize("kg", ["0", "-3", "1.9", "401", "NaN", "Infinity"])
def test_a_weight_that_nobody_has_is_refused(kg: str) -> None:
    with pytest.raises(EngineRefusal, match="between 2 and 400 kg"):
        dose_by_weight(Decimal(kg))
