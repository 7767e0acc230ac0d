"""What a rule looked at is named in words, and a dose among it has its unit."""

import pytest

from desk.presenters import rests
from titration import rule_book
from titration.engine.advice import book


def test_everything_a_sentence_names_has_words_of_its_own() -> None:
    parts = [part for rule in rule_book.shipped().rules.values() for part in rule.parts.values()]
    gaps = {name for part in parts for said in (part.sentence, part.patient_sentence) for name in book.gaps(said)}
    assert gaps
    assert gaps <= rests.NAMES.keys() | rests.PIECES


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [("dose", "4.5", "4.5 mg"), ("planned", "no dose", "no dose"), ("percent", "40", "40"), ("taken", "3", "3 mg")],
)
def test_a_dose_never_stands_without_its_unit(name: str, value: str, said: str) -> None:
    assert rests.amount(name, value) == said


def test_codes_and_bits_of_a_sentence_are_not_shown() -> None:
    assert rests.named("class") == ""
    assert rests.named("dose_now") == "Dose now"
