"""What a record says of a person beside name and birth."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.refusals import Refused, Stale
from desk.forms.particulars import SexForm
from desk.presenters.person import person
from desk.views.known import known_lastingly
from patients.services import particulars


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(policy.Permission.REGISTER_PATIENTS, action="patient.sex_page")
def sex(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """By which lines and reference ranges the patient is judged."""
    at, patient = clock.now(), known_lastingly(request, patient_id)
    request.seen({patient.id})
    form, status = SexForm(initial={"sex": patient.sex, "seen_version": patient.version}), 200
    if request.method == "POST":
        form, status = SexForm(request.POST), 422
        if form.is_valid():
            try:
                particulars.say_sex(patient=patient, by=request.actor, at=at, **form.cleaned_data)
            except Refused as refusal:
                typed = {
                    "sex": form.cleaned_data["sex"],
                    "seen_version": str(known_lastingly(request, patient_id).version),
                }
                form = SexForm(typed)
                form.add_error(None, refusal.sentence)
                status = 409 if isinstance(refusal, Stale) else 422
            else:
                messages.success(request, "Saved.")
                return redirect("desk:patient", patient_id=patient.id)
    context = {"person": person(patient, at=at), "form": form}
    return TemplateResponse(request, "desk/sex.html", context, status=status)
