"""Who works in the clinic, and what their roles may do."""

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from accounts import policy
from accounts.access import clinic_page
from desk.presenters import people as present

P = policy.Permission


@require_safe
@clinic_page(P.BELONG, action="roles.page")
def roles(request: HttpRequest) -> HttpResponse:
    """The table of permissions as the code has it."""
    return TemplateResponse(request, "desk/people_roles.html", {"table": present.role_table(request.actor)})
