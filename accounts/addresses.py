"""Where a request comes from. Only the declared number of our own proxies is believed."""

import hashlib
import ipaddress

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest

UNKNOWN = "0.0.0.0"  # noqa: S104  nobody listens there: it stands for a request that came over no network
IPV6_PREFIX = 64


def client_address(request: HttpRequest) -> str:
    """The client's IP address as the outermost of our proxies saw it.

    With N declared proxies that is the Nth entry of X-Forwarded-For from the right: whatever a client wrote stands to
    the left of it. With none the header is not read at all. A shorter header did not pass our proxies: refused. What
    is no address there is not believed: then it is the proxy's own, so that nobody is counted under a word they chose.
    """
    proxies = settings.TRUSTED_PROXIES
    neighbour = _address(request.META.get("REMOTE_ADDR", "")) or UNKNOWN
    if proxies == 0:
        return neighbour
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    if len(hops) < proxies:
        raise SuspiciousOperation("The request did not come through the declared proxies.")
    return _address(hops[-proxies]) or neighbour


def counted_address(request: HttpRequest) -> str:
    """The address under which tries are counted: of IPv6 the first of its /64, for a single client owns them all."""
    address = ipaddress.ip_address(client_address(request))
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.IPv6Network((address, IPV6_PREFIX), strict=False).network_address)


def _address(words: str) -> str | None:
    """The one way to write this address; None for what is none. IPv4 dressed as IPv6 is IPv4; a zone says nothing."""
    try:
        found = ipaddress.ip_address(words.partition("%")[0])
    except ValueError:
        return None
    return str(getattr(found, "ipv4_mapped", None) or found)


def remembered_address(request: HttpRequest) -> str | None:
    """The address for the memory; None where there is none to believe: that must not keep a deed from being told."""
    try:
        address = client_address(request)
    except SuspiciousOperation:
        return None
    return address if address != UNKNOWN else None


def remembered_agent(request: HttpRequest) -> str:
    """A short hash of what the browser says it is: tells two browsers apart and says nothing of either."""
    return hashlib.sha256(request.META.get("HTTP_USER_AGENT", "").encode()).hexdigest()[:16]
