"""How an import is shown: what it would do, what it did, and what can be done next."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from common.dose import Dose, in_words
from common.night import Slot
from imports import plans
from imports.columns import Template
from imports.models import Import, ImportedRow
from imports.plans import Written
from imports.rows import COLUMNS, Condition, Fault, Row
from imports.selectors import Known, Look
from imports.signing import Signed
from patients import conditions
from titration.engine import planner, supply, timeline

SLOT_WORDS = {
    Slot.BEDTIME: "at bedtime",
    Slot.MORNING: "in the morning",
    Slot.SPLIT: "half in the morning, half at bedtime",
}
MODE_WORDS = {
    plans.CONFIRMED: "A person lets each step happen",
    plans.PLANNED: "Steps happen on their day unless something speaks against them",
}
SHOWN_FAULTS = 500
"""So many faults stand on one page; whoever has more of them has one mistake in a whole column."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """One import in the list, and at the top of its page."""

    id: uuid.UUID
    brought: str
    by: str
    rows: str
    state: str
    kind: str
    icon: str
    sentence: str
    waiting: bool
    accepted: bool
    plans: bool


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row of the table as it would be written."""

    number: int
    name: str
    born: str
    sex: str
    record_number: str
    email: str
    zone: str
    conditions: str
    medicines: str


@dataclass(frozen=True, kw_only=True)
class PlanLine:
    """One plan as it would be signed. `dose` is that of now, or that of the first day; `ahead` are the later ones."""

    number: int
    name: str
    template: str
    review: str
    dose: str
    dose_words: str
    written: str
    since: tuple[str, ...]
    ahead: tuple[str, ...]
    no_step: str
    ending: str
    taken: str
    capsules: str
    steps: str


@dataclass(frozen=True, kw_only=True)
class KnownLine:
    """A row that is left out, and whose record is there already."""

    number: int
    name: str
    born: str
    patient_id: uuid.UUID
    record_number: str


@dataclass(frozen=True, kw_only=True)
class FaultLine:
    where: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What accepting would do, whole."""

    lines: tuple[Line, ...]
    plans: tuple[PlanLine, ...]
    known: tuple[KnownLine, ...]
    faults: tuple[FaultLine, ...]
    more_faults: int
    fingerprint: str
    will: str
    can_accept: bool
    signer_needed: str


@dataclass(frozen=True, kw_only=True)
class MadeLine:
    number: int
    patient_id: uuid.UUID
    name: str
    record_number: str
    has_plan: bool


@dataclass(frozen=True, kw_only=True)
class Guide:
    """A column of the template, explained."""

    name: str
    words: str
    needed: str
    example: str


def guide() -> list[Guide]:
    return [Guide(name=c.name, words=c.words, needed=c.needed, example=c.example) for c in COLUMNS]


def template_names(templates: Sequence[Template]) -> list[str]:
    """The templates that a table may name, the code first: that is what is written."""
    asked = [one.protocol for one in templates if plans.fits(one.protocol)]
    return [f"{protocol.id}: {protocol.name}" for protocol in asked]


def card(imported: Import, zone: ZoneInfo, *, at: datetime) -> Card:
    state, kind, icon, sentence = _state(imported, zone, at)
    return Card(
        id=imported.id,
        brought=_moment(imported.brought_at, zone),
        by=imported.brought_by.name,
        rows=_many(imported.rows_total, "row"),
        state=state,
        kind=kind,
        icon=icon,
        sentence=sentence,
        waiting=state == "Waiting",
        accepted=state == "Accepted",
        plans=bool(imported.plans_made),
    )


def _state(imported: Import, zone: ZoneInfo, at: datetime) -> tuple[str, str, str, str]:
    made = _many(imported.patients_made, "patient")
    made += f", {imported.plans_made:,} of them with a plan," if imported.plans_made else ""
    if imported.undone_at is not None and imported.undone_by is not None:
        sentence = (
            f"{made} came into care by it and were taken out again by {imported.undone_by.name} on "
            f"{_moment(imported.undone_at, zone)}. Their records are closed and are erased after a week."
        )
        return "Undone", "care", "stop", sentence
    if imported.accepted_at is not None and imported.accepted_by is not None:
        when = _moment(imported.accepted_at, zone)
        sentence = f"{made} came into care by it. {imported.accepted_by.name} accepted it on {when}."
        return "Accepted", "good", "check", sentence
    if imported.discarded_at is not None or imported.expires_at <= at:
        return "Discarded", "", "", "Nothing of it was written, and the table is no longer kept."
    until = _moment(imported.expires_at, zone)
    return "Waiting", "info", "clock", f"Nothing is written yet. The table is kept until {until}, then it is forgotten."


def preview(look: Look, *, may_sign: bool) -> Preview:
    """What accepting would do; `may_sign` says whether whoever looks may sign plans."""
    new, signed = len(look.rows), len(look.plans)
    will = f"Take {_many(new, 'patient')} into care"
    return Preview(
        lines=tuple(_line(row) for row in look.rows),
        plans=tuple(_plan(one) for one in look.plans),
        known=tuple(_known(one) for one in look.known),
        faults=tuple(_fault(fault) for fault in look.faults[:SHOWN_FAULTS]),
        more_faults=max(0, len(look.faults) - SHOWN_FAULTS),
        fingerprint=look.fingerprint,
        will=f"{will} and sign {_many(signed, 'plan')}" if signed else will,
        can_accept=bool(new) and not look.faults and (may_sign or not signed),
        signer_needed=needs_signer(signed, may_sign=may_sign),
    )


def needs_signer(signed: int, *, may_sign: bool) -> str:
    """Who has to accept a table that holds plans, where whoever looks may not; else nothing."""
    if may_sign or not signed:
        return ""
    return (
        f"This table holds {_many(signed, 'plan')} to sign. Ask a prescriber to look at it under Import patients "
        "and to accept it; it waits there."
    )


def accepted(imported: Import) -> str:
    """What was just done, in a sentence."""
    are = "is" if imported.patients_made == 1 else "are"
    signed = f", and {_many(imported.plans_made, 'plan')} signed" if imported.plans_made else ""
    return f"{_many(imported.patients_made, 'patient')} {are} in your care now{signed}."


def made(rows: Sequence[ImportedRow]) -> list[MadeLine]:
    return [
        MadeLine(
            number=row.number,
            patient_id=row.patient_id,
            name=row.patient.name,
            record_number=row.patient.record_number,
            has_plan=row.prescription_id is not None,
        )
        for row in rows
    ]


def _line(row: Row) -> Line:
    person = row.person
    return Line(
        number=row.number,
        name=person.name,
        born=_day(person.birth_date),
        sex=person.sex,
        record_number=person.record_number,
        email=person.email,
        zone=person.zone.key,
        conditions=", ".join(_condition(entry) for entry in person.conditions),
        medicines="; ".join(person.medicines),
    )


def _plan(one: Signed) -> PlanLine:
    plan, protocol = one.plan, one.plan.template.protocol
    intended = timeline.plan(one.course, as_of=one.today if plan.first_dose else None)
    dose = plan.first_dose.dose if plan.first_dose else protocol.rungs[0].dose
    later = [step for step in supply.steps(intended) if step.from_on > one.course.start_on]
    return PlanLine(
        number=one.row.number,
        name=one.row.person.name,
        template=f"{protocol.label}, version {protocol.version}",
        review="" if protocol.is_reviewed else "review pending",
        dose=str(dose),
        dose_words=in_words(dose),
        written=_written(plan.first_dose),
        since=_since(one),
        ahead=tuple(_step(step, one) for step in later),
        no_step=_no_step(one, dose),
        ending=_ending(intended[-1], awaiting=plan.awaiting),
        taken=SLOT_WORDS[plan.slot],
        capsules=planner.in_words(planner.takings(dose, plan.slot, plan.formulation)),
        steps=MODE_WORDS[plan.mode],
    )


def _written(dose: Written | None) -> str:
    """How a dose was written, where it was not written as it is read."""
    return "" if dose is None or dose.text == dose.dose.text else f"written “{dose.text}”"


def _since(one: Signed) -> tuple[str, ...]:
    plan = one.plan
    if plan.awaiting:
        return ("when the medicine is there",)
    if plan.first_dose is None:
        return (f"from {_day(one.course.start_on)}",)
    began = f"first dose {_day(plan.taking_since)}" if plan.taking_since else "first dose not known"
    return f"since {_day(one.course.start_on)}", began


def _no_step(one: Signed, dose: Dose) -> str:
    """What is said where no step follows: a dose that the template does not have is never left by itself."""
    known = any(rung.dose == dose for rung in one.course.protocol.rungs)
    return "no step follows" if known else f"no step follows: the template has no dose of {dose}"


def _step(step: supply.Step, one: Signed) -> str:
    """A later dose, and when: by date, or by the days before it while nobody knows the first one."""
    if one.plan.awaiting:
        return f"{step.dose} after {(step.from_on - one.today).days} days"
    due = timeline.next_step(one.course)
    if due is not None and due.dose == step.dose and due.on <= one.today:
        return f"{step.dose} fell due on {_day(due.on)} and waits for a person"
    return f"{step.dose} on {_day(step.from_on)}"


def _ending(last: timeline.Segment, *, awaiting: bool) -> str:
    on = "" if awaiting else f" on {_day(last.from_on)}"
    match last.state:
        case timeline.State.REVIEW:
            return f"then a review{on}"
        case timeline.State.ENDED:
            return f"then it ends{on}"
        case _:
            return ""


def _condition(entry: Condition) -> str:
    listed = conditions.all_conditions().get(entry.code)
    return listed.name if listed else entry.words


def _known(one: Known) -> KnownLine:
    return KnownLine(
        number=one.row.number,
        name=one.row.person.name,
        born=_day(one.row.person.birth_date),
        patient_id=one.patient.id,
        record_number=one.patient.record_number,
    )


def _fault(fault: Fault) -> FaultLine:
    column = f"column {fault.letter}" if fault.letter else ""
    named = f"{column} ({fault.column})" if column and fault.column else column or fault.column
    return FaultLine(where=f"Row {fault.row}, {named}" if named else f"Row {fault.row}", sentence=fault.sentence)


def _many(count: int, one: str) -> str:
    return f"1 {one}" if count == 1 else f"{count:,} {one}s"


def _day(on: date) -> str:
    """Month in words: nobody can take the day for the month."""
    return f"{on.day} {on:%B} {on.year}"


def _moment(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{_day(local.date())}, {local:%H:%M}"
