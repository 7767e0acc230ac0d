"""Senders killed without warning, at every point and at random: nothing doubled, nothing lost, doubt shown as doubt."""

import os
import random
import signal
import time
from collections import Counter
from datetime import timedelta

import pytest

from reminders import pace, services
from reminders.models import Attempt, Reminder
from reminders.services import pulse
from reminders.services.sweeping import sweep
from reminders.states import State
from tests.reliability import nursery, rows, smtp_stub
from tests.reliability.smtp_stub import Stub

pytestmark = pytest.mark.django_db(transaction=True)
OVER = {State.SENT, State.FAILED, State.UNCERTAIN, State.EXPIRED}


@pytest.mark.parametrize(
    ("point", "died_as", "taken", "afterwards"),
    [
        ("after_claim", State.CLAIMED, 0, State.SENT),
        ("after_rcpt", State.CLAIMED, 0, State.SENT),
        ("after_sending", State.SENDING, 0, State.UNCERTAIN),
        ("after_data", State.SENDING, 1, State.UNCERTAIN),
        ("before_result", State.SENDING, 1, State.UNCERTAIN),
    ],
)
def test_r02_a_sender_killed_at(
    stub: Stub, settings: object, point: str, died_as: State, taken: int, afterwards: State
) -> None:
    pulse.planned_until_now(at=services.database_time())
    (reminder,) = rows.due_reminders(1, at=services.database_time() - timedelta(seconds=5))
    with nursery.running(settings.EMAIL_PORT, FAULTS="1", FAULTPOINT=point) as senders:
        killed = senders.send()
        assert smtp_stub.wait_until(lambda: nursery.gone(killed)), "the sender should have died at the fault point"
    assert smtp_stub.wait_until(lambda: len(stub.taken) == taken)
    reminder.refresh_from_db()
    assert reminder.state == died_as

    sweep(at=services.database_time() + pace.LEASE + timedelta(seconds=1))
    services.round()
    services.round()
    reminder.refresh_from_db()
    assert reminder.state == afterwards
    assert len(stub.taken) == (1 if afterwards is State.SENT else taken)


def test_a_fault_point_means_nothing_unless_it_is_armed(stub: Stub, settings: object) -> None:
    pulse.planned_until_now(at=services.database_time())
    rows.due_reminders(1, at=services.database_time() - timedelta(seconds=5))
    with nursery.running(settings.EMAIL_PORT, FAULTPOINT="after_claim", FAULTS="") as senders:
        senders.send()
        assert smtp_stub.wait_until(lambda: Reminder.objects.filter(state=State.SENT).exists())


def test_r01_random_kills_for_a_few_seconds(stub: Stub, settings: object) -> None:
    _kill_at_random(stub, settings.EMAIL_PORT, many=150, seconds=6.0)


@pytest.mark.long
def test_r01_random_kills_for_a_minute(stub: Stub, settings: object) -> None:
    _kill_at_random(stub, settings.EMAIL_PORT, many=1500, seconds=60.0)


def _kill_at_random(stub: Stub, port: int, *, many: int, seconds: float) -> None:
    """Three senders, one of them killed every 0.2 to 0.8 s; a tenth is refused for now, one reply in fifty is lost."""
    chance = random.Random(7)
    at = services.database_time()
    pulse.planned_until_now(at=at)
    reminders = rows.due_reminders(many, at=at - timedelta(seconds=5))
    fate = {
        address: chance.choices([smtp_stub.SLOW, smtp_stub.BUSY_RCPT, smtp_stub.REPLY_LOST], [88, 10, 2])[0]
        for address in (reminder.occurrence.patient.email for reminder in reminders)
    }
    asked: Counter[str] = Counter()

    def mode(recipient: str) -> str:
        asked[recipient] += 1
        busy_no_more = fate.get(recipient) == smtp_stub.BUSY_RCPT and asked[recipient] > 1
        return smtp_stub.TAKE if busy_no_more else fate.get(recipient, smtp_stub.TAKE)

    stub.mode, stub.slow_seconds = mode, 2.0 * seconds / many
    kills = 0
    with nursery.running(port, TEST_LEASE="2", TEST_BACKOFF="0.3") as senders:
        living = [senders.send() for _ in range(3)]
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            time.sleep(chance.uniform(0.2, 0.8))
            victim = living.pop(chance.randrange(3))
            os.kill(victim, signal.SIGKILL)
            kills += 1
            living.append(senders.send())
        stub.slow_seconds = 0.0
        assert smtp_stub.wait_until(lambda: not Reminder.objects.exclude(state__in=OVER).exists(), 90.0), _tally()

    taken = Counter(stub.taken)
    assert set(taken.values()) <= {1}, "a message was handed over twice"
    by_id = {f"<{reminder.id}@localhost>": reminder for reminder in Reminder.objects.all()}
    sent = {key for key, reminder in by_id.items() if reminder.state == State.SENT}
    doubtful = {key for key, reminder in by_id.items() if reminder.state == State.UNCERTAIN}
    assert sent <= set(taken), "said to be sent, but it never arrived"
    assert set(taken) <= sent | doubtful, "arrived, and nobody would have known"
    assert len(doubtful) <= kills + stub.lost_replies
    assert len(sent) >= many - kills - stub.lost_replies
    assert kills >= seconds, "the test did not test"
    assert _attempts_agree()


def _attempts_agree() -> bool:
    """Every row that left `claimed` has its `begun`, and one ending."""
    for reminder in Reminder.objects.filter(state__in=[State.SENT, State.UNCERTAIN]):
        outcomes = list(Attempt.objects.filter(reminder=reminder, number=reminder.attempts).values_list("outcome"))
        if sorted(outcome for (outcome,) in outcomes) != sorted(["begun", reminder.state]):
            return False
    return True


def _tally() -> dict[str, int]:
    return dict(Counter(Reminder.objects.values_list("state", flat=True)))
