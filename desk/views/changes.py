"""Every change of a course that asks for no page of its own: filled in, its effect shown, then signed as shown."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.refusals import Refused
from desk.forms import changes as forms
from desk.presenters import actions
from desk.presenters.actions import Action
from desk.presenters.effects import Effect, effect
from desk.views import offered
from desk.views.findings import take_carried
from desk.views.known_course import about, loaded, plan_of
from desk.views.offered import Offered
from titration.engine.course import Begin, ChangeProtocol, Course
from titration.models import Prescription
from titration.selectors import courses as courses_selectors
from titration.services import courses

P = policy.Permission
LOOK_FIRST = "Look at what this does below, then sign it."


@dataclass(frozen=True)
class Kind:
    """A kind of change: its words, what is filled in, whether it asks once more who signs, and how it is done."""

    action: Action
    form: type[forms.ChangeForm]
    raises: bool = False


KINDS = {
    "begin": Kind(actions.BEGIN, forms.BeginForm),
    "pause": Kind(actions.PAUSE, forms.PauseForm),
    "resume": Kind(actions.RESUME, forms.ResumeForm, raises=True),
    "step_now": Kind(actions.EARLY, forms.EarlyStepForm, raises=True),
    "step_back": Kind(actions.STEP_BACK, forms.StepBackForm),
    "go_to": Kind(actions.GO_TO, forms.GoToForm, raises=True),
    "stay": Kind(actions.STAY, forms.StayHereForm),
    "repeat": Kind(actions.REPEAT, forms.RepeatForm),
    "lengths": Kind(actions.LENGTHS, forms.LengthsForm, raises=True),
    "time": Kind(actions.TIME, forms.TimeForm),
    "restart": Kind(actions.RESTART, forms.RestartForm, raises=True),
    "on_off": Kind(actions.ON_OFF, forms.OnOffForm, raises=True),
    "trial": Kind(actions.TRIAL, forms.TrialReductionForm),
    "template": Kind(actions.TEMPLATE, forms.TemplateForm, raises=True),
    "take_back": Kind(actions.TAKE_BACK, forms.TakeBackForm, raises=True),
}


def _signs_a_rise(request: HttpRequest) -> bool:
    match = request.resolver_match
    return request.POST.get("action") == "sign" and match is not None and KINDS[match.kwargs["kind"]].raises


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.HOLD, action="course.keep_page")
def keep(request: HttpRequest, prescription_id: uuid.UUID, kind: str) -> HttpResponse:
    """A change that whoever may hold may make: a pause, or the first dose as it was told."""
    return _page(request, prescription_id, KINDS[kind])


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.PRESCRIBE, action="course.change_page", step_up=_signs_a_rise)
def change(request: HttpRequest, prescription_id: uuid.UUID, kind: str) -> HttpResponse:
    """A change that only a prescriber makes."""
    return _page(request, prescription_id, KINDS[kind])


def _page(request: HttpRequest, prescription_id: uuid.UUID, kind: Kind) -> HttpResponse:
    at, signing = clock.now(), request.POST.get("action") == "sign"
    prescription = loaded(request, prescription_id)
    templates = offered.templates_to_change_to(request) if kind.form is forms.TemplateForm else {}
    form, shown, status = _first(request, kind, prescription, templates, at), None, 200
    if form.is_bound and not signing:
        form.only_shown()
    if form.is_bound and form.is_valid():
        stale = form.cleaned_data["seen_version"] != prescription.version
        shown = None if stale else _effect(prescription, kind, form, at)
        if signing and (stale or shown is not None):
            refusal = _sign(request, prescription, form, shown, templates, at)
            if refusal is None:
                take_carried(request, prescription, at=at)
                messages.success(request, "Signed. The patient's page and the reminders follow it from now on.")
                return redirect("desk:course", prescription_id=prescription.id)
            prescription = loaded(request, prescription_id)
            form = _again(request, kind, prescription, templates, refusal)
            shown, status = _effect(prescription, kind, form, at, quiet=True), 409
    if status == 200 and form.errors and signing:
        status = 422
    plan = plan_of(prescription, at)
    context = {**about(plan, at), "action": kind.action, "form": form, "effect": shown}
    return TemplateResponse(request, "desk/change.html", context, status=status)


def _first(
    request: HttpRequest,
    kind: Kind,
    prescription: Prescription,
    templates: Offered,
    at: datetime,
) -> forms.ChangeForm:
    """The form as it was sent; before that with the next dose's day, judged at once where nothing else is asked."""
    choices = [(key, protocol) for key, (_, protocol) in templates.items()]
    if request.method == "POST":
        return kind.form(request.POST, templates=choices)
    initial: dict[str, Any] = {"seen_version": prescription.version, "place": request.GET.get("place", "")}
    if prescription.state in Prescription.OPEN_STATES:
        next_on = courses.next_dose_date(prescription, at)
        initial["on"] = max(next_on, prescription.start_on) if not prescription.awaiting else next_on
    if kind.form.PARTS or prescription.state not in Prescription.OPEN_STATES:
        return kind.form(initial=initial, templates=choices)
    return kind.form({name: str(value) for name, value in initial.items()}, templates=choices)


def _effect(
    prescription: Prescription, kind: Kind, form: forms.ChangeForm, at: datetime, *, quiet: bool = False
) -> Effect | None:
    """What the change would do, or nothing and the reason beside its field."""
    try:
        changed = _changed(prescription, form, at)
    except Refused as refusal:
        if not quiet:
            form.add_error(_field_of(form), refusal.sentence)
        return None
    return effect(plan_of(prescription, at), changed, at=at)


def _changed(prescription: Prescription, form: forms.ChangeForm, at: datetime) -> Course:
    """The course as it would be, asked as the signing asks."""
    if isinstance(form, forms.EarlyStepForm):
        step = courses.check_advance(prescription=prescription, at=at, early=True)
        return courses_selectors.course_of(prescription).changed(step)
    made = form.change()
    if isinstance(made, Begin):
        return courses.check_begin(prescription=prescription, on=made.on, at=at)
    correcting = bool(form.cleaned_data.get("correction"))
    return courses.check_signed(prescription=prescription, change=made, at=at, correcting=correcting)


def _field_of(form: forms.ChangeForm) -> str | None:
    """A refusal stands at the first thing that was asked for; where nothing was, above the form."""
    return next((name for name in ("dose", "template", "on") if name in form.fields), None)


def _sign(
    request: HttpRequest,
    prescription: Prescription,
    form: forms.ChangeForm,
    shown: Effect | None,
    templates: Offered,
    at: datetime,
) -> Refused | None:
    """Sign what was shown; the refusal where that could not be. Nothing is `shown` of a course that has changed."""
    values = form.cleaned_data
    if shown is not None and request.POST.get("shown") != shown.shown:
        return Refused(LOOK_FIRST)
    known = {
        "prescription_id": prescription.id,
        "seen_version": values["seen_version"],
        "by": request.actor,
        "at": at,
    }
    try:
        if isinstance(form, forms.EarlyStepForm):
            courses.advance(**known, reason=values["reason"], early=True)
        elif isinstance(form, forms.BeginForm):
            courses.begin(**known, on=values["on"])
        else:
            made = form.change()
            row = templates[values["template"]][0] if isinstance(made, ChangeProtocol) else None
            correcting = bool(values.get("correction"))
            courses.change(**known, change=made, reason=values["reason"], protocol_version=row, correcting=correcting)
    except Refused as refusal:
        return refusal
    return None


def _again(
    request: HttpRequest,
    kind: Kind,
    fresh: Prescription,
    templates: Offered,
    refusal: Refused,
) -> forms.ChangeForm:
    """The form as it was typed, by the course as it stands now, with the sentence above it."""
    typed = request.POST.copy()
    typed["seen_version"] = str(fresh.version)
    form = kind.form(typed, templates=[(key, protocol) for key, (_, protocol) in templates.items()])
    form.is_valid()
    form.add_error(None, refusal.sentence)
    return form
