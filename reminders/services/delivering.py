"""Hand claimed reminders to the mail server, each at most once.

    asked at the door -> written -> offered -> `sending` committed -> handed over -> outcome committed

Up to the commit a crash costs nothing and the row is tried again; after it nobody can know, and the row becomes
`uncertain`. No transaction is open while the server is spoken to.
"""

import enum
import logging
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, connection, transaction

from accounts import actors
from audit import services as audit
from common import sealed, walls
from common.faultpoint import faultpoint
from patients.models import EMAIL, ContactPreference
from reminders import door, letters, pace
from reminders.channels.email import Conversation, Never, NoReply, NotNow, Unreachable
from reminders.models import Attempt
from reminders.services import moves, pulse
from reminders.services.claiming import Claim, give_back
from reminders.states import State

log = logging.getLogger(__name__)
_spread = random.SystemRandom()
Outcome = Attempt.Outcome
OUTCOME_PAUSES = (1.0, 2.0, 5.0)


class Became(enum.StrEnum):
    """What became of one claimed row."""

    SENT = "sent"
    FAILED = "failed"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    POSTPONED = "postponed"
    REAPED = "reaped"


def deliver(taken: Claim, post: Conversation, *, stopping: Callable[[], bool]) -> Counter[str]:
    """Deal with every row of a claim; what was not tried is given back. Raises `Unreachable` if the server is away."""
    done: Counter[str] = Counter()
    left = list(taken.reminder_ids)
    faultpoint("after_claim")
    try:
        for known, at in _asked(left):
            if stopping():
                break
            done[_one(known, taken.lease, post, at)] += 1
            left.remove(known.reminder_id)
    finally:
        if left:
            give_back(taken, left)
    return done


def _asked(reminder_ids: list[uuid.UUID]) -> Iterator[tuple[door.Facts, datetime]]:
    """The facts of each row and the time, asked again for all that remain when the last answer is too old to act on."""
    waiting = list(reminder_ids)
    answers: dict[uuid.UUID, door.Facts] = {}
    at: datetime | None = None
    asked = age = 0.0
    while waiting:
        age = time.monotonic() - asked
        if at is None or age > pace.DOOR_HOLDS_SECONDS:
            at, asked, age = pulse.database_time(), time.monotonic(), 0.0
            answers = door.gather(waiting)
        yield answers[waiting.pop(0)], at + timedelta(seconds=age)


def _one(known: door.Facts, lease: uuid.UUID, post: Conversation, at: datetime) -> Became:
    said = door.answer(known, at=at)
    if said is not door.Answer.GO:
        return _turned_away(known, lease, said)
    try:
        message = letters.letter(kind=known.kind, reminder_id=known.reminder_id, address=known.address, at=at)
        post.offer(sender=letters.sender(), recipient=known.address)
    except Unreachable:
        raise
    except NotNow as error:
        return _refused_for_now(known, lease, State.CLAIMED, str(error))
    except Never as error:
        return _refused_for_good(known, lease, State.CLAIMED, error)
    except Exception as error:  # noqa: BLE001  whatever this row does, its neighbours must still be sent
        post.withdraw()
        return _failed(known, lease, State.CLAIMED, type(error).__name__)
    faultpoint("after_rcpt")
    if not moves.tried(known.reminder_id, lease, State.CLAIMED, State.SENDING, Outcome.BEGUN):
        post.withdraw()
        return _reaped(known)
    faultpoint("after_sending")
    return _handed_over(known, lease, post, message)


def _handed_over(known: door.Facts, lease: uuid.UUID, post: Conversation, message: bytes) -> Became:
    try:
        post.hand_over(message)
    except (NotNow, Unreachable) as error:
        said = str(error)
        return _kept_trying(lambda: _refused_for_now(known, lease, State.SENDING, said))
    except Never as error:
        refusal = error
        return _kept_trying(lambda: _refused_for_good(known, lease, State.SENDING, refusal))
    except NoReply as error:
        said = str(error)
        return _kept_trying(lambda: _ended(known, lease, State.UNCERTAIN, Outcome.UNCERTAIN, Became.UNCERTAIN, said))
    faultpoint("before_result")
    return _kept_trying(lambda: _ended(known, lease, State.SENT, Outcome.SENT, Became.SENT))


def _kept_trying(write: Callable[[], Became]) -> Became:
    """Write down what became of a message even if the database restarts just now: else it would stay uncertain.

    Writing twice is harmless: the fence lets only one through. All pauses together are shorter than the lease.
    """
    for pause in OUTCOME_PAUSES:
        try:
            return write()
        except (OperationalError, InterfaceError):
            connection.close()
            time.sleep(pause)
    return write()


def _turned_away(known: door.Facts, lease: uuid.UUID, said: door.Answer) -> Became:
    if said is door.Answer.LATER:
        return _written(known, Became.POSTPONED, moves.postponed(known.reminder_id, lease))
    if said is door.Answer.TOO_LATE:
        return _written(known, Became.EXPIRED, moves.dropped(known.reminder_id, lease, State.EXPIRED, ""))
    return _written(known, Became.CANCELLED, moves.dropped(known.reminder_id, lease, State.CANCELLED, said))


def _refused_for_now(known: door.Facts, lease: uuid.UUID, frm: State, said: str) -> Became:
    """Try again after a wait that grows, unless this was the last try. A wait past its time expires it by itself."""
    if known.attempts + 1 >= pace.TRIES:
        return _failed(known, lease, frm, said)
    written = moves.tried(
        known.reminder_id,
        lease,
        frm,
        State.PENDING,
        Outcome.REFUSED_FOR_NOW,
        error_class=said,
        wait=_spread_out(pace.BACKOFF[known.attempts]),
    )
    return _written(known, Became.REFUSED, written)


@transaction.atomic
def _refused_for_good(known: door.Facts, lease: uuid.UUID, frm: State, refusal: Never) -> Became:
    became = _failed(known, lease, frm, str(refusal))
    if refusal.address and became is Became.FAILED:
        _flag_address(known)
    return became


def _flag_address(known: door.Facts) -> None:
    """Nothing more is sent to an address that takes no mail, until somebody corrects it."""
    at = pulse.database_time()
    # The address the mail went to: one that was corrected meanwhile has not failed.
    same_address = {"patient__email_index__in": sealed.indexes(known.address, EMAIL)}
    flagged = ContactPreference.objects.filter(patient_id=known.patient_id, address_failed_at=None, **same_address)
    with walls.acting(clinic=known.clinic_id):
        if flagged.update(address_failed_at=at):
            by = actors.system(known.clinic_id)
            audit.record(by=by, at=at, action="address.failed", patients=[known.patient_id], subject=known.reminder_id)


def _ended(
    known: door.Facts, lease: uuid.UUID, to: State, outcome: Attempt.Outcome, became: Became, error_class: str = ""
) -> Became:
    written = moves.tried(known.reminder_id, lease, State.SENDING, to, outcome, error_class=error_class)
    return _written(known, became, written)


def _failed(known: door.Facts, lease: uuid.UUID, frm: State, error_class: str) -> Became:
    written = moves.tried(known.reminder_id, lease, frm, State.FAILED, Outcome.FAILED, error_class=error_class)
    return _written(known, Became.FAILED, written)


def _written(known: door.Facts, became: Became, written: bool) -> Became:
    return became if written else _reaped(known)


def _reaped(known: door.Facts) -> Became:
    """Our lease had lapsed and somebody dealt with the row: what we did is for them to judge, not for us to write."""
    log.warning("reminder %s was no longer ours", known.reminder_id)
    return Became.REAPED


def _spread_out(wait: timedelta) -> timedelta:
    return wait * _spread.uniform(1 - pace.JITTER, 1 + pace.JITTER)
