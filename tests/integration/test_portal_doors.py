"""How a phone is let in, proves itself and is forgotten, and what every wrong way meets."""

import re
import socket
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest
import time_machine
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings
from django.test import Client

from patients import secrets
from patients import services as patients_services
from patients.models import Invitation, Patient, Phone
from tests import factories, memory
from tests.phones import NIGHT, address, answers, phone_of

pytestmark = pytest.mark.django_db

AT = factories.AT
BIRTH = {"birth_day": "1", "birth_month": "1", "birth_year": "1980"}
WRONG = {"birth_day": "2", "birth_month": "1", "birth_year": "1980"}


@pytest.fixture
def patient() -> Patient:
    return factories.patient(factories.clinic())


def invited(patient: Patient, at: datetime = AT) -> patients_services.Opening:
    return patients_services.invite(patient=patient, by=factories.member(patient.clinic), at=at)


@pytest.fixture
def opening(patient: Patient) -> patients_services.Opening:
    return invited(patient)


@pytest.fixture
def now() -> object:
    with time_machine.travel(AT, tick=False):
        yield


def way_in(opening: patients_services.Opening) -> str:
    return f"/p/open/{opening.token}/"


def text(response: object) -> str:
    return " ".join(response.content.decode().split())


@pytest.mark.usefixtures("now")
class TestInvitation:
    def test_looking_at_it_changes_nothing(self, opening: patients_services.Opening) -> None:
        page = text(Client().get(way_in(opening)))
        assert "Your date of birth" in page
        invitation = Invitation.objects.get()
        assert (invitation.tries, invitation.spent_at) == (0, None)
        assert not Phone.objects.exists()

    def test_the_date_of_birth_opens_it_and_the_phone_is_remembered(
        self, opening: patients_services.Opening, patient: Patient
    ) -> None:
        client = Client()
        response = client.post(way_in(opening), BIRTH)
        assert (response.status_code, response["Location"]) == (302, "/p/")
        cookie = response.cookies[settings.PHONE_COOKIE_NAME]
        assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 90 * 24 * 3600)
        assert client.get("/p/").status_code == 200
        assert len(memory.events(action="phone.let_in", patient_ids=[patient.id])) == 1

    @pytest.mark.parametrize("spaced", ["{}", " {} ", "as read out"])
    def test_the_code_from_the_desk_opens_it(self, opening: patients_services.Opening, spaced: str) -> None:
        code = opening.desk_code
        typed = f"{code[:3]} {code[3:]}" if spaced == "as read out" else spaced.format(code)
        assert Client().post(way_in(opening), {"desk_code": typed}).status_code == 302

    def test_it_opens_one_phone_once(self, opening: patients_services.Opening) -> None:
        Client().post(way_in(opening), BIRTH)
        second = Client().post(way_in(opening), BIRTH)
        assert second.status_code == 404
        assert "This invitation does not open anything" in text(second)
        assert Phone.objects.count() == 1

    def test_a_wrong_date_gets_a_sentence_keeps_what_was_typed_and_counts(
        self, opening: patients_services.Opening
    ) -> None:
        response = Client().post(way_in(opening), WRONG)
        page = text(response)
        assert response.status_code == 422
        assert "does not match what your clinic has" in page
        assert "4 tries left" in page
        assert 'name="birth_day" value="2"' in page
        assert Invitation.objects.get().tries == 1

    def test_a_wrong_code_is_not_given_back(self, opening: patients_services.Opening) -> None:
        wrong = f"{(int(opening.desk_code) + 1) % 1_000_000:06d}"
        response = Client().post(way_in(opening), {"desk_code": wrong})
        assert response.status_code == 422
        assert wrong not in text(response)

    @pytest.mark.parametrize(
        "typed",
        [
            {},
            {"birth_day": "31", "birth_month": "2", "birth_year": "1980"},
            {"birth_day": "1", "birth_month": "1", "birth_year": "80"},
            {"birth_day": "one", "birth_month": "1", "birth_year": "1980"},
            {"birth_year": "1980"},
        ],
    )
    def test_what_is_no_date_costs_no_try(self, opening: patients_services.Opening, typed: dict[str, str]) -> None:
        assert Client().post(way_in(opening), typed).status_code == 422
        assert Invitation.objects.get().tries == 0

    def test_five_guesses_close_it_even_for_the_right_answer(self, opening: patients_services.Opening) -> None:
        for _ in range(4):
            assert Client().post(way_in(opening), WRONG).status_code == 422
        last = Client().post(way_in(opening), WRONG)
        assert last.status_code == 404
        assert "Ask your clinic to send you a new one" in text(last)
        assert Client().get(way_in(opening)).status_code == 404
        assert Client().post(way_in(opening), BIRTH).status_code == 404
        assert not Phone.objects.exists()

    def test_the_fifth_try_may_still_be_right(self, opening: patients_services.Opening) -> None:
        for _ in range(4):
            Client().post(way_in(opening), WRONG)
        assert Client().post(way_in(opening), BIRTH).status_code == 302

    def test_an_expired_one_a_replaced_one_and_a_made_up_one_meet_the_same_page(self, patient: Patient) -> None:
        replaced = invited(patient)
        expired = invited(patient, AT - secrets.INVITATION_LASTS)
        pages = set()
        for path in (way_in(replaced), way_in(expired), "/p/open/made-up/"):
            for answer in (Client().get(path), Client().post(path, BIRTH)):
                assert answer.status_code == 404
                pages.add(re.sub('nonce="[^"]*"', "", text(answer)))
        assert len(pages) == 1
        assert "ask your clinic to send you a new invitation" in pages.pop()
        assert not Phone.objects.exists()

    def test_the_page_is_kept_by_nobody(self, opening: patients_services.Opening) -> None:
        assert Client().get(way_in(opening))["Cache-Control"] == "no-store"


PAGES = ["/p/", address(), "/p/plan/", "/p/chart/", "/p/prove/"]


class TestUnknownPhone:
    @pytest.mark.parametrize("path", PAGES)
    def test_without_a_phone_every_page_says_the_same(self, patient: Patient, path: str) -> None:
        response = Client().get(path)
        assert response.status_code == 404
        assert "We do not know this phone" in text(response)

    def test_a_phone_past_its_days_and_a_revoked_one_are_unknown(self, patient: Patient) -> None:
        client = phone_of(patient)
        with time_machine.travel(AT + secrets.PHONE_LASTS, tick=False):
            assert client.get("/p/").status_code == 404
        with time_machine.travel(AT, tick=False):
            assert client.get("/p/").status_code == 200
            Phone.objects.update(revoked_at=AT)
            assert client.get("/p/").status_code == 404
            assert client.post(address(), answers()).status_code == 404

    def test_a_stranger_can_write_nothing(self, patient: Patient) -> None:
        with time_machine.travel(AT, tick=False):
            assert Client().post(address(NIGHT - timedelta(days=1)), answers()).status_code == 404
            assert Client().post("/p/leave/").status_code == 404


@pytest.mark.usefixtures("now")
class TestLeaving:
    def test_the_phone_is_forgotten_on_both_sides(self, patient: Patient) -> None:
        client = phone_of(patient)
        response = client.post("/p/leave/")
        assert "This phone is forgotten" in text(response)
        assert response.cookies[settings.PHONE_COOKIE_NAME].value == ""
        assert Phone.objects.get().revoked_at == AT
        assert client.get("/p/").status_code == 404

    def test_looking_is_not_leaving(self, patient: Patient) -> None:
        assert phone_of(patient).get("/p/leave/").status_code == 405

    def test_a_form_from_elsewhere_cannot_do_it(self, patient: Patient) -> None:
        client = Client(enforce_csrf_checks=True)
        client.cookies[settings.PHONE_COOKIE_NAME] = factories.phone(patient)[1]
        assert client.post("/p/leave/").status_code == 403
        assert Phone.objects.get().revoked_at is None


class Mailbox:
    """What a real mail server took."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.taken.append(envelope)
        return "250 OK"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def mail_port(settings: object) -> int:
    """Nothing listens here yet; Django's own mail double is put away."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    return settings.EMAIL_PORT


@pytest.fixture
def mailbox(mail_port: int) -> object:
    box = Mailbox()
    server = Controller(box, hostname="127.0.0.1", port=mail_port)
    server.start()
    yield box
    server.stop()


def code_in(envelope: Envelope) -> str:
    found = re.search(r"\b[0-9]{6}\b", envelope.content.decode())
    assert found
    return found[0]


@pytest.mark.django_db(transaction=True)
class TestProof:
    """The mail leaves on commit, so these tests commit."""

    def test_a_mailed_code_opens_the_chart_for_a_while(self, patient: Patient, mailbox: Mailbox) -> None:
        at = datetime.now(UTC)
        client = phone_of(patient, at)
        sent = client.post("/p/prove/", {"next": "/p/chart/"}, follow=True)
        assert "We sent you a mail with a link and a code" in text(sent)
        envelope = mailbox.taken[0]
        assert envelope.rcpt_tos == [patient.email]
        # The words alone: what is drawn at random, the link and the names of the mail itself, may spell anything.
        words = message_from_bytes(envelope.content, policy=policy.default).get_body().get_content()  # type: ignore[union-attr]
        mail = re.sub(r"https?://\S+", "", words).casefold()
        for word in ("ldn", "naltrexone", "dose", "mg", patient.name.casefold(), patient.clinic.name.casefold()):
            assert word not in mail, word
        opened = client.post("/p/prove/", {"next": "/p/chart/", "code": code_in(envelope)})
        assert (opened.status_code, opened["Location"]) == (302, "/p/chart/")
        assert client.get("/p/chart/").status_code == 200
        with time_machine.travel(at + secrets.PROOF_LASTS + timedelta(minutes=1)):
            assert client.get("/p/chart/").status_code == 302

    def test_a_mail_server_that_is_down_is_said_and_can_be_tried_again(self, patient: Patient, mail_port: int) -> None:
        client = phone_of(patient, datetime.now(UTC))
        page = client.post("/p/prove/", follow=True)
        assert page.status_code == 200
        assert "The mail could not be sent just now" in text(page)
        assert "Send me a mail" in text(page)

    def test_wrong_codes_are_counted_and_then_refused(self, patient: Patient, mailbox: Mailbox) -> None:
        client = phone_of(patient, datetime.now(UTC))
        client.post("/p/prove/")
        right = code_in(mailbox.taken[0])
        wrong = f"{(int(right) + 1) % 1_000_000:06d}"
        for _ in range(secrets.TRIES):
            refused = client.post("/p/prove/", {"code": wrong})
            assert refused.status_code == 422
            assert "not the code we sent" in text(refused)
        last = client.post("/p/prove/", {"code": right})
        assert last.status_code == 422
        assert "no longer good" in text(last)
        assert Phone.objects.get().proved_until is None

    def test_a_code_that_is_none_costs_no_try(self, patient: Patient, mailbox: Mailbox) -> None:
        client = phone_of(patient, datetime.now(UTC))
        client.post("/p/prove/")
        for _ in range(secrets.TRIES + 1):
            assert "has six digits" in text(client.post("/p/prove/", {"code": "12"}))
        assert client.post("/p/prove/", {"code": code_in(mailbox.taken[0])}).status_code == 302

    def test_the_fourth_mail_in_a_quarter_of_an_hour_is_refused(self, patient: Patient, mailbox: Mailbox) -> None:
        client = phone_of(patient, datetime.now(UTC))
        for _ in range(3):
            assert client.post("/p/prove/").status_code == 302
        refused = client.post("/p/prove/")
        assert refused.status_code == 422
        assert "no more go out" in text(refused)
        assert len(mailbox.taken) == 3

    def test_without_an_address_the_page_says_whom_to_ask(self, patient: Patient) -> None:
        Patient.objects.update(email="")
        client = phone_of(patient, datetime.now(UTC))
        assert "no e-mail address of yours" in text(client.get("/p/prove/"))
        assert client.post("/p/prove/").status_code == 422

    @pytest.mark.parametrize("onward", ["https://elsewhere.invalid/p/", "//elsewhere.invalid/p/", "/patients/", "/p"])
    def test_the_proof_leads_nowhere_else(self, patient: Patient, mailbox: Mailbox, onward: str) -> None:
        client = phone_of(patient, datetime.now(UTC))
        client.post("/p/prove/", {"next": onward})
        opened = client.post("/p/prove/", {"next": onward, "code": code_in(mailbox.taken[0])})
        assert opened["Location"] == "/p/chart/"
