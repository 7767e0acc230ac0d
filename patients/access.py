"""The patient's door: a phone that was let in and is still welcome, its patient's own or a carer's."""

import enum
import functools
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode

from accounts.access import Denied, Door, Instead, View, pass_through
from accounts.actors import Actor
from accounts.middleware import FORGET
from common import clock
from common.refusals import Refused
from patients import selectors, services
from patients.models import CareGrant, Phone
from patients.services import Recognised

READING = ("GET", "HEAD", "OPTIONS")
ONLY_LOOKING = "You may look at these pages, not write on them. The patient or the clinic can change that."


class Rights(enum.StrEnum):
    """How far a carer comes on a page of the patient's."""

    OWN = "own"  # not at all: the patient alone
    VIEW = "view"  # whoever may look
    LOG = "log"  # whoever may look, looks; only who may log, writes
    GUARDIAN = "guardian"  # who may log for a child; an adult alone
    PHONE = "phone"  # the page is about the phone in the hand, whoever's it is


@dataclass(frozen=True, kw_only=True)
class Visit:
    """Who stands at the door: with which phone, and by which grant if it is a carer."""

    phone: Phone
    grant: CareGrant | None
    actor: Actor


def patient_page(
    *, action: str, proof: bool = False, rights: Rights = Rights.OWN, pin: bool = True
) -> Callable[[View], View]:
    """A page for the patient on a remembered phone; with `proof` a fresh proof must have opened it.

    `rights` lets carers in. A phone with a PIN is asked for it first, but for pages that say `pin=False`. The view
    finds the phone as `request.phone`, the patient as `request.patient` and a carer's grant as `request.grant`; on a
    page about the phone alone there is no grant, and no patient on a carer's.
    """

    def mark(view: View) -> View:
        @functools.wraps(view)
        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            at = clock.now()
            # Before the page's own transaction: a copy that was noticed stays noticed, whatever the page answers.
            own_phone(request, at)
            carers_phone(request, at)

            def enter() -> Actor:
                return _enter(request, at, proof=proof, rights=rights, pin=pin)

            return leave_secrets(request, pass_through(request, view, args, kwargs, enter=enter, action=action))

        door.access = Door("patient", action, proof=proof, rights=rights)  # type: ignore[attr-defined]
        return door

    return mark


def _enter(request: HttpRequest, at: datetime, *, proof: bool, rights: Rights, pin: bool) -> Actor:
    """Who acts on the page, once the door has looked at what the page asks."""
    visit = _visit(request, at, about_the_phone=rights is Rights.PHONE)
    if visit.grant is not None and not _carer_may_come(visit.grant, rights, at):
        raise Instead(render(request, "404.html", status=404))
    request.phone = visit.phone  # type: ignore[attr-defined]
    if pin and not services.sits(visit.phone, request.COOKIES.get(settings.SITTING_COOKIE_NAME, ""), at=at):
        raise Instead(redirect(f"{reverse('portal:pin')}?{urlencode({'next': request.path})}"))
    request.grant = visit.grant  # type: ignore[attr-defined]
    request.patient = visit.grant.patient if visit.grant else visit.phone.patient  # type: ignore[attr-defined]
    request.clinic = request.patient.clinic if request.patient else None  # type: ignore[attr-defined]
    if rights is Rights.LOG and request.method not in READING and _may_only_look(visit.grant):
        raise Denied(visit.actor, Refused(ONLY_LOOKING))
    if proof and not proved(visit.phone, at):
        raise Instead(redirect(f"{reverse('portal:prove')}?{urlencode({'next': request.path})}"))
    return visit.actor


def _carer_may_come(grant: CareGrant, rights: Rights, at: datetime) -> bool:
    """Whether the page is any carer's; one about what only an adult decides is a carer's for a child alone."""
    if rights is Rights.GUARDIAN:
        return grant.rights == CareGrant.Rights.LOG and selectors.is_child(grant.patient, at=at)
    return rights is not Rights.OWN


def proved(phone: Phone, at: datetime) -> bool:
    """Whether a fresh proof stands on this phone."""
    return phone.proved_until is not None and phone.proved_until > at


def _visit(request: HttpRequest, at: datetime, *, about_the_phone: bool) -> Visit:
    """Who knocks, or the answer to a knock that opens nothing, raised.

    A form says whom it was opened for (`whom`): a choice made meanwhile in another tab does not turn it to another
    patient. Without a choice the phone's own patient is meant, else the one person its carer looks after.
    """
    own, theirs = own_phone(request, at), carers_phone(request, at)
    chosen = _uuid(request.POST.get("whom") or request.COOKIES.get(settings.WHOM_COOKIE_NAME, ""))
    request_id = getattr(request, "id", None)
    if about_the_phone:
        phone = theirs if theirs and (chosen or not own) else own
        actor = services.holder_actor(phone, request_id=request_id) if phone else None
        if phone is None or actor is None:
            raise Instead(_unknown(request))
        return Visit(phone=phone, grant=None, actor=actor)
    if own and not chosen:
        return Visit(phone=own, grant=None, actor=services.patient_actor(own, request_id=request_id))
    if theirs is None:
        raise Instead(_unknown(request))
    grants = selectors.grants_in_force(theirs.carer_id, at=at)
    meant = [grant for grant in grants if chosen in (None, grant.id)]
    if len(meant) > 1:
        raise Instead(redirect("portal:whom"))
    if not meant:
        request.phone = theirs  # type: ignore[attr-defined]
        raise Instead(render(request, "portal/not_in_your_care.html", status=404))
    actor = services.carer_actor(meant[0], request_id=request_id)
    return Visit(phone=theirs, grant=meant[0], actor=actor)


def own_phone(request: HttpRequest, at: datetime) -> Phone | None:
    """The phone asking, if some patient's secret lies on it."""
    return _recognised(request, settings.PHONE_COOKIE_NAME, at).phone


def carers_phone(request: HttpRequest, at: datetime) -> Phone | None:
    """The phone asking, if some carer's secret lies on it."""
    return _recognised(request, settings.CARER_COOKIE_NAME, at).phone


def _recognised(request: HttpRequest, cookie: str, at: datetime) -> Recognised:
    """Asked once a request: it may offer the phone a new secret, which `leave_secrets` then puts into the answer."""
    known: dict[str, Recognised] = request.__dict__.setdefault("recognised", {})
    if cookie not in known:
        secret = request.COOKIES.get(cookie, "")
        known[cookie] = (
            services.recognise(
                secret=secret,
                carers=cookie == settings.CARER_COOKIE_NAME,
                request_id=getattr(request, "id", None),
                at=at,
            )
            if secret
            else Recognised()
        )
    return known[cookie]


def leave_secrets(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Put the new secrets that were offered in this request into its answer."""
    for cookie, known in request.__dict__.get("recognised", {}).items():
        if known.phone is not None and known.fresh_secret and cookie not in response.cookies:
            remember(response, known.phone, known.fresh_secret)
    return response


def _may_only_look(grant: CareGrant | None) -> bool:
    return grant is not None and grant.rights != CareGrant.Rights.LOG


def _unknown(request: HttpRequest) -> HttpResponse:
    """The page of a phone nobody knows; one that was turned away reads why."""
    known = request.__dict__.get("recognised", {}).values()
    why = next((one.turned_away for one in known if one.turned_away), "")
    return render(request, "portal/unknown_phone.html", {"turned_away": why}, status=404)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def remember(response: HttpResponse, phone: Phone, secret: str) -> HttpResponse:
    """Leave the phone its secret."""
    response.set_cookie(_cookie_of(phone), secret, max_age=90 * 24 * 3600, **_COOKIE)
    return response


def forget(response: HttpResponse, phone: Phone) -> HttpResponse:
    """Take a phone's secret from it, and what its browser kept of these pages."""
    response.delete_cookie(_cookie_of(phone), samesite="Lax")
    response["Clear-Site-Data"] = FORGET
    return response


def choose(response: HttpResponse, grant: CareGrant | None) -> HttpResponse:
    """Let the pages of this browser be about the patient of this grant; about its own patient without one."""
    if grant is None:
        response.delete_cookie(settings.WHOM_COOKIE_NAME, samesite="Lax")
    else:
        response.set_cookie(settings.WHOM_COOKIE_NAME, str(grant.id), max_age=90 * 24 * 3600, **_COOKIE)
    return response


def sit(response: HttpResponse, phone: Phone, at: datetime) -> HttpResponse:
    """Let a sitting begin on a phone with a PIN: until the browser is closed, or a quarter of an hour goes by."""
    if phone.pin_hash:
        secret = services.begin_sitting(phone=phone, at=at)
        response.set_cookie(settings.SITTING_COOKIE_NAME, secret, **_COOKIE)
    return response


def device_of(request: HttpRequest) -> str:
    """What a browser says it is, in two words, such as "Android, Chrome"; nothing is made of what says neither."""
    agent = request.headers.get("User-Agent", "")
    found = [next((word for mark, word in marks if mark in agent), "") for marks in (_SYSTEMS, _BROWSERS)]
    return ", ".join(word for word in found if word)


# The first mark that is found counts: Edge says Chrome too, and everybody says Safari.
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("CrOS", "Chromebook"),
    ("Linux", "Linux"),
)
_BROWSERS = (
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("Chrom", "Chrome"),
    ("CriOS", "Chrome"),
    ("Safari", "Safari"),
)


def _cookie_of(phone: Phone) -> str:
    return settings.PHONE_COOKIE_NAME if phone.carer_id is None else settings.CARER_COOKIE_NAME


_COOKIE: dict[str, Any] = {"secure": settings.HTTPS, "httponly": True, "samesite": "Lax"}
