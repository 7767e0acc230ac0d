"""The people of the demonstration. Their names say what they are; their addresses lead nowhere."""

from dataclasses import dataclass

from accounts.models import Membership

CLINIC_NAME = "Demo Clinic"


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
)
