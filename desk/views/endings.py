"""Ending a patient's care at the clinic, and taking it up again."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods, require_POST

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.refusals import Refused
from desk.forms.endings import EndCareForm
from desk.presenters.person import person
from patients import selectors as patients_selectors
from patients.models import CareEnded, Patient
from titration.selectors import courses as courses_selectors
from titration.services import endings

P = policy.Permission


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.HOLD, action="care.end_page")
def end_care(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Say that the patient died, moved or was discharged; what stops then is said before."""
    at, found = clock.now(), _patient(request, patient_id)
    if found.care_ended_at is not None:
        return redirect("desk:patient", patient_id=patient_id)
    form, status = EndCareForm(request.POST if request.method == "POST" else None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            because, reason = CareEnded(form.cleaned_data["because"]), form.cleaned_data["reason"]
            try:
                endings.end_care(patient_id=patient_id, because=because, reason=reason, by=request.actor, at=at)
            except Refused as refusal:
                form.add_error(None, refusal.sentence)
            else:
                messages.success(request, "The care has ended: no dose, no reminder and no phone is left open.")
                return redirect("desk:patient", patient_id=patient_id)
    plan = courses_selectors.open_prescription(found)
    context = {"person": person(found, at=at), "form": form, "has_plan": plan is not None}
    return TemplateResponse(request, "desk/end_care.html", context, status=status)


@require_POST
@clinic_page(P.PRESCRIBE, action="care.taken_up_again", step_up=True)
def take_up_again(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Treat the patient again."""
    _patient(request, patient_id)
    try:
        endings.take_up_again(patient_id=patient_id, by=request.actor, at=clock.now())
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, "The patient is in your clinic's care again. Prescribe and invite anew.")
    return redirect("desk:patient", patient_id=patient_id)


def _patient(request: HttpRequest, patient_id: uuid.UUID) -> Patient:
    """The patient, for longer than an emergency: what ends here does not come back with the hour."""
    lasting = patients_selectors.visible_to(patients_selectors.lasting(request.actor))
    found = lasting.select_related("clinic").filter(id=patient_id).first()
    if found is None:
        raise Http404
    request.seen({patient_id})
    return found
