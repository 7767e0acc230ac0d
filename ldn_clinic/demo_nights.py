"""One made-up patient's nights, drawn from a seeded generator at the frequencies that studies report. Pure.

Frequencies are of patients, from the clinical facts, section 2.5: vivid dreams 37 % [Y13], sleep disturbance 41 %
[S07], headache 16 % [Y13], one or more stomach complaints 26 % [PLOESSER]; benefit in 65 % of those followed up
[DRIVER]. Sleep suffers mostly in the first week of each dose [ARTICLE].
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from symptoms.condition_items import ConditionItem, Kind

VIVID_DREAMS, SLEEP_DISTURBANCE, HEADACHE, STOMACH, BENEFIT = 0.37, 0.41, 0.16, 0.264, 0.65
FIRST_WEEK = 7
PULSE_DAY = 6
"""Sunday, when the weekly questions are answered."""
CYCLE, BLEEDING = 28, 5
"""Days, the usual ones."""


@dataclass(frozen=True)
class Temper:
    """What this patient is prone to, how faithfully they write, and how they were before the first dose."""

    dreams: bool
    wakeful: bool
    headaches: bool
    stomach: bool
    helped: bool
    writes: float
    skips: float
    sleep_hours: float
    symptom: float


def temper(rng: random.Random) -> Temper:
    """Draw a patient."""
    return Temper(
        dreams=rng.random() < VIVID_DREAMS,
        wakeful=rng.random() < SLEEP_DISTURBANCE,
        headaches=rng.random() < HEADACHE,
        stomach=rng.random() < STOMACH,
        helped=rng.random() < BENEFIT,
        writes=rng.uniform(0.72, 0.98),
        skips=rng.uniform(0.0, 0.06),
        sleep_hours=rng.uniform(5.8, 7.4),
        symptom=rng.uniform(5.0, 8.0),
    )


def told(rng: random.Random, who: Temper) -> bool:
    """Whether this night was written down at all."""
    return rng.random() < who.writes


def answers(rng: random.Random, who: Temper, *, nights_at_dose: int, mg: float) -> dict[str, Any]:
    """One night's answers in the log's own columns. `nights_at_dose` counts from 0; `mg` is the dose in force."""
    early = nights_at_dose < FIRST_WEEK
    strength = 0.75 if early else 0.12
    dreaming = who.dreams and rng.random() < strength
    wakeful = who.wakeful and rng.random() < strength
    latency = round(max(3, rng.gauss(42 if wakeful else 16, 7)))
    awake = round(max(0, rng.gauss(55 if wakeful else 15, 10)))
    hours = max(2.0, min(11.0, rng.gauss(who.sleep_hours - (1.3 if wakeful else 0.0), 0.5)))
    relief = (min(mg, 4.5) / 4.5) * (3.2 if who.helped else 0.5)
    symptom = _scale(rng.gauss(who.symptom - relief, 0.9))
    return {
        "sleep_hours": Decimal(str(round(hours * 4) / 4)).quantize(Decimal("0.01")),
        "latency_min": latency,
        "awake_min": awake,
        "awakenings": max(0, round(rng.gauss(3.2 if wakeful else 1.3, 0.9))),
        "quality": max(1, min(5, round(rng.gauss(2.2 if wakeful else 3.6, 0.6)))),
        "dream_vividness": rng.choice((1, 2, 2, 3)) if dreaming else rng.choice((0, 0, 0, 1)),
        "dream_distress": rng.randint(2, 6) if dreaming else rng.choice((0, 0, 0, 1)),
        "pain": _scale(symptom + rng.gauss(0, 0.8)),
        "fatigue": _scale(rng.gauss(symptom + (1.2 if wakeful else 0.0), 1.0)),
        "lead_symptom": symptom,
        "side_effects": _side_effects(rng, who, early=early, dreaming=dreaming, wakeful=wakeful),
        "other_medicines_answer": "no",
    }


def of_conditions(asked: Sequence[ConditionItem], night: date, symptom: int) -> dict[str, int]:
    """What the patient's own conditions were asked, on a quiet night: drawn apart, so that no other draw shifts."""
    rng = random.Random(night.toordinal() * 16 + symptom)  # noqa: S311
    return {
        item.code: _of_condition(rng, item, night, symptom)
        for item in asked
        if not item.weekly or night.weekday() == PULSE_DAY
    }


def _of_condition(rng: random.Random, item: ConditionItem, night: date, symptom: int) -> int:
    if item.code == "menstruating":
        return int(night.toordinal() % CYCLE < BLEEDING)
    if item.unit == "/min":
        return round(rng.gauss(66, 2))
    match item.kind:
        case Kind.SCALE:
            return _scale(rng.gauss(symptom, 0.8))
        case Kind.COUNT:
            return min(item.most, rng.randint(0, 2) * (15 if item.unit == "min" else 1))
        case _:
            return int(rng.random() < 0.15)


def _side_effects(rng: random.Random, who: Temper, *, early: bool, dreaming: bool, wakeful: bool) -> dict[str, str]:
    found: dict[str, str] = {}
    if dreaming and rng.random() < 0.6:
        found["vivid_dreams"] = rng.choice(("mild", "mild", "moderate"))
    if wakeful and rng.random() < 0.6:
        found[rng.choice(("trouble_falling_asleep", "waking_at_night"))] = rng.choice(("mild", "mild", "moderate"))
    if who.headaches and rng.random() < (0.3 if early else 0.05):
        found["headache"] = "mild"
    if who.stomach and rng.random() < (0.3 if early else 0.05):
        found[rng.choice(("nausea", "stomach_cramps", "diarrhoea"))] = "mild"
    return found


def _scale(value: float) -> int:
    return max(0, min(10, round(value)))


def a_few_days_off(rng: random.Random, first: date, last: date) -> set[date]:
    """A stretch in which nothing was written: a journey, an illness, a lost phone."""
    length = (last - first).days
    if length < 20 or rng.random() < 0.5:
        return set()
    begin = first.toordinal() + rng.randrange(length - 8)
    return {date.fromordinal(day) for day in range(begin, begin + rng.randint(3, 7))}
