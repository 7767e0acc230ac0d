"""One reminder's moves while its sender holds it. Each is one statement, fenced by the lease, with its attempt row."""

import uuid
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from reminders import pace
from reminders.models import Attempt, Reminder
from reminders.states import FINAL, LEASED, State

# The row and what is remembered of the try are written by one statement: no crash can part them. The time is the
# database's at the statement, since a conversation with a mail server may have lasted a minute.
_TRY = """
WITH moved AS (
    UPDATE reminders_reminder
       SET state = %(to)s,
           attempts = attempts + %(counted)s,
           error_class = %(error_class)s,
           lease = CASE WHEN %(leased)s THEN lease END,
           lease_until = CASE WHEN %(leased)s THEN clock_timestamp() + %(lease_lasts)s::interval END,
           next_at = COALESCE(clock_timestamp() + %(wait)s::interval, next_at),
           done_at = CASE WHEN %(final)s THEN clock_timestamp() END
     WHERE id = %(reminder_id)s AND lease = %(lease)s AND state = %(frm)s
 RETURNING id, clinic_id, attempts
)
INSERT INTO reminders_attempt (id, clinic_id, reminder_id, number, outcome, error_class, at)
SELECT %(attempt_id)s, clinic_id, id, attempts, %(outcome)s, %(error_class)s, clock_timestamp() FROM moved
"""


def tried(
    reminder_id: uuid.UUID,
    lease: uuid.UUID,
    frm: State,
    to: State,
    outcome: Attempt.Outcome,
    *,
    error_class: str = "",
    wait: timedelta | None = None,
) -> bool:
    """Move a row and append its attempt; False if the lease is no longer ours, and then nothing was written.

    A try is counted where it begins: on the way to `sending`, or when it ends before that. Entering `sending` renews
    the lease, so that the longest conversation that can follow fits in it.
    """
    values: dict[str, Any] = {
        "reminder_id": reminder_id,
        "lease": lease,
        "frm": frm.value,
        "to": to.value,
        "counted": int(frm is State.CLAIMED),
        "error_class": error_class[:60],
        "leased": to in LEASED,
        "lease_lasts": pace.LEASE,
        "wait": wait,
        "final": to in FINAL,
        "attempt_id": uuid.uuid4(),
        "outcome": outcome.value,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TRY, values)
        return bool(cursor.rowcount == 1)


def dropped(reminder_id: uuid.UUID, lease: uuid.UUID, to: State, reason: str) -> bool:
    """End a claimed row that the door did not let pass: nothing was tried."""
    return (
        _claimed(reminder_id, lease).update(state=to, lease=None, lease_until=None, error_class=reason, done_at=Now())
        == 1
    )


def postponed(reminder_id: uuid.UUID, lease: uuid.UUID) -> bool:
    """Let a claimed row wait until the planner has moved it: nothing was tried."""
    return (
        _claimed(reminder_id, lease).update(
            state=State.PENDING, lease=None, lease_until=None, next_at=Now() + pace.LATER
        )
        == 1
    )


def _claimed(reminder_id: uuid.UUID, lease: uuid.UUID) -> Any:
    return Reminder.objects.across_clinics().filter(id=reminder_id, lease=lease, state=State.CLAIMED)
