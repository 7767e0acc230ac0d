"""Erasing a record whose time is over: two people, the owner's run, and nothing personal left in any table."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pghistory.models
import pytest
import time_machine
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import IntegrityError, connection, models, transaction
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import Clinic, Membership, User
from accounts.services import clinics
from audit import sealing, verifying
from common.refusals import Refused
from common.sealed import SealedTextField
from ldn_clinic import erasing
from patients.models import EmergencyAccess, Erasure, Medicine, Patient, Phone
from patients.services import restricted
from patients.services.labs import LabValue, record_labs
from reminders.models import Attempt, Reminder
from symptoms import services as symptoms_services
from symptoms.models import OpioidReport
from tests import factories, owner, pages, personas
from tests.memory import events
from tests.pages import words_of
from titration.models import PlanChange, Prescription, Procedure, ProcedureDay
from titration.selectors import retention
from titration.services import courses, erasures, reaching

THEN = personas.NOW
"""When the patient was treated."""
LATER = datetime(2035, 6, 1, 10, tzinfo=UTC)
YEARS = 8
ROLES = Membership.Role
CANARY = "canary-own"


_LEADING = (Prescription, Procedure, OpioidReport)
NO_CARE = {
    *("ContactPreference", "Invitation", "Phone", "ZoneSpan"),  # how the patient is reached
    *("CareGrant", "CareTeamMember", "EmergencyAccess", "EmergencyCard", "Erasure"),  # who may see it
    *("Finding", "Judged"),  # what the program worked out
}


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(LATER, tick=False) as traveller:
        yield traveller


@pytest.fixture
def clinic(clock: Any, db: None) -> Clinic:
    return factories.clinic(retention_years=YEARS)


@pytest.fixture
def first(clinic: Clinic) -> Actor:
    return factories.member(clinic, ROLES.ADMINISTRATOR, "First Administrator")


@pytest.fixture
def second(clinic: Clinic) -> Actor:
    return factories.member(clinic, ROLES.ADMINISTRATOR, "Second Administrator")


def old(clinic: Clinic, **more: Any) -> Patient:
    return factories.patient(clinic, **{"registered_at": datetime(2020, 1, 1, tzinfo=UTC), **more})


def ask(patient: Patient, by: Actor, at: datetime = LATER) -> Erasure:
    return erasures.ask(patient_id=patient.id, reason="time is over", by=by, at=at)


class TestWhoseTimeIsOver:
    def over(self, by: Actor, at: datetime = LATER) -> set[Any]:
        return {one.patient_id for one in retention.over(by, at=at)}

    def test_to_the_day(self, clinic: Clinic, first: Actor) -> None:
        patient = old(clinic, registered_at=LATER.replace(year=LATER.year - YEARS))
        assert self.over(first, LATER) == set()
        assert self.over(first, LATER + timedelta(microseconds=1)) == {patient.id}

    def test_any_later_entry_keeps_it(self, clinic: Clinic, first: Actor) -> None:
        recent = LATER - timedelta(days=365)
        prescriber = factories.member(clinic)
        told, prescribed, stopped, running = (old(clinic) for _ in range(4))
        factories.told_night(told, recent.date())
        for patient in (prescribed, running):
            factories.prescription(patient, by=prescriber, at=recent if patient is prescribed else THEN)
        row = factories.prescription(stopped, by=prescriber, at=THEN)
        courses.stop(prescription_id=row.id, reason="done", seen_version=row.version, by=prescriber, at=recent)
        for row in Prescription.objects.filter(patient=prescribed):
            Prescription.objects.filter(id=row.id).update(state="stopped", stopped_at=row.signed_at)
        assert self.over(first) == set()
        assert self.over(first, recent + timedelta(days=366 * YEARS)) == {told.id, prescribed.id, stopped.id}

    def test_results_and_procedures_are_entries(self, clinic: Clinic, first: Actor) -> None:
        recent, by = LATER - timedelta(days=365), factories.member(clinic)
        answered, measured, operated, cancelled, asked_after = (old(clinic) for _ in range(5))
        symptoms_services.save_assessment(
            patient=answered, instrument="pgic", answers={"change": 4}, on=recent.date(), by=by, at=recent
        )
        value = LabValue(code="alt", value=Decimal(20), unit="U/L", taken_on=recent.date())
        record_labs(patient=measured, values=[value], by=by, at=recent)
        personas.planned_procedure(operated, by, "an operation")
        Procedure.objects.filter(patient=operated).update(recorded_at=recent)
        personas.planned_procedure(cancelled, by, "an operation")
        Procedure.objects.filter(patient=cancelled).update(cancelled_at=recent)
        row = personas.planned_procedure(asked_after, by, "an operation")
        ProcedureDay.objects.create(clinic=clinic, procedure=row, on=recent.date(), opioid=False, at=recent)
        assert self.over(first) == set()
        found = retention.over(first, at=recent + timedelta(days=366 * YEARS))
        assert {one.patient_id for one in found} == {
            p.id for p in (answered, measured, operated, cancelled, asked_after)
        }
        assert {one.last_entry_at for one in found} == {recent}

    def test_a_medicine_a_call_a_visit_and_an_end_of_care_are_entries(self, clinic: Clinic, first: Actor) -> None:
        recent, by = LATER - timedelta(days=365), factories.member(clinic)
        medicated, called, seen, left = (old(clinic) for _ in range(4))
        Medicine.objects.create(clinic=clinic, patient=medicated, position=0, words="vitamin D", recorded_at=recent)
        call = {"kind": "call", "outcome": "reached", "words": ""}
        reaching.log_contact(patient=called, **call, by=by, at=recent)
        reaching.mark_visit(patient=seen, on=recent.date(), today=recent.date(), by=by, at=recent)
        Patient.objects.filter(id=left.id).update(care_ended_at=recent, care_ended_because="moved")
        assert self.over(first) == set()
        found = retention.over(first, at=recent + timedelta(days=366 * YEARS))
        ended = {one.patient_id: one.last_entry_at for one in found}
        assert ended.pop(seen.id) < recent
        assert ended == {medicated.id: recent, called.id: recent, left.id: recent}

    def test_every_table_of_care_is_an_entry_or_said_to_be_none(self) -> None:
        rooms = ("patients", "symptoms", "titration")
        written = {
            model.__name__
            for model in apps.get_models()
            if model._meta.app_label in rooms and not issubclass(model, pghistory.models.Event)
            if any(isinstance(field, models.DateTimeField) for field in model._meta.concrete_fields)
            if any(field.related_model in {Patient, *_LEADING} for field in model._meta.concrete_fields)
        }
        entries = {entry.model.__name__ for entry in retention.ENTRIES}
        assert entries <= written
        assert written - entries == NO_CARE

    def test_nobody_is_let_go_before_their_26th_birthday(self, clinic: Clinic, first: Actor) -> None:
        patient = old(clinic, birth_date=date(LATER.year - 26, LATER.month, LATER.day + 1))
        assert self.over(first) == set()
        assert self.over(first, LATER + timedelta(days=1)) == {patient.id}

    def test_an_emergency_that_waits_for_its_review_keeps_it(self, clinic: Clinic, first: Actor) -> None:
        patient = old(clinic)
        personas.past_emergency(patient, factories.member(clinic))
        assert self.over(first) == set()

    def test_where_nobody_has_decided_nothing_is_over(self, clinic: Clinic, first: Actor) -> None:
        old(clinic)
        Clinic.objects.filter(id=clinic.id).update(retention_years=None)
        assert self.over(first) == set()

    def test_only_for_who_may_erase_and_only_their_clinic(self, clinic: Clinic, first: Actor) -> None:
        old(clinic)
        elsewhere = factories.clinic("Elsewhere", retention_years=YEARS)
        assert self.over(factories.member(clinic)) == set()
        assert self.over(factories.member(elsewhere, ROLES.ADMINISTRATOR)) == set()

    @pytest.mark.parametrize("years", [5, 51])
    def test_years_have_bounds_in_the_deed_and_in_the_database(self, clinic: Clinic, first: Actor, years: int) -> None:
        with pytest.raises(Refused):
            clinics.keep_records_for(years=years, by=first, at=LATER)
        with pytest.raises(IntegrityError), transaction.atomic():
            Clinic.objects.filter(id=clinic.id).update(retention_years=years)


class TestTwoPeople:
    def test_who_asks_cannot_confirm(self, clinic: Clinic, first: Actor, second: Actor) -> None:
        erasure = ask(old(clinic), first)
        assert erasure.due_at is None
        with pytest.raises(Refused, match="second administrator"):
            erasures.confirm(erasure_id=erasure.id, by=first, at=LATER)
        with pytest.raises(IntegrityError, match="nobody_confirms_their_own_erasure"), transaction.atomic():
            Erasure.objects.filter(id=erasure.id).update(
                confirmed_by_id=first.user_id, confirmed_at=LATER, due_at=LATER
            )
        erasures.confirm(erasure_id=erasure.id, by=second, at=LATER)
        erasure.refresh_from_db()
        assert (erasure.due_at, erasure.confirmed_by_id) == (LATER, second.user_id)

    def test_alone_it_waits_a_week(self, clinic: Clinic, first: Actor) -> None:
        assert ask(old(clinic), first).due_at == LATER + timedelta(days=7)

    def test_a_record_that_is_to_be_kept_cannot_be_asked_for(self, clinic: Clinic, first: Actor) -> None:
        with pytest.raises(Refused, match="to be kept"):
            ask(old(clinic, registered_at=LATER - timedelta(days=9)), first)

    def test_others_may_not(self, clinic: Clinic, first: Actor) -> None:
        patient = old(clinic)
        for role in (ROLES.PRESCRIBER, ROLES.NURSE, ROLES.STAFF, ROLES.AUDITOR):
            with pytest.raises(Refused, match="may not erase"):
                ask(patient, factories.member(clinic, role))
        with pytest.raises(Refused, match="to be kept"):
            ask(patient, factories.member(factories.clinic("Elsewhere"), ROLES.ADMINISTRATOR))

    def test_confirmed_the_phone_is_out_at_once(self, clinic: Clinic, first: Actor, second: Actor) -> None:
        patient = old(clinic)
        _, secret = factories.phone(patient, LATER)
        phone = pages.new_client()
        phone.cookies[settings.PHONE_COOKIE_NAME] = secret
        erasure = ask(patient, first)
        assert phone.get("/p/").status_code == 200
        erasures.confirm(erasure_id=erasure.id, by=second, at=LATER)
        assert phone.get("/p/").status_code == 404

    def test_taken_back_it_can_be_asked_for_again(self, clinic: Clinic, first: Actor, second: Actor) -> None:
        patient = old(clinic)
        erasure = ask(patient, first)
        with pytest.raises(Refused, match="asked for this already"):
            ask(patient, second)
        erasures.withdraw(erasure_id=erasure.id, by=second, at=LATER)
        with pytest.raises(Refused, match="taken back"):
            erasures.confirm(erasure_id=erasure.id, by=second, at=LATER)
        ask(patient, second)


class TestPages:
    @pytest.fixture
    def desk(self, first: Actor) -> Client:
        return pages.client_of(first)

    def test_from_the_list_to_the_nightly_run(self, clinic: Clinic, desk: Client, second: Actor) -> None:
        patient = old(clinic, name="Long Gone", record_number="R-1")
        listed = words_of(desk.get(reverse("desk:retention")))
        assert "R-1" in listed
        assert "Long Gone" not in listed
        address = reverse("desk:retention_ask", args=[patient.id])
        assert desk.post(address, {"reason": ""}).status_code == 422
        assert "to be confirmed" in words_of(desk.post(address, {"reason": "over"}, follow=True))
        assert desk.get(address).status_code == 404
        confirm = reverse("desk:retention_confirm", args=[Erasure.objects.get().id])
        assert desk.post(confirm).status_code == 409
        assert "Will be erased in the next nightly run" in words_of(pages.client_of(second).post(confirm, follow=True))

    def test_the_years_are_asked_for(self, clinic: Clinic, desk: Client) -> None:
        Clinic.objects.filter(id=clinic.id).update(retention_years=None)
        assert "Nobody has decided yet" in words_of(desk.get(reverse("desk:retention")))
        for wrong in ("", "five", "5", "51"):
            assert desk.post(reverse("desk:retention_years"), {"years": wrong}).status_code == 422
        desk.post(reverse("desk:retention_years"), {"years": "10"})
        clinic.refresh_from_db()
        assert clinic.retention_years == 10
        (event,) = events(action="retention.years")
        assert event.details == {"years": 10}


@pytest.fixture
def grave(transactional_db: None, settings: Any, tmp_path: Any) -> Iterator[personas.House]:
    """A house full of canaries, its patients' plans stopped, nine years later and confirmed by a second person."""
    settings.EXPORT_DIR = tmp_path
    with time_machine.travel(THEN, tick=False):
        house = personas.build()
        own = house.cases["own"]
        here = own.patient.clinic_id
        by = _actor(User.objects.get(name="First Prescriber"), here)
        courses.stop(
            prescription_id=own.prescription.id,
            reason=f"{CANARY} moved away",
            seen_version=own.prescription.version,
            by=by,
            at=THEN,
        )
        EmergencyAccess.objects.filter(patient=own.patient).update(
            reason=f"{CANARY} lay on the floor, and more",
            reviewed_at=THEN,
            reviewed_by_id=User.objects.get(name="First Auditor").id,
            review_outcome="justified",
            review_words=f"{CANARY} did",
        )
        restricted.restrict(patient_id=own.patient.id, team=[], reason=f"{CANARY} asked", by=by, at=THEN)
    Clinic.objects.filter(id=here).update(retention_years=YEARS)
    with time_machine.travel(LATER, tick=False):
        administrators = [factories.member(Clinic.objects.get(id=here), ROLES.ADMINISTRATOR) for _ in range(2)]
        erasure = ask(own.patient, administrators[0])
        erasures.confirm(erasure_id=erasure.id, by=administrators[1], at=LATER)
        yield house


def _actor(user: User, clinic_id: Any) -> Actor:
    from accounts import selectors

    found = selectors.member_actor(user, clinic_id=str(clinic_id))
    assert found is not None
    return found


def tables_with(word: str) -> set[str]:
    """Every table with a row that has the word in any column, read by the owner; sealed words are opened."""
    found = set()
    with owner.connect(connection.settings_dict["NAME"]) as reader:
        names = [n for (n,) in reader.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()]
        for name in names:
            asked = f'SELECT count(*) FROM "{name}" t WHERE t::text ILIKE %s'
            ((count,),) = reader.execute(asked, [f"%{word}%"]).fetchall()
            if count:
                found.add(str(name))
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, SealedTextField) and any(
                word in (value or "").casefold()
                for value in model._base_manager.using("owner").values_list(field.name, flat=True)
            ):
                found.add(model._meta.db_table)
    return found


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
class TestTheOwnersRun:
    def test_nothing_personal_is_left_in_any_table(self, grave: personas.House) -> None:
        before = tables_with(CANARY)
        some = {"patients_patient", "patients_patientevent", "symptoms_symptomlogevent", "titration_planchange"}
        assert some | {"patients_medicine", "patients_medicineevent", "patients_caregrantevent"} <= before
        birth = Patient.objects.get(id=grave.cases["own"].patient.id).birth_date
        call_command("erase_due")
        assert tables_with(CANARY) == set()
        erased = Patient.objects.get(id=grave.cases["own"].patient.id)
        assert (erased.name, erased.email, erased.birth_date == birth) == ("Erased record", "", False)
        assert {"patients_patient", "symptoms_symptomlogevent"} <= tables_with("canary-neighbour")

    def test_the_skeleton_and_the_memory_stay_and_the_chain_still_holds(self, grave: personas.House) -> None:
        own = grave.cases["own"]
        known = [event.id for event in events() if own.patient.id in event.patient_ids]
        call_command("erase_due")
        assert {event.id for event in events()} >= set(known)
        assert len(known) > 5
        prescription = Prescription.objects.get(patient=own.patient)
        assert prescription.signed_at == own.prescription.signed_at
        assert list(PlanChange.objects.filter(prescription=prescription).values_list("reason", flat=True)) == ["erased"]
        (event,) = events(action="erasure.done")
        erasure = Erasure.objects.get()
        assert (erasure.done_at, erasure.removed) == (LATER, event.details["removed"])
        assert erasure.removed["symptoms.SymptomLog"] == 7
        assert erasure.removed["patients.Medicine"] == 1
        sealing.seal(at=LATER)
        assert verifying.verify(at=LATER).faults == []

    def test_the_way_in_is_gone_and_nobody_of_the_clinic_finds_the_record(self, grave: personas.House) -> None:
        own = grave.cases["own"]
        call_command("erase_due")
        assert grave.personas["patient"].client().get("/p/").status_code == 404
        assert not Phone.objects.filter(patient=own.patient).exists()
        prescriber = pages.client_of(_actor(User.objects.get(name="First Prescriber"), own.patient.clinic_id))
        assert prescriber.get(reverse("desk:patient", args=[own.patient.id])).status_code == 404
        assert "Erased record" not in words_of(prescriber.get(reverse("desk:patients")))

    def test_twice_erases_once_and_the_page_shows_the_record_of_it(self, grave: personas.House) -> None:
        assert [erasing.erase_due(at=LATER) for _ in range(2)] == [1, 0]
        administrator = factories.member(grave.cases["own"].patient.clinic, ROLES.ADMINISTRATOR)
        page = words_of(pages.client_of(administrator).get(reverse("desk:retention")))
        assert "Erased on Fri 1 June 2035" in page
        assert "time is over" in page

    def test_what_was_written_since_takes_it_back(self, grave: personas.House) -> None:
        own = grave.cases["own"].patient
        factories.told_night(own, LATER.date() - timedelta(days=2))
        assert erasing.erase_due(at=LATER) == 0
        assert Erasure.objects.get().withdrawn_at == LATER
        assert CANARY in Patient.objects.get(id=own.id).name
        assert len(events(action="erasure.lapsed")) == 1

    def test_before_it_is_due_nothing_goes(self, grave: personas.House) -> None:
        Erasure.objects.update(due_at=LATER + timedelta(microseconds=1))
        assert erasing.erase_due(at=LATER) == 0
        assert CANARY in Patient.objects.get(id=grave.cases["own"].patient.id).name

    def test_a_run_that_breaks_leaves_everything_as_it_was(self, grave: personas.House, monkeypatch: Any) -> None:
        before = tables_with(CANARY)
        monkeypatch.setitem(erasing.DELETED, "reminders.Heartbeat", "no_such_column = {patient}")
        with pytest.raises(Exception, match="no_such_column"):
            erasing.erase_due(at=LATER)
        assert tables_with(CANARY) == before
        assert Erasure.objects.get().done_at is None

    def test_the_applications_role_cannot_do_it(self, grave: personas.House, monkeypatch: Any) -> None:
        monkeypatch.setattr(erasing, "OWNER", "default")
        with pytest.raises(Exception, match="permission denied"):
            erasing.erase_due(at=LATER)
        assert Erasure.objects.get().done_at is None


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_reminders_are_forgotten_two_years_after_their_end(settings: Any, tmp_path: Any) -> None:
    settings.EXPORT_DIR = tmp_path
    with time_machine.travel(THEN, tick=False):
        house = personas.build()
    reminder = house.cases["own"].reminder
    Attempt.objects.create(clinic_id=reminder.clinic_id, reminder=reminder, number=1, outcome="begun", at=THEN)
    in_two_years = THEN.replace(year=THEN.year + 2)
    assert erasing.forget_reminders(at=in_two_years + timedelta(days=9)) == 0, "nobody has settled it"
    Reminder.objects.filter(id=reminder.id).update(state="sent", done_at=THEN)
    assert erasing.forget_reminders(at=in_two_years) == 0
    assert erasing.forget_reminders(at=in_two_years + timedelta(microseconds=1)) == 1
    assert not Reminder.objects.filter(id=reminder.id).exists()
    assert Reminder.objects.count() == 2
    (event,) = events(action="reminders.forget")
    assert (event.clinic_id, event.details) == (reminder.clinic_id, {"ended": {"sent": 1}})


def test_every_table_with_a_patients_rows_has_its_fate() -> None:
    """A new table that points at a patient, however far round, stands in exactly one of the three lists."""
    told = [*erasing.DELETED, *erasing.BLANKED, *erasing.versions(), *erasing.KEPT]
    assert len(told) == len(set(told))
    reached: set[type[models.Model]] = {Patient}
    while True:
        more = {
            model
            for model in apps.get_models()
            if any(field.is_relation and field.related_model in reached for field in model._meta.concrete_fields)
        }
        if more <= reached:
            break
        reached |= more
    assert {model._meta.label for model in reached} - set(told) == set()
