"""A remembered phone: who acts from it, and forgetting it."""

import uuid
from datetime import datetime

from django.db import transaction

from accounts.actors import Actor, Kind
from audit import services as audit
from patients.models import Phone


def patient_actor(phone: Phone, *, request_id: uuid.UUID | None) -> Actor:
    """The patient, acting from this phone."""
    return Actor(
        kind=Kind.PATIENT,
        clinic_id=phone.clinic_id,
        label="the patient",
        user_id=phone.patient.user_id,
        role="patient",
        patient_id=phone.patient_id,
        request_id=request_id,
    )


@transaction.atomic
def forget_phone(*, phone: Phone, by: Actor, at: datetime) -> None:
    """Stop remembering a phone, by its patient or by the clinic. Doing it twice changes nothing."""
    if Phone.objects.filter(id=phone.id, clinic_id=by.clinic_id, revoked_at=None).update(revoked_at=at):
        audit.record(by=by, at=at, action="phone.forget", patients=[phone.patient_id], subject=phone.id)
