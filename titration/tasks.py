"""The system's own rounds: over courses left to it, and over patients that the rules have not looked at yet."""

import logging
import time
import uuid
from datetime import datetime

from celery import shared_task
from django.db import transaction

from accounts import selectors as accounts_selectors
from accounts.actors import system
from common import clock, walls
from common.refusals import Refused
from titration.models import Prescription
from titration.services import courses, findings

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


ROUND_LASTS = 200.0
"""Seconds; below the limit of a task. What is left is judged by the next round."""


@shared_task(name="titration.judge")
def judge(patient_id: str, clinic_id: str) -> None:
    """Judge one patient who has just told something. May be lost or doubled: the round finds who is behind."""
    with walls.acting(clinic=clinic_id):
        findings.judge(patient_id=uuid.UUID(patient_id), clinic_id=uuid.UUID(clinic_id), at=clock.now())


@shared_task(name="titration.judge_round")
def judge_round() -> None:
    """Judge everybody who has changed since they were judged, or whose midnight has come. Twice changes nothing."""
    ends = time.monotonic() + ROUND_LASTS
    for clinic_id in accounts_selectors.all_clinic_ids():
        try:
            _judge_clinic(clinic_id, ends)
        except Exception as error:  # noqa: BLE001  one clinic must not stop the others
            log.error("patients of clinic %s wait to be judged: %s", clinic_id, type(error).__name__)


def _judge_clinic(clinic_id: uuid.UUID, ends: float) -> None:
    """A transaction a batch, so that rows are held for moments and memory stays that of one batch."""
    while time.monotonic() < ends:
        with walls.acting(clinic=clinic_id):
            judged = findings.judge_some(clinic_id=clinic_id, at=clock.now())
        if judged < findings.BATCH:
            return
