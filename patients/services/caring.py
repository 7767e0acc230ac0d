"""Letting somebody look after a patient: granted by the patient or the clinic, opened by the carer, taken back."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F

from accounts import policy
from accounts.actors import Actor, Kind
from accounts.models import User
from audit import services as audit
from common import sealed, walls
from common.refusals import Refused
from patients import secrets, selectors
from patients.models import CARE_EMAIL, CareGrant, Patient, Phone
from patients.services.knowing import check_in_care, check_knows_lastingly
from patients.services.phones import new_phone

LONGEST_GRANT = timedelta(days=366)
"""A grant nobody remembers having given ends by itself: a choice of this project, grade E3."""

# A helper's name and address stand in their grants alone: who acted is known by the id.
A_HELPER = "a helper"
CARE_SPENT = "This invitation has been used, replaced or has expired. Ask whoever invited you to do it again."


@dataclass(frozen=True, kw_only=True)
class CareOpening:
    """What leaves the deed and is kept nowhere: the token for the mail, the code to be told."""

    grant: CareGrant
    token: str
    code: str


def check_may_grant(by: Actor, patient: Patient) -> None:
    """The patient for themself, or a member who registers patients; a carer passes nothing on."""
    if by.kind == Kind.PATIENT and by.patient_id == patient.id:
        return
    policy.check(by, policy.Permission.REGISTER_PATIENTS)


@transaction.atomic
def grant_care(
    *,
    patient: Patient,
    name: str,
    email: str,
    relation: str,
    rights: str,
    expires_on: date,
    by: Actor,
    at: datetime,
) -> CareOpening:
    """Let the person at this address look after the patient until `expires_on`, once they have opened the invitation.

    An older grant to the same address is replaced. The caller mails the token and shows the code once.
    """
    check_may_grant(by, patient)
    today = at.astimezone(patient.zone).date()
    if not today < expires_on <= today + LONGEST_GRANT:
        raise Refused("Choose a last day from today on and at most a year ahead. It can be granted again then.")
    check_in_care(Patient.objects.select_for_update(no_key=True).get(id=patient.id, clinic_id=patient.clinic_id))
    check_knows_lastingly(by, patient.id)
    known_as = sealed.indexes(email, CARE_EMAIL)
    patient.care_grants.filter(address_index__in=known_as, revoked_at=None).update(revoked_at=at)
    token, code, grant_id = secrets.new_token(), secrets.new_code(), uuid.uuid4()
    grant = CareGrant.objects.create(
        id=grant_id,
        clinic_id=patient.clinic_id,
        patient=patient,
        name=name,
        email=email,
        relation=relation,
        rights=rights,
        from_on=today,
        expires_on=expires_on,
        granted_by=CareGrant.GrantedBy.PATIENT if by.kind == Kind.PATIENT else CareGrant.GrantedBy.CLINIC,
        granted_by_user_id=by.user_id,
        granted_at=at,
        token_digest=secrets.digest(token),
        code_digest=secrets.code_digest(code, grant_id),
        invitation_expires_at=at + secrets.CARE_INVITATION_LASTS,
    )
    audit.record(
        by=by,
        at=at,
        action="care.grant",
        patients=[patient.id],
        subject=grant.id,
        details={"rights": rights, "until": expires_on.isoformat()},
    )
    return CareOpening(grant=grant, token=token, code=code)


def care_invitation_mailed(*, grant: CareGrant, at: datetime) -> None:
    """Remember that the mail server took the carer's invitation; the transaction that made it is over."""
    with walls.acting(clinic=grant.clinic_id):
        CareGrant.objects.filter(id=grant.id, patient_id=grant.patient_id).update(mailed_at=at)


def count_care_try(*, token: str, by: Actor, at: datetime) -> None:
    """One more guess at a carer's invitation, in the caller's transaction.

    A caller catches the refusal that may follow and answers it, so that the count stays.
    """
    tried = CareGrant.objects.filter(token_digest=secrets.digest(token), opened_at=None)
    with walls.acting(clinic=selectors.clinic_of_care_invitation(token)):
        if tried.update(tries=F("tries") + 1):
            grant = tried.get()
            audit.record(by=by, at=at, action="care.tried", patients=[grant.patient_id], subject=grant.id)


@dataclass(frozen=True, kw_only=True)
class CarerLetIn:
    """The grant that was opened, the phone, and its secret; none where the phone was a carer's already."""

    grant: CareGrant
    phone: Phone
    secret: str | None


@transaction.atomic
def open_care_invitation(
    *, token: str, code: str, known: Phone | None, device: str = "", by: Actor, at: datetime
) -> CarerLetIn:
    """Open a grant with its mailed token and the code that was told, and let the carer's phone in.

    `known` is the phone asking, if it is remembered as some carer's: the grant is then one more of that carer's;
    `device` is what the phone calls itself. The caller counts the try first. Only one of two racing openings can win:
    opening is a conditional update.
    """
    with walls.acting(clinic=selectors.clinic_of_care_invitation(token)):
        return _open_care(token, code, known, device, by, at)


def _open_care(token: str, code: str, known: Phone | None, device: str, by: Actor, at: datetime) -> CarerLetIn:
    grant = selectors.open_care_invitation(token, at=at)
    if grant is None:
        raise Refused(CARE_SPENT)
    if not secrets.code_matches(code, grant.id, grant.code_digest):
        left = secrets.TRIES - grant.tries
        raise Refused(
            f"That is not the code you were told. Ask again and type it once more: {left} tries left."
            if left > 0
            else "That is not the code, and this invitation is now closed. Ask whoever invited you to do it again."
        )
    carer = known.carer if known is not None else None
    if carer is None:
        carer = User.objects.create_user(f"carer-{uuid.uuid4()}", name=A_HELPER)
    try:
        with transaction.atomic():
            opened = CareGrant.objects.filter(
                id=grant.id, patient_id=grant.patient_id, opened_at=None, revoked_at=None
            ).update(opened_at=at, user=carer)
    except IntegrityError as error:
        if "one_open_grant_per_patient_and_carer" not in str(error):
            raise
        raise Refused(
            "This phone looks after that person already, by another invitation. Nothing was changed."
        ) from error
    if not opened:
        raise Refused(CARE_SPENT)
    grant.user, grant.opened_at = carer, at
    let_in = None if known else new_phone(carer=carer, device=device, at=at)
    phone = known or let_in.phone
    actor = carer_actor(grant, request_id=by.request_id)
    audit.record(
        by=actor,
        at=at,
        action="care.open",
        patients=[grant.patient_id],
        subject=grant.id,
        details={"phone": str(phone.id)},
    )
    return CarerLetIn(grant=grant, phone=phone, secret=let_in.secret if let_in else None)


@transaction.atomic
def revoke_care(*, grant: CareGrant, by: Actor, at: datetime) -> None:
    """Take a grant back, by its patient or the clinic, from this moment on. Doing it twice changes nothing."""
    check_may_grant(by, grant.patient)
    check_knows_lastingly(by, grant.patient_id)
    if CareGrant.objects.filter(id=grant.id, clinic_id=by.clinic_id, revoked_at=None).update(revoked_at=at):
        audit.record(by=by, at=at, action="care.revoke", patients=[grant.patient_id], subject=grant.id)


def carer_actor(grant: CareGrant, *, request_id: uuid.UUID | None) -> Actor:
    """The carer, acting for the patient of this grant and within its rights."""
    return Actor(
        kind=Kind.CARER,
        clinic_id=grant.clinic_id,
        label=f"{grant.name}, who helps",
        user_id=grant.user_id,
        role="carer",
        patient_id=grant.patient_id,
        rights=grant.rights,
        request_id=request_id,
    )
