"""Liver, thyroid, mood, bowel, spasms and alcohol: R04, R18, R20 to R22, R26 and R30."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

from common.medicine_classes import MedicineClass
from titration.engine.advice import episodes, signs, window
from titration.engine.advice.book import Book
from titration.engine.advice.case import Assessment, Case, Lab, Night
from titration.engine.advice.finding import Finding
from titration.engine.advice.opioids import begun
from titration.engine.advice.sleep import offered, way_down

FIRST_THYROID_TEST_FROM = timedelta(weeks=6)
"""A thyroid test sooner after the first dose says nothing of the treatment yet (R18: 6 to 8 weeks)."""


def liver(case: Case, book: Book) -> Iterator[Finding]:
    """R04: jaundice or dark urine, also before the first dose; or several signs for days, new since baseline."""
    if case.ended:
        return
    first = case.first_dose_on if begun(case) else None
    # Who begins again, or has yet to begin: what was told in the diary's opening counts, and nothing older.
    opened = (case.first_dose_on or case.starts_on or case.today) - timedelta(days=window.BASELINE_WITHIN)
    nights = episodes.unsettled(case, opened)
    for one in episodes.episodes(_told_anew(nights, frozenset()), lambda told: told & signs.LIVER_ALONE):
        yield _alone(book, one, first)
    if first is not None:
        yield from _together(case, [night for night in nights if night.night >= first], book)


def _alone(book: Book, one: episodes.Episode, first: date | None) -> Finding:
    shown: dict[str, object] = {"night": one.last, "since": one.since, "signs": _named(sorted(one.codes))}
    if first is not None and one.since >= first:
        return book.found("R04", "alone", about=one.since, day=one.last, data=shown)
    # Whoever has begun all the same is told to stop: nobody has answered it.
    shown |= (
        {"do": "Do not begin", "you_do": "Do not begin"} if first is None else {"do": "Stop", "you_do": "Take no more"}
    )
    return book.found("R04", "before", about=one.since, day=one.last, data=shown)


def _together(case: Case, nights: list[Night], book: Book) -> Iterator[Finding]:
    """So many signs a night, more than two nights of a run."""
    usual = window.baseline(case)
    before = signs.told(usual.nights) if usual else frozenset()
    least = book.count("liver_signs")
    for run in episodes.run_on(nights, lambda one: len(signs.LIVER_TOGETHER & set(one.severities) - before) >= least):
        if len(run) < book.count("liver_nights"):
            continue
        found = sorted(signs.LIVER_TOGETHER & set(run[-1].severities) - before)
        yield book.found(
            "R04",
            "together",
            about=run[0].night,
            day=run[-1].night,
            data={"signs": _named(found), "count": len(found), "nights": len(run), "since": run[0].night},
            used=("liver_signs", "liver_nights"),
        )


def _named(codes: list[str]) -> list[str]:
    return [_NAMES.get(code, code.replace("_", " ")) for code in codes]


_NAMES = {
    "hives": "“hives, or swelling of face or tongue”",
    "face_swelling": "swelling of face or tongue",
    "wheeze": "wheezing",
    "breathless": "“new trouble breathing, or a new cough”",
}
"""The words in which a sign is asked for, where its code says less."""


def red_flags(case: Case, book: Book) -> Iterator[Finding]:
    """R31: signs of an allergy or of the lung, new since before the first dose, from its own day on."""
    if case.first_dose_on is None or case.first_dose_on > case.today or case.awaiting or case.ended:
        return
    usual = window.baseline(case)
    before = signs.told(usual.nights) if usual else frozenset()
    nights = episodes.unsettled(case, case.first_dose_on)
    for part, told in (("allergy", _allergy), ("lung", _lung)):
        for one in episodes.episodes(_told_anew(nights, before), told):
            shown = {"night": one.last, "since": one.since, "signs": _named(sorted(one.codes))}
            yield book.found("R31", part, about=one.since, day=one.last, data=shown)


def _told_anew(nights: Iterable[Night], before: frozenset[str]) -> Iterator[tuple[date, frozenset[str]]]:
    for night in nights:
        yield night.night, frozenset(night.severities) - before


def _allergy(new: frozenset[str]) -> frozenset[str]:
    return new & signs.ALLERGY


def _lung(new: frozenset[str]) -> frozenset[str]:
    with_fever = frozenset({signs.COUGH, signs.FEVER})
    return (new & signs.LUNG) | (with_fever if with_fever <= new else frozenset())


def liver_tests(case: Case, book: Book) -> Iterator[Finding]:
    """R04b: ALT or AST above three times the upper end with symptoms, or above five times.

    Of an end, such as ">150", that may lie on either side of the line, it is said that nobody knows.
    """
    if case.ended:
        return
    for code in ("alt", "ast"):
        lab = _latest(case, code)
        if lab is None:
            continue
        part, name = ("with signs", "liver_test_with_signs") if _ill(case, lab) else ("alone", "liver_test_alone")
        high, upper_end, per = _its_range(lab, book)
        above = lab.is_above(high * Fraction(book.number(name)), per=per)
        if above is False:
            continue
        yield book.found(
            "R04b",
            part if above else "not certain",
            about=f"{code}:{lab.on.isoformat()}",
            day=lab.on,
            data={
                "test": code.upper(),
                "value": lab.told,
                "unit": f" {lab.unit}" if lab.unit else "",
                "high": high,
                "upper_end": upper_end,
                "times": _times(lab, Fraction(lab.value) * per / high),
                "line": book.number(name),
                "on": lab.on,
            },
            used=("liver_test_with_signs", "liver_test_alone", *(() if lab.high else ("liver_upper_end",))),
        )


def _ill(case: Case, lab: Lab) -> bool:
    """Whether a sign of the liver goes with a test: told in the week before the blood was taken, or since. None passes
    by being old.
    """
    nights = episodes.unsettled(case, lab.on - timedelta(days=window.WINDOW))
    return bool(signs.told(nights) & (signs.LIVER_ALONE | signs.LIVER_TOGETHER))


def _times(lab: Lab, times: Fraction) -> Fraction | str:
    """How many times the upper end the value is; of an end what is certain, rounded towards it."""
    if not lab.comparator:
        return times
    beyond = {">": "more than", ">=": "at least", "<": "less than", "<=": "at most"}[lab.comparator]
    tenths = floor(times * 10) if lab.comparator in (">", ">=") else ceil(times * 10)
    return f"{beyond} {tenths / 10:g}"


_PER_KATAL = 60
"""Units per litre in a microkatal per litre."""


def _its_range(lab: Lab, book: Book) -> tuple[Fraction, str, int]:
    """The upper end a value is held against, that end in words, and how many of its unit one of the value is.

    Without its range the usual end in U/L.
    """
    if lab.high:
        return Fraction(lab.high), f"{lab.high.normalize():f}", 1
    usual = book.number("liver_upper_end")
    in_katal = "kat" in lab.unit.lower()
    return Fraction(usual), f"{usual:f} U/L, as the result came without its range", _PER_KATAL if in_katal else 1


def _latest(case: Case, *codes: str) -> Lab | None:
    known = [lab for lab in case.labs if lab.code in codes and lab.on <= case.today]
    return max(known, key=lambda lab: lab.on, default=None)


def thyroid(case: Case, book: Book) -> Iterator[Finding]:
    """R18: thyroid tests of somebody with Hashimoto's on thyroxine, and signs that it has become too much."""
    if case.ended or not _on_thyroxine(case):
        return
    usual = window.baseline(case)
    before = signs.told(usual.nights) if usual else frozenset()
    nights = window.recent(case).nights
    found = signs.thyroid(signs.told(nights) - before)
    pulse = _pulse_up(usual, nights, book) and signs.FAST_PULSE not in found
    if len(found) + pulse >= book.count("thyroid_signs"):
        named = [*found, *(["resting pulse up"] if pulse else [])]
        yield book.found(
            "R18",
            "signs",
            # By its signs: another night that tells of the same is the same alert, a new sign another.
            about="+".join(named),
            day=max(night.night for night in nights),
            data={"signs": named, "count": len(named)},
            used=("thyroid_signs", "pulse_rise"),
        )
    if "hashimoto" in case.conditions:
        yield from _thyroid_tests(case, book)


def _on_thyroxine(case: Case) -> bool:
    listed = any(one.medicine_class is MedicineClass.THYROID and one.active_on(case.today) for one in case.medicines)
    return listed or case.screening.get("thyroid_replacement") == "yes"


def _pulse_up(usual: window.Window | None, nights: tuple[Night, ...], book: Book) -> bool:
    before = window.mean((night.scales.get("resting_pulse") for night in usual.nights), 1) if usual else None
    now = window.mean((night.scales.get("resting_pulse") for night in nights), 1)
    return before is not None and now is not None and now - before >= book.number("pulse_rise")


def _thyroid_tests(case: Case, book: Book) -> Iterator[Finding]:
    last = _latest(case, "tsh")
    first = case.first_dose_on
    if last is None:
        yield book.found("R18", "baseline", about="baseline", day=case.today, data={})
        return
    if first is None or case.awaiting:
        return
    titrating = case.due is not None
    early = first + timedelta(days=book.count("thyroid_first_days"))
    waits_for_first = last.on < first + FIRST_THYROID_TEST_FROM
    due = early if waits_for_first else last.on + timedelta(days=book.count("thyroid_again_days"))
    if case.today >= due and (titrating or waits_for_first):
        yield book.found(
            "R18",
            "due",
            about=last.on,
            day=due,
            data={"last_on": last.on, "due_on": due},
            used=("thyroid_first_days", "thyroid_again_days"),
        )


def mood(case: Case, book: Book) -> Iterator[Finding]:
    """R20: any thought of being better off dead, whatever the total; and a PHQ-2 that asks for the PHQ-9."""
    answer = case.screening.get("suicidal_thoughts", "no")
    if answer in ("yes", "unsure") and "suicidal_thoughts" not in case.co_signed:
        data = book.screened("suicidal_thoughts", answer)
        yield book.found("R20", "screening", about="screening", day=case.today, data=data)
    nine, two = _answer(case, "phq-9"), _answer(case, "phq-2")
    if nine is not None and nine.item9 is None:
        yield book.found("R20", "item 9 unknown", about=nine.on, day=nine.on, data={"on": nine.on, "total": nine.score})
    # A later answer of none does not answer an earlier one: a person does.
    for one in sorted(_worst_by_day(case), key=lambda one: one.on):
        yield book.found(
            "R20", "item 9", about=one.on, day=one.on, data={"on": one.on, "item9": one.item9, "total": one.score}
        )
    if two is None or two.score is None or two.score < book.number("phq2_score"):
        return
    if not any(one.instrument == "phq-9" and two.on <= one.on <= case.today for one in case.assessments):
        yield book.found(
            "R20",
            "phq-9 asked",
            about=two.on,
            day=two.on,
            data={"on": two.on, "score": two.score},
            used=("phq2_score",),
        )


def _worst_by_day(case: Case) -> list[Assessment]:
    """The answers above none to item 9 that the clinic has not dealt with, of one day the gravest."""
    told = [one for one in _waiting(case, "phq-9") if one.item9]
    return list({one.on: one for one in sorted(told, key=_gravity)}.values())


def _answer(case: Case, instrument: str) -> Assessment | None:
    """The latest answer that the clinic has not dealt with; of several of one day the gravest."""
    return max(_waiting(case, instrument), key=_gravity, default=None)


def _waiting(case: Case, instrument: str) -> list[Assessment]:
    return [
        one
        for one in case.assessments
        if one.instrument == instrument
        and one.on <= case.today
        and (one.answered_on is None or one.answered_on > case.today)
    ]


def _gravity(one: Assessment) -> tuple[date, int, Decimal]:
    return one.on, one.item9 or 0, one.score or Decimal(0)


def crohn(case: Case, book: Book) -> Iterator[Finding]:
    """R21a: the PRO2 above fourteen and five above what it was; above fourteen alone where nobody knows what it was."""
    if "crohn" not in case.conditions or case.ended:
        return
    now, before = _pro2_now(case), _pro2_before(case)
    if now is None or now[1] <= book.number("pro2_score"):
        return
    if before is not None and now[1] - before < book.number("pro2_rise"):
        return
    on, score, about = now
    yield book.found(
        "R21a",
        "crohn" if before is not None else "unknown before",
        about=about,
        day=on,
        data={"on": on, "score": score, "before": before},
        used=("pro2_score", "pro2_rise"),
    )


def _pro2_now(case: Case) -> tuple[date, Fraction, object] | None:
    """The PRO2, its day, and what it is about: nights go on from one day to the next, each answer stands alone."""
    week = window.recent(case)
    score = _pro2(week.nights)
    if score is not None:
        return week.nights[-1].night, score, "nights"
    last = _answer(case, "pro2")
    return (last.on, Fraction(last.score), last.on) if last is not None and last.score is not None else None


def _pro2_before(case: Case) -> Fraction | None:
    usual = window.baseline(case)
    score = _pro2(usual.nights) if usual else None
    if score is not None:
        return score
    answers = [one for one in case.assessments if one.instrument == "pro2" and one.on <= case.today]
    if case.first_dose_on is not None:
        answers = [one for one in answers if one.on <= case.first_dose_on]
    last = max(answers, key=lambda one: one.on, default=None)
    return Fraction(last.score) if last is not None and last.score is not None else None


def _pro2(nights: tuple[Night, ...]) -> Fraction | None:
    """Twice the mean of liquid stools a day and five times the mean of abdominal pain 0-3 (clinical facts 3.2)."""
    stools = window.mean(night.scales.get("liquid_stools") for night in nights)
    pain = window.mean(night.scales.get("abdominal_pain") for night in nights)
    return None if stools is None or pain is None else 2 * stools + 5 * pain


def colitis(case: Case, book: Book) -> Iterator[Finding]:
    """R21b: stools or blood over three days at the clinic's alert, and not so before the first dose."""
    if "ulcerative_colitis" not in case.conditions or case.ended:
        return
    days = book.count("colitis_days")
    usual = window.baseline(case)
    for scale, threshold in (("stools_vs_normal", "colitis_stools"), ("blood", "colitis_blood")):
        now = _last_told(case, scale, days)
        score = window.mean((night.scales.get(scale) for night in now), days)
        before = window.mean((night.scales.get(scale) for night in usual.nights), 1) if usual else None
        limit = book.number(threshold)
        if score is not None and score >= limit and (before is None or before < limit):
            grave = _fever_or_severe_pain(now)
            yield book.found(
                "R21b",
                "urgent" if grave else "colitis",
                about=scale,
                day=now[-1].night,
                data={"item": _ITEMS[scale], "score": score, "days": days, "signs": grave, "new": _new(before)},
                used=(threshold, "colitis_days"),
            )


def _new(before: Fraction | None) -> str:
    return "; what it was before the first dose is not known" if before is None else ", which is new"


def _last_told(case: Case, scale: str, days: int) -> tuple[Night, ...]:
    """The last days on which it was told, so many up to yesterday, or with today where today is told already."""
    told = [night for night in window.recent(case, days + 1).nights if scale in night.scales]
    return tuple(told[-days:])


_ITEMS = {"stools_vs_normal": "for stools beyond the usual", "blood": "for blood"}


def _fever_or_severe_pain(nights: tuple[Night, ...]) -> list[str]:
    """What makes a flare urgent (R21b), as it was told in these nights."""
    fever = any("fever" in night.severities for night in nights)
    pain = any(
        night.severities.get("stomach_cramps") == "severe" or night.scales.get("abdominal_pain", 0) >= SEVERE_PAIN
        for night in nights
    )
    return [*(["fever"] if fever else []), *(["severe abdominal pain"] if pain else [])]


SEVERE_PAIN = 3
"""Of the abdominal pain that is told from 0 none to 3 severe (clinical facts 3.2)."""


def spasticity(case: Case, book: Book) -> Iterator[Finding]:
    """R22: stiffness two points up after a step, in multiple sclerosis."""
    spell, before = window.at_dose(case), window.previous(case)
    if spell is None or before is None or not spell.raised or "multiple_sclerosis" not in case.conditions:
        return
    now = window.mean(night.scales.get("stiffness") for night in window.dosed(case, spell))
    then = window.mean(night.scales.get("stiffness") for night in window.dosed(case, before))
    if now is not None and then is not None and now - then >= book.number("stiffness_rise"):
        offer, dose = way_down(case)
        yield book.found(
            "R22",
            "worse",
            about=spell.from_on,
            day=case.today,
            data={"now": now, "then": then, "rise": now - then, **offered(offer, dose)},
            used=("stiffness_rise",),
            offers=(offer,),
        )


def alcohol(case: Case, book: Book) -> Iterator[Finding]:
    """R26: an AUDIT-C at or above the line; where the record says neither male nor female, the lower one."""
    answer = _answer(case, "audit-c")
    if answer is None or answer.score is None:
        return
    sex = case.sex.lower()
    name = "audit_c_men" if sex in ("male", "m", "man") else "audit_c_women"
    line = book.number(name)
    if answer.score < line:
        return
    lines = {"audit_c_men": "the line for men", "audit_c_women": "the line for women"}
    known = name == "audit_c_men" or sex in ("female", "f", "woman")
    whose = lines[name] if known else "the lower line, as neither male nor female is on record,"
    yield book.found(
        "R26",
        "score",
        about=answer.on,
        day=answer.on,
        data={"on": answer.on, "score": answer.score, "line": line, "whose": whose},
        used=(name,),
    )


def stomach(case: Case, book: Book) -> Iterator[Finding]:
    """R30: diarrhoea or nausea, moderate or worse, three nights of seven at this dose."""
    spell = window.present(case)
    if spell is None:
        return
    nights = window.last_nights(case, spell)
    hits = [night for night in nights.nights if _upset(night)]
    if len(hits) >= book.count("stomach_nights"):
        offer, dose = way_down(case)
        yield book.found(
            "R30",
            "days",
            about=spell.from_on,
            day=hits[-1].night,
            data={
                "signs": _named(sorted({code for night in hits for code in _upset(night)})),
                "hits": len(hits),
                "logged": len(nights.nights),
                "possible": nights.possible,
                **offered(offer, dose),
            },
            used=("stomach_nights",),
            offers=(offer,),
        )


def _upset(night: Night) -> tuple[str, ...]:
    return signs.troubling(night, signs.BOWEL_AND_STOMACH)
