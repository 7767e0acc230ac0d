"""A table of patients: staged, looked at, accepted once, undone while nothing has happened since."""

import time
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from common.refusals import Refused, Stale
from imports import grid, rows, selectors, services, template
from imports.models import Import, ImportedRow
from ldn_clinic import erasing, retention
from patients import selectors as patients_selectors
from patients import services as patients_services
from patients.models import Erasure, Patient
from tests import factories, memory, pages
from tests.pages import words_of

pytestmark = pytest.mark.django_db
AT = factories.AT
ROLES = Membership.Role
NAMES = ("name", "birth_date", "record_number", "email", "time_zone", "conditions", "medicines")


@pytest.fixture(autouse=True)
def now() -> Iterator[Any]:
    with time_machine.travel(AT, tick=False) as traveller:
        yield traveller


@pytest.fixture
def clinic() -> Clinic:
    return factories.clinic()


@pytest.fixture
def staff(clinic: Clinic) -> Actor:
    return factories.member(clinic, ROLES.STAFF, "Test Staff")


def person(number: int, **more: str) -> dict[str, str]:
    return {
        "name": f"Imported Person{number}",
        "birth_date": (date(1950, 1, 13) + timedelta(days=number)).isoformat(),
        "record_number": f"I-{number}",
        "email": f"imported{number}@test.invalid",
        "time_zone": "Europe/London",
        "conditions": "Crohn's disease; other: Something rare",
        "medicines": "Vitamin D; Aspirin 75 mg",
        **more,
    }


def pasted(people: Sequence[dict[str, str]]) -> str:
    return "\n".join("\t".join(line) for line in [NAMES, *([one[name] for name in NAMES] for one in people)])


def stage(by: Actor, *people: dict[str, str], at: Any = AT) -> Import:
    return services.stage(grid=grid.read_pasted(pasted(people)), by=by, at=at)


def look(imported: Import, by: Actor) -> selectors.Look:
    return selectors.look(Import.objects.get(id=imported.id, clinic_id=by.clinic_id), by=by, at=AT)


def accept(imported: Import, by: Actor, at: Any = AT) -> Import:
    return services.accept(import_id=imported.id, shown=look(imported, by).fingerprint, by=by, at=at)


def undo(imported: Import, by: Actor, at: Any = AT) -> Import:
    return services.undo(import_id=imported.id, reason="the wrong clinic's table", by=by, at=at)


class TestStaging:
    def test_nothing_is_written_and_the_table_lies_sealed(self, staff: Actor) -> None:
        imported = stage(staff, person(1))
        assert not Patient.objects.exists()
        with connection.cursor() as cursor:
            cursor.execute('SELECT "table", table_index FROM imports_import')
            ((table, index),) = cursor.fetchall()
        assert table.startswith("sealed1:")
        assert "Imported" not in table + index
        assert (imported.rows_total, imported.expires_at) == (1, AT + services.LASTS)
        assert memory.event(action="import.stage").details == {"rows": 1}

    def test_the_same_table_is_the_same_import_whatever_file_it_came_in(self, staff: Actor) -> None:
        first = stage(staff, person(1))
        again = services.stage(grid=grid.read(pasted([person(1)]).encode("utf-16")), by=staff, at=AT)
        assert again.id == first.id
        assert stage(staff, person(2)).id != first.id

    def test_an_auditor_and_a_nurse_may_not(self, clinic: Clinic) -> None:
        for role in (ROLES.AUDITOR, ROLES.NURSE, ROLES.ADMINISTRATOR):
            with pytest.raises(Refused, match="may not import"):
                stage(factories.member(clinic, role), person(1))

    def test_another_clinics_import_is_not_there(self, staff: Actor) -> None:
        stage(staff, person(1))
        stranger = factories.member(factories.clinic("Other"), ROLES.STAFF)
        assert not selectors.imports_of(stranger).exists()
        assert stage(stranger, person(1)).clinic_id == stranger.clinic_id


class TestAccepting:
    def test_everybody_is_registered_as_written_and_the_table_is_gone(self, staff: Actor) -> None:
        imported = accept(stage(staff, person(1), person(2, email="", medicines="")), staff)
        first, second = Patient.objects.order_by("record_number")
        assert (first.name, first.birth_date, first.email) == (
            "Imported Person1",
            date(1950, 1, 14),
            "imported1@test.invalid",
        )
        assert list(first.medicines.order_by("position").values_list("words", flat=True)) == [
            "Vitamin D",
            "Aspirin 75 mg",
        ]
        assert [(c.code, c.words) for c in first.conditions.order_by("position")] == [
            ("crohn", ""),
            ("other", "Something rare"),
        ]
        assert second.email == ""
        again = Import.objects.get(id=imported.id)
        assert (again.table, again.patients_made, again.accepted_by_id) == ("", 2, staff.user_id)
        assert len(memory.events(action="patient.register")) == 2
        assert memory.event(action="import.accept").details == {"patients": 2, "left_out": 0}

    def test_one_fault_and_nothing_is_written(self, staff: Actor) -> None:
        imported = stage(staff, person(1), person(2, birth_date="3/4/1950"))
        with pytest.raises(Refused, match="something to mend"):
            accept(imported, staff)
        assert not Patient.objects.exists()

    def test_twice_is_once(self, staff: Actor) -> None:
        imported = accept(stage(staff, person(1)), staff)
        with pytest.raises(Stale, match="accepted already"):
            services.accept(import_id=imported.id, shown="", by=staff, at=AT)
        assert stage(staff, person(1)).id == imported.id
        assert Patient.objects.count() == 1

    def test_who_is_there_already_is_shown_and_left_out(self, clinic: Clinic, staff: Actor) -> None:
        there = factories.patient(clinic, "Persón1 IMPORTED", birth_date=date(1950, 1, 14))
        imported = stage(staff, person(1), person(2))
        found = look(imported, staff)
        assert [(one.row.number, one.patient.id) for one in found.known] == [(2, there.id)]
        accept(imported, staff)
        assert Patient.objects.count() == 2
        assert memory.event(action="import.accept").details == {"patients": 1, "left_out": 1}

    def test_a_record_number_of_somebody_else_is_a_fault(self, clinic: Clinic, staff: Actor) -> None:
        factories.patient(clinic, record_number="I-1")
        factories.patient(factories.clinic("Other"), record_number="I-2")
        faults = look(stage(staff, person(1), person(2)), staff).faults
        assert [(fault.row, fault.column, fault.sentence) for fault in faults] == [
            (2, "record_number", selectors.IN_USE)
        ]

    def test_a_restricted_record_is_not_told_of(self, clinic: Clinic, staff: Actor) -> None:
        factories.patient(clinic, "Imported Person1", birth_date=date(1950, 1, 14), restricted_at=AT)
        assert look(stage(staff, person(1)), staff).known == ()

    def test_what_changed_since_it_was_shown_is_looked_at_again(self, clinic: Clinic, staff: Actor) -> None:
        imported = stage(staff, person(1), person(2))
        shown = look(imported, staff).fingerprint
        factories.patient(clinic, "Imported Person2", birth_date=date(1950, 1, 15))
        with pytest.raises(Stale, match="Something has changed"):
            services.accept(import_id=imported.id, shown=shown, by=staff, at=AT)
        assert not ImportedRow.objects.exists()

    def test_a_table_of_nobody_new_is_not_accepted(self, clinic: Clinic, staff: Actor) -> None:
        factories.patient(clinic, "Imported Person1", birth_date=date(1950, 1, 14))
        with pytest.raises(Refused, match="nobody new"):
            accept(stage(staff, person(1)), staff)

    def test_three_hundred_at_once(self, staff: Actor) -> None:
        imported = stage(staff, *(person(number) for number in range(300)))
        began = time.perf_counter()
        assert accept(imported, staff).patients_made == 300
        taken = time.perf_counter() - began
        print(f"300 patients in {taken:.1f} s")
        assert taken < 15, "a page has to answer before its reader gives up"


class TestForgetting:
    def test_discarded_or_expired_the_table_is_gone_and_can_be_brought_again(self, staff: Actor) -> None:
        first = stage(staff, person(1))
        services.discard(import_id=first.id, by=staff, at=AT)
        services.discard(import_id=first.id, by=staff, at=AT)
        second = stage(staff, person(1))
        late = AT + services.LASTS
        with pytest.raises(Stale, match="no longer kept"):
            services.accept(import_id=second.id, shown="", by=staff, at=late)
        retention.sweep(at=late)
        third = stage(staff, person(1), at=late)
        assert len({first.id, second.id, third.id}) == 3
        tables = {one.id: bool(one.table) for one in Import.objects.all()}
        assert tables == {first.id: False, second.id: False, third.id: True}

    def test_one_that_expired_unswept_does_not_stand_in_the_way(self, staff: Actor) -> None:
        first = stage(staff, person(1))
        second = stage(staff, person(1), at=AT + services.LASTS)
        assert first.id != second.id
        assert Import.objects.get(id=first.id).table == ""

    def test_no_version_of_the_table_is_kept(self, staff: Actor) -> None:
        services.discard(import_id=stage(staff, person(1)).id, by=staff, at=AT)
        with connection.cursor() as cursor:
            cursor.execute("SELECT row_to_json(e)::text FROM imports_importevent e")
            versions = [words for (words,) in cursor.fetchall()]
        assert len(versions) == 2
        assert not [words for words in versions if "sealed1:" in words]


class TestUndoing:
    def test_its_records_are_closed_at_once_and_erased_after_a_week(self, staff: Actor) -> None:
        imported = accept(stage(staff, person(1), person(2)), staff)
        kept = factories.patient(Clinic.objects.get(id=staff.clinic_id), "Kept Person")
        undo(imported, staff)
        assert list(patients_selectors.visible_to(staff)) == [kept]
        asked = Erasure.objects.filter(clinic_id=staff.clinic_id)
        assert {(one.because, one.due_at, one.asked_by_id) for one in asked} == {
            (Erasure.Because.UNDONE, AT + timedelta(days=7), staff.user_id)
        }
        assert len(memory.event(action="import.undo").patient_ids) == 2
        undo(imported, staff)
        assert asked.count() == 2

    def test_the_mended_table_can_be_brought_at_once(self, staff: Actor) -> None:
        undo(accept(stage(staff, person(1)), staff), staff)
        accept(stage(staff, person(1)), staff)
        assert patients_selectors.visible_to(staff).get().record_number == "I-1"

    @pytest.mark.parametrize("what", ["told", "contact", "invited", "phone", "restricted"])
    def test_once_anything_happened_it_stays(self, clinic: Clinic, staff: Actor, what: str) -> None:
        imported = accept(stage(staff, person(1), person(2)), staff)
        patient = Patient.objects.get(record_number="I-1", clinic=clinic)
        match what:
            case "told":
                factories.told_night(patient, AT.date() - timedelta(days=1))
            case "contact":
                contact = patient.contact
                patients_services.change_contact(
                    patient=patient,
                    email="new@test.invalid",
                    reminders_by_email=contact.reminders_by_email,
                    log_reminder_at=contact.log_reminder_at,
                    seen_version=patient.version,
                    by=staff,
                    at=AT,
                )
            case "invited":
                patients_services.invite(patient=patient, by=staff, at=AT)
            case "phone":
                factories.phone(patient)
            case "restricted":
                Patient.objects.filter(id=patient.id).update(restricted_at=AT)
        with pytest.raises(Refused, match="1 of the 2 patients"):
            undo(imported, staff)
        assert not Erasure.objects.exists()

    def test_what_was_not_accepted_is_not_undone(self, staff: Actor) -> None:
        with pytest.raises(Refused, match="has not been accepted"):
            undo(stage(staff, person(1)), staff)


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_the_owners_run_erases_what_was_undone() -> None:
    staff = factories.member(factories.clinic(), ROLES.STAFF)
    undo(accept(stage(staff, person(1)), staff), staff)
    assert erasing.erase_due(at=AT + timedelta(days=6)) == 0
    assert erasing.erase_due(at=AT + timedelta(days=7)) == 1
    assert Patient.objects.get(clinic_id=staff.clinic_id).name == "Erased record"
    assert not ImportedRow.objects.filter(clinic_id=staff.clinic_id).exists()


class TestPages:
    @pytest.fixture
    def desk(self, staff: Actor) -> Client:
        return pages.client_of(staff)

    def bring(self, desk: Client, *people: dict[str, str]) -> Any:
        return desk.post(reverse("imports:list"), {"table": pasted(people)}, follow=True)

    def test_from_a_pasted_table_to_patients_and_back(self, desk: Client, clinic: Clinic) -> None:
        there = factories.patient(clinic, "Imported Person1", birth_date=date(1950, 1, 14), record_number="OLD-1")
        shown = self.bring(desk, person(1), person(2))
        words = words_of(shown)
        assert "Nothing is written yet" in words
        assert "In your care already" in words
        assert "15 January 1950" in words
        assert memory.event(request_id=shown["X-Request-Id"], action="import.show").patient_ids == [there.id]
        address = shown.redirect_chain[-1][0]
        accepted = desk.post(f"{address}/accept", {"shown": shown.context["preview"].fingerprint}, follow=True)
        assert "Patients it brought" in words_of(accepted)
        assert Patient.objects.count() == 2
        empty = desk.post(f"{address}/undo", {"reason": ""})
        assert (empty.status_code, "Say why" in words_of(empty)) == (422, True)
        undone = desk.post(f"{address}/undo", {"reason": "wrong"}, follow=True)
        assert "Their records are closed" in words_of(undone)

    def test_a_file_is_taken_here_and_its_name_is_not_kept(self, desk: Client) -> None:
        file = SimpleUploadedFile("Ann Example.csv", pasted([person(1)]).encode())
        shown = desk.post(reverse("imports:list"), {"file": file}, follow=True)
        assert "Imported Person1" in words_of(shown)
        assert "Ann Example" not in shown.content.decode()

    def test_the_filled_template_is_taken(self, desk: Client) -> None:
        import io

        from openpyxl import load_workbook

        book = load_workbook(io.BytesIO(desk.get(reverse("imports:template", args=["xlsx"])).content))
        for number, column in enumerate(rows.COLUMNS, 1):
            book["Patients"].cell(2, number, person(1).get(column.name, ""))
        content = io.BytesIO()
        book.save(content)
        shown = desk.post(reverse("imports:list"), {"file": SimpleUploadedFile("t", content.getvalue())}, follow=True)
        assert shown.context["preview"].can_accept, shown.context["preview"].faults
        empty = desk.get(reverse("imports:template", args=["csv"])).content
        assert empty == template.as_csv()
        assert "no patient below" in words_of(
            desk.post(reverse("imports:list"), {"file": SimpleUploadedFile("t", empty)}, follow=True)
        )
        assert desk.get(reverse("imports:template", args=["exe"])).status_code == 404

    def test_every_fault_is_shown_by_row_and_column(self, desk: Client) -> None:
        shown = self.bring(desk, person(1, email="x"), person(2, birth_date="1/2/1950", name=""))
        words = words_of(shown)
        for where in ("Row 2, column D (email)", "Row 3, column A (name)", "Row 3, column B (birth_date)"):
            assert where in words
        assert not shown.context["preview"].can_accept

    @pytest.mark.parametrize(
        ("sent", "sentence"),
        [
            ({}, "Choose a file, or paste"),
            ({"table": " "}, "Choose a file, or paste"),
            ({"file": b""}, grid.EMPTY),
            ({"file": b"x" * (grid.MOST_BYTES + 1)}, grid.TOO_LARGE),
            ({"file": "Ågot".encode("cp1252")}, grid.NOT_UTF8),
            ({"file": b"a", "table": "a"}, "not both"),
        ],
    )
    def test_what_cannot_be_read_is_said_beside_its_field(self, desk: Client, sent: Any, sentence: str) -> None:
        if "file" in sent:
            sent = {**sent, "file": SimpleUploadedFile("t.csv", sent["file"])}
        answer = desk.post(reverse("imports:list"), sent)
        assert answer.status_code == 422
        assert sentence in words_of(answer)

    def test_what_was_pasted_is_not_lost(self, desk: Client) -> None:
        answer = desk.post(reverse("imports:list"), {"table": 'name\n"Ann'})
        assert '"Ann' in pages.unescape(answer.content.decode())

    def test_a_file_many_times_too_large_and_two_files_are_refused(self, desk: Client) -> None:
        desk.raise_request_exception = False
        huge = SimpleUploadedFile("t.csv", b"x" * (grid.MOST_BYTES * 11))
        assert desk.post(reverse("imports:list"), {"file": huge}).status_code in (400, 413)
        two = {name: SimpleUploadedFile("t.csv", b"x") for name in ("file", "other")}
        assert desk.post(reverse("imports:list"), two).status_code in (400, 413)

    def test_no_more_statements_for_more_rows(self, desk: Client, staff: Actor) -> None:
        few, many = stage(staff, person(1)), stage(staff, *(person(number) for number in range(2, 40)))
        for decided in (False, True):
            if decided:
                few, many = accept(few, staff), accept(many, staff)
            costs = []
            for imported in (few, many):
                with pages.statements() as found:
                    desk.get(reverse("imports:show", args=[imported.id]))
                costs.append(len(found))
            assert costs[0] == costs[1]

    def test_the_way_there_is_shown_to_who_may(self, desk: Client, clinic: Clinic) -> None:
        nurse = pages.client_of(factories.member(clinic, ROLES.NURSE))
        assert "Import patients" in words_of(desk.get(reverse("desk:patients")))
        assert "Import patients" not in words_of(nurse.get(reverse("desk:patients")))
