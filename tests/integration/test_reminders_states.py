"""The database refuses every move that the table of states does not know, whoever asks."""

import uuid
from datetime import timedelta
from itertools import product

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from reminders.models import Attempt, Occurrence, Reminder
from reminders.services import database_time
from reminders.states import FINAL, LEASED, LEGAL_MOVES, State
from tests.reliability import rows

pytestmark = pytest.mark.django_db


def in_state(state: State) -> Reminder:
    (reminder,) = rows.due_reminders(1, at=database_time())
    for step in PATHS[state]:
        put(reminder, step)
    return reminder


def put(reminder: Reminder, state: State) -> None:
    """As plain SQL: no service, no model method stands between the move and the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE reminders_reminder SET state = %s, lease = %s, lease_until = %s, done_at = %s WHERE id = %s",
            [
                state.value,
                uuid.uuid4() if state in LEASED else None,
                database_time() if state in LEASED else None,
                database_time() if state in FINAL else None,
                reminder.id,
            ],
        )


PATHS: dict[State, list[State]] = {
    State.PENDING: [],
    State.CLAIMED: [State.CLAIMED],
    State.SENDING: [State.CLAIMED, State.SENDING],
    State.SENT: [State.CLAIMED, State.SENDING, State.SENT],
    State.FAILED: [State.FAILED],
    State.UNCERTAIN: [State.CLAIMED, State.SENDING, State.UNCERTAIN],
    State.EXPIRED: [State.EXPIRED],
    State.CANCELLED: [State.CANCELLED],
}


@pytest.mark.parametrize(("frm", "to"), [(a, b) for a, b in product(State, State) if a != b])
def test_the_database_allows_exactly_the_legal_moves(frm: State, to: State) -> None:
    reminder = in_state(frm)
    if to in LEGAL_MOVES[frm]:
        put(reminder, to)
        reminder.refresh_from_db()
        assert reminder.state == to
        return
    with pytest.raises(DatabaseError, match="Invalid transition"), transaction.atomic():
        put(reminder, to)


def test_what_is_uncertain_or_final_never_waits_again() -> None:
    for state in (State.UNCERTAIN, *FINAL):
        assert State.PENDING not in LEGAL_MOVES[state]
        assert not LEGAL_MOVES[state] & LEASED


@pytest.mark.parametrize(
    ("state", "columns", "name"),
    [
        (State.PENDING, {"lease": uuid.uuid4(), "lease_until": "now"}, "leased_exactly_while_claimed_or_sending"),
        (State.CLAIMED, {}, "leased_exactly_while_claimed_or_sending"),
        (State.SENDING, {"lease": uuid.uuid4()}, "leased_exactly_while_claimed_or_sending"),
        (State.SENT, {}, "done_exactly_when_final"),
        (State.UNCERTAIN, {"done_at": "now"}, "done_exactly_when_final"),
        (State.PENDING, {"done_at": "now"}, "done_exactly_when_final"),
        ("forgotten", {}, "a_reminder_is_in_a_known_state"),
    ],
)
def test_states_and_their_timestamps_agree(state: str, columns: dict[str, object], name: str) -> None:
    (reminder,) = rows.due_reminders(1, at=database_time())
    occurrence = Occurrence.objects.get(id=reminder.occurrence_id)
    occurrence.pk, occurrence.about_on = uuid.uuid4(), occurrence.about_on + timedelta(days=400)
    occurrence.save(force_insert=True)
    values = {key: database_time() if value == "now" else value for key, value in columns.items()}
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Reminder.objects.create(
            clinic_id=reminder.clinic_id,
            occurrence=occurrence,
            state=state,
            next_at=reminder.next_at,
            not_after=reminder.not_after,
            **values,
        )


def test_one_occurrence_per_patient_kind_and_date_and_one_reminder_each() -> None:
    (reminder,) = rows.due_reminders(1, at=database_time())
    twin = Reminder(
        clinic_id=reminder.clinic_id,
        occurrence=reminder.occurrence,
        next_at=reminder.next_at,
        not_after=reminder.not_after,
    )
    with pytest.raises(IntegrityError, match="one_reminder_per_occurrence_and_channel"), transaction.atomic():
        twin.save(force_insert=True)
    again = Occurrence.objects.get(id=reminder.occurrence_id)
    again.pk = uuid.uuid4()
    with pytest.raises(IntegrityError, match="one_occurrence_per_patient_kind_and_date"), transaction.atomic():
        again.save(force_insert=True)


def test_attempts_are_only_ever_added() -> None:
    (reminder,) = rows.due_reminders(1, at=database_time())
    attempt = Attempt.objects.create(
        clinic_id=reminder.clinic_id, reminder=reminder, number=1, outcome=Attempt.Outcome.BEGUN, at=database_time()
    )
    for rewriting in (
        lambda: Attempt.objects.filter(id=attempt.id).update(outcome=Attempt.Outcome.SENT),
        lambda: Attempt.objects.filter(id=attempt.id).delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            rewriting()
    assert Attempt.objects.get().outcome == Attempt.Outcome.BEGUN
