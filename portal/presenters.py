"""Rows and plans in the words of a patient's page. Nothing here asks the database or the clock."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.safestring import mark_safe

from charts import description, drawing, series
from common import dose as doses
from common.dose import Dose
from common.night import Slot, night_of
from patients.models import Patient
from portal import words
from symptoms import items
from symptoms.models import DoseTaken, SymptomLog
from symptoms.selectors import ToldNight
from titration.engine import supply, timeline
from titration.engine.course import Course
from titration.models import Prescription
from titration.selectors import courses
from titration.selectors.courses import Tonight, TonightState

CHART_NIGHTS = 90
CHART_WIDTH = 358
"""The chart of the patient's pages: the last quarter, as wide in pixels as a phone of 390 leaves room for."""

_CHARTED = (
    *("sleep_hours", "latency_min", "awake_min", "awakenings", "quality", "dream_vividness", "dream_distress"),
    *("pain", "fatigue", "lead_symptom"),
)
_ONE_DAY = timedelta(days=1)
_STILL_UP = timedelta(hours=3)
"""A bedtime dose may be taken until 03:00 (clinical facts 1.5); until then nobody calls the evening yesterday."""


def day(on: date) -> str:
    """As in "Monday 2 March"."""
    return f"{on:%A} {on.day} {on:%B}"


def moment(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """As in "08:02 today" or "08:02 on Monday 2 March", by the patient's clock."""
    local = at.astimezone(zone)
    today = now.astimezone(zone).date()
    when = "today" if local.date() == today else f"on {day(local.date())}"
    return f"{local:%H:%M} {when}"


def night_name(night: date, zone: ZoneInfo, at: datetime) -> str:
    """What a person calls this night at this moment: "Tonight", "Last night", or its evening's day."""
    evening = _evening(at, zone)
    if night == evening:
        return "Tonight"
    return "Last night" if night == evening - _ONE_DAY else f"{night:%A} night"


def _evening(at: datetime, zone: ZoneInfo) -> date:
    """The date people awake at this moment would call today: until 03:00 it is still the evening before."""
    return (at.astimezone(zone).replace(tzinfo=None) - _STILL_UP).date()


def night_span(night: date) -> str:
    """The two days a night lies between: "Mon 2 to Tue 3 March"."""
    morning = night + _ONE_DAY
    month = "" if night.month == morning.month else f" {night:%B}"
    return f"{night:%a} {night.day}{month} to {morning:%a} {morning.day} {morning:%B}"


@dataclass(frozen=True)
class Stop:
    """The panel that says to take no further dose: the reviewed words, whom to call, and the last dose told."""

    words: words.StopWords
    phone: str
    dialled: str
    after_hours: str
    last_dose: str


def stop_panel(patient: Patient, told: Sequence[ToldNight]) -> Stop:
    """`told` are the last nights, oldest first."""
    taken = [n.dose for n in told if n.dose is not None and n.dose.taken == DoseTaken.Taken.TAKEN]
    return Stop(
        words=words.stop_words(),
        phone=patient.clinic.phone,
        dialled="".join(patient.clinic.phone.split()),
        after_hours=patient.clinic.after_hours_words,
        last_dose=_dose_told(taken[-1], patient.zone) if taken else "",
    )


def _dose_told(dose: DoseTaken, zone: ZoneInfo) -> str:
    amount = str(dose.taken_mg) if dose.taken_mg else "an amount you did not write down"
    clock = f" at {dose.taken_at.astimezone(zone):%H:%M}" if dose.taken_at else ""
    return f"{amount}, for {day(dose.plan_date)}{clock}"


def planned_for(prescriptions: Sequence[Prescription], on: date) -> tuple[Dose | None, Slot]:
    """The dose in force on a plan date and its slot; `prescriptions` are newest first, with their changes."""
    for prescription in prescriptions:
        dose = timeline.dose_on(timeline.unfold(courses.course_of(prescription)), on)
        if dose is not None:
            return dose, Slot(prescription.slot)
    return None, Slot(prescriptions[0].slot) if prescriptions else Slot.BEDTIME


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
        asks=tonight.state is TonightState.TAKE and tonight.on in writable and not told,
        not_now="Not tonight" if tonight.slot is Slot.BEDTIME else "Not today",
    )


def _when(tonight: Tonight, today: date) -> str:
    if tonight.state is TonightState.NOT_STARTED and tonight.start_on is not None:
        at_night = " at bedtime" if tonight.slot is Slot.BEDTIME else " in the morning"
        return f"{day(tonight.start_on)}{at_night}"
    if tonight.slot is Slot.BEDTIME:
        return "Tonight"
    return "This morning" if tonight.on == today else "Tomorrow morning"


def _amount(tonight: Tonight) -> str:
    """As in "2 capsules of 1.5 mg = 3 mg (three milligrams)"."""
    if tonight.dose is None or tonight.units is None or tonight.strength is None:
        return ""
    return f"{capsules(tonight.units)} of {tonight.strength} = {tonight.dose} ({doses.in_words(tonight.dose)})"


def capsules(count: int) -> str:
    return "1 capsule" if count == 1 else f"{count} capsules"


def _notes(tonight: Tonight) -> list[str]:
    notes = []
    if tonight.held_until is not None:
        notes.append(f"Your clinic keeps you on this dose until {day(tonight.held_until)}.")
    elif tonight.waiting_for is not None:
        notes.append(
            f"Your next step to {tonight.waiting_for} is waiting for your clinic. "
            f"Stay on {tonight.dose} until they answer."
        )
    return notes


def _recorded(dose: DoseTaken, zone: ZoneInfo) -> str:
    match dose.taken:
        case DoseTaken.Taken.TAKEN:
            clock = f" at {dose.taken_at.astimezone(zone):%H:%M}" if dose.taken_at else ""
            return f"You told us that you took {dose.taken_mg or 'it'}{clock}."
        case DoseTaken.Taken.SKIPPED:
            return "You told us that you skip this dose."
        case _:
            return "You told us that you have not taken it yet."


@dataclass(frozen=True)
class NightLine:
    """One of the last nights: its name, and whether its dose and its sleep were told."""

    night: date
    name: str
    span: str
    told: bool
    said: str


def night_lines(told: Sequence[ToldNight], zone: ZoneInfo, at: datetime) -> list[NightLine]:
    """Newest first."""
    return [
        NightLine(
            night=one.night,
            name=night_name(one.night, zone, at),
            span=night_span(one.night),
            told=is_told(one),
            said=_told_words(one),
        )
        for one in reversed(told)
    ]


def is_told(one: ToldNight) -> bool:
    """Whether the patient said how the night was. A dose alone says nothing of the night after it."""
    log = one.log
    return log is not None and any(
        value is not None
        for value in (log.sleep_hours, log.quality, log.dream_vividness, log.pain, log.fatigue, log.lead_symptom)
    )


def _told_words(one: ToldNight) -> str:
    if is_told(one):
        return "Told"
    return "Partly told" if one.dose is not None or one.log is not None else "Not told"


def night_to_tell(lines: Sequence[NightLine], zone: ZoneInfo, at: datetime) -> date | None:
    """The running night, once its sleeper may be up again and while it is untold; `lines` are newest first."""
    running = lines[0]
    return running.night if not running.told and _evening(at, zone) > running.night else None


def nights_told(lines: Sequence[NightLine]) -> str:
    """As in "5 of the last 7 nights are told"."""
    count = sum(1 for line in lines if line.told)
    return f"{count} of the last {len(lines)} nights {'is' if count == 1 else 'are'} told"


@dataclass(frozen=True)
class Version:
    """One version of a night as it was saved."""

    number: int
    saved: str
    said: str


def versions(history: Sequence[tuple[datetime, SymptomLog]], zone: ZoneInfo, at: datetime) -> list[Version]:
    """Newest first; `history` is oldest first."""
    return [Version(log.version, moment(saved_at, zone, at), log_words(log)) for saved_at, log in reversed(history)]


def log_words(log: SymptomLog) -> str:
    """A night in one line; what was not answered is left out."""
    parts = [
        _part("slept", log.sleep_hours, " hours"),
        _part("asleep after", log.latency_min, " min"),
        _part("awake", log.awake_min, " min"),
        _part("woke", log.awakenings, " times"),
        _part("sleep", items.quality().get(log.quality or 0, "").casefold() or None),
        _part("dreams", _dreams(log)),
        _part("upset by dreams", log.dream_distress, " of 10"),
        _part("pain", log.pain, " of 10"),
        _part("tiredness", log.fatigue, " of 10"),
        _part("lead symptom", log.lead_symptom, " of 10"),
        *(f"{items.side_effects().get(code, code).casefold()} ({how})" for code, how in log.side_effects.items()),
        _part("other medicine", log.get_other_medicines_answer_display().casefold() or None),
        log.other_medicines,
        "with a note" if log.note else "",
    ]
    return ", ".join(part for part in parts if part) or "nothing answered"


def _dreams(log: SymptomLog) -> str | None:
    return None if log.dream_vividness is None else items.dream_vividness()[log.dream_vividness].casefold()


def _part(name: str, value: object, unit: str = "") -> str:
    if value is None:
        return ""
    shown = f"{value.normalize():f}" if isinstance(value, Decimal) else value
    return f"{name} {shown}{unit}"


@dataclass(frozen=True)
class Pane:
    """What stands around the night's form."""

    night: date
    name: str
    span: str
    planned: str
    begun: bool
    awake_again: bool
    opens_sleep: bool
    saved: str
    version: int
    changed_meanwhile: bool


def pane(
    night: date,
    told: ToldNight,
    planned: Dose | None,
    zone: ZoneInfo,
    at: datetime,
    *,
    seen_version: int | None = None,
    stale: bool = False,
) -> Pane:
    """`seen_version` is what a rejected form was filled from; it is kept, so that a refusal does not hide a change."""
    log, awake_again = told.log, _evening(at, zone) > night
    current = log.version if log else 0
    return Pane(
        night=night,
        name=night_name(night, zone, at),
        span=night_span(night),
        planned=f"{planned} ({doses.in_words(planned)})" if planned else "",
        begun=night_of(at, zone) >= night,
        awake_again=awake_again,
        opens_sleep=awake_again or is_told(told),
        saved=f"Saved {moment(log.recorded_at, zone, at)}, version {log.version}." if log else "",
        version=current if seen_version is None else seen_version,
        changed_meanwhile=stale,
    )


@dataclass(frozen=True)
class PlanRow:
    """A step of the schedule: the one in force (`current`), or one that is intended and nobody's promise yet."""

    from_on: str
    to_on: str
    dose: str
    in_words: str
    units: str
    current: bool
    standing: str


@dataclass(frozen=True)
class Plan:
    """The schedule ahead, with the holds there were and what follows the last step."""

    rows: tuple[PlanRow, ...]
    holds: tuple[str, ...]
    slot: str
    ending: str


def plan(course: Course, strength: Dose, slot: Slot, today: date) -> Plan:
    """Past steps are left out: this is what is in force and what is meant to follow."""
    intended, in_force = timeline.plan(course, as_of=today), timeline.unfold(course)
    standing = timeline.segment_on(in_force, max(today, course.start_on))
    return Plan(
        rows=tuple(
            _plan_row(row, today, standing)
            for row in supply.schedule(intended, strength)
            if standing is not None and standing.rung is not None and row.step.rung >= standing.rung
        ),
        holds=tuple(
            f"Your dose is kept from {day(part.from_on)} to {day(part.to_on - _ONE_DAY)}; later steps move with it."
            for part in intended
            if part.state is timeline.State.HELD and part.to_on is not None and part.to_on > today
        ),
        slot="at bedtime" if slot is Slot.BEDTIME else "in the morning",
        ending=_ending(intended),
    )


def _plan_row(row: supply.Row, today: date, standing: timeline.Segment | None) -> PlanRow:
    step = row.step
    current = standing is not None and step.rung == standing.rung
    # A step that is overdue is intended for today; until somebody lets it happen the dose in force has no last day.
    overdue = current and step.to_on is not None and step.to_on <= today
    return PlanRow(
        from_on=day(step.from_on),
        to_on=day(step.to_on - _ONE_DAY) if step.to_on and not overdue else "",
        dose=str(step.dose),
        in_words=doses.in_words(step.dose),
        units=capsules(row.units_per_night),
        current=current,
        standing="in force" if step.from_on <= today else "your first step",
    )


def _ending(intended: timeline.Timeline) -> str:
    last = intended[-1]
    if last.state is timeline.State.ENDED:
        return f"No dose from {day(last.from_on)} on."
    if last.state is timeline.State.REVIEW:
        return f"From {day(last.from_on)} on your clinic looks at how it went; the dose stays until then."
    return ""


@dataclass(frozen=True)
class Chart:
    """The drawing, its sentence, and the same nights in words, newest first."""

    drawing: str
    summary: str
    nights: tuple[tuple[str, str, str], ...]


def chart(
    *,
    logs: Sequence[Any],
    doses: Sequence[Any],
    prescriptions: Sequence[Prescription],
    since: date,
    today: date,
    lead_label: str,
) -> Chart | None:
    """The nights from the first told or planned one (not before `since`) to `today`; None where there is none yet."""
    nights = _chart_nights(logs, doses)
    bands = [
        band
        for prescription in prescriptions
        for band in _bands(timeline.unfold(courses.course_of(prescription)))
        if band.from_on <= today
    ]
    starts = [night.night for night in nights] + [band.from_on for band in bands]
    if not starts:
        return None
    aligned = series.align(nights, bands, max(since, min(*starts, today)), today)
    described = description.describe(aligned, title="Your nights", width=CHART_WIDTH, lead_label=lead_label)
    return Chart(
        # Safe: drawing escapes every word it is given.
        drawing=mark_safe(drawing.svg(described)),  # noqa: S308
        summary=series.summary(aligned),
        nights=tuple(
            (
                f"{night.night:%a} {night.night.day} {night.night:%b}",
                _dose_words(night),
                _night_words(night, lead_label),
            )
            for night in reversed(aligned.nights)
            if night is not None
        ),
    )


def _chart_nights(logs: Sequence[Any], doses: Sequence[Any]) -> list[series.Night]:
    logs_by_night = {log.night: log for log in logs}
    doses_by_night = {dose.plan_date: dose for dose in doses}
    return [
        _chart_night(night, logs_by_night.get(night), doses_by_night.get(night))
        for night in sorted({*logs_by_night, *doses_by_night})
    ]


def _chart_night(night: date, log: Any, dose: Any) -> series.Night:
    told: dict[str, Any] = {}
    if log is not None:
        told = {name: getattr(log, name) for name in _CHARTED}
        labels = items.side_effects()
        told["side_effects"] = tuple((labels.get(code, code), how) for code, how in log.side_effects.items())
    if dose is not None:
        told |= {"taken": dose.taken, "taken_mg": dose.taken_mg.mg if dose.taken_mg else None}
    return series.Night(night=night, **told)


def _bands(in_force: timeline.Timeline) -> Iterator[series.DoseBand]:
    for segment in in_force:
        yield series.DoseBand(
            segment.from_on, segment.to_on, segment.dose.mg if segment.dose else None, str(segment.state)
        )


def _short_day(on: date) -> str:
    return f"{on:%a} {on.day} {on:%b}"


def _dose_words(night: series.Night) -> str:
    match night.taken:
        case "taken":
            return str(Dose(night.taken_mg)) if night.taken_mg else "taken"
        case "skipped":
            return "skipped"
        case _:
            return "not told"


def _night_words(night: series.Night, lead_label: str) -> str:
    parts = [
        _part("slept", night.sleep_hours, " hours"),
        _part("upset by dreams", night.dream_distress, " of 10"),
        _part("pain", night.pain, " of 10"),
        _part("tiredness", night.fatigue, " of 10"),
        _part(lead_label.casefold(), night.lead_symptom, " of 10"),
        *(f"{label.casefold()} ({how})" for label, how in night.side_effects),
    ]
    return ", ".join(part for part in parts if part) or "not told"
