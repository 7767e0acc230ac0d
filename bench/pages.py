"""The patient page with two years of nights against a bare signed-in page with one SELECT, in one run."""

import gzip
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from io import BytesIO
from typing import Any

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import reverse

from accounts import selectors as accounts_selectors
from accounts import signed_in
from accounts.models import Membership, User
from accounts.session_engine import SessionStore
from bench import bare
from bench.line import Line
from common import clock, walls
from common.dose import Dose
from common.night import Slot
from ldn_clinic import demo, demo_nights, demo_screening, demo_seed
from patients.models import Patient
from symptoms.models import DoseTaken, SymptomLog
from titration.models import Prescription
from titration.selectors import courses as courses_selectors
from titration.services import courses

NIGHTS = 730
ROUNDS, REQUESTS = 5, 20


@dataclass(frozen=True)
class Cost:
    """Of one request: CPU in milliseconds of this process, statements, bytes and compressed bytes."""

    cpu_ms: float
    statements: int
    body: bytes


def lines() -> Iterator[Line]:
    """CPU, SQL and bytes of both, and the ratio."""
    today = clock.now().date()
    patient = a_patient(today)
    cookie = f"{settings.SESSION_COOKIE_NAME}={a_session()}"
    page_address = reverse("desk:patient", args=[patient.id])
    page = _measure(caller(WSGIHandler(), f"{page_address}?range=all", cookie))
    with override_settings(ROOT_URLCONF="bench.bare", MIDDLEWARE=bare.MIDDLEWARE):
        floor = _measure(caller(WSGIHandler(), f"/bare/{patient.registered_by_id}", cookie))
    yield Line(f"patient page, {NIGHTS} nights: CPU", f"{page.cpu_ms:.1f} ms", "a request")
    yield Line("bare signed-in page with one SELECT: CPU", f"{floor.cpu_ms:.1f} ms", "a request")
    yield Line("patient page against the bare one", f"{page.cpu_ms / floor.cpu_ms:.1f} x", "target at most 6 x")
    yield Line("patient page: statements", str(page.statements), f"bare: {floor.statements}; target at most 8")
    packed = len(gzip.compress(page.body)) / 1000
    yield Line("patient page: bytes, compressed", f"{packed:.1f} kB", f"{len(page.body) / 1000:.0f} kB raw")


def a_patient(today: date) -> Patient:
    """A patient of the demonstration's clinic, which is made if it is not there, with two years of nights."""
    with suppress(demo_seed.AlreadySeeded):
        list(demo_seed.seed(patients=13, days=60, seed=7, last_day=today))
    with transaction.atomic(), walls.acting(clinic=demo.CLINIC_ID):
        return _with_two_years(today)


def _with_two_years(today: date) -> Patient:
    """A demo patient whose course climbed two years ago and who has told five nights in six since."""
    membership = Membership.objects.select_related("user", "clinic").get(
        clinic_id=demo.CLINIC_ID, user__username=demo.PERSONAS[0].username
    )
    prescriber = accounts_selectors.actor_of(membership, membership.user)
    patient = (
        Patient.objects.filter(clinic_id=demo.CLINIC_ID)
        .exclude(prescriptions__state="active")
        .order_by("record_number")[0]
    )
    start_on = today - timedelta(days=NIGHTS)
    version = courses_selectors.protocols_for(prescriber).get(code="STD-2W")
    demo_screening.confirmed(patient, 1, by=prescriber, at=_noon(start_on))
    course = courses.prescribe(
        patient=patient,
        protocol_version=version,
        start_on=start_on,
        slot=Slot.BEDTIME,
        capsule_strength=Dose.of("1.5"),
        mode=Prescription.Mode.CONFIRMED,
        opioid_answer="no",
        by=prescriber,
        at=_noon(start_on),
    )
    while course.next_due_on is not None:
        course = courses.advance(
            prescription_id=course.id,
            reason="Doing well",
            seen_version=course.version,
            by=prescriber,
            at=_noon(course.next_due_on),
        )
    _tell(patient, course, [start_on + timedelta(days=day) for day in range(NIGHTS)])
    return patient


def _tell(patient: Patient, course: Prescription, nights: list[date]) -> None:
    rng = random.Random(7)  # noqa: S311  made-up nights
    temper = demo_nights.temper(rng)
    steps = list(course.steps.order_by("from_on"))
    logs, doses = [], []
    for night in nights:
        step = next(s for s in steps if s.to_on is None or night < s.to_on)
        shared: dict[str, Any] = {"clinic_id": patient.clinic_id, "patient": patient, "recorded_at": _noon(night)}
        if rng.random() > 1 / 6 and step.dose is not None:
            answers = demo_nights.answers(
                rng, temper, nights_at_dose=(night - step.from_on).days, mg=float(step.dose.mg)
            )
            logs.append(SymptomLog(**shared, night=night, **answers))
            taken = {"taken": DoseTaken.Taken.TAKEN, "taken_mg": step.dose}
            doses.append(DoseTaken(**shared, plan_date=night, slot=course.slot, **taken))
    SymptomLog.objects.bulk_create(logs)
    DoseTaken.objects.bulk_create(doses)


def _noon(day: date) -> datetime:
    return datetime.combine(day, time_of_day(12), tzinfo=UTC)


def a_session() -> str:
    """The key of a session that is signed in and has shown a second factor."""
    user = User.objects.get(username=demo.PERSONAS[0].username)
    session = SessionStore()
    now = clock.now().timestamp()
    session[signed_in.KEY] = {"began": now, "seen": now, "address": "127.0.0.1", "agent": ""}
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "mfa", "type": "webauthn", "at": now}]
    session["account_authentication_methods_user"] = str(user.pk)
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)


def caller(handler: WSGIHandler, address: str, cookie: str) -> Callable[[], bytes]:
    path, _, query = address.partition("?")

    def call() -> bytes:
        answered: list[str] = []
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "HTTP_COOKIE": cookie,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
        }
        response = handler(environ, lambda status, _headers: answered.append(status))
        body = b"".join(response)
        if not answered[0].startswith("200"):
            raise SystemExit(f"{path} answered {answered[0]}")
        response.close()
        return body

    return call


def _measure(call: Callable[[], bytes]) -> Cost:
    """The median round of several, so that a neighbour's moment does not count."""
    body = call()
    with CaptureQueriesContext(connection) as captured:
        call()
        statements = sum(q["sql"].split()[0] not in ("BEGIN", "COMMIT") for q in captured.captured_queries)
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(REQUESTS):
            call()
        rounds.append((time.process_time() - began) * 1000 / REQUESTS)
    return Cost(sorted(rounds)[ROUNDS // 2], statements, body)
