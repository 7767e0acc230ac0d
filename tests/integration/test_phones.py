"""A remembered phone: its secret is renewed under way, a copy of it is noticed, a PIN stands before it."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client

from common.refusals import Refused
from patients import secrets
from patients import services as patients_services
from patients.models import Patient, Phone, PhoneSecret
from tests import factories, pages
from tests.memory import event, events
from tests.phones import MORNING, address, answers, phone_of

pytestmark = pytest.mark.django_db

PHONE = settings.PHONE_COOKIE_NAME
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(MORNING, tick=False) as traveller:
        yield traveller


@pytest.fixture
def patient() -> Patient:
    made = factories.patient(factories.clinic())
    factories.prescription(made)
    return made


def secret_of(client: Client) -> str:
    return client.cookies[PHONE].value


def with_secret(secret: str) -> Client:
    client = Client()
    client.cookies[PHONE] = secret
    return client


def text(response: object) -> str:
    return " ".join(response.content.decode().split())


class TestRotation:
    def test_for_a_day_the_secret_stays_and_then_it_is_renewed(
        self, patient: Patient, clock: time_machine.Traveller
    ) -> None:
        client = phone_of(patient, MORNING)
        first = secret_of(client)
        clock.shift(DAY - timedelta(minutes=1))
        assert PHONE not in client.get("/p/").cookies
        clock.shift(timedelta(minutes=1))
        cookie = client.get("/p/").cookies[PHONE]
        assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 90 * 24 * 3600)
        second = secret_of(client)
        assert second != first
        assert client.get("/p/").status_code == 200
        assert Phone.objects.get().secret_digest == secrets.digest(second)
        assert PHONE not in client.get("/p/").cookies

    def test_ninety_days_of_daily_use_never_lock_out_and_then_end(
        self, patient: Patient, clock: time_machine.Traveller
    ) -> None:
        client = phone_of(patient, MORNING)
        seen = set()
        for _ in range(89):
            clock.shift(DAY)
            assert client.get("/p/").status_code == 200
            assert client.get("/p/plan/").status_code == 200
            seen.add(secret_of(client))
        assert len(seen) == 89
        clock.shift(DAY)
        assert client.get("/p/").status_code == 404

    def test_a_lost_answer_locks_nobody_out_however_late_they_come_back(
        self, patient: Patient, clock: time_machine.Traveller
    ) -> None:
        client = phone_of(patient, MORNING)
        first = secret_of(client)
        for _ in range(5):
            clock.shift(DAY)
            # The answer with the new secret never arrives.
            assert with_secret(first).get("/p/").status_code == 200
        client = with_secret(first)
        clock.shift(timedelta(minutes=11))
        assert client.get("/p/").status_code == 200
        assert secret_of(client) != first
        assert client.get("/p/").status_code == 200

    def test_requests_under_way_with_the_old_secret_are_answered(
        self, patient: Patient, clock: time_machine.Traveller
    ) -> None:
        client = phone_of(patient, MORNING)
        old = secret_of(client)
        clock.shift(DAY)
        client.get("/p/")
        assert PHONE not in with_secret(old).get("/p/").cookies
        client.get("/p/")
        clock.shift(secrets.OVERLAP)
        assert with_secret(old).post(address(), answers()).status_code == 302
        assert Phone.objects.get().revoked_at is None

    def test_a_copied_cookie_is_noticed_and_nobody_comes_in_by_either(
        self, patient: Patient, clock: time_machine.Traveller
    ) -> None:
        client = phone_of(patient, MORNING)
        copied = secret_of(client)
        clock.shift(DAY)
        client.get("/p/")
        client.get("/p/")
        clock.shift(secrets.OVERLAP + timedelta(seconds=1))
        thief = with_secret(copied).get("/p/")
        assert thief.status_code == 404
        assert patient.clinic.name not in text(thief)
        told = client.get("/p/")
        assert told.status_code == 404
        assert "signed out to protect you" in text(told)
        phone = Phone.objects.get()
        assert phone.revoked_because == Phone.Because.COPIED
        noticed = event(action="phone.copied")
        assert (noticed.actor_kind, noticed.patient_ids, noticed.subject_id) == ("system", [patient.id], phone.id)
        desk = pages.client_of(factories.member(patient.clinic))
        assert "its key was used twice" in text(desk.get(f"/patients/{patient.id}/"))
        other = phone_of(patient, MORNING + DAY)
        assert "its key was used twice" in text(other.get("/p/devices/"))

    def test_a_thief_who_is_first_is_noticed_when_the_patient_comes_back(
        self, patient: Patient, clock: time_machine.Traveller
    ) -> None:
        client = phone_of(patient, MORNING)
        thief = with_secret(secret_of(client))
        clock.shift(DAY)
        thief.get("/p/")
        assert thief.get("/p/").status_code == 200
        clock.shift(timedelta(hours=9))
        assert client.get("/p/").status_code == 404
        assert thief.get("/p/").status_code == 404

    def test_what_was_never_a_secret_revokes_nothing(self, patient: Patient) -> None:
        phone_of(patient, MORNING)
        for guess in ("", "guess", secrets.new_token(), "é" * 9):
            assert with_secret(guess).get("/p/").status_code == 404
        assert Phone.objects.get().revoked_at is None

    def test_a_carers_secret_is_renewed_too(self, patient: Patient, clock: time_machine.Traveller) -> None:
        client = Client()
        name = settings.CARER_COOKIE_NAME
        client.cookies[name] = factories.carer(patient, at=MORNING)[1]
        clock.shift(DAY)
        assert name in client.get("/p/").cookies
        assert client.get("/p/").status_code == 200
        assert PhoneSecret.objects.get().carer == Phone.objects.get().carer

    def test_a_secret_in_one_cookie_opens_nothing_from_another(self, patient: Patient) -> None:
        _, carers = factories.carer(patient, at=MORNING)
        assert with_secret(carers).get("/p/").status_code == 404
        client = Client()
        client.cookies[settings.CARER_COOKIE_NAME] = factories.phone(patient, MORNING)[1]
        assert client.get("/p/").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_ten_requests_at_one_moment_are_all_let_in_and_agree(clock: time_machine.Traveller) -> None:
    phone, secret = factories.phone(factories.patient(factories.clinic()), MORNING)

    def knock(secret: str) -> patients_services.Recognised:
        together.wait()
        try:
            at = MORNING + DAY
            return patients_services.recognise(secret=secret, carers=False, request_id=None, at=at)
        finally:
            connection.close()

    together = Barrier(10)
    with ThreadPoolExecutor(10) as pool:
        first = list(pool.map(knock, [secret] * 10))
        fresh = {known.fresh_secret for known in first} - {""}
        assert len(fresh) == 1
        # Half of them come with the new one, half still with the old.
        second = list(pool.map(knock, [*fresh] * 5 + [secret] * 5))
    assert all(known.phone == phone for known in [*first, *second])
    phone.refresh_from_db()
    assert phone.secret_digest == secrets.digest(fresh.pop())
    assert PhoneSecret.objects.count() == 1


class TestDevices:
    def test_this_one_and_others_are_named_and_another_can_be_forgotten(self, patient: Patient) -> None:
        client = phone_of(patient, MORNING)
        other, secret = factories.phone(patient, MORNING - DAY, device="Android, Chrome")
        page = text(client.get("/p/devices/"))
        assert "this one" in page
        assert "Android, Chrome" in page
        assert client.post(f"/p/devices/{other.id}/forget/").status_code == 302
        assert with_secret(secret).get("/p/").status_code == 404
        assert client.get("/p/devices/").status_code == 200
        assert "Forgotten by you" in text(client.get("/p/devices/"))
        assert event(action="phone.forget").subject_id == other.id

    def test_somebody_elses_device_is_nobodys(self, patient: Patient) -> None:
        foreign, _ = factories.phone(factories.patient(patient.clinic), MORNING)
        assert phone_of(patient, MORNING).post(f"/p/devices/{foreign.id}/forget/").status_code == 404
        foreign.refresh_from_db()
        assert foreign.revoked_at is None

    def test_a_phone_is_named_by_what_it_says_it_is(self, patient: Patient) -> None:
        opening = patients_services.invite(patient=patient, by=factories.member(patient.clinic), at=MORNING)
        agent = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130.0.0.0 Mobile Safari/537.36"
        Client().post(f"/p/open/{opening.token}/", {"desk_code": opening.desk_code}, HTTP_USER_AGENT=agent)
        assert Phone.objects.get().device == "Android, Chrome"

    def test_when_it_was_last_used_is_noted_by_the_hour(self, patient: Patient, clock: time_machine.Traveller) -> None:
        client = phone_of(patient, MORNING)
        client.get("/p/")
        clock.shift(timedelta(minutes=59))
        client.get("/p/")
        assert Phone.objects.get().last_used_at == MORNING


@pytest.fixture
def with_pin(patient: Patient) -> Client:
    """A browser whose phone has the PIN 2580, closed since."""
    client = phone_of(patient, MORNING)
    Phone.objects.update(proved_until=MORNING + timedelta(minutes=5))
    assert client.post("/p/pin/new/", {"pin": "2580", "again": "2580"}).status_code == 302
    del client.cookies[settings.SITTING_COOKIE_NAME]
    return client


class TestPin:
    def test_choosing_one_wants_a_fresh_proof(self, patient: Patient) -> None:
        client = phone_of(patient, MORNING)
        response = client.post("/p/pin/new/", {"pin": "2580", "again": "2580"})
        assert response["Location"].startswith("/p/prove/")
        assert Phone.objects.get().pin_hash == ""

    def test_it_is_asked_once_a_sitting(self, with_pin: Client, clock: time_machine.Traveller) -> None:
        for path in ("/p/", address(), "/p/plan/", "/p/devices/"):
            assert with_pin.get(path)["Location"].startswith("/p/pin/"), path
        assert with_pin.post(address(), answers())["Location"].startswith("/p/pin/")
        opened = with_pin.post("/p/pin/?next=/p/plan/", {"pin": "2580"})
        assert opened["Location"] == "/p/plan/"
        assert opened.cookies[settings.SITTING_COOKIE_NAME]["max-age"] == ""
        for _ in range(3):
            clock.shift(timedelta(minutes=14))
            assert with_pin.get("/p/").status_code == 200
        clock.shift(timedelta(minutes=15))
        assert with_pin.get("/p/").status_code == 302

    def test_it_is_kept_as_a_slow_hash_and_found_nowhere(self, with_pin: Client) -> None:
        kept = Phone.objects.values().get()
        assert "2580" not in str(kept).replace(str(kept["id"]), "")
        assert re.match(r"argon2|md5", kept["pin_hash"])
        assert "2580" not in str([found.__dict__ for found in events()])

    def test_five_wrong_ones_close_it_even_for_the_right_one_and_a_proof_opens_it(self, with_pin: Client) -> None:
        Phone.objects.update(proved_until=None)
        for _ in range(secrets.TRIES):
            assert with_pin.post("/p/pin/", {"pin": "9999"}).status_code == 422
        closed = with_pin.post("/p/pin/", {"pin": "2580"})
        assert closed.status_code == 422
        assert "wrong too often" in text(closed)
        assert with_pin.get("/p/").status_code == 302
        phone = Phone.objects.get()
        by = factories.patient_actor(phone.patient)
        proof = patients_services.make_code(phone=phone, by=by, at=MORNING)
        assert with_pin.get("/p/prove/").status_code == 200
        assert with_pin.post("/p/prove/", {"code": proof.code, "next": "/p/"})["Location"] == "/p/"
        assert with_pin.get("/p/").status_code == 200

    def test_what_is_no_pin_costs_no_try(self, with_pin: Client) -> None:
        for typed in ("", "12", "abcd", "123456789"):
            assert with_pin.post("/p/pin/", {"pin": typed}).status_code == 422
        assert Phone.objects.get().pin_tries == 0

    @pytest.mark.parametrize("pin", ["0000", "1234", "4321", "67890"])
    def test_an_easy_one_is_refused(self, patient: Patient, pin: str) -> None:
        client = phone_of(patient, MORNING)
        Phone.objects.update(proved_until=MORNING + timedelta(minutes=5))
        refused = client.post("/p/pin/new/", {"pin": pin, "again": pin})
        assert refused.status_code == 422
        assert "too easy to guess" in text(refused)

    def test_it_can_be_removed(self, with_pin: Client) -> None:
        assert with_pin.post("/p/pin/new/", {"remove": "yes"}).status_code == 302
        assert with_pin.get("/p/").status_code == 200

    def test_a_sitting_of_one_browser_opens_no_other(self, with_pin: Client) -> None:
        with_pin.post("/p/pin/", {"pin": "2580"})
        assert with_secret(secret_of(with_pin)).get("/p/").status_code == 302

    def test_forgetting_the_phone_needs_no_pin(self, with_pin: Client) -> None:
        assert with_pin.post("/p/leave/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_guesses_at_one_moment_are_no_more_than_one_after_the_other(clock: time_machine.Traveller) -> None:
    phone, _ = factories.phone(factories.patient(factories.clinic()), MORNING)
    by = factories.patient_actor(phone.patient)
    patients_services.set_pin(phone=phone, pin="2580", by=by, at=MORNING)
    phone.refresh_from_db()
    together = Barrier(9)

    def guess(_: int) -> str:
        together.wait()
        try:
            patients_services.try_pin(phone=Phone.objects.get(id=phone.id), typed="9999", by=by, at=MORNING)
        except Refused as refusal:
            return refusal.sentence
        finally:
            connection.close()
        return ""

    with ThreadPoolExecutor(9) as pool:
        list(pool.map(guess, range(9)))
    assert len(events(action="phone.pin", result="denied")) == secrets.TRIES
