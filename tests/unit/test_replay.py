"""A course in a file: what it comes to, against a calendar lived day by day and against capsules moved by hand."""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.oracles import replay as oracle
from tests.oracles import supply as capsules
from tests.strategies.replays import Drawn, drawn_files
from titration import protocol_files
from titration.replay import reading, running, telling

HORIZON = 160


def replayed(file: dict[str, Any], as_of: str | date = "2025-01-12") -> dict[str, Any]:
    read = reading.read(json.dumps(file), protocol_files.find)
    day = as_of if isinstance(as_of, date) else date.fromisoformat(as_of)
    return telling.told(read, running.run(read), day)


def line_on(answer: dict[str, Any], day: date) -> dict[str, Any]:
    """The one line that holds a day, found in the printed answer alone."""
    (line,) = (
        line
        for line in answer["timeline"]
        if line["from"] <= day.isoformat() and (line["to"] is None or day.isoformat() < line["to"])
    )
    assert "pattern" not in line, "the days are written out as far as any test looks"
    return dict(line)


def lived(drawn: Drawn) -> oracle.Lived:
    return oracle.live(drawn.course, drawn.told, planned=drawn.file["mode"] == "planned", horizon=HORIZON)


def agrees(answer: dict[str, Any], told: oracle.Lived) -> None:
    assert [refusal["change"] for refusal in answer["refused"]] == sorted(told.refused)
    for box, state in oracle.states(told.course, HORIZON):
        line = line_on(answer, box.on)
        dose = None if line["dose_mg"] is None else Decimal(line["dose_mg"])
        assert (box.on, dose, line["state"]) == (box.on, box.dose_mg, state)
        if state != "ended":
            assert line["time_of_day"] == box.slot


WHOLE = {"taken": True, "sleep_hours": 7, "lead_symptom": 4}
NIGHTS: dict[str, dict[str, Any]] = {
    "good": WHOLE,
    "skipped": {**WHOLE, "taken": False},
    "hurt": {**WHOLE, "side_effects": [{"name": "nausea", "severity": "moderate"}]},
    "half": {"taken": True, "sleep_hours": 7},
    "opioid": {**WHOLE, "other_medicines": "codeine"},
}
WORDS = [*["good"] * 12, "skipped", "hurt", "half", "half", "opioid"]


class TestAgainstTheCalendar:
    @given(drawn_files())
    def test_every_day_is_as_lived(self, drawn: Drawn) -> None:
        agrees(replayed(drawn.file), lived(drawn))

    @pytest.mark.long
    @pytest.mark.parametrize("part", range(10))
    def test_every_day_of_two_thousand_files_is_as_lived(self, part: int) -> None:
        @seed(part)
        @settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
        @given(drawn_files(most_changes=14))
        def every_day_is_as_lived(drawn: Drawn) -> None:
            agrees(replayed(drawn.file), lived(drawn))

        every_day_is_as_lived()

    @given(drawn_files(), st.lists(st.sampled_from(WORDS), min_size=HORIZON, max_size=HORIZON), st.booleans())
    def test_a_step_waits_for_its_nights_as_somebody_counts_them(
        self, drawn: Drawn, words: list[str], reports: bool
    ) -> None:
        start = drawn.course.start_on
        diary = {start + timedelta(days=n): word for n, word in enumerate(words) if reports or word != "opioid"}
        logs = [{"night": night.isoformat(), **NIGHTS[word]} for night, word in diary.items()]
        answer = replayed(drawn.file | {"mode": "planned", "gate": True, "logs": logs})
        agrees(answer, oracle.live(drawn.course, drawn.told, planned=True, horizon=HORIZON, diary=diary))

    @given(drawn_files(), st.integers(-3, HORIZON))
    def test_the_lines_meet_and_the_day_looked_from_changes_none_of_them(self, drawn: Drawn, after: int) -> None:
        day = drawn.course.start_on + timedelta(days=after)
        answer = replayed(drawn.file, day)
        lines = answer["timeline"]
        assert lines[0]["from"] == drawn.file["starts_on"]
        assert [line["to"] for line in lines[:-1]] == [line["from"] for line in lines[1:]]
        assert all(line["from"] < line["to"] for line in lines[:-1])
        assert lines[-1]["to"] is None
        assert {line["state"] for line in lines} <= {"titrating", "held", "paused", "off", "maintenance", "ended"}
        assert answer["dose_now_mg"] == (line_on(answer, day)["dose_mg"] if after >= 0 else None)


class TestSupplyAgainstCapsulesMovedByHand:
    @given(drawn_files(splits=False), st.integers(0, 80), st.data())
    def test_what_is_left_and_when_it_runs_out(self, drawn: Drawn, after: int, data: st.DataObject) -> None:
        start, as_of = drawn.course.start_on, drawn.course.start_on + timedelta(days=after)
        fills = data.draw(
            st.lists(st.tuples(st.integers(-5, 90), st.integers(1, 300), st.none() | st.integers(0, 200)), max_size=3)
        )
        told_nights = data.draw(st.dictionaries(st.integers(0, 85), st.none() | st.integers(1, 12), max_size=5))
        file = drawn.file | {
            "fills": [
                {
                    "on": (start + timedelta(days=on)).isoformat(),
                    "strength_mg": 0.25,
                    "units": units,
                    "beyond_use_on": None if keeps is None else (start + timedelta(days=on + keeps)).isoformat(),
                }
                for on, units, keeps in fills
            ],
            "logs": [
                {"night": (start + timedelta(days=night)).isoformat(), "taken": mg is not None, "taken_mg": mg}
                for night, mg in told_nights.items()
            ],
        }
        answer = replayed(file, as_of)["supply"]
        dispensed = [
            capsules.Capsule(start + timedelta(days=on), start + timedelta(days=9999 if keeps is None else on + keeps))
            for on, units, keeps in fills
            for _ in range(units)
            if on <= after
        ]
        if not dispensed:
            assert set(answer.values()) == {None}
            return
        force = lived(drawn).course
        coming = oracle.live(force, [], planned=True, horizon=500, since=as_of).course
        before = {box.on: int((box.dose_mg or 0) * 4) for box, _ in oracle.states(force, HORIZON) if box.on < as_of}
        told = {start + timedelta(days=n): (mg or 0) * 4 for n, mg in told_nights.items() if n <= after}
        first = min(capsule.from_on for capsule in dispensed)
        gone = {day: count for day, count in {**before, **told}.items() if day >= first and count}
        left = capsules.capsules_left(dispensed, gone, as_of)
        ahead = {
            box.on: int((box.dose_mg or 0) * 4)
            for box, _ in oracle.states(coming, 500)
            if box.on >= as_of and box.on not in told and box.dose_mg
        }
        usable = [capsule for capsule in left if capsule.last_on >= as_of]
        assert answer["units_left"] == len(usable)
        out_on = capsules.first_day_without(left, ahead)
        if out_on is not None:
            assert answer["run_out_on"] == out_on.isoformat()
        elif answer["run_out_on"] is not None:
            assert answer["run_out_on"] > max(ahead, default=start).isoformat()
        amounts = list(ahead.values())
        step_on = next((day for day, count in ahead.items() if count != amounts[0]), None)
        if out_on is not None:
            assert answer["short_by_next_step"] == (step_on is not None and out_on <= step_on)
