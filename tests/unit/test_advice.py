"""Every rule at its threshold, and one below it; its sentence names what it saw (clinical facts 6 and 6.1)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from common.medicine_classes import MedicineClass
from tests.unit.cases import (
    BASELINE,
    BOOK,
    FIRST,
    MG,
    bad,
    case,
    day,
    found,
    good,
    in_the_morning,
    nights,
    rules,
    stepped,
)
from titration.engine.advice import book, judge
from titration.engine.advice.case import (
    Assessment,
    Case,
    Lab,
    Medicine,
    Night,
    Other,
    Procedure,
    Product,
    Supply,
    Typed,
)
from titration.engine.advice.finding import Block, Offer, Tier
from titration.engine.course import OnOff, Pause
from titration.engine.evidence import Differing

TRAMADOL = Other(words="tramadol", medicine_class=MedicineClass.SHORT)
OSLO = ZoneInfo("Europe/Oslo")


def listed(medicine_class: MedicineClass, **more: object) -> Medicine:
    return Medicine(words="as written", medicine_class=medicine_class, **more)


def assessed(instrument: str, on: int, score: int, item9: int | None = None) -> Assessment:
    return Assessment(instrument=instrument, on=day(on), score=Decimal(score), item9=item9)


def lab(code: str, on: int, value: object, high: object = "40", comparator: str = "") -> Lab:
    return Lab(code=code, on=day(on), value=Decimal(str(value)), high=Decimal(str(high)), comparator=comparator)


def signs(number: int, *codes: str, severity: str = "mild", **more: object) -> object:
    return good(number, severities=dict.fromkeys(codes, severity), **more)


def week(last: int, *, hits: int, **telling: object) -> tuple[object, ...]:
    """The seven nights up to one, the last so many of them telling something."""
    return tuple(good(n, **(telling if n > last - hits else {})) for n in range(last - 6, last + 1))


def steady(days: int, before: int, now: int, **more: object) -> Case:
    """So many days at one dose, the lead symptom as told before the first dose and in the last week."""
    told = nights(range(-6, 1), lead_symptom=before) + nights(range(max(1, days - 90), days + 1), lead_symptom=now)
    return case(days + 1, told, protocol="FIX-4.5", **more)


@dataclass(frozen=True)
class Edge:
    """A rule and its part, the case at its threshold, the one just below, and what the sentence must name: what was
    seen, in numbers and dates where it is one.
    """

    name: str
    at: Callable[[], Case]
    below: Callable[[], Case]
    names: str
    closes: bool = True


EDGES = [
    Edge(
        "R00 hard",
        lambda: case(0, screening={"acute_hepatitis": "yes"}),
        lambda: case(0, screening={}),
        '"Acute hepatitis?" Yes.',
    ),
    Edge(
        "R00 soft",
        lambda: case(0, screening={"renal_severe": "yes"}),
        lambda: case(0, screening={}),
        '"Severe renal impairment?" Yes.',
    ),
    Edge(
        "R00 soft",
        lambda: case(0, screening={"liver_failure": "unsure"}),
        lambda: case(0, screening={"liver_failure": "no"}),
        '"Liver failure?" Not sure.',
    ),
    Edge(
        "R00 egfr",
        lambda: case(0, screening={"egfr": "30"}),
        lambda: case(0, screening={"egfr": "30.1"}),
        "eGFR is 30 mL/min/1.73 m². At 30 and below",
    ),
    Edge(
        "R00 guardian",
        lambda: _child(screening={"guardian_agrees": "no"}),
        lambda: _child(screening={"guardian_agrees": "yes"}),
        '"A parent or guardian knows of it and agrees?" No.',
    ),
    Edge(
        "R00 together",
        lambda: case(3, medicines=(listed(MedicineClass.DISULFIRAM),)),
        lambda: case(3, medicines=(listed(MedicineClass.DISULFIRAM, until_on=day(2)),)),
        "as written is on the medicine list: two medicines that can harm the liver",
        closes=False,
    ),
    Edge(
        "R00 caution",
        lambda: case(0, screening={"cirrhosis": "yes"}),
        lambda: case(0, screening={"cirrhosis": "no"}),
        '"Cirrhosis?" Yes.',
        closes=False,
    ),
    Edge(
        "R00 twice",
        lambda: case(3, medicines=(listed(MedicineClass.NALTREXONE),)),
        lambda: case(3, medicines=(listed(MedicineClass.NALTREXONE, until_on=day(2)),)),
        "as written",
    ),
    Edge(
        "R01 washout",
        lambda: case(1, medicines=(listed(MedicineClass.SHORT, last_taken_on=day(1 - 9)),)),
        lambda: case(1, medicines=(listed(MedicineClass.SHORT, last_taken_on=day(1 - 10)),)),
        "7 January 2025",
    ),
    Edge(
        "R01 washout",
        lambda: case(1, medicines=(listed(MedicineClass.LONG, last_taken_on=day(1 - 13)),)),
        lambda: case(1, medicines=(listed(MedicineClass.LONG, last_taken_on=day(1 - 14)),)),
        "14 opioid-free days",
    ),
    Edge(
        "R01 too early",
        lambda: case(9, medicines=(listed(MedicineClass.SHORT, last_taken_on=day(0)),)),
        lambda: case(10, medicines=(listed(MedicineClass.SHORT, last_taken_on=day(0)),)),
        "1 day before the first dose",
    ),
    Edge(
        "R01 active",
        lambda: case(0, medicines=(listed(MedicineClass.PARTIAL),)),
        lambda: case(0, medicines=(listed(MedicineClass.ALLOWED),)),
        "as written (a partial opioid) is on the medicine list and goes on",
    ),
    Edge(
        "R01 screening",
        lambda: case(0, screening={"opioid_dependent": "unsure"}),
        lambda: case(0, screening={"opioid_dependent": "no"}),
        'treated with methadone or buprenorphine?" Not sure.',
    ),
    Edge(
        "R01 inform",
        lambda: case(0, medicines=(listed(MedicineClass.WARN),)),
        lambda: case(0, medicines=(listed(MedicineClass.ALLOWED),)),
        "as written",
        closes=False,
    ),
    Edge(
        "R02 told",
        lambda: case(5, [good(4, other=TRAMADOL)]),
        lambda: case(5, [good(4, other=TRAMADOL, opioid_answered_on=day(5))]),
        "tramadol",
    ),
    Edge(
        "R02 told",
        lambda: case(5, [good(4, other=Other(words="pills", medicine_class=MedicineClass.UNKNOWN))]),
        lambda: case(5, [good(4, other=Other(words="paracetamol", medicine_class=MedicineClass.ALLOWED))]),
        "pills",
    ),
    Edge(
        "R02 inform",
        lambda: case(5, [good(4, other=Other(words="Imodium", medicine_class=MedicineClass.WARN))]),
        lambda: case(5, [good(4)]),
        "Imodium",
        closes=False,
    ),
    Edge(
        "R02 listed",
        lambda: case(5, medicines=(listed(MedicineClass.SHORT, from_on=day(3)),)),
        lambda: case(5, medicines=(listed(MedicineClass.SHORT, from_on=day(3), answered_on=day(4)),)),
        "as written (a short-acting opioid) is on the list of medicines, from 8 January 2025.",
    ),
    Edge(
        "R02 listed",
        lambda: case(16, medicines=(listed(MedicineClass.SHORT, from_on=day(3), until_on=day(7)),)),
        lambda: case(17, medicines=(listed(MedicineClass.SHORT, from_on=day(3), until_on=day(7)),)),
        "from 8 January 2025, until 12 January 2025.",
    ),
    Edge(
        "R03 cluster",
        lambda: case(5, [signs(4, "sweats_chills", "yawning", "tremor")], medicines=(listed(MedicineClass.UNKNOWN),)),
        lambda: case(5, [signs(4, "sweats_chills", "yawning", "tremor")], medicines=(listed(MedicineClass.ALLOWED),)),
        "as written (not recognised)",
    ),
    Edge(
        "R03 cluster",
        lambda: case(5, [signs(4, "sweats_chills", "yawning", "tremor", other=TRAMADOL)]),
        lambda: case(5, [signs(4, "sweats_chills", "yawning", other=TRAMADOL)]),
        "3 signs",
    ),
    Edge(
        "R03 cluster",
        lambda: case(5, [signs(4, "vomiting", "anxiety", other=TRAMADOL)]),
        lambda: case(5, [signs(4, "vomiting", "anxiety")]),
        "tramadol",
    ),
    Edge(
        "R04 alone",
        lambda: case(5, [signs(4, "dark_urine")]),
        lambda: case(5, [signs(4, "constipation")]),
        "dark urine on the night of 9 January 2025",
    ),
    Edge(
        "R04 before",
        lambda: case(1, [signs(0, "jaundice")]),
        lambda: case(1, [signs(0, "nausea", "fatigue", "fever")]),
        "5 January 2025",
    ),
    Edge(
        "R04 together",
        lambda: case(6, [signs(n, "nausea", "fatigue", "fever") for n in (3, 4, 5)]),
        lambda: case(6, [signs(n, "nausea", "fatigue", "fever") for n in (4, 5)]),
        "for 3 nights",
    ),
    Edge(
        "R04 together",
        lambda: case(6, [signs(n, "nausea", "fatigue", "fever") for n in (3, 4, 5)]),
        lambda: case(6, [signs(n, "nausea", "fatigue") for n in (3, 4, 5)]),
        "3 signs that may come from the liver (fatigue, fever, nausea)",
    ),
    Edge(
        "R04b alone",
        lambda: case(5, labs=(lab("alt", 4, "200.1"),)),
        lambda: case(5, labs=(lab("alt", 4, 200),)),
        "ALT was 200.1 on 9 January 2025: more than 5 times the upper limit of normal (40).",
    ),
    Edge(
        "R04b alone",
        lambda: case(5, labs=(lab("alt", 4, "200.1", high="0"),)),
        lambda: case(5, labs=(lab("alt", 4, "200", high="0"),)),
        "ALT was 200.1 on 9 January 2025: more than 5 times the upper limit of normal (40 U/L, as the result",
    ),
    Edge(
        "R04b alone",
        lambda: case(5, labs=(lab("alt", 4, 200, comparator=">"),)),
        lambda: case(5, labs=(lab("alt", 4, 200, comparator=">="),)),
        "ALT was >200 on 9 January 2025: more than 5 times the upper limit of normal (40).",
    ),
    Edge(
        "R04b alone",
        lambda: case(5, labs=(lab("alt", 4, "250", high="39", comparator=">="),)),
        lambda: case(5, labs=(lab("alt", 4, "190", high="39", comparator=">="),)),
        "ALT was >=250 on 9 January 2025: more than 5 times the upper limit of normal (39).",
    ),
    Edge(
        "R04b not certain",
        lambda: case(5, labs=(lab("alt", 4, 150, comparator=">"),)),
        lambda: case(5, labs=(lab("alt", 4, 150, comparator="<"),)),
        "ALT was >150 on 9 January 2025: more than 3.7 times the upper limit of normal (40). Whether that is",
    ),
    Edge(
        "R04b not certain",
        lambda: case(5, labs=(lab("alt", 4, "200.1", comparator="<"),)),
        lambda: case(5, labs=(lab("alt", 4, 200, comparator="<="),)),
        "less than 5.1 times",
    ),
    Edge(
        "R04b with signs",
        lambda: case(5, [signs(4, "nausea")], labs=(lab("ast", 4, 120, comparator=">"),)),
        lambda: case(5, [signs(4, "nausea")], labs=(lab("ast", 4, 120, comparator=">="),)),
        "more than 3 times",
    ),
    Edge(
        "R04b with signs",
        lambda: case(5, [signs(4, "nausea")], labs=(lab("ast", 4, "120.1"),)),
        lambda: case(5, [signs(4, "nausea")], labs=(lab("ast", 4, 120),)),
        "AST was 120.1 on 9 January 2025, with symptoms: more than 3 times the upper limit of normal (40).",
    ),
    Edge(
        "R05 expected",
        lambda: case(6, BASELINE + nights(range(1, 6), [2, 3, 4])),
        lambda: case(6, BASELINE + nights(range(1, 6), [2, 3])),
        "3 bad nights of 5 told, night 6 of 7 at this dose. Expected in the first week, and usually over within it: "
        "keep the dose, look again on day 8.",
    ),
    Edge(
        "R06 morning",
        lambda: case(13, BASELINE + nights(range(1, 13), [6, 7, 8])),
        lambda: case(13, BASELINE + nights(range(1, 13), [6, 7])),
        "3 bad nights of 7",
    ),
    Edge(
        "R06 back",
        lambda: case(
            25,
            BASELINE + nights(range(1, 25), [22, 23, 24]),
            changes=(in_the_morning(5), stepped(16)),
        ),
        lambda: case(25, BASELINE + nights(range(1, 25), [23, 24]), changes=(in_the_morning(5), stepped(16))),
        "go back to 1.5 mg",
    ),
    Edge(
        "R07 nights",
        lambda: case(8, nights(range(1, 8), [1, 2, 3, 4, 5])),
        lambda: case(8, nights(range(1, 8), [1, 2, 3, 4])),
        "5 bad nights of 7",
    ),
    Edge(
        "R07 hours",
        lambda: case(8, BASELINE + nights(range(1, 8), sleep_hours=Decimal("6.5"))),
        lambda: case(8, BASELINE + nights(range(1, 8), sleep_hours=Decimal("6.51"))),
        "60 minutes less",
    ),
    Edge(
        "R07 score",
        lambda: case(8, assessments=(assessed("isi", 0, 8), assessed("isi", 7, 14))),
        lambda: case(8, assessments=(assessed("isi", 0, 8), assessed("isi", 7, 13))),
        "rose by 6",
    ),
    Edge(
        "R08a vivid",
        lambda: case(8, nights(range(1, 8), dream_vividness=1, dream_distress=3)),
        lambda: case(8, nights(range(1, 8), dream_vividness=0, dream_distress=0)),
        "at most 3 of 10",
        closes=False,
    ),
    Edge(
        "R08b moderate",
        lambda: case(8, week(7, hits=3, dream_distress=4)),
        lambda: case(8, week(7, hits=2, dream_distress=4)),
        "3 of 3 nights",
    ),
    Edge(
        "R08c severe",
        lambda: case(8, week(7, hits=2, dream_distress=7)),
        lambda: case(8, week(7, hits=2, dream_distress=6)),
        "2 of 2 nights",
    ),
    Edge(
        "R08c left out",
        lambda: case(8, week(7, hits=1, taken=False, skipped_because="dreams")),
        lambda: case(8, week(7, hits=1, taken=False, skipped_because="forgot")),
        "left out because of dreams",
    ),
    Edge(
        "R08c panic",
        lambda: case(8, week(7, hits=1, dream_vividness=2, severities={"panic": "severe"})),
        lambda: case(8, week(7, hits=1, severities={"panic": "severe"})),
        "Panic with vivid dreams on 1 of the last 7 nights",
    ),
    Edge(
        "R09 ready",
        lambda: case(14, BASELINE + nights(range(1, 14))),
        lambda: case(13, BASELINE + nights(range(1, 13))),
        "The step to 3 mg, due on 20 January 2025, is ready for a decision: 7 of the last 7 nights are told",
        closes=False,
    ),
    Edge(
        "R09 waits",
        lambda: case(
            13,
            BASELINE + nights(range(1, 13)),
            labs=(lab("alt", 4, 201),),
        ),
        lambda: case(12, BASELINE + nights(range(1, 12)), labs=(lab("alt", 4, 201),)),
        "The step to 3 mg, due on 20 January 2025, waits: “Liver tests” is open.",
    ),
    Edge(
        "R10 worse",
        lambda: _after_step(4, 6),
        lambda: _after_step(7, 8),
        "is 6 at 3 mg; it was 4",
    ),
    Edge(
        "R10 worse",
        lambda: _after_step(3, 4),
        lambda: _after_step(2, 3),
        "is 4 at 3 mg; it was 3",
    ),
    Edge("R10 not alike", lambda: _unlike(True), lambda: _unlike(False), "this week is a menstrual one", closes=False),
    Edge(
        "R11 half",
        lambda: case(20, nights(range(-6, 1), lead_symptom=6) + nights(range(10, 20), lead_symptom=3)),
        lambda: case(20, nights(range(-6, 1), lead_symptom=6) + nights(range(10, 20), lead_symptom=4)),
        "50 %",
    ),
    Edge(
        "R11 said",
        lambda: case(20, assessments=(assessed("pgic", 18, 2),)),
        lambda: case(20, assessments=(assessed("pgic", 18, 3),)),
        "2 of 7",
    ),
    Edge(
        "R12 class",
        lambda: steady(56, 6, 4),
        lambda: steady(55, 6, 4),
        "8 weeks at 4.5 mg: the lead symptom went from 6",
        closes=False,
    ),
    Edge(
        "R12 unknown",
        lambda: case(57, nights(range(50, 57)), protocol="FIX-4.5"),
        lambda: case(56, nights(range(49, 56)), protocol="FIX-4.5"),
        "8 weeks at 4.5 mg, and too few nights",
        closes=False,
    ),
    Edge("R13 none", lambda: steady(84, 6, 6), lambda: steady(83, 6, 6), "12 weeks at 4.5 mg, ", closes=False),
    Edge(
        "R13 fixed",
        lambda: steady(84, 6, 6, fixed_dose_protocol=True),
        lambda: steady(84, 6, 5, fixed_dose_protocol=True),
        "12 weeks at a fixed 4.5 mg, ",
        closes=False,
    ),
    Edge(
        "R14 row",
        lambda: case(10, nights(range(1, 8)) + nights((8, 9), taken=False)),
        lambda: case(10, nights(range(1, 9)) + nights((9,), taken=False)),
        "2 nights in a row",
        closes=False,
    ),
    Edge(
        "R14 week",
        lambda: case(10, nights((3, 4, 6, 8)) + nights((5, 7, 9), taken=False)),
        lambda: case(10, nights((3, 4, 5, 6, 8)) + nights((7, 9), taken=False)),
        "3 of the last 7",
    ),
    Edge(
        "R14 gap",
        lambda: case(12, nights(range(1, 5)) + nights(range(5, 12), taken=False)),
        lambda: case(12, nights(range(1, 6)) + nights(range(6, 12), taken=False)),
        "7 nights without a dose",
    ),
    Edge(
        "R14 again",
        lambda: case(19, nights(range(1, 5)) + nights(range(5, 19), taken=False)),
        lambda: case(18, nights(range(1, 5)) + nights(range(5, 18), taken=False)),
        "14 nights without a dose",
    ),
    Edge(
        "R15 more",
        lambda: case(5, [good(4, taken_mg=MG("1.501"))]),
        lambda: case(5, [good(4, taken_mg=MG("1.5"))]),
        "1.5 mg was planned",
    ),
    Edge(
        "R15 more",
        lambda: case(6, [good(3, clarified_on=day(6)), good(4, taken_mg=MG("3"))]),
        lambda: case(6, [good(3), good(4, taken_mg=MG("3"), clarified_on=day(6))]),
        "1.5 mg was planned",
    ),
    Edge(
        "R15 close",
        lambda: case(5, [good(3, taken_at=_at(3, 22)), good(4, taken_at=_at(3, 22) + timedelta(hours=11, minutes=59))]),
        lambda: case(5, [good(3, taken_at=_at(3, 22)), good(4, taken_at=_at(3, 22) + timedelta(hours=12))]),
        "11 hours",
    ),
    Edge(
        "R15 close",
        lambda: _close(before=None, after=day(6)),
        lambda: _close(before=day(6), after=day(6)),
        "11 hours",
    ),
    Edge(
        "R15 close",
        lambda: _close(before=None, after=day(6), taken_mg=MG("3")),
        lambda: _close(before=day(6), after=day(6), taken_mg=MG("3")),
        "11 hours",
    ),
    Edge(
        "R15 close child",
        lambda: _child(nights=(good(3, taken_at=_at(3, 22)), good(4, taken_at=_at(4, 9)))),
        lambda: _child(nights=(good(3, taken_at=_at(3, 22)), good(4, taken_at=_at(4, 10)))),
        "11 hours",
    ),
    Edge(
        "R15 unplanned",
        lambda: case(8, [good(6, taken_mg=MG("1.5"))], changes=(Pause(day(5), None),)),
        lambda: case(8, [good(6, taken=False)], changes=(Pause(day(5), None),)),
        "no dose was planned",
    ),
    Edge(
        "R15 poison",
        lambda: case(5, [good(4, taken_mg=MG("10.001"))]),
        lambda: case(5, [good(4, taken_mg=MG("10"))]),
        "10.001 mg was taken on the night of 9 January 2025; 1.5 mg was planned",
    ),
    Edge(
        "R15 poison",
        lambda: case(5, [good(4, taken_mg=MG("10.001"), clarified_on=day(5))]),
        lambda: case(5, [good(4, taken_mg=MG("10"), clarified_on=day(5))]),
        "poison line",
    ),
    Edge(
        "R16 ahead",
        lambda: case(5, procedures=(Procedure(on=day(20), entered_on=day(5)),)),
        lambda: case(5, procedures=(Procedure(on=day(20), entered_on=day(6)),)),
        "21 January 2025",
    ),
    Edge(
        "R16 stopped",
        lambda: case(17, procedures=(Procedure(on=day(20)),)),
        lambda: case(16, procedures=(Procedure(on=day(20)),)),
        "A procedure on 25 January 2025: no dose since 21 January 2025",
    ),
    Edge(
        "R16 not yet",
        lambda: case(21, procedures=(Procedure(on=day(20)),)),
        lambda: case(21, procedures=(Procedure(on=day(20), closed_on=day(21)),)),
        "10 opioid-free days",
    ),
    Edge(
        "R16 counting",
        lambda: case(31, procedures=(Procedure(on=day(20), opioid_free_since_on=day(22)),)),
        lambda: case(32, procedures=(Procedure(on=day(20), opioid_free_since_on=day(22)),)),
        "6 February 2025",
    ),
    Edge(
        "R16 restart",
        lambda: case(32, procedures=(Procedure(on=day(20), opioid_free_since_on=day(22)),)),
        lambda: case(31, procedures=(Procedure(on=day(20), opioid_free_since_on=day(22)),)),
        "No opioid since 27 January 2025, after the procedure of 25 January 2025: 10 days are over",
    ),
    Edge(
        "R17 answered",
        lambda: case(5, screening={"pregnant": "unsure"}),
        lambda: case(5, screening={"pregnant": "no"}),
        '"Pregnant?" Not sure.',
    ),
    Edge(
        "R17 tested",
        lambda: case(5, labs=(lab("hcg", 4, "5.1", high=5),)),
        lambda: case(5, labs=(lab("hcg", 4, 5, high=5),)),
        "9 January 2025",
    ),
    Edge(
        "R17 tested",
        lambda: case(5, labs=(lab("hcg", 4, 5, high=5, comparator=">"),)),
        lambda: case(5, labs=(lab("hcg", 4, 5, high=5, comparator="<"),)),
        "9 January 2025",
    ),
    Edge("R17 answered", lambda: case(5, screening={"breastfeeding": "yes"}), lambda: case(5), '"Breastfeeding?" Yes.'),
    Edge(
        "R17 tested",
        lambda: case(5, labs=(lab("pregnancy_test", 4, 1),)),
        lambda: case(5, labs=(lab("pregnancy_test", 4, 0),)),
        "9 January 2025",
    ),
    Edge(
        "R18 signs",
        lambda: case(5, [signs(4, "tremor", "palpitations")], screening={"thyroid_replacement": "yes"}),
        lambda: case(5, [signs(4, "tremor")], screening={"thyroid_replacement": "yes"}),
        "2 signs",
    ),
    Edge(
        "R18 signs",
        lambda: _pulse(15),
        lambda: _pulse(14),
        "resting pulse",
    ),
    Edge(
        "R18 signs",
        lambda: case(5, [signs(4, "weight_loss", "racing_pulse")], screening={"thyroid_replacement": "yes"}),
        lambda: case(5, [signs(4, "palpitations", "racing_pulse")], screening={"thyroid_replacement": "yes"}),
        "palpitations, weight loss",
    ),
    Edge(
        "R18 due",
        lambda: _hashimoto(57, lab("tsh", -3, 2), lab("tsh", 42, 2)),
        lambda: _hashimoto(57, lab("tsh", -3, 2), lab("tsh", 43, 2)),
        "due by 3 March 2025",
    ),
    Edge(
        "R18 baseline",
        lambda: _hashimoto(5),
        lambda: _hashimoto(5, lab("tsh", -3, 2)),
        "No TSH",
    ),
    Edge(
        "R18 due",
        lambda: _hashimoto(57, lab("tsh", -3, 2)),
        lambda: _hashimoto(56, lab("tsh", -3, 2)),
        "3 March 2025",
    ),
    Edge(
        "R19 answered",
        lambda: case(0, screening={"transplant": "yes"}),
        lambda: case(0, screening={"transplant": "yes"}, co_signed=frozenset({"transplant"})),
        '"An organ transplant, with immunosuppressants?" Yes.',
    ),
    Edge(
        "R19 answered",
        lambda: case(0, screening={"transplant": "unsure"}),
        lambda: case(0, screening={"transplant": "no"}),
        '"An organ transplant, with immunosuppressants?" Not sure.',
    ),
    Edge(
        "R19 listed",
        lambda: case(0, medicines=(listed(MedicineClass.CHECKPOINT),)),
        lambda: case(0, medicines=(listed(MedicineClass.IMMUNOSUPPRESSANT),)),
        "immunotherapy",
    ),
    Edge(
        "R20 item 9",
        lambda: case(5, assessments=(assessed("phq-9", 4, 1, item9=1),)),
        lambda: case(5, assessments=(assessed("phq-9", 4, 27, item9=0),)),
        "item 9 was answered 1 of 3 (total 1)",
    ),
    Edge(
        "R20 phq-9 asked",
        lambda: case(5, assessments=(assessed("phq-2", 4, 3),)),
        lambda: case(5, assessments=(assessed("phq-2", 4, 2),)),
        "The PHQ-2 of 9 January 2025 is 3.",
    ),
    Edge(
        "R20 item 9 unknown",
        lambda: case(5, assessments=(assessed("phq-9", 4, 12),)),
        lambda: case(5, assessments=(assessed("phq-9", 4, 12, item9=0),)),
        "total 12",
    ),
    Edge(
        "R20 screening",
        lambda: case(0, screening={"suicidal_thoughts": "unsure"}),
        lambda: case(0, screening={"suicidal_thoughts": "no"}),
        '"Thoughts of suicide, or a suicide attempt ever?" Not sure.',
    ),
    Edge(
        "R20 screening",
        lambda: case(0, screening={"suicidal_thoughts": "yes"}),
        lambda: case(0),
        '"Thoughts of suicide, or a suicide attempt ever?" Yes.',
    ),
    Edge(
        "R21a crohn",
        lambda: _crohn(before=10, now="15"),
        lambda: _crohn(before=10, now="14"),
        "PRO2 is 15; it was 10",
    ),
    Edge(
        "R21a crohn",
        lambda: _crohn(before=11, now="16"),
        lambda: _crohn(before=12, now="16"),
        "PRO2 is 16; it was 11",
    ),
    Edge(
        "R21b colitis",
        lambda: _colitis(blood=1),
        lambda: _colitis(blood=Decimal("0.9")),
        "for blood is 1 over 3 days; what it was before the first dose is not known.",
    ),
    Edge(
        "R21b colitis",
        lambda: _colitis(usual=1, stools_vs_normal=2),
        lambda: _colitis(usual=2, stools_vs_normal=2),
        "for stools beyond the usual is 2 over 3 days, which is new.",
    ),
    Edge(
        "R21b colitis",
        lambda: _colitis(stools_vs_normal=2),
        lambda: _colitis(stools_vs_normal=1),
        "for stools beyond the usual is 2 over 3 days",
    ),
    Edge(
        "R21a unknown before",
        lambda: _crohn(before=None, now="14.1"),
        lambda: _crohn(before=None, now="14"),
        "PRO2 is 14.1; what it was before the first dose is not known",
    ),
    Edge(
        "R21b urgent",
        lambda: _colitis(blood=1, abdominal_pain=3),
        lambda: _colitis(blood=1, abdominal_pain=2),
        "is 1 over 3 days; what it was before the first dose is not known. Told with it: severe abdominal pain.",
    ),
    Edge("R22 worse", lambda: _spasms(4, 6), lambda: _spasms(4, 5), "is 6; it was 4"),
    Edge("R23 weight", lambda: _child(weight_kg=None), lambda: _child(today=5), "no dated weight"),
    Edge(
        "R23 weigh again",
        lambda: _child(today=91, weighed_on=day(0)),
        lambda: _child(today=90, weighed_on=day(0)),
        "last weighed on 5 January 2025 (30 kg)",
    ),
    Edge("R23 above", lambda: _child(weight_kg=Decimal("14.99")), lambda: _child(weight_kg=Decimal(30)), "1.499 mg"),
    Edge("R24 stable", lambda: steady(182, 6, 4), lambda: steady(181, 6, 4), "182 days", closes=False),
    Edge(
        "R25 few",
        lambda: case(8, nights((1, 2, 3))),
        lambda: case(8, nights((1, 2, 3, 4))),
        "3 of the last 7",
        closes=False,
    ),
    Edge(
        "R26 score",
        lambda: case(5, assessments=(assessed("audit-c", 4, 4),), sex="male"),
        lambda: case(5, assessments=(assessed("audit-c", 4, 3),), sex="male"),
        "is 4; the line for men is 4",
        closes=False,
    ),
    Edge(
        "R26 score",
        lambda: case(5, assessments=(assessed("audit-c", 4, 3),)),
        lambda: case(5, assessments=(assessed("audit-c", 4, 2),)),
        "the lower line, as neither male nor female is on record, is 3",
        closes=False,
    ),
    Edge(
        "R26 score",
        lambda: case(5, assessments=(assessed("audit-c", 4, 3),), sex="female"),
        lambda: case(5, assessments=(assessed("audit-c", 4, 2),), sex="female"),
        "the line for women is 3",
        closes=False,
    ),
    Edge(
        "R26 score",
        lambda: case(5, assessments=(assessed("audit-c", 4, 3),), sex="other"),
        lambda: case(5, assessments=(assessed("audit-c", 4, 2),), sex="other"),
        "the lower line",
        closes=False,
    ),
    Edge("R27 side effects", lambda: _product(2), lambda: _product(1), "2 of 7 nights told", closes=False),
    Edge("R27 less effect", lambda: _product(0, now=7), lambda: _product(0, now=6), "is 7; it was 5", closes=False),
    Edge(
        "R28 left",
        lambda: case(5, supply=Supply(refill_due_on=day(5), run_out_on=day(12), units_left="6 capsules")),
        lambda: case(5, supply=Supply(refill_due_on=day(6), run_out_on=day(13), units_left="7 capsules")),
        "6 capsules left",
        closes=False,
    ),
    Edge(
        "R28 soon",
        lambda: case(5, supply=Supply(refill_due_on=day(5), run_out_on=day(12))),
        lambda: case(5, supply=Supply(refill_due_on=day(6), run_out_on=day(13))),
        "runs out on 17 January 2025",
        closes=False,
    ),
    Edge(
        "R28 keeps",
        lambda: case(5, supply=Supply(refill_due_on=day(5), beyond_use_on=day(12))),
        lambda: case(5, supply=Supply(refill_due_on=day(6), beyond_use_on=day(13))),
        "17 January 2025",
        closes=False,
    ),
    Edge(
        "R29 typed",
        lambda: case(5, typed=(Typed(on=day(5), dose="450 mg", sentence="It is above 10 mg."),)),
        lambda: case(5, typed=(Typed(on=day(6), dose="450 mg", sentence="It is above 10 mg."),)),
        "450 mg",
        closes=False,
    ),
    Edge(
        "D01 due",
        lambda: case(5, consent_due="Nothing has been signed."),
        lambda: case(5),
        "Nothing has been signed.",
        closes=False,
    ),
    Edge(
        "D02 due",
        lambda: case(5, labs_due=(("Baseline", ("ALT", "AST")),)),
        lambda: case(5),
        "Baseline: ALT, AST.",
        closes=False,
    ),
    Edge(
        "R31 allergy",
        lambda: case(5, [signs(4, "hives")]),
        lambda: case(5, [signs(4, "rash")]),
        "“hives, or swelling of face or tongue” on the night of 9 January 2025",
    ),
    Edge(
        "R31 lung",
        lambda: case(5, [signs(4, "breathless")]),
        lambda: case(5, [signs(4, "cough")]),
        "“new trouble breathing, or a new cough” on the night of 9 January 2025",
    ),
    Edge(
        "R31 lung",
        lambda: case(5, [signs(4, "cough", "fever")]),
        lambda: case(5, [signs(4, "fever")]),
        "cough, fever",
    ),
    Edge(
        "D03 climbing",
        lambda: case(12, questionnaires_due=(("PEG", day(5)), ("PGIC", day(9)))),
        lambda: case(11, questionnaires_due=(("PEG", day(5)), ("PGIC", day(9)))),
        "10 January 2025: PEG.",
        closes=False,
    ),
    Edge(
        "D03 settled",
        lambda: case(40, protocol="FIX-4.5", questionnaires_due=(("PEG", day(33)),)),
        lambda: case(39, protocol="FIX-4.5", questionnaires_due=(("PEG", day(33)),)),
        "7 February 2025: PEG.",
        closes=False,
    ),
    Edge(
        "R30 days",
        lambda: case(8, week(7, hits=3, severities={"diarrhoea": "moderate"})),
        lambda: case(8, week(7, hits=2, severities={"diarrhoea": "moderate"})),
        "3 of 7 nights",
    ),
]


def _at(number: int, hour: int) -> datetime:
    return datetime.combine(day(number), datetime.min.time(), OSLO) + timedelta(hours=hour)


def _alt(value: str) -> Case:
    return case(5, labs=(lab("alt", 4, value),))


def _sign(code: str) -> Case:
    return case(5, [signs(4, code)])


def _after_step(before: int, now: int) -> Case:
    told = nights(range(8, 15), lead_symptom=before) + nights(range(15, 22), lead_symptom=now)
    return case(22, told, changes=(stepped(15),))


def _unlike(menstruating: bool) -> Case:
    told = nights(range(8, 15)) + nights(range(15, 22), menstruating=menstruating)
    return case(22, told, changes=(stepped(15),), conditions=frozenset({"endometriosis"}))


def _pulse(rise: int) -> Case:
    told = nights(range(-6, 1), scales={"resting_pulse": Decimal(60)})
    now = good(4, scales={"resting_pulse": Decimal(60 + rise)}, severities={"tremor": "mild"})
    return case(5, (*told, now), screening={"thyroid_replacement": "yes"})


def _hashimoto(today: int, *labs: Lab) -> Case:
    return case(today, labs=labs, conditions=frozenset({"hashimoto"}), medicines=(listed(MedicineClass.THYROID),))


def _crohn(before: int | None, now: str) -> Case:
    known = () if before is None else (assessed("pro2", -3, before),)
    assessments = (*known, Assessment(instrument="pro2", on=day(5), score=Decimal(now)))
    return case(6, conditions=frozenset({"crohn"}), assessments=assessments)


def _colitis(usual: object = None, **scales: object) -> Case:
    told = {name: Decimal(str(value)) for name, value in scales.items()}
    before = {} if usual is None else dict.fromkeys(told, Decimal(str(usual)))
    known = nights(range(-6, 1), scales=before) if before else ()
    return case(6, [*known, *(good(n, scales=told) for n in (4, 5, 6))], conditions=frozenset({"ulcerative_colitis"}))


def _spasms(before: int, now: int) -> Case:
    told = [good(n, scales={"stiffness": Decimal(before)}) for n in range(8, 15)]
    told += [good(n, scales={"stiffness": Decimal(now)}) for n in range(15, 22)]
    return case(22, told, changes=(stepped(15),), conditions=frozenset({"multiple_sclerosis"}))


def _close(before: date | None, after: date | None, **more: object) -> Case:
    """Two doses eleven hours apart, and when somebody found out what was taken on each of the two nights."""
    first = good(3, taken_at=_at(3, 22), clarified_on=before)
    return case(6, [first, good(4, taken_at=_at(4, 9), clarified_on=after, **more)])


def _child(today: int = 5, **more: object) -> Case:
    known = {"born_on": day(-3000), "weight_kg": Decimal(30), "weighed_on": day(0)}
    return case(today, **(known | more))


def _product(hurting: int, now: int = 5) -> Case:
    told = [good(n) for n in range(8, 15)]
    told += [
        good(n, lead_symptom=now, severities={"headache": "moderate"} if n >= 22 - hurting else {})
        for n in range(15, 22)
    ]
    return case(22, told, products=(Product(on=day(-2), lot="a"), Product(on=day(15), lot="b")))


@pytest.mark.parametrize("edge", EDGES, ids=[f"{number} {edge.name}" for number, edge in enumerate(EDGES)])
class TestEdges:
    def test_it_fires_at_its_threshold(self, edge: Edge) -> None:
        finding = found(edge.at()).get(edge.name)
        assert finding is not None
        assert edge.names in finding.sentence
        assert finding.closes_the_step is edge.closes
        assert "{" not in finding.sentence + finding.patient_sentence
        assert "None" not in finding.sentence + finding.patient_sentence

    def test_it_does_not_fire_one_below(self, edge: Edge) -> None:
        assert edge.name not in found(edge.below())

    def test_what_closes_the_step_keeps_it_closed(self, edge: Edge) -> None:
        if edge.closes:
            assert judge.judge(edge.at(), BOOK).step is judge.Step.CLOSED


ROOT = Path(__file__).parents[2]

TIERS_OF_THE_FACTS = {
    "emergency": "R03 R04 R04b R20",
    "stop": "R01 R02 R17 R19 R23 R29",
    "surgery": "R16",
    "decide": "R07 R10 R08c R15 R18 R21a R21b R22 R30",
    "hold": "R05 R06 R08b R14 R27",
    "step": "R09",
    "good news": "R11 R24",
    "review": "R12 R13",
    "data": "R25",
    "admin": "R26 R28",
    "note": "R08a",
}
"""Clinical facts 6.1, line 12; R04b is read as a part of R04."""

EXPLAINED = {
    "R01 inform",
    "R02 inform",
    "R04b not certain",
    "R10 not alike",
    "R14 row",
    "R20 phq-9 asked",
}
"""Parts that wait longer than their rule does: each for a reason that stands in the decision."""

TIERS_AND_BLOCKS = {
    "R00 hard": ("stop", "dose start step"),
    "R00 soft": ("stop", "start step"),
    "R00 egfr": ("stop", "start step"),
    "R00 guardian": ("stop", "dose start step"),
    "R00 together": ("note", ""),
    "R00 caution": ("note", ""),
    "R00 twice": ("stop", "dose start step"),
    "R01 active": ("stop", "dose start step"),
    "R01 washout": ("stop", "dose start step"),
    "R01 too early": ("stop", "dose step"),
    "R01 screening": ("stop", "dose start step"),
    "R01 inform": ("note", ""),
    "R02 told": ("stop", "dose step"),
    "R02 listed": ("stop", "dose step"),
    "R02 inform": ("note", ""),
    "R03 cluster": ("emergency", "dose step"),
    "R04 alone": ("emergency", "dose step"),
    "R04 before": ("emergency", "dose start step"),
    "R04 together": ("emergency", "dose step"),
    "R04b with signs": ("emergency", "dose start step"),
    "R04b not certain": ("data", "step"),
    "R04b alone": ("emergency", "dose start step"),
    "R05 expected": ("hold", "step"),
    "R06 morning": ("hold", "step"),
    "R06 back": ("hold", "step"),
    "R07 nights": ("decide", "step"),
    "R07 hours": ("decide", "step"),
    "R07 score": ("decide", "step"),
    "R08a vivid": ("note", ""),
    "R08b moderate": ("hold", "step"),
    "R08c severe": ("decide", "step"),
    "R08c left out": ("decide", "step"),
    "R08c panic": ("decide", "step"),
    "R09 ready": ("step", ""),
    "R09 waits": ("step", "step"),
    "R10 worse": ("decide", "step"),
    "R10 not alike": ("data", ""),
    "R11 half": ("good news", "step"),
    "R11 said": ("good news", "step"),
    "R12 class": ("review", ""),
    "R12 unknown": ("review", ""),
    "R13 none": ("review", ""),
    "R13 fixed": ("review", ""),
    "R14 row": ("note", ""),
    "R14 week": ("hold", "step"),
    "R14 gap": ("hold", "step"),
    "R14 again": ("hold", "dose step"),
    "R15 more": ("decide", "step"),
    "R15 close": ("decide", "step"),
    "R15 unplanned": ("decide", "step"),
    "R15 close child": ("decide", "dose step"),
    "R15 poison": ("decide", "dose step"),
    "R16 ahead": ("surgery", "step"),
    "R16 stopped": ("surgery", "dose step"),
    "R16 not yet": ("surgery", "dose step"),
    "R16 counting": ("surgery", "dose step"),
    "R16 restart": ("surgery", "dose step"),
    "R17 answered": ("stop", "dose start step"),
    "R17 tested": ("stop", "dose start step"),
    "R18 signs": ("decide", "step"),
    "R18 baseline": ("decide", "step"),
    "R18 due": ("decide", "step"),
    "R19 answered": ("stop", "start step"),
    "R19 listed": ("stop", "start step"),
    "R20 item 9": ("emergency", "step"),
    "R20 screening": ("emergency", "start step"),
    "R20 item 9 unknown": ("emergency", "step"),
    "R20 phq-9 asked": ("decide", "step"),
    "R21a crohn": ("decide", "step"),
    "R21a unknown before": ("decide", "step"),
    "R21b colitis": ("decide", "step"),
    "R21b urgent": ("decide", "step"),
    "R22 worse": ("decide", "step"),
    "R23 weight": ("stop", "start step"),
    "R23 weigh again": ("stop", "step"),
    "R23 above": ("stop", "start step"),
    "R24 stable": ("good news", ""),
    "R25 few": ("data", ""),
    "R26 score": ("admin", ""),
    "R27 side effects": ("hold", ""),
    "R27 less effect": ("hold", ""),
    "R28 left": ("admin", ""),
    "R28 soon": ("admin", ""),
    "R28 keeps": ("admin", ""),
    "R29 typed": ("stop", "save"),
    "R30 days": ("decide", "step"),
    "R31 allergy": ("emergency", "dose step"),
    "R31 lung": ("stop", "dose step"),
    "D01 due": ("admin", ""),
    "D02 due": ("admin", ""),
    "D03 climbing": ("admin", ""),
    "D03 settled": ("note", ""),
}
"""How soon somebody looks at each part, and what it closes: clinical facts 6 and 6.1, lines 5, 6, 8, 10 and 12. Beyond
them stand what the screening forbids (R00), allergy and lungs (R31), and what a clinic arranges (D01 to D03).
"""


class TestTheBook:
    def test_every_part_of_every_rule_has_its_edge(self) -> None:
        parts = {f"{rule.id} {part}" for rule in BOOK.rules.values() for part in rule.parts}
        assert parts == {edge.name for edge in EDGES}

    def test_every_rule_of_the_facts_is_there(self) -> None:
        assert {rule[:3] for rule in BOOK.rules} >= {f"R{number:02}" for number in range(1, 31)}

    def test_every_part_is_looked_at_as_soon_and_closes_what_the_facts_say(self) -> None:
        parts = {f"{rule.id} {part.name}": part for rule in BOOK.rules.values() for part in rule.parts.values()}
        said = {name: (part.tier.value, " ".join(sorted(part.blocks))) for name, part in parts.items()}
        assert said == TIERS_AND_BLOCKS

    def test_the_first_tier_wins(self) -> None:
        order = "emergency, stop, surgery, decide, hold, step, good news, review, data, admin, note"
        assert ", ".join(Tier) == order

    def test_each_rule_has_the_tier_of_the_facts_in_at_least_one_part(self) -> None:
        for tier, ids in TIERS_OF_THE_FACTS.items():
            for rule_id in ids.split():
                gravest = min((part.tier for part in BOOK.rules[rule_id].parts.values()), key=lambda one: one.place)
                assert gravest.value == tier, rule_id

    def test_a_part_below_its_rules_tier_is_one_that_the_decision_explains(self) -> None:
        of_rule = {rule_id: tier for tier, ids in TIERS_OF_THE_FACTS.items() for rule_id in ids.split()}
        below = {name for name, (tier, _) in TIERS_AND_BLOCKS.items() if tier != of_rule.get(name.split()[0], tier)}
        assert below == EXPLAINED
        decision = (ROOT / "docs/adr/0025-rules-are-data-beside-pure-functions.md").read_text("utf-8")
        tiers = decision[decision.index("- *Tiers*") :].partition("\n- *")[0]
        assert {name.split()[0] for name in EXPLAINED} <= set(re.findall(r"R[0-9]{2}[a-c]?", tiers))

    def test_a_clinics_number_is_held_within_its_ends(self) -> None:
        stricter = BOOK.with_thresholds({"severe_bad_nights": Decimal(4)})
        four = case(8, nights(range(1, 8), [1, 2, 3, 4]))
        assert any(one.rule == "R07" for one in judge.judge(four, stricter).findings)
        with pytest.raises(book.EngineRefusal, match="from 7 to 30 days"):
            BOOK.with_thresholds({"washout_short_days": Decimal(6)})

    def test_nobody_is_promised_anything(self) -> None:
        said = " ".join(
            part.sentence + part.patient_sentence for rule in BOOK.rules.values() for part in rule.parts.values()
        ).lower()
        for word in ("cure", "guarantee", "will help", "will work", "safe to"):
            assert word not in said


class TestReading:
    """The lines of clinical facts 6.1 that are not a threshold."""

    def test_nothing_known_finds_nothing(self) -> None:
        assert judge.judge(Case(today=FIRST), BOOK).findings == ()

    def test_five_bad_nights_that_were_usual_are_no_severe_insomnia(self) -> None:
        usual = nights(range(-6, 1), range(-6, -1))
        assert "R07" not in rules(case(8, usual + nights(range(1, 8), range(1, 6))))
        assert "R07" in rules(case(8, usual + nights(range(1, 8), range(1, 8))))

    def test_signs_that_were_there_before_are_not_withdrawal(self) -> None:
        before = tuple(signs(n, "sweats_chills", "yawning", "tremor") for n in range(-6, 1))
        now = signs(4, "sweats_chills", "yawning", "tremor", other=TRAMADOL)
        assert "R03" not in rules(case(5, (*before, now)))

    def test_withdrawal_needs_an_opioid_within_two_weeks(self) -> None:
        told = signs(20, "sweats_chills", "yawning", "tremor")
        last = Medicine(words="codeine", medicine_class=MedicineClass.SHORT, last_taken_on=day(6))
        assert "R03" in rules(case(21, [told], medicines=(last,)))
        earlier = Medicine(words="codeine", medicine_class=MedicineClass.SHORT, last_taken_on=day(5))
        assert "R03" not in rules(case(21, [told], medicines=(earlier,)))

    def test_without_any_dose_within_a_day_there_is_no_withdrawal(self) -> None:
        told = signs(4, "sweats_chills", "yawning", "tremor", other=TRAMADOL, taken=False)
        assert "R03" not in rules(case(5, [good(3, taken=False), told]))
        assert "R03" in rules(case(5, [good(3), told]))

    def test_menstrual_weeks_are_compared_with_menstrual_weeks(self) -> None:
        before = nights(range(8, 15), lead_symptom=4)
        now = nights(range(15, 22), lead_symptom=8, menstruating=True)
        known = {"changes": (stepped(15),), "conditions": frozenset({"endometriosis"})}
        unlike = case(28, before + now + nights(range(22, 28), lead_symptom=8, menstruating=True), **known)
        assert "R10 worse" not in found(unlike)
        # That two weeks cannot be compared is no yes and no no.
        assert judge.judge(unlike, BOOK).step is judge.Step.UNKNOWN
        alike = nights(range(8, 15), lead_symptom=4, menstruating=True)
        assert "R10 worse" in found(case(22, alike + now, **known))

    def test_the_way_back_is_what_the_stock_can_make(self) -> None:
        told = nights(range(8, 15), lead_symptom=4) + nights(range(15, 22), lead_symptom=8)
        back = case(22, told, changes=(stepped(15),), makeable=frozenset({MG("1.5"), MG("3")}))
        assert found(back)["R10 worse"].offers == (Offer.STEP_BACK,)
        stuck = case(22, told, changes=(stepped(15),), makeable=frozenset({MG("3")}))
        assert found(stuck)["R10 worse"].offers == (Offer.SKIP_AND_CALL,)

    def test_below_the_first_step_a_lower_dose_or_none(self) -> None:
        told = nights(range(1, 8), range(1, 8))
        assert found(case(8, told, makeable=frozenset({MG("0.5")})))["R07 nights"].offers == (Offer.LOWER,)
        assert found(case(8, told, makeable=frozenset({MG("1.5")})))["R07 nights"].offers == (Offer.STOP,)

    def test_a_week_template_counts_from_the_start_of_the_dose(self) -> None:
        told = BASELINE + nights(range(1, 8), [1, 2, 3])
        assert "R06" in rules(case(8, told, protocol="STD-1W"))
        assert "R05" in rules(case(5, BASELINE + nights(range(1, 5), [1, 2, 3]), protocol="STD-1W"))

    def test_the_grace_restarts_with_each_dose(self) -> None:
        told = nights(range(1, 15)) + nights(range(15, 20), [15, 16, 17])
        assert found(case(20, told, changes=(stepped(15),)))["R05 expected"].data["day"] == 6

    def test_a_dismissed_finding_closes_nothing(self) -> None:
        poor = case(14, BASELINE + nights(range(1, 14), [7, 8, 9]))
        judged = judge.judge(poor, BOOK)
        keys = frozenset(one.key for one in judged.findings if one.rule == "R06")
        assert judged.step is judge.Step.CLOSED
        assert judge.judge(poor, BOOK, set_aside=keys).step is judge.Step.OPEN

    def test_few_nights_are_neither_yes_nor_no(self) -> None:
        assert judge.judge(case(15, nights((10, 11, 12, 13))), BOOK).step is judge.Step.UNKNOWN

    def test_the_most_urgent_speaks_first(self) -> None:
        told = [*nights(range(1, 8), range(1, 8)), signs(8, "vomiting", "anxiety", other=TRAMADOL)]
        order = [one.tier.place for one in judge.judge(case(9, told), BOOK).findings]
        assert order == sorted(order)
        assert judge.judge(case(9, told), BOOK).findings[0].rule == "R03"

    def test_bad_is_short_long_awake_or_poor(self) -> None:
        for one in ({"sleep_hours": Decimal("5.99")}, {"latency_min": 31}, {"awake_min": 31}, {"quality": 2}):
            assert "R07" in rules(case(8, nights(range(1, 8), **one)))
        for one in ({"sleep_hours": Decimal(6)}, {"latency_min": 30}, {"awake_min": 30}, {"quality": 3}):
            assert "R07" not in rules(case(8, nights(range(1, 8), **one)))

    def test_two_doses_told_as_left_out_close_the_step_however_little_else_was_told(self) -> None:
        left_out = [Night(night=day(number), taken=False) for number in (12, 13)]
        told = case(14, (*BASELINE, *nights(range(7, 12)), *left_out))
        assert judge.judge(told, BOOK).why == ("2 of the last 7 doses were told as not taken; a step needs at most 1.",)

    def test_tonights_bad_news_counts_at_once(self) -> None:
        so_far = BASELINE + nights(range(1, 14))
        tonight = Night(night=day(14), severities={"headache": "severe"})
        assert judge.judge(case(14, so_far), BOOK).step is judge.Step.OPEN
        assert judge.judge(case(14, (*so_far, tonight)), BOOK).step is judge.Step.CLOSED

    def test_a_dose_told_otherwise_than_prescribed_waits_for_an_answer(self) -> None:
        told = Differing(day(12), MG("0.5"), MG("1.5"))
        judged = judge.judge(case(14, BASELINE + nights(range(1, 14)), differing=(told,)), BOOK)
        assert "0.5 mg instead of 1.5 mg on 17 January 2025" in judged.why[0]

    def test_planned_days_off_are_no_gap(self) -> None:
        off = case(20, nights(range(1, 5)), changes=(OnOff(day(5), days_on=1, days_off=28),))
        assert "R14" not in rules(off)
        paused = case(20, nights(range(1, 5)), changes=(Pause(day(5), None),))
        assert "R14 again" in found(paused)
        assert "R14" not in rules(case(8, nights(range(1, 5)), changes=(Pause(day(5), None),)))

    def test_what_a_paused_patient_leaves_out_was_not_planned(self) -> None:
        told = nights(range(1, 5)) + nights(range(5, 9), taken=False)
        assert "R14" not in rules(case(9, told, changes=(Pause(day(5), None),)))

    def test_a_washout_that_somebody_decided_on_is_not_asked_again_after_the_start(self) -> None:
        last = (listed(MedicineClass.SHORT, last_taken_on=day(0)),)
        assert "R01" not in rules(case(5, medicines=last, washout_decided=True))

    def test_what_is_on_the_list_without_a_date_is_one_thing_every_day(self) -> None:
        undated = (listed(MedicineClass.SHORT),)
        assert (
            found(case(5, medicines=undated))["R02 listed"].key == found(case(9, medicines=undated))["R02 listed"].key
        )

    def test_somebody_who_came_at_a_dose_goes_down_the_ladder(self) -> None:
        told = nights(range(1, 8), range(1, 8))
        came = case(8, told, protocol="FIX-4.5", ladder=(MG("1.5"), MG("3"), MG("4.5")))
        assert "go back to 3 mg" in found(came)["R07 nights"].sentence

    def test_without_nights_before_it_nothing_is_more_than_before(self) -> None:
        assert "more than before" not in found(case(8, nights(range(1, 8), range(1, 6))))["R07 nights"].sentence

    def test_of_the_time_before_the_plan_nothing_is_known(self) -> None:
        already = {"first_dose_on": day(-300)}
        told = [good(-2, taken=True), good(1, taken=False)]
        assert "R14" not in rules(case(2, told, **already))
        assert "R15" not in rules(case(2, told, **already))
        assert "R14" not in rules(case(1, **already))

    def test_a_step_does_not_wait_for_its_day(self) -> None:
        assert rules(case(13, BASELINE + nights(range(1, 13)))) == set()
        assert "R09" not in rules(case(13))

    def test_a_step_that_may_happen_says_on_how_many_nights_it_rests(self) -> None:
        ready = case(14, BASELINE + nights(range(8, 13)) + nights((13,), taken=False))
        assert "6 of the last 7 nights are told, 1 dose left out" in found(ready)["R09 ready"].sentence

    def test_dreams_whose_distress_nobody_told_are_not_called_expected(self) -> None:
        sentence = found(case(8, nights(range(1, 8), dream_vividness=2)))["R08a vivid"].sentence
        assert sentence == "Vivid dreams on 7 of 7 nights told, how much they distress is not told. Ask."

    def test_a_number_is_shown_as_it_was_told(self) -> None:
        shown = found(case(5, labs=(lab("alt", 4, "250.50"),)))["R04b alone"]
        assert "ALT was 250.5 on" in shown.sentence
        assert shown.data["value"] == "250.5"

    def test_worse_is_said_as_worse(self) -> None:
        assert "(33.3 % worse). Response: none." in found(steady(56, 6, 8))["R12 class"].sentence

    def test_bad_nights_not_told_of_are_not_bad(self) -> None:
        assert "R07" not in rules(case(8, [bad(n) for n in (1, 2, 3, 4)]))

    def test_a_phq_9_that_was_asked_and_answered_is_not_asked_again(self) -> None:
        two = assessed("phq-2", 4, 4)
        nine = Assessment(instrument="phq-9", on=day(4), score=Decimal(8), item9=0, answered_on=day(5))
        assert "R20" not in rules(case(6, assessments=(two, nine)))
        assert "R20" in rules(case(6, assessments=(two, assessed("phq-9", 3, 8, item9=0))))

    def test_the_gravest_of_two_answers_of_a_day_counts(self) -> None:
        light, grave = assessed("phq-9", 4, 3, item9=0), assessed("phq-9", 4, 4, item9=1)
        for answers in ((light, grave), (grave, light)):
            assert "R20 item 9" in found(case(5, assessments=answers))

    def test_side_effects_after_a_product_are_more_only_than_those_of_a_week_told_of(self) -> None:
        told = [good(n, severities={"headache": "moderate"}) for n in range(15, 22)]
        changed = {"products": (Product(on=day(-2), lot="a"), Product(on=day(15), lot="b"))}
        assert "R27" not in rules(case(22, [*nights((12, 13, 14)), *told], **changed))
        assert "R27" in rules(case(22, [*nights((11, 12, 13, 14)), *told], **changed))

    def test_a_flare_of_three_days_is_seen_on_the_next_morning(self) -> None:
        bleeding = [good(n, scales={"blood": Decimal(1)}) for n in (5, 6, 7)]
        ill = {"conditions": frozenset({"ulcerative_colitis"})}
        assert "R21b" in rules(case(8, bleeding, **ill))
        assert "R21b" not in rules(case(8, bleeding[1:], **ill))

    def test_what_was_there_before_the_first_dose_is_no_red_flag(self) -> None:
        before = tuple(signs(n, "hives", "breathless") for n in range(-6, 1))
        assert "R31" not in rules(case(5, (*before, signs(4, "hives", "breathless"))))
        assert "R31" in rules(case(5, (*before, signs(4, "wheeze"))))

    def test_an_allergy_to_the_first_dose_is_heard_on_its_own_day(self) -> None:
        assert "R31" in rules(case(1, [signs(1, "hives")]))
        assert "R31" not in rules(case(1, [signs(1, "hives")], awaiting=True))

    def test_fever_makes_a_flare_urgent(self) -> None:
        bleeding = [good(n, scales={"blood": Decimal(1)}, severities={"fever": "mild"}) for n in (5, 6, 7)]
        told = found(case(8, bleeding, conditions=frozenset({"ulcerative_colitis"})))
        assert "Told with it: fever." in told["R21b urgent"].sentence

    def test_a_restart_says_whether_the_dose_is_built_up_again(self) -> None:
        soon = case(32, procedures=(Procedure(on=day(20), opioid_free_since_on=day(22)),))
        assert "15 nights without one: the dose is built up again" in found(soon)["R16 restart"].sentence
        shorter = case(30, procedures=(Procedure(on=day(20), opioid_free_since_on=day(20)),))
        assert "13 nights without one: the same dose can be taken again" in found(shorter)["R16 restart"].sentence

    def test_free_days_told_one_by_one_count_only_while_they_are_told(self) -> None:
        told = (Procedure(on=day(20), opioid_free_since_on=day(22), told_to=day(31)),)
        for number, part in ((31, "counting"), (32, "restart"), (33, "not yet")):
            assert f"R16 {part}" in found(case(number, procedures=told))

    def test_days_before_a_procedure_are_not_free_of_its_opioids(self) -> None:
        early = (Procedure(on=day(20), opioid_free_since_on=day(10)),)
        assert "R16 counting" in found(case(29, procedures=early))
        assert "R16 restart" in found(case(30, procedures=early))

    def test_the_anaesthetist_is_never_told_by_a_day_that_is_past(self) -> None:
        ahead = (Procedure(on=day(20)),)
        assert "Tell the anaesthetist by 11 January 2025." in found(case(6, procedures=ahead))["R16 ahead"].sentence
        assert "Tell the anaesthetist now." in found(case(7, procedures=ahead))["R16 ahead"].sentence

    def test_a_clinic_that_orders_earlier_is_told_earlier(self) -> None:
        low = case(5, supply=Supply(refill_due_on=day(12), run_out_on=day(19), units_left="14 capsules"))
        assert "R28" not in rules(low)
        earlier = BOOK.with_thresholds({"refill_days": Decimal(14)})
        assert any(one.rule == "R28" for one in judge.judge(low, earlier).findings)


class TestGivingWay:
    """Clinical facts 6: a lower rule may not re-enable what a higher one blocked."""

    LEFT_OUT = (*nights(range(1, 5)), *nights((6, 7), taken=False))

    def test_who_is_to_take_no_dose_is_not_told_how_to_take_the_next(self) -> None:
        told = found(case(8, (*self.LEFT_OUT, good(5))))
        assert "take the next one as planned" in told["R14 row"].patient_sentence
        tripped = found(case(8, (*self.LEFT_OUT, good(5, other=TRAMADOL))))
        assert tripped["R14 row"].patient_sentence == ""
        assert tripped["R02 told"].patient_sentence

    def test_what_was_dismissed_keeps_nothing_back(self) -> None:
        tripped = case(8, (*self.LEFT_OUT, good(5, other=TRAMADOL)))
        key = found(tripped)["R02 told"].key
        judged = judge.judge(tripped, BOOK, set_aside=frozenset({key}))
        assert next(one for one in judged.findings if one.rule == "R14").patient_sentence

    def test_no_way_up_is_offered_beside_what_closes_it(self) -> None:
        better = nights(range(-6, 1), lead_symptom=6) + nights(range(10, 20), lead_symptom=3)
        assert Offer.STEP_UP in found(case(20, better))["R11 half"].offers
        ill = case(20, better, labs=(lab("alt", 19, 201),))
        assert found(ill)["R11 half"].offers == (Offer.STAY,)

    def test_no_restart_after_a_gap_is_offered_beside_an_opioid(self) -> None:
        gone = nights(range(5, 19), taken=False)
        assert found(case(19, (*nights(range(1, 5)), *gone)))["R14 again"].offers == (Offer.RESTART,)
        gone = (*gone[:-1], good(18, taken=False, other=TRAMADOL))
        assert found(case(19, (*nights(range(1, 5)), *gone)))["R14 again"].offers == ()

    def test_every_sentence_about_taking_the_next_dose_gives_way(self) -> None:
        for rule in BOOK.rules.values():
            for part in rule.parts.values():
                said = part.patient_sentence.lower()
                if Block.DOSE not in part.blocks and any(
                    words in said for words in ("take the next", "keep your dose", "take your last dose", "may skip")
                ):
                    assert part.while_taken, f"{rule.id} {part.name}"
