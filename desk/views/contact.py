"""Correcting where a patient's mail goes."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.refusals import Stale
from desk.forms.contact import ContactForm
from desk.presenters.person import person
from patients import selectors as patients_selectors
from patients import services as patients_services
from patients.models import Patient


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(policy.Permission.REGISTER_PATIENTS, action="patient.contact_page")
def contact(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """The address, whether reminders go there, and when; what was typed is kept until it is right."""
    at, patient = clock.now(), _visible(request, patient_id)
    form, status = _as_it_stands(patient), 200
    if request.method == "POST":
        form, status = ContactForm(request.POST, zone_name=patient.zone_name), 422
        if form.is_valid():
            try:
                patients_services.change_contact(patient=patient, by=request.actor, at=at, **form.cleaned_data)
            except Stale as refusal:
                patient = _visible(request, patient_id)
                form, status = _typed_over(request, patient, refusal), 409
            else:
                messages.success(request, "Address and reminders are saved.")
                return redirect("desk:patient", patient_id=patient.id)
    request.seen({patient.id})
    return TemplateResponse(
        request,
        "desk/contact.html",
        {"person": person(patient, at=at), "email": patient.email, "contact": patient.contact, "form": form},
        status=status,
    )


def _as_it_stands(patient: Patient) -> ContactForm:
    initial = {
        "email": patient.email,
        "reminders_by_email": patient.contact.reminders_by_email,
        "log_reminder_at": patient.contact.log_reminder_at,
        "seen_version": patient.version,
    }
    return ContactForm(initial=initial, zone_name=patient.zone_name)


def _typed_over(request: HttpRequest, patient: Patient, refusal: Stale) -> ContactForm:
    """The form as typed, with the sentence, now about the record as it stands: saving again is a choice made anew."""
    typed = request.POST.copy()
    typed["seen_version"] = str(patient.version)
    form = ContactForm(typed, zone_name=patient.zone_name)
    form.is_valid()
    form.add_error(None, refusal.sentence)
    return form


def _visible(request: HttpRequest, patient_id: uuid.UUID) -> Patient:
    patient = patients_selectors.contact_of(request.actor, patient_id)
    if patient is None:
        raise Http404
    return patient
