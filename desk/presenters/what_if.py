"""What comes of a course in a file, as the page shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from common.dose import Dose
from desk.presenters.days import day


@dataclass(frozen=True)
class TriedLine:
    """Days alike. `dose` is empty where none is taken."""

    dose: str
    state: str
    from_on: str
    to_on: str
    why: str


@dataclass(frozen=True)
class Tried:
    """A timeline in words, what is next, how long the supply lasts, and which changes could not be."""

    lines: tuple[TriedLine, ...]
    now: str
    next_step: str
    supply: str
    refused: tuple[str, ...]


def tried(answer: Mapping[str, Any]) -> Tried:
    """The answer of `titration.replay.telling` in words."""
    step, supply = answer["next_step"], answer["supply"]
    return Tried(
        lines=tuple(_line(line) for line in answer["timeline"]),
        now=_dose(answer["dose_now_mg"]) or "no dose",
        next_step=f"{_dose(step['dose_mg'])} from {day(date.fromisoformat(step['on']))}" if step else "none",
        supply=_supply(supply),
        refused=tuple(f"Change {one['change'] + 1}: {one['sentence']}" for one in answer["refused"]),
    )


def _line(line: Mapping[str, Any]) -> TriedLine:
    to_on = line["to"]
    return TriedLine(
        dose=_dose(line["dose_mg"]),
        state=line["state"],
        from_on=day(date.fromisoformat(line["from"])),
        to_on=f"to {day(date.fromisoformat(to_on) - timedelta(days=1))}" if to_on else "with no end set",
        why=line["why"],
    )


def _dose(milligrams: str | None) -> str:
    return str(Dose.of(milligrams)) if milligrams else ""


def _supply(supply: Mapping[str, Any] | None) -> str:
    if not supply or supply.get("units_left") is None:
        return "no fill is recorded"
    run_out_on = supply["run_out_on"]
    lasts = f"runs out on {day(date.fromisoformat(run_out_on))}" if run_out_on else "lasts as far as the plan reaches"
    return f"{supply['units_left']} units left; {lasts}"
