"""The conditions a patient may be registered with, read once from the reviewed file beside this module."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# A condition that is not in the list is written in words under this code.
OTHER = "other"


@dataclass(frozen=True)
class Condition:
    """One entry of the list; `lead_symptom` names what the patient scores each night from 0 to 10."""

    code: str
    name: str
    lead_symptom: str
    snomed: str = ""
    icd10: str = ""


@cache
def all_conditions() -> dict[str, Condition]:
    """Conditions by code, in the order of the file."""
    raw = tomllib.loads((Path(__file__).parent / "conditions.toml").read_text("utf-8"))
    return {entry["code"]: Condition(**entry) for entry in raw["condition"]}


def lead_symptom(codes: list[str]) -> str:
    """The lead symptom to ask for: that of the first listed condition, else the patient's own worst symptom."""
    for code in codes:
        if code in all_conditions():
            return all_conditions()[code].lead_symptom
    return "Worst symptom"
