"""What a patient reads and tells: the next dose, a night, the plan, the chart."""

from datetime import date, datetime, timedelta

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts import selectors as accounts_selectors
from common import clock
from common.dose import Dose
from common.night import night_of
from common.refusals import Refused, Stale
from patients import access as patients_access
from patients import conditions, selectors_consent, selectors_screening
from patients import selectors as patients_selectors
from patients.access import Rights
from patients.models import CareGrant, Patient
from portal import words
from portal.forms import NightForm, initial_of
from portal.presenters import alerts, doses, first_week, helping, nights, plans, procedures
from portal.presenters import chart as chart_presenter
from portal.views import questionnaires
from symptoms import other_medicines
from symptoms import selectors as symptoms_selectors
from symptoms import services as symptoms_services
from symptoms.selectors import ToldNight
from titration.engine import timeline
from titration.selectors import courses, findings, reaching
from titration.selectors import procedures as procedures_selectors
from titration.selectors import supply as supply_selectors
from titration.selectors.courses import TonightState
from titration.services import firsts

_form_page = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@patients_access.patient_page(action="portal.tonight", rights=Rights.VIEW)
def tonight(request: HttpRequest) -> HttpResponse:
    at, patient = clock.now(), _patient(request)
    next_dose = courses.tonight(patient, at=at)
    writable = symptoms_services.writable_nights(patient=patient, at=at, slot=next_dose.slot)
    told = _last_nights(patient, at)
    lines = nights.night_lines(told, patient.zone, at)
    stop = _stop(patient, told, next_dose, at)
    procedure = procedures.words(procedures_selectors.standing(patient, today=at.astimezone(patient.zone).date()))
    standing = findings.standing_of(patient)
    said = alerts.alerts(standing, beside_stop_panel=stop is not None, beside_procedure=procedure is not None)
    told_of = questionnaires.crisis_here(request, patient, at)
    page = {
        "clinic": patient.clinic,
        "dose": doses.next_dose(next_dose, patient.zone, at, writable=writable),
        "lines": lines,
        "tell": nights.night_to_tell(lines, patient.zone, at),
        "nights_told": nights.nights_told(lines),
        "stop": stop,
        "procedure": procedure,
        "alerts": said,
        "signs": None if next_dose.state is TonightState.STOPPED_BY_REPORT else words.stop_words(),
        "crisis": told_of,
        "read_when": accounts_selectors.reading_sentence(patient.clinic, at=at)
        if told_of or said.no_dose or said.at_once
        else "",
        "questions_wait": _may_write(request) and bool(questionnaires.due_here(request, patient, at)),
        "watch": _watch(patient, next_dose),
        "may_write": _may_write(request),
        "messages_wait": request.grant is None and reaching.waits(patient),  # type: ignore[attr-defined]
        "asked": _answers_for_themself(request, at) and selectors_screening.asked_of_patient(patient),
        "to_sign": _answers_for_themself(request, at) and selectors_consent.asked_to_sign(patient),
        "on_paper": plans.on_paper(supply_selectors.printed_schedule(patient, at=at)),
        "helped_by": [] if request.grant else helping.names(patients_selectors.care_of(patient, at=at)),  # type: ignore[attr-defined]
    }
    return render(request, "portal/tonight.html", page)


@_form_page
@patients_access.patient_page(action="portal.night", rights=Rights.LOG)
def night(request: HttpRequest, night: date) -> HttpResponse:
    at, patient = clock.now(), _patient(request)
    planned, slot = courses.planned_for(courses.prescriptions_of(patient), night)
    if night not in symptoms_services.writable_nights(patient=patient, at=at, slot=slot):
        raise Http404
    told = symptoms_selectors.told_night(patient, night)
    if not _may_write(request):
        return _night_to_read(request, night, told, at)
    form = NightForm(
        _posted(request),
        initial=initial_of(told, planned, patient.zone) | _asked(request),
        night=night,
        slot=slot,
        planned=planned,
        lead_label=_lead_label(request),
        asked=symptoms_selectors.items_asked(patient, night=night),
        zone=patient.zone,
        at=at,
    )
    if request.method != "POST":
        return _night_page(request, form, told, planned, at)
    seen_version = _whole_number(request.POST.get("seen_version", ""))
    if not form.is_valid():
        return _night_page(request, form, told, planned, at, seen_version=seen_version, status=422)
    try:
        firsts.tell_night(
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
        "versions": nights.versions(history, patient.zone, at, helpers=patients_selectors.carer_names(patient)),
        "stop": _stop_on_answer(patient, form, at),
        "ticked": words.ticked_words(),
        "signs": words.stop_words(),
    }
    return render(request, "portal/night.html", page, status=status)


def _night_to_read(request: HttpRequest, night: date, told: ToldNight, at: datetime) -> HttpResponse:
    patient = _patient(request)
    page = {
        "clinic": patient.clinic,
        "pane": nights.pane(night, told, None, patient.zone, at),
        "dose": doses.dose_told(told.dose, patient.zone) if told.dose else "",
        "said": nights.log_words(told.log) if told.log else "",
        "note": told.log.note if told.log else "",
    }
    return render(request, "portal/night_to_read.html", page)


def _answers_for_themself(request: HttpRequest, at: datetime) -> bool:
    """Whether the clinic's own questions are for whoever holds the phone: the patient, or who logs for a child."""
    patient: Patient = request.patient  # type: ignore[attr-defined]
    return request.grant is None or (_may_write(request) and patients_selectors.is_child(patient, at=at))  # type: ignore[attr-defined]


def _may_write(request: HttpRequest) -> bool:
    """The patient, and a carer who may log."""
    grant = request.grant  # type: ignore[attr-defined]
    return grant is None or grant.rights == CareGrant.Rights.LOG


@require_safe
@patients_access.patient_page(action="portal.plan", rights=Rights.VIEW)
def plan(request: HttpRequest) -> HttpResponse:
    at, patient = clock.now(), _patient(request)
    prescription = courses.open_prescription(patient)
    next_dose = courses.tonight(patient, at=at)
    page = {
        "clinic": patient.clinic,
        "stop": _stop(patient, _last_nights(patient, at), next_dose, at),
        "plan": None,
        "on_paper": plans.on_paper(supply_selectors.printed_schedule(patient, at=at)),
    }
    if prescription is not None:
        course, today = courses.course_of(prescription), at.astimezone(patient.zone).date()
        page["plan"] = plans.plan(prescription, course, next_dose.slot, today)
    return render(request, "portal/plan.html", page)


@require_safe
@patients_access.patient_page(action="portal.chart", rights=Rights.VIEW, proof=True)
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


def _stop(patient: Patient, told: list[ToldNight], next_dose: courses.Tonight, at: datetime) -> doses.Stop | None:
    if next_dose.state is not TonightState.STOPPED_BY_REPORT:
        return None
    return doses.stop_panel(patient, told, read_when=accounts_selectors.reading_sentence(patient.clinic, at=at))


def _watch(patient: Patient, next_dose: courses.Tonight) -> first_week.Watch | None:
    """What is expected in the first nights at a dose; nothing while no dose is to be taken."""
    prescription = courses.open_prescription(patient)
    if next_dose.state is not TonightState.TAKE or prescription is None:
        return None
    in_force = timeline.unfold(courses.course_of(prescription))
    return first_week.watch(in_force, next_dose.on, words.first_week_words())


def _stop_on_answer(patient: Patient, form: NightForm, at: datetime) -> doses.Stop | None:
    """The panel on the form's page: for a report that is open, and for an answer not saved yet that would open one."""
    answered = form.is_bound and other_medicines.trips(
        form.data.get("other_medicines_answer", ""), form.data.get("other_medicines", "")
    )
    known = bool(courses.opioid_report_open([patient.id]))
    if not answered and not known:
        return None
    read_when = accounts_selectors.reading_sentence(patient.clinic, at=at)
    return doses.stop_panel(patient, _last_nights(patient, at), read_when=read_when, known=known)


def _lead_label(request: HttpRequest) -> str:
    record = patients_selectors.record_of(request.actor, _patient(request).id)  # type: ignore[attr-defined]
    return conditions.lead_symptom([code for code, _ in record.conditions] if record else [])


def _asked(request: HttpRequest) -> dict[str, str]:
    """What the button on the first page already said: the dose was taken, or is left out."""
    said = request.GET.get("dose", "")
    return {"taken": said} if said in ("taken", "skipped") else {}


def _whole_number(typed: str) -> int:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0
