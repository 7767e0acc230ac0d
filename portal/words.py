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
    call_heading: str
    call_signs: tuple[str, ...]
    emergency_heading: str
    emergency_signs: tuple[str, ...]
    emergency_say: str
    reviewed: bool


@dataclass(frozen=True)
class CardWords:
    """What to say to an ambulance, what helpers must know, and what somebody who took both must not do."""

    heading: str
    say: str
    helpers: tuple[str, ...]
    yours_heading: str
    yours: tuple[str, ...]


@cache
def stop_words() -> StopWords:
    """The words as the file has them. They are one text for everybody: no name, no dose."""
    raw = _file()
    return StopWords(
        heading=raw["stopped"]["heading"],
        why=raw["stopped"]["why"],
        do=tuple(raw["stopped"]["do"]),
        call_heading=raw["call"]["heading"],
        call_signs=tuple(raw["call"]["signs"]),
        emergency_heading=raw["emergency"]["heading"],
        emergency_signs=tuple(raw["emergency"]["signs"]),
        emergency_say=raw["emergency"]["say"],
        reviewed=raw["review"] != "pending",
    )


@cache
def card_words() -> CardWords:
    """The emergency card's words as the file has them."""
    raw = _file()["card"]
    return CardWords(
        heading=raw["heading"],
        say=raw["say"],
        helpers=tuple(raw["helpers"]),
        yours_heading=raw["yours_heading"],
        yours=tuple(raw["yours"]),
    )


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(tall_man((Path(__file__).parent / "words.toml").read_text("utf-8")))
