"""Hours, cover and the urgent route in words."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from accounts.models import Cover, UrgentContact
from desk.presenters.days import day


@dataclass(frozen=True)
class CoverLine:
    id: uuid.UUID
    words: str
    when: str
    now: bool


def covers(rows: Iterable[Cover], *, today: date) -> list[CoverLine]:
    """Soonest first, as they come."""
    return [
        CoverLine(
            row.id,
            f"{row.covers.name} covers {row.away.name}",
            f"{day(row.from_on)} to {day(row.until_on - timedelta(days=1))}",
            row.from_on <= today,
        )
        for row in rows
    ]


def no_address(route: Sequence[UrgentContact]) -> list[str]:
    """The names of those in the route who have no mail address."""
    return [contact.user.name for contact in route if not contact.user.email]
