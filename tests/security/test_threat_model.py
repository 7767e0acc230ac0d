"""What the threat model names as a proof is there."""

import re

import pytest

from launch.places import ROOT

NAMED = re.compile(r"`(tests/[\w./]+\.py)`|\]\(([\w/.-]+\.md)\)")


@pytest.mark.parametrize("page", ["docs/threat-model.md", "SECURITY.md"])
def test_every_proof_it_names_is_there(page: str) -> None:
    folder = (ROOT / page).parent
    named = NAMED.findall((ROOT / page).read_text())
    assert named
    missing = [test or link for test, link in named if not ((ROOT / test) if test else (folder / link)).exists()]
    assert not missing
