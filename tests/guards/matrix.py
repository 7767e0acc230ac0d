"""Who may open what: every address, every kind of person, every method, own, foreign and unknown ids.

The table below is the whole promise; `docs/access-matrix.md` is written from it. An address without a line fails, and
so does a line without an address. What a line says is the answer to a person who may pass: 405 where the method is none
of the page's. HEAD is answered as GET, and PUT, PATCH, DELETE and OPTIONS are 405 for everybody. Everybody else's
answer follows from the door the view declares:

    a clinic's page      signed out: to the sign-in · no such role: 403 or to their page · foreign or unknown id: 404
    a person's page      signed out: to the sign-in · else theirs alone, whatever the role
    a patient's page     no remembered phone: 404 · a second proof wanted and not given: to the proof
                         a carer: 404 where the page is the patient's alone, an adult's own (as everybody is here) or
                         the grant is over, 403 where they may look and not write; on a page about the phone in the
                         hand, whoever holds one
    a public page        the same answer for everybody
"""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts import policy
from audit.models import AuditEvent
from patients.access import Rights
from tests import memory
from tests.personas import NOW, Case, House, Persona

READING = ("GET", "HEAD")
NEVER = ("PUT", "PATCH", "DELETE", "OPTIONS")
"""Methods that no page of ours has a use for."""
SAVEPOINT_NAME = re.compile(r'"s\d+_x\d+"')
METHODS = (*READING, "POST", *NEVER)

NOT_ABOUT_PATIENTS = {"night", "on", "key", "link", "kind", "instrument"}
"""Parts of an address that are no id of anybody's: the same for everyone."""
SECRETS = {"token", "care_token", "member_token", "card_token"}
"""Parts of an address that are their own proof: whoever holds one may open it."""


@dataclass(frozen=True)
class Line:
    """GET and POST for who may pass, the ids in the address (none: about nobody in particular), what is sent."""

    get: int
    post: int
    ids: tuple[str, ...] = ()
    payload: tuple[tuple[str, str], ...] = ()

    @property
    def about_somebody(self) -> bool:
        return bool(set(self.ids) - NOT_ABOUT_PATIENTS) or any("_id}" in value for _, value in self.payload)


DEED = (("reason", "matrix"), ("seen_version", "1"), ("days", "7"))
REVIEW = (("outcome", "justified"), ("words", "matrix"))
CALLED = (("action", "contact"), ("kind", "call"), ("outcome", "reached"))
LINES = {
    # the clinic's pages                GET  POST
    "desk:home": Line(200, 405),
    "desk:reach": Line(200, 302, ids=("patient_id",), payload=CALLED),
    "desk:phone_night": Line(200, 422, ids=("patient_id",)),
    "desk:visit_note": Line(200, 405, ids=("patient_id",)),
    "desk:take_back_visit": Line(405, 404, ids=("patient_id", "on")),
    "desk:visits": Line(200, 405),
    "desk:texts": Line(200, 302, payload=(("name", "matrix"), ("words", "matrix"))),
    "desk:leave_text": Line(405, 404, ids=("text_id",)),
    "portal:messages": Line(200, 302),
    "desk:keep_view": Line(405, 302, payload=(("name", "matrix"), ("dose", "3"))),
    "desk:forget_view": Line(405, 404, ids=("view_id",)),
    "desk:patient_tags": Line(200, 302, ids=("patient_id",), payload=(("new", "matrix"),)),
    "desk:patients": Line(200, 302, payload=(("words", "person"),)),
    "desk:register": Line(200, 422),
    "desk:patient": Line(200, 405, ids=("patient_id",)),
    "desk:chart_svg": Line(200, 405, ids=("patient_id",)),
    "desk:prescribe": Line(200, 422, ids=("patient_id",)),
    "desk:screening": Line(200, 409, ids=("patient_id",)),
    "desk:screening_send": Line(405, 302, ids=("patient_id",)),
    "desk:screening_waive": Line(405, 409, ids=("patient_id",), payload=DEED),
    "desk:screening_results": Line(200, 409, ids=("patient_id",)),
    "desk:consent": Line(200, 422, ids=("patient_id",)),
    "desk:consent_send": Line(405, 302, ids=("patient_id",)),
    "desk:consent_print": Line(405, 200, ids=("patient_id",)),
    "desk:consent_texts": Line(200, 422),
    "desk:contact": Line(200, 422, ids=("patient_id",)),
    "desk:sex": Line(200, 302, ids=("patient_id",)),
    "desk:invite": Line(405, 302, ids=("patient_id",)),
    "desk:forget_phone": Line(405, 302, ids=("patient_id", "phone_id")),
    "desk:patient_access": Line(200, 405, ids=("patient_id",)),
    "desk:patient_restrict": Line(200, 302, ids=("patient_id",), payload=DEED),
    "desk:patient_team_add": Line(405, 422, ids=("patient_id",)),
    "desk:patient_team_remove": Line(405, 404, ids=("patient_id", "user_id")),
    "desk:patient_open_again": Line(405, 409, ids=("patient_id",)),
    "desk:end_care": Line(200, 302, ids=("patient_id",), payload=(("because", "moved"), ("reason", "matrix"))),
    "desk:take_up_again": Line(405, 302, ids=("patient_id",)),
    "desk:cards": Line(200, 405, ids=("patient_id",)),
    "desk:print_card": Line(405, 200, ids=("patient_id",)),
    "desk:revoke_card": Line(405, 302, ids=("patient_id", "card_id")),
    "desk:helpers": Line(200, 422, ids=("patient_id",)),
    "desk:end_help": Line(405, 302, ids=("patient_id", "grant_id")),
    "desk:read_dose": Line(405, 200, payload=(("field", "dose"), ("dose_other", "4,5"))),
    "desk:templates": Line(200, 405),
    "desk:template": Line(200, 405, ids=("template_id",)),
    "desk:template_courses": Line(200, 405, ids=("template_id",)),
    "desk:template_toml": Line(200, 405, ids=("template_id",)),
    "desk:template_edit": Line(200, 200, ids=("template_id",)),
    "desk:template_paste": Line(200, 200),
    "desk:template_paste_from": Line(200, 200, ids=("template_id",)),
    "desk:template_review": Line(200, 302, ids=("template_id",), payload=(("words", "matrix"),)),
    "desk:template_withdraw": Line(200, 302, ids=("template_id",), payload=(("words", "matrix"),)),
    "desk:template_offer": Line(200, 409, ids=("template_id",)),
    "desk:course": Line(200, 405, ids=("prescription_id",)),
    "desk:course_question": Line(200, 422, ids=("prescription_id",)),
    "desk:course_what_if": Line(200, 422, ids=("prescription_id",)),
    "desk:course_download": Line(200, 405, ids=("prescription_id",)),
    "desk:course_begin": Line(200, 200, ids=("prescription_id",), payload=DEED),
    "desk:course_pause": Line(200, 200, ids=("prescription_id",), payload=DEED),
    "desk:course_resume": Line(200, 200, ids=("prescription_id",), payload=DEED),
    "desk:course_step_now": Line(200, 200, ids=("prescription_id",), payload=DEED),
    "desk:course_step_back": Line(200, 200, ids=("prescription_id",), payload=DEED),
    "desk:course_go_to": Line(200, 200, ids=("prescription_id",), payload=DEED),
    "desk:course_stay": Line(200, 200, ids=("prescription_id",), payload=DEED),
    "desk:course_repeat": Line(200, 200, ids=("prescription_id",), payload=DEED),
    "desk:course_lengths": Line(200, 200, ids=("prescription_id",), payload=DEED),
    "desk:course_time": Line(200, 200, ids=("prescription_id",), payload=DEED),
    "desk:course_restart": Line(200, 200, ids=("prescription_id",), payload=DEED),
    "desk:course_on_off": Line(200, 200, ids=("prescription_id",), payload=DEED),
    "desk:course_trial": Line(200, 200, ids=("prescription_id",), payload=DEED),
    "desk:course_template": Line(200, 200, ids=("prescription_id",), payload=DEED),
    "desk:course_take_back": Line(200, 200, ids=("prescription_id",), payload=DEED),
    "desk:weigh": Line(200, 405, ids=("prescription_id",)),
    "desk:clarify": Line(200, 422, ids=("prescription_id",), payload=(("words", "matrix"),)),
    "desk:hold": Line(200, 302, ids=("prescription_id",), payload=DEED),
    "desk:advance": Line(200, 422, ids=("prescription_id",), payload=DEED),
    "desk:stop": Line(200, 302, ids=("prescription_id",), payload=DEED),
    "desk:advance_several": Line(405, 200, payload=(("course", "{prescription_id}:1"),)),
    "desk:answer_report": Line(200, 302, ids=("report_id",), payload=(("outcome", "carry_on"), ("reason", "matrix"))),
    "desk:medicines": Line(200, 422, ids=("patient_id",)),
    "desk:medicine": Line(200, 422, ids=("patient_id", "medicine_id")),
    "desk:assessments": Line(200, 405, ids=("patient_id",)),
    "desk:assess": Line(200, 302, ids=("patient_id", "instrument"), payload=(("change", "2"), ("on", "2026-03-16"))),
    "desk:finding": Line(200, 405, ids=("finding_id",)),
    "desk:accept_finding": Line(405, 302, ids=("finding_id",), payload=DEED),
    "desk:dismiss_finding": Line(405, 302, ids=("finding_id",), payload=DEED),
    "desk:rules": Line(200, 405),
    "desk:rules_review": Line(405, 422),
    "desk:rule_thresholds": Line(200, 422),
    "desk:overrides": Line(200, 405),
    "desk:crisis": Line(200, 302, payload=(("locale", "uk"),)),
    "desk:labs": Line(200, 422, ids=("patient_id",)),
    "desk:lab_correct": Line(200, 422, ids=("lab_id",)),
    "desk:procedures": Line(200, 422, ids=("patient_id",)),
    "desk:procedure": Line(200, 422, ids=("procedure_id",)),
    "desk:procedure_letter": Line(405, 200, ids=("procedure_id",)),
    "desk:fill": Line(200, 422, ids=("patient_id",)),
    "desk:withdraw_fill": Line(200, 302, ids=("fill_id",), payload=DEED),
    "desk:lots": Line(200, 405),
    "desk:paper_new": Line(200, 422, ids=("prescription_id",)),
    "desk:print_schedule": Line(405, 302, ids=("prescription_id",)),
    "desk:paper": Line(200, 405, ids=("paper_id",)),
    "desk:sign_paper": Line(405, 302, ids=("paper_id",)),
    "desk:move_paper": Line(405, 302, ids=("paper_id",)),
    "desk:print_paper": Line(405, 200, ids=("paper_id",)),
    "desk:licence": Line(200, 422),
    "desk:pharmacies": Line(200, 422),
    "desk:pharmacy": Line(200, 422, ids=("pharmacy_id",)),
    "desk:reminders": Line(200, 405),
    "desk:settle": Line(405, 302, ids=("reminder_id",), payload=(("outcome", "sent"),)),
    "desk:memory": Line(200, 302),
    "desk:roles": Line(200, 405),
    "desk:people": Line(200, 405),
    "desk:invite_member": Line(200, 422),
    "desk:invite_member_again": Line(405, 302, ids=("invitation_id",)),
    "desk:withdraw_invitation": Line(405, 302, ids=("invitation_id",)),
    "desk:member": Line(200, 302, ids=("membership_id",), payload=(("role", "staff"),)),
    "desk:choose_clinic": Line(200, 404),
    "desk:lost_device": Line(405, 302, ids=("membership_id",), payload=(("reason", "phone"),)),
    "desk:end_membership": Line(405, 302, ids=("membership_id",)),
    # about one's own sign-in
    "accounts:session_state": Line(200, 405),
    "accounts:stay": Line(405, 200),
    "accounts:back": Line(200, 405),
    "accounts:sessions": Line(200, 405),
    "accounts:end_session": Line(405, 404, payload=(("session", "unknown"),)),
    "accounts:end_other_sessions": Line(405, 302),
    "desk:urgent": Line(200, 405),
    "desk:open_urgent": Line(405, 302, ids=("item_id",)),
    "desk:hours": Line(200, 405),
    "desk:keep_hours": Line(405, 422),
    "desk:keep_route": Line(405, 302),
    "desk:keep_cover": Line(405, 422),
    "desk:end_cover": Line(405, 302, ids=("cover_id",)),
    "desk:retention": Line(200, 405),
    "desk:retention_years": Line(405, 302, payload=(("years", "10"),)),
    "desk:retention_ask": Line(404, 404, ids=("patient_id",)),
    "desk:retention_confirm": Line(405, 404, ids=("erasure_id",)),
    "desk:retention_withdraw": Line(405, 404, ids=("erasure_id",)),
    "desk:emergency": Line(200, 422),
    "desk:emergency_end": Line(405, 404, ids=("access_id",)),
    "desk:emergency_reviews": Line(200, 405),
    "desk:emergency_review": Line(200, 302, ids=("access_id",), payload=REVIEW),
    "desk:emergency_review_end": Line(405, 404, ids=("access_id",)),
    "accounts:go_on": Line(404, 405, ids=("key",)),
    "accounts:confirm_in_demonstration": Line(405, 404, ids=("key",)),
    # the patient's pages
    "portal:tonight": Line(200, 405),
    "portal:night": Line(200, 422, ids=("night",)),
    "portal:plan": Line(200, 405),
    "portal:before": Line(200, 409),
    "portal:agreement": Line(200, 422),
    "portal:chart": Line(200, 405),
    "portal:procedure": Line(405, 302, payload=(("opioid", "no"),)),
    "portal:questions": Line(200, 405),
    "portal:questionnaire": Line(200, 302, ids=("instrument",), payload=(("change", "2"),)),
    "portal:prove": Line(200, 302),
    "portal:leave": Line(405, 200),
    "portal:devices": Line(200, 405),
    "portal:forget_device": Line(405, 302, ids=("phone_id",)),
    "portal:pin": Line(302, 302),
    "portal:new_pin": Line(200, 422),
    "portal:whom": Line(200, 302, payload=(("choice", "me"),)),
    "portal:helpers": Line(200, 405),
    "portal:cards": Line(200, 405),
    "portal:new_card": Line(405, 302),
    "portal:print_card": Line(405, 302),
    "portal:name_card": Line(405, 302, ids=("card_id",)),
    "portal:revoke_card": Line(405, 302, ids=("card_id",)),
    "portal:who_looked": Line(200, 405),
    "portal:ask_help": Line(200, 302),
    "portal:end_help": Line(405, 302, ids=("grant_id",)),
    # files that leave
    "exports:list": Line(200, 405),
    "exports:ask": Line(405, 302, payload=(("request_key", str(uuid.UUID(int=1))), ("patient", "{patient_id}"))),
    "exports:memory": Line(405, 200),
    "exports:show": Line(200, 405, ids=("export_id",)),
    "exports:file": Line(200, 405, ids=("export_id",)),
    # tables that come in
    "imports:list": Line(200, 422),
    "imports:template": Line(200, 405, ids=("kind",)),
    "imports:show": Line(200, 405, ids=("import_id",)),
    "imports:accept": Line(405, 409, ids=("import_id",)),
    "imports:discard": Line(405, 302, ids=("import_id",)),
    "imports:undo": Line(405, 409, ids=("import_id",), payload=DEED),
    # public
    "portal:open": Line(200, 422, ids=("token",)),
    "portal:open_care": Line(200, 422, ids=("care_token",)),
    "portal:emergency": Line(200, 405),
    "portal:offline": Line(200, 405),
    "portal:worker": Line(200, 405),
    "portal:open_card": Line(200, 405, ids=("card_token",)),
    "csp_reports": Line(405, 400),
    "desk:join": Line(200, 422, ids=("member_token",)),
    "portal:link": Line(200, 404, ids=("link",)),
    "live": Line(200, 405),
    "ready": Line(200, 405),
    "reminders_health": Line(503, 405),
    "health": Line(503, 405),
    # public in a demonstration, which this is not
    "demo": Line(404, 405),
    "demo_sign_in": Line(405, 404, payload=(("username", "prescriber@demo.invalid"),)),
    "demo_phone": Line(405, 404),
    "demo_mail": Line(404, 405),
    "demo_message": Line(404, 405, ids=("key",)),
}


def addresses(patterns: list[Any], space: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every address of the site by its name."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, f"{pattern.namespace}:" if pattern.namespace else space)
        else:
            yield f"{space}{pattern.name}", pattern


OURS_BY_NAME = {
    name: pattern for name, pattern in addresses(get_resolver().url_patterns) if hasattr(pattern.callback, "access")
}
OURS = {name: pattern.callback.access for name, pattern in OURS_BY_NAME.items()}


@dataclass(frozen=True)
class Answered:
    """What one knock brought: the answer, the events in the memory, and the shapes of the statements it took."""

    response: Any
    events: list[AuditEvent]
    statements: list[str]


def knock(house: House, name: str, persona: Persona, method: str, case: Case | None) -> Answered:
    """One request, taken back; `case` is whose ids it names, None for ids of nobody's."""
    ids = ids_of(persona, case)
    line = LINES[name]
    address = reverse(name, kwargs={key: ids[key] for key in line.ids})
    payload = {key: value.format(**ids) for key, value in line.payload}
    with transaction.atomic():
        client = persona.client()
        with _statements() as statements:
            response = client.post(address, payload) if method == "POST" else client.generic(method, address)
        # Whoever was refused before anything was asked left nothing to look for.
        events = memory.events(request_id=response["X-Request-Id"]) if statements else []
        transaction.set_rollback(True)
    return Answered(response, events, statements)


@contextmanager
def _statements() -> Iterator[list[str]]:
    shapes: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        shapes.append(SAVEPOINT_NAME.sub("…", sql))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield shapes


def ids_of(persona: Persona, case: Case | None) -> dict[str, Any]:
    """What stands in addresses and payloads about this case; for None ids that nobody has."""
    plain = {"night": NOW.date() - timedelta(days=1), "key": "some-key", "link": "unknown-link", "kind": "csv"}
    plain["instrument"], plain["on"] = "pgic", "2030-01-01"
    if case is None:
        unknown = ("patient_id", "phone_id", "prescription_id", "report_id", "reminder_id", "export_id")
        unknown += ("medicine_id", "finding_id", "fill_id", "pharmacy_id", "paper_id", "card_id")
        unknown += ("user_id", "grant_id", "access_id", "erasure_id", "cover_id", "procedure_id")
        unknown += ("view_id", "text_id", "item_id", "lab_id")
        unknown += ("user_id", "grant_id", "membership_id", "invitation_id", "import_id", "template_id")
        return {**plain, **{name: uuid.uuid4() for name in unknown}, **dict.fromkeys(SECRETS, "unknown-token")}
    return {
        **plain,
        "patient_id": case.patient.id,
        "phone_id": case.phone.id,
        "user_id": uuid.UUID(int=7),
        "access_id": case.emergency.id,
        "erasure_id": uuid.UUID(int=8),
        "view_id": uuid.UUID(int=9),
        "text_id": uuid.UUID(int=10),
        "prescription_id": case.prescription.id,
        "report_id": case.report.id,
        "import_id": case.imported.id,
        "reminder_id": case.reminder.id,
        "export_id": case.exports.get(persona.name) or next(iter(case.exports.values()), uuid.uuid4()),
        "token": case.invitation_token,
        "grant_id": case.grant.id,
        "care_token": case.care_invitation_token,
        "card_id": case.card.id,
        "cover_id": case.cover.id,
        "item_id": case.urgent.id,
        "card_token": case.card_token,
        "finding_id": case.finding.id,
        "medicine_id": case.medicine.id,
        "fill_id": case.fill.id,
        "procedure_id": case.procedure.id,
        "lab_id": case.lab.id,
        "paper_id": case.paper.id,
        "pharmacy_id": case.fill.pharmacy_id,
        "membership_id": case.membership.id,
        "invitation_id": case.member_invitation.id,
        "member_token": case.member_token,
        "template_id": case.template.id,
    }


def methods_of(name: str) -> set[str]:
    """The methods a view lets in, by its own word; it is asked before anybody is."""
    refused = OURS_BY_NAME[name].callback(RequestFactory().put("/"))
    assert refused.status_code == 405, f"{name} must name its methods outside its door"
    return {method.strip() for method in refused["Allow"].split(",")}


def expected(name: str, persona: Persona, method: str, *, mine: bool, known: bool) -> int:
    """The status this person is promised; `mine` for ids of their own clinic or record, `known` for anybody's."""
    line, door = LINES[name], OURS[name]
    passed = 405 if method in NEVER else line.post if method == "POST" else line.get
    if passed == 405:
        return 405
    match door.kind:
        case "public":
            return passed if known or not SECRETS & set(line.ids) else 404
        case "person":
            return passed if persona.signed_in else 302
        case "patient":
            # A carer's own phone is none of the patient's.
            theirs = mine and not (persona.carer and "phone_id" in line.ids)
            return _at_the_patients_door(door, persona, passed if theirs or not line.about_somebody else 404, method)
    return _at_the_clinics_door(door, persona, passed, mine=mine)


def _at_the_clinics_door(door: Any, persona: Persona, passed: int, *, mine: bool) -> int:
    if not persona.signed_in:
        return 302
    if not persona.role:
        return 404
    if door.permission not in policy.PERMISSIONS[persona.role]:
        return 302 if door.elsewhere else 403
    return passed if mine else 404


def _at_the_patients_door(door: Any, persona: Persona, passed: int, method: str) -> int:
    if door.rights == Rights.PHONE:
        if not persona.patient and not persona.carer:
            return 404
        return 302 if door.proof else passed
    if not persona.patient or (persona.carer and door.rights in (Rights.OWN, Rights.GUARDIAN)):
        return 404
    if door.rights == Rights.LOG and persona.carer == "view" and method == "POST":
        return 403
    return 302 if door.proof else passed


def check_canaries(house: House, persona: Persona, body: str, events: list[AuditEvent], where: str) -> None:
    """Nobody reads of whom they may not know, and whoever is shown stands in the audit of that very request."""
    seen = {patient for event in events for patient in event.patient_ids}
    # The reading room names patients to who may read no record: they answer patients who ask who looked at theirs. And
    # who reviews emergencies reads the number of a record that was opened in one.
    reading = policy.Permission.READ_PATIENTS
    if ":memory" in where:
        reading = policy.Permission.READ_MEMORY
    elif "desk:emergency_review" in where:
        reading = policy.Permission.REVIEW_EMERGENCIES
    for which, case in house.cases.items():
        if case.canary not in body.casefold():
            continue
        may_know = persona.patient == which or (
            persona.role
            and (persona.clinic == "first") == (which in ("own", "neighbour"))
            and reading in policy.PERMISSIONS[persona.role]
        )
        assert may_know, f"{where} shows {which}"
        assert case.patient.id in seen, f"{where} shows {which} and the audit does not say so"
