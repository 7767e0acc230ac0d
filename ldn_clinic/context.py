"""What every template may know."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts import signed_in
from accounts.actors import Kind
from common import clock
from desk.presenters import places


def clinic(request: HttpRequest) -> dict[str, Any]:
    """Who acts, in which clinic, what of the navigation is theirs, and whether this is a demonstration. No query."""
    actor = getattr(request, "actor", None)
    match = request.resolver_match
    member = actor is not None and actor.kind == Kind.MEMBER
    return {
        "actor": actor,
        "clinic": getattr(request, "clinic", None),
        "ways": places.ways(actor, here=match.view_name if match else "") if member else [],
        "signed_in": signed_in.page(request, at=clock.now()) if member else None,
        "demo": settings.DEMO,
    }
