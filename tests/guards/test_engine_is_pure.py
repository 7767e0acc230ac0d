"""Keeps a rule of the house: the pure part computes from its arguments. No Django, no clock, no file, no setting."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READING = {"command_line.py", "known.py", "judging.py"}
"""The rooms of a replay that bring in what is read: a file, the names of medicines, the rule book."""

PURE = [
    *sorted((ROOT / "titration/engine").rglob("*.py")),
    *sorted(path for path in (ROOT / "titration/replay").glob("*.py") if path.name not in READING),
    *(ROOT / "common" / name for name in ("dose.py", "dose_limits.py", "drug_names.py", "night.py", "refusals.py")),
]
ALLOWED = {
    "abc", "bisect", "calendar", "collections", "dataclasses", "datetime", "decimal", "enum", "fractions", "functools",
    "hashlib", "itertools", "json", "math", "operator", "re", "string", "tomllib", "typing", "zoneinfo",
    "common.dose", "common.dose_limits", "common.drug_names", "common.medicine_classes", "common.night",
    "common.refusals", "symptoms.scoring", "titration.engine", "titration.replay",
}  # fmt: skip
CLOCK_AND_WORLD = {"now", "today", "utcnow", "read_text", "write_text", "getenv"}
BUILTINS_OF_THE_WORLD = {"open", "print", "input", "eval", "exec", "compile", "__import__"}


def impurities(source: str) -> Iterator[str]:
    """Each thing in the source that reaches out of its arguments, in words."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (f"imports {alias.name}" for alias in names if not is_allowed(alias.name))
            case ast.ImportFrom(level=0, module=str(module)):
                if not is_allowed(module):
                    yield f"imports {module}"
            case ast.ImportFrom():
                yield "imports from a place relative to itself"
            case ast.Call(func=ast.Attribute(attr=attr)) if attr in CLOCK_AND_WORLD:
                yield f"calls {attr}"
            case ast.Name(id=name) if name in BUILTINS_OF_THE_WORLD:
                yield f"calls {name}"


def is_allowed(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in ALLOWED)


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_pure_part_computes_from_its_arguments(path: Path) -> None:
    assert list(impurities(path.read_text(encoding="utf-8"))) == []


def test_the_rooms_are_where_they_were() -> None:
    """An empty list would prove nothing."""
    assert {"timeline.py", "gate.py", "protocol.py", "dose.py", "night.py"} <= {path.name for path in PURE}


@pytest.mark.parametrize(
    "source",
    [
        "import django",
        "from django.db import models",
        "import os",
        "from common import clock",
        "from titration import models",
        "from . import timeline",
        "def f():\n    from pathlib import Path",
        "from datetime import date\ndate.today()",
        "from datetime import datetime\ndatetime.now()",
        "open('x')",
        "print('x')",
    ],
)
def test_the_guard_sees_what_it_guards_against(source: str) -> None:
    assert list(impurities(source))
