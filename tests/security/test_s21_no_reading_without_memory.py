"""S21: what cannot be remembered is not shown and not done. The emergency words and the emergency card still open."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from axes.models import AccessAttempt
from django.conf import settings as django_settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse

from accounts.models import User
from ldn_clinic.middleware import EMERGENCY_CARD
from portal import words
from tests import factors, owner, pages, personas
from tests.personas import NOW, House
from titration import cards
from titration.models import Prescription


@pytest.fixture
def house(transactional_db: None, settings: Any, tmp_path: Path) -> Iterator[House]:
    settings.EXPORT_DIR = tmp_path
    with time_machine.travel(NOW, tick=False):
        yield personas.build()


@pytest.fixture
def speechless(house: House) -> Iterator[None]:
    with speech_taken():
        yield


@contextmanager
def speech_taken() -> Iterator[None]:
    """The application may not write to the memory, by the owner's word."""
    database, role = connection.settings_dict["NAME"], connection.settings_dict["USER"]
    with owner.connect(database) as session:
        session.execute(f"REVOKE INSERT ON audit_auditevent FROM {role}")
        try:
            yield
        finally:
            session.execute(f"GRANT INSERT ON audit_auditevent TO {role}")


def assert_nothing_is_told(response: Any) -> None:
    assert response.status_code == 503
    body = b"".join(response.streaming_content) if response.streaming else response.content
    assert b"canary" not in body
    assert body == Path(django_settings.BASE_DIR / "templates/503.html").read_bytes().partition(b"endcomment %}")[2]


READ = {
    "nurse": ["desk:home", "desk:patients", "desk:patient", "desk:chart_svg", "desk:reminders"],
    "staff": ["exports:file"],
    "patient": ["portal:tonight", "portal:plan"],
}


def test_no_page_and_no_file_is_shown(house: House, speechless: None) -> None:
    case = house.cases["own"]
    ids = {
        "desk:patient": [case.patient.id],
        "desk:chart_svg": [case.patient.id],
        "exports:file": [case.exports["staff"]],
    }
    for name, shown in READ.items():
        for page in shown:
            assert_nothing_is_told(house.personas[name].client().get(reverse(page, args=ids.get(page, []))))


def test_the_same_pages_are_shown_when_the_memory_can_be_written(house: House) -> None:
    response = house.personas["nurse"].client().get(reverse("desk:patient", args=[house.cases["own"].patient.id]))
    assert (response.status_code, b"canary-own" in response.content) == (200, True)


def test_no_deed_is_done(house: House, speechless: None) -> None:
    plan = house.cases["own"].prescription
    address = reverse("desk:stop", args=[plan.id])
    typed = {"reason": "test", "seen_version": str(plan.version)}
    assert_nothing_is_told(house.personas["prescriber"].client().post(address, typed))
    assert Prescription.objects.get(id=plan.id).state == plan.state


def test_a_refusal_that_cannot_be_remembered_is_not_told_either(house: House, speechless: None) -> None:
    assert_nothing_is_told(house.personas["nurse"].client().post(reverse("exports:ask"), {}))


def test_nobody_is_signed_in_without_memory(house: House, speechless: None) -> None:
    user = User.objects.create_user("late@test.invalid", name="Late Member", password="a long pass phrase of the tests")
    client = Client()
    assert_nothing_is_told(
        client.post(reverse("account_login"), {"login": user.username, "password": "a long pass phrase of the tests"})
    )
    assert client.get(reverse("desk:home")).status_code == 302


def test_no_factor_is_made_without_memory(house: House) -> None:
    user, client = _with_a_password("new@test.invalid"), Client()
    pages.sign_in(client, user)
    secret = client.get(reverse("mfa_activate_totp")).context["form"].secret
    with speech_taken():
        assert_nothing_is_told(client.post(reverse("mfa_activate_totp"), {"code": factors.code(secret)}))
    assert not Authenticator.objects.filter(user=user).exists()


def test_no_factor_is_taken_away_without_memory(house: House) -> None:
    user, client = _with_a_password("new@test.invalid"), Client()
    factors.app(user)
    key = Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data={"name": "x"})
    pages.sign_in(client, user)
    with speech_taken():
        assert_nothing_is_told(client.post(reverse("mfa_remove_webauthn", args=[key.pk])))
    assert Authenticator.objects.filter(pk=key.pk).exists()


def test_no_password_is_changed_without_memory(house: House) -> None:
    user, client = _with_a_password("new@test.invalid"), Client()
    pages.sign_in(client, user)
    new = "quite another pass phrase of the tests"
    typed = {"oldpassword": factors.PASSWORD, "password1": new, "password2": new}
    with speech_taken():
        assert_nothing_is_told(client.post(reverse("account_change_password"), typed))
    user.refresh_from_db()
    assert user.check_password(factors.PASSWORD)
    assert client.get(reverse("account_change_password")).status_code == 200


def test_a_refused_sign_in_is_still_counted(house: House) -> None:
    user = _with_a_password("new@test.invalid")
    assert factors.first(Client(), user, password="none of theirs").status_code == 200
    assert AccessAttempt.objects.count() == 1


def _with_a_password(name: str) -> User:
    return User.objects.create_user(name, name="New Member", password=factors.PASSWORD)


def test_the_emergency_words_stand_on_the_page_that_is_shown_instead() -> None:
    page = unescape(Path(django_settings.BASE_DIR / "templates/503.html").read_text())
    stop, card = words.stop_words(), cards.words()
    for sentence in (stop.emergency_heading, *stop.emergency_signs, stop.emergency_say, card.yours[0]):
        assert sentence in page
    assert f'href="{EMERGENCY_CARD}"' in page


class TestTheEmergencyCard:
    """No test here may touch the database: the card opens without one, whoever asks."""

    def test_it_opens_without_a_database_whatever_cookies_are_shown(self) -> None:
        client = Client()
        for name in (django_settings.SESSION_COOKIE_NAME, django_settings.PHONE_COOKIE_NAME, "messages"):
            client.cookies[name] = "anything"
        response = client.get(EMERGENCY_CARD)
        assert response.status_code == 200
        page = unescape(response.content.decode())
        stop, card = words.stop_words(), cards.words()
        for sentence in (card.say, *card.helpers, *card.yours, *stop.emergency_signs):
            assert sentence in page
        assert not response.cookies

    def test_it_is_where_the_other_pages_say(self) -> None:
        assert reverse("portal:emergency") == EMERGENCY_CARD


@pytest.mark.django_db
def test_a_database_lost_before_the_page_is_told_as_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(self: SessionStore) -> None:
        raise OperationalError("gone")

    client = Client(raise_request_exception=False)
    client.cookies[django_settings.SESSION_COOKIE_NAME] = uuid.uuid4().hex
    monkeypatch.setattr(SessionStore, "load", lost)
    response = client.get(reverse("account_login"))
    assert response.status_code == 503
    assert b"/p/emergency/" in response.content
