"""The daily forgetting of technical rows: those that let somebody in once and never will again."""

from datetime import datetime

from django.db import transaction

from accounts import selectors as accounts_selectors
from accounts.actors import NOBODY, system
from accounts.services import retention as accounts_retention
from audit import services as audit
from common import walls
from imports import services as imports
from patients.services import retention as patients_retention

ACTION = "retention.sweep"


def sweep(*, at: datetime) -> None:
    """Forget, clinic by clinic, and remember how much. Twice changes nothing but says so twice."""
    with transaction.atomic():
        audit.record(by=NOBODY, at=at, action=ACTION, details=accounts_retention.forget_sign_ins(at=at))
    for clinic_id in accounts_selectors.all_clinic_ids():
        with transaction.atomic(), walls.acting(clinic=clinic_id):
            counts = patients_retention.forget_spent(clinic_id=clinic_id, at=at)
            counts["tables_not_decided_on"] = imports.forget_expired(clinic_id=clinic_id, at=at)
            audit.record(by=system(clinic_id), at=at, action=ACTION, details=counts)
