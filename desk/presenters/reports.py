"""An opioid report and the clinic's answer, in words."""

import uuid
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from desk.presenters.days import day, moment
from symptoms.models import OpioidReport

ANSWER_WORDS = {"yes": "Yes", "unsure": "Not sure"}


@dataclass(frozen=True)
class Reported:
    """An opioid report: when, for which night, the answer and the words."""

    id: uuid.UUID
    when: str
    night: str
    answer: str
    words: str


def reported(report: OpioidReport, *, zone: ZoneInfo) -> Reported:
    answer = ANSWER_WORDS.get(report.answer, report.answer)
    return Reported(report.id, moment(report.at, zone), day(report.night), answer, report.words)


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
