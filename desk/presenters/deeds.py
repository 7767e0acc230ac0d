"""What a deed would do before it is signed, and what became of several."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from common.dose import Dose
from desk.presenters.days import day
from desk.presenters.effects import Effect, effect
from desk.presenters.plan import Plan, StepDue, step
from titration.engine import gate, timeline
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
class HoldEffect:
    """What a hold would do, before it is signed."""

    dose: str
    from_on: str
    last: str
    effect: Effect


def hold_effect(plan: Plan, hold: Hold, *, at: datetime) -> HoldEffect:
    held = plan.course.changed(hold)
    dose = timeline.dose_on(timeline.unfold(held), hold.on)
    return HoldEffect(
        dose=str(dose) if dose else "",
        from_on=day(hold.on),
        last=day(hold.until_on - timedelta(days=1)) if hold.until_on else "somebody resumes it",
        effect=effect(plan, held, at=at),
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
