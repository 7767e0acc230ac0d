"""Consent to off-label use: signed on a page of the patient's, on paper, taken back; and the clinic's own text."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from django.db import transaction

from accounts import policy
from accounts.actors import Actor, Kind
from accounts.models import Clinic
from audit import services as audit
from common.refusals import Refused, Stale
from patients import consent, selectors, selectors_consent
from patients.consent import Shown
from patients.models import Consent, ConsentText, Patient
from patients.selectors_consent import Standing
from patients.services.changed import raise_sequence
from patients.services.knowing import check_in_care, check_knows_lastingly

How, Kinds = Consent.How, Consent.Kind
A_GUARDIAN_SIGNS = "A parent or guardian reads and signs this for you. Ask your clinic to let them in."
CHANGED = "The text has changed since it was shown to you. Read it again, then sign."
LONGEST_NAME = 200


def shown_to(patient: Patient, standing: Standing) -> Shown:
    """The text in force as this patient, or whoever signs for them, reads it."""
    clinic = patient.clinic
    return consent.shown(
        standing.text,
        clinic=clinic.name,
        phone=clinic.phone,
        conditions=standing.conditions,
        for_guardian=standing.is_child,
    )


@transaction.atomic
def sign(*, patient: Patient, typed_name: str, agreed: bool, seen_sha256: str, by: Actor, at: datetime) -> Consent:
    """The patient, or who looks after a child, signs what they have just read by typing their name."""
    if by.kind not in (Kind.PATIENT, Kind.CARER) or by.patient_id != patient.id:
        raise Refused("Only the patient signs here.")
    patient, standing = _locked(patient, by, at)
    guardian = by.kind == Kind.CARER
    if standing.is_child and not guardian:
        raise Refused(A_GUARDIAN_SIGNS)
    if guardian and not standing.is_child:
        raise Refused("Somebody who is of age signs for themself.")
    _check_name(typed_name)
    if not agreed:
        raise Refused("Tick that you agree, or leave the page without signing.")
    shown = shown_to(patient, standing)
    if shown.sha256 != seen_sha256:
        raise Stale(CHANGED)
    how = How.GUARDIAN if guardian else How.PHONE
    today = at.astimezone(patient.zone).date()
    return _append_signed(patient, standing, shown, how, typed_name, today, by=by, at=at)


@transaction.atomic
def ask(*, patient: Patient, by: Actor, at: datetime) -> Consent:
    """Ask the patient, or who looks after a child, to sign on their own page. The caller mails that it is there."""
    policy.check(by, policy.Permission.REGISTER_PATIENTS)
    patient, standing = _locked(patient, by, at)
    check_in_care(patient)
    today = at.astimezone(patient.zone).date()
    return _append(patient, standing, by=by, at=at, kind=Kinds.ASKED, how=How.CLINIC, signed_on=today)


@transaction.atomic
def record_paper(
    *, patient: Patient, typed_name: str, signed_on: date, seen_sha256: str, by: Actor, at: datetime
) -> Consent:
    """The clinic has the signed paper before it, of the text as it stands now, signed by whoever signed on its day.

    Of a paper of the very day on which the consent was taken back nobody can tell which came first: it counts as older.
    """
    policy.check(by, policy.Permission.REGISTER_PATIENTS)
    patient, standing = _locked(patient, by, at)
    _check_name(typed_name)
    today = at.astimezone(patient.zone).date()
    if signed_on > today:
        raise Refused("The paper cannot have been signed after today.")
    if signed_on < patient.birth_date:
        raise Refused("The paper cannot have been signed before the patient was born.")
    _check_not_taken_back_since(standing, signed_on)
    if shown_to(patient, standing).sha256 != seen_sha256:
        raise Stale(CHANGED)
    then = replace(standing, is_child=selectors.was_child(patient, on=signed_on))
    return _append_signed(patient, then, shown_to(patient, then), How.PAPER, typed_name, signed_on, by=by, at=at)


@transaction.atomic
def withdraw(*, patient: Patient, words: str, by: Actor, at: datetime) -> Consent:
    """Take it back: by the patient, who looks after a child, or the clinic that was told. No plan stops by itself."""
    themself = by.kind in (Kind.PATIENT, Kind.CARER) and by.patient_id == patient.id
    if not themself:
        policy.check(by, policy.Permission.REGISTER_PATIENTS)
    patient, standing = _locked(patient, by, at)
    if standing.holds is None:
        raise Refused("There is no consent to take back.")
    if by.kind == Kind.CARER and not standing.is_child:
        raise Refused("Somebody who is of age decides for themself.")
    how = {Kind.PATIENT: How.PHONE, Kind.CARER: How.GUARDIAN}.get(by.kind, How.CLINIC)
    return _append(
        patient,
        standing,
        by=by,
        at=at,
        kind=Kinds.WITHDRAWN,
        how=how,
        signed_on=at.astimezone(patient.zone).date(),
        words=words,
    )


@transaction.atomic
def publish(
    *, title: str, body: str, material: bool, because: str, seen_number: int, by: Actor, at: datetime
) -> ConsentText:
    """Put a text of the clinic's own in force. `seen_number` is that of the newest version its writer began with."""
    policy.check(by, policy.Permission.EDIT_CONSENTS)
    Clinic.objects.select_for_update(no_key=True).get(id=by.clinic_id)
    before = selectors_consent.texts_of(by)
    if (before[0].number if before else 0) != seen_number:
        raise Stale("Somebody published another version since. Look at it first: what you wrote is still here.")
    if not title or not because:
        raise Refused("Give it a title, and say what has changed and why.")
    if fault := consent.faults(body):
        raise Refused(fault)
    number = seen_number + 1
    # The first text of the clinic's own is another text than the program's, whatever its writer thinks of it.
    is_material = material or not before
    key = selectors_consent.key_of(number) if is_material else before[0].material_key
    row = ConsentText.objects.create(
        clinic_id=by.clinic_id,
        number=number,
        title=title,
        body=body,
        material=is_material,
        material_key=key,
        because=because,
        at=at,
        by_id=by.user_id,
        by_label=by.label,
    )
    audit.record(by=by, at=at, action="consent.publish", subject=row.id, details={"material": is_material})
    return row


def _check_not_taken_back_since(standing: Standing, signed_on: date) -> None:
    back = max((row.signed_on for row in standing.rows if row.kind == Kinds.WITHDRAWN), default=None)
    if back is not None and signed_on <= back:
        raise Refused(
            f"The consent was taken back on {back.day} {back:%B %Y}. A paper of that day or an earlier one does not "
            "bring it back. Ask the patient to sign on their own page, or on a paper of a later day."
        )


def _check_name(typed: str) -> None:
    if not typed:
        raise Refused("Type the name of who signs.")
    if len(typed) > LONGEST_NAME:
        raise Refused(f"A name has at most {LONGEST_NAME} characters here.")


def _locked(patient: Patient, by: Actor, at: datetime) -> tuple[Patient, Standing]:
    """The patient as they are now that their row is held, and what stands for them."""
    if patient.clinic_id != by.clinic_id or not selectors.visible_to(by).filter(id=patient.id).exists():
        raise Refused("No record of yours to change. Nothing was done.")
    held = Patient.objects.select_for_update(no_key=True).get(id=patient.id, clinic_id=patient.clinic_id)
    check_knows_lastingly(by, held.id)
    return held, selectors_consent.consent_of(held, at=at)


def _append_signed(
    patient: Patient,
    standing: Standing,
    shown: Shown,
    how: str,
    typed_name: str,
    signed_on: date,
    *,
    by: Actor,
    at: datetime,
) -> Consent:
    return _append(
        patient,
        standing,
        by=by,
        at=at,
        kind=Kinds.SIGNED,
        how=how,
        text_key=standing.text.key,
        material_key=standing.text.material_key,
        shown=shown.words,
        sha256=shown.sha256,
        typed_name=typed_name,
        signed_on=signed_on,
    )


def _append(patient: Patient, standing: Standing, *, by: Actor, at: datetime, **columns: Any) -> Consent:
    row = Consent.objects.create(
        clinic_id=patient.clinic_id,
        patient=patient,
        number=(standing.rows[0].number if standing.rows else 0) + 1,
        conditions=sorted(standing.conditions),
        was_child=standing.is_child,
        at=at,
        by_id=by.user_id,
        by_label=by.label,
        **columns,
    )
    raise_sequence(patient_id=patient.id, clinic_id=patient.clinic_id)
    details = {"how": row.how, "text": row.text_key}
    audit.record(by=by, at=at, action=f"consent.{row.kind}", patients=[patient.id], subject=row.id, details=details)
    return row
