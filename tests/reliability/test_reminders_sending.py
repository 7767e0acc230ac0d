"""What becomes of a reminder for every answer a mail server can give, and for rows that cannot be written at all."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from patients.models import ContactPreference, Patient
from reminders import pace, services
from reminders.channels.email import Conversation
from reminders.models import Attempt, Breaker, Reminder
from reminders.occurrences import Kind
from reminders.services import pulse
from reminders.services.claiming import claim
from reminders.services.delivering import deliver
from reminders.services.sweeping import sweep
from reminders.states import State
from tests.reliability import rows, smtp_stub
from tests.reliability.smtp_stub import Stub
from titration.models import Instruction, InstructionText

pytestmark = pytest.mark.django_db(transaction=True)
JUST_NOW = timedelta(seconds=5)


def due(many: int = 1, **more: object) -> list[Reminder]:
    # Whatever hour this runs at, the planner has just been: what is due is what the test says.
    pulse.planned_until_now(at=services.database_time())
    return rows.due_reminders(many, at=services.database_time() - JUST_NOW, **more)


def states() -> list[str]:
    return sorted(Reminder.objects.values_list("state", flat=True))


def outcomes(reminder: Reminder) -> list[str]:
    return list(Attempt.objects.filter(reminder=reminder).order_by("number", "at").values_list("outcome", flat=True))


def test_one_mail_for_one_reminder_and_none_in_the_next_round(stub: Stub) -> None:
    reminders = due(7)
    services.round()
    services.round()
    assert sorted(stub.taken) == sorted(f"<{reminder.id}@localhost>" for reminder in reminders)
    assert states() == [State.SENT] * 7
    assert outcomes(reminders[0]) == ["begun", "sent"]


def test_a_round_reuses_one_connection_and_asks_the_database_little(stub: Stub) -> None:
    due(100)
    with CaptureQueriesContext(connection) as queries:
        services.round()
    assert (len(stub.taken), stub.connections) == (100, 1)
    # Two statements a reminder that must not share a transaction, and what is asked for a whole batch.
    assert len(queries) <= 3 * 100


@pytest.mark.parametrize("kind", list(Kind))
def test_the_mail_names_no_drug_no_dose_no_clinic_and_no_patient(stub: Stub, kind: Kind) -> None:
    reminders = due(1, kind=kind)
    if kind is Kind.MESSAGE:
        told = reminders[0].occurrence.patient
        text = InstructionText.objects.create(clinic_id=told.clinic_id, name="One", words="Words")
        Instruction.objects.create(
            clinic_id=told.clinic_id, patient=told, text=text, words="Words", sent_at=told.registered_at,
            sent_by_id=told.registered_by_id, by_label="A colleague",
        )  # fmt: skip
    services.round()
    (message,) = stub.messages
    text = message.as_string().casefold()
    for word in ("ldn", "naltrexone", "mg", "dose", "clinic", "capsule", "medicine", "opioid", "test patient"):
        assert word not in text.replace("clinic@localhost", ""), word
    assert message["Message-ID"] == f"<{reminders[0].id}@localhost>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert "http://localhost:8000/p/" in message.get_content()


def test_r18_not_now_waits_longer_each_time_and_gives_up_after_six_tries(stub: Stub) -> None:
    (reminder,) = due()
    stub.mode = lambda recipient: smtp_stub.BUSY_RCPT
    for wait in pace.BACKOFF:
        before = services.database_time()
        services.round()
        reminder.refresh_from_db()
        assert reminder.state == State.PENDING
        assert before + wait * 0.8 <= reminder.next_at <= services.database_time() + wait * 1.2
        Reminder.objects.update(next_at=services.database_time())
    services.round()
    reminder.refresh_from_db()
    assert (reminder.state, reminder.attempts, reminder.error_class) == (State.FAILED, 6, "SMTP 451")
    assert stub.taken == []
    assert ContactPreference.objects.filter(address_failed_at=None).exists(), "the address is not to blame"


def test_r18_not_now_after_the_message_is_tried_again(stub: Stub) -> None:
    (reminder,) = due()
    stub.mode = lambda recipient: smtp_stub.BUSY_DATA
    services.round()
    reminder.refresh_from_db()
    assert (reminder.state, outcomes(reminder)) == (State.PENDING, ["begun", "refused_for_now"])
    stub.mode = lambda recipient: smtp_stub.TAKE
    Reminder.objects.update(next_at=services.database_time())
    services.round()
    assert (states(), len(stub.taken)) == ([State.SENT], 1)


def test_r18_gone_at_data_is_certain_and_tried_again(stub: Stub) -> None:
    (reminder,) = due()
    stub.mode = lambda recipient: smtp_stub.DROP_AT_DATA
    services.round()
    reminder.refresh_from_db()
    assert (reminder.state, outcomes(reminder)) == (State.PENDING, ["begun", "refused_for_now"])


def test_r18_an_unknown_recipient_fails_at_once_and_is_not_written_to_again(stub: Stub) -> None:
    bad, good = due(2)
    address = bad.occurrence.patient.email
    stub.mode = lambda recipient: smtp_stub.UNKNOWN if recipient == address else smtp_stub.TAKE
    services.round()
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.state, good.state) == (State.FAILED, State.SENT)
    contact = ContactPreference.objects.get(patient=bad.occurrence.patient)
    assert contact.address_failed_at is not None


def test_r18_an_address_corrected_while_the_old_one_was_tried_has_not_failed(stub: Stub) -> None:
    due()

    def corrected_meanwhile(recipient: str) -> str:
        patient = Patient.objects.get()
        patient.email = "corrected@test.invalid"
        patient.save(update_fields=["email", "email_index"])
        connection.close()
        return smtp_stub.UNKNOWN

    stub.mode = corrected_meanwhile
    services.round()
    assert states() == [State.FAILED]
    assert ContactPreference.objects.get().address_failed_at is None


def test_r18_a_message_refused_for_good_does_not_condemn_the_address(stub: Stub) -> None:
    due()
    stub.mode = lambda recipient: smtp_stub.REFUSE_DATA
    services.round()
    assert states() == [State.FAILED]
    assert ContactPreference.objects.get().address_failed_at is None


def test_r18_no_server_spends_no_try_and_opens_the_breaker(stub: Stub, settings: object) -> None:
    reminders = due(3)
    settings.EMAIL_PORT, listening = smtp_stub.free_port(), settings.EMAIL_PORT
    for _ in range(pace.BREAKER_OPENS_AFTER + 2):
        services.round()
    assert states() == [State.PENDING] * 3
    assert not Attempt.objects.exists()
    assert set(Reminder.objects.values_list("attempts", "next_at")) == {(0, reminders[0].next_at)}
    breaker = Breaker.objects.get()
    assert breaker.failures_in_a_row == pace.BREAKER_OPENS_AFTER, "an open breaker is not knocked at"
    settings.EMAIL_PORT = listening
    services.round()
    assert stub.taken == []
    Breaker.objects.update(open_until=services.database_time())
    services.round()
    assert (states(), len(stub.taken)) == ([State.SENT] * 3, 3)
    assert Breaker.objects.get().failures_in_a_row == 0


@pytest.mark.parametrize("mode", [smtp_stub.CLOSING, smtp_stub.NO_SENDER])
def test_r18_a_server_that_wants_nothing_from_us_spends_no_try(stub: Stub, mode: str) -> None:
    due(2)
    stub.mode = lambda recipient: mode
    services.round()
    assert (states(), Breaker.objects.get().failures_in_a_row) == ([State.PENDING] * 2, 1)
    assert not Attempt.objects.exists()


def test_r18_without_tls_where_tls_is_asked_for_nothing_is_sent(stub: Stub, settings: object) -> None:
    due()
    settings.EMAIL_USE_TLS = True
    services.round()
    assert (states(), stub.taken, stub.commands["MAIL"]) == ([State.PENDING], [], 0)


def test_a_lost_reply_is_uncertain_and_never_sent_again(stub: Stub) -> None:
    (reminder,) = due()
    stub.mode = lambda recipient: smtp_stub.REPLY_LOST
    services.round()
    stub.mode = lambda recipient: smtp_stub.TAKE
    services.round()
    reminder.refresh_from_db()
    assert (reminder.state, outcomes(reminder)) == (State.UNCERTAIN, ["begun", "uncertain"])
    assert len(stub.taken) == 1


def test_r12_a_live_sender_that_was_reaped_writes_nothing_and_nobody_sends_again(stub: Stub) -> None:
    (reminder,) = due()
    stub.mode = lambda recipient: smtp_stub.HELD
    sender = threading.Thread(target=_a_round_of_its_own)
    sender.start()
    assert smtp_stub.wait_until(lambda: stub.taken != [])
    sweep(at=services.database_time() + pace.LEASE + timedelta(seconds=10))
    stub.let_go.set()
    sender.join(timeout=240)
    stub.mode = lambda recipient: smtp_stub.TAKE
    services.round()
    reminder.refresh_from_db()
    assert (reminder.state, reminder.error_class, len(stub.taken)) == (State.UNCERTAIN, "lease_lapsed", 1)
    assert outcomes(reminder) == ["begun", "uncertain"]


def test_r12_a_sender_reaped_before_it_began_hands_nothing_over(stub: Stub) -> None:
    (reminder,) = due()
    at = services.database_time()
    slow = claim(at=at)
    sweep(at=at + pace.LEASE + timedelta(seconds=1))
    quick = claim(at=services.database_time())
    assert quick.reminder_ids == slow.reminder_ids == [reminder.id]
    with Conversation() as post:
        assert deliver(slow, post, stopping=lambda: False) == {"reaped": 1}
        assert deliver(quick, post, stopping=lambda: False) == {"sent": 1}
    assert len(stub.taken) == 1


def test_r10_ten_rounds_at_the_same_instant_send_one_mail(stub: Stub) -> None:
    due(1)
    everybody = threading.Barrier(10)
    threads = [threading.Thread(target=_a_round_of_its_own, args=[everybody]) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=240)
    assert (len(stub.taken), states()) == (1, [State.SENT])


def test_r10_two_senders_share_many_reminders_and_send_each_once(stub: Stub) -> None:
    due(120)
    everybody = threading.Barrier(3)
    threads = [threading.Thread(target=_a_round_of_its_own, args=[everybody]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=240)
    assert (len(stub.taken), len(set(stub.taken))) == (120, 120)
    assert set(states()) == {State.SENT}


@pytest.mark.parametrize(
    "address",
    ["no-at-sign", "a@b.invalid\r\nBcc: other@test.invalid", "spaces in@test.invalid", "ünï@test.invalid", "\x07@x.y"],
)
def test_r22_an_address_that_cannot_be_written_fails_alone(stub: Stub, address: str) -> None:
    poisoned, *others = due(3)
    Patient.objects.filter(id=poisoned.occurrence.patient_id).update(email=address)
    services.round()
    poisoned.refresh_from_db()
    assert poisoned.state == State.FAILED
    assert poisoned.error_class in {"ValidationError", "UnicodeEncodeError", "ValueError"}
    assert len(stub.taken) == 2
    assert {Reminder.objects.get(id=other.id).state for other in others} == {State.SENT}


def test_r22_a_template_that_raises_fails_its_own_rows_only(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    from reminders import letters

    (poisoned,), others = due(1, kind=Kind.STEP_EVE), due(2)
    render = letters.render_to_string

    def bad_template(name: str, context: dict[str, str]) -> str:
        if "step_eve" in name:
            raise RuntimeError
        return render(name, context)

    monkeypatch.setattr(letters, "render_to_string", bad_template)
    services.round()
    poisoned.refresh_from_db()
    assert (poisoned.state, poisoned.error_class) == (State.FAILED, "RuntimeError")
    assert {Reminder.objects.get(id=other.id).state for other in others} == {State.SENT}


def test_a_round_that_is_asked_to_stop_gives_back_what_it_did_not_try(stub: Stub) -> None:
    due(10)
    services.round(stopping=lambda: len(stub.taken) >= 3)
    assert states() == [State.PENDING] * 7 + [State.SENT] * 3
    assert not Reminder.objects.exclude(lease=None).exists()


def _a_round_of_its_own(everybody: threading.Barrier | None = None) -> None:
    try:
        if everybody is not None:
            everybody.wait(timeout=240)
        services.round()
    finally:
        connection.close()
