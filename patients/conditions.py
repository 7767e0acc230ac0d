"""The conditions a patient may be registered with, read once from the reviewed file beside this module."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

# A condition that is not in the list is written in words under this code.
OTHER = "other"


@dataclass(frozen=True)
class Condition:
    """One entry of the list; `lead_symptom` names what the patient scores each night from 0 to 10.

    `also`: what else it is called, where somebody writes it in words.
    """

    code: str
    name: str
    lead_symptom: str
    snomed: str = ""
    icd10: str = ""
    also: tuple[str, ...] = ()


@cache
def all_conditions() -> dict[str, Condition]:
    """Conditions by code, in the order of the file."""
    return {entry["code"]: Condition(**entry | {"also": tuple(entry["also"])}) for entry in _file()["condition"]}


def code_of(words: str) -> str:
    """The code of a condition by its code, its name or what else it is called; other words are returned plain."""
    plain = _plain(words)
    return _by_name().get(plain, plain.replace(" ", "_"))


@cache
def _by_name() -> dict[str, str]:
    return {_plain(name): one.code for one in all_conditions().values() for name in (one.code, one.name, *one.also)}


def codes_on_record(code: str, words: str) -> frozenset[str]:
    """What a condition on record counts as: its code, and for one written in words also the listed one they name."""
    named = code_of(words) if code == OTHER else code
    return frozenset({code, named} if named in all_conditions() else {code})


def _plain(words: str) -> str:
    """In small letters, without the s of a possessive and without brackets, one space between words."""
    kept = re.sub(r"['\u2019]s?\b|\([^)]*\)", "", words.lower().replace("_", " ").replace("-", " "))
    return " ".join(kept.split())


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "conditions.toml").read_text("utf-8"))


def lead_symptom(codes: list[str]) -> str:
    """The lead symptom to ask for: that of the first listed condition, else the patient's own worst symptom."""
    for code in codes:
        if code in all_conditions():
            return all_conditions()[code].lead_symptom
    return "Worst symptom"
