"""What the clinic wrote to the patient."""

from django.contrib import messages as notices
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from common import clock
from patients import access as patients_access
from patients.models import Patient
from titration.selectors import reaching
from titration.services import reaching as services


@require_http_methods(["GET", "HEAD", "POST"])
@patients_access.patient_page(action="portal.messages")
def messages(request: HttpRequest) -> HttpResponse:
    """The clinic's words, newest first; the patient says when they have read them."""
    patient: Patient = request.patient  # type: ignore[attr-defined]
    request.seen({patient.id})  # type: ignore[attr-defined]
    rows = reaching.instructions_of(patient)
    if request.method == "POST":
        # What has come since the page was made has not been read with it.
        shown = set(request.POST.getlist("shown"))
        ids = [row.id for row in rows if str(row.id) in shown]
        services.read_instructions(ids, patient=patient, by=request.actor, at=clock.now())  # type: ignore[attr-defined]
        notices.success(request, "Thank you. Your clinic sees that you have read it.")
        return redirect("portal:tonight")
    page = {
        "clinic": patient.clinic,
        "zone": patient.zone,
        "rows": rows,
        "unread": any(row.read_at is None for row in rows),
    }
    return render(request, "portal/messages.html", page)
