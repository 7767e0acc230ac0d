"""S08, S09: words that try to be a program, stored wherever people write, seen on every page in a real Chromium.

Nothing runs, nothing is even stopped by the content policy (so nothing was an element), and the words stand there as
they were written.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Page

from accounts.actors import Actor
from accounts.models import Clinic, Membership, User
from common import clock
from ldn_clinic.models import PolicyBreach
from patients.models import CareGrant, Medicine, Patient, PatientCondition
from symptoms.models import OpioidReport
from tests import factories
from tests.browser.conftest import enter
from titration.models import Prescription
from titration.services import courses

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.django_db(transaction=True)]

PAYLOADS = (
    "<script>alert(1)</script>",
    "<ScRiPt>alert(1)</sCrIpT>",
    "<script src=//x.invalid/1.js></script>",
    "<script type=module>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img/src=x/onerror=alert(1)//",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<body onload=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<iframe src=javascript:alert(1)>",
    "<object data=javascript:alert(1)>",
    "<embed src=javascript:alert(1)>",
    "<a href=javascript:alert(1)>here</a>",
    "<form action=javascript:alert(1)><button>go",
    "<details open ontoggle=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<video><source onerror=alert(1)>",
    "<math><mtext></form><style><img src onerror=alert(1)>",
    "<style>*{background:url(//x.invalid)}</style>",
    "<link rel=stylesheet href=//x.invalid/x.css>",
    "<meta http-equiv=refresh content=0;url=//x.invalid>",
    "<base href=//x.invalid/>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    '" autofocus onfocus=alert(1) x="',
    "' onmouseover='alert(1)",
    "`onload=alert(1)`",
    "</textarea><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</option></select><script>alert(1)</script>",
    "--><script>alert(1)</script><!--",
    "]]><script>alert(1)</script>",
    "{{ 7|add:7 }}{% debug %}",
    "${alert(1)}#{alert(1)}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\u003cscript\u003ealert(1)//\u202etpircs",
    "<x hx-get=/ hx-trigger=load hx-on:load=alert(1)>",
    "<div data-hx-on-load=alert(1) hx-vals='js:{a:alert(1)}'>",
)
ALL = "\n".join(PAYLOADS)
FOREIGN_ELEMENTS = (
    "[onerror],[onload],[onfocus],[onclick],[onmouseover],[ontoggle],[onbegin],iframe,object,embed,base,math,video,"
    "script:not([src]),style,link[href*='x.invalid'],meta[http-equiv=refresh],a[href^='javascript'],[hx-on\\\\:load]"
)
IN_A_NAME = 190


@dataclass
class Watched:
    """A browser window that remembers whatever should not have happened in it."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("dialog", self._dialog)
        self.page.on("pageerror", lambda error: self.complaints.append(f"{self.page.url}: {error}"))
        self.page.on("console", self._console)

    def _dialog(self, dialog: Any) -> None:
        self.complaints.append(f"{self.page.url}: a dialog opened")
        dialog.dismiss()

    def _console(self, said: Any) -> None:
        if said.type == "error":
            self.complaints.append(f"{self.page.url}: {said.text}")

    def visit(self, address: str) -> str:
        """Open the page and return what a person reads on it, what stands in its fields included."""
        answer = self.page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        found = self.page.evaluate(f'[...document.querySelectorAll("{FOREIGN_ELEMENTS}")].map(e => e.outerHTML)')
        self.complaints += [f"{address}: an element of somebody's words: {one}" for one in found]
        words = "[document.body.textContent, ...[...document.querySelectorAll('input,textarea')].map(e => e.value)]"
        return "\n".join(self.page.evaluate(words))


@dataclass
class Infested:
    """A clinic in which every free text is an attack."""

    clinic: Clinic
    members: dict[str, Actor]
    patients: list[Patient]
    courses: list[Prescription]
    names: list[str]


def names() -> list[str]:
    """The payloads, as many in a name as fit."""
    found = [""]
    for payload in PAYLOADS:
        if len(found[-1]) + len(payload) > IN_A_NAME:
            found.append("")
        found[-1] += payload
    return found


@pytest.fixture
def infested() -> Infested:
    now = clock.now()
    clinic = factories.clinic(PAYLOADS[0], phone=PAYLOADS[4][:40], after_hours_words=ALL)
    roles = (Membership.Role.PRESCRIBER, Membership.Role.NURSE, Membership.Role.STAFF, Membership.Role.PRINCIPAL)
    members = {role: factories.member(clinic, role, ALL[:190]) for role in roles}
    by = members[Membership.Role.PRESCRIBER]
    patients, plans = [], []
    for number, name in enumerate(names()):
        patient = factories.patient(
            clinic,
            name,
            record_number=f"{number}{PAYLOADS[number][:38]}",
            context_note=ALL,
            registered_by_id=by.user_id,
        )
        words = {"clinic": clinic, "patient": patient}
        PatientCondition.objects.create(**words, position=0, code="other", words=name)
        plan = factories.prescription(patient, by=by, at=now - timedelta(days=12))
        for position, payload in enumerate(PAYLOADS):
            Medicine.objects.create(**words, position=position, words=payload)
        courses.hold(
            prescription_id=plan.id, days=2, reason=ALL[:1900], seen_version=1, by=by, at=now - timedelta(days=9)
        )
        for back in range(6, 1, -1):
            night = now.date() - timedelta(days=back)
            factories.told_night(patient, night, note=ALL[:1900], other_medicines=PAYLOADS[number])
        night = now.date() - timedelta(days=1)
        OpioidReport.objects.create(**words, night=night, answer="yes", words=name, at=now)
        factories.carer(patient, CareGrant.Rights.LOG, at=now - timedelta(days=2), name=name[:120])
        patients.append(patient)
        plans.append(plan)
    return Infested(clinic, members, patients, plans, names())


@pytest.fixture
def quiet(browser: Browser, base_url: str) -> Iterator[Any]:
    """Opens windows; in the end nothing may have happened in any of them."""
    windows: list[tuple[BrowserContext, Watched]] = []

    def open_window() -> Watched:
        context = browser.new_context(base_url=base_url)
        windows.append((context, Watched(context.new_page())))
        return windows[-1][1]

    yield open_window
    complaints = [complaint for _, watched in windows for complaint in watched.complaints]
    for context, _ in windows:
        context.close()
    assert not complaints, "\n".join(complaints[:20])
    assert not PolicyBreach.objects.exists()


def test_words_stay_words_at_the_desk(infested: Infested, quiet: Any, base_url: str) -> None:
    for role, actor in infested.members.items():
        watched: Watched = quiet()
        enter(watched.page.context, base_url, User.objects.get(id=actor.user_id))
        everywhere = "".join(watched.visit(address) for address in ("/", "/patients/", "/reminders/", "/people/roles/"))
        assert all(name in everywhere for name in infested.names), role
        thorough = role == Membership.Role.PRESCRIBER
        for patient, plan, name in list(zip(infested.patients, infested.courses, infested.names, strict=True))[
            : None if thorough else 1
        ]:
            shown = watched.visit(f"/patients/{patient.id}/")
            assert name in shown
            assert all(payload in shown for payload in PAYLOADS), [one for one in PAYLOADS if one not in shown]
            pages = [f"/patients/{patient.id}/contact/", f"/patients/{patient.id}/helpers/"]
            pages += [f"/courses/{plan.id}/hold/", f"/courses/{plan.id}/stop/"] if thorough else []
            for address in pages:
                assert name in watched.visit(address), address
        if thorough:
            for address in ("/exports/", f"/patients/{infested.patients[0].id}/prescribe/", "/accounts/sessions/"):
                watched.visit(address)


def test_words_stay_words_on_the_phone(infested: Infested, quiet: Any, base_url: str) -> None:
    now = clock.now()
    for patient in infested.patients[:4]:
        watched: Watched = quiet()
        _, secret = factories.phone(patient, now, proved_until=now + timedelta(minutes=10))
        cookie = {"name": settings.PHONE_COOKIE_NAME, "value": secret, "url": base_url}
        watched.page.context.add_cookies([cookie])
        for address in ("/p/", "/p/plan/", "/p/chart/", "/p/prove/", "/p/helpers/", "/p/helpers/new/", "/p/emergency/"):
            watched.visit(address)
        told = watched.visit(f"/p/night/{now.date() - timedelta(days=3)}/")
        assert PAYLOADS[0] in told


def test_words_stay_words_where_they_are_typed(infested: Infested, quiet: Any, base_url: str) -> None:
    """What was typed comes back with the form, and the search says what was looked for."""
    watched: Watched = quiet()
    enter(watched.page.context, base_url, User.objects.get(id=infested.members[Membership.Role.PRESCRIBER].user_id))
    page = watched.page
    for payload in PAYLOADS[::4]:
        page.goto("/patients/")
        page.locator("input[name=words]").fill(payload)
        page.locator("input[name=words]").press("Enter")
        page.wait_for_load_state()
    page.goto("/patients/new/")
    for name in ("name", "record_number", "zone", "other_condition", "medicines"):
        page.locator(f"[name={name}]").fill(PAYLOADS[31] if name == "medicines" else PAYLOADS[26])
    page.get_by_role("button", name="Register patient").click()
    page.wait_for_load_state()
    assert page.locator("[name=name]").input_value() == PAYLOADS[26]
    watched.complaints = [said for said in watched.complaints if "422" not in said]
