"""The day's list of a clinic of 1,000 patients against one of 100,000 with as many of each hundred due, in one run."""

import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bench import owner, pages
from bench.line import Line
from common import clock, walls
from ldn_clinic import demo
from titration.engine.advice.finding import Tier
from titration.models import Finding, Prescription

_FILLED = (
    *("patients_patient", "patients_contactpreference"),
    *("titration_prescription", "titration_fill", "titration_finding"),
)
FEW, MANY = 1_000, 100_000
ROUNDS, REQUESTS = 5, 10


def lines() -> Iterator[Line]:
    """CPU and statements of the page at both sizes, and the ratio of the times."""
    at = clock.now()
    pages.a_patient(at.date())
    cookie = f"{settings.SESSION_COOKIE_NAME}={pages.a_session()}"
    address = reverse("desk:home")
    _a_finding(at)
    with owner.connect() as own:
        _fill(own, at, FEW)
        few = _measured(pages.caller(WSGIHandler(), address, cookie))
        _fill(own, at, MANY - FEW)
        many = _measured(pages.caller(WSGIHandler(), address, cookie))
        (found,) = own.execute("SELECT count(*) FROM titration_finding").fetchone() or (0,)
    yield Line("open alerts at the larger size", f"{found:,}", "as many of each hundred at the smaller")
    for size, (ms, statements) in ((FEW, few), (MANY, many)):
        yield Line(f"the day's list, {size:,} patients", f"{ms:.1f} ms", f"{statements} statements")
    yield Line("time at 100,000 against 1,000", f"{many[0] / few[0]:.2f} x", "target under 1.5 x")
    yield Line("statements more", str(many[1] - few[1]), "target 0")


def _measured(call: Callable[[], bytes]) -> tuple[float, int]:
    """Milliseconds a request by the clock, for here the database's work counts too, and its statements."""
    call()
    with CaptureQueriesContext(connection) as captured:
        call()
    statements = sum(query["sql"].split()[0] not in ("BEGIN", "COMMIT") for query in captured.captured_queries)
    rounds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(REQUESTS):
            call()
        rounds.append((time.perf_counter() - began) * 1000 / REQUESTS)
    return min(rounds), statements


def _fill(own: psycopg.Connection[tuple[object, ...]], at: datetime, number: int) -> None:
    """So many patients more, each with an open plan: a tenth have a step due this week, a tenth are not heard from, a
    twentieth wait for a refill, mail to a hundredth comes back and a thousandth told of an opioid. A fifth have an
    open alert, of the tiers in which a rule book's alerts come: few that cannot wait, many that are only noted.
    """
    today, told = at.date(), {"clinic": demo.CLINIC_ID, "at": at, "number": number, "run": uuid.uuid4().hex[:6]}
    with own.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE IF NOT EXISTS of_bench (n int, patient uuid, course uuid)")
        cursor.execute("TRUNCATE of_bench")
        # What keeps every version of a row would double the filling and is none of the page's business.
        for table in _FILLED:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(
            "INSERT INTO of_bench SELECT n, gen_random_uuid(), gen_random_uuid() FROM generate_series(1, %(number)s) n",
            told,
        )
        cursor.execute(_like("patients_patient", _PATIENT), told)
        cursor.execute(_like("patients_contactpreference", _CONTACT), told)
        cursor.execute(_like("titration_prescription", _COURSE), {**told, "today": today})
        cursor.execute(_like("titration_step", _STEP), {**told, "today": today - timedelta(days=40)})
        cursor.execute(_WATCH, {**told, "today": today})
        cursor.execute(_NIGHTS, {**told, "today": today})
        cursor.execute(_FILLS, {**told, "today": today})
        cursor.execute(_REPORTS, told)
        cursor.execute(f"{_like('titration_finding', _FINDING)} WHERE {_HAS_ONE}", told)
        cursor.execute("ANALYZE")


_PATIENT = {
    "id": "b.patient",
    "name": "'Bench ' || %(run)s || b.n",
    "sort_key": "'bench ' || %(run)s || b.n",
    "record_number": "%(run)s || b.n",
    "user_id": "NULL",
}
_CONTACT = {"patient_id": "b.patient", "address_failed_at": "CASE WHEN b.n %% 100 = 3 THEN %(at)s::timestamptz END"}
_COURSE = {
    "id": "b.course",
    "patient_id": "b.patient",
    "state": "'active'",
    "stopped_at": "NULL",
    "next_due_on": "CASE WHEN b.n %% 10 = 0 THEN %(today)s::date + (b.n / 10) %% 7 END",
    "next_dose": "CASE WHEN b.n %% 10 = 0 THEN 3 END",
    "run_out_on": "CASE WHEN b.n %% 20 = 1 THEN %(today)s::date END",
    "refill_due_on": "CASE WHEN b.n %% 20 = 1 THEN %(today)s::date END",
}
_STEP = {
    "id": "gen_random_uuid()",
    "patient_id": "b.patient",
    "prescription_id": "b.course",
    "from_on": "%(today)s::date",
    "to_on": "NULL",
    "dose": "1.5",
    "rung": "0",
    "state": "'active'",
}
_WATCH = """
INSERT INTO titration_watch (prescription_id, clinic_id, patient_id, heard_on, nightly, decide_on)
SELECT course, %(clinic)s, patient, %(today)s::date - CASE WHEN n %% 10 = 5 THEN 4 + n %% 30 ELSE 1 END,
       n %% 10 IN (0, 5), CASE WHEN n %% 50 = 7 THEN %(today)s::date END FROM of_bench
"""
_NIGHTS = """
INSERT INTO symptoms_symptomlog
    (id, clinic_id, patient_id, night, other_medicines_answer, other_medicines, note, side_effects, version,
     recorded_at, sleep_hours, lead_symptom)
SELECT gen_random_uuid(), %(clinic)s, patient, %(today)s::date - back, 'no', '', '', '{}', 1, %(at)s, 7, 4
FROM of_bench, generate_series(1, 6) back WHERE n %% 10 = 0
"""
_FILLS = """
INSERT INTO titration_fill
    (id, clinic_id, patient_id, "on", form, strength, grain, units, lot, lot_key, recorded_at, recorded_by_id,
     withdrawn_because, filler)
SELECT gen_random_uuid(), %(clinic)s, patient, %(today)s::date - 40, 'capsules', 1.5, 1, 41, '', '', %(at)s,
       (SELECT registered_by_id FROM patients_patient WHERE id = patient), '', '' FROM of_bench WHERE n %% 20 = 1
"""
_REPORTS = """
INSERT INTO symptoms_opioidreport (id, clinic_id, patient_id, night, answer, words, at)
SELECT gen_random_uuid(), %(clinic)s, patient, %(at)s::date, 'yes', '', %(at)s FROM of_bench WHERE n %% 1000 = 2
"""


_ALERTS = (
    *((1000, 4, Tier.EMERGENCY, "R04"), (1000, 14, Tier.STOP, "R02"), (50, 9, Tier.DECIDE, "R07")),
    *(
        (50, 19, Tier.HOLD, "R06"),
        (100, 29, Tier.REVIEW, "R12"),
        (20, 3, Tier.ADMIN, "D02"),
        (10, 8, Tier.NOTE, "R08a"),
    ),
)
"""One of so many patients, from which on, has an open alert of this tier and rule."""

_HAS_ONE = " OR ".join(f"b.n %% {every} = {first}" for every, first, _, _ in _ALERTS)


def _by_number(value: Callable[[Tier, str], str]) -> str:
    cases = (f"WHEN b.n %% {every} = {first} THEN {value(tier, rule)}" for every, first, tier, rule in _ALERTS)
    return f"CASE {' '.join(cases)} END"


_FINDING = {
    "id": "gen_random_uuid()",
    "patient_id": "b.patient",
    "prescription_id": "b.course",
    "rule": _by_number(lambda _, rule: f"'{rule}'"),
    "tier": _by_number(lambda tier, _: f"'{tier.value}'"),
    "place": _by_number(lambda tier, _: str(tier.place)),
    "raised_at": "%(at)s::timestamptz - (b.n %% 30) * interval '1 day'",
}


def _a_finding(at: datetime) -> None:
    """One alert in sealed words, for the others to be like."""
    with walls.acting(clinic=demo.CLINIC_ID):
        course = Prescription.objects.filter(clinic_id=demo.CLINIC_ID).order_by("signed_at")[0]
        words = {"key": "bench", "sentence": "4 bad nights of 7 told.", "patient_sentence": "", "data_sealed": "{}"}
        where = {"clinic_id": demo.CLINIC_ID, "patient_id": course.patient_id, "prescription": course}
        tier = {"tier": Tier.NOTE.value, "place": Tier.NOTE.place}
        rule = {"rule": "R08a", "rule_version": 1, "part": "vivid"}
        Finding.objects.filter(clinic_id=demo.CLINIC_ID).first() or Finding.objects.create(
            **where, **tier, **rule, **words, day=at.date(), raised_at=at
        )


def _like(table: str, said: dict[str, Any]) -> str:
    """Rows like one of the demonstration's, but for what is said."""
    connection.ensure_connection()
    with connection.cursor() as cursor:
        columns = [column.name for column in connection.introspection.get_table_description(cursor, table)]
    values = ", ".join(said.get(column, f'o."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    return (
        f"INSERT INTO {table} ({names}) SELECT {values} "  # noqa: S608  names of our own tables
        f"FROM of_bench b, (SELECT * FROM {table} WHERE clinic_id = %(clinic)s LIMIT 1) o"
    )
