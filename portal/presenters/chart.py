"""The patient's chart: the drawing, its sentence, and the same nights in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.safestring import mark_safe

from charts import description, drawing, series
from charts import nights as charts_nights
from common.dose import Dose
from portal.presenters.nights import part
from titration.engine import timeline
from titration.models import Prescription
from titration.selectors import courses

CHART_NIGHTS = 90
CHART_WIDTH = 358
"""The chart of the patient's pages: the last quarter, as wide in pixels as a phone of 390 leaves room for."""


@dataclass(frozen=True)
class Chart:
    """The drawing, its sentence, and the same nights in words, newest first."""

    drawing: str
    summary: str
    nights: tuple[tuple[str, str, str], ...]


def chart(
    *,
    logs: Sequence[Any],
    doses: Sequence[Any],
    prescriptions: Sequence[Prescription],
    since: date,
    today: date,
    lead_label: str,
) -> Chart | None:
    """The nights from the first told or planned one (not before `since`) to `today`; None where there is none yet."""
    nights = charts_nights.from_rows(logs, doses)
    begun = [band for band in bands(prescriptions) if band.from_on <= today]
    starts = [night.night for night in nights] + [band.from_on for band in begun]
    if not starts:
        return None
    aligned = series.align(nights, begun, max(since, min(*starts, today)), today)
    described = description.describe(aligned, title="Your nights", width=CHART_WIDTH, lead_label=lead_label)
    return Chart(
        # Safe: drawing escapes every word it is given.
        drawing=mark_safe(drawing.svg(described)),  # noqa: S308
        summary=_summary(aligned),
        nights=tuple(
            (
                _short_day(night.night),
                _dose_words(night),
                _night_words(night, lead_label),
            )
            for night in reversed(aligned.nights)
            if night is not None
        ),
    )


def bands(prescriptions: Sequence[Prescription]) -> Iterator[series.DoseBand]:
    """What was in force; a course that has ended says nothing once a newer one has begun. Newest first."""
    until = date.max
    for prescription in prescriptions:
        for segment in timeline.unfold(courses.course_of(prescription)):
            if segment.from_on < until:
                to_on = min(segment.to_on or date.max, until)
                dose_mg = segment.dose.mg if segment.dose else None
                yield series.DoseBand(
                    segment.from_on, None if to_on == date.max else to_on, dose_mg, segment.state.value
                )
        until = min(until, prescription.start_on)


def _summary(aligned: series.Aligned) -> str:
    """As in "You told 27 of 29 nights. On average you slept 7.1 hours in the last 7 nights, and 6.7 in the first 7."

    The dose is left to the page of the next one, which knows what stands against it.
    """
    possible = series.possible_nights(aligned)
    told = (
        f"You told {series.logged_nights(possible)} of {len(possible)} {'night' if len(possible) == 1 else 'nights'}."
    )
    compared = series.sleep_compared(possible)
    if compared is None:
        return f"{told} There are not enough nights yet to compare your sleep."
    first, last = compared
    return f"{told} On average you slept {last} hours in the last 7 nights, and {first} in the first 7."


def _short_day(on: date) -> str:
    return f"{on:%a} {on.day} {on:%b}"


def _dose_words(night: series.Night) -> str:
    match night.taken:
        case "taken":
            return str(Dose(night.taken_mg)) if night.taken_mg else "taken"
        case "skipped":
            return "skipped"
        case _:
            return "not told"


def _night_words(night: series.Night, lead_label: str) -> str:
    parts = [
        part("slept", night.sleep_hours, " hours"),
        part("upset by dreams", night.dream_distress, " of 10"),
        part("pain", night.pain, " of 10"),
        part("tiredness", night.fatigue, " of 10"),
        part(lead_label.casefold(), night.lead_symptom, " of 10"),
        *(f"{label.casefold()} ({how})" for label, how in night.side_effects),
    ]
    return ", ".join(part for part in parts if part) or "not told"
