"""The reminders' page: what nobody knows on top, what became of the rest, and whether the clock is alive."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from reminders.models import Heartbeat, Reminder
from reminders.states import State
from tests import factories, memory, pages, personas
from tests.personas import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def nurse() -> Actor:
    return factories.member(factories.clinic(), Membership.Role.NURSE)


@pytest.fixture
def desk(nurse: Actor) -> Client:
    return pages.client_of(nurse)


def doubtful(by: Actor, name: str) -> Reminder:
    """A reminder of a patient of this clinic that may not have arrived."""
    clinic = Clinic.objects.get(id=by.clinic_id)
    patient = factories.patient(clinic, name, registered_by_id=by.user_id)
    return personas.doubtful_reminder(patient, factories.prescription(patient, at=NOW - timedelta(days=14)))


def come_to(reminder: Reminder, state: State) -> None:
    Reminder.objects.filter(id=reminder.id).update(state=state, done_at=NOW)


def words_of(response: Any) -> str:
    assert response.status_code == 200
    return pages.words_of(response)


def settle(desk: Client, reminder: Reminder, outcome: str, *, follow: bool = False) -> Any:
    return desk.post(f"/reminders/{reminder.id}/settle/", {"outcome": outcome}, follow=follow)


def test_what_may_not_have_arrived_is_on_top_with_two_answers(desk: Client, nurse: Actor) -> None:
    come_to(doubtful(nurse, "Sent Person"), State.SENT)
    doubtful(nurse, "Doubtful Person")
    doubtful(factories.member(factories.clinic("Other Clinic")), "Foreign Person")
    page = desk.get("/reminders/")
    words = words_of(page)
    assert words.index("Doubtful Person") < words.index("Sent Person")
    assert "It arrived It did not" in words
    assert page.content.decode().count('name="outcome"') == 2
    assert "Foreign" not in words


@pytest.mark.parametrize(("outcome", "sentence"), [("sent", "this reminder arrived"), ("failed", "did not arrive")])
def test_settling_writes_down_who_said_so(desk: Client, nurse: Actor, outcome: str, sentence: str) -> None:
    reminder = doubtful(nurse, "Doubtful Person")
    assert sentence in words_of(settle(desk, reminder, outcome, follow=True))
    reminder.refresh_from_db()
    assert (reminder.state, reminder.done_at, reminder.settled_by_id) == (outcome, NOW, nurse.user_id)
    trace = memory.event(action=f"reminder.settled_{outcome}")
    assert trace.patient_ids == [reminder.occurrence.patient_id]


def test_settling_twice_is_refused_and_keeps_the_first_answer(desk: Client, nurse: Actor) -> None:
    reminder = doubtful(nurse, "Doubtful Person")
    assert settle(desk, reminder, "sent").status_code == 302
    second = settle(desk, reminder, "failed")
    assert second.status_code == 409
    assert "Somebody has settled this reminder already" in second.content.decode()
    assert Reminder.objects.get(id=reminder.id).state == State.SENT


@pytest.mark.parametrize("outcome", ["", "pending", "uncertain"])
def test_no_other_answer_is_taken(desk: Client, nurse: Actor, outcome: str) -> None:
    reminder = doubtful(nurse, "Doubtful Person")
    assert settle(desk, reminder, outcome).status_code == 409
    assert Reminder.objects.get(id=reminder.id).state == State.UNCERTAIN


def test_a_list_is_narrowed_to_a_state_and_a_made_up_state_narrows_nothing(desk: Client, nurse: Actor) -> None:
    come_to(doubtful(nurse, "Sent Person"), State.SENT)
    come_to(doubtful(nurse, "Failed Person"), State.FAILED)
    failed = words_of(desk.get("/reminders/?state=failed"))
    assert "Failed Person" in failed
    assert "Sent Person" not in failed
    assert "sent (1)" in failed
    assert "Sent Person" in words_of(desk.get("/reminders/?state=nonsense"))
    assert "Person" not in words_of(desk.get("/reminders/?after=nonsense"))


def test_whether_the_clock_is_alive_is_said_in_words(desk: Client) -> None:
    assert "Reminders need attention No round has ever been made" in words_of(desk.get("/reminders/"))
    Heartbeat.objects.create(name="round", at=NOW - timedelta(seconds=40))
    assert "Reminders are running The last round was less than a minute ago." in words_of(desk.get("/reminders/"))
    Heartbeat.objects.update(at=NOW - timedelta(hours=2))
    assert "Reminders need attention No round for 7200 s" in words_of(desk.get("/reminders/"))


def test_it_costs_the_same_statements_whatever_the_rows(desk: Client, nurse: Actor) -> None:
    counts = []
    for people in (1, 10):
        for number in range(people):
            come_to(doubtful(nurse, f"Sent {people} {number}"), State.SENT)
            doubtful(nurse, f"Doubtful {people} {number}")
        with pages.statements() as spent:
            assert desk.get("/reminders/").status_code == 200
        counts.append(len(spent))
    assert counts[0] == counts[1], str(spent)
