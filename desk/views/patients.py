"""The list of patients, taking a new one into care, and their way in."""

import secrets
import uuid

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.night import last_whole_day
from common.refusals import Refused
from desk.forms.register import RegisterForm
from desk.presenters import patients as present
from desk.views.known import known_lastingly
from patients import selectors as patients_selectors
from patients import services as patients_services
from patients.channels import invitation as invitation_channel
from patients.models import Patient
from titration.selectors import standing

SEARCHES_KEPT = 20
LONGEST_SEARCH = 200


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(policy.Permission.READ_PATIENTS, action="patients.list")
def patients(request: HttpRequest) -> HttpResponse:
    """Everyone the actor may know of, by name; a search is posted, so that no name stands in an address."""
    if request.method == "POST":
        return _remember_search(request, request.POST.get("words", "").replace("\0", "").strip()[:LONGEST_SEARCH])
    at, search = clock.now(), request.GET.get("search", "")
    words = request.session.get("searches", {}).get(search, "")
    page, after = patients_selectors.page_of(request.actor, words=words, after=request.GET.get("after", ""))
    standings = standing.standings_of(page, at=at)
    request.seen(patient.id for patient in page)
    return TemplateResponse(
        request,
        "desk/patients.html",
        {
            "lines": [present.line(patient, standings[patient.id], at=at) for patient in page],
            "words": words,
            "paged": bool(request.GET.get("after")),
            "first_url": _list_url(search if words else ""),
            "next_url": _list_url(search if words else "", after) if after else "",
            "may_register": policy.may(request.actor, policy.Permission.REGISTER_PATIENTS),
            "may_import": policy.may(request.actor, policy.Permission.IMPORT),
        },
    )


def _remember_search(request: HttpRequest, words: str) -> HttpResponse:
    """Keep what was searched in the session, under a name that says nothing, and go to the page of its results."""
    if not words:
        return redirect("desk:patients")
    kept = list(request.session.get("searches", {}).items())[-SEARCHES_KEPT + 1 :]
    search = secrets.token_urlsafe(6)
    request.session["searches"] = {**dict(kept), search: words}
    return redirect(_list_url(search))


def _list_url(search: str, after: str = "") -> str:
    query = {name: value for name, value in (("search", search), ("after", after)) if value}
    return reverse("desk:patients") + (f"?{urlencode(query)}" if query else "")


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(policy.Permission.REGISTER_PATIENTS, action="patients.register")
def register(request: HttpRequest) -> HttpResponse:
    """Take a person into care; what was typed is kept until it is right."""
    at, zone = clock.now(), request.actor.clinic_zone
    form = RegisterForm(_posted(request), today=at.astimezone(zone).date(), zone_name=zone.key)
    if request.method == "POST" and form.is_valid():
        try:
            patient = patients_services.register(**form.values(), by=request.actor, at=at)
        except Refused as refusal:
            form.add_error("record_number", refusal.sentence)
        else:
            messages.success(request, "Registered. Send the invitation from here when the patient is ready for it.")
            return redirect("desk:patient", patient_id=patient.id)
    status = 422 if form.is_bound else 200
    return TemplateResponse(request, "desk/register.html", {"form": form}, status=status)


def _posted(request: HttpRequest) -> QueryDict | None:
    """What was sent, even if it is nothing: an empty form is refused like any other."""
    return request.POST if request.method == "POST" else None


@require_POST
@clinic_page(policy.Permission.REGISTER_PATIENTS, action="patient.invite", step_up=True)
def invite(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Make an invitation and mail it once it stands; the desk code is shown on the next page, once."""
    patient = known_lastingly(request, patient_id)
    if not patient.email:
        raise Refused("There is no e-mail address on this record, so nothing can be sent. Nothing was changed.")
    opening = patients_services.invite(patient=patient, by=request.actor, at=clock.now())
    request.session[f"desk_code:{patient.id}"] = opening.desk_code
    transaction.on_commit(lambda: _mail_invitation(request, patient, opening), robust=True)
    return redirect("desk:patient", patient_id=patient.id)


def _mail_invitation(request: HttpRequest, patient: Patient, opening: patients_services.Opening) -> None:
    invitation = opening.invitation
    until = last_whole_day(invitation.expires_at, patient.zone)
    link = settings.BASE_URL + reverse("portal:open", kwargs={"token": opening.token})
    if invitation_channel.send(address=patient.email, link=link, until=until):
        patients_services.invitation_mailed(invitation=invitation, at=clock.now())
        messages.success(request, "The invitation is on its way.")
    else:
        messages.error(
            request, "The invitation was not sent: the mail server did not take it. Send it again in a few minutes."
        )


@require_POST
@clinic_page(policy.Permission.REGISTER_PATIENTS, action="phone.forget")
def forget_phone(request: HttpRequest, patient_id: uuid.UUID, phone_id: uuid.UUID) -> HttpResponse:
    """Stop letting a phone in; doing it twice changes nothing."""
    patient = known_lastingly(request, patient_id)
    phone = patients_selectors.phone_of(patient, phone_id)
    if phone is None:
        raise Http404
    patients_services.forget_phone(phone=phone, by=request.actor, at=clock.now())
    messages.success(request, "This phone is no longer let in. A new invitation lets one in again.")
    return redirect("desk:patient", patient_id=patient.id)
