"""What a row once said is kept whatever changed it, with who and in which request."""

import uuid

import pytest
from django.db import connection

from accounts.models import User
from patients.models import Medicine, Patient, Phone
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def patient() -> Patient:
    return factories.patient(factories.clinic())


def told(**settings: uuid.UUID) -> None:
    with connection.cursor() as cursor:
        for name, value in settings.items():
            cursor.execute("SELECT set_config(%s, %s, true)", [f"app.{name}", str(value)])


def test_a_change_by_bare_sql_is_kept_with_who_and_in_which_request(patient: Patient) -> None:
    user, request = uuid.uuid4(), uuid.uuid4()
    told(user=user, request=request)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE patients_patient SET record_number = 'changed' WHERE id = %s", [patient.id])
    first, second = patient.events.order_by("pgh_id")
    assert (first.pgh_label, first.record_number) == ("insert", patient.record_number)
    assert (second.pgh_label, second.record_number) == ("update", "changed")
    assert (second.by_id, second.request_id, second.clinic_id) == (user, request, patient.clinic_id)


def test_a_change_by_nobody_is_kept_without_a_name(patient: Patient) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.user', '', true), set_config('app.request', '', true)")
    Patient.objects.filter(id=patient.id).update(version=7)
    version = patient.events.order_by("-pgh_id")[0]
    assert (version.version, version.by_id, version.request_id) == (7, None, None)


def test_sealed_words_stay_sealed_and_can_be_opened(patient: Patient) -> None:
    patient.context_note = "a word of care"
    patient.save()
    with connection.cursor() as cursor:
        cursor.execute("SELECT context_note FROM patients_patientevent ORDER BY pgh_id DESC LIMIT 1")
        assert "a word of care" not in str(cursor.fetchone())
    assert patient.events.order_by("-pgh_id")[0].context_note == "a word of care"


def test_what_is_left_out_makes_no_version(patient: Patient) -> None:
    phone, _ = factories.phone(patient)
    Patient.objects.filter(id=patient.id).update(change_sequence=9)
    Phone.objects.filter(id=phone.id).update(secret_digest="other")
    User.objects.filter(id=patient.registered_by_id).update(password="other")
    user = User.objects.get(id=patient.registered_by_id)
    assert [row.events.count() for row in (patient, phone)] == [1, 1]
    with connection.cursor() as cursor:
        cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = 'accounts_userevent'")
        assert "password" not in {name for (name,) in cursor.fetchall()}
    assert user.password == "other"


def test_a_deleted_line_leaves_its_last_version(patient: Patient) -> None:
    line = Medicine.objects.create(clinic=patient.clinic, patient=patient, position=0, words="made-up tablets")
    line_id = line.id
    line.delete()
    kept = Medicine.pgh_event_model.objects.filter(pgh_obj_id=line_id).order_by("pgh_id")  # type: ignore[attr-defined]
    assert [(version.pgh_label, version.words) for version in kept] == [
        ("insert", "made-up tablets"),
        ("delete", "made-up tablets"),
    ]
