"""Whether a protocol's doses can be made from what a clinic's pharmacy makes."""

from collections.abc import Sequence
from datetime import date

from common.dose import Dose
from titration.engine import planner
from titration.engine.formulation import Formulation
from titration.engine.protocol import Protocol


def unmakeable(protocol: Protocol, strengths: Sequence[Dose]) -> dict[int, str]:
    """The rungs, counted from 0, whose dose no whole units of these strengths make, and why; halves of a split dose
    are made each for itself. Of a protocol by weight only the doses in milligrams can be judged.
    """
    units = Formulation.capsules(*strengths).units
    found: dict[int, str] = {}
    for number, rung in enumerate(protocol.rungs):
        if rung.mg_per_kg is not None:
            continue
        takings = planner.night(date.min, rung.dose, "split" if protocol.is_split else "").doses
        try:
            planner.make_day(takings, units)
        except planner.CannotBeMade as no:
            nearest = " or ".join(str(dose) for dose in no.nearest)
            found[number] = f"{no.sentence} The nearest that can: {nearest}." if nearest else no.sentence
    return found
