"""Pure: what a column of the template is, and what reading a cell needs to know beside it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from titration.engine.protocol import Protocol

T = TypeVar("T")
MISSING = "This is missing."


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """A template that the clinic may prescribe by; `id` is that of its version's row."""

    id: str
    protocol: Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What reading needs to know beside the table: the clinic's today and zone, the names of conditions by code, the
    templates it may prescribe by, and the words that a record has for the sex.
    """

    today: date
    zone: ZoneInfo
    conditions: Mapping[str, str]
    templates: Sequence[Template]
    sexes: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Column(Generic[T]):
    """One column of the template: its name, what is written there, whether it must be, and how it is read.

    `needed` is "yes", "no", or "with a plan".
    """

    name: str
    words: str
    example: str
    needed: str
    read: Callable[[str, Facts], T] = field(repr=False)
