"""Ending a patient's care: everything stops at once, nothing is lost, and it can be taken up again."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from common.refusals import Refused
from patients.models import CareEnded, CareGrant, Invitation, Patient, Phone
from patients.services import consenting, grant_care, invite, screening
from reminders import door
from reminders.door import Answer
from reminders.models import Reminder
from reminders.services import plan
from tests import factories, pages
from tests.pages import words_of
from titration.models import PlanChange, Prescription
from titration.services import courses, endings

AT = factories.AT
BEFORE = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
EVE = datetime(2026, 3, 15, 18, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic() -> Clinic:
    return factories.clinic()


@pytest.fixture
def prescriber(clinic: Clinic) -> Actor:
    return factories.member(clinic, name="Test Prescriber")


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return factories.patient(clinic)


@pytest.fixture
def at_the_desk(settings: Any) -> Iterator[None]:
    pages.stay_signed_in(settings)
    with time_machine.travel(AT, tick=False):
        yield


def end(patient: Patient, by: Actor, *, because: CareEnded = CareEnded.DIED, at: datetime = AT) -> None:
    endings.end_care(patient_id=patient.id, because=because, reason="Told by the family.", by=by, at=at)


class TestWhatStops:
    @pytest.mark.parametrize("because", list(CareEnded))
    def test_the_plan_ends_from_the_next_dose_on_and_says_why(
        self, patient: Patient, prescriber: Actor, because: CareEnded
    ) -> None:
        course = factories.prescription(patient, by=prescriber)
        end(patient, prescriber, because=because)
        course.refresh_from_db()
        assert course.state == Prescription.State.STOPPED
        assert (PlanChange.objects.get().kind, PlanChange.objects.get().cause) == ("stop", because.value)
        assert course.steps.order_by("from_on").last().dose is None

    def test_no_bell_rings_any_more(self, patient: Patient, prescriber: Actor) -> None:
        factories.prescription(patient, by=prescriber)
        plan(at=BEFORE)
        before = list(Reminder.objects.all())
        assert before
        end(patient, prescriber, at=BEFORE)
        known = door.gather(reminder.id for reminder in before)
        assert {door.answer(known[r.id], at=r.next_at) for r in before} == {Answer.NO_OPEN_COURSE}
        plan(at=EVE)
        assert Reminder.objects.count() == len(before)

    def test_phones_invitations_and_helpers_are_turned_away(self, patient: Patient, prescriber: Actor) -> None:
        phone, _ = factories.phone(patient)
        invite(patient=patient, by=prescriber, at=AT)
        grant_care(
            patient=patient,
            name="A Helper",
            email="helper@example.org",
            relation="friend",
            rights="view",
            expires_on=date(2026, 6, 1),
            by=prescriber,
            at=AT,
        )
        end(patient, prescriber)
        assert Phone.objects.get(id=phone.id).revoked_at == AT
        assert not Invitation.objects.filter(spent_at=None, replaced_at=None).exists()
        assert not CareGrant.objects.filter(revoked_at=None).exists()

    def test_nothing_is_prescribed_and_nobody_let_in_afterwards(self, patient: Patient, prescriber: Actor) -> None:
        end(patient, prescriber)
        patient.refresh_from_db()
        for deed in (lambda: factories.prescription(patient, by=prescriber), lambda: self.invited(patient, prescriber)):
            with pytest.raises(Refused, match="has ended"):
                deed()

    def test_who_was_loaded_before_the_end_is_taken_as_their_row_is_when_it_is_held(
        self, patient: Patient, prescriber: Actor
    ) -> None:
        end(patient, prescriber)
        assert patient.care_ended_at is None, "as a page has them that looked before the end"
        for deed in (
            lambda: factories.prescription(patient, by=prescriber),
            lambda: screening.send(patient=patient, by=prescriber, at=AT),
            lambda: consenting.ask(patient=patient, by=prescriber, at=AT),
        ):
            with pytest.raises(Refused, match="has ended"):
                deed()

    @staticmethod
    def invited(patient: Patient, by: Actor) -> None:
        invite(patient=patient, by=by, at=AT)

    def test_it_ends_once(self, patient: Patient, prescriber: Actor) -> None:
        end(patient, prescriber)
        with pytest.raises(Refused, match="already"):
            end(patient, prescriber)

    def test_it_says_how_one_knows(self, patient: Patient, prescriber: Actor) -> None:
        with pytest.raises(Refused, match="how you know"):
            endings.end_care(patient_id=patient.id, because=CareEnded.DIED, reason="", by=prescriber, at=AT)


class TestWhoMay:
    def test_a_nurse_may_end_and_not_take_up_again(self, clinic: Clinic, patient: Patient) -> None:
        nurse = factories.member(clinic, Membership.Role.NURSE)
        factories.prescription(patient)
        end(patient, nurse)
        with pytest.raises(Refused, match="may not prescribe"):
            endings.take_up_again(patient_id=patient.id, by=nurse, at=AT)

    def test_another_clinic_finds_nobody(self, patient: Patient) -> None:
        stranger = factories.member(factories.clinic("Another Clinic"))
        with pytest.raises(Refused, match="No record of yours"):
            end(patient, stranger)


def test_taken_up_again_a_new_plan_can_be_signed(patient: Patient, prescriber: Actor) -> None:
    factories.prescription(patient, by=prescriber)
    end(patient, prescriber)
    endings.take_up_again(patient_id=patient.id, by=prescriber, at=AT)
    patient.refresh_from_db()
    assert (patient.care_ended_at, patient.care_ended_because, patient.care_ended_words) == (None, "", "")
    assert factories.prescription(patient, by=prescriber).state == Prescription.State.ACTIVE


@pytest.mark.django_db(transaction=True)
def test_ended_while_others_hold_and_write_nothing_is_left_open(clinic: Clinic) -> None:
    """A hold, a step, a night and the end at the same time, again and again: each is done whole or refused."""
    nurse, prescriber = factories.member(clinic, Membership.Role.NURSE), factories.member(clinic)
    for _ in range(6):
        patient = factories.patient(clinic)
        course = factories.prescription(patient, by=prescriber)
        gate = threading.Barrier(3)
        with ThreadPoolExecutor(3) as pool:
            deeds = [
                pool.submit(_together, gate, lambda p=patient: end(p, nurse)),
                pool.submit(_together, gate, lambda c=course: _step(c, prescriber)),
                pool.submit(_together, gate, lambda p=patient: factories.told_night(p, AT.date())),
            ]
            outcomes = [deed.result() for deed in deeds]
        assert outcomes[0] is None
        course.refresh_from_db()
        assert course.state == Prescription.State.STOPPED


def _step(course: Prescription, by: Actor) -> None:
    courses.advance(prescription_id=course.id, reason="Early", seen_version=1, by=by, at=AT, early=True)


def _together(gate: threading.Barrier, deed: Any) -> str | None:
    try:
        gate.wait(10)
        deed()
    except Refused as refusal:
        return refusal.sentence
    finally:
        connection.close()
    return None


@pytest.mark.usefixtures("at_the_desk")
class TestThePage:
    def test_it_says_what_stops_and_then_shows_it(self, patient: Patient, prescriber: Actor) -> None:
        factories.prescription(patient, by=prescriber)
        desk = pages.client_of(prescriber)
        page = desk.get(f"/patients/{patient.id}/end-care/")
        assert "The open plan: no dose from the next one on." in words_of(page)
        empty = desk.post(f"/patients/{patient.id}/end-care/", {"because": "", "reason": "Kept words"})
        assert empty.status_code == 422
        assert "Kept words" in empty.content.decode()
        done = desk.post(f"/patients/{patient.id}/end-care/", {"because": "moved", "reason": "By letter"}, follow=True)
        words = words_of(done)
        assert "The patient moved to another clinic. Care here ended on Mon 2 March 2026." in words
        assert "“By letter”" in words
        assert f"/patients/{patient.id}/prescribe/" not in done.content.decode()

    def test_it_is_taken_up_again_from_the_record(self, patient: Patient, prescriber: Actor) -> None:
        end(patient, prescriber)
        desk: Client = pages.client_of(prescriber)
        page = desk.post(f"/patients/{patient.id}/take-up-again/", follow=True)
        assert "The patient is in your clinic's care again." in words_of(page)
