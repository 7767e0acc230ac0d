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
from desk.presenters.plan import Plan
from desk.views.known_course import about, loaded, plan_of
from titration.engine import timeline
from titration.selectors import courses as courses_selectors
from titration.services import courses

P = policy.Permission


@require_safe
@clinic_page(P.READ_PATIENTS, action="course.page")
def course(request: HttpRequest, prescription_id: uuid.UUID) -> HttpResponse:
    """The course's page."""
    at = clock.now()
    prescription = loaded(request, prescription_id)
    plan = plan_of(prescription, at)
    prescribes = policy.may(request.actor, P.PRESCRIBE)
    bar = offered(
        plan,
        next_on=courses.next_dose_date(prescription, at),
        prescribes=prescribes,
        holds=policy.may(request.actor, P.HOLD),
    )
    page = course_page(plan, step=next_step(plan, at), actions=bar, at=at)
    context = {**about(plan, at), "page": page, "may": {"prescribe": prescribes}}
    return TemplateResponse(request, "desk/course.html", context)


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
