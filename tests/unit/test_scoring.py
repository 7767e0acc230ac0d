"""Questionnaires: the published examples, what a left-out answer does, and that nothing is shown without rights."""

import itertools
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.refusals import Refused
from symptoms import crisis, instrument_files, rhythm, scoring
from symptoms.rhythm import Due, Given
from symptoms.scoring import Instrument

ALL = instrument_files.shipped()
NIGHT = date(2026, 3, 2)


def answered(instrument: str, *values: int | None) -> dict[str, int]:
    """Answers in the order of the items; None is left out."""
    items = ALL[instrument].items
    assert len(items) == len(values)
    return {item.code: value for item, value in zip(items, values, strict=True) if value is not None}


def total(instrument: str, *values: int | None) -> Decimal | None:
    return scoring.score(ALL[instrument], answered(instrument, *values)).total


class TestScores:
    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ((6, 7, 4), Decimal("5.7")),
            ((5, 5, 5), Decimal("5.0")),
            ((0, 0, 0), Decimal(0)),
            ((10, 10, 10), Decimal(10)),
            ((7, 8, None), None),
        ],
    )
    def test_peg_as_the_clinical_facts_have_it(self, values: tuple[int | None, ...], expected: Decimal | None) -> None:
        assert total("peg", *values) == expected

    @pytest.mark.parametrize(
        ("mean", "band"), [((4, 4, 3), "0 to 3.9"), ((4, 4, 4), "4 to 6.9"), ((7, 7, 7), "7 to 10")]
    )
    def test_pegs_bands(self, mean: tuple[int, ...], band: str) -> None:
        found = scoring.score(ALL["peg"], answered("peg", *mean)).band
        assert found is not None
        assert found.words == band

    def test_the_mood_questions_are_sums_from_nought_to_their_highest(self) -> None:
        assert total("phq-2", 0, 0) == 0
        assert total("phq-2", 3, 3) == 6 == ALL["phq-2"].highest
        assert total("phq-9", *[0] * 9) == 0
        assert total("phq-9", *[3] * 9) == 27 == ALL["phq-9"].highest
        assert total("audit-c", 4, 4, 4) == 12 == ALL["audit-c"].highest

    @pytest.mark.parametrize(
        ("values", "words"),
        [
            ((1, 1, 0), "below the thresholds"),
            ((1, 1, 1), "at the threshold for women, below it for men"),
            ((2, 1, 1), "at or above the threshold"),
        ],
    )
    def test_audit_c_names_both_thresholds_where_they_part(self, values: tuple[int, ...], words: str) -> None:
        band = scoring.score(ALL["audit-c"], answered("audit-c", *values)).band
        assert band is not None
        assert band.words == words

    @pytest.mark.parametrize("value", range(1, 8))
    def test_much_and_very_much_better_respond_and_no_other(self, value: int) -> None:
        found = scoring.score(ALL["pgic"], {"change": value})
        assert found.total == value
        assert found.band is not None
        assert (found.band.words == "much or very much improved") is (value <= 2)

    @pytest.mark.parametrize("instrument", ALL)
    def test_every_band_names_its_source_and_the_lowest_score_has_one(self, instrument: str) -> None:
        form = ALL[instrument]
        lowest = {item.code: min(choice.value for choice in item.choices) for item in form.items}
        assert scoring.score(form, lowest).band is not None
        assert all(band.source for band in form.bands)
        assert [band.from_score for band in form.bands] == sorted({band.from_score for band in form.bands})

    @pytest.mark.parametrize("instrument", ALL)
    def test_one_item_left_out_is_no_score_and_no_band(self, instrument: str) -> None:
        form = ALL[instrument]
        highest = {item.code: max(choice.value for choice in item.choices) for item in form.items}
        for item in form.items:
            rest = {code: value for code, value in highest.items() if code != item.code}
            found = scoring.score(form, rest)
            assert (found.total, found.band, found.missing) == (None, None, (item.code,))

    def test_item_9_is_known_whatever_the_total_and_without_one(self) -> None:
        whole = scoring.score(ALL["phq-9"], answered("phq-9", 0, 0, 0, 0, 0, 0, 0, 0, 1))
        assert (whole.total, whole.crisis, whole.is_crisis) == (1, 1, True)
        alone = scoring.score(ALL["phq-9"], {"self_harm": 2})
        assert (alone.total, alone.crisis, alone.is_crisis) == (None, 2, True)
        without = scoring.score(ALL["phq-9"], answered("phq-9", 3, 3, 3, 3, 3, 3, 3, 3, None))
        assert (without.crisis, without.is_crisis) == (None, False)
        assert not scoring.score(ALL["phq-9"], answered("phq-9", 3, 3, 3, 3, 3, 3, 3, 3, 0)).is_crisis

    @pytest.mark.parametrize("answers", [{"self_harm": 4}, {"self_harm": -1}, {"unknown": 1}, {"self_harm": True}])
    def test_an_answer_there_is_none_of_is_refused(self, answers: dict[str, int]) -> None:
        with pytest.raises(Refused, match="not an answer of PHQ-9"):
            scoring.score(ALL["phq-9"], answers)

    @given(st.lists(st.integers(0, 10), min_size=3, max_size=3))
    def test_pegs_order_does_not_matter_and_it_lies_within_its_answers(self, values: list[int]) -> None:
        found = {total("peg", *order) for order in itertools.permutations(values)}
        assert len(found) == 1
        (mean,) = found
        assert mean is not None
        assert min(values) <= mean <= max(values)


class TestRights:
    def test_every_file_says_whose_it_is_and_why_it_may_be_shown(self) -> None:
        assert set(ALL) == {"phq-2", "phq-9", "pgic", "peg", "audit-c"}
        for form in ALL.values():
            assert all((form.licence, form.rights_holder, form.attribution, form.cleared_by))
            assert form.review == "pending", "no reviewer is invented"

    def test_one_without_rights_is_not_shown(self) -> None:
        closed = replace(ALL["peg"], cleared=False, rights_holder="Somebody Else")
        with pytest.raises(Refused, match="belongs to Somebody Else"):
            instrument_files.to_show(closed)

    def test_what_is_not_cleared_is_not_there_at_all(self) -> None:
        assert not set(instrument_files.not_cleared()) & set(ALL)
        assert {"isi", "psqi", "dlqi", "poem", "promis"} <= set(instrument_files.not_cleared())
        assert instrument_files.find("isi") is None

    def test_the_codes_of_the_clinical_facts(self) -> None:
        codes = {known: (form.loinc_panel, form.loinc_score) for known, form in ALL.items()}
        assert codes["phq-9"] == ("44249-1", "44261-6")
        assert codes["audit-c"] == ("72109-2", "75626-2")
        assert codes["peg"] == ("91148-7", "91147-9")
        assert [item.loinc for item in ALL["peg"].items] == ["75893-8", "91145-3", "91146-1"]

    def test_the_short_mood_form_is_the_beginning_of_the_long_one(self) -> None:
        assert ALL["phq-9"].items[:2] == ALL["phq-2"].items


class TestCrisisWords:
    def test_numbers_stand_only_where_they_are_well_known(self) -> None:
        dialled = {code: [line.dial for line in crisis.words_for(code).lines] for code in crisis.locales()}
        assert dialled == {"general": [], "us": ["988"], "uk": ["116123"], "ie": ["116123"], "eu": []}

    def test_an_unknown_place_gets_the_words_without_a_number(self) -> None:
        assert crisis.words_for("atlantis") == crisis.words_for(crisis.GENERAL)

    def test_nobody_has_reviewed_them(self) -> None:
        assert not any(crisis.words_for(code).reviewed for code in crisis.locales())


def due_on(
    today: date,
    answers: dict[str, Given] | None = None,
    *,
    conditions: tuple[str, ...] = ("chronic_pain",),
    adult: bool = True,
    first_dose_on: date | None = NIGHT,
    instruments: tuple[Instrument, ...] = tuple(ALL.values()),
) -> list[str]:
    found = rhythm.due(
        instruments,
        answers or {},
        cared_since=NIGHT,
        first_dose_on=first_dose_on,
        conditions=conditions,
        adult=adult,
        today=today,
    )
    return [one.instrument for one in found]


class TestRhythm:
    def test_at_the_beginning_mood_and_pain_are_asked_and_no_change(self) -> None:
        assert due_on(NIGHT) == ["phq-2", "peg"]

    def test_change_is_asked_a_month_after_the_first_dose(self) -> None:
        month = date(2026, 4, 2)
        assert "pgic" not in due_on(month - timedelta(days=1))
        assert "pgic" in due_on(month)
        assert "pgic" not in due_on(month + timedelta(days=400), first_dose_on=None)

    @pytest.mark.parametrize(("instrument", "months"), [("phq-2", 3), ("pgic", 1), ("peg", 1)])
    def test_it_comes_round_on_its_day_and_not_one_before(self, instrument: str, months: int) -> None:
        again = rhythm.months_after(NIGHT, months)
        answers = {instrument: Given(on=NIGHT, score=Decimal(0))}
        assert instrument not in due_on(again - timedelta(days=1), answers)
        assert instrument in due_on(again, answers)

    def test_pain_is_asked_in_painful_conditions_alone(self) -> None:
        assert "peg" not in due_on(NIGHT, conditions=("crohn",))
        assert "peg" in due_on(NIGHT, conditions=("crohn", "endometriosis"))

    def test_children_are_not_asked_the_mood_questions(self) -> None:
        assert due_on(NIGHT, adult=False) == ["peg"]

    @pytest.mark.parametrize(("score", "follows"), [(Decimal(2), False), (Decimal(3), True), (None, False)])
    def test_a_positive_short_form_calls_for_the_long_one(self, score: Decimal | None, follows: bool) -> None:
        assert ("phq-9" in due_on(NIGHT, {"phq-2": Given(on=NIGHT, score=score)})) is follows

    def test_the_long_form_answers_the_call_and_counts_as_the_short_one(self) -> None:
        answers = {"phq-2": Given(on=NIGHT, score=Decimal(4)), "phq-9": Given(on=NIGHT, score=Decimal(9))}
        assert due_on(NIGHT, answers) == ["peg"]
        earlier = {"phq-2": answers["phq-2"], "phq-9": Given(on=NIGHT - timedelta(days=1), score=Decimal(9))}
        assert "phq-9" in due_on(NIGHT, earlier)

    def test_since_when_is_said(self) -> None:
        found = rhythm.due(
            [ALL["pgic"]],
            {},
            cared_since=NIGHT,
            first_dose_on=date(2026, 1, 31),
            conditions=(),
            adult=True,
            today=NIGHT,
        )
        assert found == [Due(instrument="pgic", since=date(2026, 2, 28))]

    def test_alcohol_is_never_due_by_the_calendar(self) -> None:
        assert "audit-c" not in due_on(NIGHT + timedelta(days=4000))
