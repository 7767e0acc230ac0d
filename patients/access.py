"""The patient's door: a phone that was let in and is still welcome."""

import functools
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode

from accounts.access import Door, View, pass_through
from common import clock
from patients import selectors, services


def patient_page(*, action: str, proof: bool = False) -> Callable[[View], View]:
    """A page for the patient on a remembered phone; with `proof` a fresh code must have opened it.

    The view finds the phone as `request.phone` and the patient as `request.patient`.
    """

    def mark(view: View) -> View:
        @functools.wraps(view)
        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            at = clock.now()
            phone = selectors.phone_by_secret(request.COOKIES.get(settings.PHONE_COOKIE_NAME, ""), at=at)
            if phone is None:
                return render(request, "portal/unknown_phone.html", status=404)
            if proof and (phone.proved_until is None or phone.proved_until <= at):
                return redirect(f"{reverse('portal:prove')}?{urlencode({'next': request.path})}")
            request.phone = phone  # type: ignore[attr-defined]
            request.patient = phone.patient  # type: ignore[attr-defined]
            request.clinic = phone.patient.clinic  # type: ignore[attr-defined]
            actor = services.patient_actor(phone, request_id=getattr(request, "id", None))
            return pass_through(request, view, args, kwargs, actor=actor, action=action)

        door.access = Door("patient", action, proof=proof)  # type: ignore[attr-defined]
        return door

    return mark


def remember(response: HttpResponse, secret: str) -> HttpResponse:
    """Leave the phone its secret."""
    response.set_cookie(
        settings.PHONE_COOKIE_NAME,
        secret,
        max_age=90 * 24 * 3600,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )
    return response
