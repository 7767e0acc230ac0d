"""What a file knows of a patient beside the course: screening, medicines, procedures, labs, assessments."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from common.drug_names import NALTREXONE
from common.medicine_classes import MedicineClass
from patients import medicines as patients_medicines
from patients import screening as patients_screening
from symptoms import condition_items
from titration.engine.advice.case import Assessment, Lab, Medicine, Procedure
from titration.engine.procedure import LEAST_HOURS, MOST_HOURS
from titration.replay import fields
from titration.replay.fields import Fields, Malformed

MOST_ENTRIES = 1_000
MOST_SCORE = 1_000

SCREENING = tuple(item.code for item in patients_screening.form().items)
"""The items of the screening form (clinical facts 2.1)."""

MENSTRUATING = "menstruating"
MEASURES = {code: item.most for code, item in condition_items.all_items().items() if code != MENSTRUATING}
"""What only some conditions are asked as a number of a night, and the most it can be."""

_ALSO = {
    "opioids": "opioids_now",
    "opioid": "opioids_now",
    "opioid_use": "opioids_now",
    "opioid_analgesics": "opioids_now",
    "opiates": "opioids_now",
    "opioid_dependence": "opioid_dependent",
    "opioid_dependency": "opioid_dependent",
    "dependence": "opioid_dependent",
    "methadone": "opioid_dependent",
    "buprenorphine": "opioid_dependent",
    "methadone_maintenance": "opioid_dependent",
    "buprenorphine_maintenance": "opioid_dependent",
    "withdrawal": "opioid_withdrawal",
    "acute_withdrawal": "opioid_withdrawal",
    "acute_opioid_withdrawal": "opioid_withdrawal",
    "naloxone_challenge": "naloxone_challenge_failed",
    "failed_naloxone_challenge": "naloxone_challenge_failed",
    "urine_opioids": "urine_opioid_positive",
    "opioid_positive_urine": "urine_opioid_positive",
    "opioid_urine": "urine_opioid_positive",
    "urine_positive": "urine_opioid_positive",
    "allergy": "naltrexone_allergy",
    "hypersensitivity": "naltrexone_allergy",
    "naltrexone_hypersensitivity": "naltrexone_allergy",
    "excipient": "excipient_allergy",
    "excipient_hypersensitivity": "excipient_allergy",
    "filler_allergy": "excipient_allergy",
    "lactose_intolerance": "excipient_allergy",
    "lactose_intolerant": "excipient_allergy",
    "lactose": "excipient_allergy",
    "dye_allergy": "excipient_allergy",
    "hepatitis": "acute_hepatitis",
    "liver": "liver_failure",
    "liver_disease": "liver_failure",
    "hepatic_failure": "liver_failure",
    "acute_liver_failure": "liver_failure",
    "liver_cirrhosis": "cirrhosis",
    "renal": "renal_moderate",
    "renal_impairment": "renal_moderate",
    "moderate_renal_impairment": "renal_moderate",
    "renal_impairment_moderate": "renal_moderate",
    "kidney_disease": "renal_moderate",
    "severe_renal_impairment": "renal_severe",
    "renal_impairment_severe": "renal_severe",
    "renal_failure": "renal_severe",
    "kidney_failure": "renal_severe",
    "dialysis": "renal_severe",
    "pregnancy": "pregnant",
    "planning": "planning_pregnancy",
    "pregnancy_planned": "planning_pregnancy",
    "planned_pregnancy": "planning_pregnancy",
    "trying_to_conceive": "planning_pregnancy",
    "trying": "planning_pregnancy",
    "breast_feeding": "breastfeeding",
    "lactation": "breastfeeding",
    "lactating": "breastfeeding",
    "organ_transplant": "transplant",
    "transplantation": "transplant",
    "transplant_immunosuppression": "transplant",
    "immunosuppressants": "immunosuppressant",
    "immunosuppression": "immunosuppressant",
    "immunosuppressed": "immunosuppressant",
    "biologic": "immunosuppressant",
    "biologics": "immunosuppressant",
    "checkpoint_inhibitors": "checkpoint_inhibitor",
    "immunotherapy": "checkpoint_inhibitor",
    "cancer_immunotherapy": "checkpoint_inhibitor",
    "thyroid": "thyroid_replacement",
    "thyroxine": "thyroid_replacement",
    "levothyroxine": "thyroid_replacement",
    "thyroid_hormone": "thyroid_replacement",
    "thyroid_medication": "thyroid_replacement",
    "suicidality": "suicidal_thoughts",
    "suicidal": "suicidal_thoughts",
    "suicidal_ideation": "suicidal_thoughts",
    "alcohol_misuse": "alcohol",
    "bleeding_disorder": "anticoagulant",
    "anticoagulants": "anticoagulant",
    "anticoagulation": "anticoagulant",
    "blood_thinner": "anticoagulant",
    NALTREXONE.lower(): "naltrexone_product",
    "naltrexone_products": "naltrexone_product",
    "naltrexone_containing_product": "naltrexone_product",
    "naltrexone_bupropion": "naltrexone_product",
    "other_naltrexone": "naltrexone_product",
}
"""What people call an item of the screening, and its code; where a name says no degree, the stricter one."""

_BEFORE = re.compile(r"^(is|has|on|takes|taking|uses|using|current|currently|active|any|history_of|known)_")
_AFTER = re.compile(r"_(use|now|currently|today|current)$")
_YES = frozenset({"yes", "y", "true", "1", "positive"})
_NO = frozenset({"no", "n", "false", "0", "none", "never", "negative"})
_UNSURE = frozenset({"unsure", "not sure", "unknown", "don't know", "dont know", "maybe", "possibly"})

INSTRUMENTS = ("phq-2", "phq-9", "audit-c", "pgic", "peg", "pro2", "isi")
"""The instruments that rules read."""

_OTHER_INSTRUMENTS = (
    *("fiqr", "esas-r", "cows", "bpi", "sci", "psqi", "sccai", "pro2-uc", "ibs-sss", "dlqi", "poem", "rapid3"),
    *("ehp-5", "ehp-30", "atec", "pain-nrs", "itch-nrs"),
    *("promis-sleep-4a", "promis-sleep-8b", "promis-fatigue-4a", "promis-pain-4a"),
)
"""Instruments that may stand on record and that no rule reads."""

_CALLED = {
    "phq2": "phq-2",
    "phq9": "phq-9",
    "auditc": "audit-c",
    "esas": "esas-r",
    "insomnia-severity-index": "isi",
    "pro2-crohn": "pro2",
    "pro2-crohns": "pro2",
    "pro-2": "pro2",
    "promis-sleep-disturbance-4a": "promis-sleep-4a",
    "promis-sleep-disturbance-8b": "promis-sleep-8b",
    "promis-pain-interference-4a": "promis-pain-4a",
}

_SUMMED = {"phq-2": (2, 3), "phq-9": (9, 3), "audit-c": (3, 4), "isi": (7, 4)}
"""Those whose answers add up: how many there are, and the most that each can be."""

_ENDS = {"phq-2": (0, 6), "phq-9": (0, 27), "audit-c": (0, 12), "isi": (0, 28), "pgic": (1, 7), "peg": (0, 10)}
"""The least and the most that a score can be (clinical facts 3.1 and 3.2)."""

_MEANS = frozenset({"peg"})
"""Instruments whose score is a mean, and so need not be a whole number."""

_PGIC = {
    "very much improved": 1,
    "much improved": 2,
    "minimally improved": 3,
    "no change": 4,
    "minimally worse": 5,
    "much worse": 6,
    "very much worse": 7,
}

_TESTS = {
    **dict.fromkeys(("alat", "sgpt", "gpt", "alanine aminotransferase", "1742-6"), "alt"),
    **dict.fromkeys(("asat", "sgot", "got", "aspartate aminotransferase", "1920-8"), "ast"),
    **dict.fromkeys(("free t4", "free thyroxine", "t4 free", "3024-7"), "ft4"),
    **dict.fromkeys(("thyrotropin", "thyroid stimulating hormone", "3016-3"), "tsh"),
    **dict.fromkeys(("pregnancy", "pregnancy test", "urine pregnancy test", "upt"), "pregnancy_test"),
    **dict.fromkeys(("beta-hcg", "b-hcg", "bhcg", "β-hcg", "beta hcg", "serum hcg"), "hcg"),
    "tnf-alpha": "tnf_alpha",
}

_SIGNED_VALUE = re.compile(r"(<=|>=|<|>|≤|≥)?\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)")
_RANGE = re.compile(r"([0-9.]+)\s*(?:-|–|to)\s*([0-9.]+)")
_UP_TO = re.compile(r"(?:<=|<|≤|up to)\s*([0-9.]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Everything of a file that the rules read and the course does not."""

    screening: Mapping[str, str] = field(default_factory=dict)
    co_signed: frozenset[str] = frozenset()
    screened_on: date | None = None
    medicines: tuple[Medicine, ...] = ()
    procedures: tuple[Procedure, ...] = ()
    labs: tuple[Lab, ...] = ()
    assessments: tuple[Assessment, ...] = ()
    thresholds: Mapping[str, Decimal] = field(default_factory=dict)


def read(said: Fields) -> Known:
    """Takes its fields from the file's; raises `Malformed` with a sentence that names what is wrong."""
    screening = said.take("screening", _screening, _Screening())
    return Known(
        screening=screening.answers,
        co_signed=screening.signed,
        screened_on=screening.on,
        medicines=said.take("medicines", fields.many(_medicine, MOST_ENTRIES), ()),
        procedures=said.take("procedures", fields.many(_procedure, MOST_ENTRIES), ()),
        labs=said.take("labs", fields.many(_lab, MOST_ENTRIES), ()),
        assessments=said.take("assessments", fields.many(_assessment, MOST_ENTRIES), ()),
        thresholds=said.take("thresholds", _thresholds, {}),
    )


def listed(words: str) -> Medicine:
    """A medicine of which only the name is known: it goes on."""
    return Medicine(words=words, medicine_class=patients_medicines.recognise(words).medicine_class)


@dataclass(frozen=True, slots=True)
class _Screening:
    answers: Mapping[str, str] = field(default_factory=dict)
    signed: frozenset[str] = frozenset()
    on: date | None = None


def _screening(value: Any, where: str) -> _Screening:
    """An object of answers, or a list of the items that are so; with who has co-signed, and the day it was answered."""
    if isinstance(value, list):
        value = dict(_one_answer(one, f"{where}[{number}]") for number, one in enumerate(value))
    if not isinstance(value, Mapping):
        raise Malformed(f'{where} is an object of answers, like {{"pregnant": "no"}}.')
    answers: dict[str, str] = {}
    signed: list[str] = []
    on = None
    for name, answer in value.items():
        if answer is None:
            continue
        if name == "answers":
            answers |= _screening(answer, f"{where}.answers").answers
        elif name in ("on", "date", "confirmed_on", "completed_on", "answered_on"):
            on = fields.day_of(answer, f"{where}.{name}")
        elif name in ("co_signed", "cosigned", "co_signed_by_specialist"):
            signed += [
                _item(one, f"{where}.{name}") for one in fields.many(fields.text, 100)(answer, f"{where}.{name}")
            ]
        else:
            code = _item(name, where)
            told = _told(code, answer, f"{where}.{name[:40]}")
            answers[code] = told if code in _NUMBERS else max(told, answers.get(code, told), key=_WORST.index)
    return _Screening(answers, frozenset(signed), on)


_WORST = ("no", "unsure", "yes")
"""Of two names of one item the worse answer counts."""


def _one_answer(value: Any, where: str) -> tuple[str, Any]:
    """An item by its name alone, which is then so, or as an object with its answer."""
    if isinstance(value, str):
        return value, True
    said = Fields(value, where)
    told = (
        said.take("item", fields.text, also=("name", "code", "question")),
        said.take("answer", _as_is, also=("value",)),
    )
    said.done()
    return told


def _item(name: str, where: str) -> str:
    code = re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")
    for plain in (code, _BEFORE.sub("", code), _AFTER.sub("", code), _AFTER.sub("", _BEFORE.sub("", code))):
        found = _ALSO.get(plain, plain)
        if found in SCREENING:
            return found
    raise Malformed(f"{where}.{name[:40]} is unknown; known here: {', '.join(SCREENING)}, co_signed, on.")


_NUMBERS = frozenset(item.code for item in patients_screening.form().items if item.is_number)


def _told(code: str, value: Any, where: str) -> str:
    """An answer of the form's own kind: a choice, or a number such as the eGFR."""
    return str(fields.amount(value, where)) if code in _NUMBERS else _answer(value, where)


def _as_is(value: Any, _where: str) -> Any:
    return value


def _answer(value: Any, where: str) -> str:
    said = str(value).strip().lower() if isinstance(value, (bool, int, str)) else ""
    if re.match(r"yes\b", said):
        return "yes"
    for answer, words in (("yes", _YES), ("no", _NO), ("unsure", _UNSURE)):
        if said in words:
            return answer
    raise Malformed(f'{where} is "yes", "no" or "unsure".')


_ABOUT_IT = ("dose", "strength", "amount", "frequency", "schedule", "route", "form", "reason", "indication", "note")
"""What may be written about a medicine beside its name; what it is and how much of it counts for what it is."""


def _medicine(value: Any, where: str) -> Medicine:
    if isinstance(value, str):
        return listed(value)
    said = Fields(value, where)
    words = said.take("name", fields.text, also=("words", "medicine", "drug"))
    about = {one: said.take(one, _words, "") for one in _ABOUT_IT}
    written = " ".join(one for one in (words, *(about[name] for name in _ABOUT_IT[:7])) if one)
    medicine = Medicine(
        words=words,
        medicine_class=patients_medicines.recognise(written if _adds(words, written) else words).medicine_class,
        from_on=said.take("from", fields.day_of, None, also=_FROM),
        until_on=said.take("until", fields.day_of, None, also=_UNTIL),
        last_taken_on=said.take("last_dose_on", fields.day_of, None, also=_LAST),
        answered_on=said.take("reviewed_on", fields.day_of, None, also=("answered_on",)),
    )
    said.done()
    if medicine.from_on and medicine.until_on and medicine.until_on < medicine.from_on:
        raise Malformed(f"{where}.until is before from.")
    return medicine


_FROM = ("started_on", "from_on", "on", "added_on", "start", "started", "start_date", "starts_on", "since", "begin")
_UNTIL = ("stopped_on", "until_on", "to", "ended_on", "end", "ended", "end_date", "stop", "stopped", "ends_on")
_LAST = ("last_taken_on", "last_dose", "last_taken", "last_on", "last_dose_date", "last_dose_at", "last_used_on")


def _adds(words: str, written: str) -> bool:
    """Whether the name is known, so that its amount and form say more of it and no unknown word is made of them."""
    return written != words and patients_medicines.recognise(words).medicine_class is not MedicineClass.UNKNOWN


def _words(value: Any, where: str) -> str:
    """Words, or a number that somebody wrote in their place."""
    return (
        str(value) if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else fields.text(value, where)
    )


def _procedure(value: Any, where: str) -> Procedure:
    if isinstance(value, str):
        value = {"on": value}
    said = Fields(value, where)
    moment = said.take("at", _moment, None, also=("time",))
    on, told_at = said.take("on", _moment, moment, also=("date", "day")) or (None, None)
    if on is None:
        raise Malformed(f"{where}.on is missing.")
    at = moment[1] if moment is not None and moment[1] is not None else told_at
    said.take("name", fields.text, "", also=("kind", "words", "type", "procedure", "note"))
    procedure = Procedure(
        on=on,
        at=datetime.combine(on, at) if at is not None else None,
        entered_on=said.take("entered_on", fields.day_of, None, also=("recorded_on",)),
        opioid_free_since_on=said.take(
            "opioid_free_since", fields.day_of, None, also=("opioid_free_since_on", "opioid_free_from")
        ),
        told_to=said.take("opioid_free_told_to", fields.day_of, None, also=("told_to",)),
        short_course=said.take("short_course", fields.yes_or_no, default=True),
        hours=said.take("hours", fields.whole_of(LEAST_HOURS, MOST_HOURS), None, also=("hours_before",)),
        closed_on=said.take("closed_on", fields.day_of, None, also=("restarted_on", "cancelled_on")),
    )
    said.done()
    return procedure


def _moment(value: Any, where: str) -> tuple[date | None, time | None]:
    """A date, a time of the day, or both."""
    said = fields.text(value, where).strip().replace("T", " ")
    day, _, clock = said.partition(" ") if "-" in said[:5] else ("", "", said)
    return (fields.day(day, where) if day else None, _clock_time(clock, where) if clock else None)


def _clock_time(written: str, where: str) -> time:
    try:
        read_time = time.fromisoformat(written if written[1:2] != ":" else f"0{written}")
    except ValueError:
        raise Malformed(f'{where} is a time of the day, like "08:30", or a date with one.') from None
    return read_time.replace(tzinfo=None)


def _lab(value: Any, where: str) -> Lab:
    said = Fields(value, where)
    name = " ".join(said.take("test", fields.text, also=("code", "name", "loinc")).strip().lower().split())
    low, high = said.take("range", _range, (None, None), also=("reference_range", "reference", "ref_range", "normal"))
    value, comparator = said.take("value", _lab_value, also=("result",))
    lab = Lab(
        code=_test(name),
        on=said.take("on", fields.day_of, also=("date", "taken_on", "collected_on", "at")),
        value=value,
        comparator=comparator,
        unit=said.take("unit", fields.text, "", also=("units",)),
        low=said.take("low", _end, low, also=("reference_low", "ref_low", "lower", "lln")),
        high=said.take("high", _end, high, also=("reference_high", "ref_high", "uln", "upper")),
    )
    said.take("note", fields.text, "")
    said.done()
    return lab


def _test(name: str) -> str:
    """The code of a test, also of "ALT (SGPT)"."""
    short = name.partition("(")[0].strip()
    return _TESTS.get(name) or _TESTS.get(short) or short.replace(" ", "_")


def _end(value: Any, where: str) -> Decimal:
    return fields.amount(value.strip() if isinstance(value, str) else value, where)


def _range(value: Any, where: str) -> tuple[Decimal | None, Decimal | None]:
    """The range a value came with: "7-40", "<40", [7, 40] or {"low": 7, "high": 40}."""
    if isinstance(value, Mapping):
        said = Fields(value, where)
        ends = said.take("low", _end, None), said.take("high", _end, None)
        said.done()
        return ends
    if isinstance(value, list) and len(value) == 2:
        low, high = (None if one is None else _end(one, where) for one in value)
        return low, high
    said_so = fields.text(value, where).strip().lower()
    both, most = _RANGE.fullmatch(said_so), _UP_TO.fullmatch(said_so)
    if both:
        return _end(both[1], where), _end(both[2], where)
    if most:
        return None, _end(most[1], where)
    raise Malformed(f'{where} is a range, like "7-40" or "<40".')


def _lab_value(value: Any, where: str) -> tuple[Decimal, str]:
    """A number; of a result beyond what was measured ("<5") the end and its comparator; positive is 1, negative 0."""
    if isinstance(value, bool):
        return Decimal(value), ""
    if isinstance(value, str):
        said = value.strip().lower()
        if said in ("positive", "pos", "+", "negative", "neg", "-"):
            return Decimal(said in ("positive", "pos", "+")), ""
        beyond = _SIGNED_VALUE.fullmatch(said)
        if beyond:
            return _end_of_result(beyond, where)
    return fields.amount(value, where), ""


def _end_of_result(beyond: re.Match[str], where: str) -> tuple[Decimal, str]:
    end, comparator = Decimal(beyond[2]), (beyond[1] or "").replace("≤", "<=").replace("≥", ">=")
    if comparator == "<" and not end:
        raise Malformed(f"{where}: no result is below 0.")
    return end, comparator


def _assessment(value: Any, where: str) -> Assessment:
    said = Fields(value, where)
    written = said.take("instrument", fields.text, also=("name", "code"))
    instrument = "-".join(re.sub(r"[^a-z0-9]+", " ", written.lower()).split())
    instrument = _CALLED.get(instrument, instrument)
    if instrument not in INSTRUMENTS + _OTHER_INSTRUMENTS:
        raise Malformed(f"{where}.instrument is one of {', '.join(INSTRUMENTS + _OTHER_INSTRUMENTS)}.")
    on = said.take("on", fields.day_of, also=("date", "at", "answered_at", "taken_on"))
    answers = said.take("answers", _answers, None, also=("items",))
    score = said.take("score", _score_of(instrument), None, also=("total", "value"))
    item9 = said.take("item9", fields.whole_of(0, 3), None, also=("item_9", "q9"))
    if answers is not None:
        score, item9 = _summed(instrument, answers, score, item9, where)
    if score is None and item9 is None and answers is None:
        raise Malformed(f"{where}.score is missing, or its answers.")
    if item9 is not None and score is not None and not item9 <= score <= item9 + _OTHER_EIGHT_AT_MOST:
        raise Malformed(f"{where}.item9 is part of the score: {item9} of {score} cannot be.")
    assessment = Assessment(
        instrument=instrument,
        on=on,
        score=score,
        item9=item9,
        answered_on=said.take("reviewed_on", fields.day_of, None),
    )
    said.done()
    return assessment


_OTHER_EIGHT_AT_MOST = 24
"""What the items of the PHQ-9 beside item 9 can add up to."""


def _answers(value: Any, where: str) -> tuple[int | None, ...]:
    """The answers in order, those not given null; or by their numbers from 1."""
    if isinstance(value, Mapping):
        numbers = {"".join(filter(str.isdigit, name)): one for name, one in value.items()}
        if not all(numbers) or len(numbers) < len(value):
            raise Malformed(f'{where} is a list, or an object by number, like {{"1": 0, "2": 3}}.')
        value = [numbers.get(str(number)) for number in range(1, max(map(int, numbers), default=0) + 1)][:20]
    return fields.many(lambda one, at: None if one is None else fields.whole_of(0, 10)(one, at), 20)(value, where)


def _score_of(instrument: str) -> fields.Read[Decimal]:
    def read(value: Any, where: str) -> Decimal:
        said = value.strip().lower() if isinstance(value, str) else value
        if instrument == "pgic" and said in _PGIC:
            return Decimal(_PGIC[said])
        if instrument not in _ENDS:
            return fields.amount_up_to(MOST_SCORE)(said, where)
        number = Decimal(fields.number_of(*_ENDS[instrument])(said, where))
        if instrument not in _MEANS and number != number.to_integral_value():
            raise Malformed(f"{where} is a whole number.")
        return number

    return read


def _summed(
    instrument: str, answers: tuple[int | None, ...], score: Decimal | None, item9: int | None, where: str
) -> tuple[Decimal | None, int | None]:
    """The sum, and item 9 of the PHQ-9. Where an answer is missing there is no sum, but item 9 speaks for itself."""
    if instrument not in _SUMMED:
        if instrument in INSTRUMENTS and score is None:
            raise Malformed(f"{where}.answers are understood of {', '.join(_SUMMED)}; write the score.")
        return score, item9
    items, most = _SUMMED[instrument]
    given = [one for one in answers if one is not None]
    if len(answers) != items or max(given, default=0) > most:
        raise Malformed(f"{where}.answers are {items} whole numbers from 0 to {most}.")
    if score is not None and len(given) == items and score != sum(given):
        raise Malformed(f"{where}.score is not the sum of the answers.")
    ninth = answers[8] if instrument == "phq-9" else None
    return Decimal(sum(given)) if len(given) == items else score, item9 if ninth is None else max(ninth, item9 or 0)


def _thresholds(value: Any, where: str) -> Mapping[str, Decimal]:
    if not isinstance(value, Mapping):
        raise Malformed(f'{where} is an object of numbers by name, like {{"washout_short_days": 14}}.')
    return {name: fields.amount(number, f"{where}.{name[:40]}") for name, number in value.items()}


def on_or_before(day: date | None, today: date) -> bool:
    """Whether something of this date is known on a day; what has no date always was."""
    return day is None or day <= today
