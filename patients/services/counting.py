"""So many in a while and no more, counted in the database: no cache that is away lets more through."""

from datetime import datetime, timedelta

from django.db import connection

from patients import secrets
from patients.models import MailAsked


def count(kind: str, value: str, *, most: int, window: timedelta, at: datetime) -> bool:
    """Count one more of a kind for this value, or say that there were `most` of them in the window already.

    Two at one moment come one after the other. The value is kept as a keyed digest.
    """
    counted_as = secrets.counted_as(kind, value)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [counted_as])
    asked = MailAsked.objects.filter(counted_as=counted_as)
    asked.filter(at__lte=at - window).delete()
    if asked.count() >= most:
        return False
    MailAsked.objects.create(counted_as=counted_as, at=at)
    return True
