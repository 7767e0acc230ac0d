"""A written line of medicines as words, the names that are found in them, and what nobody recognises."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from patients.medicine_names import SHORTEST_MISSPELT, WORST_FIRST, How, Name, names, nearest, plain_letters

LONGEST_NAME = 6
"""Words in the longest name of the files, joined words counted apart."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word or number of a line: plain, where it stands, and in which part of the line (commas and "and" part)."""

    plain: str
    begins: int
    ends: int
    part: int

    @property
    def is_number(self) -> bool:
        return self.plain[0] in "#0123456789"


@dataclass(frozen=True, slots=True)
class Find:
    """A name found over the words `first` up to but not including `past`."""

    first: int
    past: int
    name: Name
    how: How


_BREAKS = re.compile(r"[;|•·]|(?<!\d),|,(?!\d)|(?<!\bno)\.(?:\s|$)")
_TOKENS = re.compile(r"#?\d+(?:[.,]\d+)?|[^\W\d_]+")
JOINS = frozenset({"and", "plus", "with", "also", "then", "w", "und", "et", "y"})


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its words and its plain letters, where each of them stands in what was written."""

    written: str
    flat: str
    places: Sequence[int]
    words: tuple[Word, ...]

    def said(self, first: int, past: int) -> str:
        """The words `first` up to but not including `past`, as they were written."""
        return self.written[self.words[first].begins : self.words[past - 1].ends]


def read(written: str) -> Line:
    """A line as its words."""
    letters = plain_letters(written)
    flat, places = "".join(letter for letter, _ in letters), [at for _, at in letters]
    found, part = [], 0
    breaks = [hit.start() for hit in _BREAKS.finditer(flat)]
    for token in _TOKENS.finditer(flat):
        part += token.group() in JOINS
        passed = bisect_right(breaks, token.start())
        found.append(Word(token.group(), places[token.start()], places[token.end() - 1] + 1, passed + part))
    return Line(written, flat, places, tuple(found))


def finds_in(line: Line) -> list[Find]:
    """Every name in the line, in its order, worst class first where one word is two names.

    Opioids are looked for first, so that no harmless longer name can swallow one.
    """
    taken: set[int] = set()
    found: list[Find] = []
    for find in chain(
        _spans(line.words, taken, opioids=True, by_sound=False),
        _street(line, taken),
        _spans(line.words, taken, opioids=False, by_sound=False),
        _spans(line.words, taken, opioids=True, by_sound=True),
        _spans(line.words, taken, opioids=False, by_sound=True),
        _slips(line.words, taken),
    ):
        taken.update(range(find.first, find.past))
        found.append(find)
    return sorted(found, key=lambda find: (find.first, WORST_FIRST.index(find.name.medicine_class)))


def _street(line: Line, taken: set[int]) -> Iterator[Find]:
    """Names that are matched letter by letter, as they stand in the line: "T#3", "7-tabs"."""
    every = names()
    for hit in every.street.finditer(line.flat):
        begins, ends = line.places[hit.start()], line.places[hit.end() - 1] + 1
        span = [at for at, word in enumerate(line.words) if word.begins < ends and word.ends > begins]
        if not taken.intersection(span):
            yield Find(span[0], span[-1] + 1, every.on_the_street[hit.group()], How.BRAND)


def _spans(words: Sequence[Word], taken: set[int], *, opioids: bool, by_sound: bool) -> Iterator[Find]:
    """Names over one or several words that follow each other, the longest first; a salt between them is passed over."""
    every = names()
    kept = [at for at, word in enumerate(words) if word.plain not in names().words["salts"]]
    look_up = every.sounding if by_sound else every.called
    for size in range(min(LONGEST_NAME, len(kept)), 0, -1):
        for start in range(len(kept) - size + 1):
            span = kept[start : start + size]
            if taken.intersection(span) or not _may_be_a_name(words, span, by_sound=by_sound):
                continue
            meant = look_up("".join(words[at].plain for at in span))
            for name in _once_each(name for name in meant if name.is_opioid or not opioids):
                yield Find(span[0], span[-1] + 1, name, How.MISSPELLING if by_sound else name.how)


def _may_be_a_name(words: Sequence[Word], span: Sequence[int], *, by_sound: bool) -> bool:
    run = [words[at] for at in span]
    # A comma ends a name; "and" does not, because "kaolin and morphine" holds one.
    if any(after.part - before.part > (after.plain in JOINS) for before, after in pairwise(run)):
        return False
    if by_sound:
        return not any(word.is_number for word in run) and not all(map(_is_everyday, run))
    # "Tylenol 3" is a product, "Tylenol 3 tablets" an amount.
    following = words[span[-1] + 1].plain if span[-1] + 1 < len(words) else ""
    return not (len(run) > 1 and run[-1].is_number and following in names().words["units"])


def _slips(words: Sequence[Word], taken: set[int]) -> Iterator[Find]:
    for at, word in enumerate(words):
        if at in taken or word.is_number or len(word.plain) < SHORTEST_MISSPELT or _is_everyday(word):
            continue
        for name in _once_each(nearest(word.plain)):
            yield Find(at, at + 1, name, How.MISSPELLING)


def _once_each(meant: Iterable[Name]) -> Iterable[Name]:
    """One name of each entry and class: a brand listed twice is found once."""
    return {(name.entry.name, name.medicine_class): name for name in reversed(tuple(meant))}.values()


def _is_everyday(word: Word) -> bool:
    return word.plain in names().words["everyday"]


def unknown_in(line: Line, finds: Sequence[Find]) -> tuple[str, ...]:
    """The words nobody recognised, and products without a name where no name stands beside them, as written."""
    taken = {at for find in finds for at in range(find.first, find.past)}
    named_parts = {line.words[at].part for at in taken}
    vague = list(_vague(line.words, taken))
    in_vague = {at for first, past in vague for at in range(first, past)}
    spans = [(first, past) for first, past in vague if line.words[first].part not in named_parts]
    spans += [
        (at, at + 1)
        for at, word in enumerate(line.words)
        if at not in taken and at not in in_vague and not _says_no_more(word)
    ]
    return tuple(dict.fromkeys(line.said(first, past) for first, past in sorted(spans)))


def _says_no_more(word: Word) -> bool:
    """Whether a word that is no name tells nothing of another medicine: a number, a letter, an everyday word."""
    return (
        word.is_number
        or len(word.plain) == 1
        or word.plain in names().words["salts"]
        or word.plain in names().words["long"]
        or _is_everyday(word)
    )


def _vague(words: Sequence[Word], taken: set[int]) -> Iterator[tuple[int, int]]:
    """Where a product without a name stands ("a cough syrup"), the longest words first."""
    at = 0
    while at < len(words):
        sizes = (size for size in range(LONGEST_NAME, 0, -1) if is_phrase(words, at, size, "vague"))
        size = next(sizes, 0)
        if size and not taken.intersection(range(at, at + size)):
            yield at, at + size
        at += size or 1


def is_phrase(words: Sequence[Word], first: int, size: int, kind: str) -> bool:
    """Whether the `size` words from `first` on are one of a kind of phrases."""
    if first + size > len(words):
        return False
    return "".join(word.plain for word in words[first : first + size]) in names().words[kind]


def has_phrase(words: Sequence[Word], kind: str) -> bool:
    """Whether one of a kind of phrases stands in these words."""
    return any(is_phrase(words, at, size, kind) for at in range(len(words)) for size in range(1, LONGEST_NAME + 1))
