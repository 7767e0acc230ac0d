"""A protocol as the text of a TOML file, and read from one: how templates travel between clinics.

Python reads TOML and does not write it; a protocol needs three kinds of line, so they are written here.
"""

import json
import tomllib
from collections.abc import Iterator
from typing import Any

from titration.engine.protocol import Protocol
from titration.engine.refusals import EngineRefusal

LONGEST_TEXT = 100_000


def to_toml(protocol: Protocol) -> str:
    """The text of the file; `from_toml` reads the same protocol from it."""
    data = protocol.to_json()
    tables = {name: data.pop(name) for name in ("sources", "rungs")}
    lines = [*_pairs(data)]
    for name, rows in tables.items():
        for row in rows:
            lines += ["", f"[[{name}]]", *_pairs(row)]
    return "\n".join(lines) + "\n"


def from_toml(text: str) -> Protocol:
    """The protocol of a file's text; raises `EngineRefusal` with a sentence for a text that holds none."""
    if len(text) > LONGEST_TEXT:
        raise EngineRefusal(f"A template has at most {LONGEST_TEXT:,} characters.")
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise EngineRefusal(f"This is no TOML: {error}.") from error
    return Protocol.from_json(data)


def _pairs(values: dict[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if value is None or (name in ("reason", "note") and not value):
            continue
        yield f"{name} = {_value(value)}"


def _value(value: Any) -> str:
    match value:
        case dict():
            return "{ " + ", ".join(_pairs(value)) + " }"
        case str():
            # The texts of JSON are texts of TOML, but for one character that TOML wants written out.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
        case _:
            return str(value)
