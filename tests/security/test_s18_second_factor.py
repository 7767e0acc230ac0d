"""S18: nothing of a clinic opens before a second factor was shown in this very session, whichever way one comes."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse

from accounts.access import INSIDE
from accounts.models import Membership, Session, User
from tests import factories, factors, memory, pages
from tests.guards.matrix import LINES, OURS

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 16, 10, tzinfo=UTC)
ENROL = "/accounts/factors/webauthn/add/"
WITHOUT_IDS = sorted(
    name for name in OURS if OURS[name].kind in ("clinic", "person") and not LINES[name].ids and LINES[name].get == 200
)


@pytest.fixture(autouse=True)
def now() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as travel:
        yield travel


@pytest.fixture
def user() -> User:
    made = User.objects.create_user("member@test.invalid", name="Test Member", password=factors.PASSWORD)
    Membership.objects.create(user=made, clinic=factories.clinic(), role=Membership.Role.PRESCRIBER)
    return made


@pytest.fixture
def enrolled(user: User) -> User:
    factors.app(user)
    return user


def opens(client: Client) -> bool:
    return client.get("/").status_code == 200


def test_after_the_password_every_direct_address_is_refused(client: Client, enrolled: User) -> None:
    assert factors.first(client, enrolled).url == "/accounts/factors/authenticate/"
    assert len(WITHOUT_IDS) >= 7
    for name in [*WITHOUT_IDS, *sorted(INSIDE - {"mfa_edit_webauthn", "mfa_remove_webauthn"})]:
        answer = client.get(reverse(name))
        assert answer.status_code == 302, name
        assert answer.url.startswith("/accounts/login/?next="), name


def test_and_opens_after_the_code(client: Client, enrolled: User) -> None:
    factors.first(client, enrolled)
    assert factors.second(client, factors.code()).url == "/"
    assert opens(client)
    assert memory.event(action="sign_in", result="done").details == {"method": "password+totp"}


def test_who_has_no_factor_can_do_nothing_but_make_one(client: Client, user: User) -> None:
    factors.first(client, user)
    for name in [*WITHOUT_IDS, *sorted(INSIDE - {"mfa_edit_webauthn", "mfa_remove_webauthn"})]:
        assert client.get(reverse(name)).url == ENROL, name
    for name in ("mfa_edit_webauthn", "mfa_remove_webauthn"):
        assert client.post(reverse(name, kwargs={"pk": 1})).url == ENROL
    assert client.get(ENROL).status_code == 200
    assert "Protect your sign-in" in client.get(ENROL).content.decode()


@pytest.mark.django_db(transaction=True)
def test_making_one_is_part_of_the_first_sign_in(client: Client, user: User, mailoutbox: list[EmailMessage]) -> None:
    factors.first(client, user)
    page = client.get("/accounts/factors/totp/activate/").content.decode()
    assert 'src="data:image/svg+xml;base64,' in page
    secret = re.search(r'class="secret">(\w+)<', page)[1]
    assert secret not in str([session.get_decoded() for session in Session.objects.all()])
    answer = client.post("/accounts/factors/totp/activate/", {"code": factors.code(secret)})
    codes = client.get(answer.url).content.decode()
    assert len(set(re.findall(r"<li>(\d{8})</li>", codes))) == 10
    assert opens(client)
    again = client.get(answer.url).content.decode()
    assert not re.findall(r"<li>\d{8}</li>", again)
    stored = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in stored
    assert "sealed1:" in stored
    # The code that proved the app is spent.
    factors.first(thief := Client(), user)
    factors.second(thief, factors.code(secret))
    assert not opens(thief)
    assert [mail.subject for mail in mailoutbox] == ["An authenticator app was added to your sign-in"]
    assert mailoutbox[0].to == [user.username]
    assert [event.details["type"] for event in memory.events(action="factor.add")] == ["totp", "recovery_codes"]


def test_a_session_that_stopped_half_way_is_dead_once_a_factor_is_made(client: Client, user: User) -> None:
    factors.first(client, user)
    assert client.get("/").url == ENROL
    factors.app(user)
    for address in ("/", ENROL, "/accounts/factors/totp/activate/"):
        assert client.get(address).url.startswith("/accounts/login/")


def test_a_new_password_by_mail_is_only_the_first_factor(
    client: Client, enrolled: User, mailoutbox: list[EmailMessage]
) -> None:
    before = pages.new_client()
    pages.sign_in(before, enrolled)
    assert opens(before)
    enrolled.email = enrolled.username
    enrolled.save()
    client.post("/accounts/password/reset/", {"email": enrolled.username})
    link = re.search(r"/accounts/password/reset/key/\S+", mailoutbox[-1].body)[0]
    form = client.get(link).url
    new = "another long pass phrase"
    answer = client.post(form, {"password1": new, "password2": new})
    assert answer.url == "/accounts/password/reset/key/done/"
    assert not opens(client)
    assert not opens(before)
    assert factors.first(client, enrolled, new).url == "/accounts/factors/authenticate/"
    assert not opens(client)
    assert client.get(link).status_code == 200
    assert "no longer works" in client.get(link).content.decode()


def test_a_recovery_code_works_once(client: Client, enrolled: User, mailoutbox: list[EmailMessage]) -> None:
    one, *_ = factors.recovery_codes(enrolled)
    factors.first(client, enrolled)
    assert factors.second(client, one).url == "/"
    assert [mail.subject for mail in mailoutbox] == ["A recovery code was used to sign in"]
    assert "9 are left" in mailoutbox[0].body
    assert memory.event(action="factor.recovery_code").details == {"left": 9}
    other = Client()
    factors.first(other, enrolled)
    assert factors.second(other, one).status_code == 200
    assert not opens(other)


@pytest.mark.parametrize("cache_forgets", [False, True])
def test_a_code_of_the_app_works_once(client: Client, enrolled: User, now: Any, cache_forgets: bool) -> None:
    from django.core.cache import cache

    code = factors.code()
    factors.first(client, enrolled)
    assert factors.second(client, code).url == "/"
    # Also where it is still within the tolerance, and where the cache has forgotten it.
    for later in (0, 29, 30):
        now.shift(timedelta(seconds=later))
        if cache_forgets:
            cache.clear()
        thief = Client()
        factors.first(thief, enrolled)
        assert factors.second(thief, code).status_code == 200
        assert not opens(thief)
    now.shift(timedelta(seconds=30))
    factors.first(other := Client(), enrolled)
    assert factors.second(other, factors.code()).url == "/"


def test_an_older_code_is_dead_after_a_newer_one(client: Client, enrolled: User) -> None:
    old, new = factors.code(), factors.code(steps=1)
    factors.first(client, enrolled)
    assert factors.second(client, new).url == "/"
    factors.first(thief := Client(), enrolled)
    assert factors.second(thief, old).status_code == 200
    assert not opens(thief)


def test_what_another_person_showed_does_not_count(client: Client, enrolled: User) -> None:
    other = factories.member(factories.clinic())
    client.force_login(enrolled)
    session = client.session
    session["account_authentication_methods"] = [{"method": "mfa", "at": NOW.timestamp()}]
    session["account_authentication_methods_user"] = str(other.user_id)
    session.save()
    assert not opens(client)


@pytest.mark.parametrize("demo", [False, True])
def test_the_click_of_a_demonstration_counts_in_one_only(
    client: Client, user: User, settings: Any, monkeypatch: pytest.MonkeyPatch, demo: bool
) -> None:
    monkeypatch.setattr("ldn_clinic.demo.PERSONAS", [User(username=user.username)])
    settings.DEMO = True
    assert client.post("/demo/sign-in", {"username": user.username}).url == "/"
    assert memory.event(action="sign_in").details == {"method": "demo"}
    settings.DEMO = demo
    assert opens(client) is demo


def test_the_only_factor_cannot_be_removed(enrolled: User) -> None:
    client = pages.new_client()
    pages.sign_in(client, enrolled)
    page = client.post("/accounts/factors/totp/deactivate/").content.decode()
    assert "Add another before you remove it" in page
    key = Authenticator.objects.create(user=enrolled, type=Authenticator.Type.WEBAUTHN, data={"name": "x"})
    Authenticator.objects.filter(type=Authenticator.Type.TOTP).delete()
    answer = client.post(f"/accounts/factors/webauthn/keys/{key.pk}/remove/")
    assert answer.status_code == 409
    assert Authenticator.objects.filter(pk=key.pk).exists()


def test_factors_change_only_for_who_has_shown_one_just_now(enrolled: User, now: Any) -> None:
    client = pages.new_client()
    pages.sign_in(client, enrolled, stepped_up=False)
    assert client.get("/accounts/factors/webauthn/add/").status_code == 200
    now.shift(timedelta(minutes=6))
    for address in ("/accounts/factors/webauthn/add/", "/accounts/factors/recovery-codes/generate/"):
        assert client.get(address).url.startswith("/accounts/factors/reauthenticate/?next="), address
    key = client.cookies["session"].value
    answer = client.post("/accounts/factors/reauthenticate/", {"code": factors.code(), "next": ENROL})
    assert answer.url == ENROL
    assert client.cookies["session"].value != key
    assert client.get("/accounts/factors/webauthn/add/").status_code == 200


def test_a_password_alone_confirms_nothing_for_who_has_more(enrolled: User, now: Any) -> None:
    client = pages.new_client()
    pages.sign_in(client, enrolled, stepped_up=False)
    now.shift(timedelta(minutes=6))
    answer = client.post("/accounts/reauthenticate/", {"password": factors.PASSWORD})
    assert answer.url == "/accounts/factors/reauthenticate/"
