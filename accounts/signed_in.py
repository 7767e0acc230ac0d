"""What a session remembers of its signing in: since when, when its person last did something, and from where.

Moments are seconds since the epoch: a session holds JSON.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts.addresses import client_address

KEY = "signed_in"
# A person who types is written down this often at most; so much earlier may they be signed out.
COARSE = timedelta(seconds=10)
AGENT_LENGTH = 300


@dataclass(frozen=True)
class Left:
    """How long a session may go on: in seconds, and which limit comes first ("idle" or "longest")."""

    seconds: float
    limit: str


def begin(request: HttpRequest, *, at: datetime) -> None:
    """Start the clocks of a session that has just been signed in."""
    request.session[KEY] = {
        "began": at.timestamp(),
        "seen": at.timestamp(),
        "address": client_address(request),
        "agent": request.META.get("HTTP_USER_AGENT", "")[:AGENT_LENGTH],
    }


def left(session: Any, *, at: datetime) -> Left:
    """What is left of a signed-in session; nothing of one whose beginning is not known."""
    told = session.get(KEY)
    if not told:
        return Left(0, "longest")
    until = {
        "idle": told["seen"] + settings.SIGNED_IN_IDLE.total_seconds(),
        "longest": told["began"] + settings.SIGNED_IN_AT_MOST.total_seconds(),
    }
    limit = min(until, key=lambda name: until[name])
    return Left(until[limit] - at.timestamp(), limit)


def see(session: Any, *, at: datetime) -> None:
    """A person did something: their idle time begins anew."""
    told = session[KEY]
    if at.timestamp() - told["seen"] >= COARSE.total_seconds():
        session[KEY] = {**told, "seen": at.timestamp()}
