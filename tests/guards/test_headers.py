"""What every answer carries, and what no page may contain: nothing inline, nothing kept, nothing from elsewhere."""

import mailbox
from collections.abc import Iterator
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from desk.views import home
from tests import factories, pages, personas
from tests.guards.matrix import LINES, OURS, ids_of
from tests.personas import NOW, House


class Inline(HTMLParser):
    """Collects what the content security policy would block or what would leave the house."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        if tag == "style" or (tag == "script" and "src" not in values):
            self.found.append(f"<{tag}>")
        for name, value in values.items():
            if name == "style" or name.startswith("on"):
                self.found.append(f"<{tag} {name}={value!r}>")
            if name in ("href", "src", "action") and self._leads_away(value):
                self.found.append(f"<{tag} {name}={value!r}>")

    @staticmethod
    def _leads_away(address: str) -> bool:
        plain = address.strip().casefold()
        return plain.startswith(("javascript:", "http:", "https:", "//")) and not plain.startswith(settings.BASE_URL)


def inline_of(html: str) -> list[str]:
    parser = Inline()
    parser.feed(html)
    parser.close()
    return parser.found


def assert_guarded(response: Any, where: str) -> None:
    policy = response.get("Content-Security-Policy", "")
    directives = dict(part.strip().partition(" ")[::2] for part in policy.split(";") if part.strip())
    assert directives["default-src"] == "'none'", where
    assert directives["script-src"] == directives["style-src"] == "'self'", where
    assert directives["frame-ancestors"] == directives["base-uri"] == directives["object-src"] == "'none'", where
    assert "unsafe" not in policy, where
    assert "no-store" in response.get("Cache-Control", ""), where
    assert response["X-Frame-Options"] == "DENY", where
    assert response["X-Content-Type-Options"] == "nosniff", where
    assert response["Referrer-Policy"] in ("same-origin", "strict-origin"), where
    assert response["Cross-Origin-Resource-Policy"] == response["Cross-Origin-Opener-Policy"] == "same-origin", where
    assert "camera=()" in response["Permissions-Policy"], where
    if response.streaming:
        assert b"".join(response.streaming_content), where
    elif response.get("Content-Type", "").startswith("text/html"):
        assert not inline_of(response.content.decode()), where


@pytest.fixture
def house(db: None, tmp_path: Any, settings: Any) -> Iterator[House]:
    settings.EXPORT_DIR = tmp_path
    with time_machine.travel(NOW, tick=False):
        yield personas.build()


def test_every_answer_to_everybody_carries_them(house: House) -> None:
    """Pages shown, pages refused, forms sent back, files fetched: all the answers there are."""
    case = house.cases["own"]
    values = ids_of(house.personas["prescriber"], case)
    met = set()
    for name in OURS:
        address = reverse(name, kwargs={key: values[key] for key in LINES[name].ids})
        for persona in ("signed out", "auditor", "prescriber", "patient"):
            client = house.personas[persona].client()
            for method in (client.get, client.post):
                response = method(address)
                met.add(response.status_code)
                assert_guarded(response, f"{persona}: {method.__name__} {address}")
    assert met >= {200, 302, 403, 404, 405, 422}


def test_so_do_the_pages_of_a_demonstration(db: None, client: Client, settings: Any, tmp_path: Any) -> None:
    settings.DEMO, settings.MAILBOX_DIR = True, tmp_path / "mailbox"
    letter = EmailMessage()
    letter["To"], letter["Subject"], letter["Date"] = (
        "a@test.invalid",
        "<b>A letter</b>",
        "Mon, 16 Mar 2026 10:00:00 +0000",
    )
    letter.set_content("Open http://localhost:8000/p/open/token/ <script>alert(1)</script>")
    box = mailbox.Maildir(settings.MAILBOX_DIR)
    key = box.add(letter)
    for address in ("/demo/", "/demo/mail/", f"/demo/mail/{key}", "/accounts/login/"):
        response = client.get(address)
        assert response.status_code == 200, address
        assert_guarded(response, address)
    assert "<script>alert" not in client.get(f"/demo/mail/{key}").content.decode()
    assert "<b>A letter" not in client.get("/demo/mail/").content.decode()


@pytest.mark.parametrize("address", ["/nowhere", "/accounts/login/", "/accounts/password/reset/", "/accounts/logout/"])
def test_so_do_pages_that_are_not_ours(client: Client, db: None, address: str) -> None:
    assert_guarded(client.get(address), address)


def test_so_does_a_page_from_elsewhere(db: None) -> None:
    response = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "x"})
    assert response.status_code == 403
    assert_guarded(response, "without a token")


@pytest.mark.parametrize(("error", "status"), [(RuntimeError("boom"), 500), (OperationalError("gone"), 503)])
def test_so_does_a_fault(db: None, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int) -> None:
    client = pages.client_of(factories.member(factories.clinic()))
    client.raise_request_exception = False

    def fail(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(home.worklist, "due_steps", fail)
    response = client.get("/")
    assert response.status_code == status
    assert b"boom" not in response.content
    assert_guarded(response, str(status))


def test_the_net_catches_what_it_is_for() -> None:
    for bad in (
        '<p style="color: red">',
        "<style>p {}</style>",
        "<script>alert(1)</script>",
        '<a onclick="x()">',
        '<a href="javascript:x()">',
        '<img src="https://elsewhere.invalid/x.png">',
    ):
        assert inline_of(bad), bad
    assert not inline_of('<script type="module" src="/static/x.js"></script><svg xmlns="http://www.w3.org/2000/svg">')
