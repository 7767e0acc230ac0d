"""The system's own rounds over courses left to it."""

import logging
from datetime import datetime

from celery import shared_task
from django.db import transaction

from accounts import selectors as accounts_selectors
from accounts.actors import system
from common import clock, walls
from common.refusals import Refused
from titration.models import Prescription
from titration.services import courses

log = logging.getLogger(__name__)


@shared_task(name="titration.tick")
def tick() -> None:
    """Append the advance of every planned course whose step is due and whose gate is open. Twice changes nothing."""
    at = clock.now()
    for clinic_id in accounts_selectors.all_clinic_ids():
        with walls.acting(clinic=clinic_id):
            due = list(courses.planned_due(clinic_id=clinic_id, at=at))
        for prescription in due:
            _advance(prescription, at)


def _advance(prescription: Prescription, at: datetime) -> None:
    try:
        with transaction.atomic(), walls.acting(clinic=prescription.clinic_id):
            courses.advance(
                prescription_id=prescription.id,
                reason="",
                seen_version=prescription.version,
                by=system(prescription.clinic_id),
                at=at,
            )
    except Refused:
        # The gate is not open: the lower dose goes on and the worklist shows the step as due.
        log.info("planned step of course %s waits", prescription.id)
    except Exception as error:  # noqa: BLE001  one course that cannot be read must not stop the others
        log.error("planned step of course %s failed: %s", prescription.id, type(error).__name__)
