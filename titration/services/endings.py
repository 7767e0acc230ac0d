"""The end of somebody's care here: the plan, the reminders, the phones and the helpers stop at once."""

import uuid
from datetime import datetime

from django.db import transaction

from accounts import policy
from accounts.actors import Actor
from audit import services as audit
from common.refusals import Refused
from patients import selectors as patients_selectors
from patients.models import CareEnded, Patient, Phone
from patients.services.changed import raise_sequence
from titration.engine.course import StopCause
from titration.models import Prescription
from titration.selectors import courses as courses_selectors
from titration.services import courses

_STOPS = {
    CareEnded.DIED: StopCause.DIED,
    CareEnded.MOVED: StopCause.MOVED,
    CareEnded.DISCHARGED: StopCause.DISCHARGED,
}


@transaction.atomic
def end_care(*, patient_id: uuid.UUID, because: CareEnded, reason: str, by: Actor, at: datetime) -> None:
    """Stop everything about a patient who died, moved or was discharged.

    The open plan ends from the next dose on, and with it every reminder; invitations, phones and helpers are turned
    away. The record stays, and can be taken up again by `take_up_again`. Whoever may hold may do this: it is the safe
    direction, and a death is told by telephone.
    """
    policy.check(by, policy.Permission.HOLD)
    # First the plan, then the patient: in this order steps are let happen.
    list(Prescription.objects.select_for_update(no_key=True).filter(patient_id=patient_id, clinic_id=by.clinic_id))
    patient = _locked(patient_id, by)
    if patient.care_ended_at is not None:
        raise Refused("The care of this patient has been ended already. Look at the record again.")
    if not reason:
        raise Refused("Say how you know, so that the next person understands.")
    current = courses_selectors.open_prescription(patient)
    if current is not None:
        courses.stop_for_good(current, cause=_STOPS[because], reason=reason, by=by, at=at)
    Patient.objects.filter(id=patient.id, clinic_id=patient.clinic_id).update(
        care_ended_at=at, care_ended_because=because, care_ended_words=reason
    )
    _turn_away(patient, at)
    raise_sequence(patient_id=patient.id, clinic_id=patient.clinic_id)
    audit.record(by=by, at=at, action="care.ended_here", patients=[patient.id], subject=patient.id)


@transaction.atomic
def take_up_again(*, patient_id: uuid.UUID, by: Actor, at: datetime) -> None:
    """The patient is in the clinic's care again. What was stopped stays so: prescribe and invite anew."""
    policy.check(by, policy.Permission.PRESCRIBE)
    patient = _locked(patient_id, by)
    if patient.care_ended_at is None:
        raise Refused("This patient is in your clinic's care.")
    Patient.objects.filter(id=patient.id, clinic_id=patient.clinic_id).update(
        care_ended_at=None, care_ended_because="", care_ended_words=""
    )
    raise_sequence(patient_id=patient.id, clinic_id=patient.clinic_id)
    audit.record(by=by, at=at, action="care.taken_up_again", patients=[patient.id], subject=patient.id)


def _locked(patient_id: uuid.UUID, by: Actor) -> Patient:
    lasting = patients_selectors.visible_to(patients_selectors.lasting(by))
    patient = lasting.select_for_update(no_key=True, of=("self",)).filter(id=patient_id).first()
    if patient is None:
        raise Refused("No record of yours to change. Nothing was done.")
    return patient


def _turn_away(patient: Patient, at: datetime) -> None:
    patient.invitations.filter(spent_at=None, replaced_at=None).update(replaced_at=at)
    patient.care_grants.filter(revoked_at=None).update(revoked_at=at)
    phones = Phone.objects.filter(patient=patient, clinic_id=patient.clinic_id, revoked_at=None)
    phones.update(revoked_at=at, revoked_because=Phone.Because.CLINIC)
