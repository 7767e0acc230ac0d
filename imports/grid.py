"""Pure: what was uploaded or pasted as a grid of texts, or one sentence why it is none.

A cell keeps what was written and nothing is guessed: an encoding that is not known, a formula whose result could be
another tomorrow, a bomb of zeros are refused. A date that a spreadsheet keeps as a date comes out as 1980-12-31.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from xml.parsers import expat

from openpyxl import load_workbook

from common.refusals import Refused

MOST_BYTES = 1_000_000
"""300 patients with their medicines take a tenth of this."""
MOST_ROWS = 1_000
MOST_COLUMNS = 60
LONGEST_CELL = 20_000
MOST_UNPACKED = 10_000_000
"""Bytes of a spreadsheet's parts together. A real one of 1,000 rows unpacks to about one million."""
MOST_PARTS = 200
FURTHEST_ROW = 100_000
"""Where empty rows of a sheet are no longer walked through."""

TOO_LARGE = (
    f"This is larger than {MOST_BYTES // 1_000_000} MB. A table of {MOST_ROWS} patients is smaller: "
    "take other sheets and pictures out, or split it."
)
TOO_MANY_ROWS = f"There are more than {MOST_ROWS} rows. Split the table and bring it in parts."
TOO_MANY_COLUMNS = f"There are more than {MOST_COLUMNS} columns. Keep to those of the template."
NOT_UTF8 = (
    "The letters of this file cannot be read for certain. In your spreadsheet save it as “CSV UTF-8”, or as .xlsx."
)
NOT_A_TABLE = (
    "This is no table we can read. Save it as .xlsx or as CSV, with the names of the columns in the first row."
)
EMPTY = "There is nothing in it. The first row holds the names of the columns, each row below it a patient."
NOT_XLSX = "This file cannot be read as a spreadsheet. Save it anew as .xlsx, without a password, or as CSV."
A_BOMB = "This file unpacks to far more than a table of patients. Copy the table into a new file and save that."
A_MACRO = "This file holds macros. Save it as .xlsx without macros, or as CSV."
SEVERAL_SHEETS = (
    "There are tables on several sheets. Keep the patients on one sheet and take the others out, "
    "or name the patients' sheet “Patients”."
)
A_FORMULA = "This is a formula, whose result may change. Copy it and paste its value."
A_FAULT = "The spreadsheet shows an error here. Mend it or write the value."

SHEET = "Patients"
NOTES = "Notes"
"""The sheet of the template that explains the columns; it is not read."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What was written in one cell, without blanks around it; `fault` says why it cannot be taken as it stands."""

    text: str
    fault: str = ""


Grid = tuple[tuple[Cell, ...], ...]
"""Row by row from the first of the sheet on, empty ones included: row n of the grid is row n + 1 of the spreadsheet."""


def read(content: bytes) -> Grid:
    """An uploaded file, told by its first bytes and not by its name. Raises `Refused`."""
    if len(content) > MOST_BYTES:
        raise Refused(TOO_LARGE)
    if content.startswith(b"PK"):
        return _bounded(_sheet(content))
    return _bounded(_separated(_decoded(content)))


def read_pasted(text: str) -> Grid:
    """A table copied from a spreadsheet (cells parted by tabs) or the text of a CSV. Raises `Refused`."""
    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise Refused(TOO_LARGE)
    return _bounded(_separated(text))


def _bounded(rows: Iterable[Iterable[Cell]]) -> Grid:
    """The rows without empty ends; too much of anything is refused before it is kept."""
    grid: list[tuple[Cell, ...]] = []
    blank = 0
    for row in rows:
        cells = list(row)
        while cells and not cells[-1].text and not cells[-1].fault:
            cells.pop()
        if len(cells) > MOST_COLUMNS:
            raise Refused(TOO_MANY_COLUMNS)
        if not cells:
            blank += 1
            continue
        if len(grid) + blank + 1 > MOST_ROWS + 1:
            raise Refused(TOO_MANY_ROWS)
        grid += [()] * blank + [tuple(cells)]
        blank = 0
    if not grid:
        raise Refused(EMPTY)
    return tuple(grid)


def _decoded(content: bytes) -> str:
    """UTF-8, or UTF-16 that says so; anything else is refused, for a wrong guess would change names unseen."""
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise Refused(NOT_UTF8) from error


def _separated(text: str) -> Iterator[list[Cell]]:
    """Cells parted by tabs, semicolons or commas: by whichever the first row holds most of."""
    text = text.removeprefix("\ufeff")
    if "\0" in text:
        raise Refused(NOT_A_TABLE)
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max("\t;,", key=first.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for row in lines:
            yield [_cell(value) for value in row]
    except csv.Error as error:
        raise Refused(NOT_A_TABLE) from error


def _cell(text: str) -> Cell:
    words = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if len(words) > LONGEST_CELL:
        return Cell(words[:40] + "…", f"There are {len(words):,} characters in this cell. Shorten it.")
    return Cell(words)


def _sheet(content: bytes) -> Iterator[list[Cell]]:
    """The cells of the one sheet that holds something. Nothing is unpacked before its size is known."""
    _check_parts(content)
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
        sheets = [sheet for sheet in book.worksheets if sheet.title.strip().casefold() != NOTES.casefold()]
        named = [sheet for sheet in sheets if sheet.title.strip().casefold() == SHEET.casefold()]
        held = [rows for rows in (_rows_of(sheet) for sheet in named or sheets) if rows]
    except Refused:
        raise
    except Exception as error:
        # Whatever a broken file does to its reader is the file's fault.
        raise Refused(NOT_XLSX) from error
    if len(held) > 1:
        raise Refused(SEVERAL_SHEETS)
    for rows in held:
        yield from rows


def _check_parts(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = packed.infolist()
            if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
                raise Refused(A_BOMB)
            names = {part.filename for part in parts}
            if any(name.casefold().endswith("vbaproject.bin") for name in names):
                raise Refused(A_MACRO)
            if "[Content_Types].xml" not in names or any(part.flag_bits & 1 for part in parts):
                raise Refused(NOT_XLSX)
            # What a part says of its size holds: reading ends there.
            for part in parts:
                if part.filename.casefold().endswith((".xml", ".rels", ".vml")):
                    _check_markup(packed.read(part))
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, OSError, ValueError) as error:
        raise Refused(NOT_XLSX) from error


def _check_markup(text: bytes) -> None:
    """Refuse a document type: entities that unfold or fetch begin there, and no spreadsheet writes one."""
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _no_doctype
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise Refused(NOT_XLSX) from error


def _no_doctype(*_: object) -> None:
    raise Refused(NOT_XLSX)


def _rows_of(sheet: Any) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    # One column more than fits, so that what is too much is seen and not cut.
    for number, row in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS + 1)):
        if number > FURTHEST_ROW:
            raise Refused(TOO_MANY_ROWS)
        rows.append([_written(cell) for cell in row] if any(cell.value is not None for cell in row) else [])
    while rows and not any(cell.text or cell.fault for cell in rows[-1]):
        rows.pop()
    return rows


def _written(cell: Any) -> Cell:
    """A cell of a spreadsheet as somebody would have typed it."""
    value = cell.value
    match value:
        case None:
            return Cell("")
        case bool():
            return Cell("TRUE" if value else "FALSE")
        case datetime():
            whole = value.time() == time(0) and value.tzinfo is None
            return Cell(value.date().isoformat() if whole else value.isoformat(sep=" "))
        case date():
            return Cell(value.isoformat())
        case int():
            return Cell(str(value))
        case float():
            # The shortest decimal that is this number: what the spreadsheet shows and what was typed.
            shortest = format(Decimal(repr(value)), "f")
            return Cell(shortest.rstrip("0").rstrip(".") if "." in shortest else shortest)
        case str() if cell.data_type == "f":
            return Cell(value[:40], A_FORMULA)
        case str() if cell.data_type == "e":
            return Cell(value, A_FAULT)
        case str():
            return _cell(value)
        case _:
            return Cell("", A_FORMULA)
