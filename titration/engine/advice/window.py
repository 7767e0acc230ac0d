"""Stretches of nights that rules count over, and the sums of a stretch.

    ..baseline.. | spell 1.5 mg ................ | spell 3 mg ...........  today
      <= 7 nights                      last 7 -->|          last 7 -->|

A spell is days in a row at one dose, held or not; a day without a planned dose ends it, unless whoever asks bridges so
many of them: the dose stays the same over a move to another time of day, and over a pause that is not built up again.
A window never crosses a spell.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from common.dose import Dose
from common.night import Slot
from titration.engine.advice.book import Book
from titration.engine.advice.case import Case, Night
from titration.engine.course import RETITRATE_FROM_DAYS
from titration.engine.timeline import Timeline

WINDOW = 7
"""Nights (clinical facts 6: "7-day windows at constant dose")."""

ENOUGH = 4
"""Nights of seven, so that their mean is one (clinical facts 3.2, E3)."""

BASELINE_WITHIN = 28
"""Nights before the first dose among which those of the baseline are looked for."""

MOVED = 1
"""Dose-less days of a move from bedtime to the morning (clinical facts 6.1, line 9)."""

FURTHEST = 112
"""Nights before today that a rule may count over: the longest that R13 can be set to."""

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Spell:
    """Days in a row at one dose, from `from_on` up to and without `to_on`; `raised` from what came before it."""

    dose: Dose
    from_on: date
    to_on: date | None
    time_of_day: Slot
    raised: bool
    before: Dose | None

    def day(self, today: date) -> int:
        """The day of the spell, counted from 1."""
        return (today - self.from_on).days + 1


@dataclass(frozen=True, slots=True)
class Window:
    """Nights told of in a stretch, out of the `possible` ones in it."""

    from_on: date
    to_on: date
    nights: tuple[Night, ...]

    @property
    def possible(self) -> int:
        return max(0, (self.to_on - self.from_on).days)

    @property
    def logged(self) -> int:
        return sum(night.counts_as_log for night in self.nights)


def stretches(in_force: Timeline, today: date) -> tuple[tuple[date, date], ...]:
    """Dates, each from its first up to and without its last, whose nights the rules look at: no others are read.

    They do not overlap. The furthest that a rule counts back is the same for everybody of one date.
    """
    since = read_from(today)
    asked = [(since, today + _ONE_DAY)]
    first = next((segment.from_on for segment in in_force if segment.dose is not None), None)
    known = spells_of(in_force, today, bridging=RETITRATE_FROM_DAYS - 1)
    if known:
        end = known[-2].to_on if len(known) > 1 and known[-2].to_on else known[-1].from_on
        asked.append(_before(since, end - timedelta(days=WINDOW), end))
    if first is not None:
        asked.append(_before(asked[-1][0], first - timedelta(days=BASELINE_WITHIN), first))
    return tuple((from_on, to_on) for from_on, to_on in asked if from_on < to_on)


def read_from(today: date) -> date:
    """The first night that is read of everybody, looked at from a date."""
    return today - timedelta(days=FURTHEST)


def _before(known_from: date, from_on: date, to_on: date) -> tuple[date, date]:
    """The part of a stretch that lies before what is read already."""
    return min(from_on, known_from), min(to_on, known_from)


def spells(case: Case) -> tuple[Spell, ...]:
    """The doses taken one after the other, oldest first, those that begin after today left out."""
    return spells_of(case.in_force, case.today)


def spells_of(in_force: Timeline, today: date, *, bridging: int = 0) -> tuple[Spell, ...]:
    """The spells of a timeline up to a day; those of one dose with so few dose-less days between them are one."""
    found: list[Spell] = []
    for segment in in_force:
        if segment.from_on > today or segment.dose is None:
            continue
        last = found[-1] if found else None
        if last is not None and last.dose == segment.dose and _without_dose(last, segment.from_on) <= bridging:
            found[-1] = Spell(last.dose, last.from_on, segment.to_on, segment.time_of_day, last.raised, last.before)
            continue
        before = last.dose if last else None
        raised = before is None or segment.dose > before
        found.append(Spell(segment.dose, segment.from_on, segment.to_on, segment.time_of_day, raised, before))
    return tuple(found)


def _without_dose(spell: Spell, until: date) -> int:
    """Days without a dose after a spell, until another day."""
    return (until - (spell.to_on or until)).days


def present(case: Case, *, bridging: int = 0) -> Spell | None:
    """The spell that holds today; None where nothing is taken now."""
    return _of_today(spells_of(case.in_force, case.today, bridging=bridging), case.today)


def _of_today(known: Sequence[Spell], today: date) -> Spell | None:
    return known[-1] if known and (known[-1].to_on is None or today < known[-1].to_on) else None


def at_dose(case: Case) -> Spell | None:
    """Since when the dose in force has been the dose, over pauses after which the same one goes on."""
    return present(case, bridging=case.retitrate_from_days - 1)


def previous(case: Case) -> Spell | None:
    """The spell at the dose before the one in force; None where it was so long ago that it was built up again."""
    known = spells_of(case.in_force, case.today, bridging=case.retitrate_from_days - 1)
    if len(known) < 2 or _of_today(known, case.today) is None:
        return None
    return known[-2] if _without_dose(known[-2], known[-1].from_on) < case.retitrate_from_days else None


def dosed(case: Case, spell: Spell) -> tuple[Night, ...]:
    """The nights of the last seven of a spell for which a dose was planned."""
    week = last_nights(case, spell)
    of = [segment for segment in case.in_force if segment.dose is not None]
    return tuple(night for night in week.nights if any(one.covers(night.night) for one in of))


def nights_over(case: Case) -> date:
    """The first date whose night is not over: today, or tomorrow where tonight's sleep has been told already."""
    tonight = next((night for night in reversed(case.nights) if night.night == case.today), None)
    return case.today + _ONE_DAY if tonight is not None and tonight.tells_sleep else case.today


def between(case: Case, from_on: date, to_on: date) -> Window:
    """The nights from one date up to and without another."""
    return Window(from_on, to_on, tuple(night for night in case.nights if from_on <= night.night < to_on))


def last_nights(case: Case, spell: Spell, nights: int = WINDOW, end: date | None = None) -> Window:
    """The last nights of a spell, at most so many, before a date or those that are over."""
    to_on = end or nights_over(case)
    if spell.to_on is not None:
        to_on = min(to_on, spell.to_on)
    return between(case, max(spell.from_on, to_on - timedelta(days=nights)), max(spell.from_on, to_on))


def recent(case: Case, nights: int = WINDOW) -> Window:
    """The last nights since the first dose, at whatever dose, tonight among them where anything of it was told."""
    since = case.today - timedelta(days=nights - 1)
    return between(case, max(since, case.first_dose_on or since), case.today + _ONE_DAY)


def so_since(case: Case, last: date, is_so: Callable[[date], bool]) -> date:
    """The first of the days in a row, up to one, on which it was so: it names what lasts, however long it has.

    Where it was so on the first day that was read, it is named by the first dose.
    """
    first = max(case.first_dose_on or last, case.read_from or date.min)
    while last > first and is_so(last - _ONE_DAY):
        last -= _ONE_DAY
    return anchored(case, last)


def anchored(case: Case, day: date) -> date:
    """A day to name a thing by: that of the first dose where it reaches back to before what was read."""
    return day if case.read_from is None or day > case.read_from else case.first_dose_on or day


def baseline(case: Case) -> Window | None:
    """The nights before the first dose: the last seven told, at least four; None where there are fewer."""
    begins = case.first_dose_on
    if begins is None:
        return None
    since = begins - timedelta(days=BASELINE_WITHIN)
    told = [one for one in case.nights if since <= one.night < begins and (one.tells_sleep or _tells(one))]
    chosen = tuple(told[-WINDOW:])
    return Window(chosen[0].night, begins, chosen) if len(chosen) >= ENOUGH else None


def _tells(night: Night) -> bool:
    return night.lead_symptom is not None or night.pain is not None


def mean(values: Iterable[object], enough: int = ENOUGH) -> Fraction | None:
    """The mean of what was told; None where too little was."""
    told = [Fraction(value) for value in values if value is not None]  # type: ignore[call-overload]
    return sum(told, start=Fraction(0)) / len(told) if len(told) >= enough else None


def lead(case: Case) -> str:
    """The column of the primary symptom: the condition's lead symptom, or pain where only that is told."""
    told = sum(night.lead_symptom is not None for night in case.nights)
    pains = sum(night.pain is not None for night in case.nights)
    return "lead_symptom" if told or not pains else "pain"


def lead_values(case: Case, nights: Iterable[Night]) -> list[int | Decimal | None]:
    """What was told of the primary symptom, 0 to 10, high is worse."""
    column = lead(case)
    return [getattr(night, column) for night in nights]


def is_bad(night: Night, book: Book) -> bool | None:
    """A bad night: short, long to fall asleep, long awake, or poor (clinical facts 6); None where nothing was told."""
    told = [
        night.sleep_hours is not None and night.sleep_hours < book.number("bad_night_sleep_hours"),
        night.latency_min is not None and night.latency_min > book.number("bad_night_latency_min"),
        night.awake_min is not None and night.awake_min > book.number("bad_night_awake_min"),
        night.quality is not None and night.quality <= book.number("bad_night_quality"),
    ]
    return any(told) if night.tells_sleep else None


def bad_nights(nights: Sequence[Night], book: Book) -> tuple[int, int]:
    """(bad, told of) of these nights."""
    judged = [bad for night in nights if (bad := is_bad(night, book)) is not None]
    return sum(judged), len(judged)


def extra_bad_nights(case: Case, nights: Sequence[Night], book: Book) -> Fraction:
    """Bad nights beyond what the baseline week's rate would give (clinical facts 6.1, line 3)."""
    bad, told = bad_nights(nights, book)
    usual = baseline(case)
    if usual is None:
        return Fraction(bad)
    bad_before, told_before = bad_nights(usual.nights, book)
    return bad - (Fraction(bad_before, told_before) * told if told_before else Fraction(0))
