"""What a file says, once it has been read: every default filled in, nothing run yet."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from common.dose import Dose
from titration.engine.course import Change, Course
from titration.engine.formulation import Formulation
from titration.engine.stock import Fill
from titration.replay.known import Known

NEXT_RUNG = -1
"""The rung of an advance that names none: the one above the dose in force when it is recorded."""


class Mode(StrEnum):
    """Whether steps happen on their day or wait for a person."""

    PLANNED = "planned"
    CONFIRMED = "confirmed"


class Taken(StrEnum):
    """What became of a night's dose."""

    TAKEN = "taken"
    SKIPPED = "skipped"
    NOT_YET = "not yet"


class Severity(StrEnum):
    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"


@dataclass(frozen=True, slots=True)
class SideEffect:
    name: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Recorded:
    """When a change was recorded, and whether as a correction of the past."""

    on: date
    correction: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """A change, and what was written about it.

    `change` takes back by the place in the file, not in the course; `refusal` is the engine's sentence about one that
    cannot even be said, such as a hold of no days.
    """

    index: int
    recorded_on: date | None
    change: Change | None
    refusal: str = ""
    reason: str = ""
    correction: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A night as it was told. `taken_mg` None: as the schedule says. Scales and minutes are kept as they were read.

    `measures` are what only some conditions are asked, by name. `reviewed_on` is the day somebody answered what it
    tells of other medicines, `answered_on` the day somebody settled its signs, or the gap that it belongs to, and
    `clarified_on` the day somebody found out what was really taken, of this night as it is told.
    """

    night: date
    taken: Taken | None = None
    taken_mg: Dose | None = None
    taken_at: str = ""
    sleep_hours: Decimal | None = None
    scales: tuple[tuple[str, int | Decimal], ...] = ()
    side_effects: tuple[SideEffect, ...] = ()
    other_medicines: str = ""
    reviewed_on: date | None = None
    answered_on: date | None = None
    clarified_on: date | None = None
    skipped_because: str = ""
    menstruating: bool | None = None
    measures: tuple[tuple[str, Decimal], ...] = ()

    def scale(self, name: str) -> int | Decimal | None:
        return dict(self.scales).get(name)

    @property
    def reports_a_medicine(self) -> bool:
        """Whether another medicine was told of, by name or by any answer but no."""
        return self.other_medicines.lower() not in ("", "no", "none")


def lead_column(logs: Iterable[Log]) -> str:
    """The scale that stands for the lead symptom: its own, or pain or fatigue where a file tells that one alone."""
    told = {name for log in logs for name, _ in log.scales}
    return next((name for name in ("lead_symptom", "pain", "fatigue") if name in told), "lead_symptom")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What is known of whoever takes it. `born` is a date, or a year alone where the file was de-identified."""

    born: str = ""
    weight_kg: Decimal | None = None
    conditions: tuple[str, ...] = ()
    medicines: tuple[str, ...] = ()
    sex: str = ""
    weighed_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A course that begins, what was decided since, what was dispensed and what was told."""

    zone: ZoneInfo
    course: Course
    formulation: Formulation | None = None
    patient: Patient = field(default_factory=Patient)
    mode: Mode = Mode.PLANNED
    gate: bool = False
    history_until: date | None = None
    changes: tuple[Told, ...] = ()
    fills: tuple[Fill, ...] = ()
    logs: tuple[Log, ...] = ()
    known: Known = field(default_factory=Known)
