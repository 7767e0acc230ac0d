"""What is urgent reaches a person: over real SMTP and a real gateway, once each, until somebody opens it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.actors import Actor
from accounts.models import Clinic, Cover, Membership, UrgentContact, User
from audit.models import AuditEvent
from common.refusals import Refused
from patients.models import CareEnded, CareTeamMember, Patient
from reminders import selectors as reminders_selectors
from reminders import services
from reminders.models import Heartbeat, UrgentItem, UrgentNotice
from reminders.services import breaker, pulse, telling, urgent
from reminders.states import State
from symptoms.models import OpioidReport
from tests import factories, memory, pages
from tests.reliability import sms_stub, smtp_stub
from tests.reliability.sms_stub import Gateway
from tests.reliability.smtp_stub import Stub
from titration.services import courses, endings

pytestmark = pytest.mark.django_db(transaction=True)
ROLES = Membership.Role


@pytest.fixture
def clinic() -> Clinic:
    # What else a round would do is not asked here.
    pulse.planned_until_now(at=services.database_time())
    return factories.clinic()


def member(clinic: Clinic, name: str, role: str = ROLES.PRESCRIBER) -> Actor:
    actor = factories.member(clinic, role, name)
    User.objects.filter(id=actor.user_id).update(email=f"{name.casefold()}@test.invalid")
    return actor


def route(clinic: Clinic, *people: Actor, text_to: str = "", minutes: int = 10) -> None:
    for position, actor in enumerate(people):
        UrgentContact.objects.create(
            clinic=clinic, position=position, user_id=actor.user_id, minutes=minutes, text_to=text_to
        )


def report(patient: Patient) -> OpioidReport:
    at = services.database_time()
    return OpioidReport.objects.create(
        clinic_id=patient.clinic_id, patient=patient, night=at.date(), answer="yes", words="a canary syrup", at=at
    )


def later(minutes: int = 10) -> None:
    """As if so many minutes had gone by since the notices were planned."""
    for notice in UrgentNotice.objects.all():
        passed = timedelta(minutes=minutes)
        UrgentNotice.objects.filter(id=notice.id).update(
            escalates_at=notice.escalates_at - passed, next_at=notice.next_at - passed
        )


def told(stub: Stub) -> list[str]:
    return [str(message["To"]).partition("@")[0] for message in stub.messages]


def states() -> list[str]:
    return list(UrgentNotice.objects.order_by("planned_at", "channel").values_list("state", flat=True))


class TestTheRoute:
    def test_one_after_another_until_somebody_opens_it(self, stub: Stub, clinic: Clinic) -> None:
        first, second, third = (member(clinic, name) for name in ("First", "Second", "Third"))
        route(clinic, first, second, third)
        report(factories.patient(clinic))
        services.round()
        services.round()
        assert told(stub) == ["first"]
        later(9)
        services.round()
        assert told(stub) == ["first"]
        later(1)
        services.round()
        assert told(stub) == ["first", "second"]
        item = UrgentItem.objects.get()
        services.open_item(item_id=item.id, by=third, at=services.database_time())
        for _ in range(3):
            later(60)
            services.round()
        assert told(stub) == ["first", "second"]
        item.refresh_from_db()
        assert item.opened_by_id == third.user_id

    def test_what_nobody_opened_in_the_time_they_all_had_is_told_to_who_watches_the_machine(
        self, stub: Stub, clinic: Clinic
    ) -> None:
        first = member(clinic, "First")
        route(clinic, first, member(clinic, "Second"))
        asked = report(factories.patient(clinic))
        for said in ("", "", "Something urgent lies unopened"):
            services.round()
            assert reminders_selectors.urgent_trouble(at=services.database_time()).startswith(said)
            assert bool(reminders_selectors.urgent_trouble(at=services.database_time())) == bool(said)
            later()
        assert Heartbeat.objects.get(name="urgent").oldest_due_at == asked.at
        services.open_item(item_id=UrgentItem.objects.get().id, by=first, at=services.database_time())
        services.round()
        assert reminders_selectors.urgent_trouble(at=services.database_time()) == ""

    def test_round_after_round_and_then_no_more(self, stub: Stub, clinic: Clinic) -> None:
        route(clinic, member(clinic, "First"), member(clinic, "Second"))
        report(factories.patient(clinic))
        for _ in range(14):
            services.round()
            later()
        assert told(stub) == ["first", "second"] * 5

    def test_who_covers_is_told_in_the_place_of_who_is_away(self, stub: Stub, clinic: Clinic) -> None:
        away, covers = member(clinic, "Away"), member(clinic, "Covers")
        route(clinic, away)
        today = services.database_time().date()
        Cover.objects.create(
            clinic=clinic,
            away_id=away.user_id,
            covers_id=covers.user_id,
            from_on=today - timedelta(days=1),
            until_on=today + timedelta(days=2),
        )
        report(factories.patient(clinic))
        services.round()
        assert told(stub) == ["covers"]

    def test_without_a_route_whoever_answers_reports_is_told(self, stub: Stub, clinic: Clinic) -> None:
        member(clinic, "Nurse", ROLES.NURSE)
        member(clinic, "Prescriber")
        report(factories.patient(clinic))
        services.round()
        assert told(stub) == ["prescriber"]

    def test_who_left_is_passed_over(self, stub: Stub, clinic: Clinic) -> None:
        left, stays = member(clinic, "Left"), member(clinic, "Stays")
        route(clinic, left, stays)
        Membership.objects.filter(user_id=left.user_id).update(ended_at=services.database_time())
        report(factories.patient(clinic))
        services.round()
        assert told(stub) == ["stays"]

    def test_of_a_restricted_record_only_who_may_know(self, stub: Stub, clinic: Clinic) -> None:
        outside, inside = member(clinic, "Outside"), member(clinic, "Inside", ROLES.NURSE)
        route(clinic, outside)
        at = services.database_time()
        patient = factories.patient(clinic, restricted_at=at, restricted_because="asked for")
        CareTeamMember.objects.create(
            clinic=clinic, patient=patient, user_id=inside.user_id, added_at=at, added_by_id=inside.user_id
        )
        report(patient)
        services.round()
        assert told(stub) == ["inside"]
        with pytest.raises(Refused):
            services.open_item(item_id=UrgentItem.objects.get().id, by=outside, at=at)

    def test_another_clinics_people_are_not_told(self, stub: Stub, clinic: Clinic) -> None:
        there = factories.clinic("Elsewhere")
        member(there, "Elsewhere")
        report(factories.patient(clinic))
        services.round()
        assert stub.messages == []
        assert UrgentItem.objects.get().clinic_id == clinic.id


class TestWhatIsRaised:
    def test_once_a_report_and_closed_when_it_is_answered(self, stub: Stub, clinic: Clinic) -> None:
        by = member(clinic, "First")
        asked = report(factories.patient(clinic))
        for _ in range(3):
            services.round()
        item = UrgentItem.objects.get()
        assert (item.code, item.subject_id, item.raised_at) == ("opioid_report", asked.id, asked.at)
        courses.answer_opioid_report(
            report=asked, outcome="carry_on", reason="no opioid", by=by, at=services.database_time()
        )
        later()
        services.round()
        item.refresh_from_db()
        assert item.closed_at is not None
        assert told(stub) == ["first"]

    def test_what_nobody_opened_is_told_again_when_care_that_had_ended_is_taken_up(
        self, stub: Stub, clinic: Clinic
    ) -> None:
        first = member(clinic, "First")
        route(clinic, first)
        patient = factories.patient(clinic)
        report(patient)
        at = services.database_time()
        assert urgent.plan_urgent(at=at) == 1
        ended = {"patient_id": patient.id, "by": first, "at": at}
        endings.end_care(**ended, because=CareEnded.MOVED, reason="Moved away.")
        assert urgent.plan_urgent(at=at) == 0
        assert UrgentItem.objects.get().closed_at is not None
        endings.take_up_again(**ended)
        later()
        assert urgent.plan_urgent(at=at) == 1
        item = UrgentItem.objects.get()
        assert (item.closed_at, item.opened_at) == (None, None)
        assert urgent.plan_urgent(at=at) == 0

    def test_a_later_service_may_raise_one_too(self, stub: Stub, clinic: Clinic) -> None:
        patient, at = factories.patient(clinic), services.database_time()
        asked = report(patient)
        for _ in range(2):
            services.raise_item(
                clinic_id=clinic.id, patient_id=patient.id, code="opioid_report", subject_id=asked.id, at=at
            )
        assert UrgentItem.objects.count() == len(memory.events(action="urgent.raise")) == 1

    def test_a_clinic_with_nothing_urgent_costs_a_round_little(self, stub: Stub, clinic: Clinic) -> None:
        with CaptureQueriesContext(connection) as queries:
            urgent.plan_urgent(at=services.database_time())
        assert len(queries) <= 14


class TestTheMail:
    def test_it_names_nobody_and_nothing(self, stub: Stub, clinic: Clinic) -> None:
        route(clinic, member(clinic, "First"))
        report(factories.patient(clinic, "Canary Person"))
        services.round()
        (message,) = stub.messages
        said = message.as_string().casefold()
        assert message["Subject"] == "Something urgent waits in LDN Clinic"
        assert "http://localhost:8000/urgent/" in said
        for word in ("canary", "opioid", "syrup", "naltrexone", "dose", "patient", "test clinic", "report"):
            assert word not in said, word

    def test_a_lost_reply_is_uncertain_never_sent_again_and_escalates(self, stub: Stub, clinic: Clinic) -> None:
        route(clinic, member(clinic, "First"), member(clinic, "Second"))
        report(factories.patient(clinic))
        stub.mode = lambda to: smtp_stub.REPLY_LOST if to.startswith("first") else smtp_stub.TAKE
        services.round()
        services.round()
        assert (told(stub), states()) == (["first"], [State.UNCERTAIN])
        later()
        services.round()
        services.round()
        assert (told(stub), states()) == (["first", "second"], [State.UNCERTAIN, State.SENT])

    def test_an_address_that_takes_no_mail_escalates_at_once(self, stub: Stub, clinic: Clinic) -> None:
        route(clinic, member(clinic, "First"), member(clinic, "Second"))
        report(factories.patient(clinic))
        stub.mode = lambda to: smtp_stub.UNKNOWN if to.startswith("first") else smtp_stub.TAKE
        services.round()
        services.round()
        assert (told(stub), states()) == (["second"], [State.FAILED, State.SENT])

    def test_not_now_is_tried_again(self, stub: Stub, clinic: Clinic) -> None:
        route(clinic, member(clinic, "First"), minutes=240)
        report(factories.patient(clinic))
        stub.mode = lambda to: smtp_stub.BUSY_RCPT
        services.round()
        assert states() == [State.PENDING]
        stub.mode = lambda to: smtp_stub.TAKE
        later(5)
        services.round()
        assert (told(stub), states()) == (["first"], [State.SENT])

    def test_while_the_server_is_away_nothing_is_lost(self, clinic: Clinic, settings: Any) -> None:
        settings.EMAIL_PORT = smtp_stub.free_port()
        route(clinic, member(clinic, "First"))
        report(factories.patient(clinic))
        services.round()
        assert states() == [State.PENDING]
        with smtp_stub.running(settings.EMAIL_PORT) as (stub, _):
            breaker.answered()
            services.round()
            assert told(stub) == ["first"]

    def test_a_slow_server_does_not_keep_the_round(
        self, stub: Stub, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(telling.pace, "ROUND_LASTS", timedelta(seconds=1))
        member(clinic, "First")
        for _ in range(4):
            report(factories.patient(clinic))
        stub.mode, stub.slow_seconds = lambda to: smtp_stub.SLOW, 1.2
        services.round()
        assert sorted(states()) == [State.PENDING] * 3 + [State.SENT]
        services.round()
        assert sorted(states()) == [State.PENDING] * 2 + [State.SENT] * 2

    def test_a_sender_that_died_leaves_it_uncertain(self, stub: Stub, clinic: Clinic) -> None:
        route(clinic, member(clinic, "First"))
        report(factories.patient(clinic))
        urgent.plan_urgent(at=services.database_time())
        notice = UrgentNotice.objects.get()
        past = services.database_time() - timedelta(seconds=1)
        for state in (State.CLAIMED, State.SENDING):
            UrgentNotice.objects.filter(id=notice.id).update(state=state, lease=notice.id, lease_until=past)
        telling.sweep_notices(at=services.database_time())
        services.round()
        assert (states(), stub.messages) == ([State.UNCERTAIN], [])

    def test_opened_between_planning_and_sending_it_is_not_sent(self, stub: Stub, clinic: Clinic) -> None:
        by = member(clinic, "First")
        route(clinic, by)
        report(factories.patient(clinic))
        urgent.plan_urgent(at=services.database_time())
        UrgentItem.objects.update(opened_at=services.database_time(), opened_by_id=by.user_id)
        telling.tell()
        assert (stub.messages, states()) == ([], [State.CANCELLED])


class TestTheTextMessage:
    @pytest.fixture
    def gateway(self, settings: Any) -> Iterator[Gateway]:
        with sms_stub.running() as (gateway, address):
            settings.SMS_GATEWAY_URL, settings.SMS_GATEWAY_TOKEN = address, "a token"
            yield gateway

    def test_beside_the_mail_through_a_gateway(self, stub: Stub, gateway: Gateway, clinic: Clinic) -> None:
        route(clinic, member(clinic, "First"), text_to="+442079460000")
        report(factories.patient(clinic, "Canary Person"))
        services.round()
        services.round()
        (asked,), (headers,) = gateway.asked, gateway.headers
        notice = UrgentNotice.objects.get(channel="sms")
        assert asked == {
            "to": "+442079460000",
            "from": "LDN Clinic",
            "text": "Something urgent waits in LDN Clinic. Sign in: http://localhost:8000/urgent/",
            "reference": str(notice.id),
        }
        assert headers["Authorization"] == "Bearer a token"
        assert headers["Idempotency-Key"] == str(notice.id)
        assert (told(stub), states()) == (["first"], [State.SENT, State.SENT])

    @pytest.mark.parametrize(
        ("answer", "state"),
        [
            (sms_stub.BUSY, State.PENDING),
            (sms_stub.FULL, State.PENDING),
            (sms_stub.REFUSE, State.FAILED),
            (sms_stub.FAULT, State.UNCERTAIN),
            (sms_stub.SILENT, State.UNCERTAIN),
        ],
    )
    def test_every_answer(self, stub: Stub, gateway: Gateway, clinic: Clinic, answer: int, state: State) -> None:
        route(clinic, member(clinic, "First"), text_to="+442079460000")
        report(factories.patient(clinic))
        gateway.mode = lambda to: answer
        services.round()
        services.round()
        assert len(gateway.asked) == 1
        assert UrgentNotice.objects.get(channel="sms").state == state
        assert UrgentNotice.objects.get(channel="email").state == State.SENT

    def test_while_the_mail_server_is_away(self, gateway: Gateway, clinic: Clinic, settings: Any) -> None:
        settings.EMAIL_PORT = smtp_stub.free_port()
        route(clinic, member(clinic, "First"), text_to="+442079460000")
        report(factories.patient(clinic))
        services.round()
        assert len(gateway.asked) == 1

    def test_a_gateway_that_is_away_is_tried_again(self, stub: Stub, clinic: Clinic, settings: Any) -> None:
        settings.SMS_GATEWAY_URL = f"http://127.0.0.1:{smtp_stub.free_port()}/"
        route(clinic, member(clinic, "First"), text_to="+442079460000", minutes=240)
        report(factories.patient(clinic))
        services.round()
        notice = UrgentNotice.objects.get(channel="sms")
        assert (notice.state, notice.attempts) == (State.PENDING, 1)

    @pytest.mark.parametrize("address", ["", "http://gateway.invalid/", "ftp://127.0.0.1/"])
    def test_off_unless_it_is_set_up_over_tls(self, stub: Stub, clinic: Clinic, settings: Any, address: str) -> None:
        settings.SMS_GATEWAY_URL = address
        route(clinic, member(clinic, "First"), text_to="+442079460000")
        report(factories.patient(clinic))
        services.round()
        assert [notice.channel for notice in UrgentNotice.objects.all()] == ["email"]


class TestTheDesk:
    def test_the_list_opens_nothing_and_the_button_does(self, stub: Stub, clinic: Clinic, settings: Any) -> None:
        pages.stay_signed_in(settings)
        nurse = member(clinic, "Nurse", ROLES.NURSE)
        route(clinic, member(clinic, "First"), nurse)
        patient = factories.patient(clinic, "Urgent Person")
        report(patient)
        services.round()
        desk = pages.client_of(nurse)
        said = pages.words_of(desk.get("/urgent/"))
        assert "Urgent Person" in said
        assert "First, by e-mail: sent" in said
        item = UrgentItem.objects.get()
        assert item.opened_at is None
        answer = desk.post(f"/urgent/{item.id}/open/")
        assert answer["Location"] == f"/patients/{patient.id}/"
        assert "Opened by Nurse" in pages.words_of(desk.get("/urgent/"))
        assert [event.actor_id for event in memory.events(action="urgent.open")] == [nurse.user_id]

    def test_from_the_patients_page_too(self, clinic: Clinic, settings: Any) -> None:
        pages.stay_signed_in(settings)
        desk = pages.client_of(member(clinic, "Nurse", ROLES.NURSE))
        patient = factories.patient(clinic)
        assert "Colleagues are being told" not in pages.words_of(desk.get(f"/patients/{patient.id}/"))
        report(patient)
        urgent.plan_urgent(at=services.database_time())
        assert "Colleagues are being told" in pages.words_of(desk.get(f"/patients/{patient.id}/"))
        desk.post(f"/urgent/{UrgentItem.objects.get().id}/open/")
        assert "Colleagues are being told" not in pages.words_of(desk.get(f"/patients/{patient.id}/"))

    def test_an_alert_of_the_first_tier_is_urgent_until_it_is_answered(self, stub: Stub, clinic: Clinic) -> None:
        member(clinic, "First")
        finding = factories.finding(factories.patient(clinic), tier="emergency")
        factories.finding(factories.patient(clinic), tier="decide")
        services.round()
        item = UrgentItem.objects.get()
        assert (item.code, item.subject_id, told(stub)) == ("finding", finding.id, ["first"])
        at = services.database_time()
        type(finding).objects.filter(id=finding.id, clinic=clinic).update(
            state="dismissed", closed_at=at, closed_because="looked at"
        )
        services.round()
        item.refresh_from_db()
        assert item.closed_at is not None

    def test_the_page_costs_the_same_with_many(self, clinic: Clinic, settings: Any) -> None:
        pages.stay_signed_in(settings)
        nurse = member(clinic, "Nurse", ROLES.NURSE)
        desk, costs = pages.client_of(nurse), []
        for many in (1, 6):
            for _ in range(many):
                report(factories.patient(clinic))
            urgent.plan_urgent(at=services.database_time())
            with pages.statements() as sent:
                desk.get("/urgent/")
            costs.append(len(sent))
        assert costs[0] == costs[1]


class TestTheRow:
    def test_the_database_lets_nobody_be_told_twice_in_a_round(self, clinic: Clinic) -> None:
        actor = member(clinic, "First")
        report(factories.patient(clinic))
        urgent.plan_urgent(at=services.database_time())
        notice = UrgentNotice.objects.get(user_id=actor.user_id)
        notice.pk = None
        notice._state.adding = True
        with pytest.raises(IntegrityError), transaction.atomic():
            notice.save(force_insert=True)

    def test_two_planners_at_once_plan_once(self, clinic: Clinic) -> None:
        member(clinic, "First")
        report(factories.patient(clinic))
        at = services.database_time()
        assert urgent.plan_urgent(at=at) + urgent.plan_urgent(at=at) == 1

    def test_the_memory_says_what_became_of_each(self, stub: Stub, clinic: Clinic) -> None:
        member(clinic, "First")
        report(factories.patient(clinic))
        services.round()
        (event,) = memory.events(action="urgent.tell")
        assert (event.details, event.patient_ids) == ({"outcome": "sent"}, [])
        assert event.result == AuditEvent.Result.DONE
