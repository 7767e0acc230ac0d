"""Reads what browsers report about the content security policy; keeps nothing that could say who was on which page."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.urls import Resolver404, resolve

OLD, NEW = "application/csp-report", "application/reports+json"
# What the two forms call the directive, the directive in older browsers, what was blocked, and the page.
OLD_NAMES = ("effective-directive", "violated-directive", "blocked-uri", "document-uri")
NEW_NAMES = ("effectiveDirective", "violatedDirective", "blockedURL", "documentURL")
LONGEST_BODY = 16_000  # bytes
MOST_AT_ONCE = 20
LONGEST = 100  # characters of a directive or an origin
ELSEWHERE = "elsewhere"


class NotAReport(Exception):
    """The body is none of the two forms browsers send."""


@dataclass(frozen=True)
class Breach:
    """What was blocked, where it would have come from, and on which kind of page: the pattern, never the address."""

    directive: str
    blocked: str
    page: str


def read(body: bytes, content_type: str) -> list[Breach]:
    """The breaches in a report of either form; `NotAReport` for anything else."""
    try:
        said = json.loads(body)
        if content_type == OLD:
            return [_breach(said["csp-report"], OLD_NAMES)]
        if content_type == NEW:
            found = [one["body"] for one in said[:MOST_AT_ONCE] if one["type"] == "csp-violation"]
            return [_breach(one, NEW_NAMES) for one in found]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise NotAReport from error
    raise NotAReport


def _breach(said: dict[str, Any], names: tuple[str, str, str, str]) -> Breach:
    directive, before, blocked, page = names
    words = str(said.get(directive) or said[before]).split() or [""]
    return Breach(_plain(words[0]), _origin(str(said.get(blocked, ""))), _pattern(str(said[page])))


def _origin(address: str) -> str:
    """Where it would have come from, without what stands behind the host: "inline", "data", "https://evil.invalid"."""
    parts = urlsplit(address)
    if parts.scheme in ("http", "https"):
        return _plain(f"{parts.scheme}://{parts.hostname or ''}")
    return _plain(parts.scheme or address)


def _pattern(address: str) -> str:
    """Which of our pages: its pattern, so that no id in the address is kept."""
    try:
        return resolve(urlsplit(address).path).route or "/"
    except (Resolver404, ValueError):
        return ELSEWHERE


def _plain(words: str) -> str:
    return "".join(letter for letter in words if letter.isascii() and letter.isprintable())[:LONGEST]
