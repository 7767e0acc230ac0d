"""What a course means day by day: `unfold` says what is in force, `plan` says what is intended.

    STD-2W from 6 January, held for 7 days from 10 January, nothing confirmed

    unfold   |taking 1.5|held 1.5|taking 1.5 .......................................  until someone lets a step happen
    plan     |taking 1.5|held 1.5|taking 1.5|taking 3        |taking 4.5 ...........
             6          10       17         27               10 Feb

The lower dose goes on until an `Advance` says otherwise, so that a forgotten or failed confirmation can delay a step
and never cause one. All intervals exclude their end.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum

from common.dose import Dose
from titration.engine.course import Advance, Course, Hold, Stop
from titration.engine.protocol import Then
from titration.engine.refusals import EngineRefusal
from titration.engine.words import day_in_words


class State(StrEnum):
    TAKING = "taking"
    HELD = "held"
    REVIEW = "review"
    ENDED = "ended"


class Reason(StrEnum):
    """Why a segment begins."""

    STARTED = "started"
    ADVANCED = "advanced"
    INTENDED = "intended"
    HELD = "held"
    RESUMED = "resumed"
    REVIEW_DUE = "review due"
    COMPLETED = "completed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Segment:
    """Days alike: from `from_on` up to and without `to_on` (None, no end). An ended segment has no dose and rung."""

    from_on: date
    to_on: date | None
    dose: Dose | None
    rung: int | None
    state: State
    reason: Reason

    def covers(self, day: date) -> bool:
        return self.from_on <= day and (self.to_on is None or day < self.to_on)


Timeline = tuple[Segment, ...]
"""Segments that meet end to start, the last without an end: from the course's first day on every day has just one."""


@dataclass(frozen=True, slots=True)
class Due:
    """The rung above the one in force, its dose, and the first day on which it may take force."""

    rung: int
    dose: Dose
    on: date


def unfold(course: Course) -> Timeline:
    """What is in force. Raises `EngineRefusal` if a recorded change could not have been allowed."""
    return _segments(course, _replay(course))


def plan(course: Course, as_of: date | None = None) -> Timeline:
    """What is intended: what is in force, then each next rung as soon as the one below has had its days.

    A step that was due before `as_of` and has not been let happen is intended for `as_of`, and later ones move with it.
    """
    record = _replay(course)
    while (due := _due(course, record)) is not None:
        on = due.on if as_of is None else _first_free_day(max(due.on, as_of), record.held)
        record.entries.append(_Entry(due.rung, on, Reason.INTENDED))
    return _segments(course, record)


def next_step(course: Course) -> Due | None:
    """The step after the rung in force and the day it falls due, however long ago; None at the top or once stopped."""
    return _due(course, _replay(course))


def advances_in_force(course: Course) -> tuple[Advance, ...]:
    """The advances that no later hold or stop has voided, lowest rung first."""
    return tuple(Advance(entry.rung, entry.on) for entry in _replay(course).entries[1:])


def segment_on(timeline: Timeline, day: date) -> Segment | None:
    """The segment that holds the day; None before the course begins."""
    return next((segment for segment in timeline if segment.covers(day)), None)


def dose_on(timeline: Timeline, day: date) -> Dose | None:
    """The dose of the day; None before the course begins and after it has ended."""
    segment = segment_on(timeline, day)
    return segment.dose if segment else None


def held_until(timeline: Timeline, day: date) -> date | None:
    """The first day that is held no longer, if `day` is held; else None. Holds that touch count as one."""
    segment = segment_on(timeline, day)
    return segment.to_on if segment and segment.state is State.HELD else None


def check_hold(course: Course, hold: Hold) -> None:
    """Raise `EngineRefusal` with a sentence unless the hold begins inside the intended plan."""
    if hold.from_on < course.start_on:
        raise EngineRefusal(
            f"The hold begins on {day_in_words(hold.from_on)}, before the plan does on {day_in_words(course.start_on)}."
        )
    ending = next((segment for segment in plan(course) if segment.state in (State.REVIEW, State.ENDED)), None)
    if ending and ending.from_on <= hold.from_on:
        raise EngineRefusal(
            f"The hold begins on {day_in_words(hold.from_on)}, but the plan ends on {day_in_words(ending.from_on)}."
        )


@dataclass(frozen=True, slots=True)
class _Entry:
    """A rung and the day from which it is in force, or intended."""

    rung: int
    on: date
    reason: Reason


@dataclass(slots=True)
class _Record:
    """What the changes so far amount to: the rungs entered, the days held (disjoint, in order), the day of a stop."""

    entries: list[_Entry]
    held: list[tuple[date, date]] = field(default_factory=list)
    stopped_on: date | None = None


def _replay(course: Course) -> _Record:
    record = _Record([_Entry(0, course.start_on, Reason.STARTED)])
    for change in course.changes:
        if record.stopped_on is not None:
            raise EngineRefusal(f"The course was stopped on {day_in_words(record.stopped_on)}.")
        match change:
            case Hold():
                _place(course, record, change)
            case Advance():
                _advance(course, record, change)
            case Stop():
                record.stopped_on = max(change.on, course.start_on)
                _void_from(record, record.stopped_on)
    return record


def _place(course: Course, record: _Record, hold: Hold) -> None:
    """Hold the dose. An advance not yet in force when the hold begins is void: it has to be given again."""
    if hold.from_on < course.start_on:
        raise EngineRefusal("A hold cannot begin before the course does.")
    record.held = _union([*record.held, (hold.from_on, hold.until_on)])
    _void_from(record, hold.from_on)


def _void_from(record: _Record, day: date) -> None:
    """Forget the advances that would take force on this day or later."""
    first, *advances = record.entries
    record.entries = [first, *(entry for entry in advances if entry.on < day)]


def _advance(course: Course, record: _Record, advance: Advance) -> None:
    due = _due(course, record)
    if due is None:
        raise EngineRefusal("There is no higher step to go to.")
    if advance.to_rung != due.rung:
        raise EngineRefusal("Steps are taken one at a time.")
    if advance.on < due.on:
        raise EngineRefusal(
            f"The step to {due.dose} is due on {day_in_words(due.on)} and cannot take force on "
            f"{day_in_words(advance.on)}."
        )
    free_on = _first_free_day(advance.on, record.held)
    if free_on != advance.on:
        raise EngineRefusal(f"The dose is held until {day_in_words(free_on)}.")
    record.entries.append(_Entry(advance.to_rung, advance.on, Reason.ADVANCED))


def _due(course: Course, record: _Record) -> Due | None:
    current = record.entries[-1]
    days = course.protocol.rungs[current.rung].days
    if days is None or current.rung == course.protocol.last:
        return None
    on = _first_free_day(_clock_out(current.on, days, record.held), record.held)
    if record.stopped_on is not None and record.stopped_on <= on:
        return None
    return Due(current.rung + 1, course.protocol.rungs[current.rung + 1].dose, on)


def _clock_out(from_on: date, days: int, held: Sequence[tuple[date, date]]) -> date:
    """The day after the last of so many days, counted without the held ones. No hold is under way as they begin."""
    day, left = from_on, days
    for held_from, held_to in held:
        if held_to <= day:
            continue
        before = (held_from - day).days
        if before >= left:
            break
        left -= before
        day = held_to
    return day + timedelta(days=left)


def _first_free_day(day: date, held: Sequence[tuple[date, date]]) -> date:
    """The day itself, or the first after it on which no hold is in force: a dose never rises on a held day."""
    return next((held_to for held_from, held_to in held if held_from <= day < held_to), day)


def _union(spans: list[tuple[date, date]]) -> list[tuple[date, date]]:
    """The same days as disjoint spans in order; spans that overlap or touch become one."""
    joined: list[tuple[date, date]] = []
    for from_on, to_on in sorted(spans):
        if joined and from_on <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], to_on))
        else:
            joined.append((from_on, to_on))
    return joined


def _segments(course: Course, record: _Record) -> Timeline:
    return tuple(_until_stop([*_climb(course, record), *_ending(course, record)], record.stopped_on))


def _climb(course: Course, record: _Record) -> Iterator[Segment]:
    """A rung after the other, each cut where holds begin and end."""
    ends = [*(entry.on for entry in record.entries[1:]), _ends_on(course, record)]
    for entry, to_on in zip(record.entries, ends, strict=True):
        dose = course.protocol.rungs[entry.rung].dose
        taking = Segment(entry.on, to_on, dose, entry.rung, State.TAKING, entry.reason)
        yield from _cut_by_holds(taking, record.held)


def _cut_by_holds(taking: Segment, held: Sequence[tuple[date, date]]) -> Iterator[Segment]:
    end = taking.to_on or date.max
    for held_from, held_to in held:
        if held_to <= taking.from_on or end <= held_from:
            continue
        from_on, to_on = max(held_from, taking.from_on), min(held_to, end)
        if taking.from_on < from_on:
            yield replace(taking, to_on=from_on)
        yield replace(taking, from_on=from_on, to_on=to_on, state=State.HELD, reason=Reason.HELD)
        taking = replace(taking, from_on=to_on, reason=Reason.RESUMED)
    if taking.from_on < end:
        yield taking


def _ends_on(course: Course, record: _Record) -> date | None:
    """The day after the last rung's own days; None while a rung is in force that has no end or has one above it."""
    current = record.entries[-1]
    days = course.protocol.rungs[current.rung].days
    if days is None or current.rung != course.protocol.last:
        return None
    return _clock_out(current.on, days, record.held)


def _ending(course: Course, record: _Record) -> Iterator[Segment]:
    """What follows the last rung: the dose goes on under review, or the course is complete."""
    ends_on = _ends_on(course, record)
    if ends_on is None:
        return
    if course.protocol.then is Then.REVIEW:
        last = course.protocol.last
        yield Segment(ends_on, None, course.protocol.rungs[last].dose, last, State.REVIEW, Reason.REVIEW_DUE)
    else:
        yield Segment(ends_on, None, None, None, State.ENDED, Reason.COMPLETED)


def _until_stop(segments: Sequence[Segment], stopped_on: date | None) -> Iterator[Segment]:
    if stopped_on is None:
        yield from segments
        return
    for segment in segments:
        if segment.state is State.ENDED and segment.from_on <= stopped_on:
            yield segment
            return
        if segment.from_on < stopped_on:
            yield replace(segment, to_on=min(segment.to_on or stopped_on, stopped_on))
    yield Segment(stopped_on, None, None, None, State.ENDED, Reason.STOPPED)
