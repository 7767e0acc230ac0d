"""What holds for everybody who is signed in, whatever the page."""

import logging
from collections.abc import Callable
from datetime import datetime

from django.contrib.auth import SESSION_KEY, logout
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts import signed_in
from common import clock

Answer = Callable[[HttpRequest], HttpResponse]

# What a browser forgets of us when its person signs out. Not the cookies: on a shared machine the telephone of a
# patient is remembered by one.
FORGET = '"cache", "storage"'

log = logging.getLogger(__name__)


def lost_database(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page that says what was saved while the database is away."""
    # The class only: a database error's text can quote a patient's row.
    log.error("database unavailable: %s, request %s", type(exception).__name__, getattr(request, "id", ""))
    connection.close()
    return render(request, "503.html", status=503)


class SignedInMiddleware:
    """Ends a session that was idle or open for too long, and has the browser forget what it kept of it."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            was = request.session.get(SESSION_KEY)
            if was is not None:
                self._keep_or_end(request, clock.now())
        except (OperationalError, InterfaceError) as gone:
            return lost_database(request, gone)
        response = self.get_response(request)
        if was is not None and request.session.get(SESSION_KEY) is None:
            response["Clear-Site-Data"] = FORGET
        return response

    def _keep_or_end(self, request: HttpRequest, at: datetime) -> None:
        left = signed_in.left(request.session, at=at)
        if left.seconds <= 0:
            request.signed_out_by = left.limit  # type: ignore[attr-defined]
            logout(request)
        elif _is_a_persons(request):
            signed_in.see(request.session, at=at)


def _is_a_persons(request: HttpRequest) -> bool:
    """A page opened or a form sent, not what a script or a picture on a page fetches by itself.

    A person who types or points without sending anything is told of by the page, see static/js/idle.js.
    """
    if request.method not in ("GET", "HEAD"):
        return True
    fetched = request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"
    return not fetched and "HX-Request" not in request.headers and "X-Background" not in request.headers
