"""What a protocol may say beside doses and days: by weight, only if, twice a day, some days on and some off."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Self

from common.dose import Dose

LONGEST_REWEIGH_DAYS = 365
LONGEST_CYCLE_DAYS = 28


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold before a rung: `measure` fell by less than so many per cent since it was first asked.

    A person judges it; `holds` is the arithmetic of that judgement and `words` say it as the source does.
    """

    words: str
    measure: str
    fell_by_less_than_percent: int

    def holds(self, before: Decimal, now: Decimal) -> bool:
        """Whether the fall from `before` to `now` is smaller than the condition's. From nothing there is no fall."""
        if before <= 0:
            return True
        return (Fraction(before) - Fraction(now)) / Fraction(before) * 100 < self.fell_by_less_than_percent

    def to_json(self) -> dict[str, Any]:
        return {
            "words": self.words,
            "measure": self.measure,
            "fell_by_less_than_percent": self.fell_by_less_than_percent,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises TypeError or ValueError where the data is no condition."""
        made = cls(**data)
        if not (isinstance(made.words, str) and isinstance(made.measure, str) and made.words and made.measure):
            raise TypeError("a condition has words and a measure")
        if type(made.fell_by_less_than_percent) is not int or not 1 <= made.fell_by_less_than_percent <= 100:
            raise ValueError("a condition's per cent are a whole number from 1 to 100")
        return made


@dataclass(frozen=True, slots=True)
class ByWeight:
    """How a protocol in milligrams a kilogram becomes one in milligrams.

    `measurable` is the least difference that `liquid` lets be measured; the weight is asked again after `reweigh_days`;
    from `below_kg` on another protocol is meant. `weight_kg` is None until the protocol was made for somebody.
    """

    measurable: Dose
    liquid: str
    reweigh_days: int
    below_kg: Decimal | None = None
    weight_kg: Decimal | None = None

    def for_weight(self, weight_kg: Decimal) -> Self:
        return replace(self, weight_kg=weight_kg)

    def to_json(self) -> dict[str, Any]:
        return {
            "measurable_mg": self.measurable.text,
            "liquid": self.liquid,
            "reweigh_days": self.reweigh_days,
            **({"below_kg": plain(self.below_kg)} if self.below_kg is not None else {}),
            **({"weight_kg": plain(self.weight_kg)} if self.weight_kg is not None else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises KeyError, TypeError or ValueError where the data does not say how."""
        if unknown := set(data) - {"measurable_mg", "liquid", "reweigh_days", "below_kg", "weight_kg"}:
            raise TypeError(f"{', '.join(sorted(unknown))} is unknown here")
        if not isinstance(data["liquid"], str) or not data["liquid"]:
            raise TypeError("a liquid is named")
        if type(data["reweigh_days"]) is not int or not 1 <= data["reweigh_days"] <= LONGEST_REWEIGH_DAYS:
            raise ValueError(f"the weight is asked again after 1 to {LONGEST_REWEIGH_DAYS} days")
        measurable = Dose(decimal(data["measurable_mg"]))
        if not measurable.mg:
            raise ValueError("what can be measured is more than 0 mg")
        return cls(
            measurable,
            data["liquid"],
            data["reweigh_days"],
            decimal(data["below_kg"]) if "below_kg" in data else None,
            decimal(data["weight_kg"]) if "weight_kg" in data else None,
        )


@dataclass(frozen=True, slots=True)
class Cycle:
    """So many days with the dose, so many without, again and again, once the last rung is reached.

    The source says that some people go on so: it is offered, and begins only when a clinician signs it.
    """

    days_on: int
    days_off: int

    def to_json(self) -> dict[str, Any]:
        return {"days_on": self.days_on, "days_off": self.days_off}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises TypeError or ValueError where the data is no pattern of days."""
        made = cls(**data)
        for days in (made.days_on, made.days_off):
            if type(days) is not int or not 1 <= days <= LONGEST_CYCLE_DAYS:
                raise ValueError(f"days on and off are 1 to {LONGEST_CYCLE_DAYS} each")
        return made


def decimal(text: object) -> Decimal:
    """A decimal from its text; raises TypeError for anything but a text, ValueError for one that is no plain number."""
    if not isinstance(text, str):
        raise TypeError("an amount is written as a decimal string, like '0.1'")
    try:
        number = Decimal(text)
    except ArithmeticError as error:
        raise ValueError(f"{text!r} is no number, write it like '0.1'") from error
    if not number.is_finite() or number.is_signed():
        raise ValueError(f"{text!r} is no amount")
    return number


def plain(number: Decimal) -> str:
    """The shortest decimal: "0.1", "40"."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
