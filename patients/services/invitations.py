"""The way in for one phone: made by the clinic, opened once by the patient."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import F

from accounts import policy
from accounts.actors import Actor
from accounts.models import User
from audit import services as audit
from common import walls
from common.refusals import Refused
from patients import secrets, selectors
from patients.models import Invitation, Patient
from patients.services.knowing import check_in_care, check_knows_lastingly
from patients.services.phones import THE_PATIENT, LetIn, new_phone, patient_actor

SPENT = "This invitation has been used, replaced or has expired. Ask your clinic to send you a new one."


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What leaves the deed and is kept nowhere: the token for the mail, the code for the desk."""

    invitation: Invitation
    token: str
    desk_code: str


@transaction.atomic
def invite(*, patient: Patient, by: Actor, at: datetime) -> Opening:
    """Make a new invitation; an open one is replaced by it."""
    policy.check(by, policy.Permission.REGISTER_PATIENTS)
    check_in_care(Patient.objects.select_for_update(no_key=True).get(id=patient.id, clinic_id=patient.clinic_id))
    check_knows_lastingly(by, patient.id)
    patient.invitations.filter(spent_at=None, replaced_at=None).update(replaced_at=at)
    token, desk_code, invitation_id = secrets.new_token(), secrets.new_code(), uuid.uuid4()
    invitation = Invitation.objects.create(
        id=invitation_id,
        clinic_id=patient.clinic_id,
        patient=patient,
        token_digest=secrets.digest(token),
        desk_code_digest=secrets.code_digest(desk_code, invitation_id),
        created_at=at,
        created_by_id=by.user_id,
        expires_at=at + secrets.INVITATION_LASTS,
    )
    audit.record(by=by, at=at, action="patient.invite", patients=[patient.id], subject=invitation.id)
    return Opening(invitation=invitation, token=token, desk_code=desk_code)


def invitation_mailed(*, invitation: Invitation, at: datetime) -> None:
    """Remember that the mail server took the invitation; the transaction that made it is over."""
    with walls.acting(clinic=invitation.clinic_id):
        Invitation.objects.filter(id=invitation.id, patient_id=invitation.patient_id).update(mailed_at=at)


def count_try(*, token: str, by: Actor, at: datetime) -> None:
    """One more guess at an invitation, in the caller's transaction.

    A caller catches the refusal that may follow and answers it, so that the count stays.
    """
    tried = Invitation.objects.filter(token_digest=secrets.digest(token), spent_at=None)
    with walls.acting(clinic=selectors.clinic_of_invitation(token)):
        if tried.update(tries=F("tries") + 1):
            invitation = tried.get()
            patient_id = invitation.patient_id
            audit.record(by=by, at=at, action="invitation.tried", patients=[patient_id], subject=invitation.id)


def open_invitation(
    *, token: str, birth_date: date | None, desk_code: str, device: str = "", by: Actor, at: datetime
) -> LetIn:
    """Let one phone in by an invitation plus date of birth or desk code, and spend the invitation.

    `device` is what the phone calls itself. The caller counts the try first (`count_try`). Only one of two racing
    openings can win: spending is a conditional update.
    """
    with transaction.atomic(), walls.acting(clinic=selectors.clinic_of_invitation(token)):
        return _let_in(token, birth_date, desk_code, device, by, at)


def _let_in(token: str, birth_date: date | None, desk_code: str, device: str, by: Actor, at: datetime) -> LetIn:
    invitation = selectors.open_invitation(token, at=at)
    if invitation is None:
        raise Refused(SPENT)
    patient = invitation.patient
    proved = (birth_date is not None and birth_date == patient.birth_date) or (
        bool(desk_code) and secrets.code_matches(desk_code, invitation.id, invitation.desk_code_digest)
    )
    if not proved:
        left = secrets.TRIES - invitation.tries
        raise Refused(
            f"That does not match what your clinic has. Check it and try again: {left} tries left."
            if left > 0
            else "That does not match, and this invitation is now closed. Ask your clinic to send you a new one."
        )
    unspent = patient.invitations.filter(id=invitation.id, spent_at=None, replaced_at=None)
    if not unspent.update(spent_at=at):
        raise Refused(SPENT)
    if patient.user_id is None:
        patient.user = User.objects.create_user(f"patient-{patient.id}", name=THE_PATIENT)
        patient.save(update_fields=["user"])
    let_in = new_phone(patient=patient, device=device, at=at)
    actor = patient_actor(let_in.phone, request_id=by.request_id)
    audit.record(by=actor, at=at, action="phone.let_in", patients=[patient.id], subject=let_in.phone.id)
    return let_in
