"""What a course means day by day: `unfold` says what is in force, `plan` says what is intended.

    STD-2W from 6 January, held for 7 days from 10 January, nothing confirmed

    unfold   |taking 1.5|held 1.5|taking 1.5 .......................................  until someone lets a step happen
    plan     |taking 1.5|held 1.5|taking 1.5|taking 3        |taking 4.5 ...........
             6          10       17         27               10 Feb

The lower dose goes on until an `Advance` says otherwise, so that a forgotten or failed confirmation can delay a step
and never cause one. All intervals exclude their end.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from common.dose import Dose
from common.night import Slot
from titration.engine.course import Advance, Begin, Change, Course, Hold, Supersede
from titration.engine.protocol import Then
from titration.engine.record import (
    FOREVER,
    Cycle,
    Due,
    Reason,
    Record,
    ends_on,
    first_free_day,
    fold,
    next_due,
    rung_above,
    rung_entry,
    span_on,
)
from titration.engine.refusals import EngineRefusal
from titration.engine.words import day_in_words

_ONE_DAY = timedelta(days=1)


class State(StrEnum):
    AWAITING = "awaiting"
    TAKING = "taking"
    HELD = "held"
    PAUSED = "paused"
    OFF = "off"
    REVIEW = "review"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Segment:
    """Days alike: from `from_on` up to and without `to_on` (None, no end).

    No dose and no rung where nothing is taken: awaiting, paused, off, ended. A dose without a rung is one that the
    protocol does not have. Under a `cycle` the dose is left out on its days off.
    """

    from_on: date
    to_on: date | None
    dose: Dose | None
    rung: int | None
    state: State
    reason: Reason
    time_of_day: Slot = Slot.BEDTIME
    cycle: Cycle | None = None

    def covers(self, day: date) -> bool:
        return self.from_on <= day and (self.to_on is None or day < self.to_on)

    def dose_on(self, day: date) -> Dose | None:
        """The dose of a day that the segment covers."""
        return None if self.cycle is not None and self.cycle.is_off(day) else self.dose


Timeline = tuple[Segment, ...]
"""Segments that meet end to start, the last without an end: from the course's first day on every day has just one."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day's one answer."""

    on: date
    dose: Dose | None
    state: State
    time_of_day: Slot


def unfold(course: Course) -> Timeline:
    """What is in force. Raises `EngineRefusal` if a recorded change could not have been allowed."""
    return _segments(course, fold(course))


def plan(course: Course, as_of: date | None = None) -> Timeline:
    """What is intended: what is in force, then each next rung as soon as the one below has had its days.

    A step that was due before `as_of` and has not been let happen is intended for `as_of`, and later ones move with it.
    None is intended while somebody has yet to end a hold or a pause. A course that waits for its medicine is intended
    to begin on its start, or on `as_of` where that is past.
    """
    record = fold(course)
    if not record.begun and record.stopped_on is None:
        record = fold(course.changed(Begin(max(course.start_on, as_of or course.start_on))))
    while (due := next_due(record)) is not None:
        on = due.on if as_of is None else first_free_day(max(due.on, as_of), record.closed)
        if on == FOREVER:
            break
        record.entries.append(rung_entry(record, due.rung, on, Reason.INTENDED))
    return _segments(course, record)


def next_step(course: Course) -> Due | None:
    """The step after the rung in force and the day it falls due, however long ago; None at the top or once stopped."""
    return next_due(fold(course))


def best_dose(course: Course) -> Dose | None:
    """The dose at which the course was ended as a success, while it stays there; None while it climbs."""
    last = fold(course).entries[-1]
    return last.dose if last.reason is Reason.STAYED else None


def next_rung(course: Course) -> int | None:
    """The rung above the dose in force, due or not; None at the top."""
    return rung_above(fold(course))


def advances_in_force(course: Course) -> tuple[Advance, ...]:
    """The advances that no later change has overtaken, lowest rung first."""
    return tuple(
        Advance(entry.rung, entry.on)
        for entry in fold(course).entries
        if entry.rung is not None and entry.reason is Reason.ADVANCED
    )


def segment_on(timeline: Timeline, day: date) -> Segment | None:
    """The segment that holds the day; None before the course begins."""
    return next((segment for segment in timeline if segment.covers(day)), None)


def dose_on(timeline: Timeline, day: date) -> Dose | None:
    """The dose of the day; None before the course begins, on days without one, and after it has ended."""
    segment = segment_on(timeline, day)
    return segment.dose_on(day) if segment else None


def days(timeline: Timeline, from_on: date, until_on: date) -> Iterator[Day]:
    """Each day's one answer, from a day up to and without another, days off told; none before the course begins."""
    for segment in timeline:
        day = max(segment.from_on, from_on)
        while day < until_on and (segment.to_on is None or day < segment.to_on):
            dose = segment.dose_on(day)
            off = segment.dose is not None and dose is None
            yield Day(day, dose, State.OFF if off else segment.state, segment.time_of_day)
            day += _ONE_DAY


def held_until(timeline: Timeline, day: date) -> date | None:
    """The first day that is held no longer, if `day` is held; `FOREVER` for a hold without an end; else None.

    Holds that touch count as one.
    """
    segment = segment_on(timeline, day)
    return (segment.to_on or FOREVER) if segment and segment.state is State.HELD else None


def check(course: Course, change: Change, *, today: date, correcting: bool = False) -> Course:
    """The course with the change recorded, or `EngineRefusal` with the sentence that says why it may not be.

    A change bears on `today` or later; only a correction, which shows as one, alters what was in force before. The
    first dose of a course that waited is a fact, and may be past.
    """
    if isinstance(change, Hold):
        check_hold(course, change, as_of=today)
    changed = course.changed(change)
    after = unfold(changed)
    if correcting or isinstance(change, Begin):
        return changed
    if not isinstance(change, Supersede) and change.on < today:
        raise EngineRefusal(f"{day_in_words(change.on)} is past. What was so then is entered as a correction.")
    if _until(after, today) != _until(unfold(course), today):
        raise EngineRefusal("This has been in force already. What was so in the past is entered as a correction.")
    return changed


def check_hold(course: Course, hold: Hold, as_of: date | None = None) -> None:
    """Raise `EngineRefusal` with a sentence unless the hold begins inside the plan as it is intended from a day on."""
    if hold.on < course.start_on:
        raise EngineRefusal(
            f"The hold begins on {day_in_words(hold.on)}, before the plan does on {day_in_words(course.start_on)}."
        )
    ending = next((segment for segment in plan(course, as_of) if segment.state in (State.REVIEW, State.ENDED)), None)
    if ending and ending.from_on <= hold.on:
        raise EngineRefusal(
            f"The hold begins on {day_in_words(hold.on)}, but the plan ends on {day_in_words(ending.from_on)}."
        )


def _until(timeline: Timeline, day: date) -> list[tuple[date, Dose | None, State, Slot]]:
    """What was in force before a day, as the days on which it changed."""
    before = [segment for segment in timeline if segment.from_on < day]
    told: list[tuple[date, Dose | None, State, Slot]] = []
    for segment in before:
        said = (segment.from_on, segment.dose, segment.state, segment.time_of_day)
        if not told or told[-1][1:] != said[1:] or segment.cycle is not None:
            told.append(said)
    return told


def _segments(course: Course, record: Record) -> Timeline:
    """The calendar cut wherever something begins or ends, and days alike joined again."""
    ending = ends_on(record)
    if not record.begun:
        return _waiting(record)
    joined: list[Segment] = []
    if course.awaiting and course.start_on < record.start_on:
        joined.append(_nothing(course.start_on, State.AWAITING, Reason.AWAITING, course.time_of_day))
    last_entry = None
    for day in _cuts(record, ending):
        entry = record.standing(day)
        segment = _segment(record, day, ending)
        alike = joined and _alike(joined[-1], segment) and (entry is last_entry or segment.dose is None)
        if not alike:
            joined.append(segment)
        last_entry = entry
        if segment.state is State.ENDED:
            break
    return _joined_up(joined)


def _waiting(record: Record) -> Timeline:
    slot = record.course.time_of_day
    if record.stopped_on is None:
        return (_nothing(record.start_on, State.AWAITING, Reason.AWAITING, slot),)
    ended = _nothing(record.stopped_on, State.ENDED, Reason.STOPPED, slot)
    waited = _nothing(record.start_on, State.AWAITING, Reason.AWAITING, slot)
    return _joined_up([waited, ended] if record.start_on < record.stopped_on else [ended])


def _cuts(record: Record, ending: tuple[date, Then] | None) -> list[date]:
    """The days on which anything begins or ends, in order, from the first on."""
    spans = [*record.held, *record.paused]
    days = {
        *(entry.on for entry in record.entries),
        *(span.from_on for span in spans),
        *(span.to_on for span in spans if span.to_on != FOREVER),
        *(on for on, _ in record.times),
        *(on for on, _ in record.cycles),
        *record.rests,
        *(rest + _ONE_DAY for rest in record.rests),
        *([ending[0]] if ending else []),
        *([record.stopped_on] if record.stopped_on else []),
    }
    return sorted(day for day in days if day >= record.start_on)


def _segment(record: Record, day: date, ending: tuple[date, Then] | None) -> Segment:
    """What holds from a day on, without its end."""
    slot = record.time_of_day(day)
    if record.stopped_on is not None and record.stopped_on <= day:
        return _nothing(day, State.ENDED, Reason.STOPPED, slot)
    if span_on(record.paused, day):
        return _nothing(day, State.PAUSED, Reason.PAUSED, slot)
    over = ending is not None and ending[0] <= day
    if over and ending is not None and ending[1] is Then.END:
        return _nothing(day, State.ENDED, Reason.COMPLETED, slot)
    if day in record.rests:
        return _nothing(day, State.OFF, Reason.CHANGEOVER, slot)
    entry = record.standing(day)
    state, reason = State.TAKING, _why(record, entry.on, entry.reason, day)
    if over:
        state, reason = State.REVIEW, Reason.REVIEW_DUE
    elif span_on(record.held, day):
        state, reason = State.HELD, Reason.HELD
    return Segment(day, None, entry.dose, entry.rung, state, reason, slot, record.cycle(day))


def _why(record: Record, entered_on: date, reason: Reason, day: date) -> Reason:
    if entered_on == day:
        return reason
    if any(on == day for on, _ in record.cycles):
        return Reason.PATTERN
    if any(on == day for on, _ in record.times):
        return Reason.TIME_CHANGED
    return Reason.RESUMED


def _nothing(day: date, state: State, reason: Reason, slot: Slot) -> Segment:
    return Segment(day, None, None, None, state, reason, slot)


def _alike(one: Segment, other: Segment) -> bool:
    return (one.dose, one.rung, one.state, one.time_of_day, one.cycle) == (
        other.dose,
        other.rung,
        other.state,
        other.time_of_day,
        other.cycle,
    )


def _joined_up(segments: list[Segment]) -> Timeline:
    ends = [*(segment.from_on for segment in segments[1:]), None]
    return tuple(replace(segment, to_on=to_on) for segment, to_on in zip(segments, ends, strict=True))
