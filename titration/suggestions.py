"""What is often begun with, by condition: for a clinician to take or leave, each with its source and grade."""

import functools
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from titration.engine.protocol import Grade


@dataclass(frozen=True)
class Suggestion:
    """`protocol_id` is empty where the advice is to preset none. `sources` are keys of the clinical facts."""

    condition: str
    protocol_id: str
    words: str
    sources: tuple[str, ...]
    grade: Grade
    children: bool


def suggestions_for(condition_codes: Iterable[str], *, child: bool = False) -> tuple[Suggestion, ...]:
    """The suggestions of these conditions, in the order they are given and then of the file.

    What is for children is left out unless `child`; nothing else looks at age. A condition that is not in the file,
    such as "other", has none.
    """
    return tuple(
        suggestion
        for code in dict.fromkeys(condition_codes)
        for suggestion in _by_condition().get(code, ())
        if child or not suggestion.children
    )


@functools.cache
def _by_condition() -> dict[str, tuple[Suggestion, ...]]:
    raw = tomllib.loads((Path(__file__).parent / "suggestions.toml").read_text(encoding="utf-8"))["suggestion"]
    made = [
        Suggestion(
            condition=row["condition"],
            protocol_id=row["protocol"],
            words=row["words"],
            sources=tuple(row["sources"]),
            grade=Grade(row["grade"]),
            children=row.get("children", False),
        )
        for row in raw
    ]
    return {code: tuple(s for s in made if s.condition == code) for code in dict.fromkeys(s.condition for s in made)}
