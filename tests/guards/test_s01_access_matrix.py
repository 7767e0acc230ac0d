"""S01: every address, every person, every method, own, foreign and unknown ids; the answers stand in `matrix.LINES`."""

import os
import statistics
import time
from typing import Any

import pytest
from django.db import transaction
from django.urls import reverse

from accounts.access import ALLAUTH_VIEWS
from audit.models import AuditEvent
from tests import personas
from tests.guards.matrix import (
    LINES,
    METHODS,
    NEVER,
    OURS,
    READING,
    SECRETS,
    check_canaries,
    expected,
    ids_of,
    knock,
    methods_of,
)
from tests.personas import House, Persona

THOROUGH = os.environ.get("CI") == "true"


def test_every_address_has_a_line_and_every_line_an_address() -> None:
    assert set(LINES) == set(OURS)


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_view_names_its_methods_outside_its_door_and_a_reading_page_answers_head(name: str) -> None:
    reads = set() if LINES[name].get == 405 else set(READING)
    assert methods_of(name) == reads | (set() if LINES[name].post == 405 else {"POST"})


@pytest.mark.parametrize("name", sorted(OURS))
def test_the_matrix_holds(house: House, name: str) -> None:
    for number, persona in enumerate(house.personas.values()):
        for method in _methods(number):
            _knock_everywhere(house, name, persona, method)


def _methods(number: int) -> tuple[str, ...]:
    """All of them with CI=true. At a desk the methods besides GET and POST take turns among the people."""
    rare = ("HEAD", *NEVER)
    return METHODS if THOROUGH else ("GET", "POST", rare[number % len(rare)])


def _targets(name: str, persona: Persona, method: str) -> tuple[str | None, ...]:
    """Whose ids: this person's own first, then somebody else's and nobody's where the address names anybody."""
    theirs, not_theirs = ("foreign", "own") if persona.clinic == "second" else ("own", "foreign")
    if not LINES[name].about_somebody or method in NEVER:
        return (theirs,)
    return theirs, not_theirs, None


def _knock_everywhere(house: House, name: str, persona: Persona, method: str) -> None:
    theirs, *others = targets = _targets(name, persona, method)
    answers = {}
    for target in targets:
        where = f"{persona.name}: {method} {name} {target or 'unknown'}"
        answered = knock(house, name, persona, method, house.cases.get(target or ""))
        mine = target == (persona.patient if OURS[name].kind == "patient" else theirs)
        promised = expected(name, persona, method, mine=mine, known=target is not None)
        assert answered.response.status_code == promised, where
        body = personas.normal(answered.response)
        check_canaries(house, persona, body, answered.events, where)
        done = {event.action for event in answered.events if event.result == AuditEvent.Result.DONE}
        assert answered.response.status_code < 400 or not done - {OURS[name].action}, f"{where}: no, and did {done}"
        answers[target] = (body, answered.statements)
    # The secret in an invitation is its own proof: whoever holds it may open it.
    if None in answers and not SECRETS & set(LINES[name].ids):
        where = f"{persona.name}: {method} {name} tells foreign from unknown"
        foreign, unknown = (answers[target] for target in others)
        assert foreign[0] == unknown[0], where
        # The same statements in the same order: what takes the same steps takes the same time.
        assert foreign[1] == unknown[1], f"{where} by what it asks the database"


def test_the_canaries_can_be_heard(house: House) -> None:
    """The net has no hole: a page that shows a patient does carry the canary."""
    answered = knock(house, "desk:patient", house.personas["nurse"], "GET", house.cases["own"])
    assert "canary-own" in personas.normal(answered.response)
    seen = [event.action for event in answered.events if house.cases["own"].patient.id in event.patient_ids]
    assert seen == ["patient.page"]


def test_allauths_own_views_show_nobody(house: House) -> None:
    keys: dict[str, dict[str, Any]] = {"account_reset_password_from_key": {"uidb36": "0", "key": "x"}}
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


def test_foreign_takes_as_long_as_unknown(house: House) -> None:
    """Medians of interleaved knocks, judged against how far two series of the same question lie apart.

    A busy machine can push one median aside: then more knocks are made, among which a true difference would stay.
    """
    stranger, own = house.personas["stranger"], house.cases["own"]
    taken: dict[str, list[float]] = {"foreign": [], "unknown": [], "unknown again": []}
    for _ in range(4):
        _knock(stranger, {"foreign": own, "unknown": None, "unknown again": None}, taken)
        median = {name: statistics.median(times) for name, times in taken.items()}
        noise = abs(median["unknown"] - median["unknown again"])
        if abs(median["foreign"] - median["unknown"]) <= 3 * noise + 0.15 * median["unknown"]:
            return
    raise AssertionError(f"told apart by their medians, in ms: {median}")


def _knock(persona: Persona, cases: dict[str, Any], taken: dict[str, list[float]], rounds: int = 25) -> None:
    client = persona.client()
    with transaction.atomic():
        for _ in range(rounds):
            for name, case in cases.items():
                address = reverse("desk:patient", kwargs={"patient_id": ids_of(persona, case)["patient_id"]})
                started = time.perf_counter_ns()
                assert client.get(address).status_code == 404
                taken[name].append((time.perf_counter_ns() - started) / 1e6)
        transaction.set_rollback(True)
