"""What holds for every request, whatever the page."""

import logging
import uuid
from collections.abc import Callable
from typing import Any

from allauth.account.middleware import AccountMiddleware
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from accounts import access
from accounts.middleware import lost_database
from audit.services import NotRemembered
from common.keyring import KeyMissing, SealError

log = logging.getLogger(__name__)

Answer = Callable[[HttpRequest], HttpResponse]


# The page that must open whatever is away; a test holds it equal to its address.
EMERGENCY_CARD = "/p/emergency/"


# Nothing of the machine is any page's business but the passkeys.
PERMISSIONS_POLICY = (
    "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), "
    "identity-credentials-get=(), magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=(), "
    "publickey-credentials-create=(self), publickey-credentials-get=(self)"
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


class StillOpenMiddleware:
    """Whoever opens the emergency card is asked nothing: without cookies no session and no database is looked for."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info == EMERGENCY_CARD:
            request.COOKIES = {}
        return self.get_response(request)


class StrictHeadersMiddleware:
    """What a browser may do with any answer, files and refusals included: show it on our own pages, and little else."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        response["Permissions-Policy"] = PERMISSIONS_POLICY
        response["Reporting-Endpoints"] = 'csp="/csp-reports"'
        return response


class SameSiteMiddleware:
    """Refuses what another site's page has a browser do here; a link from elsewhere may still open a page.

    Browsers say where a request comes from; one too old to say is held by the token in every form.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin") or _is_a_link_followed(request):
            return self.get_response(request)
        sentence = "Another site asked for this, so nothing was done. Open the clinic's own page and try there."
        return render(request, "403.html", {"sentence": sentence}, status=403)


def _is_a_link_followed(request: HttpRequest) -> bool:
    asked = request.headers
    whole_page = asked.get("Sec-Fetch-Mode") == "navigate" and asked.get("Sec-Fetch-Dest", "document") == "document"
    return request.method in ("GET", "HEAD") and whole_page


class PrivateAnswersMiddleware:
    """No answer of ours is kept by a browser or a proxy: pages hold health data. Static files leave before this."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Cache-Control", "no-store")
        return response


class DeclaredAccessMiddleware:
    """Refuses a view that declares no door. A lost database, or a lost key, becomes a page that says what holds."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response
        self.allauths = AccountMiddleware(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        if hasattr(view, "access"):
            return None
        match = request.resolver_match
        if match is None or match.view_name not in access.ALLAUTH_VIEWS or not view.__module__.startswith("allauth."):
            raise Http404
        if answer := access.before_allauth(request, match.view_name, kwargs):
            return answer
        try:
            return access.through_allauth(request, view, args, kwargs)
        except Exception as fault:
            # Django asks no middleware about what fails here: first ourselves, then allauth.
            answer = self.process_exception(request, fault) or self.allauths.process_exception(request, fault)
            if answer is None:
                raise
            return answer

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        # What the memory cannot be told of is not shown either: the same page, and nothing else.
        if isinstance(exception, OperationalError | InterfaceError | NotRemembered):
            return lost_database(request, exception)
        if isinstance(exception, SealError):
            log.error("request %s: %s", getattr(request, "id", ""), exception)
            return render(request, "sealed.html", {"missing": isinstance(exception, KeyMissing)}, status=503)
        return None
