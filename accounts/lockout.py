"""Who guesses is kept out for a while: by name and address together, so that nobody can keep another out by their name.

Counted by django-axes in the database: that holds with the broker away.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.crypto import salted_hmac


def name_digest(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """The name that was tried, kept as a keyed digest: people type their password into the wrong field."""
    name = (credentials or {}).get("username") or request.POST.get("login", "")
    return salted_hmac("accounts.lockout", str(name).strip().casefold(), algorithm="sha256").hexdigest()


def answer(request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any] | None) -> HttpResponse:
    """The same page for a name that is known and for one that is not."""
    return render(request, "429.html", status=429)
