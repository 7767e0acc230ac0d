"""Courses that bend: every kind of change, near to where the course stands, recorded where the engine allows it."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from common.dose import Dose
from common.night import Slot
from tests.strategies.courses import START_DATES, protocols
from titration.engine import record, timeline
from titration.engine.course import (
    Advance,
    Change,
    ChangeLengths,
    ChangeProtocol,
    ChangeTime,
    Course,
    GoTo,
    Hold,
    OnOff,
    Pause,
    PauseCause,
    RepeatRung,
    Restart,
    Resume,
    StayHere,
    StepBack,
    Stop,
    Supersede,
    TrialReduction,
)
from titration.engine.refusals import EngineRefusal
from titration.replay.file import Recorded

ANY_DOSE = st.integers(1, 44).map(lambda quarters: Dose.of(Decimal(quarters) / 4))
LENGTHS = st.integers(1, 20)


@st.composite
def bends(draw: st.DrawFn, course: Course, furthest: int = 90) -> Change:
    """One change of any kind, often one that may be recorded."""
    on = course.start_on + timedelta(days=draw(st.integers(-1, furthest)))
    due = timeline.next_step(course)
    if due is not None and draw(st.booleans()):
        on = due.on + timedelta(days=draw(st.integers(-1, 3)))
    so_far = record.fold(course)
    rung = record.rung_above(so_far)
    closed = so_far.closed
    if closed and draw(st.booleans()):
        on = draw(st.sampled_from(closed)).from_on + timedelta(days=draw(st.integers(0, 20)))
    kinds: list[st.SearchStrategy[Change]] = [
        st.builds(Hold, st.just(on), st.none() | LENGTHS),
        st.just(Resume(on)),
        st.builds(Advance, st.just(rung or 0), st.just(on), st.booleans()),
        st.builds(Advance, st.just(rung or 0), st.just(on), st.just(True)),
        st.just(StepBack(on)),
        st.builds(GoTo, st.just(on), ANY_DOSE, st.none() | LENGTHS, st.booleans()),
        st.just(StayHere(on)),
        st.just(RepeatRung(on)),
        st.builds(ChangeLengths, st.just(on), LENGTHS),
        st.builds(ChangeTime, st.just(on), st.sampled_from(Slot)),
        st.builds(Pause, st.just(on), st.none() | LENGTHS, st.sampled_from(PauseCause)),
        st.builds(
            Restart, st.just(on), st.none() | ANY_DOSE, st.none() | LENGTHS.map(lambda days: on - timedelta(days=days))
        ),
        st.builds(lambda pair: OnOff(on, *pair), st.just((None, None)) | st.tuples(LENGTHS, LENGTHS)),
        st.builds(TrialReduction, st.just(on), ANY_DOSE, LENGTHS),
        st.builds(ChangeProtocol, st.just(on), protocols(), st.none() | st.integers(0, 4), st.booleans()),
    ]
    if course.changes:
        kinds.append(st.builds(Supersede, st.integers(0, len(course.changes) - 1)))
    if draw(st.integers(0, 60)) == 60:
        kinds = [st.just(Stop(on))]
    return draw(st.one_of(kinds))


@st.composite
def bent_courses(draw: st.DrawFn, most_changes: int = 10) -> Course:
    """A course with changes, those that the engine refuses left out. The day it is seen from only moves on."""
    protocol = draw(protocols())
    start: date = draw(START_DATES)
    first = draw(st.none() | st.integers(1, 40).map(lambda quarters: Dose.of(Decimal(quarters) / 4)))
    course = Course(protocol, start, first_dose=first, time_of_day=draw(st.sampled_from(Slot)))
    for _ in range(draw(st.integers(0, most_changes))):
        course = recorded(course, draw(bends(course)))
    return course


@st.composite
def signed_courses(draw: st.DrawFn, most_changes: int = 10) -> tuple[Course, tuple[Recorded, ...]]:
    """A course whose changes were each allowed on the day they were recorded, some as corrections; and those days."""
    course: Course = draw(bent_courses(most_changes=0))
    today, signed = course.start_on - timedelta(days=draw(st.integers(0, 9))), list[Recorded]()
    for _ in range(draw(st.integers(0, most_changes))):
        today += timedelta(days=draw(st.integers(0, 9)))
        told = Recorded(today, draw(st.booleans()))
        try:
            course = timeline.check(course, draw(bends(course)), today=today, correcting=told.correction)
        except EngineRefusal:
            continue
        signed.append(told)
    return course, tuple(signed)


def recorded(course: Course, change: Change) -> Course:
    """The course with the change, or as it was where the engine refuses it."""
    changed = course.changed(change)
    try:
        timeline.unfold(changed)
    except EngineRefusal:
        return course
    return changed
