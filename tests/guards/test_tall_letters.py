"""Look-alike names are written in their tall letters wherever a person reads them (common/drug_names.py)."""

import ast
from collections.abc import Iterator
from pathlib import Path

from common.drug_names import tall_man

ROOT = Path(__file__).parents[2]
ROOMS = (
    "accounts", "audit", "charts", "common", "desk", "exports", "imports", "ldn_clinic", "patients", "portal",
    "reminders", "symptoms", "titration",
)  # fmt: skip
READ_BY_TALL_MAN = {
    *("portal/words.toml", "titration/emergency_card.toml", "titration/rules.toml"),
    *("patients/screening.toml", "patients/consents/off_label.toml"),
}
"""Data files whose words pass through `tall_man` as they are read."""
SEARCHED_FOR = {"common/drug_names.py", "common/medicine_classes.py", "patients/opioids.toml"}
"""Names as people write them, to be found, and the codes of classes: not shown."""


def _files(*endings: str) -> Iterator[Path]:
    for room in (*ROOMS, "templates"):
        for path in sorted((ROOT / room).rglob("*")):
            named = path.relative_to(ROOT).as_posix()
            if path.suffix in endings and named not in READ_BY_TALL_MAN | SEARCHED_FOR and "migrations" not in named:
                yield path


def _literals(tree: ast.Module) -> Iterator[ast.Constant]:
    """Texts that may reach a screen: all but docstrings and the loose strings that explain a name above them."""
    loose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in loose:
            yield node


def test_no_text_in_code_writes_them_small() -> None:
    small = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in _files(".py")
        for node in _literals(ast.parse(path.read_text("utf-8")))
        if tall_man(node.value) != node.value
    ]
    assert not small, small


def test_no_template_and_no_data_writes_them_small() -> None:
    small = [
        f"{path.relative_to(ROOT)}: {line}"
        for path in _files(".html", ".txt", ".toml", ".typ", ".js")
        for line in path.read_text("utf-8").splitlines()
        if tall_man(line) != line
    ]
    assert not small, small
