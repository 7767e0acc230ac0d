"""How each dose is made of what the pharmacy dispenses: the fewest units, then the fewest broken ones, nothing rounded.

4.5 mg from 3 mg and 1.5 mg capsules     3 + 1.5            two capsules, not three
4.5 mg from scored 3 mg tablets          3 + half a 3       one tablet is broken
4 mg   from 1.5 mg capsules              cannot be made     3 mg and 4.5 mg can
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import ceil, gcd, lcm

from common.dose import HARD_CEILING, Dose
from common.drug_names import NALTREXONE
from titration.engine.formulation import MEASURED, SOLID, Formulation, Unit
from titration.engine.refusals import EngineRefusal

SPLIT = "split"
"""The time of day of a dose taken in two halves, one in the morning and one at bedtime."""

OVERFILL = Fraction(5, 100)
"""What a syringe loses, dispensed beyond what the doses take (clinical facts 5.3, grade E3)."""

Amounts = Mapping[Unit, Fraction]


class CannotBeMade(EngineRefusal):
    """A dose that no count of the units makes. `nearest` are the next lower and the next higher dose that can be;
    `in_halves`: it is the two halves of a day that cannot."""

    def __init__(self, sentence: str, nearest: tuple[Dose, ...], *, in_halves: bool = False) -> None:
        super().__init__(sentence)
        self.nearest, self.in_halves = nearest, in_halves

    @property
    def offer(self) -> str:
        """A sentence with what can be made instead."""
        if not self.nearest:
            return f"No dose of low-dose {NALTREXONE} can be made from them."
        return f"The nearest that can be made: {' or '.join(str(dose) for dose in self.nearest)}."


@dataclass(frozen=True, slots=True)
class Part:
    """So much of one unit; a measured one in mL."""

    unit: Unit
    amount: Fraction

    @property
    def words(self) -> str:
        """As in "2 capsules of 1.5 mg", "half a tablet of 3 mg", "0.5 mL of 3 mg/mL": never a count without its mg."""
        return f"{self.unit.counted(self.amount)} of {self.unit.strength}{'/mL' if self.unit.is_measured else ''}"


Parts = tuple[Part, ...]
"""What makes a dose, the strongest first; never empty for a dose that is made."""


@dataclass(frozen=True, slots=True)
class Night:
    """A date of the schedule and its doses: one, or two halves, or none on a day without."""

    on: date
    doses: tuple[Dose, ...]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Nights in a row with the same doses; planned days off between them count no night. `until_on` excluded."""

    from_on: date
    until_on: date
    doses: tuple[Dose, ...]
    nights: int
    takings: tuple[Parts, ...]
    needed: Amounts

    @property
    def dose(self) -> Dose:
        """The dose of a day, both halves together."""
        return sum(self.doses[1:], start=self.doses[0])


@dataclass(frozen=True, slots=True)
class Plan:
    """What the nights take: by stretch and in all, whole units to dispense, and what they cost.

    `unused` is what is left of broken units and of what is in hand; `cost` is None while a price is not known.
    """

    stretches: tuple[Stretch, ...]
    needed: Amounts
    to_dispense: Amounts
    unused: Amounts
    cost: Decimal | None

    @property
    def units(self) -> Fraction:
        """All units to dispense, of whatever strength."""
        return sum(self.to_dispense.values(), start=Fraction(0))


def night(on: date, dose: Dose | None, time_of_day: str = "") -> Night:
    """A day of the timeline as what is taken on it."""
    if dose is None:
        return Night(on, ())
    return Night(on, _halves(dose) if time_of_day == SPLIT else (dose,))


def _halves(dose: Dose) -> tuple[Dose, Dose]:
    half = dose.mg / 2
    if half % Decimal("0.001"):
        raise EngineRefusal(f"{dose} cannot be taken in two equal halves.")
    return Dose.of(half), Dose.of(half)


def make(dose: Dose, units: Sequence[Unit], within: Amounts | None = None) -> Parts:
    """The fewest units that make the dose exactly, then the fewest broken, then the strongest.

    `within` is how much of each there is; without it there is enough. Raises `CannotBeMade`.
    """
    ordered = tuple(sorted(units, key=_strongest_first))
    parts = _made(dose, ordered)
    if parts is None:
        raise CannotBeMade(_sentence(dose, ordered), nearest(dose, ordered))
    if within is None or all(part.amount <= within.get(part.unit, 0) for part in parts):
        return parts
    parts = _fewest(dose, ordered, within)
    if parts is None:
        raise CannotBeMade(f"{dose} cannot be made from what is left.", ())
    return parts


def can_make(dose: Dose, formulation: Formulation) -> bool:
    return _made(dose, formulation.units) is not None


def check_makeable(doses: Iterable[tuple[Dose, str]], formulation: Formulation) -> None:
    """Raise `CannotBeMade` for the first of the doses, each with its time of day, that cannot be made."""
    for dose, time_of_day in doses:
        takings(dose, time_of_day, formulation)


def make_day(doses: tuple[Dose, ...], units: Sequence[Unit]) -> tuple[Parts, ...]:
    """How each taking of a day is made. Where halves cannot be, the sentence says that they were halves."""
    try:
        return tuple(make(dose, units) for dose in doses)
    except CannotBeMade as no:
        if len(doses) == 1:
            raise
        day = sum(doses[1:], start=doses[0])
        whole = tuple(twice for dose in no.nearest if (twice := dose + dose) <= HARD_CEILING)
        sentence = f"{day} in two halves needs {doses[0]} twice. {no.sentence}"
        raise CannotBeMade(sentence, whole, in_halves=True) from no


def takings(dose: Dose, time_of_day: str, formulation: Formulation) -> tuple[Parts, ...]:
    """How the dose of a day is made: one taking, or both halves. Raises `CannotBeMade`."""
    return make_day(night(date.min, dose, time_of_day).doses, formulation.units)


def in_words(many: Sequence[Parts]) -> str:
    """As in "1 capsule of 3 mg and 1 capsule of 1.5 mg"; of two halves, each with its time of the day."""
    said = [" and ".join(part.words for part in parts) for parts in many]
    return said[0] if len(said) == 1 else f"{said[0]} in the morning, {said[1]} at bedtime"


def nearest(dose: Dose, units: Sequence[Unit]) -> tuple[Dose, ...]:
    """The next lower and the next higher dose that the units make, as far as there are such at all."""
    possible = _possible(tuple(units))
    below = [other for other in possible if other < dose]
    above = [other for other in possible if other > dose]
    return (*below[-1:], *above[:1])


def plan(
    nights: Iterable[Night],
    formulation: Formulation,
    *,
    in_hand: Amounts | None = None,
    prices: Mapping[Unit, Decimal] | None = None,
) -> Plan:
    """What these nights take. `prices` are for one unit, a mL of what is measured. Raises `CannotBeMade`."""
    stretches = tuple(_stretches(nights, formulation.units))
    needed = _sum(stretch.needed for stretch in stretches)
    hand = in_hand or {}
    lacking = {unit: amount - hand.get(unit, Fraction(0)) for unit, amount in needed.items()}
    to_dispense = {unit: _whole(unit, amount) for unit, amount in lacking.items() if amount > 0}
    have = _sum([hand, to_dispense])
    unused = {unit: amount - needed.get(unit, Fraction(0)) for unit, amount in have.items()}
    return Plan(
        stretches=stretches,
        needed=needed,
        to_dispense=to_dispense,
        unused={unit: amount for unit, amount in unused.items() if amount},
        cost=_cost(to_dispense, prices or {}),
    )


def change_of_need(before: Iterable[Night], after: Iterable[Night], formulation: Formulation) -> Amounts:
    """How much more (or, below zero, less: what a hold leaves over) of each unit the nights take after a change."""
    was, will = plan(before, formulation).needed, plan(after, formulation).needed
    changes = {unit: will.get(unit, Fraction(0)) - was.get(unit, Fraction(0)) for unit in formulation.units}
    return {unit: amount for unit, amount in changes.items() if amount}


@dataclass(frozen=True, slots=True)
class Bottle:
    """A liquid or a cream dispensed for as long as it keeps: mL the doses take until then, and mL to dispense."""

    needed_ml: Fraction
    dispense_ml: Fraction
    until_on: date


def bottle(nights: Sequence[Night], formulation: Formulation, *, keeps_days: int) -> Bottle:
    """What to dispense at once of something that keeps so many days from the first night: never more than that."""
    if formulation.form not in MEASURED:
        raise EngineRefusal("Only a liquid or a cream is dispensed by volume.")
    until_on = nights[0].on + timedelta(days=keeps_days)
    first = plan([night for night in nights if night.on < until_on], formulation)
    needed = sum(first.needed.values(), start=Fraction(0))
    return Bottle(needed, needed * (1 + OVERFILL), until_on)


def _strongest_first(unit: Unit) -> tuple[Fraction, str]:
    return -Fraction(unit.strength.mg), unit.form


def _sentence(dose: Dose, units: tuple[Unit, ...]) -> str:
    names = sorted({unit.form for unit in units})
    if len(units) == 1 and units[0].form in MEASURED:
        return f"{dose} cannot be measured from {_named(units)}."
    if len(names) == 1:
        return f"{dose} cannot be made from {_named(units)}."
    return f"{dose} cannot be made from {' and '.join(unit.named for unit in units)}."


def _named(units: tuple[Unit, ...]) -> str:
    first = units[0]
    solid = first.form in SOLID
    return Formulation(
        form=first.form,
        strengths=tuple(unit.strength for unit in units),
        scored=solid and first.grain == Fraction(1, 2),
        smallest_ml=Decimal(first.grain.numerator) / first.grain.denominator if first.form in MEASURED else None,
    ).named


@lru_cache(maxsize=4096)
def _made(dose: Dose, units: tuple[Unit, ...]) -> Parts | None:
    return _fewest(dose, units, None)


_Cost = tuple[int, int, tuple[Fraction, ...]]
"""Units taken, units broken, and less of the stronger ones."""


def _fewest(dose: Dose, units: tuple[Unit, ...], within: Amounts | None) -> Parts | None:
    """Every dose up to the one wanted, with the cheapest way to make it, one kind of unit after the other."""
    wanted, grains = _in_grains(dose, units)
    best: dict[int, _Cost] = {0: (0, 0, ())}
    for unit, grain in zip(units, grains, strict=True):
        left = wanted if within is None else int(within.get(unit, Fraction(0)) / unit.grain)
        better: dict[int, _Cost] = {}
        for made, (taken, broken, amounts) in best.items():
            for count in range(min(left, (wanted - made) // grain) + 1):
                more_taken, more_broken = _handled(unit, count)
                cost = (taken + more_taken, broken + more_broken, (*amounts, -count * unit.grain))
                now = made + count * grain
                if now not in better or cost < better[now]:
                    better[now] = cost
        best = better
    if not wanted or wanted not in best:
        return None
    return tuple(Part(unit, -less) for unit, less in zip(units, best[wanted][2], strict=True) if less)


def _handled(unit: Unit, count: int) -> tuple[int, int]:
    """How many units so many grains are, and how many of them are broken; a measured volume is one, whatever it is."""
    if unit.form in MEASURED:
        return min(count, 1), 0
    amount = count * unit.grain
    return ceil(amount), int(amount % 1 != 0)


def _in_grains(dose: Dose, units: tuple[Unit, ...]) -> tuple[int, list[int]]:
    """The dose and each unit's smallest part as whole numbers of the largest measure that all of them share."""
    amounts = [Fraction(dose.mg), *(unit.grain_mg for unit in units)]
    scale = lcm(*(amount.denominator for amount in amounts))
    whole = [int(amount * scale) for amount in amounts]
    shared = gcd(*whole)
    return whole[0] // shared, [number // shared for number in whole[1:]]


def possible(units: Iterable[Unit]) -> frozenset[Dose]:
    """Every dose up to the hard ceiling that whole counts of these units make, whatever is left of them."""
    return frozenset(_possible(tuple(sorted(set(units), key=lambda unit: (unit.form, unit.strength, unit.grain)))))


@lru_cache(maxsize=256)
def _possible(units: tuple[Unit, ...]) -> tuple[Dose, ...]:
    """Every dose up to the hard ceiling that these units make and that is exact to a microgram, the lowest first."""
    reached = {Fraction(0)}
    for unit in units:
        for start in frozenset(reached):
            made = start + unit.grain_mg
            while made <= HARD_CEILING.mg:
                reached.add(made)
                made += unit.grain_mg
    return tuple(
        Dose.of(Decimal(made.numerator) / made.denominator)
        for made in sorted(reached - {Fraction(0)})
        if (made * 1000).denominator == 1
    )


def _stretches(nights: Iterable[Night], units: Sequence[Unit]) -> Iterator[Stretch]:
    run: list[Night] = []
    for one in nights:
        if not one.doses:
            continue
        if run and run[-1].doses != one.doses:
            yield _stretch(run, units)
            run = []
        run.append(one)
    if run:
        yield _stretch(run, units)


def _stretch(run: list[Night], units: Sequence[Unit]) -> Stretch:
    takings = make_day(run[0].doses, units)
    a_night = _sum({part.unit: part.amount for part in parts} for parts in takings)
    return Stretch(
        from_on=run[0].on,
        until_on=run[-1].on + timedelta(days=1),
        doses=run[0].doses,
        nights=len(run),
        takings=takings,
        needed={unit: amount * len(run) for unit, amount in a_night.items()},
    )


def _sum(many: Iterable[Amounts]) -> dict[Unit, Fraction]:
    total: dict[Unit, Fraction] = {}
    for amounts in many:
        for unit, amount in amounts.items():
            total[unit] = total.get(unit, Fraction(0)) + amount
    return dict(sorted(total.items(), key=lambda item: _strongest_first(item[0])))


def _whole(unit: Unit, amount: Fraction) -> Fraction:
    """Half a tablet is dispensed as a whole one; mL are dispensed as they are."""
    return amount if unit.form in MEASURED else Fraction(ceil(amount))


def _cost(to_dispense: Amounts, prices: Mapping[Unit, Decimal]) -> Decimal | None:
    if not all(unit in prices for unit in to_dispense):
        return None
    exact = sum((Fraction(prices[unit]) * amount for unit, amount in to_dispense.items()), start=Fraction(0))
    return (Decimal(exact.numerator) / exact.denominator).quantize(Decimal("0.01"))
