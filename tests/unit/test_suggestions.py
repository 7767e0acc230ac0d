"""Suggestions: the table of the clinical facts (1.4), for multiple sclerosis their line of the catalogue (1.2)."""

import pytest

from patients.conditions import all_conditions
from titration import protocol_files
from titration.suggestions import suggestions_for

TABLE = {
    "arthritis": ["STD-2W"],
    "autism": [""],
    "autoimmune": ["LDNRT-AI-HALF", "LDNRT-AI", "STD-2W"],
    "hashimoto": ["HALF-2W", "HASH-025"],
    "crohn": ["STD-1W"],
    "ulcerative_colitis": ["STD-1W", "STD-2W"],
    "psoriasis": ["STD-2W"],
    "chronic_pain": ["STD-2W"],
    "eczema": ["STD-2W"],
    "endometriosis": ["STD-2W"],
    "ibs": ["IBS-0.5", "GI-PLOESSER-D", "GI-PLOESSER-C"],
    "multiple_sclerosis": ["STD-4W"],
}


@pytest.mark.parametrize("code", TABLE)
def test_as_the_clinical_facts_have_them(code: str) -> None:
    assert [suggestion.protocol_id for suggestion in suggestions_for([code])] == TABLE[code]


def test_every_condition_has_its_line() -> None:
    assert list(all_conditions()) == list(TABLE)


def test_each_leads_to_a_protocol_there_is_and_says_what_it_rests_on() -> None:
    for suggestion in suggestions_for(TABLE, child=True):
        assert suggestion.protocol_id in {*protocol_files.shipped(), ""}
        assert suggestion.words
        assert suggestion.sources or suggestion.grade == "E3"


def test_a_child_is_suggested_doses_by_weight() -> None:
    assert [s.protocol_id for s in suggestions_for(["autism"], child=True)] == ["", "PEDS-SMITH", "PEDS-UK"]
    assert all(
        protocol_files.find(suggestion.protocol_id).needs_weight
        for suggestion in suggestions_for(TABLE, child=True)
        if suggestion.children
    )


def test_several_conditions_in_the_order_given_each_once() -> None:
    assert [s.condition for s in suggestions_for(["eczema", "crohn", "eczema", "other"])] == ["eczema", "crohn"]
    assert suggestions_for(["other"]) == ()
