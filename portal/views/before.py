"""The clinic's questions before a first dose, answered by the patient: a part a page, kept as it is filled in."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.forms import BoundField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from common import clock
from common.refusals import Refused, Stale
from patients import access as patients_access
from patients import screening, selectors_screening
from patients.access import Rights
from patients.forms import Kept, ScreeningForm
from patients.models import Patient, Screening
from patients.screening import Asker
from patients.selectors_screening import Standing
from patients.services import screening as screenings
from portal.presenters import before as present
from symptoms import selectors as symptoms_selectors

State = Screening.State
KEEP = "keep"


@require_http_methods(["GET", "HEAD", "POST"])
@patients_access.patient_page(action="portal.before", rights=Rights.GUARDIAN)
def before(request: HttpRequest) -> HttpResponse:
    """One part of the questions, or at the end all answers to look over and hand to the clinic."""
    at = clock.now()
    patient: Patient = request.patient  # type: ignore[attr-defined]
    request.seen({patient.id})  # type: ignore[attr-defined]
    standing = selectors_screening.screening_of(patient)
    if not _is_asking(standing):
        if request.method == "POST":
            raise Refused(screenings.NOT_ASKED)
        page = {"clinic": patient.clinic, "standing": standing, **_at_once(patient, standing)}
        return render(request, "portal/before_none.html", page)
    if request.method == "POST":
        return _kept(request, patient, standing, at)
    path = present.path_of(_answers(standing), selectors_screening.about(patient, at=at))
    wanted = request.GET.get("part") or path.first_open
    if wanted == present.CHECK:
        return _check_page(request, patient, standing, path)
    part = path.part(wanted)
    if part is None:
        return redirect("portal:before")
    form = _form(part, initial={**_answers(standing), "note": _note(standing)})
    return _part_page(request, patient, standing, path, part, form)


def _kept(request: HttpRequest, patient: Patient, standing: Standing, at: datetime) -> HttpResponse:
    """Keep a part and go on to the next, or hand all of it to the clinic."""
    about = selectors_screening.about(patient, at=at)
    path = present.path_of(_answers(standing), about)
    finished = request.POST.get("action") == "finish"
    part = None if finished else path.part(request.POST.get("part", ""))
    if part is None and not finished:
        return redirect("portal:before")
    form = _form(part, request.POST) if part else None
    if form is not None and part is not None and request.POST.get("action") == KEEP:
        return _ticked(request, patient, standing, part, form, at)
    if form is not None and part is not None and not form.is_valid():
        return _part_page(request, patient, standing, path, part, form, status=422)
    answers = form.answers() if form else {}
    try:
        kept = screenings.tell(
            patient=patient,
            answers=answers,
            note=form.cleaned_data.get("note") if form else None,
            finished=finished,
            seen_number=_number(request),
            by=request.actor,  # type: ignore[attr-defined]
            at=at,
        )
    except Refused as refusal:
        if form is None or part is None:
            return _check_page(request, patient, standing, path, sentence=refusal.sentence, status=422)
        form.add_error(None, refusal.sentence)
        standing = selectors_screening.screening_of(patient)
        return _part_page(request, patient, standing, path, part, form, status=409)
    if finished:
        messages.success(request, "Thank you. Your clinic has your answers.")
        return redirect("portal:before")
    return redirect(_next(present.path_of(kept.answers, about), part, kept.answers))


def _ticked(
    request: HttpRequest, patient: Patient, standing: Standing, part: present.Part, form: ScreeningForm, at: datetime
) -> HttpResponse:
    """Keep what is ticked so far, before the part is sent, and bring the questions that follow from it."""
    before = _answers(standing)
    form.is_valid()
    try:
        row = screenings.tell(
            patient=patient,
            answers=form.answers(),
            note=form.cleaned_data.get("note"),
            finished=False,
            seen_number=_number(request),
            by=request.actor,  # type: ignore[attr-defined]
            at=at,
            sent=False,
        )
    except Refused as refusal:
        context = {"kept": Kept(refused=refusal.sentence), "number": _number(request)}
        return _kept_answer(request, context, status=409 if isinstance(refusal, Stale) else 422)
    brought = _brought(request, patient, part, row, at)
    kept = Kept(at=f"{at.astimezone(patient.zone):%H:%M}", faults=form.faults(), brought=len(brought))
    context = {
        "kept": kept,
        "number": row.number,
        "brought": brought,
        "clinic": patient.clinic,
        "at_once_changed": present.at_once(before) != present.at_once(row.answers),
        **_told(patient, row.answers),
    }
    return _kept_answer(request, context, status=422 if kept.faults else 200)


def _brought(
    request: HttpRequest, patient: Patient, part: present.Part, row: Screening, at: datetime
) -> list[tuple[BoundField, bool, str]]:
    """The questions of this part that follow from what was ticked, each with the code of the one it stands after."""
    about = selectors_screening.about(patient, at=at)
    shown = request.POST.getlist("shown")
    pairs = screening.brought(screening.form(), row.answers, about, shown, Asker.PATIENT)
    here = [(item, code) for item, code in pairs if item.section == part.code and shown]
    form = ScreeningForm(initial=row.answers, items=[item for item, _ in here], asker=Asker.PATIENT, with_note=False)
    return [(form[item.code], item.is_number, code) for item, code in here]


def _kept_answer(request: HttpRequest, context: dict[str, Any], *, status: int) -> HttpResponse:
    answer = render(request, "portal/_before_kept.html", context, status=status)
    answer["X-Kept"] = "yes"
    return answer


def _next(path: present.Path, part: present.Part | None, answers: dict[str, str]) -> str:
    """The same part where its answers brought more questions, else the one after it, else the end."""
    code = path.after(part.code if part else "", answers)
    return f"{reverse('portal:before')}?part={code}"


def _form(part: present.Part, data: Any = None, **more: Any) -> ScreeningForm:
    return ScreeningForm(data, items=part.items, asker=Asker.PATIENT, with_note=part.is_last, **more)


def _part_page(
    request: HttpRequest,
    patient: Patient,
    standing: Standing,
    path: present.Path,
    part: present.Part,
    form: ScreeningForm,
    *,
    status: int = 200,
) -> HttpResponse:
    page = {
        "clinic": patient.clinic,
        "form": form,
        "part": part,
        "path": path,
        "questions": [(form[item.code], item.is_number) for item in part.items],
        "number": standing.number,
        "reviewed": screening.form().reviewed,
        **_at_once(patient, standing),
    }
    return render(request, "portal/before.html", page, status=status)


def _check_page(
    request: HttpRequest,
    patient: Patient,
    standing: Standing,
    path: present.Path,
    *,
    sentence: str = "",
    status: int = 200,
) -> HttpResponse:
    page = {
        "clinic": patient.clinic,
        "path": path,
        "note": _note(standing),
        "number": standing.number,
        "sentence": sentence,
        **_at_once(patient, standing),
    }
    return render(request, "portal/before_check.html", page, status=status)


def _is_asking(standing: Standing) -> bool:
    return standing.running is not None and standing.running.state in (State.SENT, State.TELLING)


def _answers(standing: Standing) -> dict[str, str]:
    """What the patient has told so far: never what the clinic had filled in."""
    running = standing.running
    return dict(running.answers) if running is not None and running.state == State.TELLING else {}


def _at_once(patient: Patient, standing: Standing) -> dict[str, Any]:
    """What the patient is told without waiting for the clinic, until what they answered is taken back or confirmed."""
    running = standing.running
    return _told(patient, running.answers if running and running.answered_by == Screening.From.PATIENT else {})


def _told(patient: Patient, answers: Mapping[str, str]) -> dict[str, Any]:
    return {
        "told": present.told_at_once(answers),
        "crisis": symptoms_selectors.crisis_words(patient.clinic_id) if present.is_urgent(answers) else None,
    }


def _note(standing: Standing) -> str:
    running = standing.running
    return running.note if running is not None and running.state == State.TELLING else ""


def _number(request: HttpRequest) -> int:
    typed = request.POST.get("seen_number", "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0
