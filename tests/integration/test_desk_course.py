"""The page of one course and every change made from it: what is shown is what is signed, and nothing else is."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts import step_up
from accounts.actors import Actor
from accounts.models import Clinic, Membership
from common.dose import Dose
from desk.presenters.effects import lines
from desk.views.changes import KINDS
from patients.models import Patient
from tests import factories, pages
from tests.pages import words_of
from titration.engine import timeline
from titration.engine.course import Pause
from titration.models import PlanChange, Prescription
from titration.selectors import courses as courses_selectors
from titration.services import courses

AT = factories.AT
START = AT.date()
NOW = AT + timedelta(days=17)
"""A Thursday, three days into the second step of STD-2W, once it has been let happen."""
ON = NOW.date()
pytestmark = pytest.mark.django_db

FILLED: dict[str, dict[str, str]] = {
    "pause": {"cause": "procedure", "days": "5"},
    "step_now": {},
    "step_back": {},
    "go_to": {"dose": "other", "dose_other": "2,5"},
    "stay": {},
    "repeat": {},
    "time": {"time_of_day": "morning"},
    "on_off": {"days_on": "3", "days_off": "3"},
    "trial": {"dose": "1.5", "days": "28"},
    "restart": {"off_since": (ON - timedelta(days=3)).isoformat(), "dose": ""},
}
UNDATED = {"step_now", "take_back"}


@pytest.fixture(autouse=True)
def now(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    pages.stay_signed_in(settings)
    monkeypatch.setattr(step_up, "FRESH", timedelta(days=365))
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def clinic() -> Clinic:
    return factories.clinic()


@pytest.fixture
def prescriber(clinic: Clinic) -> Actor:
    return factories.member(clinic, name="Test Prescriber")


@pytest.fixture
def desk(prescriber: Actor) -> Client:
    return pages.client_of(prescriber)


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return factories.patient(clinic)


@pytest.fixture
def course(patient: Patient, prescriber: Actor) -> Prescription:
    """1.5 mg for two weeks, 3 mg since, of capsules of 0.5 mg."""
    made = factories.prescription(patient, by=prescriber, capsule_strength=Dose.of("0.5"))
    at = AT + timedelta(days=14)
    courses.advance(prescription_id=made.id, reason="Well", seen_version=1, by=prescriber, at=at)
    return Prescription.objects.get(id=made.id)


def url(course: Prescription, kind: str, **query: Any) -> str:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return reverse(f"desk:course_{kind}", kwargs={"prescription_id": course.id}) + (f"?{asked}" if asked else "")


def filled(course: Prescription, kind: str, **more: str) -> dict[str, str]:
    dated = {} if kind in UNDATED else {"on": ON.isoformat()}
    return {**dated, **FILLED.get(kind, {}), "reason": "A reason", "seen_version": str(course.version), **more}


def shown(response: Any) -> str:
    found = re.search(r'name="shown" value="([^"]*)"', response.content.decode())
    return found[1] if found else ""


def signed(desk: Client, course: Prescription, kind: str, **more: str) -> Any:
    """Preview, then sign what was shown."""
    asked = filled(course, kind, **more)
    preview = desk.post(url(course, kind), {**asked, "action": "preview"})
    return desk.post(url(course, kind), {**asked, "action": "sign", "shown": shown(preview)})


def plan_lines(course: Prescription) -> list[tuple[str, str, str, str]]:
    whole = courses_selectors.with_changes(Prescription.objects.filter(id=course.id)).get()
    intended = timeline.plan(courses_selectors.course_of(whole), as_of=ON)
    return [(line.dose, line.state, line.from_on, line.to_on) for line in lines(intended, ON)]


class TestThePage:
    def test_it_says_the_dose_the_next_step_and_what_stands_in_its_way(
        self, desk: Client, course: Prescription
    ) -> None:
        words = words_of(desk.get(reverse("desk:course", args=[course.id])))
        assert "6 capsules of 0.5 mg at bedtime, next dose Thu 19 Mar." in words
        assert "Due Mon 30 March 2026. It waits for a person; until then the dose stays as it is." in words
        assert "4.5 mg intended" in words
        assert "Step to 3 mg from Mon 16 March 2026" in words

    def test_what_was_first_signed_stays_to_be_seen(self, desk: Client, course: Prescription) -> None:
        assert "As it was first signed" not in words_of(desk.get(reverse("desk:course", args=[course.id])))
        signed(desk, course, "stay")
        words = words_of(desk.get(reverse("desk:course", args=[course.id])))
        assert "As it was first signed" in words
        assert "Best so far3 mg" in words

    def test_a_stopped_plan_offers_nothing(self, desk: Client, course: Prescription, prescriber: Actor) -> None:
        courses.stop(prescription_id=course.id, reason="No", seen_version=2, by=prescriber, at=NOW)
        page = desk.get(reverse("desk:course", args=[course.id])).content.decode()
        assert "Change this course" not in page
        assert "Take back" not in page

    def test_a_nurse_is_offered_only_what_keeps_or_leaves_out(self, clinic: Clinic, course: Prescription) -> None:
        nurse = pages.client_of(factories.member(clinic, Membership.Role.NURSE))
        page = nurse.get(reverse("desk:course", args=[course.id])).content.decode()
        assert url(course, "pause") in page
        assert url(course, "go_to") not in page
        assert nurse.get(url(course, "go_to")).status_code == 403

    def test_its_statements_do_not_grow_with_its_changes(
        self, desk: Client, course: Prescription, prescriber: Actor
    ) -> None:
        with pages.statements() as few:
            desk.get(reverse("desk:course", args=[course.id]))
        for days in range(5):
            at = NOW + timedelta(days=days)
            version = Prescription.objects.get(id=course.id).version
            change = Pause(ON + timedelta(days=10 * days + 1), 2)
            courses.change(
                prescription_id=course.id, change=change, reason="Away", seen_version=version, by=prescriber, at=at
            )
        with pages.statements() as many:
            desk.get(reverse("desk:course", args=[course.id]))
        assert len(many) == len(few)


class TestEveryChange:
    @pytest.mark.parametrize("kind", sorted(FILLED))
    def test_what_is_shown_is_what_becomes(self, desk: Client, course: Prescription, kind: str) -> None:
        asked = filled(course, kind)
        preview = desk.post(url(course, kind), {**asked, "reason": "", "action": "preview"})
        assert preview.status_code == 200, words_of(preview)
        page = preview.content.decode()
        assert not PlanChange.objects.filter(number=2).exists()
        done = desk.post(url(course, kind), {**asked, "action": "sign", "shown": shown(preview)})
        assert done.status_code == 302, words_of(done)
        after = page[page.index("As it would be") :]
        for dose, _state, from_on, to_on in plan_lines(course):
            assert dose in after
            assert from_on in after
            assert to_on in after
        assert PlanChange.objects.get(number=2).reason == "A reason"

    @pytest.mark.parametrize("kind", sorted(FILLED))
    def test_nothing_is_signed_that_was_not_shown(self, desk: Client, course: Prescription, kind: str) -> None:
        answer = desk.post(url(course, kind), {**filled(course, kind), "action": "sign", "shown": "another"})
        assert answer.status_code == 409
        assert "Look at what this does below, then sign it." in words_of(answer)
        assert PlanChange.objects.count() == 1

    @pytest.mark.parametrize("kind", sorted(set(FILLED) - {"pause"}))
    def test_who_comes_second_is_told_who_was_first_and_loses_nothing(
        self, clinic: Clinic, desk: Client, course: Prescription, kind: str
    ) -> None:
        asked = {**filled(course, kind), "reason": "Typed with care"}
        preview = desk.post(url(course, kind), {**asked, "action": "preview"})
        colleague = factories.member(clinic, name="Test Colleague")
        courses.hold(prescription_id=course.id, days=2, reason="Tired", seen_version=2, by=colleague, at=NOW)
        answer = desk.post(url(course, kind), {**asked, "action": "sign", "shown": shown(preview)})
        assert answer.status_code == 409
        assert "Changed by Test Colleague" in words_of(answer)
        assert "Typed with care" in answer.content.decode()
        assert PlanChange.objects.count() == 2

    def test_every_kind_has_a_page_that_opens(self, desk: Client, course: Prescription) -> None:
        for kind in KINDS:
            query = {"place": 0} if kind == "take_back" else {}
            assert desk.get(url(course, kind, **query)).status_code == 200, kind

    def test_a_reason_is_asked_for_when_it_is_signed(self, desk: Client, course: Prescription) -> None:
        asked = filled(course, "stay", reason="")
        preview = desk.post(url(course, "stay"), {**asked, "action": "preview"})
        answer = desk.post(url(course, "stay"), {**asked, "action": "sign", "shown": shown(preview)})
        assert answer.status_code == 422
        assert "Say why" in words_of(answer)


def test_coming_steps_get_another_length(desk: Client, patient: Patient, prescriber: Actor) -> None:
    climbing = factories.prescription(patient, by=prescriber, at=NOW, code="HALF-1W", capsule_strength=Dose.of("0.5"))
    done = signed(desk, climbing, "lengths", days="21", on=(ON + timedelta(days=1)).isoformat())
    assert done.status_code == 302, words_of(done)
    begins = [from_on for _, _, from_on, _ in plan_lines(climbing)]
    assert begins[:3] == ["Thu 19 March 2026", "Thu 26 March 2026", "Thu 16 April 2026"]


class TestRefusals:
    def test_a_large_rise_is_confirmed_a_second_time(self, desk: Client, course: Prescription) -> None:
        high = {"dose": "other", "dose_other": "5"}
        refused = desk.post(url(course, "go_to"), {**filled(course, "go_to", **high), "action": "preview"})
        assert "more than 1.5 mg at once" in words_of(refused)
        assert signed(desk, course, "go_to", **high, confirmed="on").status_code == 302

    def test_the_ceiling_and_a_slip_of_the_pen_are_named(self, desk: Client, course: Prescription) -> None:
        for typed, said in (("45", "45"), ("12", "10 mg"), ("450 mcg", "micrograms")):
            asked = filled(course, "go_to", dose="other", dose_other=typed)
            assert said in words_of(desk.post(url(course, "go_to"), {**asked, "action": "preview"})), typed

    def test_the_past_is_changed_only_as_a_correction_and_shows_as_one(
        self, desk: Client, course: Prescription
    ) -> None:
        before = (ON - timedelta(days=2)).isoformat()
        refused = desk.post(url(course, "step_back"), {**filled(course, "step_back", on=before), "action": "preview"})
        assert "is entered as a correction" in words_of(refused)
        assert signed(desk, course, "step_back", on=before, correction="on").status_code == 302
        words = words_of(desk.get(reverse("desk:course", args=[course.id])))
        assert "Correction: back one step from Tue 17 March 2026" in words

    def test_what_capsules_cannot_make_is_refused(self, desk: Client, course: Prescription) -> None:
        asked = filled(course, "go_to", dose="other", dose_other="2.2")
        assert "cannot be made" in words_of(desk.post(url(course, "go_to"), {**asked, "action": "preview"}))


class TestTakingBack:
    def test_the_course_is_as_if_it_had_not_been_and_the_line_stays(self, desk: Client, course: Prescription) -> None:
        before = plan_lines(course)
        assert signed(desk, course, "pause", on=(ON + timedelta(days=3)).isoformat()).status_code == 302
        paused = Prescription.objects.get(id=course.id)
        assert plan_lines(course) != before
        page = desk.get(url(paused, "take_back", place=1))
        assert "As it would be" in words_of(page)
        answer = desk.post(
            url(paused, "take_back"),
            {"place": "1", "reason": "Put off", "seen_version": "3", "action": "sign", "shown": shown(page)},
        )
        assert answer.status_code == 302, words_of(answer)
        assert plan_lines(course) == before
        words = words_of(desk.get(reverse("desk:course", args=[course.id])))
        assert "Taken back: paused from Sun 22 March 2026 for 5 days for a procedure" in words


class TestBeginning:
    def test_a_plan_that_waits_begins_with_its_first_dose_and_every_step_moves(
        self, desk: Client, patient: Patient, prescriber: Actor
    ) -> None:
        waiting = factories.prescription(patient, by=prescriber, awaiting=True)
        page = desk.get(reverse("desk:course", args=[waiting.id]))
        assert "Awaiting medicine" in words_of(page)
        offered = page.content.decode()
        assert url(waiting, "begin") in offered
        assert url(waiting, "go_to") not in offered
        begun = signed(desk, waiting, "begin", reason="", on=(ON - timedelta(days=1)).isoformat())
        assert begun.status_code == 302, words_of(begun)
        waiting.refresh_from_db()
        assert waiting.begun_on == ON - timedelta(days=1)
        assert waiting.next_due_on == ON - timedelta(days=1) + timedelta(days=14)

    def test_it_does_not_begin_long_ago(self, desk: Client, patient: Patient, prescriber: Actor) -> None:
        waiting = factories.prescription(patient, by=prescriber, awaiting=True)
        answer = desk.post(url(waiting, "begin"), {**filled(waiting, "begin"), "on": date(2026, 3, 1).isoformat()})
        assert "at most a week ago" in words_of(answer)
