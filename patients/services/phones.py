"""A remembered phone: who acts from it, how it is known again, and forgetting it."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction

from accounts.actors import Actor, Kind
from accounts.models import User
from audit import services as audit
from common import walls
from patients import secrets, selectors
from patients.models import Patient, Phone, PhoneSecret
from patients.services.knowing import check_knows_lastingly

# A patient's name and address stand in their record alone: who acted is known by the id.
THE_PATIENT = "the patient"
USED_NOTED_EVERY = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class LetIn:
    """A phone that was let in, and the secret it must keep."""

    phone: Phone
    secret: str


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


def prove(*, phone: Phone, how: str, by: Actor, at: datetime) -> None:
    """Whoever holds this phone has just proved who they are: history and chart are open for a while.

    It also answers for a PIN that was forgotten or tried too often.
    """
    selectors.row_of(phone).update(proved_until=at + secrets.PROOF_LASTS, pin_tries=0)
    audit.record(
        by=by, at=at, action="phone.proved", patients=patients_of(phone), subject=phone.id, details={"how": how}
    )


@transaction.atomic
def forget_phone(*, phone: Phone, by: Actor, at: datetime) -> None:
    """Stop remembering a phone, by whoever holds it or by the patient's clinic. Doing it twice changes nothing."""
    if phone.patient_id is not None:
        check_knows_lastingly(by, phone.patient_id)
    theirs = {"carer_id": by.user_id} if phone.carer_id is not None else {"clinic_id": by.clinic_id}
    because = Phone.Because.CLINIC if by.kind == Kind.MEMBER else Phone.Because.HOLDER
    known = Phone.objects.filter(id=phone.id, revoked_at=None, **theirs)
    if known.update(revoked_at=at, revoked_because=because):
        audit.record(by=by, at=at, action="phone.forget", patients=patients_of(phone), subject=phone.id)


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """A phone at the door. `fresh_secret` is to be left on it with the answer; `turned_away` says why it is no longer
    remembered, if it once was."""

    phone: Phone | None = None
    fresh_secret: str = ""
    turned_away: str = ""


def recognise(*, secret: str, carers: bool, request_id: uuid.UUID | None, at: datetime) -> Recognised:
    """Which phone holds this secret: a patient's, or a carer's. Once a day it is offered a new one.

    A new secret takes force when the phone first comes with it; until then the old one stays good, so that an answer
    lost on its way locks nobody out. From then on the old one is good for requests still under way, and after that
    only a copy of the cookie can hold it: the phone is turned away, whoever comes with which of the two.
    """
    digest = secrets.digest(secret)
    place = selectors.place_behind(digest)
    if place is None:
        return Recognised()
    with walls.acting(clinic=place.clinic_id, user=place.carer_id, request=request_id):
        phone = selectors.phone_by_digest(digest) or _by_another_secret(digest, request_id, at)
        if phone is None or (phone.carer_id is not None) != carers:
            return Recognised()
        if phone.revoked_at is not None or phone.expires_at <= at:
            return Recognised(turned_away=phone.revoked_because)
        fresh = _offered(phone, at) if phone.secret_digest == digest else ""
        if phone.last_used_at is None or phone.last_used_at < at - USED_NOTED_EVERY:
            selectors.row_of(phone).update(last_used_at=at)
        return Recognised(phone=phone, fresh_secret=fresh)


def _by_another_secret(digest: str, request_id: uuid.UUID | None, at: datetime) -> Phone | None:
    """The phone that was offered this secret, or had it before."""
    known = PhoneSecret.objects.filter(secret_digest=digest)
    other = known.first()
    if other is not None:
        selectors.row_of(other.phone).select_for_update(no_key=True).get()
        other = known.first()
    if other is None:
        # A request beside this one has just put it in force.
        return selectors.phone_by_digest(digest)
    if other.retired_at is None:
        _take(other, at)
    elif other.retired_at < at - secrets.OVERLAP:
        _turn_away_a_copy(other.phone, request_id, at)
    return selectors.whole(other.phone)


def _take(offered: PhoneSecret, at: datetime) -> None:
    """Put an offered secret in force: the phone has come with it. The one before it and its siblings are retired."""
    phone, digest = offered.phone, offered.secret_digest
    phone.secrets.filter(retired_at=None).update(retired_at=at)
    phone.secrets.filter(id=offered.id).update(secret_digest=phone.secret_digest)
    selectors.row_of(phone).update(secret_digest=digest, rotated_at=at)


def _turn_away_a_copy(phone: Phone, request_id: uuid.UUID | None, at: datetime) -> None:
    known = selectors.row_of(phone).filter(revoked_at=None)
    if known.update(revoked_at=at, revoked_because=Phone.Because.COPIED):
        holder = holder_actor(selectors.whole(phone), request_id=request_id)
        by = replace(holder, kind=Kind.SYSTEM, user_id=None, role="")
        audit.record(by=by, at=at, action="phone.copied", patients=patients_of(phone), subject=phone.id)


def _offered(phone: Phone, at: datetime) -> str:
    """A new secret for a phone whose own is a day old, unless one was offered a moment ago."""
    if (phone.rotated_at or phone.let_in_at) > at - secrets.ROTATED_AFTER:
        return ""
    with transaction.atomic():
        mine = selectors.row_of(phone).filter(secret_digest=phone.secret_digest)
        if not mine.select_for_update(no_key=True, skip_locked=True):
            return ""
        if phone.secrets.filter(retired_at=None, offered_at__gt=at - secrets.OFFERED_AGAIN_AFTER).exists():
            return ""
        secret = secrets.new_token()
        PhoneSecret.objects.create(
            clinic_id=phone.clinic_id,
            carer_id=phone.carer_id,
            phone=phone,
            secret_digest=secrets.digest(secret),
            offered_at=at,
        )
        return secret


def new_phone(*, patient: Patient | None = None, carer: User | None = None, device: str, at: datetime) -> LetIn:
    """Remember a phone of a patient's or of a carer's."""
    secret = secrets.new_token()
    with walls.acting(user=carer.id if carer else "unchanged"):
        phone = Phone.objects.create(
            clinic_id=patient.clinic_id if patient else None,
            patient=patient,
            carer=carer,
            secret_digest=secrets.digest(secret),
            let_in_at=at,
            expires_at=at + secrets.PHONE_LASTS,
            device=device,
        )
    return LetIn(phone=phone, secret=secret)
