"""One line per patient, for the list."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from desk.presenters.badges import Badge
from patients.models import Patient
from titration.engine.timeline import State
from titration.selectors.standing import Standing

STATES = {
    State.TAKING: Badge("on plan", "good", "check"),
    State.HELD: Badge("held", "info", "hold"),
    State.PAUSED: Badge("paused", "info", "hold"),
    State.AWAITING: Badge("awaiting medicine", "info", "clock"),
    State.OFF: Badge("no dose today", "info", "hold"),
    State.REVIEW: Badge("review due", "care", "care"),
    State.ENDED: Badge("plan complete"),
}
TOLD_NONE = Badge("told to take none", "danger", "stop")


@dataclass(frozen=True, kw_only=True)
class Line:
    """What the list says of one patient; `next_on` belongs to `next_dose`, and texts are empty for want of words."""

    id: uuid.UUID
    name: str
    record_number: str
    dose: str
    next_dose: str
    next_on: date | None
    overdue: bool
    last_log: str
    state: Badge


def line(patient: Patient, standing: Standing, *, at: datetime) -> Line:
    today = at.astimezone(patient.zone).date()
    return Line(
        id=patient.id,
        name=patient.name,
        record_number=patient.record_number,
        dose=str(standing.dose) if standing.dose else "",
        next_dose=str(standing.next_dose) if standing.next_dose else "",
        next_on=standing.next_due_on,
        overdue=standing.next_due_on is not None and standing.next_due_on < today,
        last_log=_last_log(standing.last_told, today=today),
        state=_state(standing, today=today),
    )


def _state(standing: Standing, *, today: date) -> Badge:
    if standing.told_none and standing.state in (State.TAKING, State.HELD, State.OFF, State.REVIEW):
        return TOLD_NONE
    if standing.state:
        return STATES[standing.state]
    if standing.start_on and standing.start_on > today:
        return Badge(f"starts {standing.start_on:%-d %b %Y}", "meant", "clock")
    return Badge("no plan")


def _last_log(last: date | None, *, today: date) -> str:
    if last is None:
        return "never"
    nights_ago = (today - last).days
    if nights_ago <= 0:
        return "tonight"
    return "last night" if nights_ago == 1 else f"{nights_ago} nights ago"
