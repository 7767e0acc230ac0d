"""When a clinic is open, who answers for whom, what a patient is told: over weekends, closings, changes of clocks."""

import uuid
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import hours
from accounts.hours import Contact, Covering, Hours, Opening

LONDON, NEW_YORK = ZoneInfo("Europe/London"), ZoneInfo("America/New_York")
OFFICE = Hours(tuple(Opening(weekday, time(9), time(17)) for weekday in range(5)))
SPLIT = Hours((Opening(0, time(13, 30), time(17)), Opening(0, time(9), time(12, 30))))
MONDAY = date(2026, 3, 2)
A, B, C, D = (uuid.UUID(int=number) for number in range(1, 5))


def london(day: int, clock: str, month: int = 3) -> datetime:
    return datetime.combine(date(2026, month, day), time.fromisoformat(clock), LONDON).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        (london(2, "08:59"), london(2, "09:00")),
        (london(2, "09:00"), london(2, "09:00")),
        (london(2, "16:59"), london(2, "16:59")),
        (london(2, "17:00"), london(3, "09:00")),
        (london(6, "17:00"), london(9, "09:00")),
        (london(7, "12:00"), london(9, "09:00")),
    ],
)
def test_the_next_opening_to_the_minute(at: datetime, opens: datetime) -> None:
    assert hours.next_open(at, OFFICE, LONDON) == opens


def test_a_lunch_hour_is_closed() -> None:
    assert hours.open_until(london(2, "12:29"), SPLIT, LONDON) == london(2, "12:30")
    assert hours.open_until(london(2, "12:30"), SPLIT, LONDON) is None
    assert hours.next_open(london(2, "12:30"), SPLIT, LONDON) == london(2, "13:30")


def test_a_closed_date_counts_for_more_than_its_weekday() -> None:
    closed = Hours(OFFICE.openings, frozenset({date(2026, 3, 9), date(2026, 3, 10)}))
    assert hours.next_open(london(6, "18:00"), closed, LONDON) == london(11, "09:00")
    assert hours.open_until(london(9, "10:00"), closed, LONDON) is None


def test_over_the_change_of_clocks_the_wall_counts() -> None:
    friday, monday = london(27, "17:00"), london(30, "09:00")
    assert hours.next_open(friday, OFFICE, LONDON) == monday
    assert monday - friday == timedelta(hours=63)
    night = Hours((Opening(6, time(1, 30), time(3)),))
    opens = hours.next_open(london(28, "12:00"), night, LONDON)
    assert opens is not None
    assert opens < london(29, "03:00")


def test_a_clinic_that_never_opens_names_no_day() -> None:
    closed = Hours((Opening(0, time(9), time(10)),), frozenset(MONDAY + timedelta(weeks=n) for n in range(20)))
    assert hours.next_open(london(2, "08:00"), closed, LONDON) is None
    assert "not known here when it opens. Call 1" in said(london(2, "08:00"), closed)


@given(st.integers(0, 60 * 24 * 400), st.sampled_from([LONDON, NEW_YORK, ZoneInfo("Australia/Lord_Howe")]))
def test_what_is_next_is_open_and_nothing_before_it_is(minutes: int, zone: ZoneInfo) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    opens = hours.next_open(at, OFFICE, zone)
    assert opens is not None
    assert opens >= at
    assert hours.open_until(opens, OFFICE, zone) is not None
    assert (opens == at) == (hours.open_until(at, OFFICE, zone) is not None)
    if opens > at:
        assert hours.open_until(opens - timedelta(minutes=1), OFFICE, zone) is None
        assert opens.astimezone(zone).time() == time(9)


def said(at: datetime, known: Hours = OFFICE, **more: str) -> str:
    return hours.sentence(at, known, LONDON, phone="1", **more)


class TestTheSentence:
    def test_while_open(self) -> None:
        assert said(london(2, "10:00")) == (
            "Your clinic is open and reads this today, until 17:00 clinic time. If it cannot wait, call 1."
        )

    def test_in_the_evening_over_the_weekend_and_before_nine(self) -> None:
        assert "tomorrow, Tuesday 3 March, from 09:00 clinic time" in said(london(2, "18:00"))
        assert "on Monday 9 March from 09:00 clinic time" in said(london(6, "18:00"))
        assert "Somebody reads this today from 09:00" in said(london(2, "06:00"))

    def test_whom_to_call_before_that(self) -> None:
        assert said(london(2, "18:00"), urgent_phone="2").endswith(
            "Before that call 2 if it cannot wait, and your emergency number if it is an emergency."
        )
        assert "call 1 if it cannot wait" in said(london(2, "18:00"))

    def test_where_nobody_has_said_hours_the_clinics_own_words_stand(self) -> None:
        assert said(london(2, "10:00"), Hours(), otherwise="We read on weekdays.") == "We read on weekdays."
        assert "call 1" in said(london(2, "10:00"), Hours())


def covering(away: uuid.UUID, covers: uuid.UUID, first: int = 0, days: int = 7) -> Covering:
    return Covering(away, covers, MONDAY + timedelta(days=first), MONDAY + timedelta(days=first + days))


class TestWhoNow:
    def now(self, covers: list[Covering], on: date = MONDAY) -> list[uuid.UUID]:
        route = [Contact(A, 10, "+441"), Contact(B, 20), Contact(C, 30)]
        return [one.user_id for one in hours.who_now(route, covers, on, phones={A: "+441"})]

    def test_the_route_as_it_is(self) -> None:
        assert self.now([]) == [A, B, C]

    def test_who_covers_stands_in_the_place_of_who_is_away(self) -> None:
        route = hours.who_now([Contact(A, 10, "+441"), Contact(B, 20)], [covering(A, D)], MONDAY, phones={A: "+441"})
        assert route == [Contact(D, 10), Contact(B, 20)], "told at their own telephone, or at none"

    def test_from_the_first_day_to_the_last(self) -> None:
        for day, who in ((-1, A), (0, D), (6, D), (7, A)):
            assert self.now([covering(A, D)], MONDAY + timedelta(days=day))[0] == who

    def test_nobody_is_told_twice(self) -> None:
        assert self.now([covering(A, B)]) == [B, C]

    def test_who_covers_may_be_covered_and_a_circle_ends(self) -> None:
        assert self.now([covering(A, B), covering(B, D)]) == [D, C]
        assert self.now([covering(A, B), covering(B, A)]) == [A, B, C]
