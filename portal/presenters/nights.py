"""The last nights in words, and what stands around the form of one."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from common import dose as doses
from common.dose import Dose
from common.night import night_of
from portal.presenters.days import evening, moment, night_name, night_span
from symptoms import condition_items, items
from symptoms.models import SymptomLog
from symptoms.selectors import ToldNight


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
    """Whether the patient said how the night was."""
    return one.log is not None and one.log.describes_the_night


def _told_words(one: ToldNight) -> str:
    if is_told(one):
        return "Told"
    return "Partly told" if one.dose is not None or one.log is not None else "Not told"


def night_to_tell(lines: Sequence[NightLine], zone: ZoneInfo, at: datetime) -> date | None:
    """The running night, once its sleeper may be up again and while it is untold; `lines` are newest first."""
    running = lines[0]
    return running.night if not running.told and evening(at, zone) > running.night else None


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


def versions(
    history: Sequence[tuple[datetime, SymptomLog]],
    zone: ZoneInfo,
    at: datetime,
    *,
    helpers: Mapping[uuid.UUID, str],
) -> list[Version]:
    """Newest first; `history` is oldest first. What a helper told carries their name."""
    found = []
    for saved_at, log in reversed(history):
        by = f" by {helpers[log.recorded_by_id]}" if log.recorded_by_id in helpers else ""
        found.append(Version(log.version, moment(saved_at, zone, at) + by, log_words(log)))
    return found


def log_words(log: SymptomLog) -> str:
    """A night in one line; what was not answered is left out."""
    parts = [
        part("slept", log.sleep_hours, " hours"),
        part("asleep after", log.latency_min, " min"),
        part("awake", log.awake_min, " min"),
        "woke once" if log.awakenings == 1 else part("woke", log.awakenings, " times"),
        part("sleep", items.quality().get(log.quality or 0, "").casefold() or None),
        part("dreams", _dreams(log)),
        part("upset by dreams", log.dream_distress, " of 10"),
        part("pain", log.pain, " of 10"),
        part("tiredness", log.fatigue, " of 10"),
        part("lead symptom", log.lead_symptom, " of 10"),
        *(f"{label.casefold()} ({how})" for label, how in items.labelled(log.side_effects)),
        *(f"{name.casefold()} {answer}" for name, answer in condition_items.labelled(log.condition_answers)),
        part("other medicine", log.get_other_medicines_answer_display().casefold() or None),
        log.other_medicines,
        "with a note" if log.note else "",
    ]
    return ", ".join(part for part in parts if part) or "nothing answered"


def _dreams(log: SymptomLog) -> str | None:
    return None if log.dream_vividness is None else items.dream_vividness()[log.dream_vividness].casefold()


def part(name: str, value: object, unit: str = "") -> str:
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
    log, awake_again = told.log, evening(at, zone) > night
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
