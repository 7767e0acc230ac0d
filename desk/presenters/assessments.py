"""A patient's questionnaires, in words."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from desk.presenters.days import day, moment
from symptoms import instrument_files, scoring
from symptoms.models import Assessment
from symptoms.rhythm import Due
from symptoms.scoring import Instrument


@dataclass(frozen=True)
class AssessmentLine:
    """One questionnaire on record: `score` with the highest there is, `band` with its source, `item9` in words."""

    id: uuid.UUID
    name: str
    about: str
    on: str
    score: str
    band: str
    source: str
    item9: str
    who: str
    answers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Offered:
    """A questionnaire that can be recorded; `since` says since when it is due, empty where it is not."""

    id: str
    name: str
    about: str
    since: str


def offered(instruments: Iterable[Instrument], due: Iterable[Due]) -> list[Offered]:
    """In the order of the instruments."""
    since = {one.instrument: day(one.since) for one in due}
    return [Offered(one.id, one.name, one.about, since.get(one.id, "")) for one in instruments]


def lines(rows: Sequence[Assessment], *, zone: ZoneInfo) -> list[AssessmentLine]:
    """In the order of the rows; `zone` is the clinic's."""
    return [_line(row, zone) for row in rows]


def score_words(score: Decimal | None, highest: Decimal) -> str:
    """As in "7 of 27", "5.7 of 10"; a score that is none says so."""
    return "no score: questions were left out" if score is None else f"{_number(score)} of {highest}"


def _number(score: Decimal) -> str:
    """Without a trailing nought: "5.7", "7"."""
    return str(int(score)) if score == int(score) else str(score)


def _line(row: Assessment, zone: ZoneInfo) -> AssessmentLine:
    form = instrument_files.shipped()[row.instrument]
    band = scoring.score(form, row.answers).band if row.form_version == form.version else None
    return AssessmentLine(
        id=row.id,
        name=form.name,
        about=form.about,
        on=day(row.on),
        score=score_words(row.score, form.highest),
        band=band.words if band else "",
        source=band.source if band else "",
        item9=_item9(form, row.item9),
        who=_who(row, zone),
        answers=tuple(_answers(form, row)),
    )


def _item9(form: Instrument, answer: int | None) -> str:
    item = form.item(form.crisis_item) if form.crisis_item else None
    if item is None or not answer:
        return ""
    said = next(choice.words for choice in item.choices if choice.value == answer)
    return f"Item 9, thoughts of death or self-harm: {said.casefold()} ({answer})."


def _answers(form: Instrument, row: Assessment) -> Iterable[tuple[str, str]]:
    for item in form.items:
        value = row.answers.get(item.code)
        said = next((choice.words for choice in item.choices if choice.value == value), "left out")
        yield item.words, said if item.scale or value is None else f"{said} ({value})"


def _who(row: Assessment, zone: ZoneInfo) -> str:
    by = row.by_label if row.given_by == Assessment.GivenBy.CLINICIAN else Assessment.GivenBy(row.given_by).label
    return f"{by}, {moment(row.at, zone)}"
