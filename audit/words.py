"""What each action is called, read once from the file beside this module."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Words:
    """An action as the clinic's reading room says it, and as the patient's own page does ("" where it shows nobody)."""

    did: str
    you: str


@dataclass(frozen=True)
class Group:
    """Actions of one kind, to narrow a search by."""

    code: str
    title: str
    actions: tuple[str, ...]


def of(action: str) -> Words:
    """The words of an action; one that has none yet is called by its own name, never left out."""
    bare = action.replace(".", ": ").replace("_", " ")
    return _file()[1].get(action) or Words(bare, f"did something that concerns you ({bare})")


def is_named(action: str) -> bool:
    return action in _file()[1]


def groups() -> tuple[Group, ...]:
    return _file()[0]


@cache
def _file() -> tuple[tuple[Group, ...], dict[str, Words]]:
    raw = tomllib.loads((Path(__file__).parent / "words.toml").read_text("utf-8"))
    found = tuple(Group(code, group["title"], tuple(group["actions"])) for code, group in raw.items())
    words = {
        action: Words(said["did"], said.get("you", ""))
        for group in raw.values()
        for action, said in group["actions"].items()
    }
    return found, words
