"""One course on one page: what is in force, what is intended, what can be done, what was done."""

import uuid
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.refusals import Refused
from desk.presenters.actions import offered
from desk.presenters.course import course_page
from desk.presenters.deeds import StepAhead, step_ahead
from desk.presenters.papers import line as paper_line
from desk.presenters.plan import Plan
from desk.presenters.supply import Strip, strip
from desk.presenters.trial import trial
from desk.views.known_course import about, knows_lastingly, loaded, plan_of
from titration.engine import timeline
from titration.selectors import courses as courses_selectors
from titration.selectors import supply as supply_selectors
from titration.selectors import trials as trials_selectors
from titration.services import courses

P = policy.Permission


@require_safe
@clinic_page(P.READ_PATIENTS, action="course.page")
def course(request: HttpRequest, prescription_id: uuid.UUID) -> HttpResponse:
    """The course's page."""
    at = clock.now()
    prescription = loaded(request, prescription_id)
    plan, patient = plan_of(prescription, at), prescription.patient
    prescribes, theirs = policy.may(request.actor, P.PRESCRIBE), knows_lastingly(request, patient)
    bar = offered(
        plan,
        next_on=courses.next_dose_date(prescription, at),
        prescribes=prescribes,
        holds=policy.may(request.actor, P.HOLD),
    )
    page = course_page(plan, step=next_step(plan, at), actions=bar, at=at)
    context = {
        **about(plan, at),
        "page": page,
        "supply": _supply(plan, at),
        "trial": trial(
            trials_selectors.entries_of(prescription),
            today=courses_selectors.patient_today(prescription, at=at),
            zone=patient.clinic.zone,
        ),
        "papers": [paper_line(paper, zone=patient.clinic.zone) for paper in supply_selectors.papers_of(patient)],
        "may": {
            "prescribe": prescribes,
            "supply": theirs and policy.may(request.actor, P.KEEP_SUPPLY),
            "paper": theirs and prescribes,
            "export": theirs and policy.may(request.actor, P.EXPORT),
        },
    }
    return TemplateResponse(request, "desk/course.html", context)


def _supply(plan: Plan, at: datetime) -> Strip:
    """What is left of all that was dispensed, by every course of the patient."""
    patient = plan.prescription.patient
    today = courses_selectors.patient_today(plan.prescription, at=at)
    lines = [supply_selectors.line_of(row, today=today) for row in courses_selectors.prescriptions_of(patient)]
    dose = timeline.dose_on(plan.in_force, today) if plan.is_open else None
    return strip(supply_selectors.supply_of(patient, lines, at=at), dose)


def next_step(plan: Plan, at: datetime) -> StepAhead | None:
    """The next step, what the gate says, and the day it would take force; None where there is none."""
    due = timeline.next_step(plan.course)
    if due is None or not plan.is_open:
        return None
    verdict = courses_selectors.gate_of(plan.prescription, at=at)
    try:
        change = courses.check_advance(prescription=plan.prescription, at=at)
    except Refused:
        return None
    return step_ahead(plan, verdict, due=due, takes_force=change.on, at=at)
