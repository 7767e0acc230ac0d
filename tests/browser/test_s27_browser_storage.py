"""S27 in a browser: what a page showed or a person typed is gone with the page; no store of the browser keeps it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import User
from patients import services as patients_services
from patients.models import Patient
from tests import factories
from tests.browser.conftest import PHONE, enter
from tests.browser.test_loop import tell_date_of_birth

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CANARIES = ("Zibbelquark", "Murmelspecht", "quibblefax", "Knarzbeutel")
NAME, NOTE, ADDRESS, TYPED = CANARIES

EVERYTHING_KEPT = """async () => {
    const kept = {local: {...localStorage}, session: {...sessionStorage}, caches: [], databases: []};
    for (const name of await caches.keys()) {
        for (const request of await (await caches.open(name)).keys()) {
            kept.caches.push(request.url, await (await (await caches.open(name)).match(request)).text());
        }
    }
    for (const {name} of await indexedDB.databases()) {
        const open = await new Promise((good, bad) => {
            const asked = indexedDB.open(name);
            asked.onsuccess = () => good(asked.result);
            asked.onerror = () => bad(asked.error);
        });
        for (const store of open.objectStoreNames) {
            kept.databases.push(name, store, await new Promise((good) => {
                const asked = open.transaction(store).objectStore(store).getAll();
                asked.onsuccess = () => good(asked.result);
            }));
        }
    }
    return JSON.stringify(kept);
}"""


def assert_nothing_kept(page: Page, requested: list[str]) -> None:
    kept = page.evaluate(EVERYTHING_KEPT)
    assert set(json.loads(kept)) == {"local", "session", "caches", "databases"}
    for where, text in (("the browser's stores", kept), ("addresses", "\n".join(requested))):
        found = [canary for canary in CANARIES if canary.casefold() in text.casefold()]
        assert not found, f"{found} stand in {where}"


def followed(context: BrowserContext) -> list[str]:
    requested: list[str] = []
    context.on("request", lambda request: requested.append(request.url))
    return requested


@pytest.fixture
def patient() -> Patient:
    now = datetime.now(UTC)
    made = factories.patient(factories.clinic(), f"{NAME} Person", email=f"{ADDRESS}@test.invalid", context_note=NOTE)
    factories.prescription(made, at=now - timedelta(days=3))
    return made


def test_s27_the_desk_leaves_nothing_in_the_browser(strict_page: Page, base_url: str, patient: Patient) -> None:
    page, requested = strict_page, followed(strict_page.context)
    enter(page.context, base_url, User.objects.get(id=factories.member(patient.clinic).user_id))
    page.goto("/patients/")
    page.get_by_role("searchbox").fill(NAME)
    page.get_by_role("searchbox").press("Enter")
    page.get_by_role("link", name=f"{NAME} Person").first.click()
    expect(page.get_by_text(NOTE).first).to_be_visible()
    assert_nothing_kept(page, requested)
    page.goto("/patients/new/")
    page.locator("#id_context_note").fill(TYPED)
    page.goto("/reminders/")
    assert_nothing_kept(page, requested)
    page.evaluate(f"sessionStorage.setItem('draft', '{TYPED}')")
    with pytest.raises(AssertionError, match="stores"):
        assert_nothing_kept(page, requested)


def test_s27_the_phone_leaves_nothing_in_the_browser(strict_page: Page, patient: Patient) -> None:
    page, requested = strict_page, followed(strict_page.context)
    page.set_viewport_size(PHONE)
    by = factories.member(patient.clinic)
    opening = patients_services.invite(patient=patient, by=by, at=datetime.now(UTC))
    page.goto(f"/p/open/{opening.token}/")
    tell_date_of_birth(page)
    page.locator("ul.nights a").first.click()
    page.locator("#id_note").fill(TYPED)
    assert_nothing_kept(page, requested)
    page.goto("/p/")
    assert_nothing_kept(page, requested)
