"""What a prescription says of who signs it."""

import re
from datetime import datetime

from django.db import transaction

from accounts import policy
from accounts.actors import Actor
from accounts.models import User
from audit import services as audit
from common.refusals import Refused

_NPI_PREFIX = "80840"
"""What the check digit of a US National Provider Identifier is worked out with, before its own ten digits."""


@transaction.atomic
def write_down(*, licence: str, npi: str, by: Actor, at: datetime) -> None:
    """Write down one's own licence and, in the US, one's NPI. Prescriptions signed before keep what they said."""
    policy.check(by, policy.Permission.PRESCRIBE)
    if npi and not is_npi(npi):
        raise Refused("That is not an NPI: it has ten digits, and the last one does not fit. Check for a slip.")
    User.objects.filter(id=by.user_id).update(licence=licence, npi=npi)
    audit.record(by=by, at=at, action="licence.write_down", subject=by.user_id)


def is_npi(typed: str) -> bool:
    """Ten digits of which the last is the check digit (Luhn, over the prefix 80840 and the rest)."""
    if not re.fullmatch(r"[0-9]{10}", typed):
        return False
    total = 0
    for number, digit in enumerate(reversed(_NPI_PREFIX + typed)):
        value = int(digit) * (1 + number % 2)
        total += value // 10 + value % 10
    return total % 10 == 0
