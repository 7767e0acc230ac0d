"""The doors. Every view is opened by exactly one of the decorators made here; a view without one is refused.

A door names who may pass and what the passing is called in the audit. It opens the transaction, renders the answer
inside it, writes the audit row and commits, all before the answer leaves. If any of that fails, nothing was written
and nothing was shown.
"""

import functools
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts import policy
from accounts import selectors as accounts_selectors
from accounts.actors import NOBODY, Actor
from audit import services as audit
from common import clock
from common.refusals import Refused

View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Door:
    """What a view declares: the access matrix is read from these marks."""

    kind: str  # "clinic", "person", "patient" or "public"
    action: str
    permission: policy.Permission | None = None
    proof: bool = False
    elsewhere: Callable[[Actor], str] | None = None
    # At a patient's door: how far a carer comes ("own": not at all), see `patients.access.Rights`.
    rights: str = ""


def clinic_page(
    permission: policy.Permission, *, action: str, elsewhere: Callable[[Actor], str] | None = None
) -> Callable[[View], View]:
    """A page for members of a clinic whose role carries `permission`; `action` is its name in the audit.

    Who may not is told why; from a page that everybody is sent to, `elsewhere` names the address of theirs instead.
    """

    def mark(view: View) -> View:
        @functools.wraps(view)
        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)
            place = accounts_selectors.membership_of(request.user, clinic_id=request.session.get("clinic"))
            if place is None:
                raise Http404
            request.clinic = place.clinic  # type: ignore[attr-defined]
            actor = with_request(accounts_selectors.actor_of(place, request.user), request)
            try:
                policy.check(actor, permission)
            except Refused as refusal:
                return redirect(elsewhere(actor)) if elsewhere else deny(request, actor, action, refusal)
            return pass_through(request, view, args, kwargs, actor=actor, action=action)

        door.access = Door("clinic", action, permission, elsewhere=elsewhere)  # type: ignore[attr-defined]
        return door

    return mark


def person_page(*, action: str) -> Callable[[View], View]:
    """A page about the sign-in of whoever is signed in: theirs alone, whatever their role in which clinic."""

    def mark(view: View) -> View:
        @functools.wraps(view)
        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)
            actor = accounts_selectors.person_actor(request.user, clinic_id=request.session.get("clinic"))
            return pass_through(request, view, args, kwargs, actor=with_request(actor, request), action=action)

        door.access = Door("person", action)  # type: ignore[attr-defined]
        return door

    return mark


def public_page(reason: str) -> Callable[[View], View]:
    """A page anybody may open, and why; it shows and changes no patient's data unless its own deed says who acts."""

    def mark(view: View) -> View:
        @functools.wraps(view)
        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            return pass_through(request, view, args, kwargs, actor=with_request(NOBODY, request), action=reason)

        door.access = Door("public", reason)  # type: ignore[attr-defined]
        return door

    return mark


def with_request(actor: Actor, request: HttpRequest) -> Actor:
    """The same actor, remembering which request they act in and when it began."""
    return replace(actor, request_id=getattr(request, "id", None), at=clock.now())


def pass_through(
    request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any], *, actor: Actor, action: str
) -> HttpResponse:
    """Run the view as `actor` in one transaction, rendering included, and record whom it showed.

    A view calls `request.seen({patient ids})` for every patient whose data its answer holds.
    """
    seen: set[uuid.UUID] = set()
    request.actor = actor  # type: ignore[attr-defined]
    request.seen = seen.update  # type: ignore[attr-defined]
    try:
        with transaction.atomic():
            response = view(request, *args, **kwargs)
            if hasattr(response, "render") and not response.is_rendered:
                response.render()
            if seen:
                audit.record(by=actor, at=clock.now(), action=action, patients=seen)
    except Refused as refusal:
        # A deed refused outside a form: nothing was written, the sentence says what to do.
        return render(request, "refused.html", {"sentence": str(refusal)}, status=409)
    return response


def deny(request: HttpRequest, actor: Actor, action: str, refusal: Refused) -> HttpResponse:
    """Tell a colleague why not, and remember that they asked, in a transaction of its own."""
    audit.record(by=actor, at=clock.now(), action=action, result="denied", reason=str(refusal))
    return render(request, "403.html", {"sentence": str(refusal)}, status=403)
