"""The pages of exports: one click is one job, a stranger finds nothing, and a queue that is down loses nothing."""

import re
import time
import uuid
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import Membership, User
from common import clock
from exports import presenters, services
from exports.models import Export
from symptoms.models import SymptomLog
from tests import factories, memory, pages

pytestmark = pytest.mark.django_db
NOBODY_LISTENS = "redis://127.0.0.1:9/0"


@pytest.fixture(autouse=True)
def export_dir(tmp_path: Path, settings: Any) -> Path:
    settings.EXPORT_DIR = tmp_path / "exports"
    return settings.EXPORT_DIR


@pytest.fixture
def clinic() -> Any:
    return factories.clinic()


@pytest.fixture
def staff(clinic: Any) -> Actor:
    return factories.member(clinic, Membership.Role.STAFF)


@pytest.fixture
def window(staff: Actor) -> Client:
    return signed_in(staff)


def signed_in(actor: Actor) -> Client:
    client = Client()
    pages.sign_in(client, User.objects.get(id=actor.user_id))
    return client


def made(by: Actor, patient: Any = None) -> Export:
    export = services.ask(patient=patient, request_key=uuid.uuid4(), by=by, at=clock.now())
    services.run(export.id, now=clock.now)
    export.refresh_from_db()
    return export


def address(name: str, export: Export) -> str:
    return reverse(f"exports:{name}", args=[export.id])


def without_token(page: bytes) -> bytes:
    return re.sub(rb'(name="csrfmiddlewaretoken" value=)"[^"]+"', rb"\1", page)


def reads() -> list[tuple[str, list[uuid.UUID]]]:
    return [(event.action, event.patient_ids) for event in memory.events(actor_kind="member")]


def test_the_form_of_the_page_asks_once_however_often_it_is_sent(window: Client) -> None:
    page = window.get(reverse("exports:list")).content.decode()
    (key,) = re.findall(r'name="request_key" value="([0-9a-f-]{36})"', page)
    answers = [window.post(reverse("exports:ask"), {"request_key": key}) for _ in range(2)]
    export = Export.objects.get()
    assert [answer.url for answer in answers] == [address("show", export)] * 2


def test_one_patients_nights_are_asked_for_from_the_patients_page(window: Client, clinic: Any) -> None:
    patient = factories.patient(clinic, record_number="R-17")
    page = window.get(reverse("exports:list"), {"patient": str(patient.id)}).content.decode()
    assert "Nights of record R-17" in page
    assert ("export.list", [patient.id]) in reads()
    key = uuid.uuid4()
    window.post(reverse("exports:ask"), {"request_key": str(key), "patient": str(patient.id)})
    assert Export.objects.get(request_key=key).patient_id == patient.id


def test_another_clinics_patient_does_not_exist_here(window: Client) -> None:
    stranger = factories.patient(factories.clinic("Other Clinic"))
    for patient in (str(stranger.id), str(uuid.uuid4()), "../1", "\0"):
        assert window.get(reverse("exports:list"), {"patient": patient}).status_code == 404
        asked = window.post(reverse("exports:ask"), {"request_key": str(uuid.uuid4()), "patient": patient})
        assert asked.status_code == 404
    assert window.post(reverse("exports:ask"), {"request_key": "not a key"}).status_code == 404
    assert not Export.objects.exists()


def test_a_nurse_is_told_why_not_and_it_is_remembered(clinic: Any) -> None:
    client = signed_in(factories.member(clinic, Membership.Role.NURSE))
    for answer in (client.get(reverse("exports:list")), client.post(reverse("exports:ask"), {})):
        assert answer.status_code == 403
        assert "may not export data" in answer.content.decode()
    assert len(memory.events(result="denied")) == 2


def test_the_file_goes_to_its_owner_with_a_fixed_name(window: Client, staff: Actor, clinic: Any) -> None:
    patient = factories.patient(clinic, record_number="../../R")
    SymptomLog.objects.create(clinic=clinic, patient=patient, night=date(2026, 3, 1), recorded_at=factories.AT)
    export = made(staff, patient)
    answer = window.get(address("file", export))
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == f'attachment; filename="ldn-nights-{str(export.id)[:8]}.csv"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer["Cache-Control"]
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    body = b"".join(answer.streaming_content)
    assert body.startswith(b"export_id,clinic_record_number,")
    assert body.count(b"\r\n") == 2
    fetched = memory.event(action="export.fetch")
    assert (fetched.patient_ids, fetched.details["sha256"]) == ([patient.id], export.sha256)


def test_to_anyone_else_an_export_is_as_unknown_as_one_that_never_was(clinic: Any, staff: Actor) -> None:
    export = made(staff)
    elsewhere = factories.clinic("Other Clinic")
    strangers = (factories.member(clinic), factories.member(elsewhere, Membership.Role.STAFF))
    for stranger in strangers:
        client = signed_in(stranger)
        for name in ("show", "file"):
            foreign = client.get(address(name, export))
            unknown = client.get(reverse(f"exports:{name}", args=[uuid.uuid4()]))
            assert (foreign.status_code, unknown.status_code) == (404, 404)
            assert without_token(foreign.content) == without_token(unknown.content)
    assert Client().get(address("file", export)).status_code == 302
    assert len(memory.events(action="export.fetch", result="denied")) == 4


def test_the_owner_acting_in_another_clinic_does_not_find_it(staff: Actor, window: Client) -> None:
    export = made(staff)
    elsewhere = factories.clinic("Other Clinic")
    Membership.objects.create(user_id=staff.user_id, clinic=elsewhere, role="staff")
    session = window.session
    session["clinic"] = str(elsewhere.id)
    session.save()
    assert window.get(address("file", export)).status_code == 404


def test_an_expired_export_says_so_and_gives_nothing(staff: Actor, window: Client) -> None:
    export = made(staff)
    Export.objects.filter(id=export.id).update(expires_at=clock.now() - timedelta(seconds=1))
    assert window.get(address("file", export)).status_code == 404
    page = window.get(address("show", export)).content.decode()
    assert "destroyed after a day" in page
    assert address("file", export) not in page


def test_a_role_taken_away_takes_the_file_away(staff: Actor, window: Client) -> None:
    export = made(staff)
    Membership.objects.filter(user_id=staff.user_id).update(role="nurse")
    assert window.get(address("file", export)).status_code == 403


@pytest.mark.parametrize("path", ["/exports/../etc", "/exports/%2e%2e/file", "/exports/1%00/file", "/exports/x/file"])
def test_an_id_that_is_none_leads_nowhere(window: Client, path: str) -> None:
    assert window.get(path).status_code == 404


def test_the_file_is_fetched_by_reading_and_asked_for_by_posting_only(staff: Actor, window: Client) -> None:
    export = made(staff)
    for method in ("post", "put", "patch", "delete"):
        assert getattr(window, method)(address("file", export)).status_code == 405
    assert window.get(reverse("exports:ask")).status_code == 405


def test_the_page_polls_while_it_moves_and_stops_when_it_is_over(staff: Actor, window: Client, clinic: Any) -> None:
    patient = factories.patient(clinic)
    export = services.ask(patient=patient, request_key=uuid.uuid4(), by=staff, at=clock.now())
    page = window.get(address("show", export)).content.decode()
    assert 'hx-trigger="every 2s"' in page
    assert "<progress" in page
    assert "Look again" in page
    Export.objects.filter(id=export.id).update(rows_done=1234, rows_total=5678)
    before = len(reads())
    part = window.get(address("show", export), headers={"HX-Request": "true"})
    assert part.status_code == 200
    assert "<html" not in part.content.decode()
    assert 'max="5678" value="1234"' in part.content.decode()
    assert patient.record_number not in part.content.decode()
    assert len(reads()) == before, "a poll that names nobody is no reading"
    services.run(export.id, now=clock.now)
    part = window.get(address("show", export), headers={"HX-Request": "true"})
    assert part.status_code == 286
    assert address("file", export) in part.content.decode()


def test_a_queue_that_is_down_keeps_the_request_and_the_page_says_so(
    staff: Actor, window: Client, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    real = current_app.connection_for_write
    monkeypatch.setattr(current_app._get_current_object(), "connection_for_write", lambda: real(NOBODY_LISTENS))
    began = time.monotonic()
    with django_capture_on_commit_callbacks(execute=True) as rung:
        answer = window.post(reverse("exports:ask"), {"request_key": str(uuid.uuid4())})
    assert len(rung) == 1
    assert time.monotonic() - began < 2, "a page must not wait for a queue that is away"
    assert answer.status_code == 302
    export = Export.objects.get()
    assert export.state == "queued"
    assert "Your request is saved" in window.get(answer.url).content.decode()
    Export.objects.filter(id=export.id).update(requested_at=clock.now() - timedelta(minutes=1))
    assert "no need to ask again" in window.get(answer.url).content.decode()

    monkeypatch.undo()
    again: list[Any] = []
    monkeypatch.setattr(services, "_ring", again.append)
    services.sweep(at=clock.now())
    assert again == [export.id]


def test_the_list_shows_own_exports_only_and_costs_the_same_for_many(clinic: Any, staff: Actor, window: Client) -> None:
    def statements() -> int:
        with pages.statements() as found:
            assert window.get(reverse("exports:list")).status_code == 200
        return len(found)

    foreign = services.ask(patient=None, request_key=uuid.uuid4(), by=factories.member(clinic), at=clock.now())
    services.ask(patient=factories.patient(clinic), request_key=uuid.uuid4(), by=staff, at=clock.now())
    few = statements()
    for _ in range(12):
        made(staff, factories.patient(clinic))
    assert statements() == few <= 8
    assert str(foreign.id) not in window.get(reverse("exports:list")).content.decode()


def test_every_state_has_words_and_a_badge() -> None:
    assert set(presenters.BADGES) == set(Export.State)
