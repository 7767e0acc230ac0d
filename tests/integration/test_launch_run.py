"""`./clinic run` itself, on the real product: started, stopped, killed, started again."""

import contextlib
import http.client
import json
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from launch.places import ROOT
from launch.servers import LOOPBACK, free_port

pytestmark = pytest.mark.long

PATIENCE = 240  # seconds; a start takes a few, a busy machine has time
ENDING = 180  # seconds; what falls or is killed is noticed within one or two


class Clinic:
    """One `./clinic run` with a state folder and a port of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.process = None
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "EMAIL_", "CLINIC_"))
        }
        told = (
            "BROKER_URL",
            "SECRET_KEY_FILE",
            "FIELD_KEYS_FILE",
            "ALLOWED_HOSTS",
            "STATIC_ROOT",
            "DJANGO_SETTINGS_MODULE",
        )
        for name in told:
            kept.pop(name, None)
        self.env = {**kept, "PORT": str(self.port), "CLINIC_STATE_DIR": str(folder), "CLINIC_DEMO": "0"}

    def start(self):
        self.log = self.folder.with_suffix(".log")
        with self.log.open("w") as log:
            command = [str(ROOT / "clinic"), "run"]
            self.process = subprocess.Popen(command, env=self.env, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + PATIENCE
        while "Ctrl-C stops everything" not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)

    def said(self):
        return self.log.read_text()

    def record(self):
        return json.loads((self.folder / "running.json").read_text())

    def page(self, path="/healthz/live"):
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=60)
        try:
            connection.request("GET", path, headers={"Host": "localhost"})
            return connection.getresponse().status
        finally:
            connection.close()

    def stop(self, with_signal=signal.SIGINT):
        self.process.send_signal(with_signal)
        return self.process.wait(PATIENCE)

    def run_again(self, *arguments, **env):
        command = [str(ROOT / "clinic"), *arguments]
        return subprocess.run(
            command, env={**self.env, **env}, capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    def left(self):
        """Processes that know this clinic's folder: by their arguments or their environment."""
        mark = os.fsencode(self.folder)
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                state = (place / "stat").read_text().rpartition(")")[2].split()[0]
                told = (place / "cmdline").read_bytes() + (place / "environ").read_bytes()
                if state != "Z" and mark in told and int(place.name) != os.getpid():
                    found.append((place / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        return found


@pytest.fixture
def clinic():
    # Not pytest's own folder: as root the servers' account must be able to reach it.
    base = Path(tempfile.mkdtemp(prefix="clinic-run-"))
    base.chmod(0o711)
    made = Clinic(base / "state")
    yield made
    if made.process and made.process.poll() is None:
        made.process.kill()
        made.process.wait()
    deadline = time.monotonic() + ENDING
    while made.left() and time.monotonic() < deadline:
        time.sleep(0.1)
    shutil.rmtree(base)


def test_a_day_of_a_clinic(clinic):
    """First start, a page, one sentence for whoever starts it twice, Ctrl-C, and a second start that keeps the data."""
    clinic.start()
    assert clinic.page() == 200
    said = clinic.said()
    for named in ("Postgres", "Valkey", "Django 5.2", f"http://localhost:{clinic.port}"):
        assert named in said
    record = clinic.record()
    with psycopg.connect(record["owner_url"]) as owner:
        owner.execute("CREATE TABLE kept_note AS SELECT 'still here' AS words")
        applied = owner.execute("SELECT count(*) FROM django_migrations").fetchone()[0]
    assert applied > 10

    twice = clinic.run_again("run")
    assert (twice.returncode, twice.stdout) == (2, "")
    assert twice.stderr.count("\n") == 1
    assert "running already" in twice.stderr

    joined = clinic.run_again(
        "manage", "shell", "-v", "0", "-c", "from django.db import connection as c; print(c.settings_dict['USER'])"
    )
    assert joined.stdout.strip() == "ldn_app", joined.stderr

    assert clinic.stop() == 0
    assert "everything is stopped" in clinic.said()
    assert clinic.left() == []
    assert not (clinic.folder / "running.json").exists()

    clinic.start()
    with psycopg.connect(clinic.record()["owner_url"]) as owner:
        assert owner.execute("SELECT words FROM kept_note").fetchone() == ("still here",)
    assert clinic.stop(signal.SIGTERM) == 0
    assert clinic.left() == []


def test_a_killed_launcher_leaves_nothing_and_the_next_start_works(clinic):
    clinic.start()
    with psycopg.connect(clinic.record()["owner_url"]) as owner:
        owner.execute("CREATE TABLE kept_note AS SELECT 'still here' AS words")
    assert len(clinic.left()) >= 6
    clinic.stop(signal.SIGKILL)
    clinic.start()  # at once: it waits for what is still ending
    with psycopg.connect(clinic.record()["owner_url"]) as owner:
        assert owner.execute("SELECT words FROM kept_note").fetchone() == ("still here",)
    clinic.stop(signal.SIGKILL)
    deadline = time.monotonic() + ENDING
    while clinic.left() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert clinic.left() == []


def test_a_port_in_use_is_one_sentence(clinic):
    import socket

    with socket.socket() as taken:
        taken.bind((LOOPBACK, clinic.port))
        taken.listen()
        refused = clinic.run_again("run")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.count("\n") == 1
    assert refused.stderr.startswith(f"clinic: Port {clinic.port} is in use by another program.")


def test_a_fallen_server_is_started_again(clinic):
    """The database falls under a running clinic; pages come back by themselves and nothing committed is lost."""
    clinic.start()
    with psycopg.connect(clinic.record()["owner_url"]) as owner:
        owner.execute("CREATE TABLE kept_note AS SELECT 'still here' AS words")
    postmaster = int(next((clinic.folder / "postgres").glob("*/postmaster.pid")).read_text().splitlines()[0])
    os.kill(postmaster, signal.SIGKILL)
    deadline = time.monotonic() + ENDING
    while "postgres ended with exit code -9 and is started again" not in clinic.said():
        assert time.monotonic() < deadline, clinic.said()
        time.sleep(0.1)
    while True:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(clinic.record()["owner_url"]) as owner:
            assert owner.execute("SELECT words FROM kept_note").fetchone() == ("still here",)
            break
        assert time.monotonic() < deadline, clinic.said()
        time.sleep(0.1)
    assert clinic.page() == 200
    assert clinic.stop() == 0


def test_replay_answers_without_a_server(clinic, tmp_path):
    file = tmp_path / "course.json"
    file.write_text('{"zone": "Europe/Oslo", "protocol": "STD-2W", "starts_on": "2025-01-06"}')
    told = clinic.run_again("manage", "replay_course", str(file), "--as-of", "2025-01-12", "--json")
    assert json.loads(told.stdout)["next_step"] == {"on": "2025-01-20", "dose_mg": "3"}
    assert not clinic.folder.exists()


def test_titrate_answers_without_a_server(clinic):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = clinic.run_again("manage", "titrate", "STD-2W", "--start", "2025-01-06", "--json")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert busy < 5  # seconds of CPU, however busy the machine is; it takes one
    assert json.loads(told.stdout)["steps"][0] == {"from": "2025-01-06", "to": "2025-01-20", "dose_mg": "1.5"}
    assert not clinic.folder.exists()
