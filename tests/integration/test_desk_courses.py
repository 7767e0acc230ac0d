"""Holding, stepping, stopping and answering through the pages: what is shown first, what is refused, what is kept."""

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client

from accounts import step_up
from accounts.actors import Actor
from accounts.models import Clinic, Membership
from patients.models import Patient
from symptoms.models import OpioidReport
from tests import factories, memory, pages
from tests.pages import words_of
from titration.models import OpioidReview, PlanChange, Prescription
from titration.services import courses

AT = factories.AT
START = AT.date()
DUE = START + timedelta(days=14)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def now(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One signing in, and one showing that it is you, for all the days of a test."""
    pages.stay_signed_in(settings)
    monkeypatch.setattr(step_up, "FRESH", timedelta(days=365))
    with time_machine.travel(AT, tick=False):
        yield


@pytest.fixture
def clinic() -> Clinic:
    return factories.clinic()


@pytest.fixture
def prescriber(clinic: Clinic) -> Actor:
    return factories.member(clinic, name="Test Prescriber")


@pytest.fixture
def colleague(clinic: Clinic) -> Actor:
    return factories.member(clinic, name="Test Colleague")


@pytest.fixture
def desk(prescriber: Actor) -> Client:
    return pages.client_of(prescriber)


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return factories.patient(clinic)


@pytest.fixture
def course(patient: Patient) -> Prescription:
    return factories.prescription(patient)


def url(course: Prescription, deed: str) -> str:
    return f"/courses/{course.id}/{deed}/"


def seen(response: Any) -> str:
    found = re.search(r'name="seen_version" value="([^"]*)"', response.content.decode())
    return found[1] if found else ""


def on(day: date, hour: int = 10) -> Any:
    return time_machine.travel(datetime(day.year, day.month, day.day, hour, tzinfo=UTC), tick=False)


def tell_week_before(patient: Patient, day: date, **answers: Any) -> None:
    for back in range(7, 0, -1):
        factories.told_night(patient, day - timedelta(days=back), **answers)


def holding(**changes: Any) -> dict[str, Any]:
    return {"days": "7", "reason": "Headache", "seen_version": "1", "action": "sign", **changes}


class TestHold:
    def test_what_it_moves_is_shown_before_anything_is_signed(self, desk: Client, course: Prescription) -> None:
        words = words_of(desk.get(url(course, "hold")))
        assert "1.5 mg stays from Mon 2 March 2026 to Sun 8 March 2026." in words
        assert "3 mgMon 16 March 2026Mon 23 March 2026" in words
        assert "4.5 mgMon 30 March 2026Mon 6 April 2026" in words
        preview = desk.post(url(course, "hold"), holding(days="10", reason="", action="preview"))
        assert preview.status_code == 200
        assert "3 mgMon 16 March 2026Thu 26 March 2026" in words_of(preview)
        assert not PlanChange.objects.exists()

    def test_signing_it_holds_the_dose(self, desk: Client, course: Prescription, prescriber: Actor) -> None:
        response = desk.post(url(course, "hold"), holding())
        assert (response.status_code, response["Location"]) == (302, f"/patients/{course.patient_id}/")
        change = PlanChange.objects.get()
        assert (change.kind, change.days, change.reason, change.by_id) == ("hold", 7, "Headache", prescriber.user_id)
        assert "The dose is held." in words_of(desk.get(response["Location"]))

    def test_two_people_holding_one_course(self, desk: Client, course: Prescription, colleague: Actor) -> None:
        second = pages.client_of(colleague)
        assert seen(desk.get(url(course, "hold"))) == seen(second.get(url(course, "hold"))) == "1"
        assert desk.post(url(course, "hold"), holding()).status_code == 302
        late = second.post(url(course, "hold"), holding(days="5", reason="Also <b>dizzy</b>"))
        assert late.status_code == 409
        words = words_of(late)
        assert "Changed by Test Prescriber at 10:00 on 2 March: hold. Nothing of yours was saved." in words
        assert "Also &lt;b&gt;dizzy&lt;/b&gt;" in late.content.decode()
        assert 'value="5"' in late.content.decode()
        assert seen(late) == "2"
        assert PlanChange.objects.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_two_people_holding_at_the_same_moment(
        self, course: Prescription, prescriber: Actor, colleague: Actor
    ) -> None:
        desks = [pages.client_of(prescriber), pages.client_of(colleague)]
        start = threading.Barrier(2)

        def hold_now(desk: Client) -> int:
            try:
                start.wait(10)
                return desk.post(url(course, "hold"), holding()).status_code
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as threads:
            answers = sorted(threads.map(hold_now, desks))
        assert answers == [302, 409]
        assert PlanChange.objects.count() == 1
        assert Prescription.objects.get().version == 2

    def test_having_looked_again_the_second_may_sign(
        self, desk: Client, course: Prescription, colleague: Actor
    ) -> None:
        desk.post(url(course, "hold"), holding())
        second = pages.client_of(colleague)
        again = second.post(url(course, "hold"), holding(days="20"))
        assert second.post(url(course, "hold"), holding(days="20", seen_version=seen(again))).status_code == 302
        assert PlanChange.objects.count() == 2

    def test_the_second_of_a_double_click_changes_nothing(self, desk: Client, course: Prescription) -> None:
        assert desk.post(url(course, "hold"), holding()).status_code == 302
        assert desk.post(url(course, "hold"), holding()).status_code == 409
        assert PlanChange.objects.count() == 1

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"days": "0"}, "A hold lasts between 1 and 90 days."),
            ({"days": "91"}, "A hold lasts between 1 and 90 days."),
            ({"days": "99999999999999999999"}, "A hold lasts between 1 and 90 days."),
            ({"days": "a week"}, "Write a whole number of days."),
            ({"days": ""}, "Say for how many days."),
            ({"reason": "   "}, "Say why, so that the next person understands."),
            ({"reason": "x" * 10_000}, "A reason has at most 2,000 characters; this one has 10000."),
        ],
    )
    def test_what_cannot_be_is_refused_with_a_sentence_and_kept(
        self, desk: Client, course: Prescription, changes: dict[str, str], sentence: str
    ) -> None:
        response = desk.post(url(course, "hold"), holding(**changes))
        assert response.status_code == 422
        assert sentence in words_of(response)
        for typed in changes.values():
            assert typed.strip() in response.content.decode()
        assert not PlanChange.objects.exists()

    @pytest.mark.parametrize("forged", ["", "-1", "x", "²", "1e9", "999999999999999999999999"])
    def test_a_version_nobody_was_shown_is_stale(self, desk: Client, course: Prescription, forged: str) -> None:
        response = desk.post(url(course, "hold"), holding(seen_version=forged))
        assert response.status_code == 409
        assert "Look again before you decide." in words_of(response)
        assert not PlanChange.objects.exists()

    def test_a_hold_inside_a_hold_is_refused_at_the_days(
        self, desk: Client, course: Prescription, colleague: Actor
    ) -> None:
        courses.hold(prescription_id=course.id, days=14, reason="r", seen_version=1, by=colleague, at=AT)
        response = desk.post(url(course, "hold"), holding(seen_version="2"))
        assert response.status_code == 422
        assert "The dose is already held until 16 March." in words_of(response)

    def test_a_stopped_course_is_not_held(self, desk: Client, course: Prescription, colleague: Actor) -> None:
        courses.stop(prescription_id=course.id, reason="r", seen_version=1, by=colleague, at=AT)
        assert "there is nothing to hold" in words_of(desk.get(url(course, "hold")))
        response = desk.post(url(course, "hold"), holding(seen_version="2"))
        assert response.status_code == 409
        assert "This plan has been stopped." in words_of(response)

    def test_a_nurse_may_hold(self, clinic: Clinic, course: Prescription) -> None:
        nurse = pages.client_of(factories.member(clinic, Membership.Role.NURSE))
        assert nurse.post(url(course, "hold"), holding()).status_code == 302

    def test_its_statements_stay_few(self, desk: Client, course: Prescription) -> None:
        with pages.statements() as found:
            desk.get(url(course, "hold"))
        assert len(found) <= 11, str(found)


class TestAdvance:
    def test_with_the_gate_open_no_reason_is_needed(self, desk: Client, course: Prescription, patient: Patient) -> None:
        tell_week_before(patient, DUE)
        with on(DUE):
            page = desk.get(url(course, "advance"))
            assert "Nothing speaks against it" in words_of(page)
            assert "Signed now, it takes force on Mon 16 March 2026." in words_of(page)
            response = desk.post(url(course, "advance"), {"seen_version": seen(page), "reason": ""})
        assert response.status_code == 302
        assert PlanChange.objects.get().on == DUE

    def test_without_enough_nights_a_reason_is_asked_for_and_kept_on_record(
        self, desk: Client, course: Prescription
    ) -> None:
        with on(DUE):
            refused = desk.post(url(course, "advance"), {"seen_version": "1", "reason": ""})
            assert refused.status_code == 422
            assert "To step all the same, say why." in words_of(refused)
            signed = desk.post(url(course, "advance"), {"seen_version": "1", "reason": "Told by phone"})
            assert signed.status_code == 302
            words = words_of(desk.get(signed["Location"]))
        assert "Step to 3 mg from Mon 16 March 2026" in words
        assert "although too few nights were logged" in words
        assert "“Told by phone”" in words

    def test_what_nobody_may_override_greys_the_button(self, desk: Client, course: Prescription) -> None:
        page = desk.get(url(course, "advance"))
        assert "The step is due on 16 March 2026; it can be confirmed from the day before." in words_of(page)
        assert re.search(r'type="submit" disabled aria-describedby="against"', page.content.decode())
        refused = desk.post(url(course, "advance"), {"seen_version": "1", "reason": "Please"})
        assert refused.status_code == 422
        assert not PlanChange.objects.exists()

    def test_a_report_meanwhile_closes_the_gate(self, desk: Client, course: Prescription, patient: Patient) -> None:
        tell_week_before(patient, DUE)
        with on(DUE):
            page = desk.get(url(course, "advance"))
            OpioidReport.objects.create(
                clinic_id=patient.clinic_id, patient=patient, night=DUE, answer="yes", words="", at=AT
            )
            refused = desk.post(url(course, "advance"), {"seen_version": seen(page), "reason": "Fine"})
        assert "An opioid was reported and the report has not been answered." in words_of(refused)
        assert not PlanChange.objects.exists()

    def test_at_the_top_there_is_no_step(self, desk: Client, patient: Patient) -> None:
        course = factories.prescription(patient, code="STD-1W")
        with on(START + timedelta(days=7)):
            desk.post(url(course, "advance"), {"seen_version": "1", "reason": "r"})
        with on(START + timedelta(days=14)):
            desk.post(url(course, "advance"), {"seen_version": "2", "reason": "r"})
            assert "There is no higher step to go to." in words_of(desk.get(url(course, "advance")))
            refused = desk.post(url(course, "advance"), {"seen_version": "3", "reason": "r"})
        assert refused.status_code == 422
        assert "There is no further step." in words_of(refused)

    def test_the_second_of_a_double_click_changes_nothing(
        self, desk: Client, course: Prescription, patient: Patient
    ) -> None:
        tell_week_before(patient, DUE)
        with on(DUE):
            assert desk.post(url(course, "advance"), {"seen_version": "1"}).status_code == 302
            assert desk.post(url(course, "advance"), {"seen_version": "1"}).status_code == 409
        assert PlanChange.objects.count() == 1


class TestSeveral:
    def test_each_stands_for_itself(self, desk: Client, clinic: Clinic) -> None:
        ready, thin, changed = (factories.patient(clinic, f"Test {name}") for name in ("Ready", "Thin", "Changed"))
        plans = [factories.prescription(patient) for patient in (ready, thin, changed)]
        tell_week_before(ready, DUE)
        tell_week_before(changed, DUE)
        tickets = [f"{plans[0].id}:1", f"{plans[1].id}:1", f"{plans[2].id}:0"]
        with on(DUE):
            response = desk.post("/steps/", {"course": tickets})
        assert response.status_code == 200
        words = words_of(response)
        assert re.search(r"Test Readyrecord \w+ Steps to 3 mg Signed", words)
        assert re.search(r"Test Thinrecord \w+ Not enough nights: 0 of the last 7", words)
        assert re.search(r"Test Changedrecord \w+ This plan has changed since you opened the page\.", words)
        assert PlanChange.objects.get().prescription_id == plans[0].id
        seen_patients = memory.event(action="course.advance_several").patient_ids
        assert set(seen_patients) == {ready.id, thin.id, changed.id}

    def test_sent_twice_it_steps_once(self, desk: Client, course: Prescription, patient: Patient) -> None:
        tell_week_before(patient, DUE)
        with on(DUE):
            desk.post("/steps/", {"course": [f"{course.id}:1", f"{course.id}:1"]})
            again = desk.post("/steps/", {"course": [f"{course.id}:1"]})
        assert "Changed by Test Prescriber" in words_of(again)
        assert PlanChange.objects.count() == 1

    def test_none_ticked_says_so(self, desk: Client) -> None:
        assert "No step was ticked" in words_of(desk.post("/steps/"))

    @pytest.mark.parametrize("ticket", ["", "x", "<script>", "1:1", "{id}", "{id}:x", "{id}:1:2"])
    def test_a_ticket_no_page_wrote_is_nobodys(self, desk: Client, course: Prescription, ticket: str) -> None:
        assert desk.post("/steps/", {"course": [ticket.format(id=course.id)]}).status_code == 404

    def test_a_foreign_clinics_course_is_nobodys_and_takes_the_others_with_it(
        self, desk: Client, course: Prescription, patient: Patient
    ) -> None:
        tell_week_before(patient, DUE)
        foreign = factories.prescription(factories.patient(factories.clinic("Other Clinic")))
        with on(DUE):
            response = desk.post("/steps/", {"course": [f"{course.id}:1", f"{foreign.id}:1"]})
        assert response.status_code == 404
        assert not PlanChange.objects.exists()


class TestStop:
    def test_it_says_from_when_and_needs_a_reason(self, desk: Client, course: Prescription) -> None:
        assert "No dose from Mon 2 March 2026 on." in words_of(desk.get(url(course, "stop")))
        refused = desk.post(url(course, "stop"), {"seen_version": "1", "reason": ""})
        assert (refused.status_code, Prescription.objects.get().state) == (422, "active")
        signed = desk.post(url(course, "stop"), {"seen_version": "1", "reason": "No benefit"})
        assert (signed.status_code, Prescription.objects.get().state) == (302, "stopped")

    def test_changed_meanwhile_it_is_not_stopped(self, desk: Client, course: Prescription, colleague: Actor) -> None:
        courses.hold(prescription_id=course.id, days=7, reason="r", seen_version=1, by=colleague, at=AT)
        late = desk.post(url(course, "stop"), {"seen_version": "1", "reason": "No benefit"})
        assert late.status_code == 409
        assert "Changed by Test Colleague" in words_of(late)
        assert "No benefit" in late.content.decode()
        assert Prescription.objects.get().state == "active"

    def test_a_stopped_course_says_so(self, desk: Client, course: Prescription) -> None:
        desk.post(url(course, "stop"), {"seen_version": "1", "reason": "r"})
        assert "has been stopped already" in words_of(desk.get(url(course, "stop")))
        assert desk.post(url(course, "stop"), {"seen_version": "2", "reason": "r"}).status_code == 409


class TestAnswer:
    @pytest.fixture
    def report(self, patient: Patient, course: Prescription) -> OpioidReport:
        factories.told_night(patient, START, other_medicines_answer="unsure", other_medicines="A <brown> cough syrup")
        return OpioidReport.objects.get()

    def test_it_shows_the_words_and_the_dose_in_force(self, desk: Client, report: OpioidReport) -> None:
        page = desk.get(f"/reports/{report.id}/answer/")
        assert "A &lt;brown&gt; cough syrup" in page.content.decode()
        assert "Opioid question answered: Not sure" in words_of(page)
        assert "1.5 mg nalTREXone" in words_of(page)
        assert "checked" not in page.content.decode()

    def test_carrying_on_opens_the_gate_again(
        self, desk: Client, report: OpioidReport, patient: Patient, prescriber: Actor
    ) -> None:
        answer = {"outcome": "carry_on", "reason": "It was honey"}
        response = desk.post(f"/reports/{report.id}/answer/", answer)
        assert (response.status_code, response["Location"]) == (302, f"/patients/{patient.id}/")
        review = OpioidReview.objects.get()
        assert (review.outcome, review.by_id) == ("carry_on", prescriber.user_id)
        assert Prescription.objects.get().state == "active"
        assert "Opioid question answered" not in words_of(desk.get(response["Location"]))

    def test_an_opioid_stops_the_course(self, desk: Client, report: OpioidReport) -> None:
        desk.post(f"/reports/{report.id}/answer/", {"outcome": "stopped", "reason": "Codeine for a week"})
        assert Prescription.objects.get().state == "stopped"

    @pytest.mark.parametrize(
        ("answer", "sentence"),
        [
            ({"outcome": "", "reason": "r"}, "Say which it was."),
            ({"outcome": "maybe", "reason": "r"}, "maybe"),
            ({"outcome": "carry_on", "reason": ""}, "Say why, so that the next person understands."),
        ],
    )
    def test_half_an_answer_is_refused(
        self, desk: Client, report: OpioidReport, answer: dict[str, str], sentence: str
    ) -> None:
        response = desk.post(f"/reports/{report.id}/answer/", answer)
        assert response.status_code == 422
        assert sentence in words_of(response)
        assert not OpioidReview.objects.exists()

    def test_the_second_to_answer_is_shown_the_first_answer(
        self, desk: Client, report: OpioidReport, colleague: Actor
    ) -> None:
        pages.client_of(colleague).post(
            f"/reports/{report.id}/answer/", {"outcome": "carry_on", "reason": "It was honey"}
        )
        late = desk.post(f"/reports/{report.id}/answer/", {"outcome": "stopped", "reason": "I think it was codeine"})
        assert late.status_code == 409
        words = words_of(late)
        assert "Somebody has answered this report already." in words
        assert "“It was honey”" in words
        assert "I think it was codeine" in words
        assert Prescription.objects.get().state == "active"

    def test_a_nurse_may_not_answer(self, clinic: Clinic, report: OpioidReport) -> None:
        nurse = pages.client_of(factories.member(clinic, Membership.Role.NURSE))
        assert nurse.get(f"/reports/{report.id}/answer/").status_code == 403


class TestDoor:
    @pytest.mark.parametrize("deed", ["hold", "advance", "stop"])
    def test_a_foreign_clinics_course_is_nobodys(self, desk: Client, deed: str) -> None:
        foreign = factories.prescription(factories.patient(factories.clinic("Other Clinic")))
        assert desk.get(url(foreign, deed)).status_code == 404
        assert desk.post(url(foreign, deed), holding()).status_code == 404
        assert not PlanChange.objects.exists()

    def test_a_foreign_clinics_report_is_nobodys(self, desk: Client) -> None:
        foreign = factories.patient(factories.clinic("Other Clinic"))
        report = OpioidReport.objects.create(
            clinic_id=foreign.clinic_id, patient=foreign, night=START, answer="yes", words="", at=AT
        )
        assert desk.get(f"/reports/{report.id}/answer/").status_code == 404
        answer = {"outcome": "carry_on", "reason": "r"}
        assert desk.post(f"/reports/{report.id}/answer/", answer).status_code == 404
        assert not OpioidReview.objects.exists()

    @pytest.mark.parametrize("deed", ["hold", "advance", "stop"])
    def test_reading_is_remembered(self, desk: Client, course: Prescription, deed: str) -> None:
        desk.get(url(course, deed))
        trace = memory.event(action=f"course.{deed}_page")
        assert trace.patient_ids == [course.patient_id]
