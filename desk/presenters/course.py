"""The page of one course: what was taken, is in force and is intended, drawn and in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from common.dose import Dose
from desk.presenters.actions import Action
from desk.presenters.days import day
from desk.presenters.deeds import StepAhead
from desk.presenters.effects import Line, lines
from desk.presenters.plan import Plan
from titration.engine import timeline

OPEN_END = timedelta(days=14)
"""How far an open last dose is drawn beyond the last thing that happens."""
_LETTER = 7.2
"""Width of a letter of the drawing's labels, in pixels."""


@dataclass(frozen=True)
class Label:
    """A word of the drawing. `anchor` is SVG's: start, or end where it would leave the drawing."""

    x: float
    y: float
    anchor: str
    text: str


@dataclass(frozen=True)
class CourseDrawing:
    """A staircase in pixels: paths of what was and is in force, of what is intended, of what was first signed."""

    width: int
    height: int
    base: float
    taken: str
    intended: str
    superseded: str
    today: float
    doses: tuple[Label, ...]
    dates: tuple[Label, ...]


@dataclass(frozen=True)
class CoursePage:
    """`past` and `ahead` are the drawing in words; `first_signed` is empty while the plan is as it was signed."""

    wide: CourseDrawing
    narrow: CourseDrawing
    past: tuple[Line, ...]
    ahead: tuple[Line, ...]
    first_signed: tuple[Line, ...]
    step: StepAhead | None
    actions: tuple[Action, ...]
    more: tuple[Action, ...]
    target: str
    best: str
    taking_since: str


def course_page(plan: Plan, *, step: StepAhead | None, actions: Sequence[Action], at: datetime) -> CoursePage:
    today = at.astimezone(plan.prescription.patient.zone).date()
    first = _first_signed(plan)
    row = plan.prescription
    return CoursePage(
        wide=drawing(plan.in_force, plan.intended, first, today=today, width=720),
        narrow=drawing(plan.in_force, plan.intended, first, today=today, width=340),
        past=tuple(lines(_until(plan.in_force, today), date.min)),
        ahead=lines(plan.intended, today),
        first_signed=lines(first, date.min) if first else (),
        step=step,
        actions=tuple(action for action in actions if action.main),
        more=tuple(action for action in actions if not action.main),
        target=str(row.target_dose) if row.target_dose else "",
        best=str(row.best_dose) if row.best_dose else "",
        taking_since=day(row.taking_since) if row.taking_since else "",
    )


def _first_signed(plan: Plan) -> timeline.Timeline:
    """The plan as it was signed, if anything has been changed since that shows."""
    if not plan.course.changes:
        return ()
    signed = timeline.plan(replace(plan.course, changes=()))
    return signed if _shape(signed) != _shape(plan.intended) else ()


def _shape(shown: timeline.Timeline) -> list[tuple[date, Dose | None]]:
    found: list[tuple[date, Dose | None]] = []
    for segment in shown:
        if not found or found[-1][1] != segment.dose:
            found.append((segment.from_on, segment.dose))
    return found


def _until(shown: timeline.Timeline, day_on: date) -> timeline.Timeline:
    """The part of a timeline that lies before a day."""
    before = [segment for segment in shown if segment.from_on < day_on]
    return tuple(replace(s, to_on=min(s.to_on or day_on, day_on)) for s in before)


def _since(shown: timeline.Timeline, day_on: date) -> timeline.Timeline:
    """The part of a timeline from a day on."""
    after = [segment for segment in shown if segment.to_on is None or segment.to_on > day_on]
    return tuple(replace(s, from_on=max(s.from_on, day_on)) for s in after)


@dataclass(frozen=True)
class _Scale:
    """Days and doses as pixels."""

    first: date
    last: date
    top: Dose
    width: int
    base: float

    def x(self, on: date) -> float:
        days = max((self.last - self.first).days, 1)
        return round(4 + (min(on, self.last) - self.first).days * (self.width - 8) / days, 1)

    def y(self, dose: Dose | None) -> float:
        return self.base if dose is None else round(self.base - float(dose.mg / self.top.mg) * (self.base - 26), 1)


def drawing(
    in_force: timeline.Timeline,
    intended: timeline.Timeline,
    first_signed: timeline.Timeline,
    *,
    today: date,
    width: int,
    height: int = 170,
) -> CourseDrawing:
    """The course to scale: three lines over one calendar, and today."""
    shown = [*in_force, *intended, *first_signed]
    doses = [segment.dose for segment in shown if segment.dose is not None]
    last = max([today, *(segment.to_on or segment.from_on for segment in shown)]) + OPEN_END
    scale = _Scale(
        min(today, *(segment.from_on for segment in shown)), last, max(doses, default=Dose.of(1)), width, height - 22.0
    )
    told = (*_until(in_force, today), *_since(intended, today))
    return CourseDrawing(
        width=width,
        height=height,
        base=scale.base,
        taken=_path(_until(in_force, today), scale),
        intended=_path(_since(intended, today), scale, begins=timeline.dose_on(in_force, today)),
        superseded=_path(first_signed, scale),
        today=scale.x(today),
        doses=tuple(_doses(told, scale)),
        dates=tuple(_dates(told, scale)),
    )


def _path(shown: timeline.Timeline, scale: _Scale, *, begins: Dose | None = None) -> str:
    """One line through all segments, from a dose's level if one is named; days without a dose lie on the ground."""
    if not shown:
        return ""
    drawn = [f"M{scale.x(shown[0].from_on)} {scale.y(begins or shown[0].dose)}"]
    drawn += [f"V{scale.y(segment.dose)}H{scale.x(segment.to_on or scale.last)}" for segment in shown]
    return "".join(drawn)


def _doses(shown: timeline.Timeline, scale: _Scale) -> Iterator[Label]:
    """Each new dose above its line, where there is room."""
    free, before = 0.0, None
    for segment in shown:
        if segment.dose is not None and segment.dose != before:
            label = _label(str(segment.dose), segment.from_on, scale.y(segment.dose) - 6, scale)
            if _begins(label) >= free:
                free = _begins(label) + _LETTER * (len(label.text) + 1)
                yield label
        before = segment.dose


def _dates(shown: timeline.Timeline, scale: _Scale) -> Iterator[Label]:
    """The day each new dose begins below the ground, where there is room."""
    free, before = 0.0, None
    for segment in shown:
        if not free or segment.dose != before:
            on = segment.from_on
            label = _label(f"{on.day} {on:%b}", on, scale.base + 15, scale)
            if _begins(label) >= free:
                free = _begins(label) + _LETTER * (len(label.text) + 1)
                yield label
        before = segment.dose


def _label(text: str, on: date, y: float, scale: _Scale) -> Label:
    x = scale.x(on)
    leaves = x + 3 + _LETTER * len(text) > scale.width
    return Label(x=scale.width - 4.0 if leaves else x + 3, y=y, anchor="end" if leaves else "start", text=text)


def _begins(label: Label) -> float:
    return label.x - _LETTER * len(label.text) if label.anchor == "end" else label.x
