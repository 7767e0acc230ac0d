"""What keeps a plan that awaits its medicine from its first dose: START findings, and days without opioids."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from patients.medicine_list import Obstacle
from titration.engine.advice import judge
from titration.engine.advice.finding import Block, Finding
from titration.models import Finding as FindingRow
from titration.models import Prescription
from titration.selectors import cases, rules, washout
from titration.selectors import findings as findings_selectors

_OF_THE_LIST = ("active", "washout")
"""Parts of R01 that speak of the list of medicines: asked about here for the day itself, not for today."""


@dataclass(frozen=True)
class Against:
    """One thing against a first dose: its sentence, for the clinician, and the rule it rests on."""

    sentence: str
    rule: str


def against(prescription: Prescription, *, on: date, at: datetime) -> tuple[Against, ...]:
    """What is against the first dose of this plan on a day, by all that is known now, whether judged already or not.

    What a prescriber has set aside with a reason is not against it, nor an opioid that was listed as it is now when the
    plan was signed in spite of it. The prescription's patient has been read with it.
    """
    standing = findings_selectors.standing_of(prescription.patient)
    set_aside = {row.key for row in standing if row.state == FindingRow.State.DISMISSED}
    known = cases.case_of(prescription.patient, at=at).case
    book = rules.rules_of(prescription.clinic_id).book
    found = [one for one in judge.judge(known, book).findings if Block.START in one.blocks]
    lifted = {_medicine(one) for one in found if one.rule == "R01" and one.key in set_aside}
    listed = {medicine.words for medicine in known.medicines}
    return (
        *_waits(prescription, on, at, lifted=lifted),
        *(
            Against(one.sentence, one.rule)
            for one in found
            if one.key not in set_aside and not (_is_of_the_list(one) and _medicine(one) in listed)
        ),
        *(
            Against(row.sentence, row.rule)
            for row in findings_selectors.closing_among(standing, Block.START)
            if findings_selectors.waits_for_a_person(row) and row.key not in {one.key for one in found}
        ),
    )


def _waits(prescription: Prescription, on: date, at: datetime, *, lifted: set[str]) -> Iterator[Against]:
    for obstacle in washout.obstacles(prescription.patient, start_on=on, at=at):
        if obstacle.medicine.words not in lifted and not _signed_over(obstacle, prescription):
            yield Against(obstacle.sentence, "R01")


def _signed_over(obstacle: Obstacle, prescription: Prescription) -> bool:
    """Whether it stood on the list just so when the plan was signed, with the reason why it is not waited for."""
    recorded_at = obstacle.medicine.recorded_at
    return bool(prescription.washout_reason) and (recorded_at is None or recorded_at <= prescription.signed_at)


def _is_of_the_list(finding: Finding) -> bool:
    return finding.rule == "R01" and finding.part in _OF_THE_LIST


def _medicine(finding: Finding) -> str:
    return str(finding.data.get("medicine", ""))
