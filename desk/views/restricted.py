"""Who may open a record: closing it to all but a care team, changing the team, opening it again."""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.refusals import Refused
from desk.forms.restricted import AddMemberForm, RestrictForm
from desk.presenters import restricted as present
from desk.presenters.person import person
from patients import care_team
from patients import selectors as patients_selectors
from patients.services import restricted as deeds

P = policy.Permission


@require_safe
@clinic_page(P.RESTRICT_RECORDS, action="record.access_page")
def access(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Who may open this record now, and how to change that."""
    return _access_page(request, _access(request, patient_id))


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.RESTRICT_RECORDS, action="record.restrict_page", step_up=True)
def restrict(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Close the record to all but a team."""
    found = _access(request, patient_id)
    if found.restricted_at is not None:
        return redirect("desk:patient_access", patient_id=patient_id)
    others = [one for one in care_team.colleagues(request.actor) if one.user_id != request.actor.user_id]
    form, status = RestrictForm(request.POST if request.method == "POST" else None, colleagues=others), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            team = {uuid.UUID(user_id) for user_id in form.cleaned_data["team"]}
            reason = form.cleaned_data["reason"]
            if _done(request, deeds.restrict, form, patient_id=patient_id, team=team, reason=reason):
                messages.success(request, "The record is restricted: only the care team can find it now.")
                return redirect("desk:patient_access", patient_id=patient_id)
    context = {"person": person(found.patient, at=clock.now()), "form": form}
    return TemplateResponse(request, "desk/restrict.html", context, status=status)


@require_POST
@clinic_page(P.RESTRICT_RECORDS, action="record.team_add", step_up=True)
def add(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Let one more colleague open the record."""
    found = _access(request, patient_id)
    form = _add_form(request, found, request.POST)
    if form.is_valid():
        user_id = uuid.UUID(form.cleaned_data["user_id"])
        if _done(request, deeds.add_member, form, patient_id=patient_id, user_id=user_id):
            messages.success(request, "The record is open to one more colleague.")
            return redirect("desk:patient_access", patient_id=patient_id)
    return _access_page(request, found, form=form, status=422)


@require_POST
@clinic_page(P.RESTRICT_RECORDS, action="record.team_remove", step_up=True)
def remove(request: HttpRequest, patient_id: uuid.UUID, user_id: uuid.UUID) -> HttpResponse:
    """Close the record to one colleague; who takes themself off the team cannot find it any more."""
    found = _access(request, patient_id)
    if user_id not in {member.user_id for member in found.team}:
        raise Http404
    deeds.remove_member(patient_id=patient_id, user_id=user_id, by=request.actor, at=clock.now())
    messages.success(request, "The record is closed to this colleague.")
    if user_id == request.actor.user_id:
        return redirect("desk:patients")
    return redirect("desk:patient_access", patient_id=patient_id)


@require_POST
@clinic_page(P.RESTRICT_RECORDS, action="record.open_again", step_up=True)
def open_again(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Open the record to the whole clinic again."""
    _access(request, patient_id)
    deeds.open_again(patient_id=patient_id, by=request.actor, at=clock.now())
    messages.success(request, "The record is open again to everyone of your clinic who reads records.")
    return redirect("desk:patient_access", patient_id=patient_id)


def _access_page(
    request: HttpRequest, found: care_team.Access, *, form: AddMemberForm | None = None, status: int = 200
) -> HttpResponse:
    form = form or _add_form(request, found)
    return TemplateResponse(
        request,
        "desk/access.html",
        {
            "person": person(found.patient, at=clock.now()),
            "team": present.team(found, request.actor),
            "form": form,
            "somebody_left": len(form.fields["user_id"].choices) > 1,
        },
        status=status,
    )


def _add_form(request: HttpRequest, found: care_team.Access, typed: Any = None) -> AddMemberForm:
    there = {member.user_id for member in found.team}
    return AddMemberForm(
        typed, colleagues=[one for one in care_team.colleagues(request.actor) if one.user_id not in there]
    )


def _done(request: HttpRequest, deed: Callable[..., None], form: Any, **values: Any) -> bool:
    """Do it; where it is refused the form says why."""
    try:
        deed(by=request.actor, at=clock.now(), **values)
    except Refused as refusal:
        form.add_error(None, refusal.sentence)
        return False
    return True


def _access(request: HttpRequest, patient_id: uuid.UUID) -> care_team.Access:
    """An emergency does not make somebody one of those who say who may open the record."""
    found = care_team.access_of(patients_selectors.lasting(request.actor), patient_id)
    if found is None:
        raise Http404
    request.seen({patient_id})
    return found
