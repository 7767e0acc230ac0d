"""The rule book: what each rule says, how soon, on what grounds and from which number on. Data that somebody signs."""

import re
import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from common.dose import Dose
from titration.engine.advice.finding import Block, Finding, Offer, Tier
from titration.engine.refusals import EngineRefusal
from titration.engine.words import day_in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A number that a rule is held against: with its unit, what it means, its grade, and the ends a clinic may set."""

    name: str
    value: Decimal
    unit: str
    meaning: str
    grade: str
    least: Decimal
    most: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing a rule can find: what it says to the clinician and, if anything, to the patient.

    `while_taken`: what it says to the patient holds only while doses are taken, and is kept back where another finding
    says to take none.
    """

    name: str
    tier: Tier
    blocks: frozenset[Block]
    sentence: str
    patient_sentence: str
    offers: tuple[Offer, ...]
    while_taken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of the book. `trigger` says in words when it fires; `sources` are keys of the clinical facts."""

    id: str
    version: int
    title: str
    trigger: str
    sources: tuple[str, ...]
    grade: str
    parts: Mapping[str, Part]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question of the screening in its own words; how each answer is said and what it means, by answer."""

    question: str
    said: Mapping[str, str]
    means: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """All rules, by id, and the thresholds they share, by name, as a clinic has set them.

    `screening` has the questions that rules listen to, by code: a finding says what was asked, not what a rule makes
    of it.
    """

    version: int
    review: str
    rules: Mapping[str, Rule]
    thresholds: Mapping[str, Threshold]
    screening: Mapping[str, Asked]

    def number(self, name: str) -> Decimal:
        return self.thresholds[name].value

    def count(self, name: str) -> int:
        """A threshold that is a whole number of nights, days or signs."""
        return int(self.thresholds[name].value)

    def with_thresholds(self, chosen: Mapping[str, Decimal]) -> "Book":
        """The book as a clinic has set it; raises `EngineRefusal` for a number outside its ends."""
        for name, value in chosen.items():
            known = self.thresholds.get(name)
            if known is None:
                raise EngineRefusal(f"There is no threshold {name!r}.")
            if not known.least <= value <= known.most:
                raise EngineRefusal(f"{known.meaning}: from {known.least} to {known.most} {known.unit}.")
        changed = {name: replace(self.thresholds[name], value=value) for name, value in chosen.items()}
        return replace(self, thresholds={**self.thresholds, **changed})

    def screened(self, code: str, answer: str) -> dict[str, object]:
        """What was asked, what was answered and what that means, for a sentence about an answer of the screening."""
        asked = self.screening[code]
        return {
            "item": code,
            "asked": asked.question,
            "answer": answer,
            "said": asked.said[answer],
            "means": asked.means[answer],
        }

    def found(
        self,
        rule: str,
        part: str,
        *,
        about: object,
        day: date,
        data: Mapping[str, Any],
        used: Iterable[str] = (),
        offers: tuple[Offer, ...] | None = None,
        blocks: frozenset[Block] | None = None,
    ) -> Finding:
        """A finding in the book's words. `about` names the thing it is about; `data` fills the gaps."""
        book_rule = self.rules[rule]
        said = book_rule.parts[part]
        worded = {name: _worded(value) for name, value in data.items()}
        return Finding(
            rule=rule,
            version=book_rule.version,
            part=part,
            key=f"{rule}:{part}:{about}",
            tier=said.tier,
            day=day,
            sentence=_said(said.sentence, worded),
            patient_sentence=_said(said.patient_sentence, worded),
            blocks=said.blocks if blocks is None else blocks,
            data={name: _plain(value) for name, value in data.items()},
            used={name: _number(self.thresholds[name].value) for name in used},
            offers=said.offers if offers is None else offers,
        )


def _said(sentence: str, worded: Mapping[str, str]) -> str:
    """The sentence with its gaps filled, and of one thing as of one."""
    return _ONE.sub(r"\1", sentence.format_map(worded))


_ONE = re.compile(r"(?<![\d.,])(1 (?:bad |extra |told )?(?:day|night|dose|sign|week|hour|minute))s\b")


def gaps(sentence: str) -> frozenset[str]:
    """The names that a sentence wants filled."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(sentence) if name)


def read(data: Mapping[str, Any], screening: Mapping[str, Asked]) -> Book:
    """The book from its file's data and the questions of the screening.

    Raises `EngineRefusal` with a sentence naming what is missing or wrong.
    """
    try:
        return Book(
            version=data["version"],
            review=data["review"],
            rules={one.id: one for one in _rules(data["rules"])},
            thresholds={name: _threshold(name, one) for name, one in data["thresholds"].items()},
            screening=screening,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise EngineRefusal(f"The rule book cannot be read: {error!r}.") from error


def _rules(data: Mapping[str, Any]) -> Iterator[Rule]:
    for rule_id, one in data.items():
        yield Rule(
            id=rule_id,
            version=one["version"],
            title=one["title"],
            trigger=one["trigger"],
            sources=tuple(one["sources"]),
            grade=one["grade"],
            parts={name: _part(name, part, one) for name, part in one["parts"].items()},
        )


def _part(name: str, data: Mapping[str, Any], rule: Mapping[str, Any]) -> Part:
    return Part(
        name=name,
        tier=Tier(data.get("tier", rule["tier"])),
        blocks=frozenset(Block(one) for one in data["blocks"]),
        sentence=data["sentence"],
        patient_sentence=data.get("patient_sentence", ""),
        offers=tuple(Offer(one) for one in data.get("offers", ())),
        while_taken=data.get("while_taken", False),
    )


def _threshold(name: str, data: Mapping[str, Any]) -> Threshold:
    return Threshold(
        name=name,
        value=Decimal(data["value"]),
        unit=data["unit"],
        meaning=data["meaning"],
        grade=data["grade"],
        least=Decimal(data["least"]),
        most=Decimal(data["most"]),
    )


def _worded(value: object) -> str:
    match value:
        case date():
            return day_in_words(value)
        case Decimal() | Fraction():
            return _number(value)
        case tuple() | list():
            return ", ".join(_worded(one) for one in value)
        case None:
            return "unknown"
        case _:
            return str(value)


def _plain(value: object) -> object:
    """As JSON has it: dates as year-month-day, amounts as decimal texts."""
    match value:
        case date():
            return value.isoformat()
        case Decimal() | Fraction():
            return _number(value)
        case Dose():
            return value.text
        case tuple() | list():
            return [_plain(one) for one in value]
        case _:
            return value


def _number(value: Decimal | Fraction) -> str:
    """A number as it was told; what was worked out from several to one decimal. Never with a trailing zero."""
    if isinstance(value, Fraction):
        exact = Decimal(value.numerator) / Decimal(value.denominator)
        value = exact.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)
    return format(value.normalize() + 0, "f")
