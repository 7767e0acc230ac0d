"""Where to go after a proof or a PIN."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme


def onward(request: HttpRequest, *, otherwise: str = "portal:tonight") -> str:
    """The page that was wanted, if it is one of the patient's own, and nowhere else."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    own = wanted.startswith(reverse("portal:tonight")) and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if own else reverse(otherwise)
