"""Sealed columns on real tables: what lies in the database, who may ask for it, and what a lost key hides."""

from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.core.exceptions import FieldError
from django.db import IntegrityError, connection, models, transaction

from accounts.models import Membership, User
from common import keyring, sealed
from common.keyring import KeyMissing
from common.sealed import SealedTextField
from patients import selectors as patients_selectors
from patients import services as patients_services
from patients.models import Medicine, Patient, PatientCondition
from patients.services import ConditionEntry
from symptoms import selectors as symptoms_selectors
from symptoms.models import OpioidReport, SymptomLog
from tests import factories, pages, phones
from titration.models import OpioidReview, PlanChange
from titration.selectors import courses as courses_selectors
from titration.services import courses

pytestmark = pytest.mark.django_db

CANARY = "Zaunkoenig"


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    with time_machine.travel(factories.AT + timedelta(days=2), tick=False):
        yield


@pytest.fixture
def patient() -> Patient:
    """A person with words in every column that is sealed."""
    clinic = factories.clinic()
    by = factories.member(clinic)
    made = patients_services.register(
        name="Sealed Person",
        birth_date=date(1980, 1, 1),
        record_number="S-1",
        email=f"{CANARY}@test.invalid",
        zone=clinic.zone,
        conditions=[ConditionEntry(code="other", words=f"{CANARY} condition")],
        medicines=[f"{CANARY} tablets", "second"],
        context_note=f"{CANARY} context",
        by=by,
        at=factories.AT,
    )
    factories.confirmed_screening(made, by_id=by.user_id)
    course = factories.prescription(made, by=by)
    courses.hold(
        prescription_id=course.id, days=7, reason=f"{CANARY} hold", seen_version=course.version, by=by, at=factories.AT
    )
    factories.told_night(
        made,
        factories.AT.date(),
        note=f"{CANARY} note",
        other_medicines=f"{CANARY} syrup",
        other_medicines_answer="yes",
    )
    report = OpioidReport.objects.get(patient=made)
    courses.answer_opioid_report(
        report=report, outcome="carry_on", reason=f"{CANARY} answer", by=by, at=factories.AT + timedelta(days=1)
    )
    return made


def stored(model: type[models.Model], column: str) -> list[str]:
    """What lies in the database, past the field that opens it."""
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT "{column}" FROM "{model._meta.db_table}" WHERE "{column}" <> \'\'')
        return [value for (value,) in cursor.fetchall()]


def sealed_columns() -> list[tuple[type[models.Model], SealedTextField]]:
    return [
        (model, field)
        for model in apps.get_models()
        for field in model._meta.local_concrete_fields
        if isinstance(field, SealedTextField)
    ]


def test_nothing_that_was_written_lies_in_the_tables(patient: Patient) -> None:
    seen = {}
    for model, field in sealed_columns():
        words = stored(model, field.column)
        assert all(text.startswith("sealed1:") for text in words), field
        assert CANARY not in "".join(words)
        seen[f"{model.__name__}.{field.name}"] = len(words)
    written = {name for name, count in seen.items() if count}
    assert written >= {
        "Patient.email",
        "Patient.context_note",
        "Medicine.words",
        "PatientCondition.words",
        "SymptomLog.note",
        "SymptomLog.other_medicines",
        "SymptomLogEvent.note",
        "SymptomLogEvent.other_medicines",
        "OpioidReport.words",
        "PlanChange.reason",
        "OpioidReview.reason",
    }


def test_every_purpose_is_one_columns_and_its_historys() -> None:
    owners: dict[str, set[str]] = {}
    for model, field in sealed_columns():
        tracked = getattr(model, "pgh_tracked_model", model)
        owners.setdefault(field.purpose, set()).add(f"{tracked._meta.label}.{field.name}")
    assert all(len(columns) == 1 for columns in owners.values()), owners


def test_everything_reads_as_it_was_written(patient: Patient) -> None:
    again = Patient.objects.get(id=patient.id)
    assert (again.email, again.context_note) == (f"{CANARY}@test.invalid", f"{CANARY} context")
    assert list(Medicine.objects.order_by("position").values_list("words", flat=True)) == [
        f"{CANARY} tablets",
        "second",
    ]
    assert PatientCondition.objects.get().words == f"{CANARY} condition"
    assert PlanChange.objects.get().reason == f"{CANARY} hold"
    assert OpioidReview.objects.get().reason == f"{CANARY} answer"
    log = SymptomLog.objects.get()
    assert (log.note, log.other_medicines) == (f"{CANARY} note", f"{CANARY} syrup")


def test_what_is_built_in_sql_is_opened_in_python(patient: Patient) -> None:
    actor = factories.member(patient.clinic)
    record = patients_selectors.record_of(actor, patient.id)
    assert record is not None
    assert record.conditions == (("other", f"{CANARY} condition"),)
    assert record.medicines == (f"{CANARY} tablets", "second")
    factories.told_night(
        patient, factories.AT.date() + timedelta(days=1), other_medicines="drops", other_medicines_answer="yes"
    )
    among = courses_selectors.RECORDS_WITH_REPORTS
    reported = patients_selectors.record_of(actor, patient.id, among=among)
    assert reported is not None
    assert [report.words for report in courses_selectors.reports_beside(reported.patient)] == ["drops"]


def test_unions_and_tuples_open_too(patient: Patient) -> None:
    for logs in (symptoms_selectors.log_rows(patient), symptoms_selectors.told_rows(patient)[0]):
        assert [(log.note, log.other_medicines) for log in logs] == [(f"{CANARY} note", f"{CANARY} syrup")]


def test_the_history_that_triggers_write_opens_too(patient: Patient) -> None:
    log = SymptomLog.objects.get()
    SymptomLog.objects.filter(id=log.id).update(note="corrected")
    assert [version.note for _, version in symptoms_selectors.versions_of(log)] == [f"{CANARY} note", "corrected"]


@pytest.mark.parametrize(
    "asked",
    [
        {"email": "a@test.invalid"},
        {"email__icontains": "a"},
        {"email__in": ["a"]},
        {"email__startswith": "sealed1:"},
        {"email__gt": "a"},
        {"email": models.F("name")},
        {"email__lower": "a"},
    ],
)
def test_asking_for_sealed_words_is_refused_and_does_not_find_nothing_in_silence(asked: dict[str, Any]) -> None:
    with pytest.raises(FieldError, match="sealed column"):
        Patient.objects.filter(**asked).exists()


def test_whether_there_are_words_may_be_asked(patient: Patient) -> None:
    assert Patient.objects.exclude(email="").filter(context_note__isnull=False).count() == 1
    assert not Patient.objects.filter(email="").exists()


def test_an_address_is_found_by_its_blind_index(patient: Patient, settings: Any) -> None:
    settings.FIELD_KEYS = keyring.new_line("next") + "\n" + settings.FIELD_KEYS
    wanted = sealed.indexes(f"{CANARY}@test.invalid".lower(), "patient.email")
    assert Patient.objects.filter(email_index__in=wanted).get() == patient
    assert not Patient.objects.filter(email_index__in=sealed.indexes("b@test.invalid", "patient.email")).exists()


def test_the_index_follows_the_address_however_it_is_written(patient: Patient) -> None:
    def index_in_the_row() -> str:
        return Patient.objects.get(id=patient.id).email_index

    patient.email = "b@test.invalid"
    patient.save(update_fields=["email", "email_index"])
    assert index_in_the_row() == sealed.index("b@test.invalid", "patient.email")
    patients_services.change_contact(
        patient=patient,
        email="c@test.invalid",
        reminders_by_email=True,
        log_reminder_at=time(9),
        seen_version=1,
        by=factories.member(patient.clinic, Membership.Role.STAFF),
        at=factories.AT,
    )
    assert index_in_the_row() == sealed.index("c@test.invalid", "patient.email")
    patient.email = ""
    patient.save(update_fields=["email", "email_index"])
    assert index_in_the_row() == ""


def test_what_must_be_said_must_still_be_said(patient: Patient) -> None:
    with pytest.raises(IntegrityError, match="another_condition_has_words"), transaction.atomic():
        PatientCondition.objects.create(clinic=patient.clinic, patient=patient, position=7, code="other", words="")


def test_words_from_before_are_read_and_sealed_at_the_next_writing(patient: Patient) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE patients_patient SET context_note = 'from before' WHERE id = %s", [patient.id])
    again = Patient.objects.get(id=patient.id)
    assert again.context_note == "from before"
    again.save(update_fields=["context_note"])
    assert stored(Patient, "context_note")[0].startswith("sealed1:")


def test_an_account_of_a_patient_holds_neither_name_nor_address(patient: Patient) -> None:
    by = factories.member(patient.clinic)
    opening = patients_services.invite(patient=patient, by=by, at=factories.AT)
    patients_services.open_invitation(
        token=opening.token, birth_date=patient.birth_date, desk_code="", by=by, at=factories.AT
    )
    user = User.objects.get(patient=patient)
    assert (user.name, user.email) == ("the patient", "")


class TestALostKey:
    @pytest.fixture(autouse=True)
    def lost(self, patient: Patient, settings: Any) -> None:
        settings.FIELD_KEYS = keyring.new_line("another")

    def test_tonights_dose_is_shown_all_the_same(self, patient: Patient) -> None:
        answer = phones.phone_of(patient, factories.AT).get("/p/")
        assert answer.status_code == 200
        assert "1.5 mg" in answer.content.decode()

    def test_a_page_that_shows_words_says_what_is_affected(
        self, patient: Patient, caplog: pytest.LogCaptureFixture
    ) -> None:
        desk = pages.client_of(factories.member(patient.clinic, Membership.Role.NURSE))
        answer = desk.get(f"/patients/{patient.id}/")
        assert answer.status_code == 503
        assert "Not affected are doses, dates, scores and plans" in answer.content.decode()
        assert "is not on the ring" in caplog.text
        assert CANARY not in caplog.text

    def test_the_row_loads_and_its_words_raise(self, patient: Patient) -> None:
        again = Patient.objects.get(id=patient.id)
        assert again.name == "Sealed Person"
        with pytest.raises(KeyMissing):
            again.email  # noqa: B018

    def test_saving_the_rest_leaves_the_sealed_words_as_they_are(self, patient: Patient) -> None:
        before = stored(Patient, "email")
        again = Patient.objects.get(id=patient.id)
        again.zone_name = "Europe/Paris"
        again.save(update_fields=["zone_name"])
        assert stored(Patient, "email") == before
        with pytest.raises(KeyMissing):
            again.save()
