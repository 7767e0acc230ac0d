"""Questionnaires on the patient's pages: which wait, and filling one in."""

from datetime import date, datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts import selectors as accounts_selectors
from common import clock
from common.refusals import Refused
from patients import access as patients_access
from patients.access import Rights
from patients.models import Patient
from portal.presenters import questionnaires as present
from portal.questionnaires import QuestionnaireForm
from symptoms import crisis, instrument_files, rhythm
from symptoms import selectors as symptoms_selectors
from symptoms import services as symptoms_services
from symptoms.scoring import Instrument
from titration.selectors import assessments

FOLLOWED_BY = {"phq-2": "phq-9"}


@require_safe
@patients_access.patient_page(action="portal.questions", rights=Rights.LOG)
def questions(request: HttpRequest) -> HttpResponse:
    """What waits and what may be filled in besides; above it the words for a crisis that was just told of."""
    at, patient = clock.now(), _patient(request)
    offered = _offered(request, patient, at)
    given = symptoms_selectors.newest_assessments([patient.id]).get(patient.id, {})
    page = {
        "clinic": patient.clinic,
        "lines": present.lines(offered, due_here(request, patient, at), given, _today(patient, at)),
        "crisis": (told := crisis_here(request, patient, at)),
        "read_when": accounts_selectors.reading_sentence(patient.clinic, at=at) if told else "",
    }
    return render(request, "portal/questions.html", page)


@require_http_methods(["GET", "HEAD", "POST"])
@patients_access.patient_page(action="portal.questionnaire", rights=Rights.LOG)
def questionnaire(request: HttpRequest, instrument: str) -> HttpResponse:
    """One questionnaire, answered for today."""
    at, patient = clock.now(), _patient(request)
    form_of = next((one for one in _offered(request, patient, at) if one.id == instrument), None)
    if form_of is None:
        raise Http404
    form = QuestionnaireForm(
        request.POST if request.method == "POST" else None,
        instrument=form_of,
        answered_before=_answered_before(patient, form_of, at),
    )
    if request.method != "POST" or not form.is_valid():
        return _page(request, form)
    try:
        row = symptoms_services.save_assessment(
            patient=patient,
            instrument=form_of.id,
            answers=form.answers(),
            on=_today(patient, at),
            by=request.actor,  # type: ignore[attr-defined]
            at=at,
        )
    except Refused as refusal:
        form.add_error(None, refusal.sentence)
        return _page(request, form)
    follows = FOLLOWED_BY.get(form_of.id)
    if follows and row.score is not None and row.score >= rhythm.POSITIVE:
        messages.success(request, "Saved. A few more questions follow, so that your clinic understands you better.")
        return redirect("portal:questionnaire", instrument=follows)
    messages.success(request, "Saved. Thank you.")
    return redirect("portal:questions")


def due_here(request: HttpRequest, patient: Patient, at: datetime) -> list[rhythm.Due]:
    """What waits for whoever holds this phone: a helper is not asked what only the patient can say."""
    offered = {one.id for one in _offered(request, patient, at)}
    return [one for one in assessments.due_for(patient, at=at) if one.instrument in offered]


def crisis_here(request: HttpRequest, patient: Patient, at: datetime) -> crisis.CrisisWords | None:
    """The words for a crisis, for the patient alone."""
    if request.grant is not None:  # type: ignore[attr-defined]
        return None
    return symptoms_selectors.crisis_words_for(patient, at=at)


def _page(request: HttpRequest, form: QuestionnaireForm) -> HttpResponse:
    patient = _patient(request)
    page = {
        "clinic": patient.clinic,
        "form": form,
        "instrument": form.instrument,
        "crisis": symptoms_selectors.crisis_words(patient.clinic_id) if form.instrument.crisis_item else None,
    }
    return render(request, "portal/questionnaire.html", page, status=422 if form.is_bound else 200)


def _offered(request: HttpRequest, patient: Patient, at: datetime) -> list[Instrument]:
    """The instruments whoever holds this phone may fill in."""
    helper = request.grant is not None  # type: ignore[attr-defined]
    adult = rhythm.age_on(patient.birth_date, _today(patient, at)) >= rhythm.ADULT_FROM_YEARS
    return [one for one in instrument_files.cleared() if not (helper and one.own) and (adult or not one.adults_only)]


def _answered_before(patient: Patient, form_of: Instrument, at: datetime) -> dict[str, int]:
    """What the shorter form was answered with today: it is not asked a second time."""
    if not form_of.begins_with:
        return {}
    short = symptoms_selectors.given_on(patient, form_of.begins_with, _today(patient, at))
    return dict(short.answers) if short is not None else {}


def _today(patient: Patient, at: datetime) -> date:
    return at.astimezone(patient.zone).date()


def _patient(request: HttpRequest) -> Patient:
    patient: Patient = request.patient  # type: ignore[attr-defined]
    request.seen({patient.id})  # type: ignore[attr-defined]
    return patient
