"""The file of a course: what is understood, and the one sentence where something is not."""

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symptoms import items
from tests.unit.test_replay import replayed
from titration import protocol_files
from titration.replay import command_line, kinds, reading, running
from titration.replay.fields import Malformed
from titration.replay.file import Severity

ROOT = Path(__file__).parents[2]
PLAIN: dict[str, Any] = {"zone": "America/New_York", "protocol": "STD-2W", "starts_on": "2025-01-06"}
OWN = {"rungs": [{"dose_mg": "1", "days": 10}, {"dose_mg": "2"}]}


def changed(change: dict[str, Any]) -> dict[str, Any]:
    return {**PLAIN, "changes": [{"on": "2025-01-10", **change}]}


def sentence_of(file: dict[str, Any] | str) -> str:
    with pytest.raises(Malformed) as refused:
        running.run(reading.read(file if isinstance(file, str) else json.dumps(file), protocol_files.find))
    return refused.value.sentence


def doses(file: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(line["from"], line["dose_mg"]) for line in replayed(file)["timeline"]]


class TestMalformed:
    @pytest.mark.parametrize(
        ("more", "sentence"),
        [
            ({"zone": None}, "zone is missing."),
            ({"zone": "New York"}, 'zone is a time zone, like "America/New_York".'),
            ({"zone": "America"}, 'zone is a time zone, like "America/New_York".'),
            ({"zone": "../etc/passwd"}, 'zone is a time zone, like "America/New_York".'),
            ({"zone": ""}, 'zone is a time zone, like "America/New_York".'),
            ({"zone": 1}, 'zone is a text, in quotes "like this".'),
            ({"protocol": None}, "protocol is missing."),
            ({"protocol": "STD-3W"}, "protocol: There is no protocol 'STD-3W'"),
            ({"protocol": "FINAL"}, "protocol: FINAL is not offered: "),
            ({"protocol": 4}, 'protocol is the id of a protocol, like "STD-2W", or an object with its rungs.'),
            ({"protocol": {}}, "protocol.rungs is a list of rungs, each like"),
            ({"protocol": {"rungs": []}}, "protocol.rungs is a list of rungs, each like"),
            (
                {"protocol": {"rungs": [{"dose_mg": "12"}]}},
                "protocol: 12 mg is above 10 mg: that is not low-dose nalTREXone.",
            ),
            ({"protocol": {"rungs": [{"dose": "1"}]}}, "protocol: OWN cannot be read: "),
            ({"protocol": {"toml": "id = "}}, "protocol.toml cannot be read: Invalid value"),
            ({"protocol": {"toml": "", "id": "X"}}, "protocol.id is unknown; known here: toml."),
            ({"protocol": "PEDS-UK"}, "protocol: children below 40 kg"),
            ({"protocol": "PEDS-UK", "patient": {"weight_kg": 60}}, "protocol: children below 40 kg"),
            ({"starts_on": None}, "starts_on is missing."),
            ({"starts_on": "2025-02-30"}, 'starts_on is a date of the calendar, written "2025-01-06".'),
            ({"starts_on": "2025-W02-1"}, 'starts_on is a date of the calendar, written "2025-01-06".'),
            ({"starts_on": "6 Jan 2025"}, 'starts_on is a date of the calendar, written "2025-01-06".'),
            ({"starts_on": 20250106}, 'starts_on is a date of the calendar, written "2025-01-06".'),
            ({"starts_on": "1066-10-14"}, "starts_on is a date of the years 1900 to 2299."),
            ({"start_on": "2025-01-06"}, "start_on is unknown; known here: format, note, patient"),
            ({"time_of_day": "noon"}, "time_of_day is one of bedtime, morning, split."),
            ({"mode": "automatic"}, "mode is one of planned, confirmed."),
            ({"gate": "yes"}, "gate is true or false."),
            ({"gate": 1}, "gate is true or false."),
            ({"format": 2}, "format is a whole number from 1 to 1."),
            ({"awaiting": True, "first_dose_mg": 3}, "awaiting is for somebody who takes none yet"),
            ({"first_dose_mg": 0}, "first_dose_mg is above 0 mg and at most 10 mg."),
            ({"target_mg": 50}, "target_mg: 50 mg is above 10 mg: that is not low-dose nalTREXone."),
            ({"target_mg": "4,5"}, 'target_mg is a number without a unit, zero or more, like "1.5" or 1.5.'),
            ({"target_mg": "450 mcg"}, 'target_mg is a number without a unit, zero or more, like "1.5" or 1.5.'),
            ({"target_mg": -3}, 'target_mg is a number without a unit, zero or more, like "1.5" or 1.5.'),
            ({"target_mg": True}, 'target_mg is a number without a unit, zero or more, like "1.5" or 1.5.'),
            ({"target_mg": 1.00001}, "target_mg is written to at most three decimals of a milligram."),
            ({"retitrate_from_days": 0}, "retitrate_from_days is a whole number from 1 to 366."),
            ({"formulation": "capsules"}, 'formulation is an object, like {"capsules_mg": ["1.5"]}.'),
            ({"formulation": {"pills_mg": ["1.5"]}}, "formulation: A formulation names one of capsules_mg"),
            ({"formulation": {"capsules_mg": ["1"]}}, "formulation: 1.5 mg cannot be made from 1 mg capsules. The"),
            (
                {"formulation": {"capsules_mg": ["1.5"]}, "time_of_day": "split"},
                "formulation: 1.5 mg in two halves needs 0.75 mg twice. 0.75 mg cannot be made from 1.5 mg capsules.",
            ),
            ({"patient": []}, "patient is an object in braces, with a name before each value."),
            (
                {"patient": {"name": "x"}},
                "patient.name is unknown; known here: born_on, weight_kg, conditions, medicines, sex, weighed_on.",
            ),
            ({"patient": {"born_on": "1980-13-01"}}, "patient.born_on is a date of the calendar"),
            ({"patient": {"weight_kg": 700}}, "patient.weight_kg: A weight is between 2 and 400 kg."),
            ({"patient": {"conditions": "crohns"}}, "patient.conditions is a list in square brackets."),
            ({"patient": {"medicines": [{"name": "x"}]}}, "patient.medicines[0] is a text"),
            ({"changes": {}}, "changes is a list in square brackets."),
            ({"changes": ["hold"]}, "changes[0] is an object in braces"),
            ({"changes": [{}] * 301}, "changes has more than 300 entries."),
            ({"protocol": {"rungs": [{}] * 101}}, "protocol.rungs has more than 100 entries."),
            ({"fills": [{"on": "2025-01-05", "units": 42}]}, "fills[0].strength_mg is missing."),
            ({"fills": [{"on": "2025-01-05", "strength_mg": 1.5}]}, "fills[0].units is missing."),
            (
                {"fills": [{"on": "2025-01-05", "strength_mg": 1.5, "units": 1.5}]},
                "fills[0].units is a whole number: 1.5 mg capsules are counted.",
            ),
            (
                {"fills": [{"on": "2025-01-05", "strength_mg": 50, "units": 1}]},
                "fills[0]: 50 mg capsules is no strength",
            ),
            ({"logs": [{"taken": True}]}, "logs[0].night is missing."),
            ({"logs": [{"night": "2025-01-06", "taken": "maybe"}]}, "logs[0].taken is one of taken, skipped, not yet."),
            (
                {"logs": [{"night": "2025-01-06", "taken": False, "taken_mg": 3}]},
                "logs[0].taken_mg and taken do not go",
            ),
            ({"logs": [{"night": "2025-01-06", "pain": 11}]}, "logs[0].pain is a number from 0 to 10."),
            ({"logs": [{"night": "2025-01-06", "sleep_hours": 25}]}, "logs[0].sleep_hours is at most 24."),
            ({"logs": [{"night": "2025-01-06", "taken_at": "late"}]}, "logs[0].taken_at is a time of the day"),
            (
                {"logs": [{"night": "2025-01-06", "side_effects": [{"name": "nausea", "severity": "bad"}]}]},
                "logs[0].side_effects[0].severity is one of mild, moderate, severe.",
            ),
            ({"logs": [{"night": "2025-01-06"}] * 2}, "logs[1].night is told in logs[0] already."),
        ],
    )
    def test_the_sentence_names_the_field(self, more: dict[str, Any], sentence: str) -> None:
        assert sentence_of({**PLAIN, **more}).startswith(sentence)

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({}, "changes[0].kind is missing."),
            ({"kind": "holds"}, "changes[0].kind is unknown; it is one of begin, hold, resume, advance,"),
            ({"kind": "hold", "on": None}, "changes[0].on is missing."),
            ({"kind": "hold", "on": "10.1.2025"}, "changes[0].on is a date of the calendar"),
            ({"kind": "hold", "day": 7}, "changes[0].day is unknown; known here: kind, on, recorded_on, reason"),
            ({"kind": "hold", "days": "7"}, "changes[0].days is a whole number from -999999 to 999999."),
            ({"kind": "hold", "days": 7, "until": "2025-01-17"}, "changes[0].until says the same as days; write one"),
            ({"kind": "go_to"}, "changes[0].dose_mg is missing."),
            ({"kind": "go_to", "dose_mg": 3, "to_mg": 3}, "changes[0].to_mg says the same as dose_mg; write one"),
            ({"kind": "go_to", "dose_mg": "3 mg"}, "changes[0].dose_mg is a number without a unit"),
            ({"kind": "change_time"}, "changes[0].time_of_day is missing."),
            ({"kind": "trial_reduction", "dose_mg": 1}, "changes[0].days is missing."),
            ({"kind": "change_protocol", "protocol": "STD-9W"}, "changes[0].protocol: There is no protocol 'STD-9W'"),
            ({"kind": "change_protocol", "protocol": "STD-1W", "dose_mg": 2}, "changes[0].dose_mg is one of the prot"),
            ({"kind": "pause", "cause": "holiday"}, "changes[0].cause is one of procedure, opioid course, pregnancy"),
            ({"kind": "stop", "cause": "bored"}, "changes[0].cause is one of decided, died, moved, discharged."),
            ({"kind": "supersede"}, "changes[0].change is missing."),
            ({"kind": "supersede", "change": -1}, "changes[0].change is a whole number from 0 to 99999."),
        ],
    )
    def test_of_a_change(self, change: dict[str, Any], sentence: str) -> None:
        assert sentence_of(changed(change)).startswith(sentence)

    @pytest.mark.parametrize(
        ("written", "sentence"),
        [
            ("", "The file is no JSON: Expecting value, line 1, column 1."),
            ("{", "The file is no JSON: "),
            ("[]", "The file is an object in braces, with a name before each value."),
            ("null", "The file is an object in braces, with a name before each value."),
            ('{"zone": "UTC", "zone": "UTC"}', "The file says 'zone' twice in the same braces."),
            ('{"target_mg": NaN}', "The file holds NaN, which is no number."),
            ('{"target_mg": ' + "9" * 5000 + "}", "The file holds a number that is too long."),
            ("[" * 100_000, "The file has more brackets in brackets than can be read."),
            (
                '{"zone": "UTC", "protocol": "STD-2W", "starts_on": "2025-01-06", "target_mg": 1e999}',
                "target_mg is a n",
            ),
            (
                '{"zone": "UTC", "protocol": "STD-2W", "starts_on": "2025-01-06", "target_mg": 1e-99}',
                "target_mg is a n",
            ),
        ],
    )
    def test_of_what_is_no_such_file(self, written: str, sentence: str) -> None:
        assert sentence_of(written).startswith(sentence)


FULL: dict[str, Any] = {
    **PLAIN,
    "format": 1,
    "time_of_day": "bedtime",
    "mode": "planned",
    "gate": True,
    "target_mg": "4.5",
    "first_dose_mg": None,
    "retitrate_from_days": 14,
    "history_until": "2025-01-07",
    "formulation": {"capsules_mg": ["1.5"]},
    "patient": {"born_on": "1980-01-01", "weight_kg": 60, "conditions": ["crohns"], "medicines": ["codeine"]},
    "changes": [
        {"on": "2025-01-10", "kind": "hold", "days": 7, "reason": "insomnia", "recorded_on": "2025-01-09"},
        {"on": "2025-01-20", "kind": "go_to", "dose_mg": "3", "days": 9},
        {"on": "2025-01-21", "kind": "restart", "dose_mg": 1.5, "off_since": "2025-01-20"},
        {"on": "2025-02-20", "kind": "on_off", "days_on": 3, "days_off": 3},
        {"on": "2025-02-21", "kind": "change_protocol", "protocol": OWN, "dose_mg": 1},
        {"kind": "supersede", "change": 1},
    ],
    "fills": [{"on": "2025-01-05", "strength_mg": "1.5", "units": 42, "beyond_use_on": "2025-03-05"}],
    "logs": [
        {"night": "2025-01-06", "taken": True, "taken_mg": 1.5, "sleep_hours": 7, "lead_symptom": 3},
        {"night": "2025-01-07", "taken": False, "side_effects": [{"name": "nausea", "severity": "mild"}]},
    ],
}

JUNK = st.one_of(
    st.sampled_from([None, True, False, "", "x", 0, -1, 1, 7, 99, 10**30, 1.5, 1e300, -0.0, [], {}, [[]], {"a": 1}]),
    st.sampled_from(["2025-01-06", "0001-01-01", "9999-12-31", "1900-01-01", "2299-12-31", "2024-02-29", "24:00"]),
    st.sampled_from([word for words in kinds.SYNONYMS.values() for word in words] + list(kinds.SYNONYMS)),
    st.sampled_from(["FIX-4.5", "PEDS-UK", "morning", "split", "confirmed", OWN, {"toml": "rungs = 1"}]),
    st.text(max_size=5),
    st.decimals(0, 12, places=3).map(str),
)


def spoiled(value: Any, draw: st.DrawFn) -> Any:
    """The value with one thing in it replaced, left out or written under another name."""
    if isinstance(value, dict) and value and draw(st.integers(0, 9)):
        name = draw(st.sampled_from(sorted(value)))
        rest = {key: one for key, one in value.items() if key != name}
        match draw(st.sampled_from(["within", "within", "within", "without", "renamed"])):
            case "within":
                return {**rest, name: spoiled(value[name], draw)}
            case "renamed":
                return {**rest, draw(st.text(max_size=8)): value[name]}
        return rest
    if isinstance(value, list) and value and draw(st.integers(0, 9)):
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], spoiled(value[place], draw), *value[place + 1 :]]
    return draw(JUNK)


class TestSpoiled:
    @settings(max_examples=400)
    @given(st.data(), st.sampled_from(["2025-01-12", "1900-01-01", "2299-12-31"]))
    def test_whatever_is_wrong_there_is_an_answer_or_a_sentence(self, data: st.DataObject, as_of: str) -> None:
        file = FULL
        for _ in range(data.draw(st.integers(1, 3))):
            file = data.draw(st.composite(lambda draw, of: spoiled(of, draw))(file))
        try:
            answer = replayed(file, as_of)
        except Malformed as refused:
            sentence = refused.sentence
        else:
            sentence = f"{answer['timeline'][0]['why']}."
        assert sentence.endswith(".")
        assert "\n" not in sentence


class TestUnderstood:
    @pytest.mark.parametrize("three", ["3", "3.0", "3.000", 3, 3.0])
    def test_a_dose_is_read_exactly_however_it_is_written(self, three: Any) -> None:
        assert doses(changed({"kind": "go_to", "dose_mg": three}))[1] == ("2025-01-10", "3")

    def test_a_number_is_read_by_its_decimals_and_never_as_a_float(self) -> None:
        file = json.dumps(changed({"kind": "go_to", "dose_mg": 1.25})).replace("1.25", "1.1000000000")
        read = reading.read(file, protocol_files.find)
        (told,) = read.changes
        assert told.change is not None
        assert str(getattr(told.change, "dose", "")) == "1.1 mg"

    @pytest.mark.parametrize(("kind", "word"), [(k, word) for k, words in kinds.SYNONYMS.items() for word in words])
    def test_every_synonym_says_what_its_kind_says(self, kind: str, word: str) -> None:
        needed: dict[str, Any] = {
            "go_to": {"dose_mg": 1},
            "trial_reduction": {"dose_mg": 1, "days": 7},
            "change_lengths": {"days": 7},
            "change_time": {"time_of_day": "morning"},
            "change_protocol": {"protocol": "STD-1W"},
            "supersede": {"change": 0},
            "advance": {"early": True},
        }.get(kind, {})
        assert replayed(changed({"kind": word, **needed})) == replayed(changed({"kind": kind, **needed}))

    def test_a_protocol_of_the_clinic_as_an_object_or_as_toml(self) -> None:
        steps = [("2025-01-06", "1"), ("2025-01-16", "2")]
        toml = 'id = "X"\n[[rungs]]\ndose_mg = 1.0\ndays = 10\n[[rungs]]\ndose_mg = "2"\n'
        assert doses({**PLAIN, "protocol": OWN}) == steps
        assert doses({**PLAIN, "protocol": {"toml": toml}}) == steps
        whole_file = (protocol_files.FOLDER / "STD-2W.toml").read_text(encoding="utf-8")
        assert doses({**PLAIN, "protocol": {"toml": whole_file}}) == doses(PLAIN)

    def test_a_protocol_by_weight_needs_the_weight_and_goes_by_it(self) -> None:
        assert doses({**PLAIN, "protocol": "PEDS-UK", "patient": {"weight_kg": 24}}) == [
            ("2025-01-06", "0.1"),
            ("2025-01-13", "0.6"),
            ("2025-01-20", "1.2"),
            ("2025-01-27", "1.8"),
            ("2025-02-03", "2.4"),
        ]

    def test_a_step_that_only_an_answer_allows_waits_for_a_person(self) -> None:
        assert doses({**PLAIN, "protocol": "PDN-RESP"}) == [("2025-01-06", "2")]
        stepped = {**PLAIN, "protocol": "PDN-RESP", "changes": [{"on": "2025-01-20", "kind": "advance"}]}
        assert doses(stepped) == [("2025-01-06", "2"), ("2025-01-20", "4"), ("2025-02-17", None)]

    def test_a_protocol_says_its_time_of_day(self) -> None:
        assert replayed({**PLAIN, "protocol": "BID-NO"})["timeline"][0]["time_of_day"] == "split"

    def test_a_reason_stands_in_one_line(self) -> None:
        file = changed({"kind": "hold", "days": 7, "reason": " sleeps\n badly\x1b[31m "})
        assert replayed(file)["timeline"][1]["why"] == "Held 7 days: sleeps badly [31m"

    def test_a_year_of_birth_is_enough(self) -> None:
        assert replayed({**PLAIN, "patient": {"born_on": "1980"}}) == replayed(PLAIN)

    def test_the_severities_are_those_of_the_diary(self) -> None:
        assert [severity.value for severity in Severity] == items.severities()


class TestCommand:
    def run(self, *words: str) -> tuple[int, str, str]:
        stdout, stderr = io.StringIO(), io.StringIO()
        code = command_line.main(words, stdout, stderr)
        return code, stdout.getvalue(), stderr.getvalue()

    @pytest.mark.parametrize(
        ("words", "hint"),
        [
            ((), "Name a file that holds a course"),
            (("nowhere.json",), "nowhere.json cannot be read: No such file or directory."),
            ((".",), "cannot be read: Is a directory."),
            (("a\0b",), "cannot be read"),
            (("FILE", "--as-of", "tomorrow"), '--as-of is a date of the calendar, written "2025-01-06".'),
            (("FILE", "--as-of"), "expected one argument"),
            (("FILE", "--js"), "nrecognized arguments"),
        ],
    )
    def test_one_sentence_and_exit_code_two(self, words: tuple[str, ...], hint: str, tmp_path: Path) -> None:
        file = tmp_path / "course.json"
        file.write_text(json.dumps(PLAIN), encoding="utf-8")
        code, printed, errors = self.run(*(str(file) if word == "FILE" else word for word in words))
        assert (code, printed) == (2, "")
        assert hint in errors
        assert errors.count("\n") == 1

    def test_a_file_that_is_no_text(self, tmp_path: Path) -> None:
        file = tmp_path / "course.json"
        file.write_bytes(b"\xff\xfe{}")
        assert self.run(str(file)) == (2, "", "course.json is no text in UTF-8.\n")

    def test_a_mark_before_the_first_brace_is_no_fault(self, tmp_path: Path) -> None:
        file = tmp_path / "course.json"
        file.write_text("\ufeff" + json.dumps(PLAIN), encoding="utf-8")
        code, printed, _ = self.run(str(file), "--json", "--as-of", "2025-01-12")
        assert code == 0
        assert json.loads(printed) == replayed(PLAIN)

    def test_help(self) -> None:
        code, printed, errors = self.run("--help")
        assert (code, errors) == (0, "")
        assert "docs/replay.md" in printed

    def test_answers_in_time_and_needs_no_database(self, tmp_path: Path) -> None:
        """As a user runs it: a process of its own that is told of no server. Best of three, the machine may be busy."""
        file = tmp_path / "course.json"
        file.write_text(json.dumps(PLAIN), encoding="utf-8")
        bare = {"PATH": os.environ.get("PATH", ""), "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nowhere"}
        command = [sys.executable, "manage.py", "replay_course", str(file), "--json"]
        seconds = []
        for _ in range(3):
            started = time.monotonic()
            ran = subprocess.run(command, cwd=ROOT, env=bare, capture_output=True, text=True, check=False)
            seconds.append(time.monotonic() - started)
            assert (ran.returncode, ran.stderr) == (0, "")
            assert json.loads(ran.stdout)["dose_now_mg"] == "4.5"
        assert min(seconds) < 1.5
