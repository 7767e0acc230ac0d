"""What every template may know."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts import policy, signed_in
from accounts.actors import Actor, Kind
from common import clock
from desk.presenters import emergency, places
from patients import selectors as patients_selectors


def clinic(request: HttpRequest) -> dict[str, Any]:
    """Who acts, in which clinic, what of the navigation is theirs, and whether this is a demonstration.

    No query, but one where a page of a restricted record asks what is open by an emergency.
    """
    actor = getattr(request, "actor", None)
    match = request.resolver_match
    member = actor is not None and actor.kind == Kind.MEMBER
    return {
        "actor": actor,
        "clinic": getattr(request, "clinic", None),
        "ways": places.ways(actor, here=match.view_name if match else "") if member else [],
        "signed_in": signed_in.page(request, at=clock.now()) if member else None,
        "may_break_glass": member and policy.may(actor, policy.Permission.BREAK_GLASS),
        "emergencies": SimpleLazyObject(lambda: _emergencies(actor)) if member else [],
        "demo": settings.DEMO,
        "keeps_words": settings.KEEP_WORDS_ON_PHONES,
    }


def _emergencies(actor: Actor) -> list[emergency.Banner]:
    running = patients_selectors.running_emergencies(actor)
    return emergency.banners(running, zone=actor.clinic_zone) if actor.clinic_zone else []
