"""What every page about one course begins with: finding it, and saying whose it is and what is in force."""

import uuid
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest

from desk.presenters.history import plan_history
from desk.presenters.person import person
from desk.presenters.plan import Plan, PlanCard, plan_card
from patients import selectors as patients_selectors
from patients.models import Patient
from titration.engine import timeline
from titration.models import Prescription
from titration.selectors import courses as courses_selectors
from titration.services import courses


def loaded(request: HttpRequest, prescription_id: uuid.UUID) -> Prescription:
    """The course, if this person may know of its patient."""
    prescription = (
        courses_selectors.with_changes(courses_selectors.visible_prescriptions(request.actor))
        .filter(id=prescription_id)
        .select_related("patient__clinic", "protocol_version", "signed_by")
        .first()
    )
    if prescription is None:
        raise Http404
    request.seen({prescription.patient_id})
    return prescription


def knows_lastingly(request: HttpRequest, patient: Patient) -> bool:
    """Whether this person may know of the patient for longer than an emergency."""
    lasting = patients_selectors.visible_to(patients_selectors.lasting(request.actor))
    return patient.restricted_at is None or lasting.filter(id=patient.id).exists()


def plan_of(prescription: Prescription, at: datetime) -> Plan:
    """The course as the engine sees it today."""
    course = courses_selectors.course_of(prescription)
    today = courses_selectors.patient_today(prescription, at=at)
    return Plan(prescription, course, timeline.unfold(course), timeline.plan(course, as_of=today))


def card_of(plan: Plan, at: datetime) -> PlanCard:
    """What is in force for the next dose nobody has told of."""
    next_on = courses.next_dose_date(plan.prescription, at)
    return plan_card(plan, next_on=next_on, zone=plan.prescription.patient.clinic.zone, at=at)


def about(plan: Plan, at: datetime) -> dict[str, Any]:
    """What every page about a course shows: whose it is, what is in force, what has been signed on it."""
    patient = plan.prescription.patient
    return {
        "person": person(patient, at=at),
        "card": card_of(plan, at),
        "history": plan_history(plan, zone=patient.clinic.zone),
        "is_open": plan.is_open,
    }
