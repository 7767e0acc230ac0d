"""Tall letters: the three names, whole words, nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.drug_names import tall_man


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("Low-dose naltrexone at night", "Low-dose nalTREXone at night"),
        ("NALTREXONE 50 mg", "nalTREXone 50 mg"),
        ("naloxone (Narcan)", "naLOXone (Narcan)"),
        ("Methylnaltrexone, not naltrexone", "methylnaltrexone, not nalTREXone"),
        ("naltrexones", "naltrexones"),
        ("6-beta-naltrexol", "6-beta-naltrexol"),
    ],
)
def test_names_stand_tall(words: str, shown: str) -> None:
    assert tall_man(words) == shown


@given(st.text())
def test_only_the_height_of_letters_changes(words: str) -> None:
    assert tall_man(words).casefold() == words.casefold()
    assert tall_man(tall_man(words)) == tall_man(words)
