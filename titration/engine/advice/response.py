"""Whether it helps: R10 to R13, R24 and R27."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from fractions import Fraction

from titration.engine.advice import signs, window
from titration.engine.advice.book import Book
from titration.engine.advice.case import Assessment, Case, Night
from titration.engine.advice.finding import Finding, Offer
from titration.engine.advice.sleep import offered, way_down
from titration.engine.advice.window import Spell
from titration.engine.words import day_in_words


def worse(then: Fraction, now: Fraction, book: Book) -> bool:
    """By two points, or by 30 % where it was at least three before (clinical facts 6.1, line 7). High is worse."""
    rise = now - then
    by_share = then >= book.number("worse_share_from") and rise * 100 >= Fraction(book.number("worse_percent")) * then
    return rise >= book.number("worse_points") or by_share


def better_percent(then: Fraction, now: Fraction) -> Fraction:
    """By how many per cent it fell; from nothing there is no fall."""
    return (then - now) * 100 / then if then > 0 else Fraction(0)


def response(percent: Fraction) -> str:
    """The class of a change in pain (clinical facts 6, R12, after IMMPACT)."""
    for least, name in ((50, "substantial"), (30, "moderate"), (10, "minimal")):
        if percent >= least:
            return name
    return "none"


def worse_after_step(case: Case, book: Book) -> Iterator[Finding]:
    """R10: the week at this dose is worse than the last week at the dose before it."""
    spell, before = window.at_dose(case), window.previous(case)
    if spell is None or before is None or not spell.raised:
        return
    now, then = window.dosed(case, spell), window.dosed(case, before)
    if "endometriosis" in case.conditions and not _alike(now, then):
        if case.due is not None:
            yield book.found("R10", "not alike", about=spell.from_on, day=now[-1].night, data=_menstrual(now, then))
        return
    now_mean, then_mean = window.mean(window.lead_values(case, now)), window.mean(window.lead_values(case, then))
    if now_mean is None or then_mean is None or not worse(then_mean, now_mean, book):
        return
    offer, dose = way_down(case)
    yield book.found(
        "R10",
        "worse",
        about=spell.from_on,
        day=now[-1].night,
        data={
            "now": now_mean,
            "then": then_mean,
            "rise": now_mean - then_mean,
            "dose_now": spell.dose,
            "dose_before": before.dose,
            "logged": len(now),
            **offered(offer, dose),
        },
        used=("worse_points", "worse_percent", "worse_share_from"),
        offers=(offer,),
    )


def _alike(now: Sequence[Night], then: Sequence[Night]) -> bool:
    """Menstrual weeks with menstrual weeks only; a week of which nothing is told is like any other."""
    return not now or not then or _is_menstrual(now) == _is_menstrual(then)


def _is_menstrual(nights: Sequence[Night]) -> bool:
    return any(night.menstruating for night in nights)


def _menstrual(now: Sequence[Night], then: Sequence[Night]) -> dict[str, object]:
    week = "this week" if _is_menstrual(now) else "the last week at the dose before"
    return {"menstrual": week, "logged": len(now), "logged_before": len(then)}


def already_good(case: Case, book: Book) -> Iterator[Finding]:
    """R11: half as bad as before the first dose, or much better in the patient's own words, below the target."""
    spell = window.present(case)
    if spell is None or case.due is None:
        return
    then, now = _against_baseline(case, spell)
    shown: dict[str, object] = {"dose": spell.dose, "target": case.target or case.due.dose}
    if then is not None and now is not None and better_percent(then, now) >= book.number("good_percent"):
        yield book.found(
            "R11",
            "half",
            about=spell.from_on,
            day=window.nights_over(case) - timedelta(days=1),
            data={**shown, "then": then, "now": now, "percent": better_percent(then, now)},
            used=("good_percent",),
        )
        return
    said = _pgic(case, spell)
    if said is not None and said.score is not None and said.score <= book.number("good_pgic"):
        yield book.found(
            "R11",
            "said",
            about=spell.from_on,
            day=said.on,
            data={**shown, "score": said.score, "on": said.on},
            used=("good_pgic",),
        )


def _against_baseline(case: Case, spell: Spell) -> tuple[Fraction | None, Fraction | None]:
    usual = window.baseline(case)
    if usual is None:
        return None, None
    return (
        window.mean(window.lead_values(case, usual.nights)),
        window.mean(window.lead_values(case, window.dosed(case, spell))),
    )


def _pgic(case: Case, spell: Spell) -> Assessment | None:
    """The latest answer to "how do you feel since you began", given at this dose."""
    said = [one for one in case.assessments if one.instrument == "pgic" and spell.from_on <= one.on <= case.today]
    return max(said, key=lambda one: one.on, default=None)


def judged(case: Case, book: Book) -> Iterator[Finding]:
    """R12 and R13: after eight weeks at one dose the response has a class; none after twelve is a question."""
    spell = window.at_dose(case)
    if spell is None or not spell.day(case.today) > book.count("judge_from_days"):
        return
    then, now = _against_baseline(case, spell)
    days = spell.day(case.today) - 1
    shown: dict[str, object] = {"days": days, "dose": spell.dose, "weeks": days // 7}
    if then is None or now is None:
        if not window.last_nights(case, spell, window.FURTHEST).nights:
            return
        yield book.found("R12", "unknown", about=spell.from_on, day=case.today, data=shown, used=("judge_from_days",))
        return
    percent = better_percent(then, now)
    said = _pgic(case, spell)
    shown |= {
        "then": then,
        "now": now,
        "percent": percent,
        "change": _change(percent),
        "response": response(percent),
        "pgic": said.score if said else None,
        "said": _said(said),
    }
    yield book.found("R12", "class", about=spell.from_on, day=case.today, data=shown, used=("judge_from_days",))
    if response(percent) != "none" or days < book.count("no_response_days"):
        return
    taken, told = _adherence(case, spell, book)
    if told and taken * 100 >= book.number("no_response_adherence") * told:
        yield book.found(
            "R13",
            "fixed" if case.fixed_dose_protocol else "none",
            about=spell.from_on,
            day=case.today,
            data={**shown, "taken": taken, "logged": told},
            used=("no_response_days", "no_response_adherence"),
        )


def _change(percent: Fraction) -> str:
    size = f"{float(abs(percent)):.1f}".removesuffix(".0")
    return "no change" if size == "0" else f"{size} % {'better' if percent > 0 else 'worse'}"


def _said(one: Assessment | None) -> str:
    """The patient's own word, after the class."""
    if one is None or one.score is None:
        return ""
    return f" In the patient's own words on {day_in_words(one.on)}: {one.score.normalize():f} of 7 (4 is no change)."


def _adherence(case: Case, spell: Spell, book: Book) -> tuple[int, int]:
    """(taken, told of) over the last twelve weeks at this dose."""
    nights = window.last_nights(case, spell, book.count("no_response_days")).nights
    told = [night.taken for night in nights if night.taken is not None]
    return sum(told), len(told)


def long_stable(case: Case, book: Book) -> Iterator[Finding]:
    """R24: six months at one dose, and the response is still there."""
    spell = window.at_dose(case)
    if spell is None or case.due is not None or spell.day(case.today) <= book.count("stable_days"):
        return
    then, now = _against_baseline(case, spell)
    if then is None or now is None:
        return
    percent = better_percent(then, now)
    if percent >= book.number("kept_percent"):
        yield book.found(
            "R24",
            "stable",
            about=spell.from_on,
            day=case.today,
            data={"days": spell.day(case.today) - 1, "dose": spell.dose, "percent": percent},
            used=("stable_days", "kept_percent"),
        )


def new_product(case: Case, book: Book) -> Iterator[Finding]:
    """R27: a new lot, filler, form or pharmacy in the week before more side effects or less effect."""
    within = timedelta(days=book.count("product_days"))
    for before, product in zip(case.products, case.products[1:], strict=False):
        if product.same_as(before) or not case.today - 2 * within <= product.on <= case.today:
            continue
        after = window.between(case, product.on, product.on + within).nights
        earlier = window.between(case, product.on - within, product.on).nights
        hurt, hurt_before = _hurting(after), _hurting(earlier)
        compared = len(earlier) >= window.ENOUGH
        now, then = (window.mean(window.lead_values(case, nights)) for nights in (after, earlier))
        lost = now is not None and then is not None and worse(then, now, book)
        if lost or (compared and hurt - hurt_before >= book.count("product_more_nights")):
            yield book.found(
                "R27",
                "less effect" if lost else "side effects",
                about=product.on,
                day=after[-1].night,
                data={
                    "on": product.on,
                    "after": hurt,
                    "logged": len(after),
                    "before": hurt_before,
                    "logged_before": len(earlier),
                    "now": now,
                    "then": then,
                },
                used=("product_days", "product_more_nights"),
                offers=(Offer.HOLD,),
            )


def _hurting(nights: Sequence[Night]) -> int:
    return sum(bool(signs.troubling(night)) for night in nights)
