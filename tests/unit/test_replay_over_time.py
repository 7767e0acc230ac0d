"""What a look on a later day must still find: what was closed opens neither by silence nor by a dose taken."""

from typing import Any

import pytest

from tests.unit.test_replay_as_told import answer, before, told_nights

COURSE: dict[str, Any] = {"protocol": "STD-4W", "starts_on": "2025-01-06", "mode": "confirmed"}


def looked_at(as_of: str, logs: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return answer({**COURSE, "logs": before() + logs, **more}, as_of)


def parts(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["rule"]: one for one in told["findings"]}


TEN = told_nights("2025-01-06", 10)
GONE = told_nights("2025-01-16", 14, taken=False)


class TestGaps:
    """R14: 13 nights the same dose, 14 are built up again, and a clinician decides (clinical facts 6.1, line 10)."""

    @pytest.mark.parametrize("as_of", ["2025-01-31", "2025-02-06", "2025-04-30"])
    def test_a_dose_taken_after_a_long_gap_answers_nothing(self, as_of: str) -> None:
        told = looked_at(as_of, TEN + GONE + told_nights("2025-01-30", 7))
        assert parts(told)["R14"]["sentence"].startswith("14 nights without a dose, since 16 January 2025")
        assert parts(told)["R14"]["blocks"] == ["dose", "step"]
        assert told["can_step"] is False
        assert all("take the next one as planned" not in one["patient_sentence"] for one in told["findings"])

    def test_it_has_stood_since_the_gap_grew_long(self) -> None:
        """On the last evening of it, as that night's sleep is told already."""
        told = looked_at("2025-02-06", TEN + GONE + told_nights("2025-01-30", 7))
        assert parts(told)["R14"]["raised_on"] == "2025-01-29"

    @pytest.mark.parametrize(
        ("untold", "gap"), [([3], 14), ([13], 14), ([3, 13], 14), ([2, 3, 4, 5], 14), ([0], 13), ([], 14)]
    )
    def test_a_night_that_nobody_told_of_is_no_dose(self, untold: list[int], gap: int) -> None:
        gone = [one for number, one in enumerate(GONE) if number not in untold]
        told = looked_at("2025-01-30", TEN + gone)
        assert parts(told)["R14"]["data"]["gap"] == gap
        assert ("dose" in parts(told)["R14"]["blocks"]) is (gap >= 14)

    def test_thirteen_nights_and_a_dose_are_over(self) -> None:
        told = looked_at("2025-02-10", TEN + GONE[:13] + told_nights("2025-01-29", 12))
        assert "R14" not in parts(told)

    def test_of_silence_alone_nothing_is_a_gap(self) -> None:
        assert set(parts(looked_at("2025-02-06", TEN))) == {"R25"}
        assert set(parts(looked_at("2025-02-06", TEN + GONE[:1]))) == {"R25"}

    @pytest.mark.parametrize(
        ("change", "answers"),
        [
            ({"kind": "restart", "on": "2025-01-31", "off_since": "2025-01-16"}, True),
            ({"kind": "go_to", "on": "2025-02-01", "dose_mg": "1"}, True),
            ({"kind": "change_time", "on": "2025-02-01", "to": "morning"}, False),
            ({"kind": "go_to", "on": "2025-01-18", "dose_mg": "1"}, False),
        ],
    )
    def test_a_person_who_changes_the_course_after_it_answers_it(self, change: dict[str, Any], answers: bool) -> None:
        told = looked_at("2025-02-06", TEN + GONE + told_nights("2025-01-30", 7), changes=[change])
        assert told["refused"] == []
        assert ("R14" not in parts(told)) is answers

    def test_so_does_who_settles_one_of_its_nights(self) -> None:
        settled = [*GONE[:-1], {**GONE[-1], "answered_on": "2025-01-31"}]
        assert "R14" in parts(looked_at("2025-01-30", TEN + settled))
        assert "R14" not in parts(looked_at("2025-02-06", TEN + settled + told_nights("2025-01-30", 7)))


def with_signs(night: str, *names: str, **more: Any) -> dict[str, Any]:
    effects = [{"name": name, "severity": "mild"} for name in names]
    return told_nights(night, 1, side_effects=effects, **more)[0]


def among(logs: list[dict[str, Any]], *others: dict[str, Any]) -> list[dict[str, Any]]:
    """The same nights, those of these dates told otherwise."""
    changed = {one["night"]: one for one in others}
    return [changed.pop(one["night"], one) for one in logs] + list(changed.values())


MONTH = told_nights("2025-01-06", 35)
JAUNDICE = with_signs("2025-01-08", "jaundice")
LUNG = with_signs("2025-01-10", "breathless")
HIVES = with_signs("2025-01-10", "hives")
WITHDRAWN = with_signs("2025-01-10", "yawning", "gooseflesh", "tremor", other_medicines="codeine")
NINE = {"on": "2025-01-15", "instrument": "phq-9", "score": 9, "item9": 2}


class TestAlarms:
    """Signs of emergency and of stop stand until somebody answers them, however long ago they were told."""

    @pytest.mark.parametrize("as_of", ["2025-01-12", "2025-01-19", "2025-02-09", "2025-08-01"])
    @pytest.mark.parametrize(("night", "rule"), [(JAUNDICE, "R04"), (LUNG, "R31"), (HIVES, "R31"), (WITHDRAWN, "R03")])
    def test_a_sign_does_not_pass_by_being_old(self, night: dict[str, Any], rule: str, as_of: str) -> None:
        told = looked_at(as_of, among(MONTH, night))
        assert parts(told)[rule]["blocks"] == ["dose", "step"]
        assert parts(told)[rule]["raised_on"] == night["night"]
        assert told["can_step"] is False

    @pytest.mark.parametrize(("night", "rule"), [(JAUNDICE, "R04"), (LUNG, "R31"), (HIVES, "R31"), (WITHDRAWN, "R03")])
    def test_it_is_over_once_somebody_has_settled_the_night(self, night: dict[str, Any], rule: str) -> None:
        settled = among(MONTH, {**night, "answered_on": "2025-01-13"})
        assert rule in parts(looked_at("2025-01-12", settled))
        assert rule not in parts(looked_at("2025-01-13", settled))

    def test_the_same_sign_is_one_thing_and_a_new_one_another(self) -> None:
        nights = among(MONTH, HIVES, with_signs("2025-01-11", "hives", "wheeze"), with_signs("2025-01-12", "hives"))
        raised = [one["raised_on"] for one in looked_at("2025-01-20", nights)["findings"] if one["rule"] == "R31"]
        assert raised == ["2025-01-10", "2025-01-11"]
        again = among(MONTH, HIVES, with_signs("2025-01-18", "hives"))
        raised = [one["raised_on"] for one in looked_at("2025-01-20", again)["findings"] if one["rule"] == "R31"]
        assert raised == ["2025-01-10", "2025-01-18"]

    def test_a_sign_from_before_the_first_dose_still_stops_who_has_begun(self) -> None:
        ill = [*before()[:-1], {**before()[-1], "side_effects": JAUNDICE["side_effects"]}]
        told = answer({**COURSE, "logs": ill + MONTH}, "2025-01-20")
        assert "before the first dose. Stop; test the liver today." in parts(told)["R04"]["sentence"]
        assert parts(told)["R04"]["patient_sentence"].startswith("Take no more ")

    def test_signs_that_go_with_a_liver_test_are_those_around_it_and_since(self) -> None:
        lab = {"on": "2025-01-14", "test": "ALT", "value": 150, "unit": "U/L", "high": 40}
        ill = among(MONTH, with_signs("2025-01-08", "nausea"))
        assert parts(looked_at("2025-02-09", ill, labs=[lab]))["R04b"]["severity"] == "emergency"
        long_before = {**lab, "on": "2025-01-16"}
        assert "R04b" not in parts(looked_at("2025-02-09", ill, labs=[long_before]))

    def test_a_later_none_does_not_answer_item_9(self) -> None:
        later = {"on": "2025-02-01", "instrument": "phq-9", "score": 2, "item9": 0}
        told = looked_at("2025-02-09", MONTH, assessments=[NINE, later])
        assert "item 9 was answered 2 of 3" in parts(told)["R20"]["sentence"]
        assert "R20" not in parts(
            looked_at("2025-02-09", MONTH, assessments=[{**NINE, "reviewed_on": "2025-01-16"}, later])
        )

    THREE = ("fever", "low appetite", "nausea")

    @pytest.mark.parametrize(
        ("ill", "untold", "fires"),
        [
            ((6, 7, 9, 10), (8,), True),
            ((6, 7, 9), (8,), True),
            ((6, 7, 9, 10), (), False),
            ((6, 7), (8,), False),
            ((6, 7, 16), tuple(range(8, 16)), False),
        ],
    )
    def test_a_night_that_nobody_told_of_does_not_end_days_of_signs(
        self, ill: tuple[int, ...], untold: tuple[int, ...], fires: bool
    ) -> None:
        nights = among(told_nights("2025-01-06", 12), *(with_signs(f"2025-01-{day:02}", *self.THREE) for day in ill))
        nights = [one for one in nights if int(one["night"][-2:]) not in untold]
        assert ("R04" in parts(looked_at("2025-01-20", nights))) is fires
