"""A table of patients: staged, looked at, accepted once, undone while nothing has happened since."""

import io
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any, TypeVar

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from common.dose import Dose
from common.refusals import Refused, Stale
from imports import grid, plans, presenters, rows, selectors, services, template
from imports.models import Import, ImportedRow
from ldn_clinic import erasing, retention
from patients import selectors as patients_selectors
from patients import services as patients_services
from patients.models import Erasure, Patient
from reminders.models import Attempt, Occurrence, Reminder
from reminders.services import planning
from tests import factories, memory, pages
from tests.pages import words_of
from titration.engine.formulation import Formulation
from titration.engine.protocol import Protocol
from titration.models import Prescription, ProtocolVersion
from titration.selectors import courses as courses_selectors
from titration.selectors import silence
from titration.services import courses

pytestmark = pytest.mark.django_db
T = TypeVar("T")
AT = factories.AT
ROLES = Membership.Role
PERSON = ("name", "birth_date", "record_number", "email", "time_zone", "conditions", "medicines", "sex")
NAMES = (*PERSON, *(column.name for column in plans.COLUMNS))
BEGINS = {"plan": "STD-2W", "opioids": "no", "starts_on": "2026-03-02", "capsule_strength": "1.5"}
AWAITS = {**BEGINS, "starts_on": "awaiting medicine"}
GOES_ON = {
    "plan": "STD-2W",
    "opioids": "no",
    "current_dose": "3",
    "last_changed_on": "2026-02-25",
    "taking_since": "2025-06-30",
    "capsule_strength": "1,5",
}


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
    return "\n".join("\t".join(line) for line in [NAMES, *([one.get(name, "") for name in NAMES] for one in people)])


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
        imported = accept(stage(staff, person(1, sex="male"), person(2, email="", medicines="")), staff)
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
        assert (second.email, first.sex, second.sex) == ("", "male", "")
        again = Import.objects.get(id=imported.id)
        assert (again.table, again.patients_made, again.accepted_by_id) == ("", 2, staff.user_id)
        assert len(memory.events(action="patient.register")) == 2
        assert memory.event(action="import.accept").details == {"patients": 2, "plans": 0, "left_out": 0}

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
        assert memory.event(action="import.accept").details == {"patients": 1, "plans": 0, "left_out": 1}

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
        (busy, waited), _ = measured(lambda: accept(imported, staff))
        print(f"300 patients in {waited:.1f} s, busy for {busy:.1f} s")
        assert busy < 15, "a page has to answer before its reader gives up"


def measured(deed: Callable[[], T]) -> tuple[tuple[float, float], T]:
    """For how long a deed kept this process busy, whatever else the machine does, and how long it took; in seconds."""
    busy, began = time.process_time(), time.perf_counter()
    done = deed()
    return (time.process_time() - busy, time.perf_counter() - began), done


@pytest.fixture
def prescriber(clinic: Clinic) -> Actor:
    factories.protocol_version()
    return factories.member(clinic, ROLES.PRESCRIBER, "Test Prescriber")


def plan_faults(by: Actor, **written: str) -> list[tuple[int, str, str]]:
    found = look(stage(by, person(1, **written)), by).faults
    return [(fault.row, fault.column, fault.sentence) for fault in found]


class TestPlans:
    def test_each_is_signed_as_written_by_who_accepts(self, prescriber: Actor) -> None:
        imported = accept(
            stage(prescriber, person(1, **BEGINS), person(2, **AWAITS), person(3, **GOES_ON), person(4)), prescriber
        )
        begins, awaits, goes_on = Prescription.objects.order_by("patient__record_number")
        assert (begins.start_on, begins.first_dose, begins.awaiting) == (AT.date(), None, False)
        assert (awaits.awaiting, awaits.begun_on) == (True, None)
        assert (goes_on.start_on, goes_on.taking_since) == (date(2026, 2, 25), date(2025, 6, 30))
        assert (goes_on.first_dose, goes_on.capsule_strength) == (Dose.of(3), Dose.of("1.5"))
        for one in (begins, awaits, goes_on):
            assert (one.signed_by_id, one.signed_at, one.mode, one.slot) == (
                prescriber.user_id,
                AT,
                "confirmed",
                "bedtime",
            )
        tonight = [courses_selectors.tonight(one.patient, at=AT) for one in (begins, awaits, goes_on)]
        assert [one.state for one in tonight] == ["take", "awaiting", "take"]
        assert (tonight[0].dose, tonight[2].dose) == (Dose.of("1.5"), Dose.of(3))
        # Nothing is known before the day of the last change, and nothing is made up.
        assert list(goes_on.steps.values_list("from_on", "dose")) == [(date(2026, 2, 25), Dose.of(3))]
        assert (imported.patients_made, imported.plans_made) == (4, 3)
        assert memory.event(action="import.accept").details == {"patients": 4, "plans": 3, "left_out": 0}
        assert len(memory.events(action="course.prescribe")) == 3
        made = ImportedRow.objects.filter(source=imported).order_by("number")
        assert [row.prescription_id for row in made] == [begins.id, awaits.id, goes_on.id, None]

    def test_doses_of_several_strengths(self, prescriber: Actor) -> None:
        written = {**GOES_ON, "current_dose": "2", "capsule_strength": "0.5; 1.5", "target_dose": "2"}
        imported = stage(prescriber, person(1, **written), person(2, **BEGINS))
        line = presenters.preview(look(imported, prescriber), may_sign=True).plans[0]
        assert line.capsules == "1 capsule of 1.5 mg and 1 capsule of 0.5 mg"
        accept(imported, prescriber)
        several, one = Prescription.objects.order_by("patient__record_number")
        assert courses_selectors.formulation_of(several) == Formulation.capsules(Dose.of("0.5"), Dose.of("1.5"))
        assert (one.formulation, one.capsule_strength) == (None, Dose.of("1.5"))

    def test_no_plan_is_written_from_a_table_beside_an_opioid(self, prescriber: Actor) -> None:
        imported = stage(prescriber, person(1), person(2, **BEGINS, medicines="vitamin D; Percocet 5/325"))
        with pytest.raises(Refused, match=r"Row \d+: “Percocet 5/325” is on the list.*Leave this plan out"):
            accept(imported, prescriber)
        assert not Patient.objects.exists()

    def test_staff_may_bring_them_and_only_a_prescriber_signs(self, staff: Actor, prescriber: Actor) -> None:
        imported = stage(staff, person(1, **BEGINS), person(2))
        assert len(look(imported, staff).plans) == 1
        with pytest.raises(Refused, match="prescribe"):
            accept(imported, staff)
        assert not Patient.objects.exists()
        assert accept(imported, prescriber).accepted_by_id == prescriber.user_id

    @pytest.mark.parametrize(
        ("written", "column", "sentence"),
        [
            ({**BEGINS, "opioids": "yes"}, "opioids", "cannot be signed"),
            ({**BEGINS, "opioids": "unknown"}, "opioids", "answered with no"),
            ({**BEGINS, "starts_on": "2026-02-20"}, "starts_on", "more than a week ago"),
            ({**BEGINS, "starts_on": "2026-12-31"}, "starts_on", "more than half a year ahead"),
            ({**BEGINS, "starts_on": "9999-12-31"}, "starts_on", "outside the years"),
            ({**GOES_ON, "last_changed_on": "2026-03-03"}, "last_changed_on", "since today or earlier"),
            ({**GOES_ON, "current_dose": "4"}, "capsule_strength", "cannot be made from 1.5 mg capsules"),
            ({**BEGINS, "capsule_strength": "1"}, "capsule_strength", "cannot be made from 1 mg capsules"),
            ({**BEGINS, "time_of_day": "split"}, "time_of_day", "halves"),
            ({**BEGINS, "plan": "BID-NO"}, "time_of_day", "halves"),
            (
                {**GOES_ON, "last_changed_on": "2025-11-30", "steps": "planned"},
                "steps",
                "fell due on 14 December 2025 and would happen at once",
            ),
        ],
    )
    def test_what_cannot_be_signed_is_said_before(
        self, prescriber: Actor, written: dict[str, str], column: str, sentence: str
    ) -> None:
        ((row, named, said),) = plan_faults(prescriber, **written)
        assert (row, named) == (2, column)
        assert sentence in said

    def test_a_template_so_high_that_it_is_confirmed_is_none_of_a_tables(self, prescriber: Actor) -> None:
        high = ProtocolVersion.objects.get(code="STD-2W")
        body = {
            **high.body,
            "id": "HIGH",
            "rungs": [{"dose_mg": "7", "days": None, "reason": "a reason of the file"}],
        }
        fingerprint = Protocol.from_json(body).fingerprint()
        ProtocolVersion.objects.create(
            code="HIGH", version=1, name="high", body=body, fingerprint=fingerprint, loaded_at=AT
        )
        ((_, column, sentence),) = plan_faults(prescriber, **{**BEGINS, "plan": "HIGH", "capsule_strength": "3.5"})
        assert column == "plan"
        assert "7 mg" in sentence

    def test_every_fault_of_a_row_is_told_at_once(self, prescriber: Actor) -> None:
        written = {**BEGINS, "opioids": "yes", "starts_on": "2026-01-13", "email": "x", "birth_date": "3/4/1980"}
        told = [column for _, column, _ in plan_faults(prescriber, **written)]
        assert told == ["birth_date", "email", "opioids", "starts_on"]
        wrong = {**GOES_ON, "opioids": "yes", "capsule_strength": "2"}
        assert [column for _, column, _ in plan_faults(prescriber, **wrong)] == ["opioids", "capsule_strength"]

    def test_who_is_on_record_is_left_out_whatever_their_plan_says(self, clinic: Clinic, prescriber: Actor) -> None:
        there = factories.patient(clinic, "Imported Person1", birth_date=date(1950, 1, 14))
        long_ago = {**BEGINS, "starts_on": "2025-01-13"}
        found = look(stage(prescriber, person(1, **long_ago), person(2, **BEGINS)), prescriber)
        assert found.faults == ()
        assert [one.patient.id for one in found.known] == [there.id]
        assert [one.row.number for one in found.plans] == [3]

    def test_today_is_where_the_patient_is(self, prescriber: Actor) -> None:
        tomorrow = {**GOES_ON, "last_changed_on": "2026-03-03"}
        assert plan_faults(prescriber, **tomorrow)
        late = AT + timedelta(hours=5)
        there = person(2, time_zone="Pacific/Auckland", **tomorrow)
        imported = stage(prescriber, there, at=late)
        assert not selectors.look(Import.objects.get(id=imported.id), by=prescriber, at=late).faults

    def test_what_the_preview_lets_pass_the_deed_signs(self, prescriber: Actor) -> None:
        """The two ask the same question: every template and every way of taking it, all in one table."""
        protocols_of = selectors.templates_for(prescriber)
        people = [
            person(number, **{**row, "plan": one.protocol.id, "time_of_day": slot, "capsule_strength": "0.25"})
            for number, (one, row, slot) in enumerate(
                itertools.product(protocols_of, (BEGINS, AWAITS, GOES_ON), ("bedtime", "morning", "split"))
            )
        ]
        found = look(stage(prescriber, *people), prescriber)
        faulty = {fault.row for fault in found.faults}
        good = [one for number, one in enumerate(people, 2) if number not in faulty]
        assert len(good) > 30
        assert accept(stage(prescriber, *good), prescriber).plans_made == len(good)

    def test_a_template_that_changed_since_is_looked_at_again(self, prescriber: Actor) -> None:
        imported = stage(prescriber, person(1, **BEGINS))
        shown = look(imported, prescriber).fingerprint
        old = ProtocolVersion.objects.get(code="STD-2W")
        body = {**old.body, "version": old.version + 1}
        ProtocolVersion.objects.create(
            code=old.code,
            version=old.version + 1,
            name=old.name,
            body=body,
            fingerprint=Protocol.from_json(body).fingerprint(),
            loaded_at=AT,
        )
        with pytest.raises(Stale, match="Something has changed"):
            services.accept(import_id=imported.id, shown=shown, by=prescriber, at=AT)
        assert not Patient.objects.exists()

    def test_nobody_is_rung_or_called_silent_for_nights_before_the_plan(
        self, clinic: Clinic, prescriber: Actor
    ) -> None:
        accept(
            stage(prescriber, person(1, **{**GOES_ON, "last_changed_on": "2025-01-13", "taking_since": ""})), prescriber
        )
        planning.lay_out(clinic_id=clinic.id, since=AT - timedelta(days=1), at=AT)
        assert not Occurrence.objects.filter(about_on__lt=AT.date() - timedelta(days=1)).exists()
        assert silence.silent(prescriber, at=AT + timedelta(days=1)) == []
        assert [one.nights for one in silence.silent(prescriber, at=AT + timedelta(days=5))] == [5]

    def test_three_hundred_with_their_plans(self, prescriber: Actor) -> None:
        kinds = (BEGINS, AWAITS, GOES_ON, {**GOES_ON, "target_dose": "3"})
        imported = stage(prescriber, *(person(number, **kinds[number % 4]) for number in range(300)))
        looked, found = measured(lambda: look(imported, prescriber))
        assert len(found.plans) == 300
        signed, accepted = measured(lambda: accept(imported, prescriber))
        assert accepted.plans_made == 300
        undone, _ = measured(lambda: undo(imported, prescriber))
        for deed, (busy, waited) in (("looked at", looked), ("signed", signed), ("undone", undone)):
            print(f"300 plans {deed} in {waited:.1f} s, busy for {busy:.1f} s")
            assert busy < 20, "a page has to answer before its reader gives up"


class TestTakingPlansBack:
    def test_they_are_stopped_and_their_records_closed(self, prescriber: Actor) -> None:
        imported = accept(stage(prescriber, person(1, **BEGINS), person(2, **AWAITS), person(3, **GOES_ON)), prescriber)
        undo(imported, prescriber)
        assert set(Prescription.objects.values_list("state", flat=True)) == {"stopped"}
        assert not patients_selectors.visible_to(prescriber).exists()
        assert accept(stage(prescriber, person(1, **BEGINS)), prescriber).plans_made == 1

    def test_what_a_prescriber_signed_staff_does_not_undo(self, staff: Actor, prescriber: Actor) -> None:
        imported = accept(stage(prescriber, person(1, **BEGINS)), prescriber)
        with pytest.raises(Refused, match="prescribe"):
            undo(imported, staff)
        assert Prescription.objects.get().state == "active"

    @pytest.mark.parametrize("what", ["held", "begun", "told", "rung"])
    def test_once_anything_happened_to_one_all_stay(self, clinic: Clinic, prescriber: Actor, what: str) -> None:
        imported = accept(stage(prescriber, person(1, **AWAITS), person(2, **GOES_ON)), prescriber)
        awaits, goes_on = Prescription.objects.order_by("patient__record_number")
        match what:
            case "held":
                courses.hold(prescription_id=goes_on.id, days=3, reason="away", seen_version=1, by=prescriber, at=AT)
            case "begun":
                courses.begin(prescription_id=awaits.id, on=AT.date(), seen_version=1, by=prescriber, at=AT)
            case "told":
                factories.told_night(goes_on.patient, AT.date() - timedelta(days=1), dose_mg="3")
            case "rung":
                rung(goes_on)
        with pytest.raises(Refused, match="1 of the 2 patients"):
            undo(imported, prescriber)

    def test_nothing_that_the_import_wrote_itself_stands_against_it(self, clinic: Clinic, prescriber: Actor) -> None:
        imported = accept(stage(prescriber, person(1, **BEGINS), person(2, **GOES_ON)), prescriber)
        planning.lay_out(clinic_id=clinic.id, since=AT - timedelta(days=1), at=AT)
        assert Occurrence.objects.exists()
        assert selectors.changed_since(imported) == []

    def test_whatever_points_at_a_patient_is_asked(self) -> None:
        asked = {model.__name__ for model, _ in selectors._tells_of_a_patient()}
        assert {"SymptomLog", "DoseTaken", "OpioidReport", "Phone", "Invitation", "CareGrant", "Erasure"} <= asked
        assert asked.isdisjoint(model.__name__ for model in selectors.MADE_BY_IT)


def rung(prescription: Prescription) -> None:
    """A mail of this plan was begun to be sent."""
    occurrence = Occurrence.objects.create(
        clinic_id=prescription.clinic_id,
        patient_id=prescription.patient_id,
        prescription=prescription,
        kind=Occurrence.Kind.NIGHT_LOG,
        about_on=AT.date(),
        local_time=AT.time(),
        zone_name="Europe/London",
        due_at=AT,
        expires_at=AT + timedelta(hours=3),
    )
    reminder = Reminder.objects.create(
        clinic_id=prescription.clinic_id, occurrence=occurrence, next_at=AT, not_after=AT + timedelta(hours=3)
    )
    Attempt.objects.create(clinic_id=prescription.clinic_id, reminder=reminder, number=1, outcome="begun", at=AT)


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
        assert "On record already" in words
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

    def test_plans_are_shown_as_they_would_be_signed(self, prescriber: Actor) -> None:
        desk = pages.client_of(prescriber)
        written = {**GOES_ON, "current_dose": "1,5", "last_changed_on": "2025-11-30", "taking_since": ""}
        off = {**GOES_ON, "current_dose": "2", "capsule_strength": "0.5"}
        shown = self.bring(desk, person(1, **BEGINS), person(2, **AWAITS), person(3, **written), person(4, **off))
        words = words_of(shown)
        for said in (
            "1.5 mg, one and a half milligrams",
            "from 2 March 2026",
            "3 mg on 16 March 2026",
            "when the medicine is there",
            "3 mg after 14 days",
            "written “1,5”",
            "since 30 November 2025",
            "first dose not known",
            "3 mg fell due on 14 December 2025 and waits for a person",
            "no step follows: the template has no dose of 2 mg",
            "Take 4 patients into care and sign 4 plans",
            "Accepting signs each of them in your name",
        ):
            assert said in words
        address = shown.redirect_chain[-1][0]
        accepted = desk.post(f"{address}/accept", {"shown": shown.context["preview"].fingerprint}, follow=True)
        assert "4 patients are in your care now, and 4 plans signed." in words_of(accepted)
        undone = words_of(desk.post(f"{address}/undo", {"reason": "wrong"}, follow=True))
        assert "4 patients, 4 of them with a plan, came into care by it and were taken out again" in undone

    def test_staff_are_told_who_signs(self, desk: Client, prescriber: Actor) -> None:
        shown = self.bring(desk, person(1, **BEGINS))
        assert "This table holds 1 plan to sign. Ask a prescriber" in words_of(shown)
        assert "Take 1 patient" not in words_of(shown)
        address = shown.redirect_chain[-1][0]
        sent = {"shown": shown.context["preview"].fingerprint}
        assert desk.post(f"{address}/accept", sent).status_code in (403, 409)
        assert not Patient.objects.exists()
        theirs = pages.client_of(prescriber)
        assert "1 plan signed" in words_of(theirs.post(f"{address}/accept", sent, follow=True))
        assert "a prescriber has to undo it" in words_of(desk.get(address))

    def test_signing_asks_again_who_it_is(self, prescriber: Actor) -> None:
        desk = pages.client_of(prescriber)
        shown = self.bring(desk, person(1, **BEGINS))
        with time_machine.travel(AT + timedelta(minutes=6), tick=False):
            sent = {"shown": shown.context["preview"].fingerprint}
            answer = desk.post(f"{shown.redirect_chain[-1][0]}/accept", sent)
        assert answer.status_code == 302
        assert "accounts" in answer["Location"]
        assert not Patient.objects.exists()

    def test_the_template_says_every_column_with_an_example(self, desk: Client, prescriber: Actor) -> None:
        book = load_workbook(io.BytesIO(desk.get(reverse("imports:template", args=["xlsx"])).content))
        assert [cell.value for cell in book["Patients"][1]] == [column.name for column in rows.COLUMNS]
        notes = {line[0].value: line for line in reversed(list(book["Notes"].iter_rows()))}
        for column in rows.COLUMNS:
            _, words, needed, example = (cell.value for cell in notes[column.name])
            assert words
            assert needed
            assert str(example) == column.example
        assert "STD-2W: every 2 weeks" in [line[1].value for line in book["Notes"].iter_rows()]

    def test_a_file_is_taken_here_and_its_name_is_not_kept(self, desk: Client) -> None:
        file = SimpleUploadedFile("Ann Example.csv", pasted([person(1)]).encode())
        shown = desk.post(reverse("imports:list"), {"file": file}, follow=True)
        assert "Imported Person1" in words_of(shown)
        assert "Ann Example" not in shown.content.decode()

    def test_the_filled_template_is_taken(self, desk: Client) -> None:
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

    def test_no_more_statements_for_more_rows(self, prescriber: Actor) -> None:
        desk, kinds = pages.client_of(prescriber), (BEGINS, AWAITS, GOES_ON)
        few = stage(prescriber, person(1, **BEGINS))
        many = stage(prescriber, *(person(number, **kinds[number % 3]) for number in range(2, 40)))
        for decided in (False, True):
            if decided:
                few, many = accept(few, prescriber), accept(many, prescriber)
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
