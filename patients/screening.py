"""Screening before a first dose, as arithmetic: which questions matter for whom, and what the answers mean.

The questions, outcomes and sentences are data with a version (`screening.toml`), read once; the functions below
compute from their arguments alone. Answers are texts by code: "yes", "no", "unsure", or a number such as "45".
"""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from common.drug_names import tall_man

YES, NO, UNSURE = "yes", "no", "unsure"
CHOICES = {YES: "Yes", NO: "No", UNSURE: "Not sure"}

Answers = Mapping[str, str]


class Outcome(StrEnum):
    """What an answer asks of the clinician, the gravest first."""

    HARD_STOP = "hard_stop"
    SOFT_STOP = "soft_stop"
    CAUTION = "caution"
    INFORMATION = "information"


GRAVITY = {outcome: number for number, outcome in enumerate(Outcome)}


class Asker(StrEnum):
    """Who is asked: a clinician about the patient, or the patient themself."""

    CLINICIAN = "clinician"
    PATIENT = "patient"


@dataclass(frozen=True, kw_only=True)
class About:
    """What of a person decides which questions matter. `age` in completed years; `conditions` are codes."""

    age: int
    conditions: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What one answer means, or a number up to `at_most`. `tell` is said to the patient who gave it; often nothing."""

    outcome: Outcome
    sentence: str
    tell: str = ""
    at_most: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Item:
    """One question. `lift` names the specialist whose agreement lifts its hard stop; `leads_to` an instrument.

    An answer to an `urgent` one that means something wants somebody the same day.
    """

    code: str
    section: str
    ask: str
    sources: tuple[str, ...]
    grade: str
    hint: str = ""
    ask_patient: str = ""
    hint_patient: str = ""
    is_number: bool = False
    least: Decimal = Decimal(0)
    most: Decimal = Decimal(0)
    by: str = ""
    about: str = ""
    only_if: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    lift: str = ""
    leads_to: str = ""
    urgent: bool = False
    meanings: Mapping[str, Meaning] = field(default_factory=dict)
    thresholds: tuple[Meaning, ...] = ()


@dataclass(frozen=True)
class Section:
    code: str
    title: str
    for_patient: str


@dataclass(frozen=True, kw_only=True)
class Form:
    """All questions of one version, in their order."""

    version: str
    reviewed: bool
    child_below: int
    pregnancy_from: int
    pregnancy_below: int
    sections: tuple[Section, ...]
    items: tuple[Item, ...]

    def item(self, code: str) -> Item | None:
        """The question of this code, if this version has it."""
        return next((item for item in self.items if item.code == code), None)

    def is_child(self, about: About) -> bool:
        return about.age < self.child_below


@dataclass(frozen=True, kw_only=True)
class Result:
    """One answer that asks something of the clinician, with its sentence and what it rests on."""

    code: str
    answer: str
    outcome: Outcome
    sentence: str
    sources: tuple[str, ...]
    grade: str
    lift: str = ""
    leads_to: str = ""
    urgent: bool = False

    @property
    def is_stop(self) -> bool:
        return self.outcome in (Outcome.HARD_STOP, Outcome.SOFT_STOP)


def asked(form: Form, answers: Answers, about: About, asker: Asker = Asker.CLINICIAN) -> tuple[Item, ...]:
    """The questions that matter for this person, given what has been answered so far, in the form's order."""
    found: list[Item] = []
    for item in form.items:
        if asker is Asker.PATIENT and item.by == Asker.CLINICIAN:
            continue
        if _applies(form, item, about) and _follows(item, answers, about, {one.code for one in found}):
            found.append(item)
    return tuple(found)


def brought(
    form: Form, answers: Answers, about: About, shown: Collection[str], asker: Asker = Asker.CLINICIAN
) -> tuple[tuple[Item, str], ...]:
    """The questions that the answers bring beside those `shown`, each with the code of the one it comes after."""
    wanted = asked(form, answers, about, asker)
    pairs = zip(wanted[1:], wanted, strict=False)
    return tuple(
        (item, before.code) for item, before in pairs if item.code not in shown and before.section == item.section
    )


def missing(form: Form, answers: Answers, about: About, asker: Asker = Asker.CLINICIAN) -> tuple[Item, ...]:
    """The questions that matter and have no answer. A number may stay away: it is asked for where it is known."""
    return tuple(
        item for item in asked(form, answers, about, asker) if not item.is_number and not answers.get(item.code)
    )


def of_use(form: Form, answers: Answers, about: About) -> dict[str, str]:
    """The answers to questions that matter: what hung on an answer since taken back is left out."""
    return {item.code: answers[item.code] for item in asked(form, answers, about) if answers.get(item.code)}


def results(form: Form, answers: Answers, about: About) -> tuple[Result, ...]:
    """What the answers mean, the gravest first, then in the form's order. No answer means nothing: see `missing`."""
    found = []
    for item in asked(form, answers, about):
        answer = answers.get(item.code, "")
        meaning = meaning_of(item, answer)
        if meaning is not None:
            found.append(_result(item, answer, meaning))
    return tuple(sorted(found, key=lambda result: GRAVITY[result.outcome]))


def meaning_of(item: Item, answer: str) -> Meaning | None:
    """What this answer means, if anything."""
    if not item.is_number:
        return item.meanings.get(answer)
    number = as_number(answer)
    if number is None:
        return None
    return next((one for one in item.thresholds if one.at_most is not None and number <= one.at_most), None)


def is_answer(item: Item, answer: str) -> bool:
    """Whether this is an answer to the question at all."""
    if not item.is_number:
        return answer in CHOICES
    number = as_number(answer)
    return number is not None and item.least <= number <= item.most


def as_number(typed: str) -> Decimal | None:
    """A typed number, with point or comma; None where it is none."""
    try:
        number = Decimal(typed.strip().replace(",", "."))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _result(item: Item, answer: str, meaning: Meaning) -> Result:
    lifted = item.lift if meaning.outcome is Outcome.HARD_STOP else ""
    return Result(
        code=item.code,
        answer=answer,
        outcome=meaning.outcome,
        sentence=meaning.sentence.replace("{number}", answer),
        sources=item.sources,
        grade=item.grade,
        lift=lifted,
        leads_to=item.leads_to,
        urgent=item.urgent,
    )


def _applies(form: Form, item: Item, about: About) -> bool:
    match item.about:
        case "child":
            return form.is_child(about)
        case "pregnancy_age":
            return form.pregnancy_from <= about.age < form.pregnancy_below
        case _:
            return True


def _follows(item: Item, answers: Answers, about: About, shown: set[str]) -> bool:
    """Whether it stands alone, or what it hangs on was asked and not answered with no."""
    if not item.only_if and not item.conditions:
        return True
    if about.conditions.intersection(item.conditions):
        return True
    return any(code in shown and answers.get(code) in (YES, UNSURE) for code in item.only_if)


@cache
def form() -> Form:
    """The questions in force, from the file beside this module."""
    return parse((Path(__file__).parent / "screening.toml").read_text("utf-8"))


def parse(text: str) -> Form:
    """The questions of a file's text. Raises `ValueError` where it contradicts itself."""
    raw = tomllib.loads(tall_man(text))
    sections = tuple(Section(**one) for one in raw["section"])
    items = tuple(_item(one) for one in raw["item"])
    _check(sections, items)
    return Form(
        version=raw["version"], reviewed=raw["review"] != "pending", sections=sections, items=items, **raw["ages"]
    )


def _item(raw: dict[str, Any]) -> Item:
    values = {**raw}
    meanings = {answer: _meaning(values.pop(answer)) for answer in CHOICES if answer in values}
    thresholds = tuple(
        _meaning({name: value for name, value in one.items() if name != "value"}, at_most=Decimal(str(one["value"])))
        for one in values.pop("at_most", [])
    )
    is_number = values.pop("kind", "choice") == "number"
    least, most = (Decimal(str(values.pop(name, 0))) for name in ("least", "most"))
    rest: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return Item(
        is_number=is_number,
        least=least,
        most=most,
        meanings=meanings,
        thresholds=thresholds,
        **rest,
    )


def _meaning(raw: dict[str, Any], at_most: Decimal | None = None) -> Meaning:
    return Meaning(outcome=Outcome(raw["outcome"]), sentence=raw["sentence"], tell=raw.get("tell", ""), at_most=at_most)


def _check(sections: tuple[Section, ...], items: tuple[Item, ...]) -> None:
    """A question hangs on earlier ones, stands once and in a section, and has words for whom it is asked of."""
    known: set[str] = set()
    for item in items:
        if item.code in known or item.section not in {section.code for section in sections}:
            raise ValueError(f"{item.code} stands twice or in no section")
        if not known.issuperset(item.only_if):
            raise ValueError(f"{item.code} hangs on a question that does not come before it")
        if bool(item.ask_patient) == (item.by == Asker.CLINICIAN):
            raise ValueError(f"{item.code} has words for a patient, or is asked of a clinician alone: one of the two")
        known.add(item.code)
