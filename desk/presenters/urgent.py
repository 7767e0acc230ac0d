"""What is urgent, in words: about whom, since when, and who was told."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from desk.presenters.days import moment
from reminders.models import UrgentItem, UrgentNotice
from reminders.selectors import STATE_WORDS, reason_words
from reminders.states import State

WHAT = {UrgentItem.Code.OPIOID_REPORT: "Opioid report to answer", UrgentItem.Code.FINDING: "Alert of the first tier"}


@dataclass(frozen=True)
class UrgentLine:
    id: uuid.UUID
    patient_id: uuid.UUID
    name: str
    what: str
    since: str
    waited: str
    told: tuple[str, ...]
    opened: str


def lines(items: Iterable[UrgentItem], *, zone: ZoneInfo, at: datetime) -> list[UrgentLine]:
    return [
        UrgentLine(
            id=item.id,
            patient_id=item.patient_id,
            name=item.patient.name,
            what=WHAT[UrgentItem.Code(item.code)],
            since=moment(item.raised_at, zone),
            waited=_waited(at, item.raised_at),
            told=tuple(_told(notice, zone) for notice in item.notices.all()),
            opened=f"Opened by {item.opened_by.name}, {moment(item.opened_at, zone)}" if item.opened_by else "",
        )
        for item in items
    ]


def _told(notice: UrgentNotice, zone: ZoneInfo) -> str:
    """As in "Dr …, by e-mail: sent, 2 March 10:02"."""
    channel = "by text message" if notice.channel == UrgentNotice.Channel.SMS else "by e-mail"
    reason = reason_words(notice.error_class) if notice.error_class else ""
    because = f" ({reason})" if reason else ""
    return (
        f"{notice.user.name}, {channel}: {STATE_WORDS[State(notice.state)]}{because}, {moment(notice.planned_at, zone)}"
    )


def _waited(at: datetime, since: datetime) -> str:
    minutes = max(0, int((at - since).total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"
