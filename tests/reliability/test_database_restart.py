"""The database restarts under load: what was acknowledged is there, the rest was told plainly, the pages come back."""

import http.cookiejar
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from launch import database, identity, servers
from launch.supervise import Household

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]
CLIENTS, SECONDS = 4, 15
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@dataclass
class Clinic:
    """A clinic of this test's own, on a Postgres that can be restarted."""

    address: str
    postgres: servers.Postgres
    household: Household
    superuser: str

    def restart_database(self) -> None:
        running = self.postgres.running
        assert running is not None
        running.stop()
        self.household.forget(running)
        self.postgres.start(self.household, self.postgres.port)


@pytest.fixture
def clinic() -> Iterator[Clinic]:
    # pytest's own folders are closed to the account of the servers.
    folder = Path(tempfile.mkdtemp(prefix="clinic-restart-"))
    folder.chmod(0o711)
    account = identity.service()
    if os.geteuid() == 0:
        os.chown(folder, account.uid, account.gid)
    household = Household()
    postgres = servers.Postgres(folder / "postgres", "p", account, log=folder / "postgres.log")
    postgres.data.parent.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(postgres.data.parent, account.uid, account.gid)
    postgres.start(household)
    passwords = dict.fromkeys((database.OWNER, *database.SIGNING_IN), "a")
    database.prepare_own_server(postgres.url, passwords, for_tests=False)
    port = servers.free_port()
    address = f"http://localhost:{port}"
    shared = {
        **os.environ,
        "CLINIC_DEMO": "1",
        "CLINIC_BASE_URL": address,
        "BROKER_URL": "",
        "CLINIC_STATE_DIR": str(folder),
        "DATABASE_OWNER_URL": "",
    }
    app = database.address(database.APPLICATION, "a", postgres.port, database.DATABASE)
    owner = database.address(database.OWNER, "a", postgres.port, database.DATABASE)
    manage = [sys.executable, str(ROOT / "manage.py")]
    subprocess.run([*manage, "migrate", "-v0"], check=True, env={**shared, "DATABASE_URL": owner})
    subprocess.run([*manage, "collectstatic", "--noinput", "-v0"], check=True, env={**shared, "DATABASE_URL": app})
    subprocess.run([*manage, "seed_demo", "--patients", "1"], check=True, env={**shared, "DATABASE_URL": app})
    web = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "ldn_clinic.wsgi", "-b", f"127.0.0.1:{port}", "-w", "2", "--threads", "4"],
        cwd=ROOT,
        env={**shared, "DATABASE_URL": app},
    )
    try:
        wait_for(port)
        yield Clinic(address, postgres, household, postgres.url(database.DATABASE))
    finally:
        web.terminate()
        web.wait(20)
        household.stop()
        shutil.rmtree(folder, ignore_errors=True)


def wait_for(port: int) -> None:
    end = time.monotonic() + 180
    while time.monotonic() < end:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the web server did not come up")


class Browser:
    """A signed-in nurse's browser, reduced to forms."""

    def __init__(self, address: str) -> None:
        self.address = address
        jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        self.send("/demo/sign-in", "/demo/", username="nurse@demo.invalid")

    def get(self, path: str) -> tuple[int, str]:
        return self._open(urllib.request.Request(self.address + path))  # noqa: S310  our own server

    def send(self, path: str, form: str, **fields: str) -> int:
        status, page = self.get(form)
        token = TOKEN.search(page)
        if status != 200 or token is None:
            return status
        values = urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": token[1]}).encode()
        request = urllib.request.Request(self.address + path, values, {"Referer": self.address + form})  # noqa: S310
        return self._open(request)[0]

    def _open(self, request: urllib.request.Request) -> tuple[int, str]:
        try:
            with self.opener.open(request, timeout=120) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


def register(browser: Browser, number: str) -> int:
    return browser.send(
        "/patients/new/",
        "/patients/new/",
        name=f"Load Test-{number}",
        birth_date="1980-01-01",
        record_number=number,
        zone="Europe/London",
        email="load@test.invalid",
        conditions="crohn",
    )


def test_d04_every_acknowledged_registration_survives_two_restarts_under_load(clinic: Clinic) -> None:
    acknowledged: list[str] = []
    statuses: set[int] = set()
    browsers = [Browser(clinic.address) for _ in range(CLIENTS)]
    ends = time.monotonic() + SECONDS

    def keep_registering(client: int) -> None:
        browser, count = browsers[client], 0
        while time.monotonic() < ends:
            count += 1
            number = f"L-{client}-{count}"
            status = register(browser, number)
            statuses.add(status)
            if status == 200:
                acknowledged.append(number)

    with ThreadPoolExecutor(CLIENTS) as pool:
        working = [pool.submit(keep_registering, client) for client in range(CLIENTS)]
        for _ in range(2):
            time.sleep(SECONDS / 3)
            clinic.restart_database()
        for work in working:
            work.result()

    assert statuses <= {200, 503}, "a fault that is not told as what it is"
    with psycopg.connect(clinic.superuser) as connection:
        rows = connection.execute("SELECT record_number, name FROM patients_patient WHERE record_number LIKE 'L-%'")
        kept = dict(rows.fetchall())
    assert acknowledged, statuses
    assert set(acknowledged) <= set(kept)
    assert register(Browser(clinic.address), "L-after") == 200
