"""Reads the rule book from its file. The engine itself reads nothing."""

import functools
import hashlib
import tomllib
from pathlib import Path

from common.drug_names import tall_man
from patients import screening as patients_screening
from titration.engine.advice import book

FILE = Path(__file__).parent / "rules.toml"


@functools.cache
def shipped() -> book.Book:
    """The rule book that comes with this version."""
    return book.read(tomllib.loads(tall_man(FILE.read_text(encoding="utf-8"))), _screening())


def _screening() -> dict[str, book.Asked]:
    """The questions of the screening in the words in which they are asked, as the clinician reads them."""
    return {
        item.code: book.Asked(
            question=item.ask,
            said=patients_screening.CHOICES,
            means={answer: meaning.sentence for answer, meaning in item.meanings.items()},
        )
        for item in patients_screening.form().items
    }


@functools.cache
def fingerprint() -> str:
    """SHA-256 of the file, in hexadecimal: what somebody who reviewed it has read."""
    return hashlib.sha256(FILE.read_bytes()).hexdigest()
