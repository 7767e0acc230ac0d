"""The last dose before a procedure, by properties over zones and clock changes; and when one may be taken again."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.night import Slot
from titration import protocol_files
from titration.engine import procedure, timeline
from titration.engine.course import Course, OnOff, Pause, PauseCause
from titration.engine.procedure import After
from titration.engine.refusals import EngineRefusal

LONDON = ZoneInfo("Europe/London")
ZONES = [ZoneInfo(name) for name in ("Europe/London", "America/New_York", "Pacific/Auckland", "Asia/Kolkata", "UTC")]
STD_2W = protocol_files.find("STD-2W")
START = date(2026, 1, 5)

days = st.dates(date(2026, 2, 1), date(2026, 12, 1))
times = st.none() | st.times().map(lambda at: at.replace(second=0, microsecond=0))
hours = st.integers(procedure.LEAST_HOURS, procedure.MOST_HOURS)


def schedule(slot: Slot, *changes: object) -> timeline.Timeline:
    return timeline.plan(Course(STD_2W, START, tuple(changes), time_of_day=slot))  # type: ignore[arg-type]


class TestTheLastDose:
    @given(days, times, hours, st.sampled_from(list(Slot)), st.sampled_from(ZONES))
    def test_it_is_early_enough_however_late_it_was_and_the_next_would_not_be(
        self, on: date, at: time | None, many: int, slot: Slot, zone: ZoneInfo
    ) -> None:
        begins = procedure.begins_at(on, at, zone)
        plan = schedule(slot)
        none_from = procedure.no_dose_from(plan, begins, many, zone)
        last = procedure.last_dose_on(plan, none_from)
        assert last == none_from - timedelta(days=1), "a dose every day"
        gap = timedelta(hours=many)
        assert begins - procedure.latest_taking(last, slot, zone) >= gap
        assert begins - procedure.latest_taking(none_from, slot, zone) < gap

    @pytest.mark.parametrize(
        ("slot", "at", "last"),
        [
            # A procedure on Monday 16 March: 72 hours before is Friday 13 March at the same time.
            (Slot.BEDTIME, time(8), date(2026, 3, 12)),
            (Slot.BEDTIME, time(3), date(2026, 3, 12)),
            (Slot.BEDTIME, time(2, 59), date(2026, 3, 11)),
            (Slot.BEDTIME, time(23, 59), date(2026, 3, 12)),
            (Slot.BEDTIME, None, date(2026, 3, 12)),
            (Slot.MORNING, time(12), date(2026, 3, 13)),
            (Slot.MORNING, time(11, 59), date(2026, 3, 12)),
            (Slot.MORNING, None, date(2026, 3, 12)),
            (Slot.SPLIT, time(8), date(2026, 3, 12)),
        ],
    )
    def test_by_hand(self, slot: Slot, at: time | None, last: date) -> None:
        begins = procedure.begins_at(date(2026, 3, 16), at, LONDON)
        assert procedure.no_dose_from(schedule(slot), begins, 72, LONDON) == last + timedelta(days=1)

    def test_where_clocks_go_forward_hours_are_counted_and_not_days(self) -> None:
        # 29 March 2026, 01:00 to 02:00 in London: of the three nights before Monday 03:00 one has an hour less.
        begins = procedure.begins_at(date(2026, 3, 30), time(3), LONDON)
        assert procedure.no_dose_from(schedule(Slot.BEDTIME), begins, 72, LONDON) == date(2026, 3, 26)
        later = procedure.begins_at(date(2026, 3, 30), time(4), LONDON)
        assert procedure.no_dose_from(schedule(Slot.BEDTIME), later, 72, LONDON) == date(2026, 3, 27)

    def test_days_off_are_no_doses(self) -> None:
        plan = schedule(Slot.BEDTIME, OnOff(date(2026, 3, 2), 3, 3))
        assert procedure.last_dose_on(plan, date(2026, 3, 8)) == date(2026, 3, 4)

    def test_where_none_is_planned_there_is_none(self) -> None:
        assert procedure.last_dose_on(schedule(Slot.BEDTIME), START) is None
        paused = schedule(Slot.BEDTIME, Pause(START, None, PauseCause.OTHER))
        assert procedure.last_dose_on(paused, START + timedelta(days=30)) is None

    @pytest.mark.parametrize("many", [47, 97, 0])
    def test_hours_nobody_ever_published_are_refused(self, many: int) -> None:
        begins = procedure.begins_at(date(2026, 3, 16), None, LONDON)
        with pytest.raises(EngineRefusal, match="48 to 96 hours"):
            procedure.no_dose_from(schedule(Slot.BEDTIME), begins, many, LONDON)


class TestOpioidFreeDays:
    def test_they_are_counted_back_from_the_newest_answer(self) -> None:
        first = date(2026, 3, 16)
        told = {first: True, first + timedelta(days=1): False, first + timedelta(days=2): False}
        asked = {"on": first, "today": first + timedelta(days=3)}
        assert procedure.opioid_free_since(told, **asked) == first + timedelta(days=1)
        assert procedure.opioid_free_since({**told, first + timedelta(days=3): True}, **asked) is None
        assert procedure.opioid_free_since({}, **asked) is None

    def test_a_row_that_nobody_goes_on_telling_is_none(self) -> None:
        told = {date(2026, 3, 16): False, date(2026, 3, 17): False}
        since = [
            procedure.opioid_free_since(told, on=date(2026, 3, 16), today=date(2026, 3, day)) for day in (17, 18, 19)
        ]
        assert since == [date(2026, 3, 16), date(2026, 3, 16), None]

    def test_days_before_the_procedure_are_none(self) -> None:
        told = {date(2026, 3, day): False for day in range(10, 18)}
        asked = {"today": date(2026, 3, 18)}
        assert procedure.opioid_free_since(told, on=date(2026, 3, 16), **asked) == date(2026, 3, 16)
        assert procedure.opioid_free_since(told, on=date(2026, 3, 18), **asked) is None

    @given(
        st.dictionaries(st.dates(date(2026, 3, 1), date(2026, 3, 30)), st.booleans()),
        st.dates(date(2026, 3, 1), date(2026, 3, 30)),
        st.integers(0, 3),
    )
    def test_a_day_that_is_not_known_is_not_free(self, told: dict[date, bool], on: date, silent: int) -> None:
        newest = max(told, default=on)
        today = newest + timedelta(days=silent)
        since = procedure.opioid_free_since(told, on=on, today=today)
        if since is None:
            assert not told or told[newest] or newest < on or silent > 1
            return
        assert on <= since
        assert silent <= 1
        count = (newest - since).days + 1
        assert all(told[since + timedelta(days=passed)] is False for passed in range(count))
        assert since == on or told.get(since - timedelta(days=1)) is not False

    def test_how_many_are_asked_for(self) -> None:
        assert procedure.days_needed(opioids_taken=False, short_course=True) == 0
        assert procedure.days_needed(opioids_taken=True, short_course=True) == 10
        assert procedure.days_needed(opioids_taken=True, short_course=True, chosen=7) == 7
        assert procedure.days_needed(opioids_taken=True, short_course=False, chosen=7) == 14
        with pytest.raises(EngineRefusal, match="7 to 14"):
            procedure.days_needed(opioids_taken=True, short_course=True, chosen=6)

    def test_when_a_clinician_may_restart(self) -> None:
        assert After(since_on=date(2026, 3, 20), days=10).restart_on == date(2026, 3, 30)
        assert After(since_on=None, days=10).restart_on is None


def test_a_moment_is_of_the_patients_clock() -> None:
    begins = procedure.begins_at(date(2026, 3, 16), time(8), ZoneInfo("America/New_York"))
    assert begins == datetime(2026, 3, 16, 12, tzinfo=ZoneInfo("UTC"))
