"""Templates: what the clinic may prescribe by, writing its own, and deciding about them."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods, require_safe

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.refusals import Refused
from desk.forms.library import DecideForm, PasteForm, StepFormSet, TemplateForm, ask_once_more, steps_of
from desk.presenters import library as present
from titration import protocol_files
from titration.engine.makeable import unmakeable
from titration.engine.protocol import Protocol
from titration.models import ProtocolVersion
from titration.protocol_toml import to_toml
from titration.selectors import library as selectors
from titration.services import library

P = policy.Permission
MORE_STEPS = 3


@require_safe
@clinic_page(P.BELONG, action="template.list")
def templates(request: HttpRequest) -> HttpResponse:
    """Every template, shared and the clinic's own; those out of use stand apart."""
    rows = list(selectors.newest(request.actor))
    reviews, courses = selectors.reviews(request.actor, rows), selectors.in_use_by_code(request.actor)
    lines = [
        present.line(row, review=reviews.get(row.id), courses=courses.get((row.code, row.clinic_id), 0)) for row in rows
    ]
    context = {
        "own": [line for line, row in zip(lines, rows, strict=True) if row.clinic_id and not line.withdrawn],
        "shared": [line for line, row in zip(lines, rows, strict=True) if not row.clinic_id and not line.withdrawn],
        "withdrawn": [line for line in lines if line.withdrawn],
        "left_out": present.left_out(protocol_files.not_shipped()),
        "may_edit": policy.may(request.actor, P.EDIT_PROTOCOLS),
        "may_count": policy.may(request.actor, P.READ_PATIENTS),
    }
    return TemplateResponse(request, "desk/templates.html", context)


@require_safe
@clinic_page(P.BELONG, action="template.page")
def template(request: HttpRequest, template_id: uuid.UUID) -> HttpResponse:
    """One version of a template with its steps drawn, its sources, its versions and what was decided about it."""
    version = _known(request, template_id)
    rows, zone = selectors.versions_like(request.actor, version), request.clinic.zone
    lines = present.versions(rows, here=version, courses=selectors.in_use(request.actor), zone=zone)
    context = {
        "template": present.page(version, review=selectors.reviews(request.actor, [version]).get(version.id)),
        "versions": lines,
        "behind": [line for line in lines if line.behind],
        "newest": lines[0],
        "decisions": [present.decision(row, zone=zone) for row in selectors.decisions_on(request.actor, version)],
        "may_edit": policy.may(request.actor, P.EDIT_PROTOCOLS),
        "may_review": policy.may(request.actor, P.PRESCRIBE),
        "may_count": policy.may(request.actor, P.READ_PATIENTS),
    }
    return TemplateResponse(request, "desk/template.html", context)


@require_safe
@clinic_page(P.READ_PATIENTS, action="template.courses")
def template_courses(request: HttpRequest, template_id: uuid.UUID) -> HttpResponse:
    """The open courses on one version, to be looked at one by one."""
    version = _known(request, template_id)
    shown, after = selectors.courses_on(request.actor, version, after=request.GET.get("after", ""))
    request.seen(row.patient_id for row in shown)
    rows = selectors.versions_like(request.actor, version)
    context = {
        "template": present.page(version, review=None),
        "courses": [present.course(row, zone=request.clinic.zone) for row in shown],
        "next_url": f"{request.path}?after={after}" if after else "",
        "newest": rows[0].version,
    }
    return TemplateResponse(request, "desk/template_courses.html", context)


@require_safe
@clinic_page(P.BELONG, action="template.file")
def template_toml(request: HttpRequest, template_id: uuid.UUID) -> HttpResponse:
    """The template as a file to keep or to give to another clinic."""
    version = _known(request, template_id)
    answer = HttpResponse(to_toml(Protocol.from_json(version.body)), content_type="application/toml; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{version.code}-v{version.version}.toml"'
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.EDIT_PROTOCOLS, action="template.edit_page")
def template_edit(request: HttpRequest, template_id: uuid.UUID) -> HttpResponse:
    """Write the next version of one's own template, or one's own after a shared one."""
    version = _known(request, template_id)
    base = Protocol.from_json(version.body)
    if not present.is_for_the_form(base):
        return redirect("desk:template_paste_from", template_id=version.id)
    own = version.clinic_id is not None
    if request.method != "POST":
        form, steps = _first(request, version, base, own=own)
        return _editor(request, version, form, steps, own=own, chart=present.chart(base))
    if request.POST.get("action") == "more":
        return _editor(request, version, *_longer(request, base, own=own), own=own)
    saving = request.POST.get("action") == "save"
    form = TemplateForm(request.POST, base=base, new=not own, saving=saving)
    steps = StepFormSet(request.POST, prefix="step")
    made = _made(form, steps)
    if made is not None and saving:
        try:
            saved = library.save(
                protocol=made,
                seen_version=form.cleaned_data["seen_version"],
                strengths=form.cleaned_data["strengths"],
                words=form.cleaned_data["words"],
                confirmed=form.cleaned_data["confirmed"],
                by=request.actor,
                at=clock.now(),
            )
        except Refused as refusal:
            form.add_error(None, refusal.sentence)
            return _editor(request, version, form, steps, own=own, chart=present.chart(made), status=409)
        messages.success(request, f"Version {saved.version} is saved. Courses keep the version they began with.")
        return redirect("desk:template", template_id=saved.id)
    drawn = present.chart(form.made) if form.made is not None else None
    return _editor(request, version, form, steps, own=own, chart=drawn, status=422 if saving else 200)


def _first(request: HttpRequest, version: ProtocolVersion, base: Protocol, *, own: bool) -> tuple[TemplateForm, Any]:
    """The editor as it opens: all that the version says, the clinic's strengths as last stated."""
    initial = {
        "code": "" if own else f"MY-{base.id}"[:40],
        "name": base.name if own else f"{base.name}, as we do it",
        "strengths": " ".join(selectors.last_strengths(request.actor)),
        "then": base.then.value,
        "time_of_day": base.time_of_day.value if base.time_of_day else "",
        "grade": base.grade.value,
        "sources": "\n".join(f"{source.key}: {source.reference}" for source in base.sources),
        "note": base.note.strip(),
        "seen_version": str(version.version) if own else "0",
    }
    form = TemplateForm(base=base, new=not own, initial=initial)
    steps = StepFormSet(initial=steps_of(base, empty=MORE_STEPS), prefix="step")
    return form, steps


def _longer(request: HttpRequest, base: Protocol, *, own: bool) -> tuple[TemplateForm, Any]:
    """What was typed, with more empty lines for steps and no faults yet."""
    typed = StepFormSet(request.POST, prefix="step")
    lines = [{name: form.data.get(form.add_prefix(name), "") for name in form.fields} for form in typed.forms] + [
        {}
    ] * MORE_STEPS
    form = TemplateForm(base=base, new=not own, initial=request.POST.dict())
    return form, StepFormSet(initial=lines, prefix="step")


def _made(form: TemplateForm, steps: Any) -> Protocol | None:
    """The template as typed, or none and the reasons beside their fields."""
    sound, stepped = form.is_valid(), steps.is_valid()
    if not (sound and stepped):
        return None
    rungs = [line.cleaned_data["rung"] for line in steps.forms if line.cleaned_data.get("rung")]
    return form.protocol(rungs, steps)


def _editor(
    request: HttpRequest,
    version: ProtocolVersion,
    form: TemplateForm,
    steps: Any,
    *,
    own: bool,
    chart: present.Chart | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "template": present.page(version, review=None),
        "form": form,
        "steps": steps,
        "own": own,
        "chart": chart,
        "judged": form.is_bound,
    }
    return TemplateResponse(request, "desk/template_edit.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.EDIT_PROTOCOLS, action="template.paste_page")
def template_paste(request: HttpRequest) -> HttpResponse:
    """Bring a template in as text: looked at first, saved when it is right."""
    initial = {"strengths": " ".join(selectors.last_strengths(request.actor)), "seen_version": "0"}
    return _pasted(request, initial)


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.EDIT_PROTOCOLS, action="template.text_page")
def template_paste_from(request: HttpRequest, template_id: uuid.UUID) -> HttpResponse:
    """Write a version as text, from one that the form cannot hold or that somebody likes better so."""
    version = _known(request, template_id)
    own = version.clinic_id is not None
    initial = {
        "text": to_toml(Protocol.from_json(version.body)),
        "code": "" if own else f"MY-{version.code}"[:40],
        "strengths": " ".join(selectors.last_strengths(request.actor)),
        "seen_version": str(version.version) if own else "0",
    }
    return _pasted(request, initial)


def _pasted(request: HttpRequest, initial: dict[str, str]) -> HttpResponse:
    form, made, status = PasteForm(initial=initial), None, 200
    if request.method == "POST":
        saving = request.POST.get("action") == "save"
        form = PasteForm(request.POST, saving=saving)
        made = _read(form)
        if saving:
            status = 422
            if made is not None:
                refusal = _saved_from_text(request, form, made)
                if not isinstance(refusal, str):
                    return refusal
                form.add_error(None, refusal)
                status = 409
    chart = present.chart(form.made) if form.made is not None else None
    named = form.made.label if form.made is not None else ""
    return TemplateResponse(
        request, "desk/template_paste.html", {"form": form, "chart": chart, "named": named}, status=status
    )


def _read(form: PasteForm) -> Protocol | None:
    """The template of the text, called as it is to be called here; or none and the reasons beside their fields."""
    if not form.is_valid():
        return None
    made: Protocol = form.renamed()
    for number, sentence in unmakeable(made, form.cleaned_data["strengths"]).items():
        form.add_error("strengths", f"Step {number + 1}: {sentence}")
    if form.errors:
        return None
    form.made = made
    if form.saving:
        ask_once_more(form, made)
    return None if form.errors else made


def _saved_from_text(request: HttpRequest, form: PasteForm, made: Protocol) -> HttpResponse | str:
    """Where to go once it is saved, or the sentence why it is not."""
    try:
        saved = library.save(
            protocol=made,
            seen_version=form.cleaned_data["seen_version"],
            strengths=form.cleaned_data["strengths"],
            words=form.cleaned_data["words"],
            confirmed=form.cleaned_data["confirmed"],
            by=request.actor,
            at=clock.now(),
        )
    except Refused as refusal:
        return refusal.sentence
    messages.success(request, f"{made.label} is saved as version {saved.version}.")
    return redirect("desk:template", template_id=saved.id)


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.PRESCRIBE, action="template.review_page", step_up=True)
def template_review(request: HttpRequest, template_id: uuid.UUID) -> HttpResponse:
    """Sign that a clinician stands by this version."""
    return _decided(request, template_id, library.review, "review", "What you looked at", required=True)


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.EDIT_PROTOCOLS, action="template.withdraw_page")
def template_withdraw(request: HttpRequest, template_id: uuid.UUID) -> HttpResponse:
    """Take a template out of use."""
    return _decided(request, template_id, library.withdraw, "withdraw", "Why", required=True)


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.EDIT_PROTOCOLS, action="template.offer_page")
def template_offer(request: HttpRequest, template_id: uuid.UUID) -> HttpResponse:
    """Offer a template again."""
    return _decided(request, template_id, library.offer_again, "offer", "Why", required=False)


def _decided(
    request: HttpRequest, template_id: uuid.UUID, deed: Any, what: str, label: str, *, required: bool
) -> HttpResponse:
    version = _known(request, template_id)
    bound = request.POST if request.method == "POST" else None
    form, status = DecideForm(bound, label=label, required=required), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                deed(version=version, words=form.cleaned_data["words"], by=request.actor, at=clock.now())
            except Refused as refusal:
                form.add_error(None, refusal.sentence)
                status = 409
            else:
                messages.success(request, _DONE[what])
                return redirect("desk:template", template_id=version.id)
    context = {
        "template": present.page(version, review=selectors.reviews(request.actor, [version]).get(version.id)),
        "form": form,
        "what": what,
    }
    return TemplateResponse(request, "desk/template_decide.html", context, status=status)


_DONE = {
    "review": "Your review is signed.",
    "withdraw": "Out of use. It stays readable, and courses keep it.",
    "offer": "Offered again.",
}


def _known(request: HttpRequest, template_id: uuid.UUID) -> ProtocolVersion:
    version = selectors.version_of(request.actor, template_id)
    if version is None:
        raise Http404
    return version
