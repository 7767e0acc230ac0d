"""A patient's laboratory values: entered, listed, drawn over time, corrected."""

import uuid
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.refusals import Refused, Stale
from desk.forms.labs import LabsForm, Result
from desk.presenters import labs as present
from desk.presenters.chart import dose_bands
from desk.presenters.person import person
from desk.views.known_course import plan_of
from patients import lab_selectors
from patients import selectors as patients_selectors
from patients.models import LabResult, Patient
from patients.services import labs as deeds
from titration.selectors import courses as courses_selectors
from titration.selectors import labs as labs_selectors

P = policy.Permission


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.RECORD_RESULTS, action="labs.page")
def labs(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """What is on record, what is due, and a form for a report."""
    at, patient = clock.now(), _known(request, patient_id)
    rows = lab_selectors.lab_results_of(patient)
    form = LabsForm(request.POST if request.method == "POST" else None, initial=_usual(rows))
    if request.method == "POST" and form.is_valid():
        try:
            found = deeds.record_labs(patient=patient, values=form.values(), by=request.actor, at=at)
        except Refused as refusal:
            form.add_error("taken_on" if "sample" in refusal.sentence else None, refusal.sentence)
        else:
            messages.success(request, f"{len(found)} {'value is' if len(found) == 1 else 'values are'} on record.")
            return redirect("desk:labs", patient_id=patient.id)
    context = {
        "person": person(patient, at=at),
        "lines": present.lines(rows, zone=patient.clinic.zone),
        "due": present.due_lines(labs_selectors.due_for(patient, at=at)),
        "chart": present.chart(rows, _bands(patient, at), today=courses_selectors.patient_date(patient, at=at)),
        "said": present.said(rows),
        "form": form,
        "in_care": patient.care_ended_at is None,
    }
    return TemplateResponse(request, "desk/labs.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.RECORD_RESULTS, action="labs.correct_page")
def lab_correct(request: HttpRequest, lab_id: uuid.UUID) -> HttpResponse:
    """Put one value right, or take it back."""
    at, row = clock.now(), lab_selectors.visible_lab(request.actor, lab_id)
    if row is None or row.value is None:
        raise Http404
    request.seen({row.patient_id})
    taking_back = request.POST.get("action") == "take_back"
    form = LabsForm(
        request.POST if request.method == "POST" and not taking_back else None,
        only=row.code,
        initial=_as_it_stands(row),
    )
    status = 200
    if taking_back or form.is_bound:
        status = 422
        if taking_back or form.is_valid():
            try:
                value = None if taking_back else form.values()[0]
                deeds.correct_lab(result_id=row.id, value=value, by=request.actor, at=at)
            except Stale as stale:
                status = 409
                messages.error(request, stale.sentence)
            except Refused as refusal:
                messages.error(request, refusal.sentence)
            else:
                messages.success(request, "Corrected. What was written before stays readable.")
                return redirect("desk:labs", patient_id=row.patient_id)
    (line,) = present.lines([_not_replaced(row)], zone=row.patient.clinic.zone)
    context = {"person": person(row.patient, at=at), "line": line, "form": form}
    return TemplateResponse(request, "desk/lab_correct.html", context, status=status)


def _not_replaced(row: LabResult) -> LabResult:
    row.replaced_at = None
    return row


def _bands(patient: Patient, at: datetime) -> list[Any]:
    plans = [plan_of(row, at) for row in courses_selectors.prescriptions_of(patient)]
    return dose_bands(plans, courses_selectors.patient_date(patient, at=at))


def _usual(rows: list[LabResult]) -> dict[str, Any]:
    """Unit and range as the newest value of each test had them: a clinic's laboratory seldom changes."""
    initial: dict[str, Any] = {}
    for row in reversed(rows):
        if row.value is not None and row.replaced_at is None:
            initial |= {f"unit_{row.code}": row.unit, f"low_{row.code}": row.low, f"high_{row.code}": row.high}
    return initial


def _as_it_stands(row: LabResult) -> dict[str, Any]:
    known = {"value": Result(row.value, row.comparator), "unit": row.unit, "low": row.low, "high": row.high}
    return {"taken_on": row.taken_on, **{f"{name}_{row.code}": value for name, value in known.items()}}


def _known(request: HttpRequest, patient_id: uuid.UUID) -> Patient:
    patient = patients_selectors.visible_to(request.actor).select_related("clinic").filter(id=patient_id).first()
    if patient is None:
        raise Http404
    request.seen({patient.id})
    return patient
