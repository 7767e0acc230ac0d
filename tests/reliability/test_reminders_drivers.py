"""Who drives the rounds: the spare driver without broker or worker, a real worker, a real beat; and how they end."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from celery import current_app

from reminders import services
from reminders.models import Attempt, Heartbeat, Reminder
from reminders.services import pulse
from reminders.states import State
from tests import workers
from tests.reliability import nursery, rows, smtp_stub
from tests.reliability.smtp_stub import Stub

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).parents[2]
NOBODY = "127.0.0.1:9"


def due(many: int) -> list[Reminder]:
    at = services.database_time()
    pulse.planned_until_now(at=at)
    return rows.due_reminders(many, at=at - timedelta(seconds=5))


def all_in(*states: State) -> bool:
    return not Reminder.objects.exclude(state__in=states).exists()


def environment(port: int, **more: str) -> dict[str, str]:
    """What a process of the application needs to meet this test's database and mail server."""
    return workers.environment(EMAIL_HOST="127.0.0.1", EMAIL_PORT=str(port), **more)


@contextmanager
def process(*command: str, env: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """A process of its own group, gone with its children when the block ends."""
    started = subprocess.Popen(
        [sys.executable, *command], env=env, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield started
    finally:
        if started.poll() is None:
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()
        if started.stderr is not None:
            started.stderr.close()


def test_r09_reminders_go_out_without_broker_beat_and_worker(stub: Stub, settings: Any) -> None:
    due(20)
    with nursery.running(settings.EMAIL_PORT, BROKER_URL=f"redis://{NOBODY}/0") as senders:
        senders.send()
        assert smtp_stub.wait_until(lambda: all_in(State.SENT))
        assert smtp_stub.wait_until(lambda: Heartbeat.objects.filter(name="round").exists())
    assert len(set(stub.taken)) == len(stub.taken) == 20


@pytest.mark.long
def test_r04_connections_cut_again_and_again_lose_and_double_nothing(stub: Stub, settings: Any) -> None:
    due(150)
    stub.mode, stub.slow_seconds = (lambda recipient: smtp_stub.SLOW), 0.05
    cuts = 0
    with nursery.running(settings.EMAIL_PORT, TEST_LEASE="15") as senders:
        living = [senders.send() for _ in range(2)]
        ends = time.monotonic() + 300
        while cuts < 8:
            assert time.monotonic() < ends, f"only {cuts} cuts met a sender"
            time.sleep(0.4)
            cuts += _cut_all_connections() > 0
            # One that gave up is started anew, as whatever keeps it running would.
            living = [senders.send() if nursery.gone(pid) else pid for pid in living]
        assert smtp_stub.wait_until(lambda: all_in(State.SENT, State.UNCERTAIN), 90.0)
    assert len(set(stub.taken)) == len(stub.taken)
    sent = set(Reminder.objects.filter(state=State.SENT).values_list("id", flat=True))
    assert {f"<{key}@localhost>" for key in sent} <= set(stub.taken)
    # The outcome is written by the next connection: a cut is no reason for doubt.
    assert len(sent) >= 145


def test_r21_a_sender_asked_to_stop_ends_its_message_and_gives_back_the_rest(stub: Stub, settings: Any) -> None:
    due(40)
    stub.mode, stub.slow_seconds = (lambda recipient: smtp_stub.SLOW), 0.2
    with process("manage.py", "reminderd", "--every", "0.1", env=environment(settings.EMAIL_PORT)) as driver:
        assert smtp_stub.wait_until(lambda: len(stub.taken) >= 2)
        driver.terminate()
        assert driver.wait(timeout=300) == 0
    assert all_in(State.SENT, State.PENDING)
    assert Reminder.objects.filter(state=State.SENT).count() == len(stub.taken) < 40
    assert not Attempt.objects.filter(outcome="uncertain").exists()


def test_a_driver_that_meets_no_database_gives_up_so_that_it_is_started_anew(settings: Any) -> None:
    env = environment(9, DATABASE_URL=f"postgres://ldn_app@{NOBODY}/nothing")
    with process("manage.py", "reminderd", "--every", "0.01", env=env) as driver:
        _, said = driver.communicate(timeout=300)
    assert driver.returncode != 0
    assert said.count("The database does not answer") == 5
    assert "5 rounds in a row met no database; giving up." in said
    assert "Traceback" not in said


@pytest.mark.long
def test_r10_a_real_worker_told_fifty_times_sends_one_mail_and_leaves_its_canary(stub: Stub, settings: Any) -> None:
    due(1)
    queue = f"reminders-{uuid.uuid4().hex[:8]}"
    worker = ("-m", "celery", "-A", "ldn_clinic", "--quiet", "worker", "-c", "2", "-Q", queue, "--without-mingle")
    with process(*worker, "--without-gossip", env=environment(settings.EMAIL_PORT)) as running:
        for _ in range(50):
            current_app.send_task("reminders.tick", queue=queue)
        assert smtp_stub.wait_until(lambda: all_in(State.SENT))
        assert smtp_stub.wait_until(lambda: Heartbeat.objects.filter(name="worker").exists())
        running.terminate()
        running.wait(timeout=300)
    assert len(stub.taken) == 1


@pytest.mark.long
def test_a_real_beat_leaves_its_pulse(tmp_path: Path) -> None:
    schedule = str(tmp_path / "schedule")
    with process("-m", "celery", "-A", "ldn_clinic", "--quiet", "beat", "-s", schedule, env=environment(9)):
        assert smtp_stub.wait_until(lambda: Heartbeat.objects.filter(name="beat").exists())


def _cut_all_connections() -> int:
    """Cut every connection the senders have, as whom they connect; how many there were."""
    with psycopg.connect(workers.environment()["DATABASE_URL"], autocommit=True) as own:
        row = own.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
        ).fetchone()
    return int(row[0]) if row else 0
