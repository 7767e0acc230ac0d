"""Doses left out, procedures, children, the supply, typed doses and nights not told: R14, R16, R23, R25, R28, R29."""

from collections.abc import Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from common.dose import Dose
from titration.engine import procedure as procedures
from titration.engine.advice import gaps, window
from titration.engine.advice.book import Book
from titration.engine.advice.case import Case, Night, Procedure
from titration.engine.advice.finding import Finding, Offer
from titration.engine.advice.opioids import begun, is_child, planned_on
from titration.engine.stock import REFILL_DAYS
from titration.engine.words import day_in_words

_ONE_DAY = timedelta(days=1)
_WALL = ZoneInfo("UTC")
"""Where only a wall clock is known, it is one whose days are all alike."""


def missed(case: Case, book: Book) -> Iterator[Finding]:
    """R14: doses left out, from a nudge after two nights to building up again after a long gap.

    A long gap waits for a person: the dose that is taken after it is no answer.
    """
    if not begun(case) or case.ended:
        return
    known = gaps.gaps(case)
    long = gaps.unanswered(case, known)
    yield from (_without(case, book, gap, "again", Offer.RESTART) for gap in long)
    now = next((gap for gap in reversed(known) if gap.ongoing), None)
    if long:
        return
    if now is not None and now.nights >= book.count("gap_message_days") and not gaps.is_long(case, now):
        yield _without(case, book, now, "gap", Offer.RESUME)
        return
    left_out = _left_out_of_week(case, window.nights_over(case))
    if len(left_out) >= book.count("missed_of_week"):
        yield _week(case, book, left_out)
    elif now is not None and now.in_a_row >= book.count("missed_in_a_row"):
        yield book.found(
            "R14",
            "row",
            about=now.since,
            day=case.today - _ONE_DAY,
            data={"gap": now.in_a_row, "since": now.since},
            used=("missed_in_a_row",),
        )


def _without(case: Case, book: Book, gap: gaps.Gap, part: str, offer: Offer) -> Finding:
    return book.found(
        "R14",
        part,
        about=window.anchored(case, gap.since),
        day=gap.to_on - _ONE_DAY,
        data={
            "gap": gap.nights,
            "since": gap.since,
            "again_from": case.retitrate_from_days,
            "most": case.retitrate_from_days - 1,
            "untold": gap.untold,
            "silent": f" ({gap.untold} of them not told of)" if gap.untold else "",
        },
        used=("gap_message_days",),
        offers=(offer,),
    )


def _left_out_of_week(case: Case, over: date) -> list[Night]:
    """The doses told as left out among the seven nights before a date."""
    week = window.between(case, over - timedelta(days=window.WINDOW), over)
    return [night for night in week.nights if night.taken is False and planned_on(case, night.night) is not None]


def _week(case: Case, book: Book, left_out: list[Night]) -> Finding:
    over, most = window.nights_over(case), book.count("missed_of_week")
    week = window.between(case, over - timedelta(days=window.WINDOW), over)
    return book.found(
        "R14",
        "week",
        about=window.so_since(case, over, lambda day: len(_left_out_of_week(case, day)) >= most),
        day=left_out[-1].night,
        data={"missed": len(left_out), "logged": len(week.nights), "possible": week.possible},
        used=("missed_of_week",),
    )


def surgery(case: Case, book: Book) -> Iterator[Finding]:
    """R16: a procedure that is entered, until somebody restarts or calls it off."""
    for procedure in case.procedures:
        if procedure.closed_on is not None and procedure.closed_on <= case.today:
            continue
        if procedure.entered_on is not None and procedure.entered_on > case.today:
            continue
        hours = book.count("procedure_hours") if procedure.hours is None else procedure.hours
        last = last_dose_on(case, procedure, hours)
        notify = procedure.on - timedelta(days=book.count("procedure_notice_days"))
        shown: dict[str, object] = {
            "on": procedure.on,
            "last_dose_on": last,
            "notify_on": notify,
            "notify": f"by {day_in_words(notify)}" if notify >= case.today else "now",
            "hours": hours,
        }
        if case.today > procedure.on:
            yield _after(case, book, procedure, last, shown)
            continue
        stopped = case.today > last
        yield book.found(
            "R16",
            "stopped" if stopped else "ahead",
            about=procedure.on,
            day=procedure.entered_on or case.today,
            data=shown,
            used=("procedure_hours", "procedure_notice_days"),
        )


def last_dose_on(case: Case, one: Procedure, hours: int) -> date:
    """The plan date of the last dose that is at least so many hours before a procedure, however late it is taken."""
    zone = one.at.tzinfo if one.at is not None and isinstance(one.at.tzinfo, ZoneInfo) else _WALL
    begins = procedures.begins_at(one.on, one.at.time() if one.at else None, zone)
    return procedures.no_dose_from(case.in_force, begins, hours, zone) - _ONE_DAY


def _after(case: Case, book: Book, procedure: Procedure, last: date, shown: dict[str, object]) -> Finding:
    free = _free_since(procedure, case.today)
    usual = book.count("after_procedure_days" if procedure.short_course else "washout_long_days")
    days = usual if procedure.free_days is None else procedure.free_days
    used = ("after_procedure_days", "washout_long_days")
    if free is None:
        return book.found(
            "R16", "not yet", about=procedure.on, day=procedure.on, data={**shown, "free_days": days}, used=used
        )
    restart = free + timedelta(days=days)
    ready = case.today >= restart
    return book.found(
        "R16",
        "restart" if ready else "counting",
        about=procedure.on,
        day=free,
        data={**shown, "free_since": free, "free_days": days, "restart_on": restart, **_way_back(case, last)},
        used=used,
    )


def _free_since(procedure: Procedure, today: date) -> date | None:
    """The first opioid-free day that counts: none before the procedure, none of a row not known up to now."""
    free, told_to = procedure.opioid_free_since_on, procedure.told_to
    if free is None or (told_to is not None and not procedures.known_up_to(told_to, today)):
        return None
    return max(free, procedure.on)


def _way_back(case: Case, last: date) -> dict[str, object]:
    """The nights without a dose since the last one before a procedure, and what that asks of a restart."""
    off = (case.today - last).days - 1
    way = "the dose is built up again" if off >= case.retitrate_from_days else "the same dose can be taken again"
    nights = f"there have been {off} nights without one" if off != 1 else "there has been one night without one"
    return {"off": off, "how": f"If the last dose was that of {day_in_words(last)}, {nights}: {way}."}


def child(case: Case, book: Book) -> Iterator[Finding]:
    """R23: a child's dose goes by weight: 0.1 mg a kilogram, never above the cap, weighed again every three months."""
    if not is_child(case, case.today, book) or case.ended or not case.in_force:
        return
    if case.weight_kg is None or case.weighed_on is None:
        yield book.found("R23", "weight", about="weight", day=case.today, data={})
        if case.weight_kg is None:
            return
    elif case.today >= case.weighed_on + timedelta(days=book.count("reweigh_days")):
        yield book.found(
            "R23",
            "weigh again",
            about=case.weighed_on,
            day=case.today,
            data={"weighed_on": case.weighed_on, "weight_kg": case.weight_kg},
            used=("reweigh_days",),
        )
    most = Dose(min(case.weight_kg * book.number("child_mg_per_kg"), book.number("child_most_mg")).quantize(_FINEST))
    spell = window.present(case)
    planned = {"the dose in force": spell.dose if spell else None, "the next dose": case.due.dose if case.due else None}
    which, above = next(((which, dose) for which, dose in planned.items() if dose and dose > most), ("", None))
    if above is not None:
        yield book.found(
            "R23",
            "above",
            about=above.text,
            day=case.today,
            data={"dose": above, "which": which, "most": most, "weight_kg": case.weight_kg},
            used=("child_mg_per_kg", "child_most_mg"),
        )


_FINEST = Dose.of("0.001").mg


def few_nights(case: Case, book: Book) -> Iterator[Finding]:
    """R25: fewer than four of the last seven nights told, while the dose is being built up."""
    spell = window.present(case)
    if spell is None or case.due is None:
        return
    week = window.last_nights(case, spell)
    if week.possible >= window.WINDOW and week.logged < window.ENOUGH:
        yield book.found(
            "R25",
            "few",
            about=spell.from_on,
            day=case.today,
            data={"logged": week.logged, "possible": week.possible},
        )


def supply(case: Case, book: Book) -> Iterator[Finding]:
    """R28: less than a week of the present or the next dose is left, or it keeps no longer than that."""
    known = case.supply
    if known is None or case.ended or known.refill_due_on is None:
        return
    # The date is worked out for a week ahead; a clinic that asks for other days is told so much sooner or later.
    due_on = known.refill_due_on - timedelta(days=book.count("refill_days") - REFILL_DAYS)
    if due_on > case.today:
        return
    spoils = known.beyond_use_on is not None and known.beyond_use_on <= case.today + timedelta(
        days=book.count("refill_days")
    )
    yield book.found(
        "R28",
        "keeps" if spoils else "left" if known.units_left else "soon",
        about=known.refill_due_on,
        day=due_on,
        data={
            "run_out_on": known.run_out_on,
            "beyond_use_on": known.beyond_use_on,
            "left": known.units_left or "unknown",
        },
        used=("refill_days",),
    )


def typed(case: Case, book: Book) -> Iterator[Finding]:
    """R29: a dose that was typed and cannot be meant as it stands."""
    for one in case.typed:
        if one.on <= case.today:
            yield book.found(
                "R29",
                "typed",
                about=f"{one.on.isoformat()}:{one.dose}",
                day=one.on,
                data={"dose": one.dose, "why": one.sentence},
            )
