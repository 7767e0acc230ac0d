"""One round of the loop: put right, plan, then claim and deliver until nothing is due or the time is up."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from django.db.models import Min

from reminders import pace
from reminders.channels.email import Conversation, Unreachable
from reminders.models import Attempt, Reminder
from reminders.services import breaker, pulse
from reminders.services.claiming import claim
from reminders.services.delivering import deliver
from reminders.services.planning import plan
from reminders.services.sweeping import sweep
from reminders.services.telling import sweep_notices, tell
from reminders.services.urgent import plan_urgent
from reminders.states import State


def make_round(*, stopping: Callable[[], bool] = lambda: False) -> Counter[str]:
    """Called by the Celery tick and by any spare driver, as often as anyone likes and at the same time: what became
    of how many reminders. `stopping` is asked between two messages.
    """
    at = pulse.database_time()
    # What is urgent goes first, and does not wait for what else is due.
    sweep_notices(at=at)
    plan_urgent(at=at)
    told = tell(stopping=stopping)
    swept = sweep(at=at)
    done: Counter[str] = Counter(
        planned=plan(at=at), returned=swept.returned, expired=swept.expired, uncertain=swept.uncertain
    )
    done.update({f"urgent_{became}": many for became, many in told.items()})
    if breaker.closed(at=at):
        done += _send_what_is_due(stopping)
    write_down()
    return done


def write_down() -> None:
    """That a round was made, and what it left waiting or in doubt, where every clinic's page may read it."""
    pulse.round_made(oldest_due_at=_oldest_due(pulse.database_time()), oldest_doubt_at=_oldest_doubt())


def _send_what_is_due(stopping: Callable[[], bool]) -> Counter[str]:
    done: Counter[str] = Counter()
    ends = time.monotonic() + pace.ROUND_LASTS.total_seconds()

    def enough() -> bool:
        return stopping() or time.monotonic() >= ends

    with Conversation() as post:
        while not enough():
            taken = claim(at=pulse.database_time())
            if not taken.reminder_ids:
                break
            try:
                done += deliver(taken, post, stopping=enough)
            except Unreachable:
                breaker.unanswered(at=pulse.database_time())
                return done
            breaker.answered()
    return done


def _oldest_due(at: datetime) -> datetime | None:
    due = Reminder.objects.across_clinics().unsettled().filter(state=State.PENDING, next_at__lte=at)
    oldest: datetime | None = due.aggregate(oldest=Min("next_at"))["oldest"]
    return oldest


def _oldest_doubt() -> datetime | None:
    doubts = (
        Reminder.objects.across_clinics()
        .unsettled()
        .filter(state=State.UNCERTAIN, tries__outcome=Attempt.Outcome.UNCERTAIN)
    )
    oldest: datetime | None = doubts.aggregate(oldest=Min("tries__at"))["oldest"]
    return oldest
