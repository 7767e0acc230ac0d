"""S31: a clinician outside the care team opens one restricted record for an hour, and everybody who must know does."""

import re
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import Clinic, Membership, User
from common.refusals import Refused
from patients import selectors as patients_selectors
from patients import services
from patients.models import EmergencyAccess, EmergencyTry, Medicine, Patient
from patients.services import emergencies, restricted
from tests import factories, pages
from tests.guards.matrix import LINES
from tests.memory import events
from tests.pages import words_of
from tests.reliability import smtp_stub

NOW = datetime(2026, 3, 16, 10, tzinfo=UTC)
ROLES = Membership.Role
WHY = "Found unconscious at the front door, needs to know about opioids"


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def clinic(clock: Any, db: None) -> Clinic:
    return factories.clinic()


@pytest.fixture
def keeper(clinic: Clinic) -> Actor:
    return factories.member(clinic, name="Team Prescriber")


@pytest.fixture
def nurse(clinic: Clinic) -> Actor:
    return factories.member(clinic, ROLES.NURSE, "Night Nurse")


@pytest.fixture
def auditor(clinic: Clinic) -> Actor:
    return with_address(factories.member(clinic, ROLES.AUDITOR, "Watching Auditor"), "auditor@test.invalid")


@pytest.fixture
def patient(clinic: Clinic, keeper: Actor) -> Patient:
    return guarded(clinic, keeper)


@pytest.fixture
def post(settings: Any) -> Iterator[smtp_stub.Stub]:
    """A real mail server, spoken to as in production."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with smtp_stub.running() as (stub, port):
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        yield stub


def with_address(actor: Actor, address: str) -> Actor:
    User.objects.filter(id=actor.user_id).update(email=address)
    return actor


def guarded(clinic: Clinic, by: Actor, name: str = "Guarded Person", **more: Any) -> Patient:
    patient = factories.patient(clinic, name, registered_by_id=by.user_id, **more)
    restricted.restrict(patient_id=patient.id, team=[], reason="asked for", by=by, at=NOW)
    return patient


def typed(patient: Patient | None = None, **more: str) -> dict[str, str]:
    return {"record_number": patient.record_number if patient else "", "reason": WHY, **more}


def ask(client: Client, patient: Patient | None = None, **more: str) -> Any:
    return client.post(reverse("desk:emergency"), typed(patient, **more))


def page_of(client: Client, patient: Patient) -> Any:
    return client.get(reverse("desk:patient", args=[patient.id]))


def opened(patient: Patient, by: Actor, *, at: datetime = NOW) -> EmergencyAccess:
    asked = emergencies.Asked(record_number=patient.record_number)
    return emergencies.open_record(asked=asked, reason=WHY, by=by, at=at).access


HELPER = {"name": "A Helper", "email": "helper@test.invalid", "relation": "parent", "rights": "view"}
HELPER |= {"last_day": (NOW.date() + timedelta(days=300)).isoformat()}
TEAM_ONLY = {
    *("desk:patient_access", "desk:patient_restrict", "desk:contact", "desk:helpers", "desk:chart_svg"),
    *("desk:end_care", "desk:course_download", "desk:fill", "desk:paper_new"),
    *("desk:phone_night", "desk:patient_tags", "desk:screening", "desk:cards", "desk:sex"),
}
"""Pages that let somebody in, send something out or only work: they stay with the team. What matters in an emergency,
medicines, what the screening says, consent, what was tried and instructed, is read."""
READ_ONLY = ("desk:medicines", "desk:screening_results", "desk:consent", "desk:reach")
CONTACT = {"email": "mine@test.invalid", "reminders_by_email": "on", "log_reminder_at": "07:30", "seen_version": "1"}


def ways_to(patient: Patient) -> list[Any]:
    """Everything that lets somebody in, or a mail out, for this patient."""
    rows: list[Any] = [Patient.objects.filter(id=patient.id).values_list("email", "version").get()]
    for table in (patient.phones, patient.care_grants, patient.invitations):
        rows += table.order_by("id").values()
    return rows


class TestOpening:
    def test_by_record_number_the_one_record_opens_for_sixty_minutes_and_no_second_longer(
        self, clock: Any, nurse: Actor, patient: Patient
    ) -> None:
        client = pages.client_of(nurse)
        assert page_of(client, patient).status_code == 404
        assert ask(client, patient).url == reverse("desk:patient", args=[patient.id])
        for at, status in (
            (NOW, 200),
            (NOW + timedelta(minutes=60) - timedelta(microseconds=1), 200),
            (NOW + timedelta(minutes=60), 404),
            (NOW + timedelta(days=1), 404),
        ):
            clock.move_to(at)
            client = pages.client_of(nurse)
            assert page_of(client, patient).status_code == status, at

    def test_by_name_and_date_of_birth_however_the_name_is_written(
        self, clinic: Clinic, keeper: Actor, nurse: Actor
    ) -> None:
        patient = guarded(clinic, keeper, "Zoë Ärzt Example", birth_date=date(1971, 2, 3))
        client = pages.client_of(nurse)
        assert ask(client, name="Zoe Arzt Example", birth_date="1971-02-04").status_code == 422
        assert ask(client, name="Zoe Example", birth_date="1971-02-03").status_code == 422
        assert ask(client, name="example ZOE arzt", birth_date="1971-02-03").status_code == 302
        assert page_of(client, patient).status_code == 200

    def test_it_opens_one_patient_and_nobody_else(self, clinic: Clinic, keeper: Actor, nurse: Actor) -> None:
        first, second = guarded(clinic, keeper, "First Guarded"), guarded(clinic, keeper, "Second Guarded")
        client = pages.client_of(nurse)
        ask(client, first)
        assert page_of(client, second).status_code == 404
        listed = words_of(client.get(reverse("desk:patients")))
        assert "First Guarded" in listed
        assert "Second Guarded" not in listed

    def test_it_opens_to_one_clinician_and_nobody_else(self, clinic: Clinic, nurse: Actor, patient: Patient) -> None:
        ask(pages.client_of(nurse), patient)
        assert page_of(pages.client_of(factories.member(clinic)), patient).status_code == 404

    @pytest.mark.parametrize("reason", ["", "emergency", "         urgent, now          ", "nineteen characters"])
    def test_a_reason_of_less_than_twenty_characters_opens_nothing(
        self, nurse: Actor, patient: Patient, reason: str
    ) -> None:
        client = pages.client_of(nurse)
        assert ask(client, patient, reason=reason).status_code == 422
        assert page_of(client, patient).status_code == 404
        assert not EmergencyTry.objects.exists()

    def test_staff_auditors_and_people_of_other_clinics_may_not(
        self, clinic: Clinic, auditor: Actor, patient: Patient
    ) -> None:
        for actor in (factories.member(clinic, ROLES.STAFF), auditor):
            assert ask(pages.client_of(actor), patient).status_code == 403
        stranger = pages.client_of(factories.member(factories.clinic("Elsewhere")))
        assert ask(stranger, patient).status_code == 422
        assert not EmergencyAccess.objects.exists()

    def test_it_stops_when_the_membership_ends_and_a_new_one_does_not_bring_it_back(
        self, nurse: Actor, patient: Patient
    ) -> None:
        ask(pages.client_of(nurse), patient)
        Membership.objects.filter(user_id=nurse.user_id).update(ended_at=NOW)
        assert page_of(pages.client_of(nurse), patient).status_code == 404
        Membership.objects.create(user_id=nurse.user_id, clinic_id=nurse.clinic_id, role=ROLES.NURSE)
        assert page_of(pages.client_of(nurse), patient).status_code == 404

    def test_it_stops_when_the_role_no_longer_carries_it(self, nurse: Actor, patient: Patient) -> None:
        ask(pages.client_of(nurse), patient)
        Membership.objects.filter(user_id=nurse.user_id).update(role=ROLES.STAFF)
        assert page_of(pages.client_of(nurse), patient).status_code == 404

    def test_nothing_leaves_by_it_and_the_team_stays_as_it_is(self, clinic: Clinic, patient: Patient) -> None:
        other = factories.member(clinic, name="Other Prescriber")
        client = pages.client_of(other)
        ask(client, patient)
        assert page_of(client, patient).status_code == 200
        export = client.post(reverse("exports:ask"), {"request_key": str(uuid.uuid4()), "patient": str(patient.id)})
        assert export.status_code == 404
        assert client.get(reverse("desk:patient_access", args=[patient.id])).status_code == 404
        add = client.post(reverse("desk:patient_team_add", args=[patient.id]), {"user_id": str(other.user_id)})
        assert add.status_code == 404

    def test_no_way_to_the_patient_is_made_or_closed_by_it(self, clinic: Clinic, patient: Patient) -> None:
        other = factories.member(clinic, name="Other Prescriber")
        client = pages.client_of(other)
        phone, (grant, _) = factories.phone(patient, NOW)[0], factories.carer(patient, at=NOW)
        ask(client, patient)
        assert page_of(client, patient).status_code == 200
        offered = page_of(client, patient).content.decode()
        before = ways_to(patient)
        for name, more, form in (
            ("desk:helpers", [], HELPER),
            ("desk:end_help", [grant.id], {}),
            ("desk:contact", [], CONTACT),
            ("desk:invite", [], {}),
            ("desk:forget_phone", [phone.id], {}),
        ):
            assert client.post(reverse(name, args=[patient.id, *more]), form).status_code == 404, name
            assert reverse(name, args=[patient.id, *more]) not in offered, name
        for name in ("desk:helpers", "desk:contact", "desk:chart_svg"):
            assert client.get(reverse(name, args=[patient.id])).status_code == 404, name
        assert ways_to(patient) == before
        assert not events(action="care.grant") + events(action="patient.contact") + events(action="patient.invite")
        assert not events(action="care.revoke") + events(action="phone.forget")

    @pytest.mark.parametrize("name", READ_ONLY)
    def test_what_matters_in_an_emergency_is_read_remembered_and_not_changed(
        self, clinic: Clinic, keeper: Actor, patient: Patient, name: str
    ) -> None:
        factories.confirmed_screening(patient, by_id=keeper.user_id, acute_hepatitis="yes")
        Medicine.objects.create(clinic=clinic, patient=patient, position=0, words="Oxycodone 5 mg")
        other = factories.member(clinic, name="Other Prescriber")
        client, address = pages.client_of(other), reverse(name, args=[patient.id])
        assert client.get(address).status_code == 404
        ask(client, patient)
        assert address in page_of(client, patient).content.decode()
        before = len(events())
        answer = client.get(address)
        assert answer.status_code == 200
        (event,) = events()[before:]
        assert (event.actor_id, event.patient_ids) == (other.user_id, [patient.id])
        forms = re.findall(r'<form[^>]*method="post"[^>]*>', answer.content.decode().partition("<main")[2])
        assert all(reverse("desk:emergency_end", args=[EmergencyAccess.objects.get().id]) in one for one in forms)
        assert client.post(address, {"words": "tramadol", "action": "contact"}).status_code == 404
        assert 'method="post"' in pages.client_of(keeper).get(address).content.decode().partition("<main")[2]

    def test_the_medicines_themselves_are_read(self, clinic: Clinic, patient: Patient) -> None:
        Medicine.objects.create(clinic=clinic, patient=patient, position=0, words="Oxycodone 5 mg")
        client = pages.client_of(factories.member(clinic, ROLES.NURSE))
        ask(client, patient)
        assert "Oxycodone 5 mg" in words_of(client.get(reverse("desk:medicines", args=[patient.id])))

    @pytest.mark.parametrize("deed", ["grant", "end", "contact", "invite", "forget"])
    def test_the_deeds_themselves_refuse_who_came_by_it(self, clinic: Clinic, patient: Patient, deed: str) -> None:
        other = factories.member(clinic, name="Other Prescriber")
        opened(patient, other)
        by = replace(other, at=NOW)
        assert patients_selectors.visible_to(by).filter(id=patient.id).exists()
        phone, (grant, _) = factories.phone(patient, NOW)[0], factories.carer(patient, at=NOW)
        before = ways_to(patient)
        who = {name: value for name, value in HELPER.items() if name != "last_day"}
        how = {"email": "new@test.invalid", "reminders_by_email": True, "log_reminder_at": time(7), "seen_version": 1}
        deeds = {
            "grant": lambda: services.grant_care(
                patient=patient, **who, expires_on=NOW.date() + timedelta(days=365), by=by, at=NOW
            ),
            "end": lambda: services.revoke_care(grant=grant, by=by, at=NOW),
            "contact": lambda: services.change_contact(patient=patient, **how, by=by, at=NOW),
            "invite": lambda: services.invite(patient=patient, by=by, at=NOW),
            "forget": lambda: services.forget_phone(phone=phone, by=by, at=NOW),
        }
        with pytest.raises(Refused, match="No record of yours"):
            deeds[deed]()
        assert ways_to(patient) == before

    def test_an_open_record_needs_no_emergency(self, clinic: Clinic, nurse: Actor) -> None:
        plain = factories.patient(clinic, registered_by_id=nurse.user_id)
        answer = ask(pages.client_of(nurse), plain)
        assert (answer.status_code, EmergencyAccess.objects.count()) == (422, 0)
        assert "You may open this record without an emergency" in words_of(answer)

    def test_opening_again_prolongs_nothing_and_after_the_hour_it_can_be_opened_anew(
        self, nurse: Actor, patient: Patient
    ) -> None:
        first = opened(patient, nurse)
        assert opened(patient, nurse, at=NOW + timedelta(minutes=59)).id == first.id
        later = opened(patient, nurse, at=NOW + timedelta(minutes=60))
        assert later.id != first.id
        first.refresh_from_db()
        assert first.closed_at == first.ends_at == NOW + timedelta(minutes=60)


class TestNoOracle:
    def test_unknown_foreign_and_ambiguous_get_one_answer(self, clinic: Clinic, keeper: Actor, nurse: Actor) -> None:
        elsewhere = factories.clinic("Elsewhere")
        foreign = guarded(elsewhere, factories.member(elsewhere), record_number="F-1")
        twins = {"birth_date": date(1990, 9, 9)}
        guarded(clinic, keeper, "Same Name", **twins)
        guarded(clinic, keeper, "Same Name", **twins)
        answers = {
            re.sub(r' value="[^"]*"', "", ask(pages.client_of(nurse), **asked).content.decode())
            for asked in (
                {"record_number": "unknown"},
                {"record_number": foreign.record_number},
                {"name": "Same Name", "birth_date": "1990-09-09"},
            )
        }
        assert len(answers) == 1
        assert "No record of your clinic has this number" in answers.pop()

    def test_five_tries_an_hour_and_what_was_tried_is_kept_nowhere(
        self, clock: Any, nurse: Actor, patient: Patient
    ) -> None:
        client = pages.client_of(nurse)
        for _ in range(5):
            assert "No record of your clinic" in words_of(ask(client, record_number="secret-number"))
        for asked in ({"record_number": "secret-number"}, {"record_number": patient.record_number}):
            answer = ask(client, **asked)
            assert answer.status_code == 422
            assert "You have tried five times" in words_of(answer)
        assert page_of(client, patient).status_code == 404
        tries = events(action="emergency.try")
        assert [event.result for event in tries] == ["done"] * 5 + ["denied"] * 2
        assert "secret-number" not in str([vars(event) for event in events()])
        clock.move_to(NOW + timedelta(hours=1))
        client = pages.client_of(nurse)
        assert ask(client, patient).status_code == 302

    @pytest.mark.django_db(transaction=True)
    def test_tries_at_one_moment_are_counted_one_after_another(self, clock: Any) -> None:
        nurse = factories.member(factories.clinic(), ROLES.NURSE)
        together, answers = threading.Barrier(8), []

        def one() -> None:
            together.wait()
            try:
                emergencies.count_try(by=nurse, at=NOW)
                answers.append(True)
            except Exception as refusal:  # noqa: BLE001  counted below
                answers.append(type(refusal).__name__)
            finally:
                connection.close()

        _all_at_once([one] * 8)
        assert sorted(map(str, answers)) == ["Refused"] * 3 + ["True"] * 5

    @pytest.mark.django_db(transaction=True)
    def test_opened_twice_at_one_moment_it_is_one_access(self, clock: Any) -> None:
        clinic = factories.clinic()
        nurse = factories.member(clinic, ROLES.NURSE)
        patient = guarded(clinic, factories.member(clinic))
        together, made = threading.Barrier(4), []

        def one() -> None:
            together.wait()
            try:
                made.append(opened(patient, nurse).id)
            finally:
                connection.close()

        _all_at_once([one] * 4)
        assert len(made) == 4
        assert len(set(made)) == EmergencyAccess.objects.count() == len(events(action="emergency.open")) == 1


def _all_at_once(works: list[Any]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class TestWhoIsTold:
    def test_every_auditor_gets_a_mail_that_names_nobody(
        self,
        post: smtp_stub.Stub,
        clinic: Clinic,
        auditor: Actor,
        nurse: Actor,
        patient: Patient,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        with_address(factories.member(clinic, ROLES.AUDITOR), "second@test.invalid")
        with_address(factories.member(clinic, ROLES.ADMINISTRATOR), "administrator@test.invalid")
        elsewhere = factories.clinic("Elsewhere")
        with_address(factories.member(elsewhere, ROLES.AUDITOR), "foreign@test.invalid")
        with django_capture_on_commit_callbacks(execute=True):
            ask(pages.client_of(nurse), patient)
        assert {message["To"] for message in post.messages} == {"auditor@test.invalid", "second@test.invalid"}
        for message in post.messages:
            text = message.as_string()
            for secret in ("Guarded", patient.record_number, str(patient.id), "unconscious", "Nurse", "Test Clinic"):
                assert secret not in text, secret
            assert reverse("desk:emergency_reviews") in message.get_content()
        assert EmergencyAccess.objects.get().noticed_at == NOW

    def test_without_an_auditor_the_administrators_are_told(
        self,
        post: smtp_stub.Stub,
        clinic: Clinic,
        nurse: Actor,
        patient: Patient,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        with_address(factories.member(clinic, ROLES.ADMINISTRATOR), "administrator@test.invalid")
        with django_capture_on_commit_callbacks(execute=True):
            ask(pages.client_of(nurse), patient)
        (message,) = post.messages
        assert message["To"] == "administrator@test.invalid"
        assert "Give a colleague the role of auditor" in message.get_content()

    def test_a_principal_is_not_the_only_one_told_of_what_they_did_themselves(
        self, post: smtp_stub.Stub, clinic: Clinic, patient: Patient, django_capture_on_commit_callbacks: Any
    ) -> None:
        principal = with_address(factories.member(clinic, ROLES.PRINCIPAL), "principal@test.invalid")
        with_address(factories.member(clinic, ROLES.ADMINISTRATOR), "administrator@test.invalid")
        with django_capture_on_commit_callbacks(execute=True):
            ask(pages.client_of(principal), patient)
        assert [message["To"] for message in post.messages] == ["administrator@test.invalid"]

    @pytest.mark.django_db(transaction=True)
    def test_a_mail_server_that_takes_nothing_is_told_and_the_record_opens_all_the_same(
        self, post: smtp_stub.Stub, auditor: Actor, nurse: Actor, patient: Patient
    ) -> None:
        post.mode = lambda recipient: smtp_stub.UNKNOWN
        client = pages.client_of(nurse)
        ask(client, patient)
        assert "No mail about it could be sent" in words_of(page_of(client, patient))
        assert EmergencyAccess.objects.get().noticed_at is None
        assert "no mail was sent" in words_of(pages.client_of(auditor).get(reverse("desk:emergency_reviews")))

    def test_the_memory_names_the_patient_whom_the_page_that_opened_it_did_not_yet_show(
        self, nurse: Actor, patient: Patient
    ) -> None:
        ask(pages.client_of(nurse), patient)
        (event,) = events(action="emergency.open")
        assert (event.actor_id, event.patient_ids) == (nurse.user_id, [patient.id])
        assert event.subject_id == EmergencyAccess.objects.get().id
        assert WHY not in str(vars(event))

    def test_the_reason_is_not_readable_in_the_database(self, nurse: Actor, patient: Patient) -> None:
        opened(patient, nurse)
        with connection.cursor() as cursor:
            cursor.execute("SELECT reason FROM patients_emergencyaccess")
            assert "unconscious" not in cursor.fetchone()[0]


class TestBanner:
    def test_it_stands_on_every_page_of_that_patient_and_on_no_other(
        self, clinic: Clinic, keeper: Actor, patient: Patient
    ) -> None:
        other = factories.member(clinic, name="Other Prescriber")
        plain = factories.patient(clinic, registered_by_id=keeper.user_id)
        ids = {}
        for which in (patient, plain):
            prescription = factories.prescription(which, by=keeper, at=NOW - timedelta(days=14))
            ids[which] = {"patient_id": which.id, "prescription_id": prescription.id}
        client = pages.client_of(other)
        ask(client, patient)
        seen = 0
        for name, line in LINES.items():
            needed = set(line.ids)
            team_only = name in TEAM_ONLY
            if line.get != 200 or not needed or not needed <= set(ids[patient]) or team_only:
                continue
            for which, stands in ((patient, True), (plain, False)):
                answer = client.get(reverse(name, kwargs={key: ids[which][key] for key in needed}))
                if answer["Content-Type"].startswith("text/html"):
                    assert ("Emergency access until 11:00" in words_of(answer)) == stands, name
                    seen += 1
        assert seen >= 10
        assert "Emergency access until" not in words_of(client.get(reverse("desk:patients")))

    def test_the_team_sees_no_banner_and_pages_of_open_records_cost_no_statement_more(
        self, clinic: Clinic, keeper: Actor, nurse: Actor, patient: Patient
    ) -> None:
        plain = factories.patient(clinic, registered_by_id=keeper.user_id)
        client = pages.client_of(nurse)
        page_of(client, plain)
        with pages.statements() as before:
            page_of(client, plain)
        opened(patient, nurse)
        with pages.statements() as after:
            page_of(client, plain)
        assert len(after) == len(before)
        assert "Emergency access until" not in words_of(page_of(pages.client_of(keeper), patient))

    def test_end_now_ends_it_now_and_nobody_elses(self, clinic: Clinic, nurse: Actor, patient: Patient) -> None:
        client, access = pages.client_of(nurse), opened(patient, nurse)
        address = reverse("desk:emergency_end", args=[access.id])
        assert address in page_of(client, patient).content.decode()
        assert pages.client_of(factories.member(clinic)).post(address).status_code == 404
        assert client.post(address).status_code == 302
        assert page_of(client, patient).status_code == 404
        assert client.post(address).status_code == 404
        (event,) = events(action="emergency.end")
        assert (event.actor_id, event.patient_ids) == (nurse.user_id, [patient.id])


class TestReview:
    @pytest.fixture
    def access(self, nurse: Actor, patient: Patient) -> EmergencyAccess:
        return opened(patient, nurse, at=NOW - timedelta(hours=2))

    def test_it_waits_until_it_is_closed_with_an_outcome_and_words(
        self, clock: Any, auditor: Actor, access: EmergencyAccess
    ) -> None:
        clock.move_to(NOW + timedelta(days=400))
        client, address = pages.client_of(auditor), reverse("desk:emergency_review", args=[access.id])
        assert "Night Nurse" in words_of(client.get(reverse("desk:emergency_reviews")))
        for payload in ({}, {"outcome": "justified"}, {"words": "asked"}, {"outcome": "fine", "words": "asked"}):
            assert client.post(address, payload).status_code == 422
            access.refresh_from_db()
            assert access.reviewed_at is None
        assert client.post(address, {"outcome": "not_justified", "words": "Asked the nurse."}).status_code == 302
        listed = words_of(client.get(reverse("desk:emergency_reviews")))
        assert "Nothing waits" in listed
        assert "not justified" in listed
        (event,) = events(action="emergency.review")
        assert (event.patient_ids, event.details) == ([access.patient_id], {"outcome": "not_justified"})

    def test_it_is_closed_once(self, clinic: Clinic, auditor: Actor, access: EmergencyAccess) -> None:
        address = reverse("desk:emergency_review", args=[access.id])
        signed = {"outcome": "justified", "words": "Asked."}
        pages.client_of(auditor).post(address, signed)
        second = pages.client_of(factories.member(clinic, ROLES.AUDITOR))
        answer = second.post(address, {"outcome": "not_justified", "words": "Looked myself."})
        assert answer.status_code == 409
        assert "What you wrote: Looked myself." in words_of(answer)
        access.refresh_from_db()
        assert (access.review_outcome, access.reviewed_by_id) == ("justified", auditor.user_id)

    def test_nobody_reviews_themself(self, clinic: Clinic, patient: Patient) -> None:
        principal = factories.member(clinic, ROLES.PRINCIPAL)
        access = opened(patient, principal, at=NOW - timedelta(hours=2))
        address = reverse("desk:emergency_review", args=[access.id])
        answer = pages.client_of(principal).post(address, {"outcome": "justified", "words": "I had to."})
        assert answer.status_code == 409
        with pytest.raises(IntegrityError, match="nobody_reviews_their_own_emergency"), transaction.atomic():
            EmergencyAccess.objects.filter(id=access.id).update(
                reviewed_at=NOW, reviewed_by_id=principal.user_id, review_outcome="justified", review_words="x"
            )

    def test_what_is_still_open_is_ended_first(self, auditor: Actor, nurse: Actor, patient: Patient) -> None:
        access, client = opened(patient, nurse), pages.client_of(auditor)
        address = reverse("desk:emergency_review", args=[access.id])
        signed = {"outcome": "not_justified", "words": "Asked."}
        assert client.post(address, signed).status_code == 409
        assert client.post(reverse("desk:emergency_review_end", args=[access.id])).status_code == 302
        assert page_of(pages.client_of(nurse), patient).status_code == 404
        assert client.post(address, signed).status_code == 302

    def test_another_clinics_is_nobodys(self, access: EmergencyAccess) -> None:
        stranger = pages.client_of(factories.member(factories.clinic("Elsewhere"), ROLES.AUDITOR))
        assert "Nothing waits" in words_of(stranger.get(reverse("desk:emergency_reviews")))
        for name in ("desk:emergency_review", "desk:emergency_review_end"):
            answer = stranger.post(reverse(name, args=[access.id]), {"outcome": "justified", "words": "x"})
            assert answer.status_code == 404
