"""Emergency cards: the same words for everybody, open while everything else is away; and a patient's own."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.access import open_page, public_page
from accounts.addresses import counted_address
from common import clock, walls
from common.refusals import Refused
from patients import access as patients_access
from patients import selectors as patients_selectors
from patients import services as patients_services
from patients.models import EmergencyCard, Patient
from portal import words
from portal.presenters import cards as present
from symptoms import selectors as symptoms_selectors
from titration import cards
from titration.services import cards as cards_services

_JUST_MADE = "card_token"


@require_safe
@open_page("emergency card, the same words for everybody")
def card(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/emergency.html", words_for_everybody())


def words_for_everybody() -> dict[str, Any]:
    """What the open page is made of."""
    return {"card": cards.words(), "stop": words.stop_words(), "flags": words.flag_words()}


@require_safe
@public_page("an emergency card is opened by whoever holds it")
def open_card(request: HttpRequest, card_token: str) -> HttpResponse:
    """Who scanned a patient's card reads what helps now, and nothing else of the record."""
    response = _opened(request, card_token)
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return response


def _opened(request: HttpRequest, token: str) -> HttpResponse:
    at = clock.now()
    said = {"card": cards.words()}
    if not patients_services.may_try_cards(asked_from=counted_address(request), at=at):
        return render(request, "portal/card_too_often.html", said, status=429)
    opened = patients_services.open_card(token=token, by=request.actor, at=at)  # type: ignore[attr-defined]
    if opened is None:
        return render(request, "portal/card_closed.html", said, status=404)
    if opened.too_often:
        return render(request, "portal/card_too_often.html", said, status=429)
    with walls.acting(clinic=opened.card.clinic_id):
        last = symptoms_selectors.last_taken(opened.card.patient)
    return render(request, "portal/card_open.html", {**said, "opened": present.opened(opened.card, last)})


@require_safe
@patients_access.patient_page(action="portal.cards")
def my_cards(request: HttpRequest) -> HttpResponse:
    """The patient's cards; one that was just made is shown, this once."""
    at, patient = clock.now(), _patient(request)
    token = request.session.pop(_JUST_MADE, "") if request.method == "GET" else ""
    made = patients_selectors.card_just_made(patient, token) if token else None
    page = {
        "clinic": patient.clinic,
        "card": cards.words(),
        "cards": present.lines(patients_selectors.cards_of(patient), patient.zone, at),
        "made": present.made(made, _link(token)) if made else None,
        "token": token,
    }
    return render(request, "portal/cards.html", page)


@require_POST
@patients_access.patient_page(action="portal.new_card")
def new_card(request: HttpRequest) -> HttpResponse:
    patient = _patient(request)
    shows_name = request.POST.get("shows_name") == "yes"
    try:
        made = patients_services.make_card(patient=patient, shows_name=shows_name, by=request.actor, at=clock.now())  # type: ignore[attr-defined]
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        request.session[_JUST_MADE] = made.token
    return redirect("portal:cards")


@require_POST
@patients_access.patient_page(action="portal.print_card")
def print_card(request: HttpRequest) -> HttpResponse:
    """A card that was just made, as a file; its token comes from the page that showed it."""
    patient, token = _patient(request), request.POST.get("token", "")
    made = patients_selectors.card_just_made(patient, token)
    if made is None:
        messages.error(request, "A card is printed when it is made. Make a new one; those you have stay good.")
        return redirect("portal:cards")
    printed = cards_services.print_card(card=made, link=_link(token), by=request.actor, at=clock.now())  # type: ignore[attr-defined]
    headers = {"Content-Disposition": 'attachment; filename="emergency-card.pdf"'}
    return HttpResponse(printed.body, content_type="application/pdf", headers=headers)


@require_POST
@patients_access.patient_page(action="portal.name_card")
def name_card(request: HttpRequest, card_id: uuid.UUID) -> HttpResponse:
    """Let the page behind a card say the name, or no longer."""
    shows_name = request.POST.get("shows_name") == "yes"
    card = _card(request, card_id)
    patients_services.name_card(card=card, shows_name=shows_name, by=request.actor, at=clock.now())  # type: ignore[attr-defined]
    messages.success(request, "The card’s page says your name now." if shows_name else "The card’s page names nobody.")
    return redirect("portal:cards")


@require_POST
@patients_access.patient_page(action="portal.revoke_card")
def revoke_card(request: HttpRequest, card_id: uuid.UUID) -> HttpResponse:
    """Switch a card off; doing it twice changes nothing."""
    patients_services.revoke_card(card=_card(request, card_id), by=request.actor, at=clock.now())  # type: ignore[attr-defined]
    messages.success(request, "That card is switched off: its code opens nothing any more.")
    return redirect("portal:cards")


def _patient(request: HttpRequest) -> Patient:
    patient: Patient = request.patient  # type: ignore[attr-defined]
    request.seen({patient.id})  # type: ignore[attr-defined]
    return patient


def _card(request: HttpRequest, card_id: uuid.UUID) -> EmergencyCard:
    card = patients_selectors.card_of(_patient(request), card_id)
    if card is None:
        raise Http404
    return card


def _link(token: str) -> str:
    return f"{settings.BASE_URL}{reverse('portal:open_card', args=[token])}"
