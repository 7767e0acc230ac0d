"""The command `titrate`: what it prints, and its one sentence where it cannot."""

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from titration import command_line

ROOT = Path(__file__).parents[2]


def titrate(*words: str) -> tuple[int, str, str]:
    stdout, stderr = io.StringIO(), io.StringIO()
    code = command_line.main(words, stdout, stderr)
    return code, stdout.getvalue(), stderr.getvalue()


def steps(*words: str) -> list[tuple[str, str | None, str]]:
    code, printed, errors = titrate(*words, "--json")
    assert (code, errors) == (0, "")
    answer: dict[str, Any] = json.loads(printed)
    assert list(answer) == ["protocol", "version", "steps"]
    assert all(list(step) == ["from", "to", "dose_mg"] for step in answer["steps"])
    return [(step["from"], step["to"], step["dose_mg"]) for step in answer["steps"]]


class TestJson:
    def test_the_intended_plan(self) -> None:
        code, printed, _ = titrate("STD-2W", "--start", "2025-01-06", "--json")
        assert code == 0
        assert json.loads(printed) == {
            "protocol": "STD-2W",
            "version": 1,
            "steps": [
                {"from": "2025-01-06", "to": "2025-01-20", "dose_mg": "1.5"},
                {"from": "2025-01-20", "to": "2025-02-03", "dose_mg": "3"},
                {"from": "2025-02-03", "to": None, "dose_mg": "4.5"},
            ],
        }

    def test_a_hold_lengthens_the_step_in_force(self) -> None:
        assert steps("STD-2W", "--start", "2025-01-06", "--hold", "2025-01-10:7") == [
            ("2025-01-06", "2025-01-27", "1.5"),
            ("2025-01-27", "2025-02-10", "3"),
            ("2025-02-10", None, "4.5"),
        ]

    def test_holds_in_any_order(self) -> None:
        holds = ["2025-01-10:7", "2025-01-28:3"]
        words = [word for hold in holds for word in ("--hold", hold)]
        backwards = [word for hold in reversed(holds) for word in ("--hold", hold)]
        forth = steps("STD-2W", "--start", "2025-01-06", *words)
        assert forth == steps("STD-2W", "--start", "2025-01-06", *backwards)
        assert forth[1] == ("2025-01-27", "2025-02-13", "3")

    def test_a_hold_in_the_last_open_step_changes_nothing(self) -> None:
        held = steps("STD-2W", "--start", "2025-01-06", "--hold", "2025-03-01:10")
        assert held == steps("STD-2W", "--start", "2025-01-06")

    @pytest.mark.parametrize(("protocol", "end"), [("LC-BC", "2025-04-28"), ("LIQ-SHILPA", "2025-03-17")])
    def test_a_course_that_ends_says_when(self, protocol: str, end: str) -> None:
        assert steps(protocol, "--start", "2025-01-06")[-1][1] == end

    def test_a_hold_that_reaches_past_the_end_lengthens_the_last_step(self) -> None:
        assert steps("LC-BC", "--start", "2025-01-06", "--hold", "2025-04-27:5")[-1][1] == "2025-05-03"

    def test_a_leap_day_counts(self) -> None:
        assert steps("STD-1W", "--start", "2024-02-26")[1][0] == "2024-03-04"


class TestTable:
    def test_says_the_day_the_dose_in_words_and_numbers_and_the_nights(self) -> None:
        code, printed, _ = titrate("STD-2W", "--start", "2025-01-06")
        assert code == 0
        assert printed.splitlines() == [
            "every 2 weeks (STD-2W), version 1, clinical review: pending",
            "",
            "First dose      Last dose       Nights  Dose    In words",
            "Mon 2025-01-06  Sun 2025-01-19  14      1.5 mg  one and a half milligrams",
            "Mon 2025-01-20  Sun 2025-02-02  14      3 mg    three milligrams",
            "Mon 2025-02-03  no end                  4.5 mg  four and a half milligrams",
            "",
            "This is what is intended; each step waits until it is let happen.",
        ]

    def test_says_how_a_course_closes(self) -> None:
        assert "Ends: no dose from 28 April 2025 on." in titrate("LC-BC", "--start", "2025-01-06")[1]
        assert "Review is due on 17 March 2025" in titrate("LIQ-SHILPA", "--start", "2025-01-06")[1]

    def test_help(self) -> None:
        code, printed, errors = titrate("--help")
        assert (code, errors) == (0, "")
        assert "--hold DATE:DAYS" in printed


class TestRefusals:
    @pytest.mark.parametrize(
        ("words", "hint"),
        [
            ("STD-3W --start 2025-01-06", "There is no protocol 'STD-3W'; there are APTEKA"),
            ("STD-2W --start 2025-02-30", "'2025-02-30' is not a date"),
            ("STD-2W --start 20250106", "is not a date"),
            ("STD-2W --start 2025-W02-1", "is not a date"),
            ("STD-2W --start tomorrow", "is not a date"),
            ("STD-2W --start 9999-12-01", "outside the years"),
            ("STD-2W --start 0001-01-01", "outside the years"),
            ("STD-2W", "Say when the first dose is taken"),
            ("--start 2025-01-06", "Name a protocol"),
            ("STD-2W --start 2025-01-06 --hold 2025-01-10:0", "A hold lasts 1 to 3650 days."),
            ("STD-2W --start 2025-01-06 --hold 2025-01-10:-7", "A hold lasts 1 to 3650 days."),
            ("STD-2W --start 2025-01-06 --hold 2025-01-10:999999999", "A hold lasts 1 to 3650 days."),
            ("STD-2W --start 2025-01-06 --hold 2025-01-10:", "is not a hold"),
            ("STD-2W --start 2025-01-06 --hold 2025-01-10", "is not a hold"),
            ("STD-2W --start 2025-01-06 --hold 2025-01-10:1.5", "is not a hold"),
            ("STD-2W --start 2025-01-06 --hold 2025-13-10:7", "'2025-13-10' is not a date"),
            ("STD-2W --start 2025-01-06 --hold 2025-01-05:7", "before the plan does on 6 January 2025"),
            ("LC-BC --start 2025-01-06 --hold 2025-04-28:7", "but the plan ends on 28 April 2025"),
            ("STD-2W --start 2025-01-06 --hold", "expected one argument"),
            ("STD-2W --start 2025-01-06 --days 7", "nrecognized arguments"),
            ("STD-2W --start 2025-01-06 --js", "nrecognized arguments"),
        ],
    )
    def test_one_sentence_and_exit_code_two(self, words: str, hint: str) -> None:
        code, printed, errors = titrate(*words.split())
        assert (code, printed) == (2, "")
        assert hint in errors
        assert errors.endswith(".\n")
        assert errors.count("\n") == 1


def test_answers_in_time_and_needs_no_database() -> None:
    """As a user runs it: a process of its own that is told of no server. Best of three, for the machine may be busy."""
    bare = {"PATH": os.environ.get("PATH", ""), "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nowhere"}
    command = [sys.executable, "manage.py", "titrate", "STD-2W", "--start", "2025-01-06", "--json"]
    seconds = []
    for _ in range(3):
        started = time.monotonic()
        ran = subprocess.run(command, cwd=ROOT, env=bare, capture_output=True, text=True, check=False)
        seconds.append(time.monotonic() - started)
        assert (ran.returncode, ran.stderr) == (0, "")
        assert json.loads(ran.stdout)["protocol"] == "STD-2W"
    assert min(seconds) < 1.5


class TestByWeight:
    def test_a_weight_makes_it_a_schedule(self) -> None:
        assert steps("PEDS-SMITH", "--start", "2025-01-06", "--weight-kg", "32.7")[0] == (
            "2025-01-06",
            "2025-03-03",
            "3.2",
        )

    @pytest.mark.parametrize(
        ("weight", "hint"),
        [((), "goes by weight"), (("--weight-kg", "heavy"), "in kilograms"), (("--weight-kg", "900"), "between 2 and")],
    )
    def test_without_one_that_can_be_there_is_none(self, weight: tuple[str, ...], hint: str) -> None:
        code, _, said = titrate("PEDS-SMITH", "--start", "2025-01-06", *weight)
        assert code == command_line.NOT_DONE
        assert hint in said
