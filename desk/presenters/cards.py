"""A patient's emergency cards, as the clinic sees them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from desk.presenters.days import moment
from patients.models import EmergencyCard


@dataclass(frozen=True)
class CardLine:
    id: uuid.UUID
    made: str
    said: str


def lines(cards: Sequence[EmergencyCard], *, zone: ZoneInfo) -> list[CardLine]:
    """Newest first, as they come."""
    return [CardLine(card.id, moment(card.made_at, zone), _said(card, zone)) for card in cards]


def _said(card: EmergencyCard, zone: ZoneInfo) -> str:
    name = "Says the name." if card.shows_name else "Names nobody."
    if card.opened_at is None:
        return f"{name} Not opened yet."
    times = "once" if card.opened_count == 1 else f"{card.opened_count} times"
    return f"{name} Opened {times}, last {moment(card.opened_at, zone)}."
