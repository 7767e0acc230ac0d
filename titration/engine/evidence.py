"""What a clinician weighs before a step: means of nights beside each other, and doses told otherwise than prescribed.

A mean of fewer than four nights is no mean: it is said how many there are, and nothing is compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from common.dose import Dose

NIGHTS = 7
NEEDED = 4
"""Nights of a mean: best 7, at least 4 (clinical facts 6.1, line 2; the 4-of-7 practice of R25)."""

_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of what was told, to a tenth; None where fewer than four nights were. `told` of `possible` nights."""

    value: Decimal | None
    told: int
    possible: int


def mean(values: Sequence[Decimal | int | None], *, possible: int = NIGHTS) -> Mean:
    """The mean of the values that are there."""
    there = [Decimal(value) for value in values if value is not None]
    value = None
    if len(there) >= NEEDED:
        value = (sum(there, start=Decimal(0)) / len(there)).quantize(_TENTH, rounding=ROUND_HALF_UP)
    return Mean(value, len(there), possible)


@dataclass(frozen=True, slots=True)
class Differing:
    """A dose that was told otherwise than it was prescribed for its day."""

    on: date
    told: Dose
    prescribed: Dose


def change(now: Mean, then: Mean) -> Decimal | None:
    """By how much the mean has changed; None where either is none."""
    return None if now.value is None or then.value is None else now.value - then.value
