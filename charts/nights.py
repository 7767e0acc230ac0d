"""What was told of each night, as rows have it, for the chart. The one place where rows become `series.Night`."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from charts import series
from symptoms import items
from symptoms.models import SymptomLog


def from_rows(logs: Sequence[Any], doses: Sequence[Any]) -> list[series.Night]:
    """One value a night that anything was told of, in no promised order.

    `logs` and `doses` are rows, or named tuples, with the columns of `SymptomLog` and `DoseTaken`.
    """
    dose_of = {dose.plan_date: dose for dose in doses}
    logged = {log.night for log in logs}
    nights = [_night(log, dose_of.get(log.night)) for log in logs]
    alone = [series.Night(on, *_taken(dose)) for on, dose in dose_of.items() if on not in logged]
    return [*nights, *alone]


def _taken(dose: Any) -> tuple[Any, Decimal | None]:
    if dose is None:
        return None, None
    return dose.taken, dose.taken_mg.mg if dose.taken_mg else None


def _night(log: Any, dose: Any) -> series.Night:
    taken, taken_mg = _taken(dose)
    # By place: names would cost more than all the rest of it, and a course has hundreds of nights.
    return series.Night(
        log.night,
        taken,
        taken_mg,
        log.sleep_hours,
        log.latency_min,
        log.awake_min,
        log.awakenings,
        log.quality,
        log.dream_vividness,
        log.dream_distress,
        log.pain,
        log.fatigue,
        log.lead_symptom,
        items.labelled(log.side_effects) if log.side_effects else (),
        log.told_by == SymptomLog.ToldBy.PHONE,
    )
