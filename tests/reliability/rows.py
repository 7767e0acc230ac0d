"""Rows for the tests of the bell: many at once, written straight into the tables. Visibly made up."""

import uuid
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from accounts.models import Clinic, User
from common.dose import Dose
from patients.models import ContactPreference, Patient
from reminders.models import Occurrence, Reminder
from reminders.occurrences import Kind
from reminders.states import State
from titration.models import Prescription, ProtocolVersion

SIGNED_AT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def clinic() -> Clinic:
    return Clinic.objects.create(
        name="Test Clinic", zone_name="Europe/London", phone="000 000 0000", after_hours_words="On weekdays."
    )


def protocol() -> ProtocolVersion:
    made, _ = ProtocolVersion.objects.get_or_create(
        code="TEST",
        version=1,
        clinic=None,
        defaults={"name": "Test", "body": {}, "fingerprint": "0" * 64, "loaded_at": SIGNED_AT},
    )
    return made


def patients(clinic: Clinic, many: int, *, zone_name: str = "Europe/London", log_at: time = time(9)) -> list[Patient]:
    """So many patients who agreed to reminders, each with an address of their own."""
    user = User.objects.create(username=f"{uuid.uuid4()}@test.invalid", name="Test Member")
    made = [
        Patient(
            clinic=clinic,
            name=f"Test Patient {number}",
            sort_key=f"test patient {number}",
            birth_date=date(1980, 1, 1),
            record_number=uuid.uuid4().hex[:12],
            email=f"p{number}-{uuid.uuid4().hex[:6]}@test.invalid",
            zone_name=zone_name,
            registered_at=SIGNED_AT,
            registered_by=user,
        )
        for number in range(many)
    ]
    Patient.objects.bulk_create(made)
    ContactPreference.objects.bulk_create(
        ContactPreference(clinic=clinic, patient=patient, log_reminder_at=log_at) for patient in made
    )
    return made


def prescription(patient: Patient, **more: Any) -> Prescription:
    """An open course that began in January 2026; its next step is far away unless said otherwise."""
    return prescriptions([patient], **more)[0]


def prescriptions(patients: list[Patient], **more: Any) -> list[Prescription]:
    values: dict[str, Any] = {
        "start_on": SIGNED_AT.date(),
        "slot": "bedtime",
        "capsule_strength": Dose.of("1.5"),
        "opioid_answer": "no",
        "signed_at": SIGNED_AT,
        "protocol_snapshot": {},
        "protocol_fingerprint": "0" * 64,
        **more,
    }
    if values.get("next_due_on"):
        values.setdefault("next_dose", Dose.of("3"))
    made = [
        Prescription(
            clinic_id=patient.clinic_id,
            patient=patient,
            protocol_version=protocol(),
            signed_by_id=patient.registered_by_id,
            **values,
        )
        for patient in patients
    ]
    return Prescription.objects.bulk_create(made)


def due_reminders(
    many: int,
    *,
    at: datetime,
    kind: Kind = Kind.NIGHT_LOG,
    lasts: timedelta = timedelta(hours=6),
    zone_name: str = "UTC",
    **patient: Any,
) -> list[Reminder]:
    """So many patients with an open course and one reminder each, due at `at`, that the door would let pass."""
    people = patients(clinic(), many, zone_name=zone_name, **patient)
    about_on = (at - timedelta(days=1)).date() if kind is Kind.NIGHT_LOG else (at + timedelta(days=1)).date()
    courses = prescriptions(people, next_due_on=about_on if kind is Kind.STEP_EVE else None)
    occurrences = Occurrence.objects.bulk_create(
        Occurrence(
            clinic_id=course.clinic_id,
            patient=course.patient,
            prescription=course,
            kind=kind,
            about_on=about_on,
            local_time=time(9),
            zone_name=zone_name,
            due_at=at,
            expires_at=at + lasts,
        )
        for course in courses
    )
    return Reminder.objects.bulk_create(
        Reminder(
            clinic_id=occurrence.clinic_id,
            occurrence=occurrence,
            state=State.PENDING,
            next_at=at,
            not_after=at + lasts,
        )
        for occurrence in occurrences
    )
