"""A course that bends, told by crossing out days in a calendar: one box a day, every change repaints boxes.

It assumes that each change could be recorded; which ones may is asked of the engine and judged by its promises. The
calendar ends at a horizon, so that what has no end is painted up to there.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import singledispatch
from typing import Any

from titration.engine import course as c
from titration.engine.course import Course

ONE_DAY = timedelta(days=1)


@dataclass
class Turn:
    """A dose that begins on a day, and what is to happen after its days."""

    mg: Decimal
    rung: int | None
    days: int | None
    rungs: list[tuple[Decimal, int | None]]
    then: str
    signed_step: bool = False
    stays: bool = False
    tried: bool = False


@dataclass
class Calendar:
    first: date
    last: date
    turns: dict[date, Turn] = field(default_factory=dict)
    held: set[date] = field(default_factory=set)
    paused: set[date] = field(default_factory=set)
    rests: set[date] = field(default_factory=set)
    slots: dict[date, str] = field(default_factory=dict)
    patterns: dict[date, tuple[date, int, int] | None] = field(default_factory=dict)
    lengths: dict[date, int] = field(default_factory=dict)
    stopped: date | None = None

    def days_from(self, day: date) -> list[date]:
        return [day + timedelta(days=n) for n in range((self.last - day).days + 1)]

    def turn_before(self, day: date) -> Turn:
        """The turn painted nearest before the day; the first where there is none."""
        earlier = [on for on in self.turns if on < day]
        return self.turns[max(earlier)] if earlier else self.turns[min(self.turns)]

    def own_length(self, turn: Turn, on: date) -> int | None:
        return None if turn.days is None else self.lengths.get(on, turn.days)


@dataclass(frozen=True)
class Box:
    on: date
    dose_mg: Decimal | None
    rung: int | None
    state: str
    slot: str


def boxes(course: Course, horizon: int) -> list[Box]:
    """What is in force on each of so many days from the course's first day on."""
    return _read(paint(course, horizon))


def meant(course: Course) -> list[Any]:
    """The changes without those taken back and without what took them back."""
    back = {change.takes_back for change in course.changes if isinstance(change, c.Supersede)}
    return [
        change
        for place, change in enumerate(course.changes)
        if place not in back and not isinstance(change, c.Supersede)
    ]


def paint(course: Course, horizon: int) -> Calendar:
    start = course.start_on
    calendar = Calendar(start, start + timedelta(days=horizon))
    rungs = [(rung.dose.mg, rung.days) for rung in course.protocol.rungs]
    then = course.protocol.then.value
    if course.first_dose is None:
        calendar.turns[start] = Turn(rungs[0][0], 0, rungs[0][1], rungs, then)
    else:
        calendar.turns[start] = _dose(course.first_dose.mg, rungs, then)
    for day in calendar.days_from(start):
        calendar.slots[day] = course.time_of_day.value
    for change in meant(course):
        _paint(change, calendar, course)
    return calendar


def _dose(mg: Decimal, rungs: list[tuple[Decimal, int | None]], then: str, days: int | None = None) -> Turn:
    for place, (own_mg, own_days) in enumerate(rungs):
        if own_mg == mg:
            return Turn(mg, place, days or own_days, rungs, then)
    return Turn(mg, None, days, rungs, then)


@singledispatch
def _paint(change: Any, calendar: Calendar, course: Course) -> None:
    _change_dose(calendar, change)


@_paint.register
def _(change: c.Hold, calendar: Calendar, course: Course) -> None:
    _span(calendar, calendar.held, change.on, change.days)
    _no_rise(calendar, change.on)


@_paint.register
def _(change: c.Pause, calendar: Calendar, course: Course) -> None:
    short = change.days is not None and change.days < course.retitrate_from_days
    _span(calendar, calendar.paused, change.on, change.days if short else None)
    _no_rise(calendar, change.on)


@_paint.register
def _(change: c.Resume, calendar: Calendar, course: Course) -> None:
    _rub_out(calendar.paused if change.on in calendar.paused else calendar.held, change.on)


@_paint.register
def _(change: c.Restart, calendar: Calendar, course: Course) -> None:
    on = change.on
    off_since = on if on in calendar.paused else change.off_since
    while off_since - ONE_DAY in calendar.paused and on in calendar.paused:
        off_since -= ONE_DAY
    before = calendar.turn_before(off_since)
    lowest = before.rungs[0][0]
    long = (on - off_since).days >= course.retitrate_from_days
    mg = change.dose.mg if change.dose else min(lowest, before.mg) if long else before.mg
    for spans in (calendar.paused, calendar.held):
        if on in spans:
            _rub_out(spans, on)
    _turn(calendar, on, _dose(mg, before.rungs, before.then))
    if calendar.turns[on].rung is not None:
        _give_length(calendar, on)


@_paint.register
def _(change: c.Advance, calendar: Calendar, course: Course) -> None:
    last = calendar.turns[max(calendar.turns)]
    mg, days = last.rungs[change.to_rung]
    calendar.turns[change.on] = Turn(mg, change.to_rung, days, last.rungs, last.then, signed_step=True)
    _give_length(calendar, change.on)


@_paint.register
def _(change: c.ChangeLengths, calendar: Calendar, course: Course) -> None:
    for day in calendar.days_from(change.on):
        calendar.lengths[day] = change.days
    for day, turn in calendar.turns.items():
        if day > change.on and turn.signed_step and turn.days is not None:
            turn.days = change.days


@_paint.register
def _(change: c.ChangeTime, calendar: Calendar, course: Course) -> None:
    on = change.on
    was = calendar.slots[on - ONE_DAY] if on > calendar.first else course.time_of_day.value
    for day in calendar.days_from(on):
        calendar.slots[day] = change.time_of_day.value
    calendar.rests = {rest for rest in calendar.rests if rest < on}
    if was == "bedtime" and on > calendar.first:
        calendar.rests.add(on)


@_paint.register
def _(change: c.OnOff, calendar: Calendar, course: Course) -> None:
    pattern = None
    if change.days_on is not None and change.days_off is not None:
        pattern = (change.on, change.days_on, change.days_off)
    for day in calendar.days_from(change.on):
        calendar.patterns[day] = pattern


@_paint.register
def _(change: c.Stop, calendar: Calendar, course: Course) -> None:
    calendar.stopped = max(change.on, calendar.first)
    kept = {day: turn for day, turn in calendar.turns.items() if day < calendar.stopped}
    calendar.turns = kept or {calendar.first: calendar.turns[calendar.first]}


def _change_dose(calendar: Calendar, change: Any) -> None:
    now = calendar.turn_before(change.on)
    match change:
        case c.StepBack():
            lower = [place for place, (mg, _) in enumerate(now.rungs) if mg < now.mg]
            mg, days = now.rungs[lower[-1]]
            turn = Turn(mg, lower[-1], days, now.rungs, now.then)
        case c.GoTo():
            turn = _dose(change.dose.mg, now.rungs, now.then, change.days)
        case c.StayHere():
            turn = Turn(now.mg, now.rung, None, now.rungs, now.then, stays=True)
        case c.RepeatRung():
            turn = Turn(now.mg, now.rung, now.days, now.rungs, now.then, stays=now.stays, tried=now.tried)
        case c.TrialReduction():
            turn = _dose(change.dose.mg, now.rungs, now.then, change.days)
            turn.days, turn.stays, turn.tried = change.days, True, True
        case c.ChangeProtocol():
            rungs = [(rung.dose.mg, rung.days) for rung in change.protocol.rungs]
            fitting = [place for place, (mg, _) in enumerate(rungs) if mg <= now.mg]
            rung = change.to_rung if change.to_rung is not None else fitting[-1]
            turn = Turn(*rungs[rung][:1], rung, rungs[rung][1], rungs, change.protocol.then.value)
    _turn(calendar, change.on, turn)
    own = isinstance(change, (c.StepBack, c.ChangeProtocol)) or (isinstance(change, c.GoTo) and change.days is None)
    if own and turn.rung is not None:
        _give_length(calendar, change.on)


def _turn(calendar: Calendar, on: date, turn: Turn) -> None:
    calendar.turns = {day: other for day, other in calendar.turns.items() if day < on} | {on: turn}


def _give_length(calendar: Calendar, on: date) -> None:
    turn = calendar.turns[on]
    turn.days = calendar.own_length(turn, on)


def _span(calendar: Calendar, painted: set[date], on: date, days: int | None) -> None:
    painted.update(day for day in calendar.days_from(on) if days is None or (day - on).days < days)


def _rub_out(painted: set[date], on: date) -> None:
    day = on
    while day in painted:
        painted.remove(day)
        day += ONE_DAY


def _no_rise(calendar: Calendar, on: date) -> None:
    kept: dict[date, Turn] = {}
    for day in sorted(calendar.turns):
        turn = calendar.turns[day]
        standing = kept[max(kept)] if kept else None
        if standing is None or day < on or (not turn.signed_step and turn.mg <= standing.mg):
            kept[day] = turn
    calendar.turns = kept


def _read(calendar: Calendar) -> list[Box]:
    told: list[Box] = []
    turn, had, over, ended = calendar.turns[calendar.first], 0, False, False
    for day in calendar.days_from(calendar.first):
        if day in calendar.turns:
            turn, had, over = calendar.turns[day], 0, False
        closed = day in calendar.held or day in calendar.paused
        top = turn.tried or (turn.rung == len(turn.rungs) - 1 and not turn.stays)
        last = day >= max(calendar.turns)
        if last and turn.days is not None and had >= turn.days and top:
            over = True
        then = "review" if turn.tried else turn.then
        slot = calendar.slots[day]
        if (calendar.stopped and day >= calendar.stopped) or ended:
            told.append(Box(day, None, None, "ended", slot))
        elif day in calendar.paused:
            told.append(Box(day, None, None, "paused", slot))
        elif over and then == "end":
            ended = True
            told.append(Box(day, None, None, "ended", slot))
        elif day in calendar.rests:
            told.append(Box(day, None, None, "off", slot))
        else:
            state = "review" if over and then == "review" else "held" if day in calendar.held else "taking"
            pattern = calendar.patterns.get(day)
            off = pattern and (day - pattern[0]).days % (pattern[1] + pattern[2]) >= pattern[1]
            told.append(Box(day, None if off else turn.mg, turn.rung, "off" if off else state, slot))
        if not closed:
            had += 1
    return told
