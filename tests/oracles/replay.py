"""A file lived through day by day: what is recorded on a day is recorded, then somebody counts whether a step is due.

Which changes may be recorded is asked of the engine; what they come to is painted by the calendar of `bending`.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from tests.oracles import bending
from tests.oracles.bending import ONE_DAY, Box, Calendar, Turn
from titration.engine import timeline
from titration.engine.course import Advance, Change, Course, Supersede
from titration.engine.refusals import EngineRefusal


@dataclass
class Lived:
    course: Course
    refused: list[int]


def live(
    course: Course,
    told: list[tuple[date, Change]],
    *,
    planned: bool,
    horizon: int,
    since: date | None = None,
    diary: dict[date, str] | None = None,
) -> Lived:
    """`told` are changes with the day each was recorded, in the order of the file; no step happens before `since`.

    With a `diary` (what each night was like, in a word) a step also waits until the nights speak for it.
    """
    lived, places = Lived(course, []), dict[int, int]()
    day = min([course.start_on, *(on for on, _ in told)])
    while day <= course.start_on + timedelta(days=horizon):
        for number, (on, change) in enumerate(told):
            if on == day:
                _record(lived, number, change, day, places)
        if planned and (since is None or day >= since):
            rung = due_rung(lived.course, day)
            if rung is not None and (diary is None or nights_speak_for_it(lived.course, day, diary)):
                lived.course = lived.course.changed(Advance(rung, day))
        day += ONE_DAY
    return lived


def _record(lived: Lived, number: int, change: Change, day: date, places: dict[int, int]) -> None:
    if isinstance(change, Supersede):
        change = Supersede(places.get(change.takes_back, 10_000))
    try:
        lived.course = timeline.check(lived.course, change, today=day)
    except EngineRefusal:
        lived.refused.append(number)
    else:
        places[number] = len(lived.course.changes) - 1


def due_rung(course: Course, day: date) -> int | None:
    """The rung that falls due on the day or has done so before, if it may happen on it."""
    known = [change.on for change in course.changes if not isinstance(change, Supersede)]
    calendar = bending.paint(course, (max([day, course.start_on, *known]) - course.start_on).days)
    if day < course.start_on or (calendar.stopped is not None and calendar.stopped <= day):
        return None
    begun = max(calendar.turns)
    turn = calendar.turns[begun]
    closed = calendar.held | calendar.paused
    if begun > day or turn.days is None or turn.stays or turn.tried or day in closed:
        return None
    had = sum(1 for n in range((day - begun).days) if begun + timedelta(days=n) not in closed)
    above = rung_above(turn, course)
    return above if had >= turn.days else None


def nights_speak_for_it(course: Course, day: date, diary: dict[date, str]) -> bool:
    """Of the seven nights before at this dose five were told, one at most left out, and none of the last three hurt.

    A night is "good", "skipped", "hurt" (told, with a moderate side effect), "half" (told in part) or "opioid".
    """
    known = [change.on for change in course.changes if not isinstance(change, Supersede)]
    calendar = bending.paint(course, (max([day, course.start_on, *known]) - course.start_on).days)
    nights: list[date] = []
    night = day - ONE_DAY
    while night >= course.start_on and len(nights) < 7 and _same_dose(calendar, night, day):
        nights.append(night)
        night -= ONE_DAY
    words = [diary.get(night) for night in nights]
    told = [word for word in words if word in ("good", "skipped", "hurt", "opioid")]
    reported = any(word == "opioid" for night, word in diary.items() if night <= day)
    return len(told) >= 5 and told.count("skipped") <= 1 and "hurt" not in words[:3] and not reported


def _same_dose(calendar: Calendar, night: date, day: date) -> bool:
    if night in calendar.paused or night in calendar.rests or day in calendar.rests:
        return False
    then, now = (calendar.turns[max(on for on in calendar.turns if on <= one)] for one in (night, day))
    return (then.mg, then.rung) == (now.mg, now.rung)


def rung_above(turn: Turn, course: Course) -> int | None:
    places = [n for n, (mg, _) in enumerate(turn.rungs) if (n > turn.rung if turn.rung is not None else mg > turn.mg)]
    if not places:
        return None
    mg = turn.rungs[places[0]][0]
    return None if course.target is not None and mg > max(course.target.mg, turn.mg) else places[0]


def states(course: Course, horizon: int) -> list[tuple[Box, str]]:
    """Each day with its state in the words of the file."""
    calendar = bending.paint(course, horizon)
    return [(box, _state(box, calendar, course)) for box in bending.boxes(course, horizon)]


def _state(box: Box, calendar: Calendar, course: Course) -> str:
    if box.state == "review":
        return "maintenance"
    if box.state != "taking":
        return box.state
    turn = calendar.turns[max(on for on in calendar.turns if on <= box.on)]
    if turn.days is None or turn.stays or turn.tried:
        return "maintenance"
    top = turn.rung == len(turn.rungs) - 1
    return "titrating" if top or rung_above(turn, course) is not None else "maintenance"
