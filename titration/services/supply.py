"""Keeping the pharmacies, recording what was dispensed, and working out anew how long it lasts."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import IntegrityError, transaction

from accounts import policy
from accounts.actors import Actor
from audit import services as audit
from common.refusals import Refused, Stale
from patients.models import Patient
from patients.services.changed import raise_sequence
from patients.services.knowing import check_knows_lastingly
from titration.engine.formulation import Unit
from titration.models import Fill, Pharmacy, Prescription
from titration.selectors import supply as supply_selectors

EARLIEST_FILL = timedelta(days=366)
LATEST_BEYOND_USE = timedelta(days=2 * 366)
"""Beyond-use dates of compounded naltrexone are months away at most (clinical facts 5.4); later ones are slips."""


@dataclass(frozen=True, kw_only=True)
class PharmacyWords:
    """What the directory says of a pharmacy, as typed."""

    name: str
    fax: str = ""
    email: str = ""
    compounds: str = ""


@dataclass(frozen=True, kw_only=True)
class Dispensed:
    """What a label says. `units` counts capsules, tablets, drops or mL of `unit`; `price` is of all of them."""

    on: date
    unit: Unit
    units: Decimal
    pharmacy: Pharmacy | None = None
    lot: str = ""
    beyond_use_on: date | None = None
    filler: str = ""
    price: Decimal | None = None


@transaction.atomic
def add_pharmacy(*, words: PharmacyWords, by: Actor, at: datetime) -> Pharmacy:
    """Put a pharmacy into the clinic's directory."""
    policy.check(by, policy.Permission.KEEP_SUPPLY)
    try:
        with transaction.atomic():
            pharmacy = Pharmacy.objects.create(clinic_id=by.clinic_id, **vars(words))
    except IntegrityError as error:
        raise Refused(_TWICE) from error
    audit.record(by=by, at=at, action="pharmacy.add", subject=pharmacy.id)
    return pharmacy


@transaction.atomic
def change_pharmacy(
    *, pharmacy_id: uuid.UUID, words: PharmacyWords, asked: bool, seen_version: int, by: Actor, at: datetime
) -> Pharmacy:
    """Correct what the directory says; one that is not `asked` any more keeps its rows and is offered no longer."""
    policy.check(by, policy.Permission.KEEP_SUPPLY)
    pharmacy = Pharmacy.objects.select_for_update(no_key=True).get(id=pharmacy_id, clinic_id=by.clinic_id)
    if pharmacy.version != seen_version:
        raise Stale("Somebody has changed this pharmacy since you opened the page. Look at what stands now.")
    for name, value in vars(words).items():
        setattr(pharmacy, name, value)
    pharmacy.left_at = None if asked else pharmacy.left_at or at
    pharmacy.version += 1
    try:
        with transaction.atomic():
            pharmacy.save()
    except IntegrityError as error:
        raise Refused(_TWICE) from error
    audit.record(by=by, at=at, action="pharmacy.change", subject=pharmacy.id)
    return pharmacy


_TWICE = "A pharmacy of this name is in the directory already."


@transaction.atomic
def record_fill(*, patient: Patient, dispensed: Dispensed, by: Actor, at: datetime) -> Fill:
    """Put on record what the patient was given; how long it lasts is worked out anew."""
    policy.check(by, policy.Permission.KEEP_SUPPLY)
    known = _locked(patient.id, by)
    _check(dispensed, today=at.astimezone(known.zone).date())
    fill = Fill.objects.create(
        clinic_id=known.clinic_id,
        patient=known,
        pharmacy=dispensed.pharmacy,
        on=dispensed.on,
        form=dispensed.unit.form,
        strength=dispensed.unit.strength,
        grain=Decimal(dispensed.unit.grain.numerator) / dispensed.unit.grain.denominator,
        units=dispensed.units,
        lot=dispensed.lot,
        lot_key=supply_selectors.lot_key(dispensed.lot),
        beyond_use_on=dispensed.beyond_use_on,
        filler=dispensed.filler,
        price=dispensed.price,
        recorded_at=at,
        recorded_by_id=by.user_id,
    )
    refresh(known, at=at)
    raise_sequence(patient_id=known.id, clinic_id=known.clinic_id)
    audit.record(by=by, at=at, action="fill.record", patients=[known.id], subject=fill.id)
    return fill


@transaction.atomic
def withdraw_fill(*, fill_id: uuid.UUID, reason: str, by: Actor, at: datetime) -> Fill:
    """Take a wrong row out of the count; it stays readable with who did it and why."""
    policy.check(by, policy.Permission.KEEP_SUPPLY)
    if not reason:
        raise Refused("Say what was wrong with it.")
    fill = Fill.objects.select_for_update(no_key=True).get(id=fill_id, clinic_id=by.clinic_id)
    if fill.withdrawn_at is not None:
        raise Refused("This fill has been withdrawn already.")
    known = _locked(fill.patient_id, by)
    fill.withdrawn_at, fill.withdrawn_because = at, reason
    fill.withdrawn_by_id = by.user_id
    fill.save(update_fields=["withdrawn_at", "withdrawn_because", "withdrawn_by"])
    refresh(known, at=at)
    raise_sequence(patient_id=known.id, clinic_id=known.clinic_id)
    audit.record(by=by, at=at, action="fill.withdraw", patients=[known.id], subject=fill.id)
    return fill


def refresh(patient: Patient, *, at: datetime) -> None:
    """Write beside the open course when its supply runs out and a refill is due; a course without fills has neither.

    Called with the patient's row locked, whenever a fill or the course has changed.
    """
    open_ones = Prescription.objects.filter(patient=patient, state__in=Prescription.OPEN_STATES)
    if not Fill.objects.filter(patient=patient, withdrawn_at=None).exists():
        open_ones.exclude(run_out_on=None, refill_due_on=None).update(run_out_on=None, refill_due_on=None)
        return
    standing = supply_selectors.supplies_by_rows([patient], at=at)[patient.id].standing
    dates = (standing.run_out_on, standing.refill_due_on) if standing else (None, None)
    open_ones.update(run_out_on=dates[0], refill_due_on=dates[1])


def _locked(patient_id: uuid.UUID, by: Actor) -> Patient:
    """The patient's row, held so that two fills are counted one after the other.

    The open course is locked first, as by whoever changes it: what is written beside it waits for nobody then.
    """
    open_ones = Prescription.objects.filter(patient_id=patient_id, state__in=Prescription.OPEN_STATES)
    list(open_ones.select_for_update(no_key=True).values_list("id"))
    known = Patient.objects.select_for_update(no_key=True).get(id=patient_id, clinic_id=by.clinic_id)
    check_knows_lastingly(by, known.id)
    return known


def _check(dispensed: Dispensed, *, today: date) -> None:
    if dispensed.on > today:
        raise Refused("The date of the fill lies ahead. Record it when the patient has it.")
    if dispensed.on < today - EARLIEST_FILL:
        raise Refused("The fill is more than a year ago. Check the date.")
    if dispensed.units <= 0:
        raise Refused("A fill holds more than nothing.")
    if dispensed.beyond_use_on and dispensed.beyond_use_on < dispensed.on:
        raise Refused("The beyond-use date lies before the day it was dispensed. Check both.")
    if dispensed.beyond_use_on and dispensed.beyond_use_on > dispensed.on + LATEST_BEYOND_USE:
        raise Refused("The beyond-use date is more than two years ahead. Check the year.")
    if dispensed.pharmacy is not None and dispensed.pharmacy.left_at is not None:
        raise Refused("This pharmacy is no longer asked. Choose another, or take it up again in the directory.")
