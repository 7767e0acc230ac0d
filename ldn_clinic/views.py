"""Pages that belong to no storey: health, faults, and the demonstration's front hall."""

import mailbox
import sys
from email.message import Message

from django.conf import settings
from django.contrib.auth import login
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from accounts import second_factor
from accounts.access import public_page
from accounts.addresses import counted_address
from accounts.middleware import lost_database
from accounts.models import User
from audit.services import NotRemembered
from common import clock
from ldn_clinic import breaches, csp
from ldn_clinic import demo as demo_people
from ldn_clinic import health as parts
from patients.access import choose, remember


def _health(names: list[str]) -> HttpResponse:
    at = clock.now()
    verdicts = {name: parts.ask(name, at) for name in names}
    ok = all(verdict.ok for verdict in verdicts.values())
    return JsonResponse(
        {
            "status": "ok" if ok else "trouble",
            "checks": {name: {"ok": verdict.ok, "says": verdict.says} for name, verdict in verdicts.items()},
        },
        status=200 if ok else 503,
    )


@require_safe
@public_page("health of all parts, for the operator's monitor")
def health(request: HttpRequest) -> HttpResponse:
    return _health(list(parts.CHECKS))


@require_safe
@public_page("health of this process")
def live(request: HttpRequest) -> HttpResponse:
    return _health([])


@require_safe
@public_page("health of what a page needs")
def ready(request: HttpRequest) -> HttpResponse:
    return _health(["database"])


@require_safe
@public_page("health of the reminders' clock")
def reminders_health(request: HttpRequest) -> HttpResponse:
    return _health(["worker", "beat", "reminders", "urgent"])


@csrf_exempt  # A browser sends it by itself, with no form and no token; it changes a count and nothing else.
@require_POST
@public_page("a browser reports a breach of the content policy")
def csp_reports(request: HttpRequest) -> HttpResponse:
    """Count what a browser says it blocked. Whoever sends too much or something else is told so by the status alone."""
    if breaches.too_many(counted_address(request)):
        return HttpResponse(status=429)
    if int(request.META.get("CONTENT_LENGTH") or 0) > csp.LONGEST_BODY:
        return HttpResponse(status=413)
    try:
        found = csp.read(request.body, request.content_type or "")
    except csp.NotAReport:
        return HttpResponse(status=400)
    breaches.count(found, day=clock.now().date())
    return HttpResponse(status=204)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The same page for what does not exist and for what is somebody else's."""
    return render(request, "404.html", status=404)


def fault(request: HttpRequest) -> HttpResponse:
    """A fault of ours: says what was saved (nothing of this request) and what to do.

    Outside the views, where a session is read or written, a lost database ends here too.
    """
    error = sys.exc_info()[1]
    if isinstance(error, OperationalError | InterfaceError | NotRemembered):
        return lost_database(request, error)
    return render(request, "500.html", {"request_id": getattr(request, "id", "")}, status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that came from elsewhere or from a page left open too long."""
    sentence = (
        "This page was open too long or came from elsewhere, so nothing was saved. Go back, reload and try again."
    )
    return render(request, "403.html", {"sentence": sentence}, status=403)


@require_safe
@public_page("front hall of the demonstration; demo mode only")
def demo(request: HttpRequest) -> HttpResponse:
    _demo_only()
    return render(request, "demo/hall.html", {"personas": demo_people.PERSONAS})


@require_POST
@public_page("one-click sign-in of the demonstration; demo mode only")
def demo_sign_in(request: HttpRequest) -> HttpResponse:
    _demo_only()
    username = request.POST.get("username", "")
    if username not in {persona.username for persona in demo_people.PERSONAS}:
        raise Http404
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise Http404
    request.session.flush()
    second_factor.shown_in_demonstration(request, user)
    login(request, user, backend="accounts.backends.StaffBackend")
    return redirect(settings.LOGIN_REDIRECT_URL)


@require_POST
@public_page("a demo patient's phone by one click; demo mode only")
def demo_phone(request: HttpRequest) -> HttpResponse:
    _demo_only()
    let_in = demo_people.let_in_a_phone(at=clock.now())
    if let_in is None:
        raise Http404
    return choose(remember(redirect("portal:tonight"), let_in.phone, let_in.secret), None)


@require_safe
@public_page("mail caught on this machine; demo mode only")
def demo_mail(request: HttpRequest) -> HttpResponse:
    _demo_only()
    messages = sorted(_caught().items(), key=lambda item: item[1].get_date(), reverse=True)
    rows = [{"key": key, "to": mail["To"], "subject": mail["Subject"], "date": mail["Date"]} for key, mail in messages]
    return render(request, "demo/mail.html", {"messages_caught": rows[:100], "total": len(rows)})


@require_safe
@public_page("one caught mail; demo mode only")
def demo_message(request: HttpRequest, key: str) -> HttpResponse:
    _demo_only()
    message = _caught().get(key)
    if message is None:
        raise Http404
    return render(request, "demo/message.html", {"message": message, "body": _text(message)})


def _demo_only() -> None:
    if not settings.DEMO:
        raise Http404


def _caught() -> "mailbox.Maildir":
    """The mailbox of the catcher, with the folders it makes only at its first mail."""
    for folder in ("tmp", "new", "cur"):
        (settings.MAILBOX_DIR / folder).mkdir(parents=True, exist_ok=True)
    return mailbox.Maildir(settings.MAILBOX_DIR)


def _text(message: Message) -> str:
    for part in message.walk():
        if part.get_content_type() == "text/plain":
            payload = part.get_payload(decode=True)
            return (
                payload.decode(part.get_content_charset() or "utf-8", "replace") if isinstance(payload, bytes) else ""
            )
    return ""
