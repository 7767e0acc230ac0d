"""What holds of the rules whatever was told: bad news closes, order does not matter, and nothing comes of nothing."""

import json
import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from common.medicine_classes import MedicineClass
from tests.unit.cases import BOOK, MG, case, day, in_the_morning, stepped
from titration import protocol_files
from titration.engine.advice import judge
from titration.engine.advice.case import Case, Night, Other
from titration.engine.advice.finding import Tier
from titration.replay import reading, running, telling

SIGNS = (
    "nausea",
    "diarrhoea",
    "headache",
    "sweats_chills",
    "yawning",
    "tremor",
    "anxiety",
    "dark_urine",
    "palpitations",
)
LAST = 34
WINDOW = 7


def tellings() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "taken": st.sampled_from([True, True, True, False, None]),
            "sleep_hours": st.sampled_from([None, Decimal(5), Decimal("6.5"), Decimal(8)]),
            "latency_min": st.sampled_from([None, 10, 31]),
            "quality": st.sampled_from([None, 1, 3, 5]),
            "lead_symptom": st.one_of(st.none(), st.integers(0, 10)),
            "dream_distress": st.sampled_from([None, 0, 3, 5, 8]),
            "severities": st.dictionaries(st.sampled_from(SIGNS), st.sampled_from(["mild", "moderate"]), max_size=3),
        }
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    told = draw(st.dictionaries(st.integers(-6, LAST - 1), tellings(), max_size=LAST + 6))
    nights = [Night(night=day(number), **one) for number, one in told.items()]
    changes = draw(st.sampled_from([(), (stepped(15),), (in_the_morning(5), stepped(16))]))
    return case(draw(st.integers(18, LAST)), nights, changes=changes)


def worse(draw: st.DrawFn, one: Case) -> Case:
    """The same with one piece of bad news more: of a night since the last step, told before or not; of the screening.

    A sign of emergency and an opioid are bad news whichever night since the first dose they are told of.
    """
    kind = draw(st.sampled_from(["bad night", "dreams", "sign", "symptom", "opioid", "mood", "left out", "too much"]))
    since = max(segment.from_on for segment in one.in_force if segment.from_on <= one.today)
    if kind in ("sign", "opioid") and one.first_dose_on is not None:
        since = one.first_dose_on
    number = draw(st.integers(0, max(0, (one.today - since).days - 1)))
    night = since + timedelta(days=number)
    told = next((old for old in one.nights if old.night == night), None)
    if told is None:
        told = Night(night=night)
        one = replace(one, nights=tuple(sorted((*one.nights, told), key=lambda known: known.night)))
    match kind:
        case "bad night":
            worse_night = replace(told, latency_min=200, quality=1)
        case "dreams":
            worse_night = replace(told, dream_distress=10, dream_vividness=3)
        case "sign":
            worse_night = replace(
                told, severities={**told.severities, "jaundice": "mild", "dark_urine": "mild", "nausea": "severe"}
            )
        case "symptom":
            worse_night = replace(told, lead_symptom=10)
        case "opioid":
            other = Other(words="codeine", medicine_class=MedicineClass.SHORT)
            worse_night = replace(told, other=other)
        case "left out":
            worse_night = replace(told, taken=False)
        case "too much":
            worse_night = replace(told, taken=True, taken_mg=MG("12"))
        case _:
            return replace(one, screening={"suicidal_thoughts": "yes"})
    return replace(one, nights=tuple(worse_night if old is told else old for old in one.nights))


class TestBadNews:
    @given(st.data())
    def test_it_never_opens_a_step(self, data: st.DataObject) -> None:
        one = data.draw(cases())
        other = data.draw(st.composite(lambda draw: worse(draw, one))())
        before, after = judge.judge(one, BOOK), judge.judge(other, BOOK)
        # Good news closes too, until a person decides; what closes for safety's sake is never taken away by worse.
        safety = [found for found in before.findings if found.closes_the_step and found.tier is not Tier.GOOD_NEWS]
        if any(found.rule != "R09" for found in safety):
            assert after.step is judge.Step.CLOSED
        blocks = {block for found in safety if found.rule != "R09" for block in found.blocks}
        assert blocks <= {block for found in after.findings for block in found.blocks}

    @given(cases())
    def test_the_step_is_open_only_where_nothing_closes_it(self, one: Case) -> None:
        judged = judge.judge(one, BOOK)
        if judged.step is judge.Step.OPEN:
            assert not any(found.closes_the_step for found in judged.findings)
            assert judged.why == ()
        else:
            assert all(sentence.endswith(".") for sentence in judged.why)
            assert judged.why

    @given(cases())
    def test_a_finding_is_named_once_and_rests_on_what_was_told(self, one: Case) -> None:
        findings = judge.judge(one, BOOK).findings
        assert len({found.key for found in findings}) == len(findings)
        assert all(found.data for found in findings)
        assert json.dumps([dict(found.data) for found in findings])

    @given(cases())
    def test_looked_at_twice_it_is_the_same(self, one: Case) -> None:
        assert judge.judge(one, BOOK) == judge.judge(one, BOOK)

    @given(st.integers(-10, 400))
    def test_where_nothing_was_told_only_the_silence_is_found(self, today: int) -> None:
        found = {finding.rule for finding in judge.judge(case(today), BOOK).findings}
        assert found == ({"R25"} if today > WINDOW else set())


class TestOrder:
    @given(st.dictionaries(st.integers(-6, 20), tellings(), max_size=20), st.randoms(use_true_random=False))
    def test_the_order_of_arrival_does_not_matter(self, told: dict[int, dict[str, Any]], by: random.Random) -> None:
        logs = [_log(day(number), one) for number, one in told.items()]
        shuffled = by.sample(logs, len(logs))
        assert _replayed(logs) == _replayed(shuffled)


def _log(night: date, told: dict[str, Any]) -> dict[str, Any]:
    effects = [{"name": name, "severity": severity} for name, severity in told["severities"].items()]
    plain = {name: value for name, value in told.items() if name not in ("severities", "sleep_hours")}
    hours = None if told["sleep_hours"] is None else str(told["sleep_hours"])
    return {"night": night.isoformat(), **plain, "sleep_hours": hours, "side_effects": effects}


def _replayed(logs: list[dict[str, Any]]) -> dict[str, Any]:
    course = {"zone": "Europe/Oslo", "protocol": "STD-2W", "starts_on": "2025-01-06", "mode": "confirmed", "logs": logs}
    file = reading.read(json.dumps(course), protocol_files.find)
    return telling.told(file, running.run(file), day(21))
