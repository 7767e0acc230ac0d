"""The auditor's reading room: who did and who read what. To read here is itself remembered, with whom it named."""

import secrets
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from accounts import policy
from accounts import selectors as accounts_selectors
from accounts.access import clinic_page
from audit import selectors as audit_selectors
from audit import services as audit
from audit.selectors import Asked
from common import clock
from desk.forms.memory import MemoryForm
from desk.presenters import memory as present
from patients import selectors as patients_selectors

SEARCHES_KEPT = 10
SEARCHES = "memory_searches"
"""Where the session keeps what was looked for, under names that say nothing: no name stands in an address. The export
of what was found reads it there."""


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(policy.Permission.READ_MEMORY, action="memory.read")
def memory(request: HttpRequest) -> HttpResponse:
    """Newest first, narrowed by what was looked for; a search is posted and then found under its own address."""
    actor = request.actor
    people = accounts_selectors.people_of(actor.clinic_id)
    search = request.GET.get("search", "")
    kept = request.session.get(SEARCHES, {}).get(search)
    typed = request.POST if request.method == "POST" else kept["typed"] if kept else None
    form = MemoryForm(typed, people=people, zone=actor.clinic_zone)
    if form.is_bound and not form.is_valid():
        return _page(request, form, asked=None, people=dict(people), status=422)
    if request.method == "POST":
        return _remember(request, form)
    asked = Asked.from_json(kept["asked"]) if kept else Asked(clinic_id=actor.clinic_id)
    return _page(request, form, asked=asked, people=dict(people), search=search if kept else "")


def _page(
    request: HttpRequest,
    form: MemoryForm,
    *,
    asked: Asked | None,
    people: dict[Any, str],
    search: str = "",
    status: int = 200,
) -> HttpResponse:
    actor = request.actor
    events, after = audit_selectors.page_of(asked, after=request.GET.get("after", "")) if asked else ([], "")
    named = patients_selectors.named_in_memory(
        actor, {one for event in events for one in event.patient_ids[: present.NAMED_AT_ONCE]}
    )
    audit.record(
        by=actor,
        at=clock.now(),
        action="memory.read",
        patients=named,
        row_count=len(events),
        details=_narrowed_by(asked),
    )
    lines = [present.line(event, people=people, patients=named, zone=actor.clinic_zone) for event in events]
    context = {
        "form": form,
        "lines": lines,
        "search": search,
        "paged": bool(request.GET.get("after")),
        "first_url": _url(search=search),
        "next_url": _url(search=search, after=after) if after else "",
    }
    return TemplateResponse(request, "desk/memory.html", context, status=status)


def _remember(request: HttpRequest, form: MemoryForm) -> HttpResponse:
    actor = request.actor
    patient, (since, until) = form.cleaned_data["patient"], form.span()
    asked = Asked(
        clinic_id=actor.clinic_id,
        actor_id=form.actor_id(),
        actor_kind=form.actor_kind(),
        patient_ids=tuple(patients_selectors.found_in_memory(actor, patient)) if patient else None,
        actions=form.actions(),
        since=since,
        until=until,
        denied_only=form.cleaned_data["denied"],
    )
    if asked == Asked(clinic_id=actor.clinic_id):
        return redirect("desk:memory")
    kept = list(request.session.get(SEARCHES, {}).items())[-SEARCHES_KEPT + 1 :]
    search = secrets.token_urlsafe(6)
    typed = {name: str(request.POST.get(name, "")) for name in form.fields if request.POST.get(name)}
    request.session[SEARCHES] = {**dict(kept), search: {"typed": typed, "asked": asked.as_json()}}
    return redirect(_url(search=search))


def _narrowed_by(asked: Asked | None) -> dict[str, Any]:
    """By what kinds of question a search was narrowed: never by whose name."""
    if asked is None:
        return {}
    told = asked.as_json()
    return {"narrowed_by": sorted(name for name, value in told.items() if value not in (None, "", False))}


def _url(**query: str) -> str:
    told = {name: value for name, value in query.items() if value}
    return reverse("desk:memory") + (f"?{urlencode(told)}" if told else "")
