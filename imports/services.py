"""Bringing a table of patients along: stage, accept, discard, undo. Nothing of it is written before it is accepted."""

import uuid
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from accounts import policy
from accounts.actors import Actor
from audit import services as audit
from common.refusals import Refused, Stale
from imports import selectors, staged
from imports.grid import Grid
from imports.models import Import, ImportedRow
from imports.rows import Row
from imports.signing import Signed
from patients import services as patients_services
from patients.models import Patient
from patients.services import screening as screenings
from titration.models import Prescription, ProtocolVersion
from titration.selectors import courses as courses_selectors
from titration.services import courses, erasures

LASTS = timedelta(hours=24)
"""How long a table waits to be decided on, as an export waits to be fetched (docs/adr/0018)."""
UNDONE = "The import that brought this record was undone."
CHANGED = (
    "Something has changed since this was shown to you, so nothing was written. Go back and look at the table again."
)


@transaction.atomic
def stage(*, grid: Grid, by: Actor, at: datetime) -> Import:
    """Keep a table, sealed, until somebody decides on it. The same table again is the same import."""
    policy.check(by, policy.Permission.IMPORT)
    text = staged.to_text(grid)
    indexes = selectors.table_indexes(text)
    there = selectors.open_import(by, indexes)
    if there is not None and (there.accepted_at is not None or there.expires_at > at):
        return there
    if there is not None:
        _forget_table(there.id, by=by, at=at)
    try:
        with transaction.atomic():
            imported = Import.objects.create(
                clinic_id=by.clinic_id,
                table=text,
                table_index=indexes[0],
                rows_total=sum(1 for row in grid if row) - 1,
                brought_at=at,
                brought_by_id=by.user_id,
                expires_at=at + LASTS,
            )
    except IntegrityError as error:
        # Somebody brought the same table at this very moment.
        raise Stale("A colleague has just brought the same table. Look at the list of imports.") from error
    details = {"rows": imported.rows_total}
    audit.record(by=by, at=at, action="import.stage", subject=imported.id, details=details)
    return imported


@transaction.atomic
def accept(*, import_id: uuid.UUID, shown: str, by: Actor, at: datetime) -> Import:
    """Write the patients of a staged table and sign their plans, all or none. Only who may prescribe signs a plan.

    `shown` is the fingerprint of what was looked at.
    """
    policy.check(by, policy.Permission.IMPORT)
    imported = _waiting(import_id, by, at)
    look = selectors.look(imported, by=by, at=at)
    if look.plans:
        policy.check(by, policy.Permission.PRESCRIBE)
    if look.fingerprint != shown:
        raise Stale(CHANGED)
    if look.faults:
        raise Refused("There is something to mend in this table first. Nothing was written.")
    if not look.rows:
        raise Refused("There is nobody new in this table, so there is nothing to accept.")
    signed = {one.row.number: one for one in look.plans}
    versions = {str(version.id): version for version in courses_selectors.protocols_for(by)} if signed else {}
    for row in look.rows:
        _write(imported, row, signed.get(row.number), versions, by=by, at=at)
    imported.accepted_at, imported.accepted_by_id, imported.table = at, by.user_id, ""
    imported.patients_made, imported.plans_made = len(look.rows), len(signed)
    imported.save(update_fields=["accepted_at", "accepted_by", "table", "patients_made", "plans_made"])
    details = {"patients": len(look.rows), "plans": len(signed), "left_out": len(look.known)}
    audit.record(by=by, at=at, action="import.accept", subject=imported.id, details=details)
    return imported


@transaction.atomic
def discard(*, import_id: uuid.UUID, by: Actor, at: datetime) -> None:
    """Forget a staged table. Discarding it twice changes nothing."""
    policy.check(by, policy.Permission.IMPORT)
    imported = _locked(import_id, by)
    if imported.accepted_at is not None:
        raise Refused("This import has been accepted. It can be undone, not discarded.")
    if imported.discarded_at is None:
        _forget_table(imported.id, by=by, at=at)
        audit.record(by=by, at=at, action="import.discard", subject=imported.id)


@transaction.atomic
def undo(*, import_id: uuid.UUID, reason: str, by: Actor, at: datetime) -> Import:
    """Take an accepted import back whole: its plans are stopped, its records closed at once and erased after a week.

    What a prescriber signed, only who may prescribe takes back. Refused once anything has been told or changed about
    one of its patients: then each is dealt with by itself.
    """
    policy.check(by, policy.Permission.IMPORT)
    imported = _locked(import_id, by)
    if imported.accepted_at is None:
        raise Refused("This import has not been accepted, so there is nothing to undo.")
    if imported.undone_at is not None:
        return imported
    if imported.plans_made:
        policy.check(by, policy.Permission.PRESCRIBE)
    if not reason:
        raise Refused("Say why the import is undone.")
    made = list(ImportedRow.objects.filter(source=imported).order_by("number"))
    patient_ids = [row.patient_id for row in made]
    list(
        Patient.objects.select_for_update(no_key=True).filter(id__in=patient_ids, clinic_id=by.clinic_id).order_by("id")
    )
    if changed := selectors.changed_since(imported):
        raise Refused(still_in_use(len(changed), len(made)))
    for row in made:
        if row.prescription_id is not None:
            courses.stop(prescription_id=row.prescription_id, reason=UNDONE, seen_version=None, by=by, at=at)
    erasures.take_back(patient_ids=patient_ids, reason=UNDONE, by=by, at=at)
    ImportedRow.objects.filter(source=imported).update(undone_at=at)
    imported.undone_at, imported.undone_by_id, imported.undone_because = at, by.user_id, reason
    imported.save(update_fields=["undone_at", "undone_by", "undone_because"])
    audit.record(by=by, at=at, action="import.undo", patients=patient_ids, subject=imported.id)
    return imported


def still_in_use(changed: int, made: int) -> str:
    """Why an import cannot be undone any more."""
    of = "the one patient" if made == 1 else f"{changed} of the {made} patients"
    return f"Since the import something was told or changed about {of}, so it cannot be undone as a whole."


@transaction.atomic
def forget_expired(*, clinic_id: uuid.UUID, at: datetime) -> int:
    """Empty the tables nobody decided on in time. How many."""
    over = Import.objects.filter(clinic_id=clinic_id, accepted_at=None, discarded_at=None, expires_at__lte=at)
    return over.update(table="", discarded_at=at)


def _write(
    imported: Import,
    row: Row,
    signed: Signed | None,
    versions: dict[str, ProtocolVersion],
    *,
    by: Actor,
    at: datetime,
) -> None:
    person = row.person
    patient = patients_services.register(
        name=person.name,
        birth_date=person.birth_date,
        sex=person.sex,
        record_number=person.record_number,
        email=person.email,
        zone=person.zone,
        conditions=[
            patients_services.ConditionEntry(code=entry.code, words=entry.words) for entry in person.conditions
        ],
        medicines=person.medicines,
        context_note="",
        by=by,
        at=at,
    )
    prescription = None
    if signed is not None:
        try:
            prescription = _prescribe(patient, signed, versions[signed.plan.template.id], by=by, at=at)
        except courses.NotWashedOut as no:
            # A reason and a second confirmation are given for one patient, by somebody who looks at them.
            raise Refused(f"Row {row.number}: {no.waits} {BY_HAND}") from no
        patient.refresh_from_db(fields=["version", "change_sequence"])
    ImportedRow.objects.create(
        clinic_id=by.clinic_id,
        source=imported,
        number=row.number,
        row_index=selectors.row_indexes(row)[0],
        patient=patient,
        prescription=prescription,
        patient_version=patient.version,
        change_sequence=patient.change_sequence,
    )


BY_HAND = "Leave this plan out of the table and prescribe on the patient's page. Nothing was written."


def _prescribe(patient: Patient, signed: Signed, version: ProtocolVersion, *, by: Actor, at: datetime) -> Prescription:
    plan, course = signed.plan, signed.course
    if course.first_dose is None:
        screenings.waive_if_none(patient=patient, reason=screenings.BY_TABLE, by=by, at=at)
    return courses.prescribe(
        patient=patient,
        protocol_version=version,
        start_on=course.start_on,
        slot=plan.slot,
        capsule_strength=plan.formulation.strengths[0],
        formulation=plan.formulation,
        mode=plan.mode,
        opioid_answer=plan.opioids,
        awaiting=plan.awaiting,
        first_dose=course.first_dose,
        taking_since=plan.taking_since,
        target=course.target,
        by=by,
        at=at,
    )


def _locked(import_id: uuid.UUID, by: Actor) -> Import:
    return Import.objects.select_for_update(no_key=True).get(id=import_id, clinic_id=by.clinic_id)


def _waiting(import_id: uuid.UUID, by: Actor, at: datetime) -> Import:
    imported = _locked(import_id, by)
    if imported.accepted_at is not None:
        raise Stale("This import has been accepted already. Nothing was written twice.")
    if imported.discarded_at is not None or imported.expires_at <= at:
        raise Stale("This table is no longer kept. Bring it again.")
    return imported


def _forget_table(import_id: uuid.UUID, *, by: Actor, at: datetime) -> None:
    Import.objects.filter(id=import_id, clinic_id=by.clinic_id).update(
        table="", discarded_at=at, discarded_by_id=by.user_id
    )
