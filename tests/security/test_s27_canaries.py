"""S27: words of patients stand where they belong and nowhere else.

Canaries are sown in every column that holds words, one kind for each: a name, an address, notes. Then people walk the
pages and do their deeds, reminders ring, an export is made, a page fails. Afterwards everything that was written on the
way is searched: log lines, mails, the queue and the cache, addresses, sessions, tables and files.
"""

import base64
import io
import logging
import re
import threading
import uuid
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

import pytest
import redis
import time_machine
from django.conf import settings as ours
from django.core import mail, signing
from django.db import connection
from django.test import Client

from accounts.models import Session
from common.clock import now as clock_now
from patients.models import Patient
from reminders import services as reminders_services
from reminders.models import Occurrence, Reminder
from symptoms.models import OpioidReport
from tests import factories, owner, pages, phones
from tests.reliability import rows, smtp_stub
from titration.models import Prescription

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]

NAME, ADDRESS, NUMBER = "Zibbelquark", "quibblefax", "CANARYNO77"
WORDS = ("Murmelspecht", "Flunkerol", "Dudelfink", "Knarzbeutel", "Wupperling", "Tranfunzel")
CONTEXT, MEDICINE, REASON, NOTE, SYRUP, ANSWER = WORDS
EVERYTHING = (NAME, ADDRESS, *WORDS)
DOSE = re.compile(r"\b\d+(?:\.\d+)? mg\b")
# The tables in which a name stands; it is searched in SQL and so it is not sealed (docs/adr/0020).
OF_NAMES = {"patients_patient", "patients_patientevent"}


class Searched:
    """Everything written on the way, by where it was found."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.queue: list[str] = []
        self.log = io.StringIO()

    def follow(self, client: Client) -> Client:
        """A browser whose addresses are written down: those it asks for, is sent to and could click on."""
        asked = client.request

        def request(**environ: Any) -> Any:
            response = asked(**environ)
            query = environ.get("QUERY_STRING", "")
            self.addresses.append(f"{environ['PATH_INFO']}?{query}")
            self.addresses += [response[name] for name in ("Location", "Refresh", "Link") if response.has_header(name)]
            if response.has_header("Content-Type") and response["Content-Type"].startswith("text/html"):
                page = b"".join(response) if response.streaming else response.content
                self.addresses += re.findall(r'(?:href|action|src|hx-get|hx-post)="([^"]*)"', page.decode())
            return response

        client.request = request  # type: ignore[method-assign]
        client.raise_request_exception = False
        return client


def assert_free(text: str, where: str, canaries: tuple[str, ...] = EVERYTHING) -> None:
    plain = unquote(text).casefold()
    lines = [line for line in plain.splitlines() if any(canary.casefold() in line for canary in canaries)]
    assert not lines, f"canaries stand in {where}: {lines[0][:300]}"


@contextmanager
def overheard(into: list[str]) -> Iterator[None]:
    """Every command that reaches the run's own broker and cache meanwhile."""
    server = redis.Redis.from_url(ours.BROKER_URL, socket_timeout=300)
    stop = threading.Event()
    monitor = server.monitor()
    monitor.__enter__()

    def listen() -> None:
        while not stop.is_set():
            into.append(str(monitor.next_command()["command"]))

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        yield
    finally:
        stop.set()
        server.ping()  # the last command it hears
        listener.join()
        monitor.__exit__(None, None, None)


@contextmanager
def logged(into: io.StringIO) -> Iterator[None]:
    """What the configured handlers write, from the finest level on."""
    handlers = {
        handler
        for name in ("", "django")
        for handler in logging.getLogger(name).handlers
        if type(handler) is logging.StreamHandler
    }
    before = {handler: handler.setStream(into) for handler in handlers}
    root, the_mail_servers_own = logging.getLogger(), logging.getLogger("mail.log")
    level = root.level
    root.setLevel(logging.DEBUG)
    the_mail_servers_own.propagate = False
    try:
        yield
    finally:
        root.setLevel(level)
        the_mail_servers_own.propagate = True
        for handler, stream in before.items():
            handler.setStream(stream)


@pytest.fixture
def searched() -> Iterator[Searched]:
    found = Searched()
    with overheard(found.queue), logged(found.log):
        yield found


@pytest.fixture
def post(settings: Any) -> Iterator[smtp_stub.Stub]:
    with smtp_stub.running() as (stub, port):
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        yield stub


def walk(searched: Searched, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Any) -> Patient:
    """A day of the clinic: registering, prescribing, inviting, telling, reading, holding, searching, exporting."""
    pages.stay_signed_in(settings)
    settings.EXPORT_DIR = tmp_path
    clinic = factories.clinic()
    by = factories.member(clinic)
    factories.protocol_version()
    with time_machine.travel(phones.EVENING, tick=False):
        desk = searched.follow(pages.client_of(by))
        registered = desk.post(
            "/patients/new/",
            {
                "name": f"{NAME} Person",
                "birth_date": "1980-02-29",
                "record_number": NUMBER,
                "email": f"{ADDRESS}@test.invalid",
                "zone": "Europe/London",
                "conditions": ["crohn"],
                "other_condition": f"{CONTEXT} disease",
                "medicines": f"{MEDICINE} drops",
                "context_note": CONTEXT,
            },
        )
        assert registered.status_code == 302, registered.content.decode()
        patient = Patient.objects.get()
        factories.confirmed_screening(patient, by_id=by.user_id, at=phones.EVENING)
        course = factories.prescription(patient, by=by, at=phones.EVENING)
        assert desk.post(f"/patients/{patient.id}/invite/").status_code == 302
        token = re.search(r"/p/open/(\S+)/", mail.outbox[-1].body)[1]  # type: ignore[index]
        phone = searched.follow(Client())
        born = {"birth_day": "29", "birth_month": "2", "birth_year": "1980"}
        assert phone.post(f"/p/open/{token}/", born).status_code == 302
    with time_machine.travel(phones.MORNING, tick=False):
        told = phones.answers(note=NOTE, other_medicines=SYRUP, other_medicines_answer="yes")
        assert phone.post(phones.address(), told).status_code == 302
        desk.post("/patients/", {"words": NAME})
        assert NAME in desk.get("/patients/").content.decode()
        report = OpioidReport.objects.get()
        answered = desk.post(f"/reports/{report.id}/answer/", {"outcome": "carry_on", "reason": ANSWER})
        assert answered.status_code == 302
        course.refresh_from_db()
        hold = {"days": "5", "reason": REASON, "seen_version": str(course.version)}
        assert desk.post(f"/courses/{course.id}/hold/", hold).status_code == 302
        for path in ("/", "/patients/", f"/patients/{patient.id}/", f"/patients/{patient.id}/contact/", "/reminders/"):
            assert desk.get(path).status_code == 200, path
        assert NOTE in desk.get(f"/patients/{patient.id}/").content.decode()
        for path in ("/p/", "/p/prove/", "/p/emergency/", phones.address()):
            assert phone.get(path).status_code == 200, path
        phone.post("/p/prove/", {"next": "/p/chart/"})
        desk.post("/exports/ask", {"request_key": str(uuid.uuid4()), "patient": str(patient.id)})
        assert desk.get("/exports/").status_code == 200
        desk.post(f"/patients/{patient.id}/contact/", {"email": f"{ADDRESS} @ nowhere", "seen_version": "1"})
        fails(desk, patient, monkeypatch)
    rings(patient)
    return patient


def rings(patient: Patient) -> None:
    """A reminder of this patient's night, rung by the database's own clock."""
    reminder = rows.due_reminders(1, at=clock_now())[0]
    course = Prescription.objects.get(patient=patient)
    whose = {"clinic": patient.clinic, "patient": patient, "prescription": course, "zone_name": patient.zone_name}
    Occurrence.objects.filter(id=reminder.occurrence_id).update(**whose)
    Reminder.objects.filter(id=reminder.id).update(clinic=patient.clinic)
    reminders_services.round()


def fails(desk: Client, patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that fail over the very words: by an error that quotes them, and by a row the database refuses."""
    url = f"/patients/{patient.id}/"
    faults = (
        lambda *_, **__: int(f"{NAME} {NOTE}"),
        lambda *_, **__: Patient.objects.create(
            **{
                name: getattr(patient, name)
                for name in ("clinic", "name", "sort_key", "birth_date", "email", "record_number", "zone_name")
            },
            registered_at=clock_now(),
            registered_by_id=patient.registered_by_id,
        ),
    )
    for fault in faults:
        with monkeypatch.context() as patch:
            patch.setattr("patients.selectors.record_of", fault)
            answer = desk.get(url)
        assert answer.status_code == 500
        assert_free(answer.content.decode(), "the page of a fault")


def test_s27_no_canary_leaves_its_place(
    searched: Searched,
    post: smtp_stub.Stub,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    tmp_path: Any,
) -> None:
    walk(searched, monkeypatch, settings, tmp_path)

    log = searched.log.getvalue()
    assert "builtins.ValueError" in log, "the fault was not logged, so that the search proves nothing"
    assert "one_patient_per_clinic_and_record_number" in log
    assert_free(log, "the log", (*EVERYTHING, NUMBER))
    assert not DOSE.search(log)

    assert len(searched.addresses) > 100
    assert_free("\n".join(searched.addresses), "addresses", (*EVERYTHING, NUMBER))

    assert mail.outbox
    for letter in mail.outbox:
        assert_free(letter.subject + letter.body, "a mail", (*EVERYTHING, NUMBER))
        assert not DOSE.search(letter.body)
    for data in post_bodies(post):
        assert_free(data, "a reminder", (*EVERYTHING, NUMBER))
        assert not DOSE.search(data)

    queued = with_bodies("\n".join(searched.queue))
    assert "exports." in queued, "no task was queued, so that the search proves nothing"
    assert_free(queued, "what reached the queue and the cache", (*EVERYTHING, NUMBER))
    assert not DOSE.search(queued)
    assert_free("\n".join(everything_kept()), "the keys and values of the queue and the cache", (*EVERYTHING, NUMBER))

    sessions = [session_as_kept(row.session_data) for row in Session.objects.all()]
    assert any("sealed1:" in session for session in sessions)
    assert_free("\n".join(sessions), "a session", (*EVERYTHING, NUMBER))

    for table, text in rows_of_every_table():
        known = (ADDRESS, *WORDS) if table in OF_NAMES else EVERYTHING
        assert_free(text, table, known)


def post_bodies(post: smtp_stub.Stub) -> list[str]:
    """Reminders as the mail server took them, without the address they were meant for."""
    assert post.messages, "no reminder was sent, so that the search proves nothing"
    for letter in post.messages:
        del letter["To"]
    return [letter.as_string() for letter in post.messages]


def session_as_kept(data: str) -> str:
    """What lies in a session's row, out of its wrapping of base64 and compression."""
    packed, compressed = data.partition(":")[0].removeprefix("."), data.startswith(".")
    raw = signing.b64_decode(packed.encode())
    return (zlib.decompress(raw) if compressed else raw).decode("latin-1")


def everything_kept() -> Iterator[str]:
    """Every key and value, whatever its kind."""
    server = redis.Redis.from_url(ours.BROKER_URL)
    kinds: dict[bytes, Callable[[bytes], Any]] = {
        b"string": server.get,
        b"list": lambda key: server.lrange(key, 0, -1),
        b"set": server.smembers,
        b"hash": server.hgetall,
        b"zset": lambda key: server.zrange(key, 0, -1),
    }
    for key in server.scan_iter("*"):
        yield f"{key!r} {kinds[server.type(key)](key)!r}"


def with_bodies(text: str) -> str:
    """A text of the queue with its messages' bodies, which travel as base64."""
    bodies = re.findall(r'body\\*": \\*"([A-Za-z0-9+/]+=*)', text)
    return "\n".join([text, *(base64.b64decode(body).decode() for body in bodies)])


def rows_of_every_table() -> Iterator[tuple[str, str]]:
    """The whole database as text, as a dump of it would hold it."""
    with owner.connect(connection.settings_dict["NAME"]) as mine:
        tables = mine.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            rows = mine.execute(f'SELECT t::text FROM "{table}" t').fetchall()
            yield str(table), "\n".join(str(row) for (row,) in rows)
