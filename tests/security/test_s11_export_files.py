"""S11, S12: a finished export is its owner's, here and now: asked again at every fetching, and every try is remembered.

A file may be fetched more than once while it lasts (a broken download is no reason to make it again); each fetching is
authorised and recorded by itself.
"""

import threading
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as live
from django.db import connections
from django.test import Client

from accounts.actors import Actor
from accounts.models import Clinic, Membership, User
from common import clock
from exports import services
from exports.models import Export
from tests import factories, memory, pages

pytestmark = pytest.mark.django_db
FETCHERS = 20


@pytest.fixture(autouse=True)
def export_dir(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.EXPORT_DIR = tmp_path / "exports"
    monkeypatch.setattr(services, "_ring", lambda export_id: None)
    return settings.EXPORT_DIR


@pytest.fixture
def staff() -> Actor:
    return factories.member(factories.clinic(), Membership.Role.STAFF)


def made(by: Actor) -> Export:
    patient = factories.patient(Clinic.objects.get(id=by.clinic_id))
    factories.told_night(patient, clock.now().date() - timedelta(days=2))
    export = services.ask(patient=None, request_key=uuid.uuid4(), by=by, at=clock.now())
    services.run(export.id, now=clock.now)
    export.refresh_from_db()
    return export


def nobody(client: Client, by: Actor) -> None:
    client.cookies.clear()


def signed_out(client: Client, by: Actor) -> None:
    client.post("/accounts/logout/")


def another_member(client: Client, by: Actor) -> None:
    other = factories.member(Clinic.objects.get(id=by.clinic_id), Membership.Role.STAFF)
    pages.sign_in(client, User.objects.get(id=other.user_id))


def another_clinic(client: Client, by: Actor) -> None:
    other = factories.member(factories.clinic("Elsewhere"), Membership.Role.STAFF)
    pages.sign_in(client, User.objects.get(id=other.user_id))


def tampered_session(client: Client, by: Actor) -> None:
    key = client.cookies[live.SESSION_COOKIE_NAME].value
    client.cookies[live.SESSION_COOKIE_NAME] = key[::-1]


def role_taken(client: Client, by: Actor) -> None:
    Membership.objects.filter(user_id=by.user_id).update(role=Membership.Role.NURSE)


def place_ended(client: Client, by: Actor) -> None:
    Membership.objects.filter(user_id=by.user_id).update(ended_at=clock.now())


def deactivated(client: Client, by: Actor) -> None:
    User.objects.filter(id=by.user_id).update(is_active=False)


def expired(client: Client, by: Actor) -> None:
    Export.objects.filter(owner_id=by.user_id).update(expires_at=clock.now() - timedelta(seconds=1))


CHANGES: list[tuple[Callable[[Client, Actor], None], int, bool]] = [
    (nobody, 302, False),
    (signed_out, 302, False),
    (another_member, 404, True),
    (another_clinic, 404, True),
    (tampered_session, 302, False),
    (role_taken, 403, True),
    (place_ended, 404, False),
    (deactivated, 302, False),
    (expired, 404, True),
]


@pytest.mark.parametrize(("change", "status", "remembered"), CHANGES, ids=lambda one: getattr(one, "__name__", None))
def test_what_opened_a_moment_ago_opens_no_more(
    staff: Actor, change: Callable[[Client, Actor], None], status: int, remembered: bool
) -> None:
    """`remembered` is who was known and let down; of a browser that is nobody's there is nothing to remember."""
    export, client = made(staff), pages.client_of(staff)
    address = f"/exports/{export.id}/file"
    assert b"".join(client.get(address).streaming_content)
    change(client, staff)
    before = len(memory.events(result="denied"))
    answer = client.get(address)
    assert answer.status_code == status
    assert not answer.streaming
    assert len(memory.events(result="denied")) - before == remembered


@pytest.mark.parametrize(
    "tail",
    [
        "{id}/../{id}/file",
        "{id}/%2e%2e/file",
        "..%2f..%2fetc%2fpasswd",
        "{id}%00/file",
        "{id}/file%00.csv",
        "{id}/file/",
        "{id}/file/../../settings.py",
        "{id}.csv",
        "{hex}/file",
        "{upper}/file",
        "{near}/file",
        "{id}/file?path=../../../etc/passwd",
    ],
)
def test_tricks_with_the_path_lead_nowhere_else(staff: Actor, tail: str) -> None:
    export, client = made(staff), pages.client_of(staff)
    near = f"{str(export.id)[:-1]}{'0' if str(export.id)[-1] != '0' else '1'}"
    path = tail.format(id=export.id, hex=export.id.hex, upper=str(export.id).upper(), near=near)
    answer = client.get(f"/exports/{path}")
    if "?" in tail:
        assert b"".join(answer.streaming_content).startswith(b"export_id,"), "a question changes nothing"
    else:
        assert answer.status_code == 404


@pytest.mark.django_db(transaction=True)
def test_every_one_of_parallel_fetchings_is_authorised_and_remembered(staff: Actor) -> None:
    export, client = made(staff), pages.client_of(staff)
    cookies, barrier, answers = client.cookies.output(header="", sep=";"), threading.Barrier(FETCHERS), []

    def fetch(number: int) -> None:
        browser = pages.new_client()
        browser.cookies.load(cookies)
        barrier.wait()
        try:
            if number == FETCHERS // 2:
                Membership.objects.filter(user_id=staff.user_id).update(role=Membership.Role.NURSE)
            answer = browser.get(f"/exports/{export.id}/file")
            answers.append(answer.status_code)
            if answer.streaming:
                assert b"".join(answer.streaming_content)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=fetch, args=(number,)) for number in range(FETCHERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    counted = Counter(answers)
    assert set(counted) <= {200, 403}
    assert sum(counted.values()) == FETCHERS
    results = Counter(event.result for event in memory.events(action="export.fetch"))
    assert (results["done"], results["denied"]) == (counted[200], counted[403])
    assert client.get(f"/exports/{export.id}/file").status_code == 403
