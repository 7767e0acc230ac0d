"""Ask for an export, watch it being made, fetch it."""

import uuid

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts import selectors as accounts_selectors
from accounts.access import clinic_page
from accounts.policy import Permission
from audit.selectors import Asked
from common import clock
from exports import memory as memory_file
from exports import presenters, selectors, services
from exports.forms import AskForm
from patients import selectors as patients_selectors
from patients.models import Patient

SHOWN = 50
# htmx takes this status as "do not ask again".
STOP_POLLING = 286


@require_safe
@clinic_page(Permission.EXPORT, action="export.list")
def index(request: HttpRequest) -> HttpResponse:
    """The member's own exports, and the form that asks for another: of all, or of the `?patient=` it came from."""
    at, actor = clock.now(), request.actor  # type: ignore[attr-defined]
    patient = _patient(request, request.GET.get("patient", ""))
    exports = list(selectors.own(actor)[:SHOWN])
    shown = {export.patient_id for export in exports if export.patient_id} | ({patient.id} if patient else set())
    request.seen(shown)  # type: ignore[attr-defined]
    context = {
        "form": AskForm(initial={"request_key": uuid.uuid4(), "patient": patient and patient.id}),
        "patient": patient,
        "clinic": accounts_selectors.clinic_of(actor),
        "cards": [presenters.card(export, at=at) for export in exports],
    }
    return render(request, "exports/list.html", context)


def _of_everybody(request: HttpRequest) -> bool:
    """Whether no one patient is named, read as the view will read it: what is not a patient's id is everybody."""
    form = AskForm(request.POST)
    return not (form.is_valid() and form.cleaned_data["patient"])


@require_POST
@clinic_page(Permission.EXPORT, action="export.ask", step_up=_of_everybody)
def ask(request: HttpRequest) -> HttpResponse:
    """Queue it and go where it can be watched."""
    form = AskForm(request.POST)
    if not form.is_valid():
        raise Http404
    patient = _patient(request, form.cleaned_data["patient"] or "")
    export = services.ask(
        patient=patient,
        request_key=form.cleaned_data["request_key"],
        by=request.actor,  # type: ignore[attr-defined]
        at=clock.now(),
    )
    return redirect("exports:show", export.id)


@require_safe
@clinic_page(Permission.EXPORT, action="export.show")
def show(request: HttpRequest, export_id: uuid.UUID) -> HttpResponse:
    """One export with its progress. The part that is polled names no patient, so only the page itself is a reading."""
    export = get_object_or_404(selectors.own(request.actor), id=export_id)  # type: ignore[attr-defined]
    card = presenters.card(export, at=clock.now())
    if request.htmx and not request.htmx.boosted:  # type: ignore[attr-defined]
        status = 200 if card.moving else STOP_POLLING
        return render(request, "exports/_progress.html", {"card": card}, status=status)
    request.seen({export.patient_id} if export.patient_id else ())  # type: ignore[attr-defined]
    return render(request, "exports/show.html", {"card": card, "clinic": export.clinic})


@require_safe
@clinic_page(Permission.EXPORT, action="export.fetch")
def file(request: HttpRequest, export_id: uuid.UUID) -> HttpResponse | FileResponse:
    """The file, for its owner while it lasts. The deed itself remembers each fetching and whose nights left."""
    fetched = services.fetch(export_id=export_id, by=request.actor, at=clock.now())  # type: ignore[attr-defined]
    if fetched is None:
        return render(request, "404.html", status=404)
    return FileResponse(
        fetched.file,
        as_attachment=True,
        filename=f"ldn-nights-{str(export_id)[:8]}.csv",
        content_type="text/csv; charset=utf-8",
        headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"},
    )


@require_POST
@clinic_page(Permission.READ_MEMORY, action="memory.save", step_up=True)
def memory(request: HttpRequest) -> HttpResponse:
    """What the reading room found, as a file. The search lies in the session, where that room left it."""
    actor = request.actor  # type: ignore[attr-defined]
    kept = request.session.get("memory_searches", {}).get(request.POST.get("search", ""))
    asked = Asked.from_json(kept["asked"]) if kept else Asked(clinic_id=actor.clinic_id)
    if asked.clinic_id != actor.clinic_id:
        raise Http404
    at = clock.now()
    body = memory_file.take_out(asked=asked, by=actor, at=at)
    headers = {
        "Content-Disposition": f'attachment; filename="memory-{at:%Y%m%d-%H%M}.csv"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return HttpResponse(body, content_type="text/csv; charset=utf-8", headers=headers)


def _patient(request: HttpRequest, patient_id: uuid.UUID | str) -> Patient | None:
    """The patient meant, None for all; 404 for one this member may not know of, or an id that is none."""
    if not patient_id:
        return None
    try:
        wanted = uuid.UUID(str(patient_id))
    except ValueError as error:
        raise Http404 from error
    # What an emergency opens for an hour is for reading: nothing leaves by it.
    actor = patients_selectors.lasting(request.actor)  # type: ignore[attr-defined]
    return get_object_or_404(patients_selectors.visible_to(actor), id=wanted)
