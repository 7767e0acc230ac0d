"""S01, on paper: docs/access-matrix.md says what the doors and the lines of the matrix say."""

import os

from launch.places import ROOT
from tests.guards import access_document


def test_the_access_matrix_is_the_one_in_the_code_and_in_its_lines() -> None:
    """`CLINIC_DOCS=write` writes it anew: its lines are the tests', so no command of the clinic's can."""
    page = ROOT / "docs" / "access-matrix.md"
    if os.environ.get("CLINIC_DOCS") == "write":
        page.write_text(access_document.text(), encoding="utf-8")
    same = page.read_text(encoding="utf-8") == access_document.text()
    assert same, "run CLINIC_DOCS=write ./clinic test tests/security/test_s01_document.py"
