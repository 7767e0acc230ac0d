"""Correcting a patient's address and reminders, through the page."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.core.mail import EmailMessage
from django.test import Client
from django.utils.html import strip_tags

from accounts.actors import Actor
from accounts.models import Clinic, Membership, User
from common.refusals import Refused
from patients import services
from patients.models import ContactPreference, Patient
from tests import factories, memory, pages
from tests.pages import words_of

NOW = datetime(2026, 3, 16, 10, tzinfo=UTC)
TYPED = {"email": "right@test.invalid", "reminders_by_email": "on", "log_reminder_at": "07:30", "seen_version": "1"}


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def clinic(db: None) -> Clinic:
    return factories.clinic()


@pytest.fixture
def staff(clinic: Clinic) -> Actor:
    return factories.member(clinic, Membership.Role.STAFF)


@pytest.fixture
def desk(staff: Actor) -> Client:
    return pages.client_of(staff)


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return factories.patient(clinic, "Reached Person")


def url(patient: Patient) -> str:
    return f"/patients/{patient.id}/contact/"


def standing(patient: Patient) -> tuple[str, bool, time, int]:
    row = Patient.objects.select_related("contact").get(id=patient.id)
    return row.email, row.contact.reminders_by_email, row.contact.log_reminder_at, row.version


AS_MADE = ("patient@test.invalid", True, time(9), 1)


def test_the_form_shows_what_stands(desk: Client, patient: Patient) -> None:
    response = desk.get(url(patient))
    page = response.content.decode()
    for part in ('value="patient@test.invalid"', 'value="09:00"', "checked", 'name="seen_version" value="1"'):
        assert part in page, part
    assert "own clock in Europe/London" in words_of(response)
    assert memory.event(action="patient.contact_page").patient_ids == [patient.id]


def test_what_is_typed_is_saved_and_said(desk: Client, patient: Patient) -> None:
    response = desk.post(url(patient), {**TYPED, "reminders_by_email": ""})
    assert (response.status_code, response.url) == (302, f"/patients/{patient.id}/")
    assert standing(patient) == ("right@test.invalid", False, time(7, 30), 2)
    words = words_of(desk.get(response.url))
    assert "Address and reminders are saved." in words
    assert "Goes to right@test.invalid" in words


def test_no_account_gets_a_copy_of_the_address(desk: Client, patient: Patient) -> None:
    own = User.objects.create_user("patient-own", name="the patient")
    Patient.objects.filter(id=patient.id).update(user=own)
    desk.post(url(patient), TYPED)
    assert not User.objects.filter(email="right@test.invalid").exists()


def test_the_memory_says_what_kind_of_thing_was_changed_and_no_words(
    desk: Client, patient: Patient, staff: Actor
) -> None:
    desk.post(url(patient), TYPED)
    event = memory.event(action="patient.contact")
    assert (event.patient_ids, event.subject_id, event.actor_id) == ([patient.id], patient.id, staff.user_id)
    assert event.details == {"changed": ["address", "time"]}


def test_over_somebody_elses_change_it_is_not_saved_and_nothing_typed_is_lost(desk: Client, patient: Patient) -> None:
    assert desk.post(url(patient), {**TYPED, "email": "first@test.invalid"}).status_code == 302
    response = desk.post(url(patient), {**TYPED, "log_reminder_at": "06:15"})
    assert response.status_code == 409
    assert standing(patient) == ("first@test.invalid", True, time(7, 30), 2)
    page, words = response.content.decode(), words_of(response)
    assert "Somebody has changed this record" in words
    assert "first@test.invalid Reminders go there by e-mail; the one about the night at 07:30." in words
    for kept in ('value="right@test.invalid"', 'value="06:15"', 'name="seen_version" value="2"'):
        assert kept in page, kept
    assert desk.post(url(patient), {**TYPED, "seen_version": "2"}).status_code == 302
    assert standing(patient)[0] == "right@test.invalid"


def test_the_same_click_twice_changes_once(desk: Client, patient: Patient) -> None:
    assert [desk.post(url(patient), TYPED).status_code for _ in range(2)] == [302, 302]
    assert standing(patient)[3] == 2
    assert len(memory.events(action="patient.contact")) == 1


@pytest.mark.parametrize("seen", ["", "0", "9", "one", "-1", "1" * 40])
def test_a_version_nobody_was_shown_saves_nothing(desk: Client, patient: Patient, seen: str) -> None:
    assert desk.post(url(patient), {**TYPED, "seen_version": seen}).status_code == 409
    assert standing(patient) == AS_MADE


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("email", "", "The e-mail address is missing"),
        ("email", "nobody", "That is not an e-mail address"),
        ("email", "a@test.invalid\r\nBcc: b@test.invalid", "That is not an e-mail address"),
        ("email", "a@" + ".".join(["b" * 60] * 4) + ".test.invalid", "and 254 fit"),
        ("log_reminder_at", "", "The time is missing"),
        ("log_reminder_at", "25:00", "Write the time like 09:00"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_nothing_typed_is_lost(
    desk: Client, patient: Patient, field: str, typed: str, sentence: str
) -> None:
    sent = {**TYPED, field: typed}
    response = desk.post(url(patient), sent)
    page = response.content.decode()
    assert response.status_code == 422
    assert standing(patient) == AS_MADE
    beside = page[page.index(f'id="div_id_{field}"') :]
    feedback = re.search(r'class="invalid-feedback"[^>]*>(.*?)</', beside, re.DOTALL)
    assert feedback
    assert sentence in unescape(strip_tags(feedback[1]))
    for value in sent.values():
        assert value in unescape(page)


@pytest.mark.parametrize("role", [Membership.Role.AUDITOR, Membership.Role.ADMINISTRATOR])
def test_who_may_not_register_may_not_change_it(clinic: Clinic, patient: Patient, role: str) -> None:
    outsider = factories.member(clinic, role)
    client = pages.client_of(outsider)
    assert client.get(url(patient)).status_code == 403
    assert client.post(url(patient), TYPED).status_code == 403
    with pytest.raises(Refused, match="may not register patients"):
        services.change_contact(
            patient=patient,
            email="right@test.invalid",
            reminders_by_email=True,
            log_reminder_at=time(9),
            seen_version=1,
            by=outsider,
            at=NOW,
        )
    assert standing(patient) == AS_MADE


def test_another_clinics_patient_is_nobody(desk: Client) -> None:
    foreign = factories.patient(factories.clinic("Other Clinic"))
    assert desk.get(url(foreign)).status_code == 404
    assert desk.post(url(foreign), TYPED).status_code == 404
    assert standing(foreign) == AS_MADE


def test_the_patients_page_says_that_mail_failed_until_the_address_is_another(desk: Client, patient: Patient) -> None:
    page = f"/patients/{patient.id}/"
    assert "Mail to this address failed" not in words_of(desk.get(page))
    ContactPreference.objects.filter(patient=patient).update(address_failed_at=NOW)
    assert "Mail to this address failed" in words_of(desk.get(page))
    assert "Mail to this address failed" in words_of(desk.get(url(patient)))
    desk.post(url(patient), {**TYPED, "email": patient.email})
    assert "Mail to this address failed" in words_of(desk.get(page))
    desk.post(url(patient), {**TYPED, "seen_version": "2"})
    assert ContactPreference.objects.get(patient=patient).address_failed_at is None
    assert "Mail to this address failed" not in words_of(desk.get(page))


def test_the_patients_page_leads_here(desk: Client, patient: Patient) -> None:
    assert f'href="{url(patient)}"' in desk.get(f"/patients/{patient.id}/").content.decode()


def test_the_old_address_is_told_in_words_that_name_nobody(
    desk: Client, patient: Patient, mailoutbox: list[EmailMessage], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        desk.post(url(patient), TYPED)
        desk.post(url(patient), {**TYPED, "log_reminder_at": "08:30", "seen_version": "2"})
    (mail,) = mailoutbox
    assert mail.to == ["patient@test.invalid"]
    assert "The address your clinic writes to was changed" in mail.body
    for secret in ("Reached", "right@test.invalid", patient.record_number, str(patient.id), "Test Clinic"):
        assert secret not in str(mail.message()), secret


def test_a_mail_that_fails_in_whatever_way_does_not_undo_what_stands(
    desk: Client, patient: Patient, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def broken(**_: Any) -> bool:
        raise RuntimeError

    monkeypatch.setattr("common.post.send", broken)
    with django_capture_on_commit_callbacks(execute=True) as called:
        assert desk.post(url(patient), TYPED).status_code == 302
        assert desk.post(f"/patients/{patient.id}/invite/").status_code == 302
    assert len(called) == 2
    assert standing(patient)[0] == "right@test.invalid"
    assert patient.invitations.filter(replaced_at=None, mailed_at=None).count() == 1


def test_codes_and_proofs_by_the_old_address_hold_no_longer(desk: Client, patient: Patient) -> None:
    other = factories.phone(factories.patient(patient.clinic), NOW, proved_until=NOW + timedelta(minutes=5))[0]
    phone = factories.phone(patient, NOW, proved_until=NOW + timedelta(minutes=5))[0]
    services.make_code(phone=phone, by=services.patient_actor(phone, request_id=None), at=NOW)
    desk.post(url(patient), {**TYPED, "email": "patient@test.invalid"})
    phone.refresh_from_db()
    assert phone.proved_until
    assert phone.codes.filter(spent_at=None).count() == 1
    desk.post(url(patient), {**TYPED, "seen_version": "2"})
    for one in (phone, other):
        one.refresh_from_db()
    assert phone.proved_until is None
    assert phone.codes.filter(spent_at=None).count() == 0
    assert other.proved_until


def test_changing_it_asks_once_more_who_it_is(staff: Actor, patient: Patient) -> None:
    client = pages.client_of(staff, stepped_up=False)
    assert client.get(url(patient)).status_code == 200
    for address in (url(patient), f"/patients/{patient.id}/invite/", f"/patients/{patient.id}/helpers/"):
        assert client.post(address, TYPED).url.startswith("/accounts/go-on/")
    assert standing(patient) == AS_MADE
