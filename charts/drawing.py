"""A chart's description as SVG: presentation attributes and class names only.

Alone (a saved file, a print) it stands in its own light colours; inlined in a page, static/css/components/chart.css
restyles the classes in light and dark. No style attribute, no style element, no script: the pages' policy allows none.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from html import escape
from itertools import pairwise
from operator import add, sub
from typing import NamedTuple, Self

from charts import axes, description, series

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FONT = "Inter Variable, Inter, Segoe UI, Roboto, Arial, sans-serif"
_INK, _SOFT_INK, _GRID, _RULE = "#1c2733", "#55636f", "#e3e8ec", "#9aa7b1"
_RUN_IN, _DOSE = "#eef2f4", "#1f4a63"
_TEXT_LOOK = f'class="chart-text" fill="{_SOFT_INK}"'
_HALO = 'stroke="#ffffff" stroke-width="3" stroke-linejoin="round" paint-order="stroke"'
_COLOURS = {
    "sleep": "#1b6a8c",
    "vividness": "#a79ccb",
    "distress": "#6d3f8c",
    "pain": "#b3451b",
    "fatigue": "#2a5fa5",
    "lead": "#4d6b2f",
}
_DASHES = {"distress": "5 3", "fatigue": "7 3", "lead": "2 2.5"}
_DOT = "m-2.4 0a2.4 2.4 0 1 0 4.8 0a2.4 2.4 0 1 0-4.8 0z"
_SQUARE = "m-2.2-2.2h4.4v4.4h-4.4z"
_TRIANGLE = "m0-3l2.9 5h-5.8z"
_DIAMOND = "m0-3.2l3 3.2l-3 3.2l-3-3.2z"
_MARKERS = {"sleep": _DOT, "distress": _TRIANGLE, "pain": _DOT, "fatigue": _SQUARE, "lead": _DIAMOND}
# Severity is told by shape and filling: an empty ring, a half-high triangle, a full square.
_SHAPES = {
    "taken": "m0-3v6",
    "skipped": "m-2.6-2.6l5.2 5.2m0-5.2l-5.2 5.2",
    "other-dose": _DIAMOND,
    "or-less": "m-4-3h8l-4 6z",
    "or-more": "m-4 3h8l-4-6z",
    "lot": "m0 5v-10l6.5 2.8l-6.5 2.8",
    "by-phone": "m-2.4 0a2.4 2.4 0 1 1 4.8 0a2.4 2.4 0 1 1 -4.8 0",
    "side-mild": "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z",
    "side-moderate": "m0-4.2l4.2 7.4h-8.4z",
    "side-severe": "m-4-4h8v8h-8z",
}
_SHAPE_LOOKS = {
    "taken": f'fill="none" stroke="{_DOSE}" stroke-width="1.2"',
    "skipped": 'fill="none" stroke="#a3261b" stroke-width="1.6"',
    "other-dose": f'fill="#ffffff" stroke="{_DOSE}" stroke-width="1.4"',
    "or-less": f'fill="#ffffff" stroke="{_DOSE}" stroke-width="1.4"',
    "or-more": f'fill="#ffffff" stroke="{_DOSE}" stroke-width="1.4"',
    "lot": f'fill="{_INK}" stroke="{_INK}" stroke-width="1.2" stroke-linejoin="round"',
    "by-phone": f'fill="none" stroke="{_INK}" stroke-width="1.2"',
    "side-mild": f'fill="#ffffff" stroke="{_SOFT_INK}" stroke-width="1.4"',
    "side-moderate": 'fill="#b9770e" stroke="#7a4b00" stroke-width="1"',
    "side-severe": 'fill="#a3261b" stroke="#6f140c" stroke-width="1"',
}
_ROOM_FOR_TICKS = 2.4
_WEEKS_A_MARKER = 4
_ROOM_FOR_MARKERS = 5.0  # pixels a night; closer together they would hide the line


def _words(text: str) -> str:
    """Anybody's words as XML text or attribute; control characters, which no XML may hold, are left out."""
    return escape(_NOT_XML.sub("", text))


class _Across(NamedTuple):
    """Places on the time axis as written, reckoned once for all measures.

    `places` are the middles of nights, `moves` the ways from each to the next, `weeks` the beginning, middle and end of
    weeks.
    """

    places: list[str]
    moves: list[str]
    weeks: list[tuple[str, str, str]]

    @classmethod
    def of(cls, axis: axes.TimeAxis) -> Self:
        tenths = [round(axis.middle(slot) * 10) for slot in range(axis.count)]
        ways = [there - here for here, there in pairwise(tenths)]
        written = {way: f"{_number(way / 10)} " for way in set(ways)}
        bounds = [axis.edge(slot) for slot in (*range(0, axis.count, series.WEEK), axis.count)]
        weeks = [(f"{start:.0f}", _number((start + end) / 2), f"{end:.0f}") for start, end in pairwise(bounds)]
        return cls([_number(tenth / 10) for tenth in tenths], [written[way] for way in ways], weeks)


def svg(chart: description.Chart, ids_prefix: str = "") -> str:
    """The drawing as one `<svg>` element. `ids_prefix` keeps its ids apart from those of other charts of the page."""
    title_id, said_id = _words(f"{ids_prefix}chart-title"), _words(f"{ids_prefix}chart-said")
    width, height, axis = _number(chart.width), _number(chart.height), chart.axis
    size = f'width="{width}" height="{height}"'
    place = f'data-left="{_number(axis.left)}" data-right="{_number(axis.right)}"'
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" ',
        f'aria-labelledby="{title_id}" aria-describedby="{said_id}" {size} viewBox="0 0 {width} {height}" ',
        f'font-family="{_FONT}" font-size="12" fill="{_INK}" ',
        f'data-first="{axis.first.isoformat()}" data-nights="{axis.count}" {place}>',
        f'<title id="{title_id}">{_words(chart.title)}</title>',
        f'<desc id="{said_id}">{_words(chart.said)}</desc>',
        f'<rect class="chart-ground" {size} fill="#ffffff"/>',
    ]
    parts.extend(_run_ins(chart))
    parts.extend(_boundaries(chart))
    parts.extend(_dates(chart))
    across = _Across.of(chart.axis)
    for panel in chart.panels:
        parts.extend(_panel(panel, chart, across))
    parts.append("</svg>")
    return "".join(parts)


def _number(value: float) -> str:
    """To a tenth of a pixel, as short as it goes."""
    return f"{value:.1f}".removesuffix(".0")


def _plot_ends(chart: description.Chart) -> tuple[str, str]:
    return _number(chart.panels[0].top), _number(chart.panels[-1].bottom)


def _run_ins(chart: description.Chart) -> Iterator[str]:
    if not chart.run_ins:
        return
    yield f'<g class="chart-run-in" fill="{_RUN_IN}">'
    for start, end in chart.run_ins:
        x, width = chart.axis.edge(start), chart.axis.edge(end) - chart.axis.edge(start)
        for panel in chart.panels:
            yield (
                f'<rect x="{_number(x)}" y="{_number(panel.top)}" width="{_number(width)}" '
                f'height="{_number(panel.bottom - panel.top)}"/>'
            )
    yield "</g>"


def _boundaries(chart: description.Chart) -> Iterator[str]:
    top, bottom = _plot_ends(chart)
    for slot, intended in chart.boundaries:
        x = _number(chart.axis.edge(slot))
        dash = ' stroke-dasharray="3 3"' if intended else ""
        yield f'<path class="chart-boundary" d="M{x} {top}V{bottom}" stroke="{_RULE}"{dash}/>'
    if chart.today is not None:
        now = chart.axis.edge(chart.today + 1)
        yield f'<path class="chart-today" d="M{_number(now)} {top}V{bottom}" stroke="{_INK}"/>'
        yield (
            f'<text class="chart-text" x="{_number(now - 4)}" y="{_number(chart.panels[0].top + 10)}" font-size="11" '
            f'text-anchor="end" fill="{_SOFT_INK}">today</text>'
        )


def _dates(chart: description.Chart) -> Iterator[str]:
    bottom = chart.panels[-1].bottom
    yield f'<g class="chart-text" font-size="11" fill="{_SOFT_INK}" text-anchor="middle">'
    for tick in chart.ticks:
        x = chart.axis.edge(tick.at)
        if x + len(tick.label) * 3.2 <= chart.width:
            yield f'<text x="{_number(x)}" y="{_number(bottom + 17)}">{_words(tick.label)}</text>'
    yield "</g>"
    places = "".join(f"M{_number(chart.axis.edge(tick.at))} {_number(bottom)}v4" for tick in chart.ticks)
    yield (
        f'<path class="chart-axis" d="M{_number(chart.axis.left)} {_number(bottom)}H{_number(chart.axis.right)}'
        f'{places}" fill="none" stroke="{_RULE}"/>'
    )


def _panel(panel: description.Panel, chart: description.Chart, across: _Across) -> Iterator[str]:
    yield f'<g class="chart-panel chart-panel-{panel.key}" data-top="{_number(panel.top)}" '
    yield f'data-bottom="{_number(panel.bottom)}">'
    yield from _grid(panel, chart)
    for label in panel.labels:
        yield from _label(label)
    for bars in panel.bars:
        yield from _bars(bars, across, chart.axis.step)
    yield from _stairs(panel.stairs, chart.axis)
    for line in panel.lines:
        yield from _line(line, across, chart.axis)
    yield from _taken(panel.taken, across, chart.axis)
    yield from _marks(panel.marks, across)
    yield "</g>"


def _grid(panel: description.Panel, chart: description.Chart) -> Iterator[str]:
    if panel.scale is None:
        return
    left, right = chart.axis.left, chart.axis.right
    rules = "".join(f"M{_number(left)} {_number(panel.scale.y(tick.at))}H{_number(right)}" for tick in panel.ticks)
    yield f'<path class="chart-grid" d="{rules}" fill="none" stroke="{_GRID}"/>'
    yield from _tick_labels(panel.ticks, panel.scale, left - 6, "end")
    if panel.right_scale is not None:
        yield from _tick_labels(panel.right_ticks, panel.right_scale, right + 5, "start")


def _tick_labels(ticks: Iterable[axes.Tick], scale: axes.Scale, x: float, anchor: str) -> Iterator[str]:
    yield f'<g class="chart-text" font-size="11" fill="{_SOFT_INK}" text-anchor="{anchor}">'
    for tick in ticks:
        yield f'<text x="{_number(x)}" y="{_number(scale.y(tick.at) + 4)}">{_words(tick.label)}</text>'
    yield "</g>"


def _label(label: description.Label) -> Iterator[str]:
    x = label.x
    if label.sample:
        yield from _sample(label.sample, label.x, label.y - 4)
        x += label.sample_width
    look = f'class="chart-heading" font-weight="600" fill="{_INK}"' if label.heading else _TEXT_LOOK
    yield f'<text {look} {_HALO} x="{_number(x)}" y="{_number(label.y)}">{_words(label.text)}</text>'


def _sample(sample: str, x: float, y: float) -> Iterator[str]:
    """The piece of line or the shape that stands before a legend's words."""
    start, middle = f"M{_number(x)} {_number(y)}", f"M{_number(x + 9)} {_number(y)}"
    if sample in description.SHAPES:
        shape = f"M{_number(x + 5)} {_number(y)}{_SHAPES[sample]}"
        yield f'<path class="chart-mark-{sample}" d="{shape}" {_SHAPE_LOOKS[sample]}/>'
    elif sample == "mean":
        yield f'<path class="chart-mean" d="{start}h18" fill="none" stroke="{_SOFT_INK}" stroke-width="2.6"/>'
    elif sample == "run-in":
        yield (
            f'<rect class="chart-run-in chart-swatch" x="{_number(x)}" y="{_number(y - 5)}" width="18" height="10" '
            f'fill="{_RUN_IN}" stroke="{_RULE}"/>'
        )
    elif sample == "vividness":
        bars = f"{start}m4 4v-6m5 6v-9m5 9v-4"
        yield f'<path class="chart-bars-vividness" d="{bars}" stroke="{_COLOURS[sample]}" stroke-width="3"/>'
    elif sample in ("dose", "dose-intended"):
        dash = ' stroke-dasharray="4 3"' if sample == "dose-intended" else ""
        yield f'<path class="chart-{sample}" d="{start}h18" fill="none" stroke="{_DOSE}" stroke-width="2.5"{dash}/>'
    else:
        yield f'<path class="chart-line-{sample}" d="{start}h18" {_line_look(sample, 1.8)}/>'
        yield f'<path class="chart-points-{sample}" d="{middle}{_MARKERS[sample]}" fill="{_COLOURS[sample]}"/>'


def _line_look(key: str, width: float) -> str:
    dash = f' stroke-dasharray="{_DASHES[key]}"' if key in _DASHES else ""
    return f'fill="none" stroke="{_COLOURS[key]}" stroke-width="{width}" stroke-linejoin="round"{dash}'


def _line(line: description.Line, across: _Across, axis: axes.TimeAxis) -> Iterator[str]:
    """One path, in it a subpath for every run; markers on each night where there is room, and always on a lone one.

    Where means of weeks are given they are drawn bold and the nights become a faint ground under them.
    """
    heights = _heights(line.scale, line.runs)
    look = _line_look(line.key, 1.8) if not line.weeks else _faint_look(line.key)
    yield f'<path class="chart-line-{line.key}" {look} {_reading(line)} '
    yield f'd="{"".join(_strokes(line.runs, across, heights))}"><title>{_words(line.label)}</title></path>'
    roomy, marker, places = axis.step >= _ROOM_FOR_MARKERS, _MARKERS[line.key], across.places
    points = "".join(
        f"M{x} {heights[value]}{marker}"
        for start, values in line.runs
        if roomy or len(values) == 1
        for x, value in zip(places[start : start + len(values)], values, strict=True)
    )
    if points:
        yield f'<path class="chart-points-{line.key}" d="{points}" fill="{_COLOURS[line.key]}"/>'
    if line.weeks:
        yield from _levels(line, across)


def _levels(line: description.Line, across: _Across) -> Iterator[str]:
    """A level for the mean of each week; now and then the marker, for eyes that tell no colours."""
    levels, markers = [], []
    for start, _, mean in line.weeks:
        week = start // series.WEEK
        (begin, middle, end), y = across.weeks[week], f"{line.scale.y(mean):.0f}"
        levels.append(f"M{begin} {y}H{end}")
        if week % _WEEKS_A_MARKER == 0:
            markers.append(f"M{middle} {y}{_MARKERS[line.key]}")
    yield f'<path class="chart-week-{line.key}" fill="none" stroke="{_COLOURS[line.key]}" stroke-width="2" '
    yield f'd="{"".join(levels)}"/>'
    yield f'<path class="chart-points-{line.key}" fill="{_COLOURS[line.key]}" d="{"".join(markers)}"/>'


def _reading(measure: description.Line | description.Bars) -> str:
    """What chart-crosshair.js needs to turn a place on the drawing back into words."""
    scale = measure.scale
    return (
        f'data-label="{_words(measure.label)}" data-unit="{_words(measure.unit)}" data-low="{scale.low:g}" '
        f'data-high="{scale.high:g}" data-top="{_number(scale.top)}" data-bottom="{_number(scale.bottom)}"'
    )


def _faint_look(key: str) -> str:
    return f'fill="none" stroke="{_COLOURS[key]}" stroke-width="0.8" stroke-opacity="0.5" stroke-linejoin="round"'


def _heights(scale: axes.Scale, runs: Iterable[description.Run]) -> dict[float, str]:
    """Each value's height, written once: ratings repeat."""
    return {value: _number(scale.y(value)) for value in {value for run in runs for value in run.values}}


def _strokes(runs: Iterable[description.Run], across: _Across, heights: dict[float, str]) -> Iterator[str]:
    """A run begins where it begins (M) and goes on by differences (l): they repeat, so the page compresses by a third.

    Differences are taken between places already rounded, so that no error adds up along a run.
    """
    places, moves, rises = across.places, across.moves, _Rises()
    tenths = {value: round(float(height) * 10) for value, height in heights.items()}
    for start, values in runs:
        yield f"M{places[start]} {heights[values[0]]}"
        # Slices and maps, not a loop: this is most of what drawing years costs.
        levels = [tenths[value] for value in values]
        steps = map(rises.__getitem__, map(sub, levels[1:], levels))
        yield f"l{' '.join(map(add, moves[start : start + len(levels) - 1], steps))}" if len(levels) > 1 else "h0"


class _Rises(dict[int, str]):
    """A rise of so many tenths of a pixel, as written."""

    def __missing__(self, tenths: int) -> str:
        rise = self[tenths] = _number(tenths / 10)
        return rise


def _bars(bars: description.Bars, across: _Across, step: float) -> Iterator[str]:
    base = _number(bars.scale.bottom)
    rise = {0.0: "v-2"} | {
        value: f"V{_number(bars.scale.y(value))}"
        for value in {value for run in bars.runs for value in run.values}
        if value
    }
    strokes = "".join(
        f"M{x} {base}{rise[value]}"
        for start, values in bars.runs
        for x, value in zip(across.places[start : start + len(values)], values, strict=True)
    )
    width = _number(max(1.0, min(step * 0.6, 9.0)))
    yield f'<path class="chart-bars-{bars.key}" d="{strokes}" fill="none" stroke="{_COLOURS[bars.key]}" '
    yield f'stroke-width="{width}" {_reading(bars)}><title>{_words(bars.label)}</title></path>'


def _stairs(stairs: Iterable[description.Stair], axis: axes.TimeAxis) -> Iterator[str]:
    """The staircase: a level for each band, joined to the one before where it follows at once."""
    before: description.Stair | None = None
    for stair in stairs:
        start, end, y = _number(axis.edge(stair.start)), _number(axis.edge(stair.end)), _number(stair.y)
        joined = before is not None and before.end == stair.start
        path = f"M{start} {_number(before.y)}V{y}H{end}" if before is not None and joined else f"M{start} {y}H{end}"
        name, dash = ("dose-intended", ' stroke-dasharray="4 3"') if stair.intended else ("dose", "")
        yield f'<path class="chart-{name}" d="{path}" fill="none" stroke="{_DOSE}" stroke-width="2.5"{dash}/>'
        if stair.label:
            yield (
                f'<text class="chart-heading" x="{_number(axis.edge(stair.start) + 4)}" y="{_number(stair.y - 5)}" '
                f'font-size="11" font-weight="600" fill="{_DOSE}" {_HALO}>{_words(stair.label)}</text>'
            )
        before = stair


def _taken(stretches: Iterable[description.Stretch], across: _Across, axis: axes.TimeAxis) -> Iterator[str]:
    """A tick a night; a bar for nights in a row where ticks would touch."""
    if axis.step >= _ROOM_FOR_TICKS:
        places = [
            f"M{x} {_number(stretch.y)}{_SHAPES['taken']}"
            for stretch in stretches
            for x in across.places[stretch.start : stretch.end]
        ]
    else:
        places = [
            f"M{_number(axis.edge(stretch.start))} {_number(stretch.y - 2)}H{_number(axis.edge(stretch.end))}v4"
            f"H{_number(axis.edge(stretch.start))}z"
            for stretch in stretches
        ]
    if places:
        look = _SHAPE_LOOKS["taken"] if axis.step >= _ROOM_FOR_TICKS else f'fill="{_DOSE}"'
        name = "chart-mark-taken" if axis.step >= _ROOM_FOR_TICKS else "chart-stretch-taken"
        yield f'<path class="{name}" d="{"".join(places)}" {look}/>'


def _marks(marks: Iterable[description.Mark], across: _Across) -> Iterator[str]:
    """The events, those of a kind together, each saying its own when pointed at."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for mark in marks:
        place = f"M{across.places[mark.slot]} {_number(mark.y)}{_SHAPES[mark.kind]}"
        kinds[mark.kind].append(f'<path d="{place}"><title>{_words(mark.said)}</title></path>')
    for kind, paths in kinds.items():
        yield f'<g class="chart-mark-{kind}" {_SHAPE_LOOKS[kind]}>{"".join(paths)}</g>'
