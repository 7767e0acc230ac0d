"""A patient's page: each of its states, the chart, the nights' table, and what it costs."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import time_machine
from django.test import Client
from django.utils.html import strip_tags

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from common.dose import Dose
from common.night import Slot
from patients import services as patients_services
from patients.models import Medicine, Patient, PatientCondition
from symptoms import selectors as symptoms_selectors
from symptoms.models import DoseTaken, OpioidReport, SymptomLog
from tests import factories, memory, pages
from tests.pages import words_of
from titration.engine import timeline
from titration.models import Prescription
from titration.selectors import courses as courses_selectors
from titration.services import courses

AT = factories.AT
START = AT.date()
DUE = START + timedelta(days=14)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def now(settings: Any) -> Iterator[None]:
    pages.stay_signed_in(settings)
    with time_machine.travel(AT, tick=False):
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


def url(patient: Patient, query: str = "") -> str:
    return f"/patients/{patient.id}/{query}"


def cells_of(response: Any, night: date) -> list[str]:
    """The cells of one night's row, in words; the first is the night."""
    page = response.content.decode()
    row = page[page.index(f'<time datetime="{night.isoformat()}"') :].split("</tr>")[0]
    return [unescape(strip_tags(cell)).strip() for cell in re.split(r"</t[hd]>", row)[:-1]]


def on(day: date, hour: int = 10) -> Any:
    return time_machine.travel(datetime(day.year, day.month, day.day, hour, tzinfo=UTC), tick=False)


def tell(patient: Patient, first: date, nights: int, **answers: Any) -> None:
    for number in range(nights):
        factories.told_night(patient, first + timedelta(days=number), **answers)


class TestHeader:
    def test_it_says_who_where_and_what_time_it_is_there(self, desk: Client, clinic: Clinic) -> None:
        patient = factories.patient(
            clinic,
            "Test Faraway",
            birth_date=date(1980, 3, 3),
            record_number="R-77",
            zone_name="Pacific/Auckland",
            context_note="Sleeps badly when travelling.",
        )
        PatientCondition.objects.create(clinic=clinic, patient=patient, position=0, code="ibs")
        PatientCondition.objects.create(clinic=clinic, patient=patient, position=1, code="other", words="Rare thing")
        Medicine.objects.create(clinic=clinic, patient=patient, position=0, words="levothyroxine 75 mcg, mornings")
        words = words_of(desk.get(url(patient)))
        assert "Test Faraway born 3 March 1980 (age 45) · record R-77 · 23:00 on Mon 2 Mar in Pacific/Auckland" in words
        assert "Irritable bowel syndrome, Rare thing · lead symptom: Worst abdominal pain" in words
        assert "levothyroxine 75 mcg, mornings" in words
        assert "Sleeps badly when travelling." in words

    def test_the_birthday_counts_where_the_patient_is(self, desk: Client, clinic: Clinic) -> None:
        patient = factories.patient(clinic, birth_date=date(1980, 3, 3), zone_name="Pacific/Auckland")
        with time_machine.travel(datetime(2026, 3, 2, 12, tzinfo=UTC), tick=False):
            assert "(age 46)" in words_of(desk.get(url(patient)))

    def test_names_and_words_are_shown_as_words(self, desk: Client, clinic: Clinic) -> None:
        long_name = "Test " + "Wolfeschlegelsteinhausenbergerdorff " * 5
        patient = factories.patient(
            clinic, long_name[:200], context_note="<script>alert(1)</script>" + "x" * 10_000, email=""
        )
        page = desk.get(url(patient)).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page
        assert page.count("x" * 10_000) == 1

    def test_without_a_plan_or_nights_it_says_so_and_offers_to_prescribe(self, desk: Client, patient: Patient) -> None:
        words = words_of(desk.get(url(patient)))
        assert "Nothing has been prescribed here yet. No dose is in force." in words
        assert "Nothing to draw yet" in words
        assert "Prescribe" in words


class TestPlan:
    def test_the_dose_in_force_in_words_and_capsules(self, desk: Client, patient: Patient) -> None:
        factories.prescription(patient)
        words = words_of(desk.get(url(patient)))
        assert (
            "1.5 mg nalTREXone, one and a half milligrams 1 capsule of 1.5 mg at bedtime, next dose Mon 2 Mar." in words
        )
        assert "every 2 weeks (STD-2W), version 1 review pending" in words
        assert "Next step3 mg from Mon 16 March 2026" in words

    def test_a_plan_that_has_not_begun_says_when_it_will(self, desk: Client, patient: Patient) -> None:
        factories.prescription(patient, start_on=START + timedelta(days=5))
        assert "Not started: the first dose is on Sat 7 March 2026." in words_of(desk.get(url(patient)))

    def test_who_takes_it_already_was_not_prescribed_it_then(self, desk: Client, patient: Patient) -> None:
        since = START - timedelta(days=60)
        factories.prescription(
            patient, start_on=since, first_dose=Dose.of(1), capsule_strength=Dose.of("0.5"), taking_since=since
        )
        words = words_of(desk.get(url(patient)))
        said = f"{since:%a} {since.day} {since:%B} {since.year}"
        assert f"Already taking: taken since {said}, 1 mg since {said}" in words
        assert "Prescribed from" not in words
        # A dose that the template does not have is left by nobody but a person.
        assert "No step follows" in words

    def test_a_plan_that_waits_says_so(self, desk: Client, patient: Patient) -> None:
        factories.prescription(patient, awaiting=True)
        assert "Prescribed, to begin when the medicine is there" in words_of(desk.get(url(patient)))

    def test_a_held_dose_says_until_when(self, desk: Client, patient: Patient, prescriber: Actor) -> None:
        prescription = factories.prescription(patient)
        courses.hold(prescription_id=prescription.id, days=7, reason="Headache", seen_version=1, by=prescriber, at=AT)
        words = words_of(desk.get(url(patient)))
        assert "The dose stays at 1.5 mg until Mon 9 Mar; later steps have moved." in words
        assert "Held for 7 days from Mon 2 March 2026Test Prescriber, Mon 2 March 2026, 10:00“Headache”" in words
        assert "Next step3 mg from Mon 23 March 2026" in words

    def test_a_stopped_plan_is_history_and_a_new_one_may_follow(
        self, desk: Client, patient: Patient, prescriber: Actor
    ) -> None:
        prescription = factories.prescription(patient)
        later = AT + timedelta(days=3)
        courses.stop(prescription_id=prescription.id, reason="No benefit", seen_version=1, by=prescriber, at=later)
        with on(later.date()):
            words = words_of(desk.get(url(patient)))
        assert "The last plan was stopped. No dose is in force." in words
        assert "Stopped: no dose from Thu 5 March 2026" in words
        assert "“No benefit”" in words
        assert "Mon 2 March 2026 to Wed 4 March 2026" in words

    def test_who_may_only_read_is_offered_no_deed(self, clinic: Clinic, patient: Patient) -> None:
        prescription = factories.prescription(patient)
        staff = pages.client_of(factories.member(clinic, Membership.Role.STAFF))
        page = staff.get(url(patient)).content.decode()
        for deed in ("hold", "advance", "stop", "papers"):
            assert f"/courses/{prescription.id}/{deed}/" not in page
        assert "/chart.svg" in page
        nurse = pages.client_of(factories.member(clinic, Membership.Role.NURSE))
        page = nurse.get(url(patient)).content.decode()
        assert f"/courses/{prescription.id}/hold/" in page
        assert f"/courses/{prescription.id}/stop/" not in page
        assert "/chart.svg" not in page


class TestStepDue:
    def test_with_enough_good_nights_it_can_be_let_happen(self, desk: Client, patient: Patient) -> None:
        prescription = factories.prescription(patient)
        tell(patient, DUE - timedelta(days=7), 7)
        with on(DUE):
            page = desk.get(url(patient))
        assert "Step to 3 mg due Mon 16 March 2026" in words_of(page)
        assert "Nothing speaks against it" in words_of(page)
        assert f'action="/courses/{prescription.id}/advance/"' in page.content.decode()

    def test_too_few_nights_say_so_and_ask_for_a_reason(self, desk: Client, patient: Patient) -> None:
        factories.prescription(patient)
        tell(patient, DUE - timedelta(days=3), 3)
        with on(DUE + timedelta(days=2)):
            words = words_of(desk.get(url(patient)))
        assert "Step to 3 mg due Mon 16 March 2026, 2 days ago" in words
        assert "Not enough to say" in words
        assert "3 of the last 7 at this dose are logged" in words
        assert "Step all the same, with a reason" in words

    def test_an_unanswered_report_pins_itself_and_hides_the_step(self, desk: Client, patient: Patient) -> None:
        factories.prescription(patient)
        tell(patient, DUE - timedelta(days=7), 6)
        factories.told_night(
            patient, DUE - timedelta(days=1), other_medicines_answer="yes", other_medicines="Codeine <linctus>"
        )
        report = OpioidReport.objects.get()
        with on(DUE):
            page = desk.get(url(patient))
        assert f"/reports/{report.id}/answer/" in page.content.decode()
        assert "Codeine &lt;linctus&gt;" in page.content.decode()
        assert "Step to 3 mg due" not in words_of(page)

    def test_a_planned_step_says_what_keeps_it(self, desk: Client, patient: Patient) -> None:
        factories.prescription(patient, mode=Prescription.Mode.PLANNED)
        with on(DUE):
            assert "It will not happen by itself while this stands." in words_of(desk.get(url(patient)))

    def test_the_page_says_what_the_gate_says_however_long_ago_the_step_was_due(
        self, desk: Client, patient: Patient
    ) -> None:
        factories.prescription(patient)
        now = DUE + timedelta(days=120)
        tell(patient, DUE - timedelta(days=7), 7)
        with on(now):
            assert "Not enough nights: 0 of the last 7" in words_of(desk.get(url(patient)))
        tell(patient, now - timedelta(days=7), 7)
        with on(now):
            assert "120 days ago Nothing speaks against it" in words_of(desk.get(url(patient)))


class TestNights:
    def test_a_night_stands_as_told_and_a_missing_one_is_blank(self, desk: Client, patient: Patient) -> None:
        factories.prescription(patient)
        factories.told_night(
            patient,
            START,
            sleep_hours=Decimal("6.50"),
            latency_min=0,
            awakenings=2,
            quality=3,
            dream_vividness=2,
            dream_distress=0,
            pain=0,
            fatigue=7,
            lead_symptom=5,
            side_effects={"headache": "moderate"},
            note="n" * 500,
        )
        factories.told_night(patient, START + timedelta(days=2), dose_mg=None, pain=None, lead_symptom=None)
        with on(START + timedelta(days=3)):
            page = desk.get(url(patient))
        told = cells_of(page, START)
        assert told[:13] == [
            "Mon 2 Mar", "1.5 mg", "1.5 mg", "6.5", "0", "", "2", "Fair", "very vivid", "0", "0", "7", "5",
        ]  # fmt: skip
        assert told[13:16] == ["", "Headache (moderate)", "No"]
        assert told[16].count("n") >= 500
        assert cells_of(page, START + timedelta(days=1)) == ["Tue 3 Mar", "1.5 mg", *[""] * 15]
        skipped = cells_of(page, START + timedelta(days=2))
        assert skipped[2] == "skipped: I forgot"
        assert skipped[10] == ""

    def test_the_time_of_a_dose_is_the_patients(self, desk: Client, clinic: Clinic) -> None:
        patient = factories.patient(clinic, zone_name="America/New_York")
        factories.prescription(patient)
        DoseTaken.objects.create(
            clinic=clinic,
            patient=patient,
            plan_date=START,
            slot=Slot.BEDTIME,
            taken="taken",
            taken_mg=Dose.of("1.5"),
            taken_at=datetime(2026, 3, 3, 3, 30, tzinfo=UTC),
            recorded_at=AT,
        )
        with on(START + timedelta(days=1), 18):
            assert cells_of(desk.get(url(patient)), START)[2] == "1.5 mg at 22:30"

    def test_newest_first_and_older_ones_a_page_further(self, desk: Client, clinic: Clinic) -> None:
        patient = factories.patient(clinic)
        factories.prescription(patient, at=AT - timedelta(days=200))
        page = desk.get(url(patient)).content.decode()
        nights = re.findall(r'<time datetime="([0-9-]+)"', page)
        assert len(nights) == 56
        assert nights[0] == (START - timedelta(days=1)).isoformat()
        assert nights == sorted(nights, reverse=True)
        older = re.search(r'rel="next" href="\?before=([0-9-]+)#nights"', page)
        assert older
        assert older[1] == nights[-1]
        second = desk.get(url(patient, f"?before={older[1]}")).content.decode()
        following = re.findall(r'<time datetime="([0-9-]+)"', second)
        assert date.fromisoformat(following[0]) == date.fromisoformat(nights[-1]) - timedelta(days=1)
        newer = re.search(r'rel="prev" href="\?before=([0-9-]+)', second)
        assert newer
        assert (
            re.findall(r'<time datetime="([0-9-]+)"', desk.get(url(patient, f"?before={newer[1]}")).content.decode())
            == nights
        )

    def test_nothing_is_listed_from_before_the_first_plan_and_night(self, desk: Client, patient: Patient) -> None:
        factories.prescription(patient)
        assert "No nights to show" in words_of(desk.get(url(patient)))
        with on(START + timedelta(days=2)):
            page = desk.get(url(patient)).content.decode()
        assert re.findall(r'<time datetime="([0-9-]+)"', page) == ["2026-03-03", "2026-03-02"]
        assert "Older nights" not in page

    @pytest.mark.parametrize("before", ["x", "2026-02-30", "0001-01-01", "9999-12-31", "<script>"])
    def test_an_address_that_is_no_date_shows_a_page_all_the_same(
        self, desk: Client, patient: Patient, before: str
    ) -> None:
        response = desk.get(url(patient), {"before": before})
        assert response.status_code == 200
        assert "<script>alert" not in response.content.decode()


class TestChart:
    def test_a_missing_night_is_a_gap_in_the_line_and_never_a_zero(self, desk: Client, patient: Patient) -> None:
        factories.prescription(patient)
        tell(patient, START, 4, pain=5)
        tell(patient, START + timedelta(days=6), 4, pain=5)
        with on(START + timedelta(days=10)):
            page = desk.get(url(patient)).content.decode()
        wide = page[page.index('id="wide-chart-title"') : page.index('id="narrow-chart-title"')]
        pain = re.search(r'<path class="chart-line-pain"[^>]*data-label="Pain"[^>]* d="([^"]+)"', wide)
        assert pain
        assert pain[1].count("M") == 2

    def test_its_sentence_stands_beside_it(self, desk: Client, patient: Patient) -> None:
        factories.prescription(patient)
        tell(patient, START, 3)
        with on(START + timedelta(days=3)):
            assert "3 of 4 nights logged; current dose 1.5 mg;" in words_of(desk.get(url(patient)))

    def test_all_shows_more_than_eight_weeks(self, desk: Client, patient: Patient) -> None:
        factories.prescription(patient)
        factories.told_night(patient, START)
        with on(START + timedelta(days=100)):
            eight_weeks = desk.get(url(patient)).content.decode()
            whole = desk.get(url(patient, "?range=all")).content.decode()
        assert 'data-nights="70"' in eight_weeks
        assert f'data-first="{START.isoformat()}" data-nights="115"' in whole

    def test_it_is_saved_as_a_file_that_stands_alone_and_the_saving_is_remembered(
        self, desk: Client, patient: Patient
    ) -> None:
        factories.prescription(patient)
        tell(patient, START, 3)
        with on(START + timedelta(days=3)):
            response = desk.get(url(patient, "chart.svg?range=all"))
        assert response["Content-Type"] == "image/svg+xml; charset=utf-8"
        assert response["Content-Disposition"] == 'attachment; filename="chart-2026-03-05.svg"'
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Cache-Control"] == "no-store"
        root = ET.fromstring(response.content)  # noqa: S314, our own drawing
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert b"style=" not in response.content
        assert len(memory.events(action="patient.chart_saved", patient_ids=[patient.id])) == 1

    def test_a_name_cannot_break_out_of_the_drawing(self, desk: Client, clinic: Clinic) -> None:
        patient = factories.patient(clinic, '"><script>alert(1)</script>')
        factories.prescription(patient)
        ET.fromstring(desk.get(url(patient, "chart.svg")).content)  # noqa: S314, our own drawing
        assert b"<script>alert" not in desk.get(url(patient)).content

    def test_who_may_not_export_may_not_save_it(self, clinic: Clinic, patient: Patient) -> None:
        nurse = pages.client_of(factories.member(clinic, Membership.Role.NURSE))
        assert nurse.get(url(patient, "chart.svg")).status_code == 403

    def test_a_patient_without_anything_has_a_chart_of_nothing(self, desk: Client, patient: Patient) -> None:
        ET.fromstring(desk.get(url(patient, "chart.svg")).content)  # noqa: S314, our own drawing

    def test_a_second_plan_follows_the_first_on_one_line_of_time(
        self, desk: Client, patient: Patient, prescriber: Actor
    ) -> None:
        first = factories.prescription(patient)
        at = AT + timedelta(days=5)
        courses.stop(prescription_id=first.id, reason="r", seen_version=1, by=prescriber, at=at)
        factories.prescription(patient, code="HALF-2W", capsule_strength=Dose.of("0.5"), at=at + timedelta(days=20))
        with on((at + timedelta(days=21)).date()):
            page = desk.get(url(patient))
        assert cells_of(page, (at + timedelta(days=20)).date())[1] == "0.5 mg"
        assert cells_of(page, (at + timedelta(days=10)).date())[1] == ""
        assert cells_of(page, START)[1] == "1.5 mg"


class TestWayIn:
    def test_the_desk_code_is_shown_once(self, desk: Client, patient: Patient) -> None:
        session = desk.session
        session[f"desk_code:{patient.id}"] = "012345"
        session.save()
        assert "012345" in words_of(desk.get(url(patient)))
        assert "012345" not in words_of(desk.get(url(patient)))

    def test_an_invitation_says_how_it_stands(self, desk: Client, patient: Patient, prescriber: Actor) -> None:
        assert "Invite" in words_of(desk.get(url(patient)))
        opening = patients_services.invite(patient=patient, by=prescriber, at=AT)
        assert "its mail was not sent" in words_of(desk.get(url(patient)))
        patients_services.invitation_mailed(invitation=opening.invitation, at=AT)
        words = words_of(desk.get(url(patient)))
        assert "Invited on Mon 2 March 2026, 10:00; not opened yet, good until Mon 16 March 2026." in words
        assert "Send again" in words
        with on(START + timedelta(days=15)):
            assert "has expired unopened" in words_of(desk.get(url(patient)))

    def test_a_phone_can_be_forgotten(self, desk: Client, patient: Patient) -> None:
        phone, _ = factories.phone(patient)
        page = desk.get(url(patient))
        assert "remembered until Sun 31 May 2026" in words_of(page)
        assert f"/patients/{patient.id}/phones/{phone.id}/forget/" in page.content.decode()
        with on(START + timedelta(days=91)):
            assert "No phone is remembered" in words_of(desk.get(url(patient)))

    def test_without_an_address_nothing_can_be_sent(self, desk: Client, clinic: Clinic) -> None:
        patient = factories.patient(clinic, email="")
        page = desk.get(url(patient))
        assert "There is no e-mail address on this record" in words_of(page)
        assert "/invite/" not in page.content.decode()


class TestDoor:
    @pytest.mark.parametrize("path", ["", "chart.svg", "?range=all"])
    def test_a_foreign_clinics_patient_is_nobody(self, desk: Client, path: str) -> None:
        foreign = factories.patient(factories.clinic("Other Clinic"))
        assert desk.get(url(foreign, path)).status_code == 404

    def test_reading_is_remembered(self, desk: Client, patient: Patient, prescriber: Actor) -> None:
        desk.get(url(patient))
        trace = memory.event(action="patient.page")
        assert (trace.patient_ids, trace.actor_id) == ([patient.id], prescriber.user_id)


class TestCost:
    def _nights(self, patient: Patient, number: int, until: date) -> None:
        clinic_id, first = patient.clinic_id, until - timedelta(days=number)
        nights = [first + timedelta(days=day) for day in range(number)]
        SymptomLog.objects.bulk_create(
            SymptomLog(
                clinic_id=clinic_id, patient=patient, night=night, sleep_hours=Decimal(7), pain=4, recorded_at=AT
            )
            for night in nights
        )
        DoseTaken.objects.bulk_create(
            DoseTaken(
                clinic_id=clinic_id,
                patient=patient,
                plan_date=night,
                slot=Slot.BEDTIME,
                taken="taken",
                taken_mg=Dose.of("1.5"),
                recorded_at=AT,
            )
            for night in nights
        )

    @pytest.mark.parametrize("query", ["", "?range=all"])
    def test_its_statements_do_not_grow_with_nights_changes_or_phones(
        self, desk: Client, patient: Patient, prescriber: Actor, query: str
    ) -> None:
        prescription = factories.prescription(patient)
        self._nights(patient, 3, DUE)
        with on(DUE):
            desk.get("/")  # once in a while the session is told that its person is there; not again at once
        with on(DUE), pages.statements() as few:
            desk.get(url(patient, query))
        SymptomLog.objects.all().delete()
        DoseTaken.objects.all().delete()
        self._nights(patient, 730, DUE)
        for version, days in ((1, 2), (2, 5), (3, 9)):
            courses.hold(
                prescription_id=prescription.id, days=days, reason="r", seen_version=version, by=prescriber, at=AT
            )
        factories.phone(patient)
        factories.phone(patient)
        with on(DUE), pages.statements() as many:
            desk.get(url(patient, query))
        assert len(few) == len(many) <= 12, str(many)


class TestReading:
    """What the page reads at once is what the parts say one by one."""

    def test_logs_and_doses_come_as_they_do_alone(self, patient: Patient) -> None:
        tell(patient, START, 3, side_effects={"nausea": "mild"}, note="n", latency_min=5)
        factories.told_night(patient, START + timedelta(days=5), dose_mg=None, sleep_hours=None, pain=None)
        SymptomLog.objects.get(night=START).delete()
        told = symptoms_selectors.told_rows(patient)
        assert told == (symptoms_selectors.log_rows(patient), symptoms_selectors.dose_rows(patient))
        assert [log.night.day for log in told[0]] == [3, 4, 7]
        assert [dose.taken for dose in told[1]] == ["taken", "taken", "taken", "skipped"]

    def test_stretches_before_a_date_are_read_with_it(self, patient: Patient) -> None:
        tell(patient, START, 10)
        old = (START + timedelta(days=1), START + timedelta(days=2))
        logs, doses = symptoms_selectors.told_rows(patient, since=START + timedelta(days=8), also=[old])
        assert [log.night.day for log in logs] == [dose.plan_date.day for dose in doses] == [3, 4, 10, 11]

    @pytest.mark.parametrize("days_after", [-3, -1, 0, 1, 30, 200])
    @pytest.mark.parametrize("answers", [{}, {"dose_mg": None}, {"side_effects": {"nausea": "severe"}}])
    def test_the_gate_is_the_one_the_deed_asks(
        self, patient: Patient, days_after: int, answers: dict[str, Any]
    ) -> None:
        prescription = factories.prescription(patient)
        tell(patient, DUE - timedelta(days=7), 7, **answers)
        at = AT + timedelta(days=14 + days_after)
        since = courses_selectors.evidence_since(prescription, at=at)
        logs, doses = symptoms_selectors.told_rows(patient, since=since)
        in_force = timeline.unfold(courses_selectors.course_of(prescription))
        verdict = courses_selectors.verdict_from(
            prescription,
            in_force=in_force,
            logs=logs,
            doses=doses,
            opioid_reported=False,
            closing=[],
            otherwise=[],
            at=at,
        )
        assert verdict == courses_selectors.gate_of(prescription, at=at)
