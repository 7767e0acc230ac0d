"""The words of a prescription and of a patient's schedule, as plain data for the press, from arguments alone."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from common.dose import Dose, in_words
from common.night import Slot
from titration.engine import planner, timeline
from titration.engine.formulation import RELEASE, Filler, Form, Formulation, Unit
from titration.engine.planner import Night
from titration.engine.record import Cycle
from titration.engine.timeline import State, Timeline
from titration.engine.words import day_in_words

DRUG = "nalTREXone HCl, compounded, immediate release"
FILLERS = {
    Filler.ANY: "The pharmacy's usual filler, but no calcium carbonate",
    Filler.LACTOSE_FREE: "Free of lactose; no calcium carbonate",
    Filler.CELLULOSE: "Microcrystalline cellulose; no calcium carbonate",
    Filler.SUCROSE: "Sucrose; no calcium carbonate",
    Filler.PROBIOTIC: "Probiotic powder; no calcium carbonate",
    Filler.LACTOSE: "Lactose, which the patient tolerates; no calcium carbonate",
}
FORMS = {
    Form.CAPSULES: ("Capsules", "by mouth"),
    Form.TABLETS: ("Tablets", "by mouth"),
    Form.SUBLINGUAL: ("Sublingual tablets", "under the tongue"),
    Form.LIQUID: ("Oral liquid", "by mouth"),
    Form.DROPS: ("Sublingual drops", "under the tongue"),
    Form.CREAM: ("Cream", "on the skin"),
}
TIMES = {Slot.BEDTIME: "at bedtime", Slot.MORNING: "in the morning", Slot.SPLIT: "in two halves, morning and bedtime"}
WAIT_FOR_THE_CLINIC = "Increase only when your clinic confirms."
NO_DOSE = "No dose on these days"
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Run:
    """Days of a schedule that are told in one line: a dose and when it is taken, or none. `until_on` excluded.

    Under a `cycle` the dose is left out on its days off; `nights` are the days with one.
    """

    from_on: date
    until_on: date
    dose: Dose | None
    slot: Slot
    cycle: Cycle | None
    nights: tuple[Night, ...]


def runs(schedule: Timeline, *, from_on: date, until_on: date) -> list[Run]:
    """The days up to and without a date, from the first with a dose on; after the end of the plan there are none."""
    found: list[Run] = []
    for segment in schedule:
        start, end = max(segment.from_on, from_on), min(segment.to_on or until_on, until_on)
        if start >= end or segment.state is State.ENDED:
            continue
        told = (segment.dose, segment.time_of_day if segment.dose else Slot.BEDTIME, segment.cycle)
        if found and (found[-1].dose, found[-1].slot, found[-1].cycle) == told:
            start = found.pop().from_on
        days = (day for day in timeline.days(schedule, start, end) if day.dose is not None)
        nights = tuple(planner.night(day.on, day.dose, day.time_of_day) for day in days)
        found.append(Run(from_on=start, until_on=end, dose=told[0], slot=told[1], cycle=told[2], nights=nights))
    while found and not found[0].nights:
        del found[0]
    return found


Line = list[str | None]


def lines(many: Sequence[Run]) -> list[Line]:
    """The runs as plain data that can be kept, to be held against later ones by `still_says`."""
    return [
        [
            run.from_on.isoformat(),
            run.until_on.isoformat(),
            str(run.dose) if run.dose else None,
            run.slot.value,
            f"{run.cycle.from_on} {run.cycle.days_on} {run.cycle.days_off}" if run.cycle else None,
        ]
        for run in many
    ]


def still_says(printed: Sequence[Line], now: Sequence[Line], *, today: date) -> bool:
    """Whether what was printed says of every day from today on, as far as it reaches, what is intended now."""
    last = max((str(line[1]) for line in printed), default="")
    return _days_to_come(printed, today, last) == _days_to_come(now, today, last)


def _days_to_come(many: Sequence[Line], today: date, last: str) -> list[Line]:
    clipped = [[max(str(line[0]), today.isoformat()), min(str(line[1]), last), *line[2:]] for line in many]
    coming = [line for line in clipped if str(line[0]) < str(line[1])]
    return [line for number, line in enumerate(coming) if line[2] is not None or number]


def all_nights(many: Sequence[Run]) -> list[Night]:
    """The days with a dose."""
    return [night for run in many for night in run.nights]


@dataclass(frozen=True, kw_only=True)
class Letterhead:
    name: str
    address: str
    phone: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a prescription says beside its doses. `runs` are the days it is for, in order."""

    letterhead: Letterhead
    patient: str
    born_on: date
    record_number: str
    address: str
    allergies: str
    indication: str
    formulation: Formulation
    runs: Sequence[Run]
    planned: bool
    refills: int
    pharmacy: str
    note: str
    course_version: int
    number: int
    on: date


@dataclass(frozen=True, kw_only=True)
class Prescriber:
    name: str
    licence: str
    npi: str


def weekday(day: date) -> str:
    """As in "Monday 6 January 2025"."""
    return f"{_WEEKDAYS[day.weekday()]} {day_in_words(day)}"


def prescription(facts: Facts) -> dict[str, Any]:
    """All that is signed, and nothing of who signs it; raises `EngineRefusal` where a dose cannot be made."""
    nights = all_nights(facts.runs)
    plan = planner.plan(nights, facts.formulation)
    form, route = FORMS[facts.formulation.form]
    highest = max(run.dose for run in facts.runs if run.dose is not None)
    slots = list(dict.fromkeys(run.slot for run in facts.runs if run.nights))
    when = TIMES[slots[0]] if len(slots) == 1 else "at the time of day in the table"
    return {
        "title": "Prescription",
        "clinic": {
            "name": facts.letterhead.name,
            "lines": [*facts.letterhead.address.splitlines(), f"Telephone {facts.letterhead.phone}"],
        },
        "date": day_in_words(facts.on),
        "number": f"Prescription {facts.number}, plan version {facts.course_version}",
        "patient": [
            ["Name", facts.patient],
            ["Born", day_in_words(facts.born_on)],
            ["Address", facts.address],
            ["Record number", facts.record_number],
            ["Allergies", facts.allergies],
            ["For", facts.indication],
        ],
        "drug": DRUG,
        "medicine": [
            ["Form and strength", facts.formulation.named],
            ["Release", f"{RELEASE.capitalize()} release only; never slow, sustained or timed release"],
            ["Filler", FILLERS[facts.formulation.filler]],
        ],
        "how": f"{form}, {route}, {when}. At most {highest} ({in_words(highest)}) a day.",
        "steps": [_step(run, facts.formulation, several=len(slots) > 1) for run in facts.runs],
        "sentences": [
            "Steps happen on their day unless the clinic says otherwise."
            if facts.planned
            else "The patient steps up only when the clinic confirms it; the dates are what is intended.",
            "No substitution with 50 mg tablets, nor with anything made from them.",
            *([f"Note: {facts.note}"] if facts.note else []),
        ],
        "dispense": [
            ["Quantity", quantity(plan.to_dispense)],
            ["For", f"{len(nights)} doses, {day_in_words(nights[0].on)} to {day_in_words(nights[-1].on)}"],
            ["Refills", "None" if not facts.refills else str(facts.refills)],
            ["Pharmacy", facts.pharmacy or "Any compounding pharmacy"],
        ],
    }


def signed(content: Mapping[str, Any], by: Prescriber, *, at: str) -> dict[str, Any]:
    """The same prescription with who signed it and when."""
    identity = [["Licence", by.licence], ["NPI", by.npi]]
    rows = [["Signed by", by.name], *([name, said] for name, said in identity if said), ["Signed on", at]]
    return {**content, "prescriber": rows}


def printed(content: Mapping[str, Any], *, draft: bool, reprint_of: str, hash_words: str) -> dict[str, Any]:
    """What goes to the press: a draft is marked across the page, a reprint says that it is one."""
    unsigned = {"prescriber": [["Signature", "Not signed. A draft is no prescription and must not be dispensed."]]}
    return {
        **(unsigned if draft else {}),
        **content,
        "watermark": "DRAFT" if draft else "",
        "reprint": f"REPRINT of {reprint_of}. Do not dispense twice." if reprint_of else "",
        "footer": f"{content['number']}, {content['date']}. {hash_words}",
    }


def quantity(many: Mapping[Unit, Fraction]) -> str:
    """As in "84 capsules of 1.5 mg"."""
    return " and ".join(planner.Part(unit, amount).words for unit, amount in many.items())


def _step(run: Run, formulation: Formulation, *, several: bool) -> dict[str, str]:
    said = {"from": day_in_words(run.from_on), "to": day_in_words(run.until_on - _ONE_DAY)}
    if run.dose is None:
        return {**said, "dose": "none", "each": NO_DOSE, "nights": "0", "units": ""}
    needed = planner.plan(run.nights, formulation).needed
    units = (
        unit.counted(amount) if len(needed) == 1 else planner.Part(unit, amount).words
        for unit, amount in needed.items()
    )
    return {
        **said,
        "dose": str(run.dose),
        "each": _each(run, run.dose, formulation, time=several),
        "nights": str(len(run.nights)),
        "units": " + ".join(units),
    }


def _each(run: Run, dose: Dose, formulation: Formulation, *, time: bool) -> str:
    """What is taken on one day: "2 capsules of 1.5 mg", each half told apart, and on which days where not on all."""
    made = planner.in_words(planner.takings(dose, run.slot, formulation))
    when = f", {TIMES[run.slot]}" if time and run.slot is not Slot.SPLIT else ""
    if run.cycle is None:
        return f"{made}{when}"
    on, off = run.cycle.days_on, run.cycle.days_off
    return f"{made}{when}; {on} days with a dose, then {off} without, in turn from {weekday(run.cycle.from_on)}"


def schedule(
    *,
    clinic: Letterhead,
    patient: str,
    formulation: Formulation,
    runs: Sequence[Run],
    goes_on: bool,
    planned: bool,
    version: int,
    on: date,
    large: bool,
) -> dict[str, Any]:
    """The patient's own page: dates with weekdays, doses and what to take, and the rule about stepping up."""
    last = len(runs) - 1
    return {
        "title": "Your dose, day by day",
        "clinic": clinic.name,
        "who": f"For {patient}. Version {version}, made on {weekday(on)}.",
        "first": [] if planned else [WAIT_FOR_THE_CLINIC],
        "steps": [
            {
                "when": _when(run, open_end=goes_on and number == last),
                "dose": str(run.dose) if run.dose else "none",
                "each": _each(run, run.dose, formulation, time=True) if run.dose else NO_DOSE,
            }
            for number, run in enumerate(runs)
        ],
        "rules": [
            "This page replaces all older ones. Throw older ones away.",
            "The dates are what is intended. Until your clinic confirms a step, stay at the dose you take now."
            if not planned
            else "If your clinic tells you to hold or to stop, that counts more than this page.",
            "Never take two doses to make up for one you left out.",
            "Before any opioid painkiller, cough or diarrhoea medicine, or an operation: ask your clinic first.",
            f"Questions: telephone {clinic.phone}.",
        ],
        "footer": f"Version {version}, {day_in_words(on)}. Replaces all older ones.",
        "large": large,
    }


def _when(run: Run, *, open_end: bool) -> str:
    if open_end:
        return f"From {weekday(run.from_on)} on"
    if run.until_on - run.from_on == _ONE_DAY:
        return weekday(run.from_on)
    return f"{weekday(run.from_on)} to {weekday(run.until_on - _ONE_DAY)}"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Whom a letter is about."""

    name: str
    born_on: date
    record_number: str


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A procedure as a letter names it; `hours` before it the last dose is, if `in_time`."""

    on: date
    time: time | None
    words: str
    hours: int
    in_time: bool


@dataclass(frozen=True, kw_only=True)
class DoseTold:
    """A dose of the plan and when in the day it is taken."""

    dose: Dose
    slot: Slot


@dataclass(frozen=True, kw_only=True)
class Told:
    """The last dose the patient told of: its plan date, how much, and when by the patient's clock, where told."""

    on: date
    dose: Dose | None
    at: datetime | None


@cache
def _letter_words() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "procedure_letter.toml").read_text("utf-8"))


def procedure_letter(
    *,
    clinic: Letterhead,
    patient: Subject,
    procedure: Operation,
    dose: DoseTold | None,
    last_planned_on: date | None,
    last_told: Told | None,
    on: date,
) -> dict[str, Any]:
    """The letter for the anaesthetist. What is not known is said to be so."""
    words = _letter_words()
    at = f", {procedure.time:%H:%M}" if procedure.time else ""
    return {
        "title": words["title"],
        "clinic": {"name": clinic.name, "lines": [*clinic.address.splitlines(), f"Telephone {clinic.phone}"]},
        "date": day_in_words(on),
        "patient": [
            ["Patient", patient.name],
            ["Born", day_in_words(patient.born_on)],
            ["Record number", patient.record_number],
            ["Procedure", f"{procedure.words}, {weekday(procedure.on)}{at}"],
        ],
        "begins": words["begins"],
        "dose": [
            ["Medicine", DRUG],
            [
                "Dose",
                f"{dose.dose} ({in_words(dose.dose)}) {TIMES[dose.slot]}" if dose else "No dose is planned before it",
            ],
            [
                "Last dose planned",
                _planned(last_planned_on, procedure) if last_planned_on else "None",
            ],
            ["Last dose told by the patient", _told(last_told)],
        ],
        "under": words["under"],
        "emergency": words["emergency"],
        "after": words["after"],
        "call": f"Questions: {clinic.name}, telephone {clinic.phone}.",
        "footer": f"{patient.record_number}, {day_in_words(on)}."
        + (" These sentences wait for a clinician's review." if words["review"] == "pending" else ""),
    }


def _planned(on: date, procedure: Operation) -> str:
    if procedure.in_time:
        return f"{weekday(on)}, at least {procedure.hours} hours before the procedure"
    return f"{weekday(on)}: LESS than {procedure.hours} hours before the procedure"


def _told(last: Told | None) -> str:
    if last is None:
        return "None told: ask the patient"
    amount = f", {last.dose}" if last.dose else ""
    taken = f", taken at {last.at:%H:%M} on {day_in_words(last.at.date())}" if last.at else ""
    return f"{weekday(last.on)}{amount}{taken}"
