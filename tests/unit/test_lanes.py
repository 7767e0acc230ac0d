"""The arithmetic of lanes: each patient once, counts that are right, pages that meet."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from desk.presenters import lanes
from desk.presenters.lanes import Found, Lane, Reason
from titration.engine import evidence

NOON = datetime(2026, 3, 16, 12, tzinfo=UTC)
PEOPLE = [uuid.UUID(int=number) for number in range(20)]


def keys(*hours: int) -> list[lanes.Key]:
    """Patient `n` since so many hours after noon."""
    return [(PEOPLE[number], NOON + timedelta(hours=number)) for number in hours]


def rows(*reasons: tuple[int, Lane]) -> dict[uuid.UUID, lanes.Row | None]:
    return {
        PEOPLE[number]: lanes.row(
            PEOPLE[number], f"Person {number}", (), [Reason(lane=lane, since=NOON + timedelta(hours=number), words="")]
        )
        for number, lane in reasons
    }


def test_whoever_stands_higher_is_taken_out_below() -> None:
    found = {Lane.NOW: Found(), Lane.DECIDE: Found(), Lane.CHASE: Found()}
    found[Lane.NOW].add(keys(1), most=9)
    found[Lane.DECIDE].add(keys(1, 2), most=9)
    found[Lane.CHASE].add(keys(2, 3), most=9)
    lanes.fold(found)
    assert [[PEOPLE.index(key[0]) for key in one.in_order()] for one in found.values()] == [[1], [2], [3]]


def test_two_kinds_meet_in_one_row_at_the_earlier_time() -> None:
    found = Found()
    found.add(keys(5), most=9)
    found.add([(PEOPLE[5], NOON)], most=9)
    assert found.in_order() == [(PEOPLE[5], NOON)]


def test_beyond_what_was_looked_at_nothing_is_claimed() -> None:
    found = Found()
    found.add(keys(1, 2, 3, 4), most=3)
    found.add(keys(2, 9), most=9)
    assert [PEOPLE.index(key[0]) for key in found.in_order()] == [1, 2, 3]
    lane = lanes.lane_of_rows(Lane.CHASE, found, rows(*((n, Lane.CHASE) for n in (1, 2, 3))), size=2, after=None)
    assert (lane.badge, len(lane.rows)) == ("more than 3", 2)
    assert lanes.key_of(lane.after) == keys(2)[0]


def test_a_row_that_turned_out_otherwise_is_neither_shown_nor_counted() -> None:
    found = Found()
    found.add(keys(1, 2, 3), most=9)
    made = {**rows((1, Lane.CHASE), (2, Lane.NOW)), PEOPLE[3]: None}
    lane = lanes.lane_of_rows(Lane.CHASE, found, made, size=9, after=None)
    assert [row.name for row in lane.rows] == ["Person 1"]
    assert (lane.badge, lane.after) == ("1", "")


def test_whoever_stood_on_the_page_before_does_not_stand_on_the_next() -> None:
    found = Found()
    found.add(keys(1, 2), most=9)
    made = rows((1, Lane.CHASE), (2, Lane.CHASE))
    lane = lanes.lane_of_rows(Lane.CHASE, found, made, size=9, after=keys(1)[0])
    assert [row.name for row in lane.rows] == ["Person 2"]


def test_what_is_only_worth_reading_beside_makes_no_row() -> None:
    beside = Reason(lane=Lane.NOW, since=NOON, words="note", beside=True)
    due = Reason(lane=Lane.DECIDE, since=NOON, words="due")
    assert lanes.row(PEOPLE[0], "Person", (), [beside]) is None
    made = lanes.row(PEOPLE[0], "Person", (), [beside, due])
    assert made is not None
    assert (made.first.words, [one.words for one in made.others]) == ("due", ["note"])


def test_no_tick_beside_something_urgent() -> None:
    ready = Reason(lane=Lane.DECIDE, since=NOON, words="due", ready=True, ticket="x:1")
    urgent = Reason(lane=Lane.NOW, since=NOON, words="report")
    for reasons, ticked in (([ready], True), ([ready, urgent], False)):
        made = lanes.row(PEOPLE[0], "Person", (), reasons)
        assert made is not None
        assert (made.ticket is not None) is ticked


@pytest.mark.parametrize("text", ["", "|", "x|y", "2026-03-16T12:00:00|x", f"2026-03-16T12:00:00|{PEOPLE[0]}"])
def test_a_place_nobody_wrote_is_none(text: str) -> None:
    assert lanes.key_of(text) is None


def test_a_mean_wants_four_nights_and_rounds_half_up() -> None:
    assert evidence.mean([1, 2, 3, None]).value is None
    assert evidence.mean([Decimal("6.25")] * 4).value == Decimal("6.3")
    few, enough = evidence.mean([1, 2, 3]), evidence.mean([1, 2, 3, 4])
    assert (few.told, enough.value) == (3, Decimal("2.5"))
    assert evidence.change(enough, few) is None
    assert evidence.change(enough, evidence.mean([2, 2, 2, 2])) == Decimal("0.5")
