"""S30: keys are rotated, and a lost one is a documented failure.

The commands run as their operator runs them: in a process of their own, as the owner of the tables.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings as ours
from django.db import connection
from django.test import Client

from common import keyring, resealing, sealed
from ldn_clinic import health
from patients import services as patients_services
from patients.models import Patient
from symptoms import selectors as symptoms_selectors
from symptoms.models import SymptomLog, SymptomLogEvent
from tests import factories, owner, pages
from titration.models import PlanChange
from titration.services import courses

ROOT = Path(__file__).parents[2]
OLD, NEW = keyring.new_line("old"), keyring.new_line("new")
WORDS = "as it was written"
ADDRESS = "rotated@test.invalid"


@pytest.fixture
def patient(transactional_db: None, settings: Any) -> Patient:
    """A person with words in a plain table, in an append-only one and in a history, sealed with the old key."""
    settings.FIELD_KEYS = OLD
    clinic = factories.clinic()
    by = factories.member(clinic)
    made = factories.patient(clinic, email=ADDRESS, context_note=WORDS)
    course = factories.prescription(made, by=by)
    courses.hold(prescription_id=course.id, days=7, reason=WORDS, seen_version=1, by=by, at=factories.AT)
    factories.told_night(made, factories.AT.date(), note="first")
    SymptomLog.objects.update(note=WORDS)
    return made


def operator(*arguments: str, keys: str) -> subprocess.CompletedProcess[str]:
    """`./clinic manage …` on the test's own database, with these field keys."""
    home = connection.settings_dict
    with_the_owner = ours.DATABASES["owner"]
    url = (
        f"postgres://{with_the_owner['USER']}:{with_the_owner['PASSWORD']}@{home['HOST']}:{home['PORT']}/{home['NAME']}"
    )
    given = {name: value for name, value in os.environ.items() if name != "FIELD_KEYS_FILE"}
    env = {**given, "DATABASE_URL": url, "FIELD_KEYS": keys}
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)


def keys_in_the_tables() -> set[str]:
    """The ids of all keys that seal anything now; empty for a text that lies open."""
    found = set()
    with connection.cursor() as cursor:
        for table in resealing.tables():
            for column, _ in table.columns:
                cursor.execute(f'SELECT "{column}" FROM "{table.name}" WHERE "{column}" <> \'\'')
                found |= {keyring.key_id_of(text) for (text,) in cursor.fetchall()}
    return found


def everything_reads(patient: Patient) -> bool:
    again = Patient.objects.get(id=patient.id)
    log = SymptomLog.objects.get()
    versions = [version.note for _, version in symptoms_selectors.versions_of(log)]
    return (again.email, again.context_note, log.note, PlanChange.objects.get().reason) == (
        ADDRESS,
        WORDS,
        WORDS,
        WORDS,
    ) and versions == ["first", WORDS]


def test_s30_a_rotated_field_key_leaves_everything_readable_and_the_old_key_with_nothing(
    patient: Patient, settings: Any
) -> None:
    events = SymptomLogEvent.objects.order_by("pgh_id").values_list("pgh_id", "pgh_created_at", "pgh_label")
    history = list(events)
    done = operator("seal_again", keys=f"{NEW}\n{OLD}")
    assert done.returncode == 0, done.stderr
    assert keys_in_the_tables() == {"new"}
    settings.FIELD_KEYS = NEW
    assert everything_reads(patient)
    assert Patient.objects.filter(email_index=sealed.index(ADDRESS, "patient.email")).exists()
    assert (
        list(SymptomLogEvent.objects.order_by("pgh_id").values_list("pgh_id", "pgh_created_at", "pgh_label")) == history
    )
    counted = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if "." in line.split()[0]}
    assert counted["symptoms_symptomlogevent.note"] == ["new", "2"]
    assert counted["titration_planchange.reason"] == ["new", "1"]
    assert health.keys(factories.AT).ok


def test_s30_the_triggers_are_back_in_their_place_afterwards(patient: Patient) -> None:
    operator("seal_again", keys=f"{NEW}\n{OLD}")
    with owner.connect(connection.settings_dict["NAME"]) as mine:
        off = mine.execute("SELECT tgname FROM pg_trigger WHERE tgenabled = 'D'").fetchall()
        assert off == []
        with pytest.raises(Exception, match="Cannot update or delete rows"):
            mine.execute("UPDATE titration_planchange SET reason = 'another'")


def test_s30_what_lay_open_from_before_is_sealed_at_the_start(patient: Patient, settings: Any) -> None:
    with owner.connect(connection.settings_dict["NAME"]) as mine:
        mine.execute("UPDATE patients_patient SET email = %s, email_index = '', context_note = %s", [ADDRESS, WORDS])
    assert keys_in_the_tables() == {"", "old"}
    started = operator("seal_again", "--start", keys=f"{NEW}\n{OLD}")
    assert started.returncode == 0, started.stderr
    assert "sealed 1 rows of patients_patient" in started.stdout
    assert keys_in_the_tables() == {"new", "old"}
    settings.FIELD_KEYS = f"{NEW}\n{OLD}"
    assert everything_reads(patient)
    assert Patient.objects.filter(email_index=sealed.index(ADDRESS, "patient.email")).exists()


def test_s30_it_may_be_begun_again_where_it_was_stopped(
    patient: Patient, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        factories.patient(patient.clinic, context_note=f"note {number}")
    assert operator("seal_again", keys=f"{NEW}\n{OLD}").returncode == 0
    settings.FIELD_KEYS = OLD
    factories.patient(patient.clinic, context_note="written by a process that has not heard of the new key")
    again = operator("seal_again", keys=f"{NEW}\n{OLD}")
    assert [line for line in again.stdout.splitlines() if "sealed" in line and "rows of" in line] == [
        "keys       sealed 1 rows of patients_patient",
        "keys       sealed 1 rows of patients_patientevent",
    ]
    assert keys_in_the_tables() == {"new"}


def test_s30_a_lost_key_is_named_and_counted_and_nothing_is_overwritten(patient: Patient, settings: Any) -> None:
    operator("seal_again", "--count", keys=OLD)
    with connection.cursor() as cursor:
        cursor.execute("SELECT email FROM patients_patient")
        before = cursor.fetchall()
    done = operator("seal_again", keys=NEW)
    assert done.returncode != 0
    assert "their words do not open with the keys given" in done.stderr
    assert "the field key old is missing: 8 texts stay closed without it" in done.stdout
    assert WORDS not in done.stdout + done.stderr
    with connection.cursor() as cursor:
        cursor.execute("SELECT email FROM patients_patient")
        assert cursor.fetchall() == before
    settings.FIELD_KEYS = NEW
    verdict = health.ask("keys", factories.AT)
    assert (verdict.ok, verdict.says) == (
        False,
        "Field keys are missing: old (8 texts). Their words cannot be opened.",
    )
    started = operator("seal_again", "--start", keys=NEW)
    assert started.returncode == 0, started.stderr
    assert "the field key old is missing" in started.stdout
    settings.FIELD_KEYS = f"{NEW}\n{OLD}"
    assert health.ask("keys", factories.AT).ok
    assert everything_reads(patient)


class TestSecretKey:
    """The key that signs: one that is still believed keeps people in, one that is not does not."""

    @pytest.fixture(autouse=True)
    def now(self) -> Iterator[None]:
        with time_machine.travel(factories.AT, tick=False):
            yield

    @pytest.fixture
    def by(self, db: None) -> Any:
        return factories.member(factories.clinic())

    @pytest.fixture
    def desk(self, by: Any) -> Client:
        desk = pages.client_of(by)
        assert desk.get("/patients/").status_code == 200
        return desk

    @staticmethod
    def rotate(settings: Any, *, believed: bool) -> None:
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY] if believed else []
        settings.SECRET_KEY = "another key of the same length as every other that was made here" * 2

    def test_s30_a_session_outlives_a_rotation_while_the_old_key_is_believed(self, desk: Client, settings: Any) -> None:
        self.rotate(settings, believed=True)
        assert desk.get("/patients/").status_code == 200

    def test_s30_a_session_ends_with_a_key_that_is_no_longer_believed(self, desk: Client, settings: Any) -> None:
        self.rotate(settings, believed=False)
        answer = desk.get("/patients/")
        assert (answer.status_code, answer.url) == (302, "/accounts/login/?next=/patients/")

    @pytest.mark.parametrize("believed", [True, False])
    def test_s30_a_code_from_the_desk_follows_the_key_it_was_made_with(
        self, by: Any, settings: Any, believed: bool
    ) -> None:
        patient = factories.patient(factories.Clinic.objects.get())
        opening = patients_services.invite(patient=patient, by=by, at=factories.AT)
        self.rotate(settings, believed=believed)
        asked = {"token": opening.token, "birth_date": None, "desk_code": opening.desk_code}
        at = factories.AT + timedelta(minutes=1)
        if believed:
            assert patients_services.open_invitation(**asked, by=by, at=at).phone.patient_id == patient.id
        else:
            with pytest.raises(patients_services.invitations.Refused):
                patients_services.open_invitation(**asked, by=by, at=at)

    def test_s30_an_invitation_by_date_of_birth_and_a_remembered_phone_need_no_key(
        self, by: Any, settings: Any
    ) -> None:
        patient = factories.patient(factories.Clinic.objects.get())
        opening = patients_services.invite(patient=patient, by=by, at=factories.AT)
        self.rotate(settings, believed=False)
        let_in = patients_services.open_invitation(
            token=opening.token, birth_date=patient.birth_date, desk_code="", by=by, at=factories.AT
        )
        phone = Client()
        phone.cookies[settings.PHONE_COOKIE_NAME] = let_in.secret
        assert phone.get("/p/").status_code == 200
