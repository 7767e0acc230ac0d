"""Take what is due, for a while, so that no other sender takes it too."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from reminders import pace
from reminders.models import Reminder
from reminders.states import State

# One statement finds, locks and marks, and goes back to each row by its place, not through an index: the cost is that
# of the due rows alone. A row that another sender is taking is passed over, not waited for.
_CLAIM = """
UPDATE reminders_reminder
   SET state = %(claimed)s, lease = %(lease)s, lease_until = %(lease_until)s
 WHERE ctid = ANY (ARRAY(
           SELECT ctid
             FROM reminders_reminder
            WHERE done_at IS NULL AND state = %(pending)s AND next_at <= %(at)s AND not_after > %(at)s
            ORDER BY next_at
            LIMIT %(size)s
              FOR UPDATE SKIP LOCKED))
RETURNING next_at, id
"""


@dataclass(frozen=True)
class Claim:
    """Rows held under one lease. The lease is the fence: whoever lost it can write nothing any more."""

    lease: uuid.UUID
    reminder_ids: list[uuid.UUID]


def claim(*, at: datetime, size: int = pace.BATCH) -> Claim:
    """Up to `size` due rows, longest due first."""
    values = {
        "claimed": State.CLAIMED.value,
        "pending": State.PENDING.value,
        "lease": uuid.uuid4(),
        "lease_until": at + pace.LEASE,
        "at": at,
        "size": size,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, values)
        return Claim(values["lease"], [reminder_id for _, reminder_id in sorted(cursor.fetchall())])


def give_back(taken: Claim, reminder_ids: list[uuid.UUID]) -> int:
    """Return rows untried, due as they were: nothing left the machine and no try is spent."""
    return (
        Reminder.objects.across_clinics()
        .filter(id__in=reminder_ids, lease=taken.lease, state=State.CLAIMED)
        .update(state=State.PENDING, lease=None, lease_until=None)
    )
