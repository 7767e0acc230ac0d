"""What the doses are made of: read, written and named; what may not be dispensed is refused with a sentence."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.dose import Dose
from titration.engine.formulation import MEASURED, SOLID, Filler, Form, Formulation, Unit
from titration.engine.refusals import EngineRefusal


@st.composite
def formulations(draw: st.DrawFn) -> Formulation:
    form = draw(st.sampled_from(Form))
    strengths = draw(
        st.lists(
            st.integers(1, 40).map(lambda quarters: Dose.of(Decimal(quarters) / 4)),
            min_size=1,
            max_size=3 if form in SOLID else 1,
            unique=True,
        )
    )
    return Formulation(
        form=form,
        strengths=tuple(strengths),
        scored=form in SOLID and draw(st.booleans()),
        smallest_ml=draw(st.sampled_from([Decimal("0.1"), Decimal("0.05")])) if form in MEASURED else None,
        filler=draw(st.sampled_from(Filler)),
    )


class TestReading:
    @given(formulations())
    def test_what_is_written_is_read_again(self, formulation: Formulation) -> None:
        assert Formulation.from_json(formulation.to_json()) == formulation

    def test_the_shortest_words_are_enough(self) -> None:
        assert Formulation.from_json({"capsules_mg": ["1.5"]}) == Formulation.capsules(Dose.of("1.5"))
        assert Formulation.from_json({"liquid_mg_per_ml": "1"}).smallest_ml == Decimal("0.1")
        assert Formulation.from_json({"drops_mg": "0.5", "release": "immediate"}).form is Form.DROPS

    def test_strengths_stand_once_and_the_strongest_first(self) -> None:
        read = Formulation.from_json({"capsules_mg": ["1.5", "3.0", "1.50"]})
        assert [strength.text for strength in read.strengths] == ["3", "1.5"]

    @pytest.mark.parametrize(
        ("data", "sentence"),
        [
            ({"capsules_mg": ["1.5"], "release": "slow"}, "immediate release only"),
            ({"capsules_mg": ["1.5"], "filler": "Calcium Carbonate"}, "Calcium carbonate is not used"),
            ({"capsules_mg": ["1.5"], "filler": "sawdust"}, "The filler is one of"),
            ({"capsules_mg": []}, "A strength is needed"),
            ({"capsules_mg": ["50"]}, "at most 10 mg"),
            ({"capsules_mg": ["0"]}, "above 0"),
            ({"capsules_mg": [1.5]}, "decimal text"),
            ({"capsules_mg": ["one"]}, "decimal text"),
            ({"capsules_mg": ["1.5"], "colour": "red"}, "nothing unknown"),
            ({"capsules_mg": ["1.5"], "drops_mg": "0.5"}, "names one of"),
            ({}, "names one of"),
            ({"drops_mg": "0.5", "scored": True}, "can be scored"),
            ({"tablets_mg": ["3"], "scored": "yes"}, "true or false"),
            ({"liquid_mg_per_ml": ["1", "5"]}, "has one strength"),
            ({"liquid_mg_per_ml": "1", "smallest_ml": "0"}, "above 0"),
            ({"liquid_mg_per_ml": "1", "smallest_ml": "NaN"}, "decimal text in mL"),
            ({"capsules_mg": ["1.5"], "smallest_ml": "0.1"}, "A liquid and a cream"),
        ],
    )
    def test_what_cannot_be_dispensed_is_refused(self, data: dict[str, Any], sentence: str) -> None:
        with pytest.raises(EngineRefusal, match=sentence):
            Formulation.from_json(data)


class TestNames:
    @pytest.mark.parametrize(
        ("data", "name"),
        [
            ({"capsules_mg": ["1.5"]}, "1.5 mg capsules"),
            ({"capsules_mg": ["1.5", "3"]}, "3 mg and 1.5 mg capsules"),
            ({"tablets_mg": ["3"], "scored": True}, "scored 3 mg tablets"),
            ({"sublingual_mg": ["0.5"]}, "0.5 mg sublingual tablets"),
            ({"liquid_mg_per_ml": "5", "smallest_ml": "0.1"}, "5 mg/mL liquid in steps of 0.1 mL"),
            ({"cream_mg_per_ml": "0.5", "smallest_ml": "0.5"}, "0.5 mg/mL cream in steps of 0.5 mL"),
            ({"drops_mg": "0.5"}, "0.5 mg drops"),
        ],
    )
    def test_a_formulation_is_named(self, data: dict[str, Any], name: str) -> None:
        assert Formulation.from_json(data).named == name

    @pytest.mark.parametrize(
        ("form", "amount", "words"),
        [
            (Form.CAPSULES, Fraction(1), "1 capsule"),
            (Form.CAPSULES, Fraction(3), "3 capsules"),
            (Form.TABLETS, Fraction(1, 2), "half a tablet"),
            (Form.TABLETS, Fraction(3, 2), "1 and a half tablets"),
            (Form.DROPS, Fraction(9), "9 drops"),
            (Form.LIQUID, Fraction(9, 10), "0.9 mL"),
            (Form.LIQUID, Fraction(3), "3 mL"),
        ],
    )
    def test_an_amount_is_counted_in_words(self, form: Form, amount: Fraction, words: str) -> None:
        assert Unit(form, Dose.of(1)).counted(amount) == words

    def test_an_amount_that_has_no_end_is_never_rounded(self) -> None:
        with pytest.raises(ValueError, match="no exact decimal"):
            Unit(Form.LIQUID, Dose.of(1)).counted(Fraction(1, 3))
