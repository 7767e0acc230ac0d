"""Signing in when a part of the machine is away, and who is counted as guessing."""

import os
import subprocess
import sys
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from tests import factories, factors

PASSWORD = "a long enough password"


@pytest.fixture
def staff(db: None) -> User:
    user = User.objects.get(id=factories.member(factories.clinic()).user_id)
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture(autouse=True)
def _broker_down(settings: Any) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:9/0"}}


def sign_in(user: User, password: str) -> Any:
    return Client().post("/accounts/login/", {"login": user.username, "password": password})


def test_a_broker_that_is_down_keeps_nobody_out(staff: User) -> None:
    assert sign_in(staff, PASSWORD).headers["Location"] == "/"


def test_nor_does_their_second_factor_nor_its_being_taken_twice(staff: User) -> None:
    factors.app(staff)
    code = factors.code()
    client, thief = Client(), Client()
    for browser in (client, thief):
        factors.first(browser, staff, PASSWORD)
        factors.second(browser, code)
    assert client.get("/").status_code == 200
    assert thief.get("/").status_code == 302


def test_and_lets_nobody_guess_for_ever(staff: User) -> None:
    answers = [sign_in(staff, "not it") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429, 429]


@pytest.mark.parametrize(("behind", "proxies"), [("0", "0"), ("1", "1")])
def test_behind_a_proxy_tries_are_counted_by_who_makes_them(behind: str, proxies: str) -> None:
    """Else all the world has the proxy's address, and whoever guesses keeps the whole clinic out."""
    asked = "from django.conf import settings; print(settings.TRUSTED_PROXIES)"
    env = {**os.environ, "CLINIC_BEHIND_PROXY": behind, "DJANGO_SETTINGS_MODULE": "ldn_clinic.settings"}
    told = subprocess.run([sys.executable, "-c", asked], env=env, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == proxies
