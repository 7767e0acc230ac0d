"""Pages about one's own sign-in."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts import presenters, selectors
from accounts.access import person_page
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
