"""The loop as people walk it, in a real browser: one thin thread through every door, and axe on each page."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core.mail import EmailMessage
from playwright.sync_api import Browser, BrowserContext, Page, expect

from accounts.models import User
from common.night import night_of
from patients import services as patients_services
from patients.models import Patient
from symptoms.models import SymptomLog
from tests import factories
from tests.browser.conftest import PHONE, enter

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def patient() -> Patient:
    """A patient with a plan since three days ago, in a zone where it is never the last hour before noon now."""
    now = datetime.now(UTC)
    zone = "Europe/London" if now.hour not in (10, 11, 12) else "Asia/Kolkata"
    made = factories.patient(factories.clinic(), zone_name=zone)
    factories.prescription(made, at=now - timedelta(days=3))
    return made


def test_a_patient_opens_the_invitation_sees_the_dose_and_tells_the_night(
    base_url: str, strict_page: Page, patient: Patient, assert_accessible: Callable[[Page], None]
) -> None:
    page = strict_page
    page.set_viewport_size(PHONE)
    now = datetime.now(UTC)
    opening = patients_services.invite(patient=patient, by=factories.member(patient.clinic), at=now)

    page.goto(f"/p/open/{opening.token}/")
    assert_accessible(page)
    tell_date_of_birth(page)

    expect(page.get_by_text("1 capsule of 1.5 mg = 1.5 mg (one and a half milligrams)")).to_be_visible()
    assert_accessible(page)

    night = night_of(now, patient.zone)
    page.locator(f'ul.nights a[href="/p/night/{night}/"]').click()
    assert_accessible(page)
    tell_night(page, "Worst symptom")
    expect(page.get_by_text("Saved. 1 of the last 7 nights is told.")).to_be_visible()
    assert_accessible(page)
    log = SymptomLog.objects.get(patient=patient, night=night)
    assert (log.sleep_hours, log.lead_symptom, log.side_effects) == (6.5, 4, {"headache": "mild"})


def test_the_loop_from_the_desk_to_the_phone_and_back(
    strict_page: Page,
    browser: Browser,
    base_url: str,
    mailoutbox: list[EmailMessage],
    assert_accessible: Callable[[Page], None],
) -> None:
    clinic = factories.clinic()
    factories.protocol_version()
    desk, prescriber = strict_page, User.objects.get(id=factories.member(clinic).user_id)
    today = datetime.now(clinic.zone).date()

    enter(desk.context, base_url, prescriber)
    desk.goto("/patients/new/")
    assert_accessible(desk)
    desk.get_by_role("textbox", name="Name").fill("Loop Patient")
    desk.locator("#id_birth_date").fill("1980-01-01")
    desk.get_by_role("textbox", name="Record number").fill("LOOP-1")
    desk.get_by_role("textbox", name="E-mail address").fill("loop@test.invalid")
    desk.get_by_label("Psoriasis").check()
    desk.get_by_role("button", name="Register patient").click()

    factories.confirmed_screening(Patient.objects.get(record_number="LOOP-1"), by_id=prescriber.id)
    desk.get_by_role("link", name="Prescribe").click()
    assert_accessible(desk)
    desk.locator('input[name="opioid_answer"][value="no"]').check()
    desk.get_by_label("STD-2W").first.check()
    desk.get_by_label("First dose on").fill((today - timedelta(days=2)).isoformat())
    desk.locator('input[name="strength"][value="1.5"]').check()
    desk.get_by_role("button", name="Show the schedule").click()
    expect(desk.get_by_role("heading", name="What you are about to sign")).to_be_visible()
    assert_accessible(desk)
    desk.get_by_role("button", name="Sign this plan").click()
    expect(desk.get_by_role("heading", name="Plan in force")).to_be_visible()
    record = desk.url.partition("#")[0]
    desk.get_by_role("button", name="Invite").click()
    expect(desk.get_by_text("The invitation is on its way.")).to_be_visible()
    assert_accessible(desk)

    with browser.new_context(base_url=base_url, viewport=PHONE) as pocket:
        phone = pocket.new_page()
        phone.goto(re.search(r"/p/open/\S+", mailoutbox[-1].body)[0])
        tell_date_of_birth(phone)
        expect(phone.get_by_text("1 capsule of 1.5 mg")).to_be_visible()
        phone.locator("ul.nights a").first.click()
        tell_night(phone, "Worst itch")
        expect(phone.get_by_text("Saved.")).to_be_visible()

        desk.goto(record)
        expect(desk.get_by_role("cell", name="6.5", exact=True).first).to_be_visible()
        desk.get_by_role("link", name="Hold").click()
        desk.get_by_label("days").fill("5")
        desk.get_by_role("textbox", name="why").fill("Sleep is short since the start")
        desk.get_by_role("button", name="Sign the hold").click()
        expect(desk.get_by_text("Sleep is short since the start").first).to_be_visible()

        # Tonight's dose is told already, so the hold begins with the next one.
        phone.get_by_role("link", name="My plan").click()
        expect(phone.get_by_text("You stay on the same dose from")).to_be_visible()


def test_an_opioid_answer_stops_the_dose_on_the_page(
    base_url: str, strict_page: Page, patient: Patient, assert_accessible: Callable[[Page], None]
) -> None:
    page = strict_page
    let_in(page.context, base_url, patient)
    page.set_viewport_size(PHONE)
    page.goto(f"/p/night/{night_of(datetime.now(UTC), patient.zone)}/")
    assert not page.get_by_label("Which one?").is_visible()
    choose(page, "Any new painkiller", "Yes")
    page.get_by_label("Which one?").fill("cough syrup")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Take no further dose until your clinic has answered")).to_be_visible()
    assert_accessible(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_of_the_patient_is_accessible(
    base_url: str, strict_page: Page, patient: Patient, assert_accessible: Callable[[Page], None], theme: str
) -> None:
    page = strict_page
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size(PHONE)
    night = night_of(datetime.now(UTC), patient.zone)
    factories.told_night(patient, night - timedelta(days=2), side_effects={"nausea": "moderate"})
    let_in(page.context, base_url, patient)
    patient.phones.update(proved_until=datetime.now(UTC) + timedelta(minutes=5))
    own = ("devices/", "pin/new/", "helpers/", "helpers/new/", "link/unknown/", "whom/")
    factories.carer(patient, at=datetime.now(UTC), name="Parent of the Test")
    for path in ("", "plan/", "chart/", "prove/", *own, f"night/{night - timedelta(days=2)}/"):
        page.goto(f"/p/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
        assert_accessible(page)
    page.get_by_label("Hours slept").fill("many")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert_accessible(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_of_a_carer_and_of_a_pin_is_accessible(
    base_url: str, strict_page: Page, patient: Patient, assert_accessible: Callable[[Page], None], theme: str
) -> None:
    page, now = strict_page, datetime.now(UTC)
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size(PHONE)
    night = night_of(now, patient.zone) - timedelta(days=2)
    factories.told_night(patient, night)
    _, secret = factories.carer(patient, "view", at=now)
    page.context.add_cookies([{"name": "carer", "value": secret, "url": base_url}])
    for path in ("", f"night/{night}/", "whom/", "devices/"):
        page.goto(f"/p/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
        assert_accessible(page)
    let_in(page.context, base_url, patient)
    patient.phones.update(proved_until=now + timedelta(minutes=5))
    page.goto("/p/pin/new/")
    page.get_by_label("New PIN").fill("2580")
    page.get_by_label("The same again").fill("2580")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your PIN is set.")).to_be_visible()
    page.context.clear_cookies(name="sitting")
    page.goto("/p/")
    assert_accessible(page)
    page.get_by_label("Your PIN").fill("2580")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("link", name="My devices")).to_be_visible()


def tell_date_of_birth(page: Page) -> None:
    page.get_by_label("Day").fill("1")
    page.get_by_label("Month").fill("1")
    page.get_by_label("Year").fill("1980")
    page.get_by_role("button", name="Open").click()


def tell_night(page: Page, lead_symptom: str) -> None:
    """An ordinary night: taken, no other medicine, six and a half hours, a mild headache."""
    choose(page, "Did you take your dose?", "Taken")
    choose(page, "Any new painkiller", "No")
    if not page.get_by_label("Hours slept").is_visible():
        page.get_by_text("How you slept").click()
    page.get_by_label("Hours slept").fill("6,5")
    choose(page, lead_symptom, "4")
    choose(page, "Headache", "Mild")
    page.get_by_role("button", name="Save").click()


def choose(page: Page, question: str, answer: str) -> None:
    """Touch one segment of a question."""
    page.get_by_role("group", name=question).get_by_label(answer, exact=True).check()


def let_in(context: BrowserContext, url: str, patient: Patient) -> None:
    """Give this browser the cookie of a remembered phone."""
    secret = factories.phone(patient, datetime.now(UTC))[1]
    context.add_cookies([{"name": "phone", "value": secret, "url": url}])
