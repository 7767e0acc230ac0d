"""Carers: how a patient lets somebody help, how the helper comes in, and whom the pages are about."""

import uuid
from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import public_page
from common import clock
from common.night import last_whole_day
from common.refusals import Refused
from patients import access as patients_access
from patients import secrets
from patients import selectors as patients_selectors
from patients import services as patients_services
from patients.access import Rights
from patients.channels import care_invitation
from patients.forms import CareForm
from patients.models import CareGrant, Patient
from patients.services import CareOpening
from portal.forms import CodeForm
from portal.presenters import helping

_form_page = require_http_methods(["GET", "HEAD", "POST"])
_CODE_SHOWN_ONCE = "care_code"


@_form_page
@public_page("a carer opens their invitation")
def open_care(request: HttpRequest, care_token: str) -> HttpResponse:
    at = clock.now()
    if _still_open(care_token, at) is None:
        return render(request, "portal/invitation_closed.html", status=404)
    form = CodeForm(request.POST if request.method == "POST" else None, label="The code you were told")
    if request.method != "POST":
        return render(request, "portal/open_care.html", {"form": form})
    if not form.is_valid():
        return render(request, "portal/open_care.html", {"form": form}, status=422)
    patients_services.count_care_try(token=care_token, by=request.actor, at=at)  # type: ignore[attr-defined]
    try:
        let_in = patients_services.open_care_invitation(
            token=care_token,
            code=form.cleaned_data["code"],
            known=patients_access.carers_phone(request, at),
            device=patients_access.device_of(request),
            by=request.actor,  # type: ignore[attr-defined]
            at=at,
        )
    except Refused as refusal:
        if _still_open(care_token, at) is None:
            return render(request, "portal/invitation_closed.html", {"sentence": refusal.sentence}, status=404)
        form.add_error("code", refusal.sentence)
        return render(request, "portal/open_care.html", {"form": form}, status=422)
    response = patients_access.choose(redirect("portal:tonight"), let_in.grant)
    if let_in.secret:
        patients_access.remember(response, let_in.phone, let_in.secret)
    return patients_access.leave_secrets(request, response)


def _still_open(token: str, at: datetime) -> CareGrant | None:
    """The invitation, if there is a try left in it."""
    grant = patients_selectors.open_care_invitation(token, at=at)
    return grant if grant is not None and grant.tries < secrets.TRIES else None


@_form_page
@patients_access.patient_page(action="portal.whom", rights=Rights.PHONE)
def whom(request: HttpRequest) -> HttpResponse:
    """Whom the pages of this phone are about: its own patient, or somebody its carer looks after."""
    at = clock.now()
    theirs, own = patients_access.carers_phone(request, at), patients_access.own_phone(request, at)
    grants = patients_selectors.grants_in_force(theirs.carer_id, at=at) if theirs else []
    if request.method == "POST":
        wanted = request.POST.get("choice", "")
        grant = next((grant for grant in grants if str(grant.id) == wanted), None)
        if grant is None and wanted != "me":
            raise Http404
        return patients_access.choose(redirect("portal:tonight"), grant)
    request.seen({grant.patient_id for grant in grants})  # type: ignore[attr-defined]
    page = {"people": helping.looked_after(grants), "own": own is not None, "known_carer": theirs is not None}
    return render(request, "portal/whom.html", page)


@require_safe
@patients_access.patient_page(action="portal.helpers")
def helpers(request: HttpRequest) -> HttpResponse:
    """Who helps this patient or is invited to; each can be stopped by one button."""
    at, patient = clock.now(), _patient(request)
    code = request.session.pop(_CODE_SHOWN_ONCE, "") if request.method == "GET" else ""
    grants = patients_selectors.care_of(patient, at=at)
    page = {"helpers": helping.helpers(grants, patient.zone, at), "code": code}
    return render(request, "portal/helpers.html", page)


@_form_page
@patients_access.patient_page(action="portal.ask_help", proof=True)
def ask_help(request: HttpRequest) -> HttpResponse:
    at, patient = clock.now(), _patient(request)
    today = at.astimezone(patient.zone).date()
    form = CareForm(request.POST if request.method == "POST" else None, today=today)
    if request.method != "POST" or not form.is_valid():
        return render(request, "portal/ask_help.html", {"form": form}, status=422 if form.is_bound else 200)
    opening = patients_services.grant_care(patient=patient, **form.values(), by=request.actor, at=at)  # type: ignore[attr-defined]
    request.session[_CODE_SHOWN_ONCE] = opening.code
    transaction.on_commit(lambda: _mail(request, patient, opening), robust=True)
    return redirect("portal:helpers")


def _mail(request: HttpRequest, patient: Patient, opening: CareOpening) -> None:
    until = last_whole_day(opening.grant.invitation_expires_at, patient.zone)
    link = settings.BASE_URL + reverse("portal:open_care", kwargs={"care_token": opening.token})
    if care_invitation.send(address=opening.grant.email, link=link, until=until):
        patients_services.care_invitation_mailed(grant=opening.grant, at=clock.now())
        messages.success(request, "The invitation is on its way.")
    else:
        messages.error(request, "The mail could not be sent just now. Ask for their help again in a few minutes.")


@require_POST
@patients_access.patient_page(action="portal.end_help")
def end_help(request: HttpRequest, grant_id: uuid.UUID) -> HttpResponse:
    grant = patients_selectors.care_grant_of(_patient(request), grant_id)
    if grant is None:
        raise Http404
    patients_services.revoke_care(grant=grant, by=request.actor, at=clock.now())  # type: ignore[attr-defined]
    messages.success(request, "They can no longer open your pages.")
    return redirect("portal:helpers")


def _patient(request: HttpRequest) -> Patient:
    """The patient of this phone; whoever asks is about to show their data, so the memory hears of it."""
    patient: Patient = request.patient  # type: ignore[attr-defined]
    request.seen({patient.id})  # type: ignore[attr-defined]
    return patient
