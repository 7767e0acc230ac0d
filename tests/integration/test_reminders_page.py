"""What the clinic's page of reminders asks: what was said, what nobody knows, and whether the clock lives."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actors import Actor, Kind
from accounts.models import Membership, User
from common.refusals import Refused, Stale
from reminders import selectors, services
from reminders.models import Attempt, Breaker, Heartbeat, Occurrence, Reminder
from reminders.services import breaker, rounds
from reminders.states import State
from tests import memory
from tests.reliability import rows

pytestmark = pytest.mark.django_db


def member_of(reminder: Reminder, role: str = Membership.Role.NURSE) -> Actor:
    user = User.objects.create(username=f"{role}@test.invalid", name="Test Member")
    Membership.objects.create(user=user, clinic_id=reminder.clinic_id, role=role)
    return Actor(kind=Kind.MEMBER, clinic_id=reminder.clinic_id, label="Test Member", user_id=user.id, role=role)


def doubted(reminder: Reminder, at: datetime) -> None:
    """Bring a reminder to `uncertain` as a dead sender would."""
    Reminder.objects.filter(id=reminder.id).update(state=State.CLAIMED, lease=reminder.id, lease_until=at)
    Reminder.objects.filter(id=reminder.id).update(state=State.SENDING)
    services.sweep(at=at)


@pytest.fixture
def now() -> datetime:
    return services.database_time()


def test_the_page_shows_newest_first_without_the_uncertain_in_pages_by_key(now: datetime) -> None:
    reminders = rows.due_reminders(7, at=now - timedelta(hours=1))
    for hours, reminder in enumerate(reminders):
        Occurrence.objects.filter(id=reminder.occurrence_id).update(due_at=now - timedelta(hours=hours + 1))
    doubted(reminders[3], now)
    actor = member_of(reminders[0])
    seen, key = [], ""
    while True:
        page, key = selectors.page_of(actor, at=now, after=key, size=2)
        seen += [line.reminder_id for line in page]
        if not key:
            break
    assert seen == [reminder.id for reminder in reminders if reminder != reminders[3]]
    (doubt,) = selectors.uncertain(actor)
    assert (doubt.reminder_id, doubt.state_words) == (reminders[3].id, "may not have arrived")
    assert doubt.reason == "the sender died while handing it over"


def test_the_page_costs_the_same_for_two_and_for_forty(now: datetime) -> None:
    costs = []
    for many in (2, 40):
        actor = member_of(rows.due_reminders(many, at=now)[0], role=Membership.Role.PRESCRIBER if many > 2 else "nurse")
        with CaptureQueriesContext(connection) as queries:
            page, _ = selectors.page_of(actor, at=now)
        assert len(page) == many
        costs.append(len(queries))
    assert costs == [1, 1]


def test_what_lies_ahead_is_not_shown_and_an_outage_is(now: datetime) -> None:
    ahead, missed = rows.due_reminders(2, at=now - timedelta(hours=8))
    Occurrence.objects.filter(id=ahead.occurrence_id).update(
        due_at=now + timedelta(hours=8), expires_at=now + timedelta(days=1)
    )
    Reminder.objects.filter(id=missed.id).delete()
    Occurrence.objects.filter(id=missed.occurrence_id).update(state=Occurrence.State.SKIPPED_OUTAGE)
    actor = member_of(ahead)
    (line,), _ = selectors.page_of(actor, at=now)
    assert (line.reminder_id, line.state_words) == (None, "not sent: reminders were not running")
    assert selectors.page_of(actor, at=now, state=selectors.SKIPPED)[0] == [line]
    assert selectors.page_of(actor, at=now, state=State.SENT)[0] == []
    assert selectors.counts(actor, at=now)[selectors.SKIPPED] == 1


def test_another_clinic_sees_and_settles_nothing(now: datetime) -> None:
    (reminder,) = rows.due_reminders(1, at=now)
    doubted(reminder, now)
    (theirs,) = rows.due_reminders(1, at=now)
    stranger = member_of(theirs)
    assert selectors.uncertain(stranger) == []
    assert [line.reminder_id for line in selectors.page_of(stranger, at=now)[0]] == [theirs.id]
    assert selectors.reminder_of(stranger, reminder.id) is None
    with pytest.raises(Reminder.DoesNotExist):
        services.settle(reminder=reminder, outcome=State.SENT, by=stranger, at=now)


@pytest.mark.parametrize(
    "key", ["nonsense", "2026-01-01|x", "|", "2026-01-01T00:00:00|7d5f1f5e-0000-4000-8000-000000000000"]
)
def test_a_key_somebody_made_up_finds_nothing(now: datetime, key: str) -> None:
    (reminder,) = rows.due_reminders(1, at=now)
    assert selectors.page_of(member_of(reminder), at=now, after=key) == ([], "")


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("SMTP 550", "the mail server refused it (550)"),
        ("no_consent", "the patient does not want reminders by e-mail"),
        ("", ""),
    ],
)
def test_why_is_said_in_words(now: datetime, stored: str, shown: str) -> None:
    (reminder,) = rows.due_reminders(1, at=now)
    Reminder.objects.filter(id=reminder.id).update(state=State.FAILED, done_at=now, error_class=stored)
    (line,), _ = selectors.page_of(member_of(reminder), at=now)
    assert line.reason == shown


@pytest.mark.parametrize("outcome", [State.SENT, State.FAILED])
def test_a_person_settles_what_nobody_knew_once_and_it_is_remembered(now: datetime, outcome: State) -> None:
    (reminder,) = rows.due_reminders(1, at=now)
    doubted(reminder, now)
    actor = member_of(reminder)
    settled = services.settle(reminder=reminder, outcome=outcome, by=actor, at=now)
    assert (settled.state, settled.done_at, settled.settled_by_id) == (outcome, now, actor.user_id)
    event = memory.event(subject_id=reminder.id)
    assert (event.action, event.patient_ids) == (f"reminder.settled_{outcome}", [reminder.occurrence.patient_id])
    with pytest.raises(Stale):
        services.settle(reminder=reminder, outcome=outcome, by=actor, at=now)


def test_only_who_may_settles_only_what_is_uncertain_only_as_sent_or_failed(now: datetime) -> None:
    (reminder,) = rows.due_reminders(1, at=now)
    with pytest.raises(Stale):
        services.settle(reminder=reminder, outcome=State.SENT, by=member_of(reminder), at=now)
    doubted(reminder, now)
    with pytest.raises(Refused):
        services.settle(reminder=reminder, outcome=State.PENDING, by=member_of(reminder, role="prescriber"), at=now)
    with pytest.raises(Refused):
        services.settle(reminder=reminder, outcome=State.SENT, by=member_of(reminder, role="auditor"), at=now)


def test_a_clock_that_lives_has_nothing_to_say(now: datetime) -> None:
    services.round()
    services.beat_alive()
    services.worker_alive()
    state = selectors.clock_state(at=services.database_time())
    assert (state.alive, state.trouble) == (True, ())
    assert None not in (state.last_round_at, state.last_beat_at, state.last_worker_at)


def test_a_clock_that_never_ran_says_so(now: datetime) -> None:
    assert selectors.trouble(at=now) == ["No round has ever been made: reminders are not being sent."]


@pytest.mark.parametrize(("seconds", "silent"), [(119, False), (121, True)])
def test_two_minutes_without_a_round_are_trouble(now: datetime, seconds: int, silent: bool) -> None:
    rounds.write_down()
    at = Heartbeat.objects.get(name="round").at + timedelta(seconds=seconds)
    expected = ["No round for 121 s: reminders are not being sent."] if silent else []
    assert selectors.trouble(at=at) == expected


@pytest.mark.parametrize(("minutes", "late"), [(4, False), (6, True)])
def test_a_reminder_that_waits_for_more_than_five_minutes_is_trouble(now: datetime, minutes: int, late: bool) -> None:
    rows.due_reminders(1, at=now - timedelta(minutes=minutes))
    rounds.write_down()
    expected = ["A reminder has been waiting for 6 min."] if late else []
    assert selectors.trouble(at=now) == expected


@pytest.mark.parametrize(("hours", "forgotten"), [(23, False), (25, True)])
def test_doubt_that_nobody_looked_at_for_a_day_is_trouble(now: datetime, hours: int, forgotten: bool) -> None:
    then = now - timedelta(hours=hours)
    (reminder,) = rows.due_reminders(1, at=then)
    doubted(reminder, then)
    rounds.write_down()
    expected = ["A reminder may not have arrived and nobody has looked into it for a day."] if forgotten else []
    assert selectors.trouble(at=now) == expected
    assert Attempt.objects.filter(outcome="uncertain").exists()


def test_a_mail_server_left_alone_is_trouble_and_waits_longer_each_time(now: datetime) -> None:
    rounds.write_down()
    waits = []
    for _ in range(12):
        breaker.unanswered(at=now)
        rests_until = Breaker.objects.get().open_until
        waits.append((rests_until - now).total_seconds() if rests_until else 0)
    assert waits == [0, 0, 0, 0, 60, 120, 240, 480, 600, 600, 600, 600]
    assert "The mail server does not answer" in selectors.trouble(at=now)[0]
    breaker.answered()
    assert selectors.trouble(at=now) == []
