"""The list of patients, registering one, and the invitation, through the pages."""

import re
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils.html import strip_tags

from accounts.actors import NOBODY, Actor
from accounts.models import Clinic, Membership
from patients import services
from patients.models import Invitation, Medicine, Patient, PatientCondition, Phone
from tests import factories, memory, pages
from tests.pages import words_of
from tests.reliability import smtp_stub
from titration.services import courses

NOW = datetime(2026, 3, 16, 10, tzinfo=UTC)
TODAY = NOW.date()


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def clinic(db: None) -> Clinic:
    return factories.clinic()


@pytest.fixture
def prescriber(clinic: Clinic) -> Actor:
    return factories.member(clinic)


@pytest.fixture
def desk(prescriber: Actor) -> Client:
    return pages.client_of(prescriber)


def people(clinic: Clinic, by: Actor, number: int, *, name: str = "Listed") -> list[Patient]:
    return [factories.patient(clinic, f"{name} {n:03}", registered_by_id=by.user_id) for n in range(number)]


class TestList:
    def test_a_line_says_dose_next_step_last_night_and_state(
        self, desk: Client, clinic: Clinic, prescriber: Actor
    ) -> None:
        patient = factories.patient(clinic, "Listed Person", record_number="R-77")
        factories.prescription(patient, by=prescriber, at=NOW - timedelta(days=3))
        factories.told_night(patient, TODAY - timedelta(days=1))
        assert "Listed Person R-77 1.5 mg 3 mg on 27 Mar 2026 last night on plan" in words_of(desk.get("/patients/"))

    def test_who_reads_to_take_no_dose_is_not_shown_as_on_plan(
        self, desk: Client, clinic: Clinic, prescriber: Actor
    ) -> None:
        for name, rule, blocks in (("Stopped Person", "R17", ["dose", "step"]), ("Waiting Person", "R10", ["step"])):
            patient = factories.patient(clinic, name)
            factories.prescription(patient, by=prescriber, at=NOW - timedelta(days=3))
            factories.finding(patient, at=NOW, rule=rule, blocks=blocks)
        page = words_of(desk.get("/patients/"))
        assert page.count("told to take none") == 1
        assert page.index("Stopped Person") < page.index("told to take none") < page.index("Waiting Person")

    def test_states_are_told_apart(self, desk: Client, clinic: Clinic, prescriber: Actor) -> None:
        held, later, stopped = (
            factories.patient(clinic, name) for name in ("Held Person", "Later Person", "Stopped Person")
        )
        factories.patient(clinic, "Unplanned Person")
        row = factories.prescription(held, by=prescriber, at=NOW - timedelta(days=3))
        courses.hold(prescription_id=row.id, days=7, reason="away", seen_version=row.version, by=prescriber, at=NOW)
        factories.prescription(later, by=prescriber, at=NOW, start_on=TODAY + timedelta(days=10))
        row = factories.prescription(stopped, by=prescriber, at=NOW - timedelta(days=3))
        courses.stop(prescription_id=row.id, reason="done", seen_version=row.version, by=prescriber, at=NOW)
        words = words_of(desk.get("/patients/"))
        for name, line in (
            ("Held Person", "1.5 mg 3 mg on 3 Apr 2026 never held"),
            ("Later Person", "none 3 mg on 9 Apr 2026 never starts 26 Mar 2026"),
            ("Stopped Person", "none none never no plan"),
            ("Unplanned Person", "none none never no plan"),
        ):
            assert re.search(rf"{name} \w+ {line}", words), (name, words)

    def test_it_is_searched_by_parts_of_name_and_number_whatever_accents_and_case(
        self, desk: Client, clinic: Clinic
    ) -> None:
        factories.patient(clinic, "Zoë Example", record_number="AB-1")
        factories.patient(clinic, "Other Example", record_number="CD-2")
        for typed in ("zoe", "ZOË", "exam zo", "ab-1"):
            response = desk.post("/patients/", {"words": typed}, follow=True)
            assert "Zoë Example" in words_of(response), typed
            assert "Other Example" not in words_of(response), typed
        assert "Nobody found" in words_of(desk.post("/patients/", {"words": "%"}, follow=True))

    def test_what_is_searched_stands_in_no_address(self, desk: Client, clinic: Clinic) -> None:
        for person in people(clinic, factories.member(clinic), 51, name="Sought"):
            assert person
        response = desk.post("/patients/", {"words": "sought"})
        page = desk.get(response.url).content.decode()
        assert "Sought 050" not in page
        addresses = [response.url, *re.findall(r'href="([^"]*)"', page)]
        assert not [address for address in addresses if "ought" in address.casefold()]
        onward = unescape(re.search(r'rel="next" href="([^"]+)"', page)[1])
        assert "Sought 050" in desk.get(onward).content.decode()

    def test_pages_meet_everybody_once(self, desk: Client, clinic: Clinic, prescriber: Actor) -> None:
        everybody = {person.name for person in people(clinic, prescriber, 120)}
        seen, address = [], "/patients/"
        while address:
            page = desk.get(address).content.decode()
            seen += re.findall(r"Listed \d{3}", page)
            onward = re.search(r'rel="next" href="([^"]+)"', page)
            address = unescape(onward[1]) if onward else ""
        assert sorted(seen) == sorted(everybody)

    @pytest.mark.parametrize("query", ["after=nonsense", "after=00000000-0000-0000-0000-000000000000", "search=gone"])
    def test_an_address_made_up_is_no_fault(self, desk: Client, query: str) -> None:
        assert desk.get(f"/patients/?{query}").status_code == 200

    def test_nobody_yet_is_told_what_to_do(self, desk: Client) -> None:
        assert "No patients yet" in words_of(desk.get("/patients/"))

    def test_only_the_own_clinics_are_listed_and_each_is_in_the_audit(
        self, desk: Client, clinic: Clinic, prescriber: Actor
    ) -> None:
        factories.patient(factories.clinic("Other Clinic"), "Foreign Person")
        mine = people(clinic, prescriber, 3)
        assert "Foreign" not in words_of(desk.get("/patients/"))
        assert set(memory.event(action="patients.list").patient_ids) == {person.id for person in mine}

    def test_it_costs_six_statements_whatever_the_rows(self, desk: Client, clinic: Clinic, prescriber: Actor) -> None:
        counts = []
        for number in (0, 4, 40):
            for person in people(clinic, prescriber, number, name="A name so long that it takes two lines" * 4):
                factories.prescription(person, by=prescriber, at=NOW - timedelta(days=3))
                factories.told_night(person, TODAY - timedelta(days=1))
            with pages.statements() as spent:
                assert desk.get("/patients/").status_code == 200
            counts.append(len(spent))
        # Nobody shown, nobody to remember: no audit row and no standing to ask for.
        assert counts[1:] == [6, 6], str(spent)
        assert counts[0] <= 6


TYPED = {
    "name": "  New   Person ",
    "birth_date": "1980-02-29",
    "record_number": "R-1",
    "email": "new@test.invalid",
    "zone": "europe/london",
    "conditions": ["crohn", "ibs"],
    "other_condition": "long COVID",
    "medicines": "Ramipril 5 mg\r\n\r\n  vitamin D  \r\n",
    "context_note": "works nights\r\nshift change on Mondays",
}


class TestRegister:
    def test_it_takes_a_person_into_care(self, desk: Client) -> None:
        response = desk.post("/patients/new/", TYPED)
        patient = Patient.objects.get()
        assert response.status_code == 302
        assert response.url == f"/patients/{patient.id}/"
        assert (patient.name, patient.birth_date, patient.record_number) == ("New Person", date(1980, 2, 29), "R-1")
        assert (patient.email, patient.zone_name) == ("new@test.invalid", "Europe/London")
        assert patient.context_note == "works nights\nshift change on Mondays"
        conditions = PatientCondition.objects.filter(patient=patient).order_by("position")
        assert [(c.code, c.words) for c in conditions] == [("crohn", ""), ("ibs", ""), ("other", "long COVID")]
        medicines = Medicine.objects.filter(patient=patient).order_by("position")
        assert [m.words for m in medicines] == ["Ramipril 5 mg", "vitamin D"]
        assert memory.event(action="patient.register").patient_ids == [patient.id]

    def test_the_form_offers_the_clinics_zone_and_a_list_to_search(self, desk: Client) -> None:
        page = desk.get("/patients/new/").content.decode()
        assert 'value="Europe/London"' in page
        assert '<option value="Asia/Kolkata">' in page
        assert re.search(r'<input[^>]*name="zone"[^>]*list="id_zone-list"', page)
        assert page.count('name="conditions"') == 12

    @pytest.mark.parametrize(
        ("field", "typed", "sentence"),
        [
            ("name", "   ", "The name is missing"),
            ("name", "n" * 201, "The name has 201 characters, and 200 fit"),
            ("birth_date", "2026-03-17", "is in the future"),
            ("birth_date", "1906-03-15", "more than 120 years ago"),
            ("birth_date", "31/12/1980", "That is not a date"),
            ("birth_date", "1981-02-29", "That is not a date"),
            ("record_number", "9" * 41, "The record number has 41 characters"),
            ("email", "nobody", "That is not an e-mail address"),
            ("email", "a@test.invalid\r\nBcc: b@test.invalid", "That is not an e-mail address"),
            ("zone", "Mars/Olympus", "That is not a time zone we know"),
            ("zone", "../../etc/passwd", "That is not a time zone we know"),
            ("conditions", [], "Tick at least one condition"),
            ("conditions", ["gout"], "not in the list"),
            ("medicines", "m" * 301, "has 301 characters, and 300 fit"),
            ("medicines", "m\n" * 61, "There are 61 lines, and 60 fit"),
            ("context_note", "x" * 10_000, "The note has 10000 characters, and 4000 fit"),
        ],
    )
    def test_what_is_wrong_is_said_beside_the_field_and_nothing_typed_is_lost(
        self, desk: Client, field: str, typed: str | list[str], sentence: str
    ) -> None:
        sent = {**TYPED, "other_condition": "", field: typed}
        response = desk.post("/patients/new/", sent)
        page = response.content.decode()
        assert response.status_code == 422
        assert not Patient.objects.exists()
        beside = page[page.index(f'id="div_id_{field}"') :]
        feedback = re.search(r'class="invalid-feedback"[^>]*>(.*?)</', beside, re.DOTALL)
        assert feedback
        assert sentence in unescape(strip_tags(feedback[1]))
        kept = unescape(page)
        for name, value in sent.items():
            for one in value if isinstance(value, list) else [value]:
                assert one.replace("\r\n", "\n") in kept.replace("\r\n", "\n") or one == "gout", name

    @pytest.mark.parametrize("born", ["2026-03-16", "1906-03-16"])
    def test_ages_at_the_edge_are_taken(self, desk: Client, born: str) -> None:
        assert desk.post("/patients/new/", {**TYPED, "birth_date": born}).status_code == 302

    def test_a_note_of_4000_characters_over_several_lines_fits(self, desk: Client) -> None:
        note = ("x" * 39 + "\r\n") * 99 + "x" * 40
        assert desk.post("/patients/new/", {**TYPED, "context_note": note}).status_code == 302
        assert len(Patient.objects.get().context_note) == 4000

    @pytest.mark.parametrize(
        ("typed", "zone_name"),
        [
            ("london", "Europe/London"),
            ("new york", "America/New_York"),
            ("UTC", "UTC"),
            (" asia/kolkata ", "Asia/Kolkata"),
        ],
    )
    def test_a_zone_is_found_by_its_city(self, desk: Client, typed: str, zone_name: str) -> None:
        desk.post("/patients/new/", {**TYPED, "zone": typed})
        assert Patient.objects.get().zone_name == zone_name

    def test_a_record_number_twice_is_refused_at_the_field(self, desk: Client) -> None:
        """The same click sent twice makes one patient."""
        assert desk.post("/patients/new/", TYPED).status_code == 302
        response = desk.post("/patients/new/", TYPED)
        assert response.status_code == 422
        assert "already registered" in response.context["form"].errors["record_number"][0]
        assert Patient.objects.count() == 1

    def test_another_clinic_may_use_the_same_number(self, desk: Client) -> None:
        factories.patient(factories.clinic("Other Clinic"), record_number="R-1")
        assert desk.post("/patients/new/", TYPED).status_code == 302

    def test_a_pasted_script_is_text(self, desk: Client) -> None:
        script = "<script>alert(1)</script>"
        sent = {**TYPED, "name": script, "context_note": script, "medicines": script, "other_condition": script}
        refused = desk.post("/patients/new/", {**sent, "zone": "nowhere"}).content.decode()
        assert script not in refused
        assert script in unescape(refused)
        assert desk.post("/patients/new/", sent).status_code == 302
        assert script not in desk.get("/patients/").content.decode()
        assert Patient.objects.get().name == script

    def test_no_more_columns_can_be_set_than_the_form_has(self, desk: Client) -> None:
        other = factories.clinic("Other Clinic")
        desk.post("/patients/new/", {**TYPED, "clinic": str(other.id), "clinic_id": str(other.id), "version": "9"})
        assert (Patient.objects.get().clinic_id != other.id, Patient.objects.get().version) == (True, 1)

    def test_who_may_not_register_is_told_so(self, clinic: Clinic) -> None:
        auditor = pages.client_of(factories.member(clinic, Membership.Role.AUDITOR))
        response = auditor.post("/patients/new/", TYPED)
        assert response.status_code == 403
        assert "may not register patients" in words_of(response)
        assert memory.event(action="patients.register").result == "denied"


@pytest.mark.django_db(transaction=True)
class TestRegisterAtOnce:
    def test_two_at_the_same_moment_make_one_patient(self) -> None:
        from django.db import connection

        by = factories.member(factories.clinic())
        clients = [pages.client_of(by) for _ in range(2)]
        barrier, statuses = threading.Barrier(2), []

        def send(client: Client) -> None:
            barrier.wait()
            try:
                statuses.append(client.post("/patients/new/", TYPED).status_code)
            finally:
                connection.close()

        threads = [threading.Thread(target=send, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [302, 422]
        assert Patient.objects.count() == 1


@pytest.fixture
def post(settings: Any) -> Iterator[smtp_stub.Stub]:
    """A real mail server, spoken to as in production."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with smtp_stub.running() as (stub, port):
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        yield stub


@pytest.mark.django_db(transaction=True)
class TestInvite:
    def invite(self, **more: object) -> tuple[Client, Patient]:
        clinic = factories.clinic()
        patient = factories.patient(clinic, "Invited Person", **more)
        desk = pages.client_of(factories.member(clinic, Membership.Role.STAFF))
        response = desk.post(f"/patients/{patient.id}/invite/")
        assert response.status_code == 302
        return desk, patient

    def test_the_mail_goes_out_once_the_invitation_stands_and_names_nothing(self, post: smtp_stub.Stub) -> None:
        desk, patient = self.invite()
        (message,) = post.messages
        assert message["To"] == patient.email
        assert message["From"] == "clinic@localhost"
        text = f"{message['Subject']}\n{message.get_content()}".casefold()
        for word in ("naltrexone", "ldn", "dose", "drug", "pain", "clinic", "invited", "person", " mg"):
            assert word not in text.replace(settings.BASE_URL, ""), word
        assert Invitation.objects.get().mailed_at == NOW
        page = desk.get(f"/patients/{patient.id}/")
        assert "The invitation is on its way." in words_of(page)

    def test_its_link_opens_with_the_code_that_the_desk_sees_once(self, post: smtp_stub.Stub) -> None:
        desk, patient = self.invite()
        token = re.search(r"/p/open/([\w-]+)", post.messages[0].get_content())[1]
        code = desk.session[f"desk_code:{patient.id}"]
        assert code in words_of(desk.get(f"/patients/{patient.id}/"))
        assert code not in words_of(desk.get(f"/patients/{patient.id}/"))
        services.open_invitation(token=token, birth_date=None, desk_code=code, by=NOBODY, at=NOW)
        assert Phone.objects.get().patient == patient

    @pytest.mark.parametrize("mode", [smtp_stub.UNKNOWN, smtp_stub.REFUSE_DATA, smtp_stub.CLOSING])
    def test_a_mail_server_that_refuses_is_told(self, post: smtp_stub.Stub, mode: str) -> None:
        post.mode = lambda recipient: mode
        desk, patient = self.invite()
        assert Invitation.objects.get().mailed_at is None
        assert "was not sent" in words_of(desk.get(f"/patients/{patient.id}/"))

    def test_a_mail_server_that_is_down_is_told_and_sending_again_helps(
        self, post: smtp_stub.Stub, settings: Any
    ) -> None:
        port = settings.EMAIL_PORT
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            settings.EMAIL_PORT = closed.getsockname()[1]
        desk, patient = self.invite()
        assert Invitation.objects.get().mailed_at is None
        assert "was not sent" in words_of(desk.get(f"/patients/{patient.id}/"))
        settings.EMAIL_PORT = port
        assert "on its way" in words_of(desk.post(f"/patients/{patient.id}/invite/", follow=True))
        assert len(post.messages) == 1
        assert Invitation.objects.filter(replaced_at=None, mailed_at=NOW).count() == 1

    def test_without_an_address_it_is_refused(self) -> None:
        clinic = factories.clinic()
        patient = factories.patient(clinic, email="")
        response = pages.client_of(factories.member(clinic)).post(f"/patients/{patient.id}/invite/")
        assert response.status_code == 409
        assert "no e-mail address" in words_of(response)
        assert not Invitation.objects.exists()

    def test_another_clinics_patient_is_nobody(self) -> None:
        foreign = factories.patient(factories.clinic("Other Clinic"))
        desk = pages.client_of(factories.member(factories.clinic()))
        assert desk.post(f"/patients/{foreign.id}/invite/").status_code == 404
        assert not Invitation.objects.exists()


class TestForgetPhone:
    def test_a_phone_is_forgotten_once_and_for_all(self, desk: Client, clinic: Clinic) -> None:
        patient = factories.patient(clinic)
        phone, _ = factories.phone(patient, at=NOW)
        for _ in range(2):
            assert desk.post(f"/patients/{patient.id}/phones/{phone.id}/forget/").status_code == 302
        phone.refresh_from_db()
        assert phone.revoked_at == NOW
        assert len(memory.events(action="phone.forget")) == 1

    def test_only_with_its_own_patient(self, desk: Client, clinic: Clinic) -> None:
        patient, other = factories.patient(clinic), factories.patient(clinic)
        phone, _ = factories.phone(other, at=NOW)
        assert desk.post(f"/patients/{patient.id}/phones/{phone.id}/forget/").status_code == 404
        phone.refresh_from_db()
        assert phone.revoked_at is None
