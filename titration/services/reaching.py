"""Reaching a patient between decisions: attempts, a colleague asked, instructions, and the day they are seen."""

import uuid
from collections.abc import Collection
from datetime import date, datetime, timedelta

from django.db import transaction

from accounts import policy
from accounts import selectors as accounts_selectors
from accounts.actors import Actor, Kind
from audit import services as audit
from common.refusals import Refused
from patients.models import Patient
from titration.models import ContactAttempt, Instruction, InstructionText, Referral, VisitDay

P = policy.Permission
MOST_TEXTS = 60
FARTHEST_VISIT = timedelta(days=366)


@transaction.atomic
def log_contact(*, patient: Patient, kind: str, outcome: str, words: str, by: Actor, at: datetime) -> ContactAttempt:
    """Put on record that somebody tried to reach the patient, and what came of it."""
    policy.check(by, P.KEEP_CONTACT)
    if kind not in ContactAttempt.Kind.values or outcome not in ContactAttempt.Outcome.values:
        raise Refused("Say how you tried, and what came of it.")
    row = ContactAttempt.objects.create(
        clinic_id=patient.clinic_id,
        patient=patient,
        kind=kind,
        outcome=outcome,
        words=words,
        at=at,
        by_id=by.user_id,
        by_label=by.label,
    )
    audit.record(by=by, at=at, action="contact.log", patients=[patient.id], subject=row.id)
    return row


@transaction.atomic
def refer(*, patient: Patient, to: uuid.UUID, words: str, by: Actor, at: datetime) -> Referral:
    """Pass the patient to a colleague of the clinic with a question. It stands on their day until it is closed."""
    policy.check(by, P.KEEP_CONTACT)
    Patient.objects.select_for_update(no_key=True).get(id=patient.id, clinic_id=patient.clinic_id)
    if to not in {key for key, _ in colleagues(by)}:
        raise Refused("Choose a colleague of your clinic who reads records.")
    if not words:
        raise Refused("Say what you ask, so that your colleague knows.")
    if Referral.objects.filter(patient=patient, closed_at=None).exists():
        raise Refused("This patient has been passed to a colleague already. Close that first.")
    row = Referral.objects.create(
        clinic_id=patient.clinic_id,
        patient=patient,
        to_id=to,
        words=words,
        at=at,
        asked_by_id=by.user_id,
        by_label=by.label,
    )
    audit.record(by=by, at=at, action="referral.make", patients=[patient.id], subject=row.id)
    return row


def colleagues(by: Actor) -> list[tuple[uuid.UUID, str]]:
    """Whom a patient can be passed to: current members whose role reads records, by name."""
    reads = policy.roles_with(P.READ_PATIENTS)
    return [(one.user_id, one.user.name) for one in accounts_selectors.members_of(by) if one.role in reads]


@transaction.atomic
def close_referral(*, patient: Patient, by: Actor, at: datetime) -> None:
    """The colleague's question is answered, or no longer asked."""
    policy.check(by, P.KEEP_CONTACT)
    rows = Referral.objects.select_for_update(no_key=True).filter(patient=patient, closed_at=None)
    row = rows.first()
    if row is None:
        raise Refused("Nothing is open: somebody has closed it already.")
    row.closed_at, row.closed_by_id = at, by.user_id
    row.save(update_fields=["closed_at", "closed_by"])
    audit.record(by=by, at=at, action="referral.close", patients=[patient.id], subject=row.id)


@transaction.atomic
def keep_text(*, name: str, words: str, by: Actor, at: datetime) -> InstructionText:
    """Write words that members may send as they stand. One of the same name is replaced; what was sent stays."""
    policy.check(by, P.HOLD)
    texts = InstructionText.objects.filter(clinic_id=by.clinic_id, left_at=None)
    if texts.count() >= MOST_TEXTS:
        raise Refused(f"A clinic keeps at most {MOST_TEXTS} instructions. Put one out of use first.")
    texts.filter(name=name).update(left_at=at)
    text = InstructionText.objects.create(clinic_id=by.clinic_id, name=name, words=words)
    audit.record(by=by, at=at, action="instruction.write", subject=text.id)
    return text


@transaction.atomic
def leave_text(*, text_id: uuid.UUID, by: Actor, at: datetime) -> bool:
    """Put an instruction out of use. Whether it was in use."""
    policy.check(by, P.HOLD)
    left = InstructionText.objects.filter(clinic_id=by.clinic_id, id=text_id, left_at=None).update(left_at=at)
    if left:
        audit.record(by=by, at=at, action="instruction.leave", subject=text_id)
    return bool(left)


@transaction.atomic
def instruct(*, patient: Patient, text_id: uuid.UUID, by: Actor, at: datetime) -> Instruction:
    """Send the clinic's words to the patient's page. A neutral mail follows by the reminders' own round."""
    policy.check(by, P.KEEP_CONTACT)
    text = InstructionText.objects.filter(clinic_id=by.clinic_id, id=text_id, left_at=None).first()
    if text is None:
        raise Refused("Choose one of the clinic's instructions.")
    row = Instruction.objects.create(
        clinic_id=patient.clinic_id,
        patient=patient,
        text=text,
        words=text.words,
        sent_at=at,
        sent_by_id=by.user_id,
        by_label=by.label,
    )
    audit.record(by=by, at=at, action="instruction.send", patients=[patient.id], subject=row.id)
    return row


@transaction.atomic
def read_instructions(shown: Collection[uuid.UUID], *, patient: Patient, by: Actor, at: datetime) -> int:
    """The patient has read what their page showed. How many were new. A carer's reading is not the patient's."""
    if by.kind != Kind.PATIENT or by.patient_id != patient.id:
        raise Refused("Only the patient can say that they have read this.")
    unread = Instruction.objects.filter(patient=patient, id__in=shown, read_at=None)
    ids = list(unread.values_list("id", flat=True))
    if ids:
        Instruction.objects.filter(patient=patient, id__in=ids).update(read_at=at)
        audit.record(by=by, at=at, action="instruction.read", patients=[patient.id], subject=patient.id)
    return len(ids)


@transaction.atomic
def mark_visit(*, patient: Patient, on: date, today: date, by: Actor, at: datetime) -> VisitDay:
    """The patient is seen on this day, by whoever marks it."""
    policy.check(by, P.KEEP_CONTACT)
    if not today <= on <= today + FARTHEST_VISIT:
        raise Refused("Choose a day from today on, within a year.")
    row, made = VisitDay.objects.get_or_create(
        clinic_id=patient.clinic_id, patient=patient, on=on, defaults={"clinician_id": by.user_id}
    )
    if made:
        audit.record(by=by, at=at, action="visit.mark", patients=[patient.id], subject=row.id)
    return row


@transaction.atomic
def take_back_visit(*, patient: Patient, on: date, by: Actor, at: datetime) -> bool:
    """The patient is not seen on that day after all. Whether they were to be."""
    policy.check(by, P.KEEP_CONTACT)
    gone, _ = VisitDay.objects.filter(patient=patient, on=on).delete()
    if gone:
        audit.record(by=by, at=at, action="visit.take_back", patients=[patient.id], subject=patient.id)
    return bool(gone)
