"""What a patient is told when it matters, read once from the reviewed file beside this module."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from common.drug_names import tall_man


@dataclass(frozen=True)
class StopWords:
    """The words after an opioid report: what not to do, when to call the clinic, when to call for an ambulance."""

    heading: str
    why: str
    do: tuple[str, ...]
    known: str
    unknown: str
    call_heading: str
    call_signs: tuple[str, ...]
    emergency_heading: str
    emergency_signs: tuple[str, ...]
    emergency_say: str
    reviewed: bool


@dataclass(frozen=True)
class FirstWeekWords:
    """What is expected in the first `nights` nights at a dose, and what is said after them until night `told_until`."""

    nights: int
    told_until: int
    heading: str
    expected: str
    over_heading: str
    over: str
    reviewed: bool


@dataclass(frozen=True)
class TickedWords:
    """What is said on the night's form as soon as another medicine is ticked."""

    medicine_heading: str
    medicine: str


@dataclass(frozen=True)
class OfflineWords:
    """What is said when the clinic's pages cannot be reached, and over a form that could not be sent."""

    heading: str
    why: str
    unsent_heading: str
    unsent: str
    dose_heading: str
    dose: str
    opioid_heading: str
    kept_heading: str
    kept: str
    reviewed: bool


@dataclass(frozen=True)
class Flag:
    """One warning: what it is about, its signs, and what to do.

    `asked` are the signs of the night's form that belong to it, `ticked` what is said as soon as one is chosen there;
    with `withdrawal` what to do after an opioid is said too.
    """

    what: str
    signs: str
    do: str
    asked: tuple[str, ...] = ()
    ticked: str = ""
    withdrawal: bool = False


@dataclass(frozen=True)
class FlagWords:
    """The warning signs, gravest first."""

    heading: str
    flags: tuple[Flag, ...]


@cache
def first_week_words() -> FirstWeekWords:
    """The words about the first nights at a dose as the file has them."""
    return FirstWeekWords(**_file()["first_week"], reviewed=_file()["review"] != "pending")


@cache
def offline_words() -> OfflineWords:
    """The words for when there is no connection as the file has them."""
    return OfflineWords(**_file()["offline"], reviewed=_file()["review"] != "pending")


@cache
def flag_words() -> FlagWords:
    """The warning signs as the file has them."""
    raw = _file()["flags"]
    flags = (Flag(**{**sign, "asked": tuple(sign.get("asked", ()))}) for sign in raw["signs"])
    return FlagWords(heading=raw["heading"], flags=tuple(flags))


@cache
def ticked_words() -> TickedWords:
    """The words for another medicine that was just ticked as the file has them."""
    return TickedWords(**_file()["ticked"])


@cache
def stop_words() -> StopWords:
    """The words as the file has them. They are one text for everybody: no name, no dose."""
    raw = _file()
    return StopWords(
        heading=raw["stopped"]["heading"],
        why=raw["stopped"]["why"],
        do=tuple(raw["stopped"]["do"]),
        known=raw["stopped"]["known"],
        unknown=raw["stopped"]["unknown"],
        call_heading=raw["call"]["heading"],
        call_signs=tuple(raw["call"]["signs"]),
        emergency_heading=raw["emergency"]["heading"],
        emergency_signs=tuple(raw["emergency"]["signs"]),
        emergency_say=raw["emergency"]["say"],
        reviewed=raw["review"] != "pending",
    )


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(tall_man((Path(__file__).parent / "words.toml").read_text("utf-8")))
