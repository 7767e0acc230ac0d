"""Procedures of a patient: entered, moved, cancelled, over, and the letter for the anaesthetist."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods, require_POST

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.refusals import Refused, Stale
from desk.forms.procedures import CancelForm, FinishForm, ProcedureForm
from desk.presenters import procedures as present
from desk.presenters.person import person
from patients import selectors as patients_selectors
from patients.models import Patient
from titration.models import Procedure
from titration.selectors import courses as courses_selectors
from titration.selectors import procedures as procedures_selectors
from titration.selectors import rules as rules_selectors
from titration.services import procedures as deeds

P = policy.Permission


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.HOLD, action="procedures.page")
def procedures(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """What is on record, and a form for one more."""
    at, patient = clock.now(), _known(request, patient_id)
    hours = _usual_hours(patient.clinic_id)
    sent = request.POST if request.method == "POST" else None
    form = ProcedureForm(sent, initial={"hours": hours}, usual_hours=hours)
    if request.method == "POST" and form.is_valid():
        try:
            found = deeds.enter(patient=patient, asked=form.asked(), by=request.actor, at=at)
        except Refused as refusal:
            form.add_error("on", refusal.sentence)
        else:
            messages.success(request, "On record. The letter for the anaesthetist is below.")
            return redirect("desk:procedure", procedure_id=found.id)
    rows = procedures_selectors.procedures_of(patient)
    told = procedures_selectors.told_days(rows)
    today = courses_selectors.patient_date(patient, at=at)
    context = {
        "person": person(patient, at=at),
        "lines": present.lines(rows, told=told, today=today),
        "form": form,
        "in_care": patient.care_ended_at is None,
    }
    return TemplateResponse(request, "desk/procedures.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.HOLD, action="procedures.one_page")
def procedure(request: HttpRequest, procedure_id: uuid.UUID) -> HttpResponse:
    """One procedure; a prescriber moves it, cancels it, or says that it is over."""
    at, row = clock.now(), _loaded(request, procedure_id)
    today, told = courses_selectors.patient_date(row.patient, at=at), procedures_selectors.told_days([row])[row.id]
    free_since_on = procedures_selectors.after(row, told, today=today).since_on
    action = request.POST.get("action", "") if request.method == "POST" else ""
    sent = {name: request.POST if action == name else None for name in ("move", "cancel", "finish")}
    forms_here: dict[str, forms.Form] = {
        "move": ProcedureForm(sent["move"], initial=_as_it_stands(row), usual_hours=_usual_hours(row.clinic_id)),
        "cancel": CancelForm(sent["cancel"]),
        "finish": FinishForm(sent["finish"], initial={"since_on": free_since_on}),
    }
    status, form = 200, forms_here.get(action)
    if request.method == "POST":
        status = 422
        if form is not None and form.is_valid():
            status = _do(request, action, form, row, at)
            if status == 302:
                return redirect("desk:procedure", procedure_id=row.id)
            row = _loaded(request, procedure_id)
    patient = row.patient
    context = {
        "person": person(patient, at=at),
        "line": present.line(row, told=told, today=today),
        "form": form,
        "moving": forms_here["move"],
        "cancelling": forms_here["cancel"],
        "finishing": forms_here["finish"],
        "may_decide": row.is_open and policy.may(request.actor, P.PRESCRIBE),
        "has_come": today >= row.on,
        "course": courses_selectors.open_prescription(patient),
    }
    return TemplateResponse(request, "desk/procedure.html", context, status=status)


def _usual_hours(clinic_id: uuid.UUID) -> int:
    """What the clinic has set for the hours between the last dose and a procedure."""
    return rules_selectors.rules_of(clinic_id).book.count("procedure_hours")


def _do(request: HttpRequest, action: str, form: Any, row: Procedure, at: datetime) -> int:
    """Do what was sent; 302 when it is done, else the status of the page that says why not."""
    seen = request.POST.get("seen_version", "")
    known: dict[str, Any] = {
        "procedure_id": row.id,
        "seen_version": int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else 0,
        "by": request.actor,
        "at": at,
    }
    done: dict[str, tuple[Callable[..., Procedure], str, dict[str, Any], str]] = {
        "move": (deeds.move, "on", {}, "Saved. A pause that has not begun has moved with it."),
        "cancel": (
            deeds.cancel,
            "reason",
            {},
            "Cancelled. A pause that has begun goes on until the plan is restarted.",
        ),
        "finish": (deeds.finish, "since_on", {}, "It is over. The plan can be restarted from its own page now."),
    }
    deed, field, more, said = done[action]
    if action == "move":
        more = {"asked": form.asked()}
    elif action == "finish":
        more = {"over": form.over()}
    else:
        more = {"reason": form.cleaned_data["reason"]}
    try:
        deed(**known, **more)
    except Stale as stale:
        form.add_error(None, stale.sentence)
        return 409
    except Refused as refusal:
        form.add_error(field, refusal.sentence)
        return 422
    messages.success(request, said)
    return 302


@require_POST
@clinic_page(P.READ_PATIENTS, action="procedures.letter_page")
def letter(request: HttpRequest, procedure_id: uuid.UUID) -> HttpResponse:
    """The letter for the anaesthetist, as a file."""
    row = _loaded(request, procedure_id)
    try:
        printed = deeds.print_letter(procedure_id=row.id, by=request.actor, at=clock.now())
    except Refused as refusal:
        messages.error(request, refusal.sentence)
        return redirect("desk:procedure", procedure_id=row.id)
    headers = {
        "Content-Disposition": 'attachment; filename="letter-anaesthetist.pdf"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return HttpResponse(printed.body, content_type="application/pdf", headers=headers)


def _as_it_stands(row: Procedure) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("on", "time", "words", "opioids_expected", "hours")}


def _known(request: HttpRequest, patient_id: uuid.UUID) -> Patient:
    patient = patients_selectors.visible_to(request.actor).select_related("clinic").filter(id=patient_id).first()
    if patient is None:
        raise Http404
    request.seen({patient.id})
    return patient


def _loaded(request: HttpRequest, procedure_id: uuid.UUID) -> Procedure:
    row = procedures_selectors.visible_procedure(request.actor, procedure_id)
    if row is None:
        raise Http404
    request.seen({row.patient_id})
    return row
