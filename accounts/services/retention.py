"""What signing in leaves behind, and how long it is kept."""

from datetime import datetime

from django.db import transaction

from accounts.models import Session


@transaction.atomic
def forget_sessions(*, at: datetime) -> int:
    """Delete sessions that have expired, of all clinics. How many."""
    return Session.objects.filter(expire_date__lt=at).delete()[0]
