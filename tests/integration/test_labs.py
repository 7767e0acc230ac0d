"""Laboratory values on record: entered, corrected by another row, drawn, due, and seen by the rules."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from html import escape, unescape
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, ProgrammingError, transaction
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from common.refusals import Refused, Stale
from patients import lab_selectors
from patients.models import LabResult, Medicine, Patient, PatientCondition
from patients.services import labs
from patients.services.labs import LabValue
from tests import factories, memory, pages
from tests.pages import words_of
from titration import rule_book
from titration.engine.advice import judge
from titration.selectors import cases
from titration.selectors import labs as labs_selectors

AT = factories.AT
TODAY = AT.date()
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
def patient(clinic: Clinic) -> Patient:
    return factories.patient(clinic)


def value(**more: Any) -> LabValue:
    values = {"code": "alt", "value": Decimal(55), "unit": "U/L", "taken_on": TODAY, "high": Decimal(40), **more}
    return LabValue(**values)


def record(patient: Patient, by: Actor, **more: Any) -> LabResult:
    return labs.record_labs(patient=patient, values=[value(**more)], by=by, at=AT)[0]


def rules(patient: Patient) -> set[str]:
    found = judge.judge(cases.case_of(patient, at=AT).case, rule_book.shipped())
    return {one.rule for one in found.findings}


class TestTheDeeds:
    def test_it_is_kept_remembered_and_looked_at_by_the_rules(self, patient: Patient, prescriber: Actor) -> None:
        before = Patient.objects.get(id=patient.id).change_sequence
        row = record(patient, prescriber)
        assert Patient.objects.get(id=patient.id).change_sequence == before + 1
        assert [event.subject_id for event in memory.events(action="lab.record")] == [row.id]
        (seen,) = cases.case_of(patient, at=AT).case.labs
        assert (seen.code, seen.value, seen.high) == ("alt", Decimal(55), Decimal(40))

    def test_it_is_never_rewritten_and_twice_is_once(self, patient: Patient, prescriber: Actor) -> None:
        row = record(patient, prescriber)
        assert record(patient, prescriber).id == row.id
        with pytest.raises(ProgrammingError), transaction.atomic():
            LabResult.objects.filter(id=row.id).update(value=1)

    @pytest.mark.parametrize(
        ("more", "sentence"),
        [
            ({"unit": "nmol/L"}, "ALT is put on record in U/L"),
            ({"code": "hcg"}, "no such test"),
            ({"value": Decimal(-1)}, "from 0"),
            ({"value": Decimal(1_000_000)}, "below a million"),
            ({"low": Decimal(41)}, "above the upper one"),
            ({"taken_on": TODAY + timedelta(days=1)}, "today or earlier"),
            ({"taken_on": TODAY - timedelta(days=3661)}, "ten years"),
        ],
    )
    def test_what_cannot_be_is_refused_and_nothing_of_the_report_is_kept(
        self, patient: Patient, prescriber: Actor, more: dict[str, Any], sentence: str
    ) -> None:
        good = value(code="ast")
        with pytest.raises(Refused, match=sentence):
            labs.record_labs(patient=patient, values=[good, value(**more)], by=prescriber, at=AT)
        assert not LabResult.objects.filter(patient=patient).exists()

    def test_a_correction_counts_and_the_wrong_one_stays_readable(self, patient: Patient, prescriber: Actor) -> None:
        wrong = record(patient, prescriber, value=Decimal(550))
        right = labs.correct_lab(result_id=wrong.id, value=value(), by=prescriber, at=AT)
        assert lab_selectors.standing_labs([patient.id])[patient.id] == [right]
        assert {row.id for row in lab_selectors.lab_results_of(patient)} == {wrong.id, right.id}
        with pytest.raises(Stale):
            labs.correct_lab(result_id=wrong.id, value=value(), by=prescriber, at=AT)

    def test_a_wrong_one_goes_where_the_right_one_was_entered_before_it_was_corrected(
        self, patient: Patient, prescriber: Actor
    ) -> None:
        factories.prescription(patient, by=prescriber)
        wrong = record(patient, prescriber, value=Decimal(500))
        right = record(patient, prescriber, value=Decimal(50))
        assert "R04b" in rules(patient)
        labs.correct_lab(result_id=wrong.id, value=value(value=Decimal(50)), by=prescriber, at=AT)
        assert lab_selectors.standing_labs([patient.id])[patient.id] == [right]
        assert "R04b" not in rules(patient)

    def test_one_that_is_right_as_it_stands_is_left(self, patient: Patient, prescriber: Actor) -> None:
        row = record(patient, prescriber)
        assert labs.correct_lab(result_id=row.id, value=value(), by=prescriber, at=AT) == row
        assert LabResult.objects.filter(patient=patient).count() == 1

    def test_one_that_was_never_this_patients_is_taken_back(self, patient: Patient, prescriber: Actor) -> None:
        wrong = record(patient, prescriber)
        labs.correct_lab(result_id=wrong.id, value=None, by=prescriber, at=AT)
        assert lab_selectors.standing_labs([patient.id]) == {}
        assert cases.case_of(patient, at=AT).case.labs == ()

    def test_a_correction_is_of_the_same_test(self, patient: Patient, prescriber: Actor) -> None:
        with pytest.raises(Refused, match="of the same test"):
            labs.correct_lab(result_id=record(patient, prescriber).id, value=value(code="ast"), by=prescriber, at=AT)

    def test_strangers_and_auditors_record_and_correct_nothing(
        self, clinic: Clinic, patient: Patient, prescriber: Actor
    ) -> None:
        row, stranger = record(patient, prescriber), factories.member(factories.clinic("Another Clinic"))
        with pytest.raises(Refused, match="No patient of yours"):
            record(patient, stranger)
        with pytest.raises(Refused, match="No value of yours"):
            labs.correct_lab(result_id=row.id, value=None, by=stranger, at=AT)
        with pytest.raises(Refused, match="may not record"):
            record(patient, factories.member(clinic, Membership.Role.AUDITOR))


class TestWhatIsDue:
    def test_by_condition_and_medicine_from_the_day_of_the_prescription(
        self, clinic: Clinic, patient: Patient, prescriber: Actor
    ) -> None:
        PatientCondition.objects.create(clinic=clinic, patient=patient, position=0, code="hashimoto")
        Medicine.objects.create(clinic=clinic, patient=patient, position=0, words="levothyroxine 50 micrograms")
        factories.prescription(patient, by=prescriber)
        assert [one.why for one in labs_selectors.due_for(patient, at=AT)] == ["Baseline", "Baseline, thyroid"]
        late = labs_selectors.due_for(patient, at=AT + timedelta(weeks=7))
        assert "Thyroid, 6 to 8 weeks" in {one.why for one in late}

    def test_no_thyroid_panel_without_the_condition(self, patient: Patient, prescriber: Actor) -> None:
        factories.prescription(patient, by=prescriber)
        late = labs_selectors.due_for(patient, at=AT + timedelta(weeks=7))
        assert not any("hyroid" in one.why for one in late)

    def test_none_without_an_open_course(self, patient: Patient) -> None:
        assert labs_selectors.due_for(patient, at=AT) == ()


class TestThePages:
    @pytest.fixture
    def desk(self, prescriber: Actor) -> Client:
        return pages.client_of(prescriber)

    def test_a_report_is_entered_listed_and_drawn(self, desk: Client, patient: Patient, prescriber: Actor) -> None:
        factories.prescription(patient, by=prescriber)
        url = reverse("desk:labs", args=[patient.id])
        assert "Baseline: ALT, AST, Total bilirubin, Creatinine" in words_of(desk.get(url))
        typed = {
            "taken_on": TODAY.isoformat(),
            "value_alt": "55,5",
            "unit_alt": "U/L",
            "high_alt": "40",
            "value_crp": "0.4",
            "unit_crp": "mg/dL",
        }
        page = desk.post(url, typed, follow=True)
        words = words_of(page)
        assert "2 values are on record" in words
        assert "55.5 U/L above" in words
        assert "0.4 mg/dL" in words
        assert "<svg" in page.content.decode()
        assert 'value="40"' in page.content.decode(), "the range is offered again"

    @pytest.mark.parametrize(
        ("typed", "sentence"),
        [
            ({"value_alt": "< much"}, "the end as it was reported, like <5 or >2000"),
            ({"value_alt": "5", "high_alt": "<9"}, "Write the number alone"),
            ({"value_alt": "<0"}, "no result is below 0"),
            ({"value_alt": "5", "unit_alt": "nmol/L"}, "not put on record in this unit"),
            ({"value_alt": "5", "low_alt": "9", "high_alt": "8"}, "lower end is above"),
            ({}, "No value was written"),
            ({"value_alt": "5", "taken_on": "2030-01-01"}, "today or earlier"),
            ({"value_alt": "5", "taken_on": ""}, "when the sample was taken"),
        ],
    )
    def test_what_is_wrong_is_said_and_kept(
        self, desk: Client, patient: Patient, typed: dict[str, str], sentence: str
    ) -> None:
        url = reverse("desk:labs", args=[patient.id])
        answered = desk.post(url, {"taken_on": TODAY.isoformat(), **typed})
        assert answered.status_code == 422
        assert sentence in words_of(answered)
        assert not LabResult.objects.filter(patient=patient).exists()

    @pytest.mark.parametrize(
        ("typed", "kept", "shown", "badge"),
        [
            ("<5", "<", "<5 U/L", ""),
            ("≤ 5,5", "<=", "≤5.5 U/L", ""),
            (">2000", ">", ">2000 U/L", "above"),
            (">= 30", ">=", "≥30 U/L", "not certain"),
            ("< 90", "<", "<90 U/L", "not certain"),
        ],
    )
    def test_an_end_is_kept_as_it_was_reported(
        self, desk: Client, patient: Patient, typed: str, kept: str, shown: str, badge: str
    ) -> None:
        url = reverse("desk:labs", args=[patient.id])
        sent = {"taken_on": TODAY.isoformat(), "value_alt": typed, "unit_alt": "U/L", "high_alt": "40"}
        page = desk.post(url, sent, follow=True)
        row = LabResult.objects.get(patient=patient)
        assert row.comparator == kept
        words = unescape(words_of(page))
        assert f"{shown} {badge}".strip() in words
        assert f"ALT {shown} on 2 Mar 2026" in unescape(page.content.decode()), "the drawing says it too"
        form = desk.get(reverse("desk:lab_correct", args=[row.id])).content.decode()
        assert f'value="{escape(shown.removesuffix(" U/L"))}"' in form, "nothing typed is lost in a correction"

    def test_a_value_and_an_end_of_one_day_are_two_results(self, patient: Patient, prescriber: Actor) -> None:
        record(patient, prescriber, value=Decimal(5))
        record(patient, prescriber, value=Decimal(5), comparator="<")
        record(patient, prescriber, value=Decimal(5), comparator="<")
        assert LabResult.objects.filter(patient=patient).count() == 2

    def test_the_database_knows_no_other_comparator(self, patient: Patient, prescriber: Actor) -> None:
        with pytest.raises(Refused, match="a number, or an end"):
            record(patient, prescriber, comparator="~")
        row = record(patient, prescriber)
        row.id, row.comparator, row._state.adding = uuid.uuid4(), "~", True
        with pytest.raises(IntegrityError, match="a_lab_comparator_is_of_a_value"), transaction.atomic():
            row.save()

    @pytest.mark.parametrize(
        ("comparator", "number", "part"),
        [
            ("<", 40, ""), ("", 200, ""), ("<=", 200, ""),
            (">", 200, "alone"), (">=", 250, "alone"),
            (">", 150, "not certain"), ("<", 250, "not certain"),
        ],
    )  # fmt: skip
    def test_the_rules_read_of_an_end_what_is_certain(
        self, patient: Patient, prescriber: Actor, comparator: str, number: int, part: str
    ) -> None:
        factories.prescription(patient, by=prescriber)
        record(patient, prescriber, value=Decimal(number), comparator=comparator)
        found = judge.judge(cases.case_of(patient, at=AT).case, rule_book.shipped()).findings
        assert "".join(one.part for one in found if one.rule == "R04b") == part

    def test_a_value_is_put_right_or_taken_back(self, desk: Client, patient: Patient, prescriber: Actor) -> None:
        wrong = record(patient, prescriber, value=Decimal(550))
        url = reverse("desk:lab_correct", args=[wrong.id])
        assert "550" in words_of(desk.get(url))
        right = {"taken_on": TODAY.isoformat(), "value_alt": "55", "unit_alt": "U/L", "high_alt": "40"}
        page = words_of(desk.post(url, right, follow=True))
        assert "corrected Mon 2 March 2026" in page
        assert desk.post(url, right).status_code == 409
        (standing,) = lab_selectors.standing_labs([patient.id])[patient.id]
        desk.post(reverse("desk:lab_correct", args=[standing.id]), {"action": "take_back"})
        assert lab_selectors.standing_labs([patient.id]) == {}

    def test_the_page_costs_the_same_for_one_and_for_many(
        self, desk: Client, patient: Patient, prescriber: Actor
    ) -> None:
        url = reverse("desk:labs", args=[patient.id])
        record(patient, prescriber)
        with pages.statements() as few:
            desk.get(url)
        for back in range(1, 12):
            record(patient, prescriber, taken_on=TODAY - timedelta(days=back))
        with pages.statements() as many:
            desk.get(url)
        assert len(few) == len(many), f"{few}\n\n{many}"
