"""What the rules find in a file on a day, and since when.

A day is looked at before its dose: steps that happen by themselves on it are still ahead, what somebody recorded on it
is known, and so is a night of that date if it was told.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from common.dose import SOFT_CEILING, Dose
from common.medicine_classes import MedicineClass
from common.night import Slot
from patients import conditions
from patients import medicines as patients_medicines
from titration import rule_book
from titration.engine import planner, record, stock, timeline
from titration.engine.advice import case, judge, signs
from titration.engine.advice.book import Book
from titration.engine.advice.finding import Finding
from titration.engine.advice.judge import Judgement
from titration.engine.advice.sleep import LOWEST_OFFERS
from titration.engine.course import ChangeProtocol, Course, GoTo, Restart, TrialReduction
from titration.engine.evidence import Differing
from titration.engine.refusals import EngineRefusal
from titration.replay import known
from titration.replay.fields import Malformed
from titration.replay.file import File, Log, Taken, lead_column
from titration.replay.known import on_or_before
from titration.replay.running import Run, waiting_step

LOOKED_BACK_DAYS = 366
"""Since when a finding stands is looked for so far back."""

_NOON = time(12)
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Raised:
    """A finding of a day, and the first day of the run of days on which it has stood."""

    finding: Finding
    on: date


def judged(file: File, done: Run, as_of: date, supply: stock.Standing | None) -> tuple[Judgement, tuple[Raised, ...]]:
    """Everything found on a day, the most urgent first; whether the next step may happen, and why not."""
    book, cases = _book(file), _Cases(file, done)
    now = judge.judge(cases.on(as_of, supply), book)
    since = {finding.key: as_of for finding in now.findings}
    standing, day = set(since), as_of
    earliest = max(cases.known_since, as_of - LOOKED_BACK_DAYS * _ONE_DAY)
    while standing and day > earliest:
        day -= _ONE_DAY
        standing &= {finding.key for finding in judge.judge(cases.on(day), book).findings}
        since.update(dict.fromkeys(standing, day))
    return now, tuple(Raised(finding, min(since[finding.key], _due_since(finding, as_of))) for finding in now.findings)


def typed(dose: Dose, sentence: str, as_of: date) -> tuple[Raised, ...]:
    """What the shipped rules find in a dose that cannot be meant, of which no course comes."""
    written = case.Typed(on=as_of, dose=str(dose), sentence=sentence)
    found = judge.judge(case.Case(today=as_of, typed=(written,)), rule_book.shipped()).findings
    return tuple(Raised(one, as_of) for one in found)


def _due_since(finding: Finding, as_of: date) -> date:
    """What falls due on a date of the supply has stood since that date: days before are not counted again."""
    return min(finding.day, as_of) if finding.rule == "R28" else as_of


def _book(file: File) -> Book:
    try:
        return rule_book.shipped().with_thresholds(file.known.thresholds)
    except EngineRefusal as refused:
        raise Malformed(f"thresholds: {refused.sentence}") from None


@dataclass(frozen=True, slots=True)
class _Standing:
    """A course as far as it was recorded on some day."""

    course: Course
    in_force: timeline.Timeline
    folded: record.Record
    due: record.Due | None
    first_on: date | None
    makeable: frozenset[Dose]


class _Cases:
    """The cases of a file, day by day; what stays the same from one day to the next is worked out once."""

    def __init__(self, file: File, done: Run) -> None:
        self._file, self._done = file, done
        self._standings: dict[int, _Standing] = {}
        last = timeline.unfold(done.course)
        lead = lead_column(file.logs)
        self._nights = tuple(_night(log, file, last, lead) for log in file.logs)
        self._dates = [night.night for night in self._nights]
        self._listed = tuple(known.listed(words) for words in file.patient.medicines)
        self._typed = _typed(file, done)
        self._otherwise: dict[int, tuple[Differing, ...]] = {}

    @property
    def known_since(self) -> date:
        """The first day of which the file knows anything: nothing was raised before it, nor by what has no date."""
        beside = self._file.known
        dated = [self._file.course.start_on, *self._dates]
        dated += [lab.on for lab in beside.labs] + [one.on for one in beside.assessments]
        entered = [one.entered_on for one in beside.procedures] + [beside.screened_on]
        return min([*dated, *(day for day in entered if day is not None)])

    def on(self, today: date, supply: stock.Standing | None = None) -> case.Case:
        file, beside, now = self._file, self._file.known, self._standing(today)
        course = now.course
        return case.Case(
            today=today,
            starts_on=course.start_on,
            first_dose_on=now.first_on,
            in_force=now.in_force,
            due=now.due,
            target=course.target or now.folded.entries[-1].ladder.rungs[-1].dose,
            retitrate_from_days=course.retitrate_from_days,
            awaiting=not now.folded.begun,
            ended=_has_ended(now.in_force, today),
            fixed_dose_protocol=len(course.protocol.rungs) == 1,
            born_on=_born(file.patient.born),
            sex=file.patient.sex,
            weight_kg=file.patient.weight_kg,
            weighed_on=file.patient.weighed_on or (course.start_on if file.patient.weight_kg else None),
            conditions=frozenset(map(conditions.code_of, file.patient.conditions)),
            screening=beside.screening if on_or_before(beside.screened_on, today) else {},
            co_signed=beside.co_signed,
            medicines=self._listed + tuple(one for one in beside.medicines if on_or_before(one.from_on, today)),
            procedures=tuple(one for one in beside.procedures if on_or_before(one.entered_on, today)),
            labs=tuple(one for one in beside.labs if one.on <= today),
            assessments=tuple(one for one in beside.assessments if one.on <= today),
            nights=self._told(now, today),
            products=tuple(
                case.Product(on=fill.on, lot=fill.lot, form=f"{fill.unit.form} {fill.unit.strength}")
                for fill in file.fills
                if fill.on <= today
            ),
            supply=_supply(supply),
            makeable=now.makeable if supply is None else _in_hand(supply),
            typed=self._typed,
            differing=tuple(self._differing(now, today)),
            ladder=tuple(rung.dose for rung in course.protocol.rungs),
        )

    def _standing(self, today: date) -> _Standing:
        """The course as recorded by the day, without the steps that happen by themselves on it or later."""
        done, count = self._done, 0
        for recorded, by_itself in zip(done.recorded, done.by_itself, strict=True):
            if recorded.on > today or (by_itself and recorded.on == today):
                break
            count += 1
        if count not in self._standings:
            course = replace(done.course, changes=done.course.changes[:count])
            in_force = timeline.unfold(course)
            first = next((segment.from_on for segment in in_force if segment.dose is not None), None)
            self._standings[count] = _Standing(
                course, in_force, record.fold(course), waiting_step(course), first, _makeable(self._file, course)
            )
        return self._standings[count]

    def _differing(self, now: _Standing, today: date) -> Iterator[Differing]:
        """Doses told otherwise than prescribed since the course began, until somebody has found out what was taken."""
        count = len(now.course.changes)
        if count not in self._otherwise:
            self._otherwise[count] = tuple(_otherwise(self._nights, now.in_force))
        logs = self._file.logs
        answered = {log.night for log in logs if log.clarified_on is not None and log.clarified_on <= today}
        yield from (one for one in self._otherwise[count] if one.on <= today and one.on not in answered)

    def _told(self, now: _Standing, today: date) -> tuple[case.Night, ...]:
        """Every night told of by a day; none of a time before the plan of somebody who took it already."""
        already = now.course.first_dose is not None and now.first_on is not None
        since = now.first_on if already and now.first_on else date.min
        return self._nights[bisect_left(self._dates, since) : bisect_right(self._dates, today)]


def _otherwise(nights: Iterable[case.Night], in_force: timeline.Timeline) -> Iterator[Differing]:
    """What was told otherwise than prescribed."""
    for night in nights:
        planned = timeline.dose_on(in_force, night.night)
        told = night.taken_mg if night.taken else None
        if told is not None and planned is not None and told != planned:
            yield Differing(night.night, told, planned)


def _has_ended(in_force: timeline.Timeline, today: date) -> bool:
    now = timeline.segment_on(in_force, today)
    return now is not None and now.state is timeline.State.ENDED


def _born(said: str) -> date | None:
    """Of a year alone its last day: nobody is taken to be older than they may be."""
    if not said:
        return None
    return date.fromisoformat(said) if "-" in said else date(int(said), 12, 31)


def _night(log: Log, file: File, in_force: timeline.Timeline, lead: str) -> case.Night:
    segment = timeline.segment_on(in_force, log.night)
    slot = segment.time_of_day if segment else Slot.BEDTIME
    return case.Night(
        night=log.night,
        taken=None if log.taken is None or log.taken is Taken.NOT_YET else log.taken is Taken.TAKEN,
        taken_mg=log.taken_mg,
        taken_at=_taken_at(log, file, slot),
        skipped_because=_why_skipped(log.skipped_because),
        sleep_hours=log.sleep_hours,
        latency_min=log.scale("latency_min"),
        awake_min=log.scale("awake_min"),
        quality=log.scale("quality"),
        dream_vividness=log.scale("dream_vividness"),
        dream_distress=log.scale("dream_distress"),
        pain=log.scale("pain"),
        fatigue=log.scale("fatigue"),
        lead_symptom=log.scale(lead),
        severities={signs.code_of(effect.name): effect.severity.value for effect in log.side_effects},
        scales=dict[str, Decimal](log.measures),
        menstruating=log.menstruating,
        other=_other(log.other_medicines),
        opioid_answered_on=log.reviewed_on,
        clarified_on=log.clarified_on,
        answered_on=log.answered_on,
    )


def _why_skipped(words: str) -> str:
    """The diary's code where the words tell of dreams, else the words."""
    said = words.lower()
    return "dreams" if "dream" in said or "nightmare" in said else words


def _taken_at(log: Log, file: File, slot: Slot) -> datetime | None:
    """A time alone is of the night's date; before noon, of a bedtime dose, of the date after it."""
    if not log.taken_at:
        return None
    if "T" in log.taken_at:
        moment = datetime.fromisoformat(log.taken_at)
        return moment if moment.tzinfo else moment.replace(tzinfo=file.zone)
    at = time.fromisoformat(log.taken_at)
    past_midnight = slot is not Slot.MORNING and at.replace(tzinfo=None) < _NOON
    day = log.night + _ONE_DAY if past_midnight else log.night
    return datetime.combine(day, at) if at.tzinfo else datetime.combine(day, at, file.zone)


_NO, _YES, _UNSURE = ("", "no", "none"), ("yes",), ("unsure", "not sure", "i am not sure")


def _other(words: str) -> case.Other | None:
    """What the night says of other medicines; a yes without a name is a product nobody knows."""
    said = words.strip().lower()
    if said in _NO:
        return None
    if said in _YES + _UNSURE:
        return case.Other(words="", medicine_class=MedicineClass.UNKNOWN, unsure=said in _UNSURE)
    recognised = patients_medicines.recognise(words)
    return None if recognised.says_none else case.Other(words=words, medicine_class=recognised.as_an_answer)


def _supply(standing: stock.Standing | None) -> case.Supply | None:
    if standing is None:
        return None
    left = ", ".join(f"{unit.counted(amount)} of {unit.strength}" for unit, amount in standing.left.items())
    return case.Supply(
        refill_due_on=standing.refill_due_on,
        run_out_on=standing.run_out_on,
        beyond_use_on=standing.next_beyond_use_on,
        units_left=left or "nothing is",
    )


def _makeable(file: File, course: Course) -> frozenset[Dose]:
    """Which of the protocol's doses, and of those below it, the formulation makes; without one, every dose."""
    doses = {*(rung.dose for rung in course.protocol.rungs), *LOWEST_OFFERS}
    if file.formulation is None:
        return frozenset(doses)
    return frozenset(dose for dose in doses if _can_be_made(dose, file))


def _in_hand(supply: stock.Standing) -> frozenset[Dose]:
    """The doses that what is left makes."""
    return planner.possible(unit for unit, amount in supply.left.items() if amount > 0)


def _can_be_made(dose: Dose, file: File) -> bool:
    try:
        planner.check_makeable([(dose, Slot.BEDTIME.value)], file.formulation)  # type: ignore[arg-type]
    except EngineRefusal:
        return False
    return True


def _typed(file: File, done: Run) -> tuple[case.Typed, ...]:
    """Doses above the limits that were refused, and those above 4.5 mg that say no reason."""
    refused = {one.change: one.sentence for one in done.refused}
    found = []
    for told in file.changes:
        dose = dose_of(told.change)
        if dose is None or dose <= SOFT_CEILING:
            continue
        sentence = refused.get(told.index, "" if told.reason else f"A dose above {SOFT_CEILING} needs a reason.")
        if sentence:
            found.append(case.Typed(on=told.recorded_on or file.course.start_on, dose=str(dose), sentence=sentence))
    return tuple(found)


def dose_of(change: object) -> Dose | None:
    """The dose that somebody chose by a change; of another protocol its highest. None where the change names none."""
    match change:
        case GoTo() | Restart() | TrialReduction():
            return change.dose
        case ChangeProtocol():
            return max(rung.dose for rung in change.protocol.rungs)
        case _:
            return None
