"""What a log may say of a fault: where it happened and of what kind, never the words it happened over."""

import copy
import logging
import traceback
from types import TracebackType

from django.db import IntegrityError, OperationalError

Fault = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
# Their first line names a constraint or a server that is away; the second would quote the row.
FIRST_LINE_IS_SAFE = (IntegrityError, OperationalError)


class WordlessFormatter(logging.Formatter):
    """Writes a trace as files, lines and the kinds of errors: what an error says may quote a name or a note."""

    def format(self, record: logging.LogRecord) -> str:
        if isinstance(record.args, dict) and "exc" in record.args:  # Celery says the error of a task in its message
            record = copy.copy(record)
            error = record.exc_info[1] if record.exc_info else None
            record.args = {**record.args, "exc": kind_of(error) if error else "an error", "traceback": ""}
        return super().format(record)

    def formatException(self, ei: Fault) -> str:  # noqa: N802  Python's own name
        error, lines = ei[1], list[str]()
        while error is not None:
            frames = traceback.extract_tb(error.__traceback__)
            lines += [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
            lines.append(kind_of(error))
            error = error.__cause__ or error.__context__
        return "\n".join(lines)


def kind_of(error: BaseException) -> str:
    """The error's class, and what was broken where that is no secret."""
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    said = str(error).splitlines() if isinstance(error, FIRST_LINE_IS_SAFE) else []
    return f"{name}: {said[0]}" if said else name
