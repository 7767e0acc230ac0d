"""Put right what time or a dead sender left behind, before anything is claimed: nothing stale ever leaves."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F

from reminders import pace
from reminders.models import Attempt, Reminder, ReminderQuerySet
from reminders.states import State


@dataclass(frozen=True)
class Swept:
    """How many rows were put right, by what became of them."""

    returned: int
    uncertain: int
    expired: int


def sweep(*, at: datetime) -> Swept:
    """Lapsed leases first, then what is too late: a claim that lapsed past its time expires in the same sweep."""
    return Swept(returned=_return_claims(at), uncertain=_doubt_sendings(at), expired=_expire(at))


def _leased(at: datetime) -> ReminderQuerySet:
    """Where leased rows are: whatever was claimed had been due. The index of what is due finds them."""
    return Reminder.objects.across_clinics().unsettled().filter(next_at__lte=at)


def _return_claims(at: datetime) -> int:
    """The holder died or stalls; nothing had left the machine."""
    return (
        _leased(at)
        .filter(state=State.CLAIMED, lease_until__lte=at)
        .update(state=State.PENDING, lease=None, lease_until=None)
    )


@transaction.atomic
def _doubt_sendings(at: datetime) -> int:
    """The holder died between handing over and writing down what came of it: nobody can know."""
    lapsed = _leased(at).filter(state=State.SENDING, lease_until__lte=at).select_for_update(skip_locked=True)
    rows = list(lapsed[: pace.SWEEP_AT_MOST])
    if not rows:
        return 0
    Reminder.objects.across_clinics().filter(id__in=[row.id for row in rows]).update(
        state=State.UNCERTAIN, lease=None, lease_until=None, error_class="lease_lapsed"
    )
    Attempt.objects.bulk_create(
        Attempt(
            clinic_id=row.clinic_id,
            reminder_id=row.id,
            number=row.attempts,
            outcome=Attempt.Outcome.UNCERTAIN,
            error_class="lease_lapsed",
            at=at,
        )
        for row in rows
    )
    return len(rows)


def _expire(at: datetime) -> int:
    """Too late to say; bounded, so that a month's silence does not become one statement of a minute."""
    stale = _pending_past(at)
    if not stale:
        return 0
    return (
        Reminder.objects.across_clinics()
        .filter(id__in=stale, state=State.PENDING, not_after__lte=at)
        .update(state=State.EXPIRED, done_at=at)
    )


def _pending_past(at: datetime) -> list[uuid.UUID]:
    stale = (
        Reminder.objects.across_clinics()
        .unsettled()
        .filter(state=State.PENDING, not_after__lte=at)
        .order_by(F("not_after"))
    )
    return list(stale.values_list("id", flat=True)[: pace.SWEEP_AT_MOST])
