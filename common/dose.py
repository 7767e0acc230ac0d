"""An exact amount of naltrexone in milligrams, and the only ways to read, write and say it.

A float, a string or a bare number where a `Dose` should be is a defect: 4.5 mg and 4.5 micrograms differ by a thousand.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Self

from common.drug_names import NALTREXONE
from common.refusals import Refused

FINEST = Decimal("0.001")
_NUMBER = r"(?P<number>[0-9]{0,6}(?:[.,·][0-9]{0,6})?)"
_TYPED = re.compile(_NUMBER + r"\s*(?:mg|milligrams?)?", re.IGNORECASE)
_MICROGRAMS = re.compile(r"mcg|ug|µg|μg|microgram", re.IGNORECASE)
_IN_MICROGRAMS = re.compile(_NUMBER + r"\s*(?:mcg|ug|µg|μg|micrograms?)", re.IGNORECASE)
_IN_MILLILITRES = re.compile(_NUMBER + r"\s*(?:ml|cc|millilit(?:re|er)s?)", re.IGNORECASE)
_THOUSANDS_OR_DECIMALS = re.compile(r"[1-9][0-9]*,[0-9]{3}")
_NOUGHT_AND_NO_POINT = re.compile(r"0+[1-9][0-9]*")

_NOT_LOW = f"which is not low-dose {NALTREXONE}."

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_WHOLE = (*_DIGITS, "ten")


@dataclass(frozen=True, order=True, slots=True)
class Dose:
    """Milligrams, exact to a microgram and never negative. Zero is only ever a difference, not something prescribed."""

    mg: Decimal

    def __post_init__(self) -> None:
        if not isinstance(self.mg, Decimal):
            raise TypeError("A dose is made of exact decimal milligrams: Dose.of('1.5').")
        if not self.mg.is_finite() or self.mg.is_signed():
            raise ValueError("A dose is a finite number of milligrams, zero or more.")
        if self.mg % FINEST:
            raise ValueError("A dose is exact to 0.001 mg and no finer.")

    @classmethod
    def of(cls, milligrams: str | int | Decimal) -> Self:
        """A dose from trusted data: a decimal string, a whole number or a Decimal. A float is refused."""
        if isinstance(milligrams, bool) or not isinstance(milligrams, (str, int, Decimal)):
            raise TypeError("A dose is made from a decimal string, a whole number or a Decimal.")
        return cls(Decimal(milligrams))

    @classmethod
    def parse(cls, typed: str) -> Self:
        """A dose as a person types it beside the unit mg: "4.5", "4,5", "4·5", ".5", "3.0" or "3 mg".

        Nothing is rounded. Raises `Refused` with a sentence for micrograms and millilitres, for what can be read two
        ways, for what is no number, and for what is not low-dose naltrexone; a likely slip is named.
        """
        text = typed.strip()
        _check_unit(text)
        matched = _TYPED.fullmatch(text)
        number = matched["number"] if matched else ""
        if number in ("", ".", ",", "·"):
            raise Refused("That is not a dose in milligrams. Write it like 4.5 or 0.5.")
        if _THOUSANDS_OR_DECIMALS.fullmatch(number):
            raise Refused("A comma before three digits can be read two ways. Write the dose with a point, like 1.5.")
        milligrams = _decimal(number)
        if milligrams == 0:
            raise Refused("A dose must be more than 0 mg.")
        if milligrams > HARD_CEILING.mg:
            raise Refused(f"{_shortest(milligrams)} mg is more than {HARD_CEILING}, {_NOT_LOW} {_likely_slip(number)}")
        if _NOUGHT_AND_NO_POINT.fullmatch(number):
            raise Refused(
                f"{number} can be read as {_shortest(milligrams)} mg or as {_pointed(number)} mg. Write it anew."
            )
        if milligrams % FINEST:
            raise Refused("A dose is written to at most three decimals of a milligram.")
        return cls(milligrams)

    @property
    def text(self) -> str:
        """The shortest decimal: leading zero, no trailing zero, no unit. "0.5", "3", "4.5"."""
        return _shortest(self.mg)

    def __str__(self) -> str:
        """As safe prescribing writes it, the unit always there: "0.5 mg", "3 mg"."""
        return f"{self.text} mg"

    def __add__(self, other: Self) -> Self:
        return type(self)(self.mg + other.mg)

    def __sub__(self, other: Self) -> Self:
        """The difference; raises ValueError where it would be less than nothing."""
        return type(self)(self.mg - other.mg)

    @property
    def half(self) -> Self:
        """Half of it; raises ValueError where that is finer than a dose can be."""
        return type(self)(self.mg / 2)

    def units_of(self, strength: Self) -> Fraction:
        """How many units (capsules, tablets) of `strength` make this dose, exact: 3 mg of 1.5 mg is 2, 4 mg is 8/3."""
        if not strength.mg:
            raise ValueError("A unit holds more than 0 mg.")
        return Fraction(self.mg) / Fraction(strength.mg)


def in_words(dose: Dose) -> str:
    """The dose as one says it aloud, beside the digits so that a slipped decimal point is noticed.

    "half a milligram", "one milligram", "four and a half milligrams", "zero point two five milligrams". Words reach to
    the hard ceiling; beyond it, where nothing is ever prescribed, the digits stand.
    """
    if dose > HARD_CEILING:
        return f"{dose.text} milligrams"
    whole, _, decimals = dose.text.partition(".")
    said = _WHOLE[int(whole)]
    if not decimals:
        return f"{said} milligram" if whole == "1" else f"{said} milligrams"
    if decimals == "5":
        return "half a milligram" if whole == "0" else f"{said} and a half milligrams"
    return f"{said} point {' '.join(_DIGITS[int(digit)] for digit in decimals)} milligrams"


def echo(dose: Dose) -> str:
    """How a typed dose is said back before it counts: "0.5 mg, half a milligram"."""
    return f"{dose}, {in_words(dose)}"


def _check_unit(text: str) -> None:
    """Refuse a unit that is not milligrams; where what was meant can be worked out it is said, and never done."""
    if _MICROGRAMS.search(text):
        matched = _IN_MICROGRAMS.fullmatch(text)
        number = matched["number"] if matched else ""
        meant = _decimal(number) / 1000 if any(map(str.isdigit, number)) else Decimal(0)
        means = f"{number} micrograms is {_shortest(meant)} mg" if meant else "1 mg is 1000 micrograms"
        raise Refused(f"Write the dose in milligrams, not micrograms: {means}.")
    if _IN_MILLILITRES.fullmatch(text):
        raise Refused(
            "Write the dose in milligrams, not millilitres: how much a millilitre holds depends on the liquid."
        )


def _likely_slip(number: str) -> str:
    """What was probably meant by a number far too large: whole numbers only, the rest asks to look again."""
    if not number.isdigit():
        return "Check the decimal point and the unit."
    point = f"Is a point missing ({_pointed(number)} mg)"
    thousandth = Decimal(number) / 1000
    if len(number.lstrip("0")) < 3 or thousandth > HARD_CEILING.mg:
        return f"{point}?"
    return f"{point}, or are these micrograms ({_shortest(thousandth)} mg)?"


def _pointed(digits: str) -> str:
    """The digits with a point after the first, and after the first nought of several."""
    return _shortest(Decimal(f"{digits[0]}.{digits[1:]}"))


def _decimal(number: str) -> Decimal:
    return Decimal(number.replace(",", ".").replace("·", "."))


def _shortest(milligrams: Decimal) -> str:
    text = format(milligrams, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


SOFT_CEILING = Dose.of("4.5")
"""Above this a prescriber gives a reason: almost all practice sources stop here (clinical facts 1.5)."""

HARD_CEILING = Dose.of("10")
"""Above this it is refused as not low-dose naltrexone, by the type's readers, the engine and the database alike."""
