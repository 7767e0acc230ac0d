"""S14: who does nothing is signed out, and what a page fetches by itself keeps nobody in. See also tests/browser."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import User
from tests import factories, memory, pages

NOW = datetime(2026, 3, 16, 10, tzinfo=UTC)
pytestmark = pytest.mark.django_db

ASKING = {"X-Background": "yes"}
BACKGROUND = [ASKING, {"HX-Request": "true"}, {"Sec-Fetch-Mode": "cors"}, {"Sec-Fetch-Mode": "no-cors"}]


@pytest.fixture(autouse=True)
def now() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as travel:
        yield travel


@pytest.fixture
def client() -> Client:
    return pages.client_of(factories.member(factories.clinic()))


def test_fifteen_minutes_after_the_last_page_nobody_is_signed_in(client: Client, now: Any) -> None:
    for _ in range(3):
        now.shift(timedelta(minutes=14, seconds=59))
        assert client.get("/").status_code == 200
    now.shift(timedelta(minutes=15))
    answer = client.get("/patients/")
    assert answer.url == "/accounts/login/?next=/patients/"
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert memory.event(action="sign_out").details == {"limit": "idle"}


@pytest.mark.parametrize("headers", BACKGROUND, ids=str)
def test_what_a_page_fetches_by_itself_keeps_nobody_in(client: Client, now: Any, headers: dict[str, str]) -> None:
    for _ in range(3):
        now.shift(timedelta(minutes=4))
        assert client.get("/reminders/", headers=headers).status_code == 200
    now.shift(timedelta(minutes=3))
    assert client.get("/reminders/", headers=headers).status_code == 302
    assert client.get("/").status_code == 302


def test_asking_how_long_keeps_nobody_in_and_staying_does(client: Client, now: Any) -> None:
    now.shift(timedelta(minutes=14))
    asked = client.get("/accounts/session/", headers=ASKING).json()
    asked_again = client.get("/accounts/session/", headers=ASKING).json()
    assert (asked["left"], asked_again["left"]) == (60, 60)
    assert client.post("/accounts/session/stay/", headers=ASKING).json()["left"] == 900
    now.shift(timedelta(minutes=15))
    assert client.get("/accounts/session/", headers=ASKING).json() == {"left": 0}
    assert client.post("/accounts/session/stay/").status_code == 302


def test_who_has_shown_a_password_only_is_told_nothing(now: Any) -> None:
    client = pages.new_client()
    client.force_login(User.objects.get(id=factories.member(factories.clinic()).user_id))
    assert client.get("/accounts/session/").json() == {"left": 0}
