"""A screening in words: its questions, what its answers mean, and what has been decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.forms import BoundField

from desk.presenters.badges import Badge
from desk.presenters.days import moment
from desk.presenters.schedule import GRADES
from patients import screening
from patients.forms import ScreeningForm
from patients.models import Screening, ScreeningDecision
from patients.screening import Item, Outcome, Result
from patients.selectors_screening import Standing
from titration.engine.protocol import Grade

DECISIONS = ScreeningDecision.Kind
OUTCOMES = {
    Outcome.HARD_STOP: Badge("hard stop", "danger", "stop"),
    Outcome.SOFT_STOP: Badge("soft stop", "care", "care"),
    Outcome.CAUTION: Badge("caution", "care", "care"),
    Outcome.INFORMATION: Badge("information", "info", "info"),
}
LEADS_TO = {"phq": ("phq-2", "Ask the PHQ-2"), "audit_c": ("audit-c", "Ask the AUDIT-C")}
"""The questionnaire to go on with, and the words of the link to it."""
ON_THE_WAY = {
    Screening.State.DRAFT: Badge("begun, not confirmed", "care", "clock"),
    Screening.State.SENT: Badge("with the patient", "info", "mail"),
    Screening.State.TELLING: Badge("the patient is answering", "info", "mail"),
    Screening.State.ANSWERED: Badge("answered by the patient: confirm it", "care", "question"),
}


NEWEST = {
    **ON_THE_WAY,
    Screening.State.CONFIRMED: Badge("confirmed", "good", "check"),
    Screening.State.WAIVED: Badge("left out, with a reason", "care", "care"),
}
NONE_YET = Badge("not screened", "care", "question")


@dataclass(frozen=True)
class Question:
    """A field, what the patient answered ("" where they were not asked), and whether the clinic says otherwise."""

    field: BoundField
    is_number: bool
    said: str
    changed: bool


@dataclass(frozen=True)
class Part:
    code: str
    title: str
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Decided:
    words: str
    kind: str
    who: str


@dataclass(frozen=True)
class Line:
    """One result. `kinds` are the ways to decide on it that are open; none where nothing is to be decided."""

    code: str
    ask: str
    answer: str
    badge: Badge
    sentence: str
    rests_on: str
    leads_to: tuple[str, str] | None
    lift: str
    decided: Decided | None
    open: bool
    hard: bool


@dataclass(frozen=True)
class Change:
    """An answer of the patient's that the clinic changed."""

    ask: str
    patient: str
    clinic: str


@dataclass(frozen=True)
class State:
    """Where a patient's screening stands, in a badge and a sentence; `lines` are what stops or asks for a reason."""

    badge: Badge
    sentence: str
    lines: tuple[Line, ...]
    open: bool


@dataclass(frozen=True)
class Page:
    """What the page of results shows."""

    number: int
    confirmed: str
    note: str
    lines: tuple[Line, ...]
    changes: tuple[Change, ...]
    reviewed: bool
    outdated: bool
    version: str


def parts(form: ScreeningForm, standing: Standing) -> list[Part]:
    """The questions by section, each beside what the patient answered in this round."""
    told, shown = _told(standing), form.initial if not form.is_bound else form.data
    found = []
    for section in screening.form().sections:
        questions = [_question(form, item, told, shown) for item in form.items if item.section == section.code]
        if questions:
            found.append(Part(section.code, section.title, tuple(questions)))
    return found


def brought(form: ScreeningForm, standing: Standing, pairs: Sequence[tuple[Item, str]]) -> list[tuple[Question, str]]:
    """Questions that follow from what was answered, each with the code of the one it stands after."""
    told = _told(standing)
    return [(_question(form, item, told, form.data), before) for item, before in pairs]


def _told(standing: Standing) -> Mapping[str, str]:
    """What the patient answered in the round that runs."""
    return standing.told.answers if standing.told and standing.running else {}


def _question(form: ScreeningForm, item: Item, told: Mapping[str, str], shown: Mapping[str, Any]) -> Question:
    return Question(
        field=form[item.code],
        is_number=item.is_number,
        said=screening.CHOICES.get(told.get(item.code, ""), told.get(item.code, "")),
        changed=item.code in told and shown.get(item.code, "") != told[item.code],
    )


def state(standing: Standing, *, zone: ZoneInfo) -> State:
    """Where the screening stands, for pages that only point to it."""
    running = standing.running
    open_lines = tuple(_line(one, standing, zone) for one in (*standing.open_stops, *standing.open_reasons))
    if standing.confirmed is not None:
        said = f"Confirmed by {standing.confirmed.by_label} on {moment(standing.confirmed.at, zone)}."
        if running is not None:
            said += f" Since then: {ON_THE_WAY[Screening.State(running.state)].text}."
        if not open_lines:
            return State(NEWEST[Screening.State.CONFIRMED], said, (), False)
        return State(OUTCOMES[Outcome.HARD_STOP if standing.open_stops else Outcome.SOFT_STOP], said, open_lines, True)
    if standing.waived is not None:
        said = f"{standing.waived.by_label}, {moment(standing.waived.at, zone)}: “{standing.waived.note}”"
        return State(NEWEST[Screening.State.WAIVED], said, (), False)
    if running is not None:
        said = f"{running.by_label}, {moment(running.at, zone)}."
        return State(ON_THE_WAY[Screening.State(running.state)], said, (), True)
    return State(NONE_YET, "Nobody has asked the questions yet.", (), True)


def badge(newest: str) -> Badge:
    """The state of the newest version of a screening; "" is none."""
    return NEWEST.get(Screening.State(newest), NONE_YET) if newest else NONE_YET


def page(standing: Standing, *, zone: ZoneInfo) -> Page | None:
    """What the confirmed screening says, or nothing where none is confirmed."""
    row = standing.confirmed
    if row is None:
        return None
    return Page(
        number=row.number,
        confirmed=f"{row.by_label}, {moment(row.at, zone)}",
        note=row.note,
        lines=tuple(_line(one, standing, zone) for one in standing.results),
        changes=changes(standing) if standing.running is None else (),
        reviewed=screening.form().reviewed,
        outdated=standing.outdated,
        version=row.text_version,
    )


def changes(standing: Standing) -> tuple[Change, ...]:
    """Which answers of the patient's the confirmed screening says otherwise."""
    if standing.told is None or standing.confirmed is None:
        return ()
    told, says = standing.told.answers, standing.answers
    return tuple(
        Change(ask=_ask(code), patient=_answer(answer), clinic=_answer(says.get(code, "")) or "no longer asked")
        for code, answer in told.items()
        if says.get(code, "") != answer
    )


def _line(result: Result, standing: Standing, zone: ZoneInfo) -> Line:
    decision = standing.decided.get(result.code)
    return Line(
        code=result.code,
        ask=_ask(result.code),
        answer=_answer(result.answer),
        badge=OUTCOMES[result.outcome],
        sentence=result.sentence,
        rests_on=_rests_on(result.sources, result.grade),
        leads_to=LEADS_TO.get(result.leads_to),
        lift=result.lift,
        decided=_decided(decision, zone) if decision else None,
        open=result.is_stop and decision is None,
        hard=result.outcome is Outcome.HARD_STOP,
    )


def _decided(decision: ScreeningDecision, zone: ZoneInfo) -> Decided:
    who = f"{decision.by_label}, {moment(decision.at, zone)}"
    return Decided(words=decision.words, kind=DECISIONS(decision.kind).label, who=who)


def _rests_on(sources: Sequence[str], grade: str) -> str:
    return f"rests on {GRADES[Grade(grade)]}: {', '.join(sources)}"


def _ask(code: str) -> str:
    item = screening.form().item(code)
    return item.ask if item else code


def _answer(answer: str) -> str:
    return screening.CHOICES.get(answer, answer)
