"""The gate: what closes it, what leaves it unknown, and from which date a confirmed step takes force."""

import dataclasses
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.night import Slot
from titration.engine.gate import Blocked, Code, Facts, Open, Unknown, effective_on, gate

DUE = date(2025, 1, 20)
GREEN = Facts(
    due_on=DUE,
    today=DUE,
    held_until=None,
    ended=False,
    opioid_reported=False,
    nights_logged=7,
    nights_possible=7,
    nights_not_taken=0,
    moderate_side_effects_last_3=0,
)

DAYS = st.dates(date(2024, 12, 1), date(2025, 3, 1))


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    possible = draw(st.integers(0, 7))
    logged = draw(st.integers(0, possible))
    return Facts(
        due_on=draw(st.none() | DAYS),
        today=draw(DAYS),
        held_until=draw(st.none() | DAYS),
        ended=draw(st.booleans()),
        opioid_reported=draw(st.booleans()),
        nights_logged=logged,
        nights_possible=possible,
        nights_not_taken=draw(st.integers(0, logged)),
        moderate_side_effects_last_3=draw(st.integers(0, 3)),
        asked_first=draw(st.sampled_from(["", "pain has fallen"])),
    )


def asked(**changes: Any) -> Open | Blocked | Unknown:
    return gate(dataclasses.replace(GREEN, **changes))


class TestGate:
    def test_open_when_all_is_well(self) -> None:
        assert gate(GREEN) == Open()

    @pytest.mark.parametrize(
        ("changes", "code", "overridable", "sentence"),
        [
            ({"ended": True, "due_on": None}, Code.ENDED, False, "The plan has ended."),
            ({"due_on": None}, Code.NOTHING_DUE, False, "There is no further step."),
            (
                {"opioid_reported": True},
                Code.OPIOID_REPORTED,
                False,
                "An opioid was reported and the report has not been answered.",
            ),
            (
                {"held_until": DUE + timedelta(days=7)},
                Code.HELD,
                False,
                "The dose is held until 27 January 2025.",
            ),
            (
                {"today": DUE - timedelta(days=2)},
                Code.TOO_EARLY,
                False,
                "The step is due on 20 January 2025; it can be confirmed from the day before.",
            ),
            (
                {"asked_first": "pain has fallen by less than 20 %"},
                Code.ASKED_FIRST,
                True,
                "The template takes this step only if pain has fallen by less than 20 %. Say what you found.",
            ),
            (
                {"nights_not_taken": 2},
                Code.NOT_TAKEN,
                True,
                "2 of the last 7 doses were told as not taken; a step needs at most 1.",
            ),
            (
                {"moderate_side_effects_last_3": 1},
                Code.SIDE_EFFECTS,
                True,
                "A moderate or severe side effect was logged in the last 3 nights.",
            ),
        ],
    )
    def test_each_reason_closes_it_alone(
        self, changes: dict[str, Any], code: Code, overridable: bool, sentence: str
    ) -> None:
        verdict = asked(**changes)
        assert isinstance(verdict, Blocked)
        (reason,) = verdict.reasons
        assert (reason.code, reason.overridable, reason.sentence) == (code, overridable, sentence)
        assert verdict.overridable is overridable

    @pytest.mark.parametrize(
        "changes",
        [
            {"today": DUE - timedelta(days=1)},
            {"today": DUE + timedelta(days=40)},
            {"held_until": DUE},
            {"nights_not_taken": 1},
            {"nights_logged": 5},
            {"nights_logged": 5, "nights_possible": 5},
        ],
    )
    def test_the_edges_that_are_still_open(self, changes: dict[str, Any]) -> None:
        assert asked(**changes) == Open()

    @pytest.mark.parametrize(
        ("logged", "possible", "not_taken"), [(4, 7, 0), (4, 7, 4), (0, 7, 0), (4, 4, 0), (0, 0, 0)]
    )
    def test_too_few_nights_is_neither_yes_nor_no(self, logged: int, possible: int, not_taken: int) -> None:
        verdict = asked(nights_logged=logged, nights_possible=possible, nights_not_taken=not_taken)
        assert isinstance(verdict, Unknown)
        assert verdict.reason.code is Code.NOT_ENOUGH_NIGHTS
        assert verdict.overridable
        counted = (
            f"{logged} of the last {possible} at this dose are logged" if possible else "none at this dose is over"
        )
        assert counted in verdict.reason.sentence

    def test_every_reason_is_listed_the_hardest_first(self) -> None:
        verdict = asked(
            opioid_reported=True,
            held_until=DUE + timedelta(days=1),
            moderate_side_effects_last_3=2,
            nights_logged=3,
            nights_not_taken=3,
        )
        assert isinstance(verdict, Blocked)
        assert [reason.code for reason in verdict.reasons] == [
            Code.OPIOID_REPORTED,
            Code.HELD,
            Code.SIDE_EFFECTS,
            Code.NOT_ENOUGH_NIGHTS,
        ]
        assert not verdict.overridable

    @given(facts())
    def test_an_open_opioid_report_always_closes_it_and_none_may_override(self, drawn: Facts) -> None:
        verdict = gate(dataclasses.replace(drawn, opioid_reported=True))
        assert isinstance(verdict, Blocked)
        assert not verdict.overridable

    @given(facts())
    def test_never_open_without_the_evidence(self, drawn: Facts) -> None:
        if gate(drawn) == Open():
            assert drawn.nights_logged >= 5
            assert drawn.nights_not_taken <= 1
            assert drawn.moderate_side_effects_last_3 == 0
            assert not drawn.asked_first
            assert drawn.due_on is not None
            assert drawn.today >= drawn.due_on - timedelta(days=1)
            assert not drawn.ended
            assert drawn.held_until is None or drawn.held_until <= drawn.today

    @given(facts())
    def test_one_more_bad_fact_never_opens_it(self, drawn: Facts) -> None:
        if gate(drawn) == Open():
            return
        for change in ({"opioid_reported": True}, {"ended": True}, {"moderate_side_effects_last_3": 3}):
            assert gate(dataclasses.replace(drawn, **change)) != Open()

    @pytest.mark.parametrize(
        "changes",
        [
            {"nights_logged": 8, "nights_possible": 8},
            {"nights_logged": 7, "nights_possible": 6},
            {"nights_not_taken": 6, "nights_logged": 5, "nights_possible": 5},
            {"nights_not_taken": -1},
            {"moderate_side_effects_last_3": 4},
        ],
    )
    def test_counts_that_cannot_be_are_a_defect(self, changes: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"nights not taken|Side effects"):
            dataclasses.replace(GREEN, **changes)


class TestEffectiveOn:
    @given(DAYS, DAYS, st.sampled_from(Slot), st.booleans())
    def test_never_before_it_is_due_never_on_a_dose_behind_us_and_no_later_than_needed(
        self, due_on: date, today: date, slot: Slot, recorded_today: bool
    ) -> None:
        on = effective_on(due_on=due_on, today=today, slot=slot, recorded_today=recorded_today)
        assert on >= due_on
        assert on >= today
        assert not (recorded_today and on == today)
        assert on in (due_on, today, today + timedelta(days=1))

    @pytest.mark.parametrize(
        ("today", "slot", "recorded", "on"),
        [
            (DUE - timedelta(days=1), Slot.BEDTIME, False, DUE),
            (DUE - timedelta(days=1), Slot.BEDTIME, True, DUE),
            (DUE, Slot.BEDTIME, False, DUE),
            (DUE, Slot.BEDTIME, True, DUE + timedelta(days=1)),
            (DUE + timedelta(days=3), Slot.BEDTIME, False, DUE + timedelta(days=3)),
            (DUE - timedelta(days=1), Slot.MORNING, False, DUE),
            (DUE, Slot.MORNING, False, DUE + timedelta(days=1)),
            (DUE, Slot.MORNING, True, DUE + timedelta(days=1)),
        ],
    )
    def test_day_by_day(self, today: date, slot: Slot, recorded: bool, on: date) -> None:
        assert effective_on(due_on=DUE, today=today, slot=slot, recorded_today=recorded) == on
