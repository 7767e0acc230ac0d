"""Changing a course, a step at a time or several, and answering an opioid report."""

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
from desk.forms.course import AdvanceForm, AnswerReportForm, HoldForm, StopForm
from desk.presenters.days import day
from desk.presenters.deeds import HoldEffect, hold_effect, outcome
from desk.presenters.person import person
from desk.presenters.plan import PlanCard
from desk.presenters.reports import reported, reviewed
from desk.views.course import next_step
from desk.views.findings import take_carried
from desk.views.known_course import about, card_of, loaded, plan_of
from titration.models import Prescription
from titration.selectors import courses as courses_selectors
from titration.services import courses

P = policy.Permission
USUAL_HOLD_DAYS = 7
MOST_AT_ONCE = 200


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.HOLD, action="course.hold_page")
def hold(request: HttpRequest, prescription_id: uuid.UUID) -> HttpResponse:
    """Keep the dose for some days. What that moves is shown before it is signed."""
    at = clock.now()
    prescription = loaded(request, prescription_id)
    form, days, status = HoldForm(initial=_first(prescription)), USUAL_HOLD_DAYS, 200
    if request.POST.get("action") == "preview":
        form, days = _previewed(request)
    elif request.method == "POST":
        form, status = HoldForm(request.POST), 422
        if form.is_valid():
            values = {"days": form.cleaned_data["days"], "reason": form.cleaned_data["reason"]}
            refused = _refused(request, courses.hold, prescription, form, at, **values)
            if refused is None:
                take_carried(request, prescription, at=at)
                messages.success(request, "The dose is held. Later steps have moved by as many days.")
                return redirect("desk:patient", patient_id=prescription.patient_id)
            prescription, form, status = _again(request, refused, prescription, HoldForm, "days")
        days = form.cleaned_data.get("days")
    effect, no_effect = _effect_of_hold(prescription, days, at)
    return _page(
        request, "desk/hold.html", prescription, at, form=form, status=status, effect=effect, no_effect=no_effect
    )


def _previewed(request: HttpRequest) -> tuple[HoldForm, int | None]:
    """The form as typed, without faults for what is still to be filled in, and the days asked about."""
    asked = HoldForm(request.POST)
    asked.is_valid()
    if "days" in asked.errors:
        return asked, None
    typed = {name: request.POST.get(name, "") for name in asked.fields}
    return HoldForm(initial=typed), asked.cleaned_data["days"]


def _effect_of_hold(prescription: Prescription, days: int | None, at: datetime) -> tuple[HoldEffect | None, str]:
    if days is None:
        return None, ""
    try:
        change = courses.check_hold(prescription=prescription, days=days, at=at)
    except Refused as refusal:
        return None, refusal.sentence
    return hold_effect(plan_of(prescription, at), change, at=at), ""


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.PRESCRIBE, action="course.advance_page", step_up=True)
def advance(request: HttpRequest, prescription_id: uuid.UUID) -> HttpResponse:
    """Let the next step happen, with what the gate says of it."""
    at = clock.now()
    prescription = loaded(request, prescription_id)
    form, status = AdvanceForm(initial=_first(prescription)), 200
    if request.method == "POST":
        form, status = AdvanceForm(request.POST), 422
        if form.is_valid():
            refused = _refused(request, courses.advance, prescription, form, at, reason=form.cleaned_data["reason"])
            if refused is None:
                take_carried(request, prescription, at=at)
                messages.success(request, "The step is signed.")
                return redirect("desk:patient", patient_id=prescription.patient_id)
            prescription, form, status = _again(request, refused, prescription, AdvanceForm, "reason")
    step = next_step(plan_of(prescription, at), at)
    return _page(request, "desk/advance.html", prescription, at, form=form, status=status, step=step)


def _ticked(request: HttpRequest) -> bool:
    """Nobody is asked who they are to be told that nothing was ticked."""
    return bool(request.POST.getlist("course"))


@require_POST
@clinic_page(P.PRESCRIBE, action="course.advance_several", step_up=_ticked)
def advance_several(request: HttpRequest) -> HttpResponse:
    """Let several steps happen, each for itself: one that is refused takes no other with it."""
    at = clock.now()
    outcomes = []
    ticked = [(loaded(request, course), seen_version) for course, seen_version in sorted(_tickets(request))]
    for prescription, seen_version in ticked:
        next_dose = prescription.next_dose
        try:
            courses.advance(
                prescription_id=prescription.id, reason="", seen_version=seen_version, by=request.actor, at=at
            )
        except Refused as refusal:
            outcomes.append(outcome(prescription, next_dose, refusal.sentence))
        else:
            outcomes.append(outcome(prescription, next_dose, ""))
    return TemplateResponse(request, "desk/advanced.html", {"outcomes": outcomes})


def _tickets(request: HttpRequest) -> set[tuple[uuid.UUID, int]]:
    """The courses ticked and the version of each that was seen; a ticket no page of ours wrote is nobody's course."""
    try:
        pairs = [ticket.split(":", 1) for ticket in request.POST.getlist("course")[:MOST_AT_ONCE]]
        return {(uuid.UUID(course), int(version)) for course, version in pairs}
    except ValueError as error:
        raise Http404 from error


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.PRESCRIBE, action="course.stop_page")
def stop(request: HttpRequest, prescription_id: uuid.UUID) -> HttpResponse:
    """End the course from the next dose on."""
    at = clock.now()
    prescription = loaded(request, prescription_id)
    form, status = StopForm(initial=_first(prescription)), 200
    if request.method == "POST":
        form, status = StopForm(request.POST), 422
        if form.is_valid():
            refused = _refused(request, courses.stop, prescription, form, at, reason=form.cleaned_data["reason"])
            if refused is None:
                take_carried(request, prescription, at=at)
                messages.success(request, "The plan is stopped. The patient's page says so from now on.")
                return redirect("desk:patient", patient_id=prescription.patient_id)
            prescription, form, status = _again(request, refused, prescription, StopForm, "reason")
    last = day(max(courses.stop_from(prescription=prescription, at=at).on, prescription.start_on))
    return _page(request, "desk/stop.html", prescription, at, form=form, status=status, stops_on=last)


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.ANSWER_OPIOID_REPORT, action="opioid.answer_page")
def answer_report(request: HttpRequest, report_id: uuid.UUID) -> HttpResponse:
    """Answer what a patient reported: the plan goes on, or is stopped."""
    at = clock.now()
    reports = courses_selectors.visible_reports(request.actor).select_related("patient__clinic", "review__by")
    report = reports.filter(id=report_id).first()
    if report is None:
        raise Http404
    request.seen({report.patient_id})
    form, status = AnswerReportForm(request.POST if request.method == "POST" else None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                courses.answer_opioid_report(report=report, by=request.actor, at=at, **form.cleaned_data)
            except Refused as refusal:
                form.add_error(None, refusal.sentence)
                report, status = reports.get(id=report_id), 409
            else:
                messages.success(request, "The report is answered. The patient's page says so from now on.")
                return redirect("desk:patient", patient_id=report.patient_id)
    zone = report.patient.clinic.zone
    current = courses_selectors.open_prescription(report.patient)
    return TemplateResponse(
        request,
        "desk/answer_report.html",
        {
            "person": person(report.patient, at=at),
            "report": reported(report, zone=zone),
            "review": reviewed(report, zone=zone),
            "card": _card(current, report.patient, at) if current else None,
            "form": form,
        },
        status=status,
    )


def _card(prescription: Prescription, patient: Any, at: datetime) -> PlanCard:
    prescription.patient = patient
    return card_of(plan_of(prescription, at), at)


def _first(prescription: Prescription) -> dict[str, int]:
    return {"seen_version": prescription.version}


def _refused(
    request: HttpRequest,
    deed: Callable[..., Prescription],
    prescription: Prescription,
    form: forms.Form,
    at: datetime,
    **values: Any,
) -> Refused | None:
    """Do it by the version that was on the screen; the refusal if it was not done."""
    seen = form.cleaned_data["seen_version"]
    try:
        deed(prescription_id=prescription.id, seen_version=seen, by=request.actor, at=at, **values)
    except Refused as refusal:
        return refusal
    return None


def _again(
    request: HttpRequest, refusal: Refused, prescription: Prescription, form_class: type[forms.Form], field: str
) -> tuple[Prescription, forms.Form, int]:
    """The course as it stands now and the form as it was typed, with the sentence: above it where others have
    changed the course meanwhile, else at the field it is about."""
    fresh = loaded(request, prescription.id)
    typed = request.POST.copy()
    typed["seen_version"] = str(fresh.version)
    form = form_class(typed)
    form.is_valid()
    above = isinstance(refusal, Stale) or fresh.state not in Prescription.OPEN_STATES
    form.add_error(None if above else field, refusal.sentence)
    return fresh, form, 409 if above else 422


def _page(
    request: HttpRequest, template: str, prescription: Prescription, at: datetime, *, status: int, **more: Any
) -> HttpResponse:
    context = {**about(plan_of(prescription, at), at), **more}
    return TemplateResponse(request, template, context, status=status)
