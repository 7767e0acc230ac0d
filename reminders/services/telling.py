"""Hand urgent notices over, each at most once: the steps and the fence are those of reminders (`delivering`).

    asked at the door -> `sending` committed -> handed over -> outcome committed

What a dead sender left in `sending` is uncertain and is not sent again; who is next is told when it is time.
"""

import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from accounts import selectors as accounts_selectors
from accounts.actors import system
from audit import services as audit
from common import walls
from common.faultpoint import faultpoint
from reminders import letters, pace
from reminders.channels import sms
from reminders.channels.email import Conversation, Never, NoReply, NotNow, Unreachable
from reminders.models import UrgentNotice
from reminders.services import breaker, pulse
from reminders.states import FINAL, LEASED, State

Channel = UrgentNotice.Channel
AT_ONCE = 20


def sweep_notices(*, at: datetime) -> None:
    """Put right what a dead sender left behind."""
    lapsed = UrgentNotice.objects.across_clinics().filter(done_at=None, lease_until__lte=at)
    lapsed.filter(state=State.CLAIMED).update(state=State.PENDING, lease=None, lease_until=None)
    lapsed.filter(state=State.SENDING).update(
        state=State.UNCERTAIN, lease=None, lease_until=None, error_class="lease_lapsed"
    )


def tell(*, stopping: Callable[[], bool] = lambda: False) -> Counter[str]:
    """Hand over every notice that is due, texts also while the mail server is away: what became of how many."""
    done: Counter[str] = Counter()
    if sms.configured():
        done += _tell_by(Channel.SMS, _by_text, stopping)
    if breaker.closed(at=pulse.database_time()):
        with Conversation() as post:
            try:
                done += _tell_by(Channel.EMAIL, lambda known, lease: _by_mail(known, lease, post), stopping)
            except Unreachable:
                breaker.unanswered(at=pulse.database_time())
    return done


@dataclass(frozen=True)
class Known:
    """What is asked of a notice just before it leaves: `to` is "" where nobody should be told any more."""

    notice_id: uuid.UUID
    clinic_id: uuid.UUID
    item_id: uuid.UUID
    attempts: int
    to: str
    because: str = ""


def _tell_by(channel: str, hand_over: Callable[[Known, uuid.UUID], str], stopping: Callable[[], bool]) -> Counter[str]:
    done: Counter[str] = Counter()
    lease = uuid.uuid4()
    # A slow server may not keep the reminders waiting: what is left is told in the next round.
    ends = time.monotonic() + pace.ROUND_LASTS.total_seconds()
    left = _claim(channel, lease, pulse.database_time())
    try:
        while left and not stopping() and time.monotonic() < ends:
            known = _ask(left[0])
            became = hand_over(known, lease) if known.to else _dropped(known, lease)
            left.pop(0)
            done[became] += 1
    finally:
        if left:
            _ours(left, lease, State.CLAIMED).update(state=State.PENDING, lease=None, lease_until=None)
    return done


@transaction.atomic
def _claim(channel: str, lease: uuid.UUID, at: datetime) -> list[uuid.UUID]:
    due = UrgentNotice.objects.across_clinics().filter(
        done_at=None, state=State.PENDING, channel=channel, next_at__lte=at
    )
    ids = list(due.order_by("next_at", "id").select_for_update(skip_locked=True).values_list("id", flat=True)[:AT_ONCE])
    claimed = UrgentNotice.objects.across_clinics().filter(id__in=ids)
    claimed.update(state=State.CLAIMED, lease=lease, lease_until=at + pace.LEASE)
    return ids


def _ours(ids: list[uuid.UUID], lease: uuid.UUID, frm: State) -> Any:
    return UrgentNotice.objects.across_clinics().filter(id__in=ids, lease=lease, state=frm)


def _ask(notice_id: uuid.UUID) -> Known:
    """Is it still unopened, and does this person still work here?"""
    notice = UrgentNotice.objects.across_clinics().get(id=notice_id)
    with walls.acting(clinic=notice.clinic_id):
        found = UrgentNotice.objects.select_related("item", "user").get(id=notice_id, clinic_id=notice.clinic_id)
        members = {member.user_id for member in accounts_selectors.members_of(system(notice.clinic_id))}
        phones = {row.user_id: row.text_to for row in accounts_selectors.urgent_contacts(notice.clinic_id)}
    to, because = "", ""
    if found.item.opened_at is not None or found.item.closed_at is not None:
        because = "already_opened"
    elif found.user_id not in members:
        because = "left"
    else:
        to = found.user.email if found.channel == Channel.EMAIL else phones.get(found.user_id, "")
        because = "" if to else "no_address"
    return Known(notice_id, notice.clinic_id, found.item_id, found.attempts, to, because)


def _by_mail(known: Known, lease: uuid.UUID, post: Conversation) -> str:
    try:
        message = letters.urgent(notice_id=known.notice_id, address=known.to, at=pulse.database_time())
        post.offer(sender=letters.sender(), recipient=known.to)
    except Unreachable:
        raise
    except NotNow as error:
        return _refused_for_now(known, lease, State.CLAIMED, str(error))
    except Exception as error:  # noqa: BLE001  whatever this one does, the others must still be told
        post.withdraw()
        return _moved(known, lease, State.CLAIMED, State.FAILED, str(error) or type(error).__name__)
    if not _begun(known, lease):
        post.withdraw()
        return "reaped"
    faultpoint("after_urgent_sending")
    return _judged(known, lease, lambda: post.hand_over(message))


def _by_text(known: Known, lease: uuid.UUID) -> str:
    if not _begun(known, lease):
        return "reaped"
    text = f"Something urgent waits in LDN Clinic. Sign in: {letters.urgent_link()}"
    reference = str(known.notice_id)
    return _judged(known, lease, lambda: sms.hand_over(to=known.to, text=text, reference=reference))


def _judged(known: Known, lease: uuid.UUID, hand_over: Callable[[], None]) -> str:
    try:
        hand_over()
    except (NotNow, Unreachable) as error:
        return _refused_for_now(known, lease, State.SENDING, str(error))
    except Never as error:
        return _moved(known, lease, State.SENDING, State.FAILED, str(error))
    except NoReply as error:
        return _moved(known, lease, State.SENDING, State.UNCERTAIN, str(error))
    return _moved(known, lease, State.SENDING, State.SENT)


def _begun(known: Known, lease: uuid.UUID) -> bool:
    at = pulse.database_time()
    ours = _ours([known.notice_id], lease, State.CLAIMED)
    return bool(ours.update(state=State.SENDING, attempts=F("attempts") + 1, lease_until=at + pace.LEASE))


def _refused_for_now(known: Known, lease: uuid.UUID, frm: State, said: str) -> str:
    tries = known.attempts + 1
    if tries >= pace.TRIES:
        return _moved(known, lease, frm, State.FAILED, said)
    at = pulse.database_time()
    values: dict[str, Any] = {
        "next_at": at + pace.BACKOFF[tries - 1],
        "error_class": said[:60],
        "lease": None,
        "lease_until": None,
    }
    if frm is State.CLAIMED:
        values["attempts"] = F("attempts") + 1
    return "refused" if _ours([known.notice_id], lease, frm).update(state=State.PENDING, **values) else "reaped"


def _dropped(known: Known, lease: uuid.UUID) -> str:
    """Opened meanwhile: not needed. Somebody who left, or has no address: failed, so that the next one is told."""
    to = State.CANCELLED if known.because == "already_opened" else State.FAILED
    return _moved(known, lease, State.CLAIMED, to, known.because)


@transaction.atomic
def _moved(known: Known, lease: uuid.UUID, frm: State, to: State, said: str = "") -> str:
    at = pulse.database_time()
    values: dict[str, Any] = {"state": to, "error_class": said[:60], "done_at": at if to in FINAL else None}
    if to not in LEASED:
        values |= {"lease": None, "lease_until": None}
    if not _ours([known.notice_id], lease, frm).update(**values):
        return "reaped"
    audit.record(
        by=system(known.clinic_id), at=at, action="urgent.tell", subject=known.item_id, details={"outcome": to.value}
    )
    return to.value
