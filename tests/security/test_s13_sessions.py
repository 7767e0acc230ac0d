"""S13: a session cannot be planted, and none outlives what it was given for."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings as site
from django.test import Client, RequestFactory

from accounts.actors import Actor, system
from accounts.addresses import client_address
from accounts.models import Session, User
from accounts.services import sessions
from common import clock
from tests import factories, memory, pages

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 16, 10, tzinfo=UTC)
PASSWORD = "a long pass phrase of the tests"


@pytest.fixture
def member() -> Actor:
    return factories.member(factories.clinic())


@pytest.fixture
def user(member: Actor) -> User:
    found = User.objects.get(id=member.user_id)
    found.set_password(PASSWORD)
    found.save()
    return found


def opens(client: Client) -> bool:
    return client.get("/").status_code == 200


def key_of(client: Client) -> str:
    return str(client.cookies[site.SESSION_COOKIE_NAME].value)


def test_a_planted_key_is_not_the_key_one_is_signed_in_with(client: Client, user: User) -> None:
    client.cookies[site.SESSION_COOKIE_NAME] = planted = "planted" + "0" * 25
    client.post("/accounts/login/", {"login": user.username, "password": PASSWORD})
    assert key_of(client) != planted
    assert Session.objects.get(user=user).session_key == key_of(client)


def test_a_known_key_of_before_is_dead_afterwards(client: Client, user: User) -> None:
    client.get("/accounts/login/")
    client.post("/accounts/login/", {"login": "nobody@test.invalid", "password": "wrong"})
    session = client.session
    session["something"] = "of before"
    session.save()
    client.cookies[site.SESSION_COOKIE_NAME] = before = session.session_key
    client.post("/accounts/login/", {"login": user.username, "password": PASSWORD})
    assert key_of(client) != before
    assert not Session.objects.filter(session_key=before).exists()


def test_a_key_is_dead_after_signing_out_and_the_browser_forgets(member: Actor) -> None:
    client, copy = pages.client_of(member), Client()
    copy.cookies[site.SESSION_COOKIE_NAME] = key_of(client)
    assert opens(copy)
    left = client.post("/accounts/logout/")
    assert left["Clear-Site-Data"] == '"cache", "storage"'
    assert not opens(copy)


@pytest.mark.parametrize("ended", ["end_all", "password", "deactivation"])
def test_open_browsers_are_dead_at_once(member: Actor, user: User, ended: str) -> None:
    here, there = pages.client_of(member), pages.client_of(member)
    assert opens(here)
    if ended == "end_all":
        assert sessions.end_all(user=user, by=system(member.clinic_id), at=clock.now()) == 2
    elif ended == "password":
        user.set_password("another long pass phrase")
        user.save()
    else:
        user.is_active = False
        user.save()
    for client in (here, there):
        answer = client.get("/", headers={"HX-Request": "true"})
        assert (answer.status_code, answer.url) == (302, "/accounts/login/?next=/")


def test_ending_all_can_keep_the_one_that_asks_and_is_remembered(member: Actor, user: User) -> None:
    here, there = pages.client_of(member), pages.client_of(member)
    other = pages.client_of(factories.member(factories.clinic()))
    assert sessions.end_all(user=user, by=member, at=clock.now(), keep=key_of(here)) == 1
    assert (opens(here), opens(there), opens(other)) == (True, False, True)
    event = memory.event(action="session.end")
    assert (event.subject_id, event.actor_id, event.details) == (user.id, user.id, {"sessions": 1})


def test_nobody_stays_signed_in_longer_than_ten_hours(member: Actor) -> None:
    with time_machine.travel(NOW, tick=False) as travel:
        client = pages.client_of(member)
        for _ in range(59):
            travel.shift(timedelta(minutes=10))
            assert opens(client)
        travel.shift(timedelta(minutes=9, seconds=59))
        assert opens(client)
        travel.shift(timedelta(seconds=1))
        answer = client.get("/")
    assert answer.status_code == 302
    assert answer["Clear-Site-Data"]
    assert memory.event(action="sign_out").details == {"limit": "longest"}


def test_what_nobody_can_use_any_more_is_swept_at_the_next_sign_in(member: Actor) -> None:
    with time_machine.travel(NOW, tick=False) as travel:
        Client().get("/accounts/factors/webauthn/login/", headers={"Accept": "application/json"})
        pages.client_of(member)
        assert Session.objects.count() == 2
        travel.shift(timedelta(hours=10, seconds=1))
        pages.client_of(member)
        assert Session.objects.count() == 1


def test_the_list_shows_ones_own_and_ends_one_of_them(member: Actor, user: User) -> None:
    here, there = pages.client_of(member), pages.client_of(member)
    stranger = pages.client_of(factories.member(factories.clinic()))
    page = here.get("/accounts/sessions/").content.decode()
    assert page.count("worklist-row") == 2
    for client in (here, there, stranger):
        assert key_of(client) not in page
    reference = page.partition('name="session" value="')[2].partition('"')[0]
    assert stranger.post("/accounts/sessions/end/", {"session": reference}).status_code == 404
    assert opens(there)
    assert here.post("/accounts/sessions/end/", {"session": reference}).status_code == 302
    assert (opens(here), opens(there), opens(stranger)) == (True, False, True)


def test_all_others_are_ended_at_once(member: Actor) -> None:
    here, *others = (pages.client_of(member) for _ in range(3))
    here.post("/accounts/sessions/end-others/")
    assert [opens(client) for client in (here, *others)] == [True, False, False]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "198.51.100.7", "192.0.2.1"),
        (1, "198.51.100.7", "198.51.100.7"),
        (1, "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        (2, "203.0.113.9, 198.51.100.7, 192.0.2.2", "198.51.100.7"),
    ],
)
def test_only_declared_proxies_are_believed(settings: Any, proxies: int, forwarded: str, address: str) -> None:
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == address


def test_past_the_proxies_nobody_gets_in(settings: Any) -> None:
    settings.TRUSTED_PROXIES = 2
    answer = Client(raise_request_exception=False).post(
        "/accounts/login/", {"login": "x", "password": str(uuid.uuid4())}, headers={"X-Forwarded-For": "198.51.100.7"}
    )
    assert answer.status_code == 400
