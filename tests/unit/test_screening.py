"""Screening as arithmetic: what is asked of whom, and what an answer means. The file itself is held to its promises."""

import itertools

import pytest

from patients import screening
from patients.screening import About, Asker, Outcome

FORM = screening.form()
GROWN, CHILD = About(age=40), About(age=12)
HARD = (
    "opioids_now",
    "opioid_dependent",
    "naltrexone_allergy",
    "naltrexone_product",
    "acute_hepatitis",
    "liver_failure",
)
NEEDED = {
    *("opioids_now", "opioid_dependent", "opioid_withdrawal", "naloxone_challenge_failed", "urine_opioid_positive"),
    *("naltrexone_allergy", "excipient_allergy", "acute_hepatitis", "liver_failure", "cirrhosis", "renal_moderate"),
    *("renal_severe", "pregnant", "planning_pregnancy", "breastfeeding", "transplant", "immunosuppressant"),
    *("checkpoint_inhibitor", "thyroid_replacement", "depression", "suicidal_thoughts", "psychosis", "alcohol"),
    *("anticoagulant", "thioridazine", "disulfiram", "naltrexone_product", "ptsd"),
}


def codes(answers: dict[str, str], about: About = GROWN, asker: Asker = Asker.CLINICIAN) -> set[str]:
    return {item.code for item in screening.asked(FORM, answers, about, asker)}


def outcomes(answers: dict[str, str], about: About = GROWN) -> dict[str, Outcome]:
    return {one.code: one.outcome for one in screening.results(FORM, answers, about)}


class TestWhatIsAsked:
    def test_every_line_of_the_clinical_facts_has_its_question(self) -> None:
        assert {item.code for item in FORM.items} >= NEEDED

    def test_a_man_of_eighty_is_not_asked_about_pregnancy_and_an_adult_not_about_a_guardian(self) -> None:
        old = codes({}, About(age=80))
        assert not old & {"pregnancy_possible", "pregnant", "breastfeeding", "planning_pregnancy", "guardian_agrees"}

    @pytest.mark.parametrize(("age", "is_asked"), [(9, False), (10, True), (59, True), (60, False)])
    def test_pregnancy_is_asked_about_between_two_ages(self, age: int, is_asked: bool) -> None:
        assert ("pregnancy_possible" in codes({}, About(age=age))) is is_asked

    @pytest.mark.parametrize(("age", "is_asked"), [(17, True), (18, False)])
    def test_a_guardian_is_asked_for_below_eighteen(self, age: int, is_asked: bool) -> None:
        assert ("guardian_agrees" in codes({}, About(age=age))) is is_asked

    def test_what_follows_is_asked_only_where_it_matters(self) -> None:
        assert not codes({}) & {"pregnant", "thyroid_dose_changed", "opioid_withdrawal", "renal_severe", "egfr"}
        assert "pregnant" in codes({"pregnancy_possible": "unsure"})
        assert "thyroid_dose_changed" in codes({"thyroid_replacement": "yes"})
        assert {"renal_moderate", "renal_severe", "egfr"} <= codes({"kidney_disease": "yes"})
        assert {"opioid_withdrawal", "naloxone_challenge_failed"} <= codes({"opioid_dependent": "yes"})

    def test_hashimoto_asks_for_thyroid_tests_without_tablets(self) -> None:
        assert "thyroid_tests_recent" in codes({}, About(age=40, conditions=frozenset({"hashimoto"})))
        assert "thyroid_tests_recent" not in codes({})

    def test_a_question_does_not_follow_one_that_was_not_asked(self) -> None:
        assert "pregnant" not in codes({"pregnancy_possible": "yes"}, About(age=80))

    def test_a_patient_is_not_asked_what_only_a_clinician_can_know(self) -> None:
        everything = {item.code: "yes" for item in FORM.items}
        theirs = codes(everything, CHILD, Asker.PATIENT)
        assert not theirs & {"naloxone_challenge_failed", "urine_opioid_positive", "renal_severe", "egfr"}
        assert theirs < codes(everything, CHILD)

    def test_nothing_is_missing_but_a_number_once_all_is_answered(self) -> None:
        answers = {"kidney_disease": "yes"}
        while lacking := screening.missing(FORM, answers, GROWN):
            answers |= {item.code: "no" for item in lacking}
        assert "egfr" in codes(answers)
        assert "egfr" not in answers

    def test_an_answer_that_hung_on_another_falls_with_it(self) -> None:
        answers = {"pregnancy_possible": "no", "pregnant": "yes", "alcohol": "no"}
        assert screening.of_use(FORM, answers, GROWN) == {"pregnancy_possible": "no", "alcohol": "no"}
        assert not outcomes(answers)


class TestWhatItMeans:
    @pytest.mark.parametrize("code", HARD)
    def test_a_hard_stop_is_one(self, code: str) -> None:
        assert outcomes({code: "yes"})[code] is Outcome.HARD_STOP

    @pytest.mark.parametrize("code", ["opioids_now", "opioid_dependent"])
    def test_not_being_sure_of_opioids_stops_as_well(self, code: str) -> None:
        assert outcomes({code: "unsure"})[code] is Outcome.HARD_STOP

    @pytest.mark.parametrize(
        ("code", "who"), [("transplant", "transplant team"), ("checkpoint_inhibitor", "oncologist")]
    )
    def test_a_specialist_may_lift_two_of_them(self, code: str, who: str) -> None:
        (result,) = screening.results(FORM, {code: "yes"}, GROWN)
        assert result.outcome is Outcome.HARD_STOP
        assert who in result.lift
        assert not screening.results(FORM, {"opioids_now": "yes"}, GROWN)[0].lift

    def test_pregnancy_and_kidneys_ask_for_a_reason(self) -> None:
        said = {"pregnancy_possible": "yes", "pregnant": "yes", "breastfeeding": "yes", "planning_pregnancy": "yes"}
        found = outcomes({**said, "kidney_disease": "yes", "renal_moderate": "yes", "renal_severe": "yes"})
        soft = ("pregnant", "breastfeeding", "planning_pregnancy", "renal_moderate", "renal_severe")
        assert {found[code] for code in soft} == {Outcome.SOFT_STOP}

    @pytest.mark.parametrize(("number", "stops"), [("30", True), ("30.1", False), ("29,5", True), ("90", False)])
    def test_egfr_stops_at_thirty_and_says_the_number(self, number: str, stops: bool) -> None:
        answers = {"kidney_disease": "yes", "egfr": number}
        found = [one for one in screening.results(FORM, answers, GROWN) if one.code == "egfr"]
        assert bool(found) is stops
        assert all(number in one.sentence for one in found)

    def test_the_gravest_stand_first(self) -> None:
        found = screening.results(
            FORM, {"alcohol": "yes", "psychosis": "yes", "excipient_allergy": "yes", "liver_failure": "yes"}, GROWN
        )
        assert [one.outcome for one in found] == list(Outcome)

    def test_no_and_nothing_mean_nothing_but_for_a_guardian(self) -> None:
        assert not outcomes({item.code: "no" for item in FORM.items})
        assert not outcomes({})
        assert outcomes({"guardian_agrees": "no"}, CHILD)["guardian_agrees"] is Outcome.HARD_STOP
        assert outcomes({"guardian_agrees": "yes"}, CHILD)["guardian_agrees"] is Outcome.SOFT_STOP

    def test_bad_news_never_takes_a_result_away(self) -> None:
        choices = [item.code for item in FORM.items if not item.is_number and not item.about]
        for first, second in itertools.permutations(choices, 2):
            alone = outcomes({first: "yes"})
            both = outcomes({first: "yes", second: "yes"})
            assert alone.items() <= both.items(), (first, second)

    def test_mood_and_alcohol_lead_on(self) -> None:
        found = {
            one.code: one.leads_to for one in screening.results(FORM, {"depression": "yes", "alcohol": "yes"}, GROWN)
        }
        assert found == {"depression": "phq", "alcohol": "audit_c"}


class TestTheFile:
    def test_nobody_has_reviewed_it_and_it_says_so(self) -> None:
        assert FORM.version
        assert not FORM.reviewed

    def test_every_meaning_has_a_sentence_a_source_and_a_grade(self) -> None:
        for item in FORM.items:
            assert item.sources, item.code
            assert item.grade in ("E1", "E2", "E3")
            for meaning in (*item.meanings.values(), *item.thresholds):
                assert meaning.sentence.endswith("."), item.code
                assert "naltrexone" not in meaning.sentence

    @pytest.mark.parametrize(
        ("change", "fault"),
        [
            (('code = "pregnant"', 'code = "alcohol"'), "twice"),
            (('only_if = ["kidney_disease"]', 'only_if = ["ptsd"]'), "come before"),
            (('by = "clinician"\n', ""), "one of the two"),
        ],
    )
    def test_a_file_that_contradicts_itself_is_not_read(self, change: tuple[str, str], fault: str) -> None:
        text = (screening.Path(screening.__file__).parent / "screening.toml").read_text("utf-8")
        with pytest.raises(ValueError, match=fault):
            screening.parse(text.replace(*change))
