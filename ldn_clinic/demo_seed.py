"""Fills the demonstration: made-up people whose courses were really prescribed, held and stepped by the deeds.

The same seed, numbers and last day give the same story. Nights are written in bulk; everything a clinician does goes
through the same service as on a page.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from accounts.actors import Actor, Kind, system
from accounts.models import Clinic, ClinicHours, Membership, User
from common import walls
from common.dose import Dose
from common.night import Slot
from common.refusals import Refused
from ldn_clinic import demo, demo_follow_up, demo_morning, demo_nights, demo_screening
from patients import conditions
from patients import selectors as patients_selectors
from patients import services as patients_services
from patients.models import Patient, Sex
from patients.services import ConditionEntry
from symptoms import condition_items
from symptoms import services as symptoms_services
from symptoms.models import DoseTaken, SymptomLog
from symptoms.services import DoseAnswer, NightAnswer
from titration.models import Prescription, ProtocolVersion, Step
from titration.selectors import courses as courses_selectors
from titration.services import courses

ZONE = ZoneInfo("Europe/London")
OTHER_ZONES = (ZoneInfo("America/New_York"), ZoneInfo("Australia/Sydney"))
TREES = ("Alder", "Ash", "Beech", "Birch", "Cedar", "Elm", "Fir", "Hazel", "Holly", "Juniper", "Larch", "Oak", "Pine")
MEDICINES = ("Paracetamol 500 mg as needed", "Levothyroxine 75 micrograms in the morning", "Vitamin D 25 micrograms")
COURSES = (
    ("STD-2W", "1.5"),
    ("STD-1W", "1.5"),
    ("HALF-1W", "0.5"),
    ("STD-2W", "1.5"),
    ("ONE-1W", "0.5"),
    ("STD-4W", "1.5"),
)
HOLD_REASONS = ("Sleep not settled yet", "Travelling, wants no change", "Headache since the last step")
# Who shows what on the home page, by number: the first patients of the list are the interesting ones.
# Those at the last dose are quiet and nobody is chased; one of them is still climbing.
REPORTS_AN_OPIOID, SILENT, NOT_STARTED, NO_COURSE = 1, (5, 17, 23, 29), 9, 13


@dataclass(frozen=True)
class Clinicians:
    """Those who act in the story."""

    prescriber: Actor
    nurse: Actor


class AlreadySeeded(Exception):
    """The demo clinic is there; nothing is written twice."""


def seed(*, patients: int, days: int, seed: int, last_day: date) -> Iterator[int]:
    """Write the demo clinic; yields the number of patients written so far. One transaction: all of it or nothing."""
    with transaction.atomic(), walls.acting(clinic=demo.CLINIC_ID):
        if Clinic.objects.filter(id=demo.CLINIC_ID).exists():
            raise AlreadySeeded
        who = _clinic()
        versions = {row.code: row for row in courses_selectors.protocols_for(who.prescriber)}
        demo_morning.texts(by=who.nurse, at=_at(last_day, 8))
        for number in range(1, patients + 1):
            _patient(number, days, last_day, who, versions, _generator(seed, number))
            yield number


def _generator(seed: int, number: int) -> random.Random:
    """A generator for each patient: one more question to it does not change everybody else's story."""
    return random.Random(f"{seed}:{number}")  # noqa: S311  a story, not a secret


def _clinic() -> Clinicians:
    clinic = Clinic.objects.create(
        id=demo.CLINIC_ID,
        name=demo.CLINIC_NAME,
        zone_name=ZONE.key,
        phone="000 0000 0000",
        after_hours_words="We read what you write on weekdays from 9 to 5. Outside these hours call the number above.",
    )
    ClinicHours.objects.bulk_create(
        ClinicHours(clinic=clinic, weekday=weekday, opens=time(9), closes=time(17)) for weekday in range(5)
    )
    actors = {}
    for persona in demo.PERSONAS:
        user = User.objects.create_user(persona.username, name=persona.name, email=persona.username)
        Membership.objects.create(user=user, clinic=clinic, role=persona.role)
        actors[persona.role] = Actor(
            kind=Kind.MEMBER, clinic_id=clinic.id, label=persona.name, user_id=user.id, role=persona.role
        )
    return Clinicians(actors[Membership.Role.PRESCRIBER], actors[Membership.Role.NURSE])


def _patient(
    number: int,
    days: int,
    last_day: date,
    who: Clinicians,
    versions: dict[str, ProtocolVersion],
    rng: random.Random,
) -> None:
    start_on = last_day - timedelta(days=_days_ago(number, days, rng))
    at = _at(min(start_on, last_day) - timedelta(days=rng.randint(1, 5)), 10)
    patient = _registered(number, who, at, rng)
    if number == NO_COURSE:
        demo_screening.answered_by_patient(patient, by=who.nurse, at=at)
        return
    demo_screening.confirmed(patient, number, by=who.prescriber, at=at)
    demo_follow_up.before_the_first_dose(patient, number, by=who.nurse, at=at)
    code, strength = COURSES[number % len(COURSES)]
    prescription = courses.prescribe(
        patient=patient,
        protocol_version=versions[code],
        start_on=start_on,
        slot=Slot.MORNING if number % 7 == 0 else Slot.BEDTIME,
        capsule_strength=Dose.of(strength),
        mode=Prescription.Mode.PLANNED if number % 4 == 0 else Prescription.Mode.CONFIRMED,
        opioid_answer="no",
        by=who.prescriber,
        at=at,
    )
    _live(patient, prescription, number, last_day, who, rng)
    demo_follow_up.afterwards(prescription, number, until=_at(last_day, 6), by=who.nurse)
    demo_morning.of_patient(patient, number, prescriber=who.prescriber, nurse=who.nurse, at=_at(last_day, 8))


def _days_ago(number: int, days: int, rng: random.Random) -> int:
    if number == NOT_STARTED:
        return -2
    # Every sixth has a step due about now: the home page is what the demonstration is for.
    return 14 * rng.randint(1, 2) if number % 6 == 3 and days > 28 else rng.randint(5, max(6, days))


def _registered(number: int, who: Clinicians, at: datetime, rng: random.Random) -> Patient:
    codes = list(conditions.all_conditions())
    first = codes[(number - 1) % len(codes)]
    second = codes[rng.randrange(len(codes))]
    zone = OTHER_ZONES[number % 2] if number % 11 == 0 else ZONE
    patient = patients_services.register(
        name=f"{TREES[number % len(TREES)]} Demo-{number:02d}",
        birth_date=date(1945 + rng.randrange(55), rng.randint(1, 12), rng.randint(1, 28)),
        sex=(Sex.FEMALE, Sex.MALE, "")[number % 3],
        record_number=f"DEMO-{number:03d}",
        email=f"patient{number:02d}@demo.invalid",
        zone=zone,
        conditions=[
            ConditionEntry(code=code) for code in dict.fromkeys((first, second) if number % 5 == 0 else (first,))
        ],
        medicines=rng.sample(MEDICINES, rng.randint(0, 2)),
        context_note="Made-up person of the demonstration." if number % 2 else "",
        by=who.nurse,
        at=at,
    )
    patient.contact.reminders_by_email = number % 6 != 0
    patient.contact.save()
    return patient


def _live(
    patient: Patient,
    prescription: Prescription,
    number: int,
    last_day: date,
    who: Clinicians,
    rng: random.Random,
) -> None:
    """Walk from due date to due date: tell the nights, then hold or step as a clinician would."""
    temper = demo_nights.temper(rng)
    told_to = last_day - timedelta(days=6 if number in SILENT else 1)
    lost = demo_nights.a_few_days_off(rng, prescription.start_on, last_day)
    told_from = prescription.start_on
    while True:
        due = prescription.next_due_on
        until = min(due or last_day, last_day)
        _tell(patient, prescription, told_from, min(until, told_to + timedelta(days=1)), temper, lost, rng)
        told_from = max(told_from, until)
        if due is None or due >= last_day - timedelta(days=1):
            break
        prescription = _decide(prescription, due, who, rng)
    _tell(patient, prescription, told_from, told_to + timedelta(days=1), temper, lost, rng)
    if number == REPORTS_AN_OPIOID:
        _report_an_opioid(patient, prescription, last_day)


def _decide(prescription: Prescription, due: date, who: Clinicians, rng: random.Random) -> Prescription:
    change = {"prescription_id": prescription.id, "seen_version": prescription.version}
    if rng.random() < 0.15:
        return courses.hold(
            **change, days=7, reason=rng.choice(HOLD_REASONS), by=who.nurse, at=_at(due - timedelta(days=1), 11)
        )
    planned = prescription.mode == Prescription.Mode.PLANNED
    by, reason = (
        (system(prescription.clinic_id), "") if planned else (who.prescriber, "Spoken with by phone, doing well")
    )
    try:
        return courses.advance(**change, reason=reason, by=by, at=_at(due, 9))
    except Refused:
        # The gate was not open for the system: a person looks a few days later.
        return courses.advance(
            **change, reason="Looked at the nights together", by=who.prescriber, at=_at(due + timedelta(days=3), 15)
        )


def _tell(
    patient: Patient,
    prescription: Prescription,
    first: date,
    end: date,
    temper: demo_nights.Temper,
    lost: set[date],
    rng: random.Random,
) -> None:
    """Write the told nights from `first` up to and without `end`, dose and log."""
    steps = list(Step.objects.filter(prescription=prescription, dose__isnull=False).order_by("from_on"))
    nights = [date.fromordinal(day) for day in range(first.toordinal(), end.toordinal())]
    nights = [night for night in nights if demo_nights.told(rng, temper) and night not in lost]
    asked = condition_items.of_conditions(patients_selectors.conditions_of_many([patient.id])[patient.id])
    taken, logs = [], []
    for night in nights:
        step = next((s for s in steps if s.from_on <= night and (s.to_on is None or night < s.to_on)), None)
        if step is None or step.dose is None:
            continue
        began = min(s.from_on for s in steps if (s.dose, s.rung) == (step.dose, step.rung))
        told_at = _at(night + timedelta(days=1), 8)
        skipped = rng.random() < temper.skips
        shared = {"clinic_id": patient.clinic_id, "patient": patient, "recorded_at": told_at}
        taken.append(
            DoseTaken(
                **shared,
                plan_date=night,
                slot=prescription.slot,
                taken=DoseTaken.Taken.SKIPPED if skipped else DoseTaken.Taken.TAKEN,
                taken_mg=None if skipped else step.dose,
                taken_at=None if skipped else _at(night, 22 if prescription.slot == Slot.BEDTIME else 7),
                skipped_because=rng.choice(("forgot", "unwell")) if skipped else "",
            )
        )
        nightly = demo_nights.answers(rng, temper, nights_at_dose=(night - began).days, mg=float(step.dose.mg))
        told = demo_nights.of_conditions(asked, night, nightly["lead_symptom"])
        logs.append(SymptomLog(**shared, night=night, condition_answers=told, **nightly))
    DoseTaken.objects.bulk_create(taken)
    SymptomLog.objects.bulk_create(logs)


def _report_an_opioid(patient: Patient, prescription: Prescription, last_day: date) -> None:
    """Yesterday this patient wrote that they took a cough medicine: the item pinned on the home page."""
    night = last_day - timedelta(days=1)
    SymptomLog.objects.filter(patient=patient, night=night).delete()
    symptoms_services.save_night(
        patient=patient,
        night=night,
        dose=DoseAnswer(taken="skipped", slot=Slot(prescription.slot), skipped_because="unwell"),
        answers=NightAnswer(
            sleep_hours=None, other_medicines_answer="yes", other_medicines="a cough syrup from the pharmacy"
        ),
        seen_version=0,
        by=Actor(kind=Kind.PATIENT, clinic_id=patient.clinic_id, label="the patient", patient_id=patient.id),
        at=_at(last_day, 7),
    )


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=ZONE).astimezone(UTC)
