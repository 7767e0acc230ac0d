"""The reading room: who did what, found by person, patient, kind and day; and the patient's own page of who looked."""

import csv
import hashlib
import io
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor, Kind
from accounts.models import Clinic, Membership
from audit import services as audit
from audit import words
from patients.models import Patient, Phone
from tests import factories, memory, pages
from tests.factories import AT
from tests.guards.matrix import OURS
from tests.phones import phone_of

pytestmark = pytest.mark.django_db
ROLES = Membership.Role


@pytest.fixture(autouse=True)
def at_ten() -> object:
    with time_machine.travel(AT + timedelta(hours=1), tick=False):
        yield


@pytest.fixture
def clinic() -> Clinic:
    return factories.clinic()


@pytest.fixture
def nurse(clinic: Clinic) -> Actor:
    return factories.member(clinic, ROLES.NURSE, "First Nurse")


@pytest.fixture
def auditor(clinic: Clinic) -> Actor:
    return factories.member(clinic, ROLES.AUDITOR, "First Auditor")


@pytest.fixture
def room(auditor: Actor) -> Client:
    return pages.client_of(auditor)


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return factories.patient(clinic, "Alder Patient", record_number="R-1")


@pytest.fixture
def other(clinic: Clinic) -> Patient:
    return factories.patient(clinic, "Birch Patient", record_number="R-2")


def looked(by: Actor, *patients: Patient, minutes: int = 0, action: str = "patient.page", **more: object) -> None:
    ids = [patient.id for patient in patients]
    audit.record(by=by, at=AT + timedelta(minutes=minutes), action=action, patients=ids, **more)  # type: ignore[arg-type]


def search(room: Client, **typed: str) -> str:
    answer = room.post(reverse("desk:memory"), typed)
    assert answer.status_code == 302
    assert not any(value and value in answer["Location"] for value in typed.values())
    return room.get(answer["Location"]).content.decode()


def test_it_says_in_words_who_did_what_to_whom(room: Client, nurse: Actor, patient: Patient) -> None:
    looked(nurse, patient)
    page = room.get(reverse("desk:memory")).content.decode()
    for said in ("First Nurse", "nurse", "opened a record", "Alder Patient", "R-1", "10:00:00"):
        assert said in page


def test_it_is_found_by_person_patient_kind_and_day(
    room: Client, nurse: Actor, auditor: Actor, patient: Patient, other: Patient
) -> None:
    looked(nurse, patient)
    looked(auditor, other, action="reminders.read")
    looked(nurse, other, minutes=-24 * 60, action="course.hold")
    assert "opened a record" in search(room, who=str(nurse.user_id))
    assert "saw" not in search(room, who=str(nurse.user_id))
    assert "list of reminders" in search(room, patient="birch")
    assert "opened a record" not in search(room, patient="R-2")
    assert "held a plan" in search(room, what="care")
    assert "opened a record" not in search(room, what="care")
    assert "held a plan" not in search(room, since="2026-03-02")
    assert "held a plan" in search(room, until="2026-03-01")
    assert "Nothing found" in search(room, patient="nobody of this name")


def test_a_search_for_nothing_in_particular_shows_everything(room: Client) -> None:
    answer = room.post(reverse("desk:memory"), {})
    assert (answer.status_code, answer["Location"]) == (302, reverse("desk:memory"))


def test_what_was_denied_can_be_found_alone(room: Client, nurse: Actor, patient: Patient) -> None:
    looked(nurse, patient)
    looked(nurse, patient, action="course.hold", result="denied", reason="Not this role.")
    page = search(room, denied="on")
    assert "Not this role." in page
    assert "opened a record" not in page


def test_days_that_are_turned_round_are_told_and_nothing_is_lost(room: Client) -> None:
    answer = room.post(reverse("desk:memory"), {"since": "2026-03-05", "until": "2026-03-01", "patient": "birch"})
    assert answer.status_code == 422
    assert "before the first" in answer.content.decode()
    assert 'value="birch"' in answer.content.decode()


def test_reading_is_remembered_with_whom_it_named_and_not_with_what_was_typed(
    room: Client, auditor: Actor, nurse: Actor, patient: Patient
) -> None:
    looked(nurse, patient)
    search(room, patient="alder")
    event = memory.events(action="memory.read")[-1]
    assert (event.actor_id, event.patient_ids, event.row_count) == (auditor.user_id, [patient.id], 1)
    assert event.details == {"narrowed_by": ["clinic_id", "patient_ids"]}


def test_another_clinics_memory_is_not_there(room: Client, patient: Patient) -> None:
    elsewhere = factories.clinic("Other Clinic")
    looked(factories.member(elsewhere, ROLES.NURSE, "Strange Nurse"), factories.patient(elsewhere, "Strange Patient"))
    page = room.get(reverse("desk:memory")).content.decode()
    assert "Strange" not in page
    assert "Nothing found" in search(room, patient="strange")


def test_every_page_is_reached_once_and_costs_the_same(room: Client, nurse: Actor, patient: Patient) -> None:
    for number in range(120):
        looked(nurse, patient, minutes=-(number // 3), reason=f"number-{number:03}")
    found: list[str] = []
    costs = []
    address = reverse("desk:memory")
    while address:
        with pages.statements() as sent:
            page = room.get(address).content.decode()
        costs.append(len(sent))
        found += [part[:3] for part in page.split("number-")[1:]]
        after = page.split('rel="next" href="')[1:]
        address = after[0].split('"')[0].replace("&amp;", "&") if after else ""
    assert sorted(found) == [f"{number:03}" for number in range(120)]
    assert costs[1] - costs[0] in (0, 1)
    assert max(costs[1:]) - min(costs[1:]) <= 1


def test_the_file_holds_what_was_found_and_is_remembered_with_its_hash(
    room: Client, nurse: Actor, patient: Patient, other: Patient
) -> None:
    looked(nurse, patient, reason="=1+1")
    looked(nurse, other)
    address = room.post(reverse("desk:memory"), {"patient": "alder"})["Location"]
    answer = room.post(reverse("exports:memory"), {"search": address.partition("search=")[2]})
    (row,) = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (row["actor"], row["record_numbers"], row["reason"]) == ("First Nurse", "R-1", "'=1+1")
    event = memory.event(action="memory.export")
    assert (event.row_count, event.patient_ids) == (1, [patient.id])
    assert event.details["sha256"] == hashlib.sha256(answer.content).hexdigest()
    assert event.details["filter"]["patient_ids"] == [str(patient.id)]


def test_every_page_has_its_words() -> None:
    doors = [door for door in OURS.values() if door.kind in ("clinic", "patient", "person")]
    assert not {door.action for door in doors if not words.is_named(door.action)}, "give them words in audit/words.toml"


class TestWhoLooked:
    @pytest.fixture
    def phone(self, patient: Patient) -> Client:
        client = phone_of(patient)
        Phone.objects.filter(patient=patient).update(proved_until=AT + timedelta(days=1))
        return client

    def said(self, phone: Client) -> str:
        return phone.get(reverse("portal:who_looked")).content.decode()

    def test_it_needs_a_fresh_proof(self, patient: Patient) -> None:
        answer = phone_of(patient).get(reverse("portal:who_looked"))
        assert (answer.status_code, answer["Location"].startswith(reverse("portal:prove"))) == (302, True)

    def test_it_says_who_in_which_role_and_what_in_words(self, phone: Client, nurse: Actor, patient: Patient) -> None:
        looked(nurse, patient)
        page = self.said(phone)
        assert "<strong>First Nurse (nurse)</strong> opened your record" in page
        assert "Monday 2 March 2026, 10:00" in page
        assert "@test.invalid" not in page

    def test_the_same_again_on_one_day_is_one_line(self, phone: Client, nurse: Actor, patient: Patient) -> None:
        for minutes in range(3):
            looked(nurse, patient, minutes=minutes)
        assert "opened your record, 3 times" in self.said(phone)

    def test_of_others_and_of_own_visits_it_says_nothing(
        self, phone: Client, nurse: Actor, patient: Patient, other: Patient
    ) -> None:
        looked(nurse, other)
        looked(factories.patient_actor(patient), patient, action="portal.chart")
        assert "Nobody has looked yet" in self.said(phone)

    def test_a_helper_is_named_as_one(self, phone: Client, patient: Patient) -> None:
        carer = Actor(kind=Kind.CARER, clinic_id=patient.clinic_id, label="a helper", patient_id=patient.id)
        looked(carer, patient, action="portal.plan")
        assert "Somebody who helps you</strong> opened your plan" in self.said(phone)

    def test_reading_it_is_remembered_too(self, phone: Client, patient: Patient) -> None:
        self.said(phone)
        assert memory.event(action="portal.who_looked").patient_ids == [patient.id]
