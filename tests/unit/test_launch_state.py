"""What outlives a run: secrets, the lock, the memory of processes."""

import os
import stat
import subprocess
import time
from pathlib import Path

import pytest

from common.keyring import Keyring
from launch import identity, servers, settings, state
from launch.failure import Failure
from launch.state import Record, State

RECORD = Record(
    "postgres://app",
    "postgres://worker",
    "postgres://export",
    "postgres://backup",
    "postgres://owner",
    "redis://",
    "127.0.0.1",
    25,
    {"SECRET_KEY_FILE": "/run/key"},
    "http://localhost:8000",
    demo=True,
    own_mail=True,
    own_database=True,
)


@pytest.fixture
def folder(tmp_path):
    made = State(tmp_path / "state")
    made.prepare(identity.myself(), identity.myself())
    return made


class TestSecrets:
    def test_they_are_made_once_and_differ(self, folder):
        first = folder.secrets()
        assert folder.secrets() == first
        assert len(set(first.values())) == len(first)
        assert all(len(secret) >= 32 for secret in first.values())

    def test_only_the_starter_can_read_them(self, folder):
        folder.secrets()
        assert stat.S_IMODE((folder.folder / "secrets.json").stat().st_mode) == 0o600

    def test_a_spoiled_file_is_not_replaced(self, folder):
        (folder.folder / "secrets.json").write_text("{")
        with pytest.raises(Failure, match="cannot be read"):
            folder.secrets()
        assert (folder.folder / "secrets.json").read_text() == "{"


class TestCredentials:
    @staticmethod
    def files(folder, **said):
        return folder.credentials(settings.read(said), identity.myself())

    def test_they_are_made_once_and_only_the_application_can_read_them(self, folder):
        first = {name: Path(path).read_text() for name, path in self.files(folder).items()}
        again = self.files(folder)
        assert {name: Path(path).read_text() for name, path in again.items()} == first
        assert set(first) == {"SECRET_KEY_FILE", "FIELD_KEYS_FILE"}
        assert all(stat.S_IMODE(Path(path).stat().st_mode) == 0o600 for path in again.values())
        assert stat.S_IMODE((folder.folder / "credentials").stat().st_mode) == 0o700

    def test_the_ring_that_is_made_is_one_the_application_reads(self, folder):
        ring = Keyring.parse(Path(self.files(folder)["FIELD_KEYS_FILE"]).read_text())
        assert ring.open(ring.seal("words", "a.b"), "a.b") == "words"

    def test_given_keys_are_used_and_our_own_stay_for_what_they_sealed(self, folder):
        own = Path(self.files(folder)["FIELD_KEYS_FILE"])
        before = own.read_text()
        given = Path(self.files(folder, FIELD_KEYS="given:secret")["FIELD_KEYS_FILE"])
        assert given.read_text() == "given:secret\n"
        assert own.read_text() == before
        assert Path(self.files(folder)["FIELD_KEYS_FILE"]) == own

    def test_a_secret_in_a_file_is_not_copied(self, folder, tmp_path):
        path = tmp_path / "ring"
        path.write_text("given:secret")
        assert self.files(folder, FIELD_KEYS_FILE=str(path))["FIELD_KEYS_FILE"] == str(path)
        assert not (folder.folder / "credentials" / "given_field_keys").exists()

    def test_systemds_credentials_are_found(self, folder, tmp_path):
        (tmp_path / "secret_key").write_text("k" * 60)
        assert self.files(folder, CREDENTIALS_DIRECTORY=str(tmp_path))["SECRET_KEY_FILE"] == str(
            tmp_path / "secret_key"
        )

    def test_a_file_that_is_missing_is_a_sentence_without_the_secret(self, folder):
        with pytest.raises(Failure, match=r"FIELD_KEYS .* cannot be read"):
            self.files(folder, FIELD_KEYS_FILE="/nowhere/ring")

    def test_a_secret_given_twice_is_refused(self, folder):
        with pytest.raises(Failure, match="both set"):
            self.files(folder, SECRET_KEY="k", SECRET_KEY_FILE="/run/key")


class TestOneAtATime:
    def test_a_second_launcher_is_kept_out_until_the_first_is_gone(self, folder):
        assert folder.claim()
        second = State(folder.folder)
        assert not second.claim()
        folder.release()
        assert second.claim()
        second.release()

    def test_the_record_is_found_and_forgotten(self, folder):
        folder.write_record(RECORD)
        assert folder.read_record() == RECORD
        assert stat.S_IMODE((folder.folder / "running.json").stat().st_mode) == 0o600
        folder.remove_record()
        assert folder.read_record() is None

    def test_folders_are_closed_to_others(self, folder):
        for name in ("postgres", "valkey", "exports", "mailbox"):
            assert stat.S_IMODE((folder.folder / name).stat().st_mode) == 0o700


class TestLeftovers:
    def test_what_a_killed_launcher_left_is_ended(self, folder):
        left = subprocess.Popen(["sleep", "60"])
        folder.write_processes([left.pid])
        folder.wait_for_leftovers(seconds=0.2)
        assert left.wait(5) == -9

    def test_another_process_with_the_same_number_is_left_alone(self, folder):
        stranger = subprocess.Popen(["sleep", "60"])
        try:
            (folder.folder / "processes.json").write_text(f'{{"{stranger.pid}": "1"}}')
            folder.wait_for_leftovers(seconds=0.2)
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()

    def test_a_process_that_ends_by_itself_is_waited_for(self, folder):
        left = subprocess.Popen(["sleep", "0.3"])
        folder.write_processes([left.pid])
        started = time.monotonic()
        folder.wait_for_leftovers(seconds=20)
        assert time.monotonic() - started < 5
        assert left.wait(5) == 0

    def test_a_process_that_is_gone_has_no_start(self):
        gone = subprocess.Popen(["true"])
        gone.wait()
        assert state.started_at(gone.pid) == ""
        assert state.started_at(os.getpid())


def test_a_full_disk_is_a_sentence(folder, monkeypatch):
    monkeypatch.setattr(state, "LEAST_SPACE", 10**18)
    with pytest.raises(Failure, match="The disk is full"):
        folder.check_space()


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            "LOG:  x\nFATAL:  could not create lock file: Permission denied\n",
            "could not create lock file: Permission denied",
        ),
        ("initdb: error: directory exists but is not empty\n", "directory exists but is not empty"),
        ("PANIC:  cannot abort\nFATAL: could not write: No space left on device", "the disk is full"),
        ("", "it gave no reason"),
    ],
)
def test_a_servers_complaint_becomes_its_reason(said, reason):
    assert servers._reason(said) == reason


def test_a_port_in_use_is_seen():
    import socket

    with socket.socket() as taken:
        taken.bind((servers.LOOPBACK, 0))
        taken.listen()
        assert not servers.is_free(taken.getsockname()[1])
    assert servers.is_free(servers.free_port())
