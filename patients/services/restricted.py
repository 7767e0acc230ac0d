"""Closing a record to all but a named care team, changing the team, and opening it again."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from accounts import policy
from accounts.actors import Actor
from audit import services as audit
from common.refusals import Refused
from patients import care_team, selectors
from patients.models import CareTeamMember, Patient

NO_PRESCRIBER = "At least one prescriber has to stay on the team, so that somebody can treat this patient."
NOT_HERE = "This person does not read records in your clinic. Choose somebody who does."


@transaction.atomic
def restrict(*, patient_id: uuid.UUID, team: Iterable[uuid.UUID], reason: str, by: Actor, at: datetime) -> None:
    """Close the record to all but these colleagues and whoever closes it. From the next request on nobody else knows
    of it.
    """
    policy.check(by, policy.Permission.RESTRICT_RECORDS)
    patient = _locked(patient_id, by)
    if patient.restricted_at is not None:
        raise Refused("This record is restricted already. Look again who is on the team.")
    if by.user_id is None:
        raise Refused("A person has to restrict a record, not the system.")
    members = {*team, by.user_id}
    _check(by, members)
    Patient.objects.filter(id=patient.id, clinic_id=patient.clinic_id).update(
        restricted_at=at, restricted_because=reason
    )
    CareTeamMember.objects.bulk_create(_place(patient, user_id, by, at) for user_id in sorted(members))
    _record("record.restrict", patient, by, at, team=len(members))


@transaction.atomic
def open_again(*, patient_id: uuid.UUID, by: Actor, at: datetime) -> None:
    """Let everyone of the clinic who reads records open this one again; the team is no more."""
    policy.check(by, policy.Permission.RESTRICT_RECORDS)
    patient = _restricted(patient_id, by)
    Patient.objects.filter(id=patient.id, clinic_id=patient.clinic_id).update(restricted_at=None, restricted_because="")
    patient.care_team.filter(ended_at=None).update(ended_at=at)
    _record("record.open_again", patient, by, at)


@transaction.atomic
def add_member(*, patient_id: uuid.UUID, user_id: uuid.UUID, by: Actor, at: datetime) -> None:
    """Let one more colleague open the record. Adding somebody twice changes nothing."""
    policy.check(by, policy.Permission.RESTRICT_RECORDS)
    patient = _restricted(patient_id, by)
    theirs = patient.care_team.filter(user_id=user_id, ended_at=None)
    if theirs.filter(selectors.places_that_hold()).exists():
        return
    if user_id not in {colleague.user_id for colleague in care_team.colleagues(by)}:
        raise Refused(NOT_HERE)
    # A place from before they left or changed their role opens nothing any more.
    theirs.update(ended_at=at)
    _place(patient, user_id, by, at).save(force_insert=True)
    _record("record.team_add", patient, by, at, subject=user_id)


@transaction.atomic
def remove_member(*, patient_id: uuid.UUID, user_id: uuid.UUID, by: Actor, at: datetime) -> None:
    """Close the record to a colleague, at once. The last prescriber stays; removing somebody twice changes nothing."""
    policy.check(by, policy.Permission.RESTRICT_RECORDS)
    patient = _restricted(patient_id, by)
    places = patient.care_team.filter(ended_at=None)
    if not places.filter(user_id=user_id).exists():
        return
    team = set(places.filter(selectors.places_that_hold()).values_list("user_id", flat=True))
    if not care_team.prescribers_among(patient.clinic_id, team - {user_id}):
        raise Refused(NO_PRESCRIBER)
    patient.care_team.filter(user_id=user_id, ended_at=None).update(ended_at=at)
    _record("record.team_remove", patient, by, at, subject=user_id)


def _locked(patient_id: uuid.UUID, by: Actor) -> Patient:
    """The record, if it is the actor's to know for longer than an emergency, held still: two changes of a team follow
    one another.
    """
    patient = selectors.visible_to(selectors.lasting(by)).select_for_update(no_key=True).filter(id=patient_id).first()
    if patient is None:
        raise Refused("Who may open this record is for its care team to say.")
    return patient


def _restricted(patient_id: uuid.UUID, by: Actor) -> Patient:
    patient = _locked(patient_id, by)
    if patient.restricted_at is None:
        raise Refused("This record is open to your clinic: it has no care team to change.")
    return patient


def _check(by: Actor, members: set[uuid.UUID]) -> None:
    if members - {colleague.user_id for colleague in care_team.colleagues(by)}:
        raise Refused(NOT_HERE)
    if by.clinic_id is None or not care_team.prescribers_among(by.clinic_id, members):
        raise Refused(NO_PRESCRIBER)


def _place(patient: Patient, user_id: uuid.UUID, by: Actor, at: datetime) -> CareTeamMember:
    return CareTeamMember(
        clinic_id=patient.clinic_id, patient=patient, user_id=user_id, added_at=at, added_by_id=by.user_id
    )


def _record(
    action: str, patient: Patient, by: Actor, at: datetime, *, subject: uuid.UUID | None = None, **details: int
) -> None:
    audit.record(
        by=by, at=at, action=action, patients=[patient.id], subject=subject or patient.id, details=dict(details)
    )
