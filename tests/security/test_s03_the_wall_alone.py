"""S03: with the first wall taken down, the second alone keeps the clinics apart.

Taken down means: every list of patients is everybody's, every filter by clinic is forgotten, every role may everything.
What then still keeps a row of another clinic from an answer, or from being changed, is the database. The same knocks
without the database's wall do show and change them: else this would prove nothing.
"""

import functools
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.urls import reverse

from accounts import policy
from accounts.actors import system
from common import walls
from common.scoped import ScopedQuerySet
from patients import selectors as patients_selectors
from patients.models import Patient
from tests import memory, personas, sight
from tests.guards.matrix import LINES, OURS, SECRETS, ids_of
from tests.personas import House, Persona
from tests.security import catalogue
from titration.models import Prescription

FORGOTTEN = {"clinic", "clinic_id", "owner_id"}
KNOCKING = ("prescriber", "staff", "stranger", "patient", "carer")
# Whoever holds such a secret was given it by its clinic: there is no first wall to take down.
PAGES = sorted(name for name, line in LINES.items() if line.about_somebody and not SECRETS & set(line.ids))


@contextmanager
def first_wall_down() -> Iterator[None]:
    """All that the code itself does to keep clinics apart, undone."""
    keep = QuerySet._filter_or_exclude_inplace

    def forget(self: Any, negate: bool, args: Any, kwargs: dict[str, Any]) -> None:
        keep(self, negate, args, {name: value for name, value in kwargs.items() if name not in FORGOTTEN})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(QuerySet, "_filter_or_exclude_inplace", forget)
        patch.setattr(patients_selectors, "visible_to", lambda actor: Patient.objects.all())
        patch.setattr(patients_selectors, "open_to", lambda actor: Q())
        patch.setattr(policy, "check", lambda actor, permission: None)
        patch.setattr(ScopedQuerySet, "_check", lambda self: None)
        patch.setattr(policy, "may", lambda actor, permission: True)
        yield


@contextmanager
def second_wall_down() -> Iterator[None]:
    """Requests see what the test sees, and telling the database who acts changes nothing."""

    @contextmanager
    def sighted(using: str = "default") -> Iterator[None]:
        yield

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sight, "blind", sighted)
        patch.setattr(walls, "_tell", lambda connection, before, now: None)
        yield


def _knock(house: House, name: str, persona: Persona, method: str) -> tuple[str, set[str]]:
    """What the answer says to a knock with another clinic's ids, and which of that clinic's tables are changed."""
    theirs = house.cases["own" if persona.clinic == "second" else "foreign"]
    ids = ids_of(persona, theirs)
    line = LINES[name]
    address = reverse(name, kwargs={key: ids[key] for key in line.ids})
    payload = {key: value.format(**ids) for key, value in line.payload}
    with transaction.atomic():
        before = _state(theirs.patient.clinic_id)
        client = persona.client()
        response = client.post(address, payload) if method == "POST" else client.get(address)
        said = personas.normal(response)
        after = _state(theirs.patient.clinic_id)
        transaction.set_rollback(True)
    return said, {table for table in before if before[table] != after[table]}


def _state(clinic_id: Any) -> dict[str, str]:
    """A digest of each table's rows of this clinic; asked by the test, which sees them all."""
    with connection.cursor() as cursor:
        cursor.execute(_all_that_a_clinic_has(), {"clinic": clinic_id})
        found = {table: hashlib.sha256(rows.encode()).hexdigest() for table, rows in cursor.fetchall()}
    # Counted here: a filter by clinic may be among what is forgotten.
    remembered = sum(event.clinic_id == clinic_id for event in memory.events())
    return {**found, "audit_auditevent": str(remembered)}


@functools.cache
def _all_that_a_clinic_has() -> str:
    """One statement that reads every walled table but the memory."""
    names = catalogue.readable_walled(connection)
    assert len(names) > 30
    return " UNION ALL ".join(
        f"SELECT '{name}', coalesce(string_agg(t::text, ' ' ORDER BY t::text), '') FROM {name} t"
        f" WHERE {catalogue.CLINIC_COLUMN.get(name, 'clinic_id')} = %(clinic)s"
        for name in names
    )


def _shows_somebody_elses(persona: Persona, said: str) -> bool:
    others = ("canary-own", "canary-neighbour") if persona.clinic == "second" else ("canary-foreign",)
    return any(canary in said.casefold() for canary in others)


def _methods(name: str) -> tuple[str, ...]:
    line = LINES[name]
    return tuple(method for method, status in (("GET", line.get), ("POST", line.post)) if status != 405)


@pytest.mark.parametrize("name", PAGES)
def test_no_row_of_another_clinic_is_shown_or_changed(house: House, name: str) -> None:
    for who in KNOCKING:
        persona = house.personas[who]
        for method in _methods(name):
            with first_wall_down():
                said, changed = _knock(house, name, persona, method)
            assert not _shows_somebody_elses(persona, said), f"{who}: {method} {name}"
            assert not changed, f"{who}: {method} {name} changed {changed}"


@pytest.mark.parametrize("name", sorted(name for name in OURS if name not in PAGES and not LINES[name].ids))
def test_no_list_holds_a_row_of_another_clinic(house: House, name: str) -> None:
    for who in KNOCKING:
        persona = house.personas[who]
        for method in _methods(name):
            with first_wall_down():
                said, changed = _knock(house, name, persona, method)
            assert not _shows_somebody_elses(persona, said), f"{who}: {method} {name}"
            assert not changed, f"{who}: {method} {name} changed {changed}"


def test_without_the_second_wall_the_same_knocks_show_and_change_them(house: House) -> None:
    """So the knocks above do knock at something."""
    shown, changed = set(), set()
    persona = house.personas["prescriber"]
    for name in sorted(OURS):
        if SECRETS & set(LINES[name].ids):
            continue
        for method in _methods(name):
            with first_wall_down(), second_wall_down():
                said, tables = _knock(house, name, persona, method)
            if _shows_somebody_elses(persona, said):
                shown.add(name)
            if tables:
                changed.add(name)
    assert shown >= {"desk:patient", "desk:patients", "desk:hold", "desk:contact", "desk:reminders"}
    assert changed >= {"desk:hold", "desk:stop", "desk:patient_restrict", "desk:settle"}


def test_without_the_first_wall_the_selectors_return_what_the_context_lets_them(house: House) -> None:
    own, foreign = house.cases["own"].patient, house.cases["foreign"].patient
    actor = system(own.clinic_id)
    with first_wall_down():
        everybody = set(patients_selectors.visible_to(actor).values_list("id", flat=True))
        assert {own.id, foreign.id} <= everybody
        assert set(Prescription.objects.filter(clinic_id=own.clinic_id).values_list("clinic_id", flat=True)) == {
            own.clinic_id,
            foreign.clinic_id,
        }
        with sight.blind(), walls.acting(clinic=own.clinic_id):
            mine = set(patients_selectors.visible_to(actor).values_list("id", flat=True))
            assert own.id in mine
            assert foreign.id not in mine
            assert not Patient.objects.filter(id=foreign.id).update(sort_key="changed")
            assert Patient.objects.filter(id=foreign.id).delete()[0] == 0
        with sight.blind():
            assert not Patient.objects.exists()
