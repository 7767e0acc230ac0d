"""An alert: what a rule found, answered by a person; and everything that was set aside, with what came of it."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_POST, require_safe

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.refusals import Refused, Stale
from desk.forms.rules import DismissForm
from desk.presenters import findings as present
from desk.presenters.person import person
from titration.models import Finding, PlanChange, Prescription
from titration.selectors import findings as selectors
from titration.selectors import overrides as overrides_selectors
from titration.selectors import rules as rules_selectors
from titration.services import findings

P = policy.Permission


@require_safe
@clinic_page(P.READ_PATIENTS, action="finding.page")
def finding(request: HttpRequest, finding_id: uuid.UUID) -> HttpResponse:
    """One alert with all that it rests on, and the ways to answer it."""
    known = _known(request, finding_id)
    return _page(request, known, _form(known))


@require_POST
@clinic_page(P.HOLD, action="finding.accept_page")
def accept(request: HttpRequest, finding_id: uuid.UUID) -> HttpResponse:
    """Take the advice where no change of the plan follows from it."""
    known = _known(request, finding_id)
    return _answered(request, known, _form(known), findings.accept, "Accepted, with your name.")


@require_POST
@clinic_page(P.HOLD, action="finding.dismiss_page")
def dismiss(request: HttpRequest, finding_id: uuid.UUID) -> HttpResponse:
    """Set the alert aside, with a reason."""
    known = _known(request, finding_id)
    form = _form(known, request.POST)
    if not form.is_valid():
        return _page(request, known, form, status=422)
    said = "Set aside. It is not raised again while it stays so."
    return _answered(request, known, form, findings.dismiss, said, **form.cleaned_data)


@require_safe
@clinic_page(P.READ_PATIENTS, action="overrides.read")
def overrides(request: HttpRequest) -> HttpResponse:
    """What was gone against, newest first, and what is on record of the fortnight after."""
    found = overrides_selectors.overrides(request.actor, at=clock.now(), before=_moment(request.GET.get("before", "")))
    request.seen({one.patient.id for one in found})
    book = rules_selectors.rules_of(request.actor.clinic_id).book
    context = {
        "lines": [present.override_line(one, book, zone=request.clinic.zone) for one in found],
        "older": found[-1].at.isoformat() if len(found) == overrides_selectors.MOST else "",
    }
    return TemplateResponse(request, "desk/overrides.html", context)


def take_carried(request: HttpRequest, prescription: Prescription, *, at: datetime) -> None:
    """Accept the alert that led to the change just signed; one that cannot be is left as it stands, and that is said.

    It is carried in the address of the page that signs: `finding` and `seen`, its version. `prescription` is as it was
    before.
    """
    try:
        finding_id, seen = uuid.UUID(request.GET.get("finding", "")), int(request.GET.get("seen", ""))
    except ValueError:
        return
    signed = prescription.changes.filter(number__gte=prescription.version).order_by("number")
    # What an open procedure asks for beside the change is not it: its pause taken back before, or put anew behind.
    change = signed.exclude(kind=PlanChange.Kind.SUPERSEDE).first()
    try:
        findings.accept(finding_id=finding_id, seen_version=seen, by=request.actor, at=at, change=change)
    except Refused as refusal:
        messages.warning(request, f"The change is signed; the alert that led to it is not answered. {refusal.sentence}")


def _form(known: Finding, data: Any = None) -> DismissForm:
    return DismissForm(data, closes_the_start=known.closes_the_start)


def _known(request: HttpRequest, finding_id: uuid.UUID) -> Finding:
    known = selectors.visible_finding(request.actor, finding_id)
    if known is None:
        raise Http404
    request.seen({known.patient_id})
    return known


def _answered(
    request: HttpRequest, known: Finding, form: DismissForm, deed: Callable[..., Finding], said: str, **values: Any
) -> HttpResponse:
    typed = request.POST.get("seen_version", "")
    seen = int(typed) if typed.isdecimal() and len(typed) < len("1000000000") else 0
    try:
        deed(finding_id=known.id, seen_version=seen, by=request.actor, at=clock.now(), **values)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
        if "Confirm once more" in refusal.sentence:
            form.add_error("confirmed", refusal.sentence)
        return _page(request, _known(request, known.id), form, status=409 if isinstance(refusal, Stale) else 422)
    messages.success(request, said)
    return redirect("desk:patient", patient_id=known.patient_id)


def _page(request: HttpRequest, known: Finding, form: DismissForm, *, status: int = 200) -> HttpResponse:
    may_prescribe = policy.may(request.actor, P.PRESCRIBE)
    alert = present.alert(
        known,
        rules_selectors.rules_of(request.actor.clinic_id).book,
        zone=request.clinic.zone,
        may_hold=policy.may(request.actor, P.HOLD),
        may_prescribe=may_prescribe,
    )
    context = {
        "person": person(known.patient, at=clock.now()),
        "alert": alert,
        "form": form,
        "may_answer": policy.may(request.actor, P.HOLD),
        "may_dismiss": may_prescribe or not alert.grave,
    }
    return TemplateResponse(request, "desk/finding.html", context, status=status)


def _moment(text: str) -> datetime | None:
    """A moment from an address, if it says its zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
