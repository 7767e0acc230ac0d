"""What the application refuses to start with. Web, worker and every command of `manage.py` ask here.

The sentences name a setting and what to do; they never show a secret.
"""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error, register
from django.core.exceptions import ImproperlyConfigured

from common import sealed
from common.keyring import KeysRefused
from symptoms import condition_items

TAG = "start"
DEMO_IN_WORDS = "yes-on-this-database"
SHORTEST_KEY, FEWEST_CHARACTERS = 50, 12
# Words that stand where a key should: of examples, of templates, of a first try.
NO_KEYS = ("insecure", "change", "secret", "default", "example", "password")


@register(TAG)
def refusals(app_configs: object = None, **_: Any) -> list[Error]:
    """Everything that keeps this installation from starting."""
    reasons = (*_signing_key(), *_field_keys(), *_exposure(), *_demo(), *_questions())
    return [Error(sentence, id=f"clinic.{code}") for code, sentence in reasons]


def refuse() -> None:
    """For processes that run no system checks of their own: raises `ImproperlyConfigured` with every reason."""
    if found := refusals():
        raise ImproperlyConfigured(" ".join(str(error.msg) for error in found))


def _signing_key() -> Iterator[tuple[str, str]]:
    key = settings.SECRET_KEY
    if len(key) < SHORTEST_KEY or len(set(key)) < FEWEST_CHARACTERS:
        yield "E001", f"SECRET_KEY is too short or too plain: {SHORTEST_KEY} random characters or more are needed."
    elif any(word in key.casefold() for word in NO_KEYS):
        yield "E001", "SECRET_KEY reads like one from an example. Make a random one."


def _field_keys() -> Iterator[tuple[str, str]]:
    try:
        sealed.keyring()
    except KeysRefused as error:
        yield "E002", f"FIELD_KEYS do not serve: {error}. Name their file in FIELD_KEYS_FILE."


def _exposure() -> Iterator[tuple[str, str]]:
    if settings.DEBUG:
        yield "E003", "DEBUG is on: its pages show what no page may. Switch it off."
    if "*" in settings.ALLOWED_HOSTS:
        yield "E004", "ALLOWED_HOSTS is “*”: name the hosts this clinic is reached by."
    address = urlsplit(settings.BASE_URL)
    if address.scheme != "https" and not is_loopback(address.hostname or ""):
        yield "E005", "CLINIC_BASE_URL is without TLS and not on this machine: patients' pages need https://."


def _demo() -> Iterator[tuple[str, str]]:
    if not settings.DEMO or settings.DEMO_SAID == DEMO_IN_WORDS:
        return
    database = settings.DATABASES["default"]
    if not is_our_own(str(database["HOST"]), int(database["PORT"] or 0), settings.STATE_DIR):
        sentence = (
            "Demo mode lets anybody sign in with one click, and this database is not one that ./clinic run made. "
            f"If it holds nobody's records, say CLINIC_DEMO={DEMO_IN_WORDS}."
        )
        yield "E006", sentence


def _questions() -> Iterator[tuple[str, str]]:
    try:
        condition_items.all_items()
    except (KeyError, TypeError, ValueError) as error:
        yield "E007", f"symptoms/condition_items.toml cannot be read: {error}"


def is_loopback(host: str) -> bool:
    """Whether a name or address can only be this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_our_own(host: str, port: int, state: Path) -> bool:
    """Whether the server at this address runs on data in our own state folder: its lock file names its port."""
    locks = state.glob("postgres/postgres-*/postmaster.pid")
    return is_loopback(host) and any(port == _port_in(lock) for lock in locks)


def _port_in(lock: Path) -> int | None:
    try:
        lines: Sequence[str] = lock.read_text().splitlines()
        return int(lines[3])
    except (OSError, ValueError, IndexError):
        return None
