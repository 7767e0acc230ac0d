"""The whole way of an export through a real worker and a real queue, and back after the queue was away."""

import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from celery import current_app
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, User
from common import clock
from exports.models import Export
from symptoms.models import SymptomLog
from tests import factories, pages, workers

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]
ROOT = Path(__file__).parents[2]
PATIENCE_S = 300
ROOM = 13


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> str:
    """The run's broker, in a room of this test's own: a worker here must not eat other tests' messages."""
    address = f"{settings.BROKER_URL.rsplit('/', 1)[0]}/{ROOM}"
    real = current_app.connection_for_write
    monkeypatch.setattr(current_app._get_current_object(), "connection_for_write", lambda: real(address))
    return address


@pytest.fixture
def worker(broker: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    monkeypatch.setattr(settings, "EXPORT_DIR", tmp_path / "exports")
    env = workers.environment(BROKER_URL=broker, CLINIC_STATE_DIR=str(tmp_path))
    command = [sys.executable, "-m", "celery", "-A", "ldn_clinic", "--quiet", "worker", "-c", "1"]
    process = subprocess.Popen([*command, "--without-mingle", "--without-gossip"], env=env, cwd=ROOT)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=120)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.2)


def test_an_export_goes_through_queue_and_worker_to_its_owner(worker: subprocess.Popen[bytes]) -> None:
    clinic = factories.clinic()
    staff = factories.member(clinic, Membership.Role.STAFF)
    patient = factories.patient(clinic)
    SymptomLog.objects.bulk_create(
        SymptomLog(
            clinic=clinic, patient=patient, night=date(2026, 1, 1) + timedelta(days=day), recorded_at=factories.AT
        )
        for day in range(50)
    )
    window = Client()
    pages.sign_in(window, User.objects.get(id=staff.user_id))

    asked = window.post(reverse("exports:ask"), {"request_key": str(uuid.uuid4())})
    until(lambda: "Download CSV" in window.get(asked.url).content.decode())
    export = Export.objects.get()
    answer = window.get(reverse("exports:file", args=[export.id]))
    assert b"".join(answer.streaming_content).count(b"\r\n") == 51
    assert export.attempts == 1

    # One whose message was lost: nobody has it but the row, and the tick finds it.
    lost = Export.objects.create(
        clinic=clinic,
        owner_id=staff.user_id,
        request_key=uuid.uuid4(),
        requested_at=clock.now() - timedelta(minutes=1),
    )
    until(lambda: Export.objects.get(id=lost.id).state == "queued")
    with current_app.connection_for_write() as bell:
        current_app.send_task("exports.tick", connection=bell)
    until(lambda: Export.objects.get(id=lost.id).state in ("done", "failed"))
    lost.refresh_from_db()
    assert (lost.state, lost.rows_done, lost.error_class) == ("done", 50, "")
