"""Screening before a first dose: kept as it goes, answered by the patient first, confirmed, and what it stops."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import ProgrammingError, transaction
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from common.refusals import Refused, Stale
from patients import selectors_screening
from patients.models import Patient, Screening
from patients.policy import NotScreened
from patients.services import screening as screenings
from symptoms import crisis
from tests import factories, memory, pages
from tests.pages import words_of
from tests.phones import phone_of
from titration.selectors import cases

AT = factories.AT
DECISIONS = screenings.DECISIONS
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
def nurse(clinic: Clinic) -> Actor:
    return factories.member(clinic, Membership.Role.NURSE, name="Test Nurse")


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return factories.patient(clinic, screened=False)


@pytest.fixture
def desk(prescriber: Actor) -> Client:
    return pages.client_of(prescriber)


def stands(patient: Patient) -> selectors_screening.Standing:
    return selectors_screening.screening_of(patient)


def confirm(patient: Patient, by: Actor, **answers: str) -> Screening:
    given = factories.screening_answers(patient, **answers)
    return screenings.confirm(patient=patient, answers=given, note="", seen_number=stands(patient).number, by=by, at=AT)


def decide(patient: Patient, by: Actor, code: str, kind: str, words: str = "Agreed", *, confirmed: bool = True) -> None:
    row = stands(patient).confirmed
    screenings.decide(
        patient=patient,
        code=code,
        kind=kind,
        words=words,
        confirmed=confirmed,
        seen_number=row.number if row else 0,
        by=by,
        at=AT,
    )


def tell(patient: Patient, answers: dict[str, str], *, finished: bool = False, by: Actor | None = None) -> Screening:
    return screenings.tell(
        patient=patient,
        answers=answers,
        note=None,
        finished=finished,
        seen_number=stands(patient).number,
        by=by or factories.patient_actor(patient),
        at=AT,
    )


class TestVersions:
    def test_every_saving_is_a_version_and_the_newest_stands(self, patient: Patient, nurse: Actor) -> None:
        known = {"patient": patient, "note": "", "by": nurse, "at": AT}
        screenings.save(answers={"alcohol": "yes"}, seen_number=0, **known)
        screenings.save(answers={"alcohol": "no", "ptsd": "yes"}, seen_number=1, **known)
        standing = stands(patient)
        assert standing.number == 2
        assert standing.filled == {"alcohol": "no", "ptsd": "yes"}
        assert standing.confirmed is None

    def test_two_people_do_not_save_over_each_other(self, patient: Patient, nurse: Actor, prescriber: Actor) -> None:
        screenings.save(patient=patient, answers={}, note="", seen_number=0, by=nurse, at=AT)
        with pytest.raises(Stale, match="Test Nurse"):
            screenings.save(patient=patient, answers={}, note="", seen_number=0, by=prescriber, at=AT)

    def test_what_was_saved_and_decided_is_never_rewritten(self, patient: Patient, prescriber: Actor) -> None:
        row = confirm(patient, prescriber, excipient_allergy="yes")
        decide(patient, prescriber, "excipient_allergy", DECISIONS.REASON)
        with pytest.raises(ProgrammingError), transaction.atomic():
            Screening.objects.filter(id=row.id, patient=patient).update(answers={})
        with pytest.raises(ProgrammingError), transaction.atomic():
            row.decisions.all().delete()

    def test_confirming_wants_every_answer_and_a_clinician(self, patient: Patient, prescriber: Actor) -> None:
        with pytest.raises(Refused, match="no answer yet"):
            screenings.confirm(patient=patient, answers={"alcohol": "no"}, note="", seen_number=0, by=prescriber, at=AT)
        with pytest.raises(Refused, match="may not confirm screenings"):
            confirm(patient, factories.member(patient.clinic, Membership.Role.STAFF))

    def test_an_answer_to_no_question_is_refused(self, patient: Patient, nurse: Actor) -> None:
        for answers in ({"unheard_of": "yes"}, {"alcohol": "often"}, {"egfr": "999"}):
            with pytest.raises(Refused, match="no answer to any"):
                screenings.save(patient=patient, answers=answers, note="", seen_number=0, by=nurse, at=AT)

    def test_a_stranger_saves_nothing(self, patient: Patient) -> None:
        stranger = factories.member(factories.clinic("Another Clinic"))
        with pytest.raises(Refused, match="No record of yours"):
            screenings.save(patient=patient, answers={}, note="", seen_number=0, by=stranger, at=AT)

    def test_it_is_remembered_and_raises_what_rules_look_at(self, patient: Patient, prescriber: Actor) -> None:
        confirm(patient, prescriber, opioids_now="yes")
        decide(patient, prescriber, "opioids_now", DECISIONS.OVERRIDE)
        assert {"screening.confirm", "screening.override"} <= {event.action for event in memory.events()}
        before = patient.change_sequence
        patient.refresh_from_db()
        assert patient.change_sequence == before + 2


class TestThePatientFirst:
    def test_what_the_patient_answers_waits_to_be_confirmed(self, patient: Patient, nurse: Actor) -> None:
        screenings.save(
            patient=patient, answers={"urine_opioid_positive": "no"}, note="", seen_number=0, by=nurse, at=AT
        )
        screenings.send(patient=patient, by=nurse, at=AT)
        assert selectors_screening.asked_of_patient(patient)
        theirs = factories.screening_answers(patient, alcohol="yes")
        tell(patient, {"alcohol": "yes"})
        tell(patient, theirs, finished=True)
        standing = stands(patient)
        assert standing.told is not None
        assert standing.told.answered_by == Screening.From.PATIENT
        assert standing.filled["urine_opioid_positive"] == "no"
        assert not selectors_screening.asked_of_patient(patient)
        assert [row.patient_id for row in selectors_screening.waiting(nurse)] == [patient.id]

    def test_nothing_is_handed_in_with_a_question_open(self, patient: Patient, nurse: Actor) -> None:
        screenings.send(patient=patient, by=nurse, at=AT)
        with pytest.raises(Refused, match="no answer yet"):
            tell(patient, {"alcohol": "yes"}, finished=True)

    def test_who_was_not_asked_answers_nothing(self, patient: Patient, nurse: Actor) -> None:
        with pytest.raises(Refused, match="not asking"):
            tell(patient, {"alcohol": "yes"})
        screenings.send(patient=patient, by=nurse, at=AT)
        with pytest.raises(Refused, match="Only the patient"):
            tell(patient, {"alcohol": "yes"}, by=nurse)

    def test_what_waits_is_one_statement_for_many_and_only_of_whom_one_may_know(
        self, clinic: Clinic, nurse: Actor, patient: Patient
    ) -> None:
        screenings.send(patient=patient, by=nurse, at=AT)
        with pages.statements() as few:
            selectors_screening.waiting(nurse)
        for _ in range(4):
            screenings.send(patient=factories.patient(clinic, screened=False), by=nurse, at=AT)
        with pages.statements() as many:
            assert len(selectors_screening.waiting(nurse)) == 5
        assert len(few) == len(many) == 1
        assert not selectors_screening.waiting(factories.member(factories.clinic("Another Clinic")))

    def test_thoughts_of_suicide_are_urgent(self, patient: Patient, nurse: Actor) -> None:
        screenings.send(patient=patient, by=nurse, at=AT)
        assert selectors_screening.is_urgent(tell(patient, {"suicidal_thoughts": "yes"}))
        assert not selectors_screening.is_urgent(tell(patient, {"suicidal_thoughts": "no"}))

    def test_the_rules_hear_a_yes_and_a_doubt_before_anybody_confirms_them(
        self, patient: Patient, prescriber: Actor
    ) -> None:
        confirm(patient, prescriber)
        screenings.send(patient=patient, by=prescriber, at=AT)
        tell(patient, {"transplant": "unsure", "acute_hepatitis": "yes", "liver_failure": "unsure"})
        tell(patient, {"acute_hepatitis": "no", "liver_failure": "no"})
        heard = cases.case_of(patient, at=AT).case.screening
        assert heard["transplant"] == "unsure"
        assert heard["acute_hepatitis"] == "yes"
        assert heard["liver_failure"] == "no"


class TestWhatItStops:
    def test_no_plan_without_a_screening(self, patient: Patient, prescriber: Actor) -> None:
        with pytest.raises(NotScreened, match="has not been screened"):
            factories.prescription(patient, by=prescriber)
        confirm(patient, prescriber)
        factories.prescription(patient, by=prescriber)

    def test_a_draft_and_what_the_patient_answered_are_no_screening(self, patient: Patient, prescriber: Actor) -> None:
        screenings.send(patient=patient, by=prescriber, at=AT)
        tell(patient, factories.screening_answers(patient), finished=True)
        with pytest.raises(NotScreened):
            factories.prescription(patient, by=prescriber)

    def test_the_clinic_may_leave_it_out_with_a_reason(self, patient: Patient, prescriber: Actor, nurse: Actor) -> None:
        with pytest.raises(Refused, match="Say why"):
            screenings.waive(patient=patient, reason="", by=prescriber, at=AT)
        with pytest.raises(Refused, match="may not prescribe"):
            screenings.waive(patient=patient, reason="No time", by=nurse, at=AT)
        screenings.waive(patient=patient, reason="Screened on paper", by=prescriber, at=AT)
        factories.prescription(patient, by=prescriber)

    def test_what_was_confirmed_is_not_left_out(self, patient: Patient, prescriber: Actor) -> None:
        confirm(patient, prescriber, opioids_now="yes")
        with pytest.raises(Refused, match="has been screened"):
            screenings.waive(patient=patient, reason="Never mind", by=prescriber, at=AT)

    def test_who_takes_it_already_may_come_without_and_the_record_says_so(
        self, patient: Patient, prescriber: Actor
    ) -> None:
        from common.dose import Dose

        factories.prescription(patient, by=prescriber, first_dose=Dose.of("3"))
        waived = stands(patient).waived
        assert waived is not None
        assert waived.note == screenings.TAKING_ALREADY

    def test_a_hard_stop_holds_for_who_takes_it_already(self, patient: Patient, prescriber: Actor) -> None:
        from common.dose import Dose

        confirm(patient, prescriber, liver_failure="yes")
        with pytest.raises(NotScreened, match="Liver failure"):
            factories.prescription(patient, by=prescriber, first_dose=Dose.of("3"))

    def test_a_hard_stop_is_lifted_by_a_prescriber_with_a_reason_and_a_second_confirmation(
        self, patient: Patient, prescriber: Actor, nurse: Actor
    ) -> None:
        confirm(patient, prescriber, acute_hepatitis="yes")
        with pytest.raises(NotScreened, match=r"stops this plan\. Acute hepatitis"):
            factories.prescription(patient, by=prescriber)
        with pytest.raises(Refused, match="may not prescribe"):
            decide(patient, nurse, "acute_hepatitis", DECISIONS.OVERRIDE)
        with pytest.raises(Refused, match="Say why"):
            decide(patient, prescriber, "acute_hepatitis", DECISIONS.OVERRIDE, "")
        with pytest.raises(Refused, match="Confirm once more"):
            decide(patient, prescriber, "acute_hepatitis", DECISIONS.OVERRIDE, confirmed=False)
        with pytest.raises(Refused, match="cannot be decided on in that way"):
            decide(patient, prescriber, "acute_hepatitis", DECISIONS.REASON)
        decide(patient, prescriber, "acute_hepatitis", DECISIONS.OVERRIDE, "The liver tests are normal again")
        factories.prescription(patient, by=prescriber)

    def test_a_transplant_teams_agreement_lifts_theirs_and_nothing_else(
        self, patient: Patient, prescriber: Actor
    ) -> None:
        confirm(patient, prescriber, transplant="yes", opioids_now="yes")
        with pytest.raises(Refused, match="cannot be decided on in that way"):
            decide(patient, prescriber, "opioids_now", DECISIONS.AGREED)
        decide(patient, prescriber, "transplant", DECISIONS.AGREED, "The team, by letter of 2 March", confirmed=False)
        assert [one.code for one in stands(patient).open_stops] == ["opioids_now"]

    def test_a_soft_stop_asks_for_a_reason(self, patient: Patient, prescriber: Actor) -> None:
        confirm(patient, prescriber, pregnancy_possible="yes", breastfeeding="yes")
        with pytest.raises(NotScreened, match=r"asks for a reason first\. Breastfeeding"):
            factories.prescription(patient, by=prescriber)
        decide(patient, prescriber, "breastfeeding", DECISIONS.REASON, "Weaning this week", confirmed=False)
        factories.prescription(patient, by=prescriber)

    def test_a_caution_stops_nothing(self, patient: Patient, prescriber: Actor) -> None:
        confirm(patient, prescriber, thyroid_replacement="yes", psychosis="yes", alcohol="yes")
        factories.prescription(patient, by=prescriber)

    def test_a_new_confirmation_asks_for_its_decisions_anew(self, patient: Patient, prescriber: Actor) -> None:
        confirm(patient, prescriber, liver_failure="yes")
        decide(patient, prescriber, "liver_failure", DECISIONS.OVERRIDE)
        assert not stands(patient).open_stops
        confirm(patient, prescriber, liver_failure="yes")
        assert [one.code for one in stands(patient).open_stops] == ["liver_failure"]

    def test_a_decision_on_an_older_confirmation_is_stale(self, patient: Patient, prescriber: Actor) -> None:
        old = confirm(patient, prescriber, liver_failure="yes")
        confirm(patient, prescriber, liver_failure="yes")
        with pytest.raises(Stale):
            screenings.decide(
                patient=patient, code="liver_failure", kind=DECISIONS.OVERRIDE, words="x", confirmed=True,
                seen_number=old.number, by=prescriber, at=AT,
            )  # fmt: skip


class TestDesk:
    def url(self, patient: Patient, name: str = "screening") -> str:
        return reverse(f"desk:{name}", kwargs={"patient_id": patient.id})

    def test_the_form_asks_what_matters_and_has_no_answer_yet(self, desk: Client, patient: Patient) -> None:
        page = desk.get(self.url(patient)).content.decode()
        assert 'name="opioids_now"' in page
        assert 'name="guardian_agrees"' not in page
        assert 'name="pregnant"' not in page
        assert "checked" not in page
        assert "no clinician has reviewed them yet" in page

    def test_saving_keeps_and_brings_what_follows(self, desk: Client, patient: Patient) -> None:
        sent = {"seen_number": "0", "pregnancy_possible": "yes", "part": "pregnancy", "note": "Called twice"}
        response = desk.post(self.url(patient), sent)
        assert response.status_code == 302
        assert response["Location"].endswith("#part-pregnancy")
        page = desk.get(self.url(patient)).content.decode()
        assert 'name="pregnant"' in page
        assert "Called twice" in page

    def test_confirming_with_a_question_open_marks_it_and_loses_nothing(self, desk: Client, patient: Patient) -> None:
        answers = {**factories.screening_answers(patient), "alcohol": "", "note": "Keep me"}
        response = desk.post(self.url(patient), {"seen_number": "0", "action": "confirm", **answers})
        assert response.status_code == 422
        page = response.content.decode()
        assert 'href="#id_alcohol"' in page
        assert "Answer this question" in page
        assert "Keep me" in page
        assert stands(patient).number == 0

    def test_confirming_leads_to_what_it_says(self, desk: Client, patient: Patient) -> None:
        answers = factories.screening_answers(patient, opioids_now="yes", alcohol="yes")
        sent = {"seen_number": "0", "action": "confirm", **answers}
        response = desk.post(self.url(patient), sent, follow=True)
        words = words_of(response)
        assert "hard stop" in words
        assert "An opioid now or in the last 14 days" in words
        assert "Rests on a trial, label or register (E1): LABEL-M, LABEL-DC" in words
        assert "questionnaires/audit-c/" in response.content.decode()

    def test_a_number_that_is_none_is_told_beside_its_field(self, desk: Client, patient: Patient) -> None:
        sent = {"seen_number": "0", "kidney_disease": "yes", "egfr": "much"}
        response = desk.post(self.url(patient), sent)
        assert response.status_code == 422
        assert "Write a number between 1 and 200" in words_of(response)
        assert 'value="much"' in response.content.decode()

    def test_a_second_saving_over_the_first_is_stale_and_keeps_what_was_typed(
        self, desk: Client, patient: Patient, nurse: Actor
    ) -> None:
        screenings.save(patient=patient, answers={}, note="", seen_number=0, by=nurse, at=AT)
        response = desk.post(self.url(patient), {"seen_number": "0", "alcohol": "yes", "note": "Mine"})
        assert response.status_code == 409
        page = response.content.decode()
        assert "Changed by Test Nurse since" in page
        assert "Mine" in page
        assert 'name="seen_number" value="1"' in page

    def test_what_the_patient_answered_stands_beside_the_question_and_a_change_is_seen(
        self, desk: Client, patient: Patient, nurse: Actor
    ) -> None:
        screenings.send(patient=patient, by=nurse, at=AT)
        theirs = factories.screening_answers(patient)
        tell(patient, theirs, finished=True)
        assert "The patient answered: No" in words_of(desk.get(self.url(patient)))
        answers = {**theirs, "alcohol": "yes"}
        number = str(stands(patient).number)
        done = desk.post(self.url(patient), {"seen_number": number, "action": "confirm", **answers}, follow=True)
        assert "Where the clinic says otherwise than the patient" in words_of(done)
        assert "Drinks alcohol?</th><td>No</td><td>Yes</td>" in done.content.decode()

    def test_a_hard_stop_is_lifted_on_the_page_after_a_second_confirmation(
        self, desk: Client, patient: Patient, prescriber: Actor
    ) -> None:
        row = confirm(patient, prescriber, liver_failure="yes")
        sent = {"code": "liver_failure", "seen_number": str(row.number), "liver_failure-words": "Healed since"}
        response = desk.post(self.url(patient, "screening_results"), sent)
        assert response.status_code == 422
        assert "Confirm once more" in words_of(response)
        assert "Healed since" in response.content.decode()
        done = desk.post(self.url(patient, "screening_results"), {**sent, "liver_failure-confirmed": "on"}, follow=True)
        assert "Goes on all the same. “Healed since”" in words_of(done)

    def test_the_prescribing_page_says_where_it_stands_and_refuses(
        self, desk: Client, patient: Patient, prescriber: Actor
    ) -> None:
        assert "Screening: not screened" in words_of(desk.get(self.url(patient, "prescribe")))
        confirm(patient, prescriber, liver_failure="yes")
        assert "Screening: hard stop" in words_of(desk.get(self.url(patient, "prescribe")))
        sent = {
            "opioid_answer": "no", "template": str(factories.protocol_version().id), "start_on": "2026-03-02",
            "slot": "bedtime", "strength": "1.5", "strength_other": "", "mode": "confirmed", "nights": "84",
            "action": "preview",
        }  # fmt: skip
        response = desk.post(self.url(patient, "prescribe"), sent)
        assert response.status_code == 409
        assert "The screening stops this plan" in words_of(response)

    def test_sending_it_mails_nothing_about_anybody(
        self, desk: Client, patient: Patient, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            assert desk.post(self.url(patient, "screening_send")).status_code == 302
        (sent,) = mail.outbox
        said = f"{sent.subject} {sent.body}".casefold()
        assert not [word for word in ("naltrexone", "screening", "clinic", "dose", "test patient") if word in said]

    def test_its_statements_do_not_grow_with_the_versions(self, desk: Client, patient: Patient, nurse: Actor) -> None:
        confirm(patient, nurse, excipient_allergy="yes")
        with pages.statements() as few:
            desk.get(self.url(patient, "screening_results"))
        for _ in range(6):
            confirm(patient, nurse, excipient_allergy="yes", cirrhosis="yes")
        with pages.statements() as many:
            desk.get(self.url(patient, "screening_results"))
        assert len(few) == len(many), many


class TestPhone:
    def test_a_patient_goes_through_the_parts_and_hands_them_in(self, patient: Patient, nurse: Actor) -> None:
        screenings.send(patient=patient, by=nurse, at=AT)
        phone = phone_of(patient, AT)
        assert "Your clinic has some questions for you" in words_of(phone.get("/p/"))
        answers = factories.screening_answers(patient, alcohol="unsure")
        path, steps = "/p/before/", 0
        while "part=check" not in path:
            page = phone.get(path, follow=True)
            part = page.context["part"]
            sent = {item.code: answers.get(item.code, "no") for item in part.items}
            response = phone.post(
                "/p/before/", {"part": part.code, "seen_number": page.context["number"], "note": "Thanks", **sent}
            )
            assert response.status_code == 302
            path, steps = response["Location"], steps + 1
            assert steps < 12
        check = phone.get(path)
        assert "Look them over" in words_of(check)
        sent = {"action": "finish", "seen_number": check.context["number"]}
        done = phone.post("/p/before/", sent, follow=True)
        assert "Your clinic has your answers" in words_of(done)
        told = stands(patient).told
        assert told is not None
        assert told.answers["alcohol"] == "unsure"
        assert told.note == "Thanks"

    def test_an_answer_that_wants_it_is_answered_at_once_and_until_it_is_taken_back(
        self, patient: Patient, nurse: Actor
    ) -> None:
        screenings.send(patient=patient, by=nurse, at=AT)
        phone = phone_of(patient, AT)
        sent = {"part": "mood", "seen_number": stands(patient).number, "suicidal_thoughts": "yes"}
        page = words_of(phone.post("/p/before/", sent, follow=True))
        heading = crisis.words_for(crisis.GENERAL).heading
        assert heading in page
        assert heading in words_of(phone.get("/p/before/?part=check"))
        sent = {"part": "mood", "seen_number": stands(patient).number, "suicidal_thoughts": "no"}
        phone.post("/p/before/", sent)
        assert heading not in words_of(phone.get("/p/before/?part=check"))

    def test_who_takes_an_opioid_is_told_to_take_no_dose(self, patient: Patient, nurse: Actor) -> None:
        screenings.send(patient=patient, by=nurse, at=AT)
        sent = {"part": "opioids", "seen_number": stands(patient).number, "opioids_now": "yes"}
        page = words_of(phone_of(patient, AT).post("/p/before/", sent, follow=True))
        assert "Take no nalTREXone until your clinic has answered." in page

    def test_what_the_clinic_had_filled_in_is_not_shown(self, patient: Patient, nurse: Actor) -> None:
        known = {"patient": patient, "by": nurse, "at": AT}
        screenings.save(answers={"alcohol": "yes"}, note="Smells of drink", seen_number=0, **known)
        screenings.send(**known)
        phone = phone_of(patient, AT)
        for part in ("others", "check"):
            page = phone.get(f"/p/before/?part={part}").content.decode()
            assert "checked" not in page
            assert "Smells of drink" not in page

    def test_an_adults_helper_is_not_let_in_and_a_childs_is(self, clinic: Clinic, nurse: Actor) -> None:
        for born, status in ((date(1980, 1, 1), 404), (AT.date() - timedelta(days=12 * 365), 200)):
            whose = factories.patient(clinic, screened=False, birth_date=born)
            screenings.send(patient=whose, by=nurse, at=AT)
            _, secret = factories.carer(whose)
            client = pages.new_client()
            from django.conf import settings

            client.cookies[settings.CARER_COOKIE_NAME] = secret
            assert client.get("/p/before/", follow=True).status_code == status

    def test_nothing_asked_says_so(self, patient: Patient) -> None:
        phone = phone_of(patient, AT)
        assert "not asking any questions" in words_of(phone.get("/p/before/"))
        assert "some questions for you" not in words_of(phone.get("/p/"))
