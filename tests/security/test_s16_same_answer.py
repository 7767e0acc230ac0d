"""S16: whether somebody has an account here is told neither by an answer nor by its time."""

import re
import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.mail import EmailMessage
from django.test import Client

from accounts.models import User
from tests import factories, factors, pages

pytestmark = pytest.mark.django_db

UNKNOWN = "nobody-here@test.invalid"
ROUNDS = 9


@pytest.fixture
def known() -> str:
    user = User.objects.get(id=factories.member(factories.clinic()).user_id)
    user.email = user.username
    user.set_password(factors.PASSWORD)
    user.save()
    return str(user.username)


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every password that was hashed."""
    made: list[str] = []

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(self: Any, password: str, *rest: Any) -> Any:
            made.append(password)
            return real(self, password, *rest)

        return wrapped

    for name in ("encode", "verify"):
        monkeypatch.setattr(Argon2PasswordHasher, name, counting(getattr(Argon2PasswordHasher, name)))
    return made


def guess(name: str, address: str = "192.0.2.1") -> Any:
    return Client(REMOTE_ADDR=address).post("/accounts/login/", {"login": name, "password": "wrong"})


def ask(name: str, address: str = "192.0.2.1") -> Any:
    return Client(REMOTE_ADDR=address).post("/accounts/password/reset/", {"email": name}, follow=True)


def words(answer: Any, name: str) -> str:
    """An answer without what differs in any two: the name that was asked for, the form's token."""
    body = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", answer.content.decode().replace(name, "…"))
    return f"{answer.status_code} {getattr(answer, 'redirect_chain', '')} {body}"


def closed(known: str) -> str:
    User.objects.filter(username=known).update(is_active=False)
    return known


def without_password(known: str) -> str:
    user = User.objects.get(username=known)
    user.set_unusable_password()
    user.save()
    return known


def test_a_wrong_password_and_an_unknown_name_get_one_answer(known: str) -> None:
    assert words(guess(known), known) == words(guess(UNKNOWN), UNKNOWN)


def test_so_does_the_right_password_of_a_closed_account(known: str) -> None:
    closed(known)
    right = Client().post("/accounts/login/", {"login": known, "password": factors.PASSWORD})
    assert words(right, known) == words(guess(UNKNOWN), UNKNOWN)


def test_both_are_locked_alike(known: str) -> None:
    for _ in range(5):
        answers = [words(guess(name), name) for name in (known, UNKNOWN)]
        assert answers[0] == answers[1]
    assert answers[0].startswith("429")


def test_both_are_asked_and_answered_alike_for_a_new_password(known: str, mailoutbox: list[EmailMessage]) -> None:
    answers = [words(ask(name), name) for name in (known, UNKNOWN, closed(known))]
    assert len(set(answers)) == 1
    assert len(mailoutbox) == 3


@pytest.mark.parametrize("change", [None, closed, without_password])
def test_both_cost_one_hash_and_as_many_statements(
    known: str, hashes: list[str], change: Callable[[str], str] | None
) -> None:
    if change:
        change(known)
    guess(known, "192.0.2.9")
    costs = []
    for name in (known, UNKNOWN):
        hashes.clear()
        with pages.statements() as made:
            guess(name)
        costs.append((len(hashes), len(made)))
    assert costs[0] == costs[1]
    assert costs[0][0] == 1


@pytest.mark.usefixtures("dear_passwords")
@pytest.mark.parametrize("deed", [guess, ask])
def test_the_times_do_not_tell(known: str, deed: Callable[..., Any]) -> None:
    """Medians of both, taken in turns; they differ by less than they spread.

    A busy machine can push one median aside: then more rounds are taken, in which a true difference would stay.
    """
    took: dict[str, list[float]] = {known: [], UNKNOWN: []}
    for attempt in range(4):
        for round_ in range(ROUNDS + 1):
            for name, times in took.items():
                began = time.perf_counter()
                deed(name, f"198.51.{100 + attempt}.{round_}")
                times.append(time.perf_counter() - began)
        # The first of each fills caches.
        medians = [statistics.median(times[1:]) for times in took.values()]
        spread = max(statistics.pstdev(times[1:]) for times in took.values())
        print(f"\n{deed.__name__}: known {medians[0] * 1000:.1f} ms, unknown {medians[1] * 1000:.1f} ms")
        if abs(medians[0] - medians[1]) < max(0.25 * min(medians), spread):
            return
    raise AssertionError("known and unknown differ by more than they spread")
