"""What the changes of a course amount to, folded one after the other in the order they were recorded.

Two kinds of fact come out. *Entries* say which dose begins on which day, and how long its days are; each entry ends the
one before. *Spans of the calendar* lie over them: days held, days paused, days off, the time of the day. Held and
paused days do not count towards a rung's days.

A change that bears on a date overtakes the entries that others recorded for that date or later: they were decided on
what would then have been. Only an entry can raise the dose, and each has its change.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from common.dose import HARD_CEILING, Dose
from common.drug_names import NALTREXONE
from common.night import Slot
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
    RepeatRung,
    Restart,
    Resume,
    StayHere,
    StepBack,
    Stop,
    Supersede,
    TrialReduction,
)
from titration.engine.protocol import LARGEST_STEP_WITHOUT_REASON, Protocol, Then
from titration.engine.refusals import EngineRefusal
from titration.engine.words import day_in_words

CONFIRMED_TWICE_ABOVE = Dose.of("6")
"""Above this a dose is confirmed a second time (clinical facts 1.5, grade E3)."""

FOREVER = date.max
"""The end of a span that nobody has set an end to."""

_ONE_DAY = timedelta(days=1)


class Reason(StrEnum):
    """Why a segment begins."""

    STARTED = "started"
    ALREADY_TAKING = "already taking"
    AWAITING = "awaiting medicine"
    ADVANCED = "advanced"
    INTENDED = "intended"
    HELD = "held"
    PAUSED = "paused"
    RESUMED = "resumed"
    STEPPED_BACK = "stepped back"
    CHOSEN = "chosen dose"
    STAYED = "best dose"
    REPEATED = "repeated"
    RESTARTED = "restarted"
    TRIAL = "trying a lower dose"
    NEW_PROTOCOL = "new protocol"
    TIME_CHANGED = "time of day changed"
    PATTERN = "days on and off"
    CHANGEOVER = "no dose between evening and morning"
    REVIEW_DUE = "review due"
    COMPLETED = "completed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `from_on` up to and without `to_on`, which may be `FOREVER`."""

    from_on: date
    to_on: date


@dataclass(frozen=True, slots=True)
class Cycle:
    """Days on, then days off, over and over, counted from a date."""

    from_on: date
    days_on: int
    days_off: int

    def is_off(self, day: date) -> bool:
        return (day - self.from_on).days % (self.days_on + self.days_off) >= self.days_on


@dataclass(frozen=True, slots=True)
class Entry:
    """A dose and the day from which it is in force, or intended.

    `rung` is its place in `ladder`, None for a dose that is none of the ladder's. After `days` (None: no end) the next
    higher rung falls due if the entry `climbs`; a review, if it is `reviewed`.
    """

    on: date
    dose: Dose
    rung: int | None
    days: int | None
    ladder: Protocol
    reason: Reason
    climbs: bool = True
    reviewed: bool = False


@dataclass(slots=True)
class Record:
    """What the changes so far amount to. `held` and `paused` are each disjoint and in order."""

    course: Course
    entries: list[Entry]
    begun: bool
    held: list[Span] = field(default_factory=list)
    paused: list[Span] = field(default_factory=list)
    lengths: list[tuple[date, int]] = field(default_factory=list)
    times: list[tuple[date, Slot]] = field(default_factory=list)
    cycles: list[tuple[date, Cycle | None]] = field(default_factory=list)
    rests: list[date] = field(default_factory=list)
    stopped_on: date | None = None

    @property
    def start_on(self) -> date:
        return self.entries[0].on

    @property
    def closed(self) -> list[Span]:
        """The days, held or paused, on which no dose rises and no rung's clock runs."""
        return union([*self.held, *self.paused])

    def standing(self, day: date) -> Entry:
        """The entry in force on a day; the first, before it begins."""
        return next((entry for entry in reversed(self.entries) if entry.on <= day), self.entries[0])

    def before(self, day: date) -> Entry:
        """The entry that a change from this day on finds in force: it bears on it before the day's own dose."""
        return next((entry for entry in reversed(self.entries) if entry.on < day), self.entries[0])

    def time_of_day(self, day: date) -> Slot:
        return next((slot for on, slot in reversed(self.times) if on <= day), self.course.time_of_day)

    def cycle(self, day: date) -> Cycle | None:
        return next((cycle for on, cycle in reversed(self.cycles) if on <= day), None)


@dataclass(frozen=True, slots=True)
class Due:
    """The rung above the dose in force, its dose, and the first day on which it may take force."""

    rung: int
    dose: Dose
    on: date


def effective(course: Course) -> tuple[Change, ...]:
    """The changes that are still meant, in the order recorded: without those superseded and what superseded them."""
    gone: set[int] = set()
    for place, change in enumerate(course.changes):
        if not isinstance(change, Supersede):
            continue
        if not 0 <= change.takes_back < place or isinstance(course.changes[change.takes_back], Supersede):
            raise EngineRefusal("There is no such change to take back.")
        if change.takes_back in gone:
            raise EngineRefusal("That change has been taken back already.")
        gone.add(change.takes_back)
    return tuple(
        change for place, change in enumerate(course.changes) if place not in gone and not isinstance(change, Supersede)
    )


def fold(course: Course) -> Record:
    """The record of the course; raises `EngineRefusal` if a recorded change could not have been allowed."""
    record = Record(course, [_first(course, course.start_on)], begun=not course.awaiting)
    for change in effective(course):
        apply(record, change)
    return record


def apply(record: Record, change: Change) -> None:
    """Bear one more change; raises `EngineRefusal` with the sentence that says why it cannot be."""
    if record.stopped_on is not None:
        raise EngineRefusal(f"The course was stopped on {day_in_words(record.stopped_on)}.")
    if not record.begun and not isinstance(change, (Begin, Stop)):
        raise EngineRefusal("The plan still waits for its medicine. It can be changed once the first dose is taken.")
    deed = _DEEDS.get(type(change))
    if deed is None:
        raise EngineRefusal("There is no such change to take back.")
    deed(record, change)


def next_due(record: Record) -> Due | None:
    """The next rung and the first day it may take force, however long ago; None where nothing falls due."""
    current = record.entries[-1]
    rung = rung_above(record)
    if not record.begun or rung is None or current.days is None or not current.climbs:
        return None
    on = first_free_day(clock_out(current.on, current.days, record.closed), record.closed)
    if on == FOREVER or (record.stopped_on is not None and record.stopped_on <= on):
        return None
    return Due(rung, current.ladder.rungs[rung].dose, on)


def rung_above(record: Record) -> int | None:
    """The next rung of the ladder in force, within the target; None at the top."""
    current, target = record.entries[-1], record.course.target
    rungs = current.ladder.rungs
    if current.rung is None:
        rung = next((place for place, rung in enumerate(rungs) if rung.dose > current.dose), None)
    else:
        rung = current.rung + 1 if current.rung < current.ladder.last else None
    if rung is None or (target is not None and rungs[rung].dose > max(target, current.dose)):
        return None
    return rung


def rung_entry(record: Record, rung: int, on: date, reason: Reason) -> Entry:
    """The rung as it would begin on a day, with the length that holds by then."""
    ladder = record.entries[-1].ladder
    return Entry(on, ladder.rungs[rung].dose, rung, _length(record, ladder, rung, on), ladder, reason)


def ends_on(record: Record) -> tuple[date, Then] | None:
    """The day after the last entry's own days and what follows it; None where the entry has no end or climbs on."""
    current = record.entries[-1]
    if current.days is None or not record.begun:
        return None
    if current.reviewed:
        then = Then.REVIEW
    elif current.rung == current.ladder.last and current.climbs:
        then = current.ladder.then
    else:
        return None
    on = clock_out(current.on, current.days, record.closed)
    return None if on == FOREVER or then is Then.OPEN else (on, then)


def clock_out(from_on: date, days: int, closed: Sequence[Span]) -> date:
    """The day after the last of so many days, counted without the closed ones; `FOREVER` if it never comes."""
    day, left = from_on, days
    for span in closed:
        if span.to_on <= day:
            continue
        before = max((span.from_on - day).days, 0)
        if before >= left:
            break
        if span.to_on == FOREVER:
            return FOREVER
        left -= before
        day = span.to_on
    return day + timedelta(days=left)


def first_free_day(day: date, closed: Sequence[Span]) -> date:
    """The day itself, or the first after it that is not closed: a dose never rises on a closed day."""
    return next((span.to_on for span in closed if span.from_on <= day < span.to_on), day)


def span_on(spans: Sequence[Span], day: date) -> Span | None:
    return next((span for span in spans if span.from_on <= day < span.to_on), None)


def union(spans: list[Span]) -> list[Span]:
    """The same days as disjoint spans in order; spans that overlap or touch become one."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.from_on, span.to_on)):
        if joined and span.from_on <= joined[-1].to_on:
            joined[-1] = Span(joined[-1].from_on, max(joined[-1].to_on, span.to_on))
        else:
            joined.append(span)
    return joined


def _first(course: Course, on: date) -> Entry:
    if course.first_dose is None:
        rung = course.protocol.rungs[0]
        return Entry(on, rung.dose, 0, rung.days, course.protocol, Reason.STARTED)
    return _at_dose(course.protocol, course.first_dose, on, Reason.ALREADY_TAKING)


def _at_dose(ladder: Protocol, dose: Dose, on: date, reason: Reason, days: int | None = None) -> Entry:
    """An entry at a chosen dose: on its rung where the ladder has it, else beside the ladder and without an end."""
    rung = next((place for place, rung in enumerate(ladder.rungs) if rung.dose == dose), None)
    own = None if rung is None else ladder.rungs[rung].days
    return Entry(on, dose, rung, own if days is None else days, ladder, reason)


def _begin(record: Record, change: Begin) -> None:
    if record.begun:
        raise EngineRefusal("The first dose of this plan has been taken already.")
    record.begun = True
    record.entries = [_first(record.course, change.on)]


def _hold(record: Record, change: Hold) -> None:
    """Hold the dose. A step not yet in force when the hold begins is overtaken: it has to be let happen again."""
    if change.on < record.start_on:
        raise EngineRefusal("A hold cannot begin before the course does.")
    _refuse_paused(record, change.on)
    record.held = union([*record.held, Span(change.on, change.until_on or FOREVER)])
    _keep_from_rising(record, change.on)


def _pause(record: Record, change: Pause) -> None:
    """Take nothing. A long pause goes on until it is restarted: its dose has to be built up again."""
    _refuse_before_start(record, change.on)
    _refuse_after_end(record, change.on)
    short = change.days is not None and change.days < record.course.retitrate_from_days
    span = Span(change.on, change.on + timedelta(days=change.days) if change.days and short else FOREVER)
    near = next((p for p in record.paused if p.from_on <= span.to_on and span.from_on <= p.to_on), None)
    if near is not None:
        raise EngineRefusal(
            f"The plan is paused from {day_in_words(near.from_on)} already. Two pauses cannot overlap or touch: "
            "resume first, or choose other days."
        )
    record.paused = sorted([*record.paused, span], key=lambda p: p.from_on)
    _keep_from_rising(record, change.on)


def _resume(record: Record, change: Resume) -> None:
    pause, hold = span_on(record.paused, change.on), span_on(record.held, change.on)
    if pause is None and hold is None:
        raise EngineRefusal(f"Nothing is held or paused on {day_in_words(change.on)}.")
    if pause is not None:
        gap = (change.on - pause.from_on).days
        if gap >= record.course.retitrate_from_days:
            raise EngineRefusal(f"No dose was taken for {gap} days. The dose is built up again: restart it.")
        record.paused = _cut(record.paused, change.on)
    else:
        record.held = _cut(record.held, change.on)


def _restart(record: Record, change: Restart) -> None:
    pause = span_on(record.paused, change.on)
    off_since = pause.from_on if pause else change.off_since
    if off_since is None or off_since >= change.on:
        raise EngineRefusal("A restart follows a gap. Say since when no dose was taken.")
    if change.on < record.start_on or off_since < record.start_on:
        raise EngineRefusal("The gap begins before the course does.")
    _refuse_after_end(record, change.on)
    before, gap = record.before(off_since), (change.on - off_since).days
    again = gap >= record.course.retitrate_from_days
    lowest = before.ladder.rungs[0].dose
    dose = change.dose or (min(lowest, before.dose) if again else before.dose)
    _refuse_ceiling(dose)
    if dose > before.dose:
        raise EngineRefusal(f"A restart is not above the dose before the gap, {before.dose}.")
    if again and dose == before.dose and dose > lowest:
        raise EngineRefusal(
            f"No dose was taken for {gap} days. From {record.course.retitrate_from_days} days on it is built up again: "
            f"restart below {before.dose}."
        )
    record.paused, record.held = _cut(record.paused, change.on), _cut(record.held, change.on)
    _enter(record, _with_length(record, _at_dose(before.ladder, dose, change.on, Reason.RESTARTED)))


def _advance(record: Record, advance: Advance) -> None:
    rung, due = rung_above(record), next_due(record)
    if rung is None:
        raise EngineRefusal("There is no higher step to go to.")
    if advance.to_rung != rung:
        raise EngineRefusal("Steps are taken one at a time.")
    if advance.on <= record.entries[-1].on:
        raise EngineRefusal(f"The step follows the dose that begins on {day_in_words(record.entries[-1].on)}.")
    if due is None and not advance.early:
        _refuse_closed(record, advance.on)
        raise EngineRefusal("No step is due: choose a dose, or step before its time.")
    if due is not None and not advance.early and advance.on < due.on:
        raise EngineRefusal(
            f"The step to {due.dose} is due on {day_in_words(due.on)} and cannot take force on "
            f"{day_in_words(advance.on)}."
        )
    _refuse_after_end(record, advance.on)
    _refuse_closed(record, advance.on)
    record.entries.append(rung_entry(record, rung, advance.on, Reason.ADVANCED))


def _turn(record: Record, change: Any) -> None:
    """From its date on, another dose, or another clock, in the place of whatever was recorded for then."""
    _refuse_before_start(record, change.on)
    _refuse_after_end(record, change.on)
    _refuse_paused(record, change.on)
    _enter(record, _ENTRIES[type(change)](record, record.before(change.on), change))


def _enter(record: Record, entry: Entry) -> None:
    """Begin the entry, and forget those that were recorded for its day or later."""
    record.entries = [*(other for other in record.entries if other.on < entry.on), entry]


def _stay(_record: Record, now: Entry, change: StayHere) -> Entry:
    if now.reason is Reason.STAYED:
        raise EngineRefusal(f"The plan stays at {now.dose} already.")
    return replace(now, on=change.on, days=None, reason=Reason.STAYED, climbs=False, reviewed=False)


def _repeat(_record: Record, now: Entry, change: RepeatRung) -> Entry:
    if now.days is None:
        raise EngineRefusal(f"{now.dose} has no end, there is nothing to repeat.")
    return replace(now, on=change.on, reason=Reason.REPEATED)


def _try_lower(_record: Record, now: Entry, change: TrialReduction) -> Entry:
    if not now.dose > change.dose > Dose.of(0):
        raise EngineRefusal(f"A lower dose is tried: below the {now.dose} taken now.")
    entry = _at_dose(now.ladder, change.dose, change.on, Reason.TRIAL, change.days)
    return replace(entry, climbs=False, reviewed=True)


def _stepped_back(record: Record, now: Entry, change: StepBack) -> Entry:
    lower = [place for place, rung in enumerate(now.ladder.rungs) if rung.dose < now.dose]
    if not lower:
        raise EngineRefusal("There is no lower step to go back to.")
    rung = now.ladder.rungs[lower[-1]]
    return _with_length(record, Entry(change.on, rung.dose, lower[-1], rung.days, now.ladder, Reason.STEPPED_BACK))


def _chosen(record: Record, now: Entry, change: GoTo) -> Entry:
    if change.dose == now.dose and now.reason not in (Reason.STAYED, Reason.TRIAL):
        raise EngineRefusal(f"{now.dose} is the dose already.")
    _refuse_rise(record, now, change.dose, change.on, confirmed=change.confirmed)
    entry = _at_dose(now.ladder, change.dose, change.on, Reason.CHOSEN, change.days)
    return entry if change.days is not None else _with_length(record, entry)


def _on_protocol(record: Record, now: Entry, change: ChangeProtocol) -> Entry:
    rungs, rung = change.protocol.rungs, change.to_rung
    if rung is None:
        rung = next((place for place in reversed(range(len(rungs))) if rungs[place].dose <= now.dose), None)
    if rung is None:
        raise EngineRefusal(
            f"The lowest step of {change.protocol.label} is {rungs[0].dose}, above the {now.dose} taken now. "
            "Say at which step to begin."
        )
    if not 0 <= rung < len(rungs):
        raise EngineRefusal(f"{change.protocol.label} has {len(rungs)} steps.")
    dose = rungs[rung].dose
    _refuse_rise(record, now, dose, change.on, confirmed=change.confirmed)
    return _with_length(record, Entry(change.on, dose, rung, rungs[rung].days, change.protocol, Reason.NEW_PROTOCOL))


def _change_lengths(record: Record, change: ChangeLengths) -> None:
    _refuse_before_start(record, change.on)
    now = record.standing(change.on)
    above = range((now.rung if now.rung is not None else -1) + 1, len(now.ladder.rungs))
    if all(now.ladder.rungs[place].days is None for place in above):
        raise EngineRefusal("No coming step has a length to change.")
    record.lengths = [*(known for known in record.lengths if known[0] < change.on), (change.on, change.days)]
    record.entries = [
        replace(entry, days=change.days)
        if entry.on > change.on and entry.days is not None and entry.reason is Reason.ADVANCED
        else entry
        for entry in record.entries
    ]


def _change_time(record: Record, change: ChangeTime) -> None:
    """From evenings to mornings one day is left out: two doses are never less than 12 hours apart."""
    _refuse_after_end(record, change.on)
    _refuse_before_start(record, change.on)
    before = record.time_of_day(change.on - _ONE_DAY) if change.on > record.start_on else record.course.time_of_day
    if before is change.time_of_day:
        raise EngineRefusal(f"The dose is taken {_WHEN[before]} already.")
    record.times = [*(known for known in record.times if known[0] < change.on), (change.on, change.time_of_day)]
    record.rests = [rest for rest in record.rests if rest < change.on]
    if before is Slot.BEDTIME and change.on > record.start_on:
        record.rests.append(change.on)


_WHEN = {
    Slot.BEDTIME: "at bedtime",
    Slot.MORNING: "in the morning",
    Slot.SPLIT: "half in the morning, half at bedtime",
}


def _change_pattern(record: Record, change: OnOff) -> None:
    _refuse_after_end(record, change.on)
    _refuse_before_start(record, change.on)
    cycle = None
    if change.days_on is not None and change.days_off is not None:
        cycle = Cycle(change.on, change.days_on, change.days_off)
    elif record.cycle(change.on) is None:
        raise EngineRefusal("The dose is taken every day already.")
    record.cycles = [*(known for known in record.cycles if known[0] < change.on), (change.on, cycle)]


def _stop(record: Record, change: Stop) -> None:
    record.stopped_on = max(change.on, record.start_on)
    record.entries = [record.entries[0], *(entry for entry in record.entries[1:] if entry.on < record.stopped_on)]


def _keep_from_rising(record: Record, day: date) -> None:
    """Forget what would let the dose rise on this day or later; what lowers it stands."""
    kept: list[Entry] = record.entries[:1]
    for entry in record.entries[1:]:
        if entry.on < day or (entry.reason is not Reason.ADVANCED and entry.dose <= kept[-1].dose):
            kept.append(entry)
    record.entries = kept


def _cut(spans: Sequence[Span], day: date) -> list[Span]:
    """The spans without this day and all later days of the one that holds it."""
    cut = [replace(span, to_on=day) if span.from_on <= day < span.to_on else span for span in spans]
    return [span for span in cut if span.from_on < span.to_on]


def _length(record: Record, ladder: Protocol, rung: int, on: date) -> int | None:
    own = ladder.rungs[rung].days
    told = next((days for since, days in reversed(record.lengths) if since <= on), own)
    return None if own is None else told


def _with_length(record: Record, entry: Entry) -> Entry:
    return entry if entry.rung is None else replace(entry, days=_length(record, entry.ladder, entry.rung, entry.on))


def _refuse_rise(record: Record, now: Entry, dose: Dose, on: date, *, confirmed: bool) -> None:
    _refuse_ceiling(dose)
    if dose <= now.dose:
        return
    _refuse_closed(record, on)
    if dose > CONFIRMED_TWICE_ABOVE and not confirmed:
        raise EngineRefusal(f"{dose} is above {CONFIRMED_TWICE_ABOVE}. Confirm a second time that it is meant.")
    if dose - now.dose > LARGEST_STEP_WITHOUT_REASON and not confirmed:
        raise EngineRefusal(
            f"From {now.dose} to {dose} is a rise of {dose - now.dose}, more than {LARGEST_STEP_WITHOUT_REASON} at "
            "once. Confirm a second time that it is meant."
        )


def _refuse_ceiling(dose: Dose) -> None:
    if not dose.mg:
        raise EngineRefusal("A dose is more than 0 mg. To take none, pause or stop the plan.")
    if dose > HARD_CEILING:
        raise EngineRefusal(f"{dose} is above {HARD_CEILING}: that is not low-dose {NALTREXONE}.")


def _refuse_closed(record: Record, day: date) -> None:
    _refuse_paused(record, day)
    free_on = first_free_day(day, record.held)
    if free_on == FOREVER:
        raise EngineRefusal("The dose is held until somebody resumes it.")
    if free_on != day:
        raise EngineRefusal(f"The dose is held until {day_in_words(free_on)}.")


def _refuse_paused(record: Record, day: date) -> None:
    pause = span_on(record.paused, day)
    if pause is not None:
        until = "until somebody resumes it" if pause.to_on == FOREVER else f"until {day_in_words(pause.to_on)}"
        raise EngineRefusal(f"The plan is paused {until}.")


def _refuse_before_start(record: Record, day: date) -> None:
    if day < record.start_on:
        raise EngineRefusal(f"The plan begins on {day_in_words(record.start_on)}; nothing can change before that.")


def _refuse_after_end(record: Record, day: date) -> None:
    ending = ends_on(record)
    if ending is not None and ending[1] is Then.END and ending[0] <= day:
        raise EngineRefusal(f"The plan ends on {day_in_words(ending[0])}.")


_ENTRIES: dict[type, Callable[[Record, Entry, Any], Entry]] = {
    StepBack: _stepped_back,
    GoTo: _chosen,
    StayHere: _stay,
    RepeatRung: _repeat,
    TrialReduction: _try_lower,
    ChangeProtocol: _on_protocol,
}
"""The entry that each change of the dose, or of its clock, begins."""

_DEEDS: dict[type, Callable[[Record, Any], None]] = {
    Begin: _begin,
    Hold: _hold,
    Pause: _pause,
    Resume: _resume,
    Restart: _restart,
    Advance: _advance,
    ChangeLengths: _change_lengths,
    ChangeTime: _change_time,
    OnOff: _change_pattern,
    Stop: _stop,
    **dict.fromkeys(_ENTRIES, _turn),
}
"""What each kind of change does to the record."""
