"""S15: the mailed link. A scanner's looks change nothing, and only the right touch, once, opens anything."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import time_machine
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client

from common.refusals import Refused
from patients import secrets
from patients import services as patients_services
from patients.models import FreshCode, MailAsked, Patient, Phone
from tests import factories, pages
from tests.memory import events
from tests.phones import MORNING, phone_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _morning() -> Iterator[None]:
    with time_machine.travel(MORNING, tick=False):
        yield


@pytest.fixture
def patient() -> Patient:
    return factories.patient(factories.clinic())


def asked(client: Client, mailoutbox: list[EmailMessage]) -> str:
    """Ask for a mail in this browser; the link in it."""
    assert client.post("/p/prove/", {"next": "/p/chart/"}).status_code == 302
    return link_in(mailoutbox[-1])


def link_in(mail: EmailMessage) -> str:
    return re.search(r"/p/link/\S+", mail.body)[0]


def text(response: object) -> str:
    return " ".join(response.content.decode().split())


def proved() -> list[object]:
    return [phone.proved_until for phone in Phone.objects.exclude(proved_until=None)]


def test_a_hundred_looks_change_nothing_and_then_the_button_works(
    patient: Patient, mailoutbox: list[EmailMessage]
) -> None:
    client = phone_of(patient, MORNING)
    link = asked(client, mailoutbox)
    before, told = FreshCode.objects.values().get(), len(events())
    scanner = pages.new_client()
    for _ in range(100):
        with pages.statements() as sent:
            response = scanner.get(link)
        assert response.status_code == 200
        assert len(sent) == 0, str(sent)
    assert scanner.head(link).status_code == 200
    assert client.get(link).status_code == 200
    assert FreshCode.objects.values().get() == before
    assert (proved(), len(events())) == ([], told)
    opened = client.post(link)
    assert (opened.status_code, opened["Location"]) == (302, "/p/chart/")
    assert client.get("/p/chart/").status_code == 200


def test_it_works_once(patient: Patient, mailoutbox: list[EmailMessage]) -> None:
    client = phone_of(patient, MORNING)
    link = asked(client, mailoutbox)
    assert client.post(link).status_code == 302
    Phone.objects.update(proved_until=None)
    replay = client.post(link)
    assert replay.status_code == 404
    assert "does not open anything" in text(replay)
    assert proved() == []


def test_the_code_of_a_used_link_is_used_too(patient: Patient, mailoutbox: list[EmailMessage]) -> None:
    client = phone_of(patient, MORNING)
    link = asked(client, mailoutbox)
    client.post(link)
    Phone.objects.update(proved_until=None)
    code = re.search(r"\b[0-9]{6}\b", mailoutbox[-1].body)[0]
    assert client.post("/p/prove/", {"code": code}).status_code == 422
    assert proved() == []


@pytest.mark.parametrize("whose", ["nobody's", "another phone of the same patient", "another patient's"])
def test_another_browser_is_shown_the_code_to_type_and_nothing_opens(
    patient: Patient, mailoutbox: list[EmailMessage], whose: str
) -> None:
    first = phone_of(patient, MORNING)
    link = asked(first, mailoutbox)
    other = {
        "nobody's": Client,
        "another phone of the same patient": lambda: phone_of(patient, MORNING),
        "another patient's": lambda: phone_of(factories.patient(factories.clinic("Other Clinic")), MORNING),
    }[whose]()
    shown = other.post(link)
    assert shown.status_code == 200
    assert patient.name not in text(shown)
    assert proved() == []
    code = re.search(r">([0-9]{6})<", text(shown))[1]
    assert other.post("/p/prove/", {"code": code}).status_code in (404, 422)
    assert first.post("/p/prove/", {"code": code, "next": "/p/chart/"}).status_code == 302
    assert len(proved()) == 1
    assert other.post(link).status_code == 404


@pytest.mark.parametrize(("later", "status"), [(timedelta(minutes=9, seconds=59), 302), (timedelta(minutes=10), 404)])
def test_it_lasts_ten_minutes(patient: Patient, mailoutbox: list[EmailMessage], later: timedelta, status: int) -> None:
    client = phone_of(patient, MORNING)
    link = asked(client, mailoutbox)
    with time_machine.travel(MORNING + later, tick=False):
        assert client.post(link).status_code == status
    assert len(proved()) == (status == 302)


def test_a_newer_link_voids_the_older(patient: Patient, mailoutbox: list[EmailMessage]) -> None:
    client = phone_of(patient, MORNING)
    older, newer = asked(client, mailoutbox), asked(client, mailoutbox)
    assert client.post(older).status_code == 404
    assert Client().post(older).status_code == 404
    assert proved() == []
    assert client.post(newer).status_code == 302


def test_of_two_touches_at_one_moment_one_opens(patient: Patient) -> None:
    phone, _ = factories.phone(patient, MORNING)
    by = factories.patient_actor(patient)
    proof = patients_services.make_code(phone=phone, by=by, at=MORNING)
    at_once = Barrier(2)

    def touch() -> bool:
        at_once.wait()
        try:
            return patients_services.open_link(token=proof.token, phone=phone, by=by, at=MORNING)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        outcomes = [future.result() for future in [pool.submit(touch), pool.submit(touch)]]
    assert sorted(outcomes) == [False, True]


def test_unknown_used_replaced_and_too_old_links_are_one(patient: Patient, mailoutbox: list[EmailMessage]) -> None:
    client = phone_of(patient, MORNING)
    used = asked(client, mailoutbox)
    client.post(used)
    replaced, expired = asked(client, mailoutbox), asked(client, mailoutbox)
    unknown = f"/p/link/{secrets.new_token()}/?next=%2Fp%2Fchart%2F"
    looks, touches, costs = set(), set(), set()
    with time_machine.travel(MORNING + timedelta(minutes=11), tick=False):
        for link in (used, replaced, expired, unknown):
            looks.add(pages_said(Client().get(link)))
            with pages.statements() as sent:
                touches.add(pages_said(Client().post(link)))
            costs.add(len(sent))
    assert (len(looks), len(touches), len(costs)) == (1, 1, 1)


def pages_said(response: object) -> str:
    from tests.personas import normal

    return normal(response)


def test_what_is_kept_opens_nothing_and_the_address_stands_in_no_referer(
    patient: Patient, mailoutbox: list[EmailMessage]
) -> None:
    client = phone_of(patient, MORNING)
    link = asked(client, mailoutbox)
    token = link.split("/")[3]
    kept = FreshCode.objects.values().get()
    assert token not in str(kept)
    assert secrets.code_of(token) not in str(kept)
    assert len(token) >= 43
    for response in (client.get(link), Client().post(link)):
        assert response["Referrer-Policy"] == "strict-origin"
        assert response["Cache-Control"] == "no-store"
        assert token not in text(response)


def test_the_button_cannot_be_pressed_from_elsewhere(patient: Patient, mailoutbox: list[EmailMessage]) -> None:
    client = phone_of(patient, MORNING)
    link = asked(client, mailoutbox)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    assert strict.post(link).status_code == 403
    assert proved() == []


class TestLimits:
    def test_three_mails_in_a_quarter_of_an_hour_to_one_address_whoever_asks(
        self, patient: Patient, mailoutbox: list[EmailMessage]
    ) -> None:
        relative = factories.patient(factories.clinic("Other Clinic"), email=patient.email.upper())
        browsers = [phone_of(patient, MORNING), phone_of(relative, MORNING)]
        statuses = [browsers[number % 2].post("/p/prove/").status_code for number in range(5)]
        assert statuses == [302, 302, 302, 422, 422]
        assert len(mailoutbox) == 3
        with time_machine.travel(MORNING + timedelta(minutes=15), tick=False):
            assert browsers[0].post("/p/prove/").status_code == 302

    def test_ten_in_an_hour_from_one_network_address(self, mailoutbox: list[EmailMessage]) -> None:
        clinic = factories.clinic()
        people = [factories.patient(clinic, email=f"p{number}@test.invalid") for number in range(11)]
        statuses = [phone_of(person, MORNING).post("/p/prove/").status_code for person in people]
        assert statuses == [302] * 10 + [422]
        elsewhere = phone_of(people[-1], MORNING)
        assert elsewhere.post("/p/prove/", REMOTE_ADDR="192.0.2.7").status_code == 302

    def test_what_is_counted_names_nobody_and_is_not_kept(
        self, patient: Patient, mailoutbox: list[EmailMessage]
    ) -> None:
        client = phone_of(patient, MORNING)
        client.post("/p/prove/")
        assert patient.email not in str(list(MailAsked.objects.values()))
        with time_machine.travel(MORNING + timedelta(hours=2), tick=False):
            client.post("/p/prove/")
            assert MailAsked.objects.count() == 2

    def test_at_one_moment_no_more_go_out_than_one_after_the_other(self, patient: Patient) -> None:
        phones = [factories.phone(patient, MORNING)[0] for _ in range(5)]
        at_once = Barrier(5)

        def ask(phone: Phone) -> bool:
            at_once.wait()
            try:
                patients_services.make_code(phone=phone, by=factories.patient_actor(patient), at=MORNING)
            except Refused:
                return False
            finally:
                connection.close()
            return True

        with ThreadPoolExecutor(5) as pool:
            outcomes = list(pool.map(ask, phones))
        assert sum(outcomes) == 3
