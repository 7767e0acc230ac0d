"""S28: an installation in earnest starts without a warning, and what must not stand in the settings keeps it down.

Each case is a process of its own with the environment of an installation behind HTTPS.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from common import keyring
from ldn_clinic import checks

ROOT = Path(__file__).parents[2]
UNSAID = {"DATABASE_URL", "DJANGO_ALLOW_ASYNC_UNSAFE", "FIELD_KEYS_FILE", "SECRET_KEY_FILE", "SECRET_KEY_FALLBACKS"}


@pytest.fixture
def in_earnest(tmp_path: Path) -> dict[str, str]:
    """Secrets in systemd's credentials, HTTPS, hosts named, no demo."""
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "secret_key").write_text(os.urandom(48).hex() + "\n")
    (credentials / "field_keys").write_text(keyring.new_line("2026") + "\n")
    (credentials / "database_url").write_text(os.environ["DATABASE_URL"])
    kept = {name: value for name, value in os.environ.items() if name not in UNSAID}
    return {
        **kept,
        "CREDENTIALS_DIRECTORY": str(credentials),
        "CLINIC_BASE_URL": "https://clinic.example",
        "ALLOWED_HOSTS": "clinic.example",
        "CLINIC_DEMO": "0",
        "CLINIC_STATE_DIR": str(tmp_path),
    }


def starting(env: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    whole = [sys.executable, *command]
    return subprocess.run(whole, env=env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


def test_s28_an_installation_in_earnest_has_nothing_to_warn_of(in_earnest: dict[str, str]) -> None:
    done = starting(in_earnest, "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert starting(in_earnest, "-c", "import ldn_clinic.wsgi").returncode == 0


@pytest.mark.parametrize(
    ("said", "code", "sentence"),
    [
        ({"SECRET_KEY": "short"}, "E001", "SECRET_KEY is too short"),
        ({"SECRET_KEY": "a" * 80}, "E001", "SECRET_KEY is too short or too plain"),
        ({"SECRET_KEY": "django-insecure-0123456789abcdefghijklmnopqrstuvwxyz0123456789"}, "E001", "from an example"),
        ({"FIELD_KEYS": "id:not-a-key"}, "E002", "line 1 of the field keys"),
        ({"ALLOWED_HOSTS": "*"}, "E004", "name the hosts"),
        ({"CLINIC_BASE_URL": "http://clinic.example"}, "E005", "need https://"),
        ({"CLINIC_DEMO": "1"}, "E006", "not one that ./clinic run made"),
    ],
    ids=["short key", "plain key", "example key", "field keys", "any host", "no TLS", "demo"],
)
def test_s28_what_must_not_stand_keeps_it_down(
    in_earnest: dict[str, str], said: dict[str, str], code: str, sentence: str
) -> None:
    env = {**in_earnest, **said}
    done = starting(env, "manage.py", "check")
    assert done.returncode == 1
    assert f"clinic.{code}" in done.stderr
    assert sentence in done.stderr
    assert said.get("SECRET_KEY", "never said") not in done.stderr.replace("too short", "")


def test_s28_the_web_server_asks_too(in_earnest: dict[str, str]) -> None:
    served = starting({**in_earnest, "ALLOWED_HOSTS": "*"}, "-c", "import ldn_clinic.wsgi")
    assert served.returncode == 1
    assert "name the hosts" in served.stderr


def test_s28_without_field_keys_nothing_starts(in_earnest: dict[str, str], tmp_path: Path) -> None:
    Path(in_earnest["CREDENTIALS_DIRECTORY"], "field_keys").unlink()
    done = starting(in_earnest, "-m", "celery", "-A", "ldn_clinic", "beat", "--pidfile=", "-s", str(tmp_path / "beat"))
    assert done.returncode != 0
    assert "there are no field keys" in done.stderr + done.stdout


def test_s28_without_a_signing_key_nothing_starts(in_earnest: dict[str, str]) -> None:
    Path(in_earnest["CREDENTIALS_DIRECTORY"], "secret_key").unlink()
    done = starting(in_earnest, "manage.py", "check")
    assert done.returncode != 0
    assert "There is no SECRET_KEY" in done.stderr


def test_s28_a_secret_given_twice_is_refused_unseen(in_earnest: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "key").write_text("the-one-in-the-file")
    twice = {**in_earnest, "SECRET_KEY": "the-one-in-the-open", "SECRET_KEY_FILE": str(tmp_path / "key")}
    done = starting(twice, "manage.py", "check")
    assert done.returncode != 0
    assert "both set" in done.stderr
    assert "the-one-in" not in done.stderr


def test_s28_a_demo_may_be_asked_for_in_words(in_earnest: dict[str, str]) -> None:
    assert starting({**in_earnest, "CLINIC_DEMO": "yes-on-this-database"}, "manage.py", "check").returncode == 0


def test_s28_debug_cannot_be_switched_on_by_the_environment(in_earnest: dict[str, str]) -> None:
    asked = "import django; django.setup(); from django.conf import settings; print(settings.DEBUG)"
    env = {**in_earnest, "DEBUG": "1", "DJANGO_DEBUG": "1", "DJANGO_SETTINGS_MODULE": "ldn_clinic.settings"}
    assert starting(env, "-c", asked).stdout.strip() == "False"


def test_s28_debug_would_be_refused(settings) -> None:  # type: ignore[no-untyped-def]
    settings.DEBUG = True
    assert "clinic.E003" in {error.id for error in checks.refusals()}


class TestOurOwnDatabase:
    @pytest.fixture
    def state(self, tmp_path: Path) -> Path:
        data = tmp_path / "postgres" / "postgres-18"
        data.mkdir(parents=True)
        (data / "postmaster.pid").write_text("12345\n/data\n1700000000\n5433\n/run\n127.0.0.1\n")
        return tmp_path

    def test_it_is_known_by_the_port_in_its_lock(self, state: Path) -> None:
        assert checks.is_our_own("127.0.0.1", 5433, state)

    @pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 5432), ("db.example", 5433), ("10.0.0.1", 5433)])
    def test_another_server_is_not(self, state: Path, host: str, port: int) -> None:
        assert not checks.is_our_own(host, port, state)

    def test_a_folder_without_a_server_proves_nothing(self, tmp_path: Path) -> None:
        assert not checks.is_our_own("127.0.0.1", 5433, tmp_path)
