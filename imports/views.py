"""Bring a table of patients along, look at what it would do, accept it, and undo it."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import policy
from accounts import selectors as accounts_selectors
from accounts.access import clinic_page
from accounts.actors import Actor
from accounts.policy import Permission
from common import clock
from imports import grid, presenters, selectors, services, template
from imports.forms import BringForm, UndoForm
from imports.models import Import
from patients import conditions

SHOWN = 50
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(Permission.IMPORT, action="import.list", takes_file=grid.MOST_BYTES)
def index(request: HttpRequest) -> HttpResponse:
    """The clinic's imports, and the form that brings another table along; what was pasted stays until it is right."""
    at, actor = clock.now(), request.actor  # type: ignore[attr-defined]
    sent = request.method == "POST"
    form = BringForm(request.POST, request.FILES) if sent else BringForm()
    if sent and form.is_valid():
        imported = services.stage(grid=form.cleaned_data["grid"], by=actor, at=at)
        if imported.accepted_at is not None:
            messages.warning(request, "This table has been imported already. Nothing was written twice.")
        return redirect("imports:show", imported.id)
    zone = accounts_selectors.clinic_of(actor).zone
    context = {
        "form": form,
        "cards": [presenters.card(one, zone, at=at) for one in selectors.imports_of(actor)[:SHOWN]],
        "guide": presenters.guide(),
        "templates": presenters.template_names(selectors.templates_for(actor)),
        "conditions": [entry.name for entry in conditions.all_conditions().values()],
    }
    return render(request, "imports/list.html", context, status=422 if sent else 200)


@require_safe
@clinic_page(Permission.IMPORT, action="import.template")
def empty_table(request: HttpRequest, kind: str) -> HttpResponse:
    """The table to fill in."""
    names = [entry.name for entry in conditions.all_conditions().values()]
    plans = presenters.template_names(selectors.templates_for(request.actor))  # type: ignore[attr-defined]
    made = {
        "csv": lambda: (template.as_csv(), "text/csv; charset=utf-8"),
        "xlsx": lambda: (template.as_xlsx(names, plans), XLSX),
    }
    if kind not in made:
        raise Http404
    content, content_type = made[kind]()
    headers = {"Content-Disposition": f'attachment; filename="patients.{kind}"', "X-Content-Type-Options": "nosniff"}
    return HttpResponse(content, content_type=content_type, headers=headers)


@require_safe
@clinic_page(Permission.IMPORT, action="import.show")
def show(request: HttpRequest, import_id: uuid.UUID) -> HttpResponse:
    """What a table would do, or what it did."""
    return _page(request, _import(request, import_id), UndoForm())


@require_POST
@clinic_page(Permission.IMPORT, action="import.accept_page", step_up=True)
def accept(request: HttpRequest, import_id: uuid.UUID) -> HttpResponse:
    """Write what was shown."""
    imported = _import(request, import_id)
    actor = request.actor  # type: ignore[attr-defined]
    imported = services.accept(import_id=imported.id, shown=request.POST.get("shown", ""), by=actor, at=clock.now())
    messages.success(request, f"{presenters.accepted(imported)} Invite each when they are ready.")
    return redirect("imports:show", imported.id)


@require_POST
@clinic_page(Permission.IMPORT, action="import.discard_page")
def discard(request: HttpRequest, import_id: uuid.UUID) -> HttpResponse:
    """Forget a table that is not wanted after all."""
    imported = _import(request, import_id)
    services.discard(import_id=imported.id, by=request.actor, at=clock.now())  # type: ignore[attr-defined]
    messages.success(request, "The table is forgotten. Nothing of it was written.")
    return redirect("imports:list")


@require_POST
@clinic_page(Permission.IMPORT, action="import.undo_page", step_up=True)
def undo(request: HttpRequest, import_id: uuid.UUID) -> HttpResponse:
    """Take an import back."""
    imported, form = _import(request, import_id), UndoForm(request.POST)
    if not form.is_valid():
        return _page(request, imported, form, status=422)
    reason, actor = form.cleaned_data["reason"], request.actor  # type: ignore[attr-defined]
    services.undo(import_id=imported.id, reason=reason, by=actor, at=clock.now())
    messages.success(request, "The import is undone. Its records are closed and are erased after a week.")
    return redirect("imports:show", imported.id)


def _import(request: HttpRequest, import_id: uuid.UUID) -> Import:
    imported: Import | None = selectors.imports_of(request.actor).filter(id=import_id).first()  # type: ignore[attr-defined]
    if imported is None:
        raise Http404
    return imported


def _may_sign(actor: Actor) -> bool:
    return policy.may(actor, Permission.PRESCRIBE)


def _against_undoing(imported: Import, changed: int, actor: Actor) -> str:
    if changed:
        return services.still_in_use(changed, imported.patients_made)
    if imported.plans_made and not _may_sign(actor):
        return "Plans were signed with this import, so a prescriber has to undo it."
    return ""


def _page(request: HttpRequest, imported: Import, form: UndoForm, *, status: int = 200) -> HttpResponse:
    at, actor = clock.now(), request.actor  # type: ignore[attr-defined]
    card = presenters.card(imported, accounts_selectors.clinic_of(actor).zone, at=at)
    context: dict[str, Any] = {"card": card, "form": form}
    if card.waiting:
        look = selectors.look(imported, by=actor, at=at)
        request.seen(one.patient.id for one in look.known)  # type: ignore[attr-defined]
        context["preview"] = presenters.preview(look, may_sign=_may_sign(actor))
    elif card.accepted:
        made = selectors.rows_of(imported, by=actor)
        request.seen(row.patient_id for row in made)  # type: ignore[attr-defined]
        changed = selectors.changed_since(imported)
        context["made"] = presenters.made(made)
        context["cannot_undo"] = _against_undoing(imported, len(changed), actor)
    return render(request, "imports/show.html", context, status=status)
