"""An opioid report and the clinic's answer, in words."""

import uuid
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from desk.presenters.days import day, moment
from patients import medicines
from symptoms.models import OpioidReport

ANSWER_WORDS = {"yes": "Yes", "unsure": "Not sure"}
LISTED_WORDS = "Written on the medicine list"


@dataclass(frozen=True)
class Reported:
    """An opioid report: its heading, the words, what they were recognised as, and when it was told or written."""

    id: uuid.UUID
    title: str
    words: str
    recognised: str
    told: str


def reported(report: OpioidReport, *, zone: ZoneInfo) -> Reported:
    when, listed = moment(report.at, zone), report.answer == OpioidReport.LISTED
    return Reported(
        report.id,
        title="An opioid is on the medicine list" if listed else f"Opioid question answered: {answered(report)}",
        words=report.words,
        recognised=medicines.recognise(report.words).sentence if report.words else "",
        told=f"Written there on {when}." if listed else f"Told on {when}, for the night of {day(report.night)}.",
    )


def answered(report: OpioidReport) -> str:
    """What the patient answered, or that the clinic wrote it down."""
    return LISTED_WORDS if report.answer == OpioidReport.LISTED else ANSWER_WORDS.get(report.answer, report.answer)


@dataclass(frozen=True)
class Reviewed:
    """The clinic's answer to a report."""

    outcome: str
    reason: str
    who: str
    when: str


def reviewed(report: OpioidReport, *, zone: ZoneInfo) -> Reviewed | None:
    """The answer, if there is one; `review` and its author must have been read with the report."""
    review = getattr(report, "review", None)
    if review is None:
        return None
    return Reviewed(review.get_outcome_display(), review.reason, review.by.name, moment(review.at, zone))
