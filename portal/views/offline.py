"""The words a phone keeps for when it cannot reach the clinic, and the worker that keeps them.

The page is the clinic's, not a patient's: no name, no dose, no answer may stand on it, for it lies on the phone.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.access import public_page
from accounts.models import Clinic
from common import clock, walls
from patients import access as patients_access
from patients import selectors as patients_selectors
from portal import words
from portal.presenters import offline as present
from portal.views import emergency
from symptoms import selectors as symptoms_selectors

# All that the two pages the worker keeps ask a server for; a test reads the pages and misses none.
FILES = (
    "css/tokens.css",
    "css/components/chart.css",
    "css/portal.css",
    "css/components/night.css",
    "css/print.css",
    "img/icons.svg",
    "img/mark.svg",
    "js/confirm-once.js",
)
_OFFLINE, _EMERGENCY = "portal/offline.html", "portal/emergency.html"


@require_safe
@public_page("words for a phone without a connection")
def offline(request: HttpRequest) -> HttpResponse:
    return render(request, _OFFLINE, _words(_clinics(request, clock.now())))


@require_safe
@public_page("the worker that keeps those words on a phone")
def worker(request: HttpRequest) -> HttpResponse:
    clinics = _clinics(request, clock.now())
    if not clinics or not settings.KEEP_WORDS_ON_PHONES:
        return _script(f'importScripts("{static("js/offline-leave.js")}");\n')
    pages = [
        render_to_string(_OFFLINE, _words(clinics), request),
        render_to_string(_EMERGENCY, emergency.words_for_everybody(), request),
    ]
    return _script(
        present.script(
            static("js/offline-keep.js"),
            offline=reverse("portal:offline"),
            emergency=reverse("portal:emergency"),
            files=[static(name) for name in FILES],
            words=pages,
        )
    )


def _script(text: str) -> HttpResponse:
    """Fetched anew whenever a page is opened: what the clinic changed is on its phones with the next page."""
    return HttpResponse(text, content_type="text/javascript; charset=utf-8")


def _clinics(request: HttpRequest, at: datetime) -> list[Clinic]:
    """The clinics of this phone's patient, or of everybody its carer looks after; none of a phone nobody knows."""
    own, carers = patients_access.own_phone(request, at), patients_access.carers_phone(request, at)
    found = [own.patient.clinic] if own is not None and own.patient is not None else []
    if carers is not None:
        found += [grant.patient.clinic for grant in patients_selectors.grants_in_force(carers.carer_id, at=at)]
    return list({clinic.id: clinic for clinic in found}.values())


def _words(clinics: list[Clinic]) -> dict[str, Any]:
    return {
        "words": words.offline_words(),
        "stop": words.stop_words(),
        "numbers": [_numbers(clinic) for clinic in clinics],
    }


def _numbers(clinic: Clinic) -> present.Numbers:
    with walls.acting(clinic=clinic.id):
        return present.numbers(clinic, symptoms_selectors.crisis_words(clinic.id))
