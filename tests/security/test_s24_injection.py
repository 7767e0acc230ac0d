"""S24: no field smuggles a header or a recipient into a mail, and no field takes an address to fetch (SSRF)."""

from collections.abc import Iterator
from typing import Any

import pytest
from django import forms
from django.apps import apps
from django.db import models
from django.test import Client

from accounts.actors import Actor
from accounts.models import User
from common import clock, post
from imports.forms import BringForm
from launch.places import ROOT
from patients import services as patients_services
from patients.models import Patient
from tests import factories, pages
from tests.phones import phone_of
from tests.reliability import smtp_stub
from tests.reliability.smtp_stub import Stub

EVIL = "evil@test.invalid"
INJECTIONS = tuple(
    f"{before}{line_end}{header}: {EVIL}{after}"
    for before in ("good@test.invalid", "Good Name")
    for line_end in ("\r\n", "\n", "\r", "%0d%0a", "\u2028", "\x0b", "\x85")
    for header, after in (("Bcc", ""), ("Subject", "\r\n\r\nbody"))
)


@pytest.fixture
def stub(settings: Any) -> Iterator[Stub]:
    with smtp_stub.running() as (stub, port):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        yield stub


@pytest.fixture
def nurse(db: None) -> Actor:
    return factories.member(factories.clinic(), "nurse")


@pytest.fixture
def patient(nurse: Actor) -> Patient:
    from accounts.models import Clinic

    return factories.patient(Clinic.objects.get(id=nurse.clinic_id))


def assert_clean(stub: Stub) -> None:
    """Whatever left went to one person, with the headers we write and none that was typed."""
    for message in stub.messages:
        assert EVIL not in str(message.items()), message
        assert message["Bcc"] is None
        assert len(message.get_all("To", [])) == len(message.get_all("Subject", [])) == 1
    assert EVIL not in stub.recipients


@pytest.mark.parametrize("typed", INJECTIONS, ids=ascii)
def test_nothing_typed_into_a_form_reaches_the_headers(
    stub: Stub, nurse: Actor, patient: Patient, typed: str, django_capture_on_commit_callbacks: Any
) -> None:
    desk, phone = pages.client_of(nurse), phone_of(patient, clock.now())
    tomorrow = clock.now().date().isoformat()
    with django_capture_on_commit_callbacks(execute=True):
        for name, email in ((typed, "helper@test.invalid"), ("A helper", typed)):
            helper = {"name": name, "email": email, "relation": typed, "rights": "view", "last_day": tomorrow}
            desk.post(f"/patients/{patient.id}/helpers/", helper)
            phone.post("/p/helpers/new/", helper)
        contact = {"email": typed, "reminders_by_email": "on", "log_reminder_at": "09:00", "seen_version": "1"}
        assert desk.post(f"/patients/{patient.id}/contact/", contact).status_code == 422
        desk.post(f"/patients/{patient.id}/invite/")
        Client().post("/accounts/password/reset/", {"email": typed})
    assert stub.messages, "the deeds of this test must mail something"
    assert_clean(stub)


@pytest.mark.parametrize("stored", [one for one in INJECTIONS if "%" not in one][:8], ids=ascii)
def test_an_address_that_is_in_the_rows_already_sends_nothing(stub: Stub, db: None, stored: str) -> None:
    """The second wall: were a bad address written past the forms, the mail would not leave, and nothing falls over."""
    sent = post.send(subject="Hello", template="mail/code.txt", context={"code": "000000"}, address=stored)
    assert_clean(stub)
    assert not sent or not stub.messages


def test_a_clinics_and_a_members_name_stay_out_of_headers(stub: Stub, db: None) -> None:
    clinic = factories.clinic(f"Clinic\r\nBcc: {EVIL}")
    by = factories.member(clinic, "nurse", f"Nurse\r\nBcc: {EVIL}")
    User.objects.filter(id=by.user_id).update(email="nurse@test.invalid")
    patient = factories.patient(clinic, f"Patient\r\nBcc: {EVIL}")
    opening = patients_services.invite(patient=patient, by=by, at=clock.now())
    from patients.channels import invitation

    assert invitation.send(address=patient.email, link=f"/p/open/{opening.token}/", until=clock.now().date())
    Client().post("/accounts/password/reset/", {"email": "nurse@test.invalid"})
    assert_clean(stub)


def forms_of_ours() -> list[type[forms.BaseForm]]:
    found, waiting = [], [forms.BaseForm]
    while waiting:
        here = waiting.pop()
        waiting += here.__subclasses__()
        if here.__module__.split(".")[0] in {config.name for config in apps.get_app_configs()} | {"desk", "portal"}:
            found.append(here)
    return found


TAKES_A_FILE = {(BringForm, "file")}
"""The one field of all that takes a file: what comes in by it is read in memory and thrown away (docs/adr/0024)."""


def test_no_field_takes_an_address_to_fetch_and_but_one_a_file() -> None:
    forbidden = (forms.URLField, forms.FileField, forms.GenericIPAddressField, forms.FilePathField)
    ours = forms_of_ours()
    assert len(ours) > 10
    for form in ours:
        fields = getattr(form, "base_fields", {})
        found = {(form, name) for name, field in fields.items() if isinstance(field, forbidden)}
        assert found <= TAKES_A_FILE
    columns = [field for model in apps.get_models() for field in model._meta.get_fields()]
    assert not [field for field in columns if isinstance(field, models.URLField | models.FileField)]


def test_no_page_asks_for_one() -> None:
    for page in (ROOT / "templates").rglob("*.html"):
        words = page.read_text()
        assert 'type="url"' not in words, page
        assert 'type="file"' not in words, page
