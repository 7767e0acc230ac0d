"""Who looked at my record: the patient's own way into the memory."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts import selectors as accounts_selectors
from accounts.actors import Kind
from audit import selectors as audit_selectors
from audit.selectors import Asked
from patients import access as patients_access
from portal.presenters import looking as present


@require_safe
@patients_access.patient_page(action="portal.who_looked", proof=True)
def who_looked(request: HttpRequest) -> HttpResponse:
    patient = request.patient  # type: ignore[attr-defined]
    asked = Asked(clinic_id=patient.clinic_id, patient_ids=(patient.id,), not_by=Kind.PATIENT)
    events, after = audit_selectors.page_of(asked, after=request.GET.get("after", ""), size=100)
    people = accounts_selectors.names_of(event.actor_id for event in events if event.actor_id)
    request.seen({patient.id})  # type: ignore[attr-defined]
    page = {
        "clinic": patient.clinic,
        "lines": present.lines(events, people=people, zone=patient.zone),
        "paged": bool(request.GET.get("after")),
        "next_url": f"{reverse('portal:who_looked')}?{urlencode({'after': after})}" if after else "",
    }
    return render(request, "portal/who_looked.html", page)
