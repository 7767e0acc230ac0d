"""Courses that bend: every kind of change, near to where the course stands, recorded where the engine allows it."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from common.dose import Dose
from common.night import Slot
from tests.strategies.courses import START_DATES, protocols
from titration.engine import course as c
from titration.engine import kinds, record, timeline
from titration.engine.course import (
    Advance,
    Begin,
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
    Restart,
    Resume,
    Stop,
    Supersede,
    TrialReduction,
)
from titration.engine.refusals import EngineRefusal
from titration.replay.file import Recorded

ANY_DOSE = st.integers(1, 44).map(lambda quarters: Dose.of(Decimal(quarters) / 4))
LENGTHS = st.integers(1, 20)
MAYBE_LENGTH = st.none() | LENGTHS
MAYBE_DOSE = st.none() | ANY_DOSE
MAYBE_RUNG = st.none() | st.integers(0, 4)
MOSTLY = st.sampled_from([True, True, True, False])
SLOTS = st.sampled_from(Slot)
CAUSES = st.sampled_from(PauseCause)
PATTERNS = st.just((None, None)) | st.tuples(LENGTHS, LENGTHS)
PROTOCOLS = protocols()
ONE_IN_SIXTY = st.integers(0, 59)
KINDS = st.sampled_from([kind for kind in [*kinds.KINDS.values(), Advance] if kind not in (Stop, Begin)])


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
    if draw(ONE_IN_SIXTY) == 0:
        return Stop(on)
    kind = draw(KINDS)
    if kind is Supersede and course.changes:
        return Supersede(draw(st.integers(0, len(course.changes) - 1)))
    return _bend(draw, kind, on, rung or 0)


def _bend(draw: st.DrawFn, kind: type, on: date, rung: int) -> Change:  # noqa: C901  one line a kind
    """Strategies are made once, above: making them anew for every change takes longer than all the rest."""
    match kind:
        case c.Hold:
            return Hold(on, draw(MAYBE_LENGTH))
        case c.Advance:
            return Advance(rung, on, draw(MOSTLY))
        case c.GoTo:
            return GoTo(on, draw(ANY_DOSE), draw(MAYBE_LENGTH), draw(st.booleans()))
        case c.ChangeLengths:
            return ChangeLengths(on, draw(LENGTHS))
        case c.ChangeTime:
            return ChangeTime(on, draw(SLOTS))
        case c.Pause:
            return Pause(on, draw(MAYBE_LENGTH), draw(CAUSES))
        case c.Restart:
            gap = draw(MAYBE_LENGTH)
            return Restart(on, draw(MAYBE_DOSE), None if gap is None else on - timedelta(days=gap))
        case c.OnOff:
            return OnOff(on, *draw(PATTERNS))
        case c.TrialReduction:
            return TrialReduction(on, draw(ANY_DOSE), draw(LENGTHS))
        case c.ChangeProtocol:
            return ChangeProtocol(on, draw(PROTOCOLS), draw(MAYBE_RUNG), draw(st.booleans()))
    plain: type[Change] = kind if kind is not Supersede else Resume
    return plain(on)  # type: ignore[call-arg, return-value]


@st.composite
def bent_courses(draw: st.DrawFn, most_changes: int = 10) -> Course:
    """A course with changes, those that the engine refuses left out. The day it is seen from only moves on."""
    protocol = draw(PROTOCOLS)
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
