"""What a session remembers of its signing in: since when, when its person last did something, and from where.

Moments are seconds since the epoch: a session holds JSON.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from accounts.addresses import client_address

KEY = "signed_in"
# What a person does is written down this often in the time they may be idle: so much earlier may they be signed out.
FINENESS = 90
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


@dataclass(frozen=True)
class Page:
    """What a page's script is told of the session it belongs to, in seconds. `who` names its person and no more.

    `limit` is what comes first: "idle", which staying puts off, or "longest", which nothing does.
    """

    left: int
    limit: str
    idle: int
    warning: int
    who: str


def page(request: HttpRequest, *, at: datetime) -> Page:
    """The session of this request, for the page it is answered with."""
    still = left(request.session, at=at)
    return Page(
        # Rounded up: a page that believes it is signed out too soon would be sent back from the sign-in.
        left=max(0, math.ceil(still.seconds)),
        limit=still.limit,
        idle=int(settings.SIGNED_IN_IDLE.total_seconds()),
        warning=int(settings.SIGNED_IN_WARNING.total_seconds()),
        who=salted_hmac("accounts.who", str(request.session.get(SESSION_KEY))).hexdigest()[:16],
    )


def see(session: Any, *, at: datetime) -> None:
    """A person did something: their idle time begins anew."""
    told = session[KEY]
    if at.timestamp() - told["seen"] >= settings.SIGNED_IN_IDLE.total_seconds() / FINENESS:
        session[KEY] = {**told, "seen": at.timestamp()}
