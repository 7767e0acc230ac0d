"""A screening kept as it is filled in: what is sound is saved, and what follows from it is brought onto the page."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from common.refusals import Refused, Stale
from desk.presenters import screening as present
from patients import screening
from patients.forms import Kept, ScreeningForm
from patients.models import Patient
from patients.screening import About
from patients.selectors_screening import Standing
from patients.services import screening as screenings

KEEP = "keep"


def keep(
    request: HttpRequest,
    patient: Patient,
    standing: Standing,
    form: ScreeningForm,
    about: About,
    *,
    seen_number: int,
    at: datetime,
) -> HttpResponse:
    """Save what was answered as a draft. `form` has every question; of one whose answer is none the last stays."""
    answers, note = form.kept(standing.filled), standing.running.note if standing.running else ""
    number = seen_number
    try:
        row = screenings.save(
            patient=patient,
            answers=answers,
            note=form.cleaned_data.get("note", note),
            seen_number=seen_number,
            by=request.actor,
            at=at,
        )
    except Refused as refusal:
        stale = isinstance(refusal, Stale)
        more = " Press “Save so far” to see what stands now beside what you wrote." if stale else ""
        return _answer(request, Kept(refused=f"{refusal.sentence}{more}"), [], number, 409 if stale else 422)
    pairs = screening.brought(screening.form(), answers, about, request.POST.getlist("shown"))
    kept = Kept(at=f"{at.astimezone(patient.clinic.zone):%H:%M}", faults=form.faults(), brought=len(pairs))
    brought = present.brought(form, standing, pairs)
    return _answer(request, kept, brought, row.number, 422 if kept.faults else 200)


def _answer(
    request: HttpRequest, kept: Kept, brought: list[tuple[present.Question, str]], number: int, status: int
) -> HttpResponse:
    context = {"kept": kept, "brought": brought, "number": number}
    return TemplateResponse(request, "desk/_screening_kept.html", context, status=status, headers={"X-Kept": "yes"})
