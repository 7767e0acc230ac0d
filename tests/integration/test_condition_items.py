"""What only some conditions are asked of a night: on the patient's phone, by telephone, and as the rules read it."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.test import Client

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from common.refusals import Refused
from patients import selectors as patients_selectors
from patients.models import Medicine, Patient, PatientCondition
from symptoms import selectors as symptoms_selectors
from symptoms.models import SymptomLog
from tests import factories, pages
from tests.phones import MORNING, NIGHT, address, answers, phone_of
from titration import protocol_files, tasks
from titration.models import Finding
from titration.replay import reading
from titration.selectors import cases, files
from titration.services import courses
from titration.services import findings as services

pytestmark = pytest.mark.django_db

AT = factories.AT
START = AT.date()


@pytest.fixture
def clinic() -> Clinic:
    return factories.clinic()


@pytest.fixture
def prescriber(clinic: Clinic) -> Actor:
    return factories.member(clinic, name="Test Prescriber")


def somebody(clinic: Clinic, *codes: str, name: str = "Test Patient", words: str = "") -> Patient:
    patient = factories.patient(clinic, name)
    for position, code in enumerate(codes):
        PatientCondition.objects.create(clinic=clinic, patient=patient, position=position, code=code, words=words)
    return patient


def typed(**more: str) -> dict[str, object]:
    """A night as the form sends it, without a plan that has a dose for it."""
    return answers(taken="", **more)


def night_of_day(day: int) -> date:
    """The night of a day of the course, counted from 1."""
    return START + timedelta(days=day - 1)


def noon(day: int) -> datetime:
    on = night_of_day(day)
    return datetime(on.year, on.month, on.day, 12, tzinfo=UTC)


def tell(patient: Patient, days: range, answers: Mapping[str, int] | None = None, **more: Any) -> None:
    for day in days:
        factories.told_night(patient, night_of_day(day), condition_answers=dict(answers or {}), **more)


def found(patient: Patient, rule: str, *, day: int) -> list[str]:
    """The sentences of what the worker finds by this rule on a day."""
    with time_machine.travel(noon(day), tick=False):
        tasks.judge_round()
    rows = Finding.objects.filter(patient=patient, rule=rule, state=Finding.State.OPEN)
    return list(rows.values_list("sentence", flat=True))


class TestOnThePhone:
    @pytest.fixture(autouse=True)
    def morning(self) -> Iterator[None]:
        with time_machine.travel(MORNING, tick=False):
            yield

    def test_a_patient_is_asked_what_belongs_to_the_own_conditions(self, clinic: Clinic) -> None:
        page = pages.words_of(phone_of(somebody(clinic, "ulcerative_colitis")).get(address()))
        for words in (
            "About your condition",
            "How many stools did you pass in 24 hours?",
            "3 or 4 more",
            "Streaks of blood, less than half the time",
            "How many times did you pass stools in the night?",
        ):
            assert words in page, words
        assert "Stiffness or spasms" not in page
        assert "pulse" not in page

    @pytest.mark.parametrize("codes", [(), ("autism",), ("autoimmune",)])
    def test_who_has_none_of_them_is_asked_nothing_more(self, clinic: Clinic, codes: tuple[str, ...]) -> None:
        phone = phone_of(somebody(clinic, *codes))
        response = phone.get(address())
        assert "About your condition" not in pages.words_of(response)
        assert b'name="asked_' not in response.content
        assert phone.post(address(), typed(asked_blood="2")).status_code == 302
        assert SymptomLog.objects.get().condition_answers == {}

    def test_answers_are_kept_as_numbers_and_blank_is_a_gap(self, clinic: Clinic) -> None:
        patient = somebody(clinic, "ulcerative_colitis")
        phone = phone_of(patient)
        sent = typed(asked_stools_vs_normal="0", asked_blood="", asked_night_stools="2")
        assert phone.post(address(), sent).status_code == 302
        log = SymptomLog.objects.get(patient=patient)
        assert log.condition_answers == {"stools_vs_normal": 0, "night_stools": 2}
        page = phone.get(address())
        assert 'name="asked_night_stools" value="2"' in page.content.decode()
        said = pages.words_of(page)
        assert "stools normal, at night 2," in said

    def test_they_alone_are_something_told(self, clinic: Clinic) -> None:
        phone = phone_of(somebody(clinic, "multiple_sclerosis"))
        assert phone.post(address(), {"seen_version": "0", "asked_stiffness": "0"}).status_code == 302
        assert SymptomLog.objects.get().condition_answers == {"stiffness": 0}

    @pytest.mark.parametrize(
        ("code", "wrong", "sentence"),
        [
            ("liquid_stools", "some", "Write a whole number, like 20."),
            ("liquid_stools", "101", "Up to 100 can be written here."),
            ("liquid_stools", "-1", "This cannot be less than 0."),
            ("resting_pulse", "7", "This cannot be less than 20."),
        ],
    )
    def test_what_is_no_answer_is_said_by_the_field_and_not_lost(
        self, clinic: Clinic, code: str, wrong: str, sentence: str
    ) -> None:
        phone = phone_of(somebody(clinic, "crohn", "hashimoto"))
        response = phone.post(address(), typed(**{f"asked_{code}": wrong}))
        assert response.status_code == 422
        assert sentence in pages.words_of(response)
        assert f'value="{wrong}"' in response.content.decode()
        assert not SymptomLog.objects.exists()

    def test_every_version_is_kept(self, clinic: Clinic) -> None:
        phone = phone_of(somebody(clinic, "multiple_sclerosis"))
        phone.post(address(), typed(asked_stiffness="3"))
        assert phone.post(address(), typed(asked_stiffness="5", seen_version="1")).status_code == 302
        log = SymptomLog.objects.get()
        versions = [version.condition_answers for _, version in symptoms_selectors.versions_of(log)]
        assert versions == [{"stiffness": 3}, {"stiffness": 5}]
        assert "stiffness 3 of 10" in pages.words_of(phone.get(address()))

    def test_the_same_again_is_no_second_version(self, clinic: Clinic) -> None:
        phone = phone_of(somebody(clinic, "multiple_sclerosis"))
        for _ in range(2):
            assert phone.post(address(), typed(asked_stiffness="3")).status_code == 302
        assert SymptomLog.objects.get().version == 1

    def test_what_is_asked_no_longer_stays_as_it_was_told(self, clinic: Clinic) -> None:
        patient = somebody(clinic, "multiple_sclerosis", "crohn")
        phone = phone_of(patient)
        phone.post(address(), typed(asked_stiffness="3", asked_liquid_stools="4"))
        PatientCondition.objects.filter(code="crohn").delete()
        assert phone.post(address(), typed(asked_stiffness="5", seen_version="1")).status_code == 302
        assert SymptomLog.objects.get().condition_answers == {"stiffness": 5, "liquid_stools": 4}

    def test_the_pulse_is_asked_once_a_week(self, clinic: Clinic) -> None:
        phone = phone_of(somebody(clinic, "hashimoto"))
        assert "Your pulse at rest" in pages.words_of(phone.get(address()))
        phone.post(address(NIGHT - timedelta(days=2)), typed(asked_resting_pulse="64"))
        assert "Your pulse at rest" not in pages.words_of(phone.get(address()))
        assert 'value="64"' in phone.get(address(NIGHT - timedelta(days=2))).content.decode()
        with time_machine.travel(MORNING + timedelta(days=5), tick=False):
            assert "Your pulse at rest" in pages.words_of(phone.get(address(NIGHT + timedelta(days=5))))

    def test_a_condition_in_words_is_asked_as_the_one_it_names(self, clinic: Clinic) -> None:
        phone = phone_of(somebody(clinic, "other", words="MS"))
        assert "Stiffness or spasms" in pages.words_of(phone.get(address()))

    def test_a_code_there_is_not_and_one_of_another_condition_are_refused(self, clinic: Clinic) -> None:
        patient = somebody(clinic, "multiple_sclerosis")
        for wrong in ({"glow": 1}, {"blood": 1}, {"stiffness": 11}):
            with pytest.raises(Refused, match="Nothing was saved"), transaction.atomic():
                factories.told_night(patient, NIGHT, condition_answers=wrong)
        assert not SymptomLog.objects.exists()


class TestByTelephone:
    @pytest.fixture
    def desk(self, clinic: Clinic) -> Client:
        with time_machine.travel(noon(6), tick=False):
            return pages.client_of(factories.member(clinic, Membership.Role.NURSE, "Test Nurse"))

    def told(self, desk: Client, patient: Patient, day: int, **typed: str) -> Any:
        night = {"night": night_of_day(day).isoformat(), "sleep_hours": "7", "seen_version": "0"}
        with time_machine.travel(noon(6), tick=False):
            return desk.post(f"/patients/{patient.id}/phone/", night | typed)

    @pytest.mark.parametrize(
        ("item", "told", "fires"),
        [
            ("blood", (1, 1, 1), True),
            ("blood", (1, 1, 0), False),
            ("stools_vs_normal", (2, 2, 2), True),
            ("stools_vs_normal", (2, 2, 1), False),
        ],
    )
    def test_three_nights_of_colitis_are_a_flare_and_one_point_less_is_none(
        self, clinic: Clinic, prescriber: Actor, desk: Client, item: str, told: tuple[int, ...], fires: bool
    ) -> None:
        patient = somebody(clinic, "ulcerative_colitis")
        factories.prescription(patient, by=prescriber)
        for day, value in zip((3, 4, 5), told, strict=True):
            assert self.told(desk, patient, day, **{f"asked_{item}": str(value)}).status_code == 302
        sentences = found(patient, "R21b", day=6)
        assert bool(sentences) is fires
        assert all("over 3 days; what it was before the first dose is not known" in one for one in sentences)

    def test_two_nights_are_too_few(self, clinic: Clinic, prescriber: Actor, desk: Client) -> None:
        patient = somebody(clinic, "ulcerative_colitis")
        factories.prescription(patient, by=prescriber)
        for day in (3, 4):
            assert self.told(desk, patient, day, asked_blood="3").status_code == 302
        assert self.told(desk, patient, 5).status_code == 302
        assert not found(patient, "R21b", day=6)

    def test_only_its_own_questions_and_their_faults_by_the_field(self, clinic: Clinic, desk: Client) -> None:
        patient = somebody(clinic, "crohn")
        with time_machine.travel(noon(6), tick=False):
            page = pages.words_of(desk.get(f"/patients/{patient.id}/phone/"))
        assert "How many liquid or very soft stools in 24 hours?" in page
        assert "blood in your stools" not in page
        wrong = self.told(desk, patient, 5, asked_liquid_stools="many", asked_abdominal_pain="9")
        assert wrong.status_code == 422
        assert "Write a whole number from 0 to 100." in pages.words_of(wrong)
        assert "Choose one of these." in pages.words_of(wrong)
        assert self.told(desk, patient, 5, asked_liquid_stools="4", asked_abdominal_pain="2").status_code == 302
        assert SymptomLog.objects.get().condition_answers == {"liquid_stools": 4, "abdominal_pain": 2}
        with time_machine.travel(noon(6), tick=False):
            assert "Liquid stools: 4 a day, Abdominal pain: moderate" in pages.words_of(
                desk.get(f"/patients/{patient.id}/")
            )


class TestTheRules:
    @pytest.mark.parametrize(("usual", "now", "fires"), [(2, 8, True), (0, 7, False), (6, 8, False)])
    def test_crohns_is_held_against_the_nights_before_the_first_dose(
        self, clinic: Clinic, prescriber: Actor, usual: int, now: int, fires: bool
    ) -> None:
        """PRO2 is twice the stools here: above 14, and 5 more than it was."""
        patient = somebody(clinic, "crohn")
        factories.prescription(patient, by=prescriber, start_on=night_of_day(9))
        tell(patient, range(1, 9), {"liquid_stools": usual, "abdominal_pain": 0}, dose_mg=None)
        tell(patient, range(9, 16), {"liquid_stools": now, "abdominal_pain": 0})
        sentences = found(patient, "R21a", day=16)
        assert bool(sentences) is fires
        assert all(f"PRO2 is {2 * now}; it was {2 * usual}." in sentence for sentence in sentences)

    def test_a_flare_that_goes_on_is_one_alert_and_its_answer_holds(self, clinic: Clinic, prescriber: Actor) -> None:
        patient = somebody(clinic, "crohn")
        factories.prescription(patient, by=prescriber)
        tell(patient, range(1, 6), {"liquid_stools": 8, "abdominal_pain": 1})
        assert len(found(patient, "R21a", day=6)) == 1
        tell(patient, range(6, 7), {"liquid_stools": 9, "abdominal_pain": 2})
        assert len(found(patient, "R21a", day=7)) == 1
        row = Finding.objects.get(patient=patient, rule="R21a")
        services.dismiss(finding_id=row.id, reason="Seen there.", seen_version=row.version, by=prescriber, at=noon(7))
        tell(patient, range(7, 8), {"liquid_stools": 9, "abdominal_pain": 2})
        assert found(patient, "R21a", day=8) == []

    def test_thyroid_signs_that_go_on_are_one_alert(self, clinic: Clinic, prescriber: Actor) -> None:
        patient = somebody(clinic, "hashimoto")
        Medicine.objects.create(
            clinic=clinic, patient=patient, position=0, words="levothyroxine 75 mcg", recorded_at=AT
        )
        factories.prescription(patient, by=prescriber)
        for day in (2, 3):
            tell(patient, range(day, day + 1), side_effects={"tremor": "mild", "heat_intolerance": "mild"})
            found(patient, "R18", day=day + 1)
        rows = Finding.objects.filter(patient=patient, rule="R18")
        assert len([row for row in rows if "signs that" in row.sentence]) == 1
        tell(patient, range(4, 5), side_effects={"weight_loss": "mild"})
        sentences = [one for one in found(patient, "R18", day=5) if "signs that" in one]
        assert [one[:12] for one in sentences] == ["3 signs that"]

    @pytest.mark.parametrize(("after", "fires"), [(5, True), (4, False)])
    def test_stiffness_that_is_up_by_two_after_a_step(
        self, clinic: Clinic, prescriber: Actor, after: int, fires: bool
    ) -> None:
        patient = somebody(clinic, "multiple_sclerosis")
        prescription = factories.prescription(patient, by=prescriber)
        tell(patient, range(1, 15), {"stiffness": 3})
        courses.advance(prescription_id=prescription.id, reason="Well.", seen_version=1, by=prescriber, at=noon(15))
        tell(patient, range(15, 22), {"stiffness": after}, dose_mg="3")
        assert bool(found(patient, "R22", day=22)) is fires

    @pytest.mark.parametrize(("now", "fires"), [(75, True), (74, False)])
    def test_a_pulse_fifteen_up_is_a_sign_that_thyroxine_is_too_much(
        self, clinic: Clinic, prescriber: Actor, now: int, fires: bool
    ) -> None:
        patient = somebody(clinic, "hashimoto")
        Medicine.objects.create(
            clinic=clinic, patient=patient, position=0, words="levothyroxine 75 mcg", recorded_at=AT
        )
        factories.prescription(patient, by=prescriber, start_on=night_of_day(9))
        tell(patient, range(1, 8), dose_mg=None)
        tell(patient, range(8, 9), {"resting_pulse": 60}, dose_mg=None)
        tell(patient, range(9, 15))
        tell(patient, range(15, 16), {"resting_pulse": now}, side_effects={"tremor": "mild"})
        sentences = [one for one in found(patient, "R18", day=16) if "signs that" in one]
        assert bool(sentences) is fires
        assert all("resting pulse up" in sentence for sentence in sentences)

    def test_bleeding_is_read_as_such_and_is_no_scale(self, clinic: Clinic, prescriber: Actor) -> None:
        patient = somebody(clinic, "endometriosis")
        factories.prescription(patient, by=prescriber)
        tell(patient, range(1, 2), {"menstruating": 1})
        tell(patient, range(2, 3), {"menstruating": 0})
        tell(patient, range(3, 4))
        nights = cases.case_of(patient, at=noon(4)).case.nights
        assert [(night.menstruating, dict(night.scales)) for night in nights] == [(True, {}), (False, {}), (None, {})]

    def test_what_is_left_blank_is_not_among_the_scales(self, clinic: Clinic, prescriber: Actor) -> None:
        patient = somebody(clinic, "ulcerative_colitis")
        factories.prescription(patient, by=prescriber)
        tell(patient, range(1, 2), {"blood": 0})
        (night,) = cases.case_of(patient, at=noon(2)).case.nights
        assert dict(night.scales) == {"blood": 0}


class TestAsAFile:
    def test_a_course_that_is_saved_says_what_was_told(self, clinic: Clinic, prescriber: Actor) -> None:
        patient = somebody(clinic, "crohn", "endometriosis", "arthritis")
        prescription = factories.prescription(patient, by=prescriber)
        told = {"liquid_stools": 4, "abdominal_pain": 2, "menstruating": 1, "swollen_joints": 3}
        tell(patient, range(1, 2), told)
        record = patients_selectors.record_of(prescriber, patient.id)
        assert record is not None
        saved = files.course_file(prescription, record, at=noon(2))
        (again,) = reading.read(json.dumps(saved), protocol_files.find).logs
        assert (dict(again.measures), again.menstruating) == (
            {"liquid_stools": 4, "abdominal_pain": 2, "swollen_joints": 3},
            True,
        )
        (log,) = saved["logs"]
        assert {name: log[name] for name in told} == {
            "liquid_stools": "4",
            "abdominal_pain": "2",
            "menstruating": True,
            "swollen_joints": "3",
        }


def test_the_words_of_a_condition_count_as_the_one_they_name(clinic: Clinic) -> None:
    patient = somebody(clinic, "other", words="Multiple sclerosis (relapsing)")
    assert patients_selectors.conditions_of_many([patient.id])[patient.id] == {"other", "multiple_sclerosis"}
    other = somebody(clinic, "other", name="Another", words="Long COVID")
    assert patients_selectors.conditions_of_many([other.id])[other.id] == {"other"}


def test_the_database_keeps_an_empty_answer_for_what_does_not_know_of_it() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_default, is_nullable FROM information_schema.columns "
            "WHERE table_name = 'symptoms_symptomlog' AND column_name = 'condition_answers'"
        )
        default, nullable = cursor.fetchone()
    assert default.startswith("'{}'")
    assert nullable == "NO"
