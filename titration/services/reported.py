"""Finding out what was really taken."""

import uuid
from datetime import datetime

from django.db import transaction

from accounts import policy
from accounts.actors import Actor
from audit import services as audit
from common.refusals import Refused, Stale
from patients.models import Patient
from patients.services.changed import raise_sequence
from titration.engine import timeline
from titration.engine.advice.opioids import CLARIFIED
from titration.models import DoseClarified, Prescription
from titration.selectors import courses as courses_selectors
from titration.selectors import weighing
from titration.services import findings


@transaction.atomic
def clarify(*, prescription_id: uuid.UUID, words: str, seen: str, by: Actor, at: datetime) -> DoseClarified:
    """Put on record what was found out about the nights of which another dose was told than was prescribed.

    It answers for what has been told of the nights up to today, however old: neither the gate nor R15 closes the next
    step by it any more; what is told of them afterwards is asked about anew. `seen` is the fingerprint of what whoever
    answers was shown: what has come up since is `Stale`. Where poison is to be thought of, or the patient is a child,
    that alert is answered by itself. What was told stays.
    """
    policy.check(by, policy.Permission.HOLD)
    known = courses_selectors.visible_prescriptions(by).select_for_update(of=("self",), no_key=True)
    prescription = courses_selectors.with_changes(known.filter(id=prescription_id)).select_related("patient").first()
    if prescription is None or prescription.state not in Prescription.OPEN_STATES:
        raise Refused("This plan is not open any more. Nothing was done.")
    # The patient too, after the plan as everywhere: nothing is told or judged until this stands.
    Patient.objects.select_for_update(no_key=True).get(id=prescription.patient_id, clinic_id=by.clinic_id)
    in_force = timeline.unfold(courses_selectors.course_of(prescription))
    today = courses_selectors.patient_today(prescription, at=at)
    asked = weighing.asked_of(prescription, in_force, today=today)
    if not asked.is_any:
        raise Refused("No dose was told otherwise than prescribed, or somebody has answered it.")
    if asked.fingerprint != seen:
        raise Stale(
            "Something else has been told since you opened the page. Look at the doses again, then answer them."
        )
    if not words:
        raise Refused("Say what was really taken and how you know, so that the next person understands.")
    row = DoseClarified.objects.create(
        clinic_id=prescription.clinic_id,
        patient_id=prescription.patient_id,
        prescription=prescription,
        up_to=today,
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
