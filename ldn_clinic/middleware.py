"""What holds for every request, whatever the page."""

import uuid
from collections.abc import Callable
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse

from accounts.middleware import lost_database

Answer = Callable[[HttpRequest], HttpResponse]

# allauth's own views cannot carry our mark; these are all of them that may be reached.
ALLAUTH_VIEWS = frozenset(
    {
        "account_login",
        "account_logout",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
    }
)


class RequestIdMiddleware:
    """Gives each request an id that the audit and the error log share."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.id = uuid.uuid4()  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-Id"] = str(request.id)  # type: ignore[attr-defined]
        return response


class PrivateAnswersMiddleware:
    """No answer of ours is kept by a browser or a proxy: pages hold health data. Static files leave before this."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Cache-Control", "no-store")
        return response


class DeclaredAccessMiddleware:
    """Refuses a view that declares no door, and turns a lost database into a page that says what was saved."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        match = request.resolver_match
        theirs = match is not None and match.view_name in ALLAUTH_VIEWS and view.__module__.startswith("allauth.")
        if not hasattr(view, "access") and not theirs:
            raise Http404

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, OperationalError | InterfaceError):
            return lost_database(request, exception)
        return None
