"""Nights as they were told, a row each; what was not told stays empty and is never a zero."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.safestring import SafeString, mark_safe

from charts import series
from common.dose import Dose
from desk.presenters.days import day_short
from desk.presenters.reports import ANSWER_WORDS
from patients import medicines
from symptoms import condition_items, items, other_medicines
from symptoms.models import DoseTaken, SymptomLog

LONG_WORDS = 90
"""A longer note is opened by a click."""


@dataclass(frozen=True)
class NightRow:
    """A night as it was told. `planned` is what was in force; `cells` are the table's own, empty where nothing was
    told, escaped here once: a page of nights has a thousand of them."""

    night: str
    iso: str
    by_phone: bool
    planned: str
    cells: SafeString
    note: str
    note_rest: str


def night_rows(
    nights: Sequence[date], logs: Iterable[Any], doses: Iterable[Any], bands: Sequence[series.DoseBand], zone: ZoneInfo
) -> list[NightRow]:
    """A row for every one of these nights, told or not, in the order given."""
    log_of = {log.night: log for log in logs}
    dose_of = {dose.plan_date: dose for dose in doses}
    in_force = [band for band in reversed(bands) if not band.intended]
    return [_night_row(night, log_of.get(night), dose_of.get(night), in_force, zone) for night in nights]


def _night_row(night: date, log: Any, dose: Any, in_force: Sequence[series.DoseBand], zone: ZoneInfo) -> NightRow:
    planned = next((band.dose_mg for band in in_force if band.covers(night)), None)
    note = log.note if log else ""
    return NightRow(
        night=day_short(night),
        by_phone=log is not None and log.told_by == SymptomLog.ToldBy.PHONE,
        iso=night.isoformat(),
        planned=str(Dose(planned)) if planned is not None else "",
        cells=_cells(log, dose, zone),
        note=note if len(note) <= LONG_WORDS else f"{note[:LONG_WORDS].rstrip()}…",
        note_rest=note if len(note) > LONG_WORDS else "",
    )


_UNTOLD = [("", "")] * 13


def _cells(log: Any, dose: Any, zone: ZoneInfo) -> SafeString:
    """From what became of the dose to new medicines, in the order of the table's head."""
    told, state = _dose_told(dose, zone)
    answers = _answers(log) if log else _UNTOLD
    cells = (f'<td class="{look}">{escape(words)}</td>' for look, words in ((f"state-{state}", told), *answers))
    # Every word has just been escaped.
    return mark_safe("".join(cells))  # noqa: S308


def _answers(log: Any) -> list[tuple[str, str]]:
    """(look, words) of each answer; what was not answered is empty."""
    alarm = " alarm" if other_medicines.trips(log.other_medicines_answer, log.other_medicines) else ""
    return [
        ("num", _hours(log.sleep_hours)),
        ("num", _number(log.latency_min)),
        ("num", _number(log.awake_min)),
        ("num", _number(log.awakenings)),
        ("", items.quality().get(log.quality, "")),
        ("", _dreams(log.dream_vividness)),
        ("num", _number(log.dream_distress)),
        ("num", _number(log.pain)),
        ("num", _number(log.fatigue)),
        ("num", _number(log.lead_symptom)),
        ("words of-conditions" if log.condition_answers else "words", _of_conditions(log.condition_answers)),
        ("words", ", ".join(f"{label} ({severity})" for label, severity in items.labelled(log.side_effects))),
        (f"words{alarm}", _medicines(log)),
    ]


def _dose_told(dose: Any, zone: ZoneInfo) -> tuple[str, str]:
    """What became of the dose, in words, and the word for its state."""
    if dose is None:
        return "", ""
    match dose.taken:
        case DoseTaken.Taken.TAKEN:
            amount = str(dose.taken_mg) if dose.taken_mg else "taken"
            return (f"{amount} at {dose.taken_at.astimezone(zone):%H:%M}" if dose.taken_at else amount), "taken"
        case DoseTaken.Taken.SKIPPED:
            why = items.skip_reasons().get(dose.skipped_because, "")
            return f"skipped: {why}" if why else "skipped", "skipped"
        case _:
            return "not yet", "not_yet"


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _hours(hours: Decimal | None) -> str:
    if hours is None:
        return ""
    text = f"{hours:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _of_conditions(told: Mapping[str, int]) -> str:
    """What the patient's own conditions were asked, by the clinic's names."""
    return ", ".join(f"{name}: {answer}" for name, answer in condition_items.labelled(told)) if told else ""


_DREAM_WORDS = {0: "as usual", 1: "more vivid", 2: "very vivid", 3: "nightmares"}


def _dreams(vividness: int | None) -> str:
    return "" if vividness is None else _DREAM_WORDS[vividness]


def _medicines(log: Any) -> str:
    if not log.other_medicines_answer:
        return ""
    answer = {"no": "No", **ANSWER_WORDS}[log.other_medicines_answer]
    if not log.other_medicines:
        return answer
    return f"{answer}: {log.other_medicines}. {medicines.recognise(log.other_medicines).sentence}"
