"""Telling a patient by mail that something waits on their page, without a word of what it is."""

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse

from patients.channels import to_answer
from patients.models import Patient


def tell_that_something_waits(request: HttpRequest, patient: Patient, *, stands: str) -> None:
    """Send the mail once the deed stands and say what became of it; `stands` says what is on the patient's page."""
    if patient.email:
        transaction.on_commit(lambda: _mail(request, patient, stands), robust=True)
    else:
        messages.warning(request, f"{stands} on the patient's page. There is no address to tell them by.")


def _mail(request: HttpRequest, patient: Patient, stands: str) -> None:
    if to_answer.send(address=patient.email, link=settings.BASE_URL + reverse("portal:tonight")):
        messages.success(request, f"{stands} on the patient's page, and a mail says so.")
    else:
        messages.error(request, f"{stands} on the patient's page. The mail server took no mail: tell them.")
