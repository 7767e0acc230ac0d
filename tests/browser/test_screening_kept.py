"""A screening kept as it is filled in, in a real browser: the page is left, nothing pressed, and all is found again."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from patients import selectors_screening
from patients.models import Patient
from patients.services import screening as screenings
from tests import factories
from tests.browser.conftest import DESK, enter

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def patient() -> Patient:
    return factories.patient(factories.clinic(), screened=False)


def note_of(patient: Patient) -> str:
    running = selectors_screening.screening_of(patient).running
    return running.note if running else ""


def test_an_answer_is_kept_what_follows_is_brought_and_all_is_found_again(
    base_url: str, strict_page: Page, patient: Patient, assert_accessible: Callable[[Page], None]
) -> None:
    page, by = strict_page, factories.member(patient.clinic)
    page.set_viewport_size(DESK)
    enter(page.context, base_url, User.objects.get(id=by.user_id))
    page.goto(f"/patients/{patient.id}/screening/")
    said = page.locator("#kept")
    expect(said).to_have_text("What you answer is saved as you go on.")

    page.locator('#asked-kidney_disease input[value="yes"]').check()
    expect(said).to_contain_text("Saved")
    expect(said).to_contain_text("follow from what you answered")
    page.locator('#asked-renal_moderate input[value="no"]').check()
    page.get_by_label("Note").fill("Called twice")
    until = time.monotonic() + 20
    while note_of(patient) != "Called twice" and time.monotonic() < until:
        page.wait_for_timeout(100)
    assert page.locator("#asked-renal_moderate").count() == 1
    assert_accessible(page)

    page.goto(f"/patients/{patient.id}/screening/")
    assert page.locator('#asked-kidney_disease input[value="yes"]').is_checked()
    assert page.locator('#asked-renal_moderate input[value="no"]').is_checked()
    expect(page.get_by_label("Note")).to_have_value("Called twice")


def test_a_button_pressed_while_an_answer_is_being_kept_waits_for_it(
    base_url: str, strict_page: Page, patient: Patient
) -> None:
    page, by = strict_page, factories.member(patient.clinic)
    enter(page.context, base_url, User.objects.get(id=by.user_id))
    page.goto(f"/patients/{patient.id}/screening/")
    with page.expect_request(lambda one: one.method == "POST"):
        page.locator('#asked-ptsd input[value="no"]').check()
    page.get_by_role("button", name="Save so far", exact=True).click()
    expect(page.get_by_text("Saved. Nothing is confirmed yet.")).to_be_visible()
    assert selectors_screening.screening_of(patient).filled == {"ptsd": "no"}


def test_a_colleague_who_was_quicker_is_named_and_nothing_is_written_over(
    base_url: str, page: Page, patient: Patient
) -> None:
    by = factories.member(patient.clinic)
    enter(page.context, base_url, User.objects.get(id=by.user_id))
    page.goto(f"/patients/{patient.id}/screening/")
    colleague = factories.member(patient.clinic, name="Test Colleague")
    screenings.save(
        patient=patient, answers={"ptsd": "yes"}, note="", seen_number=0, by=colleague, at=datetime.now(UTC)
    )
    page.locator('#asked-ptsd input[value="no"]').check()
    expect(page.locator("#kept")).to_contain_text("Not saved. Changed by Test Colleague since")
    assert selectors_screening.screening_of(patient).filled == {"ptsd": "yes"}
    page.context.clear_cookies()
    page.locator('#asked-alcohol input[value="no"]').check()
    expect(page.locator("#kept")).to_contain_text("you are signed out")
    assert page.locator('#asked-ptsd input[value="no"]').is_checked()
