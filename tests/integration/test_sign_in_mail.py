"""Changes to a sign-in are told by mail, through a real SMTP server; a server that is away stops no change."""

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from accounts.models import User
from tests import factories, factors, pages
from tests.reliability import smtp_stub
from tests.reliability.smtp_stub import Stub

pytestmark = pytest.mark.django_db(transaction=True)

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def post(settings: Any) -> Iterator[Stub]:
    with smtp_stub.running() as (stub, port):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        yield stub


@pytest.fixture
def user() -> User:
    found = User.objects.get(id=factories.member(factories.clinic("Told Clinic")).user_id)
    found.set_password(factors.PASSWORD)
    found.save()
    factors.app(found)
    return found


@pytest.fixture
def client(user: User) -> Client:
    signed_in = Client(headers={"User-Agent": AGENT}, REMOTE_ADDR="192.0.2.5")
    pages.sign_in(signed_in, user)
    return signed_in


def test_a_removed_passkey_new_codes_and_a_new_password_are_told(client: Client, user: User, post: Stub) -> None:
    key = Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data={"name": "x"})
    new = "another long pass phrase"
    client.post("/accounts/factors/recovery-codes/generate/")
    client.post(f"/accounts/factors/webauthn/keys/{key.pk}/remove/", {"next": "/accounts/factors/"})
    passwords = {"oldpassword": factors.PASSWORD, "password1": new, "password2": new}
    client.post("/accounts/password/change/", passwords)
    mails = post.messages
    assert [mail["Subject"] for mail in mails] == [
        "New recovery codes were made for your sign-in",
        "A passkey was removed from your sign-in",
        "Your password was changed",
    ]
    for mail in mails:
        body = mail.get_content()
        assert mail["To"] == user.username
        assert "From: Firefox on Linux, 192.0.2.5" in body
        for word in ("Told Clinic", "Test Member", "LDN", "naltrexone", new):
            assert word not in body
    assert client.get("/").status_code == 302


def test_a_mail_server_that_is_away_stops_no_change(client: Client, user: User, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", smtp_stub.free_port()
    assert client.post("/accounts/factors/recovery-codes/generate/").status_code == 302
    assert Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).count() == 1
