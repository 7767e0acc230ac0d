"""A course written to a file comes to the same when it is read again, and says nothing of whose it is."""

import json
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from common.dose import Dose
from tests.strategies.bending import signed_courses
from tests.strategies.replays import Drawn, drawn_files
from titration import protocol_files
from titration.engine import by_weight, timeline
from titration.engine.course import ChangeProtocol, Course, Hold, Pause, PauseCause
from titration.engine.formulation import Form, Formulation, Unit
from titration.engine.stock import Fill
from titration.replay import reading, running, telling, writing
from titration.replay.file import File, Log, Mode, Patient, Recorded, Severity, SideEffect, Taken
from titration.replay.writing import Beside

MONDAY = date(2025, 1, 6)
STD_2W = protocol_files.find("STD-2W")


def read_again(file: dict[str, Any]) -> tuple[File, running.Run]:
    read = reading.read(json.dumps(file), protocol_files.find)
    return read, running.run(read)


def without_why(answer: dict[str, Any]) -> dict[str, Any]:
    """What is told but the words: those of a clinic's own protocol are not written.

    A step of the day looked from is ahead while it happens by itself, and behind once it is written down: what the
    rules say of that day differs, and is left out.
    """
    told = {name: value for name, value in answer.items() if name not in ("findings", "can_step", "why")}
    return told | {"timeline": [{**line, "why": ""} for line in answer["timeline"]]}


class TestReadAgain:
    @given(signed_courses())
    def test_a_course_as_it_was_signed(self, signed: tuple[Course, tuple[Recorded, ...]]) -> None:
        course, recorded = signed
        _, done = read_again(writing.written(course, Beside(zone="Asia/Tokyo"), recorded=recorded))
        assert done.refused == []
        assert timeline.unfold(done.course) == timeline.unfold(course)
        assert done.recorded == list(recorded)

    @given(signed_courses())
    def test_a_course_whose_days_of_recording_nobody_kept(self, signed: tuple[Course, tuple[Recorded, ...]]) -> None:
        course, _ = signed
        _, done = read_again(writing.written(course, Beside(zone="Asia/Tokyo")))
        assert done.refused == []
        assert timeline.unfold(done.course) == timeline.unfold(course)

    @given(drawn_files(), st.integers(0, 120))
    def test_a_replay_written_and_replayed(self, drawn: Drawn, after: int) -> None:
        file, done = read_again(drawn.file)
        as_of = drawn.course.start_on + timedelta(days=after)
        beside = Beside(zone="Europe/Oslo", mode=file.mode, history_until=as_of)
        again = read_again(writing.written(done.course, beside, recorded=done.recorded))
        assert again[1].refused == []
        assert without_why(telling.told(*again, as_of)) == without_why(telling.told(file, done, as_of)) | {
            "refused": []
        }

    def test_what_stands_beside_the_course(self) -> None:
        logs = (
            Log(
                night=MONDAY,
                taken=Taken.TAKEN,
                taken_mg=Dose.of("1.5"),
                taken_at="22:15",
                sleep_hours=Decimal("6.50"),
                scales=(("latency_min", 30), ("lead_symptom", 0)),
                side_effects=(SideEffect("vivid_dreams", Severity.MILD),),
                reviewed_on=MONDAY,
            ),
            Log(night=MONDAY + timedelta(days=1), taken=Taken.SKIPPED),
            Log(night=MONDAY + timedelta(days=2), taken=Taken.NOT_YET),
            Log(night=MONDAY + timedelta(days=3)),
        )
        formulation = Formulation(form=Form.LIQUID, strengths=(Dose.of(1),), smallest_ml=Decimal("0.1"))
        fills = (Fill(MONDAY, formulation.units[0], Fraction(201, 2), beyond_use_on=MONDAY + timedelta(days=60)),)
        patient = Patient(born="1980", weight_kg=Decimal("61.5"), conditions=("crohns",))
        beside = Beside(
            zone="Europe/Oslo",
            mode=Mode.PLANNED,
            gate=True,
            history_until=MONDAY,
            formulation=formulation,
            patient=patient,
            fills=fills,
            logs=logs,
        )
        course = Course(
            STD_2W, MONDAY, awaiting=True, target=Dose.of(3), retitrate_from_days=21, time_of_day=timeline.Slot.MORNING
        )
        file, done = read_again(writing.written(course, beside, shipped=protocol_files.shipped()))
        assert done.course == course
        assert (file.mode, file.gate, file.history_until) == (Mode.PLANNED, True, MONDAY)
        assert (file.formulation, file.fills, file.logs) == (formulation, fills, logs)
        assert file.patient == patient

    def test_a_protocol_by_weight_keeps_the_weight_it_was_made_for(self) -> None:
        made = by_weight.resolved(protocol_files.find("PEDS-UK"), Decimal(24))
        file, done = read_again(writing.written(Course(made, MONDAY), Beside(zone="Europe/Oslo")))
        assert timeline.plan(done.course) == timeline.plan(Course(writing.without_words(made), MONDAY))
        assert [rung.dose for rung in file.course.protocol.rungs] == [rung.dose for rung in made.rungs]


class TestDeidentified:
    def test_a_shipped_protocol_is_named_and_a_clinics_own_is_not(self) -> None:
        own = protocol_files.find("STD-4W")
        course = Course(STD_2W, MONDAY, (ChangeProtocol(MONDAY + timedelta(days=3), own),))
        file = writing.written(course, Beside(zone="UTC"), shipped={"STD-2W": STD_2W})
        assert file["protocol"] == "STD-2W"
        assert file["changes"][0]["protocol"]["name"] == "a clinic's own"

    def test_no_word_that_somebody_wrote_is_in_the_file(self) -> None:
        """A canary in every place that holds words."""
        canary = "Zaunkoenig"
        source = protocol_files.find("PDN-RESP").to_json()
        source |= {"id": canary, "name": canary, "author": canary, "review": canary, "note": canary}
        source["sources"] = [{"key": canary, "reference": canary}]
        source["rungs"][1] |= {"reason": canary}
        source["rungs"][1]["only_if"] |= {"words": canary, "measure": canary}
        own = type(STD_2W).from_json(source)
        by_kg = protocol_files.find("PEDS-SMITH").to_json()
        by_kg["by_weight"] |= {"liquid": canary}
        course = Course(
            own,
            MONDAY,
            (
                Hold(MONDAY, 3),
                Pause(MONDAY + timedelta(days=9), 3, PauseCause.OPIOID_COURSE),
                ChangeProtocol(
                    MONDAY + timedelta(days=20), by_weight.resolved(type(STD_2W).from_json(by_kg), Decimal(20)), 0
                ),
            ),
        )
        unit = Unit(Form.CAPSULES, Dose.of(2))
        log = Log(night=MONDAY, side_effects=(SideEffect(canary, Severity.MILD),), other_medicines=canary)
        patient = Patient(born="1980-12-17", conditions=("crohns", canary), medicines=(canary,))
        beside = Beside(zone="UTC", patient=patient, fills=(Fill(MONDAY, unit, Fraction(30), lot=canary),), logs=(log,))
        file = json.dumps(writing.written(course, beside, shipped=protocol_files.shipped()))
        assert canary.lower() not in file.lower()
        assert "12-17" not in file
        assert '"born_on": "1980"' in file
        assert '"cause": "opioid course"' in file
        assert read_again(json.loads(file))[1].refused == []
