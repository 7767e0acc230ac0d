"""What a file comes to, one story each, with the days worked out by hand."""

from datetime import date, timedelta
from typing import Any

import pytest

from common.drug_names import NALTREXONE
from tests.unit.test_replay import replayed

MONDAY = date(2025, 1, 6)
PLAIN: dict[str, Any] = {"zone": "America/New_York", "protocol": "STD-2W", "starts_on": "2025-01-06"}
CAPSULES = {"formulation": {"capsules_mg": ["1.5"]}}


def on(days: int) -> str:
    """The date so many days after the first dose."""
    return (MONDAY + timedelta(days=days)).isoformat()


def with_changes(*changes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**PLAIN, **more, "changes": list(changes)}


def change(after: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"on": on(after), "kind": kind, **fields}


def told(file: dict[str, Any], as_of: str = "2025-01-12") -> list[tuple[int, str | None, str]]:
    """The lines: days after the first dose, the dose, the state."""
    return [
        ((date.fromisoformat(line["from"]) - MONDAY).days, line["dose_mg"], line["state"])
        for line in replayed(file, as_of)["timeline"]
    ]


def why(file: dict[str, Any]) -> list[str]:
    return [line["why"] for line in replayed(file)["timeline"]]


def refused(file: dict[str, Any]) -> list[tuple[int, str]]:
    return [(one["change"], one["sentence"]) for one in replayed(file)["refused"]]


def good_night(days: int, **more: Any) -> dict[str, Any]:
    return {"night": on(days), "taken": True, "sleep_hours": 7, "lead_symptom": 5, **more}


class TestEveryKind:
    def test_planned_steps_happen_on_their_day(self) -> None:
        assert told(PLAIN) == [(0, "1.5", "titrating"), (14, "3", "titrating"), (28, "4.5", "maintenance")]

    def test_a_hold_without_an_end_lasts_until_it_is_resumed(self) -> None:
        file = with_changes(change(4, "hold", reason="insomnia"), change(14, "resume"))
        assert told(file)[:4] == [
            (0, "1.5", "titrating"),
            (4, "1.5", "held"),
            (14, "1.5", "titrating"),
            (24, "3", "titrating"),
        ]
        assert why(file)[1:3] == ["Held 10 days: insomnia", "Resumed"]

    def test_a_hold_that_is_never_resumed(self) -> None:
        file = with_changes(change(4, "hold"))
        assert told(file) == [(0, "1.5", "titrating"), (4, "1.5", "held")]
        assert why(file)[1] == "Held until somebody resumes it"
        assert replayed(file)["next_step"] is None

    def test_a_hold_until_a_day(self) -> None:
        assert told(with_changes(change(4, "hold", until=on(11)))) == told(with_changes(change(4, "hold", days=7)))

    def test_a_step_now(self) -> None:
        file = with_changes(change(7, "step_now", reason="sleeps well"))
        assert told(file) == [(0, "1.5", "titrating"), (7, "3", "titrating"), (21, "4.5", "maintenance")]
        assert why(file)[1] == "Step up: sleeps well"

    def test_a_step_back_climbs_again(self) -> None:
        file = with_changes(change(20, "step_back", reason="vivid dreams"))
        assert told(file) == [
            (0, "1.5", "titrating"),
            (14, "3", "titrating"),
            (20, "1.5", "titrating"),
            (34, "3", "titrating"),
            (48, "4.5", "maintenance"),
        ]

    def test_a_chosen_dose_beside_the_ladder_stays(self) -> None:
        file = with_changes(change(20, "go_to", dose_mg="2.25"))
        assert told(file)[-1] == (20, "2.25", "maintenance")
        assert replayed(file, on(20))["next_step"] is None

    def test_a_chosen_dose_for_some_days_climbs_on(self) -> None:
        file = with_changes(change(20, "go_to", dose_mg="2.25", days=5))
        assert told(file)[2:4] == [(20, "2.25", "titrating"), (25, "3", "titrating")]

    def test_the_best_dose_is_the_end_of_titration(self) -> None:
        file = with_changes(change(20, "stay_here"))
        assert told(file) == [(0, "1.5", "titrating"), (14, "3", "titrating"), (20, "3", "maintenance")]
        assert replayed(file, "2025-02-01")["next_step"] is None

    def test_a_step_repeated(self) -> None:
        assert told(with_changes(change(10, "repeat_rung")))[2] == (24, "3", "titrating")

    def test_longer_steps_from_now_on(self) -> None:
        assert told(with_changes(change(3, "change_lengths", days=28)))[-1] == (42, "4.5", "maintenance")

    def test_from_evenings_to_mornings_a_day_is_left_out(self) -> None:
        file = with_changes(change(5, "change_time", time_of_day="morning", reason="sleeps badly"))
        lines = replayed(file)["timeline"]
        assert [(line["from"], line["time_of_day"], line["state"]) for line in lines[:3]] == [
            (on(0), "bedtime", "titrating"),
            (on(5), "morning", "off"),
            (on(6), "morning", "titrating"),
        ]
        assert lines[1]["dose_mg"] is None

    def test_a_short_pause_goes_on_at_the_same_dose(self) -> None:
        file = with_changes(change(16, "pause", days=5, cause="procedure"))
        assert told(file)[1:4] == [(14, "3", "titrating"), (16, None, "paused"), (21, "3", "titrating")]
        assert why(file)[2] == "Paused 5 days (procedure)"

    @pytest.mark.parametrize(("gap", "dose"), [(13, "3"), (14, "1.5")])
    def test_a_restart_is_built_up_again_from_14_days_on(self, gap: int, dose: str) -> None:
        file = with_changes(change(16, "pause", cause="opioid"), change(16 + gap, "restart"))
        assert told(file)[3] == (16 + gap, dose, "titrating")

    def test_three_days_on_and_three_off(self) -> None:
        file = with_changes(change(30, "on_off", days_on=3, days_off=3), change(45, "on_off"))
        assert told(file)[3:] == [
            (30, "4.5", "maintenance"),
            (33, None, "off"),
            (36, "4.5", "maintenance"),
            (39, None, "off"),
            (42, "4.5", "maintenance"),
            (45, "4.5", "maintenance"),
        ]
        cut = with_changes(change(30, "on_off", days_on=3, days_off=3), change(32, "on_off"))
        assert told(cut)[3:] == [(30, "4.5", "maintenance"), (32, "4.5", "maintenance")]
        assert why(file)[3:6] == ["3 days on, 3 days off", "Planned day off", "Days on again"]

    def test_a_pattern_without_an_end_is_written_out_for_a_year_and_then_says_so(self) -> None:
        lines = replayed(with_changes(change(30, "on_off", days_on=3, days_off=4)), on(40))["timeline"]
        last = lines[-1]
        assert (last["to"], last["pattern"]) == (None, {"days_on": 3, "days_off": 4})
        assert (date.fromisoformat(last["from"]) - MONDAY).days % 7 == 30 % 7
        assert date.fromisoformat(last["from"]) >= MONDAY + timedelta(days=40 + 365)
        assert [line["state"] for line in lines[3:7]] == ["maintenance", "off", "maintenance", "off"]
        assert all("pattern" not in line for line in lines[:-1])

    def test_a_step_that_falls_on_a_day_off_is_told_on_the_next_day_on(self) -> None:
        file = with_changes(change(9, "on_off", days_on=4, days_off=3))
        assert told(file)[1:4] == [(9, "1.5", "titrating"), (13, None, "off"), (16, "3", "titrating")]
        assert why(file)[3] == "Step up"

    def test_a_lower_dose_tried_then_reviewed(self) -> None:
        file = with_changes(change(60, "trial_reduction", dose_mg=3, days=28))
        assert told(file)[-2:] == [(60, "3", "maintenance"), (88, "3", "maintenance")]
        assert why(file)[-2:] == ["Trying a lower dose", "Review is due; the dose goes on until it is decided"]

    def test_a_stop(self) -> None:
        file = with_changes(change(20, "stop", cause="moved"))
        assert told(file)[-1] == (20, None, "ended")
        assert why(file)[-1] == "Stopped (moved)"
        assert replayed(file, on(40))["dose_now_mg"] is None

    def test_no_step_follows_a_stop_whatever_was_due(self) -> None:
        late = with_changes(change(30, "stop"), mode="confirmed")
        assert replayed(late, on(20))["next_step"] is None
        assert replayed(late, on(40))["next_step"] is None
        ahead = with_changes(change(20, "stay_here", recorded_on=on(13)), change(20, "stop"))
        assert told(ahead) == [(0, "1.5", "titrating"), (20, None, "ended")]

    def test_another_protocol_from_the_dose_in_force(self) -> None:
        file = with_changes(change(16, "change_protocol", protocol="STD-4W"))
        assert told(file)[2:] == [(16, "3", "titrating"), (44, "4.5", "maintenance")]
        assert why(file)[2] == "Goes on by every 4 weeks (STD-4W)"

    def test_another_protocol_from_a_dose_of_its_own(self) -> None:
        file = with_changes(change(16, "change_protocol", protocol="STD-4W", dose_mg="1.5"))
        assert told(file)[2:4] == [(16, "1.5", "titrating"), (44, "3", "titrating")]

    def test_what_is_taken_back_is_as_if_it_had_not_been(self) -> None:
        file = with_changes(change(4, "hold", days=7), {"kind": "supersede", "change": 0})
        assert replayed(file)["timeline"] == replayed(PLAIN)["timeline"]

    def test_what_was_in_force_is_only_taken_back_as_a_correction(self) -> None:
        hold, back = change(4, "hold", days=7), change(6, "supersede", change=0)
        assert refused(with_changes(hold, back)) == [
            (1, "This has been in force already. What was so in the past is entered as a correction.")
        ]
        assert told(with_changes(hold, back | {"correction": True})) == told(PLAIN)

    def test_who_waits_for_the_medicine_begins_when_it_comes(self) -> None:
        assert told({**PLAIN, "awaiting": True}) == [(0, None, "paused")]
        file = with_changes(change(9, "begin"), awaiting=True)
        assert told(file)[:3] == [(0, None, "paused"), (9, "1.5", "titrating"), (23, "3", "titrating")]
        assert why(file)[:2] == ["Waits for its medicine", "First dose"]

    def test_who_takes_it_already_has_no_invented_past(self) -> None:
        file = {**PLAIN, "first_dose_mg": "3"}
        assert told(file) == [(0, "3", "titrating"), (14, "4.5", "maintenance")]
        assert told({**PLAIN, "first_dose_mg": "2"}) == [(0, "2", "maintenance")]

    def test_no_step_goes_above_the_target(self) -> None:
        assert told({**PLAIN, "target_mg": 3}) == [(0, "1.5", "titrating"), (14, "3", "maintenance")]

    def test_a_protocol_that_ends_and_one_that_is_reviewed(self) -> None:
        assert told({**PLAIN, "protocol": "LC-DUBLIN"})[-2:] == [(30, "2", "titrating"), (60, None, "ended")]
        assert told({**PLAIN, "protocol": "LC-BC"})[-2:] == [(42, "4.5", "titrating"), (112, None, "ended")]
        assert told({**PLAIN, "protocol": "LIQ-SHILPA"})[-2:] == [(56, "3", "titrating"), (70, "3", "maintenance")]


class TestOrder:
    def test_a_file_need_not_be_sorted(self) -> None:
        one, other = change(4, "hold", days=7), change(30, "step_back")
        assert replayed(with_changes(one, other)) == replayed(with_changes(other, one))

    def test_a_refusal_names_the_place_in_the_file(self) -> None:
        assert [place for place, _ in refused(with_changes(change(30, "resume"), change(4, "go_to", dose_mg=12)))] == [
            0,
            1,
        ]

    def test_on_one_day_the_order_is_that_of_the_file(self) -> None:
        up, down = change(20, "go_to", dose_mg="3.75"), change(20, "go_to", dose_mg="1")
        assert told(with_changes(up, down))[2] == (20, "1", "maintenance")
        assert told(with_changes(down, up))[2] == (20, "3.75", "maintenance")

    def test_what_is_recorded_on_a_day_comes_before_its_step(self) -> None:
        assert told(with_changes(change(14, "hold", days=3)))[1:3] == [(14, "1.5", "held"), (17, "3", "titrating")]
        longer = told(with_changes(change(14, "change_lengths", days=28)))
        assert longer[1:] == [(14, "3", "titrating"), (42, "4.5", "maintenance")]

    def test_a_change_decided_ahead_overtakes_the_steps_until_then(self) -> None:
        """Decided on day 10 for day 20: what was decided last stands last, so no step of day 14 comes between."""
        ahead = change(20, "go_to", dose_mg="2", recorded_on=on(10))
        assert told(with_changes(ahead)) == [(0, "1.5", "titrating"), (20, "2", "maintenance")]

    def test_the_past_is_only_altered_by_a_correction(self) -> None:
        late = change(10, "hold", days=7, recorded_on=on(20))
        assert refused(with_changes(late)) == [
            (0, "16 January 2025 is past. What was so then is entered as a correction.")
        ]
        corrected = told(with_changes(late | {"correction": True}))
        assert corrected[:4] == [
            (0, "1.5", "titrating"),
            (10, "1.5", "held"),
            (17, "1.5", "titrating"),
            (21, "3", "titrating"),
        ]

    def test_a_step_overtaken_by_a_correction_does_not_happen_in_the_past(self) -> None:
        """The hold says that the step of day 14 never was; it was found out on day 40, and nobody stepped before."""
        late = change(10, "hold", days=7, recorded_on=on(40), correction=True)
        assert told(with_changes(late))[2:4] == [(17, "1.5", "titrating"), (40, "3", "titrating")]
        later = change(60, "hold", days=3)
        assert told(with_changes(late, later))[2:4] == [(17, "1.5", "titrating"), (40, "3", "titrating")]

    def test_steps_before_the_end_of_a_complete_history_do_not_happen_by_themselves(self) -> None:
        file = {**PLAIN, "history_until": on(30)}
        assert told(file)[:2] == [(0, "1.5", "titrating"), (30, "3", "titrating")]


class TestConfirmed:
    FILE = {**PLAIN, "mode": "confirmed"}

    def test_without_a_person_the_dose_stays(self) -> None:
        assert told(self.FILE) == [(0, "1.5", "titrating")]
        assert replayed(self.FILE, on(60))["next_step"] == {"on": on(14), "dose_mg": "3"}

    def test_the_next_step_is_never_that_of_the_day_itself(self) -> None:
        file = {**self.FILE, "changes": [change(14, "advance"), change(28, "advance")]}
        assert replayed(file, on(14))["next_step"] == {"on": on(28), "dose_mg": "4.5"}
        assert replayed(file, on(28))["next_step"] is None

    def test_an_advance_moves_it_up_once_due(self) -> None:
        file = {**self.FILE, "changes": [change(13, "advance"), change(17, "advance")]}
        assert told(file) == [(0, "1.5", "titrating"), (17, "3", "titrating")]
        assert [place for place, _ in refused(file)] == [0]
        assert replayed(file, on(15))["next_step"] == {"on": on(17), "dose_mg": "3"}

    def test_the_gate_is_not_asked_of_a_person(self) -> None:
        file = {**self.FILE, "gate": True, "changes": [change(14, "advance")]}
        assert told(file)[-1] == (14, "3", "titrating")

    def test_a_hold_long_after_the_plan_might_have_been_reviewed(self) -> None:
        """Nobody has stepped: the course is where it was, and can be held, whatever was once intended."""
        file = {**self.FILE, "protocol": "LIQ-SHILPA", "changes": [change(100, "hold", days=3)]}
        assert refused(file) == []
        assert told(file)[1] == (100, "1", "held")


class TestGate:
    def file(self, *logs: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {**PLAIN, "protocol": "STD-1W", "gate": True, "logs": list(logs), **more}

    def test_with_enough_good_nights_a_step_happens_on_its_day(self) -> None:
        file = self.file(*(good_night(day) for day in range(14)))
        assert told(file) == [(0, "1.5", "titrating"), (7, "3", "titrating"), (14, "4.5", "maintenance")]
        assert why(file)[1] == "Step up"

    def test_what_is_not_told_is_no_yes(self) -> None:
        file = self.file()
        assert told(file) == [(0, "1.5", "titrating")]
        assert replayed(file, on(30))["next_step"] == {"on": on(7), "dose_mg": "3"}

    @pytest.mark.parametrize(("first", "steps_on"), [(2, 7), (3, 8), (6, 11)])
    def test_it_asks_again_each_day(self, first: int, steps_on: int) -> None:
        """Five of the last seven nights are needed."""
        file = self.file(*(good_night(day) for day in range(first, 11)))
        assert told(file)[1] == (steps_on, "3", "titrating")

    def test_a_night_without_sleep_or_lead_symptom_is_none(self) -> None:
        file = self.file(*({"night": on(day), "taken": True} for day in range(14)))
        assert told(file) == [(0, "1.5", "titrating")]

    def test_two_doses_left_out_close_it(self) -> None:
        nights = [good_night(day) for day in range(14)]
        nights[4] = {**nights[4], "taken": False}
        nights[5] = {**nights[5], "taken": False}
        assert told(self.file(*nights))[1] == (12, "3", "titrating")

    @pytest.mark.parametrize(("severity", "steps_on"), [("mild", 7), ("moderate", 10), ("severe", 10)])
    def test_a_side_effect_of_the_last_three_nights_closes_it(self, severity: str, steps_on: int) -> None:
        nights = [good_night(day) for day in range(14)]
        nights[6] |= {"side_effects": [{"name": "nausea", "severity": severity}]}
        assert told(self.file(*nights))[1] == (steps_on, "3", "titrating")

    @pytest.mark.parametrize(
        ("words", "reviewed_on", "steps_on"),
        [
            ("no", None, 7),
            ("", None, 7),
            ("yes", on(7), 7),
            ("yes", on(9), 9),
            ("codeine", on(9), 9),
            ("codeine", None, None),
        ],
    )
    def test_another_medicine_closes_it_until_somebody_has_looked(
        self, words: str, reviewed_on: str | None, steps_on: int | None
    ) -> None:
        nights = [good_night(day) for day in range(14)]
        nights[3] |= {"other_medicines": words, "reviewed_on": reviewed_on}
        lines = told(self.file(*nights))
        assert (lines[1][0] if len(lines) > 1 else None) == steps_on

    def test_a_report_of_a_later_night_closes_no_step_before_it(self) -> None:
        nights = [good_night(day) for day in range(9)]
        nights[8] |= {"other_medicines": "codeine"}
        assert told(self.file(*nights))[1] == (7, "3", "titrating")

    def test_nights_of_the_dose_before_do_not_count(self) -> None:
        """Stepped on day 7; of the new dose only two nights are told, and those before are of another."""
        assert told(self.file(*(good_night(day) for day in range(9)))) == [
            (0, "1.5", "titrating"),
            (7, "3", "titrating"),
        ]

    def test_a_change_while_it_waits(self) -> None:
        """Due on day 7, held on day 8 for five days, asked again on day 13, of nights that are enough by then."""
        nights = [good_night(day) for day in (4, 5, 6, 9, 10, 11, 12)]
        held = self.file(*nights, changes=[change(8, "hold", days=5)])
        assert told(held) == [(0, "1.5", "titrating"), (8, "1.5", "held"), (13, "3", "titrating")]


class TestUnits:
    def test_units_a_day(self) -> None:
        lines = replayed({**PLAIN, **CAPSULES})["timeline"]
        assert [line["units"] for line in lines] == ["1", "2", "3"]

    def test_the_fewest_of_several_strengths(self) -> None:
        lines = replayed({**PLAIN, "formulation": {"capsules_mg": [1.5, 3]}})["timeline"]
        assert [line["units"] for line in lines] == ["1", "1", "2"]

    def test_half_a_scored_tablet(self) -> None:
        lines = replayed({**PLAIN, "formulation": {"tablets_mg": "3", "scored": True}})["timeline"]
        assert [line["units"] for line in lines] == ["0.5", "1", "1.5"]

    def test_millilitres(self) -> None:
        lines = replayed({**PLAIN, "formulation": {"liquid_mg_per_ml": 1}})["timeline"]
        assert [line["units"] for line in lines] == ["1.5", "3", "4.5"]

    def test_both_halves_of_a_split_day(self) -> None:
        lines = replayed(
            {**PLAIN, "time_of_day": "split", "formulation": {"liquid_mg_per_ml": 5, "smallest_ml": "0.05"}}
        )
        assert [line["units"] for line in lines["timeline"]] == ["0.3", "0.6", "0.9"]

    def test_nothing_where_nothing_is_taken(self) -> None:
        lines = replayed(with_changes(change(4, "pause", days=3), **CAPSULES))["timeline"]
        assert [line["units"] for line in lines[:3]] == ["1", None, "1"]

    @pytest.mark.parametrize(
        ("asked", "sentence"),
        [
            (
                change(20, "go_to", dose_mg=4),
                "4 mg cannot be made from 1.5 mg capsules. The nearest that can be made: 3 mg or 4.5 mg.",
            ),
            (
                change(20, "trial_reduction", dose_mg=1, days=7),
                "1 mg cannot be made from 1.5 mg capsules. The nearest that can be made: 1.5 mg.",
            ),
            (
                change(20, "change_protocol", protocol="ONE-1W"),
                "4 mg cannot be made from 1.5 mg capsules. The nearest that can be made: 3 mg or 4.5 mg.",
            ),
        ],
    )
    def test_a_dose_that_cannot_be_made_is_refused_with_the_nearest_that_can(
        self, asked: dict[str, Any], sentence: str
    ) -> None:
        file = with_changes(asked, **CAPSULES)
        assert refused(file) == [(0, sentence)]
        assert told(file) == told(PLAIN)

    def test_halves_that_cannot_be_made_are_refused_too(self) -> None:
        ((place, sentence),) = refused(with_changes(change(4, "change_time", time_of_day="split"), **CAPSULES))
        assert place == 0
        assert sentence.startswith("1.5 mg in two halves needs 0.75 mg twice. 0.75 mg cannot be made from 1.5 mg caps")


TOO_LARGE = "more than 1.5 mg at once. Confirm a second time that it is meant."


class TestUnsafe:
    @pytest.mark.parametrize(
        ("asked", "sentence"),
        [
            (change(20, "go_to", dose_mg=12), f"12 mg is above 10 mg: that is not low-dose {NALTREXONE}."),
            (change(20, "go_to", dose_mg=0), "A dose is more than 0 mg. To take none, pause or stop the plan."),
            (change(20, "go_to", dose_mg="6.5"), "6.5 mg is above 6 mg. Confirm a second time that it is meant."),
            (
                change(40, "go_to", dose_mg="6.2"),
                "6.2 mg is above 6 mg. Confirm a second time that it is meant.",
            ),
            (change(5, "go_to", dose_mg=4), f"From 1.5 mg to 4 mg is a rise of 2.5 mg, {TOO_LARGE}"),
            (change(4, "hold", days=0), "A hold lasts 1 to 3650 days."),
            (change(4, "hold", until=on(4)), "A hold lasts 1 to 3650 days."),
            (change(4, "on_off", days_on=3), "A pattern has days on and days off, or is ended."),
            (change(4, "step_back"), "There is no lower step to go back to."),
            (change(40, "advance"), "There is no higher step to go to."),
            (change(4, "supersede", change=7), "There is no such change to take back."),
            (change(4, "supersede", change=0), "There is no such change to take back."),
            (change(-4, "hold", days=1), "The hold begins on 2 January 2025, before the plan does on 6 January 2025."),
        ],
    )
    def test_what_the_engine_refuses_is_left_out_and_said(self, asked: dict[str, Any], sentence: str) -> None:
        file = with_changes(asked)
        assert refused(file) == [(0, sentence)]
        assert told(file) == told(PLAIN)

    def test_a_second_confirmation_is_enough(self) -> None:
        assert told(with_changes(change(30, "go_to", dose_mg="6.5", confirmed=True)))[-1] == (30, "6.5", "maintenance")

    def test_the_rest_goes_on(self) -> None:
        file = with_changes(
            change(4, "resume"), change(5, "hold", days=2), change(6, "pause", days=3), change(7, "hold")
        )
        assert [place for place, _ in refused(file)] == [0, 3]
        assert told(file)[1:4] == [(5, "1.5", "held"), (6, None, "paused"), (9, "1.5", "titrating")]

    def test_what_was_refused_cannot_be_taken_back(self) -> None:
        assert [place for place, _ in refused(with_changes(change(4, "resume"), change(5, "supersede", change=0)))] == [
            0,
            1,
        ]

    def test_the_last_day_of_the_calendar_is_the_end_of_stepping(self) -> None:
        assert told({**PLAIN, "starts_on": "2299-12-30"})[-1][1] == "1.5"


class TestSupply:
    def fills(self, *fills: tuple[int, int], **more: Any) -> dict[str, Any]:
        said = [{"on": on(day), "units": units} for day, units in fills]
        return {**PLAIN, **CAPSULES, "fills": said, **more}

    def supply(self, file: dict[str, Any], day: int) -> dict[str, Any]:
        answer: dict[str, Any] = replayed(file, on(day))["supply"]
        return answer

    def test_the_run_out_date_counts_the_next_steps(self) -> None:
        assert self.supply(self.fills((-1, 42)), 0) == {
            "units_left": 42,
            "run_out_on": on(28),
            "short_by_next_step": False,
        }

    def test_short_by_the_next_step(self) -> None:
        assert self.supply(self.fills((-1, 15)), 5)["short_by_next_step"] is True
        assert self.supply(self.fills((-1, 16)), 5)["short_by_next_step"] is False

    def test_in_confirmed_mode_the_steps_that_are_intended_count(self) -> None:
        assert self.supply(self.fills((-1, 42), mode="confirmed"), 0)["run_out_on"] == on(28)
        assert self.supply(self.fills((-1, 42), mode="confirmed"), 20) == {
            "units_left": 22,
            "run_out_on": on(31),
            "short_by_next_step": True,
        }

    def test_nothing_is_known_before_the_first_fill(self) -> None:
        nothing = {"units_left": None, "run_out_on": None, "short_by_next_step": None}
        assert self.supply(self.fills((5, 42)), 4) == nothing
        assert self.supply(PLAIN, 4) == nothing

    def test_nights_told_of_count_as_they_were_told(self) -> None:
        logs = [{"night": on(2), "taken": False}, {"night": on(3), "taken": True, "taken_mg": "3"}, {"night": on(4)}]
        assert self.supply(self.fills((-1, 42), logs=logs), 5)["units_left"] == 42 - 5

    def test_half_a_tablet_a_day(self) -> None:
        file = {**PLAIN, "formulation": {"tablets_mg": "3", "scored": True}, "fills": [{"on": on(0), "units": 10}]}
        assert self.supply(file, 5) == {"units_left": "7.5", "run_out_on": on(17), "short_by_next_step": False}

    def test_a_liquid_past_its_date_is_no_supply(self) -> None:
        file = {
            **PLAIN,
            "formulation": {"liquid_mg_per_ml": "1"},
            "fills": [{"on": on(0), "units": "100", "beyond_use_on": on(20)}],
        }
        assert self.supply(file, 19) == {"units_left": 64, "run_out_on": on(21), "short_by_next_step": True}
        assert self.supply(file, 22)["units_left"] == 0

    def test_a_pause_without_an_end_needs_none(self) -> None:
        file = self.fills((-1, 10), changes=[change(3, "pause")])
        assert self.supply(file, 5) == {"units_left": 7, "run_out_on": None, "short_by_next_step": False}

    def test_a_fill_of_another_strength_and_form(self) -> None:
        fills = [{"on": on(-1), "units": 10, "strength_mg": "4.5", "form": "tablets"}]
        file = {**PLAIN, **CAPSULES, "fills": fills}
        assert self.supply(file, 28) == {"units_left": 10, "run_out_on": on(38), "short_by_next_step": False}
