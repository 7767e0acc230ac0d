"""What a seal is made of: the canonical form of an event, and the hash that hangs it on the one before.

Anybody with the rows and this page can check a chain without our database: SHA-256 over the hash before it and the
event's canonical form.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

GENESIS = bytes(32)
"""What the first event of a chain hangs on."""


def canonical(columns: Mapping[str, object]) -> bytes:
    """The one way to write an event down: JSON in UTF-8, names in order, no spaces, moments in UTC to a microsecond.

    A column without a value is left out, so that a column added later leaves the hashes of older events as they were.
    """
    told = {name: _plain(value) for name, value in columns.items() if value is not None}
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def link(previous: bytes, event: bytes) -> bytes:
    """The hash of an event in its canonical form, hung on the hash before it: 32 bytes."""
    return hashlib.sha256(previous + event).digest()


def _plain(value: object) -> object:
    match value:
        case bool() | int() | str() | dict():
            return value
        case uuid.UUID():
            return str(value)
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        case list():
            return [_plain(one) for one in value]
    raise TypeError(f"A {type(value).__name__} has no canonical form.")
