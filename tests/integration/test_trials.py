"""What a course is tried for: asked with an end, answered on what it rests on, never rewritten."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import ProgrammingError, transaction
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from common.refusals import Refused
from patients.models import Patient
from tests import factories, memory, pages
from tests.pages import words_of
from titration.models import Prescription, TrialEntry
from titration.selectors import trials as trials_selectors
from titration.services import courses, trials

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


@pytest.fixture
def course(patient: Patient, prescriber: Actor) -> Prescription:
    return factories.prescription(patient, by=prescriber)


def question(**more: Any) -> trials.Question:
    values = {"question": "Less pain?", "criterion": "2 points", "decide_on": TODAY + timedelta(weeks=12), **more}
    return trials.Question(**values)


def ask(course: Prescription, by: Actor, **more: Any) -> TrialEntry:
    return trials.ask(prescription_id=course.id, question=question(**more), by=by, at=AT)


def answer(course: Prescription, by: Actor, words: str = "The nights say so.") -> TrialEntry:
    return trials.answer(prescription_id=course.id, outcome="helped", words=words, by=by, at=AT)


class TestDeeds:
    def test_a_question_is_open_until_it_is_answered(self, course: Prescription, prescriber: Actor) -> None:
        asked = ask(course, prescriber)
        assert trials_selectors.open_question(course) == asked
        answer(course, prescriber)
        assert trials_selectors.open_question(course) is None
        assert [entry.kind for entry in trials_selectors.entries_of(course)] == ["asked", "answered"]

    @pytest.mark.parametrize("days", [-1, 0, 733])
    def test_it_has_an_end_within_reason(self, course: Prescription, prescriber: Actor, days: int) -> None:
        with pytest.raises(Refused, match="has an end"):
            ask(course, prescriber, decide_on=TODAY + timedelta(days=days))

    @pytest.mark.parametrize("missing", ["question", "criterion"])
    def test_it_says_what_would_count(self, course: Prescription, prescriber: Actor, missing: str) -> None:
        with pytest.raises(Refused, match="count as success"):
            ask(course, prescriber, **{missing: ""})

    def test_nothing_is_answered_that_was_not_asked_or_rests_on_nothing(
        self, course: Prescription, prescriber: Actor
    ) -> None:
        with pytest.raises(Refused, match="no open question"):
            answer(course, prescriber)
        ask(course, prescriber)
        with pytest.raises(Refused, match="rests on"):
            answer(course, prescriber, words="")

    def test_a_nurse_a_stranger_and_a_stopped_plan_ask_nothing(
        self, clinic: Clinic, course: Prescription, prescriber: Actor
    ) -> None:
        with pytest.raises(Refused, match="may not prescribe"):
            ask(course, factories.member(clinic, Membership.Role.NURSE))
        with pytest.raises(Refused, match="No course of yours"):
            ask(course, factories.member(factories.clinic("Another Clinic")))
        courses.stop(prescription_id=course.id, reason="No", seen_version=1, by=prescriber, at=AT)
        with pytest.raises(Refused, match="has been stopped"):
            ask(course, prescriber)

    def test_what_was_asked_is_never_rewritten(self, course: Prescription, prescriber: Actor) -> None:
        asked = ask(course, prescriber)
        with pytest.raises(ProgrammingError), transaction.atomic():
            TrialEntry.objects.filter(id=asked.id).update(question="Another")

    def test_it_is_remembered(self, course: Prescription, prescriber: Actor) -> None:
        ask(course, prescriber)
        answer(course, prescriber)
        assert {"course.trial_asked", "course.trial_answered"} <= {event.action for event in memory.events()}


class TestThePage:
    @pytest.fixture
    def desk(self, prescriber: Actor) -> Client:
        return pages.client_of(prescriber)

    @staticmethod
    def url(course: Prescription) -> str:
        return reverse("desk:course_question", args=[course.id])

    def test_it_is_asked_and_the_course_says_so_and_when_it_is_due(self, desk: Client, course: Prescription) -> None:
        typed = {
            "question": "Does fatigue lift?",
            "criterion": "Two points",
            "lead_symptom": "fatigue",
            "decide_on": (TODAY + timedelta(days=30)).isoformat(),
            "reasoning": "Little to lose",
            "action": "ask",
        }
        assert desk.post(self.url(course), typed).status_code == 302
        page = reverse("desk:course", args=[course.id])
        words = words_of(desk.get(page))
        assert "Does fatigue lift?" in words
        assert "Wed 1 April 2026" in words
        assert "due now" not in words
        with time_machine.travel(AT + timedelta(days=30), tick=False):
            assert "due now" in words_of(desk.get(page))

    def test_what_is_missing_is_said_and_nothing_typed_is_lost(self, desk: Client, course: Prescription) -> None:
        answered = desk.post(self.url(course), {"question": "Kept?", "criterion": "", "decide_on": "", "action": "ask"})
        assert answered.status_code == 422
        assert "Kept?" in answered.content.decode()
        assert "A reasonable trial has an end" in words_of(answered)

    def test_it_is_answered_on_the_same_page(self, desk: Client, course: Prescription, prescriber: Actor) -> None:
        ask(course, prescriber)
        empty = desk.post(self.url(course), {"action": "answer", "words": "So far"})
        assert empty.status_code == 422
        assert "So far" in empty.content.decode()
        done = desk.post(self.url(course), {"action": "answer", "outcome": "helped", "words": "So it is"}, follow=True)
        assert "It helped enough: the course goes on" in words_of(done)
