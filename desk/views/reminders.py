"""What was sent, what nobody knows, and whether the clock is alive."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from accounts import policy
from accounts.access import clinic_page
from common import clock
from desk.presenters import reminders as present
from reminders import selectors as reminders_selectors
from reminders.services import settling
from reminders.states import State

SETTLED = {
    State.SENT: "Written down: this reminder arrived.",
    State.FAILED: "Written down: this reminder did not arrive.",
}


@require_safe
@clinic_page(policy.Permission.READ_PATIENTS, action="reminders.read")
def reminders(request: HttpRequest) -> HttpResponse:
    """Uncertain ones on top, then everything that was due, newest first."""
    actor, at = request.actor, clock.now()
    state = request.GET.get("state", "")
    state = state if state in present.FILTERS else ""
    uncertain = [present.line(row) for row in reminders_selectors.uncertain(actor)]
    rows, after = reminders_selectors.page_of(actor, at=at, after=request.GET.get("after", ""), state=state)
    lines = [present.line(row) for row in rows]
    request.seen(line.patient_id for line in (*uncertain, *lines))
    return TemplateResponse(
        request,
        "desk/reminders.html",
        {
            "clock": present.clock(reminders_selectors.clock_state(at=at), at=at),
            "uncertain": uncertain,
            "lines": lines,
            "filters": present.filters(reminders_selectors.counts(actor, at=at), chosen=state),
            "state": state,
            "next_url": _url(state=state, after=after) if after else "",
            "may_settle": policy.may(actor, policy.Permission.SETTLE_REMINDERS),
        },
    )


@require_POST
@clinic_page(policy.Permission.SETTLE_REMINDERS, action="reminder.settle")
def settle(request: HttpRequest, reminder_id: uuid.UUID) -> HttpResponse:
    """Write down whether an uncertain reminder arrived; it is never sent again."""
    reminder = reminders_selectors.reminder_of(request.actor, reminder_id)
    if reminder is None:
        raise Http404
    outcome = request.POST.get("outcome", "")
    settling.settle(reminder=reminder, outcome=outcome, by=request.actor, at=clock.now())
    messages.success(request, SETTLED[State(outcome)])
    return redirect("desk:reminders")


def _url(**query: str) -> str:
    return f"{reverse('desk:reminders')}?{urlencode({name: value for name, value in query.items() if value})}"
