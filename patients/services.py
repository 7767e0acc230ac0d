"""Deeds about people: register, correct the contact, invite, let a phone in, prove, forget a phone."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import F

from accounts import policy
from accounts.actors import Actor, Kind
from accounts.models import User
from audit import services as audit
from common.refusals import Refused, Stale
from patients import secrets, selectors
from patients.models import (
    ContactPreference,
    FreshCode,
    Invitation,
    Medicine,
    Patient,
    PatientCondition,
    Phone,
    ZoneSpan,
)

# A night is logged on the morning after it (clinical facts 3.3: within an hour of getting up).
LOG_REMINDER_AT = time(9, 0)
SPENT = "This invitation has been used, replaced or has expired. Ask your clinic to send you a new one."


@dataclass(frozen=True, kw_only=True)
class ConditionEntry:
    """A condition as the form gives it: a code of the list, or "other" with words."""

    code: str
    words: str = ""


def sort_key(name: str) -> str:
    """How a name sorts and is searched: without accents and case, last word first ("Example Ann" for "Ann Example")."""
    words = selectors.plain(name).split()
    return " ".join(words[-1:] + words[:-1])[:240]


@transaction.atomic
def register(
    *,
    name: str,
    birth_date: date,
    record_number: str,
    email: str,
    zone: ZoneInfo,
    conditions: Sequence[ConditionEntry],
    medicines: Sequence[str],
    context_note: str,
    by: Actor,
    at: datetime,
) -> Patient:
    """Take a person into the clinic's care. A record number the clinic already uses is refused."""
    policy.check(by, policy.Permission.REGISTER_PATIENTS)
    try:
        with transaction.atomic():
            patient = Patient.objects.create(
                clinic_id=by.clinic_id,
                name=name,
                sort_key=sort_key(name),
                birth_date=birth_date,
                record_number=record_number,
                email=email,
                zone_name=zone.key,
                context_note=context_note,
                registered_at=at,
                registered_by_id=by.user_id,
            )
    except IntegrityError as error:
        if "one_patient_per_clinic_and_record_number" not in str(error):
            raise
        raise Refused(
            "A patient with this record number is already registered. Open that record, or check the number."
        ) from error
    ZoneSpan.objects.create(clinic_id=by.clinic_id, patient=patient, zone_name=zone.key, from_at=at)
    ContactPreference.objects.create(clinic_id=by.clinic_id, patient=patient, log_reminder_at=LOG_REMINDER_AT)
    PatientCondition.objects.bulk_create(
        PatientCondition(clinic_id=by.clinic_id, patient=patient, position=position, code=entry.code, words=entry.words)
        for position, entry in enumerate(conditions)
    )
    Medicine.objects.bulk_create(
        Medicine(clinic_id=by.clinic_id, patient=patient, position=position, words=words)
        for position, words in enumerate(medicines)
    )
    audit.record(by=by, at=at, action="patient.register", patients=[patient.id], subject=patient.id)
    return patient


@transaction.atomic
def change_contact(
    *,
    patient: Patient,
    email: str,
    reminders_by_email: bool,
    log_reminder_at: time,
    seen_version: int,
    by: Actor,
    at: datetime,
) -> None:
    """Correct where mail goes, whether reminders do, and when the log reminder rings on the patient's own clock.

    A new address is tried again even if the old one took no mail, and an invitation sent to the old one no longer
    opens. Sending what already stands changes nothing;
    sending anything else over a newer version than `seen_version` raises `Stale`.
    """
    policy.check(by, policy.Permission.REGISTER_PATIENTS)
    known = Patient.objects.select_for_update(no_key=True).get(id=patient.id, clinic_id=by.clinic_id)
    contact = ContactPreference.objects.get(patient=known)
    asked = {
        "address": (known.email, email),
        "reminders": (contact.reminders_by_email, reminders_by_email),
        "time": (contact.log_reminder_at, log_reminder_at),
    }
    changed = [name for name, (before, after) in asked.items() if before != after]
    if not changed:
        return
    if known.version != seen_version:
        raise Stale(
            "Somebody has changed this record since you opened the page. Nothing of yours was saved. "
            "Look at what stands now before you save again."
        )
    Patient.objects.filter(id=known.id).update(email=email, version=F("version") + 1)
    values: dict[str, Any] = {"reminders_by_email": reminders_by_email, "log_reminder_at": log_reminder_at}
    if "address" in changed:
        values["address_failed_at"] = None
        User.objects.filter(id=known.user_id).update(email=email)
        # What was mailed to the old address may lie in a stranger's mailbox.
        known.invitations.filter(spent_at=None, replaced_at=None).update(replaced_at=at)
    ContactPreference.objects.filter(patient=known).update(**values)
    audit.record(
        by=by, at=at, action="patient.contact", patients=[known.id], subject=known.id, details={"changed": changed}
    )


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
    Patient.objects.select_for_update(no_key=True).get(id=patient.id)
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
    """Remember that the mail server took the invitation."""
    Invitation.objects.filter(id=invitation.id).update(mailed_at=at)


@dataclass(frozen=True, kw_only=True)
class LetIn:
    """A phone that was let in, and the secret it must keep."""

    phone: Phone
    secret: str


def count_try(*, token: str, by: Actor, at: datetime) -> None:
    """One more guess at an invitation. In a transaction of its own, so that a refusal cannot take it back."""
    tried = Invitation.objects.filter(token_digest=secrets.digest(token), spent_at=None)
    if tried.update(tries=F("tries") + 1):
        invitation = tried.get()
        audit.record(by=by, at=at, action="invitation.tried", patients=[invitation.patient_id], subject=invitation.id)


@transaction.atomic
def open_invitation(*, token: str, birth_date: date | None, desk_code: str, by: Actor, at: datetime) -> LetIn:
    """Let one phone in by an invitation plus date of birth or desk code, and spend the invitation.

    The caller counts the try first (`count_try`). Only one of two racing openings can win: spending is a conditional
    update.
    """
    invitation = selectors.open_invitation(token, at=at)
    if invitation is None:
        raise Refused(SPENT)
    patient = invitation.patient
    proved = (birth_date is not None and birth_date == patient.birth_date) or (
        bool(desk_code) and secrets.same(secrets.code_digest(desk_code, invitation.id), invitation.desk_code_digest)
    )
    if not proved:
        left = secrets.TRIES - invitation.tries
        raise Refused(
            f"That does not match what your clinic has. Check it and try again: {left} tries left."
            if left > 0
            else "That does not match, and this invitation is now closed. Ask your clinic to send you a new one."
        )
    if not Invitation.objects.filter(id=invitation.id, spent_at=None, replaced_at=None).update(spent_at=at):
        raise Refused(SPENT)
    if patient.user_id is None:
        patient.user = User.objects.create_user(f"patient-{patient.id}", name=patient.name, email=patient.email)
        patient.save(update_fields=["user"])
    secret = secrets.new_token()
    phone = Phone.objects.create(
        clinic_id=patient.clinic_id,
        patient=patient,
        secret_digest=secrets.digest(secret),
        let_in_at=at,
        expires_at=at + secrets.PHONE_LASTS,
    )
    actor = patient_actor(phone, request_id=by.request_id)
    audit.record(by=actor, at=at, action="phone.let_in", patients=[patient.id], subject=phone.id)
    return LetIn(phone=phone, secret=secret)


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


@transaction.atomic
def make_code(*, phone: Phone, by: Actor, at: datetime) -> str:
    """A fresh six-digit code to be mailed to the patient; it replaces one not yet used."""
    Phone.objects.select_for_update(no_key=True).get(id=phone.id)
    recent = phone.codes.filter(created_at__gt=at - secrets.CODE_LASTS).count()
    if recent >= 3:
        raise Refused("Three codes were sent in the last ten minutes. Use the newest one, or wait ten minutes.")
    phone.codes.filter(spent_at=None).update(spent_at=at)
    code, code_id = secrets.new_code(), uuid.uuid4()
    FreshCode.objects.create(
        id=code_id,
        clinic_id=phone.clinic_id,
        phone=phone,
        code_digest=secrets.code_digest(code, code_id),
        created_at=at,
        expires_at=at + secrets.CODE_LASTS,
    )
    audit.record(by=by, at=at, action="phone.code_made", patients=[phone.patient_id], subject=phone.id)
    return code


def try_code(*, phone: Phone, typed: str, by: Actor, at: datetime) -> None:
    """Open history and chart on this phone for a while, if the code is right; else say why not.

    The try is counted before the code is compared, and stays counted when the answer is no.
    """
    code = phone.codes.filter(spent_at=None, expires_at__gt=at).first()
    # The limit stands in the statement that counts: tries at one moment must not all see the same number.
    if code is None or not FreshCode.objects.filter(id=code.id, tries__lt=secrets.TRIES).update(tries=F("tries") + 1):
        raise Refused("This code is no longer good. Ask for a new one.")
    if not secrets.same(secrets.code_digest(typed, code.id), code.code_digest):
        audit.record(
            by=by, at=at, action="phone.proved", patients=[phone.patient_id], subject=phone.id, result="denied"
        )
        raise Refused("That is not the code we sent. Check the newest mail and try again.")
    with transaction.atomic():
        if not FreshCode.objects.filter(id=code.id, spent_at=None).update(spent_at=at):
            raise Refused("This code is no longer good. Ask for a new one.")
        Phone.objects.filter(id=phone.id).update(proved_until=at + secrets.PROOF_LASTS)
        audit.record(by=by, at=at, action="phone.proved", patients=[phone.patient_id], subject=phone.id)
