"""The words a patient chooses from, read once from the reviewed file beside this module."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "items.toml").read_text("utf-8"))


@cache
def side_effects() -> Mapping[str, str]:
    """Label by code, in the order of expected use."""
    return MappingProxyType(_file()["side_effects"])


@cache
def warning_signs() -> Mapping[str, str]:
    """Label by code of the signs that are asked apart."""
    return MappingProxyType(_file()["warning_signs"])


@cache
def signs() -> Mapping[str, str]:
    """Everything that is told with a severity: the side effects, then the warning signs."""
    return MappingProxyType({**side_effects(), **warning_signs()})


def labelled(told: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """(label, severity) of each sign told, severity by code; a code the list has lost stands as it is."""
    labels = signs()
    return tuple((labels.get(code, code), severity) for code, severity in told.items())


def severities() -> list[str]:
    """From least to worst."""
    return list(_file()["severities"])


@cache
def skip_reasons() -> Mapping[str, str]:
    """Why a dose was left out: label by code."""
    return MappingProxyType(_file()["skip_reasons"])


@cache
def dream_vividness() -> Mapping[int, str]:
    """Label by value 0 to 3."""
    return MappingProxyType({int(value): label for value, label in _file()["dream_vividness"].items()})


@cache
def quality() -> Mapping[int, str]:
    """Sleep quality: label by value 1 to 5."""
    return MappingProxyType({int(value): label for value, label in _file()["quality"].items()})
