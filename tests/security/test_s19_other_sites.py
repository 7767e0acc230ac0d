"""S19: what another site has a browser send is refused and leaves nothing; what only reads writes nothing of care."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.http import SimpleCookie
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client
from django.test.client import ClientHandler
from django.urls import reverse

from accounts.access import ALLAUTH_VIEWS
from tests import personas
from tests.guards.matrix import LINES, OURS_BY_NAME, expected, ids_of
from tests.personas import House, Persona

STRICT = ClientHandler(enforce_csrf_checks=True)
WRITING = re.compile(r'^\s*(?:INSERT INTO|UPDATE|DELETE FROM|TRUNCATE)\s+"?(\w+)', re.IGNORECASE)
KEPT_BY_READING = re.compile(r"^(?:audit_\w+|accounts_session|patients_phone|patients_phonesecret)$")
"""The memory of who read, when a session was last used, when a phone was, and the new secret it is offered daily."""
COUNTED = {"portal:open_card": {"patients_mailasked", "patients_emergencycard"}}
"""An emergency card has no other door: its openings are counted, so that nobody tries them and its owner sees them."""
DOES_NOT_NEED_A_TOKEN = {"csp_reports"}
FROM_ELSEWHERE: dict[str, dict[str, str]] = {
    "no token": {},
    "a foreign origin": {"Origin": "https://evil.invalid"},
    "no origin to tell": {"Origin": "null"},
    "another site": {"Sec-Fetch-Site": "cross-site"},
    "a sister site": {"Sec-Fetch-Site": "same-site"},
}
WRITES = sorted(name for name, line in LINES.items() if line.post != 405 and name not in DOES_NOT_NEED_A_TOKEN)
READS = sorted(name for name, line in LINES.items() if line.get != 405)


@contextmanager
def written() -> Iterator[list[str]]:
    """The tables that statements of the block write to."""
    tables: list[str] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if match := WRITING.match(sql):
            tables.append(match[1])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield tables


def browser_of(persona: Persona, token: str = "") -> Client:
    client = Client(raise_request_exception=False)
    client.handler = STRICT
    client.cookies = SimpleCookie({**persona.cookies, **({settings.CSRF_COOKIE_NAME: token} if token else {})})
    return client


def who_may(house: House, name: str, method: str) -> Persona:
    """Somebody whom the page lets in; nobody in particular where it is public."""
    line = LINES[name]
    passed = line.get if method == "GET" else line.post
    return next(
        (one for one in house.personas.values() if expected(name, one, method, mine=True, known=True) == passed),
        house.personas["signed out"],
    )


def address_of(house: House, name: str, persona: Persona) -> tuple[str, dict[str, str]]:
    ids = ids_of(persona, house.cases["foreign" if persona.clinic == "second" else "own"])
    payload = {key: value.format(**ids) for key, value in LINES[name].payload}
    return reverse(name, kwargs={key: ids[key] for key in LINES[name].ids}), payload


@pytest.mark.parametrize("name", WRITES)
def test_what_another_site_sends_is_refused_and_leaves_nothing(house: House, name: str) -> None:
    persona = who_may(house, name, "POST")
    address, payload = address_of(house, name, persona)
    for how, headers in FROM_ELSEWHERE.items():
        token = "" if how == "no token" else _get_new_csrf_string()
        fields = {**payload, "csrfmiddlewaretoken": token} if token else payload
        with transaction.atomic(), written() as tables:
            response = browser_of(persona, token).post(address, fields, headers=headers)
            transaction.set_rollback(True)
        assert response.status_code == 403, f"{name}: {how}"
        assert not [table for table in tables if not KEPT_BY_READING.match(table)], f"{name}: {how}: {tables}"


@pytest.mark.parametrize("name", WRITES)
def test_the_same_with_its_token_from_our_own_page_is_let_in(house: House, name: str) -> None:
    """Else the refusals above would prove nothing."""
    persona, token = who_may(house, name, "POST"), _get_new_csrf_string()
    address, payload = address_of(house, name, persona)
    ours = {"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"}
    with transaction.atomic():
        fields = {**payload, "csrfmiddlewaretoken": token}
        response = browser_of(persona, token).post(address, fields, headers=ours)
        transaction.set_rollback(True)
    assert response.status_code == expected(name, persona, "POST", mine=True, known=True)


@pytest.mark.parametrize("name", sorted(ALLAUTH_VIEWS))
def test_nor_does_the_sign_in_take_anything_from_elsewhere(house: House, name: str) -> None:
    keys: dict[str, dict[str, Any]] = {"account_reset_password_from_key": {"uidb36": "0", "key": "x"}}
    keys |= {one: {"pk": 1} for one in ("mfa_edit_webauthn", "mfa_remove_webauthn")}
    for how, headers in FROM_ELSEWHERE.items():
        for persona in (house.personas["signed out"], house.personas["prescriber"]):
            with transaction.atomic(), written() as tables:
                response = browser_of(persona).post(reverse(name, kwargs=keys.get(name)), {}, headers=headers)
                transaction.set_rollback(True)
            assert response.status_code == 403, f"{name}: {how}"
            assert not [table for table in tables if not KEPT_BY_READING.match(table)], f"{name}: {how}: {tables}"


@pytest.mark.parametrize("name", READS)
def test_reading_writes_nothing_of_care(house: House, name: str) -> None:
    for persona in house.personas.values():
        address, _ = address_of(house, name, persona)
        with transaction.atomic(), written() as tables:
            personas.normal(persona.client().get(address))
            transaction.set_rollback(True)
        of_care = {table for table in tables if not KEPT_BY_READING.match(table)} - COUNTED.get(name, set())
        assert not of_care, f"{persona.name}: {name}: {tables}"


def test_a_link_from_elsewhere_opens_a_page_and_an_embedded_one_does_not(house: House) -> None:
    client = house.personas["prescriber"].client()
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert client.get("/", headers=link).status_code == 200
    for more in ({"Sec-Fetch-Dest": "iframe"}, {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}):
        assert client.get("/", headers={**link, **more}).status_code == 403
    assert client.post("/patients/", {"words": "x"}, headers=link).status_code == 403


def test_the_net_hears_a_write(house: House) -> None:
    persona = house.personas["prescriber"]
    address, payload = address_of(house, "desk:hold", persona)
    with transaction.atomic(), written() as tables:
        assert persona.client().post(address, payload).status_code == 302
        transaction.set_rollback(True)
    assert [table for table in tables if not KEPT_BY_READING.match(table)]


def test_every_other_writing_view_asks_for_the_token() -> None:
    exempt = {name for name, address in OURS_BY_NAME.items() if getattr(address.callback, "csrf_exempt", False)}
    assert exempt == DOES_NOT_NEED_A_TOKEN
