"""Who is told of an urgent item next, and when. From arguments alone."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.hours import Contact

MOST_ROUNDS = 5
"""How often the whole list is gone through. An item nobody opened by then stays on the page: grade E3."""


@dataclass(frozen=True)
class Told:
    """One contact told in one round: until when the next one is waited with, and whether it failed for certain."""

    user_id: uuid.UUID
    round: int
    escalates_at: datetime
    failed: bool = False


@dataclass(frozen=True)
class Next:
    """Whom to tell now, in which round."""

    contact: Contact
    round: int


def next_told(route: Sequence[Contact], told: Sequence[Told], *, at: datetime) -> Next | None:
    """Whom to tell now; None while the last one still has time, or when the list was gone through often enough.

    `told` are in the order in which they were. The first is told at once; the one after a notice that failed for
    certain, too. Whether a notice arrived may be unknown: that changes nothing, the next one is told when it is time.
    The list may change meanwhile: nobody is told twice in a round, and whoever came to the list is told in it.
    """
    if not route:
        return None
    last = told[-1] if told else None
    if last is not None and not last.failed and at < last.escalates_at:
        return None
    number = last.round if last else 0
    met = {one.user_id for one in told if one.round == number}
    contact = next((one for one in route if one.user_id not in met), None)
    if contact is None:
        number += 1
        # Where everybody failed for certain, the next round waits as long as the last of them would have had.
        if last is not None and at < last.escalates_at:
            return None
        contact = route[0]
    return Next(contact, number) if number < MOST_ROUNDS else None


NOBODY_TO_TELL = timedelta(minutes=20)
"""How long an item may wait for somebody to be told of it at all: grade E3."""


def all_had_their_time(route: Sequence[Contact], told: Sequence[Told], *, raised_at: datetime, at: datetime) -> bool:
    """Whether the item lies longer than its list allows: each was told once and had the time the clinic gives them, or
    there has been nobody to tell.
    """
    if not told:
        return not route and at - raised_at >= NOBODY_TO_TELL
    if told[-1].round > 0:
        return True
    return {one.user_id for one in route} <= {one.user_id for one in told} and at >= told[-1].escalates_at
