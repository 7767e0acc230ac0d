"""S02: ids that do not belong together. One foreign part makes the whole nobody's, and nothing is done."""

from itertools import product
from typing import Any

import pytest
from django.db import transaction
from django.urls import reverse

from tests.guards.matrix import LINES, NOT_ABOUT_PATIENTS, ids_of
from tests.personas import House
from tests.security.test_s19_other_sites import KEPT_BY_READING, written

NESTED = sorted(name for name, line in LINES.items() if len(set(line.ids) - NOT_ABOUT_PATIENTS) > 1)
CASES = ("own", "neighbour", "foreign", "")


def test_there_is_something_to_mix() -> None:
    assert {"desk:forget_phone", "desk:end_help"} <= set(NESTED)


def mixtures(ids: list[str]) -> list[tuple[str, ...]]:
    """Every way to take each id from another case (the empty name: from nobody), but all from one."""
    return [mixture for mixture in product(CASES, repeat=len(ids)) if len(set(mixture)) > 1]


@pytest.mark.parametrize("name", NESTED)
def test_a_child_of_one_under_a_parent_of_another_is_not_there(house: House, name: str) -> None:
    persona, line = house.personas["prescriber"], LINES[name]
    of = {case: ids_of(persona, house.cases.get(case)) for case in CASES}
    for mixture in mixtures(list(line.ids)):
        kwargs = {key: of[case][key] for key, case in zip(line.ids, mixture, strict=True)}
        for method, passed in (("get", line.get), ("post", line.post)):
            if passed == 405:
                continue
            with transaction.atomic(), written() as tables:
                response = getattr(persona.client(), method)(reverse(name, kwargs=kwargs), dict(line.payload))
                transaction.set_rollback(True)
            assert response.status_code == 404, f"{method} {name}: {mixture}"
            assert not [table for table in tables if not KEPT_BY_READING.match(table)], f"{name}: {mixture}: {tables}"


@pytest.mark.parametrize("bad", ["foreign", "", "no id"])
@pytest.mark.parametrize("first", [True, False])
def test_a_list_with_one_foreign_id_is_nobodys_and_nothing_is_done(house: House, bad: str, first: bool) -> None:
    own = house.cases["own"].prescription
    persona = house.personas["prescriber"]
    other = "not-an-id" if bad == "no id" else ids_of(persona, house.cases.get(bad))["prescription_id"]
    courses = [f"{own.id}:1", f"{other}:1"]
    with transaction.atomic(), written() as tables:
        address = reverse("desk:advance_several")
        response = persona.client().post(address, {"course": courses[::-1] if first else courses})
        transaction.set_rollback(True)
    assert response.status_code == 404
    assert not [table for table in tables if not KEPT_BY_READING.match(table)]


@pytest.mark.parametrize("where", ["query", "body", "header", "cookie"])
def test_an_id_given_beside_the_address_changes_nothing(house: House, where: str) -> None:
    """The address alone says whom; another patient's id elsewhere in the request is not read."""
    persona = house.personas["prescriber"]
    own, foreign = (ids_of(persona, house.cases[case]) for case in ("own", "foreign"))
    more = {key: str(foreign[key]) for key in ("patient_id", "prescription_id", "grant_id")} | {"clinic": "second"}
    address = reverse("desk:hold", kwargs={"prescription_id": own["prescription_id"]})
    payload = dict(LINES["desk:hold"].payload)
    client, headers = persona.client(), {}
    if where == "query":
        address += "?" + "&".join(f"{key}={value}" for key, value in more.items())
    elif where == "body":
        payload |= more
    elif where == "header":
        headers = {f"X-{key.replace('_', '-')}": value for key, value in more.items()}
    else:
        client.cookies.load({**{key: morsel.value for key, morsel in client.cookies.items()}, **more})
    foreign_one: Any = house.cases["foreign"].prescription
    with transaction.atomic():
        assert client.post(address, payload, headers=headers).status_code == 302
        foreign_one.refresh_from_db()
        assert foreign_one.version == 1
        transaction.set_rollback(True)
