"""Emergency access in words: the banner while it lasts, and the list of what waits for a review."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from desk.presenters.badges import Badge
from desk.presenters.days import moment
from patients.models import EmergencyAccess

_OUTCOMES = {
    EmergencyAccess.Outcome.JUSTIFIED: Badge("justified", "good", "check"),
    EmergencyAccess.Outcome.NOT_JUSTIFIED: Badge("not justified", "danger", "stop"),
}


@dataclass(frozen=True)
class Banner:
    """What stands on every page of a patient whose record is open by an emergency."""

    access_id: uuid.UUID
    patient_id: uuid.UUID
    until: str


def banners(running: Iterable[EmergencyAccess], *, zone: ZoneInfo) -> list[Banner]:
    return [Banner(one.id, one.patient_id, f"{one.ends_at.astimezone(zone):%H:%M}") for one in running]


@dataclass(frozen=True)
class AccessLine:
    """One emergency access as its reviewer reads it. `yours` is one the reader made themself."""

    id: uuid.UUID
    patient_id: uuid.UUID
    record_number: str
    who: str
    opened: str
    ended: str
    reason: str
    state: Badge
    open_now: bool
    told: bool
    yours: bool
    reviewed: str
    words: str


def line(access: EmergencyAccess, *, reader_id: uuid.UUID | None, at: datetime) -> AccessLine:
    zone = access.patient.clinic.zone
    over_at = access.closed_at or access.ends_at
    open_now = over_at > at
    reviewer, on = access.reviewed_by, access.reviewed_at
    return AccessLine(
        id=access.id,
        patient_id=access.patient_id,
        record_number=access.patient.record_number,
        who=access.user.name,
        opened=moment(access.opened_at, zone),
        ended=("open until " if open_now else "until ") + f"{over_at.astimezone(zone):%H:%M}",
        reason=access.reason,
        state=_state(access, open_now=open_now),
        open_now=open_now,
        told=access.noticed_at is not None,
        yours=access.user_id == reader_id,
        reviewed=f"{reviewer.name}, {moment(on, zone)}" if reviewer and on else "",
        words=access.review_words,
    )


def _state(access: EmergencyAccess, *, open_now: bool) -> Badge:
    if access.review_outcome:
        return _OUTCOMES[EmergencyAccess.Outcome(access.review_outcome)]
    return Badge("open now", "danger", "clock") if open_now else Badge("to be reviewed", "care", "care")
