"""A patient's emergency cards: that there are some, one more on paper, one switched off."""

import uuid

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.refusals import Refused
from desk.presenters import cards as present
from desk.presenters.person import person
from desk.views.known import known_lastingly
from patients import selectors as patients_selectors
from patients import services as patients_services
from titration.services import cards as cards_services


@require_safe
@clinic_page(policy.Permission.REGISTER_PATIENTS, action="card.page")
def cards(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Which cards open, and how often they were opened."""
    patient = known_lastingly(request, patient_id)
    request.seen({patient.id})
    lines = present.lines(patients_selectors.cards_of(patient), zone=patient.clinic.zone)
    context = {"person": person(patient, at=clock.now()), "cards": lines}
    return TemplateResponse(request, "desk/cards.html", context)


@require_POST
@clinic_page(policy.Permission.REGISTER_PATIENTS, action="card.print_page")
def print_card(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Make one more card and print it: its code is kept nowhere, so paper and card come at once."""
    at, patient = clock.now(), known_lastingly(request, patient_id)
    request.seen({patient.id})
    shows_name = request.POST.get("shows_name") == "yes"
    try:
        made = patients_services.make_card(patient=patient, shows_name=shows_name, by=request.actor, at=at)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
        return redirect("desk:cards", patient_id=patient.id)
    link = f"{settings.BASE_URL}{reverse('portal:open_card', args=[made.token])}"
    printed = cards_services.print_card(card=made.card, link=link, by=request.actor, at=at)
    headers = {"Content-Disposition": 'attachment; filename="emergency-card.pdf"'}
    return HttpResponse(printed.body, content_type="application/pdf", headers=headers)


@require_POST
@clinic_page(policy.Permission.REGISTER_PATIENTS, action="card.revoke_page")
def revoke_card(request: HttpRequest, patient_id: uuid.UUID, card_id: uuid.UUID) -> HttpResponse:
    """Switch a card off; doing it twice changes nothing."""
    card = patients_selectors.card_of(known_lastingly(request, patient_id), card_id)
    if card is None:
        raise Http404
    patients_services.revoke_card(card=card, by=request.actor, at=clock.now())
    messages.success(request, "That card is switched off: its code opens nothing any more.")
    return redirect("desk:cards", patient_id=patient_id)
