"""Asking what a course is to show and by when, and answering it."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from accounts import policy
from accounts.actors import Actor
from audit import services as audit
from common.refusals import Refused
from titration.models import Prescription, TrialEntry
from titration.selectors import courses as courses_selectors
from titration.selectors import trials as trials_selectors
from titration.services import watching

LONGEST_TRIAL = timedelta(days=732)


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a course is tried for, in the prescriber's words. `decide_on` is the day by which it is decided."""

    question: str
    criterion: str
    decide_on: date
    lead_symptom: str = ""
    reasoning: str = ""


@transaction.atomic
def ask(*, prescription_id: uuid.UUID, question: Question, by: Actor, at: datetime) -> TrialEntry:
    """Put the question on record; one that stands is replaced by it and stays readable."""
    policy.check(by, policy.Permission.PRESCRIBE)
    prescription = _locked(prescription_id, by)
    check(question, prescription, at=at)
    return _append(prescription, "course.trial_asked", by, at, kind=TrialEntry.Kind.ASKED, **vars(question))


def check(question: Question, prescription: Prescription, *, at: datetime) -> None:
    """Raise `Refused` with the sentence that says what is missing or impossible."""
    today = courses_selectors.patient_today(prescription, at=at)
    if not question.question or not question.criterion:
        raise Refused("A trial says what it asks and what would count as success.")
    if not today < question.decide_on <= today + LONGEST_TRIAL:
        raise Refused("A reasonable trial has an end: choose a date from tomorrow on, within two years.")


@transaction.atomic
def answer(*, prescription_id: uuid.UUID, outcome: str, words: str, by: Actor, at: datetime) -> TrialEntry:
    """Answer the open question. What follows for the dose is signed apart from it."""
    policy.check(by, policy.Permission.PRESCRIBE)
    prescription = _locked(prescription_id, by)
    if trials_selectors.open_question(prescription) is None:
        raise Refused("There is no open question to answer. Ask one first.")
    if not words:
        raise Refused("Say what it rests on, so that the next person understands.")
    return _append(
        prescription, "course.trial_answered", by, at, kind=TrialEntry.Kind.ANSWERED, outcome=outcome, words=words
    )


def _locked(prescription_id: uuid.UUID, by: Actor) -> Prescription:
    known = courses_selectors.visible_prescriptions(by).select_for_update(of=("self",), no_key=True)
    prescription = known.select_related("patient").filter(id=prescription_id).first()
    if prescription is None:
        raise Refused("No course of yours to change. Nothing was done.")
    if prescription.state not in Prescription.OPEN_STATES:
        raise Refused("This plan has been stopped. Nothing was done.")
    return prescription


def _append(prescription: Prescription, action: str, by: Actor, at: datetime, **columns: Any) -> TrialEntry:
    entry = TrialEntry.objects.create(
        clinic_id=prescription.clinic_id,
        prescription=prescription,
        number=prescription.trial_entries.count() + 1,
        at=at,
        by_id=by.user_id,
        by_label=by.label,
        **columns,
    )
    watching.question_changed(prescription)
    audit.record(by=by, at=at, action=action, patients=[prescription.patient_id], subject=prescription.id)
    return entry
