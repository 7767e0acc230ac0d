"""Laboratory values over time, each test on a scale of its own, above them the dose. Pure: a chart to be drawn.

The ends of the reference range are the ruled lines of a scale, so that a value is seen to lie between or beyond them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from charts import axes, series
from charts.description import Chart, Label, Mark, Panel, Stair
from common import dose as doses

_HEIGHT, _GAP, _DOSE_HEIGHT = 64.0, 30.0, 56.0
_LETTER = 6.4
_POINTS = {"<": "or-less", "≤": "or-less", "≥": "or-more", ">": "or-more"}


class Value(NamedTuple):
    """A value of a day. With a `comparator` (<, ≤, ≥ or >) it is an end: the value lies on that side of it."""

    on: date
    value: float
    comparator: str = ""

    @property
    def told(self) -> str:
        return f"{self.comparator}{_number(self.value)}"

    @property
    def shape(self) -> str:
        """The mark's: it points to where the value lies."""
        return _POINTS.get(self.comparator, "other-dose")


@dataclass(frozen=True, slots=True)
class Course:
    """The values of one test in one unit, oldest first, with the reference range the newest came with."""

    name: str
    unit: str
    values: tuple[Value, ...]
    low: float | None = None
    high: float | None = None


def describe(
    courses: Sequence[Course], bands: Sequence[series.DoseBand], *, today: date, title: str, width: int = 1080
) -> Chart:
    """The chart of these tests up to today; there is at least one value."""
    first = min(on for course in courses for on, *_ in course.values) - timedelta(days=3)
    count = max((today - first).days + 1, 14)
    axis = axes.TimeAxis(first, count, 40.0, width - 20.0)
    panels = [_dose_panel(bands, axis, 4.0)]
    for course in courses:
        panels.append(_panel(course, axis, panels[-1].bottom + _GAP))
    return Chart(
        title=title,
        said=said(courses),
        width=width,
        height=panels[-1].bottom + 24,
        axis=axis,
        ticks=axes.date_ticks(axis, 64),
        panels=tuple(panels),
        run_ins=(),
        boundaries=(),
        today=None,
    )


def said(courses: Sequence[Course]) -> str:
    """The newest value of each test, in a sentence; where an end is among the values, what its mark says."""
    told = (
        f"{course.name} {course.values[-1].told} {course.unit} on {axes.short_date(course.values[-1].on)}"
        for course in courses
    )
    ends = any(value.comparator for course in courses for value in course.values)
    return (
        f"Newest values: {'; '.join(told)}. Ruled lines are the ends of the laboratory's reference range."
        f"{_ENDS if ends else ''}"
    )


_ENDS = (
    " A triangle is no value but an end, such as <5: the value lies on the side to which it points, nobody knows where."
)


def _panel(course: Course, axis: axes.TimeAxis, top: float) -> Panel:
    plot_top, bottom = top + 18, top + 18 + _HEIGHT
    highest = max([one.value for one in course.values] + [end for end in (course.low, course.high) if end])
    scale = axes.Scale(0.0, (highest or 1.0) * 1.1, plot_top, bottom)
    ends = sorted({0.0, *(end for end in (course.low, course.high) if end is not None)})
    heading = Label(0.0, top + 10, f"{course.name}, {course.unit}", heading=True)
    return Panel(
        key="lab",
        top=plot_top,
        bottom=bottom,
        scale=scale,
        ticks=tuple(axes.Tick(end, _number(end)) for end in axes.thin(ends, scale, 12.0)),
        marks=tuple(
            Mark((one.on - axis.first).days, scale.y(one.value), one.shape, f"{axes.short_date(one.on)}: {one.told}")
            for one in course.values
        ),
        labels=(heading,),
    )


def _dose_panel(bands: Sequence[series.DoseBand], axis: axes.TimeAxis, top: float) -> Panel:
    plot_top, bottom = top + 18, top + 18 + _DOSE_HEIGHT
    levels = [float(band.dose_mg) for band in bands if band.dose_mg is not None]
    scale = axes.Scale(0.0, max([4.5, *levels]) * 1.05, plot_top + 14, bottom)
    return Panel(
        key="dose",
        top=plot_top,
        bottom=bottom,
        scale=scale,
        ticks=(axes.Tick(0.0, "0"),),
        stairs=tuple(_stairs(bands, axis, scale)),
        labels=(Label(0.0, top + 10, "Dose, mg", heading=True),),
    )


def _stairs(bands: Sequence[series.DoseBand], axis: axes.TimeAxis, scale: axes.Scale) -> Iterator[Stair]:
    for band in bands:
        start = max(0, (band.from_on - axis.first).days)
        end = axis.count if band.to_on is None else min(axis.count, (band.to_on - axis.first).days)
        if band.dose_mg is None or band.intended or end <= start:
            continue
        label = str(doses.Dose.of(band.dose_mg))
        wide = (end - start) * axis.step > len(label) * _LETTER + 4
        yield Stair(start, end, scale.y(float(band.dose_mg)), band.intended, label if wide else "")


def _number(value: float) -> str:
    return f"{value:g}"
