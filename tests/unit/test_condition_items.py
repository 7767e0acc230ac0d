"""What only some conditions are asked of a night: the file, which questions a night has, what counts as an answer."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.refusals import Refused
from ldn_clinic import checks
from patients import conditions
from symptoms import condition_items
from symptoms.condition_items import Kind
from titration import rule_book

NIGHT = date(2026, 3, 9)
PULSE = condition_items.all_items()["resting_pulse"]
MOST_A_NIGHT = 3
"""Further questions a night, so that one condition's still leave it under a minute (clinical facts 3.4)."""

READ_BY_RULES = {
    "stiffness": (0, 10),
    "liquid_stools": (0, 100),
    "abdominal_pain": (0, 3),
    "stools_vs_normal": (0, 3),
    "blood": (0, 3),
    "menstruating": (0, 1),
    "resting_pulse": (20, 300),
}


class TestTheFile:
    def test_it_holds_what_the_rules_read_with_the_ends_they_expect(self) -> None:
        ends = {item.code: (item.least, item.most) for item in condition_items.all_items().values() if item.rules}
        assert ends == READ_BY_RULES

    def test_conditions_and_rules_are_those_there_are(self) -> None:
        for item in condition_items.all_items().values():
            assert set(item.conditions) <= set(conditions.all_conditions()), item.code
            assert set(item.rules) <= set(rule_book.shipped().rules), item.code

    @pytest.mark.parametrize("condition", list(conditions.all_conditions()))
    def test_no_condition_asks_more_than_three_further_questions_a_night(self, condition: str) -> None:
        nightly = [item for item in condition_items.of_conditions({condition}) if not item.weekly]
        assert len(nightly) <= MOST_A_NIGHT

    def test_nobody_has_reviewed_it_yet_and_it_says_so(self) -> None:
        assert 'review = "pending"' in Path(condition_items.__file__).with_suffix(".toml").read_text("utf-8")

    @pytest.mark.parametrize(
        ("wrong", "why"),
        [
            ({"conditions": ()}, "no condition"),
            ({"least": 10, "most": 10}, "ends"),
            ({"unit": ""}, "a unit"),
            ({"source": ""}, "a source"),
            ({"grade": "E4"}, "no grade"),
            ({"every_days": 3}, "every week"),
            ({"kind": Kind.SCALE}, "from 0 to 10"),
            ({"kind": Kind.SCALE, "least": 0, "most": 10}, "its ends mean"),
            ({"kind": Kind.SCALE, "least": 0, "most": 10, "low": "none", "high": "worst"}, "a hint"),
            ({"kind": Kind.YES_NO}, "neither yes nor no"),
            ({"kind": Kind.CHOICE}, "lacks them"),
            ({"choices": ("a", "b")}, "lacks them"),
            ({"kind": Kind.CHOICE, "choices": ("a", "b")}, "without words"),
            ({"short": ("a",)}, "without short words"),
        ],
    )
    def test_one_that_contradicts_itself_is_not_read(self, wrong: dict[str, Any], why: str) -> None:
        with pytest.raises(ValueError, match=why):
            replace(PULSE, **wrong)

    def test_a_word_it_does_not_know_or_a_code_twice_is_not_read(self) -> None:
        text = Path(condition_items.__file__).with_suffix(".toml").read_text("utf-8")
        with pytest.raises(TypeError):
            condition_items.read(text.replace('name = "Blood"', 'name = "Blood"\ncolour = "red"'))
        with pytest.raises(ValueError, match="twice"):
            condition_items.read(text.replace('code = "night_stools"', 'code = "blood"'))

    def test_no_process_starts_with_one_that_cannot_be_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert not [one for one in checks.refusals() if one.id == "clinic.E007"]
        monkeypatch.setattr(condition_items, "all_items", lambda: condition_items.read('item = [{code = "blood"}]'))
        (found,) = [one for one in checks.refusals() if one.id == "clinic.E007"]
        assert "symptoms/condition_items.toml" in str(found.msg)


class TestWhichAreAsked:
    def test_only_those_of_the_conditions(self) -> None:
        asked = condition_items.of_conditions(frozenset({"ulcerative_colitis", "gout"}))
        assert [item.code for item in asked] == ["stools_vs_normal", "blood", "night_stools"]
        assert condition_items.of_conditions(frozenset({"autism"})) == ()
        assert condition_items.of_conditions(frozenset()) == ()

    @given(days=st.integers(-10, 10))
    def test_a_weekly_one_once_in_seven_nights(self, days: int) -> None:
        told = {NIGHT + timedelta(days=days): {"resting_pulse": 70}}
        asked = condition_items.of_night([PULSE], NIGHT, told) == (PULSE,)
        assert asked == (days == 0 or abs(days) >= 7)

    def test_one_that_another_question_was_answered_near_is_still_asked(self) -> None:
        assert condition_items.of_night([PULSE], NIGHT, {NIGHT - timedelta(days=1): {"blood": 1}}) == (PULSE,)


class TestAnswers:
    ASKED = condition_items.of_conditions(frozenset({"ulcerative_colitis"}))

    def test_they_are_kept_in_the_order_of_the_file(self) -> None:
        assert list(condition_items.checked({"blood": 0, "stools_vs_normal": 3}, self.ASKED)) == [
            "stools_vs_normal",
            "blood",
        ]

    @pytest.mark.parametrize(
        ("given", "why"),
        [
            ({"glow": 1}, "there is not"),
            ({"stiffness": 1}, "not asked for the conditions on record"),
            ({"blood": 4}, "answered from 0 to 3"),
            ({"blood": -1}, "answered from 0 to 3"),
            ({"blood": True}, "answered from 0 to 3"),
            ({"blood": 1.5}, "answered from 0 to 3"),
            ({"blood": "1"}, "answered from 0 to 3"),
        ],
    )
    def test_others_are_refused(self, given: dict[str, Any], why: str) -> None:
        with pytest.raises(Refused, match=why):
            condition_items.checked(given, self.ASKED)

    def test_they_are_said_in_words(self) -> None:
        told = {"resting_pulse": 72, "blood": 1, "menstruating": 0, "stiffness": 5, "lost": 2}
        assert condition_items.labelled(told) == (
            ("Blood", "streaks"),
            ("Stiffness", "5 of 10"),
            ("Bleeding", "no"),
            ("Resting pulse", "72 a minute"),
            ("lost", "2"),
        )
