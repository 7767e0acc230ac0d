"""Small sums over what patients tell. Pure: no rows, no clock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from common.refusals import Refused

_ONE_DECIMAL = Decimal("0.1")


def counts_as_log(*, taken: str | None, sleep_hours: Decimal | None, lead_symptom: Decimal | int | None) -> bool:
    """Whether a night is evidence for a step: dose, sleep and lead symptom were told (clinical facts 6.1)."""
    return taken in ("taken", "skipped") and sleep_hours is not None and lead_symptom is not None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One answer to an item: the number that counts and the words that are shown."""

    value: int
    words: str


@dataclass(frozen=True, kw_only=True)
class Item:
    """One question. `scale` holds what its lowest and highest answer mean where the answers are bare numbers."""

    code: str
    words: str
    choices: tuple[Choice, ...]
    loinc: str = ""
    scale: tuple[str, str] | None = None

    def takes(self, value: int) -> bool:
        """Whether this number is one of its answers."""
        return any(choice.value == value for choice in self.choices)


@dataclass(frozen=True, kw_only=True)
class Band:
    """What a score from `from_score` on is called, up to where the next band begins, and by which source."""

    from_score: Decimal
    words: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """A questionnaire: its rights, its words, and how its answers become a score.

    `own`: answered by the patient alone, never by a helper. `begins_with` names the shorter form whose items it
    repeats, `crisis_item` the item that is acted on whatever the total.
    """

    id: str
    version: int
    name: str
    called: str
    about: str
    licence: str
    rights_holder: str
    attribution: str
    cleared: bool
    cleared_by: str
    review: str
    stem: str
    scoring: Literal["sum", "mean", "value"]
    items: tuple[Item, ...]
    bands: tuple[Band, ...]
    loinc_panel: str = ""
    loinc_score: str = ""
    own: bool = False
    adults_only: bool = False
    begins_with: str = ""
    crisis_item: str = ""
    every_months: int = 0
    at_baseline: bool = False
    conditions: tuple[str, ...] = ()
    rhythm_source: str = ""

    def item(self, code: str) -> Item | None:
        return next((item for item in self.items if item.code == code), None)

    @property
    def highest(self) -> Decimal:
        """The highest score there is."""
        most = [max(choice.value for choice in item.choices) for item in self.items]
        return Decimal(sum(most)) if self.scoring == "sum" else Decimal(max(most))


@dataclass(frozen=True, kw_only=True)
class Score:
    """What the answers come to. `total` is None while an item is missing: no instrument here fills one in.

    `crisis` is the answer to the item that is acted on whatever the total, None where there is none or it is missing.
    """

    total: Decimal | None
    missing: tuple[str, ...]
    band: Band | None
    crisis: int | None

    @property
    def is_crisis(self) -> bool:
        return self.crisis is not None and self.crisis > 0


def checked(instrument: Instrument, answers: Mapping[str, int]) -> dict[str, int]:
    """The answers in the order of the items. Raises `Refused` for an answer this instrument does not have."""
    for code, value in answers.items():
        item = instrument.item(code)
        if item is None or isinstance(value, bool) or not item.takes(value):
            raise Refused(f"This is not an answer of {instrument.name}. Choose one of those shown.")
    return {item.code: answers[item.code] for item in instrument.items if item.code in answers}


def score(instrument: Instrument, answers: Mapping[str, int]) -> Score:
    """The score by the instrument's own rule: a sum, a mean to one decimal (half up), or the one answer itself.

    Every item is needed for a total (PEG: clinical facts 3.2; the sums: E3). The crisis item counts without one.
    """
    given = checked(instrument, answers)
    missing = tuple(item.code for item in instrument.items if item.code not in given)
    total = None if missing else _total(instrument, given.values())
    return Score(
        total=total,
        missing=missing,
        band=None if total is None else _band(instrument, total),
        crisis=given.get(instrument.crisis_item),
    )


def _total(instrument: Instrument, values: Iterable[int]) -> Decimal:
    numbers = list(values)
    if instrument.scoring == "mean":
        return (Decimal(sum(numbers)) / len(numbers)).quantize(_ONE_DECIMAL, ROUND_HALF_UP)
    return Decimal(sum(numbers))


def _band(instrument: Instrument, total: Decimal) -> Band | None:
    reached = [band for band in instrument.bands if band.from_score <= total]
    return max(reached, key=lambda band: band.from_score) if reached else None
