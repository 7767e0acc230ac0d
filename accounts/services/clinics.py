"""What a clinic decides for itself."""

from datetime import datetime

from django.db import transaction

from accounts import policy
from accounts.actors import Actor
from accounts.models import Clinic
from audit import services as audit
from common.refusals import Refused

SHORTEST_YEARS, LONGEST_YEARS = 6, 50
"""Who looked at a record is kept for six years (45 CFR 164.316(b)(2)): the record not for less. The longer bound keeps
out slips of the hand."""


@transaction.atomic
def keep_records_for(*, years: int, by: Actor, at: datetime) -> None:
    """Decide for how many years after its last entry a record is kept. The law where the clinic works says how long."""
    policy.check(by, policy.Permission.ERASE)
    if not SHORTEST_YEARS <= years <= LONGEST_YEARS:
        raise Refused(f"Choose from {SHORTEST_YEARS} to {LONGEST_YEARS} years.")
    if Clinic.objects.filter(id=by.clinic_id).exclude(retention_years=years).update(retention_years=years):
        audit.record(by=by, at=at, action="retention.years", details={"years": years})
