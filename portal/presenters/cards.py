"""Emergency cards in words: for the patient who keeps them, and for who scanned one."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.safestring import mark_safe

from common import qr
from patients.models import EmergencyCard
from portal.presenters.days import day, moment
from symptoms.models import DoseTaken


@dataclass(frozen=True)
class CardLine:
    """One card that opens, as its patient sees it."""

    id: uuid.UUID
    made: str
    opened: str
    shows_name: bool


def lines(cards: Sequence[EmergencyCard], zone: ZoneInfo, at: datetime) -> list[CardLine]:
    return [CardLine(card.id, _made(card, zone, at), _opened(card, zone, at), card.shows_name) for card in cards]


def _made(card: EmergencyCard, zone: ZoneInfo, at: datetime) -> str:
    local = card.made_at.astimezone(zone)
    return f"Card made at {moment(card.made_at, zone, at)}{'' if local.year == at.year else f' {local.year}'}"


def _opened(card: EmergencyCard, zone: ZoneInfo, at: datetime) -> str:
    if card.opened_at is None:
        return "Nobody has opened it."
    times = "once" if card.opened_count == 1 else f"{card.opened_count} times"
    return f"Opened {times}, last at {moment(card.opened_at, zone, at)}."


@dataclass(frozen=True)
class Made:
    """A card that was just made: its code as a drawing, and where the code leads."""

    code: str
    link: str
    shows_name: bool


def made(card: EmergencyCard, link: str) -> Made:
    # Safe: drawn by the library from an address of ours.
    return Made(mark_safe(qr.svg(link)), link, card.shows_name)  # noqa: S308


@dataclass(frozen=True)
class Opened:
    """All that who scanned a card reads of the record: the last dose told, the clinic's number, the name if wanted."""

    name: str
    dose: str
    when: str
    phone: str
    dialled: str
    urgent_phone: str
    urgent_dialled: str


def opened(card: EmergencyCard, last: DoseTaken | None) -> Opened:
    clinic = card.patient.clinic
    return Opened(
        name=card.patient.name if card.shows_name else "",
        dose=(str(last.taken_mg) if last.taken_mg else "amount not logged") if last else "",
        when=_when(last, card.patient.zone) if last else "",
        phone=clinic.phone,
        dialled="".join(clinic.phone.split()),
        urgent_phone=clinic.urgent_phone,
        urgent_dialled="".join(clinic.urgent_phone.split()),
    )


def _when(dose: DoseTaken, zone: ZoneInfo) -> str:
    """With the distance from UTC and no place: who reads may be in another zone, and need not know where home is."""
    if dose.taken_at is None:
        return f"for {day(dose.plan_date)} {dose.plan_date.year}, hour not logged"
    local = dose.taken_at.astimezone(zone)
    away = local.strftime("%z")
    return f"{day(local.date())} {local.year} at {local:%H:%M} (UTC{away[:3]}:{away[3:]})"
