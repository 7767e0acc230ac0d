"""The ready-to-step card, and finding out what was really taken."""

import uuid
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods, require_safe

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.refusals import Refused, Stale
from desk.forms.worklist import ClarifyForm
from desk.presenters import weighing as present
from desk.presenters.person import lead_symptom, person
from desk.presenters.plan import Plan
from desk.views.known_course import loaded, plan_of
from patients import selectors as patients_selectors
from titration.engine import timeline
from titration.selectors import courses as courses_selectors
from titration.selectors import reported, weighing
from titration.selectors import supply as supply_selectors
from titration.services import reported as reported_services

P = policy.Permission


@require_safe
@clinic_page(P.READ_PATIENTS, action="course.weigh_page")
def weigh(request: HttpRequest, prescription_id: uuid.UUID) -> HttpResponse:
    """What speaks for and against the next step, and the ways on. Looking changes nothing."""
    at = clock.now()
    plan = plan_of(loaded(request, prescription_id), at)
    return TemplateResponse(request, "desk/weigh.html", {**_about(request, plan, at), "may": _may(request, plan)})


def _about(request: HttpRequest, plan: Plan, at: datetime) -> dict[str, Any]:
    prescription = plan.prescription
    patient = prescription.patient
    record = patients_selectors.record_of(request.actor, patient.id)
    if record is None:
        raise Http404
    weighed = weighing.weigh(prescription, plan.in_force, at=at)
    today = courses_selectors.patient_today(prescription, at=at)
    made = present.card(
        prescription,
        weighed,
        dose_now=timeline.dose_on(plan.in_force, max(today, plan.in_force[0].from_on)),
        supply=supply_selectors.supplies_by_rows([patient], at=at)[patient.id],
        lead=lead_symptom(record),
        findings=weighing.alerts_of(patient),
    )
    return {"person": person(patient, at=at), "course": prescription.id, "step": made, "is_open": plan.is_open}


def _may(request: HttpRequest, plan: Plan) -> dict[str, bool]:
    may = {"prescribe": policy.may(request.actor, P.PRESCRIBE), "hold": policy.may(request.actor, P.HOLD)}
    may["reach"] = policy.may(request.actor, P.KEEP_CONTACT)
    return {**may, "step": may["prescribe"] and plan.prescription.next_dose is not None}


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.HOLD, action="dose.clarify_page")
def clarify(request: HttpRequest, prescription_id: uuid.UUID) -> HttpResponse:
    """Say what was really taken, where another dose was told than was prescribed."""
    at = clock.now()
    prescription = loaded(request, prescription_id)
    form, status = ClarifyForm(request.POST if request.method == "POST" else None), 200
    if form.is_bound:
        status = 422
        if form.is_valid():
            try:
                reported_services.clarify(
                    prescription_id=prescription.id,
                    words=form.cleaned_data["words"],
                    seen=request.POST.get("seen", ""),
                    by=request.actor,
                    at=at,
                )
            except Stale as stale:
                form.add_error(None, stale.sentence)
                status = 409
            except Refused as refusal:
                form.add_error("words", refusal.sentence)
            else:
                messages.success(request, "On record. The reported doses no longer close the next step.")
                return redirect("desk:weigh", prescription_id=prescription.id)
    plan = plan_of(prescription, at)
    # Read before what the page shows: what is told in between has not been seen.
    today = courses_selectors.patient_today(prescription, at=at)
    asked = weighing.asked_of(prescription, plan.in_force, today=today)
    found = reported.clarified_of(prescription.patient_id)
    context = {**_about(request, plan, at), "form": form, "asked": asked, "found": found}
    return TemplateResponse(request, "desk/clarify.html", context, status=status)
