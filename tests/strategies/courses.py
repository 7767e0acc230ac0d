"""Protocols and courses for properties: every one a course that could really have been recorded."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from common.dose import Dose
from tests.oracles import titration as oracle
from titration.engine.course import Advance, Change, Course, Hold, Stop
from titration.engine.protocol import Grade, Protocol, Rung, Source, Then

QUARTERS = st.integers(min_value=1, max_value=40).map(lambda quarters: Dose.of(Decimal(quarters) / 4))

# Around a leap day, around both changes of the clocks, and around the ends of years.
START_DATES = st.one_of(
    st.dates(date(2024, 2, 1), date(2024, 3, 31)),
    st.dates(date(2025, 10, 1), date(2026, 4, 30)),
    st.dates(date(1999, 11, 1), date(2100, 3, 31)),
)


@st.composite
def protocols(draw: st.DrawFn, longest_rung: int = 12) -> Protocol:
    doses = sorted(draw(st.lists(QUARTERS, min_size=1, max_size=5)))
    then = draw(st.sampled_from(Then))
    lengths: list[int | None] = [draw(st.integers(1, longest_rung)) for _ in doses]
    if then is Then.OPEN:
        lengths[-1] = None
    return Protocol(
        id="DRAWN",
        version=draw(st.integers(1, 9)),
        name="drawn for a test",
        rungs=tuple(Rung(dose, days, "drawn for a test") for dose, days in zip(doses, lengths, strict=True)),
        then=then,
        sources=(Source("TEST", "drawn for a test"),),
        grade=draw(st.sampled_from(Grade)),
        author="the test",
    )


@st.composite
def changes(draw: st.DrawFn, course: Course) -> Change:
    """A change near to where the course stands: often one that may be, sometimes one that may not."""
    kind = draw(st.sampled_from(["advance", "advance", "advance", "hold", "hold", "stop"]))
    if kind == "hold":
        somewhere = st.integers(-2, 60).map(lambda offset: course.start_on + timedelta(days=offset))
        on_an_edge = st.sampled_from([course.start_on, *(change_on(change) for change in course.changes)])
        return Hold(draw(somewhere | on_an_edge), draw(st.integers(1, 15)))
    if kind == "stop":
        return Stop(course.start_on + timedelta(days=draw(st.integers(-2, 90))))
    standing = oracle.advances_that_stand(course)
    entered_on = standing[-1].on if standing else course.start_on
    to_rung = len(standing) + draw(st.sampled_from([1, 1, 1, 1, 1, 0, 2]))
    return Advance(to_rung, entered_on + timedelta(days=draw(st.integers(0, 40))))


def change_on(change: Change) -> date:
    """The first day the change bears on."""
    return change.on


@st.composite
def courses(draw: st.DrawFn, most_changes: int = 6) -> Course:
    course = Course(draw(protocols()), draw(START_DATES))
    for _ in range(draw(st.integers(0, most_changes))):
        change = draw(changes(course))
        if oracle.may(course, change):
            course = course.changed(change)
    return course
