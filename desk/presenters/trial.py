"""What a course is tried for, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from desk.presenters.days import day, moment
from titration.models import TrialEntry


@dataclass(frozen=True)
class TrialLine:
    """A question or an answer. `decide` is empty for an answer, `outcome` for a question."""

    question: str
    lead_symptom: str
    criterion: str
    reasoning: str
    decide: str
    outcome: str
    words: str
    who: str


@dataclass(frozen=True)
class Trial:
    """The question that is open, if one is, whether its day has come, and what was said before."""

    open: TrialLine | None
    due: bool
    earlier: tuple[TrialLine, ...]


def trial(entries: Sequence[TrialEntry], *, today: date, zone: ZoneInfo) -> Trial:
    """`entries` are oldest first; `today` is the patient's date, `zone` the clinic's."""
    newest = entries[-1] if entries else None
    asked = newest if newest is not None and newest.kind == TrialEntry.Kind.ASKED else None
    earlier = [entry for entry in reversed(entries) if entry is not asked]
    return Trial(
        open=_line(asked, zone) if asked else None,
        due=asked is not None and asked.decide_on is not None and asked.decide_on <= today,
        earlier=tuple(_line(entry, zone) for entry in earlier),
    )


def _line(entry: TrialEntry, zone: ZoneInfo) -> TrialLine:
    return TrialLine(
        question=entry.question,
        lead_symptom=entry.lead_symptom,
        criterion=entry.criterion,
        reasoning=entry.reasoning,
        decide=day(entry.decide_on) if entry.decide_on else "",
        outcome=TrialEntry.Outcome(entry.outcome).label if entry.outcome else "",
        words=entry.words,
        who=f"{entry.by_label}, {moment(entry.at, zone)}",
    )
