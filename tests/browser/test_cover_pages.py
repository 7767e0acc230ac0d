"""Emergency cards, hours, what is urgent and the first week in a real browser: accessible, no wider than the window."""

from collections.abc import Callable
from datetime import time, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, expect

from accounts.models import ClinicHours, Membership, User
from common import clock
from patients.models import Patient
from reminders.models import UrgentItem
from symptoms.models import OpioidReport
from tests import factories
from tests.browser.conftest import DESK, PHONE, enter
from titration.services import protocols

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ROLES = Membership.Role
in_both_themes = pytest.mark.parametrize(("theme", "window"), [("light", DESK), ("dark", PHONE)], ids=str)


@pytest.fixture
def patient() -> Patient:
    clinic = factories.clinic(urgent_phone="000 000 0001")
    ClinicHours.objects.bulk_create(
        ClinicHours(clinic=clinic, weekday=weekday, opens=time(9), closes=time(17)) for weekday in range(5)
    )
    return factories.patient(clinic, "Example Person")


def new_page(browser: Browser, base_url: str, theme: Any, window: Any) -> Page:
    return browser.new_context(base_url=base_url, color_scheme=theme, viewport=window).new_page()


def looked_at(page: Page, name: str, assert_accessible: Callable[[Page], None]) -> None:
    assert_accessible(page)
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider <= 0, f"{name} is wider than the window"


@in_both_themes
def test_the_patients_pages(
    browser: Browser, base_url: str, theme: Any, window: Any, patient: Patient, assert_accessible: Any
) -> None:
    at = clock.now()
    protocols.load_shipped(at=at)
    factories.prescription(patient, at=at - timedelta(days=4), start_on=(at - timedelta(days=3)).date())
    factories.told_night(patient, (at - timedelta(days=1)).date())
    page = new_page(browser, base_url, theme, window)
    secret = factories.phone(patient, at)[1]
    page.context.add_cookies([{"name": settings.PHONE_COOKIE_NAME, "value": secret, "url": base_url}])
    page.goto("/p/")
    expect(page.get_by_text("Night", exact=False).first).to_be_visible()
    looked_at(page, "tonight", assert_accessible)
    page.goto("/p/emergency/")
    looked_at(page, "emergency", assert_accessible)
    page.goto("/p/cards/")
    page.get_by_role("button", name="Make a card").click()
    expect(page.get_by_role("img", name="QR code of your card")).to_be_visible()
    looked_at(page, "cards", assert_accessible)
    link = page.get_by_role("link", name="open the card’s page").get_attribute("href") or ""
    page.goto(urlsplit(link).path)
    expect(page.get_by_text("Assume a dose within the last 24 hours")).to_be_visible()
    looked_at(page, "card", assert_accessible)
    OpioidReport.objects.create(
        clinic_id=patient.clinic_id, patient=patient, night=at.date(), answer="yes", words="codeine", at=at
    )
    page.goto("/p/")
    expect(page.get_by_text("if it cannot wait").first).to_be_visible()
    looked_at(page, "stopped", assert_accessible)
    page.context.close()


@in_both_themes
def test_the_clinics_pages(
    browser: Browser, base_url: str, theme: Any, window: Any, patient: Patient, assert_accessible: Any
) -> None:
    at = clock.now()
    principal = factories.member(patient.clinic, ROLES.PRINCIPAL, "Example Principal")
    factories.member(patient.clinic, ROLES.NURSE, "Example Nurse")
    report = OpioidReport.objects.create(
        clinic_id=patient.clinic_id, patient=patient, night=at.date(), answer="yes", words="codeine", at=at
    )
    UrgentItem.objects.create(
        clinic_id=patient.clinic_id, patient=patient, code="opioid_report", subject_id=report.id, raised_at=at
    )
    page = new_page(browser, base_url, theme, window)
    enter(page.context, base_url, User.objects.get(id=principal.user_id))
    page.goto("/hours/")
    looked_at(page, "hours", assert_accessible)
    page.get_by_label("Tuesday").fill("nine to five")
    page.get_by_role("button", name="Save hours").click()
    expect(page.get_by_label("Tuesday")).to_have_value("nine to five")
    looked_at(page, "hours-fault", assert_accessible)
    page.goto("/urgent/")
    looked_at(page, "urgent", assert_accessible)
    page.get_by_role("button", name="I look at it now: Example Person").click()
    expect(page.get_by_role("heading", name="Example Person")).to_be_visible()
    page.goto(f"/patients/{patient.id}/cards/")
    looked_at(page, "desk-cards", assert_accessible)
    page.context.close()
