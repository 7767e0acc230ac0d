"""Loading a patient for a page whose deeds stay when the hour of an emergency is over."""

import uuid

from django.http import Http404, HttpRequest

from desk.views.known_course import knows_lastingly
from patients import selectors as patients_selectors
from patients.models import Patient


def known_lastingly(request: HttpRequest, patient_id: uuid.UUID) -> Patient:
    """The patient, if theirs to know for longer than an emergency, with the clinic and the contact preference.

    For pages that let somebody in or send something out, and for every deed of the others.
    """
    patient = patients_selectors.contact_of(patients_selectors.lasting(request.actor), patient_id)
    if patient is None:
        raise Http404
    return patient


def known_to_read(request: HttpRequest, patient_id: uuid.UUID) -> tuple[Patient, bool]:
    """The patient with the clinic and the contact preference, and whether this member may do more than read.

    An emergency opens the reading of what matters in it; whatever is sent by the page asks for lasting knowledge.
    """
    if request.method == "POST":
        return known_lastingly(request, patient_id), True
    patient = patients_selectors.contact_of(request.actor, patient_id)
    if patient is None:
        raise Http404
    return patient, knows_lastingly(request, patient)
