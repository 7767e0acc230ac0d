"""What the door answers: the first reason against, and nothing passes that has one."""

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from common.night import Slot
from reminders.door import Answer, Facts, answer
from reminders.occurrences import Course, Kind

AT = datetime(2026, 3, 15, 18, 5, tzinfo=UTC)
TOMORROW = date(2026, 3, 16)
COURSE = Course(
    start_on=date(2026, 3, 2),
    step_dates=frozenset({date(2026, 3, 2), TOMORROW}),
    slot=Slot.BEDTIME,
    signed_at=datetime(2026, 3, 1, tzinfo=UTC),
)


def known(**more: Any) -> Facts:
    values: dict[str, Any] = {
        "reminder_id": uuid.uuid4(),
        "patient_id": uuid.uuid4(),
        "clinic_id": uuid.uuid4(),
        "kind": Kind.STEP_EVE,
        "about_on": TOMORROW,
        "not_after": AT + timedelta(hours=5),
        "attempts": 0,
        "address": "patient@test.invalid",
        "consents": True,
        "address_failed": False,
        "moved": False,
        "course": COURSE,
        "opioid_reported": False,
        "dose_closed": False,
        "night_told": False,
        **more,
    }
    return Facts(**values)


def changed(**more: Any) -> Course:
    values = {"start_on": COURSE.start_on, "step_dates": COURSE.step_dates, "slot": COURSE.slot}
    return Course(**{**values, "signed_at": COURSE.signed_at, **more})


def test_what_is_true_wanted_and_in_time_goes() -> None:
    assert answer(known(), at=AT) is Answer.GO


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"not_after": AT}, Answer.TOO_LATE),
        ({"consents": False}, Answer.NO_CONSENT),
        ({"address": ""}, Answer.NO_ADDRESS),
        ({"address_failed": True}, Answer.ADDRESS_FAILED),
        ({"course": None}, Answer.NO_OPEN_COURSE),
        ({"moved": True}, Answer.LATER),
        ({"opioid_reported": True}, Answer.OPIOID_REPORT_OPEN),
        ({"dose_closed": True}, Answer.DOSE_CLOSED),
        ({"course": changed(step_dates=frozenset({TOMORROW + timedelta(days=7)}))}, Answer.NO_STEP_THEN),
        ({"course": changed(held=((AT.date(), TOMORROW + timedelta(days=1)),))}, Answer.NO_STEP_THEN),
        ({"course": changed(ended=((TOMORROW, None),))}, Answer.NO_STEP_THEN),
    ],
)
def test_a_step_is_not_rung_for_when(change: dict[str, Any], said: Answer) -> None:
    assert answer(known(**change), at=AT) is said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, Answer.GO),
        ({"night_told": True}, Answer.ALREADY_TOLD),
        ({"opioid_reported": True}, Answer.GO),
        ({"dose_closed": True}, Answer.GO),
        ({"about_on": date(2026, 3, 1)}, Answer.NOT_ASKED_THEN),
        ({"course": changed(ended=((date(2026, 3, 10), None),))}, Answer.NOT_ASKED_THEN),
        ({"course": changed(held=((date(2026, 3, 10), None),))}, Answer.GO),
    ],
)
def test_a_night_is_asked_about_unless(change: dict[str, Any], said: Answer) -> None:
    assert answer(known(**{"kind": Kind.NIGHT_LOG, "about_on": date(2026, 3, 14), **change}), at=AT) is said
