"""What the person who starts ./clinic may say in the environment, and what the application's processes are told."""

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from launch.failure import Failure
from launch.places import VENV

SHORTEST_KEY = 50  # characters; the application refuses a shorter one
YES_ON_THIS_DATABASE = "yes-on-this-database"
# Given to the launcher, never passed on: the owner's powers, and what would point our programs elsewhere.
NOT_PASSED_ON = (
    "DATABASE_URL",
    "DATABASE_URL_FILE",
    "DATABASE_OWNER_URL",
    "DATABASE_APP_URL",
    "DATABASE_WORKER_URL",
    "DATABASE_EXPORT_URL",
    "SECRET_KEY",
    "FIELD_KEYS",
    "VIRTUAL_ENV",
    "PYTHONHOME",
    "PYTHONPATH",
    "DEBUG",
)
OF_A_GIVEN_MAIL_SERVER = (
    "EMAIL_HOST_USER",
    "EMAIL_HOST_PASSWORD",
    "EMAIL_HOST_PASSWORD_FILE",
    "EMAIL_USE_TLS",
    "EMAIL_USE_SSL",
)
# Secrets of the application that are made here when nobody gives them, and handed on in files.
CREDENTIALS = ("SECRET_KEY", "FIELD_KEYS")


@dataclass(frozen=True)
class Given:
    """The launcher's own settings, read once and checked."""

    database_url: str | None
    application_url: str | None
    worker_url: str | None
    export_url: str | None
    broker_url: str | None
    mail_host: str | None
    mail_port: int
    port: int
    base_url: str
    demo: bool
    state_folder: str | None
    credentials: Mapping[str, str]
    """What was given of `CREDENTIALS`, by name."""
    credential_files: Mapping[str, Path]
    """Where it lies when it was given in a file."""
    demo_in_words: bool = False
    """Demo mode was asked for in words, whatever the database holds."""


def read(environ: Mapping[str, str]) -> Given:
    """Read the settings; a mistake is refused with a sentence."""
    database_url = _postgres(environ, "DATABASE_URL")
    files = {name: path for name in CREDENTIALS if (path := _file_of(environ, name))}
    port = _port(environ, "PORT", 8000)
    base_url = (environ.get("CLINIC_BASE_URL") or f"http://localhost:{port}").rstrip("/")
    credentials = {name: said for name in CREDENTIALS if (said := _secret(environ, name))}
    _refuse(environ, base_url, credentials.get("SECRET_KEY"))
    return Given(
        demo_in_words=environ.get("CLINIC_DEMO") == YES_ON_THIS_DATABASE,
        database_url=database_url,
        application_url=_postgres(environ, "DATABASE_APP_URL"),
        worker_url=_postgres(environ, "DATABASE_WORKER_URL"),
        export_url=_postgres(environ, "DATABASE_EXPORT_URL"),
        broker_url=environ.get("BROKER_URL") or None,
        mail_host=environ.get("EMAIL_HOST") or None,
        mail_port=_port(environ, "EMAIL_PORT", 25),
        port=port,
        base_url=base_url,
        demo=_demo(environ.get("CLINIC_DEMO", ""), own_database=database_url is None),
        state_folder=environ.get("CLINIC_STATE_DIR") or None,
        credentials=credentials,
        credential_files=files,
    )


def passed_on(environ: Mapping[str, str], *, own_mail: bool = False) -> dict[str, str]:
    """The environment that programs of the application inherit, without what is not theirs to know.

    `own_mail`: mail goes to our own catcher, so what was said about another server does not hold.
    """
    dropped = NOT_PASSED_ON + (OF_A_GIVEN_MAIL_SERVER if own_mail else ())
    kept = {name: value for name, value in environ.items() if name not in dropped}
    kept["PATH"] = f"{VENV / 'bin'}{os.pathsep}{environ.get('PATH', '/usr/bin:/bin')}"
    kept["DJANGO_SETTINGS_MODULE"] = "ldn_clinic.settings"
    kept["PYTHONUNBUFFERED"] = "1"
    return kept


def forget_postgres(environ: MutableMapping[str, str]) -> None:
    """On our own server: PGSSLMODE, PGOPTIONS and their like speak of another one, and libpq would obey them."""
    for name in [name for name in environ if name.startswith("PG")]:
        del environ[name]


def _refuse(environ: Mapping[str, str], base_url: str, secret_key: str | None) -> None:
    """What the application itself would refuse, said before anything is started."""
    if secret_key and len(secret_key.split()[0]) < SHORTEST_KEY:
        raise Failure(f"SECRET_KEY is too short: {SHORTEST_KEY} random characters or more are needed.")
    if "*" in environ.get("ALLOWED_HOSTS", "").split(","):
        raise Failure("ALLOWED_HOSTS is “*”: name the hosts this clinic is reached by.")
    host = urlsplit(base_url).hostname or ""
    here = host in ("localhost", "::1") or host.endswith(".localhost") or host.startswith("127.")
    if not base_url.startswith("https://") and not here:
        raise Failure(
            f"CLINIC_BASE_URL is without TLS and not on this machine ({host}): patients' pages need https://."
        )


def _demo(said: str, *, own_database: bool) -> bool:
    """Demo mode opens sign-in by one click: on a database that was given it must be asked for in words."""
    if own_database:
        return said.lower() not in ("0", "no", "off", "false")
    if said and said != YES_ON_THIS_DATABASE and said.lower() not in ("0", "no", "off", "false"):
        raise Failure(
            "Demo mode lets anybody sign in with one click. For the database given in DATABASE_URL it is only "
            f"switched on by CLINIC_DEMO={YES_ON_THIS_DATABASE}."
        )
    return said == YES_ON_THIS_DATABASE


def _postgres(environ: Mapping[str, str], name: str) -> str | None:
    url = _secret(environ, name) or None
    if url and not url.startswith(("postgres://", "postgresql://")):
        raise Failure(f"{name} must begin with postgres:// (this application runs on Postgres only).")
    return url


def _secret(environ: Mapping[str, str], name: str) -> str:
    """A secret from the environment, from the file that `<name>_FILE` names, or from systemd's credentials."""
    path = _file_of(environ, name)
    if path is None:
        return environ.get(name, "").strip()
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"The file of {name} ({path}) cannot be read: {type(error).__name__}.") from error


def _file_of(environ: Mapping[str, str], name: str) -> Path | None:
    named = environ.get(f"{name}_FILE")
    if named and environ.get(name):
        raise Failure(f"{name} and {name}_FILE are both set. Give the secret once, best in the file.")
    if named:
        return Path(named)
    if environ.get(name) or not environ.get("CREDENTIALS_DIRECTORY"):
        return None
    credential = Path(environ["CREDENTIALS_DIRECTORY"], name.lower())
    return credential if credential.exists() else None


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    said = environ.get(name) or str(default)
    if not said.isdigit() or not 0 < int(said) < 65536:
        raise Failure(f"{name} must be a number from 1 to 65535, not “{said}”.")
    return int(said)
