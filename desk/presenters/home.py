"""The clinic's morning: who must be answered, whose step is due, who is not heard from."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from desk.presenters.badges import Badge
from desk.presenters.reports import ANSWER_WORDS
from reminders import selectors as reminders_selectors
from symptoms.models import OpioidReport
from titration.engine import gate
from titration.models import Prescription, Step
from titration.selectors.silence import Silent
from titration.selectors.worklist import DueStep

READY = Badge("Ready", "good", "check")
NOT_YET = Badge("Not yet", "", "clock")
UNKNOWN = Badge("Not enough nights", "care", "question")
BLOCKED = Badge("Blocked", "danger", "stop")
REVIEW_DUE = Badge("Review due", "care", "clock")
FINISHED = Badge("Finished", "care", "check")
AT_FIRST = 20
"""So many patients not heard from are shown before "show all"."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """An opioid report that waits for the clinic."""

    id: uuid.UUID
    patient_id: uuid.UUID
    name: str
    answer: str
    words: str
    night: date
    at: datetime
    waited: str


@dataclass(frozen=True, kw_only=True)
class Due:
    """A step that is due: what it changes, when, and whether it may happen; or the `end` of a plan, in a sentence."""

    prescription_id: uuid.UUID
    version: int
    patient_id: uuid.UUID
    name: str
    protocol: str
    dose_now: str
    dose_next: str
    due_on: date
    when: str
    overdue: bool
    by_itself: bool
    verdict: Badge
    why: tuple[str, ...]
    end: str = ""

    @property
    def ready(self) -> bool:
        return self.verdict is READY

    @property
    def ticket(self) -> str:
        """What the form sends back: the course and the version that was seen."""
        return f"{self.prescription_id}:{self.version}"


@dataclass(frozen=True, kw_only=True)
class Quiet:
    """A patient not heard from."""

    patient_id: uuid.UUID
    name: str
    nights: int
    last_told: date | None


def report(row: OpioidReport, *, at: datetime) -> Report:
    return Report(
        id=row.id,
        patient_id=row.patient_id,
        name=row.patient.name,
        answer=ANSWER_WORDS.get(row.answer, row.answer),
        words=row.words,
        night=row.night,
        at=row.at,
        waited=lasting(at - row.at),
    )


def due(row: DueStep, *, today: date) -> Due:
    prescription = row.prescription
    verdict, why, end = *_verdict(row.verdict), ""
    if row.end is not None:
        verdict, why, end = _ended(row.end)
    due_on = prescription.next_due_on or today
    return Due(
        prescription_id=prescription.id,
        version=prescription.version,
        patient_id=prescription.patient_id,
        name=prescription.patient.name,
        protocol=f"{prescription.protocol_version.name} ({prescription.protocol_version.code})",
        dose_now=str(row.dose_now) if row.dose_now else "no dose",
        dose_next=str(prescription.next_dose),
        due_on=due_on,
        when=when(due_on, today=today),
        overdue=due_on < today,
        by_itself=prescription.mode == Prescription.Mode.PLANNED,
        verdict=verdict,
        why=why,
        end=end,
    )


def _ended(step: Step) -> tuple[Badge, tuple[str, ...], str]:
    since = f"{step.from_on:%-d %B %Y}"
    if step.dose is None:
        return FINISHED, ("Stop it to close it.",), f"The plan has run its steps: no dose since {since}."
    return REVIEW_DUE, ("Somebody has to decide.",), f"{step.dose} goes on; the review is due since {since}."


def quiet(rows: Sequence[Silent]) -> list[Quiet]:
    return [Quiet(patient_id=r.patient_id, name=r.name, nights=r.nights, last_told=r.last_told) for r in rows]


def stopped_clock(last_round: datetime | None, *, at: datetime) -> str:
    """The sentence of the banner when reminders are not being sent; "" while they are."""
    if last_round is None:
        return "Reminders have never run on this system. Patients are not being reminded."
    silence = at - last_round
    if silence <= reminders_selectors.ROUND_MAX_AGE:
        return ""
    return f"Reminders have not run for {lasting(silence)}. Patients are not being reminded."


def lasting(span: timedelta) -> str:
    """A span in its largest unit, rounded down: "12 minutes", "3 hours", "2 days"."""
    minutes = max(0, int(span.total_seconds()) // 60)
    for size, unit in ((24 * 60, "day"), (60, "hour")):
        if minutes >= size:
            return _many(minutes // size, unit)
    return _many(minutes, "minute") if minutes else "less than a minute"


def when(day: date, *, today: date) -> str:
    """How far a date is from today: "today", "in 3 days", "2 days overdue"."""
    ahead = (day - today).days
    if ahead < 0:
        return f"{_many(-ahead, 'day')} overdue"
    return {0: "today", 1: "tomorrow"}.get(ahead, f"in {ahead} days")


def _many(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _verdict(verdict: gate.Verdict) -> tuple[Badge, tuple[str, ...]]:
    match verdict:
        case gate.Open():
            return READY, ()
        case gate.Unknown():
            return UNKNOWN, (verdict.reason.sentence,)
        case gate.Blocked():
            # Days ahead nobody is to blame for nights that have not been yet.
            ahead = {gate.Code.TOO_EARLY, gate.Code.NOT_ENOUGH_NIGHTS}
            early = any(reason.code == gate.Code.TOO_EARLY for reason in verdict.reasons)
            against = [reason for reason in verdict.reasons if not early or reason.code not in ahead]
            if not against:
                return NOT_YET, (verdict.reasons[0].sentence,)
            return BLOCKED, tuple(reason.sentence for reason in against)
