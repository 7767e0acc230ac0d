"""Trying out what could be decided: a course as a file, edited, beside the course as it is. Nothing is written."""

import json
import uuid
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods, require_safe

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.refusals import Refused
from desk.forms.what_if import WhatIfForm
from desk.presenters.what_if import Tried, tried
from desk.views.known_course import about, knows_lastingly, loaded, plan_of
from patients import selectors as patients_selectors
from titration import protocol_files
from titration.models import Prescription
from titration.replay import reading, running, telling
from titration.selectors import courses as courses_selectors
from titration.selectors.files import course_file

P = policy.Permission


@require_safe
@clinic_page(P.EXPORT, action="course.download")
def download(request: HttpRequest, prescription_id: uuid.UUID) -> HttpResponse:
    """The course as a file, de-identified. No emergency opens it."""
    at = clock.now()
    prescription = loaded(request, prescription_id)
    if not knows_lastingly(request, prescription.patient):
        raise Http404
    return HttpResponse(
        _written(request, prescription, at),
        content_type="application/json; charset=utf-8",
        headers={
            "Content-Disposition": 'attachment; filename="course.json"',
            "X-Content-Type-Options": "nosniff",
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.READ_PATIENTS, action="course.what_if")
def what_if(request: HttpRequest, prescription_id: uuid.UUID) -> HttpResponse:
    """The course's file to edit, and the two timelines beside each other."""
    at = clock.now()
    prescription = loaded(request, prescription_id)
    own = _written(request, prescription, at)
    form = WhatIfForm(request.POST if request.method == "POST" else None, initial={"file": own})
    edited, status = None, 200
    as_it_is = _tried(own, prescription, at)
    if form.is_bound and form.is_valid():
        try:
            edited = _tried(form.cleaned_data["file"], prescription, at)
        except Refused as refusal:
            form.add_error("file", refusal.sentence)
    if form.is_bound and form.errors:
        status = 422
    context = {**about(plan_of(prescription, at), at), "form": form, "as_it_is": as_it_is, "edited": edited}
    return TemplateResponse(request, "desk/what_if.html", context, status=status)


def _written(request: HttpRequest, prescription: Prescription, at: datetime) -> str:
    record = patients_selectors.record_of(request.actor, prescription.patient_id)
    if record is None:
        raise Http404
    return json.dumps(course_file(prescription, record, at=at), indent=1, ensure_ascii=False) + "\n"


def _tried(written: str, prescription: Prescription, at: datetime) -> Tried:
    """What comes of a file by the patient's date; raises `Refused` with the sentence where it cannot be read."""
    file = reading.read(written, protocol_files.find)
    today = courses_selectors.patient_today(prescription, at=at)
    answer: dict[str, Any] = telling.told(file, running.run(file), today)
    return tried(answer)
