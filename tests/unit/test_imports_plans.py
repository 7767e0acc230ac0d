"""The columns of a plan: what a row says of it, and every way in which it cannot be meant."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.dose import Dose
from common.night import Slot
from common.refusals import Refused
from imports import plans, rows, signing
from imports.columns import Facts, Template
from imports.grid import Cell
from titration import protocol_files
from titration.engine import timeline
from titration.engine.formulation import Formulation

TODAY = date(2026, 3, 2)
SHIPPED = protocol_files.shipped()
FACTS = Facts(
    today=TODAY,
    zone=ZoneInfo("Europe/London"),
    conditions={"crohn": "Crohn's disease"},
    templates=[Template(id=f"row of {code}", protocol=protocol) for code, protocol in SHIPPED.items()],
    sexes=("female", "male", "other"),
)
PERSON = {"name": "Ann Example", "birth_date": "1980-12-31", "record_number": "R-1", "conditions": "crohn"}
BEGINS = {"plan": "STD-2W", "opioids": "no", "starts_on": "2026-03-02", "capsule_strength": "1.5"}
GOES_ON = {
    "plan": "STD-2W",
    "opioids": "no",
    "current_dose": "3",
    "last_changed_on": "2026-02-20",
    "taking_since": "2026-01-15",
    "capsule_strength": "1.5",
}


def reading(written: Mapping[str, str], columns: Sequence[str] = ()) -> rows.Reading:
    row = {**PERSON, **written}
    names = columns or tuple(row)
    return rows.read((tuple(map(Cell, names)), tuple(Cell(row.get(name, "")) for name in names)), FACTS)


def plan_of(written: Mapping[str, str]) -> plans.Plan:
    read = reading(written)
    assert read.faults == ()
    plan = read.rows[0].plan
    assert plan is not None
    return plan


def faults_of(written: Mapping[str, str]) -> dict[str, str]:
    return {fault.column: fault.sentence for fault in reading(written).faults}


def without(row: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: text for name, text in row.items() if name not in names}


class TestWhatIsSaid:
    def test_who_begins(self) -> None:
        plan = plan_of(BEGINS)
        assert plan == plans.Plan(
            template=Template(id="row of STD-2W", protocol=SHIPPED["STD-2W"]),
            opioids="no",
            start_on=TODAY,
            first_dose=None,
            taking_since=None,
            target=None,
            slot=Slot.BEDTIME,
            strengths=(plans.Written(Dose.of("1.5"), "1.5"),),
            mode="confirmed",
        )
        assert (plan.awaiting, plan.date_column) == (False, "starts_on")

    @pytest.mark.parametrize("words", ["awaiting medicine", "Awaiting  Medicine", "awaiting"])
    def test_who_waits_for_the_medicine(self, words: str) -> None:
        plan = plan_of({**BEGINS, "starts_on": words})
        assert (plan.start_on, plan.awaiting) == (None, True)
        assert timeline.unfold(plan.course(TODAY))[0].state is timeline.State.AWAITING

    def test_who_takes_it_already(self) -> None:
        plan = plan_of({**GOES_ON, "target_dose": "4.5", "time_of_day": "Morning", "steps": "planned"})
        assert (plan.start_on, plan.taking_since) == (date(2026, 2, 20), date(2026, 1, 15))
        assert plan.first_dose == plans.Written(Dose.of(3), "3")
        assert plan.target == plans.Written(Dose.of("4.5"), "4.5")
        assert (plan.slot, plan.mode, plan.awaiting, plan.date_column) == (
            Slot.MORNING,
            "planned",
            False,
            "last_changed_on",
        )
        # No past is made up: nothing is known before the day of the last change.
        in_force = timeline.unfold(plan.course(TODAY))
        assert [(segment.from_on, segment.dose) for segment in in_force] == [(date(2026, 2, 20), Dose.of(3))]

    def test_nobody_needs_to_know_the_first_day(self) -> None:
        assert plan_of(without(GOES_ON, "taking_since")).taking_since is None

    @pytest.mark.parametrize("name", ["std-2w", SHIPPED["STD-2W"].label, SHIPPED["STD-2W"].label.upper()])
    def test_a_template_by_its_code_or_its_name(self, name: str) -> None:
        assert plan_of({**BEGINS, "plan": name}).template.protocol.id == "STD-2W"

    def test_who_stays_has_no_step_ahead(self) -> None:
        plan = plan_of({**GOES_ON, "target_dose": "3"})
        assert timeline.next_step(plan.course(TODAY)) is None
        assert timeline.next_step(plan_of(GOES_ON).course(TODAY)) is not None

    def test_without_a_plan(self) -> None:
        assert reading({}).rows[0].plan is None
        assert reading(dict.fromkeys(BEGINS, "")).rows[0].plan is None


class TestDoses:
    @pytest.mark.parametrize(
        ("typed", "mg"), [("4,5", "4.5"), (".5", "0.5"), ("3.0", "3"), ("1·5", "1.5"), ("3 mg", "3"), ("0,25", "0.25")]
    )
    @pytest.mark.parametrize("column", ["current_dose", "target_dose", "capsule_strength"])
    def test_as_clinicians_write_them(self, column: str, typed: str, mg: str) -> None:
        (read,) = [one for one in plans.COLUMNS if one.name == column]
        written = plans.Written(Dose.of(mg), typed)
        assert read.read(typed, FACTS) == ((written,) if column == "capsule_strength" else written)

    @pytest.mark.parametrize(
        ("typed", "sentence"),
        [
            ("450", "Is a point missing (4.5 mg)"),
            ("45", "Is a point missing (4.5 mg)"),
            ("4500 mcg", "4500 micrograms is 4.5 mg"),
            ("3 ml", "not millilitres"),
            ("1,500", "can be read two ways"),
            ("045", "more than 10 mg"),
            ("03", "can be read as 3 mg or as 0.3 mg"),
            ("three", "not a dose in milligrams"),
            ("2026-05-01", "not a dose in milligrams"),
            ("0", "more than 0 mg"),
            ("1" * 41, "at most 40 characters"),
        ],
    )
    @pytest.mark.parametrize("column", ["current_dose", "target_dose", "capsule_strength"])
    def test_what_can_be_misread_is_said_where_it_stands(self, column: str, typed: str, sentence: str) -> None:
        assert sentence in faults_of({**GOES_ON, column: typed})[column]

    @pytest.mark.parametrize(("typed", "sentence"), [("5", "say why"), ("7", "confirm it once more")])
    @pytest.mark.parametrize("column", ["current_dose", "target_dose"])
    def test_high_ones_ask_what_a_table_cannot_answer(self, column: str, typed: str, sentence: str) -> None:
        said = faults_of({**GOES_ON, column: typed})[column]
        assert sentence in said
        assert "A table has no room for that" in said

    def test_several_strengths_are_parted_by_semicolons(self) -> None:
        plan = plan_of({**BEGINS, "capsule_strength": ".5 ; 1,5;"})
        assert plan.formulation == Formulation.capsules(Dose.of("1.5"), Dose.of("0.5"))
        assert "milligrams" in faults_of({**BEGINS, "capsule_strength": "0.5; 500 mcg"})["capsule_strength"]
        assert faults_of({**BEGINS, "capsule_strength": " ; "}) == {"capsule_strength": "This is missing."}


class TestWhatCannotBeMeant:
    @pytest.mark.parametrize(
        ("written", "column", "sentence"),
        [
            ({"current_dose": "3"}, "plan", "no template"),
            ({"time_of_day": "bedtime"}, "plan", "no template"),
            ({**BEGINS, "plan": "STD-9W"}, "plan", "none of your clinic's templates"),
            ({**BEGINS, "plan": "PEDS-UK"}, "plan", "asks what a table has no room for"),
            ({**BEGINS, "plan": "BID-NO", "time_of_day": "noon"}, "time_of_day", "Write bedtime"),
            (without(BEGINS, "opioids"), "opioids", "Answer this"),
            ({**BEGINS, "opioids": "maybe"}, "opioids", "Write no, yes or unknown"),
            (without(BEGINS, "starts_on"), "starts_on", "awaiting medicine"),
            (without(BEGINS, "capsule_strength"), "capsule_strength", "missing"),
            ({**BEGINS, "starts_on": "3/4/2026"}, "starts_on", "could be"),
            ({**BEGINS, "taking_since": "2026-01-01"}, "taking_since", "Only who takes it already"),
            ({**BEGINS, "last_changed_on": "2026-01-01"}, "last_changed_on", "Only who takes it already"),
            ({**BEGINS, "time_of_day": "noon"}, "time_of_day", "Write bedtime, morning or split"),
            ({**BEGINS, "steps": "weekly"}, "steps", "Write confirmed or planned"),
            ({**BEGINS, "target_dose": "1"}, "target_dose", "begins with 1.5 mg"),
            ({**BEGINS, "plan": "HALF-1W", "target_dose": "0.25"}, "target_dose", "begins with 0.5 mg"),
            ({**GOES_ON, "target_dose": "1.5"}, "target_dose", "less than the current dose of 3 mg"),
            ({**GOES_ON, "starts_on": "2026-03-02"}, "starts_on", "does not begin"),
            (without(GOES_ON, "last_changed_on"), "last_changed_on", "since when"),
            ({**GOES_ON, "taking_since": "2026-02-21"}, "taking_since", "after the day"),
            ({**GOES_ON, "taking_since": "1980-12-30"}, "taking_since", "before the patient was born"),
        ],
    )
    def test_it_is_said_in_its_column_and_alone(self, written: dict[str, str], column: str, sentence: str) -> None:
        found = faults_of(written)
        assert list(found) == [column]
        assert sentence in found[column]

    def test_a_target_above_the_template(self) -> None:
        (low,) = [one for one in SHIPPED.values() if one.id == "UAB-FIXED-3"]
        written = {**BEGINS, "plan": low.id, "target_dose": "4.5"}
        assert "goes to 3 mg and no higher" in faults_of(written)["target_dose"]

    def test_every_fault_of_a_row_at_once(self) -> None:
        written = {**GOES_ON, "opioids": "", "current_dose": "450", "steps": "x", "capsule_strength": ""}
        assert set(faults_of(written)) == {"opioids", "current_dose", "steps", "capsule_strength"}

    def test_a_column_that_is_not_there_has_no_letter(self) -> None:
        (fault,) = reading({**BEGINS}, columns=(*PERSON, "plan", "opioids", "starts_on")).faults
        assert (fault.column, fault.letter, fault.sentence) == ("capsule_strength", "", "This is missing.")

    def test_two_templates_of_one_code(self) -> None:
        twice = replace(FACTS, conditions={}, templates=[FACTS.templates[0], *FACTS.templates])
        (column,) = [one for one in plans.COLUMNS if one.name == "plan"]
        with pytest.raises(Refused, match="Several templates"):
            column.read(FACTS.templates[0].protocol.id, twice)


class TestSigning:
    def against(self, **written: str) -> tuple[str, str] | None:
        plan = plan_of({**GOES_ON, **written})
        return signing.against(plan.course(TODAY), plan, today=TODAY)

    def test_nothing_speaks_against_what_goes_on(self) -> None:
        assert self.against() is None

    def test_a_template_that_would_have_ended(self) -> None:
        ends = next(one for one in SHIPPED.values() if plans.fits(one) and one.then.value == "end")
        found = self.against(
            plan=ends.id, current_dose=ends.rungs[-1].dose.text, last_changed_on="2001-01-13", taking_since=""
        )
        assert found is not None
        assert found[0] == "plan"
        assert "nothing would be taken" in found[1]

    def test_steps_by_themselves_that_fell_due_long_ago(self) -> None:
        overdue = {"last_changed_on": "2025-06-30", "taking_since": ""}
        assert self.against(**overdue) is None
        found = self.against(**overdue, steps="planned")
        assert found is not None
        assert found[0] == "steps"
        assert "4.5 mg fell due on 14 July 2025" in found[1]
        assert self.against(**overdue, steps="planned", target_dose="3") is None
        assert self.against(steps="planned") is None


def spellings(dose: Dose) -> list[str]:
    text = dose.text
    return [text, f"{text} mg", text.replace(".", ","), text.removeprefix("0") if text.startswith("0.") else text]


PLAIN = sorted(code for code, protocol in SHIPPED.items() if plans.fits(protocol))
DOSES = st.integers(1, 450).map(lambda hundredths: Dose.of(f"{hundredths / 100:.2f}"))


@st.composite
def going_on(draw: Any) -> tuple[dict[str, str], dict[str, Any]]:
    """A row of somebody who takes it already, written in any of the ways it may be, and what it says."""
    dose, strength = draw(DOSES), draw(DOSES)
    changed = draw(st.dates(date(2000, 1, 13), TODAY))
    since = draw(st.none() | st.dates(date(2000, 1, 13), changed))
    slot = draw(st.sampled_from(list(Slot)))
    code = draw(st.sampled_from(PLAIN))
    stays = draw(st.booleans())
    row = {
        "plan": draw(st.sampled_from([code, code.lower(), SHIPPED[code].label])),
        "opioids": draw(st.sampled_from(["no", "NO"])),
        "current_dose": draw(st.sampled_from(spellings(dose))),
        "last_changed_on": draw(st.sampled_from([changed.isoformat(), f"{changed.day} {changed:%B} {changed.year}"])),
        "taking_since": since.isoformat() if since else "",
        "target_dose": draw(st.sampled_from(spellings(dose))) if stays else "",
        "time_of_day": slot.value if slot is not Slot.BEDTIME or draw(st.booleans()) else "",
        "capsule_strength": draw(st.sampled_from(spellings(strength))),
    }
    return row, {
        "code": code,
        "dose": dose,
        "strength": strength,
        "start_on": changed,
        "since": since,
        "slot": slot,
        "target": dose if stays else None,
    }


@settings(max_examples=200, deadline=None)
@given(going_on())
def test_what_is_read_is_what_was_meant(drawn: tuple[dict[str, str], dict[str, Any]]) -> None:
    row, meant = drawn
    plan = plan_of(row)
    assert plan.first_dose is not None
    assert {
        "code": plan.template.protocol.id,
        "dose": plan.first_dose.dose,
        "strength": plan.strengths[0].dose,
        "start_on": plan.start_on,
        "since": plan.taking_since,
        "slot": plan.slot,
        "target": plan.target.dose if plan.target else None,
    } == meant


@settings(max_examples=200, deadline=None)
@given(going_on())
def test_what_may_be_signed_is_the_dose_that_was_written_and_nothing_before_it(
    drawn: tuple[dict[str, str], dict[str, Any]],
) -> None:
    row, meant = drawn
    plan = plan_of(row)
    course = plan.course(TODAY)
    if signing.against(course, plan, today=TODAY) is not None:
        return
    in_force = timeline.unfold(course)
    assert in_force[0].from_on == meant["start_on"]
    for day in (meant["start_on"], TODAY, TODAY + timedelta(days=1000)):
        assert timeline.dose_on(in_force, day) in (meant["dose"], None)
    assert timeline.dose_on(in_force, TODAY) == meant["dose"]
    if meant["target"]:
        assert timeline.next_step(course) is None


CELLS = st.sampled_from(
    [
        *("", "STD-2W", "no", "yes", "3", "4,5", ".5", "450", "mcg", "awaiting medicine", "2026-03-02", "2020-01-13"),
        *("x", "9999-12-31", "0001-01-01", "split", "planned", "1.5", "confirmed", "=1"),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.fixed_dictionaries({column.name: CELLS for column in plans.COLUMNS}))
def test_whatever_stands_there_is_one_plan_or_a_fault(written: dict[str, str]) -> None:
    read = reading(written)
    assert bool(read.faults) != bool(read.rows)
    if not read.rows or read.rows[0].plan is None:
        assert read.faults or not any(written.values())
        return
    plan = read.rows[0].plan
    assert (plan.first_dose is None) or (plan.start_on is not None)
    assert (plan.taking_since is None) or (plan.first_dose is not None)
    assert plan.opioids in ("no", "yes", "unknown")
    for dose in (plan.first_dose, plan.target):
        assert dose is None or dose.dose <= Dose.of("4.5")
