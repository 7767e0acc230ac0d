"""However the days went and whenever the worker looked: what stands on record is what a look from scratch finds."""

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from accounts.actors import Actor
from common.dose import Dose
from common.refusals import Refused
from patients.models import Medicine, Patient
from patients.services import medicines
from symptoms import services as symptoms_services
from symptoms.services import DoseAnswer, NightAnswer
from tests import factories
from titration.engine.advice import judge as engine
from titration.engine.advice.finding import Tier
from titration.engine.course import StepBack
from titration.models import Finding, Judged, Prescription
from titration.selectors import cases
from titration.selectors import rules as rules_selectors
from titration.services import courses, findings

DAYS = 40
QUIET_DAYS = 70
SEEDS = range(4)
pytestmark = pytest.mark.django_db


NOTHING_GRAVE = ({}, {}, {"nausea": "moderate"}, {"vivid_dreams": "mild"})
GRAVE_TOO = (*NOTHING_GRAVE, {"dark_urine": "mild"})


def told(draw: random.Random, patient: Patient, at: datetime, signs: Sequence[dict[str, str]]) -> None:
    """Last night, as good or as bad as chance has it; now and then one told again, otherwise."""
    night = at.date() - timedelta(days=draw.choice((1, 1, 1, 1, 2)))
    taken = draw.random() < 0.85
    answers = NightAnswer(
        sleep_hours=Decimal(draw.choice((3, 4, 5, 7, 8))) if draw.random() < 0.9 else None,
        latency_min=draw.choice((None, 10, 50)),
        dream_distress=draw.choice((None, 0, 2, 5, 8)),
        pain=draw.randrange(11),
        lead_symptom=draw.choice((None, *range(11))),
        side_effects=draw.choice(signs),
        other_medicines_answer=draw.choice(("", "no", "no", "no", "yes")),
        other_medicines=draw.choice(("", "ibuprofen", "codeine")),
    )
    log = patient.logs.filter(night=night).first()
    symptoms_services.save_night(
        patient=patient,
        night=night,
        dose=DoseAnswer(
            taken="taken" if taken else "skipped",
            slot=courses.Slot.BEDTIME,
            taken_mg=Dose.of(draw.choice(("1.5", "1.5", "3"))) if taken else None,
            skipped_because="" if taken else draw.choice(("forgot", "dreams")),
        ),
        answers=answers,
        seen_version=log.version if log else 0,
        by=factories.patient_actor(patient),
        at=at,
    )


def changed(draw: random.Random, patient: Patient, at: datetime, by: Actor) -> None:
    """One deed about the plan, where it is allowed."""
    course = Prescription.objects.select_related("patient").get(patient=patient)
    deed: dict[str, object] = {"reason": "By chance.", "seen_version": course.version, "by": by, "at": at}
    kind = draw.choice(("hold", "advance", "back", "fill", "asked"))
    if kind == "hold":
        courses.hold(prescription_id=course.id, days=draw.choice((3, 7)), **deed)  # type: ignore[arg-type]
    elif kind == "advance":
        courses.advance(prescription_id=course.id, **deed)  # type: ignore[arg-type]
    elif kind == "back":
        change = StepBack(courses.next_dose_date(course, at))
        courses.change(prescription_id=course.id, change=change, **deed)  # type: ignore[arg-type]
    elif kind == "fill":
        factories.fill(patient, draw.choice((7, 42)), by=by, at=at, lot=draw.choice(("A", "B")))
    else:
        answers, by = {"change": draw.randrange(1, 8)}, factories.patient_actor(patient)
        symptoms_services.save_assessment(
            patient=patient, instrument="pgic", answers=answers, on=at.date(), by=by, at=at
        )


def answers_one(draw: random.Random, patient: Patient, at: datetime, by: Actor) -> None:
    """One open alert, set aside with a reason or taken note of."""
    rows = list(Finding.objects.filter(patient=patient, state=Finding.State.OPEN).order_by("raised_at", "rule", "part"))
    if rows:
        one, aside = draw.choice(rows), draw.random() < 0.7
        deed = {"finding_id": one.id, "seen_version": one.version, "by": by, "at": at}
        if aside:
            findings.dismiss(reason="By chance.", confirmed=True, **deed)  # type: ignore[arg-type]
        else:
            findings.accept(**deed)  # type: ignore[arg-type]


def lived(
    seed: int,
    looked: Callable[[datetime], bool],
    signs: Sequence[dict[str, str]] = GRAVE_TOO,
    *,
    answers: bool = False,
) -> tuple[Patient, datetime]:
    """A patient's forty days, the same for the same seed; the worker comes when `looked` says so.

    With `answers` somebody of the clinic answers an alert on every fourth day or so.
    """
    draw = random.Random(seed)
    clinic = factories.clinic(f"Clinic {seed} {random.random()}")
    by = factories.member(clinic, name="Test Prescriber")
    patient = factories.patient(clinic)
    factories.prescription(patient, by=by)
    at = factories.AT
    for _ in range(DAYS):
        at += timedelta(days=1)
        with suppress(Refused):
            if draw.random() < 0.8:
                told(draw, patient, at, signs)
        with suppress(Refused):
            if draw.random() < 0.15:
                changed(draw, patient, at, by)
        if looked(at):
            findings.judge_some(clinic_id=clinic.id, at=at)
        if answers and draw.random() < 0.25:
            with suppress(Refused):
                answers_one(draw, patient, at, by)
    at += timedelta(hours=2)
    findings.judge_some(clinic_id=clinic.id, at=at)
    patient.refresh_from_db()
    return patient, at


def standing(patient: Patient) -> dict[str, tuple[object, ...]]:
    """What is on record."""
    return {
        row.key: (row.sentence, row.day, row.tier, row.blocks, row.used, row.data)
        for row in Finding.objects.filter(patient=patient).standing()
    }


def recomputed(patient: Patient, at: datetime) -> engine.Judgement:
    """A look from scratch, beside the emergencies and stops on record that only a person closes."""
    rows = Finding.objects.filter(patient=patient, tier__in=(Tier.EMERGENCY, Tier.STOP)).standing()
    kept = tuple(findings.as_found(row) for row in rows)
    case, book = cases.case_of(patient, at=at).case, rules_selectors.rules_of(patient.clinic_id).book
    return engine.judge(case, book, kept=kept)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_rows_are_what_a_look_from_scratch_finds(seed: int) -> None:
    chance = random.Random(seed + 1_000)
    patient, at = lived(seed, looked=lambda _: chance.random() < 0.4)
    judgement = recomputed(patient, at)
    rows = standing(patient)
    assert {one.key: (one.sentence, one.day, one.tier.value) for one in judgement.findings} == {
        key: (sentence, day, tier) for key, (sentence, day, tier, *_) in rows.items()
    }
    judged = Judged.objects.get(patient=patient)
    assert (judged.step, judged.change_sequence) == (judgement.step.value, patient.change_sequence)
    before = list(Finding.objects.filter(patient=patient).order_by("id").values())
    findings.judge(patient_id=patient.id, clinic_id=patient.clinic_id, at=at)
    assert list(Finding.objects.filter(patient=patient).order_by("id").values()) == before
    assert before, "a life in which no rule fires proves nothing"


@pytest.mark.parametrize("seed", SEEDS)
def test_an_answer_keeps_back_what_it_answered_and_nothing_else(seed: int) -> None:
    """Whatever was answered on the way: what is found stands, open or answered, and the step is that of the rest."""
    chance = random.Random(seed + 2_000)
    patient, at = lived(seed, looked=lambda _: chance.random() < 0.6, answers=True)
    book = rules_selectors.rules_of(patient.clinic_id).book
    case = cases.case_of(patient, at=at).case
    rows = list(Finding.objects.filter(patient=patient).standing())
    aside = frozenset(row.key for row in rows if row.state == Finding.State.DISMISSED)
    judgement = engine.judge(case, book, set_aside=aside)
    found = {one.key: one for one in judgement.findings}
    answered_of = {row.rule for row in rows if row.state in Finding.ANSWERED}
    for key, one in found.items():
        # A part that became another of the same rule and thing is covered by the answer to the earlier one.
        assert key in {row.key for row in rows} or one.rule in answered_of, key
    for row in rows:
        assert row.key in found or row.state in Finding.ANSWERED or row.tier in CLOSED_BY_A_PERSON_ALONE, row.rule
    assert Judged.objects.get(patient=patient).step == judgement.step.value
    assert Finding.objects.filter(patient=patient, state__in=Finding.ANSWERED).exists(), "nobody answered anything"


CLOSED_BY_A_PERSON_ALONE = (Tier.EMERGENCY, Tier.STOP)


@pytest.mark.parametrize("seed", SEEDS[:2])
@pytest.mark.parametrize("signs", [NOTHING_GRAVE, GRAVE_TOO])
def test_it_does_not_matter_when_the_worker_came(seed: int, signs: Sequence[dict[str, str]]) -> None:
    """Grave or not: what was told stands by its nights, not by the day on which somebody looked."""
    never, _ = lived(seed, looked=lambda _: False, signs=signs)
    daily, _ = lived(seed, looked=lambda _: True, signs=signs)
    assert standing(never) == standing(daily)


def medicine(patient: Patient, by: Actor, at: datetime, words: str, **days: date) -> None:
    entry = medicines.MedicineEntry(words=words, **days)
    medicines.add(patient=patient, entry=entry, by=by, at=at)


def never_began(patient: Patient, by: Actor, at: datetime) -> None:
    """Nothing on record but an ordinary medicine."""
    medicine(patient, by, at, "ibuprofen")


def washes_out(patient: Patient, by: Actor, at: datetime) -> None:
    """An opioid that was stopped: what stands in the way of a first dose is over one day."""
    today = at.date()
    medicine(patient, by, at, "codeine", started_on=today - timedelta(days=60), stopped_on=today - timedelta(days=2))


def begins_another(patient: Patient, by: Actor, at: datetime) -> None:
    """A medicine that is stopped some days from now, and one for some days that begins later."""
    medicine(patient, by, at, "tramadol", started_on=at.date() - timedelta(days=9), stopped_on=at.date())
    medicine(patient, by, at, "naltrexone 50 mg")
    for words, first, last in (("tramadol", -9, 6), ("naltrexone 50 mg", 11, 15)):
        row = next(one for one in Medicine.objects.filter(patient=patient) if one.words == words)
        row.started_on, row.stopped_on = (at.date() + timedelta(days=number) for number in (first, last))
        row.save()


def stopped(patient: Patient, by: Actor, at: datetime) -> None:
    """A course with bad nights and dark urine, stopped; its last nights are still looked at for a while."""
    course = factories.prescription(patient, by=by, at=at - timedelta(days=20))
    for back in range(1, 12):
        signs = {"dark_urine": "mild", "nausea": "moderate"} if back < 3 else {}
        factories.told_night(patient, at.date() - timedelta(days=back), sleep_hours=Decimal("4"), side_effects=signs)
    courses.stop(prescription_id=course.id, reason="By chance.", seen_version=None, by=by, at=at)


def answered(patient: Patient, by: Actor, at: datetime) -> None:
    """Of a patient who has asked for help, nothing is over by itself."""
    asked = (
        "interest",
        "low",
        "sleep",
        "tired",
        "appetite",
        "failure",
        "concentration",
        "slow_or_restless",
        "self_harm",
    )
    answers, told_by = dict.fromkeys(asked, 1), factories.patient_actor(patient)
    symptoms_services.save_assessment(
        patient=patient, instrument="phq-9", answers=answers, on=at.date(), by=told_by, at=at
    )


@pytest.mark.parametrize("life", [never_began, washes_out, begins_another, stopped, answered])
def test_whom_no_midnight_looks_at_stands_as_every_midnight_would_find(
    life: Callable[[Patient, Actor, datetime], None],
) -> None:
    clinic = factories.clinic()
    by = factories.member(clinic, name="Test Prescriber")
    patient = factories.patient(clinic)
    life(patient, by, factories.AT)
    looks = 0
    for day in range(QUIET_DAYS):
        at = factories.AT + timedelta(days=day)
        looks += findings.judge_some(clinic_id=clinic.id, at=at)
        judgement = recomputed(patient, at)
        rows = Finding.objects.filter(patient=patient).standing()
        found = {one.key: (one.sentence, one.day, one.tier.value) for one in judgement.findings}
        assert {row.key: (row.sentence, row.day, row.tier) for row in rows} == found, day
        assert Judged.objects.get(patient=patient).step == judgement.step.value, day
    assert looks < QUIET_DAYS / 2, "nobody was left alone"
