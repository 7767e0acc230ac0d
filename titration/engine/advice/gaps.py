"""Runs of nights without a dose, for R14: since when, what was told of them, and whether a person has answered.

    told     taken | not | not |  ?  | not |  ?  |  ?  | taken
                   |<--------- one gap of six -------->|

Only a night told as taken ends a run: one that nobody told of is not a dose. A run begins with a night told as not
taken, or with a pause; of a silence alone nothing is known, nor of one that follows a single dose left out for a week.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum, auto
from itertools import pairwise

from titration.engine.advice import window
from titration.engine.advice.case import Case
from titration.engine.record import Cycle, Reason
from titration.engine.timeline import Segment, State

_ONE_DAY = timedelta(days=1)

DECIDED = frozenset(
    {
        *(Reason.STEPPED_BACK, Reason.CHOSEN, Reason.STAYED, Reason.REPEATED),
        *(Reason.RESTARTED, Reason.TRIAL, Reason.NEW_PROTOCOL),
    }
)
"""Why a segment begins that a person has decided on. A step, a move to another time of day and the end of a pause let
go on what was before, and answer nothing.
"""


class _Kind(Enum):
    UNKNOWN = auto()
    TAKEN = auto()
    LEFT_OUT = auto()
    PAUSED = auto()
    OFF = auto()
    UNTOLD = auto()


@dataclass(slots=True)
class Gap:
    """Nights without a dose from `since` up to and without `to_on`: `left_out` planned doses told as not taken, at most
    `in_a_row` one after the other, and `untold` nights. `ongoing`: no dose was told since.
    """

    since: date
    to_on: date
    left_out: int = 0
    in_a_row: int = 0
    untold: int = 0
    paused: bool = False
    ongoing: bool = True
    _row: int = 0
    _silent: int = 0

    @property
    def nights(self) -> int:
        return (self.to_on - self.since).days

    @property
    def is_known(self) -> bool:
        """Whether more than one dose left out speaks for it, or a pause, or nothing but nights that were told."""
        return self.paused or self.left_out > 1 or not self.untold

    def goes_on(self, stretch: "_Stretch") -> None:
        """More nights of one kind; days off between them neither count nor end anything."""
        kind, doses = stretch.kind, stretch.doses
        self.to_on = stretch.to_on
        self.paused |= kind is _Kind.PAUSED
        self.left_out += doses if kind is _Kind.LEFT_OUT else 0
        self.untold += doses if kind is _Kind.UNTOLD else 0
        if kind is not _Kind.OFF:
            self._row = self._row + doses if kind is _Kind.LEFT_OUT else 0
            self._silent = self._silent + doses if kind is _Kind.UNTOLD else 0
        self.in_a_row = max(self.in_a_row, self._row)

    @property
    def is_forgotten(self) -> bool:
        """One dose left out, and a week of silence after it."""
        return not self.is_known and self._silent >= window.WINDOW


def gaps(case: Case) -> tuple[Gap, ...]:
    """Every run of nights without a dose up to the last night that is over, oldest first."""
    return tuple(gap for gap in _runs(case) if gap.is_known)


def _runs(case: Case) -> Iterator[Gap]:
    decided = frozenset(decided_on(case))
    run, off = None, None
    for stretch in _stretches(case):
        day, kind = stretch.from_on, stretch.kind
        if run is not None and (kind in _BREAKS or run.is_forgotten or (day in decided and is_long(case, run))):
            run.ongoing = False
            yield run
            run = None
        if run is None and kind in _BEGINS:
            run = Gap(off or day, day)
        if run is not None:
            run.goes_on(stretch)
        off = stretch.off_since(off)
    if run is not None:
        yield run


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Nights alike: one that somebody told of, or all of one segment between two that were."""

    from_on: date
    to_on: date
    segment: Segment | None
    taken: bool | None

    @property
    def doses(self) -> int:
        """How many of the nights have a dose planned."""
        if self.segment is None or self.segment.dose is None:
            return 0
        cycle = self.segment.cycle
        if cycle is None:
            return (self.to_on - self.from_on).days
        return _doses_before(cycle, self.to_on) - _doses_before(cycle, self.from_on)

    @property
    def kind(self) -> _Kind:
        if self.segment is None:
            # Of the time before the plan, of who took it already, nothing is known.
            return _Kind.UNKNOWN
        if self.taken:
            return _Kind.TAKEN
        if not self.doses:
            return _Kind.PAUSED if self.segment.state is State.PAUSED else _Kind.OFF
        return _Kind.UNTOLD if self.taken is None else _Kind.LEFT_OUT

    def off_since(self, before: date | None) -> date | None:
        """The first of the days off that end with these nights, `before` where they go on; None: they end with none."""
        if self.kind is _Kind.OFF:
            return before or self.from_on
        if self.taken is not None or self.segment is None or self.segment.cycle is None:
            return None
        day = self.to_on
        while day > self.from_on and self.segment.cycle.is_off(day - _ONE_DAY):
            day -= _ONE_DAY
        return day if day < self.to_on else None


def _doses_before(cycle: Cycle, day: date) -> int:
    """Days on from the cycle's first day up to and without another."""
    whole, rest = divmod((day - cycle.from_on).days, cycle.days_on + cycle.days_off)
    return whole * cycle.days_on + min(rest, cycle.days_on)


def _stretches(case: Case) -> Iterator[_Stretch]:
    """From the first night that counts to the last that is over. Their number follows what was told, not the calendar:
    a course may be looked at long after its last night.
    """
    first, over = _first(case), window.nights_over(case)
    told = {night.night: night.taken for night in case.nights if first <= night.night < over}
    edges = {first, *told, *(night + _ONE_DAY for night in told), *(one.from_on for one in case.in_force)}
    days = [*sorted(day for day in edges if first <= day < over), over]
    segments = list(case.in_force)
    for from_on, to_on in pairwise(days):
        while segments and segments[0].to_on is not None and segments[0].to_on <= from_on:
            del segments[0]
        covers = bool(segments) and segments[0].covers(from_on)
        yield _Stretch(from_on, to_on, segments[0] if covers else None, told.get(from_on))


_BREAKS = frozenset({_Kind.TAKEN, _Kind.UNKNOWN})
_BEGINS = frozenset({_Kind.LEFT_OUT, _Kind.PAUSED})


def _first(case: Case) -> date:
    """The first dose, or the first night that was read; a pause is counted from its own beginning."""
    first = case.first_dose_on or case.today
    if case.read_from is None or case.read_from <= first:
        return first
    segment = next((one for one in case.in_force if one.covers(case.read_from)), None)
    return max(first, segment.from_on) if segment is not None and segment.dose is None else case.read_from


def is_long(case: Case, gap: Gap) -> bool:
    """Whether the dose is built up again after it (clinical facts 6.1, line 10)."""
    return gap.nights >= case.retitrate_from_days


def unanswered(case: Case, known: tuple[Gap, ...]) -> tuple[Gap, ...]:
    """Of a case's gaps the long ones after which nobody has changed the course, and which nobody has settled since:
    a dose taken after one answers nothing.
    """
    decided = tuple(decided_on(case))
    return tuple(gap for gap in known if is_long(case, gap) and not _is_answered(case, gap, decided))


def _is_answered(case: Case, gap: Gap, decided: tuple[date, ...]) -> bool:
    long_on = gap.since + timedelta(days=case.retitrate_from_days)
    if any(long_on <= day <= case.today for day in decided):
        return True
    looked = (one.answered_on for one in case.nights if gap.since <= one.night <= gap.to_on)
    return any(day is not None and long_on <= day <= case.today for day in looked)


def decided_on(case: Case) -> Iterator[date]:
    """The days from which the course went on otherwise, because a person had decided so."""
    dose = None
    for segment in case.in_force:
        lower = dose is not None and segment.dose is not None and segment.dose < dose
        if segment.dose is not None and (segment.reason in DECIDED or lower):
            yield segment.from_on
        dose = segment.dose or dose
