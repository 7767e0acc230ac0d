"""The clock jumps, senders were away for days, planners meet: nothing stale leaves, nothing is planned twice."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, transaction

from reminders import services
from reminders.models import Occurrence, Reminder
from reminders.occurrences import Kind
from reminders.services import plan, pulse
from reminders.services.planning import lay_out
from reminders.states import State
from tests.reliability import database_clock, rows
from tests.reliability.smtp_stub import Stub

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
THREE_DAYS = timedelta(days=3)


@pytest.fixture
def jump() -> Iterator[Callable[[timedelta], None]]:
    with database_clock.that_can_jump() as jump:
        yield jump


def at_once(many: int, deed: Callable[[], int]) -> list[int]:
    """What each of so many threads got from the deed, done at the same instant on connections of their own."""
    everybody, results = threading.Barrier(many), []

    def run() -> None:
        try:
            everybody.wait(timeout=240)
            results.append(deed())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=300)
    return results


@pytest.mark.parametrize("locked", [True, False])
def test_r11_four_planners_at_once_lay_out_each_bell_once(locked: bool) -> None:
    """Behind the lock only one plans; without it the keys alone keep the others from doubling anything."""
    clinic = rows.clinic()
    rows.prescriptions(rows.patients(clinic, 200), next_due_on=date(2026, 3, 4))

    def unlocked() -> int:
        with transaction.atomic():
            return lay_out(clinic_id=clinic.id, since=AT, at=AT).made

    made = at_once(4, (lambda: plan(at=AT)) if locked else unlocked)
    # The nights of 1, 2 and 3 March and one step, for 200 patients.
    assert sum(made) == Occurrence.objects.count() == Reminder.objects.count() == 800
    assert sorted(made)[:3] == [0, 0, 0] or not locked
    assert Occurrence.objects.values("patient", "kind", "about_on").distinct().count() == 800


@pytest.mark.parametrize(
    ("days", "stale_states"),
    [
        # The bells of the next days had their rows before the silence: they expired.
        (3, {("planned", "expired")}),
        # Those that never got one are written down as missed, without anything to send.
        (7, {("planned", "expired"), ("skipped_outage", None)}),
    ],
)
def test_r13_after_days_of_silence_only_what_is_still_of_use_goes_out(
    stub: Stub, jump: Callable[[timedelta], None], days: int, stale_states: set[object]
) -> None:
    now = services.database_time()
    # Their bell rings an hour ago every day: whatever day it is, exactly one is within its six hours.
    log_at = (now - timedelta(hours=1)).time().replace(second=0, microsecond=0)
    people = rows.patients(rows.clinic(), 100, zone_name="UTC", log_at=log_at)
    rows.prescriptions(people, next_due_on=now.date() + timedelta(days=2))
    plan(at=now)
    planned = Reminder.objects.count()
    assert planned >= 300

    jump(timedelta(days=days))
    back = services.database_time()
    assert back - now >= timedelta(days=days)
    services.round()

    sent = Occurrence.objects.filter(reminders__state=State.SENT)
    assert sent.count() == len(stub.taken) == 100
    assert all(one.due_at <= back < one.expires_at for one in sent)
    stale = Occurrence.objects.filter(expires_at__lte=back)
    assert set(stale.values_list("state", "reminders__state")) == stale_states
    nights = Counter(Occurrence.objects.filter(kind=Kind.NIGHT_LOG).values_list("patient", flat=True))
    assert set(nights.values()) == {len(set(Occurrence.objects.filter(kind=Kind.NIGHT_LOG).values_list("about_on")))}
    services.round()
    assert len(stub.taken) == 100


def test_r13_rows_that_lie_three_days_back_expire_before_the_first_claim(stub: Stub) -> None:
    at = services.database_time()
    pulse.planned_until_now(at=at)
    rows.due_reminders(500, at=at - THREE_DAYS)
    assert services.round()["expired"] == 500
    assert stub.taken == []
    assert set(Reminder.objects.values_list("state", flat=True)) == {State.EXPIRED}


def test_r14_a_clock_that_jumps_ahead_and_back_doubles_nothing(stub: Stub, jump: Callable[[timedelta], None]) -> None:
    now = services.database_time()
    log_at = (now - timedelta(hours=1)).time().replace(second=0, microsecond=0)
    rows.prescriptions(rows.patients(rows.clinic(), 20, zone_name="UTC", log_at=log_at))
    for by in (timedelta(0), timedelta(days=1), timedelta(0), timedelta(hours=-2), timedelta(0)):
        jump(by)
        services.round()
    told = Counter(Occurrence.objects.filter(reminders__state=State.SENT).values_list("patient", "about_on"))
    assert set(told.values()) == {1}
    assert len(stub.taken) == len(set(stub.taken)) == sum(told.values()) == 40


def test_r15_a_worker_with_a_wrong_clock_sends_nothing_early(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    import time_machine

    now = services.database_time()
    pulse.planned_until_now(at=now)
    rows.due_reminders(3, at=now + timedelta(minutes=30))
    with time_machine.travel(now + timedelta(minutes=90)):
        services.round()
    assert stub.taken == []
    Reminder.objects.update(next_at=now)
    with time_machine.travel(now - timedelta(minutes=90)):
        services.round()
    assert len(stub.taken) == 3
