"""The doors: an invitation opened, a proof given, a phone forgotten."""

from datetime import datetime
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import public_page
from accounts.addresses import client_address
from common import clock
from common.refusals import Refused
from patients import access as patients_access
from patients import secrets
from patients import selectors as patients_selectors
from patients import services as patients_services
from patients.access import Rights
from patients.channels import code_mail
from patients.models import Invitation
from portal.forms import CodeForm, InvitationForm
from portal.views.onward import onward

_form_page = require_http_methods(["GET", "HEAD", "POST"])


@_form_page
@public_page("a patient opens their invitation")
def open_invitation(request: HttpRequest, token: str) -> HttpResponse:
    at = clock.now()
    invitation = _still_open(token, at)
    form = InvitationForm(request.POST if request.method == "POST" else None)
    if invitation is None:
        return render(request, "portal/invitation_closed.html", status=404)
    if request.method != "POST":
        return render(request, "portal/open.html", {"form": form, "clinic": invitation.patient.clinic})
    if not form.is_valid():
        return render(request, "portal/open.html", {"form": form, "clinic": invitation.patient.clinic}, status=422)
    given = {name: form.cleaned_data[name] for name in ("birth_date", "desk_code")}
    patients_services.count_try(token=token, by=request.actor, at=at)
    try:
        let_in = patients_services.open_invitation(
            token=token, device=patients_access.device_of(request), by=request.actor, at=at, **given
        )  # type: ignore[attr-defined]
    except Refused as refusal:
        if _still_open(token, at) is None:
            return render(request, "portal/invitation_closed.html", {"sentence": refusal.sentence}, status=404)
        form.add_error("birth_day" if given["birth_date"] else "desk_code", refusal.sentence)
        return render(request, "portal/open.html", {"form": form, "clinic": invitation.patient.clinic}, status=422)
    response = patients_access.remember(redirect("portal:tonight"), let_in.phone, let_in.secret)
    return patients_access.choose(response, None)


def _still_open(token: str, at: datetime) -> Invitation | None:
    """The invitation, if there is a try left in it."""
    invitation = patients_selectors.open_invitation(token, at=at)
    return invitation if invitation is not None and invitation.tries < secrets.TRIES else None


@_form_page
@patients_access.patient_page(action="portal.prove", rights=Rights.PHONE, pin=False)
def prove(request: HttpRequest) -> HttpResponse:
    at, wanted = clock.now(), onward(request, otherwise="portal:chart")
    address = patients_selectors.address_of(request.phone)  # type: ignore[attr-defined]
    form = CodeForm(request.POST if "code" in request.POST else None)
    page = {"form": form, "onward": wanted, "has_address": bool(address), "sentence": ""}
    if request.method != "POST":
        return render(request, "portal/prove.html", page)
    try:
        if "code" not in request.POST:
            return _send_code(request, address, wanted, at)
        if form.is_valid():
            given = form.cleaned_data["code"]
            patients_services.try_code(phone=request.phone, typed=given, by=request.actor, at=at)  # type: ignore[attr-defined]
            return patients_access.sit(redirect(wanted), request.phone, at)  # type: ignore[attr-defined]
    except Refused as refusal:
        if form.is_bound:
            form.add_error("code", refusal.sentence)
        else:
            page["sentence"] = refusal.sentence
    return render(request, "portal/prove.html", page, status=422)


def _send_code(request: HttpRequest, address: str, wanted: str, at: datetime) -> HttpResponse:
    if not address:
        raise Refused("Your clinic has no e-mail address of yours. Ask them to add one.")
    proof = patients_services.make_code(
        phone=request.phone,  # type: ignore[attr-defined]
        asked_from=client_address(request),
        by=request.actor,  # type: ignore[attr-defined]
        at=at,
    )
    link = f"{settings.BASE_URL}{reverse('portal:link', args=[proof.token])}?{urlencode({'next': wanted})}"
    transaction.on_commit(lambda: _mail_proof(request, address, link, proof.code), robust=True)
    return redirect(f"{reverse('portal:prove')}?{urlencode({'next': wanted})}")


def _mail_proof(request: HttpRequest, address: str, link: str, code: str) -> None:
    """After the commit, before the answer leaves: the next page says what became of the mail."""
    if code_mail.send(address=address, link=link, code=code):
        messages.success(request, "We sent you a mail with a link and a code. It can take a minute to arrive.")
    else:
        messages.error(request, "The mail could not be sent just now. Nothing is lost: send it again in a minute.")


@_form_page
@public_page("the link of a mailed proof")
def link(request: HttpRequest, link: str) -> HttpResponse:
    """A button and nothing else, whatever the link is: a program that reads mail may open it a hundred times.

    Touched in the browser that asked, it proves; in another it shows the code to type there. The token must stand in
    no Referer; yet `no-referrer` would make the browser send `Origin: null` with the button, which the check against
    forged forms refuses. `strict-origin` names the site and never the page.
    """
    if request.method == "POST":
        response = _open_link(request, link, clock.now())
    else:
        response = render(request, "portal/link.html", {"onward": onward(request, otherwise="portal:chart")})
    response["Referrer-Policy"] = "strict-origin"
    return response


def _open_link(request: HttpRequest, token: str, at: datetime) -> HttpResponse:
    for phone in filter(None, (patients_access.own_phone(request, at), patients_access.carers_phone(request, at))):
        by = patients_services.holder_actor(phone, request_id=request.actor.request_id)  # type: ignore[attr-defined]
        if patients_services.open_link(token=token, phone=phone, by=by, at=at):
            response = patients_access.sit(redirect(onward(request, otherwise="portal:chart")), phone, at)
            return patients_access.leave_secrets(request, response)
    if patients_selectors.link_is_good(token, at=at):
        return render(request, "portal/link_code.html", {"code": secrets.code_of(token)})
    return render(request, "portal/link_closed.html", status=404)


@require_POST
@patients_access.patient_page(action="portal.leave", rights=Rights.PHONE, pin=False)
def leave(request: HttpRequest) -> HttpResponse:
    phone = request.phone  # type: ignore[attr-defined]
    patients_services.forget_phone(phone=phone, by=request.actor, at=clock.now())  # type: ignore[attr-defined]
    request.phone = None  # type: ignore[attr-defined]
    return patients_access.forget(render(request, "portal/left.html"), phone)
