"""Screening a patient: the questions, sending them to the patient first, confirming, and deciding on what it says."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.refusals import Refused, Stale
from desk.forms.screening import DecisionForm, WaiveForm
from desk.presenters import screening as present
from desk.presenters.person import person
from desk.views import screening_draft
from desk.views.known import known_lastingly, known_to_read
from desk.views.telling import tell_that_something_waits
from patients import screening, selectors_screening
from patients.forms import ScreeningForm
from patients.models import Patient
from patients.screening import Asker, Item
from patients.selectors_screening import Standing
from patients.services import screening as screenings

P = policy.Permission
FROM_LAST = "last"


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.REGISTER_PATIENTS, action="screening.page")
def screen(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """The questions that matter; each saving keeps what is there, and a clinician confirms it all."""
    at, patient = clock.now(), known_lastingly(request, patient_id)
    request.seen({patient.id})
    standing = selectors_screening.screening_of(patient)
    about = selectors_screening.about(patient, at=at)
    if request.method != "POST":
        first = _first_answers(request, standing)
        note = standing.running.note if standing.running else ""
        items = screening.asked(screening.form(), first, about)
        return _page(request, patient, standing, _form(items, initial={**first, "note": note}), at)
    form = _form(screening.form().items, request.POST)
    if request.POST.get("action") == screening_draft.KEEP:
        seen = _number(request)
        return screening_draft.keep(request, patient, standing, form, about, seen_number=seen, at=at)
    if not form.is_valid():
        return _page(request, patient, standing, _only_asked(form, request, about), at, status=422)
    values = {
        "patient": patient,
        "note": form.cleaned_data["note"],
        "seen_number": _number(request),
        "by": request.actor,
        "at": at,
    }
    answers = form.answers()
    try:
        if request.POST.get("action") != "confirm":
            screenings.save(answers=answers, **values)
            messages.success(request, "Saved. Nothing is confirmed yet.")
            return redirect(reverse("desk:screening", kwargs={"patient_id": patient.id}) + _anchor(request))
        lacking = screening.missing(screening.form(), answers, about)
        if not lacking:
            screenings.confirm(answers=answers, **values)
            messages.success(request, "The screening is confirmed.")
            return redirect("desk:screening_results", patient_id=patient.id)
        form = _only_asked(form, request, about)
        form.ask_for(lacking)
        status = 422
    except Stale as stale:
        standing = selectors_screening.screening_of(patient)
        form, status = _only_asked(form, request, about), 409
        form.add_error(None, stale.sentence)
    except Refused as refusal:
        form, status = _only_asked(form, request, about), 422
        form.add_error(None, refusal.sentence)
    return _page(request, patient, standing, form, at, status=status)


def _first_answers(request: HttpRequest, standing: Standing) -> dict[str, str]:
    """What the form begins with: the round that runs, or where somebody asks for it the answers confirmed last."""
    if standing.running is None and request.GET.get("from") == FROM_LAST:
        return dict(standing.answers)
    return dict(standing.filled)


def _form(items: Sequence[Item], data: Any = None, **more: Any) -> ScreeningForm:
    return ScreeningForm(data, items=items, asker=Asker.CLINICIAN, radio_class="form-check-input", **more)


def _only_asked(form: ScreeningForm, request: HttpRequest, about: screening.About) -> ScreeningForm:
    """The same form with the questions that matter by what it says now."""
    said = {item.code: request.POST.get(item.code, "") for item in form.items}
    asked = _form(screening.asked(screening.form(), said, about), request.POST)
    asked.is_valid()
    return asked


def _page(
    request: HttpRequest, patient: Patient, standing: Standing, form: ScreeningForm, at: datetime, *, status: int = 200
) -> HttpResponse:
    context = {
        "person": person(patient, at=at),
        "form": form,
        "parts": present.parts(form, standing),
        "state": present.state(standing, zone=patient.clinic.zone),
        "number": standing.number,
        "running": standing.running,
        "confirmed": standing.confirmed,
        "reviewed": screening.form().reviewed,
        "version": screening.form().version,
        "may_confirm": policy.may(request.actor, P.SCREEN),
        "may_waive": policy.may(request.actor, P.PRESCRIBE) and standing.confirmed is None,
        "waive": WaiveForm(),
        "has_address": bool(patient.email),
    }
    return TemplateResponse(request, "desk/screening.html", context, status=status)


@require_POST
@clinic_page(P.REGISTER_PATIENTS, action="screening.send_page")
def send(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Let the patient answer first; a mail without a word of it says that there is something to answer."""
    patient = known_lastingly(request, patient_id)
    request.seen({patient.id})
    screenings.send(patient=patient, by=request.actor, at=clock.now())
    tell_that_something_waits(request, patient, stands="The questions are")
    return redirect("desk:screening", patient_id=patient.id)


@require_POST
@clinic_page(P.PRESCRIBE, action="screening.waive_page", step_up=True)
def waive(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Say why a plan begins without a screening."""
    patient = known_lastingly(request, patient_id)
    request.seen({patient.id})
    form = WaiveForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Say why it begins without a screening. Nothing was changed.")
        return redirect("desk:screening", patient_id=patient.id)
    screenings.waive(patient=patient, reason=form.cleaned_data["reason"], by=request.actor, at=clock.now())
    messages.success(request, "On record. A plan can be signed now.")
    return redirect("desk:screening", patient_id=patient.id)


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.READ_PATIENTS, action="screening.results_page", step_up=True)
def results(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """What the confirmed screening says, each with its sentence and source, and the decisions on what stops."""
    at, (patient, theirs) = clock.now(), known_to_read(request, patient_id)
    request.seen({patient.id})
    standing = selectors_screening.screening_of(patient)
    forms = {
        one.code: DecisionForm(request.POST if request.POST.get("code") == one.code else None, result=one)
        for one in standing.results
        if one.is_stop and one.code not in standing.decided
    }
    sent, status = forms.get(request.POST.get("code", "")), 200
    if request.method == "POST":
        if sent is None:
            raise Stale("There is nothing to decide on there any more. Look at the screening again.")
        status = 422
        if sent.is_valid():
            try:
                screenings.decide(
                    patient=patient,
                    code=request.POST["code"],
                    seen_number=_number(request),
                    by=request.actor,
                    at=at,
                    **sent.cleaned_data,
                )
            except Refused as refusal:
                sent.add_error("confirmed" if "Confirm once more" in refusal.sentence else "words", refusal.sentence)
                status = 409 if isinstance(refusal, Stale) else 422
            else:
                messages.success(request, "On record.")
                return redirect("desk:screening_results", patient_id=patient.id)
    shown = present.page(standing, zone=patient.clinic.zone)
    context = {
        "person": person(patient, at=at),
        "page": shown,
        "rows": [(line, forms.get(line.code)) for line in shown.lines] if shown else [],
        "state": present.state(standing, zone=patient.clinic.zone),
        "form": sent,
        "may_decide": theirs and policy.may(request.actor, P.PRESCRIBE),
        "may_ask": policy.may(request.actor, P.RECORD_RESULTS),
        "may_screen": theirs and policy.may(request.actor, P.REGISTER_PATIENTS),
    }
    return TemplateResponse(request, "desk/screening_results.html", context, status=status)


def _number(request: HttpRequest) -> int:
    typed = request.POST.get("seen_number", "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0


def _anchor(request: HttpRequest) -> str:
    """Where to go on: the part after the one that was saved."""
    codes = [section.code for section in screening.form().sections]
    saved = request.POST.get("part", "")
    return f"#part-{saved}" if saved in codes else ""
