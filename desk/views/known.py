"""Loading a patient for a page that lets something in or sends something out."""

import uuid

from django.http import Http404, HttpRequest

from patients import selectors as patients_selectors
from patients.models import Patient


def known_lastingly(request: HttpRequest, patient_id: uuid.UUID) -> Patient:
    """The patient, if theirs to know for longer than an emergency, with the clinic and the contact preference.

    What such a page changes stays when the hour of an emergency is over.
    """
    patient = patients_selectors.contact_of(patients_selectors.lasting(request.actor), patient_id)
    if patient is None:
        raise Http404
    return patient
