"""Pure: a grid of texts as patients, each with the plan they already follow, or every fault by row and column.

Nothing is guessed. A date that could be read two ways, a condition that is not in the list, a dose without sense are
faults, said so that whoever wrote them can mend them in one go.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from common import zones
from common.refusals import Refused
from imports import plans
from imports.columns import MISSING, Column, Facts
from imports.dates import read_date
from imports.grid import Cell, Grid
from patients.limits import (
    LONGEST_ADDRESS,
    LONGEST_CONDITION,
    LONGEST_MEDICINE,
    LONGEST_NAME,
    LONGEST_RECORD_NUMBER,
    MOST_MEDICINES,
    birth_date_fault,
)

OTHER = "other"
YES = "yes"
T = TypeVar("T")

_LETTERS_OF_FORMULAS = "=+-@＝＋－＠"
LIKE_A_FORMULA = "This begins with a sign that makes it a formula in a spreadsheet (=, +, - or @). Take the sign away."
UNSEEN = "There is a character in it that cannot be seen. Write the words anew."
ONE_LINE = "There is a line break in it. Write it in one line."
NO_NAME = "There is something here, but its column has no name in the first row."

_ADDRESS = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where: the row as the spreadsheet counts it, the column by letter and name."""

    row: int
    column: str
    letter: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A code of the list, or "other" with words."""

    code: str
    words: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Whom a row is about: the keywords of a registration. `sex` is "" where it is not said."""

    name: str
    birth_date: date
    sex: str
    record_number: str
    email: str
    zone: ZoneInfo
    conditions: tuple[Condition, ...]
    medicines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row without a fault, by its number in the spreadsheet."""

    number: int
    person: Person
    plan: plans.Plan | None


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan of a row, and the zone whose days it counts in."""

    plan: plans.Plan
    zone: ZoneInfo


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What a table says. Where there is a fault nothing of it may be written; `rows` are those without one.

    `places` says at which index each column stands. `planned` are the plans that can be read, by row, also where
    something else in the row is at fault.
    """

    rows: tuple[Row, ...]
    faults: tuple[Fault, ...]
    rows_total: int
    places: Mapping[str, int]
    planned: Mapping[int, Planned]


def _name(text: str, facts: Facts) -> str:
    return _short(" ".join(text.split()), LONGEST_NAME)


def _record_number(text: str, facts: Facts) -> str:
    return _short(" ".join(text.split()), LONGEST_RECORD_NUMBER)


def _email(text: str, facts: Facts) -> str:
    if not text:
        return ""
    if not _ADDRESS.fullmatch(text):
        raise Refused("That is not an e-mail address. It needs a name, an @ and a domain.")
    return _short(text, LONGEST_ADDRESS)


def _born(text: str, facts: Facts) -> date:
    born = read_date(text)
    if fault := birth_date_fault(born, today=facts.today):
        raise Refused(fault)
    return born


def _zone(text: str, facts: Facts) -> ZoneInfo:
    return zones.parse(text) if text else facts.zone


def _sex(text: str, facts: Facts) -> str:
    word = text.casefold()
    if word and word not in facts.sexes:
        raise Refused(f"Write {', '.join(facts.sexes)}, or leave it empty.")
    return word


def _conditions(text: str, facts: Facts) -> tuple[Condition, ...]:
    parts = [part.strip() for part in re.split(r"[;\n]", text) if part.strip()]
    if not parts:
        raise Refused("Name at least one condition.")
    found: list[Condition] = []
    for part in parts:
        entry = _condition(part, facts)
        if entry in found:
            raise Refused(f"“{part}” stands there twice.")
        found.append(entry)
    return tuple(found)


def _condition(part: str, facts: Facts) -> Condition:
    plain = part.casefold().replace("’", "'")
    for code, name in facts.conditions.items():
        if plain in (code.casefold(), name.casefold().replace("’", "'")):
            return Condition(code)
    head, _, words = part.partition(":")
    if head.strip().casefold() == OTHER and words.strip():
        return Condition(OTHER, _short(" ".join(words.split()), LONGEST_CONDITION))
    raise Refused(f"“{part[:60]}” is none of the conditions in the list. If it is meant, write “other: {part[:60]}”.")


def _medicines(text: str, facts: Facts) -> tuple[str, ...]:
    lines = [" ".join(part.split()) for part in re.split(r"[;\n]", text) if part.strip()]
    if len(lines) > MOST_MEDICINES:
        raise Refused(f"There are {len(lines)} medicines, and {MOST_MEDICINES} fit.")
    return tuple(_short(line, LONGEST_MEDICINE) for line in lines)


def _short(words: str, longest: int) -> str:
    if len(words) > longest:
        raise Refused(f"This has {len(words)} characters, and {longest} fit. Shorten it.")
    return words


NAME, BIRTH_DATE, RECORD_NUMBER, ZONE = "name", "birth_date", "record_number", "time_zone"
PERSON: tuple[Column[Any], ...] = (
    Column(
        name=NAME,
        words="First name and last name, as your record has it.",
        example="Ann Example",
        needed=YES,
        read=_name,
    ),
    Column(
        name=BIRTH_DATE,
        words="Year, month and day. A date such as 3/4/1980 is refused, for it can be read two ways.",
        example="1980-12-31",
        needed=YES,
        read=_born,
    ),
    Column(
        name=RECORD_NUMBER,
        words="The number of your clinic's own record, each once.",
        example="R-1001",
        needed=YES,
        read=_record_number,
    ),
    Column(
        name="email",
        words="Where the invitation and the reminders go. Without it neither can be sent.",
        example="ann@example.org",
        needed="no",
        read=_email,
    ),
    Column(
        name=ZONE,
        words="Where the patient sleeps. Left empty it is the clinic's.",
        example="Europe/London",
        needed="no",
        read=_zone,
    ),
    Column(
        name="conditions",
        words="What they are treated for, parted by semicolons: a name of the list, or “other:” and words.",
        example="Crohn's disease; other: Sarcoidosis",
        needed=YES,
        read=_conditions,
    ),
    Column(
        name="medicines",
        words="Current medicines as written on the pack, parted by semicolons.",
        example="Levothyroxine 50 micrograms; Vitamin D",
        needed="no",
        read=_medicines,
    ),
    Column(
        name="sex",
        words="For rules and reference ranges that differ by it: female, male or other. Left empty it is not said.",
        example="female",
        needed="no",
        read=_sex,
    ),
)
COLUMNS = PERSON + plans.COLUMNS
"""Every column of the template, in its order."""
_MANY_LINES = frozenset({"conditions", "medicines"})


def read(grid: Grid, facts: Facts) -> Reading:
    """The patients of a table, or what is wrong with it: every fault, in the order of the spreadsheet."""
    top = next((number for number, row in enumerate(grid) if row), 0)
    header = grid[top] if grid else ()
    places, faults = _places(header, top)
    body = [(number + 1, row) for number, row in enumerate(grid) if number > top and row]
    if faults:
        return Reading(rows=(), faults=tuple(faults), rows_total=len(body), places=places, planned={})
    if not body:
        below = Fault(top + 2, "", "", "There is no patient below the names of the columns.")
        return Reading(rows=(), faults=(below,), rows_total=0, places=places, planned={})
    found = [(number, _values(number, cells, places, facts, faults)) for number, cells in body]
    faults += _twice(found, places)
    faulty = {fault.row for fault in faults}
    at_fault = {fault.row for fault in faults if fault.column in plans.NAMES}
    planned = {
        number: Planned(plan, values.get(ZONE, facts.zone))
        for number, values in found
        if number not in at_fault and (plan := plans.of(values)) is not None
    }
    rows = tuple(_row(number, values) for number, values in found if number not in faulty)
    faults.sort(key=lambda fault: (fault.row, _order(fault.letter)))
    return Reading(rows=rows, faults=tuple(faults), rows_total=len(body), places=places, planned=planned)


def _places(header: Sequence[Cell], top: int) -> tuple[dict[str, int], list[Fault]]:
    """Where each column of the template stands, and what is wrong with the names."""
    known = {column.name: column for column in COLUMNS}
    places: dict[str, int] = {}
    faults: list[Fault] = []
    for index, cell in enumerate(header):
        name = "_".join(cell.text.casefold().replace("*", " ").replace("_", " ").split())
        if not cell.text:
            continue
        if name not in known:
            words = (
                f"“{cell.text[:60]}” is none of the template's columns. Take it out, or name it as the template does."
            )
            faults.append(Fault(top + 1, cell.text[:60], letter(index), words))
        elif name in places:
            faults.append(Fault(top + 1, name, letter(index), "This column stands there twice."))
        else:
            places[name] = index
    missing = [column.name for column in COLUMNS if column.needed == YES and column.name not in places]
    faults += [Fault(top + 1, name, "", "This column is missing in the first row.") for name in missing]
    return places, faults


def _values(
    number: int, cells: Sequence[Cell], places: Mapping[str, int], facts: Facts, faults: list[Fault]
) -> dict[str, Any]:
    """What the columns of one row say, by name; what could not be read is missing and stands among the faults."""
    for index, cell in enumerate(cells):
        # Nothing that somebody wrote is passed over in silence.
        if (cell.text or cell.fault) and index not in places.values():
            faults.append(Fault(number, "", letter(index), NO_NAME))
    values: dict[str, Any] = {}
    filled: set[str] = set()
    for column in COLUMNS:
        place = places.get(column.name)
        cell = cells[place] if place is not None and place < len(cells) else Cell("")
        if cell.text.strip() or cell.fault:
            filled.add(column.name)
        try:
            values[column.name] = _value(column, cell, facts)
        except Refused as refusal:
            faults.append(fault_at(number, column.name, places, refusal.sentence))
    for name, sentence in plans.faults(values, filled, values.get(BIRTH_DATE)):
        faults.append(fault_at(number, name, places, sentence))
    return values


def fault_at(number: int, column: str, places: Mapping[str, int], sentence: str) -> Fault:
    """A fault of a cell; a column that the table does not have has no letter."""
    return Fault(number, column, letter(places[column]) if column in places else "", sentence)


def _row(number: int, values: Mapping[str, Any]) -> Row:
    person = {column.name: values[column.name] for column in PERSON}
    zone = person.pop(ZONE)
    return Row(number=number, person=Person(**person, zone=zone), plan=plans.of(values))


def _value(column: Column[T], cell: Cell, facts: Facts) -> T:
    if cell.fault:
        raise Refused(cell.fault)
    text = unicodedata.normalize("NFC", cell.text).strip()
    if column.needed == YES and not text:
        raise Refused(MISSING)
    if text[:1] and text[0] in _LETTERS_OF_FORMULAS:
        raise Refused(LIKE_A_FORMULA)
    if any(_is_unseen(letter_) for letter_ in text):
        raise Refused(UNSEEN)
    if "\n" in text and column.name not in _MANY_LINES:
        raise Refused(ONE_LINE)
    return column.read(text, facts)


def _is_unseen(character: str) -> bool:
    """Controls, marks that turn the direction of writing, halves of characters: nothing that a name is written with.

    The joiners of Arabic and Indian scripts (U+200C, U+200D) belong to names and are let be.
    """
    if character in "\n\t\u200c\u200d":
        return False
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn")


def _twice(found: Sequence[tuple[int, Mapping[str, Any]]], places: Mapping[str, int]) -> Iterator[Fault]:
    """The same record number, or the same person, in two rows of one table."""
    numbers: dict[str, int] = {}
    people: dict[tuple[Any, ...], int] = {}
    for number, values in found:
        record = values.get(RECORD_NUMBER)
        if record is not None and numbers.setdefault(record, number) != number:
            words = f"This record number stands in row {numbers[record]} already."
            yield Fault(number, RECORD_NUMBER, letter(places[RECORD_NUMBER]), words)
        if NAME in values and BIRTH_DATE in values:
            same = same_person(values[NAME], values[BIRTH_DATE])
            if people.setdefault(same, number) != number:
                words = f"The same name and date of birth stand in row {people[same]} already."
                yield Fault(number, NAME, letter(places[NAME]), words)


def same_person(name: str, birth_date: date) -> tuple[date, tuple[str, ...]]:
    """What two rows about one person share: the day of birth and the words of the name in any order, without accents,
    capitals and signs.
    """
    letters = unicodedata.normalize("NFKD", name).casefold()
    plain = "".join(
        " " if not letter_.isalnum() else letter_ for letter_ in letters if not unicodedata.combining(letter_)
    )
    return birth_date, tuple(sorted(plain.split()))


def letter(index: int) -> str:
    """The letters above a column of a spreadsheet: A for the first, AA after Z."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _order(letters: str) -> tuple[int, str]:
    return len(letters), letters
