"""A patient's supply in words: what is left, how long it lasts, and what to do about it."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from common.dose import Dose
from desk.presenters.days import day, day_short
from titration.engine import effect, planner, stock
from titration.engine.formulation import Unit
from titration.engine.planner import CannotBeMade
from titration.engine.refusals import EngineRefusal
from titration.models import Fill, PrescriptionPaper
from titration.selectors import supply as supply_selectors
from titration.selectors.supply import Lot, RefillDue, Supply

MONTH_DAYS = 30
FILLER_TO_ASK_ABOUT = "calcium carbonate"
PAPER_WORDS = {
    PrescriptionPaper.State.DRAFT: "drafted, not signed",
    PrescriptionPaper.State.SIGNED: "signed, not sent",
    PrescriptionPaper.State.SENT: "sent to the pharmacy",
    PrescriptionPaper.State.RECEIVED: "received by the pharmacy",
    PrescriptionPaper.State.READY: "ready",
    PrescriptionPaper.State.VOID: "void",
}


@dataclass(frozen=True)
class FillLine:
    """One fill as it is listed."""

    id: uuid.UUID
    on: str
    what: str
    lot: str
    lot_key: str
    pharmacy: str
    beyond_use: str
    filler: str


@dataclass(frozen=True)
class Strip:
    """How the supply stands. `tone` is "good", "care" or "danger"; a sentence with nothing to say is empty."""

    tone: str
    left: str
    lasts: str
    refill: str
    notes: tuple[str, ...]
    month: str
    fills: tuple[FillLine, ...]


def strip(supply: Supply, dose: Dose | None) -> Strip:
    """The strip of one patient; `dose` is the one in force, None without."""
    standing = supply.standing
    fills = tuple(fill_line(fill) for fill in supply.fills)
    if standing is None:
        return Strip("", "", "No fill is recorded, so nobody can say how long the supply lasts.", "", (), "", fills)
    return Strip(
        tone=_tone(standing, supply.as_of),
        left=amounts(standing.left) or "Nothing is left that may be taken",
        lasts=_lasts(standing, supply.as_of, dose),
        refill=_refill(standing, supply.as_of),
        notes=tuple(_notes(standing, supply, dose)),
        month=_month(supply.fills, dose),
        fills=fills,
    )


def amounts(many: Mapping[Unit, Fraction]) -> str:
    """As in "26 capsules of 1.5 mg and 10 capsules of 3 mg"."""
    return " and ".join(planner.Part(unit, amount).words for unit, amount in many.items())


def fill_line(fill: Fill) -> FillLine:
    held = supply_selectors.stock_fill(fill)
    return FillLine(
        id=fill.id,
        on=day(fill.on),
        what=_what(held),
        lot=fill.lot,
        lot_key=fill.lot_key,
        pharmacy=fill.pharmacy.name if fill.pharmacy else "",
        beyond_use=day(fill.beyond_use_on) if fill.beyond_use_on else "",
        filler=fill.filler,
    )


def _what(held: stock.Fill) -> str:
    return planner.Part(held.unit, held.units).words


def _tone(standing: stock.Standing, as_of: date) -> str:
    if standing.run_out_on and standing.run_out_on <= as_of + timedelta(days=1):
        return "danger"
    if standing.refill_due_on and standing.refill_due_on <= as_of:
        return "care"
    return "good"


def _lasts(standing: stock.Standing, as_of: date, dose: Dose | None) -> str:
    if dose is None and standing.run_out_on is None:
        return "No dose is in force, so nothing is used up."
    if standing.run_out_on is None:
        return "It lasts as far as the plan reaches."
    if standing.run_out_on <= as_of:
        return "It does not make the next dose."
    short = " It does not reach into the next step." if standing.short_by_next_step else ""
    last = standing.run_out_on - timedelta(days=1)
    return (
        f"By the steps intended it lasts to {day(last)}; from {day_short(standing.run_out_on)} on it is short.{short}"
    )


def _refill(standing: stock.Standing, as_of: date) -> str:
    if standing.refill_due_on is None:
        return ""
    if standing.refill_due_on <= as_of:
        return "A refill is due now."
    return f"A refill is due from {day(standing.refill_due_on)}."


def _notes(standing: stock.Standing, supply: Supply, dose: Dose | None) -> Sequence[str]:
    notes = []
    if standing.beyond_use:
        notes.append(f"Beyond its use date and not counted: {amounts(standing.beyond_use)}.")
    if standing.next_beyond_use_on:
        notes.append(f"The first beyond-use date is {day(standing.next_beyond_use_on)}.")
    if standing.unexplained:
        nights = "1 dose" if standing.unexplained == 1 else f"{standing.unexplained} doses"
        notes.append(f"{nights} counted as taken could not have been made of what is recorded: is a fill missing?")
    if dose is not None and standing.left and (sentence := not_made_of(dose, tuple(standing.left))):
        notes.append(sentence)
    if any(FILLER_TO_ASK_ABOUT in fill.filler.lower() for fill in supply.fills):
        notes.append("One fill was made with calcium carbonate, which may reduce the effect. Ask the pharmacy.")
    return notes


def not_made_of(dose: Dose, units: tuple[Unit, ...]) -> str:
    """The sentence why units of these kinds, however many, cannot make the dose; "" where they can."""
    try:
        planner.make(dose, units)
    except CannotBeMade as refusal:
        return f"{refusal.sentence} {refusal.offer}"
    return ""


def _month(fills: Sequence[Fill], dose: Dose | None) -> str:
    """What thirty days of this dose cost by the last known prices; "" where one is not known."""
    prices = supply_selectors.unit_prices(fills)
    if dose is None or not prices:
        return ""
    units = tuple(prices)
    try:
        parts = planner.make(dose, units)
    except EngineRefusal:
        return ""
    total = sum((Fraction(prices[part.unit]) * part.amount for part in parts), start=Fraction(0)) * MONTH_DAYS
    return (
        f"About {Decimal(total.numerator) / total.denominator:.2f} for {MONTH_DAYS} days at {dose}, by the last prices."
    )


def effect_words(change: effect.Effect) -> tuple[str, ...]:
    """What a change does to the supply, in sentences; one where it does nothing."""
    if change.moves_nothing:
        return ("No day has another dose than before, so the supply lasts as long.",)
    said = (_need_words(change), _doses_words(change), _lasts_words(change), _left_words(change))
    return tuple(sentence for sentence in said if sentence)


def _need_words(change: effect.Effect) -> str:
    more = {unit: amount for unit, amount in change.need.items() if amount > 0}
    less = {unit: -amount for unit, amount in change.need.items() if amount < 0}
    said = [f"{amounts(more)} more"] if more else []
    said += [f"{amounts(less)} less"] if less else []
    until = day(change.until_on - timedelta(days=1))
    return f"Up to {until} it takes {' and '.join(said) or 'as many units as before'}."


def _doses_words(change: effect.Effect) -> str:
    if not change.doses_fewer:
        return ""
    more = "fewer" if change.doses_fewer > 0 else "more"
    return f"That is {_doses(abs(change.doses_fewer))} {more}."


def _doses(count: int) -> str:
    return "1 dose" if count == 1 else f"{count} doses"


def _lasts_words(change: effect.Effect) -> str:
    was, will = change.run_out_was, change.run_out_will
    if was == will:
        return f"What is in hand still lasts to {day(will - timedelta(days=1))}." if will else ""
    lasts = f"to {day(will - timedelta(days=1))}" if will else "as far as the plan reaches"
    instead = f"to {day_short(was - timedelta(days=1))}" if was else "as far as the plan reaches"
    short = f" It is {_doses(change.short_doses)} short." if change.short_doses else ""
    return f"What is in hand lasts {lasts} instead of {instead}.{short}"


def _left_words(change: effect.Effect) -> str:
    if not change.run_out_was or not change.left_over:
        return ""
    return f"On {day_short(change.run_out_was)}, when it would have run out, {amounts(change.left_over)} are left over."


@dataclass(frozen=True, kw_only=True)
class RefillLine:
    """A refill on the day's list."""

    patient_id: uuid.UUID
    name: str
    left: str
    runs_out: str
    out: bool
    paper: str


def refill_line(row: RefillDue) -> RefillLine:
    run_out_on = row.standing.run_out_on
    out = run_out_on is not None and run_out_on <= row.as_of
    return RefillLine(
        patient_id=row.prescription.patient_id,
        name=row.prescription.patient.name,
        left=amounts(row.standing.left) or "nothing",
        runs_out=_runs_out(row.standing, out),
        out=out,
        paper=f"Prescription {PAPER_WORDS[PrescriptionPaper.State(row.paper.state)]}" if row.paper else "",
    )


def _runs_out(standing: stock.Standing, out: bool) -> str:
    if out:
        return "does not make the next dose"
    if standing.run_out_on is None:
        return f"may be taken to {day_short(standing.next_beyond_use_on)}" if standing.next_beyond_use_on else ""
    return f"lasts to {day_short(standing.run_out_on - timedelta(days=1))}"


@dataclass(frozen=True)
class LotPatient:
    patient_id: uuid.UUID
    name: str
    record_number: str
    what: str
    on: str
    pharmacy: str
    beyond_use: str


def lot_patients(fills: Sequence[Fill]) -> list[LotPatient]:
    return [
        LotPatient(
            patient_id=fill.patient_id,
            name=fill.patient.name,
            record_number=fill.patient.record_number,
            what=line.what,
            on=line.on,
            pharmacy=line.pharmacy,
            beyond_use=line.beyond_use,
        )
        for fill in fills
        for line in [fill_line(fill)]
    ]


@dataclass(frozen=True)
class LotLine:
    key: str
    lot: str
    pharmacy: str
    patients: str
    last: str


def lot_line(lot: Lot) -> LotLine:
    patients = "1 patient" if lot.patients == 1 else f"{lot.patients} patients"
    return LotLine(lot.key, lot.lot, lot.pharmacy, patients, day(lot.last_on))
