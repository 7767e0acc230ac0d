"""Doses for children by weight: so many milligrams a kilogram, never above a cap, and never rounded up.

Sources: 0.1 mg/kg a day with a cap of 4.5 mg in a trial of Crohn's disease from 8 to 17 years (SPED, SPED-NCT, E1), and
0.1 mg/kg below 40 kg in a note for general practice (SHILPA, E2). A liquid of 1 mg/mL lets any 0.1 mg be measured
(LDNRT-TYPES). Naltrexone below 18 years is off-label twice over (clinical facts 1.3, E3). Doses of older studies in
autism, 0.5 to 2 mg/kg, are no low doses and never come here.
"""

from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal

from common.dose import Dose
from titration.engine.protocol import MOST_MG_PER_KG, Protocol, Rung
from titration.engine.refusals import EngineRefusal
from titration.engine.terms import plain

MG_PER_KG = MOST_MG_PER_KG
CAP = Dose.of("4.5")
MEASURED_BY_1_MG_PER_ML = Dose.of("0.1")
"""The least difference that a liquid of 1 mg/mL in an oral syringe lets be measured."""

LIGHTEST_KG, HEAVIEST_KG = Decimal(2), Decimal(400)
"""Outside these a weight is a slip of the pen, or pounds."""


@dataclass(frozen=True, slots=True)
class WeightDose:
    """`dose` is what can be measured, `exact` what the weight alone would ask for; `words` says how one became the
    other, and is shown wherever the dose is."""

    dose: Dose
    exact: Decimal
    capped: bool
    words: str


def dose_by_weight(
    weight_kg: Decimal,
    *,
    mg_per_kg: Decimal = MG_PER_KG,
    cap: Dose = CAP,
    measurable: Dose = MEASURED_BY_1_MG_PER_ML,
) -> WeightDose:
    """The dose of this weight, rounded down to a multiple of `measurable` and at most `cap`.

    Raises `EngineRefusal` for a weight that nobody has and for a dose too small to be measured.
    """
    check_weight(weight_kg)
    exact = weight_kg * mg_per_kg
    bound = min(exact, cap.mg)
    dose = Dose((bound / measurable.mg).to_integral_value(ROUND_DOWN) * measurable.mg)
    said = f"{plain(mg_per_kg)} mg/kg for {plain(weight_kg)} kg is {plain(exact)} mg"
    if not dose.mg:
        raise EngineRefusal(f"{said}, less than {measurable}, the least that can be measured.")
    if exact > cap.mg:
        said += f", more than the cap of {cap}"
    if dose.mg < bound:
        said += f", rounded down to {dose}, as multiples of {measurable} can be measured"
    elif exact > cap.mg:
        said += f": {dose}"
    return WeightDose(dose, exact, exact > cap.mg, f"{said}.")


def check_weight(weight_kg: Decimal) -> None:
    """Raise `EngineRefusal` unless somebody may weigh so much."""
    if not weight_kg.is_finite() or not LIGHTEST_KG <= weight_kg <= HEAVIEST_KG:
        raise EngineRefusal(f"A weight is between {LIGHTEST_KG} and {HEAVIEST_KG} kg. Check the unit.")


def resolved(protocol: Protocol, weight_kg: Decimal) -> Protocol:
    """The protocol as it is for somebody of this weight: doses rounded down to what its liquid lets be measured, never
    above their caps, its note saying how each came about. One that does not go by weight is as it was.

    Raises `EngineRefusal` where the weight is none, belongs to another protocol, or makes a dose too small to measure.
    """
    terms = protocol.by_weight
    if terms is None:
        return protocol
    if terms.weight_kg is not None:
        raise EngineRefusal(
            f"{protocol.label} was made for {plain(terms.weight_kg)} kg. Begin again from the template."
        )
    check_weight(weight_kg)
    if terms.below_kg is not None and weight_kg >= terms.below_kg:
        raise EngineRefusal(
            f"{protocol.label} is for less than {plain(terms.below_kg)} kg. From there on an adult's template is meant."
        )
    made = [_rung_for(rung, weight_kg, terms.measurable) for rung in protocol.rungs]
    said = list(dict.fromkeys(words for _, words in made if words))
    return replace(
        protocol,
        rungs=tuple(rung for rung, _ in made),
        by_weight=terms.for_weight(weight_kg),
        note="\n".join([protocol.note.strip(), f"Measured with {terms.liquid}.", *said]),
    )


def _rung_for(rung: Rung, weight_kg: Decimal, measurable: Dose) -> tuple[Rung, str]:
    if rung.mg_per_kg is None:
        return rung, ""
    found = dose_by_weight(weight_kg, mg_per_kg=rung.mg_per_kg, cap=rung.dose, measurable=measurable)
    return replace(rung, dose=found.dose), found.words
