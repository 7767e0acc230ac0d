"""No connection, in a real browser: the words come all the same, nothing typed is lost, nothing of anybody is kept."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from common.night import night_of
from patients.models import Patient
from symptoms.models import SymptomLog
from tests import factories
from tests.browser.conftest import PHONE
from tests.browser.test_loop import choose, let_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NAME, TYPED = "Zibbelquark Person", "Knarzbeutel in the night"
WORKING = "navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller !== null)"
KEPT = """async () => {
    const kept = [];
    for (const name of await caches.keys()) {
        const store = await caches.open(name);
        for (const request of await store.keys()) kept.push([request.url, await (await store.match(request)).text()]);
    }
    return kept;
}"""


def until(page: Page, promised: str) -> None:
    """Wait until what is promised comes true."""
    for _ in range(100):
        if page.evaluate(promised):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never true: {promised}")


@pytest.fixture
def patient() -> Patient:
    now = datetime.now(UTC)
    clinic = factories.clinic("Hillside Clinic", urgent_phone="000 000 0001")
    zone = "Europe/London" if now.hour not in (10, 11, 12) else "Asia/Kolkata"
    made = factories.patient(clinic, NAME, zone_name=zone)
    factories.prescription(made, at=now - timedelta(days=3))
    return made


@pytest.fixture
def phone(page: Page, base_url: str, patient: Patient) -> Iterator[Page]:
    """A phone that has opened the first page once, and keeps the words since."""
    page.set_viewport_size(PHONE)
    let_in(page.context, base_url, patient)
    page.goto("/p/")
    until(page, WORKING)
    yield page
    page.context.set_offline(False)


def test_a_page_that_cannot_be_reached_says_when_to_call_and_whom(
    phone: Page, patient: Patient, assert_accessible: Callable[[Page], None]
) -> None:
    phone.context.set_offline(True)
    phone.goto("/p/plan/")
    expect(phone.get_by_role("heading", name="No connection to your clinic")).to_be_visible()
    expect(phone.get_by_role("heading", name="Call your emergency number now if you")).to_be_visible()
    clinic = patient.clinic
    dialled = [one.get_attribute("href") for one in phone.locator("main a[href^='tel:']").all()]
    assert dialled[:2] == [f"tel:{''.join(number.split())}" for number in (clinic.phone, clinic.urgent_phone)]
    assert_accessible(phone)
    phone.get_by_role("link", name="Emergency card and warning signs").first.click()
    expect(phone.get_by_role("heading", name="Warning signs: when to stop and whom to call")).to_be_visible()
    phone.context.set_offline(False)
    phone.goto("/p/plan/")
    expect(phone.get_by_role("heading", name="Your plan")).to_be_visible()


def test_a_night_that_cannot_be_sent_stays_on_the_page_until_it_can(
    phone: Page, patient: Patient, assert_accessible: Callable[[Page], None]
) -> None:
    night = night_of(datetime.now(UTC), patient.zone) - timedelta(days=1)
    phone.goto(f"/p/night/{night}/")
    choose(phone, "Any new painkiller", "Yes")
    phone.get_by_label("Which one?").fill("codeine")
    phone.locator("#id_note").fill(TYPED)
    phone.context.set_offline(True)
    phone.get_by_role("button", name="Save").click()
    said = phone.get_by_role("dialog", name="Not sent: there is no connection")
    expect(said).to_be_visible()
    expect(said.get_by_text("find it hard to breathe")).to_be_visible()
    expect(said.get_by_role("link", name=patient.clinic.phone)).to_be_visible()
    assert_accessible(phone)
    said.get_by_role("button", name="Back to what I wrote").click()
    expect(phone.locator("#id_note")).to_have_value(TYPED)
    assert not SymptomLog.objects.exists()
    phone.context.set_offline(False)
    phone.get_by_role("button", name="Save").click()
    expect(phone.get_by_role("heading", name="Take no further dose until your clinic has answered")).to_be_visible()
    assert SymptomLog.objects.get().note == TYPED


def test_nothing_of_the_patient_is_kept(phone: Page, patient: Patient) -> None:
    phone.locator("ul.nights a").first.click()
    phone.locator("#id_note").fill(TYPED)
    phone.goto("/p/plan/")
    kept = phone.evaluate(KEPT)
    pages = {url.partition("/p/")[2] for url, _ in kept if "/p/" in url}
    assert pages == {"offline/", "emergency/"}
    for word in (NAME.split()[0], TYPED.split()[0], "1.5 mg", patient.record_number):
        assert not [url for url, text in kept if word in text], word


def test_a_link_in_a_mail_opens_its_page_as_ever(phone: Page, base_url: str) -> None:
    phone.goto("about:blank")
    phone.set_content(f'<a href="{base_url}/p/plan/">from elsewhere</a>')
    phone.get_by_role("link").click()
    expect(phone.get_by_role("heading", name="Your plan")).to_be_visible()


def test_without_a_script_that_listens_the_words_come_in_place_of_the_page(phone: Page, patient: Patient) -> None:
    phone.goto(f"/p/night/{night_of(datetime.now(UTC), patient.zone) - timedelta(days=1)}/")
    phone.locator("#id_note").fill(TYPED)
    phone.context.set_offline(True)
    # Sent past the page's own listeners, as by a page whose scripts did not come.
    phone.evaluate("HTMLFormElement.prototype.submit.call(document.querySelector('main form'))")
    expect(phone.get_by_role("heading", name="If you were saving something")).to_be_visible()
    phone.context.set_offline(False)
    phone.go_back()
    expect(phone.locator("#id_note")).to_have_value(TYPED)


def test_changed_words_come_with_the_next_page(phone: Page, patient: Patient) -> None:
    before = phone.evaluate("caches.keys()")
    patient.clinic.urgent_phone = "000 000 0002"
    patient.clinic.save()
    phone.goto("/p/plan/")
    until(phone, f"caches.keys().then((names) => names.length === 1 && names[0] !== '{before[0]}')")
    assert "000 000 0002" in dict(phone.evaluate(KEPT))[f"{phone.url.partition('/p/')[0]}/p/offline/"]


@pytest.mark.parametrize("afar", [False, True], ids=["here", "from afar"])
def test_a_phone_that_is_forgotten_keeps_nothing(phone: Page, patient: Patient, afar: bool) -> None:
    if afar:
        patient.phones.update(revoked_at=datetime.now(UTC))
        phone.goto("/p/")
    else:
        phone.goto("/p/devices/")
        phone.get_by_role("button", name="Forget this phone").click()
        expect(phone.get_by_role("heading", name="This phone is forgotten")).to_be_visible()
    until(phone, "Promise.all([caches.keys(), navigator.serviceWorker.getRegistrations()]).then(a => !a.flat().length)")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_words_stand_on_the_form_as_soon_as_something_is_ticked(
    browser: Browser, base_url: str, patient: Patient, scripts: bool
) -> None:
    context = browser.new_context(base_url=base_url, viewport=PHONE, java_script_enabled=scripts)
    page = context.new_page()
    let_in(context, base_url, patient)
    page.goto(f"/p/night/{night_of(datetime.now(UTC), patient.zone) - timedelta(days=1)}/")
    context.set_offline(True)
    emergency = page.get_by_role("heading", name="Call your emergency number now if you")
    assert not emergency.first.is_visible()
    choose(page, "Any new painkiller", "Yes")
    expect(emergency.first).to_be_visible()
    choose(page, "Any new painkiller", "No")
    expect(emergency.first).to_be_hidden()
    page.locator("#warning-signs > summary").click()
    said = page.get_by_text("This can come from the liver").first
    assert not said.is_visible()
    choose(page, "Yellow skin or eyes", "Mild")
    expect(said).to_be_visible()
    assert not emergency.first.is_visible()
    choose(page, "Vomiting (being sick)", "Mild")
    expect(emergency.last).to_be_visible()
    context.close()


def test_words_stand_beneath_item_nine_as_soon_as_it_is_answered(phone: Page) -> None:
    phone.goto("/p/questions/phq-9/")
    crisis = phone.get_by_role("heading", name="You are not alone with this")
    phone.context.set_offline(True)
    assert not crisis.is_visible()
    item = phone.locator("fieldset").filter(has=phone.locator("[name=self_harm]"))
    item.get_by_label("Several days").check()
    expect(crisis).to_be_visible()
    item.get_by_label("Not at all").check()
    expect(crisis).to_be_hidden()
