"""A lost device is reset by a second administrator, never by oneself, and everybody concerned is told."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator

from accounts.actors import Actor
from accounts.models import Clinic, Membership, User
from accounts.services import members
from common import clock
from common.refusals import Refused
from ldn_clinic.management import commands as ours
from tests import factories, factors, memory, pages

pytestmark = pytest.mark.django_db

ROLES = Membership.Role


def user_of(actor: Actor) -> User:
    return User.objects.get(id=actor.user_id)


def membership(actor: Actor) -> Membership:
    return Membership.objects.get(user_id=actor.user_id, clinic_id=actor.clinic_id, ended_at=None)


@pytest.fixture
def clinic() -> Clinic:
    return factories.clinic()


@pytest.fixture
def administrator(clinic: Clinic) -> Actor:
    return factories.member(clinic, ROLES.ADMINISTRATOR, "First Administrator")


@pytest.fixture
def nurse(clinic: Clinic) -> Actor:
    """A nurse with an app and recovery codes."""
    actor = factories.member(clinic, ROLES.NURSE, "Lost Nurse")
    user = user_of(actor)
    user.set_password(factors.PASSWORD)
    user.save()
    factors.app(user)
    factors.recovery_codes(user)
    return actor


@pytest.fixture
def reset(django_capture_on_commit_callbacks: Any) -> Callable[..., Any]:
    def by(administrator: Actor, of: Actor, reason: str = "phone") -> Any:
        client = pages.client_of(administrator)
        with django_capture_on_commit_callbacks(execute=True):
            return client.post(f"/people/{membership(of).id}/lost-device/", {"reason": reason})

    return by


def test_every_factor_is_gone_and_every_session_with_it(
    administrator: Actor, nurse: Actor, reset: Callable[..., Any]
) -> None:
    browser = pages.client_of(nurse)
    assert browser.get("/patients/").status_code == 200
    assert reset(administrator, nurse).status_code == 302
    assert not Authenticator.objects.filter(user_id=nurse.user_id).exists()
    assert browser.get("/patients/")["Location"].startswith("/accounts/login/")
    event = memory.event(action="factor.reset_for")
    assert (event.subject_id, event.details["reason"]) == (nurse.user_id, "phone")


def test_the_password_then_leads_to_a_new_factor_and_to_nothing_else(
    administrator: Actor, nurse: Actor, reset: Callable[..., Any]
) -> None:
    reset(administrator, nurse)
    client = pages.new_client()
    factors.first(client, user_of(nurse))
    assert client.get("/patients/")["Location"] == "/accounts/factors/webauthn/add/"


def test_the_member_and_all_other_administrators_are_told(
    clinic: Clinic, administrator: Actor, nurse: Actor, reset: Callable[..., Any], mailoutbox: list[Any]
) -> None:
    second = factories.member(clinic, ROLES.PRINCIPAL, "Second")
    other = factories.clinic("Other Clinic")
    Membership.objects.create(user_id=nurse.user_id, clinic=other, role=ROLES.NURSE)
    far = factories.member(other, ROLES.ADMINISTRATOR, "Far Administrator")
    stranger = factories.member(factories.clinic("Third Clinic"), ROLES.ADMINISTRATOR)
    reset(administrator, nurse)
    told = {mail.to[0]: mail for mail in mailoutbox}
    assert set(told) == {user_of(one).username for one in (nurse, second, far)}
    assert user_of(stranger).username not in told
    assert "First Administrator" in told[user_of(nurse).username].body
    assert "Lost Nurse" in told[user_of(second).username].body


def test_nobody_resets_their_own(clinic: Clinic, administrator: Actor, reset: Callable[..., Any]) -> None:
    factories.member(clinic, ROLES.ADMINISTRATOR)
    factors.app(user_of(administrator))
    answer = reset(administrator, administrator)
    assert answer.status_code == 409
    assert "Nobody resets their own second factor" in answer.content.decode()
    assert Authenticator.objects.filter(user_id=administrator.user_id).exists()


def test_a_reason_is_asked_and_it_is_one_of_a_list(
    administrator: Actor, nurse: Actor, reset: Callable[..., Any]
) -> None:
    for reason in ("", "because"):
        assert reset(administrator, nurse, reason).status_code == 422
    assert Authenticator.objects.filter(user_id=nurse.user_id).exists()


def test_it_asks_once_more_who_resets(administrator: Actor, nurse: Actor) -> None:
    client = pages.client_of(administrator, stepped_up=False)
    answer = client.post(f"/people/{membership(nurse).id}/lost-device/", {"reason": "phone"})
    assert answer["Location"].startswith("/accounts/go-on/")
    assert Authenticator.objects.filter(user_id=nurse.user_id).exists()


@pytest.mark.parametrize("role", [ROLES.PRESCRIBER, ROLES.NURSE, ROLES.STAFF, ROLES.AUDITOR])
def test_no_other_role_resets(clinic: Clinic, nurse: Actor, role: str) -> None:
    by = factories.member(clinic, role)
    with pytest.raises(Refused):
        members.reset_second_factors(membership_id=membership(nurse).id, reason="phone", by=by, at=clock.now())
    assert Authenticator.objects.filter(user_id=nurse.user_id).exists()


def test_an_administrator_of_another_clinic_does_not(nurse: Actor) -> None:
    by = factories.member(factories.clinic("Other Clinic"), ROLES.ADMINISTRATOR)
    with pytest.raises(Refused):
        members.reset_second_factors(membership_id=membership(nurse).id, reason="phone", by=by, at=clock.now())
    assert Authenticator.objects.filter(user_id=nurse.user_id).exists()


def test_no_command_of_ours_touches_a_second_factor() -> None:
    """What a command could do, a thief of a server session would do."""
    from pathlib import Path

    sources = [path.read_text() for path in Path(ours.__file__).parent.glob("*.py")]
    assert sources
    assert not [source for source in sources if "Authenticator" in source or "second_factor" in source]
