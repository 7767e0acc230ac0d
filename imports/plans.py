"""Pure: the columns of a plan: one that begins, one that waits for its medicine, or one that goes on.

A row without a template has no plan, and then nothing else of one may stand in it. Doses are read as everywhere
(`common.dose`, `common.dose_limits`): nothing is rounded, and what can be misread is refused.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from common.dose import Dose
from common.dose_limits import Asks, asks, warning
from common.night import Slot
from common.refusals import Refused
from imports.columns import MISSING, Column, Facts, Template
from imports.dates import read_date
from titration.engine.course import Course
from titration.engine.formulation import Formulation
from titration.engine.protocol import Protocol

T = TypeVar("T")
CONFIRMED, PLANNED = "confirmed", "planned"
AWAITING = "awaiting medicine"
LONGEST_DOSE = 40

NO_TEMPLATE = (
    "There is something of a plan in this row, but no template. Name the template, or empty the plan's columns."
)
BEGINS_WHEN = (
    f"Write the date of the first dose, or “{AWAITING}”. Who takes it already has a current dose instead, "
    "and the day since which it is that."
)
GOES_ON = "Who takes it already does not begin: leave this empty, or take the current dose out."
BEGINS = "Only who takes it already has such a day: write the current dose, or leave this empty."
ASK_OPIOIDS = "Answer this with no, or leave the plan out: nothing is signed without it."
SINCE_WHEN = "Write since when the current dose is taken. Where it never changed, that is the day of the first dose."
NO_ROOM = "A table has no room for that: bring this patient without a plan, and prescribe on the patient's page."
ASKS_MORE = (
    "This template asks what a table has no room for: a weight, an answer before a step, or days off. Bring this "
    "patient without a plan, and prescribe on the patient's page."
)


@dataclass(frozen=True, slots=True)
class Written:
    """A dose, and how it was written."""

    dose: Dose
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a row says of a plan. `first_dose` is that of who takes it already, since `start_on`.

    `start_on` is None while the plan waits for its medicine.
    """

    template: Template
    opioids: str
    start_on: date | None
    first_dose: Written | None
    taking_since: date | None
    target: Written | None
    slot: Slot
    strengths: tuple[Written, ...]
    mode: str

    @property
    def awaiting(self) -> bool:
        return self.start_on is None

    @property
    def formulation(self) -> Formulation:
        """What the doses are made of."""
        return Formulation.capsules(*(strength.dose for strength in self.strengths))

    @property
    def date_column(self) -> str:
        """Where the day stands from which the plan counts."""
        return STARTS_ON if self.first_dose is None else LAST_CHANGED_ON

    def course(self, today: date) -> Course:
        """The course as it would be, whether or not it may be."""
        return Course(
            self.template.protocol,
            self.start_on or today,
            first_dose=self.first_dose.dose if self.first_dose else None,
            awaiting=self.awaiting,
            target=self.target.dose if self.target else None,
            time_of_day=self.slot,
        )


def fits(protocol: Protocol) -> bool:
    """Whether the columns of a table say all that this template asks."""
    return not (protocol.needs_weight or protocol.conditions or protocol.cycle)


def _template(text: str, facts: Facts) -> Template | None:
    if not text:
        return None
    wanted = " ".join(text.split()).casefold()
    found = [one for one in facts.templates if wanted in (one.protocol.id.casefold(), one.protocol.label.casefold())]
    if not found:
        raise Refused(f"“{text[:60]}” is none of your clinic's templates. Write its code, like STD-2W.")
    if len(found) > 1:
        names = " and ".join(f"“{one.protocol.label}”" for one in found)
        raise Refused(f"Several templates are called that: {names}. Write the whole name.")
    if not fits(found[0].protocol):
        raise Refused(ASKS_MORE)
    return found[0]


def _opioids(text: str, facts: Facts) -> str:
    if not text:
        return ""
    return _one_of(text, {"no": "no", "yes": "yes", "unknown": "unknown", "not known": "unknown"}, "no, yes or unknown")


def _slot(text: str, facts: Facts) -> Slot:
    words = {slot.value: slot for slot in Slot}
    return _one_of(text or Slot.BEDTIME.value, words, "bedtime, morning or split")


def _mode(text: str, facts: Facts) -> str:
    return _one_of(text or CONFIRMED, {word: word for word in (CONFIRMED, PLANNED)}, f"{CONFIRMED} or {PLANNED}")


def _one_of(text: str, words: Mapping[str, T], said: str) -> T:
    plain = " ".join(text.split()).casefold()
    if plain not in words:
        raise Refused(f"“{text[:60]}” is not understood here. Write {said}.")
    return words[plain]


def _starts_on(text: str, facts: Facts) -> date | str:
    """The day, or one of the two words that stand for none."""
    plain = " ".join(text.split()).casefold()
    return AWAITING if plain in (AWAITING, "awaiting") else read_date(text) if text else ""


def _day(text: str, facts: Facts) -> date | None:
    return read_date(text) if text else None


def _dose(text: str, facts: Facts) -> Written | None:
    if not text:
        return None
    if len(text) > LONGEST_DOSE:
        raise Refused(f"A dose is written in at most {LONGEST_DOSE} characters.")
    return Written(Dose.parse(text), text)


def _dose_to_take(text: str, facts: Facts) -> Written | None:
    written = _dose(text, facts)
    if written is not None and asks(written.dose) is not Asks.NOTHING:
        raise Refused(f"{warning(written.dose)} {NO_ROOM}")
    return written


def _strengths(text: str, facts: Facts) -> tuple[Written, ...]:
    """One strength or several; a comma is a decimal's, so several are parted by semicolons."""
    read = tuple(_dose(part.strip(), facts) for part in text.split(";") if part.strip())
    return tuple(one for one in read if one is not None)


PLAN, OPIOIDS, STARTS_ON, CURRENT_DOSE = "plan", "opioids", "starts_on", "current_dose"
LAST_CHANGED_ON, TAKING_SINCE, TARGET = "last_changed_on", "taking_since", "target_dose"
TIME_OF_DAY, STRENGTH, STEPS = "time_of_day", "capsule_strength", "steps"
COLUMNS: tuple[Column[Any], ...] = (
    Column(
        name=PLAN,
        words="The template of the plan, by its code. Left empty, the patient comes without a plan.",
        example="STD-2W",
        needed="no",
        read=_template,
    ),
    Column(
        name=OPIOIDS,
        words="Any opioid in the last 14 days, or planned? Only with a no can the plan be signed.",
        example="no",
        needed="with a plan",
        read=_opioids,
    ),
    Column(
        name=STARTS_ON,
        words=f"For who begins: the date of the first dose, or “{AWAITING}” while nobody knows it.",
        example=AWAITING,
        needed="to begin",
        read=_starts_on,
    ),
    Column(
        name=CURRENT_DOSE,
        words="For who takes it already: the dose of the whole day now, in milligrams.",
        example="3",
        needed="to go on",
        read=_dose_to_take,
    ),
    Column(
        name=LAST_CHANGED_ON,
        words="For who takes it already: the day since which the dose is the current one. Steps count from it.",
        example="2025-11-30",
        needed="to go on",
        read=_day,
    ),
    Column(
        name=TAKING_SINCE,
        words="For who takes it already: the day of the first dose ever. Left empty where nobody knows it.",
        example="2025-06-30",
        needed="no",
        read=_day,
    ),
    Column(
        name=TARGET,
        words="The dose aimed at, in milligrams: no step goes above it. Who is to stay where they are has the current "
        "dose here. Left empty, it is the template's highest.",
        example="4.5",
        needed="no",
        read=_dose_to_take,
    ),
    Column(
        name=TIME_OF_DAY,
        words="bedtime, morning, or split (half in the morning, half at bedtime). Left empty: bedtime.",
        example="bedtime",
        needed="no",
        read=_slot,
    ),
    Column(
        name=STRENGTH,
        words="What one capsule holds, in milligrams; several strengths are parted by semicolons. Every dose of the "
        "plan must be whole capsules.",
        example="0.5; 1.5",
        needed="with a plan",
        read=_strengths,
    ),
    Column(
        name=STEPS,
        words=f"{CONFIRMED}: a person lets each step happen. {PLANNED}: steps happen on their day unless something "
        f"speaks against them. Left empty: {CONFIRMED}.",
        example=CONFIRMED,
        needed="no",
        read=_mode,
    ),
)
NAMES = frozenset(column.name for column in COLUMNS)


def faults(values: Mapping[str, Any], filled: Collection[str], born: date | None) -> Iterator[tuple[str, str]]:
    """What does not go together in one row, by column. `filled` names the cells with anything in them, `values` holds
    what could be read.
    """
    if PLAN not in filled:
        if not NAMES.isdisjoint(filled):
            yield PLAN, NO_TEMPLATE
        return
    if OPIOIDS not in filled:
        yield OPIOIDS, ASK_OPIOIDS
    if STRENGTH not in filled or values.get(STRENGTH) == ():
        yield STRENGTH, MISSING
    yield from _going_on(values, filled, born) if CURRENT_DOSE in filled else _beginning(filled)
    yield from _target(values)


def _beginning(filled: Collection[str]) -> Iterator[tuple[str, str]]:
    if STARTS_ON not in filled:
        yield STARTS_ON, BEGINS_WHEN
    for name in (LAST_CHANGED_ON, TAKING_SINCE):
        if name in filled:
            yield name, BEGINS


def _going_on(values: Mapping[str, Any], filled: Collection[str], born: date | None) -> Iterator[tuple[str, str]]:
    changed_on, since = values.get(LAST_CHANGED_ON), values.get(TAKING_SINCE)
    if STARTS_ON in filled:
        yield STARTS_ON, GOES_ON
    if LAST_CHANGED_ON not in filled:
        yield LAST_CHANGED_ON, SINCE_WHEN
    if changed_on and since and since > changed_on:
        yield TAKING_SINCE, "This is after the day on which the dose was last changed. Check both."
    for name, day in ((LAST_CHANGED_ON, changed_on), (TAKING_SINCE, since)):
        if born and day and day < born:
            yield name, "This is before the patient was born. Check it."


def _target(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    target, current, template = values.get(TARGET), values.get(CURRENT_DOSE), values.get(PLAN)
    if target is None:
        return
    if current is not None:
        if target.dose < current.dose:
            yield TARGET, f"This is less than the current dose of {current.dose}. Check both."
        elif target.dose == current.dose:
            return
    if template is None:
        return
    first, top = template.protocol.rungs[0].dose, template.protocol.rungs[-1].dose
    if current is None and target.dose < first:
        yield TARGET, f"The template begins with {first}, which is more."
    elif target.dose > top:
        yield TARGET, f"The template goes to {top} and no higher. Write that, or choose another template."


def of(values: Mapping[str, Any]) -> Plan | None:
    """The plan of a row without a fault."""
    if values[PLAN] is None:
        return None
    starts_on, first_dose = values[STARTS_ON], values[CURRENT_DOSE]
    begins_on = None if starts_on == AWAITING else starts_on
    return Plan(
        template=values[PLAN],
        opioids=values[OPIOIDS],
        start_on=values[LAST_CHANGED_ON] if first_dose else begins_on,
        first_dose=first_dose,
        taking_since=values[TAKING_SINCE],
        target=values[TARGET],
        slot=values[TIME_OF_DAY],
        strengths=values[STRENGTH],
        mode=values[STEPS],
    )
