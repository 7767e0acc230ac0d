"""Where secrets are read from: a file, systemd's credentials, or (at a desk) the environment.

The environment of a service is inherited by all it starts and shown by `systemctl show`; a file is not.
"""

from collections.abc import Mapping
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def secret(environ: Mapping[str, str], name: str) -> str:
    """The secret called `name`, without the line end; empty when nobody gave it.

    From the file that `<name>_FILE` names, from `name` itself, or from the file `name` in small letters in
    `$CREDENTIALS_DIRECTORY`, where systemd puts credentials. Given in two ways it is refused: nobody could tell which
    one holds. Raises `ImproperlyConfigured`, which names the secret and never shows it.
    """
    named, said = environ.get(f"{name}_FILE"), environ.get(name)
    if named and said:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set. Give the secret once, best in the file.")
    if named:
        return _read(Path(named), f"{name}_FILE")
    if said:
        return said.strip()
    folder = environ.get("CREDENTIALS_DIRECTORY")
    credential = Path(folder, name.lower()) if folder else None
    return _read(credential, f"the credential {name.lower()}") if credential and credential.exists() else ""


def _read(path: Path, what: str) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{what} cannot be read ({type(error).__name__}).") from None
