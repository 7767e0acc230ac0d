"""Saying back a dose while it is typed. It decides nothing: the form reads the dose again when it is sent."""

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_POST

from accounts import policy
from accounts.access import clinic_page
from common.refusals import Refused
from desk.forms import dose as dose_forms

LONGEST_NAME = 60


@require_POST
@clinic_page(policy.Permission.BELONG, action="dose.read")
def read_dose(request: HttpRequest) -> HttpResponse:
    """How the dose in the field named by `field` is read, or why it cannot be; nothing about anybody is sent along.

    `for_a_unit` says that the field asks for what one capsule holds.
    """
    name = request.POST.get("field", "")[:LONGEST_NAME]
    said, fault = dose_forms.Echo(), ""
    try:
        found = dose_forms.read(request.POST.get(name, "").strip(), request.POST.get(f"{name}_other", "").strip())
        said = dose_forms.echo_of(found, for_a_unit=bool(request.POST.get("for_a_unit")))
    except Refused as refusal:
        fault = refusal.sentence
    return TemplateResponse(request, "desk/_dose_echo.html", {"id": f"id_{name}", "echo": said, "fault": fault})
