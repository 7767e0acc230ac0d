"""A dated schedule in words and numbers, as it is read before signing: nothing that is not shown gets signed."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from common import drug_names
from common.dose import Dose, in_words
from common.dose_limits import CONFIRMED_CEILING, Asks, asks
from common.night import Slot
from desk.presenters.days import day
from titration.engine import planner, supply, timeline
from titration.engine.course import Course
from titration.engine.formulation import Formulation
from titration.engine.protocol import Grade, Protocol, Then
from titration.engine.terms import plain
from titration.papers import FILLERS

GRADES = {
    Grade.TRIAL: "a trial, label or register (E1)",
    Grade.PRACTICE: "specialist practice (E2)",
    Grade.CHOICE: "a choice made in this project (E3)",
}
SLOT_WORDS = {
    Slot.BEDTIME: "at bedtime",
    Slot.MORNING: "in the morning",
    Slot.SPLIT: "half in the morning, half at bedtime",
}
_TIMES_A_DAY = {
    Slot.BEDTIME: "once a day, at bedtime",
    Slot.MORNING: "once a day, in the morning",
    Slot.SPLIT: "twice a day, half in the morning and half at bedtime",
}
_EACH = {
    Slot.BEDTIME: ("a night", "night", "nights"),
    Slot.MORNING: ("a morning", "morning", "mornings"),
    Slot.SPLIT: ("a day", "day", "days"),
}
_OPEN_END_DAYS = 14
"""How long an open last step is drawn."""
_NUMBERED = re.compile(r"(?<![\d,.])(\d[\d,.]*) (?=capsule|tablet|sublingual|drop|mL|mg)")
_LETTER = 7.2
"""Width of a letter of the drawing's labels, in pixels."""


def unparted(words: str) -> str:
    """The same words with each number kept on the line of what it counts."""
    return _NUMBERED.sub("\\1\N{NO-BREAK SPACE}", words)


def doses_each(count: int, slot: Slot) -> str:
    """So many nights, or mornings."""
    _, one, many = _EACH[slot]
    return f"1 {one}" if count == 1 else f"{count} {many}"


@dataclass(frozen=True)
class Row:
    """One step. `to` is the last day, said in words where there is no end; `nights` and `total` are empty then."""

    dose: str
    dose_words: str
    each: str
    from_on: str
    to_on: str
    nights: str
    total: str

    @property
    def sentence(self) -> str:
        """The step read aloud."""
        said = f"{self.dose}, {self.dose_words}, {self.each}, from {self.from_on}"
        return ", ".join([f"{said} {self.to_on}", *(part for part in (self.nights, self.total) if part)])


@dataclass(frozen=True)
class Stair:
    """A level of the staircase, in pixels of a drawing; labels are empty where they would not fit, and end at
    `label_x` where the drawing does."""

    x: float
    end: float
    y: float
    riser_to: float | None
    label: str
    date_label: str
    label_x: float
    label_ends: bool
    open: bool


@dataclass(frozen=True)
class Staircase:
    width: int
    height: int
    base: float
    stairs: tuple[Stair, ...]


@dataclass(frozen=True)
class Template:
    """A template as it is offered: never by its code alone, always with what it rests on. `group` is the heading that
    it stands under, `suggested` what speaks for it in this patient's conditions, a sentence each.
    """

    id: str
    group: str
    label: str
    version: int
    doses: str
    length: str
    grade: str
    sources: str
    review: str
    reviewed: bool
    note: str
    suggested: tuple[str, ...]


@dataclass(frozen=True)
class Preview:
    """What is about to be signed, whole. `fingerprint` is of every word of it.

    `remarks` are what the template says beside its doses, `confirm` the sentence to confirm a second time, empty where
    no dose is so high.
    """

    drug: str
    template: Template
    made_of: str
    strength_words: str
    filler: str
    typed: str
    read_as: str
    slot: str
    mode: str
    opioid: str
    begins: str
    target: str
    rows: tuple[Row, ...]
    ending: str
    dispense: str
    remarks: tuple[str, ...]
    confirm: str
    wide: Staircase
    narrow: Staircase
    fingerprint: str


def template(
    protocol: Protocol, identifier: str, *, reviewed_by: str = "", group: str = "", suggested: tuple[str, ...] = ()
) -> Template:
    """`reviewed_by` is who signed a review of it in the clinic, empty where nobody has."""
    review = f"reviewed by {reviewed_by}" if reviewed_by else f"reviewed: {protocol.review}"
    reviewed = bool(reviewed_by) or protocol.is_reviewed
    return Template(
        id=identifier,
        group=group,
        label=protocol.label,
        version=protocol.version,
        doses=doses_in_a_row(protocol),
        length=_length(protocol),
        grade=GRADES[protocol.grade],
        sources=", ".join(source.key for source in protocol.sources),
        review=review if reviewed else "review pending",
        reviewed=reviewed,
        note=protocol.note.strip(),
        suggested=suggested,
    )


def doses_in_a_row(protocol: Protocol) -> str:
    """The doses of the climb, each once; by weight, what there is of it in mg/kg."""
    if protocol.needs_weight:
        each = dict.fromkeys(plain(rung.mg_per_kg) for rung in protocol.rungs if rung.mg_per_kg is not None)
        return f"{' → '.join(each)} mg/kg, at most {max(rung.dose for rung in protocol.rungs)}".replace(" mg", _MG)
    said = f"{' → '.join(dict.fromkeys(rung.dose.text for rung in protocol.rungs))}{_MG}"
    return f"{said} in two halves" if protocol.is_split else said


_MG = "\N{NO-BREAK SPACE}mg"


def preview(
    *,
    course: Course,
    offered: Template,
    formulation: Formulation,
    strength: Dose,
    typed: str,
    slot: Slot,
    mode: str,
    opioid: str,
    patient: str,
    nights: int,
    today: date,
) -> Preview:
    """The page's account of a course about to be signed. `patient` tells whose it is, for the fingerprint only;
    `strength` is the one that was `typed`. Of one that is taken already it is told from `today` on."""
    intended = timeline.plan(course) if course.first_dose is None else _from(timeline.plan(course, as_of=today), today)
    rows = tuple(_row(step, intended, formulation, slot) for step in supply.steps(intended))
    remarks = tuple(_remarks(course.protocol))
    words = {
        "drug": drug_names.NALTREXONE,
        "made_of": formulation.named,
        "strength_words": ", ".join(in_words(strength) for strength in formulation.strengths),
        "filler": FILLERS[formulation.filler],
        "slot": _TIMES_A_DAY[slot],
        "mode": mode,
        "opioid": opioid,
        "begins": _begins(course),
        "target": str(course.target) if course.target else "",
        "ending": _ending(intended),
        "dispense": _dispense(intended, formulation, slot, nights),
        "confirm": _confirm(max(step.dose for step in supply.steps(intended))),
    }
    shown_words = [words, remarks, [row.sentence for row in rows], course.protocol.fingerprint(), patient]
    return Preview(
        **words,
        typed=typed if typed and typed != strength.text else "",
        read_as=str(strength),
        template=offered,
        rows=rows,
        remarks=remarks,
        wide=staircase(intended, 720),
        narrow=staircase(intended, 340),
        fingerprint=hashlib.sha256(json.dumps(shown_words, sort_keys=True).encode()).hexdigest(),
    )


def _begins(course: Course) -> str:
    if course.awaiting:
        return "with the first dose, when the medicine has come; until then these dates are examples"
    if course.first_dose is not None:
        return f"taken already: {course.first_dose} since {day(course.start_on)}"
    return f"on {day(course.start_on)}"


def _from(intended: timeline.Timeline, day_on: date) -> timeline.Timeline:
    after = [segment for segment in intended if segment.to_on is None or segment.to_on > day_on]
    return tuple(replace(segment, from_on=max(segment.from_on, day_on)) for segment in after)


def staircase(intended: timeline.Timeline, width: int, height: int = 150) -> Staircase:
    """The intended steps drawn to scale; a step without an end is drawn two weeks long and left open."""
    steps = supply.steps(intended)
    top = max((step.dose for step in steps), default=Dose.of(1))
    base, left, right = height - 22.0, 4.0, width - 4.0
    end = max((step.to_on or step.from_on + timedelta(days=_OPEN_END_DAYS) for step in steps), default=date.min)
    days = (end - steps[0].from_on).days if steps else 1
    scale = (right - left) / max(days, 1)

    def x(on: date) -> float:
        return round(left + (on - steps[0].from_on).days * scale, 1)

    def y(dose: Dose) -> float:
        return round(base - float(dose.mg / top.mg) * (base - 26), 1)

    return Staircase(width, height, base, tuple(_stairs(steps, end, x, y)))


def _stairs(
    steps: Sequence[supply.Step], end: date, x: Callable[[date], float], y: Callable[[Dose], float]
) -> Iterator[Stair]:
    labelled_to = dated_to = 0.0
    for number, step in enumerate(steps):
        start, stop = x(step.from_on), x(step.to_on or end)
        label, dated = str(step.dose), f"{step.from_on.day} {step.from_on:%b}"
        before = steps[number - 1].dose if number else None
        label_ends = start + _LETTER * max(len(label), len(dated)) > x(end)
        begins = stop - _LETTER * max(len(label), len(dated)) if label_ends else start
        fits, date_fits = begins >= labelled_to and step.dose != before, begins >= dated_to
        labelled_to = start + _LETTER * len(label) if fits else labelled_to
        dated_to = start + _LETTER * len(dated) if date_fits else dated_to
        yield Stair(
            x=start,
            end=stop,
            y=y(step.dose),
            riser_to=y(before) if before else None,
            label=label if fits else "",
            date_label=dated if date_fits else "",
            label_x=stop if label_ends else start + 3,
            label_ends=label_ends,
            open=step.to_on is None,
        )


def _remarks(protocol: Protocol) -> Iterator[str]:
    """What the template says beside its doses, a sentence each."""
    for rung in protocol.rungs:
        if rung.only_if is not None:
            yield f"The step to {rung.dose} is taken only if {rung.only_if.words}. It waits until a person says so."
        if rung.reason:
            yield f"Why {rung.dose}: {rung.reason}"
    if protocol.cycle is not None:
        days = f"{protocol.cycle.days_on} days on and {protocol.cycle.days_off} days off"
        yield f"Some go on by {days}. Signing this plan does not begin that; it is a change of its own."


def _confirm(highest: Dose) -> str:
    if asks(highest) is not Asks.REASON_AND_CONFIRMATION:
        return ""
    return f"{highest}, {in_words(highest)}, is meant. It is above {CONFIRMED_CEILING}, the highest dose tested."


def _row(step: supply.Step, intended: timeline.Timeline, formulation: Formulation, slot: Slot) -> Row:
    made = planner.in_words(planner.takings(step.dose, slot, formulation))
    nights = _doses(intended, step.from_on, step.to_on) if step.to_on else []
    return Row(
        dose=str(step.dose),
        dose_words=in_words(step.dose),
        each=unparted(made if slot is Slot.SPLIT else f"{made} {_EACH[slot][0]}"),
        from_on=day(step.from_on),
        to_on=f"to {day(step.to_on - timedelta(days=1))}" if step.to_on else "with no end set",
        nights=doses_each(len(nights), slot) if step.to_on else "",
        total=_quantity(nights, formulation) if step.to_on else "",
    )


def _doses(intended: timeline.Timeline, from_on: date, until_on: date) -> list[planner.Night]:
    """The days with a dose."""
    found = timeline.days(intended, from_on, until_on)
    return [planner.night(one.on, one.dose, one.time_of_day) for one in found if one.dose is not None]


def _quantity(nights: Sequence[planner.Night], formulation: Formulation) -> str:
    """What they take in whole units, each strength by itself."""
    many = planner.plan(nights, formulation).to_dispense
    return unparted(" and ".join(planner.Part(unit, amount).words for unit, amount in many.items()))


def _ending(intended: timeline.Timeline) -> str:
    last = intended[-1]
    match last.state:
        case timeline.State.REVIEW:
            return f"From {day(last.from_on)} the last dose goes on until a prescriber has reviewed it."
        case timeline.State.ENDED:
            return f"The plan ends: no dose from {day(last.from_on)} on."
        case _:
            return f"{last.dose} then goes on with no end set."


def _dispense(intended: timeline.Timeline, formulation: Formulation, slot: Slot, nights: int) -> str:
    """How much, for how long; never for longer than the plan lasts."""
    first, ends = intended[0].from_on, supply.steps(intended)[-1].to_on
    until_on = first + timedelta(days=nights)
    if ends is not None and until_on >= ends:
        doses = _doses(intended, first, ends)
        return f"{_quantity(doses, formulation)} for all {doses_each(len(doses), slot)} of the plan"
    doses = _doses(intended, first, until_on)
    last = day(until_on - timedelta(days=1))
    return f"{_quantity(doses, formulation)} for {doses_each(len(doses), slot)}, to {last}"


def _length(protocol: Protocol) -> str:
    finite = sum(rung.days for rung in protocol.rungs if rung.days is not None)
    top = protocol.rungs[-1].dose
    match protocol.then:
        case Then.OPEN:
            return f"{top} from day {finite + 1} on"
        case Then.REVIEW:
            return f"{finite} days, then a review"
        case Then.END:
            return f"{finite} days, then it ends"
