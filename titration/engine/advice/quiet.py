"""How long the rules will say the same of somebody of whom nothing more is told: so long no midnight need judge them.

Whoever takes a dose by a plan, or is about to, is looked at every midnight: stock, tests and consent are counted anew
by then. Of everybody else the case is the same but for its date, and the rules are asked about the days ahead.
"""

from dataclasses import replace
from datetime import date, timedelta

from titration.engine.advice.book import Book
from titration.engine.advice.case import Case
from titration.engine.advice.finding import Finding
from titration.engine.advice.judge import Judgement, judge

AHEAD = 28
"""Days that are asked about: what nobody foresaw is at most so old when it is noticed."""

_ONE_DAY = timedelta(days=1)


def until(
    case: Case,
    book: Book,
    now: Judgement,
    *,
    set_aside: frozenset[str] = frozenset(),
    kept: tuple[Finding, ...] = (),
) -> date:
    """The first date on which a look is due: tomorrow, or when the same facts are first judged otherwise than `now`."""
    day = case.today + _ONE_DAY
    if not at_rest(case):
        return day
    last = case.today + timedelta(days=AHEAD)
    while day < last and judge(replace(case, today=day), book, set_aside=set_aside, kept=kept) == now:
        day += _ONE_DAY
    return day


def at_rest(case: Case) -> bool:
    """Whether nothing in the case but its date changes by itself."""
    over = case.ended or not case.in_force
    doses_ahead = any(one.dose is not None and (one.to_on is None or one.to_on > case.today) for one in case.in_force)
    ending = any(one.until_on is not None and one.until_on > case.today for one in case.medicines)
    return over and not doses_ahead and not ending and case.due is None and case.supply is None
