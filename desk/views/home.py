"""The first page: what waits for the clinic today."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from accounts import policy
from accounts.access import clinic_page
from common import clock
from desk.presenters import home as present
from desk.presenters import places
from desk.presenters import supply as present_supply
from reminders import selectors as reminders_selectors
from titration.selectors import courses as courses_selectors
from titration.selectors import silence, worklist
from titration.selectors import supply as supply_selectors

DAYS_AHEAD = timedelta(days=7)


@require_safe
@clinic_page(policy.Permission.READ_PATIENTS, action="worklist.read", elsewhere=places.first)
def home(request: HttpRequest) -> HttpResponse:
    """Opioid reports on top, then steps and refills due, then who is not heard from."""
    actor, at = request.actor, clock.now()
    today = at.astimezone(actor.clinic_zone).date()
    reports = [present.report(row, at=at) for row in courses_selectors.open_reports(actor)]
    due = [present.due(row, today=today) for row in worklist.due_steps(actor, until=today + DAYS_AHEAD, at=at)]
    refills = [present_supply.refill_line(row) for row in supply_selectors.refills_due(actor, at=at)]
    quiet = present.quiet(silence.silent(actor, at=at))
    shown = quiet if request.GET.get("quiet") == "all" else quiet[: present.AT_FIRST]
    request.seen(row.patient_id for row in (*reports, *due, *refills, *shown))
    return TemplateResponse(
        request,
        "desk/home.html",
        {
            "today": today,
            "reports": reports,
            "due": due,
            "ready": sum(row.ready for row in due),
            "refills": refills,
            "quiet": shown,
            "quiet_total": len(quiet),
            "quiet_nights": silence.NIGHTS,
            "clock_stopped": present.stopped_clock(reminders_selectors.last_pulse("round"), at=at),
            "may_step": policy.may(actor, policy.Permission.PRESCRIBE),
            "may_answer": policy.may(actor, policy.Permission.ANSWER_OPIOID_REPORT),
            "may_register": policy.may(actor, policy.Permission.REGISTER_PATIENTS),
        },
    )
