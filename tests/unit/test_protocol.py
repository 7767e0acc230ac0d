"""Protocols: what they may say, and the files that ship."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from common.dose import SOFT_CEILING, Dose
from common.dose_limits import CONFIRMED_CEILING
from tests.strategies.courses import protocols
from titration import protocol_files
from titration.engine.protocol import Protocol, Rung, Then
from titration.engine.refusals import EngineRefusal

STD_2W = protocol_files.find("STD-2W")


def rungs(*climb: tuple[str, int | None]) -> tuple[Rung, ...]:
    return tuple(Rung(Dose.of(dose), days) for dose, days in climb)


class TestFaults:
    @pytest.mark.parametrize(
        ("change", "hint"),
        [
            ({"rungs": ()}, "there is no rung"),
            ({"rungs": rungs(("1.5", 14), ("4.5", None), ("4.5", None))}, "only the last rung may be without an end"),
            ({"rungs": rungs(("1.5", 14), ("3", 14))}, "the last rung has no days if, and only if"),
            ({"then": Then.END}, "the last rung has no days if, and only if"),
            ({"rungs": rungs(("1.5", 0), ("3", None))}, "rung 1 lasts 0 days"),
            ({"rungs": rungs(("1.5", -1), ("3", None))}, "rung 1 lasts -1 days"),
            ({"rungs": rungs(("0", 14), ("1.5", None))}, "rung 1 has no dose"),
            ({"rungs": rungs(("1.5", 14), ("11", None))}, "above 10 mg: that is not low-dose nalTREXone"),
            ({"rungs": rungs(("4.5", 14), ("6", None))}, "rung 2 is 6 mg, above 4.5 mg, and gives no reason"),
            ({"rungs": rungs(("1.5", 14), ("3.5", None))}, "rung 2 rises by 2 mg, more than 1.5 mg"),
            ({"rungs": rungs(("3", 14), ("1.5", None))}, "rung 2 goes down from 3 mg to 1.5 mg"),
            ({"version": 0}, "versions are counted from 1"),
            ({"id": ""}, "an id, a name, an author and a review state are needed"),
            ({"review": ""}, "an id, a name, an author and a review state are needed"),
            ({"sources": ()}, "at least one source"),
        ],
    )
    def test_each_is_refused_in_a_sentence(self, change: dict[str, Any], hint: str) -> None:
        with pytest.raises(EngineRefusal, match=hint):
            dataclasses.replace(STD_2W, **change)

    def test_a_reason_given_lets_a_large_rise_and_a_high_dose_stand(self) -> None:
        climb = (Rung(Dose.of("1.5"), 14), Rung(Dose.of("6"), None, "the dose of the trial it repeats"))
        assert dataclasses.replace(STD_2W, rungs=climb).rungs == climb


class TestSnapshot:
    @given(protocols())
    def test_reads_what_it_wrote(self, protocol: Protocol) -> None:
        again = Protocol.from_json(protocol.to_json())
        assert again == protocol
        assert again.fingerprint() == protocol.fingerprint()

    def test_the_fingerprint_tells_every_field_apart(self) -> None:
        others = [
            dataclasses.replace(STD_2W, **change)
            for change in (
                {"id": "OTHER"},
                {"version": 2},
                {"name": "another"},
                {"rungs": rungs(("1.5", 14), ("3", 15), ("4.5", None))},
                {"rungs": rungs(("1.5", 14), ("3", 14), ("4.5", 70)), "then": Then.END},
                {"note": "another"},
                {"review": "reviewed"},
            )
        ]
        assert len({STD_2W.fingerprint(), *(other.fingerprint() for other in others)}) == len(others) + 1

    def test_the_fingerprint_does_not_change_between_versions_of_the_program(self) -> None:
        """A prescription signed last year is compared with it: a change here is a change of what was signed."""
        assert len(STD_2W.fingerprint()) == 64
        assert STD_2W.to_json()["rungs"][0] == {"dose_mg": "1.5", "days": 14, "reason": ""}

    @pytest.mark.parametrize(
        "change",
        [
            {"rungs": [{"dose_mg": 1.5, "days": 14}]},
            {"rungs": [{"dose_mg": "1,5", "days": 14}]},
            {"rungs": [{"days": 14}]},
            {"rungs": "1.5"},
            {"then": "never"},
            {"grade": "A"},
            {"unheard_of": 1},
            {"sources": [{"key": "LAV"}]},
            {"version": "1"},
            {"name": 3},
            {"rungs": [{"dose_mg": "1.5", "days": "14"}, {"dose_mg": "3"}]},
            {"rungs": [{"dose_mg": "1.5", "days": True}, {"dose_mg": "3"}]},
        ],
    )
    def test_what_is_no_protocol_is_refused(self, change: dict[str, Any]) -> None:
        with pytest.raises(EngineRefusal, match="cannot be read"):
            Protocol.from_json({**STD_2W.to_json(), **change})


class TestShippedFiles:
    @pytest.mark.parametrize("protocol", protocol_files.shipped().values(), ids=lambda protocol: protocol.id)
    def test_each_gives_its_reasons_and_invents_no_reviewer(self, protocol: Protocol) -> None:
        assert all(rung.reason for rung in protocol.rungs if rung.dose > SOFT_CEILING)
        assert max(rung.dose for rung in protocol.rungs) <= CONFIRMED_CEILING
        assert not protocol.is_reviewed
        assert protocol.note
        assert protocol.label == f"{protocol.name} ({protocol.id})"

    def test_no_two_have_the_same_name(self) -> None:
        assert len({protocol.name for protocol in protocol_files.shipped().values()}) == len(protocol_files.shipped())

    @pytest.mark.parametrize(
        ("text", "hint"),
        [("id = ", "cannot be read"), ('id = "X"', "cannot be read"), ("\x00", "cannot be read")],
    )
    def test_a_spoilt_file_is_refused(self, tmp_path: Path, text: str, hint: str) -> None:
        path = tmp_path / "X.toml"
        path.write_text(text)
        with pytest.raises(EngineRefusal, match=hint):
            protocol_files.load(path)

    def test_a_file_named_otherwise_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "OTHER.toml"
        path.write_text((protocol_files.FOLDER / "STD-2W.toml").read_text())
        with pytest.raises(EngineRefusal, match="a file is named by the protocol it holds"):
            protocol_files.load(path)

    def test_an_unknown_name_is_answered_with_those_there_are(self) -> None:
        with pytest.raises(EngineRefusal, match=r"There is no protocol 'STD-3W'; there are APTEKA, .*UAB-FIXED-6\."):
            protocol_files.find("STD-3W")
