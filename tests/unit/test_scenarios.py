"""The stories of `tests/scenarios`, one file each: a course, a day to look from, and what the rules must say.

`findings` is all that is found, in its order of urgency, each as "rule tier first-day": what comes first, how soon
somebody looks and since when it stands are part of each story.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from titration.replay import command_line

FOLDER = Path(__file__).parent.parent / "scenarios"
STORIES = sorted(FOLDER.glob("*.json"))


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_rules_say_what_the_story_expects(path: Path) -> None:
    story = json.loads(path.read_text("utf-8"))
    told = command_line.answer(json.dumps(story["course"]), story["as_of"]).data
    expected, findings = story["expect"], told["findings"]
    assert [f"{one['rule']} {one['severity']} {one['raised_on']}" for one in findings] == expected["findings"], told
    assert told["can_step"] == expected["can_step"], told["why"]
    for key in ("blocks", "offers"):
        for rule, value in expected.get(key, {}).items():
            assert _of(findings, rule)[key] == value
    for rule, data in expected.get("data", {}).items():
        assert _of(findings, rule)["data"].items() >= data.items()
    for rule, words in expected.get("patient_sentences", {}).items():
        assert _of(findings, rule)["patient_sentence"] == words
    for rule, words in expected.get("sentences", {}).items():
        assert words in _of(findings, rule)["sentence"]
    if "dose_now_mg" in expected:
        assert told["dose_now_mg"] == expected["dose_now_mg"]
    assert len(told["refused"]) == expected.get("refused", 0)
    assert told["can_step"] is True or told["why"]


def _of(findings: list[dict[str, Any]], rule: str) -> dict[str, Any]:
    return next(one for one in findings if one["rule"] == rule)
