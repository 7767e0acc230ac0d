"""What is read and signed before off-label use, as plain words: the text, its hash, and when it is due anew.

A text is a body in the simplest of mark-up: a line "# …" is a heading, a line "- …" a point of a list, every other line
a paragraph. The program's own is read once from the reviewed file; a clinic may publish versions of its own.
"""

import hashlib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from common.drug_names import tall_man

ELEMENTS = {
    1: "the medicine and its range of doses; licensed against off-label use",
    2: "a compounded product that no authority has reviewed",
    3: "the limits of the evidence for this condition, negative trials among them",
    4: "that benefit is uncertain, and when it is judged (8 to 12 weeks)",
    5: "what else there is, no treatment among it; that it replaces no other medicine",
    6: "common effects and what to do about them",
    7: "no opioids, hidden ones by name; operations; the emergency card",
    8: "warnings: liver, mood, thyroid",
    9: "pregnancy, breastfeeding, contraception",
    10: "that the dose changes only as agreed; whom to call; that the pages call no help",
    11: "who reads what is told, and that nobody watches day and night",
    12: "what it costs",
    13: "the right to stop",
    14: "that questions were answered",
}
"""What a text has to hold (clinical facts 2.8)."""

OTHER = "other"
EVIDENCE = "{evidence}"
LONGEST_BODY = 40_000
SHORTEST_BODY = 1_000
"""A text of fourteen elements is longer than this: a choice of this project, grade E3."""


@dataclass(frozen=True, kw_only=True)
class Text:
    """A version of the text. `key` names it for good; `material_key` the newest version up to it that was material."""

    key: str
    material_key: str
    title: str
    body: str
    for_guardian: str
    evidence: Mapping[str, str]
    reviewed: bool


@dataclass(frozen=True)
class Block:
    """A heading, a paragraph or the points of a list."""

    kind: str
    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Exactly what somebody was shown: `words`, the same in blocks, and the SHA-256 of `words` in UTF-8."""

    title: str
    words: str
    blocks: tuple[Block, ...]
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Signed:
    """What of a consent decides whether it still holds."""

    withdrawn: bool
    material_key: str
    conditions: frozenset[str]
    was_child: bool


def shown(text: Text, *, clinic: str, phone: str, conditions: Sequence[str], for_guardian: bool) -> Shown:
    """The text as this person reads it: with the clinic's name and telephone and what is known of their conditions."""
    body = text.body
    for name, value in (("{clinic}", clinic), ("{phone}", phone), (EVIDENCE, _evidence(text, conditions))):
        body = body.replace(name, value)
    opening = f"{text.for_guardian}\n" if for_guardian and text.for_guardian else ""
    return as_shown(f"# {text.title}\n{opening}{body}")


def as_shown(words: str) -> Shown:
    """The same of words that were kept, with the title as their first heading."""
    blocks = tuple(_blocks(words.splitlines()))
    title = blocks[0].lines[0] if blocks and blocks[0].kind == "heading" else ""
    return Shown(title=title, words=words, blocks=blocks[1:], sha256=hashlib.sha256(words.encode()).hexdigest())


def due(signed: Signed | None, text: Text, *, conditions: Iterable[str], is_child: bool) -> str | None:
    """Why consent is to be asked for now, in a sentence; None where what was signed still holds."""
    if signed is None:
        return "Nobody has signed the consent yet."
    if signed.withdrawn:
        return "The consent was taken back."
    if signed.material_key != text.material_key:
        return "The text has changed in a way that matters since it was signed."
    if signed.was_child and not is_child:
        return "It was signed for a child, who has grown up since."
    if signed.conditions != frozenset(conditions):
        return "The conditions have changed since it was signed."
    return None


def faults(body: str) -> str:
    """Why a clinic cannot publish this text, in a sentence; "" where it can."""
    if len(body) > LONGEST_BODY:
        return f"The text has {len(body)} characters, and {LONGEST_BODY} fit. Shorten it."
    if len(body) < SHORTEST_BODY:
        return "This is too short to hold all fourteen elements. Begin with the text in force and change that."
    if EVIDENCE not in body:
        return "Keep a line with {evidence}: there stands what is known for the person's own conditions."
    if not any(line.startswith("# ") for line in body.splitlines()):
        return "Give it headings: a line that begins with “# ”."
    return ""


@cache
def shipped() -> Text:
    """The program's own text."""
    return parse((Path(__file__).parent / "consents" / "off_label.toml").read_text("utf-8"))


def parse(toml: str) -> Text:
    """The text of a file. Raises `ValueError` where one of the fourteen elements is missing."""
    raw = tomllib.loads(tall_man(toml))
    held = {number for section in raw["section"] for number in section["elements"]}
    if held != set(ELEMENTS):
        raise ValueError(f"the text lacks the elements {sorted(set(ELEMENTS) - held)}")
    body = "\n".join(f"# {section['heading']}\n{section['text'].strip()}" for section in raw["section"])
    return Text(
        key=f"shipped-{raw['version']}",
        material_key=f"shipped-{raw['version']}",
        title=raw["title"],
        body=body,
        for_guardian=raw["for_guardian"],
        evidence=raw["evidence"],
        reviewed=raw["review"] != "pending",
    )


def _evidence(text: Text, conditions: Sequence[str]) -> str:
    """What is known, once for each condition and once for all that nothing is known of."""
    known = dict.fromkeys(text.evidence.get(code, text.evidence[OTHER]) for code in conditions or (OTHER,))
    return "\n".join(known)


def _blocks(lines: Iterable[str]) -> Iterable[Block]:
    points: list[str] = []
    for line in [*(line.strip() for line in lines), ""]:
        if line.startswith("- "):
            points.append(line[2:])
            continue
        if points:
            yield Block("list", tuple(points))
            points = []
        if line.startswith("# "):
            yield Block("heading", (line[2:],))
        elif line:
            yield Block("paragraph", (line,))
