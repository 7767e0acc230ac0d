"""A morning of the clinic without a mouse: the day's list is worked off by Tab, Enter, space and arrow keys alone."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from accounts.actors import Actor
from accounts.models import Clinic, User
from patients.models import Patient
from symptoms.models import OpioidReport
from tests import factories
from tests.browser.conftest import DESK, enter
from titration.models import PlanChange, Prescription

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MOST_TABS = 80
"""More than any of the pages has places to stop at: who comes so far goes round in circles."""

FOCUSED = """() => {
  const one = document.activeElement, look = getComputedStyle(one), box = one.getBoundingClientRect();
  const label = one.getAttribute('aria-label') || (one.labels && one.labels[0] && one.labels[0].innerText);
  return {
    words: (label || one.innerText || one.name || '').trim(),
    describes: (document.getElementById(one.getAttribute('aria-describedby')) || {}).innerText || '',
    ring: (look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) > 0) || look.boxShadow !== 'none',
    seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight,
  };
}"""


@pytest.fixture
def by() -> Actor:
    return factories.member(factories.clinic())


def on_course(by: Actor, name: str, *, told: int) -> Patient:
    """A patient whose first step is due today."""
    now = datetime.now(UTC)
    patient = factories.patient(Clinic.objects.get(id=by.clinic_id), name, registered_by_id=by.user_id)
    factories.prescription(patient, by=by, at=now - timedelta(days=14))
    due_on = Prescription.objects.get(patient=patient).next_due_on or now.date()
    for back in range(told, 0, -1):
        factories.told_night(patient, due_on - timedelta(days=back))
    return patient


def tab_to(page: Page, words: str) -> dict[str, object]:
    """Press Tab until the focus is on what these words begin; on the way each place that takes the focus shows it."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        focused: dict[str, object] = page.evaluate(FOCUSED)
        assert focused["ring"], f"no focus is seen on {focused['words']}"
        assert focused["seen"], f"the focus is out of sight on {focused['words']}"
        if str(focused["words"]).startswith(words):
            return focused
    pytest.fail(f"Tab does not come to {words!r}.")


def test_a_report_is_answered_and_a_step_confirmed_by_keys_alone(base_url: str, strict_page: Page, by: Actor) -> None:
    page = strict_page
    page.set_viewport_size(DESK)
    ready = on_course(by, "Ready Person", told=7)
    told = on_course(by, "Told Person", told=7)
    now = datetime.now(UTC)
    report = OpioidReport.objects.create(
        clinic_id=told.clinic_id, patient=told, night=now.date(), answer="yes", words="codeine", at=now
    )
    enter(page.context, base_url, User.objects.get(id=by.user_id))
    page.goto("/")

    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED)["words"] == "Skip to the page"
    page.keyboard.press("Enter")
    button = tab_to(page, "Answer")
    assert "Told Person" in str(button["words"])
    assert button["describes"] == "Opens the report. Until it is answered the patient takes no dose."
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Answer the opioid report")).to_be_visible()

    first = page.get_by_role("radio").first
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if first.evaluate("one => one === document.activeElement"):
            break
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(first).to_be_checked()
    tab_to(page, "What you found out")
    page.keyboard.type("Rang: half a tablet, once.")
    tab_to(page, "Sign the answer")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/answer/" not in url)
    report.refresh_from_db()
    assert report.review.reason == "Rang: half a tablet, once."

    page.goto("/")
    tab_to(page, "Let Ready Person")
    page.keyboard.press("Space")
    tab_to(page, "Confirm the ticked steps")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Ready Person").first).to_be_visible()
    course = Prescription.objects.get(patient=ready)
    kinds = PlanChange.objects.filter(prescription=course).values_list("kind", flat=True)
    assert "advance" in kinds
