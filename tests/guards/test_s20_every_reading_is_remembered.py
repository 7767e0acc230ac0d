"""S20: whoever is shown in an answer stands in the memory of that very request, with who asked, from where and as what.

`tests/guards` knocks at every address as everybody and looks at each answer for canaries; here are the answers that
show somebody, and what the memory says of each.
"""

import pytest
from django.db import transaction
from django.urls import reverse

from tests import memory, personas
from tests.guards import matrix
from tests.guards.matrix import LINES, OURS
from tests.personas import House

READERS = ("prescriber", "nurse", "staff", "auditor", "patient")


@pytest.mark.parametrize("reader", READERS)
def test_the_memory_names_everybody_an_answer_shows(house: House, reader: str) -> None:
    persona, shown = house.personas[reader], 0
    for name, line in LINES.items():
        if OURS[name].kind == "public" or line.get != 200:
            continue
        answer = matrix.knock(house, name, persona, "GET", house.cases["own"])
        body = personas.normal(answer.response).casefold()
        named = {patient for event in answer.events for patient in event.patient_ids}
        for case in house.cases.values():
            if case.canary in body:
                shown += 1
                assert case.patient.id in named, f"{name} shows {case.canary} and the memory does not say so"
        for event in answer.events:
            assert event.actor_kind == ("patient" if persona.patient else "member")
            assert (event.role, event.address) == (persona.role or "patient", "127.0.0.1")
            assert event.clinic_id is not None
            assert event.agent
    assert shown, "the net has a hole: nobody was shown"


def test_a_page_names_nobody_it_does_not_show(house: House) -> None:
    """The other way round: a reading that was none must not be held against anybody."""
    with transaction.atomic():
        client = house.personas["nurse"].client()
        response = client.get(reverse("desk:patient", args=[house.cases["own"].patient.id]))
        (event,) = memory.events(request_id=response["X-Request-Id"])
        transaction.set_rollback(True)
    assert event.patient_ids == [house.cases["own"].patient.id]
