"""A protocol: reviewed, versioned clinical data of rungs, each a dose and the days it is taken for.

dose   3 |           ____________ ...   rung 2, open: no end
     1.5 |     ______|                  rung 1, 14 days
     0.5 |_____|                        rung 0, 14 days
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any, Self

from common.dose import HARD_CEILING, SOFT_CEILING, Dose
from common.drug_names import NALTREXONE
from titration.engine.refusals import EngineRefusal

LARGEST_STEP_WITHOUT_REASON = Dose.of("1.5")
"""A larger rise from one rung to the next gives its reason in the file (clinical facts 1.5, grade E3)."""

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
    """

    dose: Dose
    days: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the schedule was published: a short key and words by which it can be found."""

    key: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """Raises `EngineRefusal` with a sentence where the data could not be a schedule of low-dose naltrexone."""

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

    def to_json(self) -> dict[str, Any]:
        """Plain data that a prescription keeps as its snapshot; doses as shortest decimal strings."""
        return {
            "id": self.id,
            "version": self.version,
            "name": self.name,
            "rungs": [{"dose_mg": rung.dose.text, "days": rung.days, "reason": rung.reason} for rung in self.rungs],
            "then": self.then.value,
            "sources": [{"key": source.key, "reference": source.reference} for source in self.sources],
            "grade": self.grade.value,
            "author": self.author,
            "review": self.review,
            "note": self.note,
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


def _named(protocol_id: object) -> str:
    return str(protocol_id or "A protocol without an id")


def _check_plain(data: Mapping[str, Any]) -> None:
    """Raise TypeError where a value is not of the kind that JSON and TOML have for it."""
    if type(data["version"]) is not int:
        raise TypeError("a version is a whole number")
    texts = (data["id"], data["name"], data["author"], data.get("review", ""), data.get("note", ""))
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("an id, a name, an author, a review state and a note are texts")


def _rung(dose_mg: str, days: int | None = None, reason: str = "") -> Rung:
    if not isinstance(dose_mg, str):
        raise TypeError("a dose is written as a decimal string, like '1.5'")
    if days is not None and type(days) is not int:
        raise TypeError("days are a whole number")
    try:
        return Rung(Dose.of(dose_mg), days, reason)
    except ArithmeticError as error:
        raise ValueError(f"{dose_mg!r} is no dose, write it like '1.5'") from error


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
