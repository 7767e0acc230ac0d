"""The consent as plain words: what it holds, what it must not promise, and when it is to be signed anew."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from patients import conditions, consent
from patients.consent import Signed

TEXT = consent.shipped()
SIGNED = Signed(withdrawn=False, material_key=TEXT.key, conditions=frozenset({"crohn"}), was_child=False)


def shown(*codes: str, guardian: bool = False) -> consent.Shown:
    return consent.shown(TEXT, clinic="Test Clinic", phone="000", conditions=codes, for_guardian=guardian)


class TestTheText:
    def test_it_holds_all_fourteen_elements_and_says_that_nobody_has_reviewed_it(self) -> None:
        assert len(consent.ELEMENTS) == 14
        assert not TEXT.reviewed

    def test_a_file_without_one_of_them_is_not_read(self) -> None:
        toml = (Path(consent.__file__).parent / "consents" / "off_label.toml").read_text("utf-8")
        with pytest.raises(ValueError, match=r"lacks the elements \[12\]"):
            consent.parse(toml.replace("elements = [12]", "elements = [1]"))

    def test_it_promises_nothing(self) -> None:
        words = shown(*conditions.all_conditions()).words.casefold()
        assert "nobody can say whether it will help you" in words
        assert not re.search(r"\b(will help you\.|cures?|proven|guarantee|safe and effective|is safe)\b", words)

    def test_it_tells_of_the_trials_that_found_nothing(self) -> None:
        words = shown("chronic_pain").words
        assert "99 people with fibromyalgia" in words
        assert "did not show a clear difference" in words
        assert "about 9 of 10 people had stopped" in words

    def test_it_names_hidden_opioids_and_where_to_call(self) -> None:
        words = shown("crohn").words
        for named in ("codeine", "tramadol", "diphenoxylate", "kratom", "Test Clinic, telephone 000"):
            assert named in words
        assert "{" not in words

    @pytest.mark.parametrize("code", [*conditions.all_conditions(), "other", "unheard_of"])
    def test_every_condition_has_its_limits(self, code: str) -> None:
        said = TEXT.evidence.get(code, TEXT.evidence["other"])
        assert said in shown(code).words
        assert re.search(r"no (good )?trial|cannot|mixed|stopped early|has confirmed|without a comparison", said)

    def test_two_conditions_without_a_line_of_their_own_are_told_once(self) -> None:
        assert shown("other", "unheard_of").words.count("For your condition we know") == 1

    def test_a_guardian_reads_whom_it_is_about(self) -> None:
        assert "for a child" in shown("crohn", guardian=True).words
        assert "for a child" not in shown("crohn").words

    def test_the_hash_is_of_every_letter_that_was_shown(self) -> None:
        one = shown("crohn")
        assert one.sha256 == consent.as_shown(one.words).sha256
        assert one.blocks == consent.as_shown(one.words).blocks
        assert one.sha256 != shown("ibs").sha256
        assert len(one.sha256) == 64

    def test_headings_lists_and_paragraphs(self) -> None:
        blocks = consent.as_shown("# Title\nOne\n\n- a\n- b\n# Next\nTwo").blocks
        assert [(block.kind, block.lines) for block in blocks] == [
            ("paragraph", ("One",)),
            ("list", ("a", "b")),
            ("heading", ("Next",)),
            ("paragraph", ("Two",)),
        ]


class TestDue:
    def due(self, signed: Signed | None, *, codes: tuple[str, ...] = ("crohn",), child: bool = False) -> str:
        return consent.due(signed, TEXT, conditions=codes, is_child=child) or ""

    def test_what_was_signed_holds(self) -> None:
        assert not self.due(SIGNED)
        assert not self.due(replace(SIGNED, was_child=True), child=True)

    def test_each_change_that_matters_asks_anew_and_says_why(self) -> None:
        assert "Nobody has signed" in self.due(None)
        assert "taken back" in self.due(replace(SIGNED, withdrawn=True))
        assert "text has changed" in self.due(replace(SIGNED, material_key="shipped-0"))
        assert "grown up" in self.due(replace(SIGNED, was_child=True))
        assert "conditions have changed" in self.due(SIGNED, codes=("crohn", "ibs"))


class TestAClinicsOwn:
    def test_the_text_in_force_may_be_published_as_it_is(self) -> None:
        assert not consent.faults(TEXT.body)

    @pytest.mark.parametrize(
        ("body", "fault"),
        [
            ("# Short\n{evidence}", "too short"),
            (TEXT.body.replace("{evidence}", ""), "Keep a line"),
            (TEXT.body.replace("# ", ""), "headings"),
            (TEXT.body * 10, "Shorten it"),
        ],
    )
    def test_what_cannot_be_published_says_why(self, body: str, fault: str) -> None:
        assert fault in consent.faults(body)
