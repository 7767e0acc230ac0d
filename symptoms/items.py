"""The words a patient chooses from, read once from the reviewed file beside this module."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "items.toml").read_text("utf-8"))


def side_effects() -> dict[str, str]:
    """Label by code, in the order of expected use."""
    return dict(_file()["side_effects"])


def severities() -> list[str]:
    """From least to worst."""
    return list(_file()["severities"])


def skip_reasons() -> dict[str, str]:
    """Why a dose was left out: label by code."""
    return dict(_file()["skip_reasons"])


def dream_vividness() -> dict[int, str]:
    """Label by value 0 to 3."""
    return {int(value): label for value, label in _file()["dream_vividness"].items()}


def quality() -> dict[int, str]:
    """Sleep quality: label by value 1 to 5."""
    return {int(value): label for value, label in _file()["quality"].items()}
