"""The hazard log says nothing that is not so: every rule is placed, and every proof that it names exists."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOG = ROOT / "docs/clinical-safety.md"
SEVERITIES = {"catastrophic", "major", "considerable", "significant"}
WITHOUT_PROOF = {"H19": "none: see known limits"}
"""Hazards that nothing in the software holds back; they stand among the known limits."""

_PROOF = re.compile(r"tests/[\w/*]+\.(?:py|json)(?:::\w+)*")


def _rows() -> list[list[str]]:
    lines = [line for line in LOG.read_text("utf-8").splitlines() if re.match(r"\| H\d+ ", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def _name(row: list[str]) -> str:
    return row[0].partition(" ")[0]


def _named_in(table: str) -> list[str]:
    return re.findall(r"`([^`]*)`", table)


def _exists(proof: str) -> bool:
    path, *names = proof.split("::")
    files = list(ROOT.glob(path))
    return bool(files) and all(_has(file, names) for file in files if names)


def _has(file: Path, names: list[str]) -> bool:
    body: list[ast.stmt] = ast.parse(file.read_text("utf-8")).body
    for name in names:
        kinds = (ast.ClassDef, ast.FunctionDef)
        found = next((one for one in body if isinstance(one, kinds) and one.name == name), None)
        if found is None:
            return False
        body = found.body
    return True


def test_each_hazard_has_cause_severity_control_and_proof() -> None:
    rows = _rows()
    assert len(rows) > 50
    for row in rows:
        assert len(row) == 5, row
        assert all(row), row
        assert row[2] in SEVERITIES, row


def test_each_number_is_given_once_and_in_order() -> None:
    numbers = [int(_name(row).removeprefix("H")) for row in _rows()]
    assert numbers == sorted(set(numbers))


def test_every_rule_holds_a_hazard_back() -> None:
    rules = set(tomllib.loads((ROOT / "titration/rules.toml").read_text("utf-8"))["rules"])
    placed = {rule for row in _rows() for rule in re.findall(r"\b[RD][0-9]{2}[a-c]?\b", row[0])}
    assert placed == rules


@pytest.mark.parametrize("row", _rows(), ids=_name)
def test_every_proof_exists(row: list[str]) -> None:
    proofs = _named_in(row[4])
    if not proofs:
        assert row[4] == WITHOUT_PROOF[_name(row)]
    for proof in proofs:
        assert _PROOF.fullmatch(proof), proof
        assert _exists(proof), proof


def test_every_proof_of_the_readme_exists() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    table = readme[readme.index("| promise | proof |") :].partition("\n\n")[0]
    proofs = [one for one in _named_in(table) if one.startswith("tests/") and not one.endswith("/")]
    assert len(proofs) > 10
    for proof in proofs:
        assert _PROOF.fullmatch(proof), proof
        assert _exists(proof), proof


@pytest.mark.parametrize(
    "proof",
    [
        "tests/unit/test_no_such_file.py",
        "tests/unit/test_advice.py::TestNoSuchClass",
        "tests/unit/test_advice.py::TestTheBook::test_no_such_test",
    ],
)
def test_what_does_not_exist_is_found_out(proof: str) -> None:
    assert not _exists(proof)
