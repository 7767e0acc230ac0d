"""Reaching a patient: contacts, a colleague, instructions, a night by telephone, and who is seen when."""

import uuid
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import policy
from accounts.access import clinic_page
from common import clock
from common.refusals import Refused, Stale
from desk.forms.reaching import ContactForm, InstructForm, PhoneNightForm, ReferForm, TextForm, VisitForm
from desk.presenters import weighing as present_weighing
from desk.presenters.person import lead_symptom, person
from desk.presenters.visits import Note, in_a_sentence, note
from desk.views.known import known_lastingly, known_to_read
from desk.views.known_course import card_of, plan_of
from patients import selectors as patients_selectors
from patients.models import Patient
from symptoms import selectors as symptoms_selectors
from symptoms import services as symptoms_services
from titration.engine import timeline
from titration.engine.course import FIRST_DAY, LAST_DAY
from titration.models import Prescription
from titration.selectors import courses as courses_selectors
from titration.selectors import reaching, weighing
from titration.selectors import supply as supply_selectors
from titration.services import firsts
from titration.services import reaching as services

P = policy.Permission
_form_page = require_http_methods(["GET", "HEAD", "POST"])


@_form_page
@clinic_page(P.KEEP_CONTACT, action="contact.page")
def reach(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """What was tried, whom one may ask, and what can be sent; each deed has its own button."""
    at = clock.now()
    patient, theirs = known_to_read(request, patient_id)
    request.seen({patient_id})
    today = at.astimezone(patient.clinic.zone).date()
    texts = reaching.texts_of(request.actor)
    action = request.POST.get("action", "")
    made: dict[str, Callable[..., forms.Form]] = {
        "contact": ContactForm,
        "refer": lambda data=None: ReferForm(data, auto_id="refer_%s", colleagues=services.colleagues(request.actor)),
        "instruct": lambda data=None: InstructForm(data, texts=[(text.id, text.name) for text in texts]),
        "visit": lambda data=None: VisitForm(data, initial={"on": today + timedelta(days=1)}),
    }
    shown = {name: make(request.POST) if name == action else make() for name, make in made.items()}
    status = 200
    if request.method == "POST":
        status = 422
        if action == "close":
            return _closed(request, patient, at)
        if action not in shown:
            raise Http404
        form = shown[action]
        if form.is_valid():
            try:
                done = _DEEDS[action](patient, form.cleaned_data, request, at, today)
            except Refused as refusal:
                form.add_error(None, refusal.sentence)
            else:
                messages.success(request, done)
                return redirect("desk:reach", patient_id=patient_id)
    context = {
        "person": person(patient, at=at),
        "forms": shown,
        "form": shown.get(action),
        "texts": texts,
        "attempts": reaching.attempts_of(patient),
        "referral": reaching.referral_of(patient),
        "instructions": reaching.instructions_of(patient),
        "visits": reaching.visits_of(patient, since=today),
        "zone": patient.clinic.zone,
        "may_keep": theirs,
        "may_phone": theirs and policy.may(request.actor, P.LOG_BY_PHONE),
    }
    return TemplateResponse(request, "desk/reach.html", context, status=status)


def _closed(request: HttpRequest, patient: Patient, at: datetime) -> HttpResponse:
    try:
        services.close_referral(patient=patient, by=request.actor, at=at)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, "Closed. It no longer stands on your colleague's day.")
    return redirect("desk:reach", patient_id=patient.id)


Typed = dict[str, Any]


def _contact(patient: Patient, typed: Typed, request: HttpRequest, at: datetime, today: date) -> str:
    services.log_contact(patient=patient, by=request.actor, at=at, **typed)
    return "On record."


def _refer(patient: Patient, typed: Typed, request: HttpRequest, at: datetime, today: date) -> str:
    services.refer(patient=patient, to=uuid.UUID(typed["to"]), words=typed["words"], by=request.actor, at=at)
    return "Passed on. It stands on your colleague's day until somebody closes it."


def _instruct(patient: Patient, typed: Typed, request: HttpRequest, at: datetime, today: date) -> str:
    services.instruct(patient=patient, text_id=uuid.UUID(typed["text"]), by=request.actor, at=at)
    return "Sent to the patient's page. A mail without any of it tells them to look."


def _visit(patient: Patient, typed: Typed, request: HttpRequest, at: datetime, today: date) -> str:
    services.mark_visit(patient=patient, on=typed["on"], today=today, by=request.actor, at=at)
    return "Marked. The patient stands among those seen that day."


_DEEDS = {"contact": _contact, "refer": _refer, "instruct": _instruct, "visit": _visit}


@_form_page
@clinic_page(P.HOLD, action="instruction.texts_page")
def texts(request: HttpRequest) -> HttpResponse:
    """The instructions the clinic wrote."""
    form, status = TextForm(request.POST if request.method == "POST" else None), 200
    if form.is_bound:
        status = 422
        if form.is_valid():
            try:
                services.keep_text(by=request.actor, at=clock.now(), **form.cleaned_data)
            except Refused as refusal:
                form.add_error(None, refusal.sentence)
            else:
                messages.success(request, "The instruction can be sent from now on.")
                return redirect("desk:texts")
    context = {"form": form, "texts": reaching.texts_of(request.actor)}
    return TemplateResponse(request, "desk/texts.html", context, status=status)


@require_POST
@clinic_page(P.HOLD, action="instruction.leave_page")
def leave_text(request: HttpRequest, text_id: uuid.UUID) -> HttpResponse:
    """Put an instruction out of use."""
    if not services.leave_text(text_id=text_id, by=request.actor, at=clock.now()):
        raise Http404
    messages.success(request, "Out of use. What was sent stays readable.")
    return redirect("desk:texts")


@_form_page
@clinic_page(P.LOG_BY_PHONE, action="night.phone_page")
def phone_night(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """Write down a night as the patient tells it by telephone."""
    at = clock.now()
    patient = known_lastingly(request, patient_id)
    request.seen({patient_id})
    slot_now = courses_selectors.tonight(patient, at=at).slot
    nights = symptoms_services.writable_nights(patient=patient, at=at, slot=slot_now)
    record = patients_selectors.record_of(request.actor, patient_id)
    if record is None:
        raise Http404
    last = nights[1] if len(nights) > 1 else nights[0]
    form = PhoneNightForm(
        request.POST if request.method == "POST" else None,
        nights=nights,
        lead=lead_symptom(record),
        asked=symptoms_selectors.items_asked(patient, night=last),
        initial={"night": last.isoformat()},
    )
    status = 200
    if form.is_bound:
        status = 422
        if form.is_valid():
            night = form.chosen()
            try:
                _tell(request, patient, night, form, at)
            except Stale:
                form.add_error("night", "This night has been told already. What was told stays as it is.")
                status = 409
            except Refused as refusal:
                form.add_error(None, refusal.sentence)
            else:
                messages.success(request, "The night is on record, as reported by phone.")
                return redirect("desk:reach", patient_id=patient_id)
    context = {"person": person(patient, at=at), "form": form}
    return TemplateResponse(request, "desk/phone_night.html", context, status=status)


def _tell(request: HttpRequest, patient: Patient, night: date, form: PhoneNightForm, at: datetime) -> None:
    if symptoms_selectors.told_night(patient, night).log is not None:
        raise Stale("This night has been told already.")
    planned, slot = courses_selectors.planned_for(courses_selectors.prescriptions_of(patient), night)
    firsts.tell_night(
        patient=patient,
        night=night,
        dose=form.dose(planned, slot),
        answers=form.answers(),
        seen_version=0,
        by=request.actor,
        at=at,
    )


@require_safe
@clinic_page(P.READ_PATIENTS, action="visit.note_page")
def visit_note(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """The patient's page in plain text, to be copied into another record system."""
    at = clock.now()
    record = patients_selectors.record_of(request.actor, patient_id)
    if record is None:
        raise Http404
    request.seen({patient_id})
    made = _note(record, at)
    return TemplateResponse(
        request, "desk/visit_note.html", {"person": person(record.patient, at=at), "notes": [made], "day": None}
    )


@require_safe
@clinic_page(P.READ_PATIENTS, action="visit.day_page")
def visits(request: HttpRequest) -> HttpResponse:
    """Who is seen on a day, tomorrow unless the address says another, with a page each."""
    at = clock.now()
    today = at.astimezone(request.actor.clinic_zone).date()
    on = _day(request.GET.get("on", "")) or today + timedelta(days=1)
    rows = reaching.visits_on(request.actor, on)
    request.seen(row.patient_id for row in rows)
    found = [patients_selectors.record_of(request.actor, row.patient_id) for row in rows[:MOST_NOTES]]
    notes = [_note(record, at) for record in found if record is not None]
    context = {
        "notes": notes,
        "day": on,
        "rows": rows,
        "before": on - timedelta(days=1),
        "after": on + timedelta(days=1),
        "cut": len(rows) > MOST_NOTES,
        "may_mark": policy.may(request.actor, P.KEEP_CONTACT),
    }
    return TemplateResponse(request, "desk/visits.html", context)


MOST_NOTES = 40
"""So many are summed up on one page: more are not seen on a day."""


def _day(text: str) -> date | None:
    """The day an address names; None for what is none, or lies where no day is before or after it."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST_DAY <= day <= LAST_DAY else None


def _note(record: patients_selectors.Record, at: datetime) -> Note:
    patient = record.patient
    prescription = courses_selectors.open_prescription(patient)
    card, plan = _card(prescription, record, at) if prescription else (None, "")
    return note(record, card, plan, reaching.attempts_of(patient, most=3), at=at)


def _card(
    prescription: Prescription, record: patients_selectors.Record, at: datetime
) -> tuple[present_weighing.Card, str]:
    """What there is to weigh, and the plan in force in a sentence."""
    prescription.patient = record.patient
    plan = plan_of(prescription, at)
    today = courses_selectors.patient_today(prescription, at=at)
    stopped = bool(courses_selectors.told_to_take_none([record.patient.id]))
    card = present_weighing.card(
        prescription,
        weighing.weigh(prescription, plan.in_force, at=at),
        dose_now=timeline.dose_on(plan.in_force, max(today, plan.in_force[0].from_on)),
        supply=supply_selectors.supplies_by_rows([record.patient], at=at)[record.patient.id],
        lead=lead_symptom(record),
        findings=weighing.alerts_of(record.patient),
    )
    return card, in_a_sentence(card_of(plan, at), told_none=stopped)


@require_POST
@clinic_page(P.KEEP_CONTACT, action="visit.take_back_page")
def take_back_visit(request: HttpRequest, patient_id: uuid.UUID, on: str) -> HttpResponse:
    """The patient is not seen on that day after all."""
    patient, day = known_lastingly(request, patient_id), _day(on)
    request.seen({patient_id})
    if day is None or not services.take_back_visit(patient=patient, on=day, by=request.actor, at=clock.now()):
        raise Http404
    messages.success(request, "Taken back.")
    return redirect("desk:reach", patient_id=patient_id)
