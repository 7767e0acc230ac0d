"""Reads one value of a file after the other; a value that is not meant so is refused in a sentence that names it.

Numbers come as `int` or `Decimal`, as `text.parsed` reads them: a float never exists.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar, overload

from common.dose import Dose
from common.refusals import Refused
from titration.engine.course import FIRST_DAY, LAST_DAY

T = TypeVar("T")
D = TypeVar("D")
E = TypeVar("E", bound=StrEnum)
Read = Callable[[Any, str], T]
"""Turns a value into what it means; told where it stands, for the sentence."""

_REQUIRED: Any = object()
_LARGEST_EXPONENT = 9
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ][0-9]{1,2}:[0-9]{2}.*")
_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
YES = frozenset({"yes", "y", "true", "1"})
NO = frozenset({"no", "n", "false", "0"})


class Malformed(Refused):
    """The file cannot be read. The sentence names the field and what is meant there, on one line whatever it quotes."""

    def __init__(self, sentence: str) -> None:
        super().__init__(one_line(sentence))


def one_line(words: str) -> str:
    """Words that somebody wrote, as they may stand in a line: without line breaks and what else cannot be printed."""
    return " ".join("".join(one if one.isprintable() else " " for one in words).split())


class Fields:
    """The fields of one object of the file, each taken once; what is left over at the end is unknown."""

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, Mapping):
            raise Malformed(f"{where or 'The file'} is an object in braces, with a name before each value.")
        self._left = dict(value)
        self._where = where
        self._known: list[str] = []

    def place(self, name: str) -> str:
        return f"{self._where}.{name}" if self._where else name

    @overload
    def take(self, name: str, read: Read[T], *, also: tuple[str, ...] = ()) -> T: ...

    @overload
    def take(self, name: str, read: Read[T], default: D, *, also: tuple[str, ...] = ()) -> T | D: ...

    def take(self, name: str, read: Read[T], default: Any = _REQUIRED, *, also: tuple[str, ...] = ()) -> Any:
        """The field, under its name or one of those that are `also` understood; absent or null is the default."""
        self._known.append(name)
        said = [one for one in (name, *also) if one in self._left]
        if len(said) > 1:
            raise Malformed(f"{self.place(said[1])} says the same as {said[0]}; write one of them.")
        value = self._left.pop(said[0]) if said else None
        if value is not None:
            return read(value, self.place(said[0]))
        if default is _REQUIRED:
            raise Malformed(f"{self.place(name)} is missing.")
        return default

    def done(self) -> None:
        """Refuse what nobody has taken."""
        for name in self._left:
            raise Malformed(f"{self.place(name[:40])} is unknown; known here: {', '.join(self._known)}.")


def text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise Malformed(f'{where} is a text, in quotes "like this".')
    return value


def flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise Malformed(f"{where} is true or false.")
    return value


def yes_or_no(value: Any, where: str) -> bool:
    """True and false as people tell them: in words, or as 1 and 0."""
    said = str(value).strip().lower() if isinstance(value, (bool, int, str)) else ""
    if said not in YES | NO:
        raise Malformed(f"{where} is true or false.")
    return said in YES


def whole(least: int, most: int) -> Read[int]:
    def read(value: Any, where: str) -> int:
        if isinstance(value, Decimal) and value.is_finite() and value.adjusted() <= _LARGEST_EXPONENT:
            value = int(value) if value == value.to_integral_value() else value
        if type(value) is not int or not least <= value <= most:
            raise Malformed(f"{where} is a whole number from {least} to {most}.")
        return value

    return read


def days(value: Any, where: str) -> int:
    """How many days: any whole number, for the engine says in a sentence which it allows."""
    return whole(-999_999, 999_999)(value, where)


def day(value: Any, where: str) -> date:
    """A date of the engine's calendar, written year-month-day and in no other way."""
    try:
        read = date.fromisoformat(value) if isinstance(value, str) and _DATE.fullmatch(value) else None
    except ValueError:
        read = None
    if read is not None and FIRST_DAY <= read <= LAST_DAY:
        return read
    if read is not None:
        raise Malformed(f"{where} is a date of the years {FIRST_DAY.year} to {LAST_DAY.year}.")
    raise Malformed(f'{where} is a date of the calendar, written "2025-01-06".')


def day_of(value: Any, where: str) -> date:
    """A date, or that of a moment as it is written: what was told with its hour is of its date."""
    moment = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    return day(moment[1] if moment else value, where)


def number_of(least: int, most: int) -> Read[int | Decimal]:
    """A number between ends, also as a text: a scale, or minutes."""

    def read(value: Any, where: str) -> int | Decimal:
        said = Decimal(value.strip()) if isinstance(value, str) and _DECIMAL.fullmatch(value.strip()) else value
        if type(said) is int:
            said = Decimal(said)
        if not isinstance(said, Decimal) or not said.is_finite() or not least <= said <= most:
            raise Malformed(f"{where} is a number from {least} to {most}.")
        return int(said) if said == said.to_integral_value() else said

    return read


def whole_of(least: int, most: int) -> Read[int]:
    """A whole number between ends, also as a text."""

    def read(value: Any, where: str) -> int:
        return whole(least, most)(int(value) if isinstance(value, str) and value.strip().isdecimal() else value, where)

    return read


def words_of(value: Any, where: str) -> str:
    """Words, or a list of them in one line."""
    return "; ".join(text(one, where) for one in value) if isinstance(value, list) else text(value, where)


def amount(value: Any, where: str) -> Decimal:
    """A number of zero or more, written as a decimal text or as a number, and read exactly as it is written."""
    if type(value) is int or (isinstance(value, str) and _DECIMAL.fullmatch(value)):
        value = Decimal(value)
    if (
        not isinstance(value, Decimal)
        or not value.is_finite()
        or value < 0
        or abs(value.adjusted()) > _LARGEST_EXPONENT
    ):
        raise Malformed(f'{where} is a number without a unit, zero or more, like "1.5" or 1.5.')
    return abs(value)


def amount_up_to(most: int) -> Read[Decimal]:
    def read(value: Any, where: str) -> Decimal:
        number = amount(value, where)
        if number > most:
            raise Malformed(f"{where} is at most {most}.")
        return number

    return read


def dose(value: Any, where: str) -> Dose:
    """Milligrams; which of them may be prescribed, the engine says."""
    milligrams = amount(value, where)
    try:
        return Dose(milligrams)
    except (ArithmeticError, ValueError):
        raise Malformed(f"{where} is written to at most three decimals of a milligram.") from None


def choice(kinds: type[E], also: Mapping[str, E] | None = None) -> Read[E]:
    """One of the names; "opioid_course" is "opioid course"."""

    def read(value: Any, where: str) -> E:
        said = text(value, where).replace("_", " ").strip().lower()
        if also and said in also:
            return also[said]
        try:
            return kinds(said)
        except ValueError:
            raise Malformed(f"{where} is one of {', '.join(kinds)}.") from None

    return read


def many(read: Read[T], most: int) -> Read[tuple[T, ...]]:
    def read_all(value: Any, where: str) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise Malformed(f"{where} is a list in square brackets.")
        if len(value) > most:
            raise Malformed(f"{where} has more than {most:,} entries.")
        return tuple(read(one, f"{where}[{number}]") for number, one in enumerate(value))

    return read_all
