"""What the nights told of say to the gate and to the supply."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from common.dose import Dose
from common.night import Slot
from symptoms.scoring import counts_as_log
from titration.engine import gate, planner, timeline
from titration.engine.record import Due
from titration.engine.refusals import EngineRefusal
from titration.engine.timeline import Segment, State
from titration.replay.file import Log, Severity, Taken, lead_column

_ONE_DAY = timedelta(days=1)


class Diary:
    """The nights told of, by their date, and the reports of other medicines among them."""

    def __init__(self, logs: Sequence[Log]) -> None:
        self._by_night = {log.night: log for log in logs}
        self._lead = lead_column(logs)
        self._reports = [log for log in logs if log.reports_a_medicine]
        self.last = max(self._by_night, default=None)

    def facts(self, in_force: timeline.Timeline, due: Due, today: date) -> gate.Facts:
        """What the gate needs to know on a day, before its dose: of the last seven nights those at this dose."""
        current = timeline.segment_on(in_force, today)
        first = max(today - gate.WINDOW_NIGHTS * _ONE_DAY, _same_dose_since(in_force, current) or today)
        possible = [first + number * _ONE_DAY for number in range((today - first).days)]
        told = [self._by_night[night] for night in possible if night in self._by_night]
        evidence = [log for log in told if _is_evidence(log, self._lead)]
        last_nights = today - gate.SIDE_EFFECT_NIGHTS * _ONE_DAY
        return gate.Facts(
            due_on=due.on,
            today=today,
            held_until=timeline.held_until(in_force, today),
            ended=current is not None and current.state is State.ENDED,
            opioid_reported=any(_is_open(report, today) for report in self._reports),
            nights_logged=len(evidence),
            nights_possible=len(possible),
            nights_not_taken=sum(
                1 for log in told if log.taken is Taken.SKIPPED and timeline.dose_on(in_force, log.night) is not None
            ),
            moderate_side_effects_last_3=sum(1 for log in told if log.night >= last_nights and _hurts(log)),
        )


def _same_dose_since(in_force: timeline.Timeline, current: Segment | None) -> date | None:
    """The first day of the dose in force, held days and all; days without a dose begin it anew."""
    since = None
    for segment in in_force:
        if current is None or segment.from_on > current.from_on:
            break
        if (segment.dose, segment.rung) != (current.dose, current.rung):
            since = None
        elif since is None:
            since = segment.from_on
    return since


def _is_evidence(log: Log, lead: str) -> bool:
    taken = None if log.taken is None else log.taken.value
    return counts_as_log(taken=taken, sleep_hours=log.sleep_hours, lead_symptom=log.scale(lead))


def _hurts(log: Log) -> bool:
    return any(effect.severity is not Severity.MILD for effect in log.side_effects)


def _is_open(report: Log, today: date) -> bool:
    """Whether it was told by this day, and nobody had looked at it yet."""
    return report.night <= today and (report.reviewed_on is None or today < report.reviewed_on)


def taken(logs: Sequence[Log], schedule: timeline.Timeline, as_of: date) -> Iterator[tuple[date, tuple[Dose, ...]]]:
    """The doses really taken on each day told of up to `as_of`; a dose whose amount is not told is as scheduled."""
    for log in logs:
        if log.taken in (None, Taken.NOT_YET) or log.night > as_of:
            continue
        if log.taken is Taken.SKIPPED:
            yield log.night, ()
            continue
        segment = timeline.segment_on(schedule, log.night)
        dose = log.taken_mg or (segment.dose_on(log.night) if segment else None)
        yield log.night, night(log.night, dose, segment.time_of_day if segment else Slot.BEDTIME).doses


def night(on: date, dose: Dose | None, slot: Slot) -> planner.Night:
    """A day as what is taken on it; a dose that has no exact half was taken whole."""
    try:
        return planner.night(on, dose, slot.value)
    except EngineRefusal:
        return planner.Night(on, () if dose is None else (dose,))
