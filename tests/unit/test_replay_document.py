"""`docs/replay.md` is true: every example is run, and what it prints is what the page says."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from launch.places import ROOT
from titration.replay import command_line, kinds

PAGE = ROOT / "docs/replay.md"
BLOCK = re.compile(r"^```(?P<kind>json|sh|text)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = "./clinic manage replay_course course.json "


def examples() -> Iterator[tuple[str, str, str]]:
    """Each file with the words of a command and what it prints."""
    file = command = ""
    for block in BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        match block["kind"]:
            case "json":
                file = block["body"]
            case "sh":
                command = block["body"].strip()
            case "text":
                yield file, command, block["body"]


@pytest.mark.parametrize(("file", "command", "printed"), list(examples()))
def test_the_example_prints_what_the_page_says(file: str, command: str, printed: str, tmp_path: Path) -> None:
    path = tmp_path / "course.json"
    path.write_text(file, encoding="utf-8")
    assert command.startswith(COMMAND)
    stdout, stderr = io.StringIO(), io.StringIO()
    assert command_line.main([str(path), *command.removeprefix(COMMAND).split()], stdout, stderr) == 0
    assert stdout.getvalue() == printed


def test_there_are_examples() -> None:
    assert len(list(examples())) >= 5


def test_every_kind_and_synonym_is_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for kind, words in kinds.SYNONYMS.items():
        assert all(f"`{word}`" in page for word in (kind, *words)), kind
