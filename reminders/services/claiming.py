"""Take what is due, for a while, so that no other sender takes it too."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from reminders import pace
from reminders.models import Reminder
from reminders.states import State


@dataclass(frozen=True)
class Claim:
    """Rows held under one lease. The lease is the fence: whoever lost it can write nothing any more."""

    lease: uuid.UUID
    reminder_ids: list[uuid.UUID]


@transaction.atomic
def claim(*, at: datetime, size: int = pace.BATCH) -> Claim:
    """Up to `size` due rows, longest due first; rows another sender is taking are passed over, not waited for."""
    due = Reminder.objects.filter(state=State.PENDING, next_at__lte=at, not_after__gt=at).order_by("next_at")
    ids = list(due.select_for_update(skip_locked=True).values_list("id", flat=True)[:size])
    taken = Claim(uuid.uuid4(), ids)
    if ids:
        Reminder.objects.filter(id__in=ids).update(state=State.CLAIMED, lease=taken.lease, lease_until=at + pace.LEASE)
    return taken


def give_back(taken: Claim, reminder_ids: list[uuid.UUID]) -> int:
    """Return rows untried, due as they were: nothing left the machine and no try is spent."""
    return Reminder.objects.filter(id__in=reminder_ids, lease=taken.lease, state=State.CLAIMED).update(
        state=State.PENDING, lease=None, lease_until=None
    )
