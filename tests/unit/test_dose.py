"""Doses: exact, written safely, read from people's typing, and said aloud."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.dose import HARD_CEILING, Dose, echo, in_words
from common.refusals import Refused

DOSES = st.integers(1, 10_000).map(lambda micrograms: Dose.of(Decimal(micrograms) / 1000))


class TestWritten:
    @pytest.mark.parametrize(
        ("given_as", "text"),
        [
            ("1.5", "1.5"),
            ("3.0", "3"),
            ("0.50", "0.5"),
            ("10", "10"),
            ("1E+1", "10"),
            (3, "3"),
            (Decimal("4.500"), "4.5"),
        ],
    )
    def test_shortest_with_a_leading_zero_and_the_unit(self, given_as: str | int | Decimal, text: str) -> None:
        assert Dose.of(given_as).text == text
        assert str(Dose.of(given_as)) == f"{text} mg"

    @given(DOSES)
    def test_never_a_trailing_zero_nor_a_bare_point(self, dose: Dose) -> None:
        assert dose.text[0].isdigit()
        assert "." not in dose.text or dose.text[-1] in "123456789"

    @pytest.mark.parametrize("bad", [1.5, True, None, b"1.5"])
    def test_a_float_is_a_defect(self, bad: object) -> None:
        with pytest.raises(TypeError):
            Dose.of(bad)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            Dose(bad)  # type: ignore[arg-type]

    @pytest.mark.parametrize("bad", ["-1", "-0", "NaN", "Infinity", "0.0001"])
    def test_what_no_dose_can_be(self, bad: str) -> None:
        with pytest.raises(ValueError, match="A dose is"):
            Dose.of(bad)


class TestArithmetic:
    @given(DOSES, DOSES)
    def test_exact_and_ordered(self, one: Dose, other: Dose) -> None:
        assert (one + other) - other == one
        assert (one < other) == (one.mg < other.mg)

    def test_equal_however_written(self) -> None:
        assert {Dose.of("1.5"), Dose.of("1.50"), Dose.of(Decimal("1.500"))} == {Dose.of("1.5")}

    def test_less_than_nothing_is_a_defect(self) -> None:
        with pytest.raises(ValueError, match="zero or more"):
            Dose.of("1") - Dose.of("1.5")

    def test_units_are_exact(self) -> None:
        assert Dose.of("3").units_of(Dose.of("1.5")) == 2
        assert Dose.of("4").units_of(Dose.of("1.5")) == Fraction(8, 3)
        with pytest.raises(ValueError, match="more than 0 mg"):
            Dose.of("4").units_of(Dose.of("0"))


class TestTyped:
    @pytest.mark.parametrize(
        ("typed", "dose"),
        [
            ("4.5", "4.5"),
            ("4,5", "4.5"),
            (".5", "0.5"),
            ("3.0", "3"),
            (" 3 mg ", "3"),
            ("3MG", "3"),
            ("1 milligram", "1"),
            ("0.25 milligrams", "0.25"),
            ("10", "10"),
            ("3.", "3"),
            ("4·5", "4.5"),
            ("0,250", "0.25"),
        ],
    )
    def test_what_people_write(self, typed: str, dose: str) -> None:
        assert Dose.parse(typed) == Dose.of(dose)

    @pytest.mark.parametrize(
        ("typed", "hint"),
        [
            ("450", "450 mg is more than 10 mg"),
            ("450", "Is a point missing (4.5 mg), or are these micrograms (0.45 mg)?"),
            ("4500", "Is a point missing (4.5 mg), or are these micrograms (4.5 mg)?"),
            ("45", "Is a point missing (4.5 mg)?"),
            ("045", "Is a point missing (0.45 mg)?"),
            ("450000", "Is a point missing (4.5 mg)?"),
            ("12.5", "Check the decimal point and the unit."),
            ("05", "05 can be read as 5 mg or as 0.5 mg"),
            ("025 mg", "25 mg is more than 10 mg"),
            ("450 mcg", "450 micrograms is 0.45 mg"),
            ("1500 ug", "1500 micrograms is 1.5 mg"),
            ("4,5 micrograms", "4,5 micrograms is 0.0045 mg"),
            ("mcg", "1 mg is 1000 micrograms"),
            (". mcg", "1 mg is 1000 micrograms"),
            ("4.5 ml", "not millilitres"),
            ("4.5 g", "not a dose"),
            ("10.001", "10.001 mg is more than 10 mg"),
            ("450 mcg", "not micrograms"),
            ("4.5 µg", "not micrograms"),
            ("4.5 μg", "not micrograms"),
            ("4.5ug", "not micrograms"),
            ("1,500", "two ways"),
            ("0", "more than 0 mg"),
            ("0.0005", "three decimals"),
            ("-1", "not a dose"),
            ("", "not a dose"),
            (".", "not a dose"),
            ("4.5.1", "not a dose"),
            ("1.5 or 3", "not a dose"),
            ("1e1", "not a dose"),
            ("٤", "not a dose"),
            ("<script>alert(1)</script>", "not a dose"),
            ("9" * 10_000, "not a dose"),
        ],
    )
    def test_what_is_refused_with_a_sentence(self, typed: str, hint: str) -> None:
        with pytest.raises(Refused) as refused:
            Dose.parse(typed)
        assert hint in refused.value.sentence
        assert len(refused.value.sentence) < 200

    @given(DOSES)
    def test_what_is_written_can_be_typed(self, dose: Dose) -> None:
        assert Dose.parse(str(dose)) == dose
        assert Dose.parse(dose.text) == dose

    @given(DOSES, st.sampled_from(".,·"), st.integers(0, 3), st.booleans())
    def test_no_way_of_writing_a_dose_is_read_as_another(self, dose: Dose, mark: str, noughts: int, bare: bool) -> None:
        """With either mark, with trailing noughts, without the leading one: the same dose, or said to have two."""
        whole, _, decimals = dose.text.partition(".")
        decimals += "0" * noughts
        typed = f"{'' if bare and whole == '0' else whole}{mark}{decimals}"
        if mark == "," and len(decimals) == 3 and typed[0] in "123456789":
            with pytest.raises(Refused, match="two ways"):
                Dose.parse(typed)
        else:
            assert Dose.parse(typed) == dose

    @given(DOSES)
    def test_micrograms_are_worked_out_and_never_taken(self, dose: Dose) -> None:
        with pytest.raises(Refused) as refused:
            Dose.parse(f"{dose.mg * 1000:f} mcg")
        assert f"is {dose}." in refused.value.sentence

    @given(st.text())
    def test_no_text_does_more_than_be_refused(self, typed: str) -> None:
        try:
            dose = Dose.parse(typed)
        except Refused:
            return
        assert Dose.of(0) < dose <= HARD_CEILING


class TestSaid:
    @pytest.mark.parametrize(
        ("dose", "words"),
        [
            ("0.5", "half a milligram"),
            ("1", "one milligram"),
            ("1.5", "one and a half milligrams"),
            ("3", "three milligrams"),
            ("3.5", "three and a half milligrams"),
            ("4.5", "four and a half milligrams"),
            ("10", "ten milligrams"),
            ("0.25", "zero point two five milligrams"),
            ("2.1", "two point one milligrams"),
            ("1.125", "one point one two five milligrams"),
            ("12.5", "12.5 milligrams"),
        ],
    )
    def test_aloud(self, dose: str, words: str) -> None:
        assert in_words(Dose.of(dose)) == words

    def test_echoed_in_digits_and_words(self) -> None:
        assert echo(Dose.parse(".5")) == "0.5 mg, half a milligram"
        assert echo(Dose.parse("3.0")) == "3 mg, three milligrams"

    def test_no_two_doses_sound_alike(self) -> None:
        doses = [Dose.of(Decimal(hundredths) / 100) for hundredths in range(1, 1001)]
        assert len({in_words(dose) for dose in doses}) == len(doses)
