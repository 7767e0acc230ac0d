"""The questionnaires this program may show, read once from the files in `instruments/`.

A file without rights that were cleared is never shown: `find` refuses it, and so does everything built on it.
"""

import tomllib
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from common.refusals import Refused
from symptoms.scoring import Band, Choice, Instrument, Item

_FOLDER = Path(__file__).parent / "instruments"
_NOT_CLEARED = "not_cleared.toml"
ORDER = ("phq-2", "phq-9", "pgic", "peg", "audit-c")
"""As they are offered."""
_TEN = 10


@cache
def shipped() -> "MappingProxyType[str, Instrument]":
    """Every instrument by its id, cleared or not, in the order in which they are offered."""
    files = (path for path in _FOLDER.glob("*.toml") if path.name != _NOT_CLEARED)
    found = {one.id: one for one in (read(path.read_text("utf-8")) for path in files)}
    return MappingProxyType({known: found[known] for known in ORDER})


@cache
def not_cleared() -> "MappingProxyType[str, dict[str, str]]":
    """What is not in this program for want of rights: name, rights_holder and why, by code."""
    return MappingProxyType(tomllib.loads((_FOLDER / _NOT_CLEARED).read_text("utf-8")))


def cleared() -> list[Instrument]:
    """The instruments that may be shown."""
    return [one for one in shipped().values() if one.cleared]


def find(known: str) -> Instrument | None:
    """An instrument to be shown and scored; None where there is none. Raises `Refused` for one without rights."""
    found = shipped().get(known)
    return None if found is None else to_show(found)


def to_show(instrument: Instrument) -> Instrument:
    """The instrument itself, if its rights were cleared; else raises `Refused`."""
    if not instrument.cleared:
        raise Refused(
            f"{instrument.name} belongs to {instrument.rights_holder}. It may not be shown without a licence."
        )
    return instrument


def read(text: str) -> Instrument:
    """An instrument from the text of its file; a missing or unknown entry raises KeyError or TypeError."""
    raw: dict[str, Any] = tomllib.loads(text)
    shared = tuple(Choice(**choice) for choice in raw.pop("choices", []))
    items = tuple(_item(item, shared) for item in raw.pop("items"))
    bands = tuple(
        Band(from_score=Decimal(band["from"]), words=band["words"], source=band["source"]) for band in raw.pop("bands")
    )
    conditions = tuple(raw.pop("conditions", []))
    return Instrument(items=items, bands=bands, conditions=conditions, **raw)


def _item(raw: dict[str, Any], shared: tuple[Choice, ...]) -> Item:
    own = raw.pop("choices", None)
    scale = raw.pop("scale", None)
    if scale is not None:
        low, high = scale
        numbers = tuple(Choice(value=value, words=str(value)) for value in range(_TEN + 1))
        return Item(choices=numbers, scale=(low, high), **raw)
    choices = tuple(Choice(value=value, words=words) for value, words in enumerate(own)) if own else shared
    return Item(choices=choices, **raw)
