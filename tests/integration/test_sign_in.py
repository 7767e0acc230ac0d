"""Signing in when a part of the machine is away."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from tests import factories

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


def test_and_lets_nobody_guess_for_ever(staff: User) -> None:
    answers = [sign_in(staff, "not it").content.decode() for _ in range(6)]
    assert "Too many" not in answers[0]
    assert "Too many" in answers[-1]
