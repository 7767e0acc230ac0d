"""The phones of whoever holds this one, and its PIN."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common import clock
from common.refusals import Refused
from patients import access as patients_access
from patients import selectors as patients_selectors
from patients import services as patients_services
from patients.access import Rights
from portal.forms import NewPinForm, PinForm
from portal.presenters import devices as present
from portal.views.onward import onward

_form_page = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@patients_access.patient_page(action="portal.devices", rights=Rights.PHONE)
def devices(request: HttpRequest) -> HttpResponse:
    at, phone = clock.now(), request.phone  # type: ignore[attr-defined]
    phones = patients_selectors.phones_of_holder(phone, at=at)
    page = {"phones": present.phone_lines(phones, this=phone, at=at), "has_pin": bool(phone.pin_hash)}
    return render(request, "portal/devices.html", page)


@require_POST
@patients_access.patient_page(action="portal.forget_device", rights=Rights.PHONE)
def forget(request: HttpRequest, phone_id: uuid.UUID) -> HttpResponse:
    """Stop letting another phone of the same person in."""
    at = clock.now()
    phones = patients_selectors.phones_of_holder(request.phone, at=at)  # type: ignore[attr-defined]
    phone = next((phone for phone in phones if phone.id == phone_id), None)
    if phone is None:
        raise Http404
    patients_services.forget_phone(phone=phone, by=request.actor, at=at)  # type: ignore[attr-defined]
    messages.success(request, "That phone is no longer let in.")
    return redirect("portal:devices")


@_form_page
@patients_access.patient_page(action="portal.pin", rights=Rights.PHONE, pin=False)
def pin(request: HttpRequest) -> HttpResponse:
    """Ask for the PIN at the beginning of a sitting."""
    at, phone, wanted = clock.now(), request.phone, onward(request)  # type: ignore[attr-defined]
    if not phone.pin_hash:
        return redirect(wanted)
    form = PinForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            typed = form.cleaned_data["pin"]
            patients_services.try_pin(phone=phone, typed=typed, by=request.actor, at=at)  # type: ignore[attr-defined]
            return patients_access.sit(redirect(wanted), phone, at)
        except Refused as refusal:
            form.add_error("pin", refusal.sentence)
    page = {"form": form, "onward": wanted}
    return render(request, "portal/pin.html", page, status=422 if form.is_bound else 200)


@_form_page
@patients_access.patient_page(action="portal.new_pin", rights=Rights.PHONE, pin=False, proof=True)
def new_pin(request: HttpRequest) -> HttpResponse:
    """Choose a PIN, change it or have none, after a fresh proof."""
    at, phone = clock.now(), request.phone  # type: ignore[attr-defined]
    removing = request.POST.get("remove") == "yes"
    form = NewPinForm(request.POST if request.method == "POST" and not removing else None)
    if removing or form.is_valid():
        chosen = "" if removing else form.cleaned_data["pin"]
        try:
            patients_services.set_pin(phone=phone, pin=chosen, by=request.actor, at=at)  # type: ignore[attr-defined]
        except Refused as refusal:
            form.add_error("pin", refusal.sentence)
        else:
            messages.success(request, "Your PIN is set." if chosen else "No PIN is asked for any more.")
            phone.refresh_from_db()
            return patients_access.sit(redirect("portal:devices"), phone, at)
    page = {"form": form, "has_pin": bool(phone.pin_hash)}
    return render(request, "portal/new_pin.html", page, status=422 if form.is_bound else 200)
