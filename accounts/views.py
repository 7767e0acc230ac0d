"""Pages about one's own sign-in."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from accounts import presenters, second_factor, selectors, signed_in, step_up
from accounts.access import person_page, public_page
from accounts.services import sessions as deeds
from common import clock


@require_safe
@person_page(action="sessions.page")
def sessions(request: HttpRequest) -> HttpResponse:
    """Every browser this person is signed in with."""
    found = selectors.sessions_of(request.user, here=request.session.session_key, at=clock.now())
    return render(request, "accounts/sessions.html", {"browsers": [presenters.browser(one) for one in found]})


@require_POST
@person_page(action="session.end_one")
def end_session(request: HttpRequest) -> HttpResponse:
    reference = request.POST.get("session", "")
    if not deeds.end(user=request.user, reference=reference, by=request.actor, at=clock.now()):  # type: ignore[attr-defined]
        raise Http404
    messages.success(request, "That browser is signed out.")
    return redirect("accounts:sessions")


@require_POST
@person_page(action="session.end_others")
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    here = request.session.session_key
    deeds.end_all(user=request.user, by=request.actor, at=clock.now(), keep=here)  # type: ignore[attr-defined]
    messages.success(request, "Only this browser is signed in now.")
    return redirect("accounts:sessions")


@require_safe
@public_page("how long one stays signed in, for the page that warns")
def session_state(request: HttpRequest) -> HttpResponse:
    """Asked by a script of the pages; asking does not count as doing something. Signed out: nothing is left."""
    if not request.user.is_authenticated or not second_factor.given(request):
        return JsonResponse({"left": 0})
    return _told(request)


@require_POST
@person_page(action="session.stay")
def stay(request: HttpRequest) -> HttpResponse:
    """A person is there: the middleware has seen it by the sending alone."""
    return _told(request)


@require_safe
@person_page(action="session.back")
def back(request: HttpRequest) -> HttpResponse:
    """Where one lands who signs in again for a page that waits in another tab."""
    return render(request, "accounts/back.html")


def _told(request: HttpRequest) -> HttpResponse:
    page = signed_in.page(request, at=clock.now())
    # The token of before was made for a session that has ended.
    return JsonResponse({"left": page.left, "limit": page.limit, "who": page.who, "csrf": get_token(request)})


@require_safe
@person_page(action="step_up.go_on")
def go_on(request: HttpRequest, key: str) -> HttpResponse:
    """After showing once more that it is them: the deed they were about to do, with all they had typed."""
    at = clock.now()
    waiting = step_up.kept(request, key, at=at)
    if waiting is None:
        raise Http404
    fresh = step_up.is_fresh(request, at=at)
    if not fresh and not step_up.by_one_click(request):
        return redirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': request.path})}")
    path, typed = waiting
    fields = [(name, value) for name, values in typed.lists() for value in values]
    return render(request, "accounts/go_on.html", {"fresh": fresh, "path": path, "fields": fields, "key": key})


@require_POST
@person_page(action="step_up.confirm_demo")
def confirm_in_demonstration(request: HttpRequest, key: str) -> HttpResponse:
    """The click that stands for a passkey; outside a demonstration there is no such page."""
    if not step_up.by_one_click(request):
        raise Http404
    step_up.confirm_in_demonstration(request)
    return redirect("accounts:go_on", key=key)
