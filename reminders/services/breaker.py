"""Leaves a mail server alone that does not answer, and remembers it for whoever must mend it."""

from datetime import datetime

from django.db import transaction

from reminders import pace
from reminders.models import Breaker, Reminder


def closed(*, at: datetime) -> bool:
    """Whether the mail server may be tried now."""
    return not Breaker.objects.filter(channel=Reminder.Channel.EMAIL, open_until__gt=at).exists()


@transaction.atomic
def unanswered(*, at: datetime) -> None:
    """The server did not answer once more; after enough of these in a row it is left alone, longer each time."""
    Breaker.objects.bulk_create([Breaker(channel=Reminder.Channel.EMAIL)], ignore_conflicts=True)
    breaker = Breaker.objects.select_for_update().get(channel=Reminder.Channel.EMAIL)
    # Bounded: the doubling has reached its longest wait long before, and the column is a small integer.
    breaker.failures_in_a_row = min(breaker.failures_in_a_row + 1, 1000)
    over = breaker.failures_in_a_row - pace.BREAKER_OPENS_AFTER
    if over >= 0:
        breaker.open_until = at + min(pace.BREAKER_FIRST * 2 ** min(over, 10), pace.BREAKER_LONGEST)
    breaker.save()


def answered() -> None:
    """The server answers: forget the failures, if there were any."""
    Breaker.objects.filter(channel=Reminder.Channel.EMAIL, failures_in_a_row__gt=0).update(
        failures_in_a_row=0, open_until=None
    )
