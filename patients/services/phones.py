"""A remembered phone: who acts from it, and forgetting it."""

import uuid
from datetime import datetime

from django.db import transaction

from accounts.actors import Actor, Kind
from audit import services as audit
from patients.models import Phone

# A patient's name and address stand in their record alone: who acted is known by the id.
THE_PATIENT = "the patient"


def patient_actor(phone: Phone, *, request_id: uuid.UUID | None) -> Actor:
    """The patient, acting from this phone."""
    if phone.patient is None:
        raise ValueError("A carer's phone acts for nobody without a grant.")
    return Actor(
        kind=Kind.PATIENT,
        clinic_id=phone.clinic_id,
        label=THE_PATIENT,
        user_id=phone.patient.user_id,
        role="patient",
        patient_id=phone.patient_id,
        request_id=request_id,
    )


def holder_actor(phone: Phone, *, request_id: uuid.UUID | None) -> Actor:
    """Whoever holds this phone, in what concerns the phone itself: a carer then acts in no clinic."""
    if phone.patient_id is not None:
        return patient_actor(phone, request_id=request_id)
    return Actor(
        kind=Kind.CARER,
        clinic_id=None,
        label="a carer",
        user_id=phone.carer_id,
        role="carer",
        request_id=request_id,
    )


def patients_of(phone: Phone) -> list[uuid.UUID]:
    """Whom the memory is told of, when something happens to this phone: a carer's phone is about nobody."""
    return [] if phone.patient_id is None else [phone.patient_id]


@transaction.atomic
def forget_phone(*, phone: Phone, by: Actor, at: datetime) -> None:
    """Stop remembering a phone, by whoever holds it or by the patient's clinic. Doing it twice changes nothing."""
    theirs = {"carer_id": by.user_id} if phone.carer_id is not None else {"clinic_id": by.clinic_id}
    if Phone.objects.filter(id=phone.id, revoked_at=None, **theirs).update(revoked_at=at):
        audit.record(by=by, at=at, action="phone.forget", patients=patients_of(phone), subject=phone.id)
