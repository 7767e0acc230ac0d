"""What claiming due reminders costs the database as the table grows: buffers touched for each due row, exact counts."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from bench import owner
from bench.line import Line
from common import clock, walls
from ldn_clinic import demo, demo_seed
from reminders.services import claiming
from titration.models import Prescription

DUE = 1_000
FILL = """
WITH made AS (
  INSERT INTO reminders_occurrence (id, clinic_id, patient_id, prescription_id, kind, about_on, local_time,
                                    zone_name, due_at, expires_at, state)
  SELECT gen_random_uuid(), p.clinic_id, p.patient_id, p.id, 'bench', DATE '1000-01-01' + n, '18:00', 'UTC',
         %(at)s, %(at)s + interval '1 day', 'planned'
  FROM titration_prescription p, generate_series(%(first)s::int, %(last)s::int) n WHERE p.id = %(prescription)s
  RETURNING id, clinic_id
)
INSERT INTO reminders_reminder (id, clinic_id, occurrence_id, channel, state, next_at, not_after, attempts,
                                error_class)
SELECT gen_random_uuid(), clinic_id, id, 'email', 'pending', %(next_at)s, %(next_at)s + interval '1 day', 0, ''
FROM made
"""


def lines() -> Iterator[Line]:
    """1,000 due among 10,000 and among 1,000,000."""
    at = clock.now()
    prescription = _a_course(at)
    per_row = {}
    filled = 0
    for total in (10_000, 1_000_000):
        _fill(prescription, at, first=filled, last=total - 1, due=DUE if not filled else 0)
        filled = total
        with owner.as_worker():
            per_row[total] = _buffers(at) / DUE
        yield Line(f"claim {DUE:,} due among {total:,} reminders", f"{per_row[total]:.1f}", "buffers per due row")
    ratio = per_row[1_000_000] / per_row[10_000]
    yield Line("a hundred times the reminders", f"{ratio:.2f}", "times the buffers; target 1.00 ± 0.10")


def _a_course(at: datetime) -> Prescription:
    with suppress(demo_seed.AlreadySeeded):
        list(demo_seed.seed(patients=2, days=30, seed=7, last_day=at.date()))
    with walls.acting(clinic=demo.CLINIC_ID):
        return Prescription.objects.filter(clinic_id=demo.CLINIC_ID)[0]


def _fill(prescription: Prescription, at: datetime, *, first: int, last: int, due: int) -> None:
    """Rows from number `first` to `last`, the first `due` of them due now, the rest tomorrow."""
    values = {"at": at, "prescription": prescription.id}
    with owner.connect() as database:
        if due:
            database.execute(FILL, {**values, "first": first, "last": first + due - 1, "next_at": at})
        tomorrow = at.replace(year=at.year + 1)
        database.execute(FILL, {**values, "first": first + due, "last": last, "next_at": tomorrow})
        database.execute("VACUUM (ANALYZE) reminders_reminder")


def _buffers(at: datetime) -> int:
    """Run the real claim, and then its very statements again under EXPLAIN; both are taken back."""
    with transaction.atomic(), CaptureQueriesContext(connection) as captured:
        claiming.claim(at=at, size=DUE)
        transaction.set_rollback(True)
    statements = [q["sql"] for q in captured.captured_queries if q["sql"].split()[0] in ("SELECT", "UPDATE", "WITH")]
    with owner.connect() as database:
        # What the first run left behind when it was taken back would be counted too.
        database.execute("VACUUM (ANALYZE) reminders_reminder")
    touched = 0
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}")
            (answer,) = cursor.fetchone()
            plan = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
            touched += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        transaction.set_rollback(True)
    return touched
