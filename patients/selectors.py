"""Questions about patients. `visible_to` is the only way in."""

import uuid
from datetime import datetime

from django.db.models import Q, QuerySet

from accounts import policy
from accounts.actors import Actor, Kind
from patients import secrets
from patients.models import Invitation, Patient, Phone


def visible_to(actor: Actor) -> QuerySet[Patient]:
    """The patients this actor may know of: a member sees their clinic's, a patient themself, others nobody."""
    if actor.kind == Kind.MEMBER and policy.may(actor, policy.Permission.READ_PATIENTS):
        return Patient.objects.filter(clinic_id=actor.clinic_id)
    if actor.kind == Kind.PATIENT:
        return Patient.objects.filter(clinic_id=actor.clinic_id, id=actor.patient_id)
    if actor.kind == Kind.SYSTEM and actor.clinic_id is not None:
        return Patient.objects.filter(clinic_id=actor.clinic_id)
    return Patient.objects.none()


def page_of(actor: Actor, *, words: str = "", after: str = "", size: int = 50) -> tuple[list[Patient], str]:
    """One keyset page by name, filtered by a part of name or record number, and the key of the next page ("" if last).

    No count and no offset: the thousandth page costs what the first does.
    """
    patients = visible_to(actor)
    for word in words.casefold().split()[:5]:
        patients = patients.filter(Q(sort_key__contains=word) | Q(record_number__icontains=word))
    if after:
        key, _, last_id = after.rpartition("|")
        try:
            patients = patients.filter(Q(sort_key__gt=key) | Q(sort_key=key, id__gt=uuid.UUID(last_id)))
        except ValueError:
            patients = patients.none()
    found = list(patients.order_by("sort_key", "id")[: size + 1])
    more = len(found) > size
    return found[:size], f"{found[size - 1].sort_key}|{found[size - 1].id}" if more else ""


def phone_by_secret(secret: str, *, at: datetime) -> Phone | None:
    """The remembered phone that holds this secret, if it is still welcome."""
    phones = Phone.objects.filter(secret_digest=secrets.digest(secret), revoked_at=None, expires_at__gt=at)
    return phones.select_related("patient__clinic", "patient__user").first()


def open_invitation(token: str, *, at: datetime) -> Invitation | None:
    """The invitation this token opens, if it is neither spent, replaced, expired nor guessed at too often."""
    invitations = Invitation.objects.filter(
        token_digest=secrets.digest(token), spent_at=None, replaced_at=None, expires_at__gt=at, tries__lte=secrets.TRIES
    )
    return invitations.select_related("patient__clinic").first()


def phones_of(patient: Patient, *, at: datetime) -> QuerySet[Phone]:
    """The phones that may write for this patient now."""
    return patient.phones.filter(revoked_at=None, expires_at__gt=at).order_by("-let_in_at")
