"""The words of a prescription and of a patient's schedule, as plain data for the press, from arguments alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from common.dose import in_words
from common.night import Slot
from titration.engine import planner
from titration.engine.formulation import RELEASE, Filler, Form, Formulation, Unit
from titration.engine.planner import Night, Stretch
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
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, kw_only=True)
class Letterhead:
    name: str
    address: str
    phone: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a prescription says beside its doses. `nights` are the days it is for, in order, each with its doses."""

    letterhead: Letterhead
    patient: str
    born_on: date
    record_number: str
    address: str
    allergies: str
    indication: str
    formulation: Formulation
    nights: Sequence[Night]
    slot: Slot
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
    plan = planner.plan(facts.nights, facts.formulation)
    form, route = FORMS[facts.formulation.form]
    highest = max(stretch.dose for stretch in plan.stretches)
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
        "how": f"{form}, {route}, {TIMES[facts.slot]}. At most {highest} ({in_words(highest)}) a day.",
        "steps": [_step(stretch) for stretch in plan.stretches],
        "sentences": [
            "Steps happen on their day unless the clinic says otherwise."
            if facts.planned
            else "The patient steps up only when the clinic confirms it; the dates are what is intended.",
            "No substitution with 50 mg tablets, nor with anything made from them.",
            *([f"Note: {facts.note}"] if facts.note else []),
        ],
        "dispense": [
            ["Quantity", quantity(plan.to_dispense)],
            ["For", f"{len(plan_nights(facts.nights))} doses, {_span(plan.stretches)}"],
            ["Refills", "None" if not facts.refills else str(facts.refills)],
            ["Pharmacy", facts.pharmacy or "Any compounding pharmacy"],
        ],
    }


def plan_nights(nights: Sequence[Night]) -> list[Night]:
    """The days on which something is taken."""
    return [night for night in nights if night.doses]


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


def _step(stretch: Stretch) -> dict[str, str]:
    return {
        "from": day_in_words(stretch.from_on),
        "to": day_in_words(stretch.until_on - timedelta(days=1)),
        "dose": str(stretch.dose),
        "each": planner.in_words(stretch.takings),
        "nights": str(stretch.nights),
        "units": " + ".join(unit.counted(amount) for unit, amount in stretch.needed.items()),
    }


def _span(stretches: Sequence[Stretch]) -> str:
    return f"{day_in_words(stretches[0].from_on)} to {day_in_words(stretches[-1].until_on - timedelta(days=1))}"


def schedule(
    *,
    clinic: Letterhead,
    patient: str,
    formulation: Formulation,
    nights: Sequence[Night],
    goes_on: bool,
    slot: Slot,
    planned: bool,
    version: int,
    on: date,
    large: bool,
) -> dict[str, Any]:
    """The patient's own page: dates with weekdays, doses and what to take, and the rule about stepping up."""
    stretches = planner.plan(nights, formulation).stretches
    last = len(stretches) - 1
    return {
        "title": "Your dose, day by day",
        "clinic": clinic.name,
        "who": f"For {patient}. Version {version}, made on {weekday(on)}.",
        "first": [] if planned else [WAIT_FOR_THE_CLINIC],
        "steps": [
            {
                "when": _when(stretch, open_end=goes_on and number == last),
                "dose": str(stretch.dose),
                "each": f"{planner.in_words(stretch.takings)}{'' if slot is Slot.SPLIT else f', {TIMES[slot]}'}",
            }
            for number, stretch in enumerate(stretches)
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


def _when(stretch: Stretch, *, open_end: bool) -> str:
    if open_end:
        return f"From {weekday(stretch.from_on)} on"
    return f"{weekday(stretch.from_on)} to {weekday(stretch.until_on - timedelta(days=1))}"
