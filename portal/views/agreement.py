"""What the patient, or who looks after a child, reads and signs before low-dose naltrexone; and taking it back."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from common import clock
from common.refusals import Refused, Stale
from patients import access as patients_access
from patients import consent, selectors_consent
from patients.access import Rights
from patients.models import Patient
from patients.selectors_consent import Standing
from patients.services import consenting
from portal.forms import SignForm
from portal.presenters import agreement as present


@require_http_methods(["GET", "HEAD", "POST"])
@patients_access.patient_page(action="portal.agreement", rights=Rights.GUARDIAN)
def agreement(request: HttpRequest) -> HttpResponse:
    """The text in force to be signed; where what was signed still holds, that and the way to take it back."""
    at = clock.now()
    patient: Patient = request.patient  # type: ignore[attr-defined]
    request.seen({patient.id})  # type: ignore[attr-defined]
    standing = selectors_consent.consent_of(patient, at=at)
    if request.method != "POST":
        return _page(request, patient, standing, SignForm(), at)
    if request.POST.get("action") == "withdraw":
        consenting.withdraw(patient=patient, words="", by=request.actor, at=at)  # type: ignore[attr-defined]
        messages.success(
            request, "Your agreement is taken back. Your clinic sees it; take no further dose and call them."
        )
        return redirect("portal:agreement")
    form = SignForm(request.POST)
    if not form.is_valid():
        return _page(request, patient, standing, form, at, status=422)
    try:
        consenting.sign(
            patient=patient,
            seen_sha256=request.POST.get("seen", ""),
            by=request.actor,  # type: ignore[attr-defined]
            at=at,
            **form.cleaned_data,
        )
    except Refused as refusal:
        form.add_error(None, refusal.sentence)
        return _page(request, patient, standing, form, at, status=409 if isinstance(refusal, Stale) else 422)
    messages.success(request, "Thank you. Your clinic has what you signed.")
    return redirect("portal:agreement")


def _page(
    request: HttpRequest, patient: Patient, standing: Standing, form: SignForm, at: datetime, *, status: int = 200
) -> HttpResponse:
    held = standing.holds if standing.due is None else None
    child = standing.is_child and request.grant is None  # type: ignore[attr-defined]
    page = {
        "clinic": patient.clinic,
        "form": form,
        "shown": consent.as_shown(held.shown) if held else consenting.shown_to(patient, standing),
        "held": present.held(held, patient.zone, at) if held else "",
        "why": "" if held or standing.newest is None else standing.due,
        "reviewed": standing.text.reviewed,
        "a_guardian_signs": consenting.A_GUARDIAN_SIGNS if child else "",
        "may_withdraw": standing.holds is not None and not child,
    }
    return render(request, "portal/agreement.html", page, status=status)
