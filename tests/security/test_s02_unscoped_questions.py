"""The first wall: whoever asks a clinic's table says whose rows are meant, or is refused before any SQL leaves."""

import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db.models import Exists, OuterRef, Q
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership
from common import walls
from common.scoped import ScopedQuerySet, Unscoped
from patients.models import Patient, Phone
from reminders.models import Reminder
from symptoms.models import SymptomLog
from tests import factories
from titration.models import Prescription

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
OURS = ("accounts", "audit", "bench", "charts", "common", "desk", "exports", "ldn_clinic", "patients", "portal")
OURS += ("imports", "reminders", "symptoms", "titration")

ANY = uuid.UUID(int=7)
UNSCOPED: dict[str, Callable[[], Any]] = {
    "all": lambda: list(Patient.objects.all()),
    "by id alone": lambda: Patient.objects.filter(id=ANY).first(),
    "get by id alone": lambda: Patient.objects.get(id=ANY),
    "by a name": lambda: Patient.objects.filter(name="x").exists(),
    "count": Patient.objects.count,
    "one side of an or": lambda: list(Patient.objects.filter(Q(clinic_id=ANY) | Q(id=ANY))),
    "what is excluded": lambda: list(Patient.objects.exclude(clinic_id=ANY)),
    "update": lambda: Patient.objects.filter(id=ANY).update(name="x"),
    "delete": lambda: Patient.objects.filter(id=ANY).delete(),
    "aggregate": lambda: Reminder.objects.unsettled().aggregate(),
    "iterator": lambda: list(SymptomLog.objects.order_by("night").values_list("night").iterator()),
    "the end of a slice": lambda: list(Prescription.objects.order_by("id")[:3]),
    "a subquery is no scope": lambda: list(
        Patient.objects.filter(Exists(Phone.objects.filter(patient=OuterRef("pk"), revoked_at=None)))
    ),
}
SCOPED: dict[str, Callable[[], Any]] = {
    "a clinic": lambda: list(Patient.objects.filter(clinic_id=ANY)),
    "several clinics": lambda: list(Patient.objects.filter(clinic_id__in=[ANY])),
    "both sides of an or": lambda: list(Patient.objects.filter(Q(clinic_id=ANY) | Q(clinic_id=uuid.uuid4()))),
    "a patient": lambda: list(SymptomLog.objects.filter(patient_id=ANY)),
    "patients": lambda: SymptomLog.objects.filter(patient__in=Patient.objects.filter(clinic_id=ANY)).count(),
    "what a prescription belongs to": lambda: Prescription.objects.filter(patient__clinic_id=ANY).exists(),
    "who presents a secret": lambda: Phone.objects.filter(secret_digest="x").first(),
    "a person's own places": lambda: list(Membership.objects.filter(user_id=ANY)),
    "nobody's": lambda: list(Patient.objects.none()),
    "a queue": lambda: Reminder.objects.across_clinics().unsettled().count(),
}


@pytest.mark.parametrize("question", sorted(UNSCOPED))
def test_s02_a_question_that_says_nobodys_name_is_refused(question: str) -> None:
    from django.db import connection

    with walls.acting(clinic=ANY), CaptureQueriesContext(connection) as sent, pytest.raises(Unscoped):
        UNSCOPED[question]()
    assert not list(sent)


@pytest.mark.parametrize("question", sorted(SCOPED))
def test_s02_a_question_that_says_whose_is_answered(question: str) -> None:
    with walls.acting(clinic=ANY):
        SCOPED[question]()


def test_djangos_own_needs_are_met() -> None:
    patient = factories.patient(factories.clinic())
    with walls.acting(clinic=patient.clinic_id):
        patient.refresh_from_db()
        patient.save(update_fields=["version"])
        assert patient.contact.patient.clinic == patient.clinic
        assert list(Patient.objects.filter(clinic_id=patient.clinic_id).prefetch_related("phones", "zone_spans"))


def test_every_model_of_a_clinic_asks_whose() -> None:
    """History is read through its row, and shared rows are for all."""
    for model in apps.get_models():
        fields = {field.name for field in model._meta.fields}
        if "clinic" in fields and not model.__name__.endswith("Event"):
            assert isinstance(model._default_manager.all(), ScopedQuerySet), model


def lines(pattern: str) -> set[str]:
    """Our modules in which a line matches, as paths from the root."""
    found = re.compile(pattern)
    return {
        str(path.relative_to(ROOT))
        for folder in OURS
        for path in (ROOT / folder).rglob("*.py")
        if found.search(path.read_text())
    }


QUEUES = {
    "common/scoped.py",
    "exports/services.py",
    "ldn_clinic/erasing.py",
    "reminders/door.py",
    "reminders/services/claiming.py",
    "reminders/services/moves.py",
    "reminders/services/rounds.py",
    "reminders/services/sweeping.py",
    "reminders/services/telling.py",
}


def test_only_the_worker_looks_across_clinics() -> None:
    assert lines(r"\bacross_clinics\(") == QUEUES


def test_nobody_goes_round_the_wall() -> None:
    assert lines(r"_base_manager|\.raw\(|\.extra\(|RawSQL\(") == set()
