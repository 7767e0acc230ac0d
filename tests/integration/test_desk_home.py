"""The clinic's morning: what it shows, in which order, in which words, and what it costs."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from common.dose import Dose
from patients.models import Patient
from reminders.models import Heartbeat
from symptoms.models import OpioidReport
from tests import factories, memory, pages
from titration.models import Prescription
from titration.selectors import courses as courses_selectors
from titration.selectors import silence, worklist

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
        assert "waits for 2 days" in words
        assert "waits for 12 minutes" in words
        assert "co-codamol <b>twice</b>" in words

    def test_an_answered_one_is_gone(self, prescriber: Actor) -> None:
        from titration.services import courses

        patient = on_course(prescriber, "Some Report", started=timedelta(days=1))
        row = report(patient)
        assert "Opioid reports to answer" in read(pages.client_of(prescriber))
        courses.answer_opioid_report(report=row, outcome="carry_on", reason="not an opioid", by=prescriber, at=NOW)
        assert "Opioid reports to answer" not in read(pages.client_of(prescriber))

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
        assert "1.5 mg to 3 mg on Mon 16 Mar today Ready" in words
        assert "1 of 1 ready" in words

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
        assert "on Tue 17 Mar today" in read(pages.client_of(by))

    def test_a_nurse_may_look_and_not_tick(self, clinic: Clinic, prescriber: Actor) -> None:
        on_course(prescriber, "Ready Person", started=timedelta(days=14), told=7)
        nurse = pages.client_of(factories.member(clinic, Membership.Role.NURSE))
        assert "Ready Person" in read(nurse)
        assert 'name="course"' not in nurse.get("/").content.decode()

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
        gates = courses_selectors.gates_of([row.prescription for row in listed], at=NOW)
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
        for days in range(4, 27):
            on_course(prescriber, f"Quiet for {days}", started=timedelta(days=days))
        client = pages.client_of(prescriber)
        words = read(client)
        assert words.index("Quiet for 26") < words.index("Quiet for 25")
        assert "Quiet for 7 " in words
        assert "Quiet for 4 " not in words
        assert "Show all 23" in words
        assert "Quiet for 4 " in read(client, "/?quiet=all")

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
        assert "Everybody on a plan has told a recent night" in words

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
            with pages.statements() as spent:
                assert client.get("/").status_code == 200
            counts.append(len(spent))
        assert counts == [11, 11], str(spent)
