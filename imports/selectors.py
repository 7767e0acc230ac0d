"""Questions about tables that were brought along. Whoever may import in a clinic knows of all of its imports."""

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.apps import apps
from django.db.models import F, Model, Q, QuerySet

from accounts import policy
from accounts import selectors as accounts_selectors
from accounts.actors import Actor
from common import history, sealed
from common.refusals import Refused
from imports import plans, rows, signing, staged
from imports.columns import Facts, Template
from imports.models import ROW_INDEX, TABLE_INDEX, Import, ImportedRow
from imports.rows import Fault, Reading, Row
from patients import conditions
from patients import selectors as patients_selectors
from patients.models import ContactPreference, Medicine, Patient, PatientCondition, Screening, Sex, ZoneSpan
from reminders.models import Attempt, Occurrence
from titration.engine.course import Course
from titration.engine.planner import CannotBeMade
from titration.engine.protocol import Protocol
from titration.engine.refusals import EngineRefusal
from titration.models import Finding, Judged, Prescription, Step, Watch
from titration.selectors import courses as courses_selectors
from titration.services import courses

IN_USE = "This record number is used for somebody else in your clinic. Check the number."


@dataclass(frozen=True, kw_only=True)
class Known:
    """A row about somebody who is in the clinic's care already: it is left out, and this is their record."""

    row: Row
    patient: Patient


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a staged table would do now: the rows it would write, those it would leave out, and what is wrong with it.

    `plans` are those of the rows it would write. `fingerprint` is of who would be written and who left out, and of
    every plan and its template; what is accepted must be what was shown.
    """

    rows: tuple[Row, ...]
    plans: tuple[signing.Signed, ...]
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


def templates_for(actor: Actor) -> list[Template]:
    """The templates that a table may name."""
    versions = courses_selectors.protocols_for(actor)
    return [Template(id=str(version.id), protocol=Protocol.from_json(version.body)) for version in versions]


def look(imported: Import, *, by: Actor, at: datetime) -> Look:
    """What this staged table would do if it were accepted now."""
    zone = accounts_selectors.clinic_of(by).zone
    facts = Facts(
        today=at.astimezone(zone).date(),
        zone=zone,
        conditions={code: entry.name for code, entry in conditions.all_conditions().items()},
        templates=templates_for(by),
        sexes=Sex.values,
    )
    return _beside_the_clinic(rows.read(staged.from_text(imported.table), facts), by, at)


def _beside_the_clinic(reading: Reading, by: Actor, at: datetime) -> Look:
    """The reading beside who is in the clinic's care: the same people are left out, their numbers taken are faults."""
    there = patients_selectors.born_on(by, {row.person.birth_date for row in reading.rows})
    same = {rows.same_person(patient.name, patient.birth_date): patient for patient in there}
    taken = patients_selectors.record_numbers_in_use(by, [row.person.record_number for row in reading.rows])
    new: list[Row] = []
    known: list[Known] = []
    for row in reading.rows:
        patient = same.get(rows.same_person(row.person.name, row.person.birth_date))
        if patient is None:
            new.append(row)
        else:
            known.append(Known(row=row, patient=patient))
    left_out = {one.row.number for one in known}
    judged = {number: _judged(planned, at) for number, planned in reading.planned.items() if number not in left_out}
    faults = list(reading.faults)
    for number, one in judged.items():
        faults += [rows.fault_at(number, column, reading.places, sentence) for column, sentence in one.against]
    for row in new:
        if row.person.record_number in taken:
            faults.append(rows.fault_at(row.number, rows.RECORD_NUMBER, reading.places, IN_USE))
    faulty = {fault.row for fault in faults}
    new = [row for row in new if row.number not in faulty]
    signed = [
        signing.Signed(row=row, plan=row.plan, course=course, today=judged[row.number].today)
        for row in new
        if row.plan is not None and (course := judged[row.number].course) is not None
    ]
    faults.sort(key=lambda fault: (fault.row, len(fault.letter), fault.letter))
    decided = [[row.number for row in new], [one.row.number for one in known], [fault.row for fault in faults]]
    return Look(
        rows=tuple(new),
        plans=tuple(signed),
        known=tuple(known),
        faults=tuple(faults),
        rows_total=reading.rows_total,
        fingerprint=hashlib.sha256(json.dumps([decided, [one.identity for one in signed]]).encode()).hexdigest(),
    )


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """A plan held against what may be signed: what speaks against it, by column, else the course it means."""

    today: date
    against: tuple[tuple[str, str], ...]
    course: Course | None


def _judged(planned: rows.Planned, at: datetime) -> _Judged:
    plan, today = planned.plan, at.astimezone(planned.zone).date()
    opioids = () if plan.opioids == "no" else ((plans.OPIOIDS, courses.OPIOID_REFUSALS[plan.opioids]),)
    try:
        course = plan.course(today)
        courses.check_start(course.start_on, today=today, first_dose=course.first_dose)
    except Refused as refusal:
        return _Judged(today=today, against=(*opioids, (plan.date_column, refusal.sentence)), course=None)
    other = _against(course, plan, today)
    against = (*opioids, other) if other else opioids
    return _Judged(today=today, against=against, course=None if against else course)


def _against(course: Course, plan: plans.Plan, today: date) -> tuple[str, str] | None:
    try:
        courses.check_course(course, plan.formulation, today=today)
    except CannotBeMade as refusal:
        return plans.TIME_OF_DAY if refusal.in_halves else plans.STRENGTH, refusal.sentence
    except EngineRefusal as refusal:
        return plans.STRENGTH, refusal.sentence
    except Refused as refusal:
        return plans.TIME_OF_DAY, refusal.sentence
    try:
        courses.check_confirmed(course, confirmed=False)
    except Refused as refusal:
        return plans.PLAN, f"{refusal.sentence} {plans.NO_ROOM}"
    return signing.against(course, plan, today=today)


def rows_of(imported: Import, *, by: Actor) -> list[ImportedRow]:
    """The rows an import made, with those patients whom this member may know of."""
    found = ImportedRow.objects.filter(source=imported, patient__in=patients_selectors.visible_to(by))
    return list(found.select_related("patient").order_by("number"))


MADE_BY_IT: frozenset[type[Model]] = frozenset(
    {
        *(PatientCondition, Medicine, ZoneSpan, ContactPreference, Screening, ImportedRow),
        *(Prescription, Step, Occurrence, Watch, Judged, Finding),
    }
)
"""What stands in a record that was registered and prescribed for, and nothing else; an occurrence is only planned, what
the rules find is worked out, and a screening that comes later raises the change sequence."""


def changed_since(imported: Import) -> list[uuid.UUID]:
    """The imported patients about whom something was told or changed after the import; such an import stays.

    Whatever points at a patient tells of them, save what the import itself wrote: a new table is asked without a word
    here.
    """
    made = ImportedRow.objects.filter(source=imported)
    patients = made.values("patient_id")
    other = ~Q(patient__version=F("patient_version")) | ~Q(patient__change_sequence=F("change_sequence"))
    other |= Q(patient__restricted_at__isnull=False) | Q(patient__care_ended_at__isnull=False)
    other |= Q(prescription__version__gt=1)
    changed = set(made.filter(other).values_list("patient_id", flat=True))
    for model, name in _tells_of_a_patient():
        found: QuerySet[Any] = model._default_manager.filter(**{f"{name}__in": patients})  # noqa: SLF001
        changed |= set(found.values_list(f"{name}_id", flat=True))
    sent = Attempt.objects.filter(reminder__occurrence__patient_id__in=patients)
    changed |= set(sent.values_list("reminder__occurrence__patient_id", flat=True))
    return sorted(changed)


def _tells_of_a_patient() -> list[tuple[type[Model], str]]:
    """Every table that points at a patient, and by which column, save what an import writes and versions of rows."""
    found = []
    for model in apps.get_models():
        if model in MADE_BY_IT or issubclass(model, history.Event):
            continue
        pointing = [field for field in model._meta.concrete_fields if field.related_model is Patient]  # noqa: SLF001
        found += [(model, field.name) for field in pointing]
    return found
