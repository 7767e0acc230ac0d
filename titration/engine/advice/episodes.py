"""Signs that stand until somebody answers them, by the night on which each was first told.

    night      3     4     5     6     7   ...   20
    hives      x     x           x                x
    wheeze           x     x
               |___________________|              |___ a third episode: told anew after more than a week
                     |___|  a second: a sign that was not there before

However long ago, an episode is there until its nights are settled: no later look opens what a sign has closed.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from titration.engine.advice import window
from titration.engine.advice.case import Case, Night

_WEEK = timedelta(days=window.WINDOW)

Codes = frozenset[str]


@dataclass(frozen=True, slots=True)
class Episode:
    """Signs first told on the night of `since`, and last on that of `last`."""

    since: date
    last: date
    codes: Codes


def unsettled(case: Case, since: date) -> tuple[Night, ...]:
    """The nights from a date up to today that nobody has settled."""
    return tuple(
        night
        for night in case.nights
        if since <= night.night <= case.today and (night.answered_on is None or night.answered_on > case.today)
    )


def episodes(told: Iterable[tuple[date, Codes]], counted: Callable[[Codes], Codes]) -> tuple[Episode, ...]:
    """The episodes of the signs that count among those told night by night, oldest first. A sign that is told again
    within a week is the same one.
    """
    found: dict[tuple[date, str], date] = {}
    standing: dict[str, tuple[date, date]] = {}
    for night, codes in told:
        for code in counted(codes):
            since, last = standing.get(code, (night, night))
            since = since if night - last <= _WEEK else night
            standing[code] = since, night
            found[since, code] = night
    return tuple(_together(found))


def _together(found: dict[tuple[date, str], date]) -> Iterator[Episode]:
    for day in sorted({since for since, _ in found}):
        codes = frozenset(code for since, code in found if since == day)
        yield Episode(day, max(found[day, code] for code in codes), codes)


def run_on(nights: Iterable[Night], told: Callable[[Night], bool]) -> tuple[tuple[Night, ...], ...]:
    """Runs of nights that tell something. A night told of without it ends a run, and so does a week of silence; a night
    that nobody told of does not.
    """
    runs: list[list[Night]] = [[]]
    for night in nights:
        if told(night):
            if runs[-1] and night.night - runs[-1][-1].night > _WEEK:
                runs.append([])
            runs[-1].append(night)
        elif night.tells_how_it_was and runs[-1]:
            runs.append([])
    return tuple(tuple(run) for run in runs if run)
