"""The rules as a clinician reads them before signing: from the same book that the patients are judged by."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from desk.presenters.badges import Badge
from desk.presenters.days import moment
from desk.presenters.findings import BLOCKS, OFFERS, TIERS, WITHOUT_A_PAGE
from titration import rule_book
from titration.engine.advice.book import Book, Part, Rule, Threshold
from titration.models import RuleReview, RuleSettings
from titration.selectors.rules import Rules

_GAP = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, kw_only=True)
class PartLine:
    name: str
    tier: Badge
    blocks: str
    sentence: str
    patient_sentence: str
    offers: str


@dataclass(frozen=True, kw_only=True)
class RuleLine:
    """A rule with all it can say. What stands in brackets is filled in with what was seen."""

    id: str
    version: int
    title: str
    trigger: str
    grade: str
    sources: str
    parts: tuple[PartLine, ...]


@dataclass(frozen=True, kw_only=True)
class ThresholdLine:
    """A number of the rules: the clinic's, and the book's where the clinic has set another."""

    name: str
    meaning: str
    value: str
    unit: str
    shipped: str
    ends: str
    grade: str


@dataclass(frozen=True, kw_only=True)
class Signature:
    who: str
    licence: str
    when: str
    words: str
    current: bool


@dataclass(frozen=True, kw_only=True)
class RulesPage:
    version: int
    pending: bool
    fingerprint: str
    rules: tuple[RuleLine, ...]
    thresholds: tuple[ThresholdLine, ...]
    set_by: str
    signatures: tuple[Signature, ...]


def page(rules: Rules, reviews: list[RuleReview], settings: list[RuleSettings], *, zone: ZoneInfo) -> RulesPage:
    current = settings[0] if settings else None
    return RulesPage(
        version=rules.book.version,
        pending=rules.book.review == "pending",
        fingerprint=rules.fingerprint,
        rules=tuple(_rule(rule) for _, rule in sorted(rules.book.rules.items())),
        thresholds=tuple(threshold_lines(rules.book)),
        set_by=f"Set by {current.by_label} on {moment(current.at, zone)}: {current.reason}" if current else "",
        signatures=tuple(_signature(row, rules, zone) for row in reviews),
    )


def _rule(rule: Rule) -> RuleLine:
    return RuleLine(
        id=rule.id,
        version=rule.version,
        title=rule.title,
        trigger=rule.trigger,
        grade=rule.grade,
        sources=", ".join(rule.sources),
        parts=tuple(_part(part) for part in rule.parts.values()),
    )


def _part(part: Part) -> PartLine:
    offers = [OFFERS[offer][0].lower() if offer in OFFERS else WITHOUT_A_PAGE[offer] for offer in part.offers]
    return PartLine(
        name=part.name,
        tier=TIERS[part.tier],
        blocks=", ".join(words for block, words in BLOCKS.items() if block in part.blocks),
        sentence=_bracketed(part.sentence),
        patient_sentence=_bracketed(part.patient_sentence),
        offers=", ".join(offers),
    )


def _bracketed(sentence: str) -> str:
    """With the gaps as a reader sees them: [last on]."""
    return _GAP.sub(lambda gap: f"[{gap.group(1).replace('_', ' ')}]", sentence)


def threshold_lines(book: Book) -> Iterator[ThresholdLine]:
    shipped: Mapping[str, Threshold] = rule_book.shipped().thresholds
    for name, one in book.thresholds.items():
        yield ThresholdLine(
            name=name,
            meaning=one.meaning,
            value=format(one.value.normalize(), "f"),
            unit=one.unit,
            shipped="" if one.value == shipped[name].value else format(shipped[name].value.normalize(), "f"),
            ends=f"{one.least} to {one.most}" if one.least != one.most else "fixed",
            grade=one.grade,
        )


def _signature(row: RuleReview, rules: Rules, zone: ZoneInfo) -> Signature:
    return Signature(
        who=row.name,
        licence=row.licence,
        when=moment(row.at, zone),
        words=row.words,
        current=row.fingerprint == rules.fingerprint,
    )


@dataclass(frozen=True, kw_only=True)
class SettingsLine:
    number: int
    who: str
    when: str
    reason: str
    values: str


def settings_lines(rows: list[RuleSettings], *, zone: ZoneInfo) -> list[SettingsLine]:
    """What was set, by whom and why."""
    known = rule_book.shipped().thresholds
    return [
        SettingsLine(
            number=row.number,
            who=row.by_label,
            when=moment(row.at, zone),
            reason=row.reason,
            values="; ".join(
                f"{known[name].meaning if name in known else name}: {value}" for name, value in row.chosen.items()
            )
            or "everything as in the book",
        )
        for row in rows
    ]
