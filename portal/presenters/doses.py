"""The next dose in words, and the panel that says to take none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from common import dose as doses
from common.night import Slot
from patients.models import Patient
from portal import words
from portal.presenters.days import day
from symptoms.models import DoseTaken
from symptoms.selectors import ToldNight
from titration.engine import planner
from titration.selectors.courses import Tonight, TonightState

SLOT_WORDS = {
    Slot.BEDTIME: "at bedtime",
    Slot.MORNING: "in the morning",
    Slot.SPLIT: "half in the morning, half at bedtime",
}


@dataclass(frozen=True)
class Stop:
    """The panel that says to take no further dose: the reviewed words, whom to call, and the last dose told."""

    words: words.StopWords
    phone: str
    dialled: str
    read_when: str
    last_dose: str
    known: bool


def stop_panel(patient: Patient, told: Sequence[ToldNight], *, read_when: str, known: bool = True) -> Stop:
    """`told` are the last nights, oldest first; `read_when` says when somebody reads this, and whom to call before.

    `known`: the clinic has been told; an answer that is not saved yet has reached nobody.
    """
    taken = [n.dose for n in told if n.dose is not None and n.dose.taken == DoseTaken.Taken.TAKEN]
    return Stop(
        words=words.stop_words(),
        phone=patient.clinic.phone,
        dialled="".join(patient.clinic.phone.split()),
        read_when=read_when,
        last_dose=_dose_told(taken[-1], patient.zone) if taken else "",
        known=known,
    )


def _dose_told(dose: DoseTaken, zone: ZoneInfo) -> str:
    amount = str(dose.taken_mg) if dose.taken_mg else "an amount you did not write down"
    clock = f" at {dose.taken_at.astimezone(zone):%H:%M}" if dose.taken_at else ""
    return f"{amount}, for {day(dose.plan_date)}{clock}"


@dataclass(frozen=True)
class NextDose:
    """The card on the first page. `amount` is the sentence that counts; `notes` qualify it; `recorded` is what is
    already told of this dose."""

    state: TonightState
    when: str
    amount: str
    notes: tuple[str, ...]
    recorded: str
    night: date | None
    asks: bool
    not_now: str
    paused_until: str = ""


def next_dose(tonight: Tonight, zone: ZoneInfo, at: datetime, *, writable: Sequence[date]) -> NextDose:
    """`writable` are the nights the patient may write now: a dose outside them has no buttons yet."""
    told = tonight.recorded is not None and tonight.recorded.taken != DoseTaken.Taken.NOT_YET
    return NextDose(
        state=tonight.state,
        when=_when(tonight, at.astimezone(zone).date()),
        amount=_amount(tonight),
        notes=tuple(_notes(tonight)),
        recorded=_recorded(tonight.recorded, zone) if tonight.recorded else "",
        night=tonight.on if tonight.on in writable else None,
        asks=tonight.state in (TonightState.TAKE, TonightState.AWAITING) and tonight.on in writable and not told,
        not_now="Not tonight" if tonight.slot is Slot.BEDTIME else "Not today",
        paused_until=day(tonight.paused_until) if tonight.paused_until else "",
    )


def _when(tonight: Tonight, today: date) -> str:
    if tonight.state is TonightState.NOT_STARTED and tonight.start_on is not None:
        return f"{day(tonight.start_on)} {SLOT_WORDS[tonight.slot]}"
    if tonight.slot is Slot.BEDTIME:
        return "Tonight"
    if tonight.slot is Slot.SPLIT:
        return "Today, half in the morning and half at bedtime"
    return "This morning" if tonight.on == today else "Tomorrow morning"


def _amount(tonight: Tonight) -> str:
    """As in "1 capsule of 3 mg and 1 capsule of 1.5 mg = 4.5 mg (four and a half milligrams)"."""
    if tonight.dose is None:
        return ""
    dose = f"{tonight.dose} ({doses.in_words(tonight.dose)})"
    return f"{planner.in_words(tonight.takings)} = {dose}" if tonight.takings else dose


def _notes(tonight: Tonight) -> list[str]:
    notes = []
    if tonight.dose is not None and not tonight.takings:
        notes.append("Nothing in your plan makes this dose exactly. Do not take it until you have asked your clinic.")
    if tonight.held and tonight.held_until is None:
        notes.append("Your clinic keeps you on this dose until they tell you otherwise.")
    elif tonight.held_until is not None:
        notes.append(f"Your clinic keeps you on this dose until {day(tonight.held_until)}.")
    elif tonight.waiting_for is not None:
        notes.append(
            f"Your next step to {tonight.waiting_for} is waiting for your clinic. "
            f"Stay on {tonight.dose} until they answer."
        )
    return notes


def dose_told(dose: DoseTaken, zone: ZoneInfo) -> str:
    """What became of a dose, for somebody who reads and does not write."""
    if dose.taken == DoseTaken.Taken.TAKEN:
        clock = f" at {dose.taken_at.astimezone(zone):%H:%M}" if dose.taken_at else ""
        return f"Taken: {dose.taken_mg or 'the amount was not written down'}{clock}."
    return "Skipped." if dose.taken == DoseTaken.Taken.SKIPPED else "Not taken yet."


def _recorded(dose: DoseTaken, zone: ZoneInfo) -> str:
    match dose.taken:
        case DoseTaken.Taken.TAKEN:
            clock = f" at {dose.taken_at.astimezone(zone):%H:%M}" if dose.taken_at else ""
            return f"You told us that you took {dose.taken_mg or 'it'}{clock}."
        case DoseTaken.Taken.SKIPPED:
            return "You told us that you skip this dose."
        case _:
            return "You told us that you have not taken it yet."
