"""S06: a form takes the fields it lists and no other, whatever else is sent along.

Each form is sent thrice: twice plain, to learn what differs by itself (new ids, secrets, sealed words), and once with
every column name of every table and values that would matter. The rows must come out the same.
"""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.urls import reverse

from tests.guards.matrix import LINES, expected, ids_of
from tests.personas import NOW, House, Persona
from titration import rule_book
from titration.selectors.rules import Rules

TODAY = NOW.date().isoformat()
NIGHT = {
    "seen_version": "0",
    "taken": "taken",
    "sleep_hours": "6,5",
    "quality": "3",
    "lead_symptom": "4",
    "other_medicines_answer": "no",
}
HELPER = {
    "name": "A helper",
    "email": "helper@test.invalid",
    "relation": "parent",
    "rights": "view",
    "last_day": (NOW.date() + timedelta(days=9)).isoformat(),
}
AS_SHIPPED = Rules(book=rule_book.shipped(), number=0, chosen={}).fingerprint
FILLED: dict[str, dict[str, str]] = {
    "desk:register": {
        "name": "New Person",
        "birth_date": "1980-01-01",
        "record_number": "R-new",
        "email": "new@test.invalid",
        "zone": "Europe/London",
        "other_condition": "an illness",
        "medicines": "Tablets",
    },
    "desk:keep_hours": {"phone": "020 7946 0000", "urgent_phone": "020 7946 0001"},
    "desk:rules_review": {"name": "A Clinician", "licence": "L-1", "words": "Read.", "seen": AS_SHIPPED},
    "desk:contact": {"email": "new@test.invalid", "log_reminder_at": "10:00", "seen_version": "1"},
    "desk:helpers": HELPER,
    "imports:list": {"table": "name\tbirth_date\trecord_number\tconditions\nNew Person\t1980-12-31\tR-new\tcrohn\n"},
    "portal:night": NIGHT,
    "portal:open": {"birth_day": "1", "birth_month": "1", "birth_year": "1980"},
}
"""What fills a form whose line in the matrix sends it empty."""
OF_OURS = ("accounts", "audit", "patients", "symptoms", "titration", "reminders", "exports", "imports", "ldn_clinic")
UNREADABLE = {"audit", "ldn_clinic"}
"""The memory, which the application writes and may not read; and counts that nobody's form concerns."""
POSTED = sorted(name for name, line in LINES.items() if line.post not in (405, 404) and name != "csp_reports")

Rows = dict[str, dict[str, Any]]


def planted(house: House) -> dict[str, str]:
    """Every column of every table of ours with a value that would matter, were it taken."""
    foreign = house.cases["foreign"]
    values = {
        "clinic": str(foreign.patient.clinic_id),
        "patient": str(foreign.patient.id),
        "prescription": str(foreign.prescription.id),
        "user": str(foreign.patient.registered_by_id),
        "role": "administrator",
        "is_active": "false",
        "state": "stopped",
        "mode": "planned",
        "rights": "log",
        "result": "denied",
        "email": "planted@test.invalid",
        "version": "99",
        "tries": "0",
    }
    found: dict[str, str] = {}
    for model in apps.get_models():
        if model._meta.app_label in OF_OURS:
            for field in model._meta.concrete_fields:
                value = values.get(field.name) or _of_kind(field.get_internal_type(), str(foreign.patient.id))
                found |= {field.name: value, field.attname: value}
    return found


def _of_kind(kind: str, some_id: str) -> str:
    if kind in ("ForeignKey", "OneToOneField", "UUIDField"):
        return some_id
    if kind == "DateTimeField":
        return "2031-01-01T00:00:00Z"
    if kind == "DateField":
        return "2031-01-01"
    if "Boolean" in kind:
        return "true"
    return "77" if "Integer" in kind or "Decimal" in kind else "planted"


def sent(house: House, name: str, persona: Persona, more: dict[str, str]) -> tuple[int, Rows]:
    """The answer, and every row that the deed left changed or made, as the application reads it."""
    ids = ids_of(persona, house.cases["foreign" if persona.clinic == "second" else "own"])
    line = LINES[name]
    payload = {key: value.format(**ids) for key, value in line.payload} | FILLED.get(name, {})
    address = reverse(name, kwargs={key: ids[key] for key in line.ids})
    with transaction.atomic():
        client = persona.client()
        listed = set(payload)
        if line.get != 405:
            listed |= set(re.findall(r'name="([^"]+)"', html.unescape(client.get(address).content.decode())))
        along = {key: value for key, value in more.items() if key not in listed}
        before = rows()
        response = client.post(address, payload | along, query_params=along)
        after = rows()
        transaction.set_rollback(True)
    return response.status_code, {key: row for key, row in after.items() if before.get(key) != row}


def rows() -> Rows:
    return {
        f"{model._meta.db_table} {row.pk}": {field.attname: _read(row, field) for field in model._meta.concrete_fields}
        for model in apps.get_models()
        if model._meta.app_label in set(OF_OURS) - UNREADABLE
        for row in model._base_manager.all()
    }


def _read(row: Any, field: Any) -> str:
    return str(getattr(row, field.attname))


def alike(rows: Rows, steady: set[str]) -> list[tuple[str, ...]]:
    """The rows by table, without what differs by itself."""
    return sorted(
        (table, *(f"{column}={value}" for column, value in sorted(row.items()) if f"{table}.{column}" in steady))
        for key, row in rows.items()
        for table in [key.split()[0]]
    )


def steady_columns(first: Rows, second: Rows) -> set[str]:
    """Columns whose values are the same in both plain runs."""
    seen: list[dict[str, list[str]]] = [{}, {}]
    for found, changed in zip(seen, (first, second), strict=True):
        for key, row in changed.items():
            for column, value in row.items():
                found.setdefault(f"{key.split()[0]}.{column}", []).append(value)
    return {column for column in seen[0] if sorted(seen[0][column]) == sorted(seen[1].get(column, []))}


@pytest.mark.parametrize("name", POSTED)
def test_only_listed_fields_are_taken(house: House, name: str) -> None:
    persona = next(
        (
            one
            for one in house.personas.values()
            if expected(name, one, "POST", mine=True, known=True) == LINES[name].post
        ),
        house.personas["signed out"],
    )
    status, first = sent(house, name, persona, {})
    _, second = sent(house, name, persona, {})
    steady = steady_columns(first, second)
    every = list(planted(house).items())
    # More names than one form may have fields.
    for some in (every[: len(every) // 2], every[len(every) // 2 :]):
        with_more, third = sent(house, name, persona, dict(some))
        assert with_more == status
        assert alike(third, steady) == alike(first, steady)
    if name in FILLED:
        assert status == 302, "this form must be filled so that it is taken"
        assert first


def test_the_planted_names_are_the_dangerous_ones(house: House) -> None:
    assert {"clinic_id", "patient_id", "role", "version", "is_active", "state", "user_id"} <= set(planted(house))
