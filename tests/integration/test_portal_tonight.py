"""What a patient reads about the next dose, the last nights, the plan and the chart."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from accounts.models import Membership
from common.dose import Dose
from common.night import Slot
from patients.models import Patient
from portal.presenters import chart
from symptoms.models import DoseTaken
from tests import factories, memory
from tests.phones import EVENING, MORNING, NIGHT, answers, phone_of
from titration.engine.course import Advance
from titration.models import Prescription
from titration.selectors.courses import prescriptions_of
from titration.services import courses, papers

pytestmark = pytest.mark.django_db

DUE = NIGHT + timedelta(days=14)


@pytest.fixture
def patient() -> Patient:
    return factories.patient(factories.clinic())


def seen(patient: Patient, at: datetime, path: str = "/p/") -> str:
    with time_machine.travel(at, tick=False):
        response = phone_of(patient, at).get(path)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def evening_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 21, 30, tzinfo=UTC)


class TestNextDose:
    def test_without_a_plan_nothing_is_to_be_taken(self, patient: Patient) -> None:
        page = seen(patient, EVENING)
        assert "No plan at present" in page
        assert "I took it" not in page

    def test_a_bedtime_dose_in_plain_words_and_units(self, patient: Patient) -> None:
        factories.prescription(patient)
        page = seen(patient, EVENING)
        assert ">Tonight</h1>" in page
        assert "1 capsule of 1.5 mg = 1.5 mg (one and a half milligrams)" in page
        assert f'href="/p/night/{NIGHT}/?dose=taken">I took it' in page
        assert ">Not tonight</a>" in page

    def test_several_capsules_are_counted(self, patient: Patient) -> None:
        factories.prescription(patient, code="STD-1W", capsule_strength=Dose.of("0.5"))
        assert "3 capsules of 0.5 mg = 1.5 mg" in seen(patient, EVENING)

    def test_a_morning_dose_is_never_called_tonights(self, patient: Patient) -> None:
        factories.prescription(patient, slot=Slot.MORNING)
        page = seen(patient, datetime(2026, 3, 3, 7, tzinfo=UTC))
        assert ">This morning</h1>" in page
        assert ">Not today</a>" in page
        assert 'href="/p/night/2026-03-03/?dose=taken"' in page
        assert ">Tomorrow morning</h1>" in seen(patient, EVENING)
        for moment in (MORNING, EVENING):
            assert "tonight" not in seen(patient, moment).split("Your last nights")[0].casefold().replace(
                'class="tonight', ""
            ).replace("tonight-", "")

    def test_in_the_morning_the_bedtime_dose_has_no_buttons_yet(self, patient: Patient) -> None:
        factories.prescription(patient)
        page = seen(patient, MORNING)
        assert ">Tonight</h1>" in page
        assert "I took it" not in page
        assert f'href="/p/night/{NIGHT}/">Tell us about last night' in page

    def test_a_plan_to_come_says_when_it_starts(self, patient: Patient) -> None:
        factories.prescription(patient, start_on=date(2026, 3, 9))
        page = seen(patient, EVENING)
        assert "Your plan starts on <strong>Monday 9 March at bedtime</strong>" in page
        assert "Take nothing before that" in page
        assert "I took it" not in page

    def test_a_hold_says_until_when(self, patient: Patient) -> None:
        prescription = factories.prescription(patient)
        courses.hold(
            prescription_id=prescription.id,
            days=5,
            reason="Sleep",
            seen_version=prescription.version,
            by=factories.member(patient.clinic, Membership.Role.NURSE),
            at=factories.AT,
        )
        assert "keeps you on this dose until Saturday 7 March" in seen(patient, EVENING)

    def test_a_step_nobody_has_let_happen_leaves_the_lower_dose(self, patient: Patient) -> None:
        factories.prescription(patient)
        page = seen(patient, evening_of(DUE))
        assert "Your next step to 3 mg is waiting for your clinic. Stay on 1.5 mg until they answer." in page
        assert "= 1.5 mg (one and a half milligrams)" in page
        assert "= 3 mg" not in page

    def test_a_dose_already_told_is_not_asked_again(self, patient: Patient) -> None:
        factories.prescription(patient)
        with time_machine.travel(EVENING, tick=False):
            phone_of(patient).post(f"/p/night/{NIGHT}/", {"seen_version": "0", "taken": "taken", "taken_at": "21:15"})
        page = seen(patient, EVENING)
        assert "You told us that you took 1.5 mg at 21:15." in page
        assert "I took it" not in page
        assert "Partly told" in page

    def test_not_yet_is_asked_again(self, patient: Patient) -> None:
        factories.prescription(patient)
        with time_machine.travel(EVENING, tick=False):
            phone_of(patient).post(f"/p/night/{NIGHT}/", {"seen_version": "0", "taken": "not_yet"})
        assert DoseTaken.objects.get().taken == "not_yet"
        assert "I took it" in seen(patient, EVENING)

    def test_a_stopped_plan_has_no_dose(self, patient: Patient) -> None:
        prescription = factories.prescription(patient)
        courses.stop(
            prescription_id=prescription.id,
            reason="Enough",
            seen_version=prescription.version,
            by=factories.member(patient.clinic),
            at=factories.AT,
        )
        page = seen(patient, EVENING)
        assert "mg" not in page.split("Your last nights")[0].split("<main")[1]

    def test_a_plan_that_ran_its_course_has_ended(self, patient: Patient) -> None:
        version = factories.protocol_version()
        body = {**version.body, "then": "end"}
        body["rungs"] = [{**body["rungs"][0], "days": 14}]
        prescription = factories.prescription(patient)
        Prescription.objects.filter(id=prescription.id).update(protocol_snapshot=body)
        page = seen(patient, evening_of(DUE))
        assert "Your plan has ended" in page
        assert "capsule" not in page

    def test_showing_it_leaves_its_trace(self, patient: Patient) -> None:
        seen(patient, EVENING)
        assert len(memory.events(action="portal.tonight", patient_ids=[patient.id])) == 1


class TestLastNights:
    def test_seven_nights_each_with_its_link_newest_first(self, patient: Patient) -> None:
        factories.told_night(patient, NIGHT - timedelta(days=1))
        page = seen(patient, EVENING)
        links = [f"/p/night/{NIGHT - timedelta(days=back)}/" for back in range(7)]
        listed = page.split('<ul class="nights">')[1]
        assert [listed.index(link) for link in links] == sorted(listed.index(link) for link in links)
        assert f"/p/night/{NIGHT - timedelta(days=7)}/" not in page
        assert "1 of the last 7 nights is told" in page

    def test_before_noon_the_running_night_is_last_night(self, patient: Patient) -> None:
        listed = seen(patient, MORNING).split('<ul class="nights">')[1]
        assert listed.index("Last night") < listed.index("Sunday night")
        assert "Tonight" not in listed.split("</ul>")[0]
        assert "Mon 2 to Tue 3 March" in listed

    def test_after_noon_a_new_night_runs(self, patient: Patient) -> None:
        listed = seen(patient, datetime(2026, 3, 3, 12, tzinfo=UTC)).split('<ul class="nights">')[1]
        assert listed.index("Tonight") < listed.index("Last night") < listed.index("Sunday night")


class TestPlan:
    def test_what_is_ahead_is_said_as_intention(self, patient: Patient) -> None:
        factories.prescription(patient)
        page = seen(patient, EVENING, "/p/plan/")
        steps = page.split("<ol")[1].split("</ol>")[0].split("<li")[1:]
        assert ["1.5 mg" in steps[0], "3 mg" in steps[1], "4.5 mg" in steps[2]] == [True] * 3
        assert "in force" in steps[0]
        assert all("planned, if your clinic agrees" in step for step in steps[1:])
        assert "3 capsules" in steps[2]
        assert "Monday 16 March" in steps[1]

    def test_an_overdue_step_leaves_the_dose_in_force_on_the_page(self, patient: Patient) -> None:
        factories.prescription(patient)
        steps = seen(patient, evening_of(DUE + timedelta(days=3)), "/p/plan/").split("<li class=")[1:]
        assert "in force" in steps[0]
        assert "1.5 mg" in steps[0]
        assert "From Monday 2 March" in steps[0]
        assert "planned, if your clinic agrees" in steps[1]
        assert "Thursday 19 March" in steps[1]

    def test_a_hold_is_shown(self, patient: Patient) -> None:
        prescription = factories.prescription(patient)
        courses.hold(
            prescription_id=prescription.id,
            days=5,
            reason="Sleep",
            seen_version=prescription.version,
            by=factories.member(patient.clinic),
            at=factories.AT,
        )
        page = seen(patient, EVENING, "/p/plan/")
        assert "You stay on the same dose from Monday 2 March to Friday 6 March" in page
        assert "Saturday 21 March" in page

    def test_no_plan_and_a_plan_under_question_show_no_dose(self, patient: Patient) -> None:
        assert "There is no open plan at present" in seen(patient, EVENING, "/p/plan/")
        factories.prescription(patient)
        with time_machine.travel(EVENING, tick=False):
            phone_of(patient).post(f"/p/night/{NIGHT}/", answers(other_medicines_answer="yes", sleep_hours=""))
        page = seen(patient, EVENING, "/p/plan/")
        assert "Take no further dose" in page
        assert "<ol" not in page


class TestChart:
    @pytest.fixture
    def proved(self, patient: Patient) -> Client:
        client = phone_of(patient)
        patient.phones.update(proved_until=MORNING + timedelta(minutes=5))
        return client

    def test_it_draws_the_nights_says_them_and_lists_them(self, patient: Patient, proved: Client) -> None:
        factories.prescription(patient)
        factories.told_night(patient, NIGHT, side_effects={"headache": "mild"}, sleep_hours="6.5")
        with time_machine.travel(MORNING, tick=False):
            page = " ".join(proved.get("/p/chart/").content.decode().split())
        assert "<svg" in page
        assert "1 of 1 night logged; current dose 1.5 mg" in page
        table = page.split("<tbody>")[1]
        assert "slept 6.5 hours" in table
        assert "headache (mild)" in table
        assert "style=" not in page

    def test_a_course_that_was_stopped_gives_way_to_the_next(self, patient: Patient, proved: Client) -> None:
        first = factories.prescription(patient, at=factories.AT - timedelta(days=20))
        courses.stop(
            prescription_id=first.id,
            reason="Rest",
            seen_version=first.version,
            by=factories.member(patient.clinic),
            at=factories.AT - timedelta(days=10),
        )
        second = factories.prescription(patient)
        with time_machine.travel(MORNING, tick=False):
            assert "current dose 1.5 mg" in proved.get("/p/chart/").content.decode()
        bands = list(chart.bands(prescriptions_of(patient)))
        rest = [band for band in bands if band.dose_mg is None]
        assert [band.to_on for band in rest] == [second.start_on], "no two bands lie on one night"

    def test_it_is_empty_before_the_first_night(self, proved: Client) -> None:
        with time_machine.travel(MORNING, tick=False):
            assert "Nothing to draw yet" in proved.get("/p/chart/").content.decode()

    def test_it_wants_a_fresh_proof(self, patient: Patient) -> None:
        with time_machine.travel(MORNING, tick=False):
            response = phone_of(patient).get("/p/chart/")
        assert response.status_code == 302
        assert response["Location"] == "/p/prove/?next=%2Fp%2Fchart%2F"


class TestASchedulePrinted:
    """What lies on paper at home is void once the plan has changed, and the patient is told by its date and version."""

    def printed(self, course: Prescription, at: datetime) -> None:
        course.refresh_from_db()
        by = factories.member(course.clinic, name="Who prints")
        papers.print_schedule(prescription=course, large=False, by=by, at=at)

    def test_it_counts_until_the_plan_changes_and_a_newer_one_takes_its_place(self, patient: Patient) -> None:
        course = factories.prescription(patient)
        assert "schedule" not in seen(patient, EVENING)
        self.printed(course, EVENING)
        said = "On paper, only the printed schedule of Monday 2 March, version 1, counts. Older ones are void"
        for path in ("/p/", "/p/plan/"):
            assert said in seen(patient, EVENING, path)
            assert said in seen(patient, EVENING + timedelta(days=5), path)
        later = EVENING + timedelta(days=6)
        by = factories.member(course.clinic, name="Who holds")
        courses.hold(prescription_id=course.id, days=3, reason="Because", seen_version=1, by=by, at=later)
        void = "Your plan has changed: the printed schedule of Monday 2 March, version 1, and all older ones are void."
        for path in ("/p/", "/p/plan/"):
            assert void in seen(patient, later, path)
        self.printed(course, later)
        assert "On paper, only the printed schedule of Sunday 8 March, version 2, counts." in seen(patient, later)

    def test_a_step_let_happen_on_its_day_changes_nothing_on_paper(self, patient: Patient) -> None:
        course = factories.prescription(patient)
        self.printed(course, EVENING)
        by = factories.member(course.clinic, name="Who lets it")
        step = Advance(1, DUE)
        courses.change(prescription_id=course.id, change=step, reason="Well", seen_version=1, by=by, at=evening_of(DUE))
        course.refresh_from_db()
        assert course.version == 2
        assert "version 1, counts" in seen(patient, evening_of(DUE + timedelta(days=1)))

    def test_of_a_plan_that_was_stopped_it_is_void(self, patient: Patient) -> None:
        course = factories.prescription(patient)
        self.printed(course, EVENING)
        by = factories.member(course.clinic, name="Who stops")
        courses.stop(prescription_id=course.id, reason="Because", seen_version=1, by=by, at=EVENING)
        assert "all older ones are void" in seen(patient, EVENING, "/p/plan/")
