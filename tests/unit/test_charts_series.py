"""Nights laid on their dates: every date once, a missing night stays missing, and the sentence claims no more."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charts import series

FIRST = date(2025, 1, 6)


def night(day: int, **answers: object) -> series.Night:
    return series.Night(FIRST + timedelta(days=day), **answers)  # type: ignore[arg-type]


def band(start: int, end: int | None, mg: str | None, **more: object) -> series.DoseBand:
    until = None if end is None else FIRST + timedelta(days=end)
    dose = None if mg is None else Decimal(mg)
    return series.DoseBand(FIRST + timedelta(days=start), until, dose, **more)  # type: ignore[arg-type]


def laid(nights: list[series.Night], bands: list[series.DoseBand], days: int, **more: object) -> series.Aligned:
    return series.align(nights, bands, FIRST, FIRST + timedelta(days=days - 1), **more)  # type: ignore[arg-type]


@given(st.sets(st.integers(-20, 120)), st.integers(1, 100))
def test_every_date_has_one_slot_and_what_was_not_logged_is_none(logged: set[int], days: int) -> None:
    aligned = laid([night(day, pain=day % 11) for day in logged], [], days)

    assert len(aligned.nights) == days
    for slot, held in enumerate(aligned.nights):
        assert (held is not None) == (slot in logged)
        if held is not None:
            assert held.night == aligned.night_at(slot)
            assert aligned.slot_of(held.night) == slot


def test_two_logs_of_one_night_are_a_defect() -> None:
    with pytest.raises(ValueError, match="at most one"):
        laid([night(3), night(3)], [], 7)


def test_a_chart_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="on or after"):
        series.align([], [], FIRST, FIRST - timedelta(days=1))


def test_a_hold_is_no_change_and_a_dose_after_a_pause_is_one() -> None:
    bands = [
        band(-10, 7, "1.5"),
        band(7, 14, "1.5", state="held"),
        band(14, 20, None, state="paused"),
        band(20, None, "1.5"),
    ]

    changes = laid([], bands, 40).changes

    assert [(change.slot, change.dose_mg) for change in changes] == [
        (-10, Decimal("1.5")),
        (14, None),
        (20, Decimal("1.5")),
    ]


def test_bands_outside_the_dates_are_left_out() -> None:
    bands = [band(-20, 0, "1.5"), band(0, 10, "3"), band(10, None, "4.5")]
    assert [held.dose_mg for held in laid([], bands, 10).bands] == [Decimal(3)]


class TestSummary:
    def test_counts_the_nights_that_could_have_been_logged(self) -> None:
        nights = [night(day, pain=2) for day in (0, 1, 4)] + [night(5)]
        said = series.summary(laid(nights, [band(0, None, "3")], 28, today=FIRST + timedelta(days=9)))
        assert said == "3 of 10 nights logged; current dose 3 mg; not enough nights to compare sleep."

    def test_a_zero_is_an_answer(self) -> None:
        assert series.summary(laid([night(0, pain=0)], [], 1)).startswith("1 of 1 night logged")

    def test_compares_the_last_week_with_the_first(self) -> None:
        first = [night(day, sleep_hours=Decimal("5.5")) for day in range(4)]
        last = [night(day, sleep_hours=Decimal(7)) for day in range(17, 21)]
        said = series.summary(laid(first + last, [band(0, None, "4.5")], 21))
        assert said.endswith("mean sleep 7.0 hours over the last 7 nights against 5.5 over the first 7.")

    @pytest.mark.parametrize("thin", [0, 1])
    def test_three_nights_of_a_week_are_not_averaged(self, thin: int) -> None:
        weeks = [range(4), range(14, 18)]
        weeks[thin] = weeks[thin][:3]
        nights = [night(day, sleep_hours=Decimal(7)) for week in weeks for day in week]
        assert "not enough nights" in series.summary(laid(nights, [], 21))

    def test_weeks_that_overlap_are_not_compared(self) -> None:
        nights = [night(day, sleep_hours=Decimal(7)) for day in range(13)]
        assert "not enough nights" in series.summary(laid(nights, [], 13))

    def test_an_intended_dose_is_not_the_current_one(self) -> None:
        bands = [band(0, 7, "1.5"), band(7, None, "3", intended=True)]
        assert "no dose in force" in series.summary(laid([], bands, 14))

    def test_a_pause_is_said(self) -> None:
        assert "paused" in series.summary(laid([], [band(0, None, None, state="paused")], 3))
