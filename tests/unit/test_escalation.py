"""Who is told next of something urgent: in order, after so many minutes, round after round, until there is an end."""

import uuid
from datetime import UTC, datetime, timedelta

from accounts.hours import Contact
from reminders.escalation import MOST_ROUNDS, Next, Told, all_had_their_time, next_told

AT = datetime(2026, 3, 2, 22, tzinfo=UTC)
A, B, C = (uuid.UUID(int=number) for number in (1, 2, 3))
ROUTE = [Contact(A, 10), Contact(B, 20), Contact(C, 30)]


def told(user_id: uuid.UUID, number: int = 0, *, waits: int = 10, failed: bool = False) -> Told:
    return Told(user_id, number, AT + timedelta(minutes=waits), failed)


def after(minutes: float, *known: Told, route: list[Contact] = ROUTE) -> Next | None:
    return next_told(route, known, at=AT + timedelta(minutes=minutes))


def test_the_first_at_once() -> None:
    assert after(0) == Next(ROUTE[0], 0)


def test_the_next_after_so_many_minutes_and_not_one_before() -> None:
    assert after(9.99, told(A)) is None
    assert after(10, told(A)) == Next(ROUTE[1], 0)
    assert after(29, told(A), told(B, waits=30)) is None
    assert after(30, told(A), told(B, waits=30)) == Next(ROUTE[2], 0)


def test_at_once_after_a_notice_that_failed_for_certain() -> None:
    assert after(0, told(A, failed=True)) == Next(ROUTE[1], 0)


def test_from_the_beginning_again_when_everybody_was_told() -> None:
    everybody = (told(A), told(B), told(C, waits=30))
    assert after(29, *everybody) is None
    assert after(30, *everybody) == Next(ROUTE[0], 1)
    assert after(40, *everybody, told(A, 1, waits=40)) == Next(ROUTE[1], 1)


def test_where_all_fail_nobody_spins() -> None:
    assert after(1, told(A, failed=True), told(B, failed=True), told(C, failed=True, waits=30)) is None


def test_one_alone_is_told_again_each_time() -> None:
    route = [Contact(A, 10)]
    assert after(10, told(A), route=route) == Next(route[0], 1)


def test_there_is_an_end() -> None:
    assert after(10, told(C, MOST_ROUNDS - 1), told(B, MOST_ROUNDS - 1), told(A, MOST_ROUNDS - 1)) is None


def test_a_list_that_changed_meanwhile() -> None:
    newcomer = Contact(uuid.UUID(int=4), 5)
    assert after(10, told(A), route=[newcomer, *ROUTE]) == Next(newcomer, 0)
    assert after(10, told(B), route=[ROUTE[0]]) == Next(ROUTE[0], 0)
    assert after(10, told(A), route=[]) is None


def ignored(minutes: float, *known: Told, route: list[Contact] = ROUTE) -> bool:
    return all_had_their_time(route, known, raised_at=AT, at=AT + timedelta(minutes=minutes))


def test_it_lies_too_long_once_everybody_was_told_and_had_their_time_and_not_one_before() -> None:
    everybody = (told(A), told(B, waits=30), told(C, waits=60))
    assert not ignored(59.99, *everybody)
    assert ignored(60, *everybody)
    assert not ignored(600, *everybody[:2])
    assert ignored(0, *everybody, told(A, 1, waits=70))


def test_with_nobody_to_tell_it_lies_too_long_after_a_while() -> None:
    assert not ignored(19.99, route=[])
    assert ignored(20, route=[])
    assert not ignored(600)
