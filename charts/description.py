"""What a chart shows and where, said once in plain values. Drawing it decides nothing more than colour and shape."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import NamedTuple

from charts import axes, series
from common import dose as doses

NARROW_BELOW = 620
_ROWS_OF_SIDE_EFFECTS = 6
_SEVERITIES = ("mild", "moderate", "severe")
SHAPES = ("taken", "skipped", "other-dose", "lot", "by-phone", *(f"side-{severity}" for severity in _SEVERITIES))
_LETTER = 6.4  # mean width of a letter at the chart's text size
_LINE = 17.0  # height of a line of legend
_DOSE_TICK_ROOM = 14.0
_SAMPLE = 24.0  # width of the piece of line before a legend's words
_SHAPE_SAMPLE = 15.0  # width of a lone shape before them
_CROWDED = 3.0  # pixels a night below which the means of weeks are drawn over the nights


class Run(NamedTuple):
    """Values of consecutive nights from the slot `start`. A missing night ends a run; nothing joins two."""

    start: int
    values: tuple[float, ...]


class Week(NamedTuple):
    """The mean of a week of slots, `end` excluded, of which at least 4 nights were answered."""

    start: int
    end: int
    mean: float


@dataclass(frozen=True, slots=True)
class Line:
    """One measure over time. `key` names its colour, dash and marker.

    `weeks` are drawn over nights too crowded to tell apart; they are not joined and leave a thin week out.
    """

    key: str
    label: str
    unit: str
    scale: axes.Scale
    runs: tuple[Run, ...]
    weeks: tuple[Week, ...] = ()


@dataclass(frozen=True, slots=True)
class Bars:
    """One bar a night, from the bottom of the scale; a zero is a stub, so that it differs from a gap."""

    key: str
    label: str
    unit: str
    scale: axes.Scale
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Stair:
    """A level of the dose staircase between two slots' edges, with the words that stand on it ("" where none fit)."""

    start: int
    end: int
    y: float
    intended: bool
    label: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """Nights in a row, `end` excluded, for which the same is true."""

    start: int
    end: int
    y: float


class Mark(NamedTuple):
    """A single event of a night. `kind` names its shape, `said` is shown when one points at it."""

    slot: int
    y: float
    kind: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """Words at a point; `sample` names the piece of line or the shape drawn before them, `sample_width` wide."""

    x: float
    y: float
    text: str
    sample: str = ""
    sample_width: float = 0.0
    heading: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One scale (or row of marks) on the common time axis."""

    key: str
    top: float
    bottom: float
    scale: axes.Scale | None = None
    ticks: tuple[axes.Tick, ...] = ()
    right_scale: axes.Scale | None = None
    right_ticks: tuple[axes.Tick, ...] = ()
    lines: tuple[Line, ...] = ()
    bars: tuple[Bars, ...] = ()
    stairs: tuple[Stair, ...] = ()
    taken: tuple[Stretch, ...] = ()
    marks: tuple[Mark, ...] = ()
    labels: tuple[Label, ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """A whole chart. `run_ins` are (first slot, end slot) pairs, `boundaries` (slot, intended)."""

    title: str
    said: str
    width: float
    height: float
    axis: axes.TimeAxis
    ticks: tuple[axes.Tick, ...]
    panels: tuple[Panel, ...]
    run_ins: tuple[tuple[int, int], ...]
    boundaries: tuple[tuple[int, bool], ...]
    today: int | None


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where headings and legends go: in a column at the left, or above each panel where the drawing is narrow."""

    width: float
    narrow: bool
    left: float
    right: float

    @property
    def legend_width(self) -> float:
        return self.width if self.narrow else self.left - 32


_Entry = tuple[str, str]  # (sample, words)
_Answers = list[float | None]


def describe(aligned: series.Aligned, *, title: str, width: int = 1080, lead_label: str = "Lead symptom") -> Chart:
    """The chart of one patient's nights.

    `width` in pixels decides the layout (below 620 headings stand above their panels) and how many dates are named;
    text keeps its size. Work and size grow in step with the nights shown: 7,300 of them take ten times what 730 take.
    """
    narrow = width < NARROW_BELOW
    layout = _Layout(width, narrow, 30.0 if narrow else 212.0, width - (20.0 if narrow else 28.0))
    axis = axes.TimeAxis(aligned.first, len(aligned.nights), layout.left, layout.right)
    panels: list[Panel] = []
    top = 4.0
    for build in (_dose_panel, _sleep_panel, _dreams_panel):
        panels.append(build(aligned, axis, layout, top))
        top = panels[-1].bottom + 16
    panels.append(_symptoms_panel(aligned, axis, layout, top, lead_label))
    panels.append(_side_effects_panel(aligned, layout, panels[-1].bottom + 16))
    later = aligned.today < aligned.last
    return Chart(
        title=title,
        said=_said(aligned, lead_label),
        width=width,
        height=panels[-1].bottom + 24,
        axis=axis,
        ticks=axes.date_ticks(axis, 52 if narrow else 64),
        panels=tuple(panels),
        run_ins=_run_ins(aligned),
        boundaries=tuple(
            (change.slot, change.intended) for change in aligned.changes if 0 < change.slot < len(aligned.nights)
        ),
        today=aligned.slot_of(aligned.today) if later and aligned.today >= aligned.first else None,
    )


def _said(aligned: series.Aligned, lead_label: str) -> str:
    span = f"{axes.short_date(aligned.first)} to {axes.short_date(aligned.last)}"
    lots = ", ".join(f"{lot.lot} on {axes.short_date(lot.on)}" for lot in aligned.lots)
    new_lots = f" New lots: {lots}." if lots else ""
    return (
        f"{span}. {series.summary(aligned)}{new_lots} From top to bottom: dose in milligrams, hours slept, dreams, "
        f"pain and fatigue and {lead_label}, side effects. A night nobody logged is a gap."
    )


def _run_ins(aligned: series.Aligned) -> tuple[tuple[int, int], ...]:
    """The first 7 nights after each dose change, as far as shown; cut short where the dose changes again."""
    count, found = len(aligned.nights), []
    starts = [change.slot for change in aligned.changes]
    for change, following in zip(aligned.changes, [*starts, count][1:], strict=True):
        if change.dose_mg is None or change.intended:
            continue
        start = max(0, change.slot)
        end = min(change.slot + series.RUN_IN_NIGHTS, following, count)
        if end > start:
            found.append((start, end))
    return tuple(found)


# -- panels ----------------------------------------------------------------------------------------------------------


def _dose_panel(aligned: series.Aligned, axis: axes.TimeAxis, layout: _Layout, top: float) -> Panel:
    levels = [float(band.dose_mg) for band in aligned.bands if band.dose_mg is not None]
    departures = list(_not_as_prescribed(aligned))
    taken_doses = [float(mg) for _, mg in departures if mg is not None]
    known: list[tuple[bool, _Entry]] = [
        (any(not band.intended for band in aligned.bands), ("dose", "In force")),
        (any(band.intended for band in aligned.bands), ("dose-intended", "Intended, not in force")),
        (any(night is not None and night.taken == "taken" for night in aligned.nights), ("taken", "Taken")),
        (len(departures) > len(taken_doses), ("skipped", "Skipped")),
        (bool(taken_doses), ("other-dose", "Took another dose")),
        (bool(_run_ins(aligned)), ("run-in", "First 7 nights at a dose")),
        (bool(aligned.lots), ("lot", "New lot")),
        (any(night is not None and night.by_phone for night in aligned.nights), ("by-phone", "Told by phone")),
    ]
    labels, plot_top = _headed("Dose, mg", [entry for there, entry in known if there], layout, top)
    bottom = max(plot_top + 104, _lowest(labels)) if not layout.narrow else plot_top + 92
    scale = axes.Scale(0.0, max([4.5, *levels, *taken_doses]) * 1.05, plot_top + 14, bottom - 14)
    return Panel(
        key="dose",
        top=plot_top,
        bottom=bottom,
        scale=scale,
        ticks=tuple(axes.Tick(mg, f"{mg:g}") for mg in axes.thin([0.0, *levels], scale, _DOSE_TICK_ROOM)),
        stairs=tuple(_stairs(aligned, axis, scale)),
        taken=tuple(_taken(aligned, bottom)),
        marks=(
            *(_dose_mark(aligned, scale, bottom, slot, mg) for slot, mg in departures),
            *(_lot_mark(aligned, bottom, lot) for lot in aligned.lots),
            *_by_phone(aligned, bottom),
        ),
        labels=labels,
    )


def _prescribed(aligned: series.Aligned) -> list[Decimal | None]:
    """The dose in force on each slot's night."""
    found: list[Decimal | None] = [None] * len(aligned.nights)
    for band in aligned.bands:
        if not band.intended:
            start, end = _slots(aligned, band)
            found[start:end] = [band.dose_mg] * (end - start)
    return found


def _slots(aligned: series.Aligned, band: series.DoseBand) -> tuple[int, int]:
    """A band's slots, as far as shown: first included, end excluded."""
    end = len(aligned.nights) if band.to_on is None else aligned.slot_of(band.to_on)
    return max(0, aligned.slot_of(band.from_on)), max(0, min(end, len(aligned.nights)))


def _stairs(aligned: series.Aligned, axis: axes.TimeAxis, scale: axes.Scale) -> Iterator[Stair]:
    said: Decimal | None = None
    for band in aligned.bands:
        start, end = _slots(aligned, band)
        if band.dose_mg is None or end <= start:
            said = None
            continue
        label = str(doses.Dose.of(band.dose_mg)) if band.dose_mg != said else ""
        fits = len(label) * _LETTER < axis.right - axis.edge(start) - 4
        said = band.dose_mg
        wide = (end - start) * axis.step > len(label) * _LETTER + 4
        yield Stair(start, end, scale.y(float(band.dose_mg)), band.intended, label if fits and wide else "")


def _taken(aligned: series.Aligned, bottom: float) -> Iterator[Stretch]:
    """Where the dose was taken night after night."""
    start: int | None = None
    for slot, night in enumerate((*aligned.nights, None)):
        if night is not None and night.taken == "taken":
            start = slot if start is None else start
        elif start is not None:
            yield Stretch(start, slot, bottom - 6)
            start = None


def _not_as_prescribed(aligned: series.Aligned) -> Iterator[tuple[int, Decimal | None]]:
    """Slots of nights with another dose than the one in force (its milligrams) or with none (None)."""
    prescribed = _prescribed(aligned)
    for slot, night in enumerate(aligned.nights):
        if night is None:
            continue
        if night.taken == "skipped":
            yield slot, None
        elif night.taken == "taken" and night.taken_mg is not None and night.taken_mg != prescribed[slot]:
            yield slot, night.taken_mg


def _dose_mark(aligned: series.Aligned, scale: axes.Scale, bottom: float, slot: int, mg: Decimal | None) -> Mark:
    day = axes.short_date(aligned.night_at(slot))
    if mg is None:
        return Mark(slot, bottom - 6, "skipped", f"{day}: skipped")
    return Mark(slot, scale.y(float(mg)), "other-dose", f"{day}: took {doses.Dose.of(mg)}")


def _lot_mark(aligned: series.Aligned, bottom: float, lot: series.Lot) -> Mark:
    return Mark(aligned.slot_of(lot.on), bottom - 19, "lot", f"{axes.short_date(lot.on)}: new lot {lot.lot}")


def _by_phone(aligned: series.Aligned, bottom: float) -> Iterator[Mark]:
    for slot, night in enumerate(aligned.nights):
        if night is not None and night.by_phone:
            yield Mark(slot, bottom + 3, "by-phone", f"{axes.short_date(night.night)}: told by phone")


def _sleep_panel(aligned: series.Aligned, axis: axes.TimeAxis, layout: _Layout, top: float) -> Panel:
    answers = _answers(aligned, "sleep_hours")
    runs = _runs(answers)
    high = axes.sleep_high(hours for hours in answers if hours is not None)
    labels, plot_top = _headed("Sleep, hours", [("sleep", "Hours slept"), *_mean_entry(axis)], layout, top)
    bottom = plot_top + 84
    scale = axes.Scale(0.0, float(high), plot_top + 4, bottom)
    ticks = tuple(axes.Tick(hours, str(hours)) for hours in range(0, high + 1, 4))
    line = Line("sleep", "Hours slept", "h", scale, runs, _weeks(answers, axis))
    return Panel("sleep", plot_top, bottom, scale, ticks, lines=(line,), labels=labels)


def _dreams_panel(aligned: series.Aligned, axis: axes.TimeAxis, layout: _Layout, top: float) -> Panel:
    entries = [("vividness", "Vividness 0–3 (left)"), ("distress", "Distress 0–10 (right)")]
    upset = _answers(aligned, "dream_distress")
    labels, plot_top = _headed("Dreams", entries, layout, top)
    bottom = plot_top + 72
    vividness = axes.Scale(0.0, 3.0, plot_top + 4, bottom)
    distress = axes.Scale(0.0, 10.0, plot_top + 4, bottom)
    return Panel(
        key="dreams",
        top=plot_top,
        bottom=bottom,
        scale=vividness,
        ticks=tuple(axes.Tick(value, str(value)) for value in range(4)),
        right_scale=distress,
        right_ticks=tuple(axes.Tick(value, str(value)) for value in (0, 5, 10)),
        bars=(Bars("vividness", "Dream vividness", "of 3", vividness, _runs(_answers(aligned, "dream_vividness"))),),
        lines=(Line("distress", "Dream distress", "of 10", distress, _runs(upset), _weeks(upset, axis)),),
        labels=labels,
    )


def _symptoms_panel(
    aligned: series.Aligned, axis: axes.TimeAxis, layout: _Layout, top: float, lead_label: str
) -> Panel:
    columns = (("pain", "Pain", "pain"), ("fatigue", "Fatigue", "fatigue"), ("lead", lead_label, "lead_symptom"))
    measures = [(key, label, _answers(aligned, column)) for key, label, column in columns]
    shown = [
        (key, label, answers) for key, label, answers in measures if key != "lead" or answers.count(None) < axis.count
    ]
    entries = [(key, label) for key, label, _ in shown]
    labels, plot_top = _headed("Symptoms, 0–10", entries, layout, top)
    bottom = plot_top + (112 if layout.narrow else 120)
    scale = axes.Scale(0.0, 10.0, plot_top + 4, bottom)
    lines = tuple(
        Line(key, label, "of 10", scale, _runs(answers), _weeks(answers, axis)) for key, label, answers in shown
    )
    ticks = tuple(axes.Tick(value, str(value)) for value in (0, 5, 10))
    return Panel("symptoms", plot_top, bottom, scale, ticks, lines=lines, labels=labels)


def _mean_entry(axis: axes.TimeAxis) -> list[_Entry]:
    """Said once, beside the first measure it is true of."""
    return [("mean", "Bold: mean of a week")] if axis.step < _CROWDED else []


def _weeks(answers: _Answers, axis: axes.TimeAxis) -> tuple[Week, ...]:
    """The weeks, counted from the first night shown, in which at least 4 nights say; only where nights are crowded."""
    if axis.step >= _CROWDED:
        return ()
    weeks = []
    for start in range(0, axis.count, series.WEEK):
        said = [answer for answer in answers[start : start + series.WEEK] if answer is not None]
        if len(said) >= series.FEWEST_OF_A_WEEK:
            weeks.append(Week(start, min(start + series.WEEK, axis.count), sum(said) / len(said)))
    return tuple(weeks)


def _side_effects_panel(aligned: series.Aligned, layout: _Layout, top: float) -> Panel:
    """A row for each of the commonest, the rest together; severity is a shape."""
    named = Counter(label for night in aligned.nights if night is not None for label, _ in night.side_effects)
    common = [label for label, _ in sorted(named.items(), key=lambda item: (-item[1], item[0]))[:_ROWS_OF_SIDE_EFFECTS]]
    entries = [("side-mild", "Mild"), ("side-moderate", "Moderate"), ("side-severe", "Severe")]
    labels, row_top = _headed("Side effects", entries if named else [], layout, top, flowing=True)
    rows = [*common, "Others"] if len(named) > len(common) else common
    height = 30.0 if layout.narrow else 19.0
    row_top += 0 if layout.narrow else 4
    words = [
        Label(0.0, row_top + index * height + 13, _fitted(label, layout.legend_width))
        for index, label in enumerate(rows)
    ]
    if not rows:
        x = layout.left + 4 if not layout.narrow else 0.0
        words = [Label(x, row_top + (13 if layout.narrow else -4), "None logged")]
    place = {label: row_top + index * height + (height - 9 if layout.narrow else 9) for index, label in enumerate(rows)}
    return Panel(
        key="side-effects",
        top=row_top,
        bottom=row_top + max(len(rows), 1) * height + 4,
        marks=tuple(_side_effect_marks(aligned, place)),
        labels=(*labels, *words),
    )


def _side_effect_marks(aligned: series.Aligned, place: dict[str, float]) -> Iterator[Mark]:
    for slot, night in enumerate(aligned.nights):
        if night is None or not night.side_effects:
            continue
        day = axes.short_date(night.night)
        for label, severity in night.side_effects:
            kind = f"side-{severity if severity in _SEVERITIES else 'mild'}"
            yield Mark(slot, place.get(label, place.get("Others", 0.0)), kind, f"{day}: {label}, {severity}")


# -- parts -----------------------------------------------------------------------------------------------------------


def _answers(aligned: series.Aligned, column: str) -> _Answers:
    """The answers to one question, a slot each."""
    read = attrgetter(column)
    told = [None if night is None else read(night) for night in aligned.nights]
    return [None if answer is None else float(answer) for answer in told]


def _runs(answers: _Answers) -> tuple[Run, ...]:
    """The answers, parted wherever a night has none."""
    gaps = [slot for slot, answer in enumerate(answers) if answer is None]
    ends = zip([-1, *gaps], [*gaps, len(answers)], strict=True)
    return tuple(Run(gap + 1, tuple(answers[gap + 1 : end])) for gap, end in ends if end - gap > 1)  # type: ignore[arg-type]


def _headed(
    heading: str, entries: list[_Entry], layout: _Layout, top: float, *, flowing: bool = False
) -> tuple[tuple[Label, ...], float]:
    """The heading and legend of a panel, and where the panel's plot may begin.

    In the column at the left the entries stand below each other, or (`flowing`) side by side above the rows.
    """
    words = [Label(0.0, top + 12, heading, heading=True)]
    if not layout.narrow and not flowing:
        for index, (sample, text) in enumerate(entries, start=1):
            fitted = _fitted(text, layout.legend_width - _SAMPLE)
            words.append(Label(0.0, top + 13 + index * _LINE, fitted, sample, _SAMPLE))
        return tuple(words), top
    x, y = (len(heading) * _LETTER * 1.2 + 10, top + 12) if layout.narrow else (0.0, top + 13 + _LINE)
    for sample, text in entries:
        room = _SHAPE_SAMPLE if sample in SHAPES else _SAMPLE
        fitted = _fitted(text, layout.width - room)
        wide = room + len(fitted) * _LETTER
        if x + wide > layout.width - 8:
            x, y = 0.0, y + _LINE
        words.append(Label(x, y, fitted, sample, room))
        x += wide + 8
    return tuple(words), y + 6


def _lowest(labels: Iterable[Label]) -> float:
    return max(label.y for label in labels) + 6


def _fitted(text: str, room: float) -> str:
    """The words, or as many of them as there is room for."""
    letters = int(room / _LETTER)
    return text if len(text) <= letters else f"{text[: letters - 1].rstrip()}…"
