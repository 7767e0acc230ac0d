"""The clinic's day in lanes: what it shows, in which order, in which words, and what it costs."""

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from common.dose import Dose
from patients.models import ContactPreference, Patient, PatientCondition
from reminders.models import Heartbeat
from reminders.services import settling
from reminders.states import State
from symptoms import services as symptoms_services
from symptoms.models import OpioidReport
from tests import factories, memory, pages
from titration.engine.advice.finding import Tier
from titration.models import Prescription, Step
from titration.selectors import courses as courses_selectors
from titration.selectors import silence, worklist
from titration.services import findings
from titration.services import worklist as worklist_services

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 16, 10, tzinfo=UTC)
TODAY = NOW.date()


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def clinic() -> Clinic:
    return factories.clinic()


@pytest.fixture
def prescriber(clinic: Clinic) -> Actor:
    return factories.member(clinic)


def on_course(by: Actor, name: str, *, started: timedelta, told: int = 0, **more: object) -> Patient:
    """A patient whose course began so long ago, who told so many of the nights just before today."""
    patient = factories.patient(Clinic.objects.get(id=by.clinic_id), name, registered_by_id=by.user_id)
    factories.prescription(patient, by=by, at=NOW - started, **more)
    for back in range(told, 0, -1):
        factories.told_night(patient, TODAY - timedelta(days=back))
    return patient


def report(patient: Patient, *, at: datetime = NOW, words: str = "", answer: str = "yes") -> OpioidReport:
    return OpioidReport.objects.create(
        clinic_id=patient.clinic_id, patient=patient, night=at.date(), answer=answer, words=words, at=at
    )


def failing(patient: Patient) -> None:
    """Mail to this patient comes back."""
    ContactPreference.objects.filter(patient=patient).update(address_failed_at=NOW - timedelta(days=1))


def read(client: Client, address: str = "/") -> str:
    """The page's words, with one space between them."""
    response = client.get(address)
    assert response.status_code == 200
    return pages.words_of(response)


class TestReports:
    def test_they_are_pinned_on_top_longest_waiting_first(self, prescriber: Actor) -> None:
        on_course(prescriber, "Due Person", started=timedelta(days=14), told=7)
        newer = on_course(prescriber, "Newer Report", started=timedelta(days=2))
        older = on_course(prescriber, "Older Report", started=timedelta(days=2))
        report(newer, at=NOW - timedelta(minutes=12))
        report(older, at=NOW - timedelta(days=2, hours=3), words="co-codamol <b>twice</b>")
        words = read(pages.client_of(prescriber))
        places = [words.index(name) for name in ("Older Report", "Newer Report", "Due Person")]
        assert places == sorted(places)
        assert "Waiting for 2 days" in words
        assert "Waiting for 12 minutes" in words
        assert "co-codamol <b>twice</b>" in words

    def test_an_answered_one_is_gone(self, prescriber: Actor) -> None:
        from titration.services import courses

        patient = on_course(prescriber, "Some Report", started=timedelta(days=1))
        row = report(patient)
        assert "Opioid question answered" in read(pages.client_of(prescriber))
        courses.answer_opioid_report(report=row, outcome="carry_on", reason="not an opioid", by=prescriber, at=NOW)
        assert "Opioid question answered" not in read(pages.client_of(prescriber))

    def test_who_may_not_answer_is_shown_them_without_the_button(self, clinic: Clinic, prescriber: Actor) -> None:
        row = report(on_course(prescriber, "Some Report", started=timedelta(days=1)))
        nurse = pages.client_of(factories.member(clinic, Membership.Role.NURSE))
        assert "Some Report" in read(nurse)
        assert f"/reports/{row.id}/answer/" not in nurse.get("/").content.decode()
        assert f"/reports/{row.id}/answer/" in pages.client_of(prescriber).get("/").content.decode()


class TestDueSteps:
    def test_a_ready_one_can_be_ticked_with_the_version_that_was_seen(self, prescriber: Actor) -> None:
        patient = on_course(prescriber, "Ready Person", started=timedelta(days=14), told=7)
        page = pages.client_of(prescriber).get("/").content.decode()
        row = Prescription.objects.get(patient=patient)
        assert f'name="course" value="{row.id}:{row.version}"' in page
        words = read(pages.client_of(prescriber))
        assert "Step due: 1.5 mg to 3 mg on Mon 16 Mar, today" in words
        assert "1 of the 1 shown ready to step" in words

    def test_a_lack_of_nights_is_said_and_nothing_can_be_ticked(self, prescriber: Actor) -> None:
        on_course(prescriber, "Unknown Person", started=timedelta(days=14), told=2)
        client = pages.client_of(prescriber)
        assert "Not enough nights: 2 of the last 7" in read(client)
        assert 'name="course"' not in client.get("/").content.decode()

    def test_a_block_says_why(self, prescriber: Actor) -> None:
        report(on_course(prescriber, "Blocked Person", started=timedelta(days=14), told=7))
        words = read(pages.client_of(prescriber))
        assert "An opioid was reported and the report has not been answered." in words
        assert "Blocked" in words

    def test_one_some_days_ahead_is_not_called_blocked(self, prescriber: Actor) -> None:
        on_course(prescriber, "Early Person", started=timedelta(days=10))
        words = read(pages.client_of(prescriber))
        assert "in 4 days" in words
        assert "Not yet" in words
        assert "Blocked" not in words

    def test_an_overdue_one_is_marked(self, prescriber: Actor) -> None:
        on_course(prescriber, "Late Person", started=timedelta(days=16), told=7)
        assert "2 days overdue" in read(pages.client_of(prescriber))

    def test_one_beyond_seven_days_is_not_listed(self, prescriber: Actor) -> None:
        on_course(prescriber, "Distant Person", started=timedelta(days=6), told=3)
        assert "Distant Person" not in read(pages.client_of(prescriber))
        on_course(prescriber, "Nearer Person", started=timedelta(days=7), told=3)
        assert "Nearer Person" in read(pages.client_of(prescriber))

    def test_today_is_the_clinics(self) -> None:
        """At 10 UTC it is already tomorrow on Kiritimati: a step due on the 17th is due today."""
        by = factories.member(factories.clinic(zone_name="Pacific/Kiritimati"))
        on_course(by, "Island Person", started=timedelta(days=14), start_on=date(2026, 3, 3))
        assert "on Tue 17 Mar, today" in read(pages.client_of(by))

    def test_the_dose_it_is_narrowed_to_is_that_of_the_clinics_today(self, prescriber: Actor) -> None:
        by = factories.member(factories.clinic(zone_name="Pacific/Kiritimati"))
        patient = on_course(by, "Island Person", started=timedelta(days=14), start_on=date(2026, 3, 3), told=7)
        (step,) = Step.objects.filter(patient=patient)
        Step.objects.filter(id=step.id).update(from_on=date(2026, 3, 17))
        assert "Island Person" in read(pages.client_of(by), "/?dose=1.5")

    def test_a_nurse_may_look_and_not_tick(self, clinic: Clinic, prescriber: Actor) -> None:
        on_course(prescriber, "Ready Person", started=timedelta(days=14), told=7)
        nurse = pages.client_of(factories.member(clinic, Membership.Role.NURSE))
        assert "Ready Person" in read(nurse)
        assert 'name="course"' not in nurse.get("/").content.decode()
        assert "1 of the 1 shown ready to step" in read(nurse)

    def test_the_list_says_of_each_course_what_the_gate_says(self, prescriber: Actor) -> None:
        on_course(prescriber, "Ready Person", started=timedelta(days=14), told=7)
        on_course(prescriber, "Thin Person", started=timedelta(days=15), told=3)
        report(on_course(prescriber, "Blocked Person", started=timedelta(days=13), told=7))
        skipping = on_course(prescriber, "Skipping Person", started=timedelta(days=14))
        for back in range(7, 0, -1):
            factories.told_night(skipping, TODAY - timedelta(days=back), dose_mg="1.5" if back > 3 else None)
        hurt = on_course(prescriber, "Hurt Person", started=timedelta(days=14))
        for back in range(7, 0, -1):
            factories.told_night(hurt, TODAY - timedelta(days=back), side_effects={"headache": "severe"})
        listed = worklist.due_steps(prescriber, until=TODAY + timedelta(days=7), at=NOW)
        assert len(listed) == 5
        gates = {row.prescription.id: courses_selectors.gate_of(row.prescription, at=NOW) for row in listed}
        assert {row.prescription.id: row.verdict for row in listed} == gates
        assert {row.dose_now for row in listed} == {Dose.of("1.5")}


class TestSilence:
    def test_three_nights_over_and_untold_is_silent_two_are_not(self, prescriber: Actor) -> None:
        # At 10:00 the night of the 15th is not over: it can still be told this morning.
        heard = on_course(prescriber, "Heard Person", started=timedelta(days=9))
        factories.told_night(heard, date(2026, 3, 12))
        quiet = on_course(prescriber, "Quiet Person", started=timedelta(days=9))
        factories.told_night(quiet, date(2026, 3, 11))
        found = silence.silent(prescriber, at=NOW)
        assert [(row.name, row.nights, row.last_told) for row in found] == [("Quiet Person", 3, date(2026, 3, 11))]

    def test_a_night_is_over_at_noon_where_the_patient_is(self, prescriber: Actor) -> None:
        heard = on_course(prescriber, "Heard Person", started=timedelta(days=9))
        factories.told_night(heard, date(2026, 3, 12))
        noon = NOW.replace(hour=12)
        assert silence.silent(prescriber, at=noon - timedelta(seconds=1)) == []
        assert [row.nights for row in silence.silent(prescriber, at=noon)] == [3]

    def test_who_never_told_counts_from_the_start_and_an_old_log_counts_for_nothing(self, prescriber: Actor) -> None:
        never = on_course(prescriber, "Never Person", started=timedelta(days=5))
        factories.told_night(never, date(2026, 3, 1))
        on_course(prescriber, "New Person", started=timedelta(days=3))
        assert [(row.name, row.nights, row.last_told) for row in silence.silent(prescriber, at=NOW)] == [
            ("Never Person", 4, None)
        ]

    @pytest.mark.parametrize("zone_name", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
    def test_the_patients_own_zone_decides_at_every_hour(self, prescriber: Actor, zone_name: str) -> None:
        from common.night import night_of

        patient = on_course(prescriber, "Far Person", started=timedelta(days=9))
        Patient.objects.filter(id=patient.id).update(zone_name=zone_name)
        patient.refresh_from_db()
        factories.told_night(patient, date(2026, 3, 11))
        for hours in range(0, 48, 3):
            at = datetime(2026, 3, 14, tzinfo=UTC) + timedelta(hours=hours)
            nights = (night_of(at, patient.zone) - date(2026, 3, 12)).days
            assert [row.nights for row in silence.silent(prescriber, at=at)] == ([nights] if nights >= 3 else [])

    def test_the_longest_silence_comes_first_and_a_long_list_is_cut(self, prescriber: Actor) -> None:
        for days in range(4, 21):
            on_course(prescriber, f"Quiet for {days}", started=timedelta(days=days), code="STD-4W")
        for number in range(6):
            on_course(prescriber, f"As quiet {number}", started=timedelta(days=15), code="STD-4W")
        client = pages.client_of(prescriber)
        words = read(client)
        assert words.index("Quiet for 20") < words.index("Quiet for 19")
        assert "Quiet for 7 " in words
        assert "Quiet for 4 " not in words
        assert "Chase 23 " in words
        (more,) = re.findall(r'href="\?(lane=chase[^"#]*)', client.get("/").content.decode())
        rest = read(client, f"/?{unescape(more)}")
        assert "Quiet for 4 " in rest
        assert "Quiet for 7 " not in rest

    def test_without_an_open_course_nobody_is_silent(self, prescriber: Actor) -> None:
        from titration.services import courses

        patient = on_course(prescriber, "Stopped Person", started=timedelta(days=9))
        row = Prescription.objects.get(patient=patient)
        courses.stop(prescription_id=row.id, reason="ended", seen_version=row.version, by=prescriber, at=NOW)
        factories.patient(Clinic.objects.get(id=prescriber.clinic_id), "No Course")
        assert silence.silent(prescriber, at=NOW) == []


class TestClock:
    def test_a_clock_that_never_ran_and_one_that_stopped_are_told(self, prescriber: Actor) -> None:
        client = pages.client_of(prescriber)
        assert "Reminders have never run" in read(client)
        Heartbeat.objects.create(name="round", at=NOW - timedelta(minutes=61))
        assert "Reminders have not run for 1 hour" in read(client)

    def test_one_that_runs_is_not_spoken_of(self, prescriber: Actor) -> None:
        Heartbeat.objects.create(name="round", at=NOW - timedelta(seconds=30))
        assert "Reminders have" not in read(pages.client_of(prescriber))


class TestThePage:
    def test_an_empty_clinic_is_told_what_emptiness_means(self, prescriber: Actor) -> None:
        words = read(pages.client_of(prescriber))
        assert "No step is due in the next 7 days" in words
        assert "Everybody on a climbing plan has told a recent night" in words
        assert "Nothing is urgent" in words
        assert "Nothing needs arranging" in words

    def test_only_the_own_clinics_people_are_on_it_and_each_is_in_the_audit(self, prescriber: Actor) -> None:
        other = factories.member(factories.clinic("Other Clinic"))
        report(on_course(other, "Foreign Report", started=timedelta(days=14)))
        on_course(other, "Foreign Due", started=timedelta(days=14), told=7)
        shown = {
            on_course(prescriber, "Due Person", started=timedelta(days=14), told=7).id,
            on_course(prescriber, "Quiet Person", started=timedelta(days=5)).id,
        }
        reported = on_course(prescriber, "Report Person", started=timedelta(days=1))
        report(reported)
        words = read(pages.client_of(prescriber))
        assert "Foreign" not in words
        assert set(memory.event(action="worklist.read").patient_ids) == shown | {reported.id}

    def test_it_costs_the_same_statements_whatever_the_rows(self, prescriber: Actor) -> None:
        client = pages.client_of(prescriber)
        counts = []
        for people in (2, 20):
            for number in range(people):
                on_course(prescriber, f"Due {people} {number}", started=timedelta(days=14), told=5)
                on_course(prescriber, f"Quiet {people} {number}", started=timedelta(days=5))
                report(on_course(prescriber, f"Report {people} {number}", started=timedelta(days=1)))
                failing(on_course(prescriber, f"Failing {people} {number}", started=timedelta(days=1)))
            with pages.statements() as spent:
                assert client.get("/").status_code == 200
            counts.append(len(spent))
        assert counts[0] == counts[1] <= 38, str(spent)


def judged(patient: Patient) -> None:
    findings.judge(patient_id=patient.id, clinic_id=patient.clinic_id, at=NOW)


class TestWhatIsDue:
    def test_unanswered_for_a_week_they_stand_in_admin_and_lead_to_where_they_are_asked(
        self, prescriber: Actor
    ) -> None:
        fresh = on_course(prescriber, "Fresh Person", started=timedelta(days=6), told=6)
        asked = on_course(prescriber, "Asked Person", started=timedelta(days=7), told=7, code="STD-4W")
        for patient in (fresh, asked):
            factories.consented(patient, by=prescriber, at=NOW - timedelta(days=7))
            judged(patient)
        page = pages.client_of(prescriber).get("/?lane=admin").content.decode()
        assert "Questionnaires are due since 9 March 2026: PHQ-2." in unescape(page)
        assert page.count("Questionnaires are due") == 1
        assert reverse("desk:assessments", args=[asked.id]) in page

    def test_what_is_answered_is_gone_and_the_rest_stays(self, prescriber: Actor) -> None:
        patient = on_course(prescriber, "Asked Person", started=timedelta(days=7), told=7, code="STD-4W")
        factories.consented(patient, by=prescriber, at=NOW - timedelta(days=7))
        PatientCondition.objects.create(clinic_id=patient.clinic_id, patient=patient, position=0, code="chronic_pain")
        judged(patient)
        assert "Questionnaires are due since 9 March 2026: PHQ-2, PEG." in read(pages.client_of(prescriber))
        answers = {"interest": 0, "low": 0}
        symptoms_services.save_assessment(
            patient=patient, instrument="phq-2", on=TODAY, answers=answers, by=prescriber, at=NOW
        )
        judged(patient)
        words = read(pages.client_of(prescriber))
        assert "Questionnaires are due since 9 March 2026: PEG." in words
        assert "PHQ-2" not in words

    def test_at_a_dose_that_goes_on_they_are_read_beside_another_reason_and_make_no_row(
        self, prescriber: Actor
    ) -> None:
        settled = on_course(prescriber, "Settled Person", started=timedelta(days=20), code="FIX-4.5")
        factories.consented(settled, by=prescriber, at=NOW - timedelta(days=7))
        judged(settled)
        known = Patient.objects.filter(id=settled.id)
        assert "D03" not in {
            row.rule
            for row in worklist.findings_of(prescriber, known, (*worklist.URGENT, *worklist.DECIDED, Tier.ADMIN))
        }
        failing(settled)
        words = read(pages.client_of(prescriber))
        assert "Mail to this patient comes back" in words
        assert "Questionnaires are due since 24 February 2026: PHQ-2." in words


class TestLanes:
    def test_a_patient_stands_once_in_the_most_urgent_lane_with_every_reason(self, prescriber: Actor) -> None:
        busy = on_course(prescriber, "Busy Person", started=timedelta(days=14))
        report(busy)
        failing(busy)
        page = pages.client_of(prescriber).get("/")
        words = pages.words_of(page)
        assert page.content.decode().count("Busy Person</a>") == 1
        assert "Now 1 " in words
        assert "Decide 0 " in words
        assert "Chase 0 " in words
        assert "3 more reasons" in words
        for said in ("Step due: 1.5 mg", "Not heard from for 13 nights", "Mail to this patient comes back"):
            assert said in words
        assert 'name="course"' not in page.content.decode()

    def test_the_badge_counts_the_rows(self, prescriber: Actor) -> None:
        for number in range(3):
            on_course(prescriber, f"Due {number}", started=timedelta(days=14), told=7)
        failing(on_course(prescriber, "Failing Person", started=timedelta(days=1)))
        page = pages.client_of(prescriber).get("/")
        words = pages.words_of(page)
        assert "Decide (3)" in words
        assert "Chase (1)" in words
        assert page.content.decode().count('class="worklist-row') == 4

    def test_beyond_five_hundred_the_count_says_more_than(
        self, prescriber: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(worklist, "MOST", 3)
        for days in range(5, 10):
            on_course(prescriber, f"Quiet for {days}", started=timedelta(days=days), code="STD-4W")
        assert "Chase more than 3 " in read(pages.client_of(prescriber))

    def test_at_a_dose_that_goes_on_nobody_is_chased_and_a_missed_review_is_shown(self, prescriber: Actor) -> None:
        from titration.services import trials

        patient = on_course(prescriber, "Settled Person", started=timedelta(days=20), code="FIX-4.5")
        assert "Settled Person" not in read(pages.client_of(prescriber))
        row = Prescription.objects.get(patient=patient)
        asked = trials.Question(question="Less pain?", criterion="2 points", decide_on=date(2026, 3, 10))
        asking = NOW - timedelta(days=10)
        trials.ask(prescription_id=row.id, question=asked, by=prescriber, at=asking)
        words = read(pages.client_of(prescriber))
        assert "Settled Person" in words
        assert "To be decided by Tue 10 March 2026: “Less pain?”" in words
        trials.answer(prescription_id=row.id, outcome="helped", words="told so", by=prescriber, at=NOW)
        assert "Settled Person" not in read(pages.client_of(prescriber))

    def test_a_message_that_did_not_arrive_is_chased_until_somebody_looked(self, prescriber: Actor) -> None:
        patient = on_course(prescriber, "Unreached Person", started=timedelta(days=1))
        reminder = factories.troubled_reminder(patient, at=NOW - timedelta(hours=2))
        assert "A message may not have arrived: the night is not logged yet" in read(pages.client_of(prescriber))
        settling.settle(reminder=reminder, outcome=State.SENT, by=prescriber, at=NOW)
        assert "Unreached Person" not in read(pages.client_of(prescriber))

    def test_every_reason_says_what_its_click_does(self, prescriber: Actor) -> None:
        busy = on_course(prescriber, "Busy Person", started=timedelta(days=14))
        report(busy)
        failing(busy)
        page = unescape(pages.client_of(prescriber).get("/").content.decode())
        for does in (
            "Opens the report. Until it is answered the patient takes no dose.",
            "Looking changes nothing.",
            "Nothing is sent by itself.",
            "Opens address and reminders.",
        ):
            assert does in page

    def test_an_address_no_page_of_ours_wrote_shows_the_lane_from_its_beginning(self, prescriber: Actor) -> None:
        on_course(prescriber, "Due Person", started=timedelta(days=14), told=7)
        client = pages.client_of(prescriber)
        for address in ("/?lane=decide&after=x", "/?lane=decide&after=|", "/?lane=nowhere"):
            assert "Due Person" in read(client, address)


class TestNarrowing:
    def test_by_who_signed_condition_dose_and_tag(self, clinic: Clinic, prescriber: Actor) -> None:
        other = factories.member(clinic, name="Other Prescriber")
        mine = on_course(prescriber, "Mine Person", started=timedelta(days=14), told=7)
        theirs = on_course(other, "Theirs Person", started=timedelta(days=28))
        PatientCondition.objects.create(clinic=clinic, patient=mine, position=0, code="eczema")
        worklist_services.set_tags(patient=theirs, tags=[], new="research", by=prescriber, at=NOW)
        (tag,) = worklist.tags_of(prescriber)
        client = pages.client_of(prescriber)
        for query, shown, hidden in (
            (f"clinician={prescriber.user_id}", "Mine", "Theirs"),
            (f"clinician={other.user_id}", "Theirs", "Mine"),
            ("condition=eczema", "Mine", "Theirs"),
            (f"tag={tag.id}", "Theirs", "Mine"),
        ):
            words = read(client, f"/?{query}")
            assert f"{shown} Person" in words, query
            assert f"{hidden} Person" not in words, query
        both = read(client, "/?dose=1.5")
        assert "Mine Person" in both
        assert "Theirs Person" in both
        assert "Nobody of those you narrowed to" in read(client, "/?dose=6")

    def test_what_names_nothing_known_narrows_nothing_and_is_said(self, prescriber: Actor) -> None:
        on_course(prescriber, "Due Person", started=timedelta(days=14), told=7)
        words = read(pages.client_of(prescriber), f"/?clinician={uuid.uuid4()}&dose=abc")
        assert "Due Person" in words
        assert "the list is not narrowed by it: Signed by, or passed to, Dose now." in words
        assert "not narrowed by it" not in read(pages.client_of(prescriber), "/?dose=3")

    def test_a_view_is_kept_for_its_keeper_alone_and_forgotten(self, clinic: Clinic, prescriber: Actor) -> None:
        client = pages.client_of(prescriber)
        answer = client.post("/views/keep/", {"name": "At three", "dose": "3"})
        assert (answer.status_code, answer.url) == (302, "/?dose=3")
        assert "At three" in read(client)
        colleague = pages.client_of(factories.member(clinic))
        assert "At three" not in read(colleague)
        (view,) = worklist.views_of(prescriber)
        assert colleague.post(f"/views/{view.id}/forget/").status_code == 404
        assert client.post(f"/views/{view.id}/forget/").status_code == 302
        assert worklist.views_of(prescriber) == []

    def test_a_view_without_a_name_or_without_filters_is_refused_in_words(self, prescriber: Actor) -> None:
        client = pages.client_of(prescriber)
        refused = client.post("/views/keep/", {"name": "Everybody"}, follow=True)
        assert "Choose what the list is narrowed to first" in pages.words_of(refused)
        client.post("/views/keep/", {"name": " ", "dose": "3"})
        assert worklist.views_of(prescriber) == []


class TestTags:
    def test_they_are_put_on_and_taken_off_and_one_word_is_one_tag(self, clinic: Clinic, prescriber: Actor) -> None:
        patient, second = factories.patient(clinic, "First Person"), factories.patient(clinic, "Second Person")
        client = pages.client_of(prescriber)
        assert client.post(f"/patients/{patient.id}/tags/", {"new": "Research"}).status_code == 302
        assert client.post(f"/patients/{second.id}/tags/", {"new": "research"}).status_code == 302
        assert len(worklist.tags_of(prescriber)) == 1
        assert worklist.tags_on([patient.id, second.id]) == {patient.id: ["Research"], second.id: ["Research"]}
        assert "Research" in read(client, f"/patients/{patient.id}/")
        assert client.post(f"/patients/{patient.id}/tags/", {"new": ""}).status_code == 302
        assert worklist.tags_on([patient.id, second.id]) == {second.id: ["Research"]}

    def test_a_tag_too_long_is_refused_and_kept_in_the_form(self, clinic: Clinic, prescriber: Actor) -> None:
        patient = factories.patient(clinic)
        answer = pages.client_of(prescriber).post(f"/patients/{patient.id}/tags/", {"new": "x" * 41})
        assert answer.status_code == 422
        assert "x" * 41 in answer.content.decode()
