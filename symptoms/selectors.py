"""Questions about nights and doses. The caller has reached the patient by `patients.selectors.visible_to`."""

import functools
import json
import operator
import uuid
from collections import namedtuple
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import models
from django.db.models import F, Model, Q, Value
from django.db.models.functions import Cast

from common.dose import Dose
from patients import selectors as patients_selectors
from patients.models import Patient
from symptoms import condition_items, crisis
from symptoms.condition_items import ConditionItem
from symptoms.models import Assessment, CrisisChoice, DoseTaken, SymptomLog
from symptoms.rhythm import Given

NEAR = timedelta(days=6)
"""How far on either side of a night one looks for the answer to a weekly question."""


@dataclass(frozen=True)
class ToldNight:
    """One night with what was told of it; either half may be missing."""

    night: date
    log: SymptomLog | None
    dose: DoseTaken | None


def told_nights(patient: Patient, *, first: date, last: date) -> list[ToldNight]:
    """Every night from `first` to `last`, both included, oldest first, in two queries; untold ones are empty."""
    logs = {log.night: log for log in SymptomLog.objects.filter(patient=patient, night__range=(first, last))}
    doses = {dose.plan_date: dose for dose in DoseTaken.objects.filter(patient=patient, plan_date__range=(first, last))}
    nights = (date.fromordinal(day) for day in range(first.toordinal(), last.toordinal() + 1))
    return [ToldNight(night, logs.get(night), doses.get(night)) for night in nights]


def told_night(patient: Patient, night: date) -> ToldNight:
    """One night with what was told of it."""
    return told_nights(patient, first=night, last=night)[0]


def items_asked(patient: Patient, *, night: date) -> tuple[ConditionItem, ...]:
    """What this patient's conditions are asked of a night, in the order in which it is asked."""
    items = condition_items.of_conditions(patients_selectors.conditions_of_many([patient.id])[patient.id])
    if not any(item.weekly for item in items):
        return items
    near = (night - NEAR, night + NEAR)
    told = SymptomLog.objects.filter(patient=patient, night__range=near).values_list("night", "condition_answers")
    return condition_items.of_night(items, night, dict(told))


def last_taken(patient: Patient) -> DoseTaken | None:
    """The newest dose the patient told of as taken."""
    taken = DoseTaken.objects.filter(patient=patient, taken=DoseTaken.Taken.TAKEN)
    return taken.order_by("-plan_date", F("taken_at").desc(nulls_last=True)).first()


def versions_of(log: SymptomLog) -> list[tuple[datetime, SymptomLog]]:
    """Every version of a night as it was saved, oldest first, from the history the database keeps."""
    return [(event.recorded_at, event) for event in log.events.order_by("pgh_id")]


_LOG_COLUMNS = (
    "night",
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
    "other_medicines_answer",
    "other_medicines",
    "note",
    "told_by",
    "side_effects",
    "condition_answers",
)
_DOSE_COLUMNS = ("plan_date", "slot", "taken", "taken_at", "skipped_because", "taken_mg")
LogRow = namedtuple("LogRow", _LOG_COLUMNS)  # type: ignore[misc]
DoseRow = namedtuple("DoseRow", _DOSE_COLUMNS)  # type: ignore[misc]


def log_rows(patient: Patient, *, since: date | None = None) -> list[LogRow]:
    """The logs of a patient from a night on (None: all), oldest first, as named tuples of their columns.

    For pages that show years: a tuple costs a fraction of a model.
    """
    logs = SymptomLog.objects.filter(_since("night", since, ()), patient=patient)
    return [LogRow._make(row) for row in logs.order_by("night").values_list(*_LOG_COLUMNS)]


def dose_rows(patient: Patient, *, since: date | None = None) -> list[DoseRow]:
    """What became of the doses from a plan date on (None: all), oldest first, as named tuples of their columns."""
    doses = DoseTaken.objects.filter(_since("plan_date", since, ()), patient=patient)
    return [DoseRow._make(row) for row in doses.order_by("plan_date", "slot").values_list(*_DOSE_COLUMNS)]


Spans = Sequence[tuple[date, date]]
"""Stretches of dates, each from its first to its last."""


def _nulls(model: type[Model], columns: Iterable[str]) -> list[Value]:
    return [Value(None, output_field=model._meta.get_field(column)) for column in columns]  # noqa: SLF001


# The two halves of a union, each with NULL for the other's columns. Built once: building them costs more than asking.
# Codes with their answers, and amounts, come as text: few differ, so that each is read once and not once a night.
_TEXT = models.TextField()
_BY_CODE = ("side_effects", "condition_answers")
_LOGS = SymptomLog.objects.values_list(
    *_LOG_COLUMNS[: -len(_BY_CODE)],
    *(Cast(column, _TEXT) for column in _BY_CODE),
    *_nulls(DoseTaken, _DOSE_COLUMNS[1:-1]),
    Value(None, output_field=_TEXT),
)
_DOSES = DoseTaken.objects.values_list(
    "plan_date",
    *_nulls(SymptomLog, _LOG_COLUMNS[1 : -len(_BY_CODE)]),
    *(Value(None, output_field=_TEXT) for _ in _BY_CODE),
    *_DOSE_COLUMNS[1:-1],
    Cast("taken_mg", _TEXT),
)
_LOG_WIDTH = len(_LOG_COLUMNS)
_PLAIN = _LOG_WIDTH - len(_BY_CODE)
_TAKEN = _LOG_WIDTH + _DOSE_COLUMNS.index("taken") - 1


def told_rows(patient: Patient, *, since: date | None = None, also: Spans = ()) -> tuple[list[LogRow], list[DoseRow]]:
    """Logs and doses from a date on (None: all) and of stretches before it, oldest first, in one statement.

    A dose always says what became of it, and a log never does. Rows may share what they hold: they are to be read.
    """
    logs = _LOGS.filter(_since("night", since, also), patient=patient)
    doses = _DOSES.filter(_since("plan_date", since, also), patient=patient)
    by_code, amount = functools.cache(json.loads), functools.cache(_amount)
    told_logs: list[LogRow] = []
    told_doses: list[DoseRow] = []
    for row in logs.union(doses, all=True).order_by("night"):
        if row[_TAKEN] is None:
            told_logs.append(LogRow(*row[:_PLAIN], *map(by_code, row[_PLAIN:_LOG_WIDTH])))
        else:
            told_doses.append(DoseRow(row[0], *row[_LOG_WIDTH:-1], amount(row[-1])))
    return told_logs, told_doses


def _amount(milligrams: str | None) -> Dose | None:
    return None if milligrams is None else Dose.of(milligrams)


def _since(column: str, since: date | None, also: Spans) -> Q:
    if since is None:
        return Q()
    stretches = (Q(**{f"{column}__range": span}) for span in also)
    return functools.reduce(operator.or_, stretches, Q(**{f"{column}__gte": since}))


def assessments_of(patient: Patient) -> list[Assessment]:
    """Every questionnaire on record, newest first."""
    return list(Assessment.objects.filter(patient=patient).order_by("-on", "-at"))


def newest_assessments(patient_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, dict[str, Given]]:
    """The newest answers of each patient to each instrument, in one statement."""
    rows = (
        Assessment.objects.filter(patient__in=list(patient_ids))
        .order_by("patient_id", "instrument", "-on", "-at")
        .distinct("patient_id", "instrument")
        .values_list("patient_id", "instrument", "on", "score")
    )
    found: dict[uuid.UUID, dict[str, Given]] = {}
    for patient_id, instrument, on, score in rows:
        found.setdefault(patient_id, {})[instrument] = Given(on=on, score=score)
    return found


def given_on(patient: Patient, instrument: str, on: date) -> Assessment | None:
    """The newest answers to an instrument of that very day."""
    return Assessment.objects.filter(patient=patient, instrument=instrument, on=on).order_by("-at").first()


CRISIS_SHOWN = timedelta(days=14)
"""How long the crisis words stay on the patient's pages: as long as the questions look back (E3)."""


def crisis_words_for(patient: Patient, *, at: datetime) -> crisis.CrisisWords | None:
    """What to show to somebody whose newest PHQ-9, of the last two weeks, told of thoughts of death or self-harm."""
    newest = Assessment.objects.filter(patient=patient, instrument="phq-9").order_by("-on", "-at").first()
    if newest is None or not newest.item9 or newest.at < at - CRISIS_SHOWN:
        return None
    return crisis_words(patient.clinic_id)


def crisis_words(clinic_id: uuid.UUID) -> crisis.CrisisWords:
    """The crisis words with the numbers this clinic chose."""
    newest = crisis_choice(clinic_id)
    return crisis.words_for(newest.locale if newest else crisis.GENERAL)


def crisis_choice(clinic_id: uuid.UUID) -> CrisisChoice | None:
    """Which numbers the clinic chose, when and by whom; None before anybody did."""
    return CrisisChoice.objects.filter(clinic_id=clinic_id).order_by("-at").first()
