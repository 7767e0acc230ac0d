"""How long the clinic keeps records, which ones it need not keep any longer, and erasing them."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import policy
from accounts.access import clinic_page
from accounts.services import clinics
from common import clock
from common.refusals import Refused
from desk.forms.retention import EraseForm, YearsForm
from desk.presenters import retention as present
from titration.selectors import retention
from titration.services import erasures

P = policy.Permission


@require_safe
@clinic_page(P.ERASE, action="retention.page")
def overview(request: HttpRequest) -> HttpResponse:
    """What need not be kept any longer, by record number alone, and what is being erased."""
    return _overview(request, YearsForm(initial={"years": request.clinic.retention_years}))


@require_POST
@clinic_page(P.ERASE, action="retention.years", step_up=True)
def years(request: HttpRequest) -> HttpResponse:
    """Decide how long records are kept."""
    form = YearsForm(request.POST)
    if not form.is_valid():
        return _overview(request, form, status=422)
    clinics.keep_records_for(years=form.cleaned_data["years"], by=request.actor, at=clock.now())
    messages.success(request, "Saved. The list below follows it from now on.")
    return redirect("desk:retention")


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.ERASE, action="erasure.ask_page", step_up=True)
def ask(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Ask that one record whose time is over be erased."""
    at = clock.now()
    found = retention.record_over(request.actor, patient_id, at=at)
    if found is None:
        raise Http404
    request.seen({patient_id})
    form, status = EraseForm(request.POST if request.method == "POST" else None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                erasures.ask(patient_id=patient_id, reason=form.cleaned_data["reason"], by=request.actor, at=at)
            except Refused as refusal:
                form.add_error(None, refusal.sentence)
            else:
                messages.success(request, "Asked. The list below says what happens next.")
                return redirect("desk:retention")
    line = present.over_line(found, zone=request.clinic.zone)
    return TemplateResponse(request, "desk/retention_ask.html", {"line": line, "form": form}, status=status)


@require_POST
@clinic_page(P.ERASE, action="erasure.confirm", step_up=True)
def confirm(request: HttpRequest, erasure_id: uuid.UUID) -> HttpResponse:
    """Confirm what a colleague asked for."""
    _known(request, erasure_id)
    erasures.confirm(erasure_id=erasure_id, by=request.actor, at=clock.now())
    messages.success(request, "Confirmed. The patient's way in is closed; the record goes in the next nightly run.")
    return redirect("desk:retention")


@require_POST
@clinic_page(P.ERASE, action="erasure.withdraw")
def withdraw(request: HttpRequest, erasure_id: uuid.UUID) -> HttpResponse:
    """Take an erasure back that has not been done."""
    _known(request, erasure_id)
    erasures.withdraw(erasure_id=erasure_id, by=request.actor, at=clock.now())
    messages.success(request, "Taken back. The record stays.")
    return redirect("desk:retention")


def _known(request: HttpRequest, erasure_id: uuid.UUID) -> None:
    if retention.erasure_of(request.actor, erasure_id) is None:
        raise Http404


def _overview(request: HttpRequest, form: YearsForm, *, status: int = 200) -> HttpResponse:
    at, zone = clock.now(), request.clinic.zone
    over, asked = retention.over(request.actor, at=at), retention.asked(request.actor)
    request.seen(row.patient_id for row in (*over, *asked))
    reader_id = request.actor.user_id
    return TemplateResponse(
        request,
        "desk/retention.html",
        {
            "form": form,
            "years": request.clinic.retention_years,
            "over": [present.over_line(one, zone=zone) for one in over],
            "erasures": [present.erasure_line(one, reader_id=reader_id, zone=zone, at=at) for one in asked],
        },
        status=status,
    )
