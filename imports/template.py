"""The empty table to fill in, as CSV and as a spreadsheet whose second sheet says what is written where."""

import csv
import io
from collections.abc import Sequence

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from imports import grid
from imports.rows import COLUMNS

BOM = b"\xef\xbb\xbf"
_PLAIN_TEXT = "@"
_ROWS_AS_TEXT = 400
"""How many rows are set to plain text, so that a spreadsheet turns no date or number into something else."""


def as_csv() -> bytes:
    """The names of the columns alone, so that no example is ever imported. With a mark that tells it is UTF-8."""
    page = io.StringIO(newline="")
    csv.writer(page, lineterminator="\r\n").writerow([column.name for column in COLUMNS])
    return BOM + page.getvalue().encode()


def as_xlsx(conditions: Sequence[str], templates: Sequence[str]) -> bytes:
    """The same as a spreadsheet; `conditions` and `templates` are the names that may be written."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None  # noqa: S101  a new workbook has one
    sheet.title = grid.SHEET
    for number, column in enumerate(COLUMNS, 1):
        sheet.cell(1, number, column.name).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(number)].width = max(14, len(column.name) + 4)
        for row in range(2, _ROWS_AS_TEXT + 2):
            sheet.cell(row, number).number_format = _PLAIN_TEXT
    sheet.freeze_panes = "A2"
    notes = book.create_sheet(grid.NOTES)
    notes.append(["column", "what to write", "needed", "for example"])
    for column in COLUMNS:
        notes.append([column.name, column.words, column.needed, column.example])
    notes.append([])
    notes.append(["conditions", "These names can be written:"])
    for name in conditions:
        notes.append(["", name])
    notes.append([])
    notes.append(["plan", "These codes can be written:"])
    for name in templates:
        notes.append(["", name])
    for width, letter in ((18, "A"), (90, "B"), (10, "C"), (40, "D")):
        notes.column_dimensions[letter].width = width
    for cell in notes[1]:
        cell.font = Font(bold=True)
    for row in notes.iter_rows():
        for cell in row:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
