"""The tables of the clinical facts (1.3, 5.3) as files: each comes to what stands in the file beside it.

`dose_on_day` and `units_by_day` are the tables as they are published, days counted from 1; `answer` is what is printed.
"""

import json
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.unit.test_replay import line_on, replayed

FOLDER = Path(__file__).parents[1] / "replays"
FILES = sorted(path for path in FOLDER.glob("*.json") if not path.name.endswith(".answer.json"))


def loaded(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    return tuple(json.loads(one.read_text(encoding="utf-8")) for one in (path, path.with_suffix(".answer.json")))  # type: ignore[return-value]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
class TestFixtures:
    def test_the_answer(self, path: Path) -> None:
        file, wanted = loaded(path)
        answer = replayed(file, wanted["as_of"])
        assert {name: answer[name] for name in wanted["answer"]} == wanted["answer"]

    def test_the_doses_of_the_table(self, path: Path) -> None:
        file, wanted = loaded(path)
        first, answer = date.fromisoformat(file["starts_on"]), replayed(file)
        said = {day: line_on(answer, first + timedelta(days=int(day) - 1))["dose_mg"] for day in wanted["dose_on_day"]}
        assert said == wanted["dose_on_day"]

    def test_the_quantities_of_the_table_night_by_night(self, path: Path) -> None:
        file, wanted = loaded(path)
        first, answer = date.fromisoformat(file["starts_on"]), replayed(file)
        for days, units in wanted["units_by_day"].items():
            nights = [first + timedelta(days=number) for number in range(int(days))]
            assert sum(Fraction(line_on(answer, night)["units"] or 0) for night in nights) == Fraction(units)


def test_the_tables_are_there() -> None:
    assert {"std-1w", "std-2w", "std-4w", "half-2w", "quantity-4-mg-from-1.5-mg-capsules"} <= {p.stem for p in FILES}
