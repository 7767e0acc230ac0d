"""What patients were given: recorded, withdrawn, counted down, found by its lot, and asked for again in time."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from common.dose import Dose
from common.night import Slot
from common.refusals import Refused, Stale
from desk.presenters import supply as present_supply
from patients.models import Patient
from symptoms.services import DoseAnswer, NightAnswer
from tests import factories, memory, pages
from tests.pages import words_of
from titration.engine.course import Hold, Pause
from titration.engine.formulation import Form, Formulation
from titration.models import Fill, Prescription
from titration.selectors import courses as courses_selectors
from titration.selectors import supply as supply_selectors
from titration.services import courses, firsts, supply

AT = factories.AT
START = AT.date()
CAPSULE = Formulation.capsules(Dose.of("1.5")).units[0]
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


@pytest.fixture
def course(patient: Patient, prescriber: Actor) -> Prescription:
    """STD-2W, 1.5 mg capsules, from today."""
    return factories.prescription(patient, by=prescriber)


def on(days: int) -> Any:
    return time_machine.travel(moment(days), tick=False)


def moment(days: int) -> datetime:
    day = START + timedelta(days=days)
    return datetime(day.year, day.month, day.day, 10, tzinfo=UTC)


def day(days: int) -> date:
    return START + timedelta(days=days)


def typed(**more: Any) -> dict[str, Any]:
    return {
        "on": START.isoformat(),
        "form": "capsules",
        "strength": "1.5",
        "units": "42",
        "lot": "A 1",
        "beyond_use_on": (START + timedelta(days=180)).isoformat(),
        **more,
    }


class TestRecording:
    def test_a_fill_is_counted_beside_the_course(self, patient: Patient, course: Prescription, desk: Client) -> None:
        answer = desk.post(f"/patients/{patient.id}/fills/", typed(price="42.00", filler="cellulose"))
        assert answer.status_code == 302
        fill = Fill.objects.get(patient=patient)
        assert (fill.strength, fill.units, fill.grain, fill.lot_key, fill.price) == (
            Dose.of("1.5"),
            Decimal(42),
            Decimal(1),
            "A1",
            Decimal("42.00"),
        )
        course.refresh_from_db()
        assert (course.run_out_on, course.refill_due_on) == (day(28), day(18))
        (event,) = memory.events(action="fill.record")
        assert event.patient_ids == [patient.id]

    @pytest.mark.parametrize(
        ("more", "sentence"),
        [
            ({"on": "2026-03-03"}, "lies ahead"),
            ({"on": "2024-03-02"}, "more than a year ago"),
            ({"on": ""}, "The date is missing"),
            ({"beyond_use_on": "2026-03-01"}, "lies before the day it was dispensed"),
            ({"beyond_use_on": "2062-03-01"}, "Check the year"),
            ({"units": "0"}, "more than nothing"),
            ({"units": "4.5"}, "whole number"),
            ({"units": "many"}, "as a number"),
            ({"strength": "other", "strength_other": "450 mcg"}, "milligrams, not micrograms"),
            ({"strength": "other", "strength_other": "50"}, "50 mg"),
            ({"strength": "other", "strength_other": ""}, "The strength is missing"),
            ({"strength": "3", "strength_other": "4.5"}, "not both"),
            ({"form": "drops", "scored": "on"}, "Only tablets are scored"),
            ({"form": "liquid", "smallest_ml": "0"}, "smallest measurable volume"),
            ({"price": "free"}, "Write the price as a number"),
            ({"form": ""}, "Say what was dispensed"),
        ],
    )
    def test_what_cannot_be_is_said_and_nothing_typed_is_lost(
        self, patient: Patient, desk: Client, more: dict[str, str], sentence: str
    ) -> None:
        answer = desk.post(f"/patients/{patient.id}/fills/", typed(filler="sucrose", **more))
        assert answer.status_code == 422
        assert sentence in words_of(answer)
        assert "sucrose" in answer.content.decode()
        assert not Fill.objects.filter(patient=patient).exists()

    def test_what_is_wrong_with_the_whole_is_said_once(self, patient: Patient, desk: Client) -> None:
        answer = desk.post(f"/patients/{patient.id}/fills/", typed(on="2026-03-03"))
        assert words_of(answer).count("The date of the fill lies ahead.") == 1

    def test_a_liquid_is_counted_in_what_can_be_measured(self, patient: Patient, desk: Client) -> None:
        desk.post(f"/patients/{patient.id}/fills/", typed(form="liquid", strength="1", units="100", smallest_ml="0.1"))
        fill = Fill.objects.get(patient=patient)
        assert (fill.form, fill.grain, fill.units) == ("liquid", Decimal("0.1"), Decimal(100))

    def test_the_form_offers_what_the_course_is_made_of(
        self, patient: Patient, course: Prescription, desk: Client
    ) -> None:
        page = desk.get(f"/patients/{patient.id}/fills/").content.decode()
        assert re.search(r'name="strength" value="1.5" id="[a-z0-9_]+" checked', page)
        assert "Read as 1.5 mg, one and a half milligrams." in page

    def test_a_strength_is_written_as_on_the_label_and_read_back(self, patient: Patient, desk: Client) -> None:
        written = typed(strength="other", strength_other="0,75")
        page = words_of(desk.post(f"/patients/{patient.id}/fills/", {**written, "units": "many"}))
        assert "You wrote “0,75”. Read as 0.75 mg, zero point seven five milligrams." in page
        desk.post(f"/patients/{patient.id}/fills/", written)
        assert Fill.objects.get(patient=patient).strength == Dose.of("0.75")

    def test_the_database_lets_no_empty_fill_in(self, patient: Patient, prescriber: Actor) -> None:
        made = factories.fill(patient, by=prescriber)
        for wrong in ({"units": 0}, {"beyond_use_on": START - timedelta(days=1)}, {"price": -1}):
            with pytest.raises(IntegrityError), transaction.atomic():
                Fill.objects.filter(id=made.id, patient=patient).update(**wrong)

    def test_a_role_that_does_not_care_may_not(self, clinic: Clinic, patient: Patient) -> None:
        auditor = factories.member(clinic, Membership.Role.AUDITOR)
        with pytest.raises(Refused, match="Your role"):
            factories.fill(patient, by=auditor)


class TestWithdrawing:
    def test_a_withdrawn_fill_counts_no_longer_and_stays(
        self, patient: Patient, course: Prescription, prescriber: Actor, desk: Client
    ) -> None:
        fill = factories.fill(patient, by=prescriber)
        assert desk.post(f"/fills/{fill.id}/withdraw/", {"reason": ""}).status_code == 422
        assert desk.post(f"/fills/{fill.id}/withdraw/", {"reason": "typed twice"}).status_code == 302
        fill.refresh_from_db()
        assert fill.withdrawn_because == "typed twice"
        course.refresh_from_db()
        assert (course.run_out_on, course.refill_due_on) == (None, None)
        assert "No fill is recorded" in words_of(desk.get(f"/patients/{patient.id}/"))

    def test_only_once(self, patient: Patient, prescriber: Actor) -> None:
        fill = factories.fill(patient, by=prescriber)
        supply.withdraw_fill(fill_id=fill.id, reason="wrong", by=prescriber, at=AT)
        with pytest.raises(Refused, match="withdrawn already"):
            supply.withdraw_fill(fill_id=fill.id, reason="wrong", by=prescriber, at=AT)


class TestStrip:
    def strip(self, desk: Client, patient: Patient) -> str:
        words = words_of(desk.get(f"/patients/{patient.id}/"))
        return words[words.index(" Supply ") : words.index(" Dose and nights")]

    def test_what_is_left_and_how_long_it_lasts(
        self, patient: Patient, course: Prescription, prescriber: Actor, desk: Client
    ) -> None:
        factories.fill(patient, 42, by=prescriber, lot="L7", price=Decimal("42.00"))
        words = self.strip(desk, patient)
        assert "42 capsules of 1.5 mg left" in words
        assert "it lasts to Sun 29 March 2026; from Mon 30 Mar on it is short" in words
        assert "A refill is due from Fri 20 March 2026" in words
        assert "About 30.00 for 30 days at 1.5 mg" in words
        assert "lot L7" in words

    def test_told_nights_are_counted_as_they_were(
        self, patient: Patient, course: Prescription, prescriber: Actor, desk: Client
    ) -> None:
        factories.fill(patient, 42, by=prescriber)
        factories.told_night(patient, START, dose_mg=None)
        factories.told_night(patient, START + timedelta(days=1))
        with on(4):
            assert "39 capsules of 1.5 mg left" in self.strip(desk, patient)

    def test_a_dose_the_capsules_cannot_make_is_named(
        self, patient: Patient, course: Prescription, prescriber: Actor, desk: Client
    ) -> None:
        factories.fill(patient, 42, by=prescriber, strength="4.5")
        words = self.strip(desk, patient)
        assert "1.5 mg cannot be made from 4.5 mg capsules. The nearest that can be made: 4.5 mg." in words
        assert "It does not make the next dose" in words

    def test_no_plan_and_no_fill_have_no_strip(self, patient: Patient, desk: Client) -> None:
        assert " Supply " not in words_of(desk.get(f"/patients/{patient.id}/"))

    def test_what_an_earlier_plan_took_is_gone(
        self, patient: Patient, course: Prescription, prescriber: Actor, desk: Client
    ) -> None:
        factories.fill(patient, 42, by=prescriber)
        with on(10):
            courses.stop(prescription_id=course.id, reason="pause", seen_version=1, by=prescriber, at=moment(10))
        with on(20):
            factories.prescription(patient, by=prescriber, at=moment(20))
            assert "32 capsules of 1.5 mg left" in self.strip(desk, patient)


class TestRefills:
    def test_on_the_days_list_when_due_and_not_before(
        self, patient: Patient, course: Prescription, prescriber: Actor, desk: Client
    ) -> None:
        factories.fill(patient, 42, by=prescriber)
        with on(17):
            assert "capsules of 1.5 mg left" not in words_of(desk.get("/"))
        with on(30):
            words = words_of(desk.get("/"))
            assert "capsules of 1.5 mg left" in words
            assert f"{patient.name} " in words

    def test_who_left_doses_out_is_not_called_too_early(
        self, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        """The steps were not let happen: one capsule a night, and every other night was left out."""
        factories.fill(patient, 42, by=prescriber)
        for back in range(0, 18, 2):
            factories.told_night(patient, day(back), dose_mg=None)
        assert supply_selectors.refills_due(prescriber, at=moment(18)) == []

    def test_a_newer_fill_settles_it(self, patient: Patient, course: Prescription, prescriber: Actor) -> None:
        factories.fill(patient, 20, by=prescriber)
        assert [due.prescription for due in supply_selectors.refills_due(prescriber, at=moment(10))] == [course]
        factories.fill(patient, 200, by=prescriber, at=moment(10))
        assert supply_selectors.refills_due(prescriber, at=moment(10)) == []

    def test_the_pages_statements_do_not_grow_with_the_rows(
        self, clinic: Clinic, prescriber: Actor, desk: Client
    ) -> None:
        def due(count: int) -> int:
            for _ in range(count):
                one = factories.patient(clinic)
                factories.prescription(one, by=prescriber)
                factories.fill(one, 5, by=prescriber)
            with pages.statements() as found:
                page = desk.get("/")
            assert words_of(page).count("Refill due") >= count
            return len(found)

        desk.get("/")
        assert due(1) == due(4)


class TestLots:
    def test_everybody_of_a_lot_in_one_click_however_it_was_typed(
        self, clinic: Clinic, patient: Patient, prescriber: Actor, desk: Client
    ) -> None:
        other, third = factories.patient(clinic, "Second Person"), factories.patient(clinic, "Third Person")
        factories.fill(patient, by=prescriber, lot="ab 12")
        factories.fill(other, by=prescriber, lot="AB12")
        factories.fill(third, by=prescriber, lot="AB13")
        assert "2 patients" in words_of(desk.get("/lots/"))
        answer = desk.get("/lots/?lot=Ab%2012")
        words = words_of(answer)
        assert patient.name in words
        assert "Second Person" in words
        assert "Third Person" not in words
        (event,) = memory.events(action="lots.read", request_id=answer["X-Request-Id"])
        assert set(event.patient_ids) == {patient.id, other.id}

    def test_a_restricted_record_is_not_among_them(
        self, clinic: Clinic, patient: Patient, prescriber: Actor, desk: Client
    ) -> None:
        factories.fill(patient, by=prescriber, lot="AB12")
        Patient.objects.filter(id=patient.id, clinic=clinic).update(restricted_at=AT)
        assert patient.name not in words_of(desk.get("/lots/?lot=AB12"))
        assert "AB12" not in words_of(desk.get("/lots/"))

    def test_a_lot_nobody_was_given(self, desk: Client) -> None:
        assert "Nobody found" in words_of(desk.get("/lots/?lot=none"))


class TestPharmacies:
    def test_one_is_added_changed_and_left(self, clinic: Clinic, prescriber: Actor, desk: Client) -> None:
        desk.post("/pharmacies/", {"name": "Corner Compounding", "fax": "000 1", "compounds": "capsules"})
        (pharmacy,) = supply_selectors.pharmacies(prescriber)
        assert (pharmacy.fax, pharmacy.compounds) == ("000 1", "capsules")
        assert desk.post("/pharmacies/", {"name": "Corner Compounding"}).status_code == 422
        answer = desk.post(f"/pharmacies/{pharmacy.id}/", {"name": "Corner Compounding", "seen_version": "1"})
        assert answer.status_code == 302
        assert supply_selectors.pharmacies(prescriber) == []
        assert "no longer offered" in words_of(desk.get("/pharmacies/"))

    def test_nobody_saves_over_anothers_words(self, clinic: Clinic, prescriber: Actor, desk: Client) -> None:
        pharmacy = factories.pharmacy(clinic)
        words = supply.PharmacyWords(name="Renamed")
        change = {"pharmacy_id": pharmacy.id, "words": words, "asked": True, "by": prescriber, "at": AT}
        supply.change_pharmacy(**change, seen_version=1)
        with pytest.raises(Stale):
            supply.change_pharmacy(**change, seen_version=1)
        answer = desk.post(f"/pharmacies/{pharmacy.id}/", {"name": "Typed", "asked": "on", "seen_version": "1"})
        assert answer.status_code == 409
        assert 'value="Typed"' in answer.content.decode()


class TestFormulation:
    def test_an_old_course_is_made_of_capsules_of_its_strength(self, course: Prescription) -> None:
        assert courses_selectors.formulation_of(course) == Formulation.capsules(Dose.of("1.5"))

    def test_a_course_that_says_its_formulation_is_made_of_that(self, course: Prescription) -> None:
        course.formulation = {"liquid_mg_per_ml": "1", "smallest_ml": "0.1"}
        (unit,) = courses_selectors.formulation_of(course).units
        assert (unit.form, unit.strength) == (Form.LIQUID, Dose.of(1))


class TestTheEffectOfAChange:
    """What the preview of a change asks: the same rows read once, the plan as it is against the plan as it would be."""

    def test_a_hold_leaves_capsules_over(self, patient: Patient, course: Prescription, prescriber: Actor) -> None:
        factories.fill(patient, by=prescriber, at=moment(0), units="42")
        was = courses_selectors.course_of(course)
        with CaptureQueriesContext(connection) as asked:
            found = supply_selectors.effect_of_change(course, was, was.changed(Hold(day(4), 7)), at=moment(1))
        assert len(asked) <= 4
        assert found.need == {CAPSULE: Fraction(-14)}
        assert (found.run_out_was, found.run_out_will) == (day(28), day(31))
        assert present_supply.effect_words(found) == (
            "Up to Sun 5 April 2026 it takes 14 capsules of 1.5 mg less.",
            "What is in hand lasts to Wed 1 April 2026 instead of to Sun 29 Mar.",
            "On Mon 30 Mar, when it would have run out, 7 capsules of 1.5 mg are left over.",
        )

    def test_the_dates_are_those_that_stand_once_it_is_signed(
        self, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        factories.fill(patient, by=prescriber, at=moment(0), units="42")
        was = courses_selectors.course_of(course)
        hold = courses.hold_from(prescription=course, days=7, at=moment(1))
        shown = supply_selectors.effect_of_change(course, was, was.changed(hold), at=moment(1))
        courses.hold(
            prescription_id=course.id, days=7, reason="Vivid dreams", seen_version=1, by=prescriber, at=moment(1)
        )
        stands = supply_selectors.supplies_by_rows([patient], at=moment(1))[patient.id].standing
        assert stands is not None
        assert shown.run_out_will == stands.run_out_on

    def test_without_a_fill_it_says_what_is_needed_alone(self, course: Prescription) -> None:
        was = courses_selectors.course_of(course)
        found = supply_selectors.effect_of_change(course, was, was.changed(Pause(day(4), 5)), at=moment(1))
        assert (found.doses_fewer, found.run_out_was) == (5, None)
        assert "That is 5 doses fewer." in present_supply.effect_words(found)

    def test_nothing_changed_is_said(self, course: Prescription) -> None:
        was = courses_selectors.course_of(course)
        found = supply_selectors.effect_of_change(course, was, was, at=moment(1))
        assert present_supply.effect_words(found) == (
            "No day has another dose than before, so the supply lasts as long.",
        )


class TestWhatFollowsTheCourse:
    """The dates beside the course are written anew in the transaction that changes it."""

    def test_a_hold_moves_them(self, patient: Patient, course: Prescription, prescriber: Actor) -> None:
        factories.fill(patient, by=prescriber, at=moment(0), units="42")
        courses.hold(
            prescription_id=course.id, days=7, reason="Vivid dreams", seen_version=1, by=prescriber, at=moment(1)
        )
        course.refresh_from_db()
        assert course.run_out_on == day(31)

    def test_a_new_course_begins_with_what_is_in_hand(
        self, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        factories.fill(patient, by=prescriber, at=moment(0), units="42")
        courses.stop(prescription_id=course.id, reason="Vivid dreams", seen_version=1, by=prescriber, at=moment(1))
        again = factories.prescription(patient, by=prescriber, at=moment(10), start_on=day(10))
        again.refresh_from_db()
        assert again.run_out_on is not None

    def test_a_change_without_a_fill_has_no_dates(self, course: Prescription, prescriber: Actor) -> None:
        courses.hold(
            prescription_id=course.id, days=7, reason="Vivid dreams", seen_version=1, by=prescriber, at=moment(1)
        )
        course.refresh_from_db()
        assert (course.run_out_on, course.refill_due_on) == (None, None)


class TestOnTheChart:
    def test_a_new_lot_is_marked_where_it_was_dispensed(
        self, patient: Patient, course: Prescription, prescriber: Actor, desk: Client
    ) -> None:
        for number, lot in enumerate(["A 1", "a1", "B 2", "", "B 2"]):
            factories.fill(patient, by=prescriber, at=moment(number), lot=lot)
        with on(5):
            page = desk.get(f"/patients/{patient.id}/").content.decode()
        assert page.count("new lot A 1</title>") == page.count("new lot B 2</title>") == 2, "one a width"
        assert page.count("new lot") == 4
        assert "New lot</text>" in page


class TestToldNights:
    def test_a_dose_left_out_moves_the_dates_in_the_same_transaction(
        self, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        factories.fill(patient, by=prescriber, at=moment(0), units="13")
        course.refresh_from_db()
        assert course.run_out_on == day(13)
        firsts.tell_night(
            patient=patient,
            night=day(0),
            dose=DoseAnswer(slot=Slot.BEDTIME, taken="skipped", skipped_because="forgot"),
            answers=NightAnswer(),
            seen_version=0,
            by=factories.patient_actor(patient),
            at=moment(1),
        )
        course.refresh_from_db()
        standing = supply_selectors.supplies_by_rows([patient], at=moment(1))[patient.id].standing
        assert standing is not None
        assert (standing.units_left, course.run_out_on) == (13, day(14))
        assert (course.run_out_on, course.refill_due_on) == (standing.run_out_on, standing.refill_due_on)
