"""The people of the demonstration. Their names say what they are; their addresses lead nowhere."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from accounts.actors import Actor, Kind
from accounts.models import Membership
from common import walls
from patients import services as patients_services
from patients.models import Patient
from patients.services import LetIn

CLINIC_ID = uuid.UUID("de30c11c-0000-4000-8000-000000000001")
CLINIC_NAME = "Demo Clinic"
# Whose phone the front hall hands to a visitor.
PATIENT_RECORD_NUMBER = "DEMO-003"


@dataclass(frozen=True)
class Persona:
    """One member of the demo clinic, signed in by one click in demo mode only."""

    username: str
    name: str
    role: str
    does: str


PERSONAS = (
    Persona(
        "prescriber@demo.invalid", "Demo Prescriber", Membership.Role.PRESCRIBER, "prescribes, holds and steps courses"
    ),
    Persona("nurse@demo.invalid", "Demo Nurse", Membership.Role.NURSE, "registers patients and holds courses"),
    Persona("staff@demo.invalid", "Demo Staff", Membership.Role.STAFF, "registers patients and exports nights"),
    Persona("auditor@demo.invalid", "Demo Auditor", Membership.Role.AUDITOR, "watches who looked at what"),
    Persona(
        "administrator@demo.invalid", "Demo Administrator", Membership.Role.ADMINISTRATOR, "lets people in and out"
    ),
)


def let_in_a_phone(*, at: datetime) -> LetIn | None:
    """Let this browser in as the demo patient's phone, by the same invitation any patient gets."""
    with walls.acting(clinic=CLINIC_ID):
        return _let_in_a_phone(at)


def _let_in_a_phone(at: datetime) -> LetIn | None:
    patient = Patient.objects.filter(clinic_id=CLINIC_ID, record_number=PATIENT_RECORD_NUMBER).first()
    if patient is None:
        return None
    by = Actor(
        kind=Kind.MEMBER,
        clinic_id=patient.clinic_id,
        label="Demo Nurse",
        user_id=patient.registered_by_id,
        role=Membership.Role.NURSE,
    )
    opening = patients_services.invite(patient=patient, by=by, at=at)
    return patients_services.open_invitation(
        token=opening.token, birth_date=patient.birth_date, desk_code="", by=by, at=at
    )
