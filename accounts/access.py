"""The doors. Every view is opened by exactly one of the decorators made here; a view without one is refused.

A door names who may pass and what the passing is called in the audit. It opens the transaction, renders the answer
inside it, writes the audit row and commits, all before the answer leaves. If any of that fails, nothing was written
and nothing was shown.
"""

import copy
import functools
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts import addresses, policy, second_factor
from accounts import selectors as accounts_selectors
from accounts import step_up as fresh
from accounts.actors import NOBODY, Actor
from accounts.models import User
from audit import services as audit
from common import clock, walls
from common.refusals import Refused

View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Door:
    """What a view declares: the access matrix is read from these marks."""

    kind: str  # "clinic", "person", "patient" or "public"
    action: str
    permission: policy.Permission | None = None
    proof: bool = False
    asks_nothing: bool = False
    elsewhere: Callable[[Actor], str] | None = None
    step_up: bool = False
    # How many bytes of a file may be sent along; at most pages none.
    takes_file: int = 0
    # At a patient's door: how far a carer comes ("own": not at all), see `patients.access.Rights`.
    rights: str = ""


def clinic_page(
    permission: policy.Permission,
    *,
    action: str,
    elsewhere: Callable[[Actor], str] | None = None,
    step_up: bool | Callable[[HttpRequest], bool] = False,
    takes_file: int = 0,
) -> Callable[[View], View]:
    """A page for members of a clinic whose role carries `permission`; `action` is its name in the audit.

    Who may not is told why; from a page that everybody is sent to, `elsewhere` names the address of theirs instead.
    With `step_up` what is posted is done only for who has shown within five minutes that it is them; a function says
    which of the page's posts are meant. What was typed waits and is offered again afterwards. `takes_file`: how many
    bytes of a file may be sent along; such a file does not wait, so a page that takes one asks for no step-up.
    """
    wanted = step_up if callable(step_up) else lambda _request: step_up

    def mark(view: View) -> View:
        @functools.wraps(view)
        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not_yet := not_signed_in(request):
                return not_yet
            return pass_through(
                request,
                view,
                args,
                kwargs,
                enter=lambda: _as_member(request, permission, elsewhere, step_up=wanted),
                action=action,
                user=request.user.pk,
            )

        door.access = Door(  # type: ignore[attr-defined]
            "clinic", action, permission, elsewhere=elsewhere, step_up=bool(step_up), takes_file=takes_file
        )
        return door

    return mark


def person_page(*, action: str) -> Callable[[View], View]:
    """A page about the sign-in of whoever is signed in: theirs alone, whatever their role in which clinic."""

    def mark(view: View) -> View:
        @functools.wraps(view)
        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not_yet := not_signed_in(request):
                return not_yet
            return pass_through(
                request, view, args, kwargs, enter=lambda: _as_themself(request), action=action, user=request.user.pk
            )

        door.access = Door("person", action)  # type: ignore[attr-defined]
        return door

    return mark


def public_page(reason: str) -> Callable[[View], View]:
    """A page anybody may open, and why; it shows and changes no patient's data unless its own deed says who acts."""

    def mark(view: View) -> View:
        @functools.wraps(view)
        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            return pass_through(request, view, args, kwargs, enter=lambda: NOBODY, action=reason)

        door.access = Door("public", reason)  # type: ignore[attr-defined]
        return door

    return mark


def open_page(reason: str) -> Callable[[View], View]:
    """A page of the same words for everybody. It asks nobody and no database, so it opens while that is away."""

    def mark(view: View) -> View:
        @functools.wraps(view)
        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            return view(request, *args, **kwargs)

        door.access = Door("public", reason, asks_nothing=True)  # type: ignore[attr-defined]
        return door

    return mark


def not_signed_in(request: HttpRequest) -> HttpResponse | None:
    """Where somebody must go first: to the sign-in, or to making the second factor they have not shown."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)
    if second_factor.given(request):
        return None
    if second_factor.enrolled(request.user):
        # A session from before the factor was made: it has shown a password only, and there is more to show now.
        logout(request)
        return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)
    return redirect("mfa_add_webauthn")


ENTRANCE = frozenset(
    {
        "account_login",
        "account_logout",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
        "mfa_authenticate",
        "mfa_login_webauthn",
    }
)
ENROLMENT = frozenset({"mfa_add_webauthn", "mfa_activate_totp", "account_reauthenticate"})
INSIDE = frozenset(
    {
        "account_change_password",
        "mfa_deactivate_totp",
        "mfa_edit_webauthn",
        "mfa_generate_recovery_codes",
        "mfa_index",
        "mfa_reauthenticate",
        "mfa_reauthenticate_webauthn",
        "mfa_remove_webauthn",
        "mfa_view_recovery_codes",
    }
)
ALLAUTH_VIEWS = ENTRANCE | ENROLMENT | INSIDE
"""allauth's own views cannot carry our mark; these are all of them that may be reached.

Before the first factor: ENTRANCE. Between it and the second, for who has none yet: ENROLMENT. After both: all.
"""


def before_allauth(request: HttpRequest, name: str, kwargs: dict[str, Any]) -> HttpResponse | None:
    """The door before a view of allauth's: an answer instead of it, or none."""
    if name in ENTRANCE:
        return None
    if not_yet := not_signed_in(request):
        request.enrolling = name in ENROLMENT and request.user.is_authenticated  # type: ignore[attr-defined]
        return None if request.enrolling else not_yet  # type: ignore[attr-defined]
    if name == "mfa_remove_webauthn" and second_factor.is_the_last_of(request.user, kwargs["pk"]):
        return render(request, "refused.html", {"sentence": second_factor.ONLY_ONE}, status=409)
    return None


def through_allauth(request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]) -> HttpResponse:
    """Run a view of allauth's in one transaction, rendering included: its deed and its trace stand or fall together.

    Where that fails the session, too, is what it was before: a key made meanwhile is of a row that was rolled back.
    """
    before = copy.deepcopy(request.session)
    try:
        with transaction.atomic(), walls.acting(user=request.user.pk, request=getattr(request, "id", None)):
            waiting = len(transaction.get_connection().run_on_commit)
            response = view(request, *args, **kwargs)
            if hasattr(response, "render") and not response.is_rendered:
                response.render()
            _tell_before_it_stands(waiting)
    except Refused as refusal:
        request.session = before
        return render(request, "refused.html", {"sentence": refusal.sentence}, status=409)
    except Exception:
        request.session = before
        raise
    return response


def _tell_before_it_stands(waiting: int) -> None:
    """allauth tells of some deeds after their commit, when the memory could no longer prevent them: tell of them now.

    The first `waiting` of what waits for the commit were not allauth's.
    """
    queue = transaction.get_connection().run_on_commit
    while len(queue) > waiting:
        _, tell, _ = queue.pop(waiting)
        tell()


class Instead(Exception):
    """Who knocks is not let in, and gets this answer: another page, or none."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.response = response


class Denied(Exception):
    """Who knocks is known, and may not have what they asked for; they are told why."""

    def __init__(self, actor: Actor, refusal: Refused) -> None:
        super().__init__()
        self.actor, self.refusal = actor, refusal


def _as_member(
    request: HttpRequest,
    permission: policy.Permission,
    elsewhere: Callable[[Actor], str] | None,
    *,
    step_up: Callable[[HttpRequest], bool],
) -> Actor:
    """The signed-in person, acting in their active clinic. Where they have no place in any, there is no such page."""
    place = accounts_selectors.membership_of(request.user, clinic_id=request.session.get("clinic"))
    if place is None:
        raise Http404
    request.clinic = place.clinic  # type: ignore[attr-defined]
    request.one_of_several = place.one_of_several  # type: ignore[attr-defined]
    actor = accounts_selectors.actor_of(place, request.user)
    try:
        policy.check(actor, permission)
    except Refused as refusal:
        if elsewhere:
            raise Instead(redirect(elsewhere(actor))) from refusal
        raise Denied(actor, refusal) from refusal
    if request.method == "POST" and step_up(request):
        _ask_again(request, at=clock.now())
    return actor


def _ask_again(request: HttpRequest, *, at: datetime) -> None:
    """Send who has not shown for five minutes that it is them to do so; what they typed waits."""
    if not fresh.is_fresh(request, at=at):
        key = fresh.keep(request, at=at)
        if key is None:
            raise Refused("What you wrote is too long to be signed. Go back and shorten it.")
        raise Instead(redirect("accounts:go_on", key=key))


def _as_themself(request: HttpRequest) -> Actor:
    return accounts_selectors.person_actor(request.user, clinic_id=request.session.get("clinic"))


def with_request(actor: Actor, request: HttpRequest) -> Actor:
    """The same actor, remembering which request they act in, when it began and where it came from."""
    return replace(
        actor,
        request_id=getattr(request, "id", None),
        at=clock.now(),
        address=addresses.remembered_address(request),
        agent=addresses.remembered_agent(request),
    )


def pass_through(
    request: HttpRequest,
    view: View,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    enter: Callable[[], Actor],
    action: str,
    user: uuid.UUID | None = None,
) -> HttpResponse:
    """Run the view in one transaction, rendering included, as whom `enter` lets in, and record whom it showed.

    `user` is who has signed in, if anybody has. The database is told who acts before the view asks it anything. A view
    calls `request.seen({patient ids})` for every patient whose data its answer holds.
    """
    seen: set[uuid.UUID] = set()
    request.seen = seen.update  # type: ignore[attr-defined]
    try:
        with transaction.atomic(), walls.acting(user=user, request=getattr(request, "id", None)):
            actor = with_request(enter(), request)
            request.actor = actor  # type: ignore[attr-defined]
            with walls.acting(clinic=actor.clinic_id, user=actor.user_id):
                response = view(request, *args, **kwargs)
                if hasattr(response, "render") and not response.is_rendered:
                    response.render()
                if seen:
                    audit.record(by=actor, at=clock.now(), action=action, patients=seen)
    except Instead as instead:
        return instead.response
    except Denied as denied:
        return deny(request, denied.actor, action, denied.refusal)
    except Refused as refusal:
        # A deed refused outside a form: nothing was written, the sentence says what to do.
        return render(request, "refused.html", {"sentence": str(refusal)}, status=409)
    return response


def deny(request: HttpRequest, actor: Actor, action: str, refusal: Refused) -> HttpResponse:
    """Tell who is known why not, and remember that they asked, in a transaction of its own."""
    actor = request.actor = with_request(actor, request)  # type: ignore[attr-defined]
    patients = [actor.patient_id] if actor.patient_id else []
    audit.record(by=actor, at=clock.now(), action=action, patients=patients, result="denied", reason=str(refusal))
    return render(request, "403.html", {"sentence": str(refusal)}, status=403)


def sign_in_with_new_password(request: HttpRequest, user: User) -> HttpResponse:
    """Sign in who has just chosen their password here, by the same stages as on the sign-in page."""
    record_authentication(request, user, method="password")
    response: HttpResponse = perform_login(request, user)
    return response
