"""Showing once more that it is you, before a deed that must not be done from a browser somebody left open.

What was typed waits meanwhile in the session, sealed: nothing of it stands in an address, and nothing is lost.
"""

import json
import secrets
from datetime import datetime, timedelta

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from django.conf import settings
from django.http import HttpRequest, QueryDict

from accounts import second_factor
from common.sealed import open_sealed, seal

FRESH = timedelta(minutes=5)
KEPT_FOR = timedelta(minutes=15)
KEPT_AT_MOST = 3
LONGEST = 60_000
"""Characters of a form that can wait; the longest of ours has a tenth of that."""
_SESSION_KEY = "waiting_deeds"
_PURPOSE = "session.waiting_deed"
_NOT_TYPED = {"csrfmiddlewaretoken"}


def is_fresh(request: HttpRequest, *, at: datetime) -> bool:
    """Whether the person has shown once more, within the last five minutes, that it is them.

    Signing in does not count: who signs in has not yet been asked about a deed. The click of a demonstration counts
    in a demonstration only.
    """
    records = get_authentication_records(request, request.user)
    again = [record for record in records if record.get("reauthenticated") and _counts(record.get("method"))]
    return any(0 <= at.timestamp() - float(record["at"]) < FRESH.total_seconds() for record in again)


def _counts(method: object) -> bool:
    return settings.DEMO or method != second_factor.DEMO


def by_one_click(request: HttpRequest) -> bool:
    """Whether this session was begun by the click of a demonstration, and so has nothing else to show."""
    methods = {record.get("method") for record in get_authentication_records(request, request.user)}
    return bool(settings.DEMO) and "mfa" not in methods and second_factor.DEMO in methods


def confirm_in_demonstration(request: HttpRequest) -> None:
    """The click that stands for a passkey in a demonstration."""
    record_authentication(request, request.user, second_factor.DEMO, reauthenticated=True)


def keep(request: HttpRequest, *, at: datetime) -> str | None:
    """Let the form that was sent wait in the session; the key to it, or None if it is too long to wait."""
    typed = request.POST.copy()
    for name in _NOT_TYPED:
        typed.pop(name, None)
    words = json.dumps({"path": request.path, "typed": typed.urlencode()})
    if len(words) > LONGEST:
        return None
    key = secrets.token_urlsafe(9)
    others = list(_waiting(request, at=at).items())[-KEPT_AT_MOST + 1 :]
    request.session[_SESSION_KEY] = {**dict(others), key: {"at": at.timestamp(), "form": seal(words, _PURPOSE)}}
    return key


def kept(request: HttpRequest, key: str, *, at: datetime) -> tuple[str, QueryDict] | None:
    """Where the waiting form goes and what was typed; None for one that is unknown or waited too long."""
    found = _waiting(request, at=at).get(key)
    if found is None:
        return None
    form = json.loads(open_sealed(found["form"], _PURPOSE))
    return form["path"], QueryDict(form["typed"])


def _waiting(request: HttpRequest, *, at: datetime) -> dict[str, dict[str, str]]:
    since = at.timestamp() - KEPT_FOR.total_seconds()
    return {key: form for key, form in request.session.get(_SESSION_KEY, {}).items() if form["at"] > since}
