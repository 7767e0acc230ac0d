"""Whether a session has shown a second factor, read off what allauth recorded when it was shown.

A passkey that knows its person (by PIN, finger or face) is both factors at once. In a demonstration the one click of
its front hall counts; outside it that record means nothing.
"""

from typing import Any

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest

PROVING = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
"""What somebody must have one of; recovery codes stand in for a lost one only."""
DEMO = "demo"
ONLY_ONE = "This is your only second factor. Add another before you remove it."


def given(request: HttpRequest) -> bool:
    """True when whoever is signed in showed a second factor in this session."""
    methods = {record.get("method") for record in get_authentication_records(request, request.user)}
    return "mfa" in methods or (settings.DEMO and DEMO in methods)


def enrolled(user: Any) -> bool:
    """True when this person has a second factor to show."""
    return Authenticator.objects.filter(user_id=user.pk, type__in=PROVING).exists()


def is_the_last(authenticator: Authenticator) -> bool:
    """True when without it nothing would be left to prove with."""
    others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=PROVING)
    return authenticator.type in PROVING and not others.exclude(pk=authenticator.pk).exists()


def is_the_last_of(user: Any, pk: int) -> bool:
    """The same of this person's factor with that key; no if they have no such factor."""
    found = Authenticator.objects.filter(user_id=user.pk, pk=pk).first()
    return found is not None and is_the_last(found)


def shown_by_enrolling(request: HttpRequest, user: Any, authenticator: Authenticator) -> None:
    """Whoever has just made a factor holds it: the session need not be asked for it again."""
    record_authentication(request, user, "mfa", id=authenticator.pk, type=authenticator.type)


def shown_in_demonstration(request: HttpRequest, user: Any) -> None:
    """The click in the front hall of a demonstration."""
    record_authentication(request, user, DEMO)


def latest_at(request: HttpRequest) -> float:
    """When this session last showed any factor, in seconds since the epoch; 0 if it never did."""
    return max((float(record["at"]) for record in get_authentication_records(request, request.user)), default=0.0)


def methods(request: HttpRequest, user: Any) -> str:
    """How this session was signed in, for the memory: "passkey", "password+totp", "password"."""
    names = []
    for record in get_authentication_records(request, user):
        name = str(record.get("type") or record.get("method"))
        names.append("passkey" if name == Authenticator.Type.WEBAUTHN else name)
    return "+".join(dict.fromkeys(names))
