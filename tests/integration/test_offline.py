"""The worker of the patient's pages and the words it keeps: whose numbers, which version, and nothing of anybody."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings as configured
from django.test import Client

from accounts.models import Clinic
from patients.models import Patient
from portal import words
from symptoms import items
from symptoms.models import CrisisChoice
from tests import factories, pages
from tests.phones import EVENING, NIGHT, answers, phone_of

pytestmark = pytest.mark.django_db

WORKER, OFFLINE, EMERGENCY = "/p/worker.js", "/p/offline/", "/p/emergency/"


@pytest.fixture(autouse=True)
def now() -> Any:
    with time_machine.travel(EVENING, tick=False) as travel:
        yield travel


@pytest.fixture
def clinic() -> Clinic:
    return factories.clinic("Hillside Clinic", phone="000 111 0000", urgent_phone="000 222 0000")


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return factories.patient(clinic, "Zibbelquark Person")


@pytest.fixture
def phone(patient: Patient) -> Client:
    return phone_of(patient, EVENING)


def kept(client: Client) -> dict[str, object]:
    said = re.match(r"self\.KEPT = (\{.*\});\nimportScripts\(", client.get(WORKER).content.decode())
    assert said
    told: dict[str, object] = json.loads(said[1])
    return told


def choose_numbers(clinic: Clinic) -> None:
    by = factories.member(clinic)
    CrisisChoice.objects.create(clinic=clinic, locale="uk", by_id=by.user_id, by_label=by.label, at=EVENING)


def text_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


class TestTheWorker:
    def test_is_a_script_that_is_never_kept_by_a_proxy_and_may_run_as_a_worker(self, phone: Client) -> None:
        answer = phone.get(WORKER)
        assert answer["Content-Type"] == "text/javascript; charset=utf-8"
        assert answer["Cache-Control"] == "no-store"
        assert "worker-src 'self'" in phone.get("/p/")["Content-Security-Policy"]

    def test_keeps_every_file_that_its_two_pages_ask_for(self, phone: Client) -> None:
        files = kept(phone)["files"]
        asked = {
            address
            for path in (OFFLINE, EMERGENCY)
            for address in re.findall(r'(?:href|src)="(/static/[^"#]+)', phone.get(path).content.decode())
        }
        assert asked
        assert asked <= set(files)

    def test_is_the_same_one_until_a_word_of_the_clinics_changes(
        self, phone: Client, patient: Patient, clinic: Clinic
    ) -> None:
        first = kept(phone)["version"]
        factories.prescription(patient)
        phone.post(f"/p/night/{NIGHT}/", answers(note="typed"))
        assert kept(phone)["version"] == first
        Clinic.objects.filter(id=clinic.id).update(urgent_phone="000 333 0000")
        second = kept(phone)["version"]
        choose_numbers(clinic)
        assert len({first, second, kept(phone)["version"]}) == 3

    def test_of_a_phone_nobody_knows_clears_and_goes(self, phone: Client, patient: Patient) -> None:
        assert "offline-leave.js" in pages.new_client().get(WORKER).content.decode()
        patient.phones.update(revoked_at=EVENING)
        assert phone.get(WORKER).content.decode() == 'importScripts("/static/js/offline-leave.js");\n'

    def test_clears_and_goes_where_the_clinic_turned_it_off(self, phone: Client, settings: Any) -> None:
        settings.KEEP_WORDS_ON_PHONES = False
        assert "offline-leave.js" in phone.get(WORKER).content.decode()
        page = text_of(phone, "/p/")
        assert "data-worker" not in page
        assert "offline.js" not in page

    def test_knows_a_phone_that_comes_with_the_secret_it_was_offered_a_moment_ago(
        self, phone: Client, now: Any
    ) -> None:
        now.shift(timedelta(days=2))
        before = phone.cookies["phone"].value
        phone.get("/p/")
        assert phone.cookies["phone"].value != before
        assert kept(phone)

    def test_is_asked_for_by_the_patients_pages_alone(self, phone: Client) -> None:
        assert 'data-worker="/p/worker.js"' in text_of(phone, "/p/")
        assert "data-worker" not in text_of(pages.new_client(), EMERGENCY)


class TestTheOfflinePage:
    def test_says_when_to_call_and_whom_of_the_patients_clinic(self, phone: Client, clinic: Clinic) -> None:
        page = text_of(phone, OFFLINE)
        assert words.offline_words().heading in page
        for sentence in (*words.stop_words().emergency_signs, *words.stop_words().do, clinic.after_hours_words):
            assert sentence in page
        assert '<a href="tel:0001110000">000 111 0000</a>' in page
        assert '<a href="tel:0002220000">000 222 0000</a>' in page
        assert words.stop_words().known not in page

    def test_has_the_public_numbers_the_clinic_chose(self, phone: Client, clinic: Clinic) -> None:
        choose_numbers(clinic)
        page = text_of(phone, OFFLINE)
        assert "Call 999 now." in page
        assert 'href="tel:116123"' in page

    def test_names_nobody_and_no_dose(self, phone: Client, patient: Patient) -> None:
        factories.prescription(patient)
        page = text_of(phone, OFFLINE)
        assert "Zibbelquark" not in page
        assert "1.5 mg" not in page
        assert "csrf" not in page

    def test_leaves_what_the_last_deed_said_to_the_page_it_is_for(self, phone: Client, patient: Patient) -> None:
        factories.prescription(patient)
        phone.post(f"/p/night/{NIGHT}/", answers())
        text_of(phone, OFFLINE)
        phone.get(WORKER)
        assert "Saved." in text_of(phone, "/p/")

    def test_of_a_helper_has_every_clinic_they_help_in(self, patient: Patient) -> None:
        other = factories.patient(factories.clinic("Other Clinic", phone="000 444 0000"))
        grant, secret = factories.carer(patient, at=EVENING)
        factories.carer(other, at=EVENING, user=grant.user)
        client = pages.new_client()
        client.cookies[configured.CARER_COOKIE_NAME] = secret
        page = text_of(client, OFFLINE)
        assert "000 111 0000" in page
        assert "000 444 0000" in page

    def test_without_a_phone_has_the_words_and_no_number(self, phone: Client) -> None:
        page = text_of(pages.new_client(), OFFLINE)
        assert words.stop_words().emergency_say in page
        assert "tel:" not in page


class TestWordsOnTheForm:
    def test_every_warning_sign_has_words_of_its_own(self) -> None:
        asked = [code for flag in words.flag_words().flags for code in flag.asked]
        assert sorted(asked) == sorted(items.warning_signs())
        assert all(flag.ticked for flag in words.flag_words().flags if flag.asked)

    def test_stand_on_the_page_before_anything_is_sent(self, phone: Client, patient: Patient) -> None:
        factories.prescription(patient)
        page = text_of(phone, f"/p/night/{NIGHT - timedelta(days=1)}/")
        assert words.ticked_words().medicine_heading in page
        assert words.stop_words().unknown in page
        assert words.stop_words().known not in page

    def test_say_once_saved_that_the_clinic_knows(self, phone: Client, patient: Patient) -> None:
        factories.prescription(patient)
        phone.post(f"/p/night/{NIGHT}/", answers(other_medicines_answer="yes", other_medicines="codeine"))
        page = text_of(phone, "/p/")
        assert words.stop_words().known in page
        assert words.stop_words().unknown not in page

    def test_do_not_say_so_of_an_answer_that_came_back_unsaved(self, phone: Client, patient: Patient) -> None:
        factories.prescription(patient)
        sent = answers(other_medicines_answer="yes", other_medicines="codeine", sleep_hours="many")
        answer = phone.post(f"/p/night/{NIGHT}/", sent)
        assert answer.status_code == 422
        page = " ".join(answer.content.decode().split())
        assert words.stop_words().unknown in page
        assert words.stop_words().known not in page
