"""What the rules say to the patient: the sentence of each open alert that has one, the most urgent first."""

from collections.abc import Iterable
from dataclasses import dataclass

from titration.engine.advice.finding import Block, Tier
from titration.models import Finding
from titration.rule_book import shipped

SAID_BY_THE_STOP_PANEL = frozenset({"R02"})
"""What the panel that says to take no further dose says already, in more words."""
SAID_BY_THE_PROCEDURE = frozenset({"R16"})
"""What the words of a procedure say already."""
AT_ONCE = frozenset({Tier.EMERGENCY.value})


@dataclass(frozen=True)
class Alert:
    """A sentence, whether it is an emergency, and whether it says to take no dose."""

    sentence: str
    at_once: bool
    no_dose: bool


@dataclass(frozen=True)
class Alerts:
    """All of them; `reviewed` is whether a clinician has read the words."""

    rows: tuple[Alert, ...]
    reviewed: bool

    @property
    def at_once(self) -> list[Alert]:
        return [row for row in self.rows if row.at_once]

    @property
    def no_dose(self) -> bool:
        return any(row.no_dose for row in self.rows)

    @property
    def others(self) -> list[Alert]:
        return [row for row in self.rows if not row.at_once]


def alerts(standing: Iterable[Finding], *, beside_stop_panel: bool = False, beside_procedure: bool = False) -> Alerts:
    """Of a patient's standing findings those that nobody has answered; the same sentence once."""
    passed_over = (SAID_BY_THE_STOP_PANEL if beside_stop_panel else frozenset()) | (
        SAID_BY_THE_PROCEDURE if beside_procedure else frozenset()
    )
    said = {
        row.patient_sentence: Alert(row.patient_sentence, row.tier in AT_ONCE, Block.DOSE.value in row.blocks)
        for row in standing
        if row.state == Finding.State.OPEN and row.patient_sentence and row.rule not in passed_over
    }
    return Alerts(tuple(said.values()), shipped().review != "pending")
