"""The clinic's hours, who covers whom, and who is told of something urgent."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_POST, require_safe

from accounts import policy
from accounts import selectors as accounts_selectors
from accounts.access import clinic_page
from accounts.hours import Contact
from accounts.services import hours as hours_services
from common import clock
from common.refusals import Refused
from desk.forms.hours import CoverForm, HoursForm, RouteForm
from desk.presenters import hours as present

P = policy.Permission


@require_safe
@clinic_page(P.KEEP_HOURS, action="clinic.hours_page")
def hours(request: HttpRequest) -> HttpResponse:
    """All three, each with a form of its own."""
    return _page(request)


@require_POST
@clinic_page(P.KEEP_HOURS, action="clinic.hours_keep")
def keep_hours(request: HttpRequest) -> HttpResponse:
    form = HoursForm(request.POST)
    if form.is_valid():
        said = form.cleaned_data
        numbers = hours_services.Numbers(phone=said["phone"], urgent_phone=said["urgent_phone"])
        try:
            hours_services.keep_hours(hours=said["hours"], numbers=numbers, by=request.actor, at=clock.now())
        except Refused as refusal:
            form.add_error(None, refusal.sentence)
        else:
            messages.success(request, "Saved. Patients who write are told by these hours from now on.")
            return redirect("desk:hours")
    return _page(request, hours_form=form, status=422)


@require_POST
@clinic_page(P.KEEP_HOURS, action="clinic.route_page", step_up=True)
def keep_route(request: HttpRequest) -> HttpResponse:
    form = RouteForm(request.POST, people=_people(request))
    if form.is_valid():
        try:
            hours_services.keep_route(route=form.cleaned_data["route"], by=request.actor, at=clock.now())
        except Refused as refusal:
            form.add_error(None, refusal.sentence)
        else:
            messages.success(request, "Saved. Whatever becomes urgent from now on goes this way.")
            return redirect("desk:hours")
    return _page(request, route_form=form, status=422)


@require_POST
@clinic_page(P.KEEP_HOURS, action="clinic.cover_page")
def keep_cover(request: HttpRequest) -> HttpResponse:
    form = CoverForm(request.POST, people=_people(request))
    if form.is_valid():
        try:
            hours_services.cover(**form.values(), by=request.actor, at=clock.now())
        except Refused as refusal:
            form.add_error(None, refusal.sentence)
        else:
            messages.success(request, "Saved. What is urgent goes to who covers on these days.")
            return redirect("desk:hours")
    return _page(request, cover_form=form, status=422)


@require_POST
@clinic_page(P.KEEP_HOURS, action="clinic.cover_end_page")
def end_cover(request: HttpRequest, cover_id: uuid.UUID) -> HttpResponse:
    """Take a cover back; doing it twice changes nothing."""
    if accounts_selectors.cover_of(request.actor, cover_id) is None:
        raise Http404
    hours_services.end_cover(cover_id=cover_id, by=request.actor, at=clock.now())
    messages.success(request, "That cover has ended.")
    return redirect("desk:hours")


def _page(
    request: HttpRequest,
    *,
    hours_form: HoursForm | None = None,
    route_form: RouteForm | None = None,
    cover_form: CoverForm | None = None,
    status: int = 200,
) -> HttpResponse:
    at, clinic = clock.now(), accounts_selectors.clinic_of(request.actor)
    today = at.astimezone(clinic.zone).date()
    route, people = accounts_selectors.urgent_contacts(clinic.id), _people(request)
    stands = HoursForm.as_it_stands(
        accounts_selectors.hours_of(clinic.id), phone=clinic.phone, urgent_phone=clinic.urgent_phone
    )
    contacts = [Contact(row.user_id, row.minutes, row.text_to) for row in route]
    context: dict[str, Any] = {
        "hours_form": hours_form or HoursForm(initial=stands),
        "route_form": route_form or RouteForm(initial=RouteForm.as_it_stands(contacts), people=people),
        "cover_form": cover_form or CoverForm(people=people),
        "covers": present.covers(accounts_selectors.covers_of(clinic.id, on=today), today=today),
        "sentence": accounts_selectors.reading_sentence(clinic, at=at),
        "nobody": not route,
        "no_address": present.no_address(route),
        "zone": clinic.zone_name,
    }
    return TemplateResponse(request, "desk/hours.html", context, status=status)


def _people(request: HttpRequest) -> list[tuple[uuid.UUID, str]]:
    return [(member.user_id, member.user.name) for member in accounts_selectors.may_be_told(request.actor)]
