"""The rules as they are: to read, to print, to sign; and the numbers a clinic sets in them."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.refusals import Refused, Stale
from desk.forms.rules import ReviewForm, ThresholdsForm
from desk.presenters import rules as present
from titration.selectors import rules as selectors
from titration.services import rules as services

P = policy.Permission


@require_safe
@clinic_page(P.BELONG, action="rules.page")
def rules(request: HttpRequest) -> HttpResponse:
    """Every rule, number and sentence that the clinic's patients are judged by, for reading and for print."""
    return _page(request, ReviewForm())


@require_POST
@clinic_page(P.PRESCRIBE, action="rules.review_page", step_up=True)
def review(request: HttpRequest) -> HttpResponse:
    """Put one's name under the rules as read."""
    form = ReviewForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        services.review(**form.cleaned_data, seen=request.POST.get("seen", ""), by=request.actor, at=clock.now())
    except Refused as refusal:
        form.add_error(None, refusal.sentence)
        return _page(request, form, status=409 if isinstance(refusal, Stale) else 422)
    messages.success(request, "Your review is on record.")
    return redirect("desk:rules")


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.EDIT_PROTOCOLS, action="rules.thresholds_page", step_up=True)
def thresholds(request: HttpRequest) -> HttpResponse:
    """The numbers of the rules, each within its ends; who sets one says why."""
    held = selectors.rules_of(request.actor.clinic_id)
    form, status = ThresholdsForm(request.POST or None, thresholds=held.book.thresholds), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            seen = request.POST.get("seen_number", "")
            try:
                services.set_thresholds(
                    chosen=form.chosen,
                    reason=form.cleaned_data["reason"],
                    seen_number=int(seen) if seen.isdecimal() and len(seen) < len("1000000000") else -1,
                    by=request.actor,
                    at=clock.now(),
                )
            except Refused as refusal:
                form.add_error(None, refusal.sentence)
                status = 409 if isinstance(refusal, Stale) else 422
            else:
                messages.success(request, "Signed. Everybody is judged by the new numbers within minutes.")
                return redirect("desk:rules")
    lines = {line.name: line for line in present.threshold_lines(held.book)}
    context = {
        "form": form,
        "rows": [(lines[one.name], field) for one, field in form.rows()],
        "number": held.number,
        "settings": present.settings_lines(selectors.settings_rows(request.actor), zone=request.clinic.zone),
    }
    return TemplateResponse(request, "desk/rule_thresholds.html", context, status=status)


def _page(request: HttpRequest, form: ReviewForm, *, status: int = 200) -> HttpResponse:
    held, zone = selectors.rules_of(request.actor.clinic_id), request.clinic.zone
    context = {
        "page": present.page(
            held, selectors.reviews(request.actor), selectors.settings_rows(request.actor, most=1), zone=zone
        ),
        "form": form,
        "may_review": policy.may(request.actor, P.PRESCRIBE),
        "may_set": policy.may(request.actor, P.EDIT_PROTOCOLS),
        "printed_at": clock.now().astimezone(zone),
        "clinic": request.clinic,
    }
    return TemplateResponse(request, "desk/rules.html", context, status=status)
