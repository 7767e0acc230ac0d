"""Opening a restricted record in an emergency, ending that, and reviewing it."""

import uuid

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.refusals import Refused
from desk.forms.emergency import EmergencyForm, ReviewForm
from desk.presenters import emergency as present
from patients import emergency
from patients.channels import emergency_notice
from patients.models import EmergencyAccess
from patients.services import emergencies

P = policy.Permission


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.BREAK_GLASS, action="emergency.page", step_up=True)
def open_record(request: HttpRequest) -> HttpResponse:
    """Open one restricted record for an hour. Whatever was typed, a record that is not there gets one answer."""
    form, status = EmergencyForm(request.POST if request.method == "POST" else None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            at = clock.now()
            try:
                emergencies.count_try(by=request.actor, at=at)
                opened = emergencies.open_record(
                    asked=form.asked, reason=form.cleaned_data["reason"], by=request.actor, at=at
                )
            except Refused as refusal:
                form.add_error(None, refusal.sentence)
            else:
                request.seen({opened.access.patient_id})
                transaction.on_commit(lambda: _tell(request, opened), robust=True)
                return redirect("desk:patient", patient_id=opened.access.patient_id)
    return TemplateResponse(request, "desk/emergency.html", {"form": form}, status=status)


def _tell(request: HttpRequest, opened: emergencies.Opened) -> None:
    """Mail the notice once the access stands; that it could not be sent is said, and undoes nothing."""
    if opened.access.noticed_at is not None:
        return
    link = settings.BASE_URL + reverse("desk:emergency_reviews")
    told = [
        emergency_notice.send(address=address, link=link, may_review=opened.watchers.may_review)
        for address in opened.watchers.addresses
    ]
    if any(told):
        emergencies.noticed(access=opened.access, at=clock.now())
        messages.warning(request, "The record is open for an hour. Your clinic's auditor has been told.")
    else:
        messages.warning(
            request,
            "The record is open for an hour. No mail about it could be sent: it waits on the auditor's page.",
        )


@require_POST
@clinic_page(P.BREAK_GLASS, action="emergency.end")
def end(request: HttpRequest, access_id: uuid.UUID) -> HttpResponse:
    """Close the record before its hour is over."""
    if not emergencies.end(access_id=access_id, by=request.actor, at=clock.now()):
        raise Http404
    messages.success(request, "The record is closed again.")
    return redirect("desk:home")


@require_safe
@clinic_page(P.REVIEW_EMERGENCIES, action="emergency.reviews")
def reviews(request: HttpRequest) -> HttpResponse:
    """What waits for a review, and what was reviewed."""
    waiting, reviewed = emergency.waiting(request.actor), emergency.reviewed(request.actor)
    request.seen(access.patient_id for access in (*waiting, *reviewed))
    context = {"waiting": _lines(request, waiting), "reviewed": _lines(request, reviewed)}
    return TemplateResponse(request, "desk/emergency_reviews.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.REVIEW_EMERGENCIES, action="emergency.review_page")
def review(request: HttpRequest, access_id: uuid.UUID) -> HttpResponse:
    """Close the review of one emergency access with an outcome and words."""
    access = emergency.access_of(request.actor, access_id)
    if access is None:
        raise Http404
    request.seen({access.patient_id})
    form, status = ReviewForm(request.POST if request.method == "POST" else None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                emergencies.review(access_id=access_id, by=request.actor, at=clock.now(), **form.cleaned_data)
            except Refused as refusal:
                form.add_error(None, refusal.sentence)
                access, status = emergency.access_of(request.actor, access_id) or access, 409
            else:
                messages.success(request, "The review is closed.")
                return redirect("desk:emergency_reviews")
    context = {"line": _lines(request, [access])[0], "form": form}
    return TemplateResponse(request, "desk/emergency_review.html", context, status=status)


@require_POST
@clinic_page(P.REVIEW_EMERGENCIES, action="emergency.end_by_reviewer")
def end_of_review(request: HttpRequest, access_id: uuid.UUID) -> HttpResponse:
    """Close a record that is open by an emergency, before its hour is over, by who reviews it."""
    if not emergencies.end(access_id=access_id, by=request.actor, at=clock.now()):
        raise Http404
    messages.success(request, "The record is closed again.")
    return redirect("desk:emergency_review", access_id=access_id)


def _lines(request: HttpRequest, accesses: list[EmergencyAccess]) -> list[present.AccessLine]:
    at, reader_id = clock.now(), request.actor.user_id
    return [present.line(access, reader_id=reader_id, at=at) for access in accesses]
