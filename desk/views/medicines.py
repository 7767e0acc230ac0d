"""A patient's list of medicines: what was recognised and why, one more, one changed or ended."""

import uuid
from datetime import date

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.refusals import Refused, Stale
from desk.forms.medicines import MedicineForm, as_it_stands
from desk.presenters import medicines as present
from desk.presenters.person import person
from desk.views.known import known_lastingly, known_to_read
from patients import selectors as patients_selectors
from patients.models import Patient
from titration.selectors import washout
from titration.services import medicines

P = policy.Permission
TRIPPED = (
    "Saved. It is an opioid, and a plan is open: the patient’s pages say to take no dose, and reminders of doses are "
    "silent until somebody answers the report."
)


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.KEEP_MEDICINES, action="medicines.page")
def medicines_page(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """The list, and a line to write one more on; what was typed is kept until it is right."""
    at, (patient, theirs) = clock.now(), known_to_read(request, patient_id)
    today = at.astimezone(patient.zone).date()
    form, status = MedicineForm(request.POST if request.method == "POST" else None), 200
    if form.is_bound:
        status = 422
        if form.is_valid():
            try:
                tripped = medicines.add(patient=patient, entry=form.entry(), by=request.actor, at=at)
            except Refused as refusal:
                form.add_error(None, refusal.sentence)
            else:
                _say(request, tripped=tripped)
                return redirect("desk:medicines", patient_id=patient.id)
    request.seen({patient.id})
    return TemplateResponse(
        request,
        "desk/medicines.html",
        {
            "person": person(patient, at=at),
            "lines": _lines(request, patient, today),
            "form": form,
            "may_keep": theirs and patient.care_ended_at is None,
        },
        status=status,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.KEEP_MEDICINES, action="medicines.change_page")
def medicine(request: HttpRequest, patient_id: uuid.UUID, medicine_id: uuid.UUID) -> HttpResponse:
    """One line: corrected, ended by the day it was stopped, or reopened by none."""
    at, patient = clock.now(), known_lastingly(request, patient_id)
    listed = next((one for one in patients_selectors.medicines_of(patient) if one.id == medicine_id), None)
    if listed is None:
        raise Http404
    form, status = as_it_stands(listed), 200
    if request.method == "POST":
        form, status = MedicineForm(request.POST), 422
        if form.is_valid():
            try:
                tripped = medicines.change(
                    patient=patient,
                    medicine_id=medicine_id,
                    entry=form.entry(),
                    seen_version=form.seen(),
                    by=request.actor,
                    at=at,
                )
            except Stale as stale:
                form, status = _typed_over(request, listed.version, stale), 409
            except Refused as refusal:
                form.add_error(None, refusal.sentence)
            else:
                _say(request, tripped=tripped)
                return redirect("desk:medicines", patient_id=patient.id)
    request.seen({patient.id})
    today = at.astimezone(patient.zone).date()
    about = present.line(listed, today=today, zone=request.clinic.zone, washout_days=washout.days_of(request.clinic.id))
    context = {"person": person(patient, at=at), "line": about, "form": form}
    return TemplateResponse(request, "desk/medicine.html", context, status=status)


def _lines(request: HttpRequest, patient: Patient, today: date) -> list[present.Line]:
    return present.lines(
        patients_selectors.medicines_of(patient),
        today=today,
        zone=request.clinic.zone,
        washout_days=washout.days_of(request.clinic.id),
    )


def _typed_over(request: HttpRequest, version: int, refusal: Stale) -> MedicineForm:
    """The form as typed, with the sentence, now about the line as it stands: saving again is a choice made anew."""
    typed = request.POST.copy()
    typed["seen_version"] = str(version)
    form = MedicineForm(typed)
    form.is_valid()
    form.add_error(None, refusal.sentence)
    return form


def _say(request: HttpRequest, *, tripped: bool) -> None:
    if tripped:
        messages.error(request, TRIPPED)
    else:
        messages.success(request, "Saved.")
