"""Asking what a course is to show, and answering it."""

import uuid
from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.refusals import Refused
from desk.forms.trial import AnswerTrialForm, TrialForm
from desk.presenters import trial as present
from desk.presenters.person import lead_symptom
from desk.views.known_course import about, loaded, plan_of
from patients import selectors as patients_selectors
from titration.selectors import courses as courses_selectors
from titration.selectors import trials as trials_selectors
from titration.services import trials

USUAL_TRIAL = timedelta(weeks=12)
"""When a trial is usually looked at: the time to judge is 8 to 12 weeks (clinical facts 2.8 and 6, R12)."""


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(policy.Permission.PRESCRIBE, action="course.trial_page")
def trial(request: HttpRequest, prescription_id: uuid.UUID) -> HttpResponse:
    """What the course is to show and by when; below it the answer, where a question is open."""
    at = clock.now()
    prescription = loaded(request, prescription_id)
    today = courses_selectors.patient_today(prescription, at=at)
    record = patients_selectors.record_of(request.actor, prescription.patient_id)
    answering = request.POST.get("action") == "answer"
    asked = TrialForm(
        request.POST if request.method == "POST" and not answering else None,
        initial={"decide_on": today + USUAL_TRIAL, "lead_symptom": lead_symptom(record) if record else ""},
    )
    answered = AnswerTrialForm(request.POST if answering else None)
    form = answered if answering else asked
    status = 200
    if form.is_bound:
        status = 422
        if form.is_valid():
            known = {"prescription_id": prescription.id, "by": request.actor, "at": at}
            try:
                if answering:
                    trials.answer(**known, **form.cleaned_data)
                else:
                    trials.ask(**known, question=trials.Question(**form.cleaned_data))
            except Refused as refusal:
                form.add_error("words" if answering else "decide_on", refusal.sentence)
            else:
                messages.success(request, "On record. What follows for the dose is signed apart from it.")
                return redirect("desk:course", prescription_id=prescription.id)
    entries = trials_selectors.entries_of(prescription)
    context = {
        **about(plan_of(prescription, at), at),
        "form": form,
        "asked": asked,
        "answered": answered,
        "trial": present.trial(entries, today=today, zone=prescription.patient.clinic.zone),
    }
    return TemplateResponse(request, "desk/trial.html", context, status=status)
