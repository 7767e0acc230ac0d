"""A protocol: reviewed, versioned clinical data of rungs, each a dose and the days it is taken for.

dose   3 |           ____________ ...   rung 2, open: no end
     1.5 |     ______|                  rung 1, 14 days
     0.5 |_____|                        rung 0, 14 days
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Any, Self

from common.dose import FINEST, HARD_CEILING, SOFT_CEILING, Dose
from common.drug_names import NALTREXONE
from common.night import Slot
from titration.engine.refusals import EngineRefusal
from titration.engine.terms import ByWeight, Condition, Cycle, decimal, plain

LARGEST_STEP_WITHOUT_REASON = Dose.of("1.5")
"""A larger rise from one rung to the next gives its reason in the file (clinical facts 1.5, grade E3)."""

MOST_MG_PER_KG = Decimal("0.1")
"""No low-dose source goes higher; 0.5 to 2 mg/kg of older studies in autism are no low doses (clinical facts 1.3)."""

LONGEST_RUNG_DAYS = 3650

REVIEW_PENDING = "pending"
"""What a protocol says while no clinician has reviewed it. A reviewer is never invented."""


class Then(StrEnum):
    """What follows the last rung."""

    OPEN = "open"
    REVIEW = "review"
    END = "end"


class Grade(StrEnum):
    """What the schedule rests on: a trial, label or register; specialist practice; a choice made in this project."""

    TRIAL = "E1"
    PRACTICE = "E2"
    CHOICE = "E3"


@dataclass(frozen=True, slots=True)
class Rung:
    """One dose and how many days it is taken for; `days` is None only for a last rung that has no end.

    `reason` says why the rung is above the soft ceiling or more than 1.5 mg above the rung below; else it is empty.
    With `mg_per_kg` the dose goes by weight and `dose` is its cap (see `by_weight.resolved`). `only_if` must hold
    before the rung is taken. Doses are of the whole day, also where it is taken in two halves.
    """

    dose: Dose
    days: int | None
    reason: str = ""
    mg_per_kg: Decimal | None = None
    only_if: Condition | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "dose_mg": self.dose.text,
            "days": self.days,
            "reason": self.reason,
            **({"mg_per_kg": plain(self.mg_per_kg)} if self.mg_per_kg is not None else {}),
            **({"only_if": self.only_if.to_json()} if self.only_if is not None else {}),
        }


@dataclass(frozen=True, slots=True)
class Source:
    """Where the schedule was published: a short key and words by which it can be found."""

    key: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """Raises `EngineRefusal` with a sentence where the data could not be a schedule of low-dose naltrexone.

    `time_of_day` is None where the source leaves it open; SPLIT is half of the dose twice a day. What is not said is
    absent from `to_json`, so that what was signed before a term existed keeps its fingerprint.
    """

    id: str
    version: int
    name: str
    rungs: tuple[Rung, ...]
    then: Then
    sources: tuple[Source, ...]
    grade: Grade
    author: str
    review: str = REVIEW_PENDING
    note: str = ""
    time_of_day: Slot | None = None
    by_weight: ByWeight | None = None
    cycle: Cycle | None = None

    def __post_init__(self) -> None:
        for sentence in _faults(self):
            raise EngineRefusal(f"{_named(self.id)}: {sentence}")

    @property
    def label(self) -> str:
        """How it is named on a screen, the code never alone: "every 2 weeks (STD-2W)"."""
        return f"{self.name} ({self.id})"

    @property
    def last(self) -> int:
        """The index of the highest rung."""
        return len(self.rungs) - 1

    @property
    def is_reviewed(self) -> bool:
        return self.review != REVIEW_PENDING

    @property
    def needs_weight(self) -> bool:
        """Whether it is in milligrams a kilogram still, and therefore nobody's schedule yet."""
        return self.by_weight is not None and self.by_weight.weight_kg is None

    def check_ready(self) -> None:
        """Raise `EngineRefusal` while it is nobody's schedule yet."""
        if self.needs_weight:
            raise EngineRefusal(f"{self.label} goes by weight. Say the weight first; the doses follow from it.")

    @property
    def is_split(self) -> bool:
        """Whether the day's dose is taken in two halves."""
        return self.time_of_day is Slot.SPLIT

    @property
    def conditions(self) -> tuple[tuple[int, Condition], ...]:
        """The rungs, counted from 0, that are taken only if something holds, and what."""
        return tuple((number, rung.only_if) for number, rung in enumerate(self.rungs) if rung.only_if is not None)

    def to_json(self) -> dict[str, Any]:
        """Plain data that a prescription keeps as its snapshot; doses as shortest decimal strings."""
        return {
            "id": self.id,
            "version": self.version,
            "name": self.name,
            "rungs": [rung.to_json() for rung in self.rungs],
            "then": self.then.value,
            "sources": [{"key": source.key, "reference": source.reference} for source in self.sources],
            "grade": self.grade.value,
            "author": self.author,
            "review": self.review,
            "note": self.note,
            **({"time_of_day": self.time_of_day.value} if self.time_of_day is not None else {}),
            **({"by_weight": self.by_weight.to_json()} if self.by_weight is not None else {}),
            **({"cycle": self.cycle.to_json()} if self.cycle is not None else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The protocol that `to_json` or a protocol file describes; raises `EngineRefusal` for anything else."""
        try:
            _check_plain(data)
            return cls(
                **{
                    **data,
                    "rungs": tuple(_rung(**rung) for rung in data["rungs"]),
                    "then": Then(data["then"]),
                    "sources": tuple(Source(**source) for source in data["sources"]),
                    "grade": Grade(data["grade"]),
                    **{term: read(data[term]) for term, read in _TERMS.items() if term in data},
                }
            )
        except KeyError as missing:
            raise EngineRefusal(f"{_named(data.get('id'))} cannot be read: {missing} is missing.") from missing
        except (TypeError, ValueError) as error:
            raise EngineRefusal(f"{_named(data.get('id'))} cannot be read: {error}.") from error

    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, of the canonical JSON: equal only for the same clinical data."""
        canonical = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


_TERMS: dict[str, Callable[[Any], Any]] = {
    "time_of_day": Slot,
    "by_weight": ByWeight.from_json,
    "cycle": Cycle.from_json,
}


def _named(protocol_id: object) -> str:
    return str(protocol_id or "A protocol without an id")


def _check_plain(data: Mapping[str, Any]) -> None:
    """Raise TypeError where a value is not of the kind that JSON and TOML have for it."""
    if type(data["version"]) is not int:
        raise TypeError("a version is a whole number")
    texts = (data["id"], data["name"], data["author"], data.get("review", ""), data.get("note", ""))
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("an id, a name, an author, a review state and a note are texts")


def _rung(
    dose_mg: str,
    days: int | None = None,
    reason: str = "",
    mg_per_kg: str | None = None,
    only_if: Mapping[str, Any] | None = None,
) -> Rung:
    if not isinstance(dose_mg, str):
        raise TypeError("a dose is written as a decimal string, like '1.5'")
    if not isinstance(reason, str):
        raise TypeError("a reason is a text")
    if days is not None and type(days) is not int:
        raise TypeError("days are a whole number")
    try:
        dose = Dose.of(dose_mg)
    except ArithmeticError as error:
        raise ValueError(f"{dose_mg!r} is no dose, write it like '1.5'") from error
    return Rung(
        dose,
        days,
        reason,
        None if mg_per_kg is None else decimal(mg_per_kg),
        None if only_if is None else Condition.from_json(only_if),
    )


def _faults(protocol: Protocol) -> Iterator[str]:
    """What is wrong, a sentence each, the plainest first."""
    if not (protocol.id and protocol.name and protocol.author and protocol.review):
        yield "an id, a name, an author and a review state are needed."
    if protocol.version < 1:
        yield "versions are counted from 1."
    if not protocol.sources or not all(source.key and source.reference for source in protocol.sources):
        yield "at least one source is named, each with a key and a reference."
    if not protocol.rungs:
        yield "there is no rung."
        return
    yield from _length_faults(protocol)
    yield from _dose_faults(protocol.rungs)
    yield from _term_faults(protocol)


def _length_faults(protocol: Protocol) -> Iterator[str]:
    *lower, top = protocol.rungs
    if any(rung.days is None for rung in lower):
        yield "only the last rung may be without an end."
    if (top.days is None) != (protocol.then is Then.OPEN):
        yield "the last rung has no days if, and only if, the course stays open."
    for number, rung in enumerate(protocol.rungs, start=1):
        if rung.days is not None and not 1 <= rung.days <= LONGEST_RUNG_DAYS:
            yield f"rung {number} lasts {rung.days} days; it takes 1 to {LONGEST_RUNG_DAYS}."


def _dose_faults(rungs: tuple[Rung, ...]) -> Iterator[str]:
    for number, rung in enumerate(rungs, start=1):
        if not rung.dose.mg:
            yield f"rung {number} has no dose."
        if rung.dose > HARD_CEILING:
            yield f"rung {number} is {rung.dose}, above {HARD_CEILING}: that is not low-dose {NALTREXONE}."
        if rung.dose > SOFT_CEILING and not rung.reason:
            yield f"rung {number} is {rung.dose}, above {SOFT_CEILING}, and gives no reason."
    for number, (below, above) in enumerate(pairwise(rungs), start=2):
        if above.dose < below.dose:
            yield f"rung {number} goes down from {below.dose} to {above.dose}."
        elif above.dose - below.dose > LARGEST_STEP_WITHOUT_REASON and not above.reason:
            yield (
                f"rung {number} rises by {above.dose - below.dose}, "
                f"more than {LARGEST_STEP_WITHOUT_REASON}, and gives no reason."
            )


def _term_faults(protocol: Protocol) -> Iterator[str]:
    weighed = [rung for rung in protocol.rungs if rung.mg_per_kg is not None]
    if bool(weighed) != (protocol.by_weight is not None):
        yield "doses in mg/kg and how they are measured are said together, or neither."
    for number, rung in enumerate(protocol.rungs, start=1):
        if rung.mg_per_kg is not None and not 0 < rung.mg_per_kg <= MOST_MG_PER_KG:
            yield f"rung {number} is {plain(rung.mg_per_kg)} mg/kg; low doses are at most {MOST_MG_PER_KG} mg/kg."
        if rung.mg_per_kg is not None and rung.dose > SOFT_CEILING:
            yield f"rung {number} goes by weight and may be at most {SOFT_CEILING}."
    if protocol.rungs[0].only_if is not None:
        yield "the first rung is taken in any case."
    if protocol.is_split:
        yield from _half_faults(protocol.rungs)


def _half_faults(rungs: tuple[Rung, ...]) -> Iterator[str]:
    for number, rung in enumerate(rungs, start=1):
        if rung.dose.mg % (2 * FINEST):
            yield f"rung {number} is {rung.dose}, which has no half exact to {FINEST} mg."
