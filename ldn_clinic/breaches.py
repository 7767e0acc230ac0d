"""Counts reported breaches of the content security policy, a row for each kind and day."""

from collections.abc import Iterable
from datetime import date, timedelta

from django.core.cache import cache
from django.db import transaction
from django.db.models import F, QuerySet, Sum

from ldn_clinic.csp import Breach
from ldn_clinic.models import PolicyBreach

REPORTS_A_MINUTE = 20
"""From one address. Anybody may send reports, so neither their number nor their kinds may fill the disk."""
KINDS_A_DAY = 200
KEPT = timedelta(days=90)


def too_many(address: str) -> bool:
    """Whether this address has sent its share of this minute; counts the present one."""
    key = f"csp-reports-{address}"
    cache.add(key, 0, timeout=60)
    sent = int(cache.get(key) or 0) + 1
    cache.set(key, sent, timeout=60)
    return sent > REPORTS_A_MINUTE


@transaction.atomic
def count(breaches: Iterable[Breach], *, day: date) -> None:
    """Add to the counts of the day; kinds beyond the most a day may have are left out."""
    for breach in breaches:
        kind = {"day": day, "directive": breach.directive, "blocked": breach.blocked, "page": breach.page}
        if PolicyBreach.objects.filter(**kind).update(times=F("times") + 1):
            continue
        if PolicyBreach.objects.filter(day=day).count() < KINDS_A_DAY:
            PolicyBreach.objects.bulk_create([PolicyBreach(**kind)], ignore_conflicts=True)
            PolicyBreach.objects.filter(day__lt=day - KEPT).delete()


def since(day: date) -> QuerySet[PolicyBreach]:
    """The breaches of that day and after it, the most frequent first."""
    return PolicyBreach.objects.filter(day__gte=day).order_by("-times", "directive", "page")


def times_since(day: date) -> int:
    return since(day).aggregate(all=Sum("times"))["all"] or 0
