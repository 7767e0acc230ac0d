"""Who signed in, who signed out and that somebody failed to are remembered; what was tried is not."""

import pytest
from django.test import Client

from accounts.models import Membership, User
from tests import factories, memory

pytestmark = pytest.mark.django_db

NAME, PASSWORD = "member@test.invalid", "a long pass phrase of the tests"


@pytest.fixture
def user() -> User:
    made = User.objects.create_user(NAME, name="Test Member", password=PASSWORD)
    Membership.objects.create(user=made, clinic=factories.clinic(), role=Membership.Role.NURSE)
    return made


def test_signing_in_and_out_leaves_a_row_each(client: Client, user: User) -> None:
    client.post("/accounts/login/", {"login": NAME, "password": PASSWORD})
    client.post("/accounts/logout/")
    rows = [(event.action, event.actor_id, event.result) for event in memory.events()]
    assert rows == [("sign_in", user.id, "done"), ("sign_out", user.id, "done")]


def test_failing_leaves_a_row_without_what_was_typed(client: Client, user: User) -> None:
    client.post("/accounts/login/", {"login": NAME, "password": "not the pass phrase"})
    row = memory.event()
    assert (row.action, row.result, row.actor_id) == ("sign_in", "denied", None)
    assert NAME not in str(vars(row))
