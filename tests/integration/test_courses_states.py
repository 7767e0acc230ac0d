"""Courses changed by whoever comes, one after another and two at once, against the real database.

Whatever was tried: the rows are what the engine says, nothing is above the ceiling, what was in force stays as it was,
and of two who decide on the same version one at most is heard.
"""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from common.dose import Dose
from common.night import Slot
from common.refusals import Refused, Stale
from tests import factories
from titration.engine import timeline
from titration.engine.course import (
    Advance,
    Change,
    ChangeLengths,
    ChangeTime,
    Course,
    GoTo,
    Hold,
    OnOff,
    Pause,
    PauseCause,
    RepeatRung,
    Restart,
    Resume,
    StayHere,
    StepBack,
    Supersede,
    TrialReduction,
)
from titration.models import PlanChange, Prescription, Step
from titration.selectors import courses as courses_selectors
from titration.services import courses

CODES = ("STD-1W", "STD-2W", "HALF-1W", "LC-BC")
CEILING = Dose.of("10")


# Who of two is first is nobody's to say, so a course cannot be what changes are drawn from: a seed is.
SEEDS = st.integers(0, 2**32)


def some_change(course: Course, chance: Random) -> Change:
    """A change of any kind but of the template, near to where the course stands: often one that may be made."""
    segments = timeline.unfold(course)
    on = max(course.start_on, segments[-1].from_on) + timedelta(days=chance.randint(-3, 40))
    dose, days = Dose.of(Decimal(chance.randint(1, 44)) / 4), chance.choice([None, chance.randint(1, 20)])
    above = timeline.next_rung(course)
    made: list[Change] = [
        Hold(on, days),
        Resume(on),
        StepBack(on),
        GoTo(on, dose, days, confirmed=chance.random() < 0.5),
        StayHere(on),
        RepeatRung(on),
        ChangeLengths(on, days or 7),
        ChangeTime(on, chance.choice(list(Slot))),
        Pause(on, days, chance.choice(list(PauseCause))),
        Restart(on, chance.choice([None, dose]), on - timedelta(days=days) if days else None),
        OnOff(on, days, days),
        TrialReduction(on, dose, days or 14),
    ]
    if above is not None:
        made.append(Advance(above, on, early=True))
    if course.changes:
        made.append(Supersede(chance.randrange(len(course.changes))))
    return chance.choice(made)


class Courses(RuleBasedStateMachine):
    """One course, its prescribers and the days that pass."""

    @initialize(code=st.sampled_from(CODES))
    def prescribed(self, code: str) -> None:
        clinic = factories.clinic()
        self.first, self.second = factories.member(clinic), factories.member(clinic, name="Test Colleague")
        self.at: datetime = factories.AT
        # Capsules that make every quarter of a milligram, whole and halved: what is refused is the engine's to refuse.
        signed = factories.prescription(
            factories.patient(clinic), by=self.first, code=code, capsule_strength=Dose.of("0.005")
        )
        self.id, self.known, self.past = signed.id, [], {}

    @rule(days=st.integers(1, 20))
    def days_pass(self, days: int) -> None:
        self.at += timedelta(days=days)
        self.past = self.doses_before(self.at.date())

    @rule(chance=SEEDS)
    def one_decides(self, chance: int) -> None:
        self.decided([(some_change(self.course(), Random(chance)), self.first)])

    @rule(one=SEEDS, other=SEEDS)
    def two_decide_at_once(self, one: int, other: int) -> None:
        course = self.course()
        outcomes = self.decided(
            [(some_change(course, Random(one)), self.first), (some_change(course, Random(other)), self.second)]
        )
        assert outcomes.count("signed") <= 1
        if "signed" in outcomes:
            assert set(outcomes) <= {"signed", "stale", "refused"}

    @rule()
    def a_step_is_let_happen_while_it_is_held(self) -> None:
        row = self.row()
        deeds = [
            lambda: courses.advance(
                prescription_id=self.id, reason="Well", seen_version=row.version, by=self.first, at=self.at
            ),
            lambda: courses.hold(
                prescription_id=self.id, days=7, reason="Tired", seen_version=row.version, by=self.second, at=self.at
            ),
        ]
        assert at_once(deeds).count("signed") <= 1

    @invariant()
    def the_rows_are_what_the_engine_says(self) -> None:
        row, course = self.row(), self.course()
        in_force = timeline.unfold(course)
        steps = Step.objects.filter(prescription_id=self.id).order_by("from_on")
        assert [(s.from_on, s.to_on, s.dose, s.rung, s.state, s.time_of_day) for s in steps] == [
            (s.from_on, s.to_on, s.dose, s.rung, s.state, s.time_of_day.value) for s in in_force
        ]
        due = timeline.next_step(course)
        assert (row.next_due_on, row.next_dose) == ((due.on, due.dose) if due else (None, None))
        assert all(step.dose is None or step.dose <= CEILING for step in steps)

    @invariant()
    def nothing_is_forgotten(self) -> None:
        rows = list(PlanChange.objects.filter(prescription_id=self.id).order_by("number"))
        said = [(row.number, row.kind, row.on, row.reason, row.by_id) for row in rows]
        assert [number for number, *_ in said] == list(range(1, len(said) + 1))
        assert said[: len(self.known)] == self.known
        assert self.row().version == 1 + len(said)
        self.known = said

    @invariant()
    def what_was_taken_stays(self) -> None:
        assert self.doses_before(max(self.past, default=date.min) + timedelta(days=1)) == self.past

    def decided(self, decisions: list[tuple[Change, Any]]) -> list[str]:
        version = self.row().version
        return at_once(
            [
                lambda change=change, by=by: courses.change(
                    prescription_id=self.id, change=change, reason="Because", seen_version=version, by=by, at=self.at
                )
                for change, by in decisions
            ]
        )

    def row(self) -> Prescription:
        return courses_selectors.with_changes(Prescription.objects.filter(id=self.id)).get()

    def course(self) -> Course:
        return courses_selectors.course_of(self.row())

    def doses_before(self, day: date) -> dict[date, Dose | None]:
        in_force = timeline.unfold(self.course())
        return {one.on: one.dose for one in timeline.days(in_force, factories.AT.date(), day)}


HAPPENED: Counter[str] = Counter()
"""What became of all deeds of a run: a run in which nobody was refused or came second has shown nothing."""


def at_once(deeds: list[Any]) -> list[str]:
    """What became of each deed, all begun at the same moment on connections of their own."""
    if not deeds:
        return []
    gate = threading.Barrier(len(deeds))

    def done(deed: Any) -> str:
        try:
            gate.wait(20)
            deed()
        except Stale:
            return "stale"
        except Refused:
            return "refused"
        finally:
            connection.close()
        return "signed"

    with ThreadPoolExecutor(len(deeds)) as pool:
        outcomes = list(pool.map(done, deeds))
    HAPPENED.update(outcomes)
    return outcomes


def run(examples: int, steps: int) -> None:
    HAPPENED.clear()
    run_state_machine_as_test(
        Courses,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert min(HAPPENED[outcome] for outcome in ("signed", "refused", "stale")) > 0, HAPPENED


@pytest.mark.django_db(transaction=True)
def test_whoever_comes_a_course_stays_whole() -> None:
    run(examples=10, steps=10)


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_whoever_comes_a_course_stays_whole_for_long() -> None:
    run(examples=40, steps=20)
