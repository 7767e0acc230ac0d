"""Every name a medicine is known by, read once from the two reviewed files, and which of them a written word is.

A name is looked for as it is written, then as it sounds, then within a few slips of the pen. What is no opioid and what
is an everyday word compete for a misspelt word, so that "metformine" is not taken for methadone.
"""

import re
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rapidfuzz import process
from rapidfuzz.distance import OSA

from common.medicine_classes import OPIOIDS, MedicineClass

OPIOIDS_FILE = "opioids.toml"
OTHERS_FILE = "other_medicines.toml"

WORST_FIRST = (
    MedicineClass.ILLICIT,
    MedicineClass.KRATOM,
    MedicineClass.LONG,
    MedicineClass.PARTIAL,
    MedicineClass.SHORT,
    MedicineClass.HIDDEN,
    MedicineClass.NALTREXONE,
    MedicineClass.WARN,
    MedicineClass.CHECKPOINT,
    MedicineClass.IMMUNOSUPPRESSANT,
    MedicineClass.THIORIDAZINE,
    MedicineClass.DISULFIRAM,
    MedicineClass.THYROID,
    MedicineClass.ANTICOAGULANT,
    MedicineClass.UNKNOWN,
    MedicineClass.ALLOWED,
)
"""Which class speaks for a line that names several: the longest wait first, what is known and harmless last."""

# A word or a name shorter than this is matched letter by letter only.
SHORTEST_MISSPELT = 5
# How many slips of the pen (a letter more, less, other, or two swapped) are forgiven in what a name sounds like: two in
# an opioid's name of eight or a product's of ten, else one. Weighed on 27,000 names of medicines; one more slip would
# take Casodex for an opioid, one less would let "hydromorfin" go unknown.
_TWO_SLIPS_IN_A_SUBSTANCE, _TWO_SLIPS_IN_A_PRODUCT = 8, 10
_SHORTEST_MISSPELT_OTHER = 6


class How(StrEnum):
    """What about the written words gave the medicine away."""

    EXACT = "exact"
    BRAND = "brand"
    COMBINATION = "combination"
    MISSPELLING = "misspelling"


@dataclass(frozen=True, slots=True)
class Entry:
    """One substance of the files. `said` is what it is, for people; `long_form`: slow release makes it long."""

    name: str
    medicine_class: MedicineClass
    said: str
    long_form: bool = False
    long_words: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Name:
    """One way to write an entry. A product of slow release is LONG though its substance is not."""

    words: str
    entry: Entry
    how: How
    medicine_class: MedicineClass

    @property
    def is_opioid(self) -> bool:
        return self.medicine_class in OPIOIDS


_SAID = {
    MedicineClass.SHORT: "a short-acting opioid",
    MedicineClass.LONG: "a long-acting opioid",
    MedicineClass.PARTIAL: "a partial opioid",
    MedicineClass.HIDDEN: "an opioid sold against diarrhoea",
    MedicineClass.ALLOWED: "known, and no opioid",
}


def said_of(entry: Entry, medicine_class: MedicineClass) -> str:
    """What a medicine of this class is, for people: the entry's own words where it has any and they still hold."""
    return (entry.said if medicine_class == entry.medicine_class else "") or _SAID[medicine_class]


_LEFT_OUT = frozenset("'’`®™©")


def plain_letters(text: str) -> list[tuple[str, int]]:
    """Lower-case letters without accents, apostrophes and marks of trade, "&" and "+" as a word; each with the place
    of the character it comes from.
    """
    return [
        (plain_letter, at)
        for at, letter in enumerate(text)
        for plain_letter in (" and " if letter in "&+" else _plain_letter(letter))
    ]


@lru_cache(maxsize=4_096)
def _plain_letter(letter: str) -> str:
    if letter in _LEFT_OUT:
        return ""
    return "".join(part for part in unicodedata.normalize("NFKD", letter.casefold()) if not unicodedata.combining(part))


def plain(text: str) -> str:
    """The plain letters of a text."""
    return "".join(letter for letter, _ in plain_letters(text))


def squashed(text: str) -> str:
    """A name's letters, digits and "#" with nothing between them."""
    return re.sub(r"[^\w#]|_", "", plain(text))


_SOUNDS = (
    (re.compile(r"(.)\1+"), r"\1"),
    (re.compile("ph"), "f"),
    (re.compile("th"), "t"),
    (re.compile("ck|qu"), "k"),
    (re.compile("c(?=[eiy])"), "s"),
    (re.compile("c"), "k"),
    (re.compile("x"), "ks"),
    (re.compile("y"), "i"),
    (re.compile("z"), "s"),
    (re.compile("[ao]e"), "e"),
    (re.compile(r"(.)\1+"), r"\1"),
    (re.compile("e$"), ""),
)


@lru_cache(maxsize=20_000)
def sounded(squash: str) -> str:
    """Roughly what a squashed name sounds like: "percoset" and "percocet" are one."""
    for pattern, sound in _SOUNDS:
        squash = pattern.sub(sound, squash)
    return squash


@dataclass(frozen=True)
class Names:
    """All names by what is written, by sound (`spelt`: those that may be misspelt), and the words that are no names."""

    written: Mapping[str, tuple[Name, ...]]
    sounds: Mapping[str, tuple[Name, ...]]
    spelt: Mapping[str, tuple[Name, ...]]
    street: re.Pattern[str]
    on_the_street: Mapping[str, Name]
    words: Mapping[str, frozenset[str]]

    def called(self, squash: str) -> tuple[Name, ...]:
        """The names written so, or so without a plural's s."""
        return self.written.get(squash) or (self.written.get(squash[:-1], ()) if squash.endswith("s") else ())

    def sounding(self, squash: str) -> tuple[Name, ...]:
        """The names that sound like this, worst class first."""
        sound = sounded(squash)
        return self.sounds.get(sound, ()) if len(sound) >= SHORTEST_MISSPELT else ()


@cache
def names() -> Names:
    """Both files as one index."""
    opioids, others = _read(OPIOIDS_FILE), _read(OTHERS_FILE)
    written: dict[str, list[Name]] = defaultdict(list)
    sounds: dict[str, list[Name]] = defaultdict(list)
    for name in (*_names_of_opioids(opioids), *_names_of_others(others)):
        squash = squashed(name.words)
        written[squash].append(name)
        if not re.search(r"[\d#]", squash) and len(squash) >= SHORTEST_MISSPELT:
            sounds[sounded(squash)].append(name)
    street = {plain(name.words): name for name in _street_names(opioids)}
    longest_first = sorted(street, key=len, reverse=True)
    return Names(
        written=_frozen(written),
        sounds=_frozen(sounds),
        spelt=_frozen({squash: found for squash, found in written.items() if sounded(squash) in sounds}),
        street=re.compile(r"(?<![\w#])(?:" + "|".join(re.escape(word) for word in longest_first) + r")(?!\w)"),
        on_the_street=MappingProxyType(street),
        words=MappingProxyType(
            {
                "long": _squash_all(opioids["words"]["long"]),
                "prescribed": _squash_all(opioids["words"]["prescribed"]),
                "none": _squash_all(opioids["words"]["none"]),
                "high": _squash_all(opioids["loperamide"]["high"]),
                "misuse": _squash_all(opioids["loperamide"]["misuse"]),
                "vague": _squash_all(others["words"]["vague"]),
                "salts": _squash_all(others["words"]["salts"]),
                "units": _squash_all(others["words"]["units"]),
                "everyday": _squash_all(others["words"]["everyday"].split()),
            }
        ),
    )


@cache
def figures() -> Mapping[str, Any]:
    """The numbers of the opioids' file: washout by class, and the amounts of loperamide and naltrexone, in mg a day."""
    raw = _read(OPIOIDS_FILE)
    return MappingProxyType({key: raw[key] for key in ("version", "review", "washout", "loperamide", "low_dose")})


@lru_cache(maxsize=20_000)
def nearest(squash: str) -> tuple[Name, ...]:
    """The names a misspelt word may be, worst class first; none where nothing is near enough.

    An opioid is taken where it is as near as the nearest harmless name: the safe reading of a doubt.
    """
    sound = sounded(squash)
    if len(sound) < SHORTEST_MISSPELT:
        return ()
    every = names()
    near = [
        *_near(sound, every.sounds, slips=2),
        # Two letters swapped may sound like more: "coedine".
        *((slips, harmless, sounded(other)) for slips, harmless, other in _near(squash, every.spelt, slips=1)),
    ]
    return every.sounds[min(near)[2]] if near else ()


def _near(word: str, every: Mapping[str, tuple[Name, ...]], *, slips: int) -> Iterator[tuple[int, bool, str]]:
    """How many slips away, whether harmless, and the word itself, of all that are near enough."""
    for other, away, _ in process.extract(word, list(every), scorer=OSA.distance, score_cutoff=slips, limit=None):
        if _is_forgiven(every[other][0], word, other, int(away)):
            yield int(away), _is_harmless(every[other]), other


def _is_harmless(found: tuple[Name, ...]) -> bool:
    return all(name.medicine_class == MedicineClass.ALLOWED for name in found)


def _is_forgiven(name: Name, sound: str, other: str, slips: int) -> bool:
    shorter = min(len(sound), len(other))
    if not name.is_opioid:
        return slips <= 1 and shorter >= _SHORTEST_MISSPELT_OTHER and sound[0] == other[0]
    two_from = _TWO_SLIPS_IN_A_SUBSTANCE if name.how == How.EXACT else _TWO_SLIPS_IN_A_PRODUCT
    if slips > (2 if shorter >= two_from else 1):
        return False
    return sound[0] == other[0] or (slips <= 1 and shorter > SHORTEST_MISSPELT)


def _read(file: str) -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / file).read_text("utf-8"))


def _squash_all(words: Iterable[str]) -> frozenset[str]:
    return frozenset(squashed(word) for word in words)


def _frozen(found: Mapping[str, list[Name]]) -> Mapping[str, tuple[Name, ...]]:
    return MappingProxyType(
        {key: tuple(sorted(all_of, key=lambda n: WORST_FIRST.index(n.medicine_class))) for key, all_of in found.items()}
    )


_LISTS = (
    ("names", How.EXACT, False),
    ("brands", How.BRAND, False),
    ("combinations", How.COMBINATION, False),
    ("long_brands", How.BRAND, True),
    ("long_combinations", How.COMBINATION, True),
)


def _entry(row: Mapping[str, Any]) -> Entry:
    return Entry(
        name=row["name"],
        medicine_class=MedicineClass(row["class"]),
        said=row.get("said", ""),
        long_form=row.get("long_form", False),
        long_words=_squash_all(row.get("long_words", ())),
    )


def _names_of_opioids(raw: Mapping[str, Any]) -> Iterable[Name]:
    for row in raw["medicine"]:
        entry = _entry(row)
        yield Name(entry.name, entry, How.EXACT, entry.medicine_class)
        for column, how, slow in _LISTS:
            for words in row.get(column, ()):
                yield Name(words, entry, how, MedicineClass.LONG if slow else entry.medicine_class)


def _street_names(raw: Mapping[str, Any]) -> Iterable[Name]:
    for row in raw["medicine"]:
        entry = _entry(row)
        for words in row.get("slang", ()):
            yield Name(words, entry, How.BRAND, entry.medicine_class)


def _names_of_others(raw: Mapping[str, Any]) -> Iterable[Name]:
    for medicine_class, group in raw["class"].items():
        for substance, products in group["holds"].items():
            entry = Entry(substance, MedicineClass(medicine_class), group["said"])
            yield Name(substance, entry, How.EXACT, entry.medicine_class)
            yield from (Name(product, entry, How.BRAND, entry.medicine_class) for product in products)
    for known in raw["known"].values():
        for words in known:
            entry = Entry(words, MedicineClass.ALLOWED, "")
            yield Name(words, entry, How.EXACT, entry.medicine_class)
