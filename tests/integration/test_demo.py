"""The demonstration: the same seed tells the same story, and nothing of it opens outside demo mode."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client

from accounts.actors import system
from ldn_clinic import demo, demo_morning, demo_seed
from patients import conditions, selectors_consent
from patients.models import Patient, PatientCondition
from symptoms.models import OpioidReport, SymptomLog
from symptoms.rhythm import Due
from titration.models import PlanChange, Prescription
from titration.selectors import assessments, labs, reaching, silence
from titration.services import protocols

pytestmark = pytest.mark.django_db

LAST_DAY = date(2026, 3, 2)


def story(**more: Any) -> dict[str, Any]:
    """What a seeding wrote, then taken back."""
    with transaction.atomic():
        protocols.load_shipped(at=demo_seed._at(LAST_DAY, 1))
        for _ in demo_seed.seed(**{"patients": 14, "days": 60, "seed": 7, "last_day": LAST_DAY, **more}):
            pass
        told = {
            "patients": list(Patient.objects.order_by("record_number").values("name", "birth_date", "record_number")),
            "nights": list(
                SymptomLog.objects.order_by("patient__record_number", "night").values_list(
                    "patient__record_number", "night", "sleep_hours", "pain", "side_effects"
                )
            ),
            "changes": list(
                PlanChange.objects.order_by("prescription__patient__record_number", "number").values_list(
                    "prescription__patient__record_number", "kind", "on", "reason"
                )
            ),
            "conditions": Counter(PatientCondition.objects.values_list("code", flat=True)),
            "reports": OpioidReport.objects.count(),
            "templates": set(Prescription.objects.values_list("protocol_version__code", flat=True)),
        }
        transaction.set_rollback(True)
    return told


def test_the_same_seed_tells_the_same_story_and_another_seed_another() -> None:
    first = story()
    assert story() == first
    assert story(seed=8)["nights"] != first["nights"]


def test_it_shows_every_condition_several_templates_holds_and_missing_nights() -> None:
    told = story()
    assert set(told["conditions"]) == set(conditions.all_conditions())
    assert len(told["templates"]) >= 4
    assert {kind for _, kind, _, _ in told["changes"]} == {"hold", "advance"}
    assert told["reports"] == 1
    by_patient = Counter(record for record, *_ in told["nights"])
    assert len(by_patient) >= 11
    assert all("Demo-" in patient["name"] for patient in told["patients"])


def test_a_morning_has_words_to_send_and_somebody_to_see_tomorrow() -> None:
    protocols.load_shipped(at=demo_seed._at(LAST_DAY, 1))
    for _ in demo_seed.seed(patients=23, days=60, seed=7, last_day=LAST_DAY):
        pass
    nurse = system(demo.CLINIC_ID)
    assert {text.name for text in reaching.texts_of(nurse)} == demo_morning.TEXTS.keys()
    assert len(reaching.visits_on(nurse, LAST_DAY + timedelta(days=1))) == len(demo_morning.SEEN_TOMORROW)
    silent = silence.silent(nurse, at=demo_seed._at(LAST_DAY, 13))
    quiet = Patient.objects.filter(clinic_id=demo.CLINIC_ID, id__in=[one.patient_id for one in silent])
    assert quiet.filter(record_number=f"DEMO-{demo_morning.NOT_REACHED:03}").exists()


def test_most_have_signed_been_tested_and_answered_and_some_have_not() -> None:
    protocols.load_shipped(at=demo_seed._at(LAST_DAY, 1))
    for _ in demo_seed.seed(patients=22, days=120, seed=7, last_day=LAST_DAY):
        pass
    at = demo_seed._at(LAST_DAY, 9)
    on_course = Patient.objects.filter(prescriptions__state__in=Prescription.OPEN_STATES).distinct()
    unsigned = [one for one in on_course if selectors_consent.consent_due(one, at=at)]
    untested = [one for one in on_course if labs.due_for(one, at=at)]
    unanswered = [one for one in on_course if _waits(assessments.due_for(one, at=at), at)]
    for due in (unsigned, untested, unanswered):
        assert 0 < len(due) <= len(on_course) // 4


def _waits(due: Iterable[Due], at: datetime) -> bool:
    return any(one.since <= at.date() - timedelta(days=7) for one in due)


def test_a_second_seeding_writes_nothing() -> None:
    protocols.load_shipped(at=demo_seed._at(LAST_DAY, 1))
    numbers = {"patients": 1, "days": 30, "seed": 7, "last_day": LAST_DAY}
    assert list(demo_seed.seed(**numbers)) == [1]
    with pytest.raises(demo_seed.AlreadySeeded):
        list(demo_seed.seed(**numbers))
    assert Patient.objects.count() == 1


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("get", "/demo/"),
        ("post", "/demo/sign-in"),
        ("post", "/demo/phone"),
        ("get", "/demo/mail/"),
        ("get", "/demo/mail/x"),
    ],
)
def test_outside_demo_mode_none_of_its_doors_exist(client: Client, method: str, address: str) -> None:
    assert settings.DEMO is False
    assert getattr(client, method)(address).status_code == 404
