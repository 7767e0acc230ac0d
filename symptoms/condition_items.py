"""What only some conditions are asked of a night, read once from the reviewed file beside this module. Pure."""

import tomllib
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import MappingProxyType

from common.refusals import Refused

_TEN = 10
_WEEK = 7
_GRADES = ("E1", "E2", "E3")


class Kind(StrEnum):
    """How it is answered: 0 to 10, a number, one of some words, or yes and no."""

    SCALE = "scale"
    COUNT = "count"
    CHOICE = "choice"
    YES_NO = "yes_no"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionItem:
    """One question: a whole number from `least` to `most`, in `unit` (UCUM), or no answer at all.

    `asks`, `hint`, `low`, `high`, `choices`, `behind` are the patient's words, `name`, `short`, `shown` the clinic's.
    Raises ValueError where its file contradicts itself.
    """

    code: str
    conditions: tuple[str, ...]
    kind: Kind
    least: int
    most: int
    asks: str
    name: str
    unit: str
    every_days: int
    rules: tuple[str, ...]
    source: str
    grade: str
    hint: str = ""
    low: str = ""
    high: str = ""
    shown: str = ""
    behind: str = ""
    choices: tuple[str, ...] = ()
    short: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for wrong, why in (
            (not self.code.isidentifier() or not self.conditions, "has no code or no condition"),
            (not 0 <= self.least < self.most, "has ends that do not follow one another"),
            (not (self.asks and self.name and self.unit and self.source), "lacks words, a unit or a source"),
            (self.grade not in _GRADES, "has no grade"),
            (self.every_days not in (1, _WEEK), "is asked every night or every week"),
            (self.kind is Kind.SCALE and (self.least, self.most) != (0, _TEN), "is no scale from 0 to 10"),
            (self.kind is Kind.SCALE and not (self.low and self.high), "does not say what its ends mean"),
            (self.kind is Kind.SCALE and bool(self.hint), "has a hint where its ends are said"),
            (self.kind is Kind.YES_NO and (self.least, self.most) != (0, 1), "is neither yes nor no"),
            (bool(self.choices) != (self.kind is Kind.CHOICE), "has answers in words, or lacks them"),
            (bool(self.choices) and len(self.choices) != self.most - self.least + 1, "has an answer without words"),
            (bool(self.short) and len(self.short) != len(self.choices), "has an answer without short words"),
        ):
            if wrong:
                raise ValueError(f"The question {self.code!r} {why}.")

    @property
    def weekly(self) -> bool:
        return self.every_days == _WEEK

    @property
    def answers(self) -> tuple[tuple[int, str], ...]:
        """Number and words of each answer one may choose; none where a number is written."""
        match self.kind:
            case Kind.COUNT:
                return ()
            case Kind.YES_NO:
                return ((0, "No"), (1, "Yes"))
            case Kind.SCALE:
                return tuple((number, str(number)) for number in range(_TEN + 1))
            case Kind.CHOICE:
                return tuple(enumerate(self.choices, start=self.least))

    def takes(self, value: object) -> bool:
        """Whether this is one of its answers: a whole number within its ends."""
        return type(value) is int and self.least <= value <= self.most

    def words_of(self, value: int) -> str:
        """An answer as the clinic reads it."""
        if self.short and self.takes(value):
            return self.short[value - self.least]
        if self.kind in (Kind.CHOICE, Kind.YES_NO):
            return dict(self.answers).get(value, str(value)).casefold()
        return f"{value} {self.shown}".rstrip()


@cache
def all_items() -> "MappingProxyType[str, ConditionItem]":
    """Every question by its code, in the order in which they are asked."""
    return read((Path(__file__).parent / "condition_items.toml").read_text("utf-8"))


def read(text: str) -> "MappingProxyType[str, ConditionItem]":
    """The questions of a file; raises KeyError, TypeError or ValueError for what is missing, unknown or contradicts."""
    found: dict[str, ConditionItem] = {}
    for raw in tomllib.loads(text)["item"]:
        lists = {name: tuple(raw[name]) for name in ("conditions", "rules", "choices", "short") if name in raw}
        item = ConditionItem(**{**raw, **lists, "kind": Kind(raw["kind"])})
        if item.code in found:
            raise ValueError(f"The question {item.code!r} stands there twice.")
        found[item.code] = item
    return MappingProxyType(found)


def of_conditions(conditions: Set[str]) -> tuple[ConditionItem, ...]:
    """What somebody with these conditions is asked, by the conditions' codes."""
    return tuple(item for item in all_items().values() if not conditions.isdisjoint(item.conditions))


def of_night(
    items: Iterable[ConditionItem], night: date, told: Mapping[date, Mapping[str, int]]
) -> tuple[ConditionItem, ...]:
    """Those of them that are asked of a night. `told` are the answers of the nights near it, of itself too: a weekly
    question that another of them has answered is left out.
    """
    near = [answers for on, answers in told.items() if on != night and abs(on - night) < timedelta(days=_WEEK)]
    own = told.get(night, {})
    return tuple(
        item
        for item in items
        if not item.weekly or item.code in own or not any(item.code in answers for answers in near)
    )


def checked(given: Mapping[str, int], items: Iterable[ConditionItem]) -> dict[str, int]:
    """The answers, in the order of the file; raises `Refused` for what is not among these questions, or no answer."""
    asked = {item.code: item for item in items}
    for code, value in given.items():
        item = all_items().get(code)
        if item is None:
            raise Refused("An answer was sent to a question that there is not. Nothing was saved.")
        if code not in asked:
            raise Refused(f"“{item.asks}” is not asked for the conditions on record. Nothing was saved.")
        if not item.takes(value):
            raise Refused(f"“{item.asks}” is answered from {item.least} to {item.most}. Nothing was saved.")
    return {code: given[code] for code in asked if code in given}


def labelled(told: Mapping[str, int]) -> tuple[tuple[str, str], ...]:
    """(name, answer in words) of each answer told, in the order of the file; a code the file has lost comes last."""
    items = all_items()
    known = [(item.name, item.words_of(told[code])) for code, item in items.items() if code in told]
    return (*known, *((code, str(value)) for code, value in told.items() if code not in items))
