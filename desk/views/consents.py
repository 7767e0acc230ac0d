"""Consent at the desk: what stands, sending it to the patient, paper, printing, and the clinic's own text."""

import uuid
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods, require_POST

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.refusals import Refused, Stale
from desk.forms.consents import ConsentTextForm, PaperConsentForm, WithdrawConsentForm
from desk.presenters import consents as present
from desk.presenters.person import person
from desk.views.known import known_lastingly, known_to_read
from desk.views.telling import tell_that_something_waits
from patients import consent as consent_texts
from patients import selectors_consent
from patients.models import Patient
from patients.services import consenting
from titration.services import consent_papers

P = policy.Permission
WITHDRAW = "withdraw"


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.REGISTER_PATIENTS, action="consent.page")
def consent(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """What was signed and what is to be read; a paper is recorded here, and that somebody took their consent back."""
    at, (patient, theirs) = clock.now(), known_to_read(request, patient_id)
    request.seen({patient.id})
    withdrawing = request.POST.get("action") == WITHDRAW
    today = at.astimezone(patient.zone).date()
    paper = PaperConsentForm(
        request.POST if request.method == "POST" and not withdrawing else None, initial={"signed_on": today}
    )
    back = WithdrawConsentForm(request.POST if withdrawing else None)
    form, status = (back if withdrawing else paper), 200
    if form.is_bound:
        status = 422
        if form.is_valid():
            known = {"patient": patient, "by": request.actor, "at": at}
            try:
                if withdrawing:
                    consenting.withdraw(words=form.cleaned_data["words"], **known)
                else:
                    consenting.record_paper(seen_sha256=request.POST.get("seen", ""), **known, **form.cleaned_data)
            except Refused as refusal:
                form.add_error(None if isinstance(refusal, Stale) else form.first, refusal.sentence)
                status = 409 if isinstance(refusal, Stale) else 422
            else:
                messages.success(request, "On record.")
                return redirect("desk:consent", patient_id=patient.id)
    forms = {"form": form, "paper": paper, "back": back, "may_keep": theirs}
    return _page(request, patient, at, forms, status)


def _page(request: HttpRequest, patient: Patient, at: datetime, forms: dict[str, Any], status: int) -> HttpResponse:
    standing = selectors_consent.consent_of(patient, at=at)
    held = standing.holds
    context = {
        **forms,
        "person": person(patient, at=at),
        "badge": present.badge(standing),
        "due": standing.due,
        "is_child": standing.is_child,
        "held": consent_texts.as_shown(held.shown) if held else None,
        "shown": consenting.shown_to(patient, standing),
        "lines": present.lines(standing.rows, patient.clinic.zone),
        "reviewed": standing.text.reviewed,
        "has_address": bool(patient.email),
        "may_publish": forms["may_keep"] and policy.may(request.actor, P.EDIT_CONSENTS),
    }
    return TemplateResponse(request, "desk/consent.html", context, status=status)


@require_POST
@clinic_page(P.REGISTER_PATIENTS, action="consent.send_page")
def send(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Ask the patient to read and sign on their own page; the mail says nothing of what it is."""
    patient = known_lastingly(request, patient_id)
    request.seen({patient.id})
    consenting.ask(patient=patient, by=request.actor, at=clock.now())
    tell_that_something_waits(request, patient, stands="It stands")
    return redirect("desk:consent", patient_id=patient.id)


@require_POST
@clinic_page(P.REGISTER_PATIENTS, action="consent.print_page")
def print_consent(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """The text in force to be signed by hand, or the one that was signed, as a file."""
    patient = known_lastingly(request, patient_id)
    request.seen({patient.id})
    signed = request.POST.get("which") == "signed"
    printed = consent_papers.print_consent(patient=patient, signed=signed, by=request.actor, at=clock.now())
    return HttpResponse(
        printed.body,
        content_type="application/pdf",
        headers={
            "Content-Disposition": f'attachment; filename="{"consent-signed" if signed else "consent"}.pdf"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.EDIT_CONSENTS, action="consent.texts_page", step_up=True)
def texts(request: HttpRequest) -> HttpResponse:
    """The text in force, the versions before it, and publishing another."""
    at, actor = clock.now(), request.actor
    rows = selectors_consent.texts_of(actor)
    stands = selectors_consent.as_text(rows[0]) if rows else consent_texts.shipped()
    form = ConsentTextForm(
        request.POST if request.method == "POST" else None,
        initial={"title": stands.title, "body": stands.body, "material": not rows},
    )
    status = 200
    if form.is_bound:
        status = 422
        if form.is_valid():
            typed = request.POST.get("seen_number", "")
            seen = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0
            try:
                consenting.publish(seen_number=seen, by=actor, at=at, **form.cleaned_data)
            except Refused as refusal:
                form.add_error(None if isinstance(refusal, Stale) else "body", refusal.sentence)
                status = 409 if isinstance(refusal, Stale) else 422
            else:
                messages.success(request, "The text is in force.")
                return redirect("desk:consent_texts")
    context = {
        "form": form,
        "number": rows[0].number if rows else 0,
        "versions": present.versions(rows, actor.clinic_zone),
        "elements": consent_texts.ELEMENTS.items(),
        "shipped": not rows,
        "reviewed": stands.reviewed,
    }
    return TemplateResponse(request, "desk/consent_texts.html", context, status=status)
