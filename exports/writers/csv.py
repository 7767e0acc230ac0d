"""The one CSV writer: RFC 4180, CRLF, UTF-8, decimal points, and no cell that a spreadsheet would run.

Values keep their kind: a number is written as a number, so that -0.5 survives; text that could begin a formula gets a
leading apostrophe, which spreadsheets show and other readers may strip.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

Cell = str | int | Decimal | date | None
"""None is a blank. A float, a bool and a moment without a zone are refused: what they mean is not exact."""

BOM = b"\xef\xbb\xbf"
"""Tells old Excel that a file is UTF-8; everything else reads it as part of the first name."""

# Full-width and small forms are folded to the plain sign by some spreadsheets.
_SIGNS = "=+\\-@＝＋－＠﹦﹢﹣﹫"
# Danger begins at the start of a cell. It also begins after a line break or a semicolon inside one, where a spreadsheet
# that expects semicolons would start a new cell, whatever the quotes around ours say; such quotes may stand between.
_DANGER = re.compile(rf"\A(?=[\t\r\n\0])|(?:\A|(?<=[\r\n;]))(?=[\0\"]*[{_SIGNS}])")


def header(names: Sequence[str], *, bom: bool = False) -> bytes:
    """The first record of a file, with a byte order mark only where asked for."""
    return (BOM if bom else b"") + records([names])


def records(rows: Iterable[Sequence[Cell]]) -> bytes:
    """Some rows as records, each ended by CRLF."""
    page = io.StringIO(newline="")
    csv.writer(page, lineterminator="\r\n").writerows(map(_cells, rows))
    return page.getvalue().encode("utf-8")


def neutral(text: str) -> str:
    """The text with an apostrophe wherever a formula could begin, and without NULs."""
    if not text or (text[0].isalnum() and ";" not in text and text.isprintable()):
        return text  # Most cells end here: asking the pattern would cost several times as much.
    return _DANGER.sub("'", text).replace("\0", "")


def number(value: Decimal) -> str:
    """A number in its shortest positional form: never an exponent, never a trailing zero. "-0.5", "7.5", "100"."""
    if not value.is_finite():
        raise ValueError("Only a finite number can be written.")
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _moment(value: datetime) -> str:
    if value.tzinfo is None:
        raise TypeError("A moment is written with its offset.")
    return value.isoformat(timespec="seconds")


_WRITTEN: dict[type, Callable[[Any], str]] = {
    str: neutral,
    Decimal: number,
    date: date.isoformat,
    datetime: _moment,
}


def _cells(row: Sequence[Cell]) -> list[Any]:
    """Blanks and whole numbers are what the csv module writes as they are; for all else the kind decides."""
    try:
        return [value if value is None or type(value) is int else _WRITTEN[type(value)](value) for value in row]
    except KeyError as error:
        raise TypeError(f"A {error.args[0].__name__} has no exact form in a CSV.") from error
