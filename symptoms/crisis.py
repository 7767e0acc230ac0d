"""What somebody reads who told of thoughts of death or self-harm, read once from the file beside this module."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

GENERAL = "general"
"""The words of a clinic that has not chosen whose numbers to show: none but its own."""


@dataclass(frozen=True)
class Line:
    """A public service to call: the words, and the digits a phone dials."""

    words: str
    dial: str


@dataclass(frozen=True)
class CrisisWords:
    """The words of one locale, the same for everybody. `reviewed`: a clinician checked them."""

    locale: str
    place: str
    heading: str
    why: str
    now_heading: str
    emergency: str
    now: tuple[str, ...]
    talk_heading: str
    lines: tuple[Line, ...]
    clinic: str
    unsaved: str
    reviewed: bool


def locales() -> dict[str, str]:
    """Whose numbers a clinic may choose: name by code."""
    return {code: raw["name"] for code, raw in _file()["locale"].items()}


def words_for(locale: str) -> CrisisWords:
    """The words for a locale; those without a country's numbers where it is unknown."""
    code = locale if locale in _file()["locale"] else GENERAL
    common, local = _file()["words"], _file()["locale"][code]
    return CrisisWords(
        locale=code,
        place=local["name"],
        heading=common["heading"],
        why=common["why"],
        now_heading=common["now_heading"],
        emergency=local["emergency"],
        now=tuple(common["now"]),
        talk_heading=common["talk_heading"],
        lines=tuple(Line(line["words"], line["dial"]) for line in local["lines"]),
        clinic=common["clinic"],
        unsaved=common["unsaved"],
        reviewed=_file()["review"] != "pending",
    )


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "crisis.toml").read_text("utf-8"))
