"""Reaching a patient: contacts, a colleague asked, instructions read, a night by telephone, and who is seen when."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from common.dose import Dose
from common.night import Slot
from common.refusals import Refused
from patients.models import CareEnded, Patient
from reminders import door
from reminders.models import Occurrence, Reminder
from reminders.services import planning
from symptoms.models import DoseTaken, OpioidReport, SymptomLog
from tests import factories, memory, pages
from tests.phones import phone_of
from titration.engine.course import ChangeTime
from titration.models import ContactAttempt, Instruction, Prescription, Referral, VisitDay
from titration.selectors import reaching
from titration.services import courses, endings
from titration.services import reaching as services

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 16, 10, tzinfo=UTC)
TODAY = NOW.date()
LAST_NIGHT = TODAY - timedelta(days=1)


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def clinic() -> Clinic:
    return factories.clinic()


@pytest.fixture
def nurse(clinic: Clinic) -> Actor:
    return factories.member(clinic, Membership.Role.NURSE, "Test Nurse")


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    made = factories.patient(clinic, "Reached Person")
    factories.prescription(made, at=NOW - timedelta(days=5), code="STD-4W")
    return made


@pytest.fixture
def desk(nurse: Actor) -> Client:
    return pages.client_of(nurse)


def reach(patient: Patient) -> str:
    return f"/patients/{patient.id}/reach/"


class TestContacts:
    def test_a_call_is_on_record_and_on_the_day(self, desk: Client, nurse: Actor, patient: Patient) -> None:
        typed = {"action": "contact", "kind": "call", "outcome": "no_answer", "words": "rang <b>twice</b>"}
        assert desk.post(reach(patient), typed).status_code == 302
        page = pages.words_of(desk.get(reach(patient)))
        assert "Call: no answer “rang <b>twice</b>”Test Nurse" in page
        with time_machine.travel(NOW + timedelta(hours=2), tick=False):
            assert "Call 2 hours ago: no answer" in pages.words_of(pages.client_of(nurse).get("/"))

    def test_without_an_outcome_nothing_is_lost_or_written(self, desk: Client, patient: Patient) -> None:
        answer = desk.post(reach(patient), {"action": "contact", "kind": "call", "words": "what I wrote"})
        assert answer.status_code == 422
        assert "what I wrote" in answer.content.decode()
        assert not ContactAttempt.objects.filter(patient=patient).exists()

    def test_it_is_never_altered(self, nurse: Actor, patient: Patient) -> None:
        row = services.log_contact(patient=patient, kind="call", outcome="reached", words="", by=nurse, at=NOW)
        row.words = "other"
        with pytest.raises(Exception, match="permission denied"):
            row.save()


class TestAColleague:
    def test_a_question_stands_on_the_day_until_it_is_closed(
        self, clinic: Clinic, desk: Client, patient: Patient
    ) -> None:
        colleague = factories.member(clinic, name="Test Colleague")
        typed = {"action": "refer", "to": str(colleague.user_id), "words": "Step or wait?"}
        assert desk.post(reach(patient), typed).status_code == 302
        theirs = pages.client_of(colleague)
        assert "Test Nurse asks you: “Step or wait?”" in pages.words_of(theirs.get("/"))
        assert "Reached Person" in pages.words_of(theirs.get(f"/?clinician={colleague.user_id}"))
        assert desk.post(reach(patient), typed).status_code == 422
        assert theirs.post(reach(patient), {"action": "close"}).status_code == 302
        assert "Step or wait?" not in pages.words_of(theirs.get("/"))
        assert Referral.objects.get(patient=patient).closed_by_id == colleague.user_id

    def test_only_a_colleague_who_reads_records(self, clinic: Clinic, nurse: Actor, patient: Patient) -> None:
        for stranger in (
            factories.member(clinic, Membership.Role.AUDITOR),
            factories.member(factories.clinic("Other Clinic")),
        ):
            assert stranger.user_id is not None
            with pytest.raises(Refused, match="Choose a colleague"):
                services.refer(patient=patient, to=stranger.user_id, words="?", by=nurse, at=NOW)


class TestInstructions:
    def test_words_are_sent_as_they_stand_and_tracked_until_read(
        self, clinic: Clinic, desk: Client, nurse: Actor, patient: Patient
    ) -> None:
        text = {"name": "Morning dose", "words": "Take it in the morning from tomorrow."}
        assert desk.post("/instructions/", text).status_code == 302
        (kept,) = reaching.texts_of(nurse)
        assert desk.post(reach(patient), {"action": "instruct", "text": str(kept.id)}).status_code == 302
        assert "Not read yet" in pages.words_of(desk.get(reach(patient)))
        phone = phone_of(patient, NOW)
        assert "Your clinic wrote to you." in pages.words_of(phone.get("/p/"))
        assert "Take it in the morning from tomorrow." in pages.words_of(phone.get("/p/messages/"))
        assert Instruction.objects.get(patient=patient).read_at is None
        row = Instruction.objects.get(patient=patient)
        assert phone.post("/p/messages/", {"shown": [str(row.id)]}).status_code == 302
        row.refresh_from_db()
        assert row.read_at == NOW
        assert "Your clinic wrote to you" not in pages.words_of(phone.get("/p/"))
        assert "Read Test Nurse" in pages.words_of(desk.get(reach(patient)))

    def test_a_neutral_mail_follows_once_and_not_when_it_was_read(
        self, clinic: Clinic, nurse: Actor, patient: Patient
    ) -> None:
        text = services.keep_text(name="Morning", words="Take it in the morning.", by=nurse, at=NOW)
        services.instruct(patient=patient, text_id=text.id, by=nurse, at=NOW)
        services.instruct(patient=patient, text_id=text.id, by=nurse, at=NOW)
        assert planning.lay_out_messages(clinic_id=clinic.id, at=NOW) == 1
        assert planning.lay_out_messages(clinic_id=clinic.id, at=NOW) == 0
        reminder = Reminder.objects.get(occurrence__patient=patient, occurrence__kind=Occurrence.Kind.MESSAGE)
        known = door.gather([reminder.id])[reminder.id]
        assert door.answer(known, at=NOW) is door.Answer.GO
        sent = Instruction.objects.filter(patient=patient).values_list("id", flat=True)
        services.read_instructions(sent, patient=patient, by=factories.patient_actor(patient), at=NOW)
        known = door.gather([reminder.id])[reminder.id]
        assert door.answer(known, at=NOW) is door.Answer.ALREADY_READ

    def test_what_was_sent_since_the_page_was_made_stays_unread(self, nurse: Actor, patient: Patient) -> None:
        text = services.keep_text(name="Morning", words="Take it in the morning.", by=nurse, at=NOW)
        first = services.instruct(patient=patient, text_id=text.id, by=nurse, at=NOW)
        phone = phone_of(patient, NOW)
        (shown,) = re.findall(r'name="shown" value="([^"]+)"', phone.get("/p/messages/").content.decode())
        assert shown == str(first.id)
        later = services.instruct(patient=patient, text_id=text.id, by=nurse, at=NOW)
        phone.post("/p/messages/", {"shown": [shown, "nonsense"]})
        assert set(Instruction.objects.filter(read_at=None).values_list("id", flat=True)) == {later.id}

    def test_reading_it_is_remembered(self, patient: Patient) -> None:
        phone_of(patient, NOW).get("/p/messages/")
        assert memory.events(action="portal.messages", patient_ids=[patient.id])

    def test_one_unread_for_two_days_is_chased(self, desk: Client, nurse: Actor, patient: Patient) -> None:
        text = services.keep_text(name="Morning", words="Take it in the morning.", by=nurse, at=NOW)
        services.instruct(patient=patient, text_id=text.id, by=nurse, at=NOW)
        assert "An instruction has not been read" not in pages.words_of(desk.get("/"))
        with time_machine.travel(NOW + timedelta(days=2), tick=False):
            assert "An instruction has not been read" in pages.words_of(pages.client_of(nurse).get("/"))

    def test_whose_care_has_ended_is_not_chased(self, desk: Client, nurse: Actor, patient: Patient) -> None:
        text = services.keep_text(name="Morning", words="Take it in the morning.", by=nurse, at=NOW)
        services.instruct(patient=patient, text_id=text.id, by=nurse, at=NOW)
        endings.end_care(patient_id=patient.id, because=CareEnded.MOVED, reason="Moved away.", by=nurse, at=NOW)
        with time_machine.travel(NOW + timedelta(days=2), tick=False):
            assert "An instruction has not been read" not in pages.words_of(pages.client_of(nurse).get("/"))

    def test_one_put_out_of_use_is_sent_no_more(self, desk: Client, nurse: Actor, patient: Patient) -> None:
        text = services.keep_text(name="Morning", words="Take it in the morning.", by=nurse, at=NOW)
        assert desk.post(f"/instructions/{text.id}/leave/").status_code == 302
        with pytest.raises(Refused, match="Choose one of the clinic"):
            services.instruct(patient=patient, text_id=text.id, by=nurse, at=NOW)


class TestANightByPhone:
    def test_it_is_kept_as_reported_by_phone(self, desk: Client, nurse: Actor, patient: Patient) -> None:
        typed = {
            "night": LAST_NIGHT.isoformat(),
            "taken": "taken",
            "sleep_hours": "6,5",
            "pain": "4",
            "lead_symptom": "5",
            "other_medicines_answer": "no",
            "seen_version": "0",
        }
        assert desk.post(f"/patients/{patient.id}/phone/", typed).status_code == 302
        log = SymptomLog.objects.get(patient=patient, night=LAST_NIGHT)
        assert (log.told_by, log.recorded_by_id) == (SymptomLog.ToldBy.PHONE, nurse.user_id)
        assert DoseTaken.objects.get(patient=patient).taken_mg == Dose.of("1.5")
        assert "by phone" in pages.words_of(desk.get(f"/patients/{patient.id}/"))
        again = desk.post(f"/patients/{patient.id}/phone/", typed)
        assert again.status_code == 409
        assert "This night has been told already" in pages.words_of(again)

    def test_a_night_from_before_the_dose_moved_to_the_morning_stays_one_dose(
        self, desk: Client, clinic: Clinic, patient: Patient
    ) -> None:
        plan = Prescription.objects.get(patient=patient)
        courses.change(
            prescription_id=plan.id,
            change=ChangeTime(TODAY, Slot.MORNING),
            reason="Dreams.",
            seen_version=plan.version,
            by=factories.member(clinic),
            at=NOW - timedelta(days=1),
        )
        typed = {"night": LAST_NIGHT.isoformat(), "taken": "taken", "other_medicines_answer": "no", "seen_version": "0"}
        assert desk.post(f"/patients/{patient.id}/phone/", typed).status_code == 302
        assert DoseTaken.objects.get(patient=patient).slot == Slot.BEDTIME
        edited = {**typed, "sleep_hours": "7", "seen_version": "1"}
        assert phone_of(patient, NOW).post(f"/p/night/{LAST_NIGHT.isoformat()}/", edited).status_code == 302
        assert DoseTaken.objects.get(patient=patient).taken_mg == Dose.of("1.5")
        today = {**typed, "night": TODAY.isoformat()}
        assert desk.post(f"/patients/{patient.id}/phone/", today).status_code == 302
        assert DoseTaken.objects.get(patient=patient, plan_date=TODAY).slot == Slot.MORNING

    def test_the_first_dose_of_a_plan_that_awaits_its_medicine_has_its_amount(
        self, desk: Client, clinic: Clinic
    ) -> None:
        waiting = factories.patient(clinic, "Waiting Person")
        factories.prescription(waiting, at=NOW - timedelta(days=5), awaiting=True)
        typed = {"night": LAST_NIGHT.isoformat(), "taken": "taken", "other_medicines_answer": "no", "seen_version": "0"}
        assert desk.post(f"/patients/{waiting.id}/phone/", typed).status_code == 302
        assert DoseTaken.objects.get(patient=waiting).taken_mg == Dose.of("1.5")

    def test_a_yes_to_the_opioid_question_trips_as_ever(self, desk: Client, patient: Patient) -> None:
        typed = {"night": LAST_NIGHT.isoformat(), "other_medicines_answer": "yes", "other_medicines": "codeine"}
        assert desk.post(f"/patients/{patient.id}/phone/", {**typed, "seen_version": "0"}).status_code == 302
        assert OpioidReport.objects.filter(patient=patient).count() == 1

    def test_nothing_told_and_nonsense_are_said_by_the_field(self, desk: Client, patient: Patient) -> None:
        empty = desk.post(f"/patients/{patient.id}/phone/", {"night": LAST_NIGHT.isoformat(), "seen_version": "0"})
        assert empty.status_code == 422
        assert "Nothing is answered yet" in pages.words_of(empty)
        typed = {"night": LAST_NIGHT.isoformat(), "sleep_hours": "much", "pain": "12", "seen_version": "0"}
        wrong = pages.words_of(desk.post(f"/patients/{patient.id}/phone/", typed))
        odd = pages.words_of(desk.post(f"/patients/{patient.id}/phone/", {**typed, "sleep_hours": "nan"}))
        assert "Write the hours as a number, like 6.5." in odd
        assert "Write the hours as a number, like 6.5." in wrong
        assert "Write a whole number from 0 to 10." in wrong

    def test_staff_may_not(self, clinic: Clinic, patient: Patient) -> None:
        staff = pages.client_of(factories.member(clinic, Membership.Role.STAFF))
        assert staff.get(f"/patients/{patient.id}/phone/").status_code == 403

    def test_what_the_patient_tells_is_theirs(self, patient: Patient) -> None:
        factories.told_night(patient, LAST_NIGHT)
        assert SymptomLog.objects.get(patient=patient).told_by == SymptomLog.ToldBy.PATIENT


class TestTheDay:
    def test_who_is_seen_tomorrow_has_a_page_each_to_copy(self, desk: Client, nurse: Actor, patient: Patient) -> None:
        tomorrow = TODAY + timedelta(days=1)
        typed = {"action": "visit", "on": tomorrow.isoformat()}
        assert desk.post(reach(patient), typed).status_code == 302
        services.log_contact(patient=patient, kind="call", outcome="reached", words="fine", by=nurse, at=NOW)
        page = desk.get("/visits/")
        words = pages.words_of(page)
        assert "Seen on Tuesday 17 March 2026" in words
        assert "Reached Person, born 1 January 1980" in words
        assert "Call Mon 16 March 2026, reached: fine" in words
        assert b"<textarea" in page.content
        assert b"readonly" in page.content
        assert "Nobody is marked for this day" in pages.words_of(desk.get("/visits/?on=2026-03-18"))
        for beyond in ("0001-01-01", "9999-12-31"):
            assert desk.get(f"/visits/?on={beyond}").status_code == 200
        assert desk.post(f"/patients/{patient.id}/visits/{tomorrow.isoformat()}/take-back/").status_code == 302
        assert not VisitDay.objects.filter(patient=patient).exists()

    def test_a_day_that_is_over_is_refused_in_words(self, desk: Client, patient: Patient) -> None:
        answer = desk.post(reach(patient), {"action": "visit", "on": "2026-03-15"})
        assert answer.status_code == 422
        assert "Choose a day from today on" in pages.words_of(answer)

    def test_a_note_of_somebody_without_a_plan(self, desk: Client, clinic: Clinic) -> None:
        bare = factories.patient(clinic, "Bare Person")
        assert "No plan is open." in pages.words_of(desk.get(f"/patients/{bare.id}/note/"))


def test_each_label_leads_to_a_field_of_its_own(desk: Client, patient: Patient) -> None:
    names = re.findall(r'\sid="([^"]+)"', desk.get(reach(patient)).content.decode())
    assert "id_words" in names
    assert sorted(names) == sorted(set(names))


def test_a_note_says_the_plan_in_force_and_that_no_dose_is_to_be_taken(desk: Client, patient: Patient) -> None:
    said = pages.words_of(desk.get(f"/patients/{patient.id}/note/"))
    assert "Plan: every 4 weeks (STD-4W). 1 capsule of 1.5 mg at bedtime. In force since" in said, said
    assert "say to take no dose" not in said
    assert ".." not in said
    factories.finding(patient, at=NOW, rule="R17", blocks=["dose", "step"])
    assert "The patient’s pages say to take no dose." in pages.words_of(desk.get(f"/patients/{patient.id}/note/"))
    assert "say to take no dose while an alert above stands" in pages.words_of(desk.get(f"/patients/{patient.id}/"))


def test_the_own_clinics_alone(patient: Patient) -> None:
    stranger = pages.client_of(factories.member(factories.clinic("Other Clinic")))
    for page in ("reach", "phone", "note"):
        assert stranger.get(f"/patients/{patient.id}/{page}/").status_code == 404
