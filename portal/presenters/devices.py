"""The phones of one person, in words."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from patients.models import Phone
from portal.presenters.days import moment

_NO_LONGER = {
    Phone.Because.HOLDER: "Forgotten by you",
    Phone.Because.CLINIC: "Forgotten by your clinic",
    Phone.Because.COPIED: "Signed out to protect you: its key was used twice, as if somebody had copied it",
}


@dataclass(frozen=True)
class PhoneLine:
    id: uuid.UUID
    name: str
    this: bool
    let_in: str
    used: str
    gone: str


def phone_lines(phones: Iterable[Phone], *, this: Phone, at: datetime) -> list[PhoneLine]:
    """The one in the hand first, then the newest; times by the patient's clock, a carer's by UTC."""
    zone = this.patient.zone if this.patient else ZoneInfo("UTC")
    lines = [
        PhoneLine(
            id=phone.id,
            name=phone.device or "A phone or computer",
            this=phone.id == this.id,
            let_in=moment(phone.let_in_at, zone, at),
            used=moment(phone.last_used_at, zone, at) if phone.last_used_at else "",
            gone=_gone(phone, zone, at),
        )
        for phone in phones
    ]
    return sorted(lines, key=lambda line: (not line.this, bool(line.gone)))


def _gone(phone: Phone, zone: ZoneInfo, at: datetime) -> str:
    if phone.revoked_at is None:
        return ""
    why = _NO_LONGER[Phone.Because(phone.revoked_because or Phone.Because.HOLDER)]
    return f"{why}, {moment(phone.revoked_at, zone, at)}."
