"""Correcting where a patient's mail goes."""

import uuid

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.refusals import Stale
from desk.forms.contact import ContactForm
from desk.presenters.person import person
from desk.views.known import known_lastingly
from patients import services as patients_services
from patients.channels import address_changed
from patients.models import Patient


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(policy.Permission.REGISTER_PATIENTS, action="patient.contact_page", step_up=True)
def contact(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """The address, whether reminders go there, and when; what was typed is kept until it is right."""
    at, patient = clock.now(), known_lastingly(request, patient_id)
    form, status = _as_it_stands(patient), 200
    if request.method == "POST":
        form, status = ContactForm(request.POST, zone_name=patient.zone_name), 422
        if form.is_valid():
            try:
                left = patients_services.change_contact(patient=patient, by=request.actor, at=at, **form.cleaned_data)
            except Stale as refusal:
                patient = known_lastingly(request, patient_id)
                form, status = _typed_over(request, patient, refusal), 409
            else:
                messages.success(request, "Address and reminders are saved.")
                if left:
                    transaction.on_commit(lambda: _tell_old_address(request, left), robust=True)
                return redirect("desk:patient", patient_id=patient.id)
    request.seen({patient.id})
    return TemplateResponse(
        request,
        "desk/contact.html",
        {"person": person(patient, at=at), "email": patient.email, "contact": patient.contact, "form": form},
        status=status,
    )


def _tell_old_address(request: HttpRequest, address: str) -> None:
    """Whoever reads the old address may be the patient, who knows nothing of the change."""
    if not address_changed.send(address=address):
        messages.warning(
            request, "The mail server took no mail for the old address: tell the patient about the change yourself."
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
