"""Where a request comes from. Only the declared number of our own proxies is believed."""

import hashlib
import ipaddress

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest

UNKNOWN = "0.0.0.0"  # noqa: S104  nobody listens there: it stands for a request that came over no network


def client_address(request: HttpRequest) -> str:
    """The client's IP address as the outermost of our proxies saw it.

    With N declared proxies that is the Nth entry of X-Forwarded-For from the right: whatever a client wrote stands to
    the left of it. With none the header is not read at all. A shorter header did not pass our proxies: refused.
    """
    proxies = settings.TRUSTED_PROXIES
    if proxies == 0:
        return str(request.META.get("REMOTE_ADDR") or UNKNOWN)
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    if len(hops) < proxies:
        raise SuspiciousOperation("The request did not come through the declared proxies.")
    return hops[-proxies]


def remembered_address(request: HttpRequest) -> str | None:
    """The address for the memory; None where there is none to believe: that must not keep a deed from being told."""
    try:
        return str(ipaddress.ip_address(client_address(request)))
    except (SuspiciousOperation, ValueError):
        return None


def remembered_agent(request: HttpRequest) -> str:
    """A short hash of what the browser says it is: tells two browsers apart and says nothing of either."""
    return hashlib.sha256(request.META.get("HTTP_USER_AGENT", "").encode()).hexdigest()[:16]
