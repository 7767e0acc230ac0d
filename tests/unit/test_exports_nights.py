"""Which nights a patient's rows run over, and what stands on them."""

import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from common.dose import Dose
from exports import datasets
from exports.datasets import COLUMNS, Person, Planned

ZONE = ZoneInfo("America/New_York")
PERSON = Person(uuid.UUID(int=7), "R-7", ZONE, "Joint pain")
DAY = timedelta(days=1)
FIRST = date(2026, 3, 1)
MG = Decimal("1.500")

nights = st.integers(0, 60).map(lambda day: FIRST + day * DAY)


def taking(from_on: date, to_on: date | None = None, mg: Decimal | None = MG, state: str = "taking") -> Planned:
    return Planned(from_on, to_on, mg, state, "bedtime")


def dose(night: date, slot: str = "bedtime", taken: str = "taken", mg: str | None = "1.5") -> tuple[Any, ...]:
    at = datetime(night.year, night.month, night.day, 3, tzinfo=UTC) + DAY if mg else None
    return (PERSON.id, night, slot, taken, Dose.of(mg) if mg else None, at, "" if mg else "forgot")


def log(night: date, of_conditions: dict[str, int] | None = None, **side_effects: str) -> tuple[Any, ...]:
    recorded_at = datetime(night.year, night.month, night.day, 12, tzinfo=UTC) + DAY
    answers = (Decimal("7.25"), 10, None, 0, 4, 0, None, 3, 5, 6)
    return (PERSON.id, night, *answers, side_effects, "no", "", "slept", recorded_at, "patient", of_conditions or {})


def rows(
    planned: list[Planned], doses: list[tuple[Any, ...]], logs: list[tuple[Any, ...]], over: date
) -> list[dict[str, Any]]:
    made = list(datasets.patient_rows(PERSON, planned, doses, logs, over, "the-export"))
    assert all(len(row) == len(COLUMNS) for row in made)
    return [dict(zip(COLUMNS, row, strict=True)) for row in made]


@given(
    begins=nights,
    planned_days=st.one_of(st.none(), st.integers(1, 40)),
    dosed=st.sets(nights, max_size=20),
    logged=st.sets(nights, max_size=20),
    over=nights,
)
def test_every_night_between_the_first_and_the_last_has_exactly_one_row(
    begins: date, planned_days: int | None, dosed: set[date], logged: set[date], over: date
) -> None:
    ends = begins + planned_days * DAY if planned_days else None
    made = rows(
        [taking(begins, ends)], [dose(day) for day in sorted(dosed)], [log(day) for day in sorted(logged)], over
    )
    found = [row["night"] for row in made]
    wanted = dosed | logged
    day = begins
    while day <= over and (ends is None or day < ends):
        wanted.add(day)
        day += DAY
    assert (
        found == [min(wanted) + n * DAY for n in range((max(wanted) - min(wanted)).days + 1)] if wanted else not found
    )
    for row in made:
        in_force = begins <= row["night"] and (ends is None or row["night"] < ends)
        assert row["planned_mg"] == (MG if in_force else None)
        assert row["taken"] == ("taken" if row["night"] in dosed else "missing")
        assert (row["taken_mg"] is None) == (row["night"] not in dosed)
        assert (row["logged_at"] is None) == (row["night"] not in logged)
        assert row["told_by"] == ("patient" if row["night"] in logged else None)


def test_a_night_nobody_told_of_is_blank_and_never_zero() -> None:
    (row,) = rows([taking(FIRST)], [], [], FIRST)
    assert row["taken"] == "missing"
    assert row["slot"] == "bedtime"
    answers = COLUMNS[COLUMNS.index("sleep_hours") :]
    assert {name: row[name] for name in answers if row[name] is not None} == {"lead_symptom_name": "Joint pain"}
    assert row["taken_mg"] is row["taken_at"] is row["skipped_because"] is None


def test_zero_answers_stay_zero_and_unanswered_ones_blank() -> None:
    (row,) = rows([], [], [log(FIRST)], FIRST)
    assert row["awakenings"] == row["dream_vividness"] == 0
    assert row["awake_min"] is row["dream_distress"] is None
    assert row["side_effects"] == "none"


def test_moments_are_in_the_patients_zone_with_its_offset() -> None:
    night = date(2026, 3, 7)  # clocks go forward in the small hours of the 8th
    (row,) = rows([], [dose(night)], [log(night)], night)
    assert row["taken_at"].isoformat() == "2026-03-07T22:00:00-05:00"
    assert row["logged_at"].isoformat() == "2026-03-08T08:00:00-04:00"


def test_a_skipped_dose_says_why_and_has_no_amount() -> None:
    (row,) = rows([taking(FIRST)], [dose(FIRST, taken="skipped", mg=None)], [], FIRST)
    assert (row["taken"], row["taken_mg"], row["skipped_because"]) == ("skipped", None, "forgot")
    assert row["planned_mg"] == MG, "what was planned stands whatever was taken"


def test_nights_after_the_course_has_ended_are_not_missing() -> None:
    ended = taking(FIRST + 3 * DAY, None, None, "ended")
    made = rows([taking(FIRST, FIRST + 3 * DAY), ended], [], [], FIRST + 30 * DAY)
    assert [row["night"] for row in made] == [FIRST, FIRST + DAY, FIRST + 2 * DAY]


def test_a_night_told_after_the_end_says_that_the_course_had_ended() -> None:
    ended = taking(FIRST + DAY, None, None, "ended")
    made = rows([taking(FIRST, FIRST + DAY), ended], [], [log(FIRST + 2 * DAY)], FIRST + 30 * DAY)
    assert [(row["planned_mg"], row["planned_state"]) for row in made] == [
        (MG, "taking"),
        (None, "ended"),
        (None, "ended"),
    ]


def test_a_new_course_begun_the_day_another_ended_is_the_one_in_force() -> None:
    ended, begun = taking(FIRST, None, None, "ended"), taking(FIRST, None, Decimal(3))
    for planned in ([ended, begun], [begun, ended]):
        (row,) = rows(planned, [], [], FIRST)
        assert row["planned_mg"] == Decimal(3)


def test_two_doses_of_one_night_have_a_row_each_and_the_answers_stand_once() -> None:
    first, second = rows([], [dose(FIRST, "bedtime"), dose(FIRST, "morning", mg="3")], [log(FIRST)], FIRST)
    assert (first["slot"], second["slot"]) == ("bedtime", "morning")
    assert (first["taken_mg"], second["taken_mg"]) == (Decimal("1.5"), Decimal(3))
    assert first["pain"] == 3
    assert second["pain"] is second["logged_at"] is second["side_effects"] is None


def test_side_effects_stand_in_the_order_of_the_pick_list() -> None:
    (row,) = rows([], [], [log(FIRST, headache="moderate", vivid_dreams="mild", unheard_of="severe")], FIRST)
    assert row["side_effects"] == "vivid_dreams:mild|headache:moderate|unheard_of:severe"


def test_condition_answers_stand_in_the_order_in_which_they_are_asked_and_blank_where_none_was_told() -> None:
    told = log(FIRST, of_conditions={"blood": 0, "unheard_of": 1, "stools_vs_normal": 2})
    with_some, without = rows([], [], [told, log(FIRST + DAY)], FIRST + DAY)
    assert with_some["condition_answers"] == "stools_vs_normal:2|blood:0|unheard_of:1"
    assert without["condition_answers"] is None
