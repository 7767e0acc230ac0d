"""S33: an emergency card tells whoever holds it five things, until it is revoked; and not without end."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.models import Clinic, Membership
from common import walls
from common.refusals import Refused
from ldn_clinic import erasing
from patients import secrets
from patients import services as patients_services
from patients.models import CareEnded, EmergencyCard, Patient, Phone
from patients.services import MadeCard
from tests import factories, pages, personas, sight
from tests.memory import events
from tests.personas import NOW
from tests.phones import MORNING, phone_of
from titration import cards
from titration.services import endings

pytestmark = pytest.mark.django_db
CANARY = "canary-own"
LINK = re.compile(r"/p/card/[\w-]{43}/")


@pytest.fixture(autouse=True)
def now(settings: Any) -> Iterator[Any]:
    pages.stay_signed_in(settings)
    with time_machine.travel(MORNING, tick=False) as traveller:
        yield traveller


@pytest.fixture
def clinic() -> Clinic:
    return factories.clinic(phone="020 7946 0000")


@pytest.fixture
def patient(clinic: Clinic) -> Patient:
    return factories.patient(clinic, "Carried Name", email="carried@test.invalid", context_note="carried note")


def card_of(patient: Patient, *, shows_name: bool = False) -> MadeCard:
    by = factories.member(patient.clinic, Membership.Role.NURSE)
    return patients_services.make_card(patient=patient, shows_name=shows_name, by=by, at=MORNING)


def page_of(token: str, **more: Any) -> Any:
    return Client(**more).get(reverse("portal:open_card", args=[token]))


def text(response: Any) -> str:
    return pages.words_of(response)


class TestWhatItShows:
    def test_five_things(self, patient: Patient) -> None:
        factories.told_night(patient, MORNING.date() - timedelta(days=1))
        response = page_of(card_of(patient).token)
        assert response.status_code == 200
        said = text(response)
        for sentence in (cards.words().scanned.say, *cards.words().scanned.helpers, "020 7946 0000"):
            assert sentence in said
        assert "Assume a dose within the last 24 hours" in said
        assert "1.5 mg" in said
        assert "Monday 2 March 2026" in said

    def test_nothing_else_of_the_record(self, tmp_path: Any, settings: Any) -> None:
        """Every sealed and plain word of this patient carries the canary; so does the name."""
        settings.EXPORT_DIR = tmp_path
        with time_machine.travel(NOW, tick=False):
            case = personas.build().cases["own"]
            response = page_of(case.card_token)
        body = response.content.decode().casefold()
        assert response.status_code == 200
        for known in (
            CANARY,
            "first clinic",
            "1980",
            str(case.patient.id),
            str(case.card.id),
            "london",
            case.card_token,
        ):
            assert known.casefold() not in body, known

    def test_a_name_only_where_it_is_wanted(self, patient: Patient) -> None:
        made = card_of(patient)
        assert "Carried" not in text(page_of(made.token))
        actor = factories.patient_actor(patient)
        patients_services.name_card(card=made.card, shows_name=True, by=actor, at=MORNING)
        assert "Name: Carried Name" in text(page_of(made.token))
        assert events(action="card.name")[0].details == {"shows_name": True}

    def test_the_newest_dose_that_was_taken(self, patient: Patient) -> None:
        token = card_of(patient).token
        assert cards.words().scanned.none in text(page_of(token))
        for back in (3, 1):
            factories.told_night(patient, MORNING.date() - timedelta(days=back))
        assert "Monday 2 March 2026" in text(page_of(token))
        assert "Saturday" not in text(page_of(token))

    def test_no_cookie_is_needed_or_left_and_nobody_keeps_it(self, patient: Patient) -> None:
        response = page_of(card_of(patient).token)
        assert not response.cookies
        assert response["Cache-Control"] == "no-store"
        assert "noindex" in response["X-Robots-Tag"]
        assert b"<script" not in response.content


class TestItsEnd:
    def revoked(self, made: MadeCard, patient: Patient) -> None:
        actor = factories.patient_actor(patient)
        patients_services.revoke_card(card=made.card, by=actor, at=MORNING)

    def ended(self, made: MadeCard, patient: Patient) -> None:
        by = factories.member(patient.clinic)
        endings.end_care(patient_id=patient.id, because=CareEnded.MOVED, reason="moved", by=by, at=MORNING)

    @pytest.mark.parametrize("end", ["revoked", "ended"])
    def test_it_answers_as_a_card_that_never_was(self, patient: Patient, end: str) -> None:
        made, unknown = card_of(patient), page_of(secrets.new_token())
        getattr(self, end)(made, patient)
        with pages.statements() as sent:
            after = page_of(made.token)
        with pages.statements() as sent_unknown:
            page_of(secrets.new_token())
        assert after.status_code == unknown.status_code == 404
        assert after.content == unknown.content
        assert abs(len(sent) - len(sent_unknown)) <= 1
        assert EmergencyCard.objects.get(patient=patient).opened_count == 0
        assert not events(action="card.open")

    def test_one_of_several(self, patient: Patient) -> None:
        lost, kept = card_of(patient), card_of(patient)
        self.revoked(lost, patient)
        assert page_of(lost.token).status_code == 404
        assert page_of(kept.token).status_code == 200

    def test_erased_with_the_record(self) -> None:
        assert "patients.EmergencyCard" in erasing.DELETED
        assert "patients.EmergencyCardEvent" in erasing.versions()


class TestItsToken:
    def test_it_is_random_and_nowhere_kept(self, patient: Patient) -> None:
        made, other = card_of(patient), card_of(patient)
        assert len(made.token) == 43
        assert made.token != other.token
        row = EmergencyCard.objects.filter(id=made.card.id, patient=patient).values().get()
        assert made.token not in str(row)
        assert row["token_digest"] == secrets.digest(made.token)
        assert made.token not in str([event.details for event in events()])

    def test_the_wall_lets_its_holder_read_one_row(self, patient: Patient) -> None:
        """Behind the wall without a clinic, as on the card's page: the digest opens its own row and no other."""
        made = card_of(patient)
        card_of(factories.patient(factories.clinic("Elsewhere")))
        digest, opens = secrets.digest(made.token), EmergencyCard.objects.across_clinics().values_list("id", flat=True)
        with sight.blind():
            assert list(opens.all()) == []
            with walls.acting(key=digest):
                assert list(opens.all()) == [made.card.id]


class TestTooOften:
    def test_a_place_may_try_so_many_in_a_while(self, patient: Patient, now: Any) -> None:
        token = card_of(patient).token
        for _ in range(secrets.CARDS_PER_NETWORK_ADDRESS):
            assert page_of("guess", REMOTE_ADDR="192.0.2.7").status_code == 404
        refused = page_of(token, REMOTE_ADDR="192.0.2.7")
        assert refused.status_code == 429
        assert "24 hours" in text(refused)
        assert "mg" not in text(refused)
        assert page_of(token, REMOTE_ADDR="192.0.2.8").status_code == 200
        now.shift(secrets.CARD_WINDOW)
        assert page_of(token, REMOTE_ADDR="192.0.2.7").status_code == 200

    def test_one_card_may_be_opened_so_often_from_anywhere(self, patient: Patient, now: Any) -> None:
        token, other = card_of(patient).token, card_of(patient).token
        for number in range(secrets.OPENINGS_PER_CARD):
            assert page_of(token, REMOTE_ADDR=f"192.0.2.{number + 1}").status_code == 200
        assert page_of(token, REMOTE_ADDR="198.51.100.1").status_code == 429
        assert page_of(other, REMOTE_ADDR="198.51.100.1").status_code == 200
        assert EmergencyCard.objects.get(patient=patient, token_digest=secrets.digest(token)).opened_count == 30

    def test_a_network_of_ipv6_is_one_place(self, patient: Patient) -> None:
        for number in range(secrets.CARDS_PER_NETWORK_ADDRESS):
            page_of("guess", REMOTE_ADDR=f"2001:db8::{number + 1:x}")
        assert page_of("guess", REMOTE_ADDR="2001:db8::ffff").status_code == 429


class TestWhoKeepsThem:
    def test_the_patient_makes_prints_and_switches_off(self, patient: Patient) -> None:
        phone = phone_of(patient, MORNING)
        assert phone.post("/p/cards/new/", {"shows_name": "yes"}).status_code == 302
        shown = phone.get("/p/cards/")
        link = LINK.search(shown.content.decode())
        assert link is not None
        assert b"<svg" in shown.content
        assert not LINK.search(phone.get("/p/cards/").content.decode()), "shown once"
        assert "Name: Carried Name" in text(Client().get(link[0]))
        printed = phone.post("/p/cards/print/", {"token": link[0].split("/")[3]})
        assert printed["Content-Type"] == "application/pdf"
        assert printed.content.startswith(b"%PDF")
        assert b"/StructTreeRoot" in printed.content
        assert "Opened once" in text(phone.get("/p/cards/"))
        card = EmergencyCard.objects.get(patient=patient)
        phone.post(f"/p/cards/{card.id}/off/")
        assert Client().get(link[0]).status_code == 404
        assert phone.post("/p/cards/print/", {"token": link[0].split("/")[3]}).status_code == 302
        assert [event.action for event in events() if event.action.startswith("card.")] == [
            "card.make", "card.open", "card.print", "card.revoke",
        ]  # fmt: skip

    def test_the_desk_prints_and_switches_off(self, patient: Patient) -> None:
        desk = pages.client_of(factories.member(patient.clinic, Membership.Role.STAFF))
        printed = desk.post(f"/patients/{patient.id}/cards/print/")
        assert printed.content.startswith(b"%PDF")
        assert "Emergency cards (1)" in text(desk.get(f"/patients/{patient.id}/"))
        card = EmergencyCard.objects.get(patient=patient)
        assert not card.shows_name
        assert "Names nobody. Not opened yet." in text(desk.get(f"/patients/{patient.id}/cards/"))
        desk.post(f"/patients/{patient.id}/cards/{card.id}/off/")
        assert "carries no card" in text(desk.get(f"/patients/{patient.id}/cards/"))

    def test_a_helper_keeps_none(self, patient: Patient) -> None:
        grant = factories.carer(patient, "log")[0]
        with pytest.raises(Refused):
            patients_services.make_card(
                patient=patient,
                shows_name=True,
                by=patients_services.carer_actor(grant, request_id=None),
                at=MORNING,
            )

    def test_no_more_than_five(self, patient: Patient) -> None:
        for _ in range(secrets.MOST_CARDS):
            last = card_of(patient)
        with pytest.raises(Refused, match="Switch off one"):
            card_of(patient)
        patients_services.revoke_card(card=last.card, by=factories.member(patient.clinic), at=MORNING)
        card_of(patient)

    def test_the_patient_sees_that_somebody_opened_it(self, patient: Patient) -> None:
        page_of(card_of(patient).token)
        (event,) = events(action="card.open")
        assert event.clinic_id == patient.clinic_id
        assert event.patient_ids == [patient.id]
        assert (event.details, event.reason) == ({}, "")
        phone = phone_of(patient, MORNING)
        Phone.objects.filter(patient=patient).update(proved_until=MORNING + timedelta(hours=1))
        assert "Whoever had your emergency card opened your emergency card" in text(phone.get("/p/who-looked/"))


def test_the_code_says_the_address_and_is_drawn_without_style(patient: Patient) -> None:
    phone = phone_of(patient, MORNING)
    phone.post("/p/cards/new/")
    drawn = re.search(r"card-code.*?</svg>", phone.get("/p/cards/").content.decode(), re.DOTALL)
    assert drawn is not None
    assert "style" not in drawn[0]
    assert "viewBox" in drawn[0]
