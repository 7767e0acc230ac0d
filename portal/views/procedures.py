"""The question of each day after a procedure."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from common import clock
from common.refusals import Refused
from patients import access as patients_access
from patients.access import Rights
from titration.services import procedures

ANSWERS = {"yes": True, "no": False}


@require_POST
@patients_access.patient_page(action="portal.procedure", rights=Rights.LOG)
def tell(request: HttpRequest) -> HttpResponse:
    """Whether an opioid was taken today."""
    patient = request.patient  # type: ignore[attr-defined]
    request.seen({patient.id})  # type: ignore[attr-defined]
    answer = ANSWERS.get(request.POST.get("opioid", ""))
    if answer is None:
        messages.error(request, "Choose yes or no, then save.")
        return redirect("portal:tonight")
    try:
        procedures.tell_day(patient=patient, opioid=answer, by=request.actor, at=clock.now())  # type: ignore[attr-defined]
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, "Saved. Thank you for telling us.")
    return redirect("portal:tonight")
