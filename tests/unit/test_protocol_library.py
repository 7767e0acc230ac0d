"""The library against the table of the clinical facts (1.2 and 1.3), and the terms that not every protocol has."""

import dataclasses
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.dose import Dose
from common.night import Slot
from tests.strategies.courses import protocols
from titration import protocol_files
from titration.engine import timeline
from titration.engine.by_weight import resolved
from titration.engine.course import ChangeProtocol, Course
from titration.engine.protocol import Protocol, Rung, Then
from titration.engine.refusals import EngineRefusal
from titration.engine.terms import Condition, Cycle

STD_2W_FINGERPRINT = "2d31e9395b7eb86c2b1078b8ff6a163fa5148924724dda99cf24138d45af481d"
HALVES = ["0.5", "1", "1.5", "2", "2.5", "3", "3.5", "4"]

TABLE: dict[str, tuple[str, str, str]] = {
    # id             days x mg of each step, what follows, grade: as clinical facts 1.2 write them
    "STD-1W": ("7x1.5 7x3", "open 4.5", "E1"),
    "STD-2W": ("14x1.5 14x3", "open 4.5", "E2"),
    "STD-4W": ("28x1.5 28x3", "open 4.5", "E2"),
    "ONE-1W": ("7x1 7x2 7x3 7x4", "open 4.5", "E2"),
    "HALF-2W": (" ".join(f"14x{mg}" for mg in HALVES), "open 4.5", "E2"),
    "HALF-1W": (" ".join(f"7x{mg}" for mg in HALVES), "open 4.5", "E2"),
    "LIQ-SHILPA": ("14x1 14x1.5 14x2 14x2.5 14x3", "review", "E2"),
    "LDNRT-AI": ("14x1 14x2 14x3 14x4", "open 4.5", "E2"),
    "LDNRT-AI-HALF": (" ".join(f"14x{mg}" for mg in HALVES), "open 4.5", "E2"),
    "APTEKA": ("7x1 7x2 7x3 7x4 28x4.5", "review", "E2"),
    "HASH-025": ("7x0.25 7x0.5 7x0.75 7x1 7x1.25 7x1.5", "review", "E2"),
    "HASH-15": ("", "open 1.5", "E2"),
    "LC-DUBLIN": ("30x1 30x2", "end", "E1"),
    "LC-BC": ("7x1 7x2 7x3 21x4.5 70x4.5", "end", "E1"),
    "FIX-4.5": ("56x4.5", "review", "E1"),
    "FIX-YOUNGER-LOW": ("", "open 4.5", "E1"),
    "IBS-0.5": ("28x0.5", "end", "E1"),
    "GI-PLOESSER-D": ("", "open 2.5", "E1"),
    "GI-PLOESSER-C": ("", "open 5", "E1"),
    "GI-PLOESSER-IBD": ("", "open 4.5", "E1"),
    "PDN-RESP": ("14x2 28x4", "end", "E1"),
    "UAB-FIXED-1.5": ("240x1.5", "end", "E1"),
    "UAB-FIXED-3": ("240x3", "end", "E1"),
    "UAB-FIXED-4.5": ("240x4.5", "end", "E1"),
    "UAB-FIXED-6": ("240x6", "end", "E1"),
    "PEDS-SMITH": ("56x4.5 56x4.5", "end", "E1"),
    "PEDS-UK": ("7x0.1 7x1 7x2 7x3", "open 4", "E2"),
    "BID-NO": ("", "open 6", "E2"),
    "CANCER-W": ("7x1.5 7x3", "open 4.5", "E2"),
}

DAY_TABLE = {
    "STD-1W": {1: "1.5", 8: "3", 15: "4.5", 22: "4.5", 29: "4.5", 36: "4.5", 43: "4.5", 57: "4.5"},
    "STD-2W": {1: "1.5", 8: "1.5", 15: "3", 22: "3", 29: "4.5", 36: "4.5", 43: "4.5", 57: "4.5"},
    "HALF-2W": {
        1: "0.5", 8: "0.5", 15: "1", 22: "1", 29: "1.5", 36: "1.5", 43: "2", 57: "2.5", 71: "3", 85: "3.5", 99: "4",
        113: "4.5",
    },
}  # fmt: skip


def written(protocol: Protocol) -> tuple[str, str, str]:
    steps = " ".join(f"{rung.days}x{rung.dose.text}" for rung in protocol.rungs if rung.days is not None)
    last = f"open {protocol.rungs[-1].dose.text}" if protocol.then is Then.OPEN else protocol.then.value
    return steps, last, protocol.grade.value


class TestTable:
    def test_every_row_that_can_be_expressed_is_there_and_no_other(self) -> None:
        assert {name: written(protocol) for name, protocol in protocol_files.shipped().items()} == TABLE

    def test_what_is_left_out_says_why(self) -> None:
        assert set(protocol_files.not_shipped()) == {"FINAL", "DR-BRUUN", "BID-CASE", "MARCUS-MED"}
        assert not set(protocol_files.not_shipped()) & set(TABLE)
        with pytest.raises(EngineRefusal, match="FINAL is not offered: The trial's table of steps could not be read"):
            protocol_files.find("FINAL")

    @pytest.mark.parametrize("name", DAY_TABLE)
    def test_expanded_by_days(self, name: str) -> None:
        start = date(2025, 1, 6)
        intended = timeline.plan(Course(protocol_files.find(name), start))
        for day, mg in DAY_TABLE[name].items():
            assert timeline.dose_on(intended, start + timedelta(days=day - 1)) == Dose.of(mg), day

    def test_what_is_taken_twice_a_day(self) -> None:
        split = {name for name, protocol in protocol_files.shipped().items() if protocol.is_split}
        assert split == {"BID-NO", "GI-PLOESSER-C"}

    def test_what_goes_on_in_a_pattern(self) -> None:
        cycles = {name: protocol.cycle for name, protocol in protocol_files.shipped().items() if protocol.cycle}
        assert cycles == {"CANCER-W": Cycle(3, 3)}

    def test_what_is_asked_before_a_step(self) -> None:
        asked = {
            name: protocol.conditions for name, protocol in protocol_files.shipped().items() if protocol.conditions
        }
        assert list(asked) == ["PDN-RESP"]
        [(rung, condition)] = asked["PDN-RESP"]
        assert (rung, condition.fell_by_less_than_percent) == (1, 20)


class TestByWeight:
    @pytest.mark.parametrize(
        ("name", "kg", "doses"),
        [
            ("PEDS-SMITH", "32.7", ["3.2", "3.2"]),
            ("PEDS-SMITH", "45", ["4.5", "4.5"]),
            ("PEDS-SMITH", "70", ["4.5", "4.5"]),
            ("PEDS-UK", "20", ["0.1", "0.5", "1", "1.5", "2"]),
            ("PEDS-UK", "39.9", ["0.1", "0.9", "1.9", "2.9", "3.9"]),
        ],
    )
    def test_milligrams_of_this_weight(self, name: str, kg: str, doses: list[str]) -> None:
        made = resolved(protocol_files.find(name), Decimal(kg))
        assert [rung.dose.text for rung in made.rungs] == doses
        assert not made.needs_weight
        assert f"for {kg} kg is" in made.note
        assert made.by_weight is not None
        assert made.by_weight.reweigh_days == 90
        assert Protocol.from_json(made.to_json()) == made
        assert timeline.plan(Course(made, date(2025, 1, 6)))[0].dose == Dose.of(doses[0])

    @given(st.sampled_from(["PEDS-SMITH", "PEDS-UK"]), st.integers(40, 1500).map(lambda tenths: Decimal(tenths) / 10))
    def test_never_above_the_weight_nor_the_cap(self, name: str, kg: Decimal) -> None:
        protocol = protocol_files.find(name)
        if name == "PEDS-UK" and kg >= 40:
            with pytest.raises(EngineRefusal, match="an adult's template is meant"):
                resolved(protocol, kg)
            return
        for rung, made in zip(protocol.rungs, resolved(protocol, kg).rungs, strict=True):
            assert made.dose <= rung.dose <= Dose.of("4.5")
            assert made.dose.mg <= kg / 10
            assert made.days == rung.days

    def test_nobody_takes_it_without_a_weight(self) -> None:
        protocol = protocol_files.find("PEDS-SMITH")
        with pytest.raises(EngineRefusal, match="goes by weight"):
            Course(protocol, date(2025, 1, 6))
        with pytest.raises(EngineRefusal, match="goes by weight"):
            ChangeProtocol(date(2025, 1, 6), protocol)

    def test_made_once(self) -> None:
        made = resolved(protocol_files.find("PEDS-SMITH"), Decimal(30))
        with pytest.raises(EngineRefusal, match="was made for 30 kg"):
            resolved(made, Decimal(31))

    def test_another_protocol_is_as_it_was(self) -> None:
        assert resolved(protocol_files.find("STD-2W"), Decimal(30)) is protocol_files.find("STD-2W")


class TestTerms:
    @given(protocols())
    def test_what_was_signed_before_they_existed_is_the_same(self, protocol: Protocol) -> None:
        """Keys as they were; the whole of a snapshot, and so its fingerprint, is untouched."""
        assert list(protocol.to_json()) == [
            "id", "version", "name", "rungs", "then", "sources", "grade", "author", "review", "note",
        ]  # fmt: skip
        assert all(list(rung) == ["dose_mg", "days", "reason"] for rung in protocol.to_json()["rungs"])

    def test_a_fingerprint_of_the_first_version_stands(self) -> None:
        assert protocol_files.find("STD-2W").fingerprint() == STD_2W_FINGERPRINT

    @pytest.mark.parametrize("name", TABLE)
    def test_reads_what_it_wrote(self, name: str) -> None:
        protocol = protocol_files.find(name)
        again = Protocol.from_json(protocol.to_json())
        assert again == protocol
        assert again.fingerprint() == protocol.fingerprint()

    @pytest.mark.parametrize(
        ("name", "change", "hint"),
        [
            ("STD-2W", {"time_of_day": "noon"}, "cannot be read"),
            ("STD-2W", {"cycle": {"days_on": 0, "days_off": 3}}, "days on and off are 1 to 28"),
            ("STD-2W", {"cycle": {"days_on": 3}}, "cannot be read"),
            ("STD-2W", {"by_weight": {"measurable_mg": "0.1", "liquid": "x", "reweigh_days": 90}}, "or neither"),
            ("PEDS-UK", {"by_weight": {"measurable_mg": "0", "liquid": "x", "reweigh_days": 90}}, "more than 0 mg"),
            ("PEDS-UK", {"by_weight": {"measurable_mg": "0.1", "liquid": "x", "reweigh_days": 0}}, "asked again after"),
            ("PEDS-UK", {"by_weight": {"measurable_mg": 0.1, "liquid": "x", "reweigh_days": 9}}, "decimal string"),
            ("PEDS-UK", {"by_weight": {"measurable_mg": "0.1", "liquid": "x", "reweigh_days": 9, "x": 1}}, "unknown"),
            ("PEDS-UK", {"by_weight": {"measurable_mg": "0.1", "reweigh_days": 9}}, "'liquid' is missing"),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, name: str, change: dict[str, Any], hint: str) -> None:
        with pytest.raises(EngineRefusal, match=hint):
            Protocol.from_json({**protocol_files.find(name).to_json(), **change})

    @pytest.mark.parametrize(
        ("change", "hint"),
        [
            ({"mg_per_kg": Decimal("0.5")}, "low doses are at most 0.1 mg/kg"),
            ({"mg_per_kg": Decimal("0.1"), "dose": Dose.of("6"), "reason": "x"}, "may be at most 4.5 mg"),
        ],
    )
    def test_no_dose_by_weight_is_above_the_sources(self, change: dict[str, Any], hint: str) -> None:
        protocol = protocol_files.find("PEDS-SMITH")
        rungs = tuple(dataclasses.replace(rung, **change) for rung in protocol.rungs)
        with pytest.raises(EngineRefusal, match=hint):
            dataclasses.replace(protocol, rungs=rungs)

    def test_a_dose_without_an_exact_half_is_not_split(self) -> None:
        with pytest.raises(EngineRefusal, match="no half exact"):
            dataclasses.replace(
                protocol_files.find("HASH-15"), time_of_day=Slot.SPLIT, rungs=(Rung(Dose.of("1.125"), None),)
            )

    def test_the_first_rung_has_no_condition(self) -> None:
        protocol = protocol_files.find("PDN-RESP")
        first = dataclasses.replace(protocol.rungs[0], only_if=protocol.rungs[1].only_if)
        with pytest.raises(EngineRefusal, match="taken in any case"):
            dataclasses.replace(protocol, rungs=(first, protocol.rungs[1]))

    @pytest.mark.parametrize(
        ("before", "now", "holds"),
        [("50", "41", True), ("50", "40", False), ("50", "0", False), ("50", "60", True), ("0", "3", True)],
    )
    def test_a_condition_is_judged_exactly(self, before: str, now: str, holds: bool) -> None:
        condition = Condition("pain fell by less than a fifth", "pain", 20)
        assert condition.holds(Decimal(before), Decimal(now)) is holds
