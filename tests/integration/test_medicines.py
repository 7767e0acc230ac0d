"""A patient's list of medicines: keeping it, what it says of a first dose, and an opioid beside an open plan."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from common.medicine_classes import MedicineClass
from common.refusals import Refused, Stale
from patients import selectors as patients_selectors
from patients.models import Medicine, Patient
from patients.services import medicines as keeping
from patients.services.medicines import MedicineEntry
from symptoms.models import OpioidReport
from tests import factories, memory, pages
from titration import rule_book
from titration.engine import gate
from titration.engine.advice import judge
from titration.models import OpioidReview
from titration.selectors import cases
from titration.selectors import courses as courses_selectors
from titration.services import courses, medicines

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 16, 10, tzinfo=UTC)
TODAY = NOW.date()


@pytest.fixture
def clinic() -> Clinic:
    return factories.clinic()


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return factories.patient(clinic)


@pytest.fixture
def nurse(clinic: Clinic) -> Actor:
    return factories.member(clinic, Membership.Role.NURSE)


def days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


class TestKeepingTheList:
    def test_a_line_is_added_changed_ended_and_never_deleted(self, patient: Patient, nurse: Actor) -> None:
        deed = {"patient": patient, "by": nurse, "at": NOW}
        row = keeping.add(**deed, entry=MedicineEntry(words="Percocet 5/325", started_on=days_ago(60)))
        assert (row.position, row.version, row.recorded_by_id, row.recorded_at) == (0, 1, nurse.user_id, NOW)
        ended = MedicineEntry(words="Percocet 5/325", started_on=days_ago(60), stopped_on=days_ago(3))
        keeping.change(**deed, medicine_id=row.id, entry=ended, seen_version=1)
        keeping.change(**deed, medicine_id=row.id, entry=ended, seen_version=1)
        (listed,) = patients_selectors.medicines_of(patient)
        assert (listed.version, listed.stopped_on, listed.medicine_class) == (2, days_ago(3), MedicineClass.SHORT)
        assert listed.earliest_start_on(TODAY) == days_ago(3) + timedelta(days=10)
        kept = [event.action for event in memory.events(action__startswith="medicine.")]
        assert kept == ["medicine.add", "medicine.end"]
        assert Medicine.pgh_event_model.objects.filter(pgh_obj_id=row.id).count() == 2  # type: ignore[attr-defined]

    def test_two_who_change_one_line_do_not_overwrite_each_other(self, patient: Patient, nurse: Actor) -> None:
        deed = {"patient": patient, "by": nurse, "at": NOW}
        row = keeping.add(**deed, entry=MedicineEntry(words="ibuprofen"))
        keeping.change(**deed, medicine_id=row.id, entry=MedicineEntry(words="ibuprofen 400 mg"), seen_version=1)
        with pytest.raises(Stale, match="changed this medicine"):
            keeping.change(**deed, medicine_id=row.id, entry=MedicineEntry(words="codeine"), seen_version=1)
        assert Medicine.objects.get().words == "ibuprofen 400 mg"

    @pytest.mark.parametrize(
        ("days", "sentence"),
        [
            ({"last_taken_on": days_ago(-1)}, "The last dose cannot lie ahead"),
            ({"stopped_on": days_ago(-1)}, "The day it was stopped cannot lie ahead"),
            ({"started_on": days_ago(5), "last_taken_on": days_ago(6)}, "before the day it was started"),
            ({"stopped_on": days_ago(5), "last_taken_on": days_ago(4)}, "after the day it was stopped"),
        ],
    )
    def test_days_that_cannot_be_are_refused(
        self, patient: Patient, nurse: Actor, days: dict[str, date], sentence: str
    ) -> None:
        with pytest.raises(Refused, match=sentence):
            keeping.add(patient=patient, entry=MedicineEntry(words="codeine", **days), by=nurse, at=NOW)

    def test_a_colleague_of_another_clinic_changes_nothing(self, patient: Patient) -> None:
        stranger = factories.member(factories.clinic("Another clinic"))
        with pytest.raises((Refused, Patient.DoesNotExist)):
            keeping.add(patient=patient, entry=MedicineEntry(words="codeine"), by=stranger, at=NOW)
        assert not Medicine.objects.exists()

    def test_the_rules_see_the_days(self, patient: Patient, nurse: Actor) -> None:
        deed = {"patient": patient, "by": nurse, "at": NOW}
        keeping.add(**deed, entry=MedicineEntry(words="codeine", last_taken_on=days_ago(20)))
        keeping.add(**deed, entry=MedicineEntry(words="tramadol ER", stopped_on=days_ago(4)))
        going_on, ended = cases.case_of(patient, at=NOW).case.medicines
        # Taken now and then, it may have been taken today, whatever day was last told of.
        assert (going_on.medicine_class, going_on.last_taken_on) == (MedicineClass.SHORT, None)
        assert (ended.medicine_class, ended.last_taken_on, ended.until_on) == (
            MedicineClass.LONG,
            days_ago(4),
            days_ago(4),
        )


class TestBesideAnOpenPlan:
    @pytest.fixture(autouse=True)
    def course(self, patient: Patient) -> None:
        factories.prescription(patient, at=NOW - timedelta(days=14))

    def reports(self) -> list[tuple[str, str]]:
        return list(OpioidReport.objects.order_by("at").values_list("answer", "words"))

    def test_an_opioid_trips_as_a_patients_yes_does(self, patient: Patient, nurse: Actor) -> None:
        assert medicines.add(patient=patient, entry=MedicineEntry(words="Percocet 5/325"), by=nurse, at=NOW)
        assert [report.words for report in OpioidReport.objects.all()] == ["Percocet 5/325"]
        assert OpioidReport.objects.get().answer == OpioidReport.LISTED
        assert courses_selectors.tonight(patient, at=NOW).state == courses_selectors.TonightState.STOPPED_BY_REPORT
        verdict = courses_selectors.gate_of(courses_selectors.open_prescription(patient), at=NOW)
        assert isinstance(verdict, gate.Blocked)
        assert gate.Code.OPIOID_REPORTED in {why.code for why in verdict.reasons}
        assert memory.event(action="opioid.listed")

    def test_the_clinics_answer_answers_the_rule_too(self, patient: Patient, clinic: Clinic, nurse: Actor) -> None:
        medicines.add(patient=patient, entry=MedicineEntry(words="codeine"), by=nurse, at=NOW)
        assert self.found(patient) == {"listed"}
        self.answer(clinic)
        assert self.found(patient) == set()

    def answer(self, clinic: Clinic) -> None:
        courses.answer_opioid_report(
            report=OpioidReport.objects.get(),
            outcome=OpioidReview.Outcome.CARRY_ON,
            reason="Written by mistake.",
            by=factories.member(clinic),
            at=NOW,
        )

    def found(self, patient: Patient) -> set[str]:
        case = cases.case_of(patient, at=NOW).case
        return {one.part for one in judge.judge(case, rule_book.shipped()).findings if one.rule == "R02"}

    @pytest.mark.parametrize("words", ["Imodium", "ibuprofen", "levothyroxine 75 mcg", "Zorbulin"])
    def test_what_is_no_opioid_does_not(self, patient: Patient, nurse: Actor, words: str) -> None:
        assert not medicines.add(patient=patient, entry=MedicineEntry(words=words), by=nurse, at=NOW)
        assert not OpioidReport.objects.exists()

    def test_one_that_ended_before_the_plan_began_does_not(self, patient: Patient, nurse: Actor) -> None:
        entry = MedicineEntry(words="codeine", stopped_on=days_ago(90))
        assert not medicines.add(patient=patient, entry=entry, by=nurse, at=NOW)

    def test_reopening_trips_and_ending_does_not(self, patient: Patient, nurse: Actor) -> None:
        deed = {"patient": patient, "by": nurse, "at": NOW}
        medicines.add(**deed, entry=MedicineEntry(words="codeine", stopped_on=days_ago(90)))
        row = Medicine.objects.get()
        change = {**deed, "medicine_id": row.id}
        assert medicines.change(**change, entry=MedicineEntry(words="codeine"), seen_version=1)
        over = MedicineEntry(words="codeine", last_taken_on=days_ago(1), stopped_on=TODAY)
        assert not medicines.change(**change, entry=over, seen_version=2)
        assert OpioidReport.objects.count() == 1

    @pytest.mark.parametrize("last_known", [True, False])
    def test_one_taken_again_after_it_was_over_and_answered_trips(
        self, patient: Patient, clinic: Clinic, nurse: Actor, last_known: bool
    ) -> None:
        deed = {"patient": patient, "by": nurse, "at": NOW}
        assert medicines.add(**deed, entry=MedicineEntry(words="codeine", stopped_on=days_ago(10)))
        self.answer(clinic)
        last = days_ago(2)
        again = MedicineEntry(words="codeine", last_taken_on=last if last_known else None, stopped_on=last)
        change = {**deed, "medicine_id": Medicine.objects.get().id}
        assert medicines.change(**change, entry=again, seen_version=1)
        assert OpioidReport.objects.count() == 2
        assert self.found(patient) == {"listed"}

    def test_saying_more_of_what_was_over_does_not(self, patient: Patient, clinic: Clinic, nurse: Actor) -> None:
        deed = {"patient": patient, "by": nurse, "at": NOW}
        medicines.add(**deed, entry=MedicineEntry(words="codeine", stopped_on=days_ago(10)))
        self.answer(clinic)
        change = {**deed, "medicine_id": Medicine.objects.get().id}
        more = MedicineEntry(words="codeine", last_taken_on=days_ago(11), stopped_on=days_ago(10))
        assert not medicines.change(**change, entry=more, seen_version=1)
        assert self.found(patient) == set()

    def test_correcting_the_words_trips_only_for_another_opioid(self, patient: Patient, nurse: Actor) -> None:
        deed = {"patient": patient, "by": nurse, "at": NOW}
        medicines.add(**deed, entry=MedicineEntry(words="codiene"))
        change = {**deed, "medicine_id": Medicine.objects.get().id}
        assert not medicines.change(**change, entry=MedicineEntry(words="codeine 30 mg"), seen_version=1)
        assert medicines.change(**change, entry=MedicineEntry(words="codeine, tramadol"), seen_version=2)
        assert OpioidReport.objects.count() == 2


def test_without_a_plan_nothing_trips(patient: Patient, nurse: Actor) -> None:
    assert not medicines.add(patient=patient, entry=MedicineEntry(words="codeine"), by=nurse, at=NOW)
    assert not OpioidReport.objects.exists()


class TestPages:
    @pytest.fixture(autouse=True)
    def _now(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("common.clock.now", lambda: NOW)

    @pytest.fixture
    def desk(self, nurse: Actor) -> Client:
        return pages.client_of(nurse)

    def address(self, patient: Patient) -> str:
        return f"/patients/{patient.id}/medicines/"

    def test_each_line_says_what_it_was_recognised_as(self, desk: Client, patient: Patient, clinic: Clinic) -> None:
        words = ("Percocet 5/325", "Imodium", "Zorbulin", "ibuprofen")
        for position, written in enumerate(words):
            Medicine.objects.create(clinic=clinic, patient=patient, position=position, words=written)
        page = pages.words_of(desk.get(self.address(patient)))
        for sentence in (
            "Percocet holds oxycodone: a short-acting opioid.",
            "No first dose while it goes on",
            "Not recognised: “Zorbulin”",
            "ask how much",
        ):
            assert sentence in page

    def test_one_more_is_written_down(self, desk: Client, patient: Patient) -> None:
        sent = {"words": "tramadol ER", "last_taken_on": "2026-03-10", "stopped_on": "2026-03-10"}
        page = desk.post(self.address(patient), sent, follow=True)
        assert "First dose at the earliest on Tue 24 March 2026" in pages.words_of(page)

    def test_what_was_typed_is_kept_until_it_is_right(self, desk: Client, patient: Patient) -> None:
        response = desk.post(self.address(patient), {"words": "codeine", "stopped_on": "2026-04-01"})
        assert response.status_code == 422
        assert "cannot lie ahead" in pages.words_of(response)
        assert 'value="codeine"' in response.content.decode()

    def test_an_opioid_beside_a_plan_is_said_at_once(self, desk: Client, patient: Patient) -> None:
        factories.prescription(patient, at=NOW - timedelta(days=14))
        page = desk.post(self.address(patient), {"words": "codeine"}, follow=True)
        assert "the patient’s pages say to take no dose" in pages.words_of(page)
        shown = pages.words_of(desk.get(f"/patients/{patient.id}/"))
        assert "An opioid is on the medicine list" in shown

    def test_somebody_elses_change_is_not_overwritten(self, desk: Client, patient: Patient, nurse: Actor) -> None:
        keeping.add(patient=patient, entry=MedicineEntry(words="ibuprofen"), by=nurse, at=NOW)
        address = f"{self.address(patient)}{Medicine.objects.get().id}/"
        assert desk.post(address, {"words": "ibuprofen 400 mg", "seen_version": "1"}).status_code == 302
        response = desk.post(address, {"words": "naproxen", "seen_version": "1"})
        assert response.status_code == 409
        assert 'value="naproxen"' in response.content.decode()

    def test_the_list_asks_as_often_for_many_as_for_one(self, desk: Client, patient: Patient, clinic: Clinic) -> None:
        asked = []
        for position in range(12):
            Medicine.objects.create(clinic=clinic, patient=patient, position=position, words=f"codeine {position}")
            with pages.statements() as statements:
                desk.get(self.address(patient))
            asked.append(len(statements))
        assert asked[-1] == asked[1]
