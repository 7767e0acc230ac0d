"""Ending sessions: one, or all a person has."""

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import selectors
from accounts.actors import Actor
from accounts.models import Session
from audit import services as audit


@transaction.atomic
def end_all(*, user: Any, by: Actor, at: datetime, keep: str | None = None) -> int:
    """End every session of this person, but the one with the key `keep`; say how many there were.

    For whoever changes what a person may do: a role, a password, a membership's end, a deactivation. A browser that
    stands open is signed out by its next request.
    """
    sessions = Session.objects.filter(user_id=user.pk)
    if keep is not None:
        sessions = sessions.exclude(session_key=keep)
    ended, _ = sessions.delete()
    if ended:
        audit.record(by=by, at=at, action="session.end", subject=user.pk, details={"sessions": ended})
    return ended


def sweep(*, at: datetime) -> int:
    """Drop the rows of sessions that nobody can use any more, of whomever; say how many there were."""
    swept, _ = Session.objects.filter(expire_date__lte=at).delete()
    return swept


@transaction.atomic
def end(*, user: Any, reference: str, by: Actor, at: datetime) -> bool:
    """End the one session of this person that the reference names; no if it is gone already."""
    for session in Session.objects.filter(user_id=user.pk):
        if selectors.reference_of(session.session_key) == reference:
            session.delete()
            audit.record(by=by, at=at, action="session.end", subject=user.pk, details={"sessions": 1})
            return True
    return False
