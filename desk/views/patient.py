"""One patient: what needs a person, the plan in force, the chart, the nights and the history."""

import uuid
from datetime import date, datetime, timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from accounts import policy
from accounts.access import clinic_page
from accounts.actors import Actor
from common import clock
from desk.presenters import patient as present
from desk.presenters.chart import NIGHTS_SHOWN, dose_bands, first_shown
from desk.presenters.plan import Plan
from desk.views.known_course import knows_lastingly
from patients import selectors as patients_selectors
from patients.models import Patient
from reminders import selectors as reminders_selectors
from symptoms import selectors as symptoms_selectors
from titration.engine import gate, timeline
from titration.engine.advice.finding import Tier
from titration.models import Prescription
from titration.selectors import courses as courses_selectors
from titration.selectors import findings as findings_selectors
from titration.selectors import reported
from titration.selectors import supply as supply_selectors

P = policy.Permission


@require_safe
@clinic_page(P.READ_PATIENTS, action="patient.page")
def patient(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """The patient's page; `?range=all` shows the whole course, `?before=` an older page of nights."""
    sources = _sources(request, patient_id, actor=request.actor)
    code = request.session.pop(f"desk_code:{patient_id}", "") if request.method == "GET" else ""
    return TemplateResponse(
        request,
        "desk/patient.html",
        {
            "page": present.page(sources),
            "desk_code": code,
            # Asked only where something may be urgent: most pages of most patients need no more statements.
            "urgent": reminders_selectors.unopened_of(request.actor, patient_id) if _may_be_urgent(sources) else [],
            "may": _may(request, sources.record.patient),
            "request_key": uuid.uuid4(),
        },
    )


def _may_be_urgent(sources: present.Sources) -> bool:
    return bool(sources.reports) or any(finding.tier == Tier.EMERGENCY for finding in sources.findings)


@require_safe
@clinic_page(P.EXPORT, action="patient.chart_saved")
def chart_svg(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """The patient's chart as a file that stands alone, in its own light colours. No emergency opens it."""
    sources = _sources(request, patient_id, actor=patients_selectors.lasting(request.actor))
    bands = dose_bands(sources.plans, sources.today)
    first = first_shown(sources.plans, sources.logs, sources.today, whole=sources.whole)
    return HttpResponse(
        present.chart(sources, bands, first).wide,
        content_type="image/svg+xml; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="chart-{sources.today.isoformat()}.svg"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def _sources(request: HttpRequest, patient_id: uuid.UUID, *, actor: Actor) -> present.Sources:
    """Everything the page shows, read in as many statements for two years as for a week."""
    at = clock.now()
    record = patients_selectors.record_of(actor, patient_id, among=courses_selectors.RECORDS_WITH_REPORTS)
    if record is None:
        raise Http404
    request.seen({patient_id})
    today = at.astimezone(record.patient.zone).date()
    plans = [_plan(row, today) for row in courses_selectors.prescriptions_of(record.patient)]
    current = next((plan for plan in plans if plan.is_open), None)
    whole, before = request.GET.get("range") == "all", _date(request.GET.get("before", ""))
    since = None if whole else today - timedelta(days=NIGHTS_SHOWN)
    logs, doses = symptoms_selectors.told_rows(record.patient, since=since, also=_older(current, before, at=at))
    reports = courses_selectors.reports_beside(record.patient)
    standing = findings_selectors.standing_of(record.patient)
    verdict = current and courses_selectors.verdict_from(
        current.prescription,
        in_force=current.in_force,
        logs=logs,
        doses=doses,
        opioid_reported=bool(reports),
        closing=findings_selectors.closing_among(standing),
        otherwise=_told_otherwise(record.patient),
        at=at,
    )
    return present.Sources(
        record=record,
        plans=plans,
        logs=logs,
        doses=doses,
        reports=reports,
        findings=standing,
        verdict=verdict,
        supply=supply_selectors.supply_of(record.patient, [_line(plan) for plan in plans], at=at),
        papers=supply_selectors.papers_of(record.patient) if current else [],
        zone=record.patient.clinic.zone,
        at=at,
        whole=whole,
        before=before,
    )


def _plan(prescription: Prescription, today: date) -> Plan:
    course = courses_selectors.course_of(prescription)
    return Plan(prescription, course, timeline.unfold(course), timeline.plan(course, as_of=today))


def _line(plan: Plan) -> supply_selectors.Line:
    return supply_selectors.Line(
        prescription=plan.prescription, schedule=plan.intended if plan.is_open else plan.in_force
    )


def _told_otherwise(patient: Patient) -> list[Any]:
    known = reported.clarified_beside(patient.clarified)
    clarified = {patient.id: known} if known else {}
    return reported.told_otherwise([patient.id], clarified=clarified).get(patient.id, [])


def _older(current: Plan | None, before: date | None, *, at: datetime) -> list[tuple[date, date]]:
    """Nights before those of the chart that an older page of the table or the gate looks at."""
    found = [(before - timedelta(days=NIGHTS_SHOWN), before)] if before else []
    if current is not None:
        evidence = courses_selectors.evidence_since(current.prescription, at=at)
        found.append((evidence, evidence + timedelta(days=gate.WINDOW_NIGHTS)))
    return found


def _date(text: str) -> date | None:
    """A date from an address, if it is one that nights can have."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if date(2000, 1, 1) <= found else None


def _may(request: HttpRequest, patient: Patient) -> dict[str, bool]:
    """What the buttons of the page may offer this person; what would outlast an emergency is not offered in one."""
    theirs = knows_lastingly(request, patient)
    return {
        "prescribe": policy.may(request.actor, P.PRESCRIBE),
        "hold": policy.may(request.actor, P.HOLD),
        "answer": policy.may(request.actor, P.ANSWER_OPIOID_REPORT),
        "end_care": theirs and patient.care_ended_at is None and policy.may(request.actor, P.HOLD),
        "take_up": theirs and policy.may(request.actor, P.PRESCRIBE),
        "invite": theirs and patient.care_ended_at is None and policy.may(request.actor, P.REGISTER_PATIENTS),
        "supply": theirs and policy.may(request.actor, P.KEEP_SUPPLY),
        "tags": theirs and policy.may(request.actor, P.KEEP_CONTACT),
        "keep_contact": policy.may(request.actor, P.KEEP_CONTACT),
        "medicines": policy.may(request.actor, P.KEEP_MEDICINES),
        "consent": policy.may(request.actor, P.REGISTER_PATIENTS),
        "contact": theirs and policy.may(request.actor, P.REGISTER_PATIENTS),
        "export": theirs and policy.may(request.actor, P.EXPORT),
        "restrict": theirs and policy.may(request.actor, P.RESTRICT_RECORDS),
    }
