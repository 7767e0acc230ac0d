"""The patient's pages: load, let one deed happen, answer."""

from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import public_page
from common import clock
from common.dose import Dose
from common.night import night_of
from common.refusals import Refused, Stale
from patients import access as patients_access
from patients import conditions, secrets
from patients import selectors as patients_selectors
from patients import services as patients_services
from patients.channels import code_mail
from patients.models import Invitation, Patient
from portal.forms import CodeForm, InvitationForm, NightForm, initial_of
from portal.presenters import chart as chart_presenter
from portal.presenters import doses, nights, plans
from symptoms import selectors as symptoms_selectors
from symptoms import services as symptoms_services
from symptoms.selectors import ToldNight
from titration.selectors import courses
from titration.selectors.courses import TonightState

_form_page = require_http_methods(["GET", "HEAD", "POST"])


@_form_page
@public_page("a patient opens their invitation")
def open_invitation(request: HttpRequest, token: str) -> HttpResponse:
    at = clock.now()
    invitation = _still_open(token, at)
    form = InvitationForm(_posted(request))
    if invitation is None:
        return render(request, "portal/invitation_closed.html", status=404)
    if request.method != "POST":
        return render(request, "portal/open.html", {"form": form, "clinic": invitation.patient.clinic})
    if not form.is_valid():
        return render(request, "portal/open.html", {"form": form, "clinic": invitation.patient.clinic}, status=422)
    given = {name: form.cleaned_data[name] for name in ("birth_date", "desk_code")}
    patients_services.count_try(token=token, by=request.actor, at=at)
    try:
        let_in = patients_services.open_invitation(token=token, by=request.actor, at=at, **given)  # type: ignore[attr-defined]
    except Refused as refusal:
        if _still_open(token, at) is None:
            return render(request, "portal/invitation_closed.html", {"sentence": refusal.sentence}, status=404)
        form.add_error("birth_day" if given["birth_date"] else "desk_code", refusal.sentence)
        return render(request, "portal/open.html", {"form": form, "clinic": invitation.patient.clinic}, status=422)
    return patients_access.remember(redirect("portal:tonight"), let_in.secret)


def _still_open(token: str, at: datetime) -> Invitation | None:
    """The invitation, if there is a try left in it."""
    invitation = patients_selectors.open_invitation(token, at=at)
    return invitation if invitation is not None and invitation.tries < secrets.TRIES else None


@require_safe
@patients_access.patient_page(action="portal.tonight")
def tonight(request: HttpRequest) -> HttpResponse:
    at, patient = clock.now(), _patient(request)
    next_dose = courses.tonight(patient, at=at)
    writable = symptoms_services.writable_nights(patient=patient, at=at, slot=next_dose.slot)
    told = _last_nights(patient, at)
    lines = nights.night_lines(told, patient.zone, at)
    page = {
        "clinic": patient.clinic,
        "dose": doses.next_dose(next_dose, patient.zone, at, writable=writable),
        "lines": lines,
        "tell": nights.night_to_tell(lines, patient.zone, at),
        "nights_told": nights.nights_told(lines),
        "stop": _stop(patient, told, next_dose),
    }
    return render(request, "portal/tonight.html", page)


@_form_page
@patients_access.patient_page(action="portal.night")
def night(request: HttpRequest, night: date) -> HttpResponse:
    at, patient = clock.now(), _patient(request)
    planned, slot = doses.planned_for(courses.prescriptions_of(patient), night)
    if night not in symptoms_services.writable_nights(patient=patient, at=at, slot=slot):
        raise Http404
    told = symptoms_selectors.told_night(patient, night)
    form = NightForm(
        _posted(request),
        initial=initial_of(told, planned, patient.zone) | _asked(request),
        night=night,
        slot=slot,
        planned=planned,
        lead_label=_lead_label(request),
        zone=patient.zone,
        at=at,
    )
    if request.method != "POST":
        return _night_page(request, form, told, planned, at)
    seen_version = _whole_number(request.POST.get("seen_version", ""))
    if not form.is_valid():
        return _night_page(request, form, told, planned, at, seen_version=seen_version, status=422)
    try:
        symptoms_services.save_night(
            patient=patient,
            night=night,
            dose=form.dose(),
            answers=form.answers(),
            seen_version=seen_version,
            by=request.actor,  # type: ignore[attr-defined]
            at=at,
        )
    except Stale as stale:
        # The newer version is shown beside what was typed, and saving again is then a choice between the two.
        form.add_error(None, stale.sentence)
        told = symptoms_selectors.told_night(patient, night)
        return _night_page(request, form, told, planned, at, stale=True, status=409)
    except Refused as refusal:
        form.add_error(None, refusal.sentence)
        return _night_page(request, form, told, planned, at, seen_version=seen_version, status=422)
    messages.success(request, f"Saved. {_nights_told(patient, at)}.")
    return redirect("portal:tonight")


def _night_page(
    request: HttpRequest,
    form: NightForm,
    told: ToldNight,
    planned: Dose | None,
    at: datetime,
    *,
    seen_version: int | None = None,
    stale: bool = False,
    status: int = 200,
) -> HttpResponse:
    patient = _patient(request)
    history = symptoms_selectors.versions_of(told.log) if told.log else []
    page = {
        "clinic": patient.clinic,
        "form": form,
        "pane": nights.pane(form.night, told, planned, patient.zone, at, seen_version=seen_version, stale=stale),
        "versions": nights.versions(history, patient.zone, at),
        "stop": _stop_on_answer(patient, form, at),
    }
    return render(request, "portal/night.html", page, status=status)


@require_safe
@patients_access.patient_page(action="portal.plan")
def plan(request: HttpRequest) -> HttpResponse:
    at, patient = clock.now(), _patient(request)
    prescription = courses.open_prescription(patient)
    next_dose = courses.tonight(patient, at=at)
    page = {"clinic": patient.clinic, "stop": _stop(patient, _last_nights(patient, at), next_dose), "plan": None}
    if prescription is not None:
        course, today = courses.course_of(prescription), at.astimezone(patient.zone).date()
        page["plan"] = plans.plan(course, prescription.capsule_strength, next_dose.slot, today)
    return render(request, "portal/plan.html", page)


@require_safe
@patients_access.patient_page(action="portal.chart", proof=True)
def chart(request: HttpRequest) -> HttpResponse:
    at, patient = clock.now(), _patient(request)
    today = night_of(at, patient.zone)
    since = today - timedelta(days=chart_presenter.CHART_NIGHTS - 1)
    page = {
        "clinic": patient.clinic,
        "chart": chart_presenter.chart(
            logs=symptoms_selectors.log_rows(patient, since=since),
            doses=symptoms_selectors.dose_rows(patient, since=since),
            prescriptions=courses.prescriptions_of(patient),
            since=since,
            today=today,
            lead_label=_lead_label(request),
        ),
    }
    return render(request, "portal/chart.html", page)


@_form_page
@patients_access.patient_page(action="portal.prove")
def prove(request: HttpRequest) -> HttpResponse:
    at, patient, onward = clock.now(), _patient(request), _onward(request)
    form = CodeForm(request.POST if "code" in request.POST else None)
    page = {
        "clinic": patient.clinic,
        "form": form,
        "onward": onward,
        "has_address": bool(patient.email),
        "sentence": "",
    }
    if request.method != "POST":
        return render(request, "portal/prove.html", page)
    try:
        if "code" not in request.POST:
            return _send_code(request, patient, onward, at)
        if form.is_valid():
            given = form.cleaned_data["code"]
            patients_services.try_code(phone=request.phone, typed=given, by=request.actor, at=at)  # type: ignore[attr-defined]
            return redirect(onward)
    except Refused as refusal:
        if form.is_bound:
            form.add_error("code", refusal.sentence)
        else:
            page["sentence"] = refusal.sentence
    return render(request, "portal/prove.html", page, status=422)


def _send_code(request: HttpRequest, patient: Patient, onward: str, at: datetime) -> HttpResponse:
    if not patient.email:
        raise Refused("Your clinic has no e-mail address of yours. Ask them to add one.")
    code = patients_services.make_code(phone=request.phone, by=request.actor, at=at)  # type: ignore[attr-defined]
    transaction.on_commit(lambda: _mail_code(request, patient.email, code))
    return redirect(f"{reverse('portal:prove')}?{urlencode({'next': onward})}")


def _mail_code(request: HttpRequest, address: str, code: str) -> None:
    """After the commit, before the answer leaves: the next page says what became of the mail."""
    if code_mail.send(address=address, code=code):
        messages.success(request, "We sent you a mail with a code. It can take a minute to arrive.")
    else:
        messages.error(request, "The mail could not be sent just now. Nothing is lost: send it again in a minute.")


@require_POST
@patients_access.patient_page(action="portal.leave")
def leave(request: HttpRequest) -> HttpResponse:
    patients_services.forget_phone(phone=request.phone, by=request.actor, at=clock.now())  # type: ignore[attr-defined]
    response = render(request, "portal/left.html")
    response.delete_cookie(settings.PHONE_COOKIE_NAME, samesite="Lax")
    return response


def _posted(request: HttpRequest) -> QueryDict | None:
    """What was sent, even if it is nothing: an empty form is read like any other."""
    return request.POST if request.method == "POST" else None


def _patient(request: HttpRequest) -> Patient:
    """The patient of this phone; whoever asks is about to show their data, so the memory hears of it."""
    patient: Patient = request.patient  # type: ignore[attr-defined]
    request.seen({patient.id})  # type: ignore[attr-defined]
    return patient


def _last_nights(patient: Patient, at: datetime) -> list[ToldNight]:
    """The running night and the six before it, oldest first."""
    running = night_of(at, patient.zone)
    first = running - timedelta(days=symptoms_services.WRITABLE_NIGHTS - 1)
    return symptoms_selectors.told_nights(patient, first=first, last=running)


def _nights_told(patient: Patient, at: datetime) -> str:
    return nights.nights_told(nights.night_lines(_last_nights(patient, at), patient.zone, at))


def _stop(patient: Patient, told: list[ToldNight], next_dose: courses.Tonight) -> doses.Stop | None:
    if next_dose.state is not TonightState.STOPPED_BY_REPORT:
        return None
    return doses.stop_panel(patient, told)


def _stop_on_answer(patient: Patient, form: NightForm, at: datetime) -> doses.Stop | None:
    """The panel on the form's page: for a report that is open, and for an answer not saved yet that would open one."""
    answered = form.is_bound and form.data.get("other_medicines_answer") in symptoms_services.TRIPPING_ANSWERS
    if not answered and not courses.opioid_report_open([patient.id]):
        return None
    return doses.stop_panel(patient, _last_nights(patient, at))


def _lead_label(request: HttpRequest) -> str:
    record = patients_selectors.record_of(request.actor, _patient(request).id)  # type: ignore[attr-defined]
    return conditions.lead_symptom([code for code, _ in record.conditions] if record else [])


def _asked(request: HttpRequest) -> dict[str, str]:
    """What the button on the first page already said: the dose was taken, or is left out."""
    said = request.GET.get("dose", "")
    return {"taken": said} if said in ("taken", "skipped") else {}


def _onward(request: HttpRequest) -> str:
    """Where to go after the proof: a page of the patient's own and nowhere else."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    own = wanted.startswith(reverse("portal:tonight")) and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if own else reverse("portal:chart")


def _whole_number(typed: str) -> int:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0
