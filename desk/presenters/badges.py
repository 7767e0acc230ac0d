"""A state as a badge: the word that says it, and the colour and icon that repeat it (components/badge.html)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Badge:
    text: str
    kind: str = ""
    icon: str = ""
