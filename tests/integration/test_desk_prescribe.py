"""Prescribing through the page: what is shown before it is signed, what is refused, and that nothing typed is lost."""

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import Any, ClassVar

import pytest
import time_machine
from django.db import connection
from django.test import Client

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from common.dose import Dose
from common.refusals import Refused
from patients.models import Medicine, Patient, PatientCondition
from symptoms.models import OpioidReport
from tests import factories, memory, pages
from tests.pages import words_of
from titration.engine import planner
from titration.engine.protocol import Rung, Then
from titration.models import Prescription, ProtocolVersion, TrialEntry
from titration.selectors import courses as courses_selectors
from titration.services import courses, library

NOW = datetime(2025, 1, 4, 10, tzinfo=UTC)
START = date(2025, 1, 6)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
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
    return factories.patient(clinic, registered_at=NOW)


def url(patient: Patient) -> str:
    return f"/patients/{patient.id}/prescribe/"


def filled(code: str = "STD-2W", **changes: Any) -> dict[str, Any]:
    return {
        "opioid_answer": "no",
        "template": str(factories.protocol_version(code).id),
        "start_on": START.isoformat(),
        "slot": "bedtime",
        "strength": "1.5",
        "strength_other": "",
        "mode": "confirmed",
        "nights": "84",
        "action": "preview",
        **changes,
    }


def shown(response: Any) -> str:
    """The fingerprint of the schedule on the page; empty where none is shown."""
    found = re.search(r'name="shown" value="([0-9a-f]{64})"', response.content.decode())
    return found[1] if found else ""


def sign(desk: Client, patient: Patient, **changes: Any) -> Any:
    """Look at the schedule, then sign it, as a person does."""
    values = filled(**changes)
    fingerprint = shown(desk.post(url(patient), values))
    return desk.post(url(patient), {**values, "action": "sign", "shown": fingerprint})


class TestForm:
    def test_the_opioid_question_has_no_answer_until_somebody_gives_one(self, desk: Client, patient: Patient) -> None:
        factories.protocol_version()
        page = desk.get(url(patient)).content.decode()
        radios = re.findall(r'<input type="radio" name="opioid_answer"[^>]*>', page)
        assert len(radios) == 3
        assert not any("checked" in radio for radio in radios)

    def test_templates_say_what_they_rest_on_and_that_nobody_has_reviewed_them(
        self, desk: Client, patient: Patient
    ) -> None:
        factories.protocol_version()
        words = words_of(desk.get(url(patient)))
        assert "Every 2 weeks (STD-2W) 1.5 → 3 → 4.5 mg" in words
        assert "rests on specialist practice (E2): DIECK-DOSE, LAV review pending" in words

    def test_medicines_as_written_stand_beside_the_opioid_question(self, desk: Client, patient: Patient) -> None:
        Medicine.objects.create(
            clinic_id=patient.clinic_id, patient=patient, position=0, words="Co-codamol 8/500 <b>as needed</b>"
        )
        page = desk.get(url(patient)).content.decode()
        assert "Co-codamol 8/500 &lt;b&gt;as needed&lt;/b&gt;" in page

    def test_the_start_is_today_where_the_patient_is(self, clinic: Clinic) -> None:
        far = factories.patient(clinic, zone_name="Pacific/Auckland")
        with time_machine.travel(datetime(2025, 1, 4, 12, tzinfo=UTC), tick=False):
            desk = pages.client_of(factories.member(clinic))
            assert 'value="2025-01-05"' in desk.get(url(far)).content.decode()

    def test_its_statements_do_not_grow_with_the_medicines(self, desk: Client, patient: Patient) -> None:
        factories.protocol_version()
        with pages.statements() as few:
            desk.get(url(patient))
        for position in range(20):
            Medicine.objects.create(clinic_id=patient.clinic_id, patient=patient, position=position, words="one")
        with pages.statements() as many:
            desk.get(url(patient))
        assert len(few) == len(many) <= 15, str(many)


class TestPreview:
    def test_it_says_the_schedule_in_words_and_numbers_and_signs_nothing(self, desk: Client, patient: Patient) -> None:
        response = desk.post(url(patient), filled())
        assert response.status_code == 200
        words = words_of(response)
        assert (
            "3 mg, three milligrams, 2 capsules of 1.5 mg a night, from Mon 20 January 2025 to Sun 2 February 2025, "
            "14 nights, 28 capsules of 1.5 mg." in words
        )
        assert "4.5 mg, four and a half milligrams, 3 capsules of 1.5 mg a night, from Mon 3 February 2025" in words
        assert "210 capsules of 1.5 mg for 84 nights, to Sun 30 March 2025" in words
        assert "nalTREXone" in words
        assert response.content.decode().count("<svg xmlns") == 2
        assert not Prescription.objects.exists()

    def test_a_plan_that_ends_is_dispensed_for_no_longer_than_it_lasts(self, desk: Client, patient: Patient) -> None:
        words = words_of(desk.post(url(patient), filled("LIQ-SHILPA", strength="0.5")))
        assert "280 capsules of 0.5 mg for all 70 nights of the plan" in words
        assert "From Mon 17 March 2025 the last dose goes on until a prescriber has reviewed it." in words

    def test_a_morning_plan_never_speaks_of_nights(self, desk: Client, patient: Patient) -> None:
        words = words_of(desk.post(url(patient), filled(slot="morning")))
        assert "3 mg, three milligrams, 2 capsules of 1.5 mg a morning, from Mon 20 January 2025" in words
        assert "14 mornings, 28 capsules of 1.5 mg" in words

    def test_a_comma_is_read_as_a_point_and_said_back_in_words(self, desk: Client, patient: Patient) -> None:
        words = words_of(desk.post(url(patient), filled(strength="other", strength_other="1,5")))
        assert "1.5 mg, one and a half milligrams" in words
        assert "You wrote “1,5”; it is read as 1.5 mg." in words


class TestMadeOf:
    """Not only capsules of one strength: what the pharmacy makes is chosen, shown in full, and told to the patient."""

    @pytest.mark.parametrize(
        ("more", "kept", "each"),
        [
            (
                {"more_strengths": "3"},
                {"capsules_mg": ["3", "1.5"]},
                "4.5 mg, four and a half milligrams, 1 capsule of 3 mg and 1 capsule of 1.5 mg a night",
            ),
            (
                {"strength": "3", "made_as": "tablets", "scored": "on"},
                {"tablets_mg": ["3"], "scored": True},
                "1.5 mg, one and a half milligrams, half a tablet of 3 mg a night",
            ),
            (
                {"strength": "3", "made_as": "liquid", "smallest_ml": "0,5"},
                {"liquid_mg_per_ml": "3", "smallest_ml": "0.5"},
                "1.5 mg, one and a half milligrams, 0.5 mL of 3 mg/mL a night",
            ),
            (
                {"strength": "0.5", "made_as": "drops"},
                {"drops_mg": "0.5"},
                "1.5 mg, one and a half milligrams, 3 drops of 0.5 mg a night",
            ),
            (
                {"filler": "lactose_free"},
                {"capsules_mg": ["1.5"], "filler": "lactose_free"},
                "1.5 mg, one and a half milligrams, 1 capsule of 1.5 mg a night",
            ),
        ],
    )
    def test_what_is_chosen_is_shown_signed_and_told(
        self, desk: Client, patient: Patient, more: dict[str, str], kept: dict[str, Any], each: str
    ) -> None:
        seen = desk.post(url(patient), filled(**more))
        assert each in words_of(seen)
        assert '<details class="mb-3" open>' in seen.content.decode()
        sign(desk, patient, **more)
        prescription = Prescription.objects.get()
        assert prescription.formulation == kept
        told = courses_selectors.tonight(patient, at=NOW)
        assert told.takings
        made = courses_selectors.takings_of(prescription, Dose.parse(each.split(" mg,")[0]), told.slot)
        assert each.endswith(f" {planner.in_words(made)} a night")

    def test_capsules_of_one_strength_need_nothing_more(self, desk: Client, patient: Patient) -> None:
        sign(desk, patient)
        assert Prescription.objects.get().formulation is None

    @pytest.mark.parametrize(
        ("more", "sentence"),
        [
            ({"strength": "3", "more_strengths": "4.5"}, "The nearest that can be made: 3 mg."),
            ({"more_strengths": "3 and many"}, "That is not a dose in milligrams"),
            ({"made_as": "liquid", "more_strengths": "3"}, "A prescription for liquid has one strength."),
            ({"made_as": "drops", "scored": "on"}, "Only what is counted can be scored, not drops."),
            ({"made_as": "liquid", "smallest_ml": "a bit"}, "Write mL as a number, like 0.1."),
            ({"made_as": "liquid", "smallest_ml": "0"}, "The smallest measurable volume is above 0"),
            ({"smallest_ml": "0.1"}, "say the smallest volume that can be measured"),
        ],
    )
    def test_what_nobody_makes_is_refused_and_nothing_typed_is_lost(
        self, desk: Client, patient: Patient, more: dict[str, str], sentence: str
    ) -> None:
        response = desk.post(url(patient), filled(filler="cellulose", **more))
        assert response.status_code == 422
        assert sentence in words_of(response)
        assert 'value="cellulose" selected' in response.content.decode()
        assert "Sign this plan" not in response.content.decode()


class TestRefusals:
    @pytest.mark.parametrize("answer", ["yes", "unknown"])
    def test_an_opioid_or_an_unknown_blocks_signing_with_the_reason_at_the_question(
        self, desk: Client, patient: Patient, answer: str
    ) -> None:
        response = desk.post(url(patient), filled(opioid_answer=answer, action="sign", shown="0" * 64))
        assert response.status_code == 422
        page = response.content.decode()
        at_the_question = page[page.index('id="id_opioid_answer_error"') :][:400]
        assert unescape(courses.OPIOID_REFUSALS[answer]) in unescape(at_the_question)
        assert "Sign this plan" not in page
        assert f'value="{answer}"' in page
        assert not Prescription.objects.exists()

    def test_an_unanswered_question_is_refused(self, desk: Client, patient: Patient) -> None:
        response = desk.post(url(patient), filled(opioid_answer=""))
        assert "Answer this question first" in words_of(response)

    def test_a_start_more_than_a_week_ago_is_refused_at_the_date(self, desk: Client, patient: Patient) -> None:
        response = desk.post(url(patient), filled(start_on="2024-12-27"))
        assert response.status_code == 422
        assert "First dose on: The start is more than a week ago." in words_of(response)
        assert 'value="2024-12-27"' in response.content.decode()
        assert shown(desk.post(url(patient), filled(start_on="2024-12-28")))

    def test_capsules_that_cannot_make_a_dose_are_refused_at_the_strength(self, desk: Client, patient: Patient) -> None:
        words = words_of(desk.post(url(patient), filled("ONE-1W", strength="1.5")))
        assert "Strength: 1 mg cannot be made from 1.5 mg capsules. The nearest that can be made: 1.5 mg." in words

    @pytest.mark.parametrize(
        ("typed", "sentence"),
        [
            ("4500 mcg", "Write the dose in milligrams, not micrograms"),
            ("45", "45 mg is more than 10 mg, which is not low-dose nalTREXone"),
            ("<script>alert(1)</script>", "That is not a dose in milligrams"),
            ("", "Choose a strength, or write another one in mg."),
        ],
    )
    def test_a_strength_that_is_none_is_refused_and_kept(
        self, desk: Client, patient: Patient, typed: str, sentence: str
    ) -> None:
        response = desk.post(url(patient), filled(strength="other", strength_other=typed, nights="56"))
        page = response.content.decode()
        assert response.status_code == 422
        assert sentence in words_of(response)
        assert "<script>alert(1)" not in page
        assert unescape(page).count(f'value="{typed}"') >= 1 or not typed
        assert 'value="56"' in page

    def test_a_strength_picked_and_another_written_is_refused(self, desk: Client, patient: Patient) -> None:
        words = words_of(desk.post(url(patient), filled(strength="3", strength_other="1.5")))
        assert "Choose a strength or write another, not both." in words

    @pytest.mark.parametrize(
        ("field", "value", "sentence"),
        [
            ("start_on", "04/05/06", "That is not a date."),
            ("start_on", "2025-02-30", "That is not a date."),
            ("nights", "0", "at least one night"),
            ("nights", "99999999999", "a year (366 nights) at most"),
            ("template", "not-a-template", "no longer offered"),
            ("slot", "noon", "noon"),
        ],
    )
    def test_other_values_that_cannot_be_are_refused_with_a_sentence(
        self, desk: Client, patient: Patient, field: str, value: str, sentence: str
    ) -> None:
        response = desk.post(url(patient), filled(**{field: value}))
        assert response.status_code == 422
        assert sentence in words_of(response)

    def test_an_unanswered_report_blocks_signing_and_leads_to_the_answer(self, desk: Client, patient: Patient) -> None:
        report = OpioidReport.objects.create(
            clinic_id=patient.clinic_id, patient=patient, night=START, answer="yes", words="tramadol", at=NOW
        )
        assert f"/reports/{report.id}/answer/" in desk.get(url(patient)).content.decode()
        response = desk.post(url(patient), filled())
        assert "Answer the report first." in words_of(response)
        assert "Sign this plan" not in words_of(response)


class TestSigning:
    def test_what_was_shown_is_signed(self, desk: Client, patient: Patient, prescriber: Actor) -> None:
        response = sign(desk, patient, strength="other", strength_other="0,5", mode="planned", slot="morning")
        assert response.status_code == 302
        assert response["Location"] == f"/patients/{patient.id}/"
        signed = Prescription.objects.get()
        assert (signed.start_on, signed.slot, signed.mode) == (START, "morning", "planned")
        assert (signed.capsule_strength, signed.signed_by_id) == (Dose.of("0.5"), prescriber.user_id)
        assert len(memory.events(action="course.prescribe", patient_ids=[patient.id])) == 1

    def test_without_having_seen_it_nothing_is_signed(self, desk: Client, patient: Patient) -> None:
        response = desk.post(url(patient), filled(action="sign"))
        assert response.status_code == 409
        assert "not what was shown to you" in words_of(response)
        assert shown(response)
        assert not Prescription.objects.exists()

    @pytest.mark.parametrize(
        "change",
        [
            {"start_on": "2025-01-07"},
            {"slot": "morning"},
            {"strength": "0.5"},
            {"mode": "planned"},
            {"nights": "28"},
        ],
    )
    def test_any_change_after_looking_means_looking_again(
        self, desk: Client, patient: Patient, change: dict[str, str]
    ) -> None:
        seen = shown(desk.post(url(patient), filled()))
        response = desk.post(url(patient), {**filled(), **change, "action": "sign", "shown": seen})
        assert response.status_code == 409
        assert shown(response) not in ("", seen)
        assert not Prescription.objects.exists()

    def test_what_was_shown_for_one_patient_does_not_sign_for_another(
        self, desk: Client, patient: Patient, clinic: Clinic
    ) -> None:
        seen = shown(desk.post(url(patient), filled()))
        other = factories.patient(clinic, "Test Other")
        assert desk.post(url(other), {**filled(), "action": "sign", "shown": seen}).status_code == 409
        assert not Prescription.objects.exists()

    def test_the_second_of_a_double_click_is_told_of_the_open_plan(self, desk: Client, patient: Patient) -> None:
        values = filled()
        signing = {**values, "action": "sign", "shown": shown(desk.post(url(patient), values))}
        assert desk.post(url(patient), signing).status_code == 302
        second = desk.post(url(patient), signing)
        assert second.status_code == 409
        assert "already has an open plan" in words_of(second)
        assert Prescription.objects.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_of_two_people_signing_at_once_one_is_told_of_the_others_plan(
        self, clinic: Clinic, patient: Patient
    ) -> None:
        desks = [pages.client_of(factories.member(clinic)) for _ in range(2)]
        values = filled()
        signing = {**values, "action": "sign", "shown": shown(desks[0].post(url(patient), values))}
        start = threading.Barrier(2)

        def sign_now(desk: Client) -> int:
            try:
                start.wait(10)
                return desk.post(url(patient), signing).status_code
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as threads:
            answers = sorted(threads.map(sign_now, desks))
        assert answers == [302, 409]
        assert Prescription.objects.count() == 1

    def test_with_an_open_plan_the_page_leads_to_it(self, desk: Client, patient: Patient) -> None:
        sign(desk, patient)
        page = desk.get(url(patient))
        assert "already has an open plan" in words_of(page)
        assert "Sign this plan" not in words_of(page)

    def test_a_version_replaced_meanwhile_is_not_signed(self, desk: Client, patient: Patient) -> None:
        values = filled()
        seen = shown(desk.post(url(patient), values))
        old = ProtocolVersion.objects.get(id=values["template"])
        ProtocolVersion.objects.create(
            code=old.code, version=2, name=old.name, body={**old.body, "version": 2}, fingerprint="f", loaded_at=NOW
        )
        response = desk.post(url(patient), {**values, "action": "sign", "shown": seen})
        assert response.status_code == 422
        assert "This template is no longer offered." in words_of(response)


class TestDoor:
    def test_a_foreign_clinics_patient_is_nobody(self, desk: Client) -> None:
        foreign = factories.patient(factories.clinic("Other Clinic"))
        assert desk.get(url(foreign)).status_code == 404
        assert desk.post(url(foreign), filled()).status_code == 404

    def test_who_may_not_prescribe_is_told_so(self, clinic: Clinic, patient: Patient) -> None:
        nurse = pages.client_of(factories.member(clinic, Membership.Role.NURSE))
        response = nurse.get(url(patient))
        assert response.status_code == 403
        assert "may not prescribe" in words_of(response)

    def test_reading_the_page_is_remembered(self, desk: Client, patient: Patient) -> None:
        desk.get(url(patient))
        assert len(memory.events(action="patient.prescribe_page", patient_ids=[patient.id])) == 1

    def test_a_start_up_to_half_a_year_ahead(self, desk: Client, patient: Patient) -> None:
        late = (NOW.date() + timedelta(days=181)).isoformat()
        assert "more than half a year ahead" in words_of(desk.post(url(patient), filled(start_on=late)))


class TestChoosing:
    def of(self, desk: Client, clinic: Clinic, *codes: str, **more: Any) -> str:
        factories.protocol_version()
        patient = factories.patient(clinic, "Test Chooser", **more)
        for position, code in enumerate(codes):
            PatientCondition.objects.create(
                clinic_id=clinic.id,
                patient=patient,
                code=code,
                position=position,
                words="asthma" if code == "other" else "",
            )
        return words_of(desk.get(url(patient)))

    def test_what_is_often_begun_with_stands_first_with_its_source_and_grade(
        self, desk: Client, clinic: Clinic
    ) -> None:
        words = self.of(desk, clinic, "crohn")
        suggested, _, others = words.partition("Every other template")
        assert "Often begun with in this patient's conditions Every week (STD-1W)" in suggested
        assert (
            "Crohn's disease: To 4.5 mg in two weeks; the trials began at 4.5 mg. "
            "Rests on a trial, label or register (E1): S07, S11, ERASMUS." in suggested
        )
        assert "Every 2 weeks (STD-2W)" in others
        assert "Every week (STD-1W)" not in others

    def test_without_a_suggestion_nothing_is_said_of_one(self, desk: Client, clinic: Clinic) -> None:
        assert "Often begun with" not in self.of(desk, clinic, "other")

    def test_no_suggestion_says_so_and_what_is_for_children_is_said_of_children_only(
        self, desk: Client, clinic: Clinic
    ) -> None:
        grown = self.of(desk, clinic, "autism")
        assert "None. No trial at a low dose was found" in grown
        assert "PEDS-SMITH" not in grown
        child = self.of(desk, clinic, "autism", birth_date=date(2014, 5, 1))
        assert "which cannot be chosen here" not in child
        assert "(PEDS-SMITH)" in child

    def test_who_reviewed_it_in_the_clinic_stands_at_it(
        self, desk: Client, clinic: Clinic, prescriber: Actor, patient: Patient
    ) -> None:
        library.review(version=factories.protocol_version(), words="Read with its sources", by=prescriber, at=NOW)
        assert "DIECK-DOSE, LAV reviewed by Test Prescriber" in words_of(desk.get(url(patient)))

    def test_the_clinics_own_stand_before_the_shared(self, desk: Client, prescriber: Actor, patient: Patient) -> None:
        factories.own_template(prescriber, code="OURS-2W", at=NOW)
        own, _, shared = words_of(desk.get(url(patient))).partition("Every other template")
        assert "Your clinic's own" in own
        assert "OURS-2W" in own
        assert "OURS-2W" not in shared

    def test_the_chosen_one_stands_first_and_the_others_are_folded_away(self, desk: Client, patient: Patient) -> None:
        nothing_chosen = desk.get(url(patient)).content.decode()
        assert '<details class="template-rest"' not in nothing_chosen
        page = desk.post(url(patient), filled("ONE-1W", strength="1"))
        chosen, _, rest = page.content.decode().partition('<details class="template-rest"')
        assert re.search(r'name="template"[^>]* checked', chosen)
        assert not re.search(r'name="template"[^>]* checked', rest)
        assert "ONE-1W" in chosen
        assert "STD-2W" in rest

    @pytest.mark.parametrize("code", ["PEDS-SMITH", "PEDS-UK"])
    def test_what_goes_by_weight_is_not_offered_to_adults(self, desk: Client, patient: Patient, code: str) -> None:
        assert f"({code})" not in words_of(desk.get(url(patient)))


class TestMoreThanSteps:
    def test_two_halves_are_asked_for_shown_and_signed(self, desk: Client, patient: Patient) -> None:
        values = {"code": "GI-PLOESSER-C", "strength": "other", "strength_other": "2.5"}
        refused = desk.post(url(patient), filled(**values))
        assert refused.status_code == 422
        assert "Taken: This template halves each day's dose." in words_of(refused)
        halves = {**values, "slot": "split"}
        words = words_of(desk.post(url(patient), filled(**halves)))
        assert "twice a day, half in the morning and half at bedtime" in words
        assert "5 mg, five milligrams, 1 capsule of 2.5 mg in the morning, 1 capsule of 2.5 mg at bedtime" in words
        assert sign(desk, patient, **halves).status_code == 302
        assert Prescription.objects.get().slot == "split"

    def test_capsules_that_make_no_halves_are_refused_at_the_strength(self, desk: Client, patient: Patient) -> None:
        words = words_of(desk.post(url(patient), filled("BID-NO", slot="split", strength="2")))
        assert "Strength: 6 mg in two halves needs 3 mg twice. 3 mg cannot be made from 2 mg capsules." in words
        assert "The nearest that can be made: 4 mg or 8 mg." in words

    def test_what_a_template_asks_first_is_read_before_signing(self, desk: Client, patient: Patient) -> None:
        words = words_of(desk.post(url(patient), filled("PDN-RESP", strength="2")))
        assert "The step to 4 mg is taken only if pain has fallen by less than 20 %" in words

    def test_days_off_are_said_to_be_a_change_of_their_own(self, desk: Client, patient: Patient) -> None:
        words = words_of(desk.post(url(patient), filled("CANCER-W", strength="1.5")))
        assert "Some go on by 3 days on and 3 days off. Signing this plan does not begin that" in words

    def test_above_6_mg_it_is_confirmed_once_more(self, desk: Client, prescriber: Actor, patient: Patient) -> None:
        rungs = (Rung(Dose.of("3"), 14), Rung(Dose.of("7.5"), None, "Advised by the university's pain clinic"))
        version = factories.own_template(prescriber, code="OURS-HIGH", at=NOW, rungs=rungs, then=Then.OPEN)
        values = {**filled(), "template": str(version.id), "strength": "1.5"}
        page = desk.post(url(patient), values)
        assert "7.5 mg, seven and a half milligrams, is meant. It is above 6 mg, the highest dose tested." in (
            words_of(page)
        )
        assert "Why 7.5 mg: Advised by the university's pain clinic" in words_of(page)
        signing = {**values, "action": "sign", "shown": shown(page)}
        refused = desk.post(url(patient), signing)
        assert refused.status_code == 409
        assert "Confirm once more that 7.5 mg, seven and a half milligrams, is meant" in words_of(refused)
        assert not Prescription.objects.exists()
        assert desk.post(url(patient), {**signing, "confirmed": "on"}).status_code == 302
        assert Prescription.objects.count() == 1

    def test_up_to_6_mg_nothing_is_confirmed(self, desk: Client, patient: Patient) -> None:
        assert 'name="confirmed"' not in desk.post(url(patient), filled()).content.decode()


@pytest.mark.parametrize(
    ("code", "sentence"), [("PEDS-SMITH", "goes by weight"), ("PEDS-UK", "goes by weight"), ("BID-NO", "halves")]
)
def test_a_template_that_needs_more_than_its_steps_is_not_signed_without(
    patient: Patient, code: str, sentence: str
) -> None:
    """By weight, by halves: its steps alone would be another prescription."""
    with pytest.raises(Refused, match=sentence):
        factories.prescription(patient, code=code, start_on=START, at=NOW, capsule_strength=Dose.of("0.5"))


class TestBeginnings:
    """A plan that waits for its medicine, one that is taken already, and what a plan is tried for."""

    def test_a_plan_may_wait_for_its_medicine(self, desk: Client, patient: Patient) -> None:
        page = desk.post(url(patient), filled(begins="awaiting"))
        assert "with the first dose, when the medicine has come" in words_of(page)
        assert sign(desk, patient, begins="awaiting").status_code == 302
        signed = Prescription.objects.get()
        assert (signed.awaiting, signed.begun_on, signed.next_due_on) == (True, None, None)

    def test_who_takes_it_already_is_entered_without_an_invented_past(self, desk: Client, patient: Patient) -> None:
        taking = {
            "begins": "taking",
            "first_dose": "3",
            "taking_since": (START - timedelta(days=400)).isoformat(),
            "start_on": (START - timedelta(days=60)).isoformat(),
            "target": "4.5",
        }
        page = desk.post(url(patient), filled(**taking))
        assert "taken already: 3 mg since" in words_of(page)
        done = sign(desk, patient, **taking)
        assert done.status_code == 302, words_of(done)
        signed = Prescription.objects.get()
        assert (signed.first_dose, signed.target_dose) == (Dose.of("3"), Dose.of("4.5"))
        assert signed.taking_since == START - timedelta(days=400)
        assert signed.steps.order_by("from_on")[0].dose == Dose.of("3")

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ({"begins": "taking"}, "Say which dose is taken now."),
            ({"first_dose": "3"}, "A dose taken now stands below"),
            ({"question": "Less pain?"}, "Say what would count as success."),
            ({"question": "Less pain?", "criterion": "2 points"}, "A reasonable trial has an end"),
            (
                {"question": "Less pain?", "criterion": "2 points", "decide_on": START.isoformat()},
                "It is decided after the first dose",
            ),
        ],
    )
    def test_what_does_not_go_together_is_said_beside_it(
        self, desk: Client, patient: Patient, typed: dict[str, str], said: str
    ) -> None:
        answer = desk.post(url(patient), filled(**typed))
        assert answer.status_code == 422
        assert said in words_of(answer)

    def test_what_it_is_tried_for_is_signed_with_it(self, desk: Client, patient: Patient) -> None:
        trial = {
            "question": "Less pain?",
            "criterion": "2 points",
            "decide_on": (START + timedelta(weeks=12)).isoformat(),
        }
        assert sign(desk, patient, **trial).status_code == 302
        asked = TrialEntry.objects.get(prescription=Prescription.objects.get())
        assert (asked.question, asked.decide_on) == ("Less pain?", START + timedelta(weeks=12))

    def test_a_trial_that_cannot_be_asked_takes_the_plan_with_it(self, desk: Client, patient: Patient) -> None:
        never = {"question": "Less pain?", "criterion": "2", "decide_on": (START + timedelta(days=900)).isoformat()}
        assert sign(desk, patient, **never).status_code == 409
        assert not Prescription.objects.exists()


class TestByWeight:
    """Children's doses go by weight, and are signed in milligrams for the weight that was written."""

    @pytest.fixture
    def patient(self, clinic: Clinic) -> Patient:
        return factories.patient(clinic, birth_date=date(2014, 5, 1))

    LIQUID: ClassVar[dict[str, str]] = {"strength": "1", "made_as": "liquid"}

    def test_the_schedule_is_that_of_the_weight(self, desk: Client, patient: Patient) -> None:
        typed = {"code": "PEDS-SMITH", "weight_kg": "32,5", **self.LIQUID}
        page = desk.post(url(patient), filled(**typed))
        assert "3.2 mg" in words_of(page)
        assert sign(desk, patient, **typed).status_code == 302
        signed = Prescription.objects.get()
        assert signed.protocol_snapshot["by_weight"]["weight_kg"] == "32.5"
        assert signed.steps.order_by("from_on")[0].dose == Dose.of("3.2")

    @pytest.mark.parametrize(
        ("weight", "said"),
        [("", "Say the weight first"), ("heavy", "as a number, like 32.5"), ("3250", "Check the unit")],
    )
    def test_without_a_weight_that_can_be_nothing_is_shown(
        self, desk: Client, patient: Patient, weight: str, said: str
    ) -> None:
        answer = desk.post(url(patient), filled("PEDS-SMITH", weight_kg=weight, **self.LIQUID))
        assert answer.status_code == 422
        assert said in words_of(answer)
        assert shown(answer) == ""


class TestWashout:
    """An opioid on the list of medicines is waited for, or a reason and a second confirmation are on record (R01)."""

    REASON = "One tablet after the dentist; seen and examined today"

    @pytest.fixture(autouse=True)
    def _listed(self, patient: Patient) -> None:
        self.row = Medicine.objects.create(
            clinic_id=patient.clinic_id, patient=patient, position=0, words="Percocet 5/325"
        )

    def stopped(self, on: date, words: str = "Percocet 5/325") -> None:
        Medicine.objects.filter(id=self.row.id, clinic_id=self.row.clinic_id).update(words=words, stopped_on=on)

    def test_what_goes_on_stands_in_the_way(self, desk: Client, patient: Patient) -> None:
        response = desk.post(url(patient), filled())
        assert response.status_code == 422
        assert "Percocet holds oxycodone: a short-acting opioid. It goes on, so no first dose" in words_of(response)
        assert not shown(response)

    @pytest.mark.parametrize(
        ("words", "ended", "signed"),
        [
            ("Percocet 5/325", date(2024, 12, 27), True),
            ("Percocet 5/325", date(2024, 12, 28), False),
            ("OxyContin 10 mg", date(2024, 12, 23), True),
            ("OxyContin 10 mg", date(2024, 12, 24), False),
            ("Imodium", None, True),
            ("ibuprofen", None, True),
        ],
    )
    def test_ten_days_after_a_short_one_and_fourteen_after_a_long_one(
        self, desk: Client, patient: Patient, words: str, ended: date | None, signed: bool
    ) -> None:
        self.stopped(ended, words)
        response = sign(desk, patient)
        assert Prescription.objects.exists() is signed
        assert (response.status_code == 302) is signed

    def test_it_says_the_earliest_day(self, desk: Client, patient: Patient) -> None:
        self.stopped(date(2025, 1, 1))
        said = "first dose on 11 January 2025 at the earliest, after 10 days without opioids"
        assert said in words_of(desk.get(url(patient)))
        assert said in words_of(desk.post(url(patient), filled()))

    def test_nobody_is_to_answer_no_to_what_stands_on_the_list(self, desk: Client, patient: Patient) -> None:
        other = "Any other opioid in the last 14 days, or planned?"
        assert other in words_of(desk.get(url(patient)))
        assert words_of(desk.post(url(patient), filled(washout_reason=self.REASON))).count(other) == 2
        Medicine.objects.filter(id=self.row.id, clinic_id=self.row.clinic_id).update(words="ibuprofen")
        assert other not in words_of(desk.get(url(patient)))

    def test_a_reason_alone_signs_nothing(self, desk: Client, patient: Patient) -> None:
        response = sign(desk, patient, washout_reason=self.REASON)
        assert response.status_code == 409
        assert "Confirm once more that the plan begins although" in words_of(response)
        assert not Prescription.objects.exists()

    def test_a_reason_and_a_second_confirmation_sign_and_are_remembered(self, desk: Client, patient: Patient) -> None:
        response = sign(desk, patient, washout_reason=self.REASON, washout_confirmed="on")
        assert response.status_code == 302
        assert Prescription.objects.get().washout_reason == self.REASON
        event = memory.event(action="course.washout_override")
        assert (event.patient_ids, event.details) == ([patient.id], {"opioids": 1})
        assert self.REASON in words_of(desk.get(f"/patients/{patient.id}/"))

    def test_without_an_opioid_a_reason_is_not_kept(self, desk: Client, patient: Patient) -> None:
        self.stopped(date(2024, 6, 1))
        sign(desk, patient, washout_reason=self.REASON, washout_confirmed="on")
        assert Prescription.objects.get().washout_reason == ""
        assert not memory.events(action="course.washout_override")
