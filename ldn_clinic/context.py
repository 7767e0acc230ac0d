"""What every template may know."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts import policy


def clinic(request: HttpRequest) -> dict[str, Any]:
    """Who acts, in which clinic, what of the navigation is theirs, and whether this is a demonstration. No query."""
    actor = getattr(request, "actor", None)
    return {
        "actor": actor,
        "clinic": getattr(request, "clinic", None),
        "may_export": actor is not None and policy.may(actor, policy.Permission.EXPORT),
        "demo": settings.DEMO,
    }
