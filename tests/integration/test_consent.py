"""Consent: read and signed on a phone, by a guardian, on paper; taken back; and due anew when something changed."""

import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.core import mail
from django.db import ProgrammingError, transaction
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from common.refusals import Refused, Stale
from patients import consent, selectors_consent
from patients.models import Consent, Patient, PatientCondition
from patients.services import consenting
from tests import factories, memory, pages
from tests.pages import words_of
from tests.phones import phone_of

AT = factories.AT
BORN_LATELY = AT.date() - timedelta(days=12 * 366)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def now(settings: Any) -> Iterator[None]:
    pages.stay_signed_in(settings)
    with time_machine.travel(AT, tick=False):
        yield


@pytest.fixture
def clinic() -> Clinic:
    return factories.clinic()


@pytest.fixture
def nurse(clinic: Clinic) -> Actor:
    return factories.member(clinic, Membership.Role.NURSE, name="Test Nurse")


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    made = factories.patient(clinic)
    PatientCondition.objects.create(clinic=clinic, patient=made, position=0, code="crohn")
    return made


def stands(patient: Patient) -> selectors_consent.Standing:
    return selectors_consent.consent_of(patient, at=AT)


def due(patient: Patient, **more: Any) -> str:
    return selectors_consent.consent_due(patient, at=more.get("at", AT)) or ""


def seen(patient: Patient) -> str:
    return consenting.shown_to(patient, stands(patient)).sha256


def sign(patient: Patient, by: Actor | None = None, **more: Any) -> Consent:
    values = {"typed_name": "Test Patient", "agreed": True, "seen_sha256": seen(patient), **more}
    return consenting.sign(patient=patient, by=by or factories.patient_actor(patient), at=AT, **values)


def paper(patient: Patient, by: Actor, **more: Any) -> Consent:
    values = {"typed_name": "Test Patient", "signed_on": AT.date(), "seen_sha256": seen(patient), "at": AT, **more}
    return consenting.record_paper(patient=patient, by=by, **values)


def publish(by: Actor, *, material: bool = True, number: int = 0, **more: Any) -> Any:
    ours = consent.shipped()
    values = {"title": ours.title, "body": f"{ours.body}\n# Parking\nBehind the house.", "because": "Parking", **more}
    return consenting.publish(material=material, seen_number=number, by=by, at=AT, **values)


class TestSigning:
    def test_what_was_shown_is_kept_word_for_word_with_its_hash(self, patient: Patient) -> None:
        row = sign(patient)
        assert hashlib.sha256(row.shown.encode()).hexdigest() == row.sha256 == seen(patient)
        assert "Crohn’s disease" in row.shown
        assert (row.typed_name, row.how, row.signed_on) == ("Test Patient", Consent.How.PHONE, AT.date())
        assert row.at == AT
        assert not due(patient)
        assert "consent.signed" in {event.action for event in memory.events()}

    def test_a_text_that_changed_since_is_not_signed(self, clinic: Clinic, patient: Patient) -> None:
        before = seen(patient)
        publish(factories.member(clinic))
        with pytest.raises(Stale, match="changed since it was shown"):
            sign(patient, seen_sha256=before)
        assert not stands(patient).rows

    def test_without_a_name_or_the_tick_nothing_is_signed(self, patient: Patient) -> None:
        with pytest.raises(Refused, match="Type the name"):
            sign(patient, typed_name="")
        with pytest.raises(Refused, match="Tick that you agree"):
            sign(patient, agreed=False)

    def test_nobody_signs_for_an_adult(self, patient: Patient, nurse: Actor) -> None:
        from patients.services import carer_actor

        grant, _ = factories.carer(patient)
        with pytest.raises(Refused, match="signs for themself"):
            sign(patient, by=carer_actor(grant, request_id=None))
        with pytest.raises(Refused, match="Only the patient"):
            sign(patient, by=nurse)
        with pytest.raises(Refused, match="Only the patient"):
            sign(patient, by=factories.patient_actor(factories.patient(patient.clinic)))

    def test_a_guardian_signs_for_a_child_and_the_child_does_not(self, clinic: Clinic) -> None:
        from patients.services import carer_actor

        child = factories.patient(clinic, birth_date=BORN_LATELY)
        grant, _ = factories.carer(child)
        with pytest.raises(Refused, match="parent or guardian"):
            sign(child)
        row = sign(child, by=carer_actor(grant, request_id=None), typed_name="Test Helper")
        assert row.how == Consent.How.GUARDIAN
        assert row.was_child
        assert "for a child" in row.shown

    def test_it_is_never_rewritten(self, patient: Patient, clinic: Clinic) -> None:
        row = sign(patient)
        text = publish(factories.member(clinic))
        for rows in (Consent.objects.filter(id=row.id, patient=patient), type(text).objects.filter(clinic=clinic)):
            with pytest.raises(ProgrammingError), transaction.atomic():
                rows.update(by_label="Another")

    def test_paper_is_recorded_with_its_own_day(self, patient: Patient, nurse: Actor) -> None:
        row = paper(patient, nurse, signed_on=AT.date() - timedelta(days=3))
        assert (row.how, row.by_label) == (Consent.How.PAPER, "Test Nurse")
        assert not due(patient)
        with pytest.raises(Refused, match="after today"):
            paper(patient, nurse, signed_on=AT.date() + timedelta(days=1))
        with pytest.raises(Refused, match="before the patient was born"):
            paper(patient, nurse, signed_on=date(1979, 12, 31))

    @pytest.mark.parametrize("days_before", [0, 1, 40])
    def test_a_paper_of_a_time_before_it_was_taken_back_does_not_bring_it_back(
        self, patient: Patient, nurse: Actor, days_before: int
    ) -> None:
        sign(patient)
        consenting.withdraw(patient=patient, words="", by=factories.patient_actor(patient), at=AT)
        later, signed_on = AT + timedelta(days=2), AT.date() - timedelta(days=days_before)
        with pytest.raises(Refused, match="taken back on 2 March 2026"):
            paper(patient, nurse, signed_on=signed_on, at=later)
        assert "taken back" in due(patient, at=later)
        paper(patient, nurse, signed_on=AT.date() + timedelta(days=1), at=later)
        assert not due(patient, at=later)

    def test_it_is_refused_also_after_another_was_signed_since(self, patient: Patient, nurse: Actor) -> None:
        sign(patient)
        consenting.withdraw(patient=patient, words="", by=factories.patient_actor(patient), at=AT)
        row = sign(patient)
        with pytest.raises(Refused, match="taken back on"):
            paper(patient, nurse, signed_on=AT.date() - timedelta(days=3))
        assert stands(patient).holds == row

    def test_a_paper_signed_for_a_child_is_a_childs_when_it_is_recorded_later(
        self, clinic: Clinic, nurse: Actor
    ) -> None:
        grown = factories.patient(clinic, birth_date=date(2008, 3, 2))
        row = paper(grown, nurse, typed_name="Test Helper", signed_on=AT.date() - timedelta(days=1))
        assert row.was_child
        assert "for a child" in row.shown
        assert hashlib.sha256(row.shown.encode()).hexdigest() == row.sha256
        assert "grown up" in due(grown)
        row = paper(grown, nurse)
        assert not row.was_child
        assert "for a child" not in row.shown
        assert not due(grown)

    def test_a_stranger_and_an_auditor_record_nothing(self, clinic: Clinic, patient: Patient) -> None:
        with pytest.raises(Refused, match="No record of yours"):
            paper(patient, factories.member(factories.clinic("Another Clinic")))
        with pytest.raises(Refused, match="may not register"):
            paper(patient, factories.member(clinic, Membership.Role.AUDITOR))


class TestDue:
    def test_it_is_due_until_signed_and_again_when_taken_back(self, patient: Patient) -> None:
        assert "Nobody has signed" in due(patient)
        sign(patient)
        consenting.withdraw(patient=patient, words="", by=factories.patient_actor(patient), at=AT)
        assert "taken back" in due(patient)
        with pytest.raises(Refused, match="no consent to take back"):
            consenting.withdraw(patient=patient, words="", by=factories.patient_actor(patient), at=AT)

    def test_asking_changes_nothing_of_what_stands(self, patient: Patient, nurse: Actor) -> None:
        sign(patient)
        consenting.ask(patient=patient, by=nurse, at=AT)
        assert not due(patient)
        assert selectors_consent.asked_to_sign(patient)
        sign(patient)
        assert not selectors_consent.asked_to_sign(patient)

    def test_a_new_condition_asks_anew(self, patient: Patient) -> None:
        sign(patient)
        PatientCondition.objects.create(clinic=patient.clinic, patient=patient, position=1, code="ibs")
        assert "conditions have changed" in due(patient)

    def test_a_child_signs_for_themself_once_grown_up(self, clinic: Clinic, nurse: Actor) -> None:
        child = factories.patient(clinic, birth_date=date(2008, 3, 3))
        paper(child, nurse)
        assert not due(child)
        assert "grown up" in due(child, at=AT + timedelta(days=1))

    def test_only_a_material_text_asks_anew(self, clinic: Clinic, patient: Patient) -> None:
        prescriber = factories.member(clinic)
        sign(patient)
        publish(prescriber)
        assert "text has changed" in due(patient)
        sign(patient)
        publish(prescriber, material=False, number=1)
        assert not due(patient)
        publish(prescriber, material=True, number=2)
        assert "text has changed" in due(patient)

    def test_the_first_text_of_a_clinics_own_is_material_in_any_case(self, clinic: Clinic, patient: Patient) -> None:
        sign(patient)
        publish(factories.member(clinic), material=False)
        assert "text has changed" in due(patient)


class TestPublishing:
    def test_two_people_do_not_publish_over_each_other(self, clinic: Clinic) -> None:
        publish(factories.member(clinic))
        with pytest.raises(Stale):
            publish(factories.member(clinic))

    def test_a_nurse_publishes_nothing_and_a_short_text_is_none(self, clinic: Clinic, nurse: Actor) -> None:
        with pytest.raises(Refused, match="may not publish"):
            publish(nurse)
        with pytest.raises(Refused, match="too short"):
            publish(factories.member(clinic), body="# Yes\n{evidence}")

    def test_it_is_that_clinics_alone(self, clinic: Clinic) -> None:
        publish(factories.member(clinic))
        assert selectors_consent.text_in_force(clinic.id).key == "clinic-1"
        assert selectors_consent.text_in_force(factories.clinic("Another Clinic").id).key == consent.shipped().key


class TestDesk:
    @pytest.fixture
    def desk(self, nurse: Actor) -> Client:
        return pages.client_of(nurse)

    def url(self, patient: Patient, name: str = "consent") -> str:
        return reverse(f"desk:{name}", kwargs={"patient_id": patient.id})

    def test_the_text_as_this_patient_reads_it_and_why_it_is_due(self, desk: Client, patient: Patient) -> None:
        words = words_of(desk.get(self.url(patient)))
        assert "Nobody has signed the consent yet." in words
        assert "For Crohn’s disease a trial of 40 adults" in words
        assert "Neither a clinician nor a lawyer has reviewed this text yet." in words

    def test_a_paper_is_recorded_and_a_bad_date_is_told_beside_it(self, desk: Client, patient: Patient) -> None:
        sent = {"typed_name": "Test Patient", "signed_on": "2026-03-09", "seen": seen(patient)}
        response = desk.post(self.url(patient), sent)
        assert response.status_code == 422
        assert "after today" in words_of(response)
        assert "Test Patient" in response.content.decode()
        done = desk.post(self.url(patient), {**sent, "signed_on": "2026-03-01"}, follow=True)
        assert "Test Patient, Sun 1 March 2026, on paper, recorded by the clinic" in words_of(done)
        assert stands(patient).holds is not None

    def test_a_paper_of_an_older_text_is_stale(self, desk: Client, patient: Patient, clinic: Clinic) -> None:
        sent = {"typed_name": "Test Patient", "signed_on": "2026-03-01", "seen": seen(patient)}
        publish(factories.member(clinic))
        assert desk.post(self.url(patient), sent).status_code == 409

    def test_asking_mails_nothing_about_anybody(
        self, desk: Client, patient: Patient, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            assert desk.post(self.url(patient, "consent_send")).status_code == 302
        (sent,) = mail.outbox
        said = f"{sent.subject} {sent.body}".casefold()
        assert not [word for word in ("naltrexone", "consent", "clinic", "test patient") if word in said]

    @pytest.mark.parametrize("which", ["", "signed"])
    def test_it_prints(self, desk: Client, patient: Patient, nurse: Actor, which: str) -> None:
        paper(patient, nurse)
        response = desk.post(self.url(patient, "consent_print"), {"which": which})
        assert response.status_code == 200
        assert response.content.startswith(b"%PDF")
        assert response["Cache-Control"] == "no-store"
        assert "consent.printed" in {event.action for event in memory.events()}

    def test_it_is_taken_back_on_the_page(self, desk: Client, patient: Patient, nurse: Actor) -> None:
        paper(patient, nurse)
        done = desk.post(self.url(patient), {"action": "withdraw", "words": "Changed their mind"}, follow=True)
        assert "Changed their mind" in words_of(done)
        assert "The consent was taken back." in words_of(done)

    def test_a_clinic_publishes_its_own_text(self, clinic: Clinic) -> None:
        desk = pages.client_of(factories.member(clinic, Membership.Role.ADMINISTRATOR))
        url, ours = reverse("desk:consent_texts"), consent.shipped()
        page = desk.get(url)
        assert "that benefit is uncertain" in words_of(page)
        sent = {"title": "Ours", "body": "# Too short\n{evidence}", "because": "Ours", "seen_number": "0"}
        assert desk.post(url, sent).status_code == 422
        done = desk.post(url, {**sent, "body": ours.body, "material": "on"}, follow=True)
        assert "In force is your clinic's version 1" in words_of(done)


class TestPhone:
    def test_a_patient_reads_and_signs_and_may_take_it_back(self, patient: Patient, nurse: Actor) -> None:
        consenting.ask(patient=patient, by=nurse, at=AT)
        phone = phone_of(patient, AT)
        assert "asks you to read something and to sign it" in words_of(phone.get("/p/"))
        page = phone.get("/p/agreement/")
        assert "Nobody can say whether it will help you." in words_of(page)
        sent = {"seen": page.context["shown"].sha256, "typed_name": "Test Patient"}
        refused = phone.post("/p/agreement/", sent)
        assert refused.status_code == 422
        assert "Tick that you agree" in words_of(refused)
        assert 'value="Test Patient"' in refused.content.decode()
        done = phone.post("/p/agreement/", {**sent, "agreed": "on"}, follow=True)
        assert "Signed by Test Patient, 10:00 today." in words_of(done)
        assert "asks you to read" not in words_of(phone.get("/p/"))
        back = phone.post("/p/agreement/", {"action": "withdraw"}, follow=True)
        assert "take no further dose and call them" in words_of(back)
        assert "The consent was taken back." in words_of(back)

    def test_a_changed_text_is_read_again_before_it_is_signed(self, patient: Patient, clinic: Clinic) -> None:
        phone = phone_of(patient, AT)
        sent = {"seen": seen(patient), "typed_name": "Test Patient", "agreed": "on"}
        publish(factories.member(clinic))
        response = phone.post("/p/agreement/", sent)
        assert response.status_code == 409
        assert "Behind the house." in words_of(response)
        assert f'value="{seen(patient)}"' in response.content.decode()

    def test_a_guardian_signs_on_their_own_phone_and_a_child_reads(self, clinic: Clinic) -> None:
        child = factories.patient(clinic, birth_date=BORN_LATELY)
        assert "A parent or guardian reads and signs this for you" in words_of(phone_of(child, AT).get("/p/agreement/"))
        for rights, status in (("log", 200), ("view", 404)):
            _, secret = factories.carer(child, rights)
            client = pages.new_client()
            client.cookies[django_settings.CARER_COOKIE_NAME] = secret
            assert client.get("/p/agreement/").status_code == status
