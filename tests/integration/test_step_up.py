"""Deeds that ask once more who you are: signing a plan, exporting everybody, deciding who may do what."""

import re
import uuid
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session as DjangoSession
from django.test import Client

from accounts.models import Membership, Session, User
from accounts.services import members
from common import clock
from exports.models import Export
from tests import factories, factors, pages
from tests.guards.matrix import OURS
from titration.models import PlanChange, Prescription

pytestmark = pytest.mark.django_db

ROLES = Membership.Role


def fields_of(page: str) -> dict[str, str]:
    """The hidden fields of the page that goes on, by name."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    return {name: unescape(value) for name, value in found if name != "csrfmiddlewaretoken"}


def show_again(client: Client) -> None:
    """What allauth leaves when a passkey was shown once more."""
    session = client.session
    again = {"method": "mfa", "type": "webauthn", "reauthenticated": True, "at": clock.now().timestamp()}
    session["account_authentication_methods"] = [*session["account_authentication_methods"], again]
    session.save()


def bulk() -> dict[str, str]:
    return {"request_key": str(uuid.uuid4())}


class TestExportingEverybody:
    def test_s12_asks_first_and_then_does_exactly_what_was_asked(self) -> None:
        staff = factories.member(factories.clinic(), ROLES.STAFF)
        client, asked = pages.client_of(staff, stepped_up=False), bulk()
        answer = client.post("/exports/ask", asked)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/go-on/")
        assert not Export.objects.exists()
        assert client.get(answer["Location"])["Location"].startswith(
            "/accounts/reauthenticate/?next=%2Faccounts%2Fgo-on%2F"
        )
        show_again(client)
        page = client.get(answer["Location"]).content.decode()
        assert 'action="/exports/ask"' in page
        assert fields_of(page) == asked
        assert client.post("/exports/ask", fields_of(page)).status_code == 302
        assert str(Export.objects.get().request_key) == asked["request_key"]

    def test_one_patients_nights_need_no_second_asking(self) -> None:
        clinic = factories.clinic()
        client = pages.client_of(factories.member(clinic, ROLES.STAFF), stepped_up=False)
        client.post("/exports/ask", {**bulk(), "patient": str(factories.patient(clinic).id)})
        assert Export.objects.count() == 1

    @pytest.mark.parametrize("nobody", ["", " ", "\t", "\u00a0", "everybody"])
    def test_what_is_no_patients_id_is_everybody(self, nobody: str) -> None:
        client = pages.client_of(factories.member(factories.clinic(), ROLES.STAFF), stepped_up=False)
        assert client.post("/exports/ask", {**bulk(), "patient": nobody})["Location"].startswith("/accounts/go-on/")
        assert not Export.objects.exists()

    @pytest.mark.parametrize(("minutes", "done"), [(4.9, True), (5, False)])
    def test_it_holds_for_five_minutes(self, minutes: float, done: bool) -> None:
        with time_machine.travel(factories.AT, tick=False) as now:
            client = pages.client_of(factories.member(factories.clinic(), ROLES.STAFF))
            now.shift(timedelta(minutes=minutes))
            client.post("/exports/ask", bulk())
        assert Export.objects.exists() is done

    def test_who_may_not_is_told_so_and_not_asked(self) -> None:
        client = pages.client_of(factories.member(factories.clinic(), ROLES.NURSE), stepped_up=False)
        assert client.post("/exports/ask", bulk()).status_code == 403


class TestSigningAPlan:
    def test_what_was_typed_waits_and_the_signature_follows(self) -> None:
        clinic = factories.clinic()
        by, patient, version = factories.member(clinic), factories.patient(clinic), factories.protocol_version()
        client = pages.client_of(by, stepped_up=False)
        address = f"/patients/{patient.id}/prescribe/"
        typed = {
            "opioid_answer": "no",
            "template": str(version.id),
            "start_on": str(clock.today(clinic.zone)),
            "slot": "bedtime",
            "strength": "1.5",
            "mode": "confirmed",
            "nights": "84",
        }
        shown = client.post(address, {**typed, "action": "preview"})
        assert shown.status_code == 200
        typed["shown"] = re.search(r'name="shown" value="([^"]+)"', shown.content.decode())[1]  # type: ignore[index]
        waits = client.post(address, {**typed, "action": "sign"})["Location"]
        assert not Prescription.objects.exists()
        assert str(patient.id) not in waits
        show_again(client)
        again = fields_of(client.get(waits).content.decode())
        assert again == {**typed, "action": "sign"}
        assert client.post(address, again)["Location"] == f"/patients/{patient.id}/"
        assert Prescription.objects.filter(patient=patient).count() == 1


class TestRaisingADose:
    def test_one_step_and_several_wait_and_then_follow(self) -> None:
        clinic = factories.clinic()
        by = factories.member(clinic)
        begun = clock.now() - timedelta(days=20)
        first, *others = (factories.prescription(factories.patient(clinic), at=begun) for _ in range(3))
        client = pages.client_of(by, stepped_up=False)
        tickets = [f"{course.id}:1" for course in others]
        one = client.post(f"/courses/{first.id}/advance/", {"seen_version": "1", "reason": "Well"})["Location"]
        several = client.post("/steps/", {"course": tickets})["Location"]
        assert not PlanChange.objects.exists()
        show_again(client)
        assert fields_of(client.get(one).content.decode()) == {"seen_version": "1", "reason": "Well"}
        typed = {"seen_version": "1", "reason": "Well"}
        assert client.post(f"/courses/{first.id}/advance/", typed)["Location"] == f"/patients/{first.patient_id}/"
        assert PlanChange.objects.get().prescription_id == first.id
        page = client.get(several).content.decode()
        assert re.findall(r'name="course" value="([^"]+)"', page) == tickets

    def test_holding_and_stopping_wait_for_nothing(self) -> None:
        clinic = factories.clinic()
        by = factories.member(clinic)
        client = pages.client_of(by, stepped_up=False)
        for deed, form in (("hold", {"days": "5"}), ("stop", {})):
            course = factories.prescription(factories.patient(clinic), at=clock.now())
            typed = {"seen_version": "1", "reason": "Told by phone", **form}
            answer = client.post(f"/courses/{course.id}/{deed}/", typed)
            assert answer["Location"] == f"/patients/{course.patient_id}/"
            assert PlanChange.objects.filter(prescription=course).count() == 1


def test_taking_the_memory_out_asks_first() -> None:
    client = pages.client_of(factories.member(factories.clinic(), ROLES.AUDITOR), stepped_up=False)
    assert client.post("/exports/memory")["Location"].startswith("/accounts/go-on/")
    show_again(client)
    assert client.post("/exports/memory")["Content-Type"].startswith("text/csv")


class TestWhatWaits:
    @pytest.fixture
    def client(self) -> Client:
        return pages.client_of(factories.member(factories.clinic(), ROLES.ADMINISTRATOR), stepped_up=False)

    FORM = {"address": "canary-waits@test.invalid", "role": "nurse"}

    def test_it_is_sealed_where_it_waits(self, client: Client) -> None:
        client.post("/people/invite/", self.FORM)
        row = Session.objects.get(session_key=client.session.session_key)
        assert "canary" not in str(row.get_decoded())
        assert not DjangoSession.objects.exists()

    def test_it_is_the_sessions_own(self, client: Client) -> None:
        waits = client.post("/people/invite/", self.FORM)["Location"]
        other = pages.client_of(factories.member(factories.clinic(), ROLES.ADMINISTRATOR))
        assert other.get(waits).status_code == 404
        assert client.get("/accounts/go-on/unknown/").status_code == 404

    def test_after_a_quarter_of_an_hour_it_is_gone(self) -> None:
        with time_machine.travel(factories.AT, tick=False) as now:
            client = pages.client_of(factories.member(factories.clinic(), ROLES.ADMINISTRATOR), stepped_up=False)
            waits = client.post("/people/invite/", self.FORM)["Location"]
            for _ in range(2):
                now.shift(timedelta(minutes=7.5))
                client.get("/people/")
            assert client.get(waits).status_code == 404

    def test_only_the_latest_three_wait(self, client: Client) -> None:
        waits = [client.post("/people/invite/", self.FORM)["Location"] for _ in range(4)]
        show_again(client)
        assert [client.get(address).status_code for address in waits] == [404, 200, 200, 200]

    def test_a_form_too_long_to_wait_is_refused_with_a_sentence(self, client: Client) -> None:
        answer = client.post("/people/invite/", {"address": "x" * 70_000, "role": "nurse"})
        assert answer.status_code == 409
        assert "too long to be signed" in answer.content.decode()


@pytest.mark.parametrize("deed", ["invite", "again", "role", "end"])
def test_deciding_who_may_do_what_asks_first(deed: str) -> None:
    clinic = factories.clinic()
    administrator, nurse = factories.member(clinic, ROLES.ADMINISTRATOR), factories.member(clinic, ROLES.NURSE)
    opening = members.invite(address="new@test.invalid", role=ROLES.STAFF, by=administrator, at=clock.now())
    row = Membership.objects.get(user_id=nurse.user_id)
    address, form = {
        "invite": ("/people/invite/", {"address": "other@test.invalid", "role": "nurse"}),
        "again": (f"/people/invitations/{opening.invitation.id}/again/", {}),
        "role": (f"/people/{row.id}/", {"role": "staff"}),
        "end": (f"/people/{row.id}/end/", {}),
    }[deed]
    client = pages.client_of(administrator, stepped_up=False)
    assert client.get("/people/").status_code == 200
    assert client.post(address, form)["Location"].startswith("/accounts/go-on/")
    show_again(client)
    assert client.post(address, form)["Location"] == "/people/"


def test_a_code_from_the_app_is_a_showing() -> None:
    """The whole way through allauth's own page."""
    actor = factories.member(factories.clinic(), ROLES.ADMINISTRATOR)
    factors.app(User.objects.get(id=actor.user_id))
    client = pages.client_of(actor, stepped_up=False)
    waits = client.post("/people/invite/", TestWhatWaits.FORM)["Location"]
    assert client.get(waits)["Location"].startswith("/accounts/reauthenticate/")
    answer = client.post("/accounts/factors/reauthenticate/", {"code": factors.code(), "next": waits})
    assert answer["Location"] == waits
    assert "Do it now" in client.get(waits).content.decode()


class TestInADemonstration:
    @pytest.fixture
    def client(self, settings: Any) -> Client:
        settings.DEMO = True
        actor = factories.member(factories.clinic(), ROLES.ADMINISTRATOR)
        client = pages.client_of(actor, stepped_up=False)
        session = client.session
        session["account_authentication_methods"] = [{"method": "demo", "at": clock.now().timestamp()}]
        session.save()
        return client

    def test_one_click_is_a_showing(self, client: Client) -> None:
        waits = client.post("/people/invite/", TestWhatWaits.FORM)["Location"]
        assert "Confirm (demo)" in client.get(waits).content.decode()
        assert client.post(f"{waits}confirm/")["Location"] == waits
        fields = fields_of(client.get(waits).content.decode())
        assert client.post("/people/invite/", fields)["Location"] == "/people/"

    def test_outside_of_one_there_is_no_such_click_and_it_counted_for_nothing(
        self, client: Client, settings: Any
    ) -> None:
        waits = client.post("/people/invite/", TestWhatWaits.FORM)["Location"]
        client.post(f"{waits}confirm/")
        settings.DEMO = False
        actor = factories.member(factories.clinic(), ROLES.ADMINISTRATOR)
        earnest = pages.client_of(actor, stepped_up=False)
        session = earnest.session
        demo = {"method": "demo", "reauthenticated": True, "at": clock.now().timestamp()}
        session["account_authentication_methods"] = [*session["account_authentication_methods"], demo]
        session.save()
        waits = earnest.post("/people/invite/", TestWhatWaits.FORM)["Location"]
        assert waits.startswith("/accounts/go-on/")
        assert earnest.post(f"{waits}confirm/").status_code == 404


ASKING = {
    "care.end",
    "patient.contact_page",
    "patient.helpers",
    "patient.invite",
    "course.advance_page",
    "care.taken_up_again",
    "course.advance_several",
    "course.change_page",
    "clinic.route_page",
    "consent.texts_page",
    "crisis.page",
    "emergency.page",
    "erasure.ask_page",
    "erasure.confirm",
    "export.ask",
    "import.accept_page",
    "import.undo_page",
    "licence.page",
    "members.end",
    "members.invite_again",
    "members.invite_page",
    "members.lost_device",
    "members.member_page",
    "memory.save",
    "paper.sign_page",
    "patient.prescribe_page",
    "record.open_again",
    "record.restrict_page",
    "record.team_add",
    "record.team_remove",
    "retention.years",
    "rules.review_page",
    "rules.thresholds_page",
    "screening.results_page",
    "screening.waive_page",
    "template.review_page",
}


def test_the_doors_that_ask_once_more_are_these() -> None:
    """Signing, files of everybody, roles, ways to a patient, and whatever opens, closes or erases a record."""
    assert {door.action for door in OURS.values() if door.step_up} == ASKING
