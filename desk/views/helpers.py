"""Who looks after a patient: letting somebody, and taking it back."""

import uuid

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.night import last_whole_day
from desk.forms.care import ClinicCareForm
from desk.presenters.care import care_lines
from desk.presenters.person import person
from desk.views.known import known_lastingly
from patients import selectors as patients_selectors
from patients import services as patients_services
from patients.channels import care_invitation
from patients.models import Patient
from patients.services import CareOpening


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(policy.Permission.REGISTER_PATIENTS, action="patient.helpers", step_up=True)
def helpers(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Who helps, and a form to let somebody; the code for the helper is shown on the next page, once."""
    at, patient = clock.now(), known_lastingly(request, patient_id)
    today = at.astimezone(patient.zone).date()
    form = ClinicCareForm(request.POST if request.method == "POST" else None, today=today)
    if request.method == "POST" and form.is_valid():
        opening = patients_services.grant_care(patient=patient, **form.values(), by=request.actor, at=at)
        request.session[f"care_code:{patient.id}"] = opening.code
        transaction.on_commit(lambda: _mail(request, patient, opening), robust=True)
        return redirect("desk:helpers", patient_id=patient.id)
    code = request.session.pop(f"care_code:{patient.id}", "") if request.method == "GET" else ""
    request.seen({patient.id})
    grants = patients_selectors.care_of(patient, at=at)
    return TemplateResponse(
        request,
        "desk/helpers.html",
        {
            "person": person(patient, at=at),
            "helpers": care_lines(grants, zone=patient.clinic.zone, at=at),
            "form": form,
            "code": code,
        },
        status=422 if form.is_bound else 200,
    )


def _mail(request: HttpRequest, patient: Patient, opening: CareOpening) -> None:
    until = last_whole_day(opening.grant.invitation_expires_at, patient.zone)
    link = settings.BASE_URL + reverse("portal:open_care", kwargs={"care_token": opening.token})
    if care_invitation.send(address=opening.grant.email, link=link, until=until):
        patients_services.care_invitation_mailed(grant=opening.grant, at=clock.now())
        messages.success(request, "The invitation is on its way.")
    else:
        messages.error(
            request, "The invitation was not sent: the mail server did not take it. Invite again in a few minutes."
        )


@require_POST
@clinic_page(policy.Permission.REGISTER_PATIENTS, action="care.end", step_up=True)
def end_help(request: HttpRequest, patient_id: uuid.UUID, grant_id: uuid.UUID) -> HttpResponse:
    """Take a grant back; doing it twice changes nothing."""
    grant = patients_selectors.care_grant_of(known_lastingly(request, patient_id), grant_id)
    if grant is None:
        raise Http404
    patients_services.revoke_care(grant=grant, by=request.actor, at=clock.now())
    messages.success(request, "This person can no longer open the patient's pages.")
    return redirect("desk:helpers", patient_id=patient_id)
