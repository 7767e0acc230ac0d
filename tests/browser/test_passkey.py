"""The way in that is meant to be pleasant: a passkey, in a real Chromium with an authenticator of the browser's own.

`./clinic test -s tests/browser/test_passkey.py` prints the clicks and the seconds of the path.
"""

import time
from collections.abc import Callable, Iterator

import pytest
from allauth.mfa.models import Authenticator
from playwright.sync_api import Browser, BrowserContext, Page, expect

from accounts.models import User
from tests import factories, factors, memory
from tests.browser.conftest import DESK

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def user() -> User:
    found = User.objects.get(id=factories.member(factories.clinic()).user_id)
    found.set_password(factors.PASSWORD)
    found.save()
    return found


@pytest.fixture
def device(browser: Browser, base_url: str) -> Iterator[BrowserContext]:
    """A browser on a machine that knows its person's finger."""
    with browser.new_context(base_url=base_url, viewport=DESK) as context:
        yield context


@pytest.fixture
def page(device: BrowserContext) -> Iterator[Page]:
    page = device.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    finger(page)
    # The browser's own list under the address field would be answered at once here, where nobody has to pick from it.
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")
    yield page
    assert not complaints


def finger(page: Page) -> None:
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable", {"enableUI": False})
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def sign_out(page: Page, user: User, *, lands: bool = True) -> None:
    page.get_by_text(user.name).first.click()
    page.get_by_role("button", name="Sign out").click()
    if lands:
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_passkey_from_the_first_sign_in_to_the_next(
    page: Page, user: User, assert_accessible: Callable[[Page], None], capsys: pytest.CaptureFixture[str]
) -> None:
    page.goto("/patients/")
    assert_accessible(page)
    page.get_by_label("E-mail address").fill(user.username)
    page.get_by_label("Password").fill(factors.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()

    began = time.monotonic()
    expect(page.get_by_role("heading", name="Protect your sign-in")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert_accessible(page)
    with page.expect_download() as kept:
        page.get_by_role("link", name="Download").click()
    assert kept.value.path().read_text().count("\n") == 11
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("heading", name="Today", level=1)).to_be_visible()
    enrolment = time.monotonic() - began
    assert Authenticator.objects.filter(user=user).count() == 2

    sign_out(page, user)
    began = time.monotonic()
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", name="Today", level=1)).to_be_visible()
    took = time.monotonic() - began
    assert memory.events(action="sign_in", result="done")[-1].details == {"method": "passkey"}
    with capsys.disabled():
        print(f"\npasskey made: 2 clicks (3 with the download), {enrolment:.1f} s; signed in: 1 click, {took:.1f} s")


def test_a_passkey_after_the_password_is_the_second_factor(page: Page, user: User) -> None:
    page.goto("/accounts/login/")
    password(page, user)
    page.get_by_role("button", name="Make a passkey").click()
    page.get_by_role("link", name="I have kept them").click()
    sign_out(page, user)
    password(page, user)
    page.get_by_role("button", name="Use your passkey").click()
    expect(page.get_by_role("heading", name="Today", level=1)).to_be_visible()


def test_the_browser_offers_it_under_the_address_field(page: Page, user: User) -> None:
    page.goto("/accounts/login/")
    password(page, user)
    page.get_by_role("button", name="Make a passkey").click()
    page.get_by_role("link", name="I have kept them").click()
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => true")
    sign_out(page, user, lands=False)
    expect(page.get_by_role("heading", name="Today", level=1)).to_be_visible()
    assert memory.events(action="sign_in", result="done")[-1].details == {"method": "passkey"}


def test_a_stranger_with_the_password_gets_no_further(page: Page, user: User, browser: Browser, base_url: str) -> None:
    page.goto("/accounts/login/")
    password(page, user)
    page.get_by_role("button", name="Make a passkey").click()
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("heading", name="Today", level=1)).to_be_visible()
    with browser.new_context(base_url=base_url, viewport=DESK) as elsewhere:
        other = elsewhere.new_page()
        finger(other)
        other.goto("/accounts/login/")
        password(other, user)
        other.get_by_role("button", name="Use your passkey").click()
        expect(other.get_by_role("status")).to_have_text("No passkey was used. Try again, or go another way.")
        other.goto("/patients/")
        expect(other.get_by_role("heading", name="One more thing")).to_be_visible()


def password(page: Page, user: User) -> None:
    page.get_by_label("E-mail address").fill(user.username)
    page.get_by_label("Password").fill(factors.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
