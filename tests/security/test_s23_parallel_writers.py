"""S23: fifty writers at once, some of whom take back what they wrote, and sealers beside them: nothing is stepped over.

A round of the sealer stands for ten seconds. What was committed before a round began has its seal when it ends, so no
event waits longer than two rounds.
"""

import random
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction

from accounts.actors import Actor, Kind
from audit import chain as chain_of
from audit import rows, sealing, verifying
from audit import services as audit
from tests import memory, owner
from tests.factories import AT

pytestmark = pytest.mark.django_db(transaction=True)

HERE, THERE = uuid.UUID(int=1), uuid.UUID(int=2)
WRITERS, DEEDS = 50, 12


class TakenBackError(Exception):
    """The deed changed its mind."""


class Ledger:
    """What the writers know to be committed."""

    def __init__(self) -> None:
        self._lock, self._done = threading.Lock(), set[uuid.UUID]()

    def add(self, deeds: set[uuid.UUID]) -> None:
        with self._lock:
            self._done |= deeds

    def now(self) -> set[uuid.UUID]:
        with self._lock:
            return set(self._done)


def write(seed: int, ledger: Ledger, all_there: threading.Barrier) -> None:
    """Deeds of one to three events each; a third of them are taken back, after others have gone ahead."""
    rng = random.Random(seed)
    by = Actor(kind=Kind.SYSTEM, clinic_id=rng.choice((HERE, THERE, None)), label="the test")
    pause = threading.Event()
    try:
        with transaction.atomic():
            connection.cursor().execute("SELECT 1")
        all_there.wait(timeout=240)
        for _ in range(DEEDS):
            subjects = {uuid.uuid4() for _ in range(rng.randint(1, 3))}
            try:
                with transaction.atomic():
                    for subject in subjects:
                        audit.record(by=by, at=AT, action="test.deed", subject=subject)
                    pause.wait(rng.random() * 0.03)
                    if rng.random() < 1 / 3:
                        raise TakenBackError
            except TakenBackError:
                continue
            ledger.add(subjects)
    finally:
        connection.close()


def while_writing(ledger: Ledger, seal: Callable[[], None], writers: int = WRITERS) -> None:
    """Start the writers together, and seal again and again until the last of them has ended."""
    all_there = threading.Barrier(writers)
    with ThreadPoolExecutor(writers) as pool:
        ends = [pool.submit(write, seed, ledger, all_there) for seed in range(writers)]
        while not all(end.done() for end in ends):
            seal()
        for end in ends:
            end.result()


def sealed_subjects() -> set[uuid.UUID]:
    with rows.keeping() as cursor:
        cursor.execute("SELECT e.subject_id FROM audit_seal s JOIN audit_auditevent e ON e.id = s.event_id")
        return {subject for (subject,) in cursor.fetchall()}


def check_the_end(ledger: Ledger) -> None:
    """Everything that was committed is sealed once, without a gap, and nothing else is."""
    assert sealed_subjects() == ledger.now()
    report = verifying.verify(at=AT + timedelta(days=1))
    assert report.faults == []
    assert report.events == len(ledger.now()) == len(memory.events())
    for chain in rows.chains():
        head = rows.head(chain)
        assert head is None or head.number == rows.count_of(chain)


def test_no_gap_and_nothing_waits_longer_than_the_next_round() -> None:
    ledger, rounds = Ledger(), [0]

    def one_round() -> None:
        due = ledger.now()
        sealing.seal(at=AT)
        missed = due - sealed_subjects()
        assert not missed, f"{len(missed)} events committed before the round have no seal after it"
        rounds[0] += 1

    while_writing(ledger, one_round)
    one_round()
    assert rounds[0] > 2
    check_the_end(ledger)


def test_many_sealers_at_once_seal_each_event_once() -> None:
    ledger, over = Ledger(), threading.Event()

    def keep_sealing() -> None:
        try:
            while not over.is_set():
                sealing.seal(at=AT)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as sealers:
        ends = [sealers.submit(keep_sealing) for _ in range(4)]
        while_writing(ledger, lambda: over.wait(0.05) or None, writers=20)
        over.set()
        for end in ends:
            end.result()
    sealing.seal(at=AT)
    check_the_end(ledger)


def test_a_long_transaction_of_somebody_else_keeps_nobody_waiting_and_is_not_forgotten() -> None:
    """The one who began first and commits last has the lowest number: a sealer that goes by numbers steps over them."""
    by = Actor(kind=Kind.SYSTEM, clinic_id=HERE, label="the test")
    begun, finish = threading.Event(), threading.Event()

    def dawdle() -> None:
        try:
            with transaction.atomic():
                audit.record(by=by, at=AT, action="test.late")
                begun.set()
                finish.wait(30)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(dawdle)
        begun.wait(30)
        for number in range(3):
            audit.record(by=by, at=AT, action=f"test.{number}")
            assert sealing.seal(at=AT) == 1
        finish.set()
        late.result()
    assert sealing.seal(at=AT) == 1
    assert verifying.verify(at=AT + timedelta(days=1)).faults == []


def test_a_batch_that_ends_inside_a_transaction_goes_on_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 4)
    by = Actor(kind=Kind.SYSTEM, clinic_id=HERE, label="the test")
    for many in (3, 6, 2):
        with transaction.atomic():
            for _ in range(many):
                audit.record(by=by, at=AT, action="test.deed")
    assert sealing.seal(at=AT) == 11
    assert verifying.verify(at=AT + timedelta(days=1)).faults == []


def test_rows_copied_from_another_server_are_sealed_and_the_chain_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A restored dump brings transaction numbers of its old server, which this one will not reach for years."""
    by = Actor(kind=Kind.SYSTEM, clinic_id=HERE, label="the test")
    future = 1 << 40
    for number in range(9):
        audit.record(by=by, at=AT, action=f"old.{number}")
    with owner.connect(connection.settings_dict["NAME"]) as database, database.transaction():
        database.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER USER")
        database.execute("UPDATE audit_auditevent SET written_in = %s::text::xid8", [future])
        database.execute("ALTER TABLE audit_auditevent ENABLE TRIGGER USER")
    monkeypatch.setattr(sealing, "BATCH", 3)
    with monkeypatch.context() as as_on_the_old_server:
        as_on_the_old_server.setattr(rows, "head", lambda chain: rows.Head(0, chain_of.GENESIS, future + 1, None))
        sealing._seal_batch(HERE, AT)
    audit.record(by=by, at=AT, action="new")
    assert sealing.seal(at=AT) == 7
    audit.record(by=by, at=AT, action="newer")
    assert sealing.seal(at=AT) == 1
    head = rows.head(HERE)
    assert head is not None
    assert head.finished_below < future
    assert verifying.verify(at=AT + timedelta(days=1)).faults == []
