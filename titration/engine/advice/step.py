"""R09: the step that is due, told when everything else has spoken."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from titration.engine import gate
from titration.engine.advice import opioids, signs, window
from titration.engine.advice.book import Book
from titration.engine.advice.case import Case
from titration.engine.advice.finding import Finding, Offer, Step
from titration.engine.record import FOREVER
from titration.engine.timeline import State

_ONE_DAY = timedelta(days=1)


def facts(case: Case, found: Iterable[Finding]) -> gate.Facts:
    """What the gate needs to know, counted over the last seven nights at the present dose."""
    spell = window.present(case)
    over = window.nights_over(case)
    week = window.last_nights(case, spell) if spell else window.between(case, over, over)
    told = [night for night in week.nights if night.counts_as_log]
    hurt_since = over - timedelta(days=gate.SIDE_EFFECT_NIGHTS)
    # What tonight has done already counts, however little else of it is told.
    latest = [one for one in case.nights if hurt_since <= one.night <= case.today and one.night >= week.from_on]
    return gate.Facts(
        due_on=case.due.on if case.due else None,
        today=case.today,
        held_until=_held_until(case),
        ended=case.ended,
        opioid_reported=any(one.rule == "R02" and one.closes_the_step for one in found),
        nights_logged=len(told),
        nights_possible=week.possible,
        nights_not_taken=sum(
            one.taken is False and opioids.planned_on(case, one.night) is not None for one in week.nights
        ),
        moderate_side_effects_last_3=min(gate.SIDE_EFFECT_NIGHTS, sum(bool(signs.troubling(one)) for one in latest)),
        differing=tuple(one for one in case.differing if one.on < max(over, week.to_on)),
    )


def _held_until(case: Case) -> date | None:
    """The first day free of the hold or the pause that stands today."""
    now = next((one for one in case.in_force if one.covers(case.today)), None)
    if now is None or now.state not in (State.HELD, State.PAUSED):
        return None
    return now.to_on or FOREVER


def due(case: Case, book: Book, state: Step, against: tuple[str, ...]) -> Iterator[Finding]:
    """Ready, from the day before it is due; waiting, with what it waits for, from two days before. Never on no data."""
    if case.due is None or case.ended or not opioids.begun(case):
        return
    shown: dict[str, object] = {"dose": case.due.dose, "due_on": case.due.on}
    ahead = (case.due.on - case.today).days
    if state is Step.OPEN:
        yield book.found(
            "R09",
            "ready",
            about=case.due.on,
            day=case.due.on,
            data=shown | _seen(facts(case, ())),
            offers=(Offer.STEP_UP,),
        )
    elif against and ahead <= book.count("step_waits_days"):
        yield book.found("R09", "waits", about=case.due.on, day=case.due.on, data={**shown, "why": " ".join(against)})


def _seen(seen: gate.Facts) -> dict[str, object]:
    count = seen.nights_not_taken
    words = f"{count} doses" if count else "no dose"
    return {"logged": seen.nights_logged, "possible": seen.nights_possible, "left_out": count, "doses": words}
