"""The patient's side of a test: a phone that was let in, and the moment it is used."""

from datetime import UTC, date, datetime

from django.conf import settings
from django.test import Client

from patients.models import Patient
from tests import factories

EVENING = datetime(2026, 3, 2, 21, 30, tzinfo=UTC)
MORNING = datetime(2026, 3, 3, 7, 30, tzinfo=UTC)
NIGHT = date(2026, 3, 2)
"""Monday to Tuesday, in London, where clocks show UTC in winter."""


def phone_of(patient: Patient, at: datetime = factories.AT) -> Client:
    """A browser that holds the cookie of a remembered phone."""
    client = Client()
    client.cookies[settings.PHONE_COOKIE_NAME] = factories.phone(patient, at)[1]
    return client


def address(night: date = NIGHT) -> str:
    return f"/p/night/{night.isoformat()}/"


def answers(**typed: object) -> dict[str, object]:
    """A quick, ordinary night as the form sends it; every field open to be said."""
    return {
        "seen_version": "0",
        "taken": "taken",
        "sleep_hours": "6,5",
        "latency_min": "20",
        "awake_min": "15",
        "awakenings": "2",
        "quality": "3",
        "dream_vividness": "1",
        "dream_distress": "2",
        "pain": "4",
        "fatigue": "5",
        "lead_symptom": "6",
        "other_medicines_answer": "no",
        **typed,
    }
