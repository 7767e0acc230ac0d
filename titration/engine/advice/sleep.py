"""Nights and dreams: R05 to R08, and the way down that several rules offer."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from common.dose import Dose
from common.night import Slot
from titration.engine.advice import signs, window
from titration.engine.advice.book import Book
from titration.engine.advice.case import Case, Night
from titration.engine.advice.finding import Finding, Offer
from titration.engine.advice.window import Spell, Window

LOWEST_OFFERS = (Dose.of("1"), Dose.of("0.5"))
"""Below the first step (clinical facts 6.1, line 8)."""


def way_down(case: Case) -> tuple[Offer, Dose | None]:
    """What is offered where a dose does not agree: the dose before, if the stock in hand can make it.

    Else to skip tonight and call. Below the first step 0.5 to 1 mg if that can be made, else to stop.
    """
    spell = window.present(case)
    if spell is None:
        return Offer.CALL, None
    lower = [one.dose for one in window.spells(case) if one.dose < spell.dose]
    lower = lower or sorted(dose for dose in case.ladder if dose < spell.dose)
    if lower:
        dose = lower[-1]
        return (Offer.STEP_BACK, dose) if _can_be_made(case, dose) else (Offer.SKIP_AND_CALL, None)
    for dose in LOWEST_OFFERS:
        if dose < spell.dose and case.makeable is not None and dose in case.makeable:
            return Offer.LOWER, dose
    return Offer.STOP, None


def offered(offer: Offer, dose: Dose | None) -> dict[str, object]:
    """The offer as data, and in words that end a sentence."""
    return {"offer": offer.value, "offered_dose": dose, "way": _WAYS[offer].format(dose=dose)}


_WAYS = {
    Offer.MORNING: "move the dose to the morning",
    Offer.STEP_BACK: "go back to {dose}",
    Offer.LOWER: "go down to {dose}",
    Offer.SKIP_AND_CALL: (
        "have the patient skip the next dose and call them, as the supply in hand cannot make the lower dose"
    ),
    Offer.STOP: "stop",
    Offer.CALL: "call the patient",
}


def _can_be_made(case: Case, dose: Dose) -> bool:
    return case.makeable is None or dose in case.makeable


def sleep(case: Case, book: Book) -> Iterator[Finding]:
    """R05, R06, R07: bad nights beyond the baseline's rate; the gravest that fires is the one that speaks."""
    spell = window.present(case, bridging=window.MOVED)
    if spell is None:
        return
    week = window.last_nights(case, spell)
    found = _severe(case, book, spell, week) or _lasting(case, book, spell, week) or _early(case, book, spell, week)
    if found:
        yield found


BAD_NIGHT = ("bad_night_sleep_hours", "bad_night_latency_min", "bad_night_awake_min", "bad_night_quality")
"""The clinic's numbers for a bad night."""


def _counts(case: Case, book: Book, week: Window) -> dict[str, object]:
    bad, told = window.bad_nights(week.nights, book)
    extra = window.extra_bad_nights(case, week.nights, book)
    compared = window.baseline(case) is not None
    return {
        "bad": bad,
        "logged": told,
        "possible": week.possible,
        "extra": extra,
        "more": f", {_plain(extra)} more than before the first dose" if compared else "",
        "compared": "" if compared else " No nights before the first dose are known to compare with.",
    }


def _plain(number: Fraction) -> str:
    return f"{Decimal(number.numerator) / number.denominator:.1f}".removesuffix(".0")


def _severe(case: Case, book: Book, spell: Spell, week: Window) -> Finding | None:
    bad, _ = window.bad_nights(week.nights, book)
    extra = window.extra_bad_nights(case, week.nights, book)
    offer, dose = way_down(case)
    day, grace = spell.day(case.today), book.count("grace_days")
    wait = f" Do not wait for day {grace + 1}." if day <= grace else ""
    shown = {**_counts(case, book, week), "day": day, "wait": wait, **offered(offer, dose)}
    if bad >= book.count("severe_bad_nights") and extra >= book.count("severe_extra_nights"):
        return book.found(
            "R07",
            "nights",
            about=spell.from_on,
            day=week.nights[-1].night,
            data=shown,
            used=("severe_bad_nights", "severe_extra_nights", *BAD_NIGHT),
            offers=(offer,),
        )
    usual = window.baseline(case)
    before = window.mean(night.sleep_hours for night in usual.nights) if usual else None
    now = window.mean(night.sleep_hours for night in week.nights)
    if before is not None and now is not None:
        lost = (before - now) * 60
        if lost >= book.number("severe_lost_minutes"):
            return book.found(
                "R07",
                "hours",
                about=spell.from_on,
                day=week.nights[-1].night,
                data={**shown, "lost_minutes": lost, "before_hours": before, "now_hours": now},
                used=("severe_lost_minutes",),
                offers=(offer,),
            )
    return _score_up(case, book, spell, shown, offer)


def _score_up(case: Case, book: Book, spell: Spell, shown: dict[str, object], offer: Offer) -> Finding | None:
    scores = sorted(
        (one for one in case.assessments if one.instrument == "isi" and one.score is not None and one.on <= case.today),
        key=lambda one: one.on,
    )
    if len(scores) < 2 or scores[-1].on < spell.from_on:
        return None
    rise = Fraction(scores[-1].score or 0) - Fraction(scores[0].score or 0)
    if rise < book.number("insomnia_score_rise"):
        return None
    return book.found(
        "R07",
        "score",
        about=scores[-1].on,
        day=scores[-1].on,
        data={**shown, "rise": rise, "score": scores[-1].score},
        used=("insomnia_score_rise",),
        offers=(offer,),
    )


def _lasting(case: Case, book: Book, spell: Spell, week: Window) -> Finding | None:
    """R06: past the first week of the dose; where the step is due before two weeks of it are over, its first nights
    count too, and it looks on the step's eve at the latest.
    """
    if window.extra_bad_nights(case, week.nights, book) < book.count("lasting_bad_nights"):
        return None
    first_week = spell.from_on + timedelta(days=book.count("grace_days"))
    short_step = case.due is not None and case.due.on < spell.from_on + timedelta(days=2 * book.count("grace_days"))
    if short_step and case.due is not None:
        counts = case.today >= min(first_week, case.due.on - timedelta(days=1))
    else:
        counts = any(night.night >= first_week and window.is_bad(night, book) for night in week.nights)
    if not counts:
        return None
    offer, dose = (Offer.MORNING, spell.dose) if spell.time_of_day is Slot.BEDTIME else way_down(case)
    return book.found(
        "R06",
        "morning" if offer is Offer.MORNING else "back",
        about=spell.from_on,
        day=week.nights[-1].night,
        data={
            **_counts(case, book, week),
            "day": spell.day(case.today),
            **offered(offer, dose),
        },
        used=("lasting_bad_nights", "grace_days", *BAD_NIGHT),
        offers=(offer,),
    )


def _early(case: Case, book: Book, spell: Spell, week: Window) -> Finding | None:
    """R05: expected in the first week of a dose, and until the morning on which all of its nights are told."""
    day = spell.day(case.today)
    if day > book.count("grace_days") + 1:
        return None
    if window.extra_bad_nights(case, week.nights, book) < book.count("early_bad_nights"):
        return None
    return book.found(
        "R05",
        "expected",
        about=spell.from_on,
        day=week.nights[-1].night,
        data={
            **_counts(case, book, week),
            "day": day,
            "night": min(day, book.count("grace_days")),
            "first": book.count("grace_days"),
            "look": f"on day {book.count('grace_days') + 1}" if day <= book.count("grace_days") else "today",
        },
        used=("early_bad_nights", "grace_days", *BAD_NIGHT),
    )


def dreams(case: Case, book: Book) -> Iterator[Finding]:
    """R08: vivid dreams, by how much they distress: noted, held for, or decided about."""
    spell = window.present(case)
    if spell is None:
        return
    week = window.last_nights(case, spell)
    told = [night for night in week.nights if night.dream_distress is not None]
    shown: dict[str, object] = {
        "logged": len(told),
        "possible": week.possible,
        "worst": max((night.dream_distress or 0 for night in told), default=0),
    }
    found = _severe_dreams(case, book, spell, week, shown) or _moderate_dreams(case, book, spell, week, shown)
    if found:
        yield found
        return
    vivid = [night for night in week.nights if _is_vivid(night)]
    asked = [night for night in week.nights if night.dream_vividness is not None or night in told or night in vivid]
    if vivid and all((night.dream_distress or 0) <= book.number("dream_mild") for night in week.nights):
        yield book.found(
            "R08a",
            "vivid",
            about=spell.from_on,
            day=vivid[-1].night,
            data={**shown, "hits": len(vivid), "logged": len(asked), "distress": _distress(told)},
            used=("dream_mild",),
        )


def _distress(told: Sequence[Night]) -> str:
    """How much they distressed, and what follows; what nobody told is not mild."""
    if not told:
        return "how much they distress is not told. Ask"
    return f"distress at most {max(night.dream_distress or 0 for night in told)} of 10. Expected; go on"


def _is_vivid(night: Night) -> bool:
    return bool(night.dream_vividness) or not signs.DREAMS.isdisjoint(night.severities)


def _dreamt(night: Night) -> bool:
    return _is_vivid(night) or bool(night.dream_distress)


def _severe_dreams(case: Case, book: Book, spell: Spell, week: Window, shown: dict[str, object]) -> Finding | None:
    hits = [night for night in week.nights if (night.dream_distress or 0) >= book.number("dream_severe")]
    left_out = [night for night in week.nights if night.taken is False and night.skipped_because == "dreams"]
    panic = [night for night in week.nights if "panic" in night.severities and _dreamt(night)]
    used: tuple[str, ...] = ()
    if len(hits) >= book.count("dream_severe_nights"):
        part, nights, used = "severe", hits, ("dream_severe", "dream_severe_nights")
    elif left_out:
        part, nights = "left out", left_out
    elif panic:
        part, nights = "panic", panic
    else:
        return None
    offer, dose = (Offer.MORNING, spell.dose) if spell.time_of_day is Slot.BEDTIME else way_down(case)
    return book.found(
        "R08c",
        part,
        about=spell.from_on,
        day=nights[-1].night,
        data={**shown, "hits": len(nights), **offered(offer, dose)},
        used=used,
        offers=tuple(dict.fromkeys((offer, way_down(case)[0]))),
    )


def _moderate_dreams(case: Case, book: Book, spell: Spell, week: Window, shown: dict[str, object]) -> Finding | None:
    hits = [night for night in week.nights if (night.dream_distress or 0) > book.number("dream_mild")]
    if len(hits) < book.count("dream_moderate_nights"):
        return None
    offers = (Offer.HOLD, Offer.MORNING) if spell.time_of_day is Slot.BEDTIME else (Offer.HOLD,)
    return book.found(
        "R08b",
        "moderate",
        about=spell.from_on,
        day=hits[-1].night,
        data={**shown, "hits": len(hits)},
        used=("dream_mild", "dream_moderate_nights"),
        offers=offers,
    )
