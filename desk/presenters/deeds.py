"""What a deed would do before it is signed, and what became of several."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from common.dose import Dose
from desk.presenters.days import day
from desk.presenters.plan import Plan, StepDue, step
from titration.engine import gate, supply, timeline
from titration.engine.course import Hold
from titration.models import Prescription


@dataclass(frozen=True)
class StepAhead:
    """The next step with the day it would take force if it were confirmed now."""

    step: StepDue
    takes_force: str


def step_ahead(plan: Plan, verdict: gate.Verdict, *, due: timeline.Due, takes_force: date, at: datetime) -> StepAhead:
    today = at.astimezone(plan.prescription.patient.zone).date()
    return StepAhead(step(plan, verdict, due=due, today=today), day(takes_force))


@dataclass(frozen=True)
class Moved:
    """A step and its day before and after."""

    dose: str
    before: str
    after: str


@dataclass(frozen=True)
class HoldEffect:
    """What a hold would do, before it is signed."""

    dose: str
    from_on: str
    last: str
    moved: tuple[Moved, ...]


def _coming(intended: timeline.Timeline, since: date) -> list[supply.Step]:
    """The steps that begin on a day or later, in order."""
    return [step for step in supply.steps(intended) if step.from_on >= since]


def hold_effect(plan: Plan, hold: Hold, *, at: datetime) -> HoldEffect:
    today = at.astimezone(plan.prescription.patient.zone).date()
    held = plan.course.changed(hold)
    before = _coming(plan.intended, hold.on)
    after = _coming(timeline.plan(held, as_of=today), hold.on)
    dose = timeline.dose_on(timeline.unfold(held), hold.on)
    moved = [
        Moved(str(now.dose), day(was.from_on), day(now.from_on))
        for was, now in zip(before, after, strict=False)
        if was.from_on != now.from_on
    ]
    return HoldEffect(
        dose=str(dose) if dose else "",
        from_on=day(hold.on),
        last=day(hold.until_on - timedelta(days=1)) if hold.until_on else "somebody resumes it",
        moved=tuple(moved),
    )


@dataclass(frozen=True)
class Outcome:
    """What became of one of several steps; `refused` is empty where it was signed."""

    patient_id: uuid.UUID
    prescription_id: uuid.UUID
    name: str
    record_number: str
    dose: str
    refused: str


def outcome(prescription: Prescription, dose: Dose | None, refused: str) -> Outcome:
    patient = prescription.patient
    said = str(dose) if dose else ""
    return Outcome(patient.id, prescription.id, patient.name, patient.record_number, said, refused)
