"""The night clock, in zones whose clocks change, skip a date, or lie far from Greenwich."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from common.night import Slot, bounds, local_instant, next_dose_on, night_of, night_of_dose, plan_date

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
APIA = ZoneInfo("Pacific/Apia")

ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "Europe/London",
        "America/New_York",
        "America/St_Johns",
        "America/Santiago",
        "America/Havana",
        "Africa/Cairo",
        "Asia/Beirut",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Pacific/Auckland",
        "Pacific/Apia",
        "Pacific/Kiritimati",
        "Antarctica/Troll",
    ]
).map(ZoneInfo)
MOMENTS = st.integers(631_152_000, 2_145_830_400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
DAYS = st.dates(date(1990, 1, 1), date(2037, 12, 31))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


class TestNights:
    @given(MOMENTS, ZONES)
    @example(at("2011-12-30T12:00:00+00:00"), APIA)
    def test_every_moment_lies_in_exactly_its_night(self, moment: datetime, zone: ZoneInfo) -> None:
        night = night_of(moment, zone)
        for other in (night - timedelta(days=1), night, night + timedelta(days=1)):
            start, end = bounds(other, zone)
            assert (start <= moment < end) == (other == night)

    @given(DAYS, ZONES)
    def test_nights_meet_end_to_start_and_are_utc(self, day: date, zone: ZoneInfo) -> None:
        start, end = bounds(day, zone)
        assert end == bounds(day + timedelta(days=1), zone)[0]
        assert start.tzinfo is UTC
        assert end.tzinfo is UTC

    @pytest.mark.parametrize(
        ("night", "hours"), [("2025-03-29", 23), ("2025-03-30", 24), ("2025-10-25", 25), ("2025-10-26", 24)]
    )
    def test_the_nights_when_clocks_change(self, night: str, hours: int) -> None:
        start, end = bounds(date.fromisoformat(night), BERLIN)
        assert end - start == timedelta(hours=hours)

    def test_a_date_that_a_zone_skipped_has_an_empty_night(self) -> None:
        start, end = bounds(date(2011, 12, 30), APIA)
        assert start == end

    @pytest.mark.parametrize(
        ("moment", "night"),
        [
            ("2025-01-06T11:59:59+01:00", "2025-01-05"),
            ("2025-01-06T12:00:00+01:00", "2025-01-06"),
            ("2025-01-07T00:30:00+01:00", "2025-01-06"),
            ("2025-03-30T03:30:00+02:00", "2025-03-29"),
        ],
    )
    def test_noon_is_where_the_night_turns(self, moment: str, night: str) -> None:
        assert night_of(at(moment), BERLIN) == date.fromisoformat(night)

    def test_the_same_moment_is_another_night_elsewhere(self) -> None:
        moment = at("2025-01-06T22:30:00+00:00")
        assert night_of(moment, ZoneInfo("Pacific/Auckland")) == date(2025, 1, 6)
        assert night_of(moment, ZoneInfo("Pacific/Kiritimati")) == date(2025, 1, 7)

    def test_the_zone_a_moment_is_written_in_does_not_matter(self) -> None:
        moment = at("2025-01-06T23:30:00+00:00")
        assert night_of(moment.astimezone(timezone(timedelta(hours=9))), BERLIN) == night_of(moment, BERLIN)

    @pytest.mark.parametrize("slot", Slot)
    def test_a_moment_without_a_zone_is_a_defect(self, slot: Slot) -> None:
        with pytest.raises(ValueError, match="without a zone"):
            plan_date(datetime(2025, 1, 6, 23), BERLIN, slot)  # noqa: DTZ001 (the defect itself)


class TestDoses:
    @pytest.mark.parametrize(
        ("moment", "slot", "plan_on"),
        [
            ("2025-01-07T00:30:00+01:00", Slot.BEDTIME, "2025-01-06"),
            ("2025-01-06T22:30:00+01:00", Slot.BEDTIME, "2025-01-06"),
            ("2025-01-07T12:00:00+01:00", Slot.BEDTIME, "2025-01-07"),
            ("2025-01-07T07:00:00+01:00", Slot.MORNING, "2025-01-07"),
            ("2025-01-07T13:00:00+01:00", Slot.MORNING, "2025-01-07"),
        ],
    )
    def test_which_date_of_the_plan_a_dose_belongs_to(self, moment: str, slot: Slot, plan_on: str) -> None:
        assert plan_date(at(moment), BERLIN, slot) == date.fromisoformat(plan_on)

    @given(DAYS, ZONES, st.times())
    def test_a_dose_acts_on_a_night_that_has_not_ended(self, day: date, zone: ZoneInfo, clock: time) -> None:
        moment = local_instant(day, clock, zone)
        for slot in Slot:
            _, end = bounds(night_of_dose(plan_date(moment, zone, slot), slot), zone)
            assert moment < end

    def test_a_morning_dose_pairs_with_the_night_that_follows(self) -> None:
        morning = at("2025-01-07T07:00:00+01:00")
        night = night_of_dose(plan_date(morning, BERLIN, Slot.MORNING), Slot.MORNING)
        assert bounds(night, BERLIN)[0] == at("2025-01-07T12:00:00+01:00")


class TestLocalInstant:
    def test_a_time_that_clocks_skip_is_moved_on(self) -> None:
        instant = local_instant(date(2025, 3, 30), time(2, 30), BERLIN)
        assert instant.astimezone(BERLIN).time() == time(3, 30)

    def test_of_a_time_shown_twice_the_first(self) -> None:
        assert local_instant(date(2025, 11, 2), time(1, 30), NEW_YORK) == at("2025-11-02T01:30:00-04:00")
        assert local_instant(date(2025, 11, 2), time(1, 30, fold=1), NEW_YORK) == at("2025-11-02T01:30:00-04:00")

    @given(DAYS, ZONES, st.times())
    def test_never_before_the_time_asked_for(self, day: date, zone: ZoneInfo, clock: time) -> None:
        instant = local_instant(day, clock, zone)
        assert instant.astimezone(zone).replace(tzinfo=None) >= datetime.combine(day, clock)


class TestNextDoseOn:
    """Which dose is next: bedtime until 03:00, morning until noon."""

    @pytest.mark.parametrize(
        ("clock", "slot", "expected"),
        [
            ("2026-03-02 22:00", Slot.BEDTIME, date(2026, 3, 2)),
            ("2026-03-03 02:59", Slot.BEDTIME, date(2026, 3, 2)),
            ("2026-03-03 03:00", Slot.BEDTIME, date(2026, 3, 3)),
            ("2026-03-03 09:00", Slot.BEDTIME, date(2026, 3, 3)),
            ("2026-03-03 00:30", Slot.MORNING, date(2026, 3, 3)),
            ("2026-03-03 11:59", Slot.MORNING, date(2026, 3, 3)),
            ("2026-03-03 12:00", Slot.MORNING, date(2026, 3, 4)),
        ],
    )
    def test_it_rolls_when_the_dose_before_can_no_longer_be_taken(self, clock: str, slot: Slot, expected: date) -> None:
        zone = ZoneInfo("Europe/London")
        assert next_dose_on(datetime.fromisoformat(clock).replace(tzinfo=zone), zone, slot) == expected

    @given(MOMENTS, ZONES, st.sampled_from(list(Slot)))
    def test_it_never_goes_back_and_never_leaves_a_day_out(self, moment: datetime, zone: ZoneInfo, slot: Slot) -> None:
        # Two days at once only where a zone skipped a date.
        hours = [next_dose_on(moment + timedelta(hours=hour), zone, slot) for hour in range(49)]
        assert all(timedelta(0) <= later - earlier <= timedelta(days=2) for earlier, later in pairwise(hours))
        assert hours[-1] - hours[0] in (timedelta(days=1), timedelta(days=2), timedelta(days=3))
