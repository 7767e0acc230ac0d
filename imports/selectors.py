"""Questions about tables that were brought along. Whoever may import in a clinic knows of all of its imports."""

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q, QuerySet

from accounts import policy
from accounts import selectors as accounts_selectors
from accounts.actors import Actor
from common import sealed
from imports import rows, staged
from imports.models import ROW_INDEX, TABLE_INDEX, Import, ImportedRow
from imports.rows import Fault, Reading, Row
from patients import conditions
from patients import selectors as patients_selectors
from patients.models import CareGrant, Invitation, Patient, Phone

IN_USE = "This record number is used for somebody else in your clinic. Check the number."


@dataclass(frozen=True, kw_only=True)
class Known:
    """A row about somebody who is in the clinic's care already: it is left out, and this is their record."""

    row: Row
    patient: Patient


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a staged table would do now: the rows it would write, those it would leave out, and what is wrong with it.

    `fingerprint` is of who would be written and who left out; what is accepted must be what was shown.
    """

    rows: tuple[Row, ...]
    known: tuple[Known, ...]
    faults: tuple[Fault, ...]
    rows_total: int
    fingerprint: str


def imports_of(actor: Actor) -> QuerySet[Import]:
    """The imports of the clinic this member may import in, newest first, without their tables."""
    if not policy.may(actor, policy.Permission.IMPORT):
        return Import.objects.none()
    found = Import.objects.filter(clinic_id=actor.clinic_id).defer("table")
    return found.select_related("brought_by", "accepted_by", "undone_by").order_by("-brought_at", "id")


def open_import(actor: Actor, table_index: Sequence[str]) -> Import | None:
    """The import of the same table that was neither discarded nor undone."""
    found = Import.objects.filter(clinic_id=actor.clinic_id, table_index__in=table_index)
    return found.filter(discarded_at=None, undone_at=None).defer("table").first()


def table_indexes(text: str) -> list[str]:
    """What a table is found again by: a keyed digest by each key of the ring, the current one first."""
    return sealed.indexes(hashlib.sha256(text.encode()).hexdigest(), TABLE_INDEX)


def row_indexes(row: Row) -> list[str]:
    """What a row is found again by, in whatever table it stands."""
    who = [row.person.record_number, *map(str, rows.same_person(row.person.name, row.person.birth_date))]
    return sealed.indexes(json.dumps(who), ROW_INDEX)


def look(imported: Import, *, by: Actor, at: datetime) -> Look:
    """What this staged table would do if it were accepted now."""
    zone = accounts_selectors.clinic_of(by).zone
    facts = rows.Facts(
        today=at.astimezone(zone).date(),
        zone=zone,
        conditions={code: entry.name for code, entry in conditions.all_conditions().items()},
    )
    return _beside_the_clinic(rows.read(staged.from_text(imported.table), facts), by)


def _beside_the_clinic(reading: Reading, by: Actor) -> Look:
    """The reading beside who is in the clinic's care: the same people are left out, their numbers taken are faults."""
    there = patients_selectors.born_on(by, {row.person.birth_date for row in reading.rows})
    same = {rows.same_person(patient.name, patient.birth_date): patient for patient in there}
    taken = patients_selectors.record_numbers_in_use(by, [row.person.record_number for row in reading.rows])
    new: list[Row] = []
    known: list[Known] = []
    faults = list(reading.faults)
    for row in reading.rows:
        patient = same.get(rows.same_person(row.person.name, row.person.birth_date))
        if patient is not None:
            known.append(Known(row=row, patient=patient))
        elif row.person.record_number in taken:
            faults.append(Fault(row.number, rows.RECORD_NUMBER, "", IN_USE))
        else:
            new.append(row)
    faults.sort(key=lambda fault: (fault.row, len(fault.letter), fault.letter))
    decided = [[row.number for row in new], [one.row.number for one in known], [fault.row for fault in faults]]
    return Look(
        rows=tuple(new),
        known=tuple(known),
        faults=tuple(faults),
        rows_total=reading.rows_total,
        fingerprint=hashlib.sha256(json.dumps(decided).encode()).hexdigest(),
    )


def rows_of(imported: Import, *, by: Actor) -> list[ImportedRow]:
    """The rows an import made, with those patients whom this member may know of."""
    found = ImportedRow.objects.filter(source=imported, patient__in=patients_selectors.visible_to(by))
    return list(found.select_related("patient").order_by("number"))


def changed_since(imported: Import) -> list[uuid.UUID]:
    """The imported patients about whom something was told or changed after the import; such an import stays."""
    made = ImportedRow.objects.filter(source=imported)
    patients = made.values("patient_id")
    other = ~Q(patient__version=F("patient_version")) | ~Q(patient__change_sequence=F("change_sequence"))
    changed = set(made.filter(other | Q(patient__restricted_at__isnull=False)).values_list("patient_id", flat=True))
    for model in (Phone, Invitation, CareGrant):
        changed |= set(model.objects.filter(patient_id__in=patients).values_list("patient_id", flat=True))
    return sorted(changed)
