"""Finding out what was really taken."""

import uuid
from datetime import datetime, timedelta

from django.db import transaction

from accounts import policy
from accounts.actors import Actor
from audit import services as audit
from common.refusals import Refused
from patients.services.changed import raise_sequence
from titration.engine import timeline
from titration.engine.advice.opioids import CLARIFIED
from titration.models import DoseClarified, Finding, Prescription
from titration.selectors import courses as courses_selectors
from titration.selectors import weighing
from titration.services import findings


@transaction.atomic
def clarify(*, prescription_id: uuid.UUID, words: str, by: Actor, at: datetime) -> DoseClarified:
    """Put on record what was found out about the nights of which another dose was told than was prescribed.

    It answers for the nights up to yesterday, however old: neither the gate nor R15 closes the next step by them any
    more. Where poison is to be thought of, or the patient is a child, that alert is answered by itself. What was told
    stays.
    """
    policy.check(by, policy.Permission.HOLD)
    known = courses_selectors.visible_prescriptions(by).select_for_update(of=("self",), no_key=True)
    prescription = courses_selectors.with_changes(known.filter(id=prescription_id)).select_related("patient").first()
    if prescription is None or prescription.state not in Prescription.OPEN_STATES:
        raise Refused("This plan is not open any more. Nothing was done.")
    in_force = timeline.unfold(courses_selectors.course_of(prescription))
    today = courses_selectors.patient_today(prescription, at=at)
    if not weighing.differing_of(prescription, in_force, end=today) and not _asked(prescription):
        raise Refused("No dose was told otherwise than prescribed, or somebody has answered it.")
    if not words:
        raise Refused("Say what was really taken and how you know, so that the next person understands.")
    row = DoseClarified.objects.create(
        clinic_id=prescription.clinic_id,
        patient_id=prescription.patient_id,
        prescription=prescription,
        up_to=today - timedelta(days=1),
        words=words,
        at=at,
        by_id=by.user_id,
        by_label=by.label,
    )
    audit.record(by=by, at=at, action="dose.clarify", patients=[prescription.patient_id], subject=prescription.id)
    raise_sequence(patient_id=prescription.patient_id, clinic_id=prescription.clinic_id)
    # The alert of the same doses (R15) must not ask again on the very next page.
    findings.answered_elsewhere(
        patient=prescription.patient,
        answers=lambda one: one.rule == "R15" and one.part in CLARIFIED and one.day <= row.up_to,
        by=by,
        at=at,
    )
    return row


def _asked(prescription: Prescription) -> bool:
    """Whether an alert asks what was really taken."""
    asked = Finding.objects.filter(patient=prescription.patient_id, rule="R15", part__in=CLARIFIED)
    return asked.standing().waiting().exists()
