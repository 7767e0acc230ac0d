"""Restricted records: who is on the care team knows of the patient, everybody else finds nobody, on every page."""

import re
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor, system
from accounts.models import Clinic, Membership
from common.refusals import Refused
from exports import services as exports_services
from patients import care_team, selectors
from patients.models import CareTeamMember, Patient
from patients.services import restricted
from tests import factories, pages, personas
from tests.guards.matrix import LINES
from tests.memory import events
from tests.pages import words_of

NOW = personas.NOW
ROLES = Membership.Role


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def clinic(db: None) -> Clinic:
    return factories.clinic()


@pytest.fixture
def prescriber(clinic: Clinic) -> Actor:
    return factories.member(clinic, name="Team Prescriber")


@pytest.fixture
def outsider(clinic: Clinic) -> Actor:
    return factories.member(clinic, name="Other Prescriber")


@pytest.fixture
def patient(clinic: Clinic, prescriber: Actor) -> Patient:
    return factories.patient(clinic, "Guarded Person", registered_by_id=prescriber.user_id)


def restrict(patient: Patient, by: Actor, *team: Actor, at: datetime = NOW) -> None:
    restricted.restrict(patient_id=patient.id, team=[one.user_id for one in team], reason="asked for", by=by, at=at)


class TestWhoKnows:
    def test_only_the_team_the_patient_and_the_system_know_of_a_restricted_record(
        self, clinic: Clinic, prescriber: Actor, outsider: Actor, patient: Patient
    ) -> None:
        nurse = factories.member(clinic, ROLES.NURSE)
        staff = factories.member(clinic, ROLES.STAFF)
        plain = factories.patient(clinic, registered_by_id=prescriber.user_id)
        restrict(patient, prescriber, nurse)
        for knows in (prescriber, nurse, system(clinic.id)):
            assert set(selectors.visible_to(knows)) == {patient, plain}
        for stranger in (outsider, staff):
            assert set(selectors.visible_to(stranger)) == {plain}
        assert set(selectors.visible_to(factories.patient_actor(patient))) == {patient}

    def test_a_place_on_another_patients_team_opens_nothing_here(
        self, clinic: Clinic, prescriber: Actor, outsider: Actor, patient: Patient
    ) -> None:
        other = factories.patient(clinic, registered_by_id=prescriber.user_id)
        restrict(patient, prescriber)
        restrict(other, outsider)
        assert set(selectors.visible_to(prescriber)) == {patient}
        assert set(selectors.visible_to(outsider)) == {other}

    def test_opened_again_it_is_everybodys_and_a_new_team_begins_from_nothing(
        self, prescriber: Actor, outsider: Actor, patient: Patient
    ) -> None:
        restrict(patient, prescriber, outsider)
        restricted.open_again(patient_id=patient.id, by=outsider, at=NOW)
        assert selectors.visible_to(prescriber).filter(id=patient.id).exists()
        restrict(patient, prescriber)
        assert not selectors.visible_to(outsider).filter(id=patient.id).exists()

    def test_the_question_costs_one_statement_however_many_are_restricted(
        self, clinic: Clinic, prescriber: Actor
    ) -> None:
        many = [factories.patient(clinic, registered_by_id=prescriber.user_id) for _ in range(5)]
        for one in many[:3]:
            restrict(one, prescriber)
        with pages.statements() as sent:
            assert len(selectors.visible_to(prescriber)) == 5
        assert len(sent) == 1


class TestDeeds:
    def test_whoever_restricts_is_on_the_team_and_the_memory_says_so(self, prescriber: Actor, patient: Patient) -> None:
        restrict(patient, prescriber)
        assert list(patient.care_team.values_list("user_id", "added_by_id", "ended_at")) == [
            (prescriber.user_id, prescriber.user_id, None)
        ]
        (event,) = events(action="record.restrict")
        assert (event.actor_id, event.patient_ids, event.details) == (prescriber.user_id, [patient.id], {"team": 1})
        assert "asked" not in str(vars(event))

    def test_a_stranger_to_the_clinic_cannot_be_on_the_team(self, prescriber: Actor, patient: Patient) -> None:
        stranger = factories.member(factories.clinic("Elsewhere"))
        with pytest.raises(Refused, match="does not read records"):
            restrict(patient, prescriber, stranger)
        auditor = factories.member(patient.clinic, ROLES.AUDITOR)
        with pytest.raises(Refused, match="does not read records"):
            restrict(patient, prescriber, auditor)
        patient.refresh_from_db()
        assert patient.restricted_at is None

    def test_a_nurse_may_not_restrict(self, clinic: Clinic, patient: Patient) -> None:
        with pytest.raises(Refused, match="may not restrict"):
            restrict(patient, factories.member(clinic, ROLES.NURSE))

    def test_outsiders_change_nothing(self, prescriber: Actor, outsider: Actor, patient: Patient) -> None:
        restrict(patient, prescriber)
        for deed in (
            lambda: restricted.open_again(patient_id=patient.id, by=outsider, at=NOW),
            lambda: restricted.add_member(patient_id=patient.id, user_id=outsider.user_id, by=outsider, at=NOW),
            lambda: restricted.remove_member(patient_id=patient.id, user_id=prescriber.user_id, by=outsider, at=NOW),
        ):
            with pytest.raises(Refused):
                deed()
        assert patient.care_team.filter(ended_at=None).count() == 1

    def test_the_last_prescriber_stays(self, clinic: Clinic, prescriber: Actor, patient: Patient) -> None:
        nurse = factories.member(clinic, ROLES.NURSE)
        restrict(patient, prescriber, nurse)
        with pytest.raises(Refused, match="At least one prescriber"):
            restricted.remove_member(patient_id=patient.id, user_id=prescriber.user_id, by=prescriber, at=NOW)

    def test_a_prescriber_who_has_left_the_clinic_does_not_count(
        self, prescriber: Actor, outsider: Actor, patient: Patient
    ) -> None:
        restrict(patient, prescriber, outsider)
        Membership.objects.filter(user_id=outsider.user_id).update(ended_at=NOW)
        with pytest.raises(Refused, match="At least one prescriber"):
            restricted.remove_member(patient_id=patient.id, user_id=prescriber.user_id, by=prescriber, at=NOW)

    @pytest.mark.parametrize("deed", ["came back", "got another role"])
    def test_a_place_ends_with_the_role_it_was_given_to(
        self, clinic: Clinic, prescriber: Actor, outsider: Actor, patient: Patient, deed: str
    ) -> None:
        restrict(patient, prescriber, outsider, at=NOW - timedelta(days=9))
        assert patient in selectors.visible_to(outsider)
        role = ROLES.PRESCRIBER if deed == "came back" else ROLES.PRINCIPAL
        Membership.objects.filter(user_id=outsider.user_id).update(ended_at=NOW - timedelta(days=2))
        Membership.objects.create(
            user_id=outsider.user_id, clinic_id=clinic.id, role=role, began_at=NOW - timedelta(days=1)
        )
        again = replace(outsider, role=role)
        assert patient not in selectors.visible_to(again)
        assert [one.user_id for one in care_team.access_of(prescriber, patient.id).team] == [prescriber.user_id]
        with pytest.raises(Refused, match="At least one prescriber"):
            restricted.remove_member(patient_id=patient.id, user_id=prescriber.user_id, by=prescriber, at=NOW)
        for _ in range(2):
            restricted.add_member(patient_id=patient.id, user_id=outsider.user_id, by=prescriber, at=NOW)
        assert patient in selectors.visible_to(again)
        assert patient.care_team.filter(user_id=outsider.user_id).count() == 2

    def test_added_and_removed_twice_is_done_once(self, prescriber: Actor, outsider: Actor, patient: Patient) -> None:
        restrict(patient, prescriber)
        for _ in range(2):
            restricted.add_member(patient_id=patient.id, user_id=outsider.user_id, by=prescriber, at=NOW)
        for _ in range(2):
            restricted.remove_member(patient_id=patient.id, user_id=outsider.user_id, by=prescriber, at=NOW)
        assert len(events(action="record.team_add")) == len(events(action="record.team_remove")) == 1

    @pytest.mark.django_db(transaction=True)
    def test_two_prescribers_cannot_take_each_other_off_at_one_moment(self) -> None:
        clinic = factories.clinic()
        first, second = factories.member(clinic), factories.member(clinic)
        patient = factories.patient(clinic, registered_by_id=first.user_id)
        restrict(patient, first, second)
        together, refused = threading.Barrier(2), []

        def take_off(whom: Actor, by: Actor) -> None:
            together.wait()
            try:
                restricted.remove_member(patient_id=patient.id, user_id=whom.user_id, by=by, at=NOW)
            except Refused:
                refused.append(by)
            finally:
                connection.close()

        threads = [threading.Thread(target=take_off, args=pair) for pair in ((first, second), (second, first))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(refused) == 1
        assert CareTeamMember.objects.filter(ended_at=None).count() == 1


ABOUT_A_PATIENT = {"patient_id", "prescription_id", "report_id", "reminder_id", "export_id", "phone_id"}
LISTS = ("desk:home", "desk:patients", "desk:reminders", "exports:list")


@dataclass
class Ward:
    """Two prescribers of one clinic, each with an export made before one patient's record was closed to the second."""

    house: personas.House
    outsider: Actor
    export_of_one: uuid.UUID
    export_of_all: uuid.UUID


@pytest.fixture
def ward(db: None, tmp_path: Any, settings: Any) -> Ward:
    settings.EXPORT_DIR = tmp_path
    house = personas.build()
    own = house.cases["own"].patient
    outsider = factories.member(own.clinic, name="Other Prescriber")
    made = []
    for patient in (own, None):
        export = exports_services.ask(patient=patient, request_key=uuid.uuid4(), by=outsider, at=NOW)
        exports_services.run(export.id, now=lambda: NOW)
        made.append(export.id)
    on_the_team = Membership.objects.get(user__name="First Prescriber")
    by = Actor(
        kind=outsider.kind,
        clinic_id=own.clinic_id,
        label="First Prescriber",
        user_id=on_the_team.user_id,
        role=on_the_team.role,
    )
    restrict(own, by)
    return Ward(house, outsider, *made)


class TestEverywhere:
    """Pages that list patients name the others, never the restricted one; pages about one answer as for no id."""

    @pytest.mark.parametrize("name", LISTS)
    def test_lists_leave_the_patient_out(self, ward: Ward, name: str) -> None:
        body = personas.normal(pages.client_of(ward.outsider).get(reverse(name)))
        assert "canary-own" not in body
        known = personas.normal(ward.house.personas["prescriber"].client().get(reverse(name)))
        assert "canary-own" in known

    def test_search_finds_nobody(self, ward: Ward) -> None:
        for words in ("canary-own", "canary-own-1"):
            answer = pages.client_of(ward.outsider).post(reverse("desk:patients"), {"words": words}, follow=True)
            assert "Nobody found" in words_of(answer)

    def test_every_page_about_the_patient_answers_as_for_an_unknown_id(self, ward: Ward) -> None:
        client, knocked = pages.client_of(ward.outsider), set()
        client.raise_request_exception = False
        for name, line in LINES.items():
            # Whose time is over is for administrators, who read no record.
            if not set(line.ids) & ABOUT_A_PATIENT or name == "desk:retention_ask":
                continue
            for method, passed in (("get", line.get), ("post", line.post)):
                if passed == 405:
                    continue
                there = self._knock(client, method, name, line, self._ids(ward))
                unknown = self._knock(client, method, name, line, {})
                assert there.status_code == 404, (method, name)
                assert personas.normal(there) == personas.normal(unknown), (method, name)
                knocked.add(name)
        assert {"desk:patient", "desk:prescribe", "desk:hold", "desk:answer_report", "desk:settle"} <= knocked

    def test_several_steps_with_one_of_a_restricted_patient_are_nobodys(self, ward: Ward) -> None:
        own, neighbour = ward.house.cases["own"].prescription, ward.house.cases["neighbour"].prescription
        answer = pages.client_of(ward.outsider).post(
            reverse("desk:advance_several"), {"course": [f"{own.id}:1", f"{neighbour.id}:1"]}
        )
        assert answer.status_code == 404

    def test_exports_made_before_no_longer_leave_and_new_ones_hold_no_row_of_the_patient(self, ward: Ward) -> None:
        client, own = pages.client_of(ward.outsider), ward.house.cases["own"].patient
        for export_id in (ward.export_of_one, ward.export_of_all):
            assert client.get(reverse("exports:file", args=[export_id])).status_code == 404
        asked = {"request_key": str(uuid.uuid4()), "patient": str(own.id)}
        assert client.post(reverse("exports:ask"), asked).status_code == 404
        export = exports_services.ask(patient=None, request_key=uuid.uuid4(), by=ward.outsider, at=NOW)
        exports_services.run(export.id, now=lambda: NOW)
        fetched = exports_services.fetch(export_id=export.id, by=ward.outsider, at=NOW)
        assert fetched is not None
        with fetched.file as file:
            text = file.read().decode()
        assert "canary-neighbour" in text
        assert "canary-own" not in text

    def test_what_was_searched_for_is_not_told_by_the_key_of_a_page(self, ward: Ward) -> None:
        own = ward.house.cases["own"].patient
        answer = pages.client_of(ward.outsider).get(reverse("desk:patients"), {"after": str(own.id)})
        unknown = pages.client_of(ward.outsider).get(reverse("desk:patients"), {"after": str(uuid.uuid4())})
        assert personas.normal(answer) == personas.normal(unknown)

    def _ids(self, ward: Ward) -> dict[str, Any]:
        own = ward.house.cases["own"]
        return {
            "patient_id": own.patient.id,
            "phone_id": own.phone.id,
            "prescription_id": own.prescription.id,
            "report_id": own.report.id,
            "reminder_id": own.reminder.id,
            "export_id": ward.export_of_one,
            "user_id": ward.outsider.user_id,
        }

    def _knock(self, client: Client, method: str, name: str, line: Any, ids: dict[str, Any]) -> Any:
        ids = {key: ids.get(key) or uuid.uuid4() for key in line.ids}
        return getattr(client, method)(reverse(name, kwargs=ids), dict(line.payload) if method == "post" else None)


class TestPages:
    @pytest.fixture
    def desk(self, prescriber: Actor) -> Client:
        return pages.client_of(prescriber)

    def test_the_patients_page_says_who_may_open_it(
        self, desk: Client, prescriber: Actor, outsider: Actor, patient: Patient
    ) -> None:
        address = reverse("desk:patient", args=[patient.id])
        assert "Everyone of your clinic whose role reads records." in words_of(desk.get(address))
        with pages.statements() as before:
            desk.get(address)
        restrict(patient, prescriber, outsider)
        with pages.statements() as after:
            page = words_of(desk.get(address))
        assert "Only its care team: Other Prescriber, Team Prescriber." in page
        # A restricted record costs two questions more: whether it is open by an emergency, and since when the reader
        # has the role.
        assert len(after) == len(before) + 2

    def test_restricting_adding_removing_and_opening_again(
        self, desk: Client, outsider: Actor, patient: Patient
    ) -> None:
        other = pages.client_of(outsider)
        page, access = reverse("desk:patient", args=[patient.id]), reverse("desk:patient_access", args=[patient.id])
        answer = desk.post(
            reverse("desk:patient_restrict", args=[patient.id]), {"reason": "works here", "team": []}, follow=True
        )
        assert "only the care team can find it now" in words_of(answer)
        assert other.get(page).status_code == 404
        desk.post(reverse("desk:patient_team_add", args=[patient.id]), {"user_id": str(outsider.user_id)})
        assert other.get(page).status_code == 200
        assert "Other Prescriber, prescriber" in words_of(desk.get(access))
        desk.post(reverse("desk:patient_team_remove", args=[patient.id, outsider.user_id]))
        assert other.get(page).status_code == 404
        desk.post(reverse("desk:patient_open_again", args=[patient.id]))
        assert other.get(page).status_code == 200

    def test_without_a_reason_nothing_is_done_and_what_was_ticked_is_kept(
        self, desk: Client, outsider: Actor, patient: Patient
    ) -> None:
        answer = desk.post(
            reverse("desk:patient_restrict", args=[patient.id]), {"reason": "", "team": [str(outsider.user_id)]}
        )
        assert answer.status_code == 422
        assert "The reason is missing." in words_of(answer)
        assert re.search(rf'value="{outsider.user_id}"[^>]*checked', answer.content.decode())
        patient.refresh_from_db()
        assert patient.restricted_at is None

    def test_the_last_prescriber_is_told_why_not(self, desk: Client, prescriber: Actor, patient: Patient) -> None:
        restrict(patient, prescriber)
        answer = desk.post(reverse("desk:patient_team_remove", args=[patient.id, prescriber.user_id]))
        assert answer.status_code == 409
        assert "At least one prescriber" in words_of(answer)

    def test_a_form_that_names_a_stranger_is_refused(self, desk: Client, prescriber: Actor, patient: Patient) -> None:
        restrict(patient, prescriber)
        stranger = factories.member(factories.clinic("Elsewhere"))
        answer = desk.post(reverse("desk:patient_team_add", args=[patient.id]), {"user_id": str(stranger.user_id)})
        assert answer.status_code == 422
        assert patient.care_team.filter(user_id=stranger.user_id).count() == 0


def test_a_restricted_patients_own_page_and_reminders_go_on(db: None) -> None:
    house = personas.build()
    own = house.cases["own"]
    before = personas.normal(house.personas["patient"].client().get("/p/"))
    Patient.objects.filter(id=own.patient.id).update(restricted_at=NOW - timedelta(hours=1))
    assert personas.normal(house.personas["patient"].client().get("/p/")) == before
