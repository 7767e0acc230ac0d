"""The life of an export on real tables: asked once, made under a lease, fetched by its owner, gone after a day."""

import csv
import hashlib
import stat
import uuid
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection

from accounts.actors import Actor
from accounts.models import Membership
from common.refusals import Refused
from exports import datasets, files, services
from exports.models import Export
from patients.models import Patient
from symptoms.models import DoseTaken, SymptomLog
from tests import factories, memory, pages
from tests.factories import AT

pytestmark = pytest.mark.django_db
NIGHT = date(2026, 2, 20)


@pytest.fixture(autouse=True)
def export_dir(tmp_path: Path, settings: Any) -> Path:
    settings.EXPORT_DIR = tmp_path / "exports"
    return settings.EXPORT_DIR


@pytest.fixture
def clinic() -> Any:
    return factories.clinic()


@pytest.fixture
def staff(clinic: Any) -> Actor:
    return factories.member(clinic, Membership.Role.STAFF)


def night(patient: Patient, on: date = NIGHT, **answers: Any) -> None:
    """A night as rows, past the rule of which nights a patient may still write."""
    SymptomLog.objects.create(clinic=patient.clinic, patient=patient, night=on, recorded_at=AT, **answers)


def ask(by: Actor, patient: Patient | None = None, at: datetime = AT, key: uuid.UUID | None = None) -> Export:
    return services.ask(patient=patient, request_key=key or uuid.uuid4(), by=by, at=at)


def run(export: Export, at: datetime = AT) -> Export:
    services.run(export.id, now=lambda: at)
    export.refresh_from_db()
    return export


def read(export: Export) -> list[dict[str, str]]:
    with files.open_finished(export.id) as file:
        return list(csv.DictReader(file.read().decode("utf-8").splitlines()))


# -- asking -----------------------------------------------------------------------------------------------------------


def test_the_same_form_sent_twice_is_one_job(staff: Actor) -> None:
    key = uuid.uuid4()
    assert ask(staff, key=key).id == ask(staff, key=key, at=AT + timedelta(seconds=1)).id
    assert Export.objects.count() == 1
    assert len(memory.events(action="export.ask")) == 1


def test_another_persons_form_is_refused(clinic: Any, staff: Actor) -> None:
    key = uuid.uuid4()
    ask(staff, key=key)
    with pytest.raises(Refused, match="Reload"):
        ask(factories.member(clinic), key=key)


def test_a_role_without_the_permission_may_not_ask(clinic: Any) -> None:
    with pytest.raises(Refused, match="may not export"):
        ask(factories.member(clinic, Membership.Role.NURSE))
    assert not Export.objects.exists()


# -- the rows ---------------------------------------------------------------------------------------------------------


def test_planned_and_taken_stand_apart_and_missing_nights_are_there(clinic: Any, staff: Actor) -> None:
    patient = factories.patient(clinic, record_number="R-1", zone_name="America/New_York")
    factories.prescription(patient, at=AT, start_on=date(2026, 3, 2))
    factories.told_night(patient, date(2026, 3, 2), dose_mg="1", pain=0, note="slept well")
    factories.told_night(patient, date(2026, 3, 4), dose_mg=None, side_effects={"headache": "mild"})
    export = run(ask(staff, patient), at=datetime.fromisoformat("2026-03-07T16:59:00+00:00"))  # 11:59 for the patient
    assert (export.state, export.error_class) == ("done", "")
    made = read(export)
    assert [row["night"] for row in made] == ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"]
    assert [row["planned_mg"] for row in made] == ["1.5"] * 4
    assert [row["taken"] for row in made] == ["taken", "missing", "skipped", "missing"]
    assert [row["taken_mg"] for row in made] == ["1", "", "", ""]
    assert [row["pain"] for row in made] == ["0", "", "4", ""]
    assert [row["side_effects"] for row in made] == ["none", "", "headache:mild", ""]
    assert {(row["clinic_record_number"], row["patient_id"], row["zone"], row["export_id"]) for row in made} == {
        ("R-1", str(patient.id), "America/New_York", str(export.id))
    }
    assert made[0]["logged_at"] == "2026-03-03T03:00:00-05:00"
    assert list(made[0]) == list(datasets.COLUMNS)


def test_all_means_the_clinic_and_nobody_elses(clinic: Any, staff: Actor) -> None:
    mine = [factories.patient(clinic) for _ in range(3)]
    other = factories.patient(factories.clinic("Other Clinic"))
    for patient in (*mine, other):
        night(patient)
    export = run(ask(staff))
    assert sorted(row["patient_id"] for row in read(export)) == sorted(str(patient.id) for patient in mine)
    assert sorted(export.patient_ids) == sorted(patient.id for patient in mine)


def test_a_formula_in_a_note_or_a_record_number_is_neutralised(clinic: Any, staff: Actor) -> None:
    night(factories.patient(clinic, record_number="+1"), note="=HYPERLINK(1)", other_medicines="@x\n=1", pain=0)
    (row,) = list(csv.DictReader(_text(run(ask(staff))).splitlines(keepends=True)))
    assert (row["note"], row["clinic_record_number"]) == ("'=HYPERLINK(1)", "'+1")
    assert row["other_medicines"] == "'@x\n'=1"


def _text(export: Export) -> str:
    with files.open_finished(export.id) as file:
        return file.read().decode("utf-8")


def test_the_file_is_private_and_its_hash_is_kept(staff: Actor, export_dir: Path, clinic: Any) -> None:
    night(factories.patient(clinic))
    export = run(ask(staff))
    (file,) = export_dir.iterdir()
    assert file.name == str(export.id)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(export_dir.stat().st_mode) == 0o700
    assert hashlib.sha256(file.read_bytes()).hexdigest() == export.sha256
    assert export.expires_at == AT + timedelta(hours=24)


def test_nothing_to_export_is_a_file_with_its_header(staff: Actor) -> None:
    export = run(ask(staff))
    assert (export.state, export.rows_done, read(export)) == ("done", 0, [])


def test_statements_do_not_grow_with_patients_or_nights(clinic: Any, staff: Actor) -> None:
    def statements() -> int:
        export = ask(staff)
        with pages.statements() as found:
            run(export)
        return len(found)

    night(factories.patient(clinic))
    few = statements()
    for _ in range(5):
        patient = factories.patient(clinic)
        for day in range(20):
            night(patient, NIGHT - timedelta(days=day))
    assert statements() == few <= 12


def test_the_expected_rows_are_near_the_real_ones(clinic: Any, staff: Actor) -> None:
    for days in (1, 5, 9):
        patient = factories.patient(clinic)
        factories.prescription(patient, at=AT - timedelta(days=days), start_on=(AT - timedelta(days=days)).date())
        night(patient, (AT - timedelta(days=days + 3)).date())
        DoseTaken.objects.create(
            clinic=clinic, patient=patient, plan_date=NIGHT, slot="bedtime", taken="not_yet", recorded_at=AT
        )
    selection = datasets.Selection(export_id=uuid.uuid4(), owner=staff, patient_id=None, at=AT)
    rows = list(datasets.rows(selection))
    assert abs(datasets.expected(selection) - len(rows)) <= 2 * 3
    assert len(rows) > 20


# -- the job ----------------------------------------------------------------------------------------------------------


def test_a_second_message_finds_nothing_to_do(staff: Actor) -> None:
    export = run(ask(staff))
    before = (export.finished_at, export.sha256, export.attempts)
    again = run(export, at=AT + timedelta(hours=1))
    assert (again.finished_at, again.sha256, again.attempts) == before
    services.run(uuid.uuid4(), now=lambda: AT)


def test_a_lapsed_lease_is_queued_again_and_made(staff: Actor, export_dir: Path) -> None:
    export = ask(staff)
    dead = uuid.uuid4()
    assert services._claim(export.id, dead, at=AT)
    with files.draft(dead) as draft:
        draft.write(b"half a file")
    services.sweep(at=AT + services.LEASE - timedelta(seconds=1))
    export.refresh_from_db()
    assert export.state == "running", "a lease that still runs is not taken away"
    assert files.drafts() == {dead}
    services.sweep(at=AT + services.LEASE)
    export.refresh_from_db()
    assert (export.state, export.lease) == ("queued", None)
    assert files.drafts() == set(), "what the dead worker left of patients' data is destroyed"
    assert run(export, at=AT + timedelta(minutes=5)).state == "done"
    assert export.attempts == 2


def test_who_lost_the_lease_can_change_nothing(staff: Actor, monkeypatch: pytest.MonkeyPatch, clinic: Any) -> None:
    """A worker that was thought dead wakes up after another has finished the job."""
    night(factories.patient(clinic))
    export = ask(staff)
    real, woken = datasets.rows, []

    def sleepy(selection: datasets.Selection) -> Iterator[Any]:
        if not woken:
            woken.append(True)
            services.sweep(at=AT + services.LEASE)
            services.run(export.id, now=lambda: AT + timedelta(minutes=10))
        return real(selection)

    monkeypatch.setattr(datasets, "rows", sleepy)
    run(export)
    assert (export.state, export.finished_at) == ("done", AT + timedelta(minutes=10))
    assert len(memory.events(action="export.made")) == 1
    assert hashlib.sha256(_text(export).encode()).hexdigest() == export.sha256
    assert files.drafts() == set()


def test_three_lost_workers_are_enough(staff: Actor, clinic: Any) -> None:
    export = ask(staff)
    for attempt in range(services.ATTEMPTS):
        at = AT + attempt * timedelta(hours=1)
        assert services._claim(export.id, uuid.uuid4(), at=at)
        services.sweep(at=at + services.LEASE)
    export.refresh_from_db()
    assert (export.state, export.error_class) == ("failed", "LeaseLapsed")
    assert not services._claim(export.id, uuid.uuid4(), at=AT)


def test_a_fault_ends_the_export_with_its_class_and_no_words(
    staff: Actor, monkeypatch: pytest.MonkeyPatch, export_dir: Path
) -> None:
    def broken(selection: datasets.Selection) -> Iterator[Any]:
        yield from ()
        raise ValueError("the name of a patient")

    monkeypatch.setattr(datasets, "rows", broken)
    export = run(ask(staff))
    assert (export.state, export.error_class) == ("failed", "ValueError")
    assert list(export_dir.iterdir()) == []
    assert [event.reason for event in memory.events(action="export.failed")] == ["ValueError"]


def test_a_lost_database_leaves_the_job_to_the_sweep(staff: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(selection: datasets.Selection) -> int:
        raise OperationalError

    monkeypatch.setattr(datasets, "expected", gone)
    monkeypatch.setattr(connection, "close", lambda: None)  # the test's own transaction lives in it
    export = run(ask(staff))
    assert export.state == "running"
    monkeypatch.undo()
    services.sweep(at=AT + services.LEASE)
    assert Export.objects.get(id=export.id).state == "queued"


def test_who_left_the_clinic_gets_no_file(staff: Actor) -> None:
    export = ask(staff)
    Membership.objects.filter(user_id=staff.user_id).update(ended_at=AT)
    assert (run(export).state, export.error_class) == ("failed", "Refused")


def test_progress_is_told_and_the_lease_renewed_while_rows_are_written(
    clinic: Any, staff: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "CHUNK", 2)
    patient = factories.patient(clinic)
    for day in range(7):
        night(patient, NIGHT - timedelta(days=day))
    export, told, moments = ask(staff), [], iter(range(1000))
    real = services._progress

    def spy(export_id: uuid.UUID, lease: uuid.UUID, rows_done: int, *, at: datetime) -> None:
        real(export_id, lease, rows_done, at=at)
        row = Export.objects.across_clinics().get(id=export_id)
        told.append((row.rows_done, row.rows_total, row.lease_until == at + services.LEASE))

    monkeypatch.setattr(services, "_progress", spy)
    services.run(export.id, now=lambda: AT + timedelta(seconds=next(moments)))
    assert told[:3] == [(2, 6, True), (4, 6, True), (6, 6, True)], "about: a night a patient may be missed"


# -- fetching and the end ---------------------------------------------------------------------------------------------


def test_each_fetching_is_remembered_with_whose_nights_left(clinic: Any, staff: Actor) -> None:
    patients = [factories.patient(clinic) for _ in range(2)]
    for patient in patients:
        night(patient)
    export = run(ask(staff))
    for _ in range(2):
        fetched = services.fetch(export_id=export.id, by=staff, at=AT)
        assert fetched is not None
        with fetched.file as file:
            assert hashlib.sha256(file.read()).hexdigest() == export.sha256
    first, second = memory.events(action="export.fetch")
    assert first.patient_ids == second.patient_ids == sorted(patient.id for patient in patients)
    assert first.details == {"of": "all patients", "rows": 2, "sha256": export.sha256}
    assert first.result == "done"


def test_nobody_else_and_nobody_too_late_gets_the_file(clinic: Any, staff: Actor) -> None:
    export = run(ask(staff))
    elsewhere = factories.clinic("Other Clinic")
    Membership.objects.create(user_id=staff.user_id, clinic=elsewhere, role="staff")
    other_clinic = Actor(**{**vars(staff), "clinic_id": elsewhere.id})
    for by, export_id, at in (
        (factories.member(clinic), export.id, AT),
        (other_clinic, export.id, AT),
        (staff, uuid.uuid4(), AT),
        (staff, ask(staff).id, AT),
        (staff, export.id, AT + timedelta(hours=24)),
    ):
        assert services.fetch(export_id=export_id, by=by, at=at) is None
    assert [event.result for event in memory.events(action="export.fetch")] == ["denied"] * 5
    assert not any(event.patient_ids for event in memory.events(action="export.fetch"))


def test_an_expired_file_is_destroyed_a_minute_later(staff: Actor, export_dir: Path) -> None:
    export = run(ask(staff))
    services.sweep(at=AT + timedelta(hours=24))
    assert [file.name for file in export_dir.iterdir()] == [str(export.id)], "a last download may still be under way"
    services.sweep(at=AT + timedelta(hours=24, minutes=1))
    export.refresh_from_db()
    assert export.state == "expired"
    assert list(export_dir.iterdir()) == []
    services.sweep(at=AT + timedelta(days=2))
    assert len(memory.events(action="export.expired")) == 1


def test_a_shredded_file_was_overwritten_first(staff: Actor, export_dir: Path, tmp_path: Path, clinic: Any) -> None:
    night(factories.patient(clinic), note="words that must not stay on the disk")
    export = run(ask(staff))
    twin = tmp_path / "twin"
    twin.hardlink_to(export_dir / str(export.id))
    assert b"words that must not" in twin.read_bytes()
    services.sweep(at=AT + timedelta(days=2))
    assert set(twin.read_bytes()) == {0}


def test_a_lost_file_is_nothing_to_fetch(staff: Actor, export_dir: Path) -> None:
    export = run(ask(staff))
    (export_dir / str(export.id)).unlink()
    assert services.fetch(export_id=export.id, by=staff, at=AT) is None
