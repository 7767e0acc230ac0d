"""Papers set by typst: tagged PDF from plain data. Words of people go in as data and are never part of the markup."""

import functools
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import typst

_HERE = Path(__file__).parent
_FONT = "fontpkg_atkinson_hyperlegible"


def pdf(template: str, data: dict[str, Any]) -> bytes:
    """The paper of `template` (a file beside this one, without its ending) as PDF/UA-1."""
    return bytes(_compile(template, data, format="pdf", pdf_standards=["ua-1"]))


def pages_as_png(template: str, data: dict[str, Any]) -> list[bytes]:
    """The same paper as pictures, one a page: for looking at it."""
    made = _compile(template, data, format="png", ppi=80)
    return made if isinstance(made, list) else [made]


def _compile(template: str, data: dict[str, Any], **how: Any) -> Any:
    return typst.compile(
        str(_HERE / f"{template}.typ"),
        root=str(_HERE),
        sys_inputs={"data": json.dumps(data)},
        font_paths=[_fonts()],
        ignore_system_fonts=True,
        **how,
    )


@functools.cache
def _fonts() -> str:
    return str(files(_FONT))
