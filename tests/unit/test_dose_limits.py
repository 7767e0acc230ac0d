"""What a high dose asks for, and that nothing in between is left out."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.dose import Dose
from common.dose_limits import Asks, asks, check_high_dose, warning
from common.refusals import Refused

DOSES = st.integers(1, 20_000).map(lambda micrograms: Dose.of(Decimal(micrograms) / 1000))


@pytest.mark.parametrize(
    ("dose", "asked"),
    [
        ("0.001", Asks.NOTHING),
        ("4.5", Asks.NOTHING),
        ("4.501", Asks.REASON),
        ("6", Asks.REASON),
        ("6.001", Asks.REASON_AND_CONFIRMATION),
        ("10", Asks.REASON_AND_CONFIRMATION),
        ("10.001", Asks.REFUSED),
    ],
)
def test_at_the_edges(dose: str, asked: Asks) -> None:
    assert asks(Dose.of(dose)) is asked
    assert bool(warning(Dose.of(dose))) == (asked is not Asks.NOTHING)


@given(DOSES, st.sampled_from(["", "  ", "because"]), st.booleans())
def test_signed_only_with_what_it_asks_for(dose: Dose, reason: str, confirmed: bool) -> None:
    """Told anew in plain numbers, apart from the function that decides."""
    allowed = dose.mg <= Decimal("4.5") or (bool(reason.strip()) and (dose.mg <= 6 or (confirmed and dose.mg <= 10)))
    if allowed:
        check_high_dose(dose, reason=reason, confirmed=confirmed)
        return
    with pytest.raises(Refused) as refused:
        check_high_dose(dose, reason=reason, confirmed=confirmed)
    assert str(dose) in refused.value.sentence
