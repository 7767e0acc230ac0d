"""What is urgent: seen, and opened by somebody, which ends the telling of others."""

import uuid

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_POST, require_safe

from accounts import policy
from accounts.access import clinic_page
from common import clock
from desk.presenters import urgent as present
from reminders import selectors as reminders_selectors
from reminders import services as reminders_services

P = policy.Permission


@require_safe
@clinic_page(P.READ_PATIENTS, action="urgent.page")
def urgent(request: HttpRequest) -> HttpResponse:
    """What waits to be opened, and what was opened and is not answered. Looking at the list opens nothing."""
    actor, at = request.actor, clock.now()
    lines = present.lines(reminders_selectors.urgent_items(actor), zone=actor.clinic_zone, at=at)
    request.seen(line.patient_id for line in lines)
    context = {
        "waiting": [line for line in lines if not line.opened],
        "opened": [line for line in lines if line.opened],
    }
    return TemplateResponse(request, "desk/urgent.html", context)


@require_POST
@clinic_page(P.READ_PATIENTS, action="urgent.open_page")
def open_urgent(request: HttpRequest, item_id: uuid.UUID) -> HttpResponse:
    """Take it: nobody else is told, and the patient's page opens."""
    item = reminders_selectors.urgent_item_of(request.actor, item_id)
    if item is None:
        raise Http404
    reminders_services.open_item(item_id=item.id, by=request.actor, at=clock.now())
    return redirect("desk:patient", patient_id=item.patient_id)
