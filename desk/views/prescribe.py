"""Prescribing in two steps: the schedule is shown, then what was shown is signed."""

import uuid
from datetime import datetime

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.night import Slot
from common.refusals import Refused
from desk.forms.prescribe import OPIOID_ANSWERS, PrescribeForm
from desk.presenters import schedule, suggestions
from desk.presenters import screening as present_screening
from desk.presenters.medicines import written
from desk.presenters.person import condition_names, person
from desk.presenters.plan import MODE_WORDS
from desk.views import offered as offered_templates
from desk.views.offered import Offered
from patients import selectors as patients_selectors
from patients import selectors_consent, selectors_screening
from patients.models import Patient
from patients.policy import NotScreened
from titration.engine import by_weight
from titration.engine.course import Course
from titration.engine.refusals import EngineRefusal
from titration.selectors import courses as courses_selectors
from titration.selectors import library, washout
from titration.services import courses, trials
from titration.suggestions import suggestions_for

CHANGED = "What stands below is not what was shown to you. Look at the schedule again, then sign it."
GROWN_UP_AT = 18


def _signs(request: HttpRequest) -> bool:
    return request.POST.get("action") == "sign"


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(policy.Permission.PRESCRIBE, action="patient.prescribe_page", step_up=_signs)
def prescribe(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """The form, then the form with the schedule it means and a button that signs exactly that."""
    at = clock.now()
    record = patients_selectors.record_of(request.actor, patient_id)
    if record is None:
        raise Http404
    request.seen({patient_id})
    patient = record.patient
    about, about_now = person(patient, at=at), at.astimezone(patient.zone)
    child = about.age < GROWN_UP_AT
    offered = offered_templates.templates(request, child=child)
    choice = suggestions.choice(
        offered,
        suggestions=suggestions_for([code for code, _ in record.conditions], child=child),
        reviews=library.reviews(request.actor, [version for version, _ in offered.values()]),
        chosen=request.POST.get("template", ""),
    )
    listed = washout.opioids_listed(patient)
    earliest = about_now.date() - courses.EARLIEST_START
    in_the_way = washout.obstacles(patient, start_on=earliest, at=at, among=listed)
    form = PrescribeForm(
        request.POST if request.method == "POST" else None,
        choice=choice,
        child=child,
        asks_washout=bool(in_the_way),
        opioid_listed=bool(listed),
        initial={"start_on": about_now.date()},
    )
    shown = None
    if form.is_bound and form.is_valid():
        shown = _preview(form, offered, choice, patient, at)
    status = 409 if form.non_field_errors() else 422 if form.errors else 200
    if shown is not None and request.POST.get("action") == "sign":
        refusal = _sign(request, form, offered, patient, shown, at)
        if refusal is None:
            messages.success(request, "The plan is signed. Reminders follow it from now on.")
            return redirect("desk:patient", patient_id=patient.id)
        form.add_error(*refusal)
        status = 409
    return TemplateResponse(
        request,
        "desk/prescribe.html",
        {
            "person": about,
            "conditions": condition_names(record.conditions),
            "medicines": written(record.medicines),
            "form": form,
            "in_the_way": in_the_way,
            "preview": shown,
            "screened": present_screening.state(selectors_screening.screening_of(patient), zone=patient.clinic.zone),
            "consent_due": selectors_consent.consent_due(patient, at=at),
            "open_plan": courses_selectors.open_prescription(patient) is not None,
            "open_report": courses_selectors.visible_reports(request.actor)
            .filter(patient=patient, review=None)
            .first(),
        },
        status=status,
    )


def _preview(
    form: PrescribeForm, offered: Offered, choice: suggestions.Choice, patient: Patient, at: datetime
) -> schedule.Preview | None:
    """The schedule as it would be signed, or nothing and the reason beside its field."""
    values = form.cleaned_data
    try:
        course = _checked(form, offered, patient, at)
    except courses.NotWashedOut as refusal:
        form.add_error("washout_reason", refusal.sentence)
    except NotScreened as refusal:
        form.add_error(None, refusal.sentence)
    except EngineRefusal as refusal:
        weighed = offered[values["template"]][1].needs_weight and "weight" in refusal.sentence.lower()
        form.add_error("weight_kg" if weighed else "strength", refusal.sentence)
    except Refused as refusal:
        form.add_error(_field_of(values, offered, patient), refusal.sentence)
    else:
        return schedule.preview(
            course=course,
            offered=next(shown for shown in choice.templates if shown.id == values["template"]),
            formulation=values["formulation"],
            strength=values["strength"].dose,
            typed=values["typed"],
            slot=Slot(values["slot"]),
            mode=MODE_WORDS[values["mode"]],
            opioid=OPIOID_ANSWERS[values["opioid_answer"]],
            patient=str(patient.id),
            nights=values["nights"],
            today=at.astimezone(patient.zone).date(),
        )
    return None


def _checked(form: PrescribeForm, offered: Offered, patient: Patient, at: datetime) -> Course:
    values = form.cleaned_data
    protocol = offered[values["template"]][1]
    return courses.check_new_course(
        patient=patient,
        protocol=by_weight.resolved(protocol, values["weight_kg"]) if values["weight_kg"] else protocol,
        start_on=values["start_on"],
        capsule_strength=values["formulation"].strengths[0],
        formulation=values["formulation"],
        opioid_answer=values["opioid_answer"],
        at=at,
        slot=Slot(values["slot"]),
        washout_reason=values["washout_reason"],
        **form.beginning(),
    )


def _field_of(values: dict, offered: Offered, patient: Patient) -> str | None:
    """Where a refusal is shown: at the question that blocks, above the form where the record does, at the halves that
    were not chosen, else at the date.
    """
    if values["opioid_answer"] != "no":
        return "opioid_answer"
    if offered[values["template"]][1].needs_weight and not values["weight_kg"]:
        return "weight_kg"
    if offered[values["template"]][1].is_split and values["slot"] != Slot.SPLIT:
        return "slot"
    blocked = courses_selectors.opioid_report_open([patient.id]) or courses_selectors.open_prescription(patient)
    return None if blocked else "start_on"


def _sign(
    request: HttpRequest,
    form: PrescribeForm,
    offered: Offered,
    patient: Patient,
    shown: schedule.Preview,
    at: datetime,
) -> tuple[str | None, str] | None:
    """Sign what was shown; where that could not be, the field and the sentence to read beside it."""
    if request.POST.get("shown") != shown.fingerprint:
        return None, CHANGED
    try:
        with transaction.atomic():
            _signed(request, form, offered, patient, at)
    except courses.NotWashedOut as refusal:
        return "washout_confirmed", refusal.sentence
    except Refused as refusal:
        unconfirmed = shown.confirm and not form.cleaned_data["confirmed"]
        return "confirmed" if unconfirmed else None, refusal.sentence
    return None


def _signed(request: HttpRequest, form: PrescribeForm, offered: Offered, patient: Patient, at: datetime) -> None:
    """The plan and what it is tried for, both or neither."""
    values, trial = form.cleaned_data, form.trial()
    signed = courses.prescribe(
        patient=patient,
        protocol_version=offered[values["template"]][0],
        start_on=values["start_on"],
        slot=Slot(values["slot"]),
        capsule_strength=values["formulation"].strengths[0],
        formulation=values["formulation"],
        mode=values["mode"],
        opioid_answer=values["opioid_answer"],
        confirmed=values["confirmed"],
        washout_reason=values["washout_reason"],
        washout_confirmed=values["washout_confirmed"],
        weight_kg=values["weight_kg"],
        taking_since=values["taking_since"],
        by=request.actor,
        at=at,
        **form.beginning(),
    )
    if trial is not None:
        trials.ask(prescription_id=signed.id, question=trial, by=request.actor, at=at)
