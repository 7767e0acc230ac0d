"""Files as somebody writes them who knows the names of the fields and no more: what is found is what they expect."""

import io
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from titration import protocol_files
from titration.replay import command_line, reading, running, telling
from titration.replay.fields import Malformed

COURSE: dict[str, Any] = {
    "zone": "America/New_York",
    "protocol": "STD-2W",
    "starts_on": "2025-01-06",
    "formulation": {"capsules_mg": ["0.5", "1.5"]},
}


ENDS = {"phq-2": (0, 6), "phq-9": (0, 27), "audit-c": (0, 12), "isi": (0, 28), "pgic": (1, 7), "peg": (0, 10)}
"""The least and the most of each instrument, by clinical facts 3.1 and 3.2."""


def told_nights(first: str, count: int, **more: Any) -> list[dict[str, Any]]:
    """Good nights in a row with every field there is, those that nobody filled in left null."""
    usual = {
        "taken": True,
        "taken_mg": None,
        "taken_at": None,
        "sleep_hours": 7,
        "latency_min": 15,
        "awake_min": 10,
        "awakenings": 1,
        "quality": 4,
        "dream_vividness": 0,
        "dream_distress": 0,
        "pain": 5,
        "fatigue": 4,
        "lead_symptom": 5,
        "side_effects": [],
        "other_medicines": "",
    }
    begin = date.fromisoformat(first)
    return [{"night": (begin + timedelta(days=n)).isoformat(), **usual, **more} for n in range(count)]


def before(**more: Any) -> list[dict[str, Any]]:
    """The week before the first dose."""
    return [
        {"night": one["night"], "sleep_hours": 7.5, "quality": 4, "lead_symptom": 6, **more}
        for one in told_nights("2024-12-30", 7)
    ]


FORTNIGHT = told_nights("2025-01-06", 14)
WEEK = told_nights("2025-01-06", 7)


def last_night(**more: Any) -> list[dict[str, Any]]:
    """Five good nights, and one that tells something: that of 11 January."""
    return told_nights("2025-01-06", 5) + told_nights("2025-01-11", 1, **more)


def answer(more: dict[str, Any], as_of: str) -> dict[str, Any]:
    file = reading.read(json.dumps({**COURSE, **more}), protocol_files.find)
    return telling.told(file, running.run(file), date.fromisoformat(as_of))


def only(one: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: one[name] for name in names}


def as_texts(one: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if type(value) in (int, float) else value for name, value in one.items()}


AS_TOLD: list[tuple[str, str, dict[str, Any], str, bool | str]] = [
    ("two good weeks", "2025-01-20", {"logs": before() + FORTNIGHT}, "R09", True),
    (
        "the morning after a night of that date",
        "2025-01-20",
        {"logs": FORTNIGHT + told_nights("2025-01-20", 1)},
        "R09",
        True,
    ),
    ("every number as a text", "2025-01-20", {"logs": [as_texts(one) for one in FORTNIGHT]}, "R09", True),
    (
        "pain alone is the lead symptom",
        "2025-01-20",
        {"logs": [only(one, "night", "taken", "sleep_hours", "pain") for one in FORTNIGHT]},
        "R09",
        True,
    ),
    (
        "nights written with a time",
        "2025-01-20",
        {"logs": [{**one, "night": one["night"] + "T00:00:00"} for one in FORTNIGHT]},
        "R09",
        True,
    ),
    (
        "everything null",
        "2025-01-08",
        {
            "screening": None,
            "medicines": None,
            "procedures": None,
            "labs": None,
            "assessments": None,
            "logs": [dict.fromkeys(FORTNIGHT[0]) | {"night": "2025-01-06"}],
        },
        "",
        False,
    ),
    (
        "a cough syrup with dates and times",
        "2025-01-05",
        {
            "medicines": [
                {"name": "Hycodan cough syrup", "from": "2024-12-20T08:00:00", "last_dose": "2025-01-01T21:30:00-05:00"}
            ]
        },
        "R01",
        False,
    ),
    (
        "a patch that was ended",
        "2025-01-06",
        {"medicines": [{"name": "fentanyl patch 25", "until": "2024-12-28"}]},
        "R01",
        False,
    ),
    (
        "ten days after the last tablet",
        "2025-01-06",
        {"medicines": [{"name": "Percocet", "last_dose_date": "2024-12-27"}]},
        "",
        False,
    ),
    (
        "loperamide with its amount beside it",
        "2025-01-06",
        {"medicines": [{"name": "loperamide", "dose": "2 mg", "frequency": "as needed"}]},
        "R01",
        False,
    ),
    (
        "answers as a list",
        "2025-01-06",
        {"screening": [{"item": "Pregnant", "answer": "Yes"}, {"item": "opioids", "answer": "No"}]},
        "R17",
        False,
    ),
    (
        "answers in a form with its date",
        "2025-01-06",
        {"screening": {"on": "2025-01-02", "answers": {"opioid_use": "no", "Organ transplant": True}}},
        "R19",
        False,
    ),
    (
        "an answer of a person who is not sure",
        "2025-01-06",
        {"screening": {"current_opioids": "don't know"}},
        "R01",
        False,
    ),
    (
        "a liver test with its range in words",
        "2025-01-10",
        {
            "labs": [
                {"date": "2025-01-08", "test": "ALT (SGPT)", "value": "201", "unit": "U/L", "reference_range": "7-40"}
            ]
        },
        "R04b",
        False,
    ),
    (
        "a liver test below what is measured",
        "2025-01-10",
        {"labs": [{"on": "2025-01-08T07:00", "test": "SGOT", "value": "<5", "high": "40"}]},
        "",
        False,
    ),
    (
        "a pregnancy test in words",
        "2025-01-10",
        {"labs": [{"on": "2025-01-08", "test": "Pregnancy test", "result": "Positive"}]},
        "R17",
        False,
    ),
    (
        "questions by their numbers",
        "2025-01-10",
        {
            "assessments": [
                {
                    "on": "2025-01-09T10:00",
                    "instrument": "PHQ9",
                    "answers": {**{f"q{n}": 0 for n in range(1, 9)}, "q9": 1},
                }
            ]
        },
        "R20",
        False,
    ),
    (
        "an answer left out",
        "2025-01-10",
        {"assessments": [{"on": "2025-01-09", "instrument": "PHQ_9", "answers": [0, 0, None, 0, 0, 0, 0, 0, "2"]}]},
        "R20",
        False,
    ),
    (
        "a PHQ-2 by its score as a text",
        "2025-01-10",
        {"assessments": [{"date": "2025-01-09", "instrument": "phq-2", "score": "3"}]},
        "R20",
        False,
    ),
    (
        "an instrument that no rule reads",
        "2025-01-10",
        {"assessments": [{"on": "2025-01-09", "instrument": "FIQR", "score": 59.0}]},
        "",
        False,
    ),
    (
        "PGIC in words",
        "2025-02-01",
        {
            "mode": "confirmed",
            "changes": [{"on": "2025-01-20", "kind": "advance"}],
            "assessments": [{"on": "2025-01-30", "instrument": "PGIC", "score": "Much improved"}],
            "logs": told_nights("2025-01-20", 12),
        },
        "R09 R11",
        False,
    ),
    (
        "a procedure by one moment",
        "2025-01-12",
        {"procedures": [{"name": "knee", "at": "2025-01-22T08:00", "entered_on": "2025-01-10"}]},
        "R16",
        False,
    ),
    (
        "a procedure by date and time",
        "2025-01-12",
        {"procedures": [{"name": "knee", "date": "2025-01-22", "time": "8:00"}]},
        "R16",
        False,
    ),
    ("a procedure by its date alone", "2025-01-12", {"procedures": ["2025-01-22"]}, "R16", False),
    (
        "taken in other words",
        "2025-01-20",
        {
            "logs": [
                {**one, "taken": said}
                for one, said in zip(
                    FORTNIGHT, ["yes"] * 7 + ["missed", 1, "TAKEN", "skipped", "taken", "y", "no"], strict=True
                )
            ]
        },
        "R09 R14",
        False,
    ),
    (
        "side effects by name",
        "2025-01-12",
        {
            "logs": last_night(
                side_effects={"Sweating": "severe", "Agitation": "moderate", "Yawning": "mild", "Nausea": "none"},
                other_medicines=["kratom"],
            )
        },
        "R02 R03",
        False,
    ),
    (
        "side effects by degree",
        "2025-01-12",
        {"logs": last_night(side_effects=[{"name": "Yellow eyes", "severity": 1}])},
        "R04",
        False,
    ),
    ("another medicine, and nobody says which", "2025-01-12", {"logs": last_night(other_medicines=True)}, "R02", False),
    ("no other medicine", "2025-01-12", {"logs": last_night(other_medicines="None")}, "", False),
    (
        "two doses eleven hours apart, written with a blank",
        "2025-01-12",
        {
            "logs": told_nights("2025-01-06", 5, taken_at="23:00")
            + told_nights("2025-01-11", 1, taken_at="2025-01-11 9:30")
        },
        "R15",
        False,
    ),
    ("twice the dose", "2025-01-12", {"logs": last_night(taken_mg=3)}, "R15", False),
    (
        "a dose left out because of bad dreams",
        "2025-01-15",
        {
            "logs": told_nights("2025-01-06", 8)
            + told_nights("2025-01-14", 1, taken=False, skipped_because="Bad dreams")
        },
        "R08c",
        False,
    ),
    (
        "Crohn's disease as people write it",
        "2025-01-10",
        {
            "patient": {"born_on": 1980, "conditions": ["Crohn's disease"], "sex": "F"},
            "assessments": [
                {"on": "2025-01-02", "instrument": "PRO2", "score": 10},
                {"on": "2025-01-09", "instrument": "pro2", "score": "16"},
            ],
        },
        "R21a",
        False,
    ),
    (
        "means of a week as every night's number",
        "2025-02-17",
        {
            "mode": "confirmed",
            "changes": [{"on": "2025-01-20", "kind": "advance"}],
            "patient": {"conditions": ["chronic_pain"]},
            "logs": before(lead_symptom=6.0) + FORTNIGHT + told_nights("2025-01-20", 28, lead_symptom=2.9),
        },
        "R09 R11",
        False,
    ),
]


@pytest.mark.parametrize(
    ("as_of", "more", "rules", "can_step"), [one[1:] for one in AS_TOLD], ids=[one[0] for one in AS_TOLD]
)
def test_what_is_expected_is_found(as_of: str, more: dict[str, Any], rules: str, can_step: bool | str) -> None:
    told = answer(more, as_of)
    assert sorted({one["rule"] for one in told["findings"]} - {"R25"}) == rules.split(), told
    assert told["can_step"] == can_step, told["why"]
    assert all("None" not in one["sentence"] for one in told["findings"])


def test_the_way_back_is_what_is_left_in_hand() -> None:
    poor = told_nights("2025-01-20", 7, latency_min=90)
    more = {
        "formulation": {"capsules_mg": ["1.5", "3"]},
        "fills": [
            {"on": "2025-01-05", "strength_mg": "1.5", "units": 14},
            {"on": "2025-01-19", "strength_mg": "3", "units": 30},
        ],
        "logs": before() + FORTNIGHT + poor,
    }
    (severe,) = [one for one in answer(more, "2025-01-27")["findings"] if one["rule"] == "R07"]
    assert severe["offers"] == ["skip tonight and call"]
    (severe,) = [one for one in answer({**more, "fills": []}, "2025-01-27")["findings"] if one["rule"] == "R07"]
    assert severe["offers"] == ["step back"]


def test_a_dose_is_told_with_its_unit_and_no_other_one() -> None:
    assert answer({"logs": told_nights("2025-01-06", 14, taken_mg="1.5 mg")}, "2025-01-20")["can_step"] is True
    with pytest.raises(Malformed, match="is a number without a unit"):
        answer({"logs": told_nights("2025-01-06", 1, taken_mg="1500 mcg")}, "2025-01-20")


def test_a_yes_with_more_words_is_a_yes() -> None:
    assert answer({"screening": {"transplant": "Yes, a kidney in 2019"}}, "2025-01-06")["findings"][0]["rule"] == "R19"


class TestSinceWhen:
    """On the first day of those in a row on which it stood, and never before anything was known."""

    def since(self, more: dict[str, Any], as_of: str) -> list[str]:
        return [one["raised_on"] for one in answer(more, as_of)["findings"]]

    def test_what_has_no_date_stands_since_the_file_knows_anything(self) -> None:
        percocet = {"medicines": [{"name": "Percocet", "last_dose_on": "2025-01-03"}]}
        assert self.since(percocet, "2025-01-06") == ["2025-01-06"]
        assert self.since({"screening": {"transplant": "yes"}}, "2025-01-20")[0] == "2025-01-06"

    def test_a_screening_stands_since_its_day(self) -> None:
        assert self.since({"screening": {"on": "2025-01-02", "transplant": "yes"}}, "2025-01-06") == ["2025-01-02"]

    def test_a_procedure_stands_since_it_was_entered(self) -> None:
        entered = {"procedures": [{"on": "2025-01-22", "entered_on": "2025-01-10"}]}
        assert self.since(entered, "2025-01-12") == ["2025-01-10"]

    def test_a_dose_still_ahead_was_not_taken_yet(self) -> None:
        more = {"logs": before(), "medicines": [{"name": "Percocet", "last_dose_on": "2025-01-03"}]}
        assert "goes on" in answer(more, "2025-01-02")["findings"][0]["sentence"]


class TestRefused:
    """What cannot be meant is said in one sentence that names it."""

    @pytest.mark.parametrize(
        ("more", "sentence"),
        [
            (
                {"screening": {"favourite_colour": "red"}},
                "screening.favourite_colour is unknown; known here: opioids_now",
            ),
            ({"screening": {"pregnant": "perhaps"}}, 'screening.pregnant is "yes", "no" or "unsure".'),
            ({"medicines": [{"name": "codeine", "colour": "red"}]}, "medicines[0].colour is unknown; known here: name"),
            ({"medicines": [{"last_dose_on": "2025-01-01"}]}, "medicines[0].name is missing."),
            ({"procedures": [{"name": "knee"}]}, "procedures[0].on is missing."),
            ({"procedures": [{"at": "08:00"}]}, "procedures[0].on is missing."),
            ({"procedures": [{"on": "2025-01-22", "at": "25:00"}]}, "procedures[0].at is a time of the day"),
            ({"labs": [{"on": "2025-01-08", "test": "ALT", "value": "high"}]}, "labs[0].value is a number"),
            ({"labs": [{"on": "2025-01-08", "test": "ALT", "value": 5, "range": "low"}]}, "labs[0].range is a range"),
            (
                {"assessments": [{"on": "2025-01-08", "instrument": "phq-11", "score": 3}]},
                "assessments[0].instrument is one",
            ),
            ({"assessments": [{"on": "2025-01-08", "instrument": "phq-9"}]}, "assessments[0].score is missing"),
            (
                {"assessments": [{"on": "2025-01-08", "instrument": "phq-9", "answers": [1]}]},
                "assessments[0].answers are 9",
            ),
            *(
                (
                    {"assessments": [{"on": "2025-01-08", "instrument": instrument, "score": beyond}]},
                    "assessments[0].score",
                )
                for instrument, (least, most) in ENDS.items()
                for beyond in (least - 1, most + 1)
            ),
            (
                {"assessments": [{"on": "2025-01-08", "instrument": "phq-2", "score": "2.5"}]},
                "assessments[0].score is a whole number.",
            ),
            (
                {"assessments": [{"on": "2025-01-08", "instrument": "phq-9", "score": 9, "item9": 4}]},
                "assessments[0].item9 is a whole number from 0 to 3.",
            ),
            (
                {"assessments": [{"on": "2025-01-08", "instrument": "phq-9", "score": 1, "item9": 3}]},
                "assessments[0].item9 is part of the score: 3 of 1 cannot be.",
            ),
            (
                {"assessments": [{"on": "2025-01-08", "instrument": "phq-9", "score": 27, "item9": 2}]},
                "assessments[0].item9 is part of the score: 2 of 27 cannot be.",
            ),
            (
                {"medicines": [{"name": "codeine", "from": "2025-01-08", "until": "2025-01-07"}]},
                "medicines[0].until is before from.",
            ),
            (
                {"logs": [{"night": "2025-01-06", "taken_at": "2025-02-30T22:00"}]},
                "logs[0].taken_at is a time of the day",
            ),
            ({"logs": [{"night": "2025-01-06", "quality": "good"}]}, "logs[0].quality is a number from 1 to 5."),
            (
                {"logs": [{"night": "2025-01-06", "side_effects": [{"name": "nausea"}]}]},
                "logs[0].side_effects[0].severity is",
            ),
        ],
    )
    def test_the_sentence_names_it(self, more: dict[str, Any], sentence: str) -> None:
        with pytest.raises(Malformed) as refused:
            answer(more, "2025-01-20")
        assert refused.value.sentence.startswith(sentence)

    @pytest.mark.parametrize("instrument", ENDS)
    def test_the_ends_of_an_instrument_can_be_told(self, instrument: str) -> None:
        for score in ENDS[instrument]:
            answer({"assessments": [{"on": "2025-01-08", "instrument": instrument, "score": score}]}, "2025-01-20")

    def test_a_medicine_may_begin_and_end_on_one_day(self) -> None:
        answer({"medicines": [{"name": "codeine", "from": "2025-01-08", "until": "2025-01-08"}]}, "2025-01-20")


class TestAPlanThatCannotBeMeant:
    @pytest.mark.parametrize(
        "more",
        [
            {"protocol": {"rungs": [{"dose_mg": "450", "days": 14}, {"dose_mg": "3"}]}},
            {"protocol": {"toml": '[[rungs]]\ndose_mg = "450"\n'}},
            {"first_dose_mg": "450"},
            {"target_mg": "450"},
            {"protocol": {"rungs": [{"dose_mg": "3", "days": 14}, {"dose_mg": "450", "reason": "asked for"}]}},
        ],
    )
    def test_it_is_no_course_and_the_rules_say_why(self, more: dict[str, Any], tmp_path: Path) -> None:
        path, out = tmp_path / "course.json", io.StringIO()
        path.write_text(json.dumps({"zone": "Europe/Oslo", "protocol": "STD-2W", "starts_on": "2025-01-06"} | more))
        assert command_line.main([str(path), "--as-of", "2025-01-07", "--json"], out, io.StringIO()) == 0
        told = json.loads(out.getvalue())
        assert [(one["rule"], one["severity"], one["blocks"]) for one in told["findings"]] == [
            ("R29", "stop", ["save"])
        ]
        assert "450 mg is above 10 mg" in told["findings"][0]["sentence"]
        assert (told["timeline"], told["dose_now_mg"], told["can_step"]) == ([], None, False)

    def test_a_template_above_the_usual_most_gives_a_reason(self) -> None:
        rungs = [{"dose_mg": "4.5", "days": 14}, {"dose_mg": "6"}]
        written = json.dumps(COURSE | {"protocol": {"rungs": rungs}, "formulation": None})
        told = command_line.answer(written, "2025-01-07").data
        assert [one["rule"] for one in told["findings"]] == ["R29"]
        assert "6 mg is above 4.5 mg, and gives no reason." in told["why"]
        rungs[1]["reason"] = "asked for, and agreed with the neurologist"
        assert command_line.answer(json.dumps(json.loads(written) | {"protocol": {"rungs": rungs}}), "2025-01-07").lines

    def test_ten_milligrams_can_be_meant(self) -> None:
        assert "R29" not in {one["rule"] for one in answer({"first_dose_mg": "10"}, "2025-01-07")["findings"]}


RUNGS = [{"dose_mg": "1", "days": 10}, {"dose_mg": "2", "days": 10}, {"dose_mg": "3"}]


def short_nights(*hours: float) -> list[dict[str, Any]]:
    """The nights from the first dose on, by hours asleep."""
    return [one | {"sleep_hours": told} for one, told in zip(told_nights("2025-01-06", len(hours)), hours, strict=True)]


def found_in(more: dict[str, Any], as_of: str) -> dict[str, dict[str, Any]]:
    return {one["rule"]: one for one in answer(more, as_of)["findings"]}


def test_where_a_step_is_due_early_its_first_nights_count_from_day_8_on() -> None:
    told = [one | {"latency_min": 45} if 3 <= at <= 6 else one for at, one in enumerate(told_nights("2025-01-06", 8))]
    ten_days = {"protocol": {"rungs": RUNGS}, "logs": before(latency_min=10) + told}
    found = found_in(ten_days, "2025-01-14")
    assert "4 bad nights of 7 told, on day 9" in found["R06"]["sentence"]
    assert "R05" not in found


@pytest.mark.parametrize(("nights", "fires"), [(4, True), (3, False)])
def test_hours_lost_are_the_mean_of_four_nights(nights: int, fires: bool) -> None:
    told = before() + short_nights(*[6.2] * nights)
    found = found_in({"logs": told}, f"2025-01-{6 + nights:02}")
    assert ("R07" in found) is fires


def test_what_was_found_out_of_one_night_says_nothing_of_the_one_before() -> None:
    told = told_nights("2025-01-06", 6)
    told[3] |= {"taken_mg": 9}
    told[4] |= {"taken_mg": 3, "clarified_on": "2025-01-12"}
    found = found_in({"logs": told}, "2025-01-12")
    assert "9 mg was taken on the night of 9 January 2025" in found["R15"]["sentence"]
    told[3] |= {"clarified_on": "2025-01-12"}
    assert "R15" not in found_in({"logs": told}, "2025-01-12")
    assert "R15" in found_in({"logs": told}, "2025-01-11")


@pytest.mark.parametrize(
    ("hours", "last"), [(None, "18 January 2025"), (96, "17 January 2025"), (48, "19 January 2025")]
)
def test_the_last_dose_before_a_procedure_is_by_its_own_hours(hours: int | None, last: str) -> None:
    procedure = {"on": "2025-01-22", "time": "8:00", **({"hours": hours} if hours else {})}
    found = found_in({"procedures": [procedure]}, "2025-01-12")
    assert f"the last dose is that of {last}, at least {hours or 72} hours before" in found["R16"]["sentence"]
