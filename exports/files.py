"""Where exports lie on disk: a directory only the application's user can enter, one file each, named by ids alone.

A draft carries its lease, a finished file its export: no name comes from a person, and a draft can never be fetched.
"""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.conf import settings

_DRAFT = ".draft"
_BLOCK = bytes(1 << 16)


@contextmanager
def draft(lease: uuid.UUID) -> Iterator[IO[bytes]]:
    """A new file to write, readable by this user alone; it is on the disk, not only in memory, when this ends."""
    path = _directory() / f"{lease}{_DRAFT}"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def publish(lease: uuid.UUID, export_id: uuid.UUID) -> None:
    """Turn the draft into the export's file, in one move."""
    directory = _directory()
    (directory / f"{lease}{_DRAFT}").replace(directory / str(export_id))


def open_finished(export_id: uuid.UUID) -> IO[bytes]:
    """The export's file. Raises FileNotFoundError if it is not, or no longer, there."""
    return (_directory() / str(export_id)).open("rb")


def shred(export_id: uuid.UUID) -> None:
    """Overwrite and remove the export's file. Once gone, this does nothing."""
    _shred(_directory() / str(export_id))


def shred_draft(lease: uuid.UUID) -> None:
    """The same for a draft nobody goes on with."""
    _shred(_directory() / f"{lease}{_DRAFT}")


def drafts() -> set[uuid.UUID]:
    """The leases of all drafts there are."""
    return {uuid.UUID(path.stem) for path in _directory().glob(f"*{_DRAFT}")}


def _directory() -> Path:
    directory = Path(settings.EXPORT_DIR)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    return directory


def _shred(path: Path) -> None:
    try:
        file = path.open("r+b")
    except FileNotFoundError:
        return
    with file:
        for _ in range(0, path.stat().st_size, len(_BLOCK)):
            file.write(_BLOCK)
        file.flush()
        os.fsync(file.fileno())
    path.unlink(missing_ok=True)
