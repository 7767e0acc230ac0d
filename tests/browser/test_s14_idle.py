"""S14 in a browser, with seconds in place of minutes: what was typed is there again, and back shows nothing."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import User
from patients.models import Patient
from tests import factories, factors
from tests.browser.conftest import enter

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def user(settings: Any) -> User:
    settings.SIGNED_IN_IDLE, settings.SIGNED_IN_WARNING = timedelta(seconds=16), timedelta(seconds=10)
    found = User.objects.get(id=factories.member(factories.clinic()).user_id)
    found.set_password(factors.PASSWORD)
    found.save()
    factors.app(found)
    return found


@pytest.fixture
def page(context: BrowserContext, base_url: str, user: User) -> Page:
    enter(context, base_url, user)
    page = context.new_page()
    page.goto("/patients/new/")
    return page


def test_what_was_typed_is_there_after_signing_in_again(
    page: Page, user: User, context: BrowserContext, settings: Any, assert_accessible: Callable[[Page], None]
) -> None:
    page.get_by_role("textbox", name="Name").fill("Idle Patient")
    page.locator("#id_birth_date").fill("1980-01-01")
    page.get_by_role("textbox", name="Record number").fill("IDLE-1")
    expect(page.get_by_role("heading", name="Are you still there?")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Stay signed in").click()
    expect(page.get_by_role("heading", name="Are you still there?")).to_be_hidden()

    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    assert not page.get_by_role("textbox", name="Name").is_visible()
    assert_accessible(page)
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert kept == "[{},{}]"
    settings.SIGNED_IN_IDLE = timedelta(minutes=15)

    with context.expect_page() as opened:
        page.get_by_role("link", name="Sign in again").click()
    again = opened.value
    again.get_by_label("E-mail address").fill(user.username)
    again.get_by_label("Password").fill(factors.PASSWORD)
    again.get_by_role("button", name="Sign in", exact=True).click()
    again.get_by_label("Code of your app").fill(factors.code())
    again.get_by_role("button", name="Go on").click()
    expect(again.get_by_role("heading", name="You are signed in again")).to_be_visible()

    expect(page.get_by_role("textbox", name="Name")).to_be_visible()
    again.close()
    expect(page.get_by_role("textbox", name="Name")).to_have_value("Idle Patient")
    page.get_by_role("textbox", name="E-mail address").fill("idle@test.invalid")
    page.get_by_label("Psoriasis").check()
    page.get_by_role("button", name="Register patient").click()
    expect(page).to_have_url(re.compile(r"/patients/[0-9a-f-]{36}/"))
    assert Patient.objects.get().name == "Idle Patient"


def test_who_types_is_not_signed_out(page: Page) -> None:
    name = page.get_by_role("textbox", name="Name")
    for letter in "long name told slowly":
        name.press_sequentially(letter)
        page.wait_for_timeout(600)
    expect(page.get_by_role("heading", name="Are you still there?")).to_be_hidden()
    assert page.request.get("/accounts/session/", headers={"X-Background": "yes"}).json()["left"] > 0


def test_the_end_of_a_long_day_is_told_once_and_cannot_be_put_off(
    context: BrowserContext, base_url: str, user: User, settings: Any, assert_accessible: Callable[[Page], None]
) -> None:
    settings.SIGNED_IN_IDLE, settings.SIGNED_IN_AT_MOST = timedelta(minutes=15), timedelta(seconds=20)
    enter(context, base_url, user)
    page = context.new_page()
    page.goto("/patients/new/")
    page.get_by_role("textbox", name="Name").fill("Long Day")
    expect(page.get_by_role("heading", name="It has been a long day")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Go on until then").click()
    page.get_by_role("textbox", name="Record number").fill("LONG-1")
    expect(page.get_by_role("heading", name="It has been a long day")).to_be_hidden()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()


def test_with_nothing_typed_the_page_is_left(page: Page) -> None:
    expect(page).to_have_url(re.compile(r"/accounts/login/\?next=%2Fpatients%2Fnew%2F"))
    page.go_back()
    page.wait_for_load_state()
    expect(page.get_by_role("textbox", name="Record number")).to_be_hidden()


def test_back_shows_nothing_after_signing_out(context: BrowserContext, base_url: str) -> None:
    patient = factories.patient(factories.clinic(), "Unseen Patient")
    user = User.objects.get(id=factories.member(patient.clinic).user_id)
    enter(context, base_url, user)
    page = context.new_page()
    page.goto(f"/patients/{patient.id}/")
    expect(page.get_by_text("Unseen Patient").first).to_be_visible()
    page.get_by_text(user.name).first.click()
    with page.expect_response(lambda answer: "logout" in answer.url) as left:
        page.get_by_role("button", name="Sign out").click()
    assert left.value.header_value("Clear-Site-Data") == '"cache", "storage"'
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.go_back()
    page.wait_for_load_state()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert "Unseen Patient" not in page.content()
