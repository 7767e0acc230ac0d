"""What a pharmacy makes the doses of: capsules, tablets, a liquid, drops or a cream, counted or measured.

    capsules 1.5 mg          whole ones only
    scored tablets 3 mg      whole ones and halves
    liquid 1 mg/mL           in steps of the smallest volume a syringe measures, 0.1 mL
    drops 0.5 mg             whole drops

Forms, strengths and fillers: clinical facts 5.1 and 5.2. Release is always immediate, calcium carbonate never a filler.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any, Self

from common.dose import HARD_CEILING, Dose
from common.drug_names import NALTREXONE
from titration.engine.refusals import EngineRefusal

RELEASE = "immediate"
"""The only release there is: slow-release naltrexone is not dispensed at low doses (clinical facts 5.2, grade E2)."""

_USUAL_SMALLEST_ML = Decimal("0.1")
_LARGEST_SMALLEST_ML = Decimal(5)


class Form(StrEnum):
    CAPSULES = "capsules"
    TABLETS = "tablets"
    SUBLINGUAL = "sublingual"
    LIQUID = "liquid"
    DROPS = "drops"
    CREAM = "cream"


SOLID = frozenset({Form.CAPSULES, Form.TABLETS, Form.SUBLINGUAL})
MEASURED = frozenset({Form.LIQUID, Form.CREAM})
"""Forms measured in millilitres; drops are counted."""

_KEYS = {
    Form.CAPSULES: "capsules_mg",
    Form.TABLETS: "tablets_mg",
    Form.SUBLINGUAL: "sublingual_mg",
    Form.LIQUID: "liquid_mg_per_ml",
    Form.DROPS: "drops_mg",
    Form.CREAM: "cream_mg_per_ml",
}
_UNIT_WORDS = {
    Form.CAPSULES: ("capsule", "capsules"),
    Form.TABLETS: ("tablet", "tablets"),
    Form.SUBLINGUAL: ("sublingual tablet", "sublingual tablets"),
    Form.LIQUID: ("mL", "mL"),
    Form.DROPS: ("drop", "drops"),
    Form.CREAM: ("mL", "mL"),
}


class Filler(StrEnum):
    """What the prescriber asks the pharmacy to fill with. Calcium carbonate is never among them."""

    ANY = "any"
    LACTOSE_FREE = "lactose_free"
    CELLULOSE = "cellulose"
    SUCROSE = "sucrose"
    PROBIOTIC = "probiotic"
    LACTOSE = "lactose"


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that is counted: a capsule, a tablet, a millilitre or a drop, and the mg in it.

    `grain` is the smallest part of it that is taken: 1 for a capsule, 1/2 for a scored tablet, the smallest measurable
    volume in mL for what is measured.
    """

    form: Form
    strength: Dose
    grain: Fraction = Fraction(1)

    def __post_init__(self) -> None:
        if not self.strength.mg or self.strength > HARD_CEILING:
            raise EngineRefusal(
                f"{self.named} is no strength of low-dose {NALTREXONE}: above 0 mg, at most {HARD_CEILING}."
            )
        if self.grain <= 0:
            raise EngineRefusal("The smallest part that is taken is more than nothing.")

    @property
    def is_measured(self) -> bool:
        """Whether amounts are mL."""
        return self.form in MEASURED

    @property
    def grain_mg(self) -> Fraction:
        """The smallest dose, in mg, and what every dose of this unit alone is a multiple of."""
        return Fraction(self.strength.mg) * self.grain

    @property
    def named(self) -> str:
        """As in "1.5 mg capsules", "1 mg/mL liquid", "0.5 mg drops"."""
        if self.form in MEASURED:
            return f"{self.strength}/mL {self.form}"
        return f"{self.strength} {_UNIT_WORDS[self.form][1]}"

    def counted(self, amount: Fraction) -> str:
        """An amount in the unit's own words: "2 capsules", "half a tablet", "1 and a half tablets", "0.5 mL"."""
        one, many = _UNIT_WORDS[self.form]
        if self.form in MEASURED:
            return f"{exact_decimal(amount)} {one}"
        whole, half = divmod(amount, 1)
        if half and not whole:
            return f"half a {one}"
        if half:
            return f"{whole} and a half {many}"
        return f"{whole} {one if whole == 1 else many}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Formulation:
    """Raises `EngineRefusal` with a sentence where the data could not be dispensed as low-dose naltrexone.

    `strengths` are mg in one capsule, tablet or drop, or in one mL, largest first; solids may have several, the others
    have one. `smallest_ml` is the smallest volume that can be measured, for a liquid and a cream alone.
    """

    form: Form
    strengths: tuple[Dose, ...]
    scored: bool = False
    smallest_ml: Decimal | None = None
    filler: Filler = Filler.ANY

    def __post_init__(self) -> None:
        object.__setattr__(self, "strengths", tuple(sorted(set(self.strengths), reverse=True)))
        if not self.strengths:
            raise EngineRefusal("A strength is needed.")
        if self.form not in SOLID and len(self.strengths) > 1:
            raise EngineRefusal(f"A prescription for {self.form} has one strength.")
        if self.scored and self.form not in SOLID:
            raise EngineRefusal(f"Only what is counted can be scored, not {self.form}.")
        if (self.smallest_ml is not None) != (self.form in MEASURED):
            raise EngineRefusal("A liquid and a cream, and nothing else, say the smallest volume that can be measured.")
        if self.smallest_ml is not None and not 0 < self.smallest_ml <= _LARGEST_SMALLEST_ML:
            raise EngineRefusal(f"The smallest measurable volume is above 0 and at most {_LARGEST_SMALLEST_ML} mL.")
        _ = self.units

    @classmethod
    def capsules(cls, *strengths: Dose) -> Self:
        """Capsules of these strengths, with the pharmacy's usual filler."""
        return cls(form=Form.CAPSULES, strengths=strengths)

    @property
    def units(self) -> tuple[Unit, ...]:
        """What the doses are counted in, the strongest first."""
        grain = Fraction(1, 2) if self.scored else Fraction(self.smallest_ml or 1)
        return tuple(Unit(self.form, strength, grain) for strength in self.strengths)

    @property
    def named(self) -> str:
        """As in "3 mg and 1.5 mg capsules", "scored 3 mg tablets", "1 mg/mL liquid in steps of 0.1 mL"."""
        if self.smallest_ml is not None:
            return f"{self.units[0].named} in steps of {exact_decimal(Fraction(self.smallest_ml))} mL"
        *others, last = (str(strength) for strength in self.strengths)
        strengths = f"{', '.join(others)} and {last}" if others else last
        return f"{'scored ' if self.scored else ''}{strengths} {_UNIT_WORDS[self.form][1]}"

    def to_json(self) -> dict[str, Any]:
        """Plain data that a prescription keeps: `{"capsules_mg": ["1.5"]}`, and what differs from the usual."""
        strengths = [strength.text for strength in self.strengths]
        return {
            _KEYS[self.form]: strengths if self.form in SOLID else strengths[0],
            **({"scored": True} if self.scored else {}),
            **({"smallest_ml": exact_decimal(Fraction(self.smallest_ml))} if self.smallest_ml is not None else {}),
            **({"filler": self.filler.value} if self.filler is not Filler.ANY else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `to_json` or a course's file describes; raises `EngineRefusal` for anything else.

        A liquid that does not say its smallest measurable volume is measured in steps of 0.1 mL.
        """
        forms = [form for form, key in _KEYS.items() if key in data]
        unknown = set(data) - set(_KEYS.values()) - {"scored", "smallest_ml", "filler", "release"}
        if len(forms) != 1 or unknown:
            raise EngineRefusal(f"A formulation names one of {', '.join(_KEYS.values())}, and nothing unknown.")
        if data.get("release", RELEASE) != RELEASE:
            raise EngineRefusal(f"Low-dose {NALTREXONE} is dispensed for immediate release only.")
        scored = data.get("scored", False)
        if not isinstance(scored, bool):
            raise EngineRefusal("Scored is true or false.")
        return cls(
            form=forms[0],
            strengths=_strengths(data[_KEYS[forms[0]]]),
            scored=scored,
            smallest_ml=_smallest_ml(data.get("smallest_ml"), forms[0]),
            filler=_filler(data.get("filler", Filler.ANY)),
        )


def exact_decimal(amount: Fraction) -> str:
    """The amount as a decimal without trailing zeros; an amount that has no end as a decimal is a defect."""
    decimal = Decimal(amount.numerator) / Decimal(amount.denominator)
    if Fraction(decimal) != amount:
        raise ValueError("The amount has no exact decimal.")
    text = format(decimal, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _strengths(written: Any) -> tuple[Dose, ...]:
    many = written if isinstance(written, list) else [written]
    if not all(isinstance(one, str) for one in many):
        raise EngineRefusal("A strength is written as a decimal text, like '1.5'.")
    try:
        return tuple(Dose.of(one) for one in many)
    except (ArithmeticError, ValueError) as error:
        raise EngineRefusal("A strength is written as a decimal text, like '1.5'.") from error


def _smallest_ml(written: Any, form: Form) -> Decimal | None:
    if written is None:
        return _USUAL_SMALLEST_ML if form in MEASURED else None
    try:
        return Decimal(written) if isinstance(written, str) and Decimal(written).is_finite() else _no_volume()
    except ArithmeticError:
        return _no_volume()


def _no_volume() -> Decimal:
    raise EngineRefusal("The smallest measurable volume is written as a decimal text in mL, like '0.1'.")


def _filler(written: Any) -> Filler:
    if isinstance(written, str) and "calcium" in written.lower():
        raise EngineRefusal("Calcium carbonate is not used as a filler: it may reduce the effect.")
    try:
        return Filler(written)
    except ValueError as error:
        raise EngineRefusal(f"The filler is one of {', '.join(Filler)}.") from error
