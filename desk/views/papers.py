"""Prescriptions on paper: written, signed, printed and followed to the pharmacy; and the patient's own schedule."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import policy
from accounts.access import clinic_page
from accounts.services import licences
from common import clock
from common.refusals import Refused
from desk.forms.papers import LicenceForm, PaperForm
from desk.presenters import papers as present
from desk.presenters.person import condition_names, person
from patients import selectors as patients_selectors
from titration.engine.planner import CannotBeMade
from titration.models import Prescription, PrescriptionPaper
from titration.selectors import courses as courses_selectors
from titration.selectors import supply as supply_selectors
from titration.services import papers
from titration.services.papers import Printed

P = policy.Permission


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.PRESCRIBE, action="paper.draft_page")
def paper_new(request: HttpRequest, prescription_id: uuid.UUID) -> HttpResponse:
    """Write a prescription from the plan as it stands."""
    at, course = clock.now(), _course(request, prescription_id)
    form = PaperForm(
        request.POST if request.method == "POST" else None,
        initial=_offer(request, course),
        pharmacies=supply_selectors.pharmacies(request.actor),
    )
    if request.method == "POST" and form.is_valid():
        try:
            made = papers.draft(prescription=course, asked=form.cleaned_data["asked"], by=request.actor, at=at)
        except CannotBeMade as refusal:
            form.add_error("strengths", f"{refusal.sentence} {refusal.offer}")
        except Refused as refusal:
            form.add_error(None, refusal.sentence)
        else:
            return redirect("desk:paper", paper_id=made.id)
    context = {"person": person(course.patient, at=at), "form": form}
    return TemplateResponse(request, "desk/paper_new.html", context, status=422 if form.is_bound else 200)


def _offer(request: HttpRequest, course: Prescription) -> dict[str, Any]:
    """What the course is made of, and what the record knows of the rest."""
    made_of = courses_selectors.formulation_of(course)
    record = patients_selectors.record_of(request.actor, course.patient_id)
    return {
        "form": made_of.form.value,
        "strengths": " and ".join(strength.text for strength in made_of.strengths),
        "scored": made_of.scored,
        "filler": made_of.filler.value,
        "indication": ", ".join(condition_names(record.conditions)) if record else "",
    }


@require_safe
@clinic_page(P.READ_PATIENTS, action="paper.page")
def paper(request: HttpRequest, paper_id: uuid.UUID) -> HttpResponse:
    """One prescription: its words, what happened to it, and what may follow."""
    row = _paper(request, paper_id)
    zone = request.actor.clinic_zone
    return TemplateResponse(
        request,
        "desk/paper.html",
        {
            "person": person(row.patient, at=clock.now()),
            "paper": present.page(
                row,
                supply_selectors.happened_to(row),
                course_version=row.prescription.version,
                zone=zone,
            ),
            "may_sign": policy.may(request.actor, P.PRESCRIBE),
            "may_supply": policy.may(request.actor, P.KEEP_SUPPLY),
        },
    )


@require_POST
@clinic_page(P.PRESCRIBE, action="paper.sign_page", step_up=True)
def sign_paper(request: HttpRequest, paper_id: uuid.UUID) -> HttpResponse:
    """Sign what was seen."""
    row = _paper(request, paper_id)
    try:
        seen = request.POST.get("fingerprint", "")
        papers.sign(paper_id=row.id, seen_fingerprint=seen, by=request.actor, at=clock.now())
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, "The prescription is signed.")
    return redirect("desk:paper", paper_id=row.id)


@require_POST
@clinic_page(P.KEEP_SUPPLY, action="paper.move_page")
def move_paper(request: HttpRequest, paper_id: uuid.UUID) -> HttpResponse:
    """Note how far it has come."""
    row = _paper(request, paper_id)
    try:
        papers.move(paper_id=row.id, to=request.POST.get("to", ""), by=request.actor, at=clock.now())
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, "That is noted.")
    return redirect("desk:paper", paper_id=row.id)


@require_POST
@clinic_page(P.KEEP_SUPPLY, action="paper.print_page")
def print_paper(request: HttpRequest, paper_id: uuid.UUID) -> HttpResponse:
    """The prescription as a file; printing it is remembered with the file's hash."""
    row = _paper(request, paper_id)
    try:
        printed = papers.print_paper(paper_id=row.id, by=request.actor, at=clock.now())
    except Refused as refusal:
        messages.error(request, refusal.sentence)
        return redirect("desk:paper", paper_id=row.id)
    return _file(printed, f"prescription-{row.number}.pdf")


@require_POST
@clinic_page(P.KEEP_SUPPLY, action="schedule.print_page")
def print_schedule(request: HttpRequest, prescription_id: uuid.UUID) -> HttpResponse:
    """The patient's own dated schedule, as a file."""
    course = _course(request, prescription_id)
    large = request.POST.get("size") == "large"
    try:
        printed = papers.print_schedule(prescription=course, large=large, by=request.actor, at=clock.now())
    except Refused as refusal:
        messages.error(request, refusal.sentence)
        return redirect("desk:patient", patient_id=course.patient_id)
    return _file(printed, "schedule-large.pdf" if large else "schedule.pdf")


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.PRESCRIBE, action="licence.page", step_up=True)
def licence(request: HttpRequest) -> HttpResponse:
    """One's own licence and NPI, as prescriptions say them."""
    stands = {"licence": request.user.licence, "npi": request.user.npi}
    form = LicenceForm(request.POST if request.method == "POST" else None, initial=stands)
    if request.method == "POST" and form.is_valid():
        try:
            licences.write_down(**form.cleaned_data, by=request.actor, at=clock.now())
        except Refused as refusal:
            form.add_error("npi", refusal.sentence)
        else:
            messages.success(request, "Your licence is written down. Prescriptions you sign from now on say it.")
            return redirect("desk:licence")
    return TemplateResponse(request, "desk/licence.html", {"form": form}, status=422 if form.is_bound else 200)


def _file(printed: Printed, name: str) -> HttpResponse:
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return HttpResponse(printed.body, content_type="application/pdf", headers=headers)


def _course(request: HttpRequest, prescription_id: uuid.UUID) -> Prescription:
    lasting = patients_selectors.lasting(request.actor)
    found = courses_selectors.visible_prescriptions(lasting).filter(id=prescription_id).select_related("patient")
    course = found.prefetch_related("changes").first()
    if course is None:
        raise Http404
    request.seen({course.patient_id})
    return course


def _paper(request: HttpRequest, paper_id: uuid.UUID) -> PrescriptionPaper:
    row = supply_selectors.visible_paper(request.actor, paper_id)
    if row is None:
        raise Http404
    request.seen({row.patient_id})
    return row
