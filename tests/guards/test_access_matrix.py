"""Who may open what: every address, every kind of person, own, foreign and unknown ids, reading and writing.

The table below is the whole promise. An address without a line fails, and so does a line without an address. What a
line says is the answer to a person who may pass: 405 where the method is none of the page's. Everybody else's answer
follows from the door the view declares:

    a clinic's page      signed out: to the sign-in · no such role: 403 or to their page · foreign or unknown id: 404
    a person's page      signed out: to the sign-in · else theirs alone, whatever the role
    a patient's page     no remembered phone: 404 · a second proof wanted and not given: to the proof
                         a carer: 404 where the page is the patient's alone or the grant is over, 403 where they may
                         look and not write; on a page about the phone in the hand, whoever holds one
    a public page        the same answer for everybody
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts import policy
from accounts.access import ALLAUTH_VIEWS
from audit.models import AuditEvent
from patients.access import Rights
from tests import memory, personas
from tests.personas import NOW, Case, House, Persona

NOT_ABOUT_PATIENTS = {"night", "key"}
"""Parts of an address that are no id of anybody's: the same for everyone."""
SECRETS = {"token", "care_token"}
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
LINES = {
    # the clinic's pages                GET  POST
    "desk:home": Line(200, 405),
    "desk:patients": Line(200, 302, payload=(("words", "person"),)),
    "desk:register": Line(200, 422),
    "desk:patient": Line(200, 405, ids=("patient_id",)),
    "desk:chart_svg": Line(200, 405, ids=("patient_id",)),
    "desk:prescribe": Line(200, 422, ids=("patient_id",)),
    "desk:contact": Line(200, 422, ids=("patient_id",)),
    "desk:invite": Line(405, 302, ids=("patient_id",)),
    "desk:forget_phone": Line(405, 302, ids=("patient_id", "phone_id")),
    "desk:patient_access": Line(200, 405, ids=("patient_id",)),
    "desk:patient_restrict": Line(200, 302, ids=("patient_id",), payload=DEED),
    "desk:patient_team_add": Line(405, 422, ids=("patient_id",)),
    "desk:patient_team_remove": Line(405, 404, ids=("patient_id", "user_id")),
    "desk:patient_open_again": Line(405, 409, ids=("patient_id",)),
    "desk:helpers": Line(200, 422, ids=("patient_id",)),
    "desk:end_help": Line(405, 302, ids=("patient_id", "grant_id")),
    "desk:hold": Line(200, 302, ids=("prescription_id",), payload=DEED),
    "desk:advance": Line(200, 422, ids=("prescription_id",), payload=DEED),
    "desk:stop": Line(200, 302, ids=("prescription_id",), payload=DEED),
    "desk:advance_several": Line(405, 200, payload=(("course", "{prescription_id}:1"),)),
    "desk:answer_report": Line(200, 302, ids=("report_id",), payload=(("outcome", "carry_on"), ("reason", "matrix"))),
    "desk:reminders": Line(200, 405),
    "desk:settle": Line(405, 302, ids=("reminder_id",), payload=(("outcome", "sent"),)),
    "desk:roles": Line(200, 405),
    # about one's own sign-in
    "accounts:sessions": Line(200, 405),
    "accounts:end_session": Line(405, 404, payload=(("session", "unknown"),)),
    "accounts:end_other_sessions": Line(405, 302),
    # the patient's pages
    "portal:tonight": Line(200, 405),
    "portal:night": Line(200, 422, ids=("night",)),
    "portal:plan": Line(200, 405),
    "portal:chart": Line(200, 405),
    "portal:prove": Line(200, 302),
    "portal:leave": Line(405, 200),
    "portal:whom": Line(200, 302, payload=(("choice", "me"),)),
    "portal:helpers": Line(200, 405),
    "portal:ask_help": Line(200, 302),
    "portal:end_help": Line(405, 302, ids=("grant_id",)),
    # files that leave
    "exports:list": Line(200, 405),
    "exports:ask": Line(405, 302, payload=(("request_key", str(uuid.UUID(int=1))), ("patient", "{patient_id}"))),
    "exports:show": Line(200, 405, ids=("export_id",)),
    "exports:file": Line(200, 405, ids=("export_id",)),
    # public
    "portal:open": Line(200, 422, ids=("token",)),
    "portal:open_care": Line(200, 422, ids=("care_token",)),
    "portal:emergency": Line(200, 405),
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


OURS = {
    name: pattern.callback.access
    for name, pattern in addresses(get_resolver().url_patterns)
    if hasattr(pattern.callback, "access")
}


@pytest.fixture(scope="module")
def house(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Built once, in a transaction that never ends well; every knock takes back what it did."""
    from django.conf import settings

    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock(), time_machine.travel(NOW, tick=False):
        patch.setattr(settings, "EXPORT_DIR", tmp_path_factory.mktemp("exports"))
        with transaction.atomic():
            yield personas.build()
            transaction.set_rollback(True)


def test_every_address_has_a_line_and_every_line_an_address() -> None:
    assert set(LINES) == set(OURS)


@pytest.mark.parametrize("name", sorted(OURS))
def test_the_matrix_holds(house: House, name: str) -> None:
    for persona in house.personas.values():
        for method in ("GET", "POST"):
            _knock_everywhere(house, name, persona, method)


def _knock_everywhere(house: House, name: str, persona: Persona, method: str) -> None:
    theirs, not_theirs = ("foreign", "own") if persona.clinic == "second" else ("own", "foreign")
    targets = (theirs, not_theirs, None) if LINES[name].about_somebody else (theirs,)
    answers = {}
    for target in targets:
        where = f"{persona.name}: {method} {name} {target or 'unknown'}"
        response, events = _knock(house, name, persona, method, house.cases.get(target or ""))
        mine = target == (persona.patient if OURS[name].kind == "patient" else theirs)
        expected = _expected(name, persona, method, mine=mine, known=target is not None)
        assert response.status_code == expected, where
        answers[target] = personas.normal(response)
        _check_canaries(house, persona, answers[target], events, where)
        done = {event.action for event in events if event.result == AuditEvent.Result.DONE} - {OURS[name].action}
        assert response.status_code < 400 or not done, f"{where} was answered no and did {done}"
    # The secret in an invitation is its own proof: whoever holds it may open it.
    if None in answers and not SECRETS & set(LINES[name].ids):
        assert answers[not_theirs] == answers[None], f"{persona.name}: {method} {name} tells foreign from unknown"


def _knock(
    house: House, name: str, persona: Persona, method: str, case: Case | None
) -> tuple[Any, list[str], set[Any]]:
    """One request, taken back; with the deeds it left in the audit and the patients it says were seen."""
    ids = _ids(persona, case)
    line = LINES[name]
    address = reverse(name, kwargs={key: ids[key] for key in line.ids})
    payload = {key: value.format(**ids) for key, value in line.payload}
    with transaction.atomic():
        client = persona.client()
        response = client.get(address) if method == "GET" else client.post(address, payload)
        events = memory.events(request_id=response["X-Request-Id"])
        transaction.set_rollback(True)
    return response, events


def _ids(persona: Persona, case: Case | None) -> dict[str, Any]:
    plain = {"night": NOW.date() - timedelta(days=1), "key": "some-key"}
    if case is None:
        unknown = ("patient_id", "phone_id", "prescription_id", "report_id", "reminder_id", "export_id")
        unknown += ("user_id", "grant_id")
        return {**plain, **{name: uuid.uuid4() for name in unknown}, **dict.fromkeys(SECRETS, "unknown-token")}
    return {
        **plain,
        "patient_id": case.patient.id,
        "phone_id": case.phone.id,
        "user_id": uuid.UUID(int=7),
        "prescription_id": case.prescription.id,
        "report_id": case.report.id,
        "reminder_id": case.reminder.id,
        "export_id": case.exports.get(persona.name) or next(iter(case.exports.values()), uuid.uuid4()),
        "token": case.invitation_token,
        "grant_id": case.grant.id,
        "care_token": case.care_invitation_token,
    }


def _expected(name: str, persona: Persona, method: str, *, mine: bool, known: bool) -> int:
    line, door = LINES[name], OURS[name]
    passed = line.get if method == "GET" else line.post
    if passed == 405:
        return 405
    match door.kind:
        case "public":
            return passed if known or not SECRETS & set(line.ids) else 404
        case "person":
            return passed if persona.role else 302
        case "patient":
            return _at_the_patients_door(door, persona, passed if mine or not line.about_somebody else 404, method)
    if not persona.role:
        return 302
    if door.permission not in policy.PERMISSIONS[persona.role]:
        return 302 if door.elsewhere else 403
    return passed if mine else 404


def _at_the_patients_door(door: Any, persona: Persona, passed: int, method: str) -> int:
    if door.rights == Rights.PHONE:
        return passed if persona.patient or persona.carer else 404
    if not persona.patient or (persona.carer and door.rights == Rights.OWN):
        return 404
    if door.rights == Rights.LOG and persona.carer == "view" and method == "POST":
        return 403
    return 302 if door.proof else passed


def _check_canaries(house: House, persona: Persona, body: str, events: list[AuditEvent], where: str) -> None:
    """Nobody reads of whom they may not know, and whoever is shown stands in the audit of that very request."""
    seen = {patient for event in events for patient in event.patient_ids}
    for which, case in house.cases.items():
        if case.canary not in body.casefold():
            continue
        may_know = persona.patient == which or (
            persona.role
            and (persona.clinic == "first") == (which in ("own", "neighbour"))
            and policy.Permission.READ_PATIENTS in policy.PERMISSIONS[persona.role]
        )
        assert may_know, f"{where} shows {which}"
        assert case.patient.id in seen, f"{where} shows {which} and the audit does not say so"


def test_the_canaries_can_be_heard(house: House) -> None:
    """The net has no hole: a page that shows a patient does carry the canary."""
    response, events = _knock(house, "desk:patient", house.personas["nurse"], "GET", house.cases["own"])
    assert "canary-own" in personas.normal(response)
    assert [event.action for event in events if house.cases["own"].patient.id in event.patient_ids] == ["patient.page"]


def test_allauths_own_views_show_nobody(house: House) -> None:
    keys = {"account_reset_password_from_key": {"uidb36": "0", "key": "x"}}
    keys |= {name: {"pk": 1} for name in ("mfa_edit_webauthn", "mfa_remove_webauthn")}
    for name in sorted(ALLAUTH_VIEWS):
        for persona in house.personas.values():
            for method in ("get", "post"):
                with transaction.atomic():
                    response = getattr(persona.client(), method)(reverse(name, kwargs=keys.get(name)))
                    transaction.set_rollback(True)
                assert response.status_code < 500, (name, persona.name, method)
                assert "canary" not in personas.normal(response), (name, persona.name, method)


def test_one_foreign_id_among_own_ones_is_nobodys_and_nothing_is_done(house: House) -> None:
    own, foreign = house.cases["own"].prescription, house.cases["foreign"].prescription
    with transaction.atomic():
        client = house.personas["prescriber"].client()
        response = client.post(reverse("desk:advance_several"), {"course": [f"{own.id}:1", f"{foreign.id}:1"]})
        assert response.status_code == 404
        own.refresh_from_db()
        foreign.refresh_from_db()
        assert (own.version, foreign.version) == (1, 1)
        transaction.set_rollback(True)
