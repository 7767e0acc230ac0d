"""Which rows leave: one tidy row for each patient and night, what was planned beside what was taken, never mixed.

A patient's nights run without a gap from the first planned or recorded one to the last: the last night that is over, as
long as a dose is planned, or the last one recorded. A night nobody told of is there, its `taken` says "missing" and its
answers are blank; blank never means zero. Should both a bedtime and a morning dose be recorded for one night, each has
its row and the night's answers stand on the first.

The tables are read as tuples, past the selectors of the storeys that keep them: objects made for pages would cost six
times as much. Each table is one statement in the order of the patients' ids, so that neither statements nor memory grow
with the rows.
"""

import uuid
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import DateField, DurationField, ExpressionWrapper, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, Greatest, Least

from accounts.actors import Actor
from common import night as night_clock
from exports.writers.csv import Cell
from patients import conditions
from patients import selectors as patients_selectors
from patients.models import Patient, PatientCondition
from symptoms import condition_items, items
from symptoms.models import DoseTaken, SymptomLog
from titration.models import Step

COLUMNS = (
    "export_id",
    "clinic_record_number",
    "patient_id",
    "night",
    "zone",
    "planned_mg",
    "planned_state",
    "slot",
    "taken",
    "taken_mg",
    "taken_at",
    "skipped_because",
    "sleep_hours",
    "latency_min",
    "awake_min",
    "awakenings",
    "quality",
    "dream_vividness",
    "dream_distress",
    "pain",
    "fatigue",
    "lead_symptom",
    "lead_symptom_name",
    "side_effects",
    "other_medicines_answer",
    "other_medicines",
    "note",
    "logged_at",
    "told_by",
    "condition_answers",
)
PATIENT_ID = COLUMNS.index("patient_id")
CHUNK = 1000
"""Rows fetched, and written, at a time."""

MISSING = "missing"
NONE_TICKED = "none"
"""The night was logged and no side effect ticked; a blank says that it was not logged."""

Row = tuple[Cell, ...]
Tuples = Iterator[tuple[Any, ...]]

_SLOTS = {slot.value: slot for slot in night_clock.Slot}


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The nights of one patient, or of all that `owner` may see, as they stand at a moment."""

    export_id: uuid.UUID
    owner: Actor
    patient_id: uuid.UUID | None
    at: datetime

    @property
    def people(self) -> QuerySet[Patient]:
        seen = patients_selectors.visible_to(self.owner).using(settings.EXPORT_DATABASE)
        return seen.filter(id=self.patient_id) if self.patient_id else seen

    def rows_of(self, table: QuerySet[Any]) -> QuerySet[Any]:
        """What a clinical table holds of this clinic, or of the one patient."""
        narrowed = table.using(settings.EXPORT_DATABASE).filter(clinic_id=self.owner.clinic_id)
        return narrowed.filter(patient_id=self.patient_id) if self.patient_id else narrowed


@dataclass(frozen=True, slots=True)
class Person:
    """What is the same on every row of a patient."""

    id: uuid.UUID
    record_number: str
    zone: ZoneInfo
    lead_symptom_name: str


@dataclass(frozen=True, slots=True)
class Planned:
    """A segment in force: `from_on` up to and without `to_on` (None, no end), without milligrams once ended."""

    from_on: date
    to_on: date | None
    mg: Cell
    state: str
    slot: str


def rows(selection: Selection) -> Generator[Row]:
    """The rows in the order of patient and night, each as long as `COLUMNS`. Close it to let the database go."""
    export_id = str(selection.export_id)
    with ExitStack() as opened:
        people, *tables = (
            opened.enter_context(closing(read(selection)))  # type: ignore[type-var]
            for read in (_people, _steps, _doses, _logs)
        )
        steps, doses, logs = map(_ByPatient, tables)
        for patient_id, record_number, zone_name, condition in people:
            zone = ZoneInfo(zone_name)
            lead_symptom_name = conditions.lead_symptom([condition] if condition else [])
            person = Person(patient_id, record_number, zone, lead_symptom_name)
            planned = [
                Planned(from_on, to_on, dose and dose.mg, state, slot)
                for _, from_on, to_on, dose, state, slot in steps.of(patient_id)
            ]
            over = night_clock.night_of(selection.at, zone) - timedelta(days=1)
            yield from patient_rows(person, planned, doses.of(patient_id), logs.of(patient_id), over, export_id)


def patient_rows(
    person: Person,
    planned: Sequence[Planned],
    doses: Sequence[tuple[Any, ...]],
    logs: Sequence[tuple[Any, ...]],
    over: date,
    export_id: str,
) -> Iterator[Row]:
    """One patient's rows. `over` is the last night that has ended where they live."""
    doses_by_night: dict[int, list[tuple[Any, ...]]] = {}
    for dose in doses:
        night = night_clock.night_of_dose(dose[1], _SLOTS[dose[2]])
        doses_by_night.setdefault(night.toordinal(), []).append(dose)
    log_by_night = {log[1].toordinal(): log for log in logs}
    recorded = (*doses_by_night, *log_by_night)
    plan = plan_by_night(planned, max((over.toordinal(), *recorded)))
    patient_id, zone_name = str(person.id), person.zone.key
    for ordinal in span(plan, recorded, over.toordinal()):
        step = plan.get(ordinal)
        head = (export_id, person.record_number, patient_id, date.fromordinal(ordinal), zone_name)
        intended = (step.mg, step.state) if step else (None, None)
        told = _told(person, log_by_night.get(ordinal))
        for record in doses_by_night.get(ordinal, (None,)):
            yield (*head, *intended, *_taken(person, step, record), *told)
            told = _told(person, None)


def plan_by_night(planned: Sequence[Planned], until: int) -> dict[int, Planned]:
    """What is in force on each night up to `until`, by the nights' ordinals.

    Of segments that overlap, as when one course ended and another began, the later holds, and one with a dose before
    one without.
    """
    plan: dict[int, Planned] = {}
    for step in sorted(planned, key=lambda step: (step.from_on, step.mg is not None)):
        end = min(step.to_on.toordinal() if step.to_on else until + 1, until + 1)
        plan.update(dict.fromkeys(range(step.from_on.toordinal(), end), step))
    return plan


def span(plan: dict[int, Planned], recorded: Iterable[int], over: int) -> range:
    """The nights to write: from the first with a planned dose, if it is over, or a record, to the last such."""
    told = [*recorded, *(night for night, step in plan.items() if step.mg is not None and night <= over)]
    return range(min(told), max(told) + 1) if told else range(0)


def expected(selection: Selection) -> int:
    """How many rows to expect, for the progress bar, in one statement: off by at most two nights a patient."""
    running = night_clock.night_of(selection.at, ZoneInfo("UTC"))
    of_patient = {"patient": OuterRef("pk")}
    planned = Step.objects.filter(**of_patient, dose__isnull=False, from_on__lt=running)
    logs, doses = SymptomLog.objects.filter(**of_patient), DoseTaken.objects.filter(**of_patient)
    ends = planned.annotate(end=Least(Coalesce("to_on", running), running, output_field=DateField()))
    spans = selection.people.annotate(
        first=Least(_edge(planned, "from_on"), _edge(logs, "night"), _edge(doses, "plan_date")),
        last=Greatest(_edge(ends, "-end"), _edge(logs, "-night"), _edge(doses, "-plan_date")),
    )
    days = ExpressionWrapper(F("last") - F("first"), output_field=DurationField())
    found: timedelta | None = spans.aggregate(days=Sum(days))["days"]
    return found.days if found else 0


def _edge(table: QuerySet[Any], order: str) -> Subquery:
    return Subquery(table.order_by(order).values(order.removeprefix("-"))[:1], output_field=DateField())


def _people(selection: Selection) -> Tuples:
    listed = PatientCondition.objects.filter(patient=OuterRef("pk"), code__in=conditions.all_conditions())
    first_condition = listed.order_by("position").values("code")[:1]
    people = selection.people.order_by("id").annotate(condition=Subquery(first_condition))
    return people.values_list("id", "record_number", "zone_name", "condition").iterator(CHUNK)


def _steps(selection: Selection) -> Tuples:
    steps = selection.rows_of(Step.objects.all()).order_by("patient_id", "from_on")
    return steps.values_list("patient_id", "from_on", "to_on", "dose", "state", "time_of_day").iterator(CHUNK)


def _doses(selection: Selection) -> Tuples:
    doses = selection.rows_of(DoseTaken.objects.all()).order_by("patient_id", "plan_date", "slot")
    columns = ("patient_id", "plan_date", "slot", "taken", "taken_mg", "taken_at", "skipped_because")
    return doses.values_list(*columns).iterator(CHUNK)


def _logs(selection: Selection) -> Tuples:
    answers = COLUMNS[COLUMNS.index("sleep_hours") : COLUMNS.index("lead_symptom") + 1]
    words = ("side_effects", "other_medicines_answer", "other_medicines", "note", "recorded_at", "told_by")
    by_condition = ("condition_answers",)
    logs = selection.rows_of(SymptomLog.objects.all()).order_by("patient_id", "night")
    return logs.values_list("patient_id", "night", *answers, *words, *by_condition).iterator(CHUNK)


def _taken(person: Person, step: Planned | None, dose: tuple[Any, ...] | None) -> Row:
    """slot, taken, taken_mg, taken_at, skipped_because"""
    if dose is None:
        return (step.slot if step else None, MISSING, None, None, None)
    _, _, slot, taken, amount, taken_at, skipped_because = dose
    return (slot, taken, amount and amount.mg, taken_at and taken_at.astimezone(person.zone), skipped_because)


def _told(person: Person, log: tuple[Any, ...] | None) -> Row:
    """sleep_hours to condition_answers"""
    if log is None:
        return (*(None,) * 10, person.lead_symptom_name, *(None,) * 7)
    side_effects, answer, medicines, note, recorded_at, told_by, of_conditions = log[12:]
    logged_at = recorded_at.astimezone(person.zone)
    words = (_ticked(side_effects), answer, medicines, note, logged_at, told_by)
    return (*log[2:12], person.lead_symptom_name, *words, _by_code(of_conditions))


def _by_code(told: dict[str, int]) -> str | None:
    """Code and number in the order in which they are asked, "blood:1|night_stools:2"; blank where none was told."""
    if not told:
        return None
    place = list(condition_items.all_items())
    known = sorted(told, key=lambda code: (place.index(code) if code in place else len(place), code))
    return "|".join(f"{code}:{told[code]}" for code in known)


def _ticked(side_effects: dict[str, str]) -> str:
    """Code and severity in the order of the pick list: "vivid_dreams:mild|headache:moderate"."""
    if not side_effects:
        return NONE_TICKED
    if len(side_effects) == 1:
        return ":".join(*side_effects.items())
    place = _places()
    known = sorted(side_effects, key=lambda code: (place.get(code, len(place)), code))
    return "|".join(f"{code}:{side_effects[code]}" for code in known)


@cache
def _places() -> dict[str, int]:
    return {code: place for place, code in enumerate(items.signs())}


class _ByPatient:
    """Tuples that lead with a patient's id and are ordered by it, handed out patient by patient, going forward only."""

    def __init__(self, tuples: Tuples) -> None:
        self._groups = groupby(tuples, key=itemgetter(0))
        self._head: tuple[uuid.UUID, Iterator[tuple[Any, ...]]] | None = next(self._groups, None)

    def of(self, patient_id: uuid.UUID) -> list[tuple[Any, ...]]:
        """This patient's tuples; those of ids before it are passed over."""
        while self._head is not None and self._head[0] < patient_id:
            self._head = next(self._groups, None)
        if self._head is None or self._head[0] != patient_id:
            return []
        found = list(self._head[1])
        self._head = next(self._groups, None)
        return found
