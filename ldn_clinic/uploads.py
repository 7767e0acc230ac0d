"""Files that come in: one, small, in memory alone, and only at a door that says it takes one."""

from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

SLACK = 10
"""How often more than the limit is still read, so that who sent too much is told so on the page."""


class OneSmallFile(FileUploadHandler):
    """Keeps a file for the page whose door takes one; of a file that is too large, one byte more than may be."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, str],  # noqa: N803  Django names it so
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        most = self._most()
        if most and content_length > most * SLACK:
            raise RequestDataTooBig("A file many times too large was sent.")

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if not self._most():
            raise TooManyFilesSent("This page takes no file.")
        self.kept = bytearray()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.kept += raw_data[: self._most() + 1 - len(self.kept)]

    def file_complete(self, file_size: int) -> UploadedFile:
        # What the file is called on the sender's machine may name a person, and is not kept.
        return SimpleUploadedFile("table", bytes(self.kept))

    def _most(self) -> int:
        """How many bytes this page takes; 0 for none at all."""
        found = getattr(self.request, "resolver_match", None)
        door = getattr(found.func, "access", None) if found else None
        return door.takes_file if door else 0
