"""The reminders' page: what nobody knows on top, what became of the rest, and whether the clock is alive."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.utils.html import strip_tags

from audit.models import AuditEvent
from reminders.models import Heartbeat, Reminder
from reminders.states import State
from tests import personas
from tests.personas import NOW, House

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(tmp_path: Any, settings: Any) -> Iterator[House]:
    settings.EXPORT_DIR = tmp_path
    with time_machine.travel(NOW, tick=False):
        yield personas.build()


def words_of(response: Any) -> str:
    assert response.status_code == 200
    return re.sub(r"\s+", " ", unescape(strip_tags(response.content.decode())))


def settle(house: House, outcome: str, *, persona: str = "nurse", case: str = "own") -> Any:
    address = f"/reminders/{house.cases[case].reminder.id}/settle/"
    return house.personas[persona].client().post(address, {"outcome": outcome})


def test_what_may_not_have_arrived_is_on_top_with_two_answers(house: House) -> None:
    Reminder.objects.filter(id=house.cases["neighbour"].reminder.id).update(state=State.SENT, done_at=NOW)
    page = house.personas["nurse"].client().get("/reminders/")
    words = words_of(page)
    assert words.index("canary-own Person") < words.index("canary-neighbour Person")
    assert "It arrived It did not" in words
    assert page.content.decode().count('name="outcome"') == 2
    assert "canary-foreign" not in words


@pytest.mark.parametrize(("outcome", "sentence"), [("sent", "this reminder arrived"), ("failed", "did not arrive")])
def test_settling_writes_down_who_said_so(house: House, outcome: str, sentence: str) -> None:
    client = house.personas["nurse"].client()
    reminder = house.cases["own"].reminder
    response = client.post(f"/reminders/{reminder.id}/settle/", {"outcome": outcome}, follow=True)
    assert sentence in words_of(response)
    reminder.refresh_from_db()
    assert (reminder.state, reminder.done_at) == (outcome, NOW)
    assert reminder.settled_by is not None
    assert AuditEvent.objects.get(action=f"reminder.settled_{outcome}").patient_ids == [house.cases["own"].patient.id]


def test_settling_twice_is_refused_and_keeps_the_first_answer(house: House) -> None:
    assert settle(house, "sent").status_code == 302
    second = settle(house, "failed")
    assert second.status_code == 409
    assert "Somebody has settled this reminder already" in second.content.decode()
    assert Reminder.objects.get(id=house.cases["own"].reminder.id).state == State.SENT


@pytest.mark.parametrize("outcome", ["", "pending", "uncertain"])
def test_no_other_answer_is_taken(house: House, outcome: str) -> None:
    assert settle(house, outcome).status_code == 409
    assert Reminder.objects.get(id=house.cases["own"].reminder.id).state == State.UNCERTAIN


def test_a_list_is_narrowed_to_a_state_and_a_made_up_state_narrows_nothing(house: House) -> None:
    Reminder.objects.filter(id=house.cases["own"].reminder.id).update(state=State.SENT, done_at=NOW)
    Reminder.objects.filter(id=house.cases["neighbour"].reminder.id).update(state=State.FAILED, done_at=NOW)
    client = house.personas["nurse"].client()
    failed = words_of(client.get("/reminders/?state=failed"))
    assert "canary-neighbour" in failed
    assert "canary-own" not in failed
    assert "sent (1)" in failed
    made_up = words_of(client.get("/reminders/?state=nonsense&after=nonsense"))
    assert "canary" not in made_up
    assert "canary-own" in words_of(client.get("/reminders/?state=nonsense"))


def test_whether_the_clock_is_alive_is_said_in_words(house: House) -> None:
    client = house.personas["nurse"].client()
    assert "Reminders need attention No round has ever been made" in words_of(client.get("/reminders/"))
    Heartbeat.objects.create(name="round", at=NOW - timedelta(seconds=40))
    assert "Reminders are running The last round was less than a minute ago." in words_of(client.get("/reminders/"))
    Heartbeat.objects.update(at=NOW - timedelta(hours=2))
    assert "Reminders need attention No round for 7200 s" in words_of(client.get("/reminders/"))
