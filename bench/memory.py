"""How many audited readings a second the database takes, against plain inserts of the same row in the same run."""

import multiprocessing
import resource
import time
import uuid
from collections.abc import Callable, Iterator

from django.db import connection, transaction

from accounts.actors import Actor, Kind
from audit import sealing
from audit import services as audit
from bench import owner
from bench.line import Line
from common import clock, walls

WRITERS, EACH = 4, 1_500
PLAIN = """
CREATE TABLE bench_plain (id uuid PRIMARY KEY, at timestamptz, clinic_id uuid, patient_id uuid, action text);
GRANT INSERT ON bench_plain TO PUBLIC
"""


def lines() -> Iterator[Line]:
    """Plain inserts, audited readings, and sealing what they wrote; each writer is a process of its own."""
    with owner.connect() as database:
        database.execute(PLAIN)
    plain = _a_second(_insert)
    used = _processor()
    audited = _a_second(_read)
    used = (_processor() - used) * 1_000 / (WRITERS * EACH)
    began = time.perf_counter()
    sealed = sealing.seal(at=clock.now())
    sealing_took = time.perf_counter() - began
    yield Line("plain inserts, a transaction each", f"{plain:,.0f} /s", f"{WRITERS} writers")
    yield Line("audited readings, a transaction each", f"{audited:,.0f} /s", "target more than 1,000 /s")
    yield Line("an audited reading: CPU of the writer", f"{used:.2f} ms", "the same however busy the machine is")
    yield Line("audited readings against plain inserts", f"{audited / plain:.2f} x", "the walls' context and the event")
    yield Line(f"sealing {sealed:,} events", f"{sealed / sealing_took:,.0f} /s", "must be more than are written")


def _a_second(deed: Callable[[uuid.UUID], None]) -> float:
    """Deeds a second of all writers together, from the first beginning to the last end."""
    connection.close()
    fork = multiprocessing.get_context("fork")
    all_there = fork.Barrier(WRITERS + 1)
    writers = [fork.Process(target=_write, args=(deed, all_there)) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    all_there.wait()
    began = time.perf_counter()
    for writer in writers:
        writer.join()
        if writer.exitcode:
            raise SystemExit("A writer ended with an error.")
    return WRITERS * EACH / (time.perf_counter() - began)


def _processor() -> float:
    """Seconds of processor that ended writers have used."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _write(deed: Callable[[uuid.UUID], None], all_there: "multiprocessing.synchronize.Barrier") -> None:
    clinic_id = uuid.uuid4()
    connection.ensure_connection()
    all_there.wait()
    for _ in range(EACH):
        deed(clinic_id)


def _insert(clinic_id: uuid.UUID) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bench_plain VALUES (%s, %s, %s, %s, %s)",
            [uuid.uuid4(), clock.now(), clinic_id, uuid.uuid4(), "patient.page"],
        )


def _read(clinic_id: uuid.UUID) -> None:
    """What a page does around its own statements: the context, one row read, the event, the commit."""
    user_id = uuid.uuid4()
    by = Actor(kind=Kind.MEMBER, clinic_id=clinic_id, label="a bench", user_id=user_id, role="nurse")
    with transaction.atomic(), walls.acting(clinic=clinic_id, user=user_id, request=uuid.uuid4()):
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM patients_patient WHERE id = %s", [uuid.uuid4()])
        audit.record(by=by, at=clock.now(), action="patient.page", patients=[uuid.uuid4()])
