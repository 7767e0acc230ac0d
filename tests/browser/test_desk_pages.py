"""Every page of the clinic in a real browser, on the demo clinic: accessible in both themes, no wider than the window.

`CLINIC_PICTURE=1 ./clinic test tests/browser/test_desk_pages.py` also renews the picture in the README.
"""

import os
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts import selectors as accounts_selectors
from accounts.models import Membership, User
from accounts.services import members
from common import clock
from imports import grid
from imports import selectors as imports_selectors
from imports import services as imports_services
from imports.models import Import
from launch.places import ROOT
from ldn_clinic import demo, demo_seed
from patients.models import Patient
from symptoms.models import OpioidReport
from tests.browser.conftest import DESK, PHONE, enter
from titration.models import Prescription, ProtocolVersion
from titration.services import protocols

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PRESCRIBER, ADMINISTRATOR = demo.PERSONAS[0].username, "administrator@demo.invalid"
in_both_themes_and_sizes = pytest.mark.parametrize(
    ("theme", "window"), [("light", DESK), ("dark", DESK), ("light", PHONE), ("dark", PHONE)], ids=str
)


@pytest.fixture
def addresses() -> dict[str, str]:
    """The demo clinic, and where each of its pages is."""
    now = clock.now()
    protocols.load_shipped(at=now)
    list(demo_seed.seed(patients=15, days=60, seed=7, last_day=now.astimezone(demo_seed.ZONE).date()))
    course = Prescription.objects.get(patient__record_number=demo.PATIENT_RECORD_NUMBER)
    report = OpioidReport.objects.get()
    without_plan = Patient.objects.get(record_number=f"DEMO-{demo_seed.NO_COURSE:03d}")
    tables = brought()
    template, by_weight = (ProtocolVersion.objects.get(clinic=None, code=code).id for code in ("STD-2W", "PEDS-UK"))
    return {
        "today": "/",
        "patients": "/patients/",
        "register": "/patients/new/",
        "patient": f"/patients/{course.patient_id}/",
        "patient without a plan": f"/patients/{without_plan.id}/",
        "contact": f"/patients/{course.patient_id}/contact/",
        "prescribe": f"/patients/{without_plan.id}/prescribe/",
        "hold": f"/courses/{course.id}/hold/",
        "step": f"/courses/{course.id}/advance/",
        "stop": f"/courses/{course.id}/stop/",
        "answer": f"/reports/{report.id}/answer/",
        "reminders": "/reminders/",
        "templates": "/templates/",
        "template": f"/templates/{template}/",
        "template by weight": f"/templates/{by_weight}/",
        "courses on a template": f"/templates/{template}/courses/",
        "writing a template": f"/templates/{template}/edit/",
        "a template as text": f"/templates/{by_weight}/text/",
        "reviewing a template": f"/templates/{template}/review/",
        "exports": "/exports/",
        "imports": "/imports/",
        "import to accept": f"/imports/{tables[0].id}",
        "import with faults": f"/imports/{tables[1].id}",
        "import done": f"/imports/{tables[2].id}",
        "own sign-in": "/accounts/factors/",
        "sessions": "/accounts/sessions/",
        "roles": "/people/roles/",
        "nowhere": "/patients/00000000-0000-0000-0000-000000000000/",
    }


def brought() -> tuple[Import, Import, Import]:
    """A table that can be accepted, one with faults and somebody who is there already, and one that was accepted."""
    member = Membership.objects.select_related("user", "clinic").get(user__username=PRESCRIBER)
    by, at = accounts_selectors.actor_of(member, member.user), clock.now()
    known = Patient.objects.filter(clinic_id=demo.CLINIC_ID).earliest("id")
    rows = (
        [
            "New Comer,1980-12-31,N-1,new@demo.invalid,Crohn's disease,Vitamin D,STD-2W,no,awaiting medicine,,,1.5",
            f"Long Taker,1970-12-31,N-3,,crohn,,STD-4W,no,,.5,{at.date() - timedelta(days=60)},0.5",
        ],
        [f"{known.name},{known.birth_date},X-1,,crohn,", "New Comer,3/4/1980,,no address,gout,,STD-2W,,,450,,"],
        ["Came Before,1970-01-31,N-2,,other: Something rare,"],
    )
    head = "name,birth_date,record_number,email,conditions,medicines,plan,opioids,starts_on,current_dose"
    waiting, faulty, done = (
        imports_services.stage(
            grid=grid.read("\n".join([f"{head},last_changed_on,capsule_strength", *lines]).encode("utf-8-sig")),
            by=by,
            at=at,
        )
        for lines in rows
    )
    shown = imports_selectors.look(done, by=by, at=at).fingerprint
    return waiting, faulty, imports_services.accept(import_id=done.id, shown=shown, by=by, at=at)


@in_both_themes_and_sizes
def test_every_page_is_accessible_and_fits(
    addresses: dict[str, str],
    browser: Browser,
    base_url: str,
    assert_accessible: Callable[[Page], None],
    theme: str,
    window: dict[str, int],
) -> None:
    context = browser.new_context(base_url=base_url, color_scheme=theme, viewport=window)
    page = context.new_page()
    enter(context, base_url, User.objects.get(username=PRESCRIBER))
    assert not too_wide(page, addresses, assert_accessible)
    if (theme, window) == ("light", DESK) and os.environ.get("CLINIC_PICTURE"):
        page.goto(addresses["patient"])
        shown = {"x": 0, "y": 0, "width": 1280, "height": 1340}
        page.screenshot(path=ROOT / "docs" / "patient-page.png", full_page=True, clip=shown)
    context.close()


@in_both_themes_and_sizes
def test_so_is_every_page_of_the_administrator(
    addresses: dict[str, str],
    browser: Browser,
    base_url: str,
    assert_accessible: Callable[[Page], None],
    theme: str,
    window: dict[str, int],
) -> None:
    context = browser.new_context(base_url=base_url, color_scheme=theme, viewport=window)
    page = context.new_page()
    member = Membership.objects.get(user__username=PRESCRIBER)
    administrator = Membership.objects.select_related("user", "clinic").get(user__username=ADMINISTRATOR)
    opening = members.invite(
        address="new@demo.invalid",
        role=Membership.Role.NURSE,
        by=accounts_selectors.actor_of(administrator, administrator.user),
        at=clock.now(),
    )
    theirs = {
        "join": f"/join/{opening.token}/",
        "people": "/people/",
        "invite": "/people/invite/",
        "member": f"/people/{member.id}/",
        "oneself": f"/people/{administrator.id}/",
        "not allowed": "/patients/",
    }
    page.goto(theirs["join"])
    assert_accessible(page)
    enter(context, base_url, administrator.user)
    assert not too_wide(page, theirs, assert_accessible)
    context.close()


def test_what_is_typed_is_read_back_and_drawn_at_once(
    addresses: dict[str, str], browser: Browser, base_url: str
) -> None:
    context = browser.new_context(base_url=base_url, viewport=DESK)
    page = context.new_page()
    enter(context, base_url, User.objects.get(username=PRESCRIBER))
    page.goto(addresses["prescribe"])
    echo, another = page.locator("#id_strength_echo"), page.locator("[name=strength_other]")
    for typed, said in (("4,5", "Read as 4.5 mg, four and a half milligrams."), ("450", "Is a point missing (4.5 mg)")):
        another.fill(typed)
        expect(echo).to_contain_text(said)
    another.fill("")
    page.locator('[name=strength][value="1.5"]').check()
    expect(echo).to_have_text("Read as 1.5 mg, one and a half milligrams.")
    page.goto(addresses["writing a template"])
    page.locator("[name=strengths]").fill("1.5")
    page.locator("[name=step-1-days]").fill("21")
    expect(page.locator("#preview")).to_contain_text("day 36")
    page.locator("[name=strengths]").fill("3")
    expect(page.locator("#preview")).to_contain_text("1.5 mg cannot be made from 3 mg capsules.")
    assert page.locator("[name=step-1-days]").input_value() == "21"
    context.close()


def too_wide(page: Page, addresses: dict[str, str], assert_accessible: Callable[[Page], None]) -> list[str]:
    """Open each page and have it judged; those that are wider than the window."""
    found = []
    for name, address in addresses.items():
        page.goto(address)
        assert_accessible(page)
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append(name)
    return found
