"""What signing in leaves behind, and how long it is kept."""

from datetime import datetime, timedelta

from axes.models import AccessAttempt, AccessFailureLog
from django.db import transaction

from accounts.models import Session

TRIES_KEPT = timedelta(days=30)
"""Long past any lock; who tried and failed stands in the memory without a name: a choice of this project, grade E3."""


@transaction.atomic
def forget_sign_ins(*, at: datetime) -> dict[str, int]:
    """Delete sessions that have expired and failed tries of thirty days ago, of all clinics. How many of each."""
    over = at - TRIES_KEPT
    gone = {
        "sessions": Session.objects.filter(expire_date__lt=at),
        "failed_tries": AccessAttempt.objects.filter(attempt_time__lt=over),
        "failures_listed": AccessFailureLog.objects.filter(attempt_time__lt=over),
    }
    counts = {}
    for name, rows in gone.items():
        counts[name] = rows.count()
        rows.delete()
    return counts
