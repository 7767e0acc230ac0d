"""Templates as files: what is written is read again, and what is no template is refused with a sentence."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.dose import Dose
from tests.strategies.courses import protocols
from titration import protocol_files
from titration.engine.makeable import unmakeable
from titration.engine.protocol import Protocol
from titration.engine.refusals import EngineRefusal
from titration.protocol_toml import from_toml, to_toml

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@pytest.mark.parametrize("protocol", protocol_files.shipped().values(), ids=lambda protocol: protocol.id)
def test_every_shipped_one_comes_back(protocol: Protocol) -> None:
    assert from_toml(to_toml(protocol)) == protocol


@given(protocols(), WORDS, WORDS)
def test_whatever_the_words(protocol: Protocol, name: str, note: str) -> None:
    named = dataclasses.replace(protocol, name=name, note=note)
    assert from_toml(to_toml(named)) == named


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "is missing"),
        ("id = ", "This is no TOML"),
        ("a." * 5_000 + "b = 1", "is missing|no TOML"),
        ("[" * 50_000, "This is no TOML"),
        ("x = 1\n" * 20_000, "at most 100,000 characters"),
        (to_toml(protocol_files.find("STD-2W")).replace('"3"', '"30"'), "not low-dose nalTREXone"),
        (to_toml(protocol_files.find("STD-2W")) + "\n[more]\nx = 1\n", "cannot be read"),
    ],
)
def test_what_is_no_template_is_refused(text: str, hint: str) -> None:
    with pytest.raises(EngineRefusal, match=hint):
        from_toml(text)


@given(st.text())
def test_no_text_does_more_than_be_refused(text: str) -> None:
    with pytest.raises(EngineRefusal):
        from_toml(text)


class TestMakeable:
    @pytest.mark.parametrize(
        ("name", "strengths", "rungs"),
        [
            ("STD-2W", ["1.5"], []),
            ("ONE-1W", ["1.5"], [0, 1, 3]),
            ("ONE-1W", ["1", "4.5"], []),
            ("HALF-2W", ["1"], [0, 2, 4, 6, 8]),
            ("GI-PLOESSER-C", ["2.5"], []),
            ("GI-PLOESSER-C", ["5"], [0]),
            ("PEDS-UK", ["0.5"], [0]),
            ("PEDS-UK", ["0.1"], []),
        ],
    )
    def test_which_steps_cannot_be_made(self, name: str, strengths: list[str], rungs: list[int]) -> None:
        found = unmakeable(protocol_files.find(name), [Dose.of(one) for one in strengths])
        assert list(found) == rungs

    def test_it_says_what_can(self) -> None:
        found = unmakeable(protocol_files.find("ONE-1W"), [Dose.of("1.5")])
        assert found[3] == "4 mg cannot be made from 1.5 mg capsules. The nearest that can: 3 mg or 4.5 mg."
