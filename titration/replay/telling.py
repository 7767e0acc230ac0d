"""What came of a file, as the data that is printed: a line for days alike, the dose now, what is next, the supply."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from common.dose import Dose
from common.night import Slot
from titration.engine import planner, record, stock, timeline
from titration.engine.advice.finding import Step
from titration.engine.course import (
    Advance,
    Change,
    ChangeProtocol,
    ChangeTime,
    GoTo,
    Hold,
    OnOff,
    Pause,
    PauseCause,
    RepeatRung,
    Restart,
    Resume,
    StayHere,
    StepBack,
    Stop,
    StopCause,
    Supersede,
    TrialReduction,
)
from titration.engine.formulation import Formulation, exact_decimal
from titration.engine.planner import Night
from titration.engine.record import Reason, Record
from titration.engine.refusals import EngineRefusal
from titration.engine.timeline import Segment, State
from titration.replay import judging, nights
from titration.replay.file import File
from titration.replay.judging import Raised
from titration.replay.running import Run, waiting_step

WRITTEN_OUT_DAYS = 366
"""So far beyond the last date of a file days on and off are written out one by one."""

LONGEST_SUPPLY_DAYS = 3650

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Line:
    """Days alike, from `from_on` up to and without `to_on`; with a `cycle`, its days on and off from there on."""

    from_on: date
    to_on: date | None
    dose: Dose | None
    state: str
    time_of_day: Slot
    units: Fraction | None
    why: str
    cycle: record.Cycle | None = None


def told(file: File, done: Run, as_of: date) -> dict[str, Any]:
    """The answer, ready for JSON: doses and units as decimal texts, days as year-month-day."""
    supply = _standing(file, done, as_of)
    judgement, raised = judging.judged(file, done, as_of, supply)
    return {
        "timeline": [_line(line) for line in written_out(file, done, as_of)],
        "dose_now_mg": _mg(timeline.dose_on(timeline.unfold(done.course), as_of)),
        "next_step": _next_step(done, as_of),
        "supply": _supply(supply),
        "refused": [
            {"change": refusal.change, "sentence": refusal.sentence}
            for refusal in sorted(done.refused, key=lambda refusal: refusal.change)
        ],
        "findings": [_finding(one) for one in raised],
        "can_step": _CAN_STEP[judgement.step],
        "why": " ".join(judgement.why),
    }


def not_meant(dose: Dose, sentence: str, as_of: date) -> dict[str, Any]:
    """The answer of a plan whose own dose cannot be meant: no course, and R29 says why nothing is saved."""
    return {
        "timeline": [],
        "dose_now_mg": None,
        "next_step": None,
        "supply": _supply(None),
        "refused": [{"change": None, "sentence": sentence}],
        "findings": [_finding(one) for one in judging.typed(dose, sentence, as_of)],
        "can_step": False,
        "why": sentence,
    }


_CAN_STEP: Mapping[Step, bool | str] = {Step.OPEN: True, Step.CLOSED: False, Step.UNKNOWN: "insufficient data"}


def _finding(raised: Raised) -> dict[str, Any]:
    found = raised.finding
    return {
        "rule": found.rule,
        "version": found.version,
        "severity": found.tier.value,
        "raised_on": raised.on.isoformat(),
        "blocks": sorted(found.blocks),
        "sentence": found.sentence,
        "patient_sentence": found.patient_sentence,
        "data": {**found.data},
        "thresholds": {**found.used},
        "offers": [offer.value for offer in found.offers],
    }


def tabled(line: Line) -> dict[str, Any]:
    """The line as a person reads it: days on and off in words."""
    said = f"{line.cycle.days_on} days on, {line.cycle.days_off} days off" if line.cycle else ""
    why = line.why if said in line.why else f"{line.why}; {said}"
    return {**_line(line), "why": why}


def _line(line: Line) -> dict[str, Any]:
    cycle = line.cycle
    return {
        "from": line.from_on.isoformat(),
        "to": line.to_on.isoformat() if line.to_on else None,
        "dose_mg": _mg(line.dose),
        "state": line.state,
        "time_of_day": line.time_of_day.value,
        "units": None if line.units is None else exact_decimal(line.units),
        "why": line.why,
        **({"pattern": {"days_on": cycle.days_on, "days_off": cycle.days_off}} if cycle else {}),
    }


def _mg(dose: Dose | None) -> str | None:
    return dose.text if dose else None


def written_out(file: File, done: Run, as_of: date) -> list[Line]:
    """The timeline; days on and off are lines of their own up to a year after the last date that is known."""
    until = _last_known(file, done, as_of) + WRITTEN_OUT_DAYS * _ONE_DAY
    found: list[Line] = []
    for line in lines(file, done):
        for run in [line] if line.cycle is None else _run_by_run(line, line.cycle, until):
            if found and replace(found[-1], from_on=run.from_on, to_on=run.to_on) == run and run.state == "off":
                found[-1] = replace(found[-1], to_on=run.to_on)
            else:
                found.append(run)
    return found


def lines(file: File, done: Run) -> list[Line]:
    """The timeline, with days on and off in one line."""
    reasons, folded = _Reasons(done), record.fold(done.course)
    found: list[Line] = []
    before: Segment | None = None
    for segment in timeline.unfold(done.course):
        found.append(
            Line(
                segment.from_on,
                segment.to_on,
                segment.dose,
                _state(segment, folded),
                segment.time_of_day,
                units(segment.dose, segment.time_of_day, file.formulation),
                reasons.why(segment, before),
                segment.cycle,
            )
        )
        before = segment
    return found


def _last_known(file: File, done: Run, as_of: date) -> date:
    changes = [change.on for change in done.course.changes if not isinstance(change, Supersede)]
    return max(
        as_of, done.course.start_on, *changes, *(fill.on for fill in file.fills), *(log.night for log in file.logs)
    )


def _run_by_run(line: Line, cycle: record.Cycle, until: date) -> Iterator[Line]:
    """Each run of days on or off as a line; the last, where there is no end, begins a run of days on and says so."""
    day, why = line.from_on, line.why
    while line.to_on is None or day < line.to_on:
        place = (day - cycle.from_on).days % (cycle.days_on + cycle.days_off)
        off = place >= cycle.days_on
        if line.to_on is None and not place and day >= until:
            yield Line(day, None, line.dose, line.state, line.time_of_day, line.units, "And so on", cycle)
            return
        left = (cycle.days_on + cycle.days_off if off else cycle.days_on) - place
        end = day + timedelta(days=left) if line.to_on is None else min(day + timedelta(days=left), line.to_on)
        if off:
            yield Line(day, end, None, "off", line.time_of_day, None, "Planned day off")
        else:
            yield Line(day, end, line.dose, line.state, line.time_of_day, line.units, why)
            why = "Days on again"
        day = end


def units(dose: Dose | None, slot: Slot, formulation: Formulation | None) -> Fraction | None:
    """Units a day, of whatever strength; None where nothing is taken, or none of these units make it."""
    if dose is None or formulation is None:
        return None
    try:
        takings = planner.make_day(planner.night(date.min, dose, slot.value).doses, formulation.units)
    except EngineRefusal:
        return None
    return sum((part.amount for parts in takings for part in parts), start=Fraction(0))


def _state(segment: Segment, folded: Record) -> str:
    """In the words of the file: `titrating` while the step's days run, `maintenance` where nothing rises any more."""
    match segment.state:
        case State.AWAITING | State.PAUSED:
            return "paused"
        case State.HELD | State.OFF | State.ENDED:
            return segment.state.value
        case State.REVIEW:
            return "maintenance"
    entry = folded.standing(segment.from_on)
    top = entry.rung == entry.ladder.last
    runs = entry.climbs and entry.days is not None and (top or _may_rise(entry, folded))
    return "titrating" if runs else "maintenance"


def _may_rise(entry: record.Entry, folded: Record) -> bool:
    """Whether the ladder has a dose above this one that is not above the target."""
    target = folded.course.target
    rungs = entry.ladder.rungs
    above = (
        next((rung for rung in rungs if rung.dose > entry.dose), None) if entry.rung is None else rungs[entry.rung + 1]
    )
    return above is not None and (target is None or above.dose <= max(target, entry.dose))


class _Reasons:
    """Why each line begins, in words: what was decided, and what was written about it."""

    def __init__(self, done: Run) -> None:
        meant = {id(change) for change in record.effective(done.course)}
        self._meant = [
            (change, words)
            for change, words in zip(done.course.changes, done.words, strict=True)
            if id(change) in meant and not isinstance(change, Supersede)
        ]

    def why(self, segment: Segment, before: Segment | None) -> str:
        change, words = self._latest(_MADE_BY.get(segment.reason), segment.from_on)
        if isinstance(change, Resume) and change.on != segment.from_on:
            change, words = None, ""
        said = _said(segment, before, change)
        return f"{said}: {words}" if words else said

    def _latest(self, made: type | None, day: date) -> tuple[Change | None, str]:
        """The change of this kind that holds on a day: the one nearest before it, of several the one recorded last."""
        found: tuple[Change | None, str] = (None, "")
        latest = date.min
        for change, words in self._meant:
            if made is not None and isinstance(change, made) and latest <= change.on <= day:
                found, latest = (change, words), change.on
        return found


def _said(segment: Segment, before: Segment | None, change: Change | None) -> str:
    """A segment's reason in words of its own, without what somebody wrote."""
    match segment.reason:
        case Reason.HELD:
            return f"Held {_days(segment)}"
        case Reason.PAUSED:
            cause = f" ({change.cause})" if isinstance(change, Pause) and change.cause is not PauseCause.OTHER else ""
            return f"Paused {_days(segment)}{cause}"
        case Reason.RESUMED:
            return _resumed(before, change)
        case Reason.TIME_CHANGED:
            return f"Taken {_WHEN[segment.time_of_day]} from now on"
        case Reason.PATTERN:
            cycle = segment.cycle
            return f"{cycle.days_on} days on, {cycle.days_off} days off" if cycle else "Every day again"
        case Reason.NEW_PROTOCOL if isinstance(change, ChangeProtocol):
            return f"Goes on by {change.protocol.label}"
        case Reason.STOPPED if isinstance(change, Stop) and change.cause is not StopCause.DECIDED:
            return f"Stopped ({change.cause})"
        case _:
            return _WORDS[segment.reason]


def _days(segment: Segment) -> str:
    if segment.to_on is None:
        return "until somebody resumes it"
    days = (segment.to_on - segment.from_on).days
    return "1 day" if days == 1 else f"{days} days"


def _resumed(before: Segment | None, change: Change | None) -> str:
    if change is not None:
        return "Resumed"
    match before.state if before else None:
        case State.HELD:
            return "The hold is over"
        case State.PAUSED:
            return "The pause is over"
        case _:
            return "Goes on"


_WHEN = {
    Slot.BEDTIME: "at bedtime",
    Slot.MORNING: "in the morning",
    Slot.SPLIT: "half in the morning, half at bedtime",
}
_WORDS: Mapping[Reason, str] = {
    Reason.STARTED: "First dose",
    Reason.ALREADY_TAKING: "Taken already",
    Reason.AWAITING: "Waits for its medicine",
    Reason.ADVANCED: "Step up",
    Reason.STEPPED_BACK: "Step back",
    Reason.CHOSEN: "Dose chosen",
    Reason.STAYED: "Stays here: the best dose",
    Reason.REPEATED: "Step repeated",
    Reason.RESTARTED: "Restarted after a gap",
    Reason.TRIAL: "Trying a lower dose",
    Reason.NEW_PROTOCOL: "Goes on by another protocol",
    Reason.CHANGEOVER: "No dose between evening and morning",
    Reason.REVIEW_DUE: "Review is due; the dose goes on until it is decided",
    Reason.COMPLETED: "The protocol is complete",
    Reason.STOPPED: "Stopped",
}


_MADE_BY: Mapping[Reason, type] = {
    Reason.ADVANCED: Advance,
    Reason.HELD: Hold,
    Reason.PAUSED: Pause,
    Reason.RESUMED: Resume,
    Reason.STEPPED_BACK: StepBack,
    Reason.CHOSEN: GoTo,
    Reason.STAYED: StayHere,
    Reason.REPEATED: RepeatRung,
    Reason.RESTARTED: Restart,
    Reason.TRIAL: TrialReduction,
    Reason.NEW_PROTOCOL: ChangeProtocol,
    Reason.TIME_CHANGED: ChangeTime,
    Reason.PATTERN: OnOff,
    Reason.STOPPED: Stop,
}


def _next_step(done: Run, as_of: date) -> dict[str, str] | None:
    """The first rise by the ladder after the day; else the step that is due, or will be, and waits."""
    folded = record.fold(done.course)
    for entry in folded.entries:
        if entry.reason is Reason.ADVANCED and entry.on > as_of:
            return {"on": entry.on.isoformat(), "dose_mg": entry.dose.text}
    due = waiting_step(done.course)
    return {"on": due.on.isoformat(), "dose_mg": due.dose.text} if due else None


def _supply(standing: stock.Standing | None) -> dict[str, Any]:
    if standing is None:
        return {"units_left": None, "run_out_on": None, "short_by_next_step": None}
    return {
        "units_left": counted(standing.units_left),
        "run_out_on": standing.run_out_on.isoformat() if standing.run_out_on else None,
        "short_by_next_step": standing.short_by_next_step,
    }


def _standing(file: File, done: Run, as_of: date) -> stock.Standing | None:
    """How the supply stands before the day's dose; None before the first fill."""
    if not any(fill.on <= as_of for fill in file.fills):
        return None
    in_force = timeline.unfold(done.course)
    intended = timeline.plan(done.course, as_of)
    return stock.standing(
        file.fills,
        [*_nights(in_force, in_force[0].from_on, as_of), *_coming(file, intended, as_of)],
        as_of,
        told=dict(nights.taken(file.logs, in_force, as_of)),
    )


def _nights(schedule: timeline.Timeline, from_on: date, until_on: date) -> list[Night]:
    return [nights.night(day.on, day.dose, day.time_of_day) for day in timeline.days(schedule, from_on, until_on)]


def _coming(file: File, intended: timeline.Timeline, as_of: date) -> list[Night]:
    """The days ahead, until all that was dispensed must be gone and the last step has begun."""
    least = min((fill.unit.grain for fill in file.fills), default=Fraction(1))
    most = sum((fill.units for fill in file.fills), start=Fraction(0)) / least
    found: list[Night] = []
    doses = 0
    for one in timeline.days(intended, as_of, as_of + LONGEST_SUPPLY_DAYS * _ONE_DAY):
        found.append(nights.night(one.on, one.dose, one.time_of_day))
        doses += one.dose is not None
        if doses > most and one.on > intended[-1].from_on:
            break
    return found


def counted(amount: Fraction) -> int | str:
    """As a fill says it: a whole number, or a decimal text where units are broken or measured."""
    return amount.numerator if amount.denominator == 1 else exact_decimal(amount)
