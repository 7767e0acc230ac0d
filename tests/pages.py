"""What tests of pages share: a signed-in browser without a browser, and the statements a page costs."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from typing import Any

from django.db import connection
from django.test import Client
from django.test.client import ClientHandler
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from accounts.actors import Actor
from accounts.models import User
from common import clock

TRANSACTION = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT", "BEGIN", "COMMIT", "SELECT set_config(")
"""The brackets of a transaction, and what the database is told at its beginning: who acts."""


_HANDLER = ClientHandler(enforce_csrf_checks=False)
"""The site as all these clients see it: setting its middleware up once and not per client saves most of a knock."""


def new_client() -> Client:
    """A browser of nobody's."""
    client = Client()
    client.handler = _HANDLER
    return client


def client_of(actor: Actor, *, stepped_up: bool = True) -> Client:
    """A client signed in as this member by a passkey, shown once more just now unless `stepped_up` says no."""
    client = new_client()
    sign_in(client, User.objects.get(id=actor.user_id), stepped_up=stepped_up)
    return client


def sign_in(client: Client, user: User, *, stepped_up: bool = True) -> None:
    """What signing in by a passkey leaves in the session."""
    client.force_login(user)
    session = client.session
    shown = {"method": "mfa", "type": "webauthn", "passwordless": True, "at": clock.now().timestamp()}
    again = {"method": "mfa", "type": "webauthn", "reauthenticated": True, "at": clock.now().timestamp()}
    session["account_authentication_methods"] = [shown, again] if stepped_up else [shown]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()


def stay_signed_in(settings: Any) -> None:
    """One signing in for all the days of a test."""
    settings.SESSION_COOKIE_AGE = 365 * 24 * 3600
    settings.SIGNED_IN_IDLE = settings.SIGNED_IN_AT_MOST = timedelta(days=365)


def words_of(response: Any) -> str:
    """What a page says, without its tags and with single spaces."""
    return re.sub(r"\s+", " ", unescape(strip_tags(response.content.decode())))


@dataclass
class Statements:
    """What was sent to the database, session and user included, without the brackets of transactions."""

    sql: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.sql)

    def __str__(self) -> str:
        return "\n".join(f"{number:2} {sql[:160]}" for number, sql in enumerate(self.sql, 1))


@contextmanager
def statements() -> Iterator[Statements]:
    """Count the statements of the block."""
    found = Statements()
    with CaptureQueriesContext(connection) as captured:
        yield found
    found.sql += [query["sql"] for query in captured.captured_queries if not query["sql"].startswith(TRANSACTION)]
