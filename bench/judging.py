"""Judging by the rules: one patient after a log, and a midnight over a whole clinic, with the memory that it takes."""

import os
import statistics
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from django.db import transaction

from bench import owner
from bench.line import Line
from common import clock, walls
from ldn_clinic import demo, demo_seed
from patients.services.changed import raise_sequence
from titration.models import Finding, Prescription
from titration.services import findings

NIGHTS = 30
FEW = 1_000
USUAL, ALL = 10_000, 100_000
MANY = int(os.environ.get("BENCH_PATIENTS", str(USUAL)))
"""Patients of the larger clinic: `--patients 100000` is what the clinical work is measured by, and takes its time."""

ONE_BY_ONE = 40

_COPIED = {
    "patients_patient": {"id": "made.patient", "record_number": "'bench-' || made.number", "user_id": "NULL"},
    "patients_patientcondition": {"id": "gen_random_uuid()", "patient_id": "made.patient"},
    "titration_prescription": {"id": "made.prescription", "patient_id": "made.patient"},
    "titration_planchange": {"id": "gen_random_uuid()", "prescription_id": "made.prescription"},
    "titration_step": {
        "id": "gen_random_uuid()",
        "patient_id": "made.patient",
        "prescription_id": "made.prescription",
    },
    "symptoms_symptomlog": {"id": "gen_random_uuid()", "patient_id": "made.patient"},
    "symptoms_dosetaken": {"id": "gen_random_uuid()", "patient_id": "made.patient"},
}
"""What a patient is copied with, and by what each column is replaced."""


def lines() -> Iterator[Line]:
    """A log in milliseconds; a midnight in patients a second, at a thousand and at many; nobody behind."""
    at = clock.now()
    course = _a_course(at)
    whole, busy = _one(course, at)
    yield Line("one patient after a log", f"{whole:.1f} ms", f"median of {ONE_BY_ONE}, {NIGHTS} nights told")
    yield Line("the same: CPU of the worker", f"{busy:.1f} ms", "the same however busy the machine is")
    rates, costs = {}, {}
    for total in (FEW, MANY):
        _copy(course, total)
        with owner.as_worker():
            _midnight(course.clinic_id, at)
            before = _resident()
            used = time.process_time()
            took, judged = _midnight(course.clinic_id, at + timedelta(days=1))
            used = (time.process_time() - used) * 1_000
            grown = _resident() - before
            idle, _ = _midnight(course.clinic_id, at + timedelta(days=1))
        rates[total] = judged / took
        yield Line(f"midnight over {judged:,} patients", f"{rates[total]:,.0f} /s", f"{grown:+.1f} MB while it ran")
        costs[total] = used / judged
        yield Line("the same: CPU of the worker, a patient", f"{costs[total]:.2f} ms", "one worker")
        yield Line("a round in which nobody is behind", f"{idle * 1000:.0f} ms", "")
        at += timedelta(days=1)
    if MANY < ALL:
        yield Line("not measured: a midnight over 100,000 patients", "", "./clinic bench judging --patients 100000")
    with walls.acting(clinic=course.clinic_id):
        found = Finding.objects.filter(clinic_id=course.clinic_id).count()
    yield Line("findings on record", f"{found:,}", "that is what the midnights had to follow")
    yield Line(
        "a patient of many against one of few, CPU", f"{costs[MANY] / costs[FEW]:.2f} x", "target at most 1.20 x"
    )


def _a_course(at: datetime) -> Prescription:
    with suppress(demo_seed.AlreadySeeded):
        list(demo_seed.seed(patients=2, days=NIGHTS, seed=7, last_day=at.date()))
    with walls.acting(clinic=demo.CLINIC_ID):
        open_ones = Prescription.objects.filter(clinic_id=demo.CLINIC_ID, state=Prescription.State.ACTIVE)
        found: Prescription = open_ones.order_by("signed_at")[0]
        return found


def _one(course: Prescription, at: datetime) -> tuple[float, float]:
    """Milliseconds from a raised sequence to the findings on record, and those of this process's CPU."""
    took, busy = [], []
    for _ in range(ONE_BY_ONE):
        with transaction.atomic(), walls.acting(clinic=course.clinic_id):
            raise_sequence(patient_id=course.patient_id, clinic_id=course.clinic_id)
        began, used = time.perf_counter(), time.process_time()
        with transaction.atomic(), walls.acting(clinic=course.clinic_id):
            findings.judge(patient_id=course.patient_id, clinic_id=course.clinic_id, at=at)
        took.append((time.perf_counter() - began) * 1_000)
        busy.append((time.process_time() - used) * 1_000)
    return statistics.median(took), statistics.median(busy)


def _midnight(clinic_id: uuid.UUID, at: datetime) -> tuple[float, int]:
    """Seconds, and patients judged, until nobody is behind."""
    began, judged = time.perf_counter(), 0
    while True:
        with walls.acting(clinic=clinic_id):
            some = findings.judge_some(clinic_id=clinic_id, at=at)
        judged += some
        if some < findings.BATCH:
            return time.perf_counter() - began, judged


def _resident() -> float:
    """Megabytes of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _copy(course: Prescription, total: int) -> None:
    """Copies of the course's patient, until the clinic has so many patients; nobody's history is written for them."""
    with owner.connect() as database, database.transaction():
        (have,) = database.execute(
            "SELECT count(*) FROM patients_patient WHERE clinic_id = %s", [course.clinic_id]
        ).fetchone() or (0,)
        database.execute(
            "CREATE TEMP TABLE made ON COMMIT DROP AS SELECT number, gen_random_uuid() AS patient,"
            " gen_random_uuid() AS prescription FROM generate_series(%s::int, %s::int) number",
            [have, total - 1],
        )
        database.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table, replaced in _COPIED.items():
            _copy_rows(database, table, replaced, course)
    with owner.connect() as database:
        for table in _COPIED:
            database.execute(f"VACUUM (ANALYZE) {table}")


def _copy_rows(database: psycopg.Connection[Any], table: str, replaced: dict[str, str], course: Prescription) -> None:
    names = [
        name
        for (name,) in database.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position",
            [table],
        ).fetchall()
    ]
    whose = {"patients_patient": "id", "titration_planchange": "prescription_id"}.get(table, "patient_id")
    of = course.id if whose == "prescription_id" else course.patient_id
    taken = ", ".join(replaced.get(name, f'old."{name}"') for name in names)
    columns = ", ".join(f'"{name}"' for name in names)
    database.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    more = f" AND old.id = '{course.id}'" if table == "titration_prescription" else ""
    database.execute(
        f"INSERT INTO {table} ({columns}) SELECT {taken} FROM made, {table} old WHERE old.{whose} = %s{more}",  # noqa: S608
        [of],
    )
    database.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
