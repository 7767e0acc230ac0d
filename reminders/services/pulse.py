"""Signs of life, and the one clock of the bell."""

from datetime import datetime

from django.db import connection
from django.db.models.functions import Now

from reminders.models import Heartbeat


def database_time() -> datetime:
    """This moment by the database, which all senders share."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (at,) = cursor.fetchone()
    return at


def beat_alive() -> None:
    """Beat runs: called by the scheduler itself."""
    _alive(Heartbeat.Name.BEAT)


def worker_alive() -> None:
    """A worker consumes tasks and reaches the database: the canary that a ping cannot be."""
    _alive(Heartbeat.Name.WORKER)


def round_made(*, oldest_due_at: datetime | None, oldest_doubt_at: datetime | None) -> None:
    """A round was made from beginning to end; this is what it left waiting, and in doubt."""
    _alive(Heartbeat.Name.ROUND, oldest_due_at=oldest_due_at, oldest_doubt_at=oldest_doubt_at)


def urgent_planned(*, ignored_since: datetime | None) -> None:
    """Whom to tell of what is urgent was worked out; since when something lies unopened that everybody was told of."""
    _alive(Heartbeat.Name.URGENT, oldest_due_at=ignored_since)


def planned_until_now(*, at: datetime) -> None:
    """Everything owed as of `at` has its row."""
    _write(Heartbeat(name=Heartbeat.Name.PLAN, at=at))


def _alive(name: Heartbeat.Name, **left: datetime | None) -> None:
    _write(Heartbeat(name=name, at=Now(), **left))


def _write(pulse: Heartbeat) -> None:
    Heartbeat.objects.bulk_create(
        [pulse],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["at", "oldest_due_at", "oldest_doubt_at"],
    )
