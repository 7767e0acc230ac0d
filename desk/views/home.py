"""The first page: what waits for the clinic today, in four lanes."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import policy
from accounts import selectors as accounts_selectors
from accounts.access import clinic_page
from common import clock
from common.refusals import Refused
from desk.forms.worklist import FilterForm, KeepViewForm, TagsForm
from desk.presenters import home as present
from desk.presenters import lanes, places, reasons
from desk.presenters.lanes import Found, Key, Lane, Reason
from desk.presenters.person import person
from desk.presenters.reasons import Reader
from desk.views.known import known_lastingly
from patients import selectors as patients_selectors
from patients.models import Patient
from reminders import selectors as reminders_selectors
from titration.engine.advice.finding import Tier
from titration.selectors import reaching, silence, worklist
from titration.selectors import supply as supply_selectors
from titration.services import worklist as worklist_services

P = policy.Permission
DAYS_AHEAD = timedelta(days=7)
UNREAD_FOR = timedelta(days=2)
"""So long an instruction may lie unread before the clinic is shown it."""
REFILLS_LOOKED_AT = 60
"""What is left of a supply is worked out anew for so many; beyond them the list says "more than"."""


@require_safe
@clinic_page(P.READ_PATIENTS, action="worklist.read", elsewhere=places.first)
def home(request: HttpRequest) -> HttpResponse:
    """Everybody who waits for the clinic, once each: the most urgent lane first, the longest wait on top."""
    actor, at = request.actor, clock.now()
    reader = Reader(actor, at, at.astimezone(actor.clinic_zone).date())
    filters = _filters(request)
    among = worklist.narrowed(actor, filters.wanted(), at=at)
    lane, after = _asked(request)
    shown = _lanes(reader, among, [lane] if lane else list(Lane), after)
    request.seen(row.patient_id for one in shown for row in one.rows)
    chosen = filters.chosen()
    return TemplateResponse(
        request,
        "desk/home.html",
        {
            "today": reader.today,
            "lanes": shown,
            "only": lane,
            "filters": filters,
            "chosen": chosen,
            "ignored": present.ignored(filters.unknown()),
            "narrowed": urlencode(chosen),
            "views": [(view, urlencode(view.filters)) for view in worklist.views_of(actor)],
            "keep": KeepViewForm(),
            "clock_stopped": present.stopped_clock(reminders_selectors.last_pulse("round"), at=at),
            "may_step": reader.may(P.PRESCRIBE),
            "may_register": reader.may(P.REGISTER_PATIENTS),
        },
    )


def _filters(request: HttpRequest) -> FilterForm:
    signs = policy.roles_with(P.PRESCRIBE)
    members = accounts_selectors.members_of(request.actor)
    return FilterForm(
        request.GET,
        clinicians=[(one.user_id, one.user.name) for one in members if one.role in signs],
        tags=[(tag.id, tag.name) for tag in worklist.tags_of(request.actor)],
    )


def _asked(request: HttpRequest) -> tuple[Lane | None, Key | None]:
    """One lane and where in it the page begins; all of them where the address names none."""
    named = request.GET.get("lane", "")
    if named not in set(Lane):
        return None, None
    return Lane(named), lanes.key_of(request.GET.get("after", ""))


def _lanes(
    reader: Reader, among: QuerySet[Patient], wanted: Sequence[Lane], after: Key | None
) -> list[lanes.LaneOfRows]:
    """These lanes with their first rows. Whom a lane is about is read by ids and dates alone, each kind from the index
    of what is due; everything else is read of those who are shown.
    """
    sizes = dict.fromkeys(wanted, lanes.ON_A_PAGE) if len(wanted) == 1 else lanes.AT_FIRST
    found = {lane: _FINDERS[lane](reader, among, after) for lane in wanted if lane is not Lane.ADMIN}
    lanes.fold(found)
    could = _refill_keys(reader, among, after) if Lane.ADMIN in wanted else []
    refills = _refills(reader, {*_first(found, sizes), *(key[0] for key in could)})
    if Lane.ADMIN in wanted:
        found[Lane.ADMIN] = _admin(reader, among, after)
        found[Lane.ADMIN].add(could, most=REFILLS_LOOKED_AT, only=refills)
        lanes.fold(found)
    rows = _rows(reader, _first(found, sizes), refills)
    return [lanes.lane_of_rows(lane, found[lane], rows, size=sizes[lane], after=after) for lane in wanted]


def _first(found: Mapping[Lane, Found], sizes: Mapping[Lane, int]) -> set[uuid.UUID]:
    return {key[0] for lane, where in found.items() for key in where.in_order()[: sizes[lane]]}


def _now(reader: Reader, among: QuerySet[Patient], after: Key | None) -> Found:
    found = Found()
    found.add(worklist.first_of(worklist.reports(reader.actor, among), "at", after=after), most=worklist.MOST)
    urgent = worklist.findings_of(reader.actor, among, worklist.URGENT)
    found.add(worklist.first_of(urgent, "raised_at", after=after), most=worklist.MOST)
    return found


def _decide(reader: Reader, among: QuerySet[Patient], after: Key | None) -> Found:
    found = Found()
    steps = worklist.steps_due(reader.actor, among, until=reader.today + DAYS_AHEAD)
    found.add(worklist.first_of(steps, "next_due_on", after=after), most=worklist.MOST)
    decisions = worklist.decisions_due(reader.actor, among, on=reader.today)
    found.add(worklist.first_of(decisions, "decide_on", after=after), most=worklist.MOST)
    asked = reaching.referrals(reader.actor, among)
    found.add(worklist.first_of(asked, "at", after=after), most=worklist.MOST)
    weighed = worklist.findings_of(reader.actor, among, worklist.DECIDED)
    found.add(worklist.first_of(weighed, "raised_at", after=after), most=worklist.MOST)
    return found


def _chase(reader: Reader, among: QuerySet[Patient], after: Key | None) -> Found:
    actor, at, found = reader.actor, reader.at, Found()
    found.add(silence.silent_keys(actor, among, at=at, after=after), most=worklist.MOST)
    tries = reminders_selectors.in_trouble(actor, among, at=at)
    found.add(
        worklist.first_of(tries, "at", who="reminder__occurrence__patient", after=after),
        most=worklist.MOST,
    )
    unread = reaching.unread(actor, among).filter(sent_at__lte=at - UNREAD_FOR)
    found.add(worklist.first_of(unread, "sent_at", after=after), most=worklist.MOST)
    bounced = patients_selectors.bounced(actor, among)
    found.add(worklist.first_of(bounced, "address_failed_at", after=after), most=worklist.MOST)
    return found


def _admin(reader: Reader, among: QuerySet[Patient], after: Key | None) -> Found:
    found = Found()
    to_do = worklist.findings_of(reader.actor, among, (Tier.ADMIN,))
    found.add(worklist.first_of(to_do, "raised_at", after=after), most=worklist.MOST)
    return found


def _refill_keys(reader: Reader, among: QuerySet[Patient], after: Key | None) -> list[Key]:
    could = supply_selectors.refills_to_look_at(reader.actor, among, at=reader.at)
    return worklist.first_of(could, "refill_due_on", after=after, most=REFILLS_LOOKED_AT)


def _refills(reader: Reader, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, supply_selectors.RefillDue]:
    """Whose refill is due of these patients, by what is really left."""
    known = patients_selectors.visible_to(reader.actor).filter(id__in=list(ids))
    found = supply_selectors.refills_due(reader.actor, at=reader.at, among=known)
    return {due.prescription.patient_id: due for due in found}


_FINDERS = {Lane.NOW: _now, Lane.DECIDE: _decide, Lane.CHASE: _chase}


def _rows(
    reader: Reader, ids: set[uuid.UUID], refills: Mapping[uuid.UUID, supply_selectors.RefillDue]
) -> dict[uuid.UUID, lanes.Row | None]:
    """The rows of these patients with every reason they are on the list for, in statements that do not grow."""
    patients = patients_selectors.shown(reader.actor, ids)
    tags = worklist.tags_on(ids)
    why = _reasons(reader, patients)
    for patient_id in ids & set(refills):
        why[patient_id].append(reasons.refill(refills[patient_id], reader))
    last = reaching.last_attempts(ids)
    return {
        patient_id: lanes.row(
            patient_id,
            patient.name,
            tags.get(patient_id, ()),
            why[patient_id],
            tried=reasons.tried(last.get(patient_id), reader),
        )
        for patient_id, patient in patients.items()
    }


def _reasons(reader: Reader, patients: Mapping[uuid.UUID, Patient]) -> dict[uuid.UUID, list[Reason]]:
    why: dict[uuid.UUID, list[Reason]] = defaultdict(list)
    for patient_id, reason in (*_to_answer(reader, set(patients)), *_to_chase(reader, patients)):
        why[patient_id].append(reason)
    return why


def _to_answer(reader: Reader, ids: set[uuid.UUID]) -> Iterator[tuple[uuid.UUID, Reason]]:
    """What somebody has to answer or decide about these patients."""
    actor, at, today = reader.actor, reader.at, reader.today
    known = patients_selectors.visible_to(actor).filter(id__in=ids)
    for report in worklist.reports(actor, known).order_by("at"):
        yield report.patient_id, reasons.report(report, reader)
    for finding in worklist.every_finding_of(actor, known):
        yield finding.patient_id, reasons.finding(finding, reader)
    for due in worklist.due_steps(actor, until=today + DAYS_AHEAD, at=at, patients=ids):
        for reason in reasons.step(due, reader):
            yield due.prescription.patient_id, reason
    for entry in worklist.questions_due(actor, on=today, patients=ids):
        yield entry.prescription.patient_id, reasons.question(entry, reader)
    for referral in reaching.referrals(actor, known):
        yield referral.patient_id, reasons.referral(referral, reader)


def _to_chase(reader: Reader, patients: Mapping[uuid.UUID, Patient]) -> Iterator[tuple[uuid.UUID, Reason]]:
    """Which of these patients are not heard from or were not reached."""
    actor, at, ids = reader.actor, reader.at, set(patients)
    known = patients_selectors.visible_to(actor).filter(id__in=ids)
    for quiet in silence.silent(actor, at=at, patients=ids):
        yield quiet.patient_id, reasons.quiet(quiet, reader)
    for trouble in reminders_selectors.troubles(actor, at=at, patients=ids):
        yield trouble.patient_id, reasons.trouble(trouble, reader)
    for unread in reaching.unread(actor, known).filter(sent_at__lte=at - UNREAD_FOR).order_by("sent_at"):
        yield unread.patient_id, reasons.unread(unread, reader)
    for patient in patients.values():
        if patient.contact.address_failed_at is not None and patient.care_ended_at is None:
            yield patient.id, reasons.bounced(patient, reader)


@require_POST
@clinic_page(P.READ_PATIENTS, action="view.keep_page")
def keep_view(request: HttpRequest) -> HttpResponse:
    """Keep the filters of the page it was sent from under a name."""
    form, chosen = KeepViewForm(request.POST), _posted_filters(request).chosen()
    if not form.is_valid():
        messages.error(request, " ".join(form.errors["name"]))
    else:
        try:
            worklist_services.keep_view(
                name=form.cleaned_data["name"], filters=chosen, by=request.actor, at=clock.now()
            )
        except Refused as refusal:
            messages.error(request, refusal.sentence)
        else:
            messages.success(request, "The view is kept. It stands above the lanes, for you alone.")
    return redirect(f"{reverse('desk:home')}?{urlencode(chosen)}")


def _posted_filters(request: HttpRequest) -> FilterForm:
    asked = _filters(request)
    asked.data = request.POST
    return asked


@require_POST
@clinic_page(P.READ_PATIENTS, action="view.forget_page")
def forget_view(request: HttpRequest, view_id: uuid.UUID) -> HttpResponse:
    """Forget a view of one's own."""
    if not worklist_services.forget_view(view_id=view_id, by=request.actor, at=clock.now()):
        raise Http404
    messages.success(request, "The view is forgotten.")
    return redirect("desk:home")


@require_http_methods(["GET", "HEAD", "POST"])
@clinic_page(P.KEEP_CONTACT, action="patient.tags_page")
def tags(request: HttpRequest, patient_id: uuid.UUID) -> HttpResponse:
    """The tags on a patient."""
    at = clock.now()
    patient = known_lastingly(request, patient_id)
    request.seen({patient_id})
    known = [(tag.id, tag.name) for tag in worklist.tags_of(request.actor)]
    on = set(worklist.tags_on([patient_id])[patient_id])
    first = {"tags": [str(key) for key, name in known if name in on]}
    form, status = TagsForm(request.POST if request.method == "POST" else None, tags=known, initial=first), 200
    if form.is_bound:
        status = 422
        if form.is_valid():
            try:
                worklist_services.set_tags(
                    patient=patient,
                    tags=[uuid.UUID(key) for key in form.cleaned_data.get("tags", [])],
                    new=form.cleaned_data["new"],
                    by=request.actor,
                    at=at,
                )
            except Refused as refusal:
                form.add_error("new", refusal.sentence)
            else:
                messages.success(request, "The tags are kept.")
                return redirect("desk:patient", patient_id=patient_id)
    context: dict[str, object] = {"person": person(patient, at=at), "form": form}
    return TemplateResponse(request, "desk/tags.html", context, status=status)
