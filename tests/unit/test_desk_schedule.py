"""The schedule read before signing: amounts by the clinical facts, words, and a drawing whose labels can be read."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.dose import Dose
from common.night import Slot
from desk.presenters import schedule
from titration import protocol_files
from titration.engine import timeline
from titration.engine.course import Course
from titration.engine.formulation import Formulation

START = date(2025, 1, 6)
SHIPPED = protocol_files.shipped()


def preview(code: str = "STD-2W", **changes: object) -> schedule.Preview:
    values = {
        "course": Course(SHIPPED[code], START),
        "strength": Dose.of("1.5"),
        "typed": "",
        "slot": Slot.BEDTIME,
        "mode": "confirmed",
        "opioid": "No",
        "patient": "a patient",
        "nights": 84,
        **changes,
    }
    values.setdefault("formulation", Formulation.capsules(values["strength"]))
    values.setdefault("offered", schedule.template(values["course"].protocol, "1"))
    return schedule.preview(**{"today": values["course"].start_on, **values})


def plain(words: str) -> str:
    return words.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("nights", "capsules"), [(28, 42), (30, 48), (42, 84), (56, 126), (60, 138), (84, 210), (90, 228)]
)
def test_what_to_dispense_is_the_table_of_the_clinical_facts(nights: int, capsules: int) -> None:
    assert plain(preview(nights=nights).dispense).startswith(f"{capsules} capsules of 1.5 mg for {nights} nights, to ")


def test_a_plan_that_ends_is_never_dispensed_beyond_its_end() -> None:
    for nights in (112, 113, 366):
        said = plain(preview("LC-BC", strength=Dose.of("0.5"), nights=nights).dispense)
        assert said == "903 capsules of 0.5 mg for all 112 nights of the plan"


def test_one_capsule_is_not_called_several() -> None:
    assert plain(preview().rows[0].sentence) == (
        "1.5 mg, one and a half milligrams, 1 capsule of 1.5 mg a night, from Mon 6 January 2025 to "
        "Sun 19 January 2025, 14 nights, 14 capsules of 1.5 mg"
    )


def test_a_strength_as_written_is_shown_only_where_it_was_written_otherwise() -> None:
    assert preview(typed="1.5").typed == ""
    assert preview(typed="1,5").typed == "1,5"


@pytest.mark.parametrize(
    "change",
    [
        {"course": Course(SHIPPED["STD-2W"], date(2025, 1, 7))},
        {"course": Course(SHIPPED["STD-1W"], START)},
        {"strength": Dose.of("0.5")},
        {"slot": Slot.MORNING},
        {"mode": "planned"},
        {"nights": 85},
        {"patient": "another patient"},
        {"opioid": "Yes"},
    ],
)
def test_another_plan_has_another_fingerprint(change: dict[str, object]) -> None:
    assert preview(**change).fingerprint != preview().fingerprint


READY = sorted(code for code, protocol in SHIPPED.items() if not protocol.needs_weight)


@given(st.sampled_from(READY), st.integers(200, 1200))
def test_labels_stay_inside_the_drawing_and_apart(code: str, width: int) -> None:
    drawn = schedule.staircase(timeline.plan(Course(SHIPPED[code], START)), width)
    reached = 0.0
    for stair in drawn.stairs:
        assert 0 <= stair.x < stair.end <= width
        assert 0 < stair.y <= drawn.base
        if stair.label:
            length = 7 * len(stair.label)
            begins, ends = (
                (stair.label_x - length, stair.label_x) if stair.label_ends else (stair.label_x, stair.label_x + length)
            )
            assert reached <= begins
            assert ends <= width
            reached = ends
    assert drawn.stairs[0].label


def test_the_stairs_climb_as_the_doses_do() -> None:
    stairs = schedule.staircase(timeline.plan(Course(SHIPPED["HALF-2W"], START)), 720).stairs
    heights = [stair.y for stair in stairs]
    assert heights == sorted(heights, reverse=True)
    assert [stair.open for stair in stairs] == [False] * 8 + [True]
