"""Runs a file: records each change on its day, lets planned steps happen on theirs, and refuses what cannot be.

    |--- change ---|--- step ---|--- step waits, asks every day ---|--- step ---|
    recorded_on    due          due, gate closed                    gate open

What is recorded on a day comes before the step that falls due on it. A refused change is as if nobody had made it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from titration.engine import planner, record, timeline
from titration.engine.course import LAST_DAY, Advance, Change, Course, Supersede
from titration.engine.formulation import Formulation
from titration.engine.gate import WINDOW_NIGHTS, Blocked, Open, Unknown, gate
from titration.engine.planner import CannotBeMade
from titration.engine.record import Due
from titration.engine.refusals import EngineRefusal
from titration.engine.words import day_in_words
from titration.replay import nights
from titration.replay.fields import Malformed
from titration.replay.file import NEXT_RUNG, File, Mode, Recorded, Told

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A change of the file that could not be, by its place in the file, and why."""

    change: int
    sentence: str


@dataclass(slots=True)
class Run:
    """What came of a file: the course with all that stands, steps that happened by themselves among it.

    For each change of the course, `words` are what was written about it, or what a step waited for, `recorded` when
    that was, and `by_itself` whether it is a step that nobody had to record.
    """

    course: Course
    refused: list[Refusal] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    recorded: list[Recorded] = field(default_factory=list)
    by_itself: list[bool] = field(default_factory=list)


def run(file: File) -> Run:
    """Raises `Malformed` only where the course cannot even begin: its doses cannot be made."""
    _check_beginning(file)
    done = Run(file.course)
    now, places = date.min, dict[int, int]()
    for told in file.changes:
        recorded_on = told.recorded_on or file.course.start_on
        _let_steps_happen(file, done, since=now, until=recorded_on)
        now = recorded_on
        try:
            done.course = _recorded(file, done.course, told, recorded_on, places)
        except EngineRefusal as refused:
            done.refused.append(Refusal(told.index, _sentence(refused)))
            continue
        places[told.index] = len(done.course.changes) - 1
        done.words.append(told.reason)
        done.recorded.append(Recorded(recorded_on, told.correction))
        done.by_itself.append(False)
    _let_steps_happen(file, done, since=now, until=None)
    return done


def _check_beginning(file: File) -> None:
    try:
        _check_makeable(file.formulation, file.course, date.min)
    except EngineRefusal as refused:
        raise Malformed(f"formulation: {_sentence(refused)}") from None


def _recorded(file: File, course: Course, told: Told, today: date, places: Mapping[int, int]) -> Course:
    if told.change is None:
        raise EngineRefusal(told.refusal)
    change = _as_of_now(course, told.change, places)
    changed = timeline.check(course, change, today=today, correcting=told.correction)
    _check_makeable(file.formulation, changed, min(today, getattr(change, "on", today)))
    return changed


def _as_of_now(course: Course, change: Change, places: Mapping[int, int]) -> Change:
    """The change as the course needs it: with the rung that is next, or the place of what it takes back."""
    match change:
        case Advance(to_rung=rung) if rung == NEXT_RUNG:
            above = record.rung_above(record.fold(course))
            return change if above is None else replace(change, to_rung=above)
        case Supersede(place):
            return Supersede(places.get(place, len(course.changes)))
        case _:
            return change


def _check_makeable(formulation: Formulation | None, course: Course, since: date) -> None:
    """Raise `CannotBeMade` where a dose in force or intended from a day on cannot be made."""
    if formulation is None:
        return
    doses = [
        (segment.dose, segment.time_of_day.value)
        for segment in timeline.plan(course, since)
        if segment.dose is not None and (segment.to_on is None or segment.to_on > since)
    ]
    planner.check_makeable(doses, formulation)


def _sentence(refused: EngineRefusal) -> str:
    return f"{refused.sentence} {refused.offer}" if isinstance(refused, CannotBeMade) else refused.sentence


def _let_steps_happen(file: File, done: Run, *, since: date, until: date | None) -> None:
    """Every step that happens by itself from a day on and before another one, or (None) at all."""
    if file.mode is not Mode.PLANNED:
        return
    since = max(since, file.history_until or since)
    while (due := waiting_step(done.course)) is not None and not _is_asked(done.course, due):
        on, waited = _happens_on(file, done.course, due, max(due.on, since), until)
        if on is None or on > LAST_DAY or (until is not None and on >= until):
            return
        done.words.append(f"waited since {day_in_words(due.on)}. {waited}" if waited else "")
        done.recorded.append(Recorded(on))
        done.by_itself.append(True)
        done.course = done.course.changed(Advance(due.rung, on))


def waiting_step(course: Course) -> Due | None:
    """The step that is due, or will be; None once a stop is recorded, whatever was due before it."""
    return None if record.fold(course).stopped_on is not None else timeline.next_step(course)


def _is_asked(course: Course, due: Due) -> bool:
    """Whether the rung is taken only if something holds: that is a person's to answer."""
    ladder = record.fold(course).entries[-1].ladder
    return ladder.rungs[due.rung].only_if is not None


def _happens_on(file: File, course: Course, due: Due, on: date, until: date | None) -> tuple[date | None, str]:
    """The first day from `on` on which the step may happen, and what it last waited for; None: it still waits."""
    closed = record.fold(course).closed
    on = record.first_free_day(on, closed)
    if not file.gate:
        return on, ""
    in_force, diary = timeline.unfold(course), nights.Diary(file.logs)
    waited, last = "", _last_day_to_ask(diary, until)
    while on <= last:
        verdict = gate(diary.facts(in_force, due, on))
        if isinstance(verdict, Open):
            return on, waited
        waited = _against(verdict)
        on = record.first_free_day(on + _ONE_DAY, closed)
    return None, waited


def _last_day_to_ask(diary: nights.Diary, until: date | None) -> date:
    """The last day on which any night told of can still count, or the last before a change is recorded."""
    if diary.last is None:
        return date.min
    last = diary.last + WINDOW_NIGHTS * _ONE_DAY
    return last if until is None else min(last, until - _ONE_DAY)


def _against(verdict: Blocked | Unknown) -> str:
    return verdict.reasons[0].sentence if isinstance(verdict, Blocked) else verdict.reason.sentence
