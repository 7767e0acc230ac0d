"""What patients were given: recording it, taking a wrong row back, lots and the pharmacies that make it."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods, require_safe

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.refusals import Refused, Stale
from desk.forms.supply import FillForm, PharmacyForm, WithdrawForm
from desk.presenters import supply as present
from desk.presenters.person import person
from desk.views.known import known_lastingly
from titration.models import Pharmacy
from titration.selectors import courses as courses_selectors
from titration.selectors import supply as supply_selectors
from titration.services import supply

P = policy.Permission


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.KEEP_SUPPLY, action="fill.page")
def fill(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """What a label says, offered as the plan in force asks for it."""
    at, patient = clock.now(), known_lastingly(request, patient_id)
    current = courses_selectors.open_prescription(patient)
    form = FillForm(
        request.POST if request.method == "POST" else None,
        pharmacies=supply_selectors.pharmacies(request.actor),
        formulation=courses_selectors.formulation_of(current) if current else None,
        today=at.astimezone(patient.zone).date(),
    )
    if request.method == "POST" and form.is_valid():
        try:
            supply.record_fill(patient=patient, dispensed=form.cleaned_data["dispensed"], by=request.actor, at=at)
        except Refused as refusal:
            form.add_error(None, refusal.sentence)
        else:
            messages.success(request, "The fill is recorded, and how long the supply lasts is worked out anew.")
            return redirect("desk:patient", patient_id=patient.id)
    request.seen({patient.id})
    return TemplateResponse(
        request,
        "desk/fill.html",
        {"person": person(patient, at=at), "form": form},
        status=422 if form.is_bound else 200,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.KEEP_SUPPLY, action="fill.withdraw_page")
def withdraw_fill(request: HttpRequest, fill_id: uuid.UUID) -> HttpResponse:
    """Take a wrong row out of the count, with a reason."""
    at, row = clock.now(), supply_selectors.visible_fill(request.actor, fill_id)
    if row is None:
        raise Http404
    request.seen({row.patient_id})
    form, status = WithdrawForm(request.POST if request.method == "POST" else None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                supply.withdraw_fill(fill_id=row.id, reason=form.cleaned_data["reason"], by=request.actor, at=at)
            except Refused as refusal:
                form.add_error(None, refusal.sentence)
                status = 409
            else:
                messages.success(request, "The fill is withdrawn and counts no longer.")
                return redirect("desk:patient", patient_id=row.patient_id)
    context = {"person": person(row.patient, at=at), "form": form, "fill": present.fill_line(row)}
    return TemplateResponse(request, "desk/fill_withdraw.html", context, status=status)


@require_safe
@clinic_page(P.READ_PATIENTS, action="lots.read")
def lots(request: HttpRequest) -> HttpResponse:
    """Every lot, and with `?lot=` all patients who were given it."""
    wanted = supply_selectors.lot_key(request.GET.get("lot", "")[:60])
    fills = supply_selectors.fills_of_lot(request.actor, wanted) if wanted else []
    request.seen({row.patient_id for row in fills})
    return TemplateResponse(
        request,
        "desk/lots.html",
        {
            "wanted": fills[0].lot if fills else wanted,
            "patients": present.lot_patients(fills),
            "lots": [] if wanted else [present.lot_line(lot) for lot in supply_selectors.lots(request.actor)],
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.KEEP_SUPPLY, action="pharmacies.page")
def pharmacies(request: HttpRequest) -> HttpResponse:
    """The clinic's directory, and a form to add to it."""
    form = PharmacyForm(request.POST if request.method == "POST" else None, new=True)
    if request.method == "POST" and form.is_valid():
        try:
            supply.add_pharmacy(words=form.words(), by=request.actor, at=clock.now())
        except Refused as refusal:
            form.add_error("name", refusal.sentence)
        else:
            messages.success(request, "The pharmacy is in the directory.")
            return redirect("desk:pharmacies")
    rows = supply_selectors.pharmacies(request.actor, all_of_them=True)
    return TemplateResponse(
        request, "desk/pharmacies.html", {"pharmacies": rows, "form": form}, status=422 if form.is_bound else 200
    )


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.KEEP_SUPPLY, action="pharmacies.change_page")
def pharmacy(request: HttpRequest, pharmacy_id: uuid.UUID) -> HttpResponse:
    """Correct one pharmacy; over somebody else's newer words only once they were seen."""
    row = next((p for p in supply_selectors.pharmacies(request.actor, all_of_them=True) if p.id == pharmacy_id), None)
    if row is None:
        raise Http404
    form, status = PharmacyForm(initial=_as_it_stands(row), new=False), 200
    if request.method == "POST":
        form, status = PharmacyForm(request.POST, new=False), 422
        if form.is_valid():
            try:
                supply.change_pharmacy(
                    pharmacy_id=row.id,
                    words=form.words(),
                    asked=form.cleaned_data["asked"],
                    seen_version=form.cleaned_data["seen_version"] or 0,
                    by=request.actor,
                    at=clock.now(),
                )
            except Stale as refusal:
                form, status = _typed_over(request, row, refusal), 409
            except Refused as refusal:
                form.add_error("name", refusal.sentence)
            else:
                messages.success(request, "The pharmacy is saved.")
                return redirect("desk:pharmacies")
    return TemplateResponse(request, "desk/pharmacy.html", {"pharmacy": row, "form": form}, status=status)


def _as_it_stands(row: Pharmacy) -> dict[str, object]:
    words = {name: getattr(row, name) for name in ("name", "fax", "email", "compounds")}
    return {**words, "asked": row.left_at is None, "seen_version": row.version}


def _typed_over(request: HttpRequest, row: Pharmacy, refusal: Stale) -> PharmacyForm:
    """The form as typed, with the sentence, now about the row as it stands: saving again is a choice made anew."""
    typed = request.POST.copy()
    typed["seen_version"] = str(row.version)
    form = PharmacyForm(typed, new=False)
    form.is_valid()
    form.add_error(None, refusal.sentence)
    return form
