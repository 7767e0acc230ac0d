"""S22: the application cannot rewrite the memory; whoever can, is found out and what they touched is named."""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction

from accounts.actors import Actor, Kind
from audit import anchoring, chain, rows, sealing, tasks, verifying
from audit import services as audit
from audit.anchoring import Anchor
from tests import owner
from tests.factories import AT

pytestmark = pytest.mark.django_db(transaction=True)

HERE, THERE = uuid.UUID(int=1), uuid.UUID(int=2)
LATER = AT + timedelta(minutes=5)
TABLES = ("audit_auditevent", "audit_seal")


def remember(clinic: uuid.UUID | None, many: int) -> None:
    by = Actor(kind=Kind.SYSTEM, clinic_id=clinic, label="the test")
    for number in range(many):
        audit.record(by=by, at=AT, action="test.deed", patients=[uuid.uuid4()], details={"number": number})


@pytest.fixture(autouse=True)
def memory() -> None:
    """Six events here, three there, two of no clinic, all sealed."""
    for clinic, many in ((HERE, 6), (THERE, 3), (None, 2)):
        remember(clinic, many)
    assert sealing.seal(at=LATER) == 11


@contextmanager
def behind_our_back() -> Iterator[psycopg.Connection[Any]]:
    """The owner of the tables with the triggers off."""
    with owner.connect(connection.settings_dict["NAME"]) as database, database.transaction():
        for table in TABLES:
            database.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield database
        for table in TABLES:
            database.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def event_at(number: int) -> uuid.UUID:
    found = rows.seal_at(HERE, number)
    assert found is not None
    return found[1]


def cut_off_tail() -> uuid.UUID:
    """The last two events of a clinic are gone with their seals; the last one's id."""
    last = event_at(6)
    with behind_our_back() as database:
        for event_id in (event_at(5), last):
            database.execute("DELETE FROM audit_auditevent WHERE id = %s", [event_id])
            database.execute("DELETE FROM audit_seal WHERE event_id = %s", [event_id])
    return last


def faults(anchors: list[Anchor] | None = None) -> list[tuple[object, object, object, str]]:
    report = verifying.verify(at=LATER, anchors=anchors or [])
    return [(fault.chain, fault.number, fault.event_id, fault.what.partition(":")[0]) for fault in report.faults]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("deed", ["UPDATE {} SET clinic_id = NULL", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_application_is_denied(table: str, deed: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        connection.cursor().execute(deed.format(table))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("deed", ["UPDATE {} SET clinic_id = NULL", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_owner_is_stopped_by_the_triggers(table: str, deed: str) -> None:
    with (
        owner.connect(connection.settings_dict["NAME"]) as database,
        pytest.raises(psycopg.errors.RaiseException, match="Cannot"),
    ):
        database.execute(deed.format(table))


def test_an_untouched_memory_has_no_fault() -> None:
    report = verifying.verify(at=LATER)
    assert (report.events, report.faults) == (11, [])


def test_every_column_is_sealed() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = 'audit_auditevent'")
        assert {name for (name,) in cursor.fetchall()} == set(rows.COLUMNS)


@pytest.mark.parametrize(
    "change",
    [
        "at = at + interval '1 microsecond'",
        "clinic_id = NULL",
        "actor_id = gen_random_uuid()",
        "patient_ids = '{}'",
        "reason = 'x'",
        "result = 'denied'",
        "details = '{}'",
        "address = '192.0.2.1'",
        "written_in = '1'",
    ],
)
def test_an_altered_event_is_named(change: str) -> None:
    event_id = event_at(3)
    with behind_our_back() as database:
        database.execute(f"UPDATE audit_auditevent SET {change} WHERE id = %s", [event_id])
    assert faults() == [(HERE, 3, event_id, "altered")]


def test_a_removed_event_is_named() -> None:
    event_id = event_at(4)
    with behind_our_back() as database:
        database.execute("DELETE FROM audit_auditevent WHERE id = %s", [event_id])
    assert faults() == [(HERE, 4, event_id, "removed")]


def test_an_event_removed_with_its_seal_is_named() -> None:
    event_id = event_at(4)
    with behind_our_back() as database:
        database.execute("DELETE FROM audit_auditevent WHERE id = %s", [event_id])
        database.execute("DELETE FROM audit_seal WHERE event_id = %s", [event_id])
    assert faults() == [(HERE, 4, None, "removed with its seal")]


def test_an_event_slipped_in_is_named() -> None:
    slipped = uuid.uuid4()
    with behind_our_back() as database:
        database.execute(
            "INSERT INTO audit_auditevent (id, at, clinic_id, actor_kind, role, action, patient_ids, reason, result, "
            # As of a transaction long over: what is still open elsewhere on the server must not decide.
            "details, written_in) SELECT %s, at, clinic_id, actor_kind, role, action, patient_ids, reason, result, "
            "details, '3'::xid8 FROM audit_auditevent WHERE id = %s",
            [slipped, event_at(2)],
        )
    sealing.seal(at=LATER)
    assert faults() == [(HERE, None, slipped, "has no seal, and is of 2026-03-02 10")]


def test_an_event_altered_with_its_own_seal_is_named() -> None:
    event_id = event_at(3)
    with behind_our_back() as database:
        database.execute("UPDATE audit_auditevent SET reason = 'x' WHERE id = %s", [event_id])
        database.execute("UPDATE audit_seal SET hash = %s WHERE event_id = %s", [fitting_hash(database, 3), event_id])
    assert faults() == [(HERE, 3, event_id, "written anew")]


def test_a_seal_put_on_another_event_is_named() -> None:
    first, second = event_at(2), event_at(3)
    with behind_our_back() as database:
        database.execute("UPDATE audit_seal SET event_id = gen_random_uuid() WHERE event_id = %s", [first])
        database.execute("UPDATE audit_seal SET event_id = %s WHERE event_id = %s", [first, second])
    found = faults()
    assert (HERE, 3, first, "altered") in found
    assert (HERE, None, second, "has no seal, and is of 2026-03-02 10") in found


def test_an_unsealed_event_is_named_when_it_is_older_than_thirty_seconds() -> None:
    remember(HERE, 1)
    young = verifying.verify(at=AT + verifying.MOST_UNSEALED)
    old = verifying.verify(at=AT + verifying.MOST_UNSEALED + timedelta(seconds=1))
    assert (young.faults, [fault.chain for fault in old.faults]) == ([], [HERE])


class TestAgainstAnAnchor:
    """What was told outside is still so, or is named: a chain cut off or written anew as a whole fits in itself."""

    @pytest.fixture
    def anchored(self) -> list[Anchor]:
        return anchoring.heads(at=LATER)

    def test_a_chain_that_went_on_has_no_fault(self, anchored: list[Anchor]) -> None:
        remember(HERE, 2)
        sealing.seal(at=LATER)
        assert faults(anchored) == []

    def test_a_cut_off_tail_is_named(self, anchored: list[Anchor]) -> None:
        event_id = cut_off_tail()
        assert faults() == []
        assert faults(anchored) == [(HERE, 6, event_id, "cut off")]

    def test_a_whole_clinic_gone_is_named(self, anchored: list[Anchor]) -> None:
        event_id = event_at(6)
        with behind_our_back() as database:
            for table in TABLES:
                database.execute(f"DELETE FROM {table} WHERE clinic_id = %s", [HERE])
        assert faults() == []
        assert faults(anchored) == [(HERE, 6, event_id, "cut off")]

    def test_a_chain_written_anew_is_named(self, anchored: list[Anchor]) -> None:
        event_id = event_at(6)
        with behind_our_back() as database:
            database.execute("UPDATE audit_auditevent SET reason = 'x' WHERE id = %s", [event_at(2)])
            previous = chain.GENESIS
            for number in range(1, 7):
                database.execute(
                    "UPDATE audit_seal SET previous = %s WHERE clinic_id = %s AND number = %s",
                    [previous, HERE, number],
                )
                previous = fitting_hash(database, number)
                database.execute(
                    "UPDATE audit_seal SET hash = %s WHERE clinic_id = %s AND number = %s", [previous, HERE, number]
                )
        assert faults() == []
        assert faults(anchored) == [(HERE, 6, event_id, "written anew since it was anchored on 2026-03-02 10")]


def fitting_hash(database: psycopg.Connection[Any], number: int) -> bytes:
    """The hash that a forger with the tables and our code would write for this seal's event as it stands now."""
    selected = ", ".join(
        f'e."{name}"' if name != "written_in" else "e.written_in::text::bigint" for name in rows.COLUMNS
    )
    row = database.execute(
        f"SELECT s.previous, {selected} FROM audit_seal s JOIN audit_auditevent e ON e.id = s.event_id "
        "WHERE s.clinic_id = %s AND s.number = %s",
        [HERE, number],
    ).fetchone()
    assert row is not None
    return chain.link(bytes(row[0]), chain.canonical(dict(zip(rows.COLUMNS, row[1:], strict=True))))


class TestTheCommands:
    @pytest.fixture(autouse=True)
    def places(self, settings: Any, tmp_path: Path) -> Path:
        settings.AUDIT_ANCHOR_FILE = str(tmp_path / "anchors.jsonl")
        settings.AUDIT_ANCHOR_MAIL = ["keeper@test.invalid"]
        return tmp_path / "anchors.jsonl"

    def test_verify_says_what_it_read(self) -> None:
        said = StringIO()
        call_command("audit_verify", stdout=said)
        assert said.getvalue() == "11 sealed events, 0 anchors: nothing was touched.\n"

    def test_verify_names_and_ends_with_one(self) -> None:
        event_id = event_at(3)
        with behind_our_back() as database:
            database.execute("UPDATE audit_auditevent SET reason = 'x' WHERE id = %s", [event_id])
        said = StringIO()
        with pytest.raises(CommandError) as ended:
            call_command("audit_verify", stdout=said)
        assert said.getvalue() == f"clinic {HERE}, number 3, event {event_id}: altered\n"
        assert ended.value.returncode == 1

    def test_anchors_go_to_file_and_mail_and_are_read_back_from_both(self, places: Path, tmp_path: Path) -> None:
        call_command("audit_anchor", stdout=StringIO())
        call_command("audit_anchor", stdout=StringIO())
        assert len(places.read_text().splitlines()) == 6
        assert places.stat().st_mode & 0o777 == 0o600
        mailed = tmp_path / "mailed"
        mailed.write_text("Subject: anchors\n\n" + re.sub("^", "> ", mail.outbox[0].body, flags=re.M))
        for file in (places, mailed):
            said = StringIO()
            call_command("audit_verify", against=file, stdout=said)
            assert said.getvalue().endswith(" anchors: nothing was touched.\n")

    def test_the_nightly_look_and_the_command_see_a_cut_off_tail_by_the_kept_anchors(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        anchoring.anchor(at=LATER)
        event_id = cut_off_tail()
        named = f"clinic {HERE}, number 6, event {event_id}: cut off"
        said = StringIO()
        with pytest.raises(CommandError):
            call_command("audit_verify", stdout=said)
        assert named in said.getvalue()
        tasks.verify()
        assert [line.startswith(f"memory: {named}") for line in caplog.messages] == [True]

    def test_kept_anchors_that_cannot_be_read_are_told_of(self, places: Path, caplog: pytest.LogCaptureFixture) -> None:
        places.write_text('{"anchor":1,"clinic"')
        with pytest.raises(CommandError) as ended:
            call_command("audit_verify")
        assert ended.value.returncode == 2
        tasks.verify()
        assert "memory: the kept anchors cannot be read: JSONDecodeError" in caplog.messages

    def test_an_anchor_says_ids_counts_and_hashes_only(self, places: Path) -> None:
        call_command("audit_anchor", stdout=StringIO())
        told = [json.loads(line) for line in places.read_text().splitlines()]
        assert {tuple(line) for line in told} == {("anchor", "clinic", "number", "count", "event", "hash", "at")}
        assert {(line["clinic"], line["number"], line["count"]) for line in told} == {
            (str(HERE), 6, 6),
            (str(THERE), 3, 3),
            (None, 2, 2),
        }

    def test_a_place_that_cannot_be_told_is_named_and_the_others_are_told(self, settings: Any, places: Path) -> None:
        settings.AUDIT_ANCHOR_SYSLOG = str(places.parent / "no-such-socket")
        with pytest.raises(CommandError, match="syslog"):
            call_command("audit_anchor", stdout=StringIO())
        assert len(mail.outbox) == 1
        assert places.exists()

    def test_a_syslog_is_told(self, settings: Any, listening: Callable[[], list[str]]) -> None:
        settings.AUDIT_ANCHOR_SYSLOG = listening.place  # type: ignore[attr-defined]
        call_command("audit_anchor", stdout=StringIO())
        assert [anchor.chain for anchor in anchoring.read(listening())] == [None, HERE, THERE]

    def test_a_file_without_anchors_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "empty").write_text("nothing\n")
        for name in ("empty", "missing"):
            with pytest.raises(CommandError) as ended:
                call_command("audit_verify", against=tmp_path / name)
            assert ended.value.returncode == 2


@pytest.fixture
def listening() -> Iterator[Callable[[], list[str]]]:
    """A system log on the loopback; called, it gives the three lines it was told."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)

        def told() -> list[str]:
            return [server.recv(4096).decode().rstrip("\0") for _ in range(3)]

        told.place = f"127.0.0.1:{server.getsockname()[1]}"  # type: ignore[attr-defined]
        yield told
