"""A plan in words: the dose in force, the step that is due, and what the gate says of it."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from common.dose import Dose, in_words
from common.night import Slot, next_dose_on
from desk.presenters.days import day, day_short, moment
from desk.presenters.schedule import SLOT_WORDS
from symptoms.models import DoseTaken
from titration.engine import gate, planner, timeline
from titration.engine.course import Course
from titration.engine.protocol import Protocol
from titration.models import Prescription
from titration.selectors import courses as courses_selectors

MODE_WORDS = {
    Prescription.Mode.CONFIRMED: "A person lets each step happen",
    Prescription.Mode.PLANNED: "Steps happen on their day unless something speaks against them",
}


@dataclass(frozen=True)
class Plan:
    """One course as the engine sees it, beside its row."""

    prescription: Prescription
    course: Course
    in_force: timeline.Timeline
    intended: timeline.Timeline

    @property
    def protocol(self) -> Protocol:
        return self.course.protocol

    @property
    def is_open(self) -> bool:
        return self.prescription.state in Prescription.OPEN_STATES


@dataclass(frozen=True)
class StepDue:
    """A step that can be decided on now. `reasons` are the gate's sentences against it."""

    dose: str
    dose_words: str
    due: str
    verdict: str
    reasons: tuple[str, ...]
    needs_reason: bool
    possible: bool
    by_itself: bool


@dataclass(frozen=True)
class PlanCard:
    """The plan in force. `dose` is empty where no dose is to be taken; `state` says why in a sentence."""

    id: uuid.UUID
    version: int
    dose: str
    dose_words: str
    units: str
    when: str
    state: str
    held_until: str
    label: str
    template_version: int
    review: str
    reviewed: bool
    mode: str
    strength: str
    next_step: str
    ending: str
    signed: str


def next_untold(plan: Plan, doses: Iterable[Any], at: datetime) -> date:
    """The plan date of the next dose nobody has told of: tonight's, or the one after it."""
    zone = plan.prescription.patient.zone
    on = next_dose_on(at, zone, courses_selectors.slot_on(plan.in_force, at.astimezone(zone).date()))
    told = {dose.plan_date for dose in doses if dose.taken != DoseTaken.Taken.NOT_YET}
    return on + timedelta(days=1) if on in told else on


def plan_card(plan: Plan, *, next_on: date, zone: ZoneInfo, at: datetime) -> PlanCard:
    """What is in force for the dose of `next_on`; `zone` is the clinic's, for who signed when."""
    prescription, course = plan.prescription, plan.course
    on = max(next_on, plan.in_force[0].from_on)
    slot = courses_selectors.slot_on(plan.in_force, on)
    dose = timeline.dose_on(plan.in_force, on)
    due = timeline.next_step(course)
    held_until = timeline.held_until(plan.in_force, on)
    return PlanCard(
        id=prescription.id,
        version=prescription.version,
        dose=str(dose) if dose else "",
        dose_words=in_words(dose) if dose else "",
        units=_units(prescription, dose, slot) if dose else "",
        when=f"next dose {day_short(on)}" if dose else "",
        state=_state(plan, on, at),
        held_until=_until(held_until),
        label=plan.protocol.label,
        template_version=plan.protocol.version,
        review=f"reviewed: {plan.protocol.review}" if plan.protocol.is_reviewed else "review pending",
        reviewed=plan.protocol.is_reviewed,
        mode=MODE_WORDS[Prescription.Mode(prescription.mode)],
        strength=courses_selectors.formulation_of(prescription).named,
        next_step=f"{due.dose} from {day(due.on)}" if due else "",
        ending=_ending(plan),
        signed=_signed(prescription, zone),
    )


def _units(prescription: Prescription, dose: Dose, slot: Slot) -> str:
    """As in "2 capsules of 1.5 mg at bedtime"; of a dose in two halves each with its time."""
    made = courses_selectors.takings_of(prescription, dose, slot)
    if not made:
        named = courses_selectors.formulation_of(prescription).named
        return f"{dose} {SLOT_WORDS[slot]}, which {named} do not make"
    return planner.in_words(made) if len(made) > 1 else f"{planner.in_words(made)} {SLOT_WORDS[slot]}"


def _state(plan: Plan, on: date, at: datetime) -> str:
    start_on, today = plan.course.start_on, at.astimezone(plan.prescription.patient.zone).date()
    if not plan.is_open:
        return "Stopped"
    segment = timeline.segment_on(plan.in_force, on)
    if segment is None or segment.dose is None:
        return _no_dose(segment)
    if today < start_on:
        return f"Not started: the first dose is on {day(start_on)}."
    since = _since(plan.in_force, segment)
    if segment.state is timeline.State.REVIEW:
        return f"Due for review since {day(segment.from_on)}; the dose goes on until then."
    return f"In force since {day(since)}." if since <= today else f"In force from {day(since)}."


def _no_dose(segment: timeline.Segment | None) -> str:
    if segment is not None and segment.state is timeline.State.AWAITING:
        return "Awaiting medicine: the plan begins with the first dose."
    if segment is not None and segment.state is timeline.State.PAUSED:
        until = f"until {day(segment.to_on - timedelta(days=1))}" if segment.to_on else "until it is restarted"
        return f"Paused since {day(segment.from_on)}, {until}: no dose is taken."
    if segment is not None and segment.state is timeline.State.OFF:
        return "No dose today: between an evening and a morning dose one day is left out."
    return "The plan has come to its end: no dose is in force."


def _until(held_until: date | None) -> str:
    if held_until is None:
        return ""
    return "somebody resumes it" if held_until == timeline.FOREVER else day_short(held_until)


def _since(in_force: timeline.Timeline, segment: timeline.Segment) -> date:
    """The first day of this dose, holds and all."""
    since = segment.from_on
    for other in reversed(in_force):
        if other.from_on < since:
            if (other.dose, other.rung) != (segment.dose, segment.rung):
                break
            since = other.from_on
    return since


def _ending(plan: Plan) -> str:
    last = plan.intended[-1]
    if not plan.is_open or last.state not in (timeline.State.REVIEW, timeline.State.ENDED):
        return ""
    return f"{'Review' if last.state is timeline.State.REVIEW else 'End'} intended for {day(last.from_on)}"


def _signed(prescription: Prescription, zone: ZoneInfo) -> str:
    return f"{prescription.signed_by.name}, {moment(prescription.signed_at, zone)}"


def step_due(plan: Plan, verdict: gate.Verdict, *, today: date) -> StepDue | None:
    """The step, once it can be confirmed: from the day before it is due."""
    due = timeline.next_step(plan.course)
    if not plan.is_open or due is None or due.on - timedelta(days=1) > today:
        return None
    return step(plan, verdict, due=due, today=today)


def step(plan: Plan, verdict: gate.Verdict, *, due: timeline.Due, today: date) -> StepDue:
    """The next step with what the gate says of it, whenever it is due."""
    open_ = isinstance(verdict, gate.Open)
    late = (today - due.on).days
    late_words = f", {late} day{'' if late == 1 else 's'} ago" if late > 0 else ""
    return StepDue(
        dose=str(due.dose),
        dose_words=in_words(due.dose),
        due=f"{day(due.on)}{late_words}",
        verdict="open" if open_ else "blocked" if isinstance(verdict, gate.Blocked) else "unknown",
        reasons=tuple(why.sentence for why in against(verdict)),
        needs_reason=not open_,
        possible=open_ or verdict.overridable,  # type: ignore[union-attr]
        by_itself=plan.prescription.mode == Prescription.Mode.PLANNED,
    )


def against(verdict: gate.Verdict) -> tuple[gate.Why, ...]:
    """What the gate holds against the step, those reasons first that nobody can override."""
    match verdict:
        case gate.Open():
            return ()
        case gate.Blocked():
            return verdict.reasons
        case gate.Unknown():
            return (verdict.reason,)
