"""Anchors: the newest seal of each chain, told to places that whoever holds the database does not hold.

A superuser can write a whole chain anew, or cut off its end, and every hash will fit. The anchors of an hour ago,
somewhere else, still say what stood there. They hold ids, counts and hashes, and nothing of anybody.
"""

import json
import logging
import logging.handlers
import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.mail import send_mail

from audit import rows
from audit.rows import Chain

log = logging.getLogger(__name__)
_BEGINS = '{"anchor":'


@dataclass(frozen=True)
class Anchor:
    """What a chain's head was at a moment."""

    chain: Chain
    number: int
    hash: bytes
    event_id: uuid.UUID
    count: int
    at: datetime

    def line(self) -> str:
        """One line of JSON, the same in a file, a mail and the system's log."""
        clinic = str(self.chain) if self.chain else None
        told = {
            "anchor": 1,
            "clinic": clinic,
            "number": self.number,
            "count": self.count,
            "event": str(self.event_id),
            "hash": self.hash.hex(),
            "at": self.at.astimezone(UTC).isoformat(timespec="seconds"),
        }
        return json.dumps(told, separators=(",", ":"))


def heads(*, at: datetime) -> list[Anchor]:
    """The newest seal of every chain that has one."""
    found = ((chain, rows.head(chain)) for chain in rows.chains())
    return [
        Anchor(chain, head.number, head.hash, head.event_id, rows.count_of(chain), at)
        for chain, head in found
        if head and head.event_id
    ]


def anchor(*, at: datetime) -> list[str]:
    """Tell the heads to every place that the settings name; the places that could not be told."""
    told = "".join(f"{head.line()}\n" for head in heads(at=at))
    return [place for place, tell in _places().items() if told and not _done(place, tell, told)]


def read(text: Iterable[str]) -> Iterator[Anchor]:
    """Anchors from a file, a saved mail or a system log: whatever stands before the JSON of a line is passed over."""
    for line in text:
        begins = line.find(_BEGINS)
        if begins >= 0:
            told = json.loads(line[begins:].strip())
            yield Anchor(
                chain=uuid.UUID(told["clinic"]) if told["clinic"] else None,
                number=told["number"],
                hash=bytes.fromhex(told["hash"]),
                event_id=uuid.UUID(told["event"]),
                count=told["count"],
                at=datetime.fromisoformat(told["at"]),
            )


def kept() -> list[Anchor]:
    """The anchors in the file of the settings; none where there is no such file yet. Raises OSError, ValueError or
    KeyError for a file that cannot be read as one."""
    path = Path(settings.AUDIT_ANCHOR_FILE) if settings.AUDIT_ANCHOR_FILE else None
    if path is None or not path.exists():
        return []
    with path.open(encoding="utf-8") as lines:
        return list(read(lines))


def _places() -> dict[str, Callable[[str], None]]:
    places: dict[str, Callable[[str], None]] = {}
    if settings.AUDIT_ANCHOR_FILE:
        places["file"] = _to_file
    if settings.AUDIT_ANCHOR_MAIL:
        places["mail"] = _to_mail
    if settings.AUDIT_ANCHOR_SYSLOG:
        places["syslog"] = _to_syslog
    return places


def _done(place: str, tell: Callable[[str], None], told: str) -> bool:
    """A place that cannot be told must not keep the others from it."""
    try:
        tell(told)
    except OSError as error:
        log.error("the memory was not anchored by %s: %s", place, type(error).__name__)
        return False
    return True


def _to_file(told: str) -> None:
    """One write at the end of the file, on the disk before this returns."""
    path = Path(settings.AUDIT_ANCHOR_FILE)
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, told.encode())
        os.fsync(file)
    finally:
        os.close(file)


def _to_mail(told: str) -> None:
    send_mail("Anchors of the clinic's memory", told, None, settings.AUDIT_ANCHOR_MAIL)


def _to_syslog(told: str) -> None:
    place = settings.AUDIT_ANCHOR_SYSLOG
    host, _, port = place.rpartition(":")
    handler = _Syslog(address=place if place.startswith("/") else (host, int(port)))
    try:
        for line in told.splitlines():
            handler.emit(logging.LogRecord("ldn-clinic", logging.WARNING, "", 0, "%s", (line,), None))
    finally:
        handler.close()


class _Syslog(logging.handlers.SysLogHandler):
    """Says when it could not be told, where the standard one would only print it."""

    ident = "ldn-clinic: "

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the standard library's name
        raise  # noqa: PLE0704  called where the error is being handled
