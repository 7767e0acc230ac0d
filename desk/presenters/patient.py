"""A patient's page in words: who, what needs a person, the dose in force, the nights, and who changed what and why."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.safestring import SafeString, mark_safe

from charts import description, drawing, series
from common.dose import Dose, in_words
from common.night import Slot, next_dose_on
from desk.presenters.schedule import SLOT_WORDS, capsules, day, day_short
from patients import conditions as conditions_list
from patients.models import Patient
from patients.selectors import InvitationState, PhoneState, Record
from symptoms import items
from symptoms.models import DoseTaken, OpioidReport
from titration.engine import gate, supply, timeline
from titration.engine.course import Course, Hold
from titration.engine.protocol import Protocol
from titration.models import OpioidReview, PlanChange, Prescription

WEEKS_SHOWN = 8
NIGHTS_SHOWN = 7 * WEEKS_SHOWN
DAYS_AHEAD = 14
"""How far the chart looks ahead of today at a plan that climbs on."""

CHART_WIDE, CHART_NARROW = 1080, 360
LONG_WORDS = 90

MODE_WORDS = {
    Prescription.Mode.CONFIRMED: "A person lets each step happen",
    Prescription.Mode.PLANNED: "Steps happen on their day unless something speaks against them",
}
OUTCOME_WORDS = {
    OpioidReview.Outcome.CARRY_ON: "Not an opioid: the plan goes on",
    OpioidReview.Outcome.STOPPED: "An opioid: the plan is stopped",
}
_REPORTED = {"yes": "Yes", "unsure": "Not sure"}
_GATE_WORDS = {
    gate.Code.NOT_ENOUGH_NIGHTS: "too few nights were logged",
    gate.Code.NOT_TAKEN: "doses had been left out",
    gate.Code.SIDE_EFFECTS: "a side effect was moderate or worse",
}


# -- who ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Person:
    """The line that says whose page this is."""

    id: uuid.UUID
    name: str
    record_number: str
    born: str
    age: int
    there: str


def person(patient: Patient, *, at: datetime) -> Person:
    there = at.astimezone(patient.zone)
    born, today = patient.birth_date, there.date()
    return Person(
        id=patient.id,
        name=patient.name,
        record_number=patient.record_number,
        born=f"{born.day} {born:%B %Y}",
        age=today.year - born.year - ((today.month, today.day) < (born.month, born.day)),
        there=f"{there:%H:%M} on {day_short(there.date())} in {patient.zone_name}",
    )


def condition_names(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Names of the list, or the words that were written."""
    known = conditions_list.all_conditions()
    return [known[code].name if code in known else words for code, words in pairs]


def lead_symptom(record: Record) -> str:
    """What the patient scores each night."""
    return conditions_list.lead_symptom([code for code, _ in record.conditions])


# -- the plan ----------------------------------------------------------------------------------------------------------


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
    on = next_dose_on(at, plan.prescription.patient.zone, Slot(plan.prescription.slot))
    told = {dose.plan_date for dose in doses if dose.taken != DoseTaken.Taken.NOT_YET}
    return on + timedelta(days=1) if on in told else on


def plan_card(plan: Plan, *, next_on: date, zone: ZoneInfo, at: datetime) -> PlanCard:
    """What is in force for the dose of `next_on`; `zone` is the clinic's, for who signed when."""
    prescription, course = plan.prescription, plan.course
    slot = Slot(prescription.slot)
    on = max(next_on, course.start_on)
    dose = timeline.dose_on(plan.in_force, on)
    due = timeline.next_step(course)
    held_until = timeline.held_until(plan.in_force, on)
    return PlanCard(
        id=prescription.id,
        version=prescription.version,
        dose=str(dose) if dose else "",
        dose_words=in_words(dose) if dose else "",
        units=_units(dose, prescription.capsule_strength, slot) if dose else "",
        when=f"next dose {day_short(on)}" if dose else "",
        state=_state(plan, on, at),
        held_until=day_short(held_until) if held_until else "",
        label=plan.protocol.label,
        template_version=plan.protocol.version,
        review=f"reviewed: {plan.protocol.review}" if plan.protocol.is_reviewed else "review pending",
        reviewed=plan.protocol.is_reviewed,
        mode=MODE_WORDS[Prescription.Mode(prescription.mode)],
        strength=str(prescription.capsule_strength),
        next_step=f"{due.dose} from {day(due.on)}" if due else "",
        ending=_ending(plan),
        signed=_signed(prescription, zone),
    )


def _units(dose: Dose, strength: Dose, slot: Slot) -> str:
    return f"{capsules(supply.units(dose, strength))} of {strength} {SLOT_WORDS[slot]}"


def _state(plan: Plan, on: date, at: datetime) -> str:
    start_on, today = plan.course.start_on, at.astimezone(plan.prescription.patient.zone).date()
    if not plan.is_open:
        return "Stopped"
    segment = timeline.segment_on(plan.in_force, on)
    if segment is None or segment.dose is None:
        return "The plan has come to its end: no dose is in force."
    if today < start_on:
        return f"Not started: the first dose is on {day(start_on)}."
    since = _since(plan.in_force, segment)
    if segment.state is timeline.State.REVIEW:
        return f"Due for review since {day(segment.from_on)}; the dose goes on until then."
    return f"In force since {day(since)}." if since <= today else f"In force from {day(since)}."


def _since(in_force: timeline.Timeline, segment: timeline.Segment) -> date:
    """The first day of this dose, holds and all."""
    return min(other.from_on for other in in_force if other.rung == segment.rung)


def _ending(plan: Plan) -> str:
    last = plan.intended[-1]
    if not plan.is_open or last.state is timeline.State.TAKING:
        return ""
    return f"{'Review' if last.state is timeline.State.REVIEW else 'End'} intended for {day(last.from_on)}"


def _signed(prescription: Prescription, zone: ZoneInfo) -> str:
    return f"{prescription.signed_by.name}, {moment(prescription.signed_at, zone)}"


def moment(at: datetime, zone: ZoneInfo) -> str:
    """A moment by the clinic's clock."""
    local = at.astimezone(zone)
    return f"{day(local.date())}, {local:%H:%M}"


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


def hold_effect(plan: Plan, hold: Hold, *, at: datetime) -> HoldEffect:
    today = at.astimezone(plan.prescription.patient.zone).date()
    held = plan.course.changed(hold)
    before = {step.rung: step for step in supply.steps(plan.intended)}
    after = supply.steps(timeline.plan(held, as_of=today))
    dose = timeline.dose_on(timeline.unfold(held), hold.from_on)
    moved = [
        Moved(str(step.dose), day(before[step.rung].from_on), day(step.from_on))
        for step in after
        if step.rung in before and step.from_on != before[step.rung].from_on
    ]
    return HoldEffect(
        dose=str(dose) if dose else "",
        from_on=day(hold.from_on),
        last=day(hold.until_on - timedelta(days=1)),
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


def against(verdict: gate.Verdict) -> tuple[gate.Why, ...]:
    """What the gate holds against the step, those reasons first that nobody can override."""
    match verdict:
        case gate.Open():
            return ()
        case gate.Blocked():
            return verdict.reasons
        case gate.Unknown():
            return (verdict.reason,)


# -- history -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Changed:
    """One line of history: what, who, when, why."""

    what: str
    who: str
    when: str
    why: str
    despite: str


@dataclass(frozen=True)
class PlanHistory:
    """A plan and everything signed on it, newest first."""

    label: str
    version: int
    strength: str
    slot: str
    span: str
    is_open: bool
    changes: tuple[Changed, ...]


def plan_history(plan: Plan, *, zone: ZoneInfo) -> PlanHistory:
    prescription = plan.prescription
    signed = Changed(
        f"Prescribed from {day(prescription.start_on)}",
        prescription.signed_by.name,
        moment(prescription.signed_at, zone),
        "",
        "",
    )
    changes = [_changed(change, plan.protocol, zone) for change in prescription.changes.all()]
    last = plan.in_force[-1]
    ended = last.state is timeline.State.ENDED
    until = f" to {day(last.from_on - timedelta(days=1))}" if ended and last.from_on > prescription.start_on else ""
    return PlanHistory(
        label=plan.protocol.label,
        version=plan.protocol.version,
        strength=str(prescription.capsule_strength),
        slot=SLOT_WORDS[Slot(prescription.slot)],
        span=f"{day(prescription.start_on)}{until}",
        is_open=plan.is_open,
        changes=(*reversed(changes), signed),
    )


def _changed(change: PlanChange, protocol: Protocol, zone: ZoneInfo) -> Changed:
    return Changed(
        _what(change, protocol), change.by_label, moment(change.at, zone), change.reason, _despite(change.gate)
    )


def _what(change: PlanChange, protocol: Protocol) -> str:
    match change.kind:
        case PlanChange.Kind.HOLD:
            return f"Held for {change.days} day{'' if change.days == 1 else 's'} from {day(change.on)}"
        case PlanChange.Kind.ADVANCE:
            return f"Step to {protocol.rungs[change.to_rung or 0].dose} from {day(change.on)}"
        case _:
            return f"Stopped: no dose from {day(change.on)}"


def _despite(said: dict[str, Any]) -> str:
    """What the gate held against a step that was let happen all the same."""
    codes = [gate.Code(code) for code in said.get("codes", [])]
    return " and ".join(_GATE_WORDS.get(code, str(code)) for code in codes)


# -- nights ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NightRow:
    """A night as it was told. `planned` is what was in force; `cells` are the table's own, empty where nothing was
    told, escaped here once: a page of nights has a thousand of them."""

    night: str
    iso: str
    planned: str
    cells: SafeString
    note: str
    note_rest: str


def night_rows(
    nights: Sequence[date], logs: Iterable[Any], doses: Iterable[Any], bands: Sequence[series.DoseBand], zone: ZoneInfo
) -> list[NightRow]:
    """A row for every one of these nights, told or not, in the order given."""
    log_of = {log.night: log for log in logs}
    dose_of = {dose.plan_date: dose for dose in doses}
    in_force = [band for band in reversed(bands) if not band.intended]
    return [_night_row(night, log_of.get(night), dose_of.get(night), in_force, zone) for night in nights]


def _night_row(night: date, log: Any, dose: Any, in_force: Sequence[series.DoseBand], zone: ZoneInfo) -> NightRow:
    planned = next((band.dose_mg for band in in_force if band.covers(night)), None)
    note = log.note if log else ""
    return NightRow(
        night=day_short(night),
        iso=night.isoformat(),
        planned=str(Dose(planned)) if planned is not None else "",
        cells=_cells(log, dose, zone),
        note=note if len(note) <= LONG_WORDS else f"{note[:LONG_WORDS].rstrip()}…",
        note_rest=note if len(note) > LONG_WORDS else "",
    )


_UNTOLD = [("", "")] * 12


def _cells(log: Any, dose: Any, zone: ZoneInfo) -> SafeString:
    """From what became of the dose to new medicines, in the order of the table's head."""
    told, state = _dose_told(dose, zone)
    answers = _answers(log) if log else _UNTOLD
    cells = (f'<td class="{look}">{escape(words)}</td>' for look, words in ((f"state-{state}", told), *answers))
    # Every word has just been escaped.
    return mark_safe("".join(cells))  # noqa: S308


def _answers(log: Any) -> list[tuple[str, str]]:
    """(look, words) of each answer; what was not answered is empty."""
    alarm = " alarm" if log.other_medicines_answer in _REPORTED else ""
    return [
        ("num", _hours(log.sleep_hours)),
        ("num", _number(log.latency_min)),
        ("num", _number(log.awake_min)),
        ("num", _number(log.awakenings)),
        ("", items.quality().get(log.quality, "")),
        ("", _dreams(log.dream_vividness)),
        ("num", _number(log.dream_distress)),
        ("num", _number(log.pain)),
        ("num", _number(log.fatigue)),
        ("num", _number(log.lead_symptom)),
        ("words", ", ".join(f"{label} ({severity})" for label, severity in side_effects(log))),
        (f"words{alarm}", _medicines(log)),
    ]


def _dose_told(dose: Any, zone: ZoneInfo) -> tuple[str, str]:
    """What became of the dose, in words, and the word for its state."""
    if dose is None:
        return "", ""
    match dose.taken:
        case DoseTaken.Taken.TAKEN:
            amount = str(dose.taken_mg) if dose.taken_mg else "taken"
            return (f"{amount} at {dose.taken_at.astimezone(zone):%H:%M}" if dose.taken_at else amount), "taken"
        case DoseTaken.Taken.SKIPPED:
            why = items.skip_reasons().get(dose.skipped_because, "")
            return f"skipped: {why}" if why else "skipped", "skipped"
        case _:
            return "not yet", "not_yet"


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _hours(hours: Decimal | None) -> str:
    if hours is None:
        return ""
    text = f"{hours:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


_DREAM_WORDS = {0: "as usual", 1: "more vivid", 2: "very vivid", 3: "nightmares"}


def _dreams(vividness: int | None) -> str:
    return "" if vividness is None else _DREAM_WORDS[vividness]


def _medicines(log: Any) -> str:
    if not log.other_medicines_answer:
        return ""
    answer = {"no": "No", **_REPORTED}[log.other_medicines_answer]
    return f"{answer}: {log.other_medicines}" if log.other_medicines else answer


def side_effects(log: Any) -> tuple[tuple[str, str], ...]:
    """(label, severity) of each, in the order of the pick list's use."""
    labels = items.side_effects()
    return tuple((labels.get(code, code), severity) for code, severity in log.side_effects.items())


# -- the chart ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Drawn:
    """The chart at two widths and the sentence that says the same."""

    wide: SafeString
    narrow: SafeString
    said: str


def dose_bands(plans: Sequence[Plan], today: date) -> list[series.DoseBand]:
    """Every course's doses on one line of time, oldest first: what was and is in force, then what is intended.

    What is in force stands for the whole of today: a step that is due today and not signed is intended from tomorrow.
    """
    ordered = sorted(plans, key=lambda plan: plan.course.start_on)
    following = [*(plan.course.start_on for plan in ordered), None][1:]
    bands: list[series.DoseBand] = []
    for plan, until in zip(ordered, following, strict=True):
        bands.extend(_bands(plan, until, today + timedelta(days=1)))
    return bands


def _bands(plan: Plan, until: date | None, tomorrow: date) -> Iterator[series.DoseBand]:
    reached = max((segment.rung for segment in plan.in_force if segment.rung is not None), default=0)
    ahead = [s for s in plan.intended if s.rung is not None and s.rung > reached] if plan.is_open else []
    turn = max(ahead[0].from_on, tomorrow) if ahead else None
    for segment in plan.in_force:
        yield from _band(segment, segment.from_on, _earliest(segment.to_on, turn, until), intended=False)
    for segment in plan.intended:
        if turn is not None and (segment.to_on is None or segment.to_on > turn) and segment.from_on >= ahead[0].from_on:
            yield from _band(segment, max(segment.from_on, turn), _earliest(segment.to_on, until), intended=True)


def _band(segment: timeline.Segment, from_on: date, to_on: date | None, *, intended: bool) -> Iterator[series.DoseBand]:
    if to_on is None or from_on < to_on:
        dose_mg = segment.dose.mg if segment.dose else None
        yield series.DoseBand(from_on, to_on, dose_mg, segment.state.value, intended)


def _earliest(*ends: date | None) -> date | None:
    return min((end for end in ends if end is not None), default=None)


def chart_nights(logs: Sequence[Any], doses: Sequence[Any]) -> list[series.Night]:
    """One value a night that anything was told of."""
    dose_of = {dose.plan_date: dose for dose in doses}
    logged = {log.night for log in logs}
    nights = [_chart_night(log, dose_of.get(log.night)) for log in logs]
    alone = [series.Night(night=on, **_taken(dose)) for on, dose in dose_of.items() if on not in logged]
    return [*nights, *alone]


def _taken(dose: Any) -> dict[str, Any]:
    if dose is None:
        return {}
    return {"taken": dose.taken, "taken_mg": dose.taken_mg.mg if dose.taken_mg else None}


def _chart_night(log: Any, dose: Any) -> series.Night:
    return series.Night(
        night=log.night,
        sleep_hours=log.sleep_hours,
        latency_min=log.latency_min,
        awake_min=log.awake_min,
        awakenings=log.awakenings,
        quality=log.quality,
        dream_vividness=log.dream_vividness,
        dream_distress=log.dream_distress,
        pain=log.pain,
        fatigue=log.fatigue,
        lead_symptom=log.lead_symptom,
        side_effects=side_effects(log) if log.side_effects else (),
        **_taken(dose),
    )


def aligned(
    nights: Iterable[series.Night], bands: Sequence[series.DoseBand], *, first: date, today: date
) -> series.Aligned:
    """The nights from `first` on, with two weeks ahead where the plan means to climb further."""
    climbs = any(band.intended for band in bands) or any(band.from_on > today for band in bands)
    last = today + timedelta(days=DAYS_AHEAD) if climbs else today
    return series.align(nights, bands, first, max(last, first), today=today)


def drawn(shown: series.Aligned, *, title: str, lead: str) -> Drawn:
    """Both widths; the narrow one only where a phone could still tell its nights apart."""
    wide = drawing.svg(description.describe(shown, title=title, width=CHART_WIDE, lead_label=lead), "wide-")
    narrow = ""
    if len(shown.nights) <= NIGHTS_SHOWN + DAYS_AHEAD + 1:
        narrow = drawing.svg(description.describe(shown, title=title, width=CHART_NARROW, lead_label=lead), "narrow-")
    # The drawing escapes every word it is given.
    return Drawn(mark_safe(wide), mark_safe(narrow), series.summary(shown))  # noqa: S308


# -- what needs a person, and how the patient comes in -----------------------------------------------------------------


@dataclass(frozen=True)
class Reported:
    """An opioid report: when, for which night, the answer and the words."""

    id: uuid.UUID
    when: str
    night: str
    answer: str
    words: str


def reported(report: OpioidReport, *, zone: ZoneInfo) -> Reported:
    answer = _REPORTED.get(report.answer, report.answer)
    return Reported(report.id, moment(report.at, zone), day(report.night), answer, report.words)


@dataclass(frozen=True)
class Reviewed:
    """The clinic's answer to a report."""

    outcome: str
    reason: str
    who: str
    when: str


def reviewed(report: OpioidReport, *, zone: ZoneInfo) -> Reviewed | None:
    """The answer, if there is one; `review` and its author must have been read with the report."""
    review = getattr(report, "review", None)
    if review is None:
        return None
    return Reviewed(
        OUTCOME_WORDS[OpioidReview.Outcome(review.outcome)], review.reason, review.by.name, moment(review.at, zone)
    )


@dataclass(frozen=True)
class PhoneLine:
    id: uuid.UUID
    let_in: str
    until: str


def phone_lines(phones: Iterable[PhoneState], *, zone: ZoneInfo, at: datetime) -> list[PhoneLine]:
    """The phones that may write now."""
    return [
        PhoneLine(phone.id, moment(phone.let_in_at, zone), day(phone.expires_at.astimezone(zone).date()))
        for phone in phones
        if phone.expires_at > at
    ]


def invitation_words(invitation: InvitationState | None, *, zone: ZoneInfo, at: datetime) -> str:
    """How the newest invitation stands; empty where none waits to be opened."""
    if invitation is None:
        return ""
    if invitation.expires_at <= at:
        return f"The invitation of {moment(invitation.created_at, zone)} has expired unopened."
    until = day(invitation.expires_at.astimezone(zone).date())
    if invitation.mailed_at is None:
        return f"An invitation was made on {moment(invitation.created_at, zone)} but its mail was not sent."
    return f"Invited on {moment(invitation.mailed_at, zone)}; not opened yet, good until {until}."


def first_shown(plans: Sequence[Plan], logs: Sequence[Any], today: date, *, whole: bool) -> date:
    """Where the chart begins: eight weeks ago, or at the first plan or night where that is later or all is asked."""
    begins = [plan.course.start_on for plan in plans] + [log.night for log in logs[:1]]
    earliest = min([*begins, today])
    return earliest if whole else max(earliest, today - timedelta(days=NIGHTS_SHOWN - 1))


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What the page is made of: rows read and values the engine gave, all of one moment."""

    record: Record
    plans: Sequence[Plan]
    logs: Sequence[Any]
    doses: Sequence[Any]
    reports: Sequence[OpioidReport]
    verdict: gate.Verdict | None
    zone: ZoneInfo
    at: datetime
    whole: bool
    before: date | None

    @property
    def today(self) -> date:
        return self.at.astimezone(self.record.patient.zone).date()


@dataclass(frozen=True)
class Page:
    person: Person
    conditions: tuple[str, ...]
    lead: str
    medicines: tuple[str, ...]
    note: str
    email: str
    reports: tuple[Reported, ...]
    card: PlanCard | None
    due: StepDue | None
    history: tuple[PlanHistory, ...]
    chart: Drawn | None
    whole: bool
    nights: tuple[NightRow, ...]
    newer_before: str
    older_before: str
    phones: tuple[PhoneLine, ...]
    invitation: str


def page(sources: Sources) -> Page:
    """The whole page."""
    record, plans, today = sources.record, sources.plans, sources.today
    bands = dose_bands(plans, today)
    first = first_shown(plans, sources.logs, today, whole=sources.whole)
    current = next((plan for plan in plans if plan.is_open), None)
    shown, newer, older = _page_of_nights(sources)
    return Page(
        person=person(record.patient, at=sources.at),
        conditions=tuple(condition_names(record.conditions)),
        lead=lead_symptom(record),
        medicines=record.medicines,
        note=record.patient.context_note,
        email=record.patient.email,
        reports=tuple(reported(report, zone=sources.zone) for report in sources.reports),
        card=_card(current, sources) if current else None,
        due=step_due(current, sources.verdict, today=today) if current and sources.verdict else None,
        history=tuple(plan_history(plan, zone=sources.zone) for plan in plans),
        chart=chart(sources, bands, first) if plans or sources.logs or sources.doses else None,
        whole=sources.whole,
        nights=tuple(night_rows(shown, sources.logs, sources.doses, bands, record.patient.zone)),
        newer_before=newer,
        older_before=older,
        phones=tuple(phone_lines(record.phones, zone=sources.zone, at=sources.at)),
        invitation=invitation_words(record.invitation, zone=sources.zone, at=sources.at),
    )


def _card(plan: Plan, sources: Sources) -> PlanCard:
    next_on = next_untold(plan, sources.doses, sources.at)
    return plan_card(plan, next_on=next_on, zone=sources.zone, at=sources.at)


def chart(sources: Sources, bands: Sequence[series.DoseBand], first: date) -> Drawn:
    patient = sources.record.patient
    shown = aligned(chart_nights(sources.logs, sources.doses), bands, first=first, today=sources.today)
    return drawn(
        shown,
        title=f"Dose and nights of {patient.name}, record {patient.record_number}",
        lead=lead_symptom(sources.record),
    )


def _page_of_nights(sources: Sources) -> tuple[list[date], str, str]:
    """The nights of the table, newest first, and the `before` of the pages beside it ("" where there is none).

    They begin with the first plan or the first night told. Tonight is listed once something was told of it.
    """
    told = {log.night for log in sources.logs} | {dose.plan_date for dose in sources.doses}
    floor = min([*(plan.course.start_on for plan in sources.plans), *told], default=sources.today)
    newest = sources.today if sources.today in told else sources.today - timedelta(days=1)
    last = newest if sources.before is None else min(newest, sources.before - timedelta(days=1))
    first = max(last - timedelta(days=NIGHTS_SHOWN - 1), floor)
    nights = [date.fromordinal(day_number) for day_number in range(last.toordinal(), first.toordinal() - 1, -1)]
    newer = (last + timedelta(days=NIGHTS_SHOWN + 1)).isoformat() if last < newest else ""
    return nights, newer, first.isoformat() if first > floor else ""
