"""Pure: a grid as the text that is sealed in the staging table, and back."""

import json
from collections.abc import Sequence

from imports.grid import Cell, Grid

Written = str | Sequence[str]


def to_text(grid: Grid) -> str:
    """The same text for the same cells, whatever kind of file they came in."""
    return json.dumps([[_written(cell) for cell in row] for row in grid], ensure_ascii=False, separators=(",", ":"))


def from_text(text: str) -> Grid:
    return tuple(tuple(_cell(written) for written in row) for row in json.loads(text))


def _written(cell: Cell) -> Written:
    return [cell.text, cell.fault] if cell.fault else cell.text


def _cell(written: Written) -> Cell:
    return Cell(written) if isinstance(written, str) else Cell(*written)
