"""A patient's questionnaires: what is on record, what is due, and filling one in for them."""

import uuid
from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods, require_safe

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.refusals import Refused
from desk.forms.assessments import AssessmentForm, CrisisForm
from desk.presenters import assessments as present
from desk.presenters.days import moment
from desk.presenters.person import person
from patients import selectors as patients_selectors
from patients.models import Patient
from symptoms import crisis as crisis_words
from symptoms import instrument_files
from symptoms import selectors as symptoms_selectors
from symptoms import services as symptoms_services
from titration.selectors import assessments as assessments_selectors

P = policy.Permission


@require_safe
@clinic_page(P.READ_PATIENTS, action="assessments.page")
def assessments(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """What was answered, newest first, and what is due."""
    at, patient = clock.now(), _known(request, patient_id)
    rows = symptoms_selectors.assessments_of(patient)
    context = {
        "person": person(patient, at=at),
        "lines": present.lines(rows, zone=patient.clinic.zone),
        "offered": present.offered(instrument_files.cleared(), assessments_selectors.due_for(patient, at=at)),
        "told": symptoms_selectors.crisis_words_for(patient, at=at),
        "may_record": patient.care_ended_at is None and policy.may(request.actor, P.RECORD_RESULTS),
        "may_choose": policy.may(request.actor, P.PRESCRIBE),
    }
    return TemplateResponse(request, "desk/assessments.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.RECORD_RESULTS, action="assessments.record_page")
def assess(request: HttpRequest, patient_id: uuid.UUID, instrument: str) -> HttpResponse:
    """One questionnaire, filled in for the patient: from paper, or read out to them."""
    at, patient = clock.now(), _known(request, patient_id)
    form_of = instrument_files.find(instrument)
    if form_of is None:
        raise Http404
    today = at.astimezone(patient.zone).date()
    form = AssessmentForm(request.POST if request.method == "POST" else None, instrument=form_of, initial={"on": today})
    if request.method == "POST" and form.is_valid():
        try:
            row = symptoms_services.save_assessment(
                patient=patient,
                instrument=form_of.id,
                answers=form.answers(),
                on=form.cleaned_data["on"],
                by=request.actor,
                at=at,
            )
        except Refused as refusal:
            form.add_error(None, refusal.sentence)
        else:
            _say(request, present.score_words(row.score, form_of.highest), acted_on=bool(row.item9))
            return redirect("desk:assessments", patient_id=patient.id)
    context = {"person": person(patient, at=at), "instrument": form_of, "form": form}
    return TemplateResponse(request, "desk/assess.html", context, status=422 if form.is_bound else 200)


def _say(request: HttpRequest, score: str, *, acted_on: bool) -> None:
    if acted_on:
        messages.error(
            request,
            "Saved. The last question was answered above 0: speak with the patient today, whatever the score. "
            "What their own pages show them is below.",
        )
    else:
        messages.success(request, f"Saved: {score}.")


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.PRESCRIBE, action="crisis.page", step_up=True)
def crisis(request: HttpRequest) -> HttpResponse:
    """Whose public numbers somebody in a crisis is shown, with the words as they will read them."""
    at, chosen = clock.now(), symptoms_selectors.crisis_choice(request.actor.clinic_id)
    locale = chosen.locale if chosen else crisis_words.GENERAL
    form = CrisisForm(request.POST if request.method == "POST" else None, initial={"locale": locale})
    if request.method == "POST" and form.is_valid():
        symptoms_services.choose_crisis_words(locale=form.cleaned_data["locale"], by=request.actor, at=at)
        messages.success(request, "Saved. Patients in a crisis are shown these words from now on.")
        return redirect("desk:crisis")
    context = {
        "form": form,
        "texts": [crisis_words.words_for(code) for code in crisis_words.locales()],
        "chosen": locale,
        "who": _chosen_by(request, chosen.by_label, chosen.at) if chosen else "",
    }
    return TemplateResponse(request, "desk/crisis.html", context, status=422 if form.is_bound else 200)


def _chosen_by(request: HttpRequest, label: str, at: datetime) -> str:
    return f"{label}, {moment(at, request.clinic.zone)}"


def _known(request: HttpRequest, patient_id: uuid.UUID) -> Patient:
    patient = patients_selectors.visible_to(request.actor).select_related("clinic").filter(id=patient_id).first()
    if patient is None:
        raise Http404
    request.seen({patient.id})
    return patient
