"""Alerts on the desk, the rules to read and to sign, the numbers a clinic sets, and what was done against them."""

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from common.dose import Dose
from common.refusals import Refused, Stale
from desk.presenters.days import day
from patients.models import Patient, ScreeningDecision
from patients.services import screening as screenings
from tests import factories, pages
from tests.pages import words_of
from titration import rule_book, tasks
from titration.engine.advice.finding import Tier
from titration.engine.refusals import EngineRefusal
from titration.models import Finding, Judged, PlanChange, Prescription, RuleReview, RuleSettings
from titration.selectors import overrides as overrides_selectors
from titration.selectors import rules as selectors
from titration.services import courses, findings
from titration.services import rules as services

AT = factories.AT
NOW = AT + timedelta(days=4)
START = AT.date()
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def now(settings: Any) -> Iterator[Any]:
    pages.stay_signed_in(settings)
    with time_machine.travel(NOW, tick=False) as travelled:
        yield travelled


@pytest.fixture
def clinic() -> Clinic:
    return factories.clinic()


@pytest.fixture
def prescriber(clinic: Clinic) -> Actor:
    return factories.member(clinic, name="Test Prescriber")


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return factories.patient(clinic)


@pytest.fixture
def course(patient: Patient, prescriber: Actor) -> Prescription:
    return factories.prescription(patient, by=prescriber)


@pytest.fixture
def found(patient: Patient, course: Prescription) -> Finding:
    for back in range(4):
        factories.told_night(patient, START + timedelta(days=back), sleep_hours=Decimal("4"))
    findings.judge(patient_id=patient.id, clinic_id=patient.clinic_id, at=NOW)
    row: Finding = Finding.objects.get(rule="R05")
    return row


@pytest.fixture
def client(prescriber: Actor) -> Client:
    return pages.client_of(prescriber)


def set_thresholds(by: Actor, number: int = 0, reason: str = "As we do it.", **chosen: str) -> RuleSettings:
    return services.set_thresholds(
        chosen={name: Decimal(value) for name, value in chosen.items()},
        reason=reason,
        seen_number=number,
        by=by,
        at=NOW,
    )


class TestTheAlert:
    def test_the_patients_page_shows_it_with_what_it_rests_on(self, client: Client, found: Finding) -> None:
        body = words_of(client.get(reverse("desk:patient", args=[found.patient_id])))
        assert found.sentence in body
        assert "R05 version 1" in body
        assert "no step up without a reason" in body

    def test_its_page_shows_the_numbers_it_was_held_against(self, client: Client, found: Finding) -> None:
        body = words_of(client.get(reverse("desk:finding", args=[found.id])))
        assert found.sentence in body
        for name in found.used:
            assert rule_book.shipped().thresholds[name].meaning in body

    def test_setting_aside_wants_a_reason_and_keeps_what_was_typed(self, client: Client, found: Finding) -> None:
        address = reverse("desk:dismiss_finding", args=[found.id])
        answer = client.post(address, {"seen_version": found.version, "reason": ""})
        assert answer.status_code == 422
        answer = client.post(address, {"seen_version": 99, "reason": "A newborn."})
        assert (answer.status_code, "A newborn." in answer.content.decode()) == (409, True)
        answer = client.post(address, {"seen_version": found.version, "reason": "A newborn."})
        assert answer.status_code == 302
        found.refresh_from_db()
        assert found.state == "dismissed"

    def test_accepting_goes_with_the_change_that_follows_from_it(
        self, client: Client, found: Finding, course: Prescription
    ) -> None:
        body = client.get(reverse("desk:finding", args=[found.id])).content.decode()
        address = reverse("desk:hold", args=[course.id])
        carried = f"{address}?finding={found.id}&seen={found.version}"
        assert carried.replace("&", "&amp;") in body
        page = client.get(carried).content.decode()
        assert f'action="{address}"' not in page
        answer = client.post(carried, {"days": "7", "reason": "Sleep first.", "seen_version": course.version})
        assert answer.status_code == 302
        found.refresh_from_db()
        assert (found.state, found.accepted_by_change) == ("accepted", PlanChange.objects.get())

    def test_an_alert_that_cannot_be_answered_takes_no_change_back(
        self, client: Client, found: Finding, course: Prescription
    ) -> None:
        address = f"{reverse('desk:hold', args=[course.id])}?finding={found.id}&seen=77"
        client.post(address, {"days": "7", "reason": "Sleep first.", "seen_version": course.version})
        assert PlanChange.objects.count() == 1
        found.refresh_from_db()
        assert found.state == "open"

    def test_a_grave_one_offers_no_nurse_to_set_it_aside(self, clinic: Clinic, patient: Patient) -> None:
        grave = factories.finding(patient, tier=Tier.EMERGENCY, at=NOW)
        nurse = pages.client_of(factories.member(clinic, Membership.Role.NURSE))
        body = nurse.get(reverse("desk:finding", args=[grave.id])).content.decode()
        assert reverse("desk:dismiss_finding", args=[grave.id]) not in body
        answer = nurse.post(
            reverse("desk:dismiss_finding", args=[grave.id]), {"seen_version": grave.version, "reason": "Known."}
        )
        assert answer.status_code == 422

    def test_words_of_patients_are_escaped(self, client: Client, patient: Patient) -> None:
        row = factories.finding(patient, "<script>alert(1)</script>", at=NOW, data_sealed='{"medicine": "<b>x</b>"}')
        body = client.get(reverse("desk:finding", args=[row.id])).content.decode()
        assert "<script>alert(1)" not in body
        assert "<b>x</b>" not in body


class TestTheNumbers:
    def test_they_change_what_is_found_and_every_finding_remembers_its_own(
        self, prescriber: Actor, patient: Patient, found: Finding
    ) -> None:
        assert found.used["early_bad_nights"] == "3"
        set_thresholds(prescriber, early_bad_nights="5")
        tasks.judge_round()
        found.refresh_from_db()
        assert (found.state, found.used["early_bad_nights"]) == ("expired", "3")
        assert Judged.objects.get(patient=patient).settings_number == 1

    def test_they_are_appended_and_the_last_holds(self, prescriber: Actor) -> None:
        set_thresholds(prescriber, early_bad_nights="4")
        set_thresholds(prescriber, 1, early_bad_nights="5")
        held = selectors.rules_of(prescriber.clinic_id)
        assert (held.number, held.book.count("early_bad_nights"), held.chosen) == (2, 5, {"early_bad_nights": "5"})

    def test_outside_its_ends_none_is_set(self, prescriber: Actor) -> None:
        with pytest.raises(EngineRefusal, match="from 2 to 5"):
            set_thresholds(prescriber, early_bad_nights="6")
        assert not RuleSettings.objects.exists()

    def test_a_reason_the_latest_and_a_difference_are_needed(self, prescriber: Actor) -> None:
        with pytest.raises(Refused, match="Say why"):
            set_thresholds(prescriber, reason=" ", early_bad_nights="4")
        with pytest.raises(Refused, match="as it was"):
            set_thresholds(prescriber, early_bad_nights="3")
        set_thresholds(prescriber, early_bad_nights="4")
        with pytest.raises(Stale):
            set_thresholds(prescriber, early_bad_nights="5")

    def test_no_other_clinics_patients_are_judged_by_them(self, prescriber: Actor) -> None:
        set_thresholds(prescriber, early_bad_nights="4")
        assert selectors.rules_of(factories.clinic("Other Clinic").id).number == 0

    def test_the_page_keeps_what_was_typed_and_names_the_ends(self, client: Client) -> None:
        address = reverse("desk:rule_thresholds")
        typed = {f"threshold-{name}": str(one.value) for name, one in rule_book.shipped().thresholds.items()}
        answer = client.post(
            address, {**typed, "threshold-early_bad_nights": "9", "seen_number": "0", "reason": "So it is."}
        )
        assert answer.status_code == 422
        assert "From 2 to 5 nights." in words_of(answer)
        answer = client.post(
            address, {**typed, "threshold-early_bad_nights": "4", "seen_number": "0", "reason": "So it is."}
        )
        assert answer.status_code == 302
        assert RuleSettings.objects.get().chosen == {"early_bad_nights": "4"}

    def test_a_nurse_sets_none(self, clinic: Clinic) -> None:
        nurse = pages.client_of(factories.member(clinic, Membership.Role.NURSE))
        assert nurse.get(reverse("desk:rule_thresholds")).status_code == 403


class TestTheReviewersPage:
    def test_it_holds_every_rule_sentence_and_number(self, client: Client) -> None:
        body = words_of(client.get(reverse("desk:rules")))
        book = rule_book.shipped()
        for rule in book.rules.values():
            assert f"{rule.id} · {rule.title}" in body
            assert all(source in body for source in rule.sources)
            for part in rule.parts.values():
                assert re.sub(r"\{(\w+)\}", lambda gap: f"[{gap.group(1).replace('_', ' ')}]", part.sentence) in body
        assert all(one.meaning in body for one in book.thresholds.values())

    def test_a_signature_is_of_what_was_read(self, client: Client, prescriber: Actor) -> None:
        seen = selectors.rules_of(prescriber.clinic_id).fingerprint
        typed = {"name": "Test Prescriber", "licence": "T-1", "words": "", "seen": seen}
        assert client.post(reverse("desk:rules_review"), typed).status_code == 302
        assert RuleReview.objects.get().fingerprint == seen
        assert "of the rules as they stand" in words_of(client.get(reverse("desk:rules")))
        set_thresholds(prescriber, early_bad_nights="4")
        assert "of an earlier version" in words_of(client.get(reverse("desk:rules")))
        assert client.post(reverse("desk:rules_review"), typed).status_code == 409

    def test_nobody_signs_without_a_licence(self, client: Client, prescriber: Actor) -> None:
        seen = selectors.rules_of(prescriber.clinic_id).fingerprint
        answer = client.post(reverse("desk:rules_review"), {"name": "Test Prescriber", "licence": " ", "seen": seen})
        assert answer.status_code == 422
        assert not RuleReview.objects.exists()


class TestAgainstTheRules:
    def test_what_was_set_aside_shows_what_came_of_it(
        self, client: Client, now: Any, patient: Patient, found: Finding, course: Prescription, prescriber: Actor
    ) -> None:
        findings.dismiss(finding_id=found.id, reason="A newborn.", seen_version=found.version, by=prescriber, at=NOW)
        body = words_of(client.get(reverse("desk:overrides")))
        assert "A newborn." in body
        assert "Nothing so far." in body
        now.move_to(NOW + timedelta(days=3))
        courses.stop(
            prescription_id=course.id,
            reason="No sleep.",
            seen_version=course.version,
            by=prescriber,
            at=NOW + timedelta(days=3),
        )
        factories.finding(patient, at=NOW + timedelta(days=2))
        body = words_of(client.get(reverse("desk:overrides")))
        assert "The same rule fired again" in body
        assert "Stopped from" in body

    def test_a_step_against_the_gate_is_there_with_its_rules(
        self, client: Client, now: Any, patient: Patient, course: Prescription, prescriber: Actor
    ) -> None:
        for night in range(7, 14):
            factories.told_night(patient, START + timedelta(days=night), sleep_hours=Decimal("4"))
        at = AT + timedelta(days=14)
        now.move_to(at)
        courses.advance(prescription_id=course.id, reason="It is the newborn.", seen_version=1, by=prescriber, at=at)
        rules = PlanChange.objects.get().gate["rules"]
        body = words_of(client.get(reverse("desk:overrides")))
        assert f"A step was let happen against {rules[0]} (" in body
        assert "It is the newborn." in body

    def test_a_plan_that_did_not_wait_for_an_opioid_tells_what_came_of_the_first_dose(
        self, client: Client, now: Any, patient: Patient, course: Prescription
    ) -> None:
        row = Prescription.objects.get(id=course.id)
        row.washout_reason = "Two tablets only, on one day."
        row.save()
        url = reverse("desk:overrides")
        said = "R01: A plan was signed although an opioid on the list was not waited for."
        factories.finding(patient, at=AT + timedelta(days=2), rule="R01", tier=Tier.STOP)
        body = words_of(client.get(url))
        assert said in body
        assert "Two tablets only, on one day." in body
        assert "Nothing so far." in body
        factories.finding(patient, at=AT + timedelta(days=14, seconds=1), rule="R19", tier=Tier.STOP)
        assert "which cannot wait" not in words_of(client.get(url))
        factories.finding(patient, at=AT + timedelta(days=14), rule="R03", tier=Tier.EMERGENCY)
        assert "R03, which cannot wait, fired on" in words_of(client.get(url))

    def test_a_screening_gone_against_waits_for_the_plan_it_let_begin(
        self, client: Client, clinic: Clinic, prescriber: Actor
    ) -> None:
        patient = factories.patient(clinic, "Screened Person", screened=False)
        row = factories.confirmed_screening(patient, by_id=prescriber.user_id, acute_hepatitis="yes")
        for kind, words in (("reason", "Not one of them."), ("override", "Healed long ago.")):
            ScreeningDecision.objects.create(
                clinic=clinic,
                patient=patient,
                screening=row,
                code="acute_hepatitis",
                kind=kind,
                words=words,
                at=NOW,
                by_id=prescriber.user_id,
                by_label="Test Member",
            )
        body = words_of(client.get(reverse("desk:overrides")))
        assert "The screening says stop:" in body
        assert "hepatitis" in body
        assert "Healed long ago." in body
        assert "Not one of them." not in body
        assert "No dose was begun after it so far." in body
        factories.prescription(patient, by=prescriber, at=NOW)
        assert f"First dose on {day(NOW.date())}." in words_of(client.get(reverse("desk:overrides")))

    def test_who_begins_without_a_screening_is_there_and_who_takes_it_already_is_not(
        self, client: Client, clinic: Clinic, prescriber: Actor
    ) -> None:
        some, taking = (factories.patient(clinic, name, screened=False) for name in ("Unscreened", "Taking"))
        screenings.waive(patient=some, reason="Screened elsewhere.", by=prescriber, at=NOW)
        factories.prescription(taking, by=prescriber, at=NOW, first_dose=Dose.of("1.5"))
        body = words_of(client.get(reverse("desk:overrides")))
        assert "A plan was to begin without a screening." in body
        assert "Screened elsewhere." in body
        assert "Taking" not in body

    def test_another_clinics_and_restricted_ones_are_not_there(self, client: Client, prescriber: Actor) -> None:
        elsewhere = factories.member(factories.clinic("Elsewhere"))
        foreign = factories.patient(Clinic.objects.get(id=elsewhere.clinic_id), "Foreign", screened=False)
        screenings.waive(patient=foreign, reason="Theirs.", by=elsewhere, at=NOW)
        assert "Theirs." not in words_of(client.get(reverse("desk:overrides")))

    def test_it_costs_the_same_statements_whatever_the_rows(self, clinic: Clinic, prescriber: Actor) -> None:
        def more(number: int) -> None:
            one = factories.patient(clinic, f"Patient {number}", screened=False)
            screenings.waive(patient=one, reason="So.", by=prescriber, at=NOW)
            course = factories.prescription(one, by=prescriber, at=NOW)
            course.washout_reason = "So."
            course.save()
            row = factories.finding(one, at=NOW)
            Finding.objects.filter(id=row.id).update(state="dismissed", closed_because="So.", closed_at=NOW)

        more(1)
        with pages.statements() as few:
            assert len(overrides_selectors.overrides(prescriber, at=NOW)) == 3
        more(2)
        more(3)
        with pages.statements() as many:
            assert len(overrides_selectors.overrides(prescriber, at=NOW)) == 9
        assert len(few) == len(many) == 8
