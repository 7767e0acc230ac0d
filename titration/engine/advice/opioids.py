"""Opioids and what must not begin or go on beside them: R00 to R03, R15, R17 and R19."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from common.dose import HARD_CEILING, Dose
from common.medicine_classes import OPIOIDS, MedicineClass
from titration.engine.advice import episodes, signs, window
from titration.engine.advice.book import Book
from titration.engine.advice.case import Case, Lab, Medicine, Night, Other
from titration.engine.advice.finding import Finding
from titration.engine.words import day_in_words

_ONE_DAY = timedelta(days=1)

LASTING_WASHOUT = frozenset(
    {MedicineClass.LONG, MedicineClass.PARTIAL, MedicineClass.KRATOM, MedicineClass.ILLICIT, MedicineClass.UNKNOWN}
)
"""Classes with the longer opioid-free interval (clinical facts 2.2 and 2.3); an unknown product is taken for one."""

_OPIOID_ANSWERS = (
    "opioids_now",
    "opioid_dependent",
    "opioid_withdrawal",
    "naloxone_challenge_failed",
    "urine_opioid_positive",
)
_HARD_ANSWERS = ("naltrexone_allergy", "acute_hepatitis", "liver_failure", "naltrexone_product")
_SOFT_ANSWERS = ("renal_severe", "renal_moderate", "excipient_allergy")
_CAUTION_ANSWERS = ("cirrhosis",)
_UNSURE_ANSWERS = (*_HARD_ANSWERS, "renal_severe", "renal_moderate")
"""Where "not sure" asks for a clinician's reason, as the screening has it."""
_HELD_ANSWERS = ("pregnant", "planning_pregnancy", "breastfeeding")
_CO_SIGNED_ANSWERS = ("transplant", "checkpoint_inhibitor")


def washout_days(medicine_class: MedicineClass, book: Book) -> int:
    """Days without any opioid before the first dose (clinical facts 2.3)."""
    return book.count("washout_long_days" if medicine_class in LASTING_WASHOUT else "washout_short_days")


def begun(case: Case) -> bool:
    """Whether the first dose is behind us: today's may still be refused."""
    return case.first_dose_on is not None and not case.awaiting and case.first_dose_on < case.today


def trips(other: Other) -> bool:
    """An opioid, or nobody knows what (clinical facts 6.1, line 5)."""
    return other.medicine_class in OPIOIDS or other.medicine_class is MedicineClass.UNKNOWN or other.unsure


def screening(case: Case, book: Book) -> Iterator[Finding]:
    """R00, R17, R19: what the screening answered, until it is lifted by who may."""
    if case.ended:
        return
    yield from _answers(case, book, "R00", "hard", _HARD_ANSWERS)
    yield from _answers(case, book, "R00", "soft", _SOFT_ANSWERS)
    yield from _answers(case, book, "R00", "soft", _UNSURE_ANSWERS, "unsure")
    yield from _answers(case, book, "R00", "caution", _CAUTION_ANSWERS)
    yield from _kidneys(case, book)
    yield from _guardian(case, book)
    for answer in ("yes", "unsure"):
        yield from _answers(case, book, "R17", "answered", _HELD_ANSWERS, answer)
        yield from _answers(case, book, "R19", "answered", _CO_SIGNED_ANSWERS, answer)
    for lab in case.labs:
        if lab.code in ("hcg", "pregnancy_test") and _is_positive(lab) and _latest_on(case, lab.code) == lab.on:
            yield book.found("R17", "tested", about=lab.on, day=lab.on, data={"on": lab.on})
    for medicine in case.medicines:
        if not medicine.active_on(case.today):
            continue
        if medicine.medicine_class is MedicineClass.NALTREXONE:
            yield book.found("R00", "twice", about=medicine.words, day=case.today, data={"medicine": medicine.words})
        if medicine.medicine_class in _TOGETHER:
            shown = {"medicine": medicine.words, "what": _TOGETHER[medicine.medicine_class]}
            yield book.found("R00", "together", about=medicine.words, day=case.today, data=shown)
        if medicine.medicine_class is MedicineClass.CHECKPOINT and "checkpoint_inhibitor" not in case.co_signed:
            yield book.found("R19", "listed", about=medicine.words, day=case.today, data={"medicine": medicine.words})


def _answers(
    case: Case, book: Book, rule: str, part: str, codes: tuple[str, ...], answer: str = "yes"
) -> Iterator[Finding]:
    """What was answered so, unless somebody who may has put their name to it. Who is not sure has not said no."""
    for code in codes:
        if case.screening.get(code, "no") == answer and code not in case.co_signed:
            yield book.found(rule, part, about=code, day=case.today, data=book.screened(code, answer))


_TOGETHER = {
    MedicineClass.THIORIDAZINE: "more lethargy and sleepiness with both",
    MedicineClass.DISULFIRAM: "two medicines that can harm the liver; liver tests first, and again early",
}
"""What is said of a medicine that goes on beside naltrexone (clinical facts 2.1)."""


def _kidneys(case: Case, book: Book) -> Iterator[Finding]:
    """An eGFR as low as what a trial left out (clinical facts 2.1)."""
    told = case.screening.get("egfr", "")
    try:
        number = Decimal(told.replace(",", "."))
    except ArithmeticError:
        return
    if number <= book.number("egfr_low") and "egfr" not in case.co_signed:
        shown = {"item": "egfr", "answer": told, "limit": book.number("egfr_low")}
        yield book.found("R00", "egfr", about="egfr", day=case.today, data=shown, used=("egfr_low",))


def _guardian(case: Case, book: Book) -> Iterator[Finding]:
    """A child whose guardian does not agree, or of whom nobody knows it (clinical facts 1.3)."""
    answer = case.screening.get("guardian_agrees", "")
    if answer in ("no", "unsure") and is_child(case, case.today, book) and "guardian_agrees" not in case.co_signed:
        shown = book.screened("guardian_agrees", answer)
        yield book.found("R00", "guardian", about="guardian_agrees", day=case.today, data=shown)


def _is_positive(lab: Lab) -> bool:
    """Of an amount of hCG: above the range it came with, where it came with one; else anything above nothing.

    An amount too small to be measured ("<2") is not above nothing.
    """
    return bool(lab.is_above(lab.high if lab.code == "hcg" and lab.high is not None else 0))


def _latest_on(case: Case, code: str) -> date | None:
    return max((lab.on for lab in case.labs if lab.code == code), default=None)


def start_block(case: Case, book: Book) -> Iterator[Finding]:
    """R01: an opioid that goes on, or whose opioid-free days are not over, before the first dose.

    Who has begun all the same, without anybody's decision, waits until they are over. What the screening tells of
    opioids counts before and after the first dose, until it is answered anew or somebody has decided on it.
    """
    if case.ended:
        return
    for code in _OPIOID_ANSWERS:
        answer = case.screening.get(code, "no")
        if answer in ("yes", "unsure") and code not in case.co_signed:
            yield book.found("R01", "screening", about=code, day=case.today, data=book.screened(code, answer))
    if begun(case):
        yield from _begun_too_early(case, book)
        return
    begins = max(case.today, case.starts_on or case.today)
    for medicine in _before_start(case):
        if medicine.medicine_class is MedicineClass.WARN:
            yield book.found("R01", "inform", about=medicine.words, day=case.today, data={"medicine": medicine.words})
            continue
        last = _last_taken(medicine, case.today)
        if last is None:
            yield book.found("R01", "active", about=medicine.words, day=case.today, data=_named(medicine))
        elif begins < last + timedelta(days=washout_days(medicine.medicine_class, book)):
            yield _washout(book, medicine, last, begins)


def _begun_too_early(case: Case, book: Book) -> Iterator[Finding]:
    """Opioids taken last before the first dose, while their opioid-free days run on past it."""
    if case.washout_decided or case.first_dose_on is None:
        return
    for medicine in _before_start(case):
        last = _last_taken(medicine, case.today)
        if medicine.medicine_class is MedicineClass.WARN or last is None or last >= case.first_dose_on:
            continue
        answered = medicine.answered_on is not None and medicine.answered_on <= case.today
        if not answered and case.today < last + timedelta(days=washout_days(medicine.medicine_class, book)):
            yield _washout(book, medicine, last, case.first_dose_on, part="too early")


def _washout(book: Book, medicine: Medicine, last: date, begins: date, *, part: str = "washout") -> Finding:
    days = washout_days(medicine.medicine_class, book)
    return book.found(
        "R01",
        part,
        about=medicine.words,
        day=last,
        data={
            **_named(medicine),
            "last_on": last,
            "days_since": (begins - last).days,
            "washout_days": days,
            "earliest_start_on": last + timedelta(days=days),
        },
        used=("washout_short_days", "washout_long_days"),
    )


def _named(one: Medicine | Other) -> dict[str, object]:
    """What it is, as it was written and as it was recognised."""
    return {"medicine": one.words, "class": one.medicine_class.value, "kind": _KINDS[one.medicine_class]}


_KINDS = {
    **dict.fromkeys(MedicineClass, "no opioid"),
    MedicineClass.SHORT: "a short-acting opioid",
    MedicineClass.LONG: "a long-acting opioid",
    MedicineClass.PARTIAL: "a partial opioid",
    MedicineClass.HIDDEN: "an opioid against diarrhoea",
    MedicineClass.KRATOM: "acts like an opioid",
    MedicineClass.ILLICIT: "an illicit opioid",
    MedicineClass.WARN: "to be asked about",
    MedicineClass.UNKNOWN: "not recognised",
}


def _before_start(case: Case) -> Iterator[Medicine]:
    """Opioids on the list, and those told of in the diary before the first dose; what is only asked about too."""
    wanted = OPIOIDS | {MedicineClass.WARN}
    for medicine in case.medicines:
        if medicine.medicine_class in wanted:
            yield medicine
    for night in case.nights:
        if night.other is not None and not _opioid_answered(night, case.today) and trips(night.other):
            yield Medicine(
                words=night.other.words or "an opioid, cough or diarrhoea medicine",
                medicine_class=night.other.medicine_class,
                last_taken_on=night.night,
            )


def _last_taken(medicine: Medicine, today: date) -> date | None:
    """The last day it was taken; None while it goes on."""
    if medicine.last_taken_on is not None and medicine.last_taken_on <= today:
        return medicine.last_taken_on
    return medicine.until_on if medicine.until_on is not None and medicine.until_on < today else None


def on_therapy(case: Case, book: Book) -> Iterator[Finding]:
    """R02: an opioid, or nobody knows what, told of or listed while naltrexone is taken, until the clinic answers."""
    if not begun(case) or case.ended:
        return
    first = case.first_dose_on or case.today
    for night in case.nights:
        other = night.other
        if other is None or night.night < first or night.night > case.today or _opioid_answered(night, case.today):
            continue
        shown = {**(_named(other) if other.words else _unnamed(other)), "night": night.night}
        if trips(other):
            yield book.found("R02", "told", about=night.night, day=night.night, data=shown)
        elif other.medicine_class is MedicineClass.WARN:
            yield book.found("R02", "inform", about=night.night, day=night.night, data=shown)
    for medicine in case.medicines:
        if medicine.medicine_class in OPIOIDS and _bears_on_therapy(medicine, case, first, book):
            since = medicine.from_on or medicine.last_taken_on
            yield book.found(
                "R02",
                "listed",
                about=f"{medicine.words}:{since.isoformat() if since else ''}",
                day=since or first,
                data={
                    **_named(medicine),
                    "since": since,
                    "when": _when(medicine),
                },
            )


def _when(medicine: Medicine) -> str:
    """When it is taken, as far as the list has it."""
    days = {"from": medicine.from_on, "until": medicine.until_on, "last taken on": medicine.last_taken_on}
    return "".join(f", {word} {day_in_words(day)}" for word, day in days.items() if day)


def _unnamed(other: Other) -> dict[str, object]:
    words = "a medicine, without being sure of it" if other.unsure else "a medicine, without naming it"
    return {"medicine": words, "class": other.medicine_class.value, "kind": "nobody knows which"}


def _bears_on_therapy(medicine: Medicine, case: Case, first: date, book: Book) -> bool:
    """Whether it is taken beside naltrexone, or was, and its opioid-free days are not over; nobody has answered it."""
    if medicine.answered_on is not None and medicine.answered_on <= case.today:
        return False
    if medicine.from_on is not None and medicine.from_on > case.today:
        return False
    if medicine.last_taken_on is not None and medicine.last_taken_on < first:
        return False
    last = medicine.until_on
    if last is None or last >= case.today:
        return True
    return last >= first and case.today < last + timedelta(days=washout_days(medicine.medicine_class, book))


def _opioid_answered(night: Night, today: date) -> bool:
    """Whether the clinic has answered what a night told of other medicines, and no more than that."""
    return night.opioid_answered_on is not None and night.opioid_answered_on <= today


def withdrawal(case: Case, book: Book) -> Iterator[Finding]:
    """R03: signs of withdrawal within a day of a dose, new since baseline, with an opioid in the last fourteen days."""
    if case.first_dose_on is None or case.ended:
        return
    usual = window.baseline(case)
    known_before = set(signs.withdrawal(signs.told(usual.nights))) if usual else set()
    told = {night.night: night for night in case.nights}
    for night in episodes.unsettled(case, case.first_dose_on):
        found = [sign for sign in signs.withdrawal(night.severities) if sign not in known_before]
        sick = "vomiting" in found and not signs.AGITATION.isdisjoint(night.severities)
        if len(found) < book.count("withdrawal_signs") and not sick:
            continue
        if not _dose_within_a_day(night, told.get(night.night - _ONE_DAY)):
            continue
        exposure = _exposure(case, night.night, book)
        if exposure:
            yield book.found(
                "R03",
                "cluster",
                about=night.night,
                day=night.night,
                data={"night": night.night, "signs": found, "count": len(found), "exposure": exposure},
                used=("withdrawal_signs", "opioid_exposure_days"),
            )


def _dose_within_a_day(night: Night, before: Night | None) -> bool:
    """Unless both nights say that nothing was taken: what is not told may have been."""
    return not (night.taken is False and before is not None and before.taken is False)


def _exposure(case: Case, day: date, book: Book) -> str:
    """What opioid was, or may have been, taken in the fourteen days up to a day; "" where none is known of."""
    since = day - timedelta(days=book.count("opioid_exposure_days"))
    suspect = OPIOIDS | {MedicineClass.UNKNOWN}
    for medicine in case.medicines:
        if medicine.medicine_class not in suspect or (medicine.from_on is not None and medicine.from_on > day):
            continue
        last = medicine.last_taken_on or medicine.until_on or day
        if last >= since:
            return f"{medicine.words} ({_KINDS[medicine.medicine_class]})"
    for night in case.nights:
        if night.other is not None and trips(night.other) and since <= night.night <= day:
            words, kind = night.other.words, _KINDS[night.other.medicine_class]
            return f"{words} ({kind})" if words else "an unknown product"
    if any(since <= procedure.on <= day for procedure in case.procedures):
        return "a procedure"
    if case.first_dose_on is not None and case.first_dose_on >= since and _screened_opioid(case):
        return "an opioid that the screening did not rule out"
    return ""


def _screened_opioid(case: Case) -> bool:
    return any(case.screening.get(code) in ("yes", "unsure") for code in _OPIOID_ANSWERS)


def extra_dose(case: Case, book: Book) -> Iterator[Finding]:
    """R15: more than prescribed, or two doses less than twelve hours apart, however long ago, until it is answered."""
    if case.ended or case.first_dose_on is None:
        return
    before: Night | None = None
    for night in case.nights:
        if case.first_dose_on <= night.night <= case.today:
            much = _unclarified(case, _too_much(case, book, night), night)
            close = _unclarified(case, _too_close(case, book, night, before), before, night) if before else None
            if found := much or close:
                yield found
            before = night


CLARIFIED = frozenset({"more", "unplanned", "close"})
"""The parts of R15 that are answered by finding out what was really taken; where poison is to be thought of, or of a
child, somebody answers that, too.
"""


def _unclarified(case: Case, found: Finding | None, *nights: Night) -> Finding | None:
    """What is found of these nights, unless somebody has found out what was really taken on all of them."""
    if found is None or found.part not in CLARIFIED:
        return found
    known = all(one.clarified_on is not None and one.clarified_on <= case.today for one in nights)
    return None if known else found


def _too_much(case: Case, book: Book, night: Night) -> Finding | None:
    """More than the dose of the day; on a day without one, any."""
    if not any(segment.covers(night.night) for segment in case.in_force):
        return None
    planned = planned_on(case, night.night)
    some = night.taken is True or (night.taken_mg is not None and night.taken_mg.mg > 0)
    more = some if planned is None else night.taken_mg is not None and night.taken_mg > planned
    if not more or (planned is None and night.taken is False):
        return None
    much = night.taken_mg is not None and night.taken_mg > HARD_CEILING
    part = "poison" if much or is_child(case, night.night, book) else "unplanned" if planned is None else "more"
    return book.found(
        "R15",
        part,
        about=night.night,
        day=night.night,
        data={"night": night.night, "taken": night.taken_mg or "A dose", "planned": planned or "no dose"},
    )


def _too_close(case: Case, book: Book, night: Night, before: Night) -> Finding | None:
    if night.taken_at is None or before.taken_at is None:
        return None
    apart = night.taken_at - before.taken_at
    if not timedelta(0) <= apart < timedelta(hours=book.count("doses_apart_hours")):
        return None
    return book.found(
        "R15",
        "close child" if is_child(case, night.night, book) else "close",
        about=night.night,
        day=night.night,
        data={"night": night.night, "hours": int(apart.total_seconds() // 3600)},
        used=("doses_apart_hours",),
    )


def planned_on(case: Case, day: date) -> Dose | None:
    """The dose in force on a day."""
    return next((segment.dose_on(day) for segment in case.in_force if segment.covers(day)), None)


def is_child(case: Case, day: date, book: Book) -> bool:
    born = case.born_on
    if born is None:
        return False
    years = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return years < book.count("adult_years")
