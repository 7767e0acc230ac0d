"""Asking that a record be erased, confirming it by a second person, and taking it back while there is time.

The erasing itself is the owner's nightly run (`ldn_clinic.erasing`): no role of the application may rewrite history.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from accounts import policy
from accounts.actors import Actor
from accounts.models import Membership
from audit import services as audit
from common.refusals import Refused
from patients.models import CareGrant, Erasure, Patient, Phone
from titration.selectors import retention

ALONE = timedelta(days=7)
"""How long a clinic without a second administrator can take it back: a choice of this project, grade E3."""

NOT_OVER = "This record is to be kept still. Look again at the list of records whose time is over."


@transaction.atomic
def ask(*, patient_id: uuid.UUID, reason: str, by: Actor, at: datetime) -> Erasure:
    """Ask that a record whose time is over be erased; where nobody can confirm it waits a week instead."""
    policy.check(by, policy.Permission.ERASE)
    known = Patient.objects.select_for_update(no_key=True).filter(id=patient_id, clinic_id=by.clinic_id).first()
    if known is None or not retention.is_over(known.clinic_id, known.id, at=at):
        raise Refused(NOT_OVER)
    if known.erasures.filter(withdrawn_at=None).exists():
        raise Refused("Somebody has asked for this already. Look at the list below.")
    erasure = Erasure.objects.create(
        clinic_id=known.clinic_id,
        patient=known,
        reason=reason,
        asked_at=at,
        asked_by_id=by.user_id,
        due_at=None if _somebody_else(by) else at + ALONE,
    )
    audit.record(by=by, at=at, action="erasure.ask", patients=[known.id], subject=erasure.id)
    return erasure


@transaction.atomic
def confirm(*, erasure_id: uuid.UUID, by: Actor, at: datetime) -> None:
    """Confirm what a colleague asked for: the patient's way in closes now, the rest goes in the next nightly run."""
    policy.check(by, policy.Permission.ERASE)
    erasure = _waiting(erasure_id, by)
    if erasure.asked_by_id == by.user_id:
        raise Refused("You asked for this yourself. A second administrator has to confirm it.")
    if erasure.confirmed_at is not None:
        return
    if not retention.may_go(erasure, at=at):
        raise Refused(NOT_OVER)
    Erasure.objects.filter(id=erasure.id, clinic_id=erasure.clinic_id).update(
        confirmed_at=at, confirmed_by_id=by.user_id, due_at=at
    )
    of_patient = {"patient_id": erasure.patient_id, "revoked_at": None}
    Phone.objects.filter(**of_patient).update(revoked_at=at)
    CareGrant.objects.filter(**of_patient).update(revoked_at=at)
    erasure.patient.invitations.filter(spent_at=None, replaced_at=None).update(replaced_at=at)
    audit.record(by=by, at=at, action="erasure.confirm", patients=[erasure.patient_id], subject=erasure.id)


@transaction.atomic
def withdraw(*, erasure_id: uuid.UUID, by: Actor, at: datetime) -> None:
    """Take it back before it is done. A way in that was closed stays closed."""
    policy.check(by, policy.Permission.ERASE)
    erasure = _waiting(erasure_id, by)
    Erasure.objects.filter(id=erasure.id, clinic_id=erasure.clinic_id).update(withdrawn_at=at)
    audit.record(by=by, at=at, action="erasure.withdraw", patients=[erasure.patient_id], subject=erasure.id)


@transaction.atomic
def take_back(*, patient_ids: Sequence[uuid.UUID], reason: str, by: Actor, at: datetime) -> None:
    """Close records that should never have been made to everybody, and have them erased after a week.

    Their record numbers are free at once. Until then an administrator can take the erasing back, and the record stays
    closed. The caller holds the patients' locks and has seen to it that nothing was written in their records.
    """
    policy.check(by, policy.Permission.IMPORT)
    for patient_id in patient_ids:
        Patient.objects.filter(id=patient_id, clinic_id=by.clinic_id).update(
            restricted_at=at,
            restricted_because=reason,
            record_number=f"undone-{patient_id.hex[:12]}",
            version=F("version") + 1,
        )
    erasures = Erasure.objects.bulk_create(
        Erasure(
            clinic_id=by.clinic_id,
            patient_id=patient_id,
            because=Erasure.Because.UNDONE,
            reason=reason,
            asked_at=at,
            asked_by_id=by.user_id,
            due_at=at + ALONE,
        )
        for patient_id in patient_ids
    )
    for erasure in erasures:
        audit.record(by=by, at=at, action="erasure.ask", patients=[erasure.patient_id], subject=erasure.id)


def _waiting(erasure_id: uuid.UUID, by: Actor) -> Erasure:
    rows = Erasure.objects.select_for_update(no_key=True, of=("self",)).select_related("patient")
    erasure = rows.filter(id=erasure_id, clinic_id=by.clinic_id, withdrawn_at=None).first()
    if erasure is None:
        raise Refused("This has been taken back. Look at the list again.")
    if erasure.done_at is not None:
        raise Refused("This record has been erased already.")
    return erasure


def _somebody_else(by: Actor) -> bool:
    """Whether anybody else in the clinic could confirm."""
    roles = policy.roles_with(policy.Permission.ERASE)
    here = Membership.objects.filter(clinic_id=by.clinic_id, ended_at=None, role__in=roles, user__is_active=True)
    return here.exclude(user_id=by.user_id).exists()
