"""S17: guessing is slowed to nothing, from one address or many, and keeps nobody out who comes from their own."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from axes.models import AccessAttempt
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from tests import factories, factors, memory

pytestmark = pytest.mark.django_db

WRONG = "not the pass phrase"
NOW = datetime(2026, 3, 16, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def now() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as travel:
        yield travel


@pytest.fixture
def victim() -> User:
    user = User.objects.get(id=factories.member(factories.clinic()).user_id)
    user.set_password(factors.PASSWORD)
    user.save()
    return user


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were really compared."""
    made: list[str] = []

    def check(self: User, password: str) -> bool:
        made.append(password)
        return password == factors.PASSWORD

    monkeypatch.setattr(User, "check_password", check)
    return made


def guess(user: User, password: str = WRONG, address: str = "192.0.2.1", **headers: str) -> int:
    client = Client(REMOTE_ADDR=address, headers=headers)
    return client.post("/accounts/login/", {"login": user.username, "password": password}).status_code


@pytest.mark.parametrize("tries", [60, pytest.param(1000, marks=pytest.mark.long)])
def test_of_many_tries_from_one_address_five_are_looked_at(victim: User, checked: list[str], tries: int) -> None:
    for number in range(tries):
        cache.clear()  # the count is in the database: what the broker forgets does not help
        guess(victim, f"guess {number}", **{"X-Forwarded-For": f"198.51.{number % 250}.1", "User-Agent": str(number)})
    assert len(checked) == 5
    assert guess(victim, factors.PASSWORD) == 429
    assert len(memory.events(action="sign_in.lockout")) == 1


def test_nobody_can_keep_another_out_by_their_name(victim: User, checked: list[str]) -> None:
    for number in range(20):
        for _ in range(6):
            guess(victim, address=f"198.51.100.{number}")
    assert guess(victim, factors.PASSWORD, address="192.0.2.77") == 302


def test_nor_by_the_clinics_own_address(victim: User, checked: list[str]) -> None:
    """A visitor on the clinic's network locks the one name they try, there."""
    other = User.objects.create_user("other@test.invalid", name="Test Other", password=factors.PASSWORD)
    for _ in range(6):
        guess(victim)
    assert guess(other, factors.PASSWORD) == 302


def test_the_rest_is_fifteen_minutes_and_trying_does_not_prolong_it(victim: User, checked: list[str], now: Any) -> None:
    for _ in range(5):
        guess(victim)
    for _ in range(2):
        now.shift(timedelta(minutes=7))
        assert guess(victim, factors.PASSWORD) == 429
    now.shift(timedelta(minutes=1, seconds=1))
    assert guess(victim, factors.PASSWORD) == 302


def test_an_address_that_tries_many_names_is_stopped(victim: User, checked: list[str]) -> None:
    for number in range(35):
        Client(REMOTE_ADDR="192.0.2.1").post(
            "/accounts/login/", {"login": f"name-{number}@test.invalid", "password": "wrong"}
        )
    assert guess(victim, factors.PASSWORD) == 200
    assert not checked


def test_getting_in_forgets_the_failures(victim: User, checked: list[str]) -> None:
    for _ in range(3):
        assert [guess(victim) for _ in range(3)] == [200] * 3
        assert guess(victim, factors.PASSWORD) == 302


def test_codes_are_guessed_no_faster(victim: User, checked: list[str]) -> None:
    """Whoever has the password and none of the rest tries ten codes in five minutes, from wherever."""
    factors.app(victim)
    accepted = []
    for number in range(14):
        client = Client(REMOTE_ADDR=f"198.51.100.{number}")
        factors.first(client, victim)
        accepted.append(factors.second(client, "000000").content.decode())
    assert sum("That was not accepted" in page for page in accepted) == 10
    client = Client()
    factors.first(client, victim)
    factors.second(client, factors.code())
    assert client.get("/").status_code == 302


def test_what_was_typed_is_not_kept(victim: User) -> None:
    Client().post("/accounts/login/?next=/secret", {"login": "my password by mistake", "password": "another one"})
    kept = str(list(AccessAttempt.objects.values()))
    for word in ("mistake", "another", "secret"):
        assert word not in kept
