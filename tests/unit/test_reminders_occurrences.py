"""What is owed, over every zone and over the days when clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.night import Slot
from reminders.occurrences import Course, Kind, Owed, night_log, owed, step_eve

LONDON = ZoneInfo("Europe/London")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ONE_DAY = timedelta(days=1)
zones = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
days = st.dates(date(2026, 1, 1), date(2027, 12, 31))
half_hours = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))


def course(start_on: date = date(2026, 3, 2), *steps: date, **more: object) -> Course:
    values = {"slot": Slot.BEDTIME, "signed_at": LONG_AGO, **more}
    return Course(start_on=start_on, step_dates=frozenset({start_on, *steps}), **values)


def owed_to(course: Course, first: date, last: date, **more: object) -> list[Owed]:
    values = {"zone": LONDON, "log_reminder_at": time(9), "since": LONG_AGO, **more}
    return owed(course, first=first, last=last, **values)


def about(found: list[Owed], kind: Kind) -> list[date]:
    return [one.about_on for one in found if one.kind is kind]


def test_the_bell_of_a_step_rings_at_six_the_evening_before_and_six_hours_long() -> None:
    bell = step_eve(date(2026, 7, 10), zone=LONDON, slot=Slot.BEDTIME)
    assert bell.due_at == datetime(2026, 7, 9, 17, 0, tzinfo=UTC)
    assert bell.expires_at == datetime(2026, 7, 9, 23, 0, tzinfo=UTC)


@given(days, zones, st.sampled_from(list(Slot)))
def test_no_bell_of_a_step_outlasts_the_evening_or_the_dose(day: date, zone: ZoneInfo, slot: Slot) -> None:
    bell = step_eve(day, zone=zone, slot=slot)
    dose_at = datetime.combine(day, time(8 if slot is Slot.MORNING else 22), tzinfo=zone).astimezone(UTC)
    assert bell.due_at < bell.expires_at <= min(dose_at, bell.due_at + timedelta(hours=6))
    assert bell.due_at.astimezone(zone).date() == day - ONE_DAY


@given(days, zones, half_hours)
def test_r16_one_bell_a_night_in_every_zone_each_later_than_the_last(start: date, zone: ZoneInfo, at: time) -> None:
    nights = [start + offset * ONE_DAY for offset in range(7)]
    bells = [night_log(night, zone=zone, at=at) for night in nights]
    for bell, after in pairwise(bells):
        assert bell.due_at < after.due_at
    for bell in bells:
        shown = bell.due_at.astimezone(zone)
        assert shown.date() == bell.about_on + ONE_DAY
        # Where the clock skips the time asked for, the bell rings after the gap, not before.
        assert shown.time() >= at
        assert bell.expires_at - bell.due_at == timedelta(hours=6)


@given(days, zones, half_hours, st.integers(1, 5))
def test_r16_windows_that_overlap_owe_each_date_the_same_bell(start: date, zone: ZoneInfo, at: time, step: int) -> None:
    plan = course(start - 3 * ONE_DAY, start + 2 * ONE_DAY, start + 9 * ONE_DAY)
    first = start - 5 * ONE_DAY
    whole = owed(plan, zone=zone, log_reminder_at=at, since=LONG_AGO, first=first, last=first + 20 * ONE_DAY)
    pieces = [
        one
        for offset in range(21 - step)
        for one in owed(
            plan,
            zone=zone,
            log_reminder_at=at,
            since=LONG_AGO,
            first=first + offset * ONE_DAY,
            last=first + (offset + step) * ONE_DAY,
        )
    ]
    assert set(pieces) == set(whole)
    keys = [(one.kind, one.about_on) for one in whole]
    assert len(keys) == len(set(keys))


def test_a_date_that_a_zone_skipped_had_no_night_to_tell() -> None:
    apia = ZoneInfo("Pacific/Apia")
    signed = datetime(2011, 12, 19, tzinfo=UTC)
    plan = course(date(2011, 12, 20), signed_at=signed)
    found = owed_to(plan, date(2011, 12, 28), date(2012, 1, 1), zone=apia, since=signed)
    assert [day.day for day in about(found, Kind.NIGHT_LOG)] == [28, 29, 31, 1]


def test_a_step_is_rung_for_once_it_is_the_start_the_next_or_confirmed_and_not_while_held() -> None:
    plan = course(date(2026, 3, 2), date(2026, 3, 16), held=((date(2026, 3, 16), date(2026, 3, 20)),))
    found = owed_to(plan, date(2026, 3, 1), date(2026, 3, 31))
    assert about(found, Kind.STEP_EVE) == [date(2026, 3, 2)]


def test_nights_before_the_course_and_after_its_end_are_nobodys_business() -> None:
    plan = course(date(2026, 3, 2), ended=((date(2026, 3, 6), None),))
    found = owed_to(plan, date(2026, 2, 20), date(2026, 3, 20))
    assert about(found, Kind.NIGHT_LOG) == [date(2026, 3, day) for day in (2, 3, 4, 5)]


def test_nothing_is_owed_that_was_over_or_asked_before_the_signature() -> None:
    signed = datetime(2026, 3, 5, 19, 30, tzinfo=UTC)
    plan = course(date(2026, 3, 2), date(2026, 3, 6), signed_at=signed)
    found = owed_to(plan, date(2026, 3, 1), date(2026, 3, 7))
    assert about(found, Kind.STEP_EVE) == [date(2026, 3, 6)], "late on the same evening is still of use"
    assert about(found, Kind.NIGHT_LOG) == [date(2026, 3, day) for day in (5, 6, 7)]


@pytest.mark.parametrize("hours", [0, 3])
def test_only_what_was_still_worth_ringing_after_a_moment_is_owed(hours: int) -> None:
    since = datetime(2026, 3, 10, 15 - hours, 0, tzinfo=UTC)
    found = owed_to(course(), date(2026, 3, 8), date(2026, 3, 10), since=since)
    expected = [date(2026, 3, 9), date(2026, 3, 10)] if hours else [date(2026, 3, 10)]
    assert about(found, Kind.NIGHT_LOG) == expected
