"""A patient's chart: rows and plans laid on one line of time, drawn at two widths."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from charts import description, drawing, series
from desk.presenters.plan import Plan
from titration.engine import timeline
from titration.models import Fill

WEEKS_SHOWN = 8
NIGHTS_SHOWN = 7 * WEEKS_SHOWN
DAYS_AHEAD = 14
"""How far the chart looks ahead of today at a plan that climbs on."""

CHART_WIDE, CHART_NARROW = 1080, 360


@dataclass(frozen=True)
class Drawn:
    """The chart at two widths and the sentence that says the same."""

    wide: SafeString
    narrow: SafeString
    said: str


def dose_bands(plans: Sequence[Plan], today: date) -> list[series.DoseBand]:
    """Every course's doses on one line of time, oldest first: what was and is in force, then what is intended.

    What is in force stands for the whole of today: a step that is due today and not signed is intended from tomorrow.
    """
    ordered = sorted(plans, key=lambda plan: plan.course.start_on)
    following = [*(plan.course.start_on for plan in ordered), None][1:]
    bands: list[series.DoseBand] = []
    for plan, until in zip(ordered, following, strict=True):
        bands.extend(_bands(plan, until, today + timedelta(days=1)))
    return bands


def _bands(plan: Plan, until: date | None, tomorrow: date) -> Iterator[series.DoseBand]:
    begun = {segment.from_on for segment in plan.in_force}
    ahead = [s for s in plan.intended if s.dose is not None and s.from_on not in begun] if plan.is_open else []
    turn = max(ahead[0].from_on, tomorrow) if ahead else None
    for segment in plan.in_force:
        yield from _band(segment, segment.from_on, _earliest(segment.to_on, turn, until), intended=False)
    for segment in plan.intended:
        if turn is not None and (segment.to_on is None or segment.to_on > turn) and segment.from_on >= ahead[0].from_on:
            yield from _band(segment, max(segment.from_on, turn), _earliest(segment.to_on, until), intended=True)


def _band(segment: timeline.Segment, from_on: date, to_on: date | None, *, intended: bool) -> Iterator[series.DoseBand]:
    if to_on is None or from_on < to_on:
        dose_mg = segment.dose.mg if segment.dose else None
        yield series.DoseBand(from_on, to_on, dose_mg, segment.state.value, intended)


def _earliest(*ends: date | None) -> date | None:
    return min((end for end in ends if end is not None), default=None)


def new_lots(fills: Iterable[Fill]) -> list[series.Lot]:
    """The fills of another lot than the one before, oldest first; one whose lot nobody wrote down says nothing."""
    found: list[series.Lot] = []
    before = ""
    for fill in sorted((fill for fill in fills if fill.lot_key), key=lambda fill: (fill.on, fill.recorded_at)):
        if fill.lot_key != before:
            found.append(series.Lot(fill.on, fill.lot))
        before = fill.lot_key
    return found


def aligned(
    nights: Iterable[series.Night],
    bands: Sequence[series.DoseBand],
    *,
    first: date,
    today: date,
    lots: Sequence[series.Lot] = (),
) -> series.Aligned:
    """The nights from `first` on, with two weeks ahead where the plan means to climb further."""
    climbs = any(band.intended for band in bands) or any(band.from_on > today for band in bands)
    last = today + timedelta(days=DAYS_AHEAD) if climbs else today
    return series.align(nights, bands, first, max(last, first), today=today, lots=lots)


def drawn(shown: series.Aligned, *, title: str, lead: str) -> Drawn:
    """Both widths; the narrow one only where a phone could still tell its nights apart."""
    wide = drawing.svg(description.describe(shown, title=title, width=CHART_WIDE, lead_label=lead), "wide-")
    narrow = ""
    if len(shown.nights) <= NIGHTS_SHOWN + DAYS_AHEAD + 1:
        narrow = drawing.svg(description.describe(shown, title=title, width=CHART_NARROW, lead_label=lead), "narrow-")
    # The drawing escapes every word it is given.
    return Drawn(mark_safe(wide), mark_safe(narrow), series.summary(shown))  # noqa: S308


def first_shown(plans: Sequence[Plan], logs: Sequence[Any], today: date, *, whole: bool) -> date:
    """Where the chart begins: eight weeks ago, or at the first plan or night where that is later or all is asked."""
    begins = [plan.course.start_on for plan in plans] + [log.night for log in logs[:1]]
    earliest = min([*begins, today])
    return earliest if whole else max(earliest, today - timedelta(days=NIGHTS_SHOWN - 1))
