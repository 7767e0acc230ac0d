"""Doses made and supplies run down as somebody with the tablets on a table would: by trying and by moving them."""

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import product

ONE_DAY = timedelta(days=1)


def fewest(dose_mg: Fraction, strengths_mg: list[Fraction], *, halves: bool) -> tuple[int, int] | None:
    """Of every combination of whole and half units that makes the dose: how few units, and then how few broken."""
    step = Fraction(1, 2) if halves else Fraction(1)
    counts = [[n * step for n in range(int(dose_mg / (mg * step)) + 1)] for mg in strengths_mg]
    found = []
    for amounts in product(*counts):
        if sum((a * mg for a, mg in zip(amounts, strengths_mg, strict=True)), start=Fraction(0)) == dose_mg:
            broken = sum(1 for a in amounts if a.denominator == 2)
            found.append((sum(int(a) for a in amounts) + broken, broken))
    return min((cost for cost in found if cost[0]), default=None)


@dataclass
class Capsule:
    """One capsule of the only strength there is, from the day it was dispensed to the last day it may be taken."""

    from_on: date
    last_on: date


def capsules_left(capsules: list[Capsule], taken: dict[date, int], as_of: date) -> list[Capsule]:
    """The capsules after each day's were taken out, the first to expire first; a day that lacks one takes none."""
    left = [capsule for capsule in capsules if capsule.from_on <= as_of]
    for day in sorted(taken):
        usable = sorted((c for c in left if c.from_on <= day <= c.last_on), key=lambda c: (c.last_on, c.from_on))
        if len(usable) >= taken[day]:
            for capsule in usable[: taken[day]]:
                left.remove(capsule)
    return left


def first_day_without(left: list[Capsule], coming: dict[date, int]) -> date | None:
    """The first of the coming days that cannot have all its capsules."""
    left = list(left)
    for day in sorted(coming):
        usable = sorted((c for c in left if c.from_on <= day <= c.last_on), key=lambda c: (c.last_on, c.from_on))
        if len(usable) < coming[day]:
            return day
        for capsule in usable[: coming[day]]:
            left.remove(capsule)
    return None
